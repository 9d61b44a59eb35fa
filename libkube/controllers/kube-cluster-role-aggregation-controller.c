/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include <kube/kube-selector.h>
#include "kube-controllers-private.h"

/* Gives a ClusterRole with an aggregationRule the rules of all ClusterRoles that its selectors match. */
typedef struct {
  KubeInformer *roles; /* (unowned) */
} Aggregation;

static void
index_aggregates (KubeObject *role, GPtrArray *values, gpointer user_data)
{
  if (kube_object_get (role, "aggregationRule.clusterRoleSelectors") != NULL)
    g_ptr_array_add (values, g_strdup (""));
}

/* Any role may be a part of any aggregate, and of an aggregate of aggregates. */
static void
keys_of_role (KubeController *controller, KubeObject *role, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  Aggregation *self = user_data;
  g_autoptr (GPtrArray) aggregates = kube_informer_list_by (self->roles, "aggregates", "");

  for (guint i = 0; i < aggregates->len; i++)
    g_ptr_array_add (keys, kube_object_dup_key (g_ptr_array_index (aggregates, i)));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (kube_object_get_name (*(KubeObject *const *) a), kube_object_get_name (*(KubeObject *const *) b));
}

static void
add_rules (GPtrArray *rules, KubeObject *role)
{
  KubeValue *its = kube_object_get (role, "rules");

  for (guint i = 0; i < kube_value_get_length (its); i++) {
    KubeValue *rule = kube_value_get_element (its, i);
    gboolean known = FALSE;

    for (guint k = 0; !known && k < rules->len; k++)
      known = kube_value_equal (g_ptr_array_index (rules, k), rule);
    if (!known)
      g_ptr_array_add (rules, kube_value_ref (rule));
  }
}

/* (element-type KubeValue): in the order of the selectors, then of the roles' names, each once. */
static GPtrArray *
collect_rules (Aggregation *self, KubeObject *aggregate, GError **error)
{
  g_autoptr (GPtrArray) rules = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_value_unref);
  KubeValue *selectors = kube_object_get (aggregate, "aggregationRule.clusterRoleSelectors");

  for (guint i = 0; i < kube_value_get_length (selectors); i++) {
    g_autoptr (KubeSelector) selector = kube_selector_from_value (kube_value_get_element (selectors, i), error);
    g_autoptr (GPtrArray) roles = NULL;

    if (selector == NULL)
      return NULL;
    roles = kube_informer_list (self->roles, NULL, selector);
    g_ptr_array_sort (roles, compare_names);
    for (guint k = 0; k < roles->len; k++) {
      if (g_strcmp0 (kube_object_get_name (g_ptr_array_index (roles, k)), kube_object_get_name (aggregate)) != 0)
        add_rules (rules, g_ptr_array_index (roles, k));
    }
  }
  return g_steal_pointer (&rules);
}

static gboolean
has_rules (KubeObject *role, GPtrArray *rules)
{
  KubeValue *its = kube_object_get (role, "rules");

  if (kube_value_get_length (its) != rules->len)
    return FALSE;
  for (guint i = 0; i < rules->len; i++) {
    if (!kube_value_equal (kube_value_get_element (its, i), g_ptr_array_index (rules, i)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  Aggregation *self = user_data;
  KubeObject *role = kube_informer_get_by_key (self->roles, key);
  g_autoptr (GPtrArray) rules = NULL;
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeObject) updated = NULL;
  KubeNode *list;

  if (role == NULL || kube_object_get (role, "aggregationRule.clusterRoleSelectors") == NULL)
    return TRUE;
  rules = collect_rules (self, role, error);
  if (rules == NULL)
    return FALSE;
  if (has_rules (role, rules))
    return TRUE;
  builder = kube_builder_new (kube_object_get_value (role));
  list = kube_node_put_array (kube_builder_get_root (builder), "rules");
  for (guint i = 0; i < rules->len; i++)
    kube_node_append_value (list, g_ptr_array_index (rules, i));
  updated = kube_object_new_from_builder (builder);
  kube_plan_update (plan, updated);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
  return TRUE;
}

void
kube_cluster_role_aggregation_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  Aggregation *self = g_new0 (Aggregation, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "clusterrole-aggregation-controller", reconcile, self, g_free);

  self->roles = kube_controller_watch (controller, KUBE_KIND ("rbac.authorization.k8s.io/v1", "ClusterRole"), keys_of_role, self);
  kube_informer_add_index (self->roles, "aggregates", index_aggregates, NULL);
}
