/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"
#include "admission/kube-pod-security-checks.h"
#include "kube-field-errors.h"

/* A namespace's labels say which Pod Security Standard its pods must meet (enforce), and of which the client is warned (warn). What makes pods is never refused, only warned of. */

#define LABEL "pod-security.kubernetes.io/"

typedef struct {
  KubePodSecurityLevel level;
  char *name; /* "restricted:latest" */
} Policy;

static void
policy_clear (Policy *policy)
{
  g_free (policy->name);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Policy, policy_clear)

/* An unknown level refuses what it can where it is enforced, and says nothing where it only warns. */
static void
read_policy (KubeObject *namespace_, const char *mode, gboolean enforced, Policy *policy)
{
  static const char *const names[] = { "privileged", "baseline", "restricted" };
  g_autofree char *level_key = g_strconcat (LABEL, mode, NULL), *version_key = g_strconcat (LABEL, mode, "-version", NULL);
  const char *level = kube_object_get_label (namespace_, level_key), *version = kube_object_get_label (namespace_, version_key);

  policy->level = KUBE_POD_SECURITY_PRIVILEGED;
  if (level != NULL) {
    policy->level = enforced ? KUBE_POD_SECURITY_RESTRICTED : KUBE_POD_SECURITY_PRIVILEGED;
    for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
      if (g_str_equal (level, names[i]))
        policy->level = i;
    }
  }
  policy->name = g_strconcat (names[policy->level], ":", version != NULL ? version : "latest", NULL);
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
  g_auto (Policy) enforce = { 0 }, warn = { 0 };
  g_autofree char *refusal = NULL, *warning = NULL;

  if (kube_admission_is (admission, "", "namespaces"))
    return validate_namespace (admission, error);
  if (spec == NULL)
    return TRUE;
  if (admission->old != NULL && kube_value_equal (kube_value_get (kube_object_get (admission->old, path), "spec"), spec))
    return TRUE;
  namespace_ = kube_admission_get (admission, "v1", "Namespace", NULL, admission->info->namespace_, NULL);
  if (namespace_ == NULL)
    return TRUE;
  read_policy (namespace_, "enforce", TRUE, &enforce);
  read_policy (namespace_, "warn", FALSE, &warn);
  if (*path == '\0')
    refusal = kube_pod_security_check (enforce.level, metadata, spec);
  if (refusal != NULL)
    return kube_admission_forbid (admission, error, "violates PodSecurity \"%s\": %s", enforce.name, refusal);
  warning = kube_pod_security_check (warn.level, metadata, spec);
  if (warning != NULL)
    g_ptr_array_add (admission->warnings, g_strdup_printf ("would violate PodSecurity \"%s\": %s", warn.name, warning));
  return TRUE;
}

const KubeAdmissionPlugin kube_admission_pod_security = { "PodSecurity", KUBE_ADMIT_CREATE | KUBE_ADMIT_UPDATE, NULL, validate };
