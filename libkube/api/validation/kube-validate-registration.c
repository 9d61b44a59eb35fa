/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* APIService. */

enum {
  GROUP_PRIORITY_MAX = 20000,
  VERSION_PRIORITY_MAX = 1000,
};

/* An APIService's name follows from what it serves. */
static void
check_service_name (KubeFieldErrors *errors, KubeValue *service, const char *group, const char *version)
{
  const char *name = string_of (member_of (service, "metadata"), "name");
  g_autofree char *required = g_strconcat (version, ".", group, NULL);
  g_autoptr (GString) quoted = g_string_new (NULL);

  if (*name == '\0' || equals (name, required) || !kube_name_is_valid (KUBE_NAME_PATH_SEGMENT, name))
    return;
  kube_go_quote (quoted, required, -1);
  kube_field_errors_invalid_format (errors, AT (AT (NULL, "metadata"), "name"), name, "must be `spec.version+\".\"+spec.group`: %s",
                                    quoted->str);
}

static void
check_priority (KubeFieldErrors *errors, KubeValue *spec, const char *key, gint64 maximum)
{
  gint64 priority = integer_of (spec, key, 0);
  g_autofree char *detail = g_strdup_printf ("must be positive and less than %" G_GINT64_FORMAT, maximum);

  if (priority <= 0 || priority > maximum)
    kube_field_errors_invalid_integer (errors, AT (AT (NULL, "spec"), key), priority, detail);
}

/* How long what a string of base64 says is. */
static gsize
decoded_length (const char *base64)
{
  gsize length;
  g_autofree guchar *bytes = g_base64_decode (base64, &length);

  return length;
}

static void
check_local (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  if (has_text (spec, "caBundle")) {
    g_autofree char *bad = g_strdup_printf ("%" G_GSIZE_FORMAT " bytes", decoded_length (string_of (spec, "caBundle")));
    kube_field_errors_invalid (errors, AT (path, "caBundle"), bad, "local APIServices may not have a caBundle");
  }
  if (boolean_of (spec, "insecureSkipTLSVerify"))
    kube_field_errors_invalid_value (errors, AT (path, "insecureSkipTLSVerify"), member_of (spec, "insecureSkipTLSVerify"),
                                     "local APIServices may not have insecureSkipTLSVerify");
}

static void
check_remote (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *service)
{
  const KubeFieldPath *at = AT (path, "service");
  gint64 port = integer_of (service, "port", 443);

  if (!has_text (service, "namespace"))
    kube_field_errors_required (errors, AT (at, "namespace"), NULL);
  if (!has_text (service, "name"))
    kube_field_errors_required (errors, AT (at, "name"), NULL);
  if (port < 1 || port > 65535)
    kube_field_errors_invalid_integer (errors, AT (at, "port"), port, "port is not valid: must be between 1 and 65535, inclusive");
  if (boolean_of (spec, "insecureSkipTLSVerify") && has_text (spec, "caBundle"))
    kube_field_errors_invalid_value (errors, AT (path, "insecureSkipTLSVerify"), member_of (spec, "insecureSkipTLSVerify"),
                                     "may not be true if caBundle is present");
}

static void
create_api_service (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec"), *service = member_of (spec, "service");
  const char *group = string_of (spec, "group"), *version = string_of (spec, "version");
  const KubeFieldPath *path = AT (NULL, "spec");

  check_service_name (errors, object, group, version);
  if (*group != '\0')
    kube_validate_format (errors, AT (path, "group"), KUBE_NAME_DNS1123_SUBDOMAIN, group);
  else if (!equals (version, "v1"))
    kube_field_errors_required (errors, AT (path, "group"), "only v1 may have an empty group and it better be legacy kube");
  kube_validate_format (errors, AT (path, "version"), KUBE_NAME_DNS1035_LABEL, version);
  check_priority (errors, spec, "groupPriorityMinimum", GROUP_PRIORITY_MAX);
  check_priority (errors, spec, "versionPriority", VERSION_PRIORITY_MAX);
  if (service == NULL)
    check_local (errors, path, spec);
  else
    check_remote (errors, path, spec, service);
}

static void
update_api_service_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old G_GNUC_UNUSED)
{
  static const char *const statuses[] = { "True", "False", "Unknown", NULL };
  KubeValue *conditions = member_of (member_of (object, "status"), "conditions");
  const KubeFieldPath *path = AT (AT (NULL, "status"), "conditions");

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    const char *status = string_of (kube_value_get_element (conditions, i), "status");
    if (!kube_validate_one_of (status, statuses))
      kube_field_errors_not_supported (errors, AT (AT_INDEX (path, i), "status"), status, statuses);
  }
}

const KubeValidateRules kube_validate_registration_rules[] = {
  { "apiregistration.k8s.io", "APIService", KUBE_NAME_RULE_PATH_SEGMENT, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_ON_UPDATE | KUBE_VALIDATE_ANY_FINALIZER,
    create_api_service, NULL, update_api_service_status, NULL },
  { NULL },
};
