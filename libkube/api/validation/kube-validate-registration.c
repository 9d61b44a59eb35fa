/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* APIService and CertificateSigningRequest. */

enum {
  GROUP_PRIORITY_MAX = 20000,
  VERSION_PRIORITY_MAX = 1000,
  DOMAIN_MAX = 253,
  SIGNER_NAME_MAX = DOMAIN_MAX + 1 + 253 + 63 + 1,
  EXPIRATION_MIN = 600,
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

/* --- certificate signing requests --- */

/* Each of @text's labels by @format; what follows the first bad one is not looked at. */
static void
check_labels (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text, KubeNameFormat format)
{
  g_auto (GStrv) labels = g_strsplit (text, ".", -1);
  static char *const empty[] = { (char *)"", NULL };

  for (char *const *at = labels[0] != NULL ? labels : empty; *at != NULL; at++) {
    g_autoptr (GPtrArray) messages = NULL;
    g_autoptr (GString) quoted = NULL;

    if (kube_name_is_valid (format, *at))
      continue;
    messages = kube_name_check_all (format, *at);
    quoted = g_string_new (NULL);
    kube_go_quote (quoted, *at, -1);
    for (guint i = 0; messages != NULL && i < messages->len; i++)
      kube_field_errors_invalid_format (errors, path, text, "validating label %s: %s", quoted->str, (char *)messages->pdata[i]);
    return;
  }
}

static void
check_signer_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  const char *slash = strchr (name, '/');
  g_autofree char *domain = NULL;

  if (*name == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (slash == NULL || strchr (slash + 1, '/') != NULL) {
    kube_field_errors_invalid (errors, path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  domain = g_strndup (name, (gsize)(slash - name));
  if (strlen (domain) > DOMAIN_MAX)
    kube_field_errors_too_long (errors, path, DOMAIN_MAX);
  check_labels (errors, path, domain, KUBE_NAME_DNS1123_LABEL);
  if (strchr (domain, '.') == NULL)
    kube_field_errors_invalid (errors, path, domain, "should be a domain with at least two segments separated by dots");
  check_labels (errors, path, slash + 1, KUBE_NAME_DNS1123_SUBDOMAIN);
  if (strlen (name) > SIGNER_NAME_MAX)
    kube_field_errors_too_long (errors, path, SIGNER_NAME_MAX);
}

static void
check_request (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *request)
{
  gsize length;
  g_autofree guchar *bytes = g_base64_decode (request != NULL ? kube_value_peek_string (request, NULL) : "", &length);

  if (g_strstr_len ((const char *)bytes, (gssize)length, "-----BEGIN CERTIFICATE REQUEST-----") == NULL)
    kube_field_errors_invalid_value (errors, path, request, "PEM block type must be CERTIFICATE REQUEST");
}

static void
check_usages (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *usages)
{
  static const char *const known[] = {
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only",
    "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
    "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping", NULL,
  };
  g_auto (NameSet) seen = { 0 };

  if (kube_value_get_length (usages) == 0)
    kube_field_errors_required (errors, path, NULL);
  for (guint i = 0; i < kube_value_get_length (usages); i++) {
    const char *usage = element_string (usages, i);

    if (!kube_validate_one_of (usage, known))
      kube_field_errors_not_supported (errors, AT_INDEX (path, i), usage, known);
    if (!name_set_add (&seen, usage))
      kube_field_errors_duplicate (errors, AT_INDEX (path, i), usage);
  }
}

static void
create_signing_request (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec");
  const char *signer = string_of (spec, "signerName");
  gint64 expiration = integer_of (spec, "expirationSeconds", EXPIRATION_MIN);
  const KubeFieldPath *path = AT (NULL, "spec");

  check_request (errors, AT (path, "request"), member_of (spec, "request"));
  check_usages (errors, AT (path, "usages"), member_of (spec, "usages"));
  if (equals (signer, "kubernetes.io/legacy-unknown"))
    kube_field_errors_invalid (errors, AT (path, "signerName"), signer, "the legacy signerName is not allowed via this API version");
  else
    check_signer_name (errors, AT (path, "signerName"), signer);
  if (expiration < EXPIRATION_MIN)
    kube_field_errors_invalid_integer (errors, AT (path, "expirationSeconds"), expiration,
                                       "may not specify a duration less than 600 seconds (10 minutes)");
}

const KubeValidateRules kube_validate_registration_rules[] = {
  { "apiregistration.k8s.io", "APIService", KUBE_NAME_RULE_PATH_SEGMENT, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_ON_UPDATE | KUBE_VALIDATE_ANY_FINALIZER,
    create_api_service, NULL, update_api_service_status },
  { "certificates.k8s.io", "CertificateSigningRequest", KUBE_NAME_RULE_ANY, KUBE_VALIDATE_AGAIN_FIRST | KUBE_VALIDATE_META_ON_UPDATE,
    create_signing_request, NULL, NULL },
  { NULL },
};
