/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* Events of both groups, and leases. */

static void
check_length (KubeFieldErrors *errors, const char *field, const char *text, gsize maximum, gboolean required)
{
  if (*text == '\0' && required)
    kube_field_errors_required (errors, AT (NULL, field), NULL);
  if (strlen (text) > maximum)
    kube_field_errors_invalid_format (errors, AT (NULL, field), "", "can have at most %" G_GSIZE_FORMAT " characters", maximum);
}

static void
check_event_namespace (KubeFieldErrors *errors, const char *namespace_, const char *about, gboolean has_time)
{
  gboolean standard = equals (namespace_, "default") || (has_time ? equals (namespace_, "kube-system") : *namespace_ == '\0');
  gboolean good = *about == '\0' ? standard : has_time || equals (about, namespace_);

  if (!good)
    kube_field_errors_invalid (errors, AT (AT (NULL, "involvedObject"), "namespace"), about, "does not match event.namespace");
}

static void
check_event (KubeFieldErrors *errors, KubeValue *event, KubeValue *about, const char *note, const char *controller_field)
{
  const char *namespace_ = string_of (member_of (event, "metadata"), "namespace"), *controller = string_of (event, controller_field);
  gboolean has_time = has_member (event, "eventTime");

  check_event_namespace (errors, namespace_, string_of (about, "namespace"), has_time);
  if (has_time) {
    if (*controller == '\0')
      kube_field_errors_required (errors, AT (NULL, controller_field), NULL);
    kube_validate_format (errors, AT (NULL, controller_field), KUBE_NAME_QUALIFIED, controller);
    check_length (errors, "reportingInstance", string_of (event, "reportingInstance"), 128, TRUE);
    check_length (errors, "action", string_of (event, "action"), 128, TRUE);
    check_length (errors, "reason", string_of (event, "reason"), 128, TRUE);
    check_length (errors, "message", note, 1024, FALSE);
  }
  kube_validate_format (errors, AT (NULL, "namespace"), KUBE_NAME_DNS1123_SUBDOMAIN, namespace_);
}

static void
create_core_event (KubeFieldErrors *errors, KubeValue *event)
{
  check_event (errors, event, member_of (event, "involvedObject"), string_of (event, "message"), "reportingComponent");
}

static void
update_core_event (KubeFieldErrors *errors, KubeValue *event, KubeValue *old)
{
  create_core_event (errors, event);
}

static void
check_series (KubeFieldErrors *errors, KubeValue *series)
{
  if (series == NULL)
    return;
  if (integer_of (series, "count", 0) < 2)
    kube_field_errors_invalid (errors, AT (NULL, "series.count"), "", "should be at least 2");
  if (!has_member (series, "lastObservedTime"))
    kube_field_errors_required (errors, AT (NULL, "series.lastObservedTime"), NULL);
}

static void
check_old_style (KubeFieldErrors *errors, KubeValue *event)
{
  KubeValue *source = member_of (event, "deprecatedSource");

  if (has_member (event, "deprecatedFirstTimestamp"))
    kube_field_errors_invalid (errors, AT (NULL, "firstTimestamp"), "", "needs to be unset");
  if (has_member (event, "deprecatedLastTimestamp"))
    kube_field_errors_invalid (errors, AT (NULL, "lastTimestamp"), "", "needs to be unset");
  if (integer_of (event, "deprecatedCount", 0) != 0)
    kube_field_errors_invalid (errors, AT (NULL, "count"), "", "needs to be unset");
  if (has_text (source, "component") || has_text (source, "host"))
    kube_field_errors_invalid (errors, AT (NULL, "source"), "", "needs to be unset");
}

static void
create_event (KubeFieldErrors *errors, KubeValue *event)
{
  const char *type = string_of (event, "type");

  check_event (errors, event, member_of (event, "regarding"), string_of (event, "note"), "reportingController");
  kube_validate_meta (errors, AT (NULL, "metadata"), member_of (event, "metadata"), TRUE, KUBE_NAME_RULE_SUBDOMAIN);
  kube_validate_finalizer_names (errors, AT (AT (NULL, "metadata"), "finalizers"), kube_value_get (event, "metadata.finalizers"));
  check_series (errors, member_of (event, "series"));
  if (!has_member (event, "eventTime"))
    kube_field_errors_required (errors, AT (NULL, "eventTime"), NULL);
  if (!equals (type, "Normal") && !equals (type, "Warning")) {
    g_autofree char *detail = g_strdup_printf ("has invalid value: %s", type);
    kube_field_errors_invalid (errors, AT (NULL, "type"), "", detail);
  }
  check_old_style (errors, event);
}

static void
update_event (KubeFieldErrors *errors, KubeValue *event, KubeValue *old)
{
  /* What it is called here, and as upstream names it in an error. */
  static const struct {
    const char *key;
    const char *name;
    const char *type;
  } fixed[] = {
    { "regarding", "involvedObject", "@core.ObjectReference" },
    { "reason", "reason", "s" },
    { "note", "message", "s" },
    { "deprecatedSource", "source", NULL },
    { "deprecatedFirstTimestamp", "firstTimestamp", NULL },
    { "deprecatedLastTimestamp", "lastTimestamp", NULL },
    { "deprecatedCount", "count", "i" },
    { "reason", "reason", "s" },
    { "type", "type", "s" },
    { "eventTime", "eventTime", NULL },
    { "action", "action", "s" },
    { "related", "related", "*@core.ObjectReference" },
    { "reportingController", "reportingController", "s" },
    { "reportingInstance", "reportingInstance", "s" },
  };

  check_event (errors, event, member_of (event, "regarding"), string_of (event, "note"), "reportingController");
  kube_validate_meta_update (errors, AT (NULL, "metadata"), member_of (event, "metadata"), member_of (old, "metadata"));
  if (!kube_validate_semantic_equal (member_of (event, "series"), member_of (old, "series")))
    check_series (errors, member_of (event, "series"));
  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i++)
    kube_validate_immutable (errors, AT (NULL, fixed[i].name), member_of (event, fixed[i].key), member_of (old, fixed[i].key), fixed[i].type);
}

static void
create_lease (KubeFieldErrors *errors, KubeValue *lease)
{
  static const char *const strategies[] = { "OldestEmulationVersion", NULL };
  KubeValue *spec = member_of (lease, "spec");
  const KubeFieldPath *path = AT (NULL, "spec");
  const char *strategy = string_of (spec, "strategy");

  if (integer_of (spec, "leaseDurationSeconds", 1) <= 0)
    kube_field_errors_invalid_integer (errors, AT (path, "leaseDurationSeconds"), integer_of (spec, "leaseDurationSeconds", 0), "must be greater than 0");
  kube_validate_non_negative_member (errors, path, spec, "leaseTransitions");
  if (has_member (spec, "strategy")) {
    if (strchr (strategy, '/') != NULL)
      kube_validate_format (errors, AT (AT (path, "strategy"), "strategy"), KUBE_NAME_QUALIFIED, strategy);
    else if (!kube_validate_one_of (strategy, strategies))
      kube_field_errors_not_supported (errors, AT (AT (path, "strategy"), "strategy"), strategy, strategies);
  }
  if (has_text (spec, "preferredHolder") && *strategy == '\0')
    kube_field_errors_forbidden (errors, AT (path, "preferredHolder"), "may only be specified if `strategy` is defined");
}

static void
update_lease (KubeFieldErrors *errors, KubeValue *lease, KubeValue *old)
{
  create_lease (errors, lease);
}

const KubeValidateRules kube_validate_event_rules[] = {
  { "", "Event", KUBE_NAME_RULE_PATH_SEGMENT, KUBE_VALIDATE_ANY_FINALIZER, create_core_event, update_core_event, NULL },
  { "events.k8s.io", "Event", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_OWN_META, create_event, update_event, NULL },
  { "coordination.k8s.io", "Lease", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_ANY_FINALIZER, create_lease, update_lease, NULL },
  { NULL },
};
