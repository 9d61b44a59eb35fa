/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-selector.h>
#include "kube-pods.h"
#include "kube-service-backends.h"

static void
backend_clear (gpointer data)
{
  kube_object_unref (((KubeBackend *) data)->pod);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  const KubeBackend *x = a, *y = b;
  int result = g_strcmp0 (x->address, y->address);

  return result != 0 ? result : g_strcmp0 (kube_object_get_name (x->pod), kube_object_get_name (y->pod));
}

gboolean
kube_service_has_backends (KubeObject *service)
{
  return kube_value_get_length (kube_object_get (service, "spec.selector")) > 0 && g_strcmp0 (kube_object_get_string (service, "spec.type"), "ExternalName") != 0;
}

GArray *
kube_service_list_backends (KubeObject *service, KubeInformer *pods)
{
  GArray *backends = g_array_new (FALSE, FALSE, sizeof (KubeBackend));
  g_autoptr (KubeSelector) selector = kube_selector_from_labels (kube_object_get (service, "spec.selector"));
  g_autoptr (GPtrArray) selected = kube_informer_list (pods, kube_object_get_namespace (service), selector);
  gboolean publish = kube_object_get_boolean (service, "spec.publishNotReadyAddresses", FALSE);

  g_array_set_clear_func (backends, backend_clear);
  for (guint i = 0; i < selected->len; i++) {
    KubeObject *pod = g_ptr_array_index (selected, i);
    const char *address = kube_object_get_string (pod, "status.podIP");
    KubeBackend backend = { pod, address, FALSE, kube_pod_is_ready (pod) || publish, kube_object_is_deleting (pod) };

    if (address == NULL || *address == '\0' || kube_pod_is_finished (pod))
      continue;
    backend.ready = backend.serving && (publish || !backend.terminating);
    kube_object_ref (pod);
    g_array_append_val (backends, backend);
  }
  g_array_sort (backends, compare);
  return backends;
}

/* What of a pod its Services' endpoints show. */
static gboolean
shows_the_same (KubeObject *a, KubeObject *b)
{
  static const char *const paths[] = { "metadata.labels", "metadata.deletionTimestamp", "status.podIP", "status.podIPs", "status.phase", "spec.nodeName" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    if (!kube_value_equal (kube_object_get (a, paths[i]), kube_object_get (b, paths[i])))
      return FALSE;
  }
  return kube_pod_is_ready (a) == kube_pod_is_ready (b);
}

static char *
make_index_value (const char *namespace_, const char *key, const char *value)
{
  return g_strconcat (namespace_, "/", key, "=", value, NULL);
}

/* A Service stands under one pair of its selector: the pods that it may select all have that label. */
static void
index_selector (KubeObject *service, GPtrArray *values, gpointer user_data)
{
  KubeValue *selector = kube_object_get (service, "spec.selector");

  if (kube_service_has_backends (service))
    g_ptr_array_add (values, make_index_value (kube_object_get_namespace (service), kube_value_get_key (selector, 0), kube_value_get_string (kube_value_get_element (selector, 0), NULL)));
}

void
kube_service_add_index (KubeInformer *services)
{
  kube_informer_add_index (services, "selector", index_selector, NULL);
}

static void
add_keys (KubeInformer *services, KubeObject *pod, GPtrArray *keys)
{
  KubeValue *labels = kube_object_get (pod, "metadata.labels");

  for (guint i = 0; i < kube_value_get_length (labels); i++) {
    g_autofree char *value = make_index_value (kube_object_get_namespace (pod), kube_value_get_key (labels, i), kube_value_get_string (kube_value_get_element (labels, i), NULL));
    g_autoptr (GPtrArray) candidates = kube_informer_list_by (services, "selector", value);

    for (guint k = 0; k < candidates->len; k++) {
      KubeObject *service = g_ptr_array_index (candidates, k);
      g_autoptr (KubeSelector) selector = kube_selector_from_labels (kube_object_get (service, "spec.selector"));

      if (kube_selector_matches (selector, pod))
        g_ptr_array_add (keys, kube_object_dup_key (service));
    }
  }
}

void
kube_service_add_keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  if (old != NULL && shows_the_same (old, pod))
    return;
  add_keys (user_data, pod, keys);
  if (old != NULL && !kube_value_equal (kube_object_get (old, "metadata.labels"), kube_object_get (pod, "metadata.labels")))
    add_keys (user_data, old, keys);
}

KubeNode *
kube_service_put_labels (KubeNode *root, KubeObject *service)
{
  KubeNode *labels;

  kube_node_set_value (root, "metadata.labels", kube_object_get (service, "metadata.labels"));
  labels = kube_node_ensure_object (root, "metadata.labels");
  if (g_strcmp0 (kube_object_get_string (service, "spec.clusterIP"), "None") == 0)
    kube_node_put_string (labels, "service.kubernetes.io/headless", "");
  return labels;
}

KubeValue *
kube_service_build_ports (KubeObject *service, KubeObject *pod, const char *unnamed)
{
  KubeValue *ports = kube_object_get (service, "spec.ports");
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *list = kube_node_ensure_array (kube_builder_get_root (builder), "ports");
  g_autoptr (KubeValue) built = NULL;

  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    guint16 number = kube_pod_find_port (pod, port);
    const char *name = kube_value_get_string (port, "name");
    KubeNode *added;

    if (number == 0)
      continue;
    added = kube_node_append_object (list);
    kube_node_put_string (added, "name", name == NULL ? unnamed : name);
    kube_node_set_integer (added, "port", number);
    kube_node_put_string (added, "protocol", kube_value_get_string (port, "protocol"));
    kube_node_put_string (added, "appProtocol", kube_value_get_string (port, "appProtocol"));
  }
  built = kube_builder_end (builder);
  return kube_value_ref (kube_value_get (built, "ports"));
}

void
kube_service_put_pod (KubeNode *endpoint, KubeObject *service, KubeObject *pod)
{
  const char *hostname = kube_object_get_string (pod, "spec.hostname"), *subdomain = kube_object_get_string (pod, "spec.subdomain");
  KubeNode *target = kube_node_put_object (endpoint, "targetRef");

  kube_node_put_string (target, "kind", "Pod");
  kube_node_put_string (target, "name", kube_object_get_name (pod));
  kube_node_put_string (target, "namespace", kube_object_get_namespace (pod));
  kube_node_put_string (target, "uid", kube_object_get_uid (pod));
  kube_node_put_string (endpoint, "nodeName", kube_object_get_string (pod, "spec.nodeName"));
  if (hostname != NULL && g_strcmp0 (subdomain, kube_object_get_name (service)) == 0)
    kube_node_put_string (endpoint, "hostname", hostname);
}
