/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-owners.h"
#include "kube-selector-private.h"

static KubeInformer *
start (KubeClient *client, KubeClock *clock, const char *api_version, const char *kind, GCallback synced, gpointer user_data)
{
  KubeInformer *informer = kube_informer_new (client, KUBE_KIND (api_version, kind), NULL);

  kube_informer_set_clock (informer, clock);
  g_signal_connect_object (informer, "synced", synced, user_data, 0);
  kube_informer_start (informer);
  return informer;
}

SchedOwners *
sched_owners_new (KubeClient *client, KubeClock *clock, GCallback synced, gpointer user_data)
{
  SchedOwners *owners = g_new0 (SchedOwners, 1);

  owners->services = start (client, clock, "v1", "Service", synced, user_data);
  owners->replica_sets = start (client, clock, "apps/v1", "ReplicaSet", synced, user_data);
  owners->replication_controllers = start (client, clock, "v1", "ReplicationController", synced, user_data);
  owners->stateful_sets = start (client, clock, "apps/v1", "StatefulSet", synced, user_data);
  owners->budgets = start (client, clock, "policy/v1", "PodDisruptionBudget", synced, user_data);
  return owners;
}

static void
stop (KubeInformer *informer)
{
  kube_informer_stop (informer);
  g_object_unref (informer);
}

void
sched_owners_free (SchedOwners *owners)
{
  stop (owners->services);
  stop (owners->replica_sets);
  stop (owners->replication_controllers);
  stop (owners->stateful_sets);
  stop (owners->budgets);
  g_free (owners);
}

gboolean
sched_owners_are_synced (SchedOwners *owners)
{
  return kube_informer_is_synced (owners->services) && kube_informer_is_synced (owners->replica_sets)
         && kube_informer_is_synced (owners->replication_controllers) && kube_informer_is_synced (owners->stateful_sets)
         && kube_informer_is_synced (owners->budgets);
}

static void
add (GPtrArray **matchers, GString *id, KubeObject *pod, KubeSelector *selector)
{
  SchedMatcher *matcher;
  g_autofree char *text = NULL;

  if (selector == NULL || kube_selector_is_empty (selector)) {
    g_clear_pointer (&selector, kube_selector_unref);
    return;
  }
  if (*matchers == NULL)
    *matchers = g_ptr_array_new_with_free_func ((GDestroyNotify) sched_matcher_free);
  matcher = sched_matcher_new (kube_object_get_namespace (pod), NULL);
  matcher->selector = selector;
  text = kube_selector_print (selector);
  g_string_append_printf (id, " %s", text);
  g_ptr_array_add (*matchers, matcher);
}

static void
add_services (SchedOwners *owners, KubeObject *pod, GPtrArray **matchers, GString *id)
{
  g_autoptr (GPtrArray) services = NULL;
  KubeValue *labels = kube_object_get (pod, "metadata.labels");

  if (kube_informer_get_length (owners->services) == 0 || kube_value_get_length (labels) == 0)
    return;
  services = kube_informer_list (owners->services, kube_object_get_namespace (pod), NULL);
  for (guint i = 0; i < services->len; i++) {
    KubeValue *wanted = kube_object_get (services->pdata[i], "spec.selector");
    g_autoptr (KubeSelector) selector = kube_value_get_length (wanted) > 0 ? kube_selector_from_labels (wanted) : NULL;

    if (selector != NULL && kube_selector_matches_labels (selector, labels))
      add (matchers, id, pod, g_steal_pointer (&selector));
  }
}

static void
add_controller (SchedOwners *owners, KubeObject *pod, GPtrArray **matchers, GString *id)
{
  KubeValue *reference = kube_object_get_controller (pod);
  const char *kind = kube_value_get_member_string (reference, "kind"), *name = kube_value_get_member_string (reference, "name");
  const char *namespace_ = kube_object_get_namespace (pod);
  KubeObject *controller;

  if (kind == NULL || name == NULL)
    return;
  if (g_str_equal (kind, "ReplicationController"))
    controller = kube_informer_get (owners->replication_controllers, namespace_, name);
  else if (g_str_equal (kind, "ReplicaSet"))
    controller = kube_informer_get (owners->replica_sets, namespace_, name);
  else if (g_str_equal (kind, "StatefulSet"))
    controller = kube_informer_get (owners->stateful_sets, namespace_, name);
  else
    return;
  if (controller != NULL && kube_object_get (controller, "spec.selector") != NULL)
    add (matchers, id, pod, kube_selector_from_either (kube_object_get (controller, "spec.selector"), NULL));
}

GPtrArray *
sched_owners_make_matchers (SchedOwners *owners, KubeObject *pod, GString *id)
{
  GPtrArray *matchers = NULL;

  add_services (owners, pod, &matchers, id);
  add_controller (owners, pod, &matchers, id);
  return matchers;
}

gboolean
sched_owners_take_disruption (SchedOwners *owners, KubeObject *pod, GHashTable *left)
{
  g_autoptr (GPtrArray) budgets = kube_informer_list (owners->budgets, kube_object_get_namespace (pod), NULL);
  KubeValue *labels = kube_object_get (pod, "metadata.labels");
  gboolean violates = FALSE;

  for (guint i = 0; i < budgets->len && kube_value_get_length (labels) > 0; i++) {
    KubeObject *budget = budgets->pdata[i];
    g_autoptr (KubeSelector) selector = kube_selector_from_value (kube_object_get (budget, "spec.selector"), NULL);
    gpointer value;
    int allowed;

    if (selector == NULL || kube_selector_is_empty (selector) || !kube_selector_matches_labels (selector, labels)
        || kube_value_get_member (kube_object_get (budget, "status.disruptedPods"), kube_object_get_name (pod)) != NULL)
      continue;
    allowed = g_hash_table_lookup_extended (left, budget, NULL, &value)
                ? GPOINTER_TO_INT (value)
                : (int) kube_object_get_integer (budget, "status.disruptionsAllowed", 0);
    g_hash_table_insert (left, budget, GINT_TO_POINTER (allowed - 1));
    violates = violates || allowed <= 0;
  }
  return violates;
}
