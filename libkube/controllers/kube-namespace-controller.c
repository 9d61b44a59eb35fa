/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-conditions.h"
#include "kube-controllers-private.h"

/* Upstream's guess, in seconds, of how long it takes others to remove their finalizers: those objects show in no informer of this controller. */
#define FINALIZER_ESTIMATE 15

typedef struct {
  KubeInformer *namespaces;  /* (unowned) */
  KubeInformer *pods;        /* (unowned) */
} Namespaces;

/* Pods go before all else: what they use (secrets, network policies) stays while they run. */
typedef enum { STAGE_FIRST, STAGE_PODS_EMPTIED, STAGE_EMPTIED } Stage;

/* One look at what is left in a namespace. */
typedef struct {
  KubeObject *namespace_;    /* (owned) */
  GPtrArray *kinds;          /* (element-type KubeKind): asked about, in the order of the requests */
  guint first;               /* of its requests in the plan */
  Stage stage;
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
plan_look (KubePlan *plan, KubeObject *namespace_, GPtrArray *kinds, Stage stage)
{
  Look *look = g_new0 (Look, 1);

  look->namespace_ = kube_object_ref (namespace_);
  look->kinds = g_ptr_array_ref (kinds);
  look->first = kube_plan_get_length (plan);
  look->stage = stage;
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

static KubeObjectList *
get_list (const Look *look, GPtrArray *answers, guint index)
{
  KubeResponse *answer = g_ptr_array_index (answers, look->first + index);

  return answer == NULL ? NULL : kube_response_get_list (answer);
}

static void
count_remaining (const Look *look, GPtrArray *answers, GHashTable *kinds, GHashTable *finalizers)
{
  for (guint i = 0; i < look->kinds->len; i++) {
    KubeObjectList *list = get_list (look, answers, i);
    KubeKind *kind = g_ptr_array_index (look->kinds, i);

    if (list == NULL || kube_object_list_get_length (list) == 0)
      continue;
    g_hash_table_replace (kinds, g_strdup_printf ("%s.%s", kube_kind_get_plural (kind), kube_kind_get_group (kind)), GUINT_TO_POINTER (kube_object_list_get_length (list)));
    count_finalizers (finalizers, list);
  }
}

static void
set_failure_condition (KubeNode *status, const GError *error, gint64 now)
{
  g_autofree char *message = NULL;

  kube_condition_set (status, "NamespaceDeletionDiscoveryFailure", "False", "ResourcesDiscovered", "All resources successfully discovered", now, KUBE_CONDITION_DEFAULT);
  kube_condition_set (status, "NamespaceDeletionGroupVersionParsingFailure", "False", "ParsedGroupVersions", "All legacy kube types successfully parsed", now, KUBE_CONDITION_DEFAULT);
  if (error == NULL || g_error_matches (error, KUBE_ERROR, KUBE_ERROR_CONFLICT)) {
    kube_condition_set (status, "NamespaceDeletionContentFailure", "False", "ContentDeleted", "All content successfully deleted, may be waiting on finalization", now,
                        KUBE_CONDITION_DEFAULT);
    return;
  }
  message = g_strconcat ("Failed to delete all resource types, 1 remaining: ", error->message, NULL);
  kube_condition_set (status, "NamespaceDeletionContentFailure", "True", "ContentDeletionFailed", message, now, KUBE_CONDITION_DEFAULT);
}

/* upstream's conditions of a namespace that is being deleted */
static void
plan_conditions (KubeController *controller, const char *key, KubePlan *plan, const Look *look, GPtrArray *answers)
{
  gint64 now = kube_clock_get_time (kube_controller_get_clock (controller));
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (look->namespace_));
  KubeNode *status = kube_node_ensure_object (kube_builder_get_root (builder), "status");
  g_autoptr (GHashTable) kinds = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL), finalizers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *remaining = NULL, *waited = NULL, *remaining_message = NULL, *waited_message = NULL;
  g_autoptr (KubeObject) updated = NULL;

  count_remaining (look, answers, kinds, finalizers);
  remaining = join_counts (kinds, "%s has %u resource instances");
  waited = join_counts (finalizers, "%s in %u resource instances");
  remaining_message = g_strconcat ("Some resources are remaining: ", remaining, NULL);
  waited_message = g_strconcat ("Some content in the namespace has finalizers remaining: ", waited, NULL);
  set_failure_condition (status, kube_controller_get_error (controller, key), now);
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

/* In how many seconds what is left may have gone. */
static gint64
estimate (const Look *look, GPtrArray *answers)
{
  gint64 longest = 0;

  for (guint i = 0; i < look->kinds->len; i++) {
    KubeObjectList *list = get_list (look, answers, i);
    gboolean pods = g_ptr_array_index (look->kinds, i) == KUBE_KIND ("v1", "Pod");

    for (guint k = 0; list != NULL && k < kube_object_list_get_length (list); k++) {
      KubeObject *object = kube_object_list_get (list, k);

      if (pods)
        longest = MAX (longest, kube_object_get_integer (object, "metadata.deletionGracePeriodSeconds", 0));
      if (kube_value_get_length (kube_object_get (object, "metadata.finalizers")) > 0)
        longest = MAX (longest, FINALIZER_ESTIMATE);
    }
  }
  return longest;
}

static gboolean
on_looked (KubeController *controller, const char *key, GPtrArray *answers, KubePlan *next, gpointer user_data, GError **error)
{
  const Look *look = user_data;
  g_autoptr (GPtrArray) left = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_kind_unref), pods = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_kind_unref);

  for (guint i = 0; i < look->kinds->len; i++) {
    KubeKind *kind = g_ptr_array_index (look->kinds, i);

    if (get_list (look, answers, i) == NULL || kube_object_list_get_length (get_list (look, answers, i)) == 0)
      continue;
    g_ptr_array_add (left, kube_kind_ref (kind));
    if (kind == KUBE_KIND ("v1", "Pod"))
      g_ptr_array_add (pods, kube_kind_ref (kind));
  }
  if (left->len == 0 && look->stage == STAGE_PODS_EMPTIED) {
    g_autoptr (GPtrArray) kinds = list_kinds (controller);

    plan_look (next, look->namespace_, kinds, STAGE_FIRST);
  } else if (left->len == 0) {
    plan_finalize (next, look->namespace_);
  } else if (look->stage == STAGE_FIRST) {
    if (kube_controller_get_error (controller, key) != NULL)
      plan_conditions (controller, key, next, look, answers);
    plan_empty (next, look, pods->len > 0 ? pods : left);
    plan_look (next, look->namespace_, pods->len > 0 ? pods : left, pods->len > 0 ? STAGE_PODS_EMPTIED : STAGE_EMPTIED);
  } else {
    plan_conditions (controller, key, next, look, answers);
    kube_plan_requeue_after (next, (estimate (look, answers) / 2 + 1) * G_USEC_PER_SEC);
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

    plan_look (plan, namespace_, kinds, STAGE_FIRST);
  }
  return TRUE;
}

/* The last pod of a namespace that goes has gone: what most deletions wait for. */
static void
keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  Namespaces *self = user_data;
  const char *name = kube_object_get_namespace (pod);
  KubeObject *namespace_ = kube_informer_get (self->namespaces, NULL, name);
  g_autoptr (GPtrArray) left = NULL;

  if (namespace_ == NULL || !kube_object_is_deleting (namespace_))
    return;
  left = kube_informer_list_by (self->pods, "namespace", name);
  if (left->len == 0)
    g_ptr_array_add (keys, g_strdup (name));
}

void
kube_namespace_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  Namespaces *self = g_new0 (Namespaces, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "namespace-controller", reconcile, self, g_free);

  self->namespaces = kube_controller_watch (controller, KUBE_KIND ("v1", "Namespace"), NULL, NULL);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), keys_of_pod, self);
  kube_controller_set_concurrency (controller, 10);
}
