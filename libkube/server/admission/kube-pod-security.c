/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"
#include "admission/kube-pod-security-checks.h"
#include "kube-field-errors.h"

/* A namespace's labels say which Pod Security Standard its pods must meet (enforce), and of which the client is warned (warn). What makes pods is never refused, only warned of. */

#define LABEL "pod-security.kubernetes.io/"

static const char *const names[] = { "privileged", "baseline", "restricted" };

/* @otherwise: what a level that nobody knows stands for. */
static KubePodSecurityLevel
read_level (KubeObject *namespace_, const char *key, KubePodSecurityLevel otherwise)
{
  const char *level = kube_object_get_label (namespace_, key);

  for (guint i = 0; level != NULL && i < G_N_ELEMENTS (names); i++) {
    if (g_str_equal (level, names[i]))
      return i;
  }
  return level != NULL ? otherwise : KUBE_POD_SECURITY_PRIVILEGED;
}

/* (transfer full): "restricted:latest" */
static char *
name_policy (KubeObject *namespace_, KubePodSecurityLevel level, const char *version_key)
{
  const char *version = kube_object_get_label (namespace_, version_key);

  return g_strconcat (names[level], ":", version != NULL ? version : "latest", NULL);
}

static const char *
find_template (KubeAdmission *admission)
{
  static const struct {
    const char *group, *plural, *path;
  } kinds[] = {
    { "", "pods", "" },
    { "", "replicationcontrollers", "spec.template" },
    { "", "podtemplates", "template" },
    { "apps", "replicasets", "spec.template" },
    { "apps", "deployments", "spec.template" },
    { "apps", "statefulsets", "spec.template" },
    { "apps", "daemonsets", "spec.template" },
    { "batch", "jobs", "spec.template" },
    { "batch", "cronjobs", "spec.jobTemplate.spec.template" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (kube_admission_is (admission, kinds[i].group, kinds[i].plural))
      return kinds[i].path;
  }
  return g_str_equal (admission->info->resource, "pods") && g_str_equal (admission->info->subresource, "ephemeralcontainers") ? "" : NULL;
}

static gboolean
is_version (const char *text)
{
  if (g_str_equal (text, "latest"))
    return TRUE;
  return g_str_has_prefix (text, "v1.") && text[3] != '\0' && text[3 + strspn (text + 3, "0123456789")] == '\0' && (text[3] != '0' || text[4] == '\0');
}

static void
check_labels (KubeObject *namespace_, KubeFieldErrors *errors)
{
  static const char *const levels[] = { "privileged", "baseline", "restricted", NULL };
  static const char *const modes[] = { "enforce", "audit", "warn" };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (modes); i++) {
    gboolean version = i % 2 == 1;
    g_autofree char *key = g_strconcat (LABEL, modes[i / 2], version ? "-version" : NULL, NULL);
    const char *value = kube_object_get_label (namespace_, key);
    const KubeFieldPath *path = KUBE_FIELD_KEY (KUBE_FIELD (KUBE_FIELD (NULL, "metadata"), "labels"), key);

    if (value == NULL || (version ? is_version (value) : g_strv_contains (levels, value)))
      continue;
    kube_field_errors_invalid (errors, path, value, version ? "must be \"latest\" or \"v1.x\"" : "must be one of privileged, baseline, restricted");
  }
}

/* Labels that say nothing are refused, but not where they were there already. */
static gboolean
validate_namespace (KubeAdmission *admission, GError **error)
{
  g_auto (KubeFieldErrors) errors = { NULL }, before = { NULL };
  GError *invalid;

  check_labels (admission->final, &errors);
  if (admission->old != NULL)
    check_labels (admission->old, &before);
  if (kube_field_errors_get_length (&errors) == 0 || kube_field_errors_get_length (&before) > 0)
    return TRUE;
  invalid = kube_field_errors_to_error (&errors, "", "Namespace", kube_object_get_name (admission->final));
  g_propagate_error (error, invalid);
  return FALSE;
}

static gboolean
validate (KubeAdmission *admission, GError **error)
{
  const char *path = find_template (admission);
  KubeValue *template = path != NULL ? kube_object_get (admission->final, path) : NULL;
  KubeValue *metadata = kube_value_get (template, "metadata"), *spec = kube_value_get (template, "spec");
  g_autoptr (KubeObject) namespace_ = NULL;
  KubePodSecurityLevel enforced, warned;
  g_autofree char *refusal = NULL, *warning = NULL, *policy = NULL;

  if (kube_admission_is (admission, "", "namespaces"))
    return validate_namespace (admission, error);
  if (spec == NULL)
    return TRUE;
  if (admission->old != NULL && kube_value_equal (kube_value_get (kube_object_get (admission->old, path), "spec"), spec))
    return TRUE;
  namespace_ = kube_admission_get (admission, "v1", "Namespace", NULL, admission->info->namespace_, NULL);
  if (namespace_ == NULL)
    return TRUE;
  /* An unknown level refuses what it can where it is enforced, and says nothing where it only warns. */
  enforced = read_level (namespace_, LABEL "enforce", KUBE_POD_SECURITY_RESTRICTED);
  warned = read_level (namespace_, LABEL "warn", KUBE_POD_SECURITY_PRIVILEGED);
  if (*path == '\0')
    refusal = kube_pod_security_check (enforced, metadata, spec);
  if (refusal != NULL) {
    policy = name_policy (namespace_, enforced, LABEL "enforce-version");
    return kube_admission_forbid (admission, error, "violates PodSecurity \"%s\": %s", policy, refusal);
  }
  warning = kube_pod_security_check (warned, metadata, spec);
  if (warning != NULL) {
    policy = name_policy (namespace_, warned, LABEL "warn-version");
    g_ptr_array_add (admission->warnings, g_strdup_printf ("would violate PodSecurity \"%s\": %s", policy, warning));
  }
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_pod_security = { "PodSecurity", KUBE_ADMIT_CREATE | KUBE_ADMIT_UPDATE, NULL, validate };
