/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

#include <kube/kube-quantity.h>

/* LimitRanges of a namespace give containers the requests and limits that they do not name, and bound those that they do. */

#define ANNOTATION "kubernetes.io/limit-ranger"

static void
set_missing (KubeNode *container, const char *member, KubeValue *defaults, const char *what, const char *kind, GPtrArray *notes)
{
  g_autoptr (GString) set = g_string_new (NULL);

  for (guint i = 0; i < kube_value_get_length (defaults); i++) {
    const char *resource = kube_value_get_key (defaults, i);
    KubeNode *values = kube_node_ensure_object (kube_node_ensure_object (container, "resources"), member);
    if (kube_node_get_member (values, resource) != NULL)
      continue;
    kube_node_put_value (values, resource, kube_value_get_element (defaults, i));
    g_string_append_printf (set, "%s%s", set->len > 0 ? ", " : "", resource);
  }
  if (set->len > 0)
    g_ptr_array_add (notes, g_strdup_printf ("%s %s for %s %s", set->str, what, kind, kube_node_get_string (container, "name")));
}

static void
set_defaults (KubeNode *root, KubeValue *limit, GPtrArray *notes)
{
  static const struct {
    const char *path, *kind;
  } lists[] = { { "spec.containers", "container" }, { "spec.initContainers", "init container" } };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++) {
    KubeNode *containers = kube_node_get (root, lists[i].path);
    for (guint k = 0; k < kube_node_get_length (containers); k++) {
      KubeNode *container = kube_node_get_element (containers, k);
      if (kube_node_get_value_type (container) != KUBE_VALUE_OBJECT)
        continue;
      set_missing (container, "requests", kube_value_get_member (limit, "defaultRequest"), "request", lists[i].kind, notes);
      set_missing (container, "limits", kube_value_get_member (limit, "default"), "limit", lists[i].kind, notes);
    }
  }
}

static gboolean
is_type (KubeValue *limit, const char *type)
{
  return g_strcmp0 (kube_value_get_member_string (limit, "type"), type) == 0;
}

static gboolean
mutate (KubeAdmission *admission, GError **error)
{
  g_autoptr (GPtrArray) ranges = NULL, notes = g_ptr_array_new_with_free_func (g_free);
  KubeNode *root = kube_admission_get_root (admission);
  g_autoptr (GString) text = g_string_new ("LimitRanger plugin set: ");

  if (!kube_admission_is (admission, "", "pods"))
    return TRUE;
  ranges = kube_admission_list (admission, "v1", "LimitRange", admission->info->namespace_);
  for (guint i = 0; ranges != NULL && i < ranges->len; i++) {
    KubeValue *limits = kube_object_get (g_ptr_array_index (ranges, i), "spec.limits");
    for (guint k = 0; k < kube_value_get_length (limits); k++) {
      if (is_type (kube_value_get_element (limits, k), "Container"))
        set_defaults (root, kube_value_get_element (limits, k), notes);
    }
  }
  if (notes->len == 0)
    return TRUE;
  for (guint i = 0; i < notes->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "; " : "", (char *) g_ptr_array_index (notes, i));
  kube_node_put_string (kube_node_ensure_object (root, "metadata.annotations"), ANNOTATION, text->str);
  return TRUE;
}

/* What one container, a pod in all, or a claim asks for. */
typedef struct {
  const char *type;
  KubeValue *requests, *limits;
} Demand;

static gboolean
read_quantity (KubeValue *map, const char *resource, KubeQuantity *quantity)
{
  KubeValue *value = kube_value_get_member (map, resource);
  return value != NULL && kube_quantity_from_value (value, quantity, NULL);
}

/* Both amounts may not pass the bound; the one that a minimum or a maximum is first of all about must be there. */
static void
check_extreme (const Demand *demand, const char *resource, const KubeQuantity *bound, gboolean maximum, GPtrArray *faults)
{
  KubeValue *const amounts[] = { maximum ? demand->limits : demand->requests, maximum ? demand->requests : demand->limits };
  const char *const names[] = { maximum ? "limit" : "request", maximum ? "request" : "limit" };
  g_autofree char *most = kube_quantity_print (bound);
  g_autofree char *rule = g_strdup_printf ("%simum %s usage per %s is %s", maximum ? "max" : "min", resource, demand->type, most);

  for (gsize i = 0; i < G_N_ELEMENTS (amounts); i++) {
    KubeQuantity amount;
    g_autofree char *text = NULL;

    if (!read_quantity (amounts[i], resource, &amount)) {
      if (i == 0)
        g_ptr_array_add (faults, g_strdup_printf ("%s.  No %s is specified", rule, names[i]));
      return;
    }
    if (maximum ? kube_quantity_compare (&amount, bound) <= 0 : kube_quantity_compare (&amount, bound) >= 0)
      continue;
    text = kube_quantity_print (&amount);
    g_ptr_array_add (faults, g_strdup_printf ("%s, but %s is %s", rule, names[i], text));
    return;
  }
}

static void
check_minimum (const Demand *demand, const char *resource, const KubeQuantity *bound, GPtrArray *faults)
{
  check_extreme (demand, resource, bound, FALSE, faults);
}

static void
check_maximum (const Demand *demand, const char *resource, const KubeQuantity *bound, GPtrArray *faults)
{
  check_extreme (demand, resource, bound, TRUE, faults);
}

static void
check_ratio (const Demand *demand, const char *resource, const KubeQuantity *bound, GPtrArray *faults)
{
  g_autofree char *most = kube_quantity_print (bound);
  KubeQuantity request, limit;
  double ratio;

  if (!read_quantity (demand->requests, resource, &request) || request.value == 0) {
    g_ptr_array_add (faults, g_strdup_printf ("%s max limit to request ratio per %s is %s, but no request is specified or request is 0", resource, demand->type, most));
  } else if (!read_quantity (demand->limits, resource, &limit) || limit.value == 0) {
    g_ptr_array_add (faults, g_strdup_printf ("%s max limit to request ratio per %s is %s, but no limit is specified or limit is 0", resource, demand->type, most));
  } else {
    ratio = kube_quantity_get_double (&limit) / kube_quantity_get_double (&request);
    if (ratio > kube_quantity_get_double (bound))
      g_ptr_array_add (faults, g_strdup_printf ("%s max limit to request ratio per %s is %s, but provided ratio is %f", resource, demand->type, most, ratio));
  }
}

typedef void (*BoundFunc) (const Demand *demand, const char *resource, const KubeQuantity *bound, GPtrArray *faults);

static void
check_bounds (const Demand *demand, KubeValue *bounds, BoundFunc check, GPtrArray *faults)
{
  for (guint i = 0; i < kube_value_get_length (bounds); i++) {
    KubeQuantity bound;
    if (kube_quantity_from_value (kube_value_get_element (bounds, i), &bound, NULL))
      check (demand, kube_value_get_key (bounds, i), &bound, faults);
  }
}

static void
check_demand (const Demand *demand, KubeValue *limit, GPtrArray *faults)
{
  if (!is_type (limit, demand->type))
    return;
  check_bounds (demand, kube_value_get_member (limit, "min"), check_minimum, faults);
  check_bounds (demand, kube_value_get_member (limit, "max"), check_maximum, faults);
  check_bounds (demand, kube_value_get_member (limit, "maxLimitRequestRatio"), check_ratio, faults);
}

static void
add_or_raise (KubeNode *totals, KubeValue *demand, gboolean raise)
{
  for (guint i = 0; i < kube_value_get_length (demand); i++) {
    const char *resource = kube_value_get_key (demand, i);
    KubeNode *present = kube_node_get_member (totals, resource);
    KubeQuantity total = { 0 }, own;
    g_autofree char *text = NULL;

    if (!kube_quantity_from_value (kube_value_get_element (demand, i), &own, NULL))
      continue;
    if (present != NULL)
      kube_quantity_parse (kube_node_get_string (present, ""), &total, NULL);
    if (!raise)
      kube_quantity_add (&total, &own);
    else if (kube_quantity_compare (&own, &total) > 0)
      total = own;
    text = kube_quantity_print (&total);
    kube_node_put_string (totals, resource, text);
  }
}

/* The containers of a pod run together; init containers before them, one by one. */
static KubeValue *
sum (KubeObject *pod, const char *member)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeValue *containers = kube_object_get (pod, "spec.containers"), *init = kube_object_get (pod, "spec.initContainers");

  for (guint i = 0; i < kube_value_get_length (containers); i++)
    add_or_raise (kube_builder_get_root (builder), kube_value_get (kube_value_get_element (containers, i), member), FALSE);
  for (guint i = 0; i < kube_value_get_length (init); i++)
    add_or_raise (kube_builder_get_root (builder), kube_value_get (kube_value_get_element (init, i), member), TRUE);
  return kube_builder_end (builder);
}

static void
check_containers (KubeValue *containers, KubeValue *limit, GPtrArray *faults)
{
  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *container = kube_value_get_element (containers, i);
    Demand demand = { "Container", kube_value_get (container, "resources.requests"), kube_value_get (container, "resources.limits") };
    check_demand (&demand, limit, faults);
  }
}

static void
check_pod (KubeObject *pod, KubeValue *limit, GPtrArray *faults)
{
  g_autoptr (KubeValue) requests = NULL, limits = NULL;

  check_containers (kube_object_get (pod, "spec.containers"), limit, faults);
  check_containers (kube_object_get (pod, "spec.initContainers"), limit, faults);
  if (is_type (limit, "Pod")) {
    requests = sum (pod, "resources.requests");
    limits = sum (pod, "resources.limits");
    check_demand (&(Demand) { "Pod", requests, limits }, limit, faults);
  }
}

static gboolean
refuse (KubeAdmission *admission, GPtrArray *faults, GError **error)
{
  g_autoptr (GString) text = g_string_new (faults->len > 1 ? "[" : NULL);

  for (guint i = 0; i < faults->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (char *) g_ptr_array_index (faults, i));
  return kube_admission_forbid (admission, error, "%s%s", text->str, faults->len > 1 ? "]" : "");
}

static gboolean
validate (KubeAdmission *admission, GError **error)
{
  gboolean pod = kube_admission_is (admission, "", "pods");
  g_autoptr (GPtrArray) ranges = NULL, faults = g_ptr_array_new_with_free_func (g_free);

  if (!pod && !kube_admission_is (admission, "", "persistentvolumeclaims"))
    return TRUE;
  ranges = kube_admission_list (admission, "v1", "LimitRange", admission->info->namespace_);
  for (guint i = 0; ranges != NULL && i < ranges->len && faults->len == 0; i++) {
    KubeValue *limits = kube_object_get (g_ptr_array_index (ranges, i), "spec.limits");
    for (guint k = 0; k < kube_value_get_length (limits); k++) {
      KubeValue *limit = kube_value_get_element (limits, k);
      Demand claim = { "PersistentVolumeClaim", kube_object_get (admission->final, "spec.resources.requests"), kube_object_get (admission->final, "spec.resources.requests") };
      if (pod)
        check_pod (admission->final, limit, faults);
      else
        check_demand (&claim, limit, faults);
    }
  }
  return faults->len == 0 || refuse (admission, faults, error);
}

const KubeAdmissionPlugin kube_admission_limit_ranger = { "LimitRanger", KUBE_ADMIT_CREATE, mutate, validate };
