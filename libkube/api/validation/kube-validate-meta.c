/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

enum { ANNOTATIONS_MAX = 256 * 1024 };

void
kube_validate_name (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameRule rule, const char *name, gboolean prefix)
{
  static const KubeNameFormat formats[] = {
    [KUBE_NAME_RULE_SUBDOMAIN] = KUBE_NAME_DNS1123_SUBDOMAIN,    [KUBE_NAME_RULE_LABEL] = KUBE_NAME_DNS1123_LABEL,
    [KUBE_NAME_RULE_DNS1035] = KUBE_NAME_DNS1035_LABEL,          [KUBE_NAME_RULE_PATH_SEGMENT] = KUBE_NAME_PATH_SEGMENT,
    [KUBE_NAME_RULE_SYSTEM_PREFIX] = KUBE_NAME_DNS1123_SUBDOMAIN, [KUBE_NAME_RULE_CRON_JOB] = KUBE_NAME_DNS1123_SUBDOMAIN,
    [KUBE_NAME_RULE_LONG_NAME] = KUBE_NAME_DNS1123_SUBDOMAIN,    [KUBE_NAME_RULE_ANY] = KUBE_NAME_PATH_SEGMENT,
  };
  g_autofree char *masked = NULL;
  gsize length = strlen (name);
  guint before = kube_field_errors_get_length (errors);

  if (rule == KUBE_NAME_RULE_ANY || (rule == KUBE_NAME_RULE_LONG_NAME && prefix))
    return;
  if (rule == KUBE_NAME_RULE_IP) {
    kube_validate_ip (errors, path, name);
    return;
  }
  if (rule == KUBE_NAME_RULE_LONG_NAME && length > 253) {
    kube_field_errors_invalid (errors, path, name, "must be no more than 253 bytes");
    return;
  }
  /* Something will stand behind a generated name's dash. */
  if (prefix && length > 1 && name[length - 1] == '-' && rule != KUBE_NAME_RULE_PATH_SEGMENT)
    masked = g_strdup_printf ("%.*sa", (int) (length - 2), name);
  if (masked == NULL) {
    kube_validate_format (errors, path, formats[rule], name);
  } else if (!kube_name_is_valid (formats[rule], masked)) {
    g_autoptr (GPtrArray) messages = kube_name_check_all (formats[rule], masked);
    for (guint i = 0; i < messages->len; i++)
      kube_field_errors_invalid (errors, path, name, messages->pdata[i]);
  }
  if (rule == KUBE_NAME_RULE_CRON_JOB && kube_field_errors_get_length (errors) == before && !prefix && length > 52)
    kube_field_errors_invalid (errors, path, name, "must be no more than 52 characters");
}

void
kube_validate_labels (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *labels)
{
  guint n = kube_value_get_length (labels);

  for (guint i = 0; i < n; i++) {
    kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, kube_value_get_key (labels, i));
    kube_validate_format (errors, path, KUBE_NAME_LABEL_VALUE, element_string (labels, i));
  }
}

static void
check_annotation_key (KubeFieldErrors *errors, const KubeFieldPath *path, const char *key)
{
  g_autofree char *lower = NULL;
  g_autoptr (GPtrArray) messages = NULL;

  if (kube_name_is_valid (KUBE_NAME_QUALIFIED, key))
    return;
  lower = g_utf8_strdown (key, -1);
  messages = kube_name_check_all (KUBE_NAME_QUALIFIED, lower);
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    kube_field_errors_invalid (errors, path, key, messages->pdata[i]);
}

void
kube_validate_annotations (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *annotations)
{
  guint n = kube_value_get_length (annotations);
  gsize total = 0;

  for (guint i = 0; i < n; i++) {
    gsize length = 0;
    check_annotation_key (errors, path, kube_value_get_key (annotations, i));
    kube_value_peek_string (kube_value_get_element (annotations, i), &length);
    total += length + strlen (kube_value_get_key (annotations, i));
  }
  if (total > ANNOTATIONS_MAX)
    kube_field_errors_too_long (errors, path, ANNOTATIONS_MAX);
}

static void
check_owner (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *owner)
{
  const char *api_version = string_of (owner, "apiVersion"), *kind = string_of (owner, "kind");
  const char *slash = strchr (api_version, '/');
  /* What cannot be read as group and version has neither. */
  gboolean bad = *api_version == '\0' || equals (api_version, "/") || (slash != NULL && (strchr (slash + 1, '/') != NULL || slash[1] == '\0'));

  if (bad)
    kube_field_errors_invalid (errors, KUBE_FIELD (path, "apiVersion"), api_version, "version must not be empty");
  if (*kind == '\0')
    kube_field_errors_invalid (errors, KUBE_FIELD (path, "kind"), kind, "must not be empty");
  if (!has_text (owner, "name"))
    kube_field_errors_invalid (errors, KUBE_FIELD (path, "name"), "", "must not be empty");
  if (!has_text (owner, "uid"))
    kube_field_errors_invalid (errors, KUBE_FIELD (path, "uid"), "", "must not be empty");
  if (equals (api_version, "v1") && equals (kind, "Event"))
    kube_validate_invalid_struct (errors, path, "@meta.OwnerReference", owner, "/v1, Kind=Event is disallowed from being an owner");
}

static void
check_owners (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *owners)
{
  guint n = kube_value_get_length (owners);
  KubeValue *controller = NULL;

  for (guint i = 0; i < n; i++) {
    KubeValue *owner = kube_value_get_element (owners, i);

    check_owner (errors, path, owner);
    if (!boolean_of (owner, "controller"))
      continue;
    if (controller != NULL) {
      g_autofree char *detail = g_strdup_printf ("Only one reference can have Controller set to true. Found \"true\" in references for %s/%s and %s/%s",
                                                 string_of (controller, "kind"), string_of (controller, "name"), string_of (owner, "kind"),
                                                 string_of (owner, "name"));
      kube_validate_invalid_struct (errors, path, "[@meta.OwnerReference", owners, detail);
    } else {
      controller = owner;
    }
  }
}

static void
check_finalizers (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *finalizers)
{
  guint n = kube_value_get_length (finalizers);
  gboolean orphan = FALSE, foreground = FALSE;

  for (guint i = 0; i < n; i++) {
    const char *name = element_string (finalizers, i);
    kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, name);
    orphan |= equals (name, "orphan");
    foreground |= equals (name, "foregroundDeletion");
  }
  if (orphan && foreground)
    kube_field_errors_invalid_value (errors, path, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
}

/* Finalizers of the system have short names; all others say whose they are. */
void
kube_validate_finalizer_names (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *finalizers)
{
  static const char *const standard[] = { "kubernetes", "orphan", "foregroundDeletion", NULL };

  for (guint i = 0; i < kube_value_get_length (finalizers); i++) {
    const char *name = element_string (finalizers, i);
    if (strchr (name, '/') == NULL && !kube_validate_one_of (name, standard))
      kube_field_errors_invalid (errors, KUBE_FIELD_INDEX (path, i), name, "name is neither a standard finalizer name nor is it fully qualified");
  }
}

static void
check_managed_fields (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *list)
{
  guint n = kube_value_get_length (list);

  for (guint i = 0; i < n; i++) {
    KubeValue *entry = kube_value_get_element (list, i);
    const KubeFieldPath *at = KUBE_FIELD_INDEX (path, i);
    const char *operation = string_of (entry, "operation"), *type = string_of (entry, "fieldsType");

    if (!equals (operation, "Apply") && !equals (operation, "Update"))
      kube_field_errors_invalid (errors, KUBE_FIELD (at, "operation"), operation, "must be `Apply` or `Update`");
    if (*type != '\0' && !equals (type, "FieldsV1"))
      kube_field_errors_invalid (errors, KUBE_FIELD (at, "fieldsType"), type, "must be `FieldsV1`");
    if (strlen (string_of (entry, "manager")) > 128)
      kube_field_errors_too_long (errors, KUBE_FIELD (at, "manager"), 128);
    if (strlen (string_of (entry, "subresource")) > 256)
      kube_field_errors_too_long (errors, KUBE_FIELD (at, "subresource"), 256);
  }
}

void
kube_validate_meta (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *meta, gboolean namespaced, KubeNameRule rule)
{
  const char *name = string_of (meta, "name"), *namespace_ = string_of (meta, "namespace");

  if (has_text (meta, "generateName"))
    kube_validate_name (errors, KUBE_FIELD (path, "generateName"), rule, string_of (meta, "generateName"), TRUE);
  if (*name == '\0')
    kube_field_errors_required (errors, KUBE_FIELD (path, "name"), "name or generateName is required");
  else
    kube_validate_name (errors, KUBE_FIELD (path, "name"), rule, name, FALSE);

  if (namespaced && *namespace_ == '\0')
    kube_field_errors_required (errors, KUBE_FIELD (path, "namespace"), NULL);
  else if (namespaced)
    kube_validate_format (errors, KUBE_FIELD (path, "namespace"), KUBE_NAME_DNS1123_LABEL, namespace_);
  else if (*namespace_ != '\0')
    kube_field_errors_forbidden (errors, KUBE_FIELD (path, "namespace"), "not allowed on this type");

  kube_validate_non_negative (errors, KUBE_FIELD (path, "generation"), integer_of (meta, "generation", 0));
  kube_validate_labels (errors, KUBE_FIELD (path, "labels"), member_of (meta, "labels"));
  kube_validate_annotations (errors, KUBE_FIELD (path, "annotations"), member_of (meta, "annotations"));
  check_owners (errors, KUBE_FIELD (path, "ownerReferences"), member_of (meta, "ownerReferences"));
  check_finalizers (errors, KUBE_FIELD (path, "finalizers"), member_of (meta, "finalizers"));
  check_managed_fields (errors, KUBE_FIELD (path, "managedFields"), member_of (meta, "managedFields"));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static gboolean
has_element (KubeValue *array, const char *string)
{
  for (guint i = 0; i < kube_value_get_length (array); i++)
    if (equals (element_string (array, i), string))
      return TRUE;
  return FALSE;
}

static void
check_no_new_finalizers (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *finalizers, KubeValue *old)
{
  g_autoptr (GPtrArray) extra = g_ptr_array_new ();
  g_autoptr (GString) detail = NULL;

  for (guint i = 0; i < kube_value_get_length (finalizers); i++)
    if (!has_element (old, element_string (finalizers, i)))
      g_ptr_array_add (extra, (char *) element_string (finalizers, i));
  if (extra->len == 0)
    return;

  g_ptr_array_sort (extra, compare_names);
  detail = g_string_new ("no new finalizers can be added if the object is being deleted, found new finalizers []string{");
  for (guint i = 0; i < extra->len; i++) {
    g_string_append (detail, i > 0 ? ", " : "");
    kube_go_quote (detail, extra->pdata[i], -1);
  }
  g_string_append_c (detail, '}');
  kube_field_errors_forbidden (errors, path, detail->str);
}

void
kube_validate_meta_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *meta, KubeValue *old)
{
  static const char *const fixed[] = { "name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds" };

  if (has_member (old, "deletionTimestamp"))
    check_no_new_finalizers (errors, KUBE_FIELD (path, "finalizers"), member_of (meta, "finalizers"), member_of (old, "finalizers"));
  if (!has_text (meta, "resourceVersion"))
    kube_field_errors_invalid (errors, KUBE_FIELD (path, "resourceVersion"), "", "must be specified for an update");
  if (integer_of (meta, "generation", 0) < integer_of (old, "generation", 0))
    kube_field_errors_invalid_integer (errors, KUBE_FIELD (path, "generation"), integer_of (meta, "generation", 0), "must not be decremented");
  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i++) {
    KubeValue *value = member_of (meta, fixed[i]), *before = member_of (old, fixed[i]);
    if (kube_validate_semantic_equal (value, before))
      continue;
    if (i < 3)
      kube_field_errors_invalid (errors, KUBE_FIELD (path, fixed[i]), string_of (meta, fixed[i]), "field is immutable");
    else
      kube_field_errors_invalid_value (errors, KUBE_FIELD (path, fixed[i]), value, "field is immutable");
  }
  kube_validate_labels (errors, KUBE_FIELD (path, "labels"), member_of (meta, "labels"));
  kube_validate_annotations (errors, KUBE_FIELD (path, "annotations"), member_of (meta, "annotations"));
  check_owners (errors, KUBE_FIELD (path, "ownerReferences"), member_of (meta, "ownerReferences"));
  check_managed_fields (errors, KUBE_FIELD (path, "managedFields"), member_of (meta, "managedFields"));
}

gboolean
kube_validate_requirement_values (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requirement)
{
  const char *operator = string_of (requirement, "operator");
  guint n = kube_value_get_length (member_of (requirement, "values"));

  if (equals (operator, "In") || equals (operator, "NotIn")) {
    if (n == 0)
      kube_field_errors_required (errors, KUBE_FIELD (path, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (equals (operator, "Exists") || equals (operator, "DoesNotExist")) {
    if (n > 0)
      kube_field_errors_forbidden (errors, KUBE_FIELD (path, "values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else {
    return FALSE;
  }
  return TRUE;
}

void
kube_validate_label_requirement (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requirement, gboolean any_operator)
{
  KubeValue *values = member_of (requirement, "values");

  if (!kube_validate_requirement_values (errors, path, requirement) && !any_operator)
    kube_field_errors_invalid (errors, KUBE_FIELD (path, "operator"), string_of (requirement, "operator"), "not a valid selector operator");
  kube_validate_format (errors, KUBE_FIELD (path, "key"), KUBE_NAME_QUALIFIED, string_of (requirement, "key"));
  for (guint i = 0; i < kube_value_get_length (values); i++)
    kube_validate_format (errors, KUBE_FIELD_INDEX (KUBE_FIELD (path, "values"), i), KUBE_NAME_LABEL_VALUE, element_string (values, i));
}

void
kube_validate_label_selector (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *selector)
{
  KubeValue *expressions = member_of (selector, "matchExpressions");

  if (selector == NULL)
    return;
  kube_validate_labels (errors, KUBE_FIELD (path, "matchLabels"), member_of (selector, "matchLabels"));
  for (guint i = 0; i < kube_value_get_length (expressions); i++)
    kube_validate_label_requirement (errors, KUBE_FIELD_INDEX (KUBE_FIELD (path, "matchExpressions"), i), kube_value_get_element (expressions, i), FALSE);
}

/* --- conditions --- */

enum {
  REASON_MAX = 1024,
  MESSAGE_MAX = 32 * 1024,
};

static gboolean
is_reason (const char *reason)
{
  static const char more[] = G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_,:";
  gsize length = strlen (reason);

  return g_ascii_isalpha (*reason) && strspn (reason, more) == length && (g_ascii_isalnum (reason[length - 1]) || reason[length - 1] == '_');
}

static void
check_condition (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *condition)
{
  static const char *const statuses[] = { "False", "True", "Unknown", NULL };
  const char *status = string_of (condition, "status"), *reason = string_of (condition, "reason");
  gint64 generation = integer_of (condition, "observedGeneration", 0);

  kube_validate_format (errors, KUBE_FIELD (path, "type"), KUBE_NAME_QUALIFIED, string_of (condition, "type"));
  kube_validate_enum (errors, KUBE_FIELD (path, "status"), status, NULL, statuses);
  if (generation < 0)
    kube_field_errors_invalid_integer (errors, KUBE_FIELD (path, "observedGeneration"), generation, "must be greater than or equal to zero");
  if (!has_text (condition, "lastTransitionTime"))
    kube_field_errors_required (errors, KUBE_FIELD (path, "lastTransitionTime"), "must be set");
  if (*reason == '\0')
    kube_field_errors_required (errors, KUBE_FIELD (path, "reason"), "must be set");
  else if (!is_reason (reason))
    kube_field_errors_invalid (errors, KUBE_FIELD (path, "reason"), reason,
                               "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', "
                               "and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or "
                               "'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')");
  if (strlen (reason) > REASON_MAX)
    kube_field_errors_too_long (errors, KUBE_FIELD (path, "reason"), REASON_MAX);
  if (strlen (string_of (condition, "message")) > MESSAGE_MAX)
    kube_field_errors_too_long (errors, KUBE_FIELD (path, "message"), MESSAGE_MAX);
}

void
kube_validate_conditions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conditions)
{
  g_auto (NameSet) seen = { 0 };

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    const KubeFieldPath *at = KUBE_FIELD_INDEX (path, i);

    if (!name_set_add (&seen, string_of (condition, "type")))
      kube_field_errors_duplicate (errors, KUBE_FIELD (at, "type"), string_of (condition, "type"));
    check_condition (errors, at, condition);
  }
}
