/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-conditions.h"
#include "kube-controllers-private.h"

/* What else removes objects (finalizers of others) shows in no informer of this controller. */
#define LOOK_AGAIN (2 * G_USEC_PER_SEC)

typedef struct {
  KubeInformer *namespaces;  /* (unowned) */
} Namespaces;

/* One look at what is left in a namespace. */
typedef struct {
  KubeObject *namespace_;    /* (owned) */
  GPtrArray *kinds;          /* (element-type KubeKind): asked about, in the order of the requests */
  gboolean emptied;          /* its content was asked to go */
} Look;

static gboolean on_looked (KubeController *controller, const char *key, GPtrArray *answers, KubePlan *next, gpointer user_data, GError **error);

static void
look_free (gpointer data)
{
  Look *look = data;

  kube_object_unref (look->namespace_);
  g_ptr_array_unref (look->kinds);
  g_free (look);
}

static void
plan_look (KubePlan *plan, KubeObject *namespace_, GPtrArray *kinds, gboolean emptied)
{
  Look *look = g_new0 (Look, 1);

  look->namespace_ = kube_object_ref (namespace_);
  look->kinds = g_ptr_array_ref (kinds);
  look->emptied = emptied;
  for (guint i = 0; i < kinds->len; i++) {
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_LIST, g_ptr_array_index (kinds, i), kube_object_get_name (namespace_), NULL);

    kube_plan_add_request (plan, request);
    kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
    kube_plan_tolerate (plan, KUBE_ERROR_METHOD_NOT_ALLOWED);
  }
  kube_plan_continue (plan, on_looked, look, look_free);
}

static GPtrArray *
list_kinds (KubeController *controller)
{
  GPtrArray *kinds = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_kind_unref);
  g_autoptr (GPtrArray) all = kube_scheme_list_kinds (kube_client_get_scheme (kube_controller_get_client (controller)));

  for (guint i = 0; i < all->len; i++) {
    KubeKind *kind = g_ptr_array_index (all, i);

    if (kube_kind_is_namespaced (kind) && (kube_kind_get_verbs (kind) & KUBE_VERB_LIST) && (kube_kind_get_verbs (kind) & KUBE_VERB_DELETE))
      g_ptr_array_add (kinds, kube_kind_ref (kind));
  }
  return kinds;
}

static void
plan_finalize (KubePlan *plan, KubeObject *namespace_)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (namespace_));
  KubeNode *finalizers = kube_node_get (kube_builder_get_root (builder), "spec.finalizers");
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_UPDATE, KUBE_KIND ("v1", "Namespace"), NULL, kube_object_get_name (namespace_));
  g_autoptr (KubeObject) finalized = NULL;

  for (guint i = kube_node_get_length (finalizers); i > 0; i--) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (finalizers, i - 1), NULL), "kubernetes") == 0)
      kube_node_remove_element (finalizers, i - 1);
  }
  finalized = kube_object_new_from_builder (builder);
  kube_request_set_subresource (request, "finalize");
  kube_request_set_object (request, finalized);
  kube_plan_add_request (plan, request);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

static void
plan_empty (KubePlan *plan, const Look *look, GPtrArray *kinds)
{
  for (guint i = 0; i < kinds->len; i++) {
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE_COLLECTION, g_ptr_array_index (kinds, i), kube_object_get_name (look->namespace_), NULL);

    kube_request_set_delete_options (request, -1, "Background", NULL, NULL);
    kube_plan_add_request (plan, request);
    kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
  }
  kube_plan_then (plan);
}

static char *
join_counts (GHashTable *counts, const char *format)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (counts), (GCompareFunc) strcmp);
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);

  for (GList *l = names; l != NULL; l = l->next)
    g_ptr_array_add (parts, g_strdup_printf (format, l->data, GPOINTER_TO_UINT (g_hash_table_lookup (counts, l->data))));
  g_ptr_array_add (parts, NULL);
  return g_strjoinv (", ", (char **) parts->pdata);
}

static void
count_finalizers (GHashTable *counts, KubeObjectList *list)
{
  for (guint i = 0; i < kube_object_list_get_length (list); i++) {
    KubeValue *finalizers = kube_object_get (kube_object_list_get (list, i), "metadata.finalizers");

    for (guint k = 0; k < kube_value_get_length (finalizers); k++) {
      const char *name = kube_value_get_string (kube_value_get_element (finalizers, k), NULL);

      if (name != NULL)
        g_hash_table_replace (counts, g_strdup (name), GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (counts, name)) + 1));
    }
  }
}

/* upstream's conditions of a namespace that is being deleted */
static void
plan_conditions (KubeController *controller, KubePlan *plan, const Look *look, GPtrArray *answers)
{
  gint64 now = kube_clock_get_time (kube_controller_get_clock (controller));
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (look->namespace_));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  g_autoptr (GHashTable) kinds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL), finalizers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *remaining = NULL, *waited = NULL, *remaining_message = NULL, *waited_message = NULL;
  g_autoptr (KubeObject) updated = NULL;

  for (guint i = 0; i < answers->len; i++) {
    KubeObjectList *list = g_ptr_array_index (answers, i) == NULL ? NULL : kube_response_get_list (g_ptr_array_index (answers, i));
    KubeKind *kind = g_ptr_array_index (look->kinds, i);

    if (list == NULL || kube_object_list_get_length (list) == 0)
      continue;
    g_hash_table_replace (kinds, g_strdup_printf ("%s.%s", kube_kind_get_plural (kind), kube_kind_get_group (kind)), GUINT_TO_POINTER (kube_object_list_get_length (list)));
    count_finalizers (finalizers, list);
  }
  remaining = join_counts (kinds, "%s has %u resource instances");
  waited = join_counts (finalizers, "%s in %u resource instances");
  remaining_message = g_strconcat ("Some resources are remaining: ", remaining, NULL);
  waited_message = g_strconcat ("Some content in the namespace has finalizers remaining: ", waited, NULL);
  kube_condition_set (status, "NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered", now, KUBE_CONDITION_DEFAULT);
  kube_condition_set (status, "NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions", "All legacy kube types successfully parsed", now, KUBE_CONDITION_DEFAULT);
  kube_condition_set (status, "NamespaceDeletionContentFailure", "False", "ContentDeleted", "All content successfully deleted, may be waiting on finalization", now, KUBE_CONDITION_DEFAULT);
  if (g_hash_table_size (kinds) > 0)
    kube_condition_set (status, "NamespaceContentRemaining", "True", "SomeResourcesRemain", remaining_message, now, KUBE_CONDITION_DEFAULT);
  else
    kube_condition_set (status, "NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed", now, KUBE_CONDITION_DEFAULT);
  if (g_hash_table_size (finalizers) > 0)
    kube_condition_set (status, "NamespaceFinalizersRemaining", "True", "SomeFinalizersRemain", waited_message, now, KUBE_CONDITION_DEFAULT);
  else
    kube_condition_set (status, "NamespaceFinalizersRemaining", "False", "ContentHasNoFinalizers", "All content-preserving finalizers finished", now, KUBE_CONDITION_DEFAULT);
  updated = kube_object_new_from_builder (builder);
  if (kube_status_is_same (look->namespace_, updated))
    return;
  kube_plan_update_status (plan, updated);
  kube_plan_tolerate (plan, KUBE_ERROR_CONFLICT);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

static gboolean
on_looked (KubeController *controller, const char *key, GPtrArray *answers, KubePlan *next, gpointer user_data, GError **error)
{
  const Look *look = user_data;
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_kind_unref);

  for (guint i = 0; i < answers->len; i++) {
    KubeResponse *answer = g_ptr_array_index (answers, i);

    if (answer != NULL && kube_response_get_list (answer) != NULL && kube_object_list_get_length (kube_response_get_list (answer)) > 0)
      g_ptr_array_add (left, kube_kind_ref (g_ptr_array_index (look->kinds, i)));
  }
  if (left->len == 0) {
    plan_finalize (next, look->namespace_);
  } else if (!look->emptied) {
    plan_empty (next, look, left);
    plan_look (next, look->namespace_, left, TRUE);
  } else {
    plan_conditions (controller, next, look, answers);
    kube_plan_requeue_after (next, LOOK_AGAIN);
  }
  return TRUE;
}

static gboolean
has_finalizer (KubeObject *namespace_)
{
  KubeValue *finalizers = kube_object_get (namespace_, "spec.finalizers");

  for (guint i = 0; i < kube_value_get_length (finalizers); i++) {
    if (g_strcmp0 (kube_value_get_string (kube_value_get_element (finalizers, i), NULL), "kubernetes") == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  Namespaces *self = user_data;
  KubeObject *namespace_ = kube_informer_get_by_key (self->namespaces, key);

  if (namespace_ != NULL && kube_object_is_deleting (namespace_) && has_finalizer (namespace_)) {
    g_autoptr (GPtrArray) kinds = list_kinds (controller);

    plan_look (plan, namespace_, kinds, FALSE);
  }
  return TRUE;
}

/* The last pod of a namespace that goes has gone: what most deletions wait for. */
static void
keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  Namespaces *self = user_data;
  KubeObject *namespace_ = kube_informer_get (self->namespaces, NULL, kube_object_get_namespace (pod));

  if (namespace_ != NULL && kube_object_is_deleting (namespace_))
    g_ptr_array_add (keys, g_strdup (kube_object_get_namespace (pod)));
}

void
kube_namespace_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  Namespaces *self = g_new0 (Namespaces, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "namespace-controller", reconcile, self, g_free);

  self->namespaces = kube_controller_watch (controller, KUBE_KIND ("v1", "Namespace"), NULL, NULL);
  kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), keys_of_pod, self);
  kube_controller_set_concurrency (controller, 10);
}
