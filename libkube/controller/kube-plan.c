/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-plan-private.h"

G_DEFINE_BOXED_TYPE (KubePlan, kube_plan, kube_plan_ref, kube_plan_unref)

static void
step_free (gpointer data)
{
  KubePlanStep *step = data;

  kube_request_unref (step->request);
  g_clear_pointer (&step->about, kube_object_unref);
  g_clear_pointer (&step->required, kube_object_unref);
  g_free (step->tolerated_cause);
  g_free (step->good_reason);
  g_free (step->good_message);
  g_free (step->bad_reason);
  g_free (step->bad_message);
  g_free (step);
}

static void
event_free (gpointer data)
{
  KubePlanEvent *event = data;

  kube_object_unref (event->about);
  g_free (event->type);
  g_free (event->reason);
  g_free (event->message);
  g_free (event);
}

/**
 * kube_plan_new:
 *
 * Makes an empty plan. A controller makes those it carries out; this is for tests of reconcile functions.
 *
 * Returns: (transfer full): a plan
 * Since: 1.0
 */
KubePlan *
kube_plan_new (void)
{
  KubePlan *plan = g_new0 (KubePlan, 1);

  g_atomic_ref_count_init (&plan->refs);
  plan->steps = g_ptr_array_new_with_free_func (step_free);
  plan->events = g_ptr_array_new_with_free_func (event_free);
  plan->requeue_after = -1;
  return plan;
}

/**
 * kube_plan_ref:
 * @plan: a plan
 *
 * Returns: (transfer full): @plan
 * Since: 1.0
 */
KubePlan *
kube_plan_ref (KubePlan *plan)
{
  g_atomic_ref_count_inc (&plan->refs);
  return plan;
}

/**
 * kube_plan_unref:
 * @plan: (transfer full): a plan
 *
 * Since: 1.0
 */
void
kube_plan_unref (KubePlan *plan)
{
  if (!g_atomic_ref_count_dec (&plan->refs))
    return;
  if (plan->destroy != NULL)
    plan->destroy (plan->user_data);
  g_ptr_array_unref (plan->steps);
  g_ptr_array_unref (plan->events);
  g_free (plan);
}

static KubePlanStep *
last_step (KubePlan *plan)
{
  g_return_val_if_fail (plan->steps->len > 0, NULL);
  return g_ptr_array_index (plan->steps, plan->steps->len - 1);
}

static void
replace (char **member, const char *text)
{
  g_free (*member);
  *member = g_strdup (text);
}

static KubeRequest *
request_for (KubeObject *object, KubeVerb verb)
{
  KubeKind *kind = kube_scheme_find_kind (kube_scheme_get_default (), kube_object_get_api_version (object), kube_object_get_kind (object));

  g_return_val_if_fail (kind != NULL, NULL);
  return kube_request_new (verb, kind, kube_object_get_namespace (object), verb == KUBE_VERB_CREATE ? NULL : kube_object_get_name (object));
}

/**
 * kube_plan_add_request:
 * @plan: a plan
 * @request: a request of any sort
 *
 * Adds a request to the current stage.
 *
 * Since: 1.0
 */
void
kube_plan_add_request (KubePlan *plan, KubeRequest *request)
{
  KubePlanStep *step = g_new0 (KubePlanStep, 1);

  step->request = kube_request_ref (request);
  step->stage = plan->stage;
  g_ptr_array_add (plan->steps, step);
}

/**
 * kube_plan_create:
 * @plan: a plan
 * @object: what to create; of a kind of the default scheme
 *
 * Since: 1.0
 */
void
kube_plan_create (KubePlan *plan, KubeObject *object)
{
  g_autoptr (KubeRequest) request = request_for (object, KUBE_VERB_CREATE);

  kube_request_set_object (request, object);
  kube_plan_add_request (plan, request);
}

static void
plan_put (KubePlan *plan, KubeObject *object, const char *subresource)
{
  g_autoptr (KubeRequest) request = request_for (object, KUBE_VERB_UPDATE);

  if (subresource != NULL)
    kube_request_set_subresource (request, subresource);
  kube_request_set_object (request, object);
  kube_plan_add_request (plan, request);
}

/**
 * kube_plan_update:
 * @plan: a plan
 * @object: the new state; its resourceVersion guards against writing over somebody else's change
 *
 * Since: 1.0
 */
void
kube_plan_update (KubePlan *plan, KubeObject *object)
{
  plan_put (plan, object, NULL);
}

/**
 * kube_plan_update_status:
 * @plan: a plan
 * @object: the new state, of which only the status counts
 *
 * Since: 1.0
 */
void
kube_plan_update_status (KubePlan *plan, KubeObject *object)
{
  plan_put (plan, object, "status");
}

/**
 * kube_plan_patch:
 * @plan: a plan
 * @object: what to patch
 * @subresource: (nullable): for example "status"
 * @type: how @patch is to be read
 * @patch: the patch
 *
 * Since: 1.0
 */
void
kube_plan_patch (KubePlan *plan, KubeObject *object, const char *subresource, KubePatchType type, KubeValue *patch)
{
  g_autoptr (KubeRequest) request = request_for (object, KUBE_VERB_PATCH);

  if (subresource != NULL)
    kube_request_set_subresource (request, subresource);
  kube_request_set_patch (request, type, patch);
  kube_plan_add_request (plan, request);
}

/**
 * kube_plan_delete:
 * @plan: a plan
 * @object: what to delete; its uid is a precondition
 * @propagation: (nullable): "Background", "Foreground" or "Orphan"
 *
 * That it is gone already is no failure.
 *
 * Since: 1.0
 */
void
kube_plan_delete (KubePlan *plan, KubeObject *object, const char *propagation)
{
  g_autoptr (KubeRequest) request = request_for (object, KUBE_VERB_DELETE);

  kube_request_set_delete_options (request, -1, propagation, kube_object_get_uid (object), NULL);
  kube_plan_add_request (plan, request);
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
}

/**
 * kube_plan_tolerate:
 * @plan: a plan with a request
 * @code: an error
 *
 * The last request may fail with @code without being a failure of the plan.
 *
 * Since: 1.0
 */
void
kube_plan_tolerate (KubePlan *plan, KubeError code)
{
  last_step (plan)->tolerated |= 1u << code;
}

/**
 * kube_plan_tolerate_cause:
 * @plan: a plan with a request
 * @reason: reason of a cause in the error's details, for example "NamespaceTerminating"
 *
 * The last request may fail for this cause without being a failure of the plan.
 *
 * Since: 1.0
 */
void
kube_plan_tolerate_cause (KubePlan *plan, const char *reason)
{
  replace (&last_step (plan)->tolerated_cause, reason);
}

/**
 * kube_plan_require:
 * @plan: a plan
 * @object: what must still be there
 *
 * Asks the server for @object. The plan fails where it is gone, was replaced by another of its name, or is being deleted: for writes that must not be
 * decided on what an informer shows a moment too late.
 *
 * Since: 1.0
 */
void
kube_plan_require (KubePlan *plan, KubeObject *object)
{
  g_autoptr (KubeRequest) request = request_for (object, KUBE_VERB_GET);

  kube_plan_add_request (plan, request);
  last_step (plan)->required = kube_object_ref (object);
}

/**
 * kube_plan_report:
 * @plan: a plan with a request
 * @about: the object that the events are about
 * @good_reason: (nullable): reason of the Normal event after a good answer
 * @good_message: (nullable): its message, which the answered object's name follows
 * @bad_reason: (nullable): reason of the Warning event after an error
 * @bad_message: (nullable): its message, which the error's follows
 *
 * What to say about the last request once it was answered.
 *
 * Since: 1.0
 */
void
kube_plan_report (KubePlan *plan, KubeObject *about, const char *good_reason, const char *good_message, const char *bad_reason, const char *bad_message)
{
  KubePlanStep *step = last_step (plan);

  g_clear_pointer (&step->about, kube_object_unref);
  step->about = kube_object_ref (about);
  replace (&step->good_reason, good_reason);
  replace (&step->good_message, good_message);
  replace (&step->bad_reason, bad_reason);
  replace (&step->bad_message, bad_message);
}

/**
 * kube_plan_then:
 * @plan: a plan
 *
 * Begins the next stage: what follows is sent once all before was answered well.
 *
 * Since: 1.0
 */
void
kube_plan_then (KubePlan *plan)
{
  plan->stage++;
}

/**
 * kube_plan_event:
 * @plan: a plan
 * @about: the object that the event is about
 * @type: "Normal" or "Warning"
 * @reason: in CamelCase
 * @format: message in printf() style
 * @...: its arguments
 *
 * An event to record once the request added last was answered well; at once where there is none yet.
 *
 * Since: 1.0
 */
void
kube_plan_event (KubePlan *plan, KubeObject *about, const char *type, const char *reason, const char *format, ...)
{
  KubePlanEvent *event = g_new0 (KubePlanEvent, 1);
  va_list args;

  va_start (args, format);
  event->message = g_strdup_vprintf (format, args);
  va_end (args);
  event->after = plan->steps->len;
  event->about = kube_object_ref (about);
  event->type = g_strdup (type);
  event->reason = g_strdup (reason);
  g_ptr_array_add (plan->events, event);
}

/**
 * kube_plan_requeue_after:
 * @plan: a plan
 * @delay: microseconds
 *
 * Reconcile the key again after that time; the earliest of several calls counts.
 *
 * Since: 1.0
 */
void
kube_plan_requeue_after (KubePlan *plan, gint64 delay)
{
  if (plan->requeue_after < 0 || delay < plan->requeue_after)
    plan->requeue_after = MAX (delay, 0);
}

/**
 * kube_plan_continue:
 * @plan: a plan
 * @func: (scope notified): makes the next plan from the answers to this one's requests
 * @user_data: (closure func): data for @func
 * @destroy: (destroy func) (nullable): frees @user_data
 *
 * Goes on with what @func plans once all requests were answered well: for what no informer shows.
 *
 * Since: 1.0
 */
void
kube_plan_continue (KubePlan *plan, KubePlanFunc func, gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (plan->func == NULL);
  plan->func = func;
  plan->user_data = user_data;
  plan->destroy = destroy;
}

/**
 * kube_plan_is_empty:
 * @plan: a plan
 *
 * Returns: whether it has no requests
 * Since: 1.0
 */
gboolean
kube_plan_is_empty (KubePlan *plan)
{
  return plan->steps->len == 0;
}

/**
 * kube_plan_get_length:
 * @plan: a plan
 *
 * Returns: how many requests it has
 * Since: 1.0
 */
guint
kube_plan_get_length (KubePlan *plan)
{
  return plan->steps->len;
}

/**
 * kube_plan_get_request:
 * @plan: a plan
 * @index: below its length
 *
 * Returns: (transfer none): a request
 * Since: 1.0
 */
KubeRequest *
kube_plan_get_request (KubePlan *plan, guint index)
{
  g_return_val_if_fail (index < plan->steps->len, NULL);
  return ((KubePlanStep *) g_ptr_array_index (plan->steps, index))->request;
}

/**
 * kube_plan_get_requeue_after:
 * @plan: a plan
 *
 * Returns: microseconds, or -1 where nothing is to be done by time
 * Since: 1.0
 */
gint64
kube_plan_get_requeue_after (KubePlan *plan)
{
  return plan->requeue_after;
}
