/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests in process, through the whole pipeline into a durable store: bench-kube-requests [FOLDER]. Rates and latencies for 1, 16 and 64 requests under way, the time
 * from a write to its watch, from a new cluster to its first object, and from a pod's creation to Running on a simulated node. */
#include <kube/kube-cluster.h>
#include <kube/kube-informer.h>
#include <kube/kube-watch.h>

#include <stdlib.h>

typedef struct {
  KubeClient *client;
  GMainLoop *loop;
  KubeRequest *(*make) (guint i);
  guint next, n, running, base;
  GArray *latencies; /* us */
} Load;

typedef struct {
  Load *load;
  gint64 began;
} One;

static char *
name_of (guint i)
{
  return g_strdup_printf ("pod-%06u", i);
}

static KubeRequest *
request_for (KubeVerb verb, guint i)
{
  g_autofree char *name = name_of (i);

  return kube_request_new (verb, KUBE_KIND ("v1", "Pod"), "default", name);
}

static KubeRequest *
make_create (guint i)
{
  g_autofree char *text = g_strdup_printf (
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"pod-%06u\",\"namespace\":\"default\",\"labels\":{\"app\":\"load\",\"tier\":\"backend\"}},"
    "\"spec\":{\"schedulerName\":\"nobody\",\"automountServiceAccountToken\":false,\"containers\":[{\"name\":\"main\",\"image\":\"registry.example/app:1.2.3\","
    "\"args\":[\"--listen=:8080\"],\"env\":[{\"name\":\"POD_NAME\",\"valueFrom\":{\"fieldRef\":{\"fieldPath\":\"metadata.name\"}}}],"
    "\"ports\":[{\"name\":\"http\",\"containerPort\":8080}],\"resources\":{\"requests\":{\"cpu\":\"100m\",\"memory\":\"64Mi\"}},"
    "\"livenessProbe\":{\"httpGet\":{\"path\":\"/healthz\",\"port\":\"http\"}},\"readinessProbe\":{\"httpGet\":{\"path\":\"/ready\",\"port\":\"http\"}}}]}}",
    i);
  g_autoptr (KubeObject) pod = kube_object_parse (text, -1, NULL);
  KubeRequest *request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND ("v1", "Pod"), "default", NULL);

  kube_request_set_object (request, pod);
  return request;
}

static KubeRequest *
make_get (guint i)
{
  return request_for (KUBE_VERB_GET, i);
}

static KubeRequest *
make_patch (guint i)
{
  KubeRequest *request = request_for (KUBE_VERB_PATCH, i);
  g_autofree char *text = g_strdup_printf ("{\"metadata\":{\"annotations\":{\"touched\":\"%" G_GINT64_FORMAT "\"}}}", g_get_monotonic_time ());
  g_autoptr (KubeValue) patch = kube_value_parse (text, -1, NULL);

  kube_request_set_patch (request, KUBE_PATCH_MERGE, patch);
  return request;
}

static KubeRequest *
make_status (guint i)
{
  KubeRequest *request = request_for (KUBE_VERB_PATCH, i);
  g_autofree char *text = g_strdup_printf ("{\"status\":{\"phase\":\"Running\",\"message\":\"%" G_GINT64_FORMAT "\"}}", g_get_monotonic_time ());
  g_autoptr (KubeValue) patch = kube_value_parse (text, -1, NULL);

  kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, patch);
  kube_request_set_subresource (request, "status");
  return request;
}

static KubeRequest *
make_delete (guint i)
{
  KubeRequest *request = request_for (KUBE_VERB_DELETE, i);

  kube_request_set_delete_options (request, 0, NULL, NULL, NULL);
  return request;
}

static void begin_one (Load *load);

static void
on_answered (GObject *source, GAsyncResult *result, gpointer user_data)
{
  One *one = user_data;
  Load *load = one->load;
  guint latency = (guint) (g_get_monotonic_time () - one->began);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (response == NULL)
    g_error ("%s", error->message);
  g_array_append_val (load->latencies, latency);
  g_free (one);
  load->running--;
  begin_one (load);
  if (load->running == 0)
    g_main_loop_quit (load->loop);
}

static void
begin_one (Load *load)
{
  One *one;
  g_autoptr (KubeRequest) request = NULL;

  if (load->next == load->n)
    return;
  one = g_new (One, 1);
  *one = (One) { load, g_get_monotonic_time () };
  request = load->make (load->base + load->next++);
  load->running++;
  kube_client_send_async (load->client, request, NULL, on_answered, one);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return (*(const guint *) a > *(const guint *) b) - (*(const guint *) a < *(const guint *) b);
}

static void
print_latencies (const char *what, GArray *latencies, double seconds)
{
  g_array_sort (latencies, compare);
  g_print ("%s: ", what);
  if (seconds > 0)
    g_print ("%.0f/s, ", latencies->len / seconds);
  g_print ("p50 %.3f ms, p99 %.3f ms\n", g_array_index (latencies, guint, latencies->len / 2) / 1e3,
           g_array_index (latencies, guint, latencies->len * 99 / 100) / 1e3);
}

static void
bench_rates (KubeClient *client, guint clients, guint base, guint n)
{
  static const struct {
    const char *name;
    KubeRequest *(*make) (guint i);
  } verbs[] = { { "create", make_create }, { "get", make_get }, { "merge patch", make_patch }, { "status patch", make_status }, { "delete", make_delete } };

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
    g_autoptr (GArray) latencies = g_array_new (FALSE, FALSE, sizeof (guint));
    g_autofree char *what = g_strdup_printf ("%s, %u at once", verbs[i].name, clients);
    Load load = { .client = client, .loop = loop, .make = verbs[i].make, .n = n, .base = base, .latencies = latencies };
    gint64 began = g_get_monotonic_time ();

    for (guint j = 0; j < clients; j++)
      begin_one (&load);
    if (load.running > 0)
      g_main_loop_run (loop);
    print_latencies (what, latencies, (g_get_monotonic_time () - began) / 1e6);
  }
}

static void
bench_list (KubeClient *client, guint n)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GArray) latencies = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (KubeObjectList) list = NULL;
  Load load = { .client = client, .loop = loop, .make = make_create, .n = n, .base = 500000, .latencies = latencies };
  gint64 began;

  for (guint j = 0; j < 64; j++)
    begin_one (&load);
  g_main_loop_run (loop);
  began = g_get_monotonic_time ();
  list = kube_client_list (client, KUBE_KIND ("v1", "Pod"), NULL, NULL, NULL);
  g_print ("list of %u pods: %.1f ms\n", kube_object_list_get_length (list), (g_get_monotonic_time () - began) / 1e3);
}

typedef struct {
  guint seen;
  gint64 at;
} Seen;

static void
on_event (KubeWatch *watch, KubeWatchEventType type, KubeObject *object, Seen *seen)
{
  seen->seen++;
  seen->at = g_get_monotonic_time ();
}

static void
bench_watch (KubeClient *client)
{
  g_autoptr (GArray) latencies = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_WATCH, KUBE_KIND ("v1", "Pod"), "default", NULL);
  g_autoptr (KubeWatch) watch = NULL;
  Seen seen = { 0 };

  kube_request_set_option (request, "labelSelector", "app=load");
  watch = kube_client_watch (client, request);
  g_signal_connect (watch, "event", G_CALLBACK (on_event), &seen);
  kube_watch_start (watch);
  for (guint i = 0; i < 500; i++) {
    g_autoptr (KubeRequest) patch = make_patch (500000);
    guint before = seen.seen, latency;
    gint64 began = g_get_monotonic_time ();

    kube_client_send_async (client, patch, NULL, NULL, NULL);
    while (seen.seen == before)
      g_main_context_iteration (NULL, TRUE);
    latency = (guint) (seen.at - began);
    if (i >= 50)
      g_array_append_val (latencies, latency);
  }
  kube_watch_stop (watch);
  print_latencies ("a write to its watch", latencies, 0);
}

static void
bench_new_cluster (void)
{
  g_autoptr (GArray) latencies = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < 10; i++) {
    gint64 began = g_get_monotonic_time ();
    g_autoptr (KubeCluster) cluster = kube_cluster_new (NULL, NULL);
    g_autoptr (KubeObject) map = kube_object_parse ("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\",\"namespace\":\"default\"}}", -1, NULL);
    g_autoptr (KubeObject) made = kube_client_create (kube_cluster_get_client (cluster), map, NULL);
    guint latency = (guint) (g_get_monotonic_time () - began);

    g_assert (made != NULL);
    g_array_append_val (latencies, latency);
    kube_cluster_stop (cluster);
  }
  print_latencies ("a new cluster in memory to its first object", latencies, 0);
}

/* Pods need it; the controller that makes it may not be there, or late. */
static void
make_account (KubeClient *client)
{
  g_autoptr (KubeObject) account = kube_object_parse ("{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"default\",\"namespace\":\"default\"}}", -1, NULL);
  g_autoptr (KubeObject) made = kube_client_create (client, account, NULL);
}

static void
on_pod (KubeInformer *informer, KubeObject *old, KubeObject *pod, Seen *seen)
{
  if (g_strcmp0 (kube_object_get_string (pod, "status.phase"), "Running") == 0 && g_strcmp0 (kube_object_get_string (old, "status.phase"), "Running") != 0) {
    seen->seen++;
    seen->at = g_get_monotonic_time ();
  }
}

static KubeRequest *
make_running (guint i)
{
  g_autofree char *text = g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"run-%u\",\"namespace\":\"default\"},"
                                           "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"localhost/web:1\",\"imagePullPolicy\":\"Never\"}]}}", i);
  g_autoptr (KubeObject) pod = kube_object_parse (text, -1, NULL);
  KubeRequest *request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND ("v1", "Pod"), "default", NULL);

  kube_request_set_object (request, pod);
  return request;
}

static void
bench_running (const char *folder)
{
  const KubeClusterOptions options = { .data_dir = folder };
  g_autoptr (GArray) latencies = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr (KubeCluster) cluster = kube_cluster_new (&options, NULL);
  KubeClient *client = kube_cluster_get_client (cluster);
  g_autoptr (KubeInformer) informer = kube_informer_new (client, KUBE_KIND ("v1", "Pod"), "default");
  Seen seen = { 0 };

  make_account (client);
  g_signal_connect (informer, "updated", G_CALLBACK (on_pod), &seen);
  kube_informer_start (informer);
  while (!kube_informer_is_synced (informer))
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < 100; i++) {
    g_autoptr (KubeRequest) request = make_running (i);
    guint before = seen.seen, latency;
    gint64 began = g_get_monotonic_time ();

    kube_client_send_async (client, request, NULL, NULL, NULL);
    while (seen.seen == before)
      g_main_context_iteration (NULL, TRUE);
    latency = (guint) (seen.at - began);
    if (i > 0)
      g_array_append_val (latencies, latency);
  }
  print_latencies ("creation to Running on a simulated node", latencies, 0);
  kube_informer_stop (informer);
  kube_cluster_stop (cluster);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = argc > 1 ? g_strdup (argv[1]) : g_dir_make_tmp ("bench-kube-requests-XXXXXX", NULL);
  g_autofree char *rates = g_build_filename (folder, "rates", NULL), *running = g_build_filename (folder, "running", NULL);
  static const char *const disabled[] = { "kube-controller-manager", "kube-scheduler", "kubelet", NULL };
  const KubeClusterOptions options = { .data_dir = rates, .disabled = disabled };
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeCluster) cluster = NULL;

  bench_new_cluster ();
  cluster = kube_cluster_new (&options, &error);
  if (cluster == NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  make_account (kube_cluster_get_client (cluster));
  bench_rates (kube_cluster_get_client (cluster), 1, 0, 3000);
  bench_rates (kube_cluster_get_client (cluster), 16, 100000, 10000);
  bench_rates (kube_cluster_get_client (cluster), 64, 200000, 20000);
  bench_list (kube_cluster_get_client (cluster), 23000);
  bench_watch (kube_cluster_get_client (cluster));
  kube_cluster_stop (cluster);
  bench_running (running);
  return 0;
}
