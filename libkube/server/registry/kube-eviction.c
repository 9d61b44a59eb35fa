/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include <kube/kube-selector.h>
#include <kube/kube-time.h>

/* An eviction is a deletion that asks the pod's disruption budget first. The budget's status says how many pods may go; taking one of them is a write of its own, before the deletion. */

#define RETRIES 20
#define MAX_DISRUPTED 2000
#define VIOLATION "Cannot evict pod as it would violate the pod's disruption budget."

typedef struct {
  KubeOperation *op;
  KubeDeleteOptions options;
  char *version; /* (nullable): that the pod must have */
} Eviction;

static void
eviction_free (Eviction *eviction)
{
  kube_delete_options_clear (&eviction->options);
  kube_operation_unref (eviction->op);
  g_free (eviction->version);
  g_free (eviction);
}

static void
refuse (Eviction *eviction, GError *error)
{
  kube_operation_take_error (eviction->op, error);
  eviction_free (eviction);
}

/* --- the deletion --- */

static void
on_evicted (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  if (error != NULL)
    kube_operation_answer_error (modify->op, error);
  else
    kube_operation_answer_success (modify->op, 201, NULL, NULL, NULL);
  eviction_free (user_data);
}

static void
delete_pod (Eviction *eviction)
{
  KubeOperation *op = eviction->op;
  KubeDeleteOptions options = eviction->options;

  eviction->options.value = NULL;
  kube_registry_delete_one (op, op->kind, op->info.namespace_, op->info.name, &options, on_evicted, eviction);
}

/* The pod says why it goes: who looks after it may not want to count that as a failure. */
static KubeChange
mark_pod (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  Eviction *eviction = user_data;
  g_autoptr (KubeBuilder) builder = NULL;
  KubeNode *conditions, *condition = NULL;
  char now[KUBE_TIME_STRING_SIZE];

  if (!kube_delete_options_check (&eviction->options, modify, old, error))
    return KUBE_CHANGE_NONE;
  builder = kube_builder_new (kube_object_get_value (old));
  conditions = kube_node_ensure_array (kube_builder_get_root (builder), "status.conditions");
  for (guint i = 0; i < kube_node_get_length (conditions) && condition == NULL; i++) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (conditions, i), "type"), "DisruptionTarget") == 0)
      condition = kube_node_get_element (conditions, i);
  }
  if (condition == NULL)
    condition = kube_node_append_object (conditions);
  if (g_strcmp0 (kube_node_get_string (condition, "status"), "True") != 0)
    kube_node_put_string (condition, "lastTransitionTime", kube_time_format (kube_clock_get_time (eviction->op->clock), now));
  kube_node_put_string (condition, "type", "DisruptionTarget");
  kube_node_put_string (condition, "status", "True");
  kube_node_put_string (condition, "reason", "EvictionByEvictionAPI");
  kube_node_put_string (condition, "message", "Eviction API: evicting");
  *object = kube_object_new_from_builder (builder);
  return KUBE_CHANGE_WRITE;
}

static void
on_marked (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  Eviction *eviction = user_data;

  if (error != NULL) {
    refuse (eviction, g_error_copy (error));
    return;
  }
  /* The version that the caller asked for is the one before the mark. */
  if (eviction->options.version != NULL && *eviction->options.version != '\0')
    eviction->options.version = eviction->version = g_strdup (kube_object_get_resource_version (object));
  delete_pod (eviction);
}

static void
mark_and_delete_pod (Eviction *eviction)
{
  KubeOperation *op = eviction->op;

  if (op->dry_run)
    delete_pod (eviction);
  else
    kube_modify (op, op->kind, op->info.namespace_, op->info.name, RETRIES, mark_pod, on_marked, eviction);
}

/* --- the budget --- */

static KubeKind *
budgets (void)
{
  return KUBE_KIND ("policy/v1", "PodDisruptionBudget");
}

static GError *
too_many (const char *message)
{
  GError *error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_TOO_MANY_REQUESTS, VIOLATION);

  kube_error_add_cause (error, "DisruptionBudget", NULL, message);
  return error;
}

static GError *
check_budget (KubeObject *budget)
{
  gint64 allowed = kube_object_get_integer (budget, "status.disruptionsAllowed", 0);
  g_autofree char *message = NULL;
  GError *error;

  if (kube_object_get_integer (budget, "status.observedGeneration", 0) < kube_object_get_generation (budget)) {
    message = g_strdup_printf ("The disruption budget %s is still being processed by the server.", kube_object_get_name (budget));
    error = too_many (message);
    kube_error_get_details (error)->retry_after = 10;
    return error;
  }
  if (allowed < 0)
    return g_error_new_literal (KUBE_ERROR, KUBE_ERROR_FORBIDDEN, "pdb disruptions allowed is negative");
  if (kube_value_get_length (kube_object_get (budget, "status.disruptedPods")) > MAX_DISRUPTED)
    return g_error_new_literal (KUBE_ERROR, KUBE_ERROR_FORBIDDEN, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  if (allowed > 0)
    return NULL;
  message = g_strdup_printf ("The disruption budget %s needs %" G_GINT64_FORMAT " healthy pods and has %" G_GINT64_FORMAT " currently", kube_object_get_name (budget),
      kube_object_get_integer (budget, "status.desiredHealthy", 0), kube_object_get_integer (budget, "status.currentHealthy", 0));
  return too_many (message);
}

static KubeChange
take_disruption (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  Eviction *eviction = user_data;
  GError *refusal = check_budget (old);
  g_autoptr (KubeBuilder) builder = NULL;
  char now[KUBE_TIME_STRING_SIZE];
  KubeNode *root;

  if (refusal != NULL) {
    g_propagate_error (error, refusal);
    return KUBE_CHANGE_NONE;
  }
  builder = kube_builder_new (kube_object_get_value (old));
  root = kube_builder_get_root (builder);
  kube_node_set_integer (root, "status.disruptionsAllowed", kube_object_get_integer (old, "status.disruptionsAllowed", 0) - 1);
  /* the controller that counts learns from it that this pod is on its way out */
  kube_node_put_string (kube_node_ensure_object (root, "status.disruptedPods"), eviction->op->info.name, kube_time_format (kube_clock_get_time (eviction->op->clock), now));
  *object = kube_object_new_from_builder (builder);
  return KUBE_CHANGE_WRITE;
}

static void
on_disruption_taken (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  Eviction *eviction = user_data;

  if (error != NULL)
    refuse (eviction, g_error_copy (error));
  else
    mark_and_delete_pod (eviction);
}

static gboolean
is_ready (KubeObject *pod)
{
  KubeValue *ready = kube_value_find_element (kube_object_get (pod, "status.conditions"), "type", "Ready");

  return g_strcmp0 (kube_value_get_string (ready, "status"), "True") == 0;
}

/* Whether a pod may go whatever its budget says: it counts for nothing. */
static gboolean
is_free_to_go (KubeObject *pod)
{
  const char *phase = kube_object_get_string (pod, "status.phase");
  return kube_object_is_deleting (pod) || g_strcmp0 (phase, "Succeeded") == 0 || g_strcmp0 (phase, "Failed") == 0 || g_strcmp0 (phase, "Pending") == 0;
}

static gboolean
is_unhealthy_and_allowed (KubeObject *pod, KubeObject *budget)
{
  const char *policy = kube_object_get_string (budget, "spec.unhealthyPodEvictionPolicy");
  gint64 desired = kube_object_get_integer (budget, "status.desiredHealthy", 0);

  if (is_ready (pod))
    return FALSE;
  return g_strcmp0 (policy, "AlwaysAllow") == 0 || (desired > 0 && kube_object_get_integer (budget, "status.currentHealthy", 0) >= desired);
}

/* The budgets that select @pod: (transfer full). */
static GPtrArray *
find_budgets (KubeOperation *op, KubeObject *pod, GError **error)
{
  GPtrArray *all = kube_storage_list (op->store, budgets (), op->info.namespace_, NULL, error);

  for (guint i = all != NULL ? all->len : 0; i > 0; i--) {
    g_autoptr (KubeSelector) selector = kube_selector_from_value (kube_object_get (g_ptr_array_index (all, i - 1), "spec.selector"), NULL);
    if (selector == NULL || !kube_selector_matches (selector, pod))
      g_ptr_array_remove_index (all, i - 1);
  }
  return all;
}

static void
evict (Eviction *eviction, KubeObject *pod)
{
  KubeOperation *op = eviction->op;
  g_autoptr (GPtrArray) found = NULL;
  GError *error = NULL;

  if (is_free_to_go (pod)) {
    mark_and_delete_pod (eviction);
    return;
  }
  found = find_budgets (op, pod, &error);
  if (found == NULL)
    refuse (eviction, error);
  else if (found->len > 1)
    refuse (eviction, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_INTERNAL,
                          "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."));
  else if (found->len == 0 || is_unhealthy_and_allowed (pod, g_ptr_array_index (found, 0)))
    mark_and_delete_pod (eviction);
  else
    kube_modify (op, budgets (), op->info.namespace_, kube_object_get_name (g_ptr_array_index (found, 0)), RETRIES, take_disruption, on_disruption_taken, eviction);
}

/* Values as Go prints a list of them. */
static char *
print_dry_run (KubeValue *values)
{
  GString *out = g_string_new ("[");

  for (guint i = 0; i < kube_value_get_length (values); i++)
    g_string_append_printf (out, "%s%s", i > 0 ? " " : "", kube_value_peek_string (kube_value_get_element (values, i), NULL));
  return g_string_free (g_string_append_c (out, ']'), FALSE);
}

/* What an eviction says of the deletion that it is; of its request, that it is a dry run. */
static gboolean
read_deletion (KubeOperation *op, KubeValue *body, KubeDeleteOptions *options, GError **error)
{
  static const char unsafe[] = "ignoreStoreReadErrorWithClusterBreakingPotential";
  KubeValue *said = kube_value_get_member (body, "deleteOptions"), *dry_run = kube_value_get_member (said, "dryRun");
  g_autoptr (KubeValue) nothing = kube_value_new_empty_object ();
  const char *const *asked = kube_call_get_query_all (op->call, "dryRun");
  gsize n = asked != NULL ? g_strv_length ((char **) asked) : 0;
  g_auto (KubeFieldErrors) errors = { NULL };

  if (kube_value_get_boolean (said, unsafe, FALSE)) {
    kube_field_errors_add (&errors, KUBE_FIELD_ERROR_INVALID, KUBE_FIELD (KUBE_FIELD (NULL, "deleteOptions"), unsafe), "true",
                           "can not be set for pod eviction, try after removing the option");
    g_propagate_error (error, kube_field_errors_to_error (&errors, "policy", "Eviction", op->info.name));
    return FALSE;
  }
  if (n > 0 && kube_value_get_length (dry_run) > 0 && (n != 1 || kube_value_get_length (dry_run) != 1 || g_strcmp0 (kube_value_peek_string (kube_value_get_element (dry_run, 0), NULL), asked[0]) != 0)) {
    g_autofree char *first = g_strjoinv (" ", (char **) asked), *second = print_dry_run (dry_run);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_UNKNOWN, "Non-matching dry-run options in request and content: [%s] and %s", first, second);
    return FALSE;
  }
  return kube_delete_options_init (options, op, said != NULL ? said : nothing, error);
}

void
kube_registry_evict (KubeOperation *op)
{
  g_autoptr (KubeValue) body = NULL;
  g_autoptr (KubeObject) pod = NULL;
  GError *error = NULL;
  Eviction *eviction;
  const char *name;

  if (kube_operation_get_write_options (op, "CreateOptions", &error))
    body = kube_operation_decode_body (op, kube_registry_body_kind ("policy", "v1", "Eviction"), &error);
  if (body == NULL) {
    kube_operation_take_error (op, error);
    return;
  }
  eviction = g_new0 (Eviction, 1);
  eviction->op = kube_operation_ref (op);
  name = kube_value_get_string (body, "metadata.name");
  if (!kube_registry_check_namespace (op, kube_value_get_string (body, "metadata.namespace"), &error))
    pod = NULL;
  else if (g_strcmp0 (name, op->info.name) != 0)
    g_set_error_literal (&error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "name in URL does not match name in Eviction object");
  else if (read_deletion (op, body, &eviction->options, &error))
    pod = kube_storage_get (op->store, op->kind, op->info.namespace_, op->info.name, &error);
  if (pod == NULL)
    refuse (eviction, error);
  else
    evict (eviction, pod);
}
