/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"

typedef struct {
  KubeInformer *namespaces; /* (unowned) */
  KubeInformer *accounts;   /* (unowned) */
} ServiceAccounts;

static void
keys_of_account (KubeController *controller, KubeObject *account, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  if (g_strcmp0 (kube_object_get_name (account), "default") == 0)
    g_ptr_array_add (keys, g_strdup (kube_object_get_namespace (account)));
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  ServiceAccounts *self = user_data;
  KubeObject *namespace_ = kube_informer_get_by_key (self->namespaces, key);
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeObject) account = NULL;

  if (namespace_ == NULL || kube_object_is_deleting (namespace_) || kube_informer_get (self->accounts, key, "default") != NULL)
    return TRUE;
  builder = kube_builder_new (NULL);
  kube_node_set_string (kube_builder_get_root (builder), "apiVersion", "v1");
  kube_node_set_string (kube_builder_get_root (builder), "kind", "ServiceAccount");
  kube_node_set_string (kube_builder_get_root (builder), "metadata.name", "default");
  kube_node_set_string (kube_builder_get_root (builder), "metadata.namespace", key);
  account = kube_object_new_from_builder (builder);
  kube_plan_create (plan, account);
  kube_plan_tolerate (plan, KUBE_ERROR_ALREADY_EXISTS);
  kube_plan_tolerate (plan, KUBE_ERROR_FORBIDDEN); /* the namespace has begun to go */
  return TRUE;
}

void
kube_service_account_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  ServiceAccounts *self = g_new0 (ServiceAccounts, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "service-account-controller", reconcile, self, g_free);

  self->namespaces = kube_controller_watch (controller, KUBE_KIND ("v1", "Namespace"), NULL, NULL);
  self->accounts = kube_controller_watch (controller, KUBE_KIND ("v1", "ServiceAccount"), keys_of_account, NULL);
}
