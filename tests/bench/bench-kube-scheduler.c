/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many pods a second the scheduler places by itself: it watches an API server that is only a table and answers at once. What a real
 * server and its disk add is measured by the cluster's benchmark. */
#include <kube/kube-scheduler.h>

#include <string.h>
#include <time.h>

#define TYPE_TABLE_WATCH (table_watch_get_type ())
G_DECLARE_FINAL_TYPE (TableWatch, table_watch, TABLE, WATCH, KubeWatch)

struct _TableWatch {
  KubeWatch parent_instance;
};

G_DEFINE_FINAL_TYPE (TableWatch, table_watch, KUBE_TYPE_WATCH)

static void
table_watch_start (KubeWatch *watch)
{
}

static void
table_watch_class_init (TableWatchClass *klass)
{
  KUBE_WATCH_CLASS (klass)->start = table_watch_start;
  KUBE_WATCH_CLASS (klass)->stop = table_watch_start;
}

static void
table_watch_init (TableWatch *watch)
{
}

#define TYPE_TABLE_CLIENT (table_client_get_type ())
G_DECLARE_FINAL_TYPE (TableClient, table_client, TABLE, CLIENT, GObject)

struct _TableClient {
  GObject parent_instance;
  GPtrArray *nodes;
  GHashTable *pods; /* (element-type utf8 KubeObject): by name */
  KubeWatch *pod_watch;
  guint n_bound, n_wanted, n_other;
  guint64 revision;
  GMainLoop *loop;
};

static void table_client_iface_init (KubeClientInterface *iface);
G_DEFINE_FINAL_TYPE_WITH_CODE (TableClient, table_client, G_TYPE_OBJECT, G_IMPLEMENT_INTERFACE (KUBE_TYPE_CLIENT, table_client_iface_init))

static void
bind_pod (TableClient *self, KubeRequest *request)
{
  KubeObject *pod = g_hash_table_lookup (self->pods, kube_request_get_name (request));
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (pod));
  KubeNode *root = kube_builder_get_root (builder);
  g_autofree char *revision = g_strdup_printf ("%" G_GUINT64_FORMAT, ++self->revision);
  g_autoptr (KubeValue) value = NULL;
  g_autoptr (KubeObject) bound = NULL;

  kube_node_set_string (root, "spec.nodeName", kube_object_get_string (kube_request_get_object (request), "target.name"));
  kube_node_set_string (root, "metadata.resourceVersion", revision);
  value = kube_builder_end (builder);
  bound = kube_object_new (value);
  kube_watch_emit (self->pod_watch, KUBE_WATCH_MODIFIED, bound);
  if (++self->n_bound == self->n_wanted)
    g_main_loop_quit (self->loop);
}

static KubeResponse *
list (TableClient *self, const char *plural)
{
  GPtrArray *objects = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  g_autoptr (KubeObjectList) made = NULL;
  GHashTableIter iter;
  gpointer pod;

  if (strcmp (plural, "nodes") == 0) {
    for (guint i = 0; i < self->nodes->len; i++)
      g_ptr_array_add (objects, kube_object_ref (self->nodes->pdata[i]));
  } else if (strcmp (plural, "pods") == 0) {
    g_hash_table_iter_init (&iter, self->pods);
    while (g_hash_table_iter_next (&iter, NULL, &pod))
      g_ptr_array_add (objects, kube_object_ref (pod));
  }
  made = kube_object_list_new (objects, "1", NULL, -1);
  return kube_response_new (200, NULL, made, NULL, NULL);
}

typedef struct {
  KubeRequest *request;
  GTask *task;
} Call;

static gboolean
answer (gpointer data)
{
  Call *call = data;
  TableClient *self = g_task_get_source_object (call->task);
  KubeResponse *response;

  if (kube_request_get_verb (call->request) == KUBE_VERB_LIST) {
    response = list (self, kube_kind_get_plural (kube_request_get_kind (call->request)));
  } else {
    response = kube_response_new (201, kube_request_get_object (call->request), NULL, NULL, NULL);
    if (g_strcmp0 (kube_request_get_subresource (call->request), "binding") == 0)
      bind_pod (self, call->request);
    else
      self->n_other++;
  }
  g_task_return_pointer (call->task, response, (GDestroyNotify) kube_response_unref);
  g_object_unref (call->task);
  kube_request_unref (call->request);
  g_free (call);
  return G_SOURCE_REMOVE;
}

static void
send_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  Call *call = g_new (Call, 1);
  GSource *source = g_idle_source_new ();

  call->request = kube_request_ref (request);
  call->task = g_task_new (client, cancellable, callback, user_data);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, answer, call, NULL);
  g_source_attach (source, NULL);
  g_source_unref (source);
}

static KubeResponse *
send_finish (KubeClient *client, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static KubeWatch *
make_watch (KubeClient *client, KubeRequest *request)
{
  KubeWatch *watch = g_object_new (TYPE_TABLE_WATCH, NULL);

  if (strcmp (kube_kind_get_plural (kube_request_get_kind (request)), "pods") == 0)
    TABLE_CLIENT (client)->pod_watch = watch;
  return watch;
}

static KubeScheme *
get_scheme (KubeClient *client)
{
  return kube_scheme_get_default ();
}

static void
table_client_iface_init (KubeClientInterface *iface)
{
  iface->send_async = send_async;
  iface->send_finish = send_finish;
  iface->watch = make_watch;
  iface->get_scheme = get_scheme;
}

static void
table_client_class_init (TableClientClass *klass)
{
}

static void
table_client_init (TableClient *self)
{
  self->nodes = g_ptr_array_new ();
  self->pods = g_hash_table_new (g_str_hash, g_str_equal);
  self->loop = g_main_loop_new (NULL, FALSE);
}

static KubeObject *
parse (char *text)
{
  g_autoptr (GError) error = NULL;
  KubeObject *object = kube_object_parse (text, -1, &error);

  if (object == NULL)
    g_error ("%s", error->message);
  g_free (text);
  return object;
}

/* @more: of the pods' specs. */
static void
bench (const char *what, guint n_nodes, guint n_pods, const char *more)
{
  TableClient *client = g_object_new (TYPE_TABLE_CLIENT, NULL);
  KubeScheduler *scheduler;
  gint64 began;
  clock_t used;
  double seconds, cpu;

  for (guint i = 0; i < n_nodes; i++)
    g_ptr_array_add (client->nodes, parse (g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"node-%u\",\"uid\":\"n%u\",\"resourceVersion\":\"1\","
                                                            "\"labels\":{\"kubernetes.io/hostname\":\"node-%u\",\"zone\":\"z%u\"}},\"spec\":{},\"status\":{\"allocatable\":"
                                                            "{\"cpu\":\"32\",\"memory\":\"128Gi\",\"pods\":\"110\"}}}", i, i, i, i % 3)));
  for (guint i = 0; i < n_pods; i++) {
    KubeObject *pod = parse (g_strdup_printf ("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"pod-%u\",\"namespace\":\"d\",\"uid\":\"p%u\",\"generation\":1,"
                                              "\"resourceVersion\":\"1\",\"labels\":{\"app\":\"web\"}},\"spec\":{\"schedulerName\":\"default-scheduler\",\"priority\":0,\"containers\":"
                                              "[{\"name\":\"c\",\"image\":\"registry/web:1\",\"resources\":{\"requests\":{\"cpu\":\"100m\",\"memory\":\"128Mi\"}}}],\"tolerations\":"
                                              "[{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300}]%s},"
                                              "\"status\":{\"phase\":\"Pending\"}}", i, i, more));
    g_hash_table_insert (client->pods, (char *) kube_object_get_name (pod), pod);
  }
  client->n_wanted = n_pods;
  scheduler = kube_scheduler_new (KUBE_CLIENT (client), NULL, NULL);
  began = g_get_monotonic_time ();
  used = clock ();
  kube_scheduler_start (scheduler);
  g_main_loop_run (client->loop);
  seconds = (g_get_monotonic_time () - began) / 1e6;
  cpu = (double) (clock () - used) / CLOCKS_PER_SEC;
  g_print ("%s: %u pods on %u nodes: %.2f s, %.0f pods/s; %.2f s of CPU, %.0f pods/s of it (%u events)\n", what, n_pods, n_nodes, seconds, n_pods / seconds,
           cpu, n_pods / cpu, client->n_other);
  kube_scheduler_stop (scheduler);
  g_object_unref (scheduler);
}

int
main (void)
{
  bench ("plain", 1000, 5000, "");
  bench ("plain", 5000, 50000, "");
  bench ("affinity", 5000, 5000,
         ",\"affinity\":{\"podAffinity\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":\"zone\",\"labelSelector\":"
         "{\"matchLabels\":{\"app\":\"web\"}}}]}}");
  bench ("spreading", 5000, 5000,
         ",\"topologySpreadConstraints\":[{\"maxSkew\":1,\"topologyKey\":\"zone\",\"whenUnsatisfiable\":\"DoNotSchedule\",\"labelSelector\":"
         "{\"matchLabels\":{\"app\":\"web\"}}}]");
  return 0;
}
