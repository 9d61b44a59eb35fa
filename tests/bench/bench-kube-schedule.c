/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the first request to the last binding, in one process, with a durable store: bench-kube-schedule [FOLDER [NODES PODS]]. */
#include <kube/kube-cluster.h>
#include <kube/kube-informer.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WRITERS 64

typedef struct {
  KubeClient *client;
  GMainLoop *loop;
  KubeKind *kind;
  const char *namespace_;
  char *(*make) (guint i);
  guint next, n, done, bound;
  gboolean wait_for_bindings;
  KubeValue *patch; /* (nullable): of nodes, instead of making them */
} Load;

static void create_next (Load *load);

static void
end_when_done (Load *load)
{
  if (load->done == load->n && (!load->wait_for_bindings || load->bound == load->n))
    g_main_loop_quit (load->loop);
}

static void
on_created (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Load *load = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (response == NULL)
    g_error ("%s", error->message);
  load->done++;
  create_next (load);
  end_when_done (load);
}

static void
create_next (Load *load)
{
  g_autoptr (KubeRequest) request = NULL;
  g_autoptr (KubeObject) object = NULL;
  g_autofree char *text = NULL;

  if (load->next == load->n)
    return;
  if (load->patch != NULL) {
    text = g_strdup_printf ("n-%u", load->next++);
    request = kube_request_new (KUBE_VERB_PATCH, load->kind, NULL, text);
    kube_request_set_patch (request, KUBE_PATCH_MERGE, load->patch);
  } else {
    text = load->make (load->next++);
    object = kube_object_parse (text, -1, NULL);
    request = kube_request_new (KUBE_VERB_CREATE, load->kind, load->namespace_, NULL);
    kube_request_set_object (request, object);
  }
  kube_client_send_async (load->client, request, NULL, on_created, load);
}

static char *
make_node (guint i)
{
  return g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n-%u\",\"labels\":{\"kubernetes.io/hostname\":\"n-%u\"}},"
                          "\"status\":{\"allocatable\":{\"cpu\":\"32\",\"memory\":\"128Gi\",\"pods\":\"110\"},\"capacity\":{\"cpu\":\"32\",\"memory\":\"128Gi\","
                          "\"pods\":\"110\"},\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\",\"reason\":\"KubeletReady\",\"message\":\"ready\"}]}}",
                          i, i);
}

static char *
make_pod (guint i)
{
  return g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p-%u\",\"namespace\":\"default\",\"labels\":{\"app\":\"web\"}},"
                          "\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"registry/web:1\",\"resources\":{\"requests\":{\"cpu\":\"100m\",\"memory\":\"128Mi\"}}}]}}",
                          i);
}

static void
on_updated (KubeInformer *informer, KubeObject *old, KubeObject *object, Load *load)
{
  if (kube_object_get_string (old, "spec.nodeName") == NULL && kube_object_get_string (object, "spec.nodeName") != NULL) {
    load->bound++;
    end_when_done (load);
  }
}

static double
run (Load *load)
{
  gint64 began = g_get_monotonic_time ();

  for (guint i = 0; i < WRITERS; i++)
    create_next (load);
  g_main_loop_run (load->loop);
  return (g_get_monotonic_time () - began) / 1e6;
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = argc > 1 ? g_strdup (argv[1]) : g_dir_make_tmp ("bench-kube-schedule-XXXXXX", NULL);
  guint n_nodes = argc > 3 ? (guint) atoi (argv[2]) : 1000, n_pods = argc > 3 ? (guint) atoi (argv[3]) : 5000;
  static const char *const disabled[] = { "kube-controller-manager", "kubelet", NULL };
  const KubeClusterOptions options = { .data_dir = folder, .disabled = disabled };
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeCluster) cluster = kube_cluster_new (&options, &error);
  g_autoptr (KubeInformer) informer = NULL;
  g_autoptr (KubeObject) account = NULL;
  g_autoptr (KubeValue) untaint = kube_value_parse ("{\"spec\":{\"taints\":null}}", -1, NULL);
  clock_t used;
  double seconds;

  if (cluster == NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  account = kube_object_parse ("{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"default\",\"namespace\":\"default\"}}", -1, NULL);
  g_autoptr (KubeObject) made = kube_client_create (kube_cluster_get_client (cluster), account, NULL);

  Load load = { .client = kube_cluster_get_client (cluster), .loop = g_main_loop_new (NULL, FALSE), .kind = KUBE_KIND ("v1", "Node"), .make = make_node,
                .n = n_nodes };
  seconds = run (&load);
  g_print ("%u nodes created: %.0f/s\n", n_nodes, n_nodes / seconds);

  /* A new node is tainted until its node controller has seen it ready; there is none here. */
  load = (Load) { .client = load.client, .loop = load.loop, .kind = load.kind, .n = n_nodes, .patch = untaint };
  run (&load);

  load = (Load) { .client = load.client, .loop = load.loop, .kind = KUBE_KIND ("v1", "Pod"), .namespace_ = "default", .make = make_pod, .n = n_pods,
                  .wait_for_bindings = TRUE };
  informer = kube_informer_new (load.client, load.kind, NULL);
  g_signal_connect (informer, "updated", G_CALLBACK (on_updated), &load);
  kube_informer_start (informer);
  while (!kube_informer_is_synced (informer))
    g_main_context_iteration (NULL, TRUE);
  used = clock ();
  seconds = run (&load);
  g_print ("%u pods created and bound on %u nodes: %.2f s, %.0f/s; %.2f s of CPU\n", n_pods, n_nodes, seconds, n_pods / seconds,
           (double) (clock () - used) / CLOCKS_PER_SEC);
  kube_informer_stop (informer);
  kube_cluster_stop (cluster);
  return 0;
}
