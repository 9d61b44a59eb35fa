/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"

#define NAME "kube-root-ca.crt"
#define DESCRIPTION_KEY "kubernetes.io/description"
#define DESCRIPTION \
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. " \
  "No other usage is guaranteed across distributions of Kubernetes clusters."

typedef struct {
  KubeInformer *namespaces;  /* (unowned) */
  KubeInformer *config_maps; /* (unowned) */
  char *root_ca_pem;
} RootCa;

static void
root_ca_free (gpointer data)
{
  RootCa *self = data;

  g_free (self->root_ca_pem);
  g_free (self);
}

static void
keys_of_config_map (KubeController *controller, KubeObject *map, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  if (g_strcmp0 (kube_object_get_name (map), NAME) == 0)
    g_ptr_array_add (keys, g_strdup (kube_object_get_namespace (map)));
}

static KubeObject *
build (RootCa *self, const char *namespace_, KubeObject *old)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (old == NULL ? NULL : kube_object_get_value (old));
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_put_string (root, "apiVersion", "v1");
  kube_node_put_string (root, "kind", "ConfigMap");
  kube_node_set_string (root, "metadata.name", NAME);
  kube_node_set_string (root, "metadata.namespace", namespace_);
  kube_node_put_string (kube_node_ensure_object (root, "metadata.annotations"), DESCRIPTION_KEY, DESCRIPTION);
  kube_node_put_string (kube_node_put_object (root, "data"), "ca.crt", self->root_ca_pem);
  return kube_object_new_from_builder (builder);
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  RootCa *self = user_data;
  KubeObject *namespace_ = kube_informer_get_by_key (self->namespaces, key), *old;
  g_autoptr (KubeObject) map = NULL;

  if (namespace_ == NULL || kube_object_is_deleting (namespace_))
    return TRUE;
  old = kube_informer_get (self->config_maps, key, NAME);
  map = build (self, key, old);
  if (old == NULL) {
    kube_plan_create (plan, map);
    kube_plan_tolerate (plan, KUBE_ERROR_ALREADY_EXISTS);
    kube_plan_tolerate (plan, KUBE_ERROR_FORBIDDEN); /* the namespace has begun to go */
  } else if (!kube_value_equal (kube_object_get_value (old), kube_object_get_value (map))) {
    kube_plan_update (plan, map);
  }
  return TRUE;
}

void
kube_root_ca_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  RootCa *self;
  g_autoptr (KubeController) controller = NULL;

  if (options->root_ca_pem == NULL)
    return;
  self = g_new0 (RootCa, 1);
  self->root_ca_pem = g_strdup (options->root_ca_pem);
  controller = kube_controller_new (manager, "root-ca-cert-publisher", reconcile, self, root_ca_free);
  self->namespaces = kube_controller_watch (controller, KUBE_KIND ("v1", "Namespace"), NULL, NULL);
  self->config_maps = kube_controller_watch (controller, KUBE_KIND ("v1", "ConfigMap"), keys_of_config_map, NULL);
}
