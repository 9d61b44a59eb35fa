/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-pods.h"
#include "kube-service-backends.h"

#define MANAGED_BY "endpoints.kubernetes.io/managed-by"
#define NAME "endpoint-controller"
/* An Endpoints object holds at most so many addresses; what is over is left out, and said so. */
#define CAPACITY 1000

typedef struct {
  KubeInformer *services;  /* (unowned) */
  KubeInformer *endpoints; /* (unowned) */
  KubeInformer *pods;      /* (unowned) */
} EndpointsController;

/* Backends with equal ports share a subset. */
static KubeNode *
find_subset (KubeNode *subsets, GPtrArray *port_lists, KubeValue *ports)
{
  KubeNode *subset;

  for (guint i = 0; i < port_lists->len; i++) {
    if (kube_value_equal (g_ptr_array_index (port_lists, i), ports))
      return kube_node_get_element (subsets, i);
  }
  g_ptr_array_add (port_lists, kube_value_ref (ports));
  subset = kube_node_append_object (subsets);
  if (kube_value_get_length (ports) > 0)
    kube_node_put_value (subset, "ports", ports);
  return subset;
}

static void
add_address (KubeNode *subset, KubeObject *service, const KubeBackend *backend)
{
  KubeNode *address = kube_node_append_object (kube_node_ensure_array (subset, backend->ready ? "addresses" : "notReadyAddresses"));

  kube_node_put_string (address, "ip", backend->address);
  kube_service_put_pod (address, service, backend->pod);
}

static void
build_subsets (KubeNode *root, KubeObject *service, GArray *backends)
{
  g_autoptr (GPtrArray) port_lists = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_value_unref);
  KubeNode *subsets;
  /* A headless Service may have no ports at all, and then has addresses only. */
  gboolean without_ports = g_strcmp0 (kube_object_get_string (service, "spec.clusterIP"), "None") == 0 && kube_value_get_length (kube_object_get (service, "spec.ports")) == 0;

  kube_node_remove_member (root, "subsets");
  for (guint i = 0; i < MIN (backends->len, CAPACITY); i++) {
    const KubeBackend *backend = &g_array_index (backends, KubeBackend, i);
    g_autoptr (KubeValue) ports = NULL;

    if (backend->terminating && !backend->ready)
      continue;
    ports = kube_service_build_ports (service, backend->pod, NULL);
    if (kube_value_get_length (ports) == 0 && !without_ports)
      continue;
    subsets = kube_node_ensure_array (root, "subsets");
    add_address (find_subset (subsets, port_lists, ports), service, backend);
  }
}

static KubeObject *
build (KubeObject *service, KubeObject *old, GArray *backends)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (old == NULL ? NULL : kube_object_get_value (old));
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_put_string (root, "apiVersion", "v1");
  kube_node_put_string (root, "kind", "Endpoints");
  kube_node_set_string (root, "metadata.name", kube_object_get_name (service));
  kube_node_set_string (root, "metadata.namespace", kube_object_get_namespace (service));
  kube_node_put_string (kube_service_put_labels (root, service), MANAGED_BY, NAME);
  if (backends->len > CAPACITY)
    kube_node_put_string (kube_node_ensure_object (root, "metadata.annotations"), "endpoints.kubernetes.io/over-capacity", "truncated");
  else if (kube_node_get (root, "metadata.annotations") != NULL)
    kube_node_remove_member (kube_node_get (root, "metadata.annotations"), "endpoints.kubernetes.io/over-capacity");
  build_subsets (root, service, backends);
  return kube_object_new_from_builder (builder);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  EndpointsController *self = user_data;
  KubeObject *service = kube_informer_get_by_key (self->services, key), *old = kube_informer_get_by_key (self->endpoints, key);
  g_autoptr (GArray) backends = NULL;
  g_autoptr (KubeObject) endpoints = NULL;

  if (service == NULL) {
    if (old != NULL && g_strcmp0 (kube_object_get_label (old, MANAGED_BY), NAME) == 0)
      kube_plan_delete (plan, old, NULL);
    return TRUE;
  }
  if (!kube_service_has_backends (service))
    return TRUE;
  backends = kube_service_list_backends (service, self->pods);
  endpoints = build (service, old, backends);
  if (old == NULL) {
    kube_plan_create (plan, endpoints);
    kube_plan_report (plan, service, NULL, NULL, "FailedToCreateEndpoint", "Failed to create endpoint for service: ");
    kube_plan_tolerate (plan, KUBE_ERROR_FORBIDDEN); /* the namespace goes */
  } else if (!kube_value_equal (kube_object_get (old, "subsets"), kube_object_get (endpoints, "subsets")) ||
             !kube_value_equal (kube_object_get (old, "metadata.labels"), kube_object_get (endpoints, "metadata.labels"))) {
    kube_plan_update (plan, endpoints);
  }
  return TRUE;
}

void
kube_endpoints_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  EndpointsController *self = g_new0 (EndpointsController, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, NAME, reconcile, self, g_free);

  self->services = kube_controller_watch (controller, KUBE_KIND ("v1", "Service"), NULL, NULL);
  self->endpoints = kube_controller_watch (controller, KUBE_KIND ("v1", "Endpoints"), NULL, NULL);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), kube_service_add_keys_of_pod, self->services);
  kube_service_add_index (self->services);
}
