/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-device.h"

/* How requests may use a part of a device's capacity. */

enum { VALUES_MAX = 10 };

typedef struct {
  KubeQuantity value;
  gboolean set;
} Amount;

static Amount
amount_of (KubeValue *object, const char *key)
{
  Amount amount = { 0 };
  KubeValue *value = member_of (object, key);

  amount.set = value != NULL && kube_quantity_from_value (value, &amount.value, NULL);
  return amount;
}

/* @format takes how @other prints. */
static void G_GNUC_PRINTF (5, 0)
refuse (KubeFieldErrors *errors, const KubeFieldPath *path, const Amount *bad, const Amount *other, const char *format)
{
  g_autofree char *text = kube_quantity_print (&bad->value), *other_text = other != NULL ? kube_quantity_print (&other->value) : NULL;

  kube_field_errors_invalid_format (errors, path, text, format, other_text);
}

static gboolean
is_more (const Amount *a, const Amount *b)
{
  return kube_quantity_compare (&a->value, &b->value) > 0;
}

static void
check_order (KubeFieldErrors *errors, const KubeFieldPath *path, const Amount *values, guint n)
{
  for (guint i = 1; i < n; i++)
    if (is_more (&values[i - 1], &values[i]))
      refuse (errors, AT_INDEX (path, i), &values[i], NULL, "values must be sorted in ascending order");
}

static void
check_values (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list, const Amount *standard, const Amount *capacity)
{
  Amount values[VALUES_MAX] = { 0 };
  guint n = kube_value_get_length (list);
  gboolean found = FALSE;

  for (guint i = 0; i < MIN (n, VALUES_MAX); i++)
    kube_quantity_from_value (kube_value_get_element (list, i), &values[i].value, NULL);
  check_order (errors, path, values, MIN (n, VALUES_MAX));
  if (n > VALUES_MAX)
    kube_field_errors_too_many (errors, path, (int)n, VALUES_MAX);
  for (guint i = 0; i < n && n <= VALUES_MAX; i++) {
    if (is_more (&values[i], capacity))
      refuse (errors, AT_INDEX (path, i), &values[i], capacity, "option is larger than capacity value: %s");
    found |= kube_quantity_compare (&values[i].value, &standard->value) == 0;
  }
  for (guint i = 1; i < n && n <= VALUES_MAX; i++)
    for (guint o = 0; o < i; o++)
      if (kube_quantity_get_value (&values[i].value) == kube_quantity_get_value (&values[o].value)) {
        g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, kube_quantity_get_value (&values[i].value));
        kube_field_errors_duplicate (errors, AT_INDEX (path, i), text);
        break;
      }
  if (!found)
    refuse (errors, path, standard, NULL, "default value is not valid according to the requestPolicy");
}

static void
check_multiple (KubeFieldErrors *errors, const KubeFieldPath *path, const Amount *value, const Amount *min, const Amount *step)
{
  gint64 each = kube_quantity_get_value (&step->value);
  gint64 over = kube_quantity_get_value (&value->value) - kube_quantity_get_value (&min->value);
  g_autofree char *step_text = kube_quantity_print (&step->value), *min_text = kube_quantity_print (&min->value);
  g_autofree char *text = kube_quantity_print (&value->value);

  if (each != 0 && over % each != 0)
    kube_field_errors_invalid_format (errors, path, text, "value is not a multiple of a given step (%s) from (%s)", step_text, min_text);
}

static void
check_step (KubeFieldErrors *errors, const KubeFieldPath *path, const Amount *step, const Amount *min, const Amount *capacity)
{
  Amount sum = *min;

  kube_quantity_add (&sum.value, &step->value);
  if (is_more (&sum, capacity)) {
    g_autofree char *text = kube_quantity_print (&step->value), *sum_text = kube_quantity_print (&sum.value);
    g_autofree char *capacity_text = kube_quantity_print (&capacity->value);
    kube_field_errors_invalid_format (errors, path, text, "one step %s is larger than capacity value: %s", sum_text, capacity_text);
  }
}

static void
check_range (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *range, const Amount *standard, const Amount *capacity)
{
  Amount min = amount_of (range, "min"), max = amount_of (range, "max"), step = amount_of (range, "step");
  const KubeFieldPath *min_at = AT (path, "min"), *max_at = AT (path, "max"), *step_at = AT (path, "step");

  if (!min.set) {
    kube_field_errors_required (errors, min_at, "required when validRange is defined");
    return;
  }
  if (is_more (&min, capacity))
    refuse (errors, min_at, &min, capacity, "min is larger than capacity value: %s");
  if (is_more (&min, standard))
    refuse (errors, min_at, standard, &min, "default is less than min: %s");
  if (max.set && is_more (&min, &max))
    refuse (errors, max_at, &min, &max, "min is larger than max: %s");
  if (max.set && is_more (&max, capacity))
    refuse (errors, max_at, &max, capacity, "max is larger than capacity value: %s");
  if (max.set && is_more (standard, &max))
    refuse (errors, max_at, standard, &max, "default is more than max: %s");
  if (!step.set)
    return;
  check_step (errors, step_at, &step, &min, capacity);
  check_multiple (errors, step_at, standard, &min, &step);
  if (max.set)
    check_multiple (errors, step_at, &max, &min, &step);
}

void
kube_validate_device_request_policy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *capacity)
{
  KubeValue *policy = member_of (capacity, "requestPolicy");
  KubeValue *values = member_of (policy, "validValues"), *range = member_of (policy, "validRange");
  Amount standard = amount_of (policy, "default"), whole = amount_of (capacity, "value");
  gboolean has_values = kube_value_get_length (values) > 0;

  if (has_values && range != NULL)
    kube_field_errors_forbidden (errors, path,
                                 "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the same time");
  else if (has_values && !standard.set)
    kube_field_errors_required (errors, AT (path, "default"), "required when validValues is defined");
  else if (range != NULL && !standard.set)
    kube_field_errors_required (errors, AT (path, "default"), "required when validRange is defined");
  else if (has_values)
    check_values (errors, AT (path, "validValues"), values, &standard, &whole);
  else if (range != NULL)
    check_range (errors, AT (path, "validRange"), range, &standard, &whole);
}
