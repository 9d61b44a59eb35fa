/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#define MIRROR "kubernetes.io/config.mirror"
#define DELETION_COST "controller.kubernetes.io/pod-deletion-cost"
#define SECCOMP_POD "seccomp.security.alpha.kubernetes.io/pod"
#define SECCOMP_CONTAINER "container.seccomp.security.alpha.kubernetes.io/"
#define TOLERATIONS "scheduler.alpha.kubernetes.io/tolerations"
#define APP_ARMOR_CONTAINER "container.apparmor.security.beta.kubernetes.io/"

/* In the order in which upstream visits them. */
static const char *const container_lists[] = { "initContainers", "containers", "ephemeralContainers" };

static gboolean
has_container (KubeValue *spec, const char *name)
{
  for (gsize l = 0; l < G_N_ELEMENTS (container_lists); l++) {
    KubeValue *containers = member_of (spec, container_lists[l]);
    for (guint i = 0; i < kube_value_get_length (containers); i++)
      if (equals (string_of (kube_value_get_element (containers, i), "name"), name))
        return TRUE;
  }
  return FALSE;
}

static void
check_seccomp (KubeFieldErrors *errors, const KubeFieldPath *path, const char *profile)
{
  static const char *const known[] = { "runtime/default", "docker/default", "unconfined", NULL };

  if (g_str_has_prefix (profile, "localhost/"))
    kube_validate_local_path (errors, path, profile + strlen ("localhost/"));
  else if (!kube_validate_one_of (profile, known))
    kube_field_errors_invalid (errors, path, profile, "must be a valid seccomp profile");
}

static void
check_app_armor (KubeFieldErrors *errors, const KubeFieldPath *path, const char *container, const char *profile, KubeValue *spec)
{
  static const char *const known[] = { "", "runtime/default", "unconfined", NULL };

  if (!has_container (spec, container))
    kube_field_errors_invalid (errors, path, container, "container not found");
  if (!kube_validate_one_of (profile, known) && !g_str_has_prefix (profile, "localhost/"))
    kube_field_errors_invalid_format (errors, path, profile, "invalid AppArmor profile name: \"%s\"", profile);
}

/* What was said here before there was a field for it. */
static void
check_tolerations (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) tolerations = *text != '\0' ? kube_value_parse (text, -1, &error) : NULL;

  if (error != NULL)
    kube_field_errors_invalid (errors, path, TOLERATIONS, error->message);
  kube_validate_tolerations (errors, AT (path, TOLERATIONS), tolerations);
}

void
kube_validate_pod_annotations (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *annotations, KubeValue *spec)
{
  const char *mirror = kube_value_get_member_string (annotations, MIRROR), *cost = kube_value_get_member_string (annotations, DELETION_COST);

  if (mirror != NULL && !has_text (spec, "nodeName"))
    kube_field_errors_invalid (errors, AT_KEY (path, MIRROR), mirror, "must set spec.nodeName if mirror pod annotation is set");
  check_tolerations (errors, path, string_of (annotations, TOLERATIONS));
  if (cost != NULL) {
    gint64 number;
    /* A sign or a leading zero is none of Go's decimal integers here. */
    gboolean good = g_ascii_string_to_signed (cost, 10, G_MININT32, G_MAXINT32, &number, NULL) && *cost != '+' && !(cost[0] == '0' && cost[1] != '\0');
    if (!good)
      kube_field_errors_invalid (errors, AT_KEY (path, DELETION_COST), cost, "must be a 32bit integer");
  }
  for (guint i = 0; i < kube_value_get_length (annotations); i++) {
    const char *key = kube_value_get_key (annotations, i), *value = element_string (annotations, i);
    if (equals (key, SECCOMP_POD) || g_str_has_prefix (key, SECCOMP_CONTAINER))
      check_seccomp (errors, AT (path, key), value);
    if (g_str_has_prefix (key, APP_ARMOR_CONTAINER))
      check_app_armor (errors, AT_KEY (path, key), key + strlen (APP_ARMOR_CONTAINER), value, spec);
  }
}

/* What may neither come nor go nor change once there is a pod: what it is called in messages, or NULL. */
static const char *
fixed_annotation (const char *key)
{
  if (equals (key, MIRROR))
    return "mirror pod annotation";
  return g_str_has_prefix (key, APP_ARMOR_CONTAINER) ? "AppArmor annotations" : NULL;
}

static void
check_fixed (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *annotations, KubeValue *others, const char *what)
{
  for (guint i = 0; i < kube_value_get_length (annotations); i++) {
    const char *key = kube_value_get_key (annotations, i), *name = fixed_annotation (key), *other = kube_value_get_member_string (others, key);
    gboolean adds = equals (what, "add");

    if (name != NULL && (other == NULL || (!adds && !equals (other, element_string (annotations, i))))) {
      g_autofree char *detail = g_strdup_printf ("may not %s %s", what, name);
      kube_field_errors_forbidden (errors, AT_KEY (path, key), detail);
    }
  }
}

void
kube_validate_pod_update_annotations (KubeFieldErrors *errors, KubeValue *pod, KubeValue *old_pod)
{
  KubeValue *annotations = kube_value_get (pod, "metadata.annotations"), *old = kube_value_get (old_pod, "metadata.annotations");
  const KubeFieldPath *path = AT (AT (NULL, "metadata"), "annotations");

  check_fixed (errors, path, old, annotations, "remove or update");
  check_fixed (errors, path, annotations, old, "add");
  kube_validate_pod_annotations (errors, path, annotations, member_of (pod, "spec"));
}

/* --- annotations and the fields that took their place --- */

/* Both say the same where both say something. @kind: what upstream calls it */
static void
check_match (KubeFieldErrors *errors, const KubeFieldPath *path, const char *kind, const char *annotation, KubeValue *profile)
{
  const char *type = string_of (profile, "type");
  gboolean local = equals (type, "Localhost"), good = TRUE;
  g_autofree char *detail = NULL;

  if (equals (type, "Unconfined"))
    good = equals (annotation, "unconfined");
  else if (equals (type, "RuntimeDefault"))
    good = equals (annotation, "runtime/default") || (equals (kind, "seccomp") && equals (annotation, "docker/default"));
  else if (local)
    good = g_str_has_prefix (annotation, "localhost/");
  if (!good) {
    detail = g_strdup_printf ("%s type in annotation and field must match", kind);
    kube_field_errors_forbidden (errors, AT (path, "type"), detail);
  } else if (local && !equals (annotation + strlen ("localhost/"), string_of (profile, "localhostProfile"))) {
    detail = g_strdup_printf ("%s profile in annotation and field must match", kind);
    kube_field_errors_forbidden (errors, AT (path, "localhostProfile"), detail);
  }
}

static void
check_containers (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *annotations, const char *prefix, const char *kind,
                  const char *field, KubeValue *inherited)
{
  for (gsize l = 0; l < G_N_ELEMENTS (container_lists); l++) {
    KubeValue *containers = member_of (spec, container_lists[l]);
    for (guint i = 0; i < kube_value_get_length (containers); i++) {
      KubeValue *container = kube_value_get_element (containers, i), *own = member_of (member_of (container, "securityContext"), field);
      g_autofree char *key = g_strconcat (prefix, string_of (container, "name"), NULL);
      const char *annotation = kube_value_get_member_string (annotations, key);

      if (annotation != NULL && (own != NULL || inherited != NULL))
        check_match (errors, AT (AT (AT_INDEX (AT (path, container_lists[l]), i), "securityContext"), field), kind, annotation,
                     own != NULL ? own : inherited);
    }
  }
}

void
kube_validate_pod_profiles (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *annotations)
{
  KubeValue *context = member_of (spec, "securityContext"), *seccomp = member_of (context, "seccompProfile");
  const char *whole = kube_value_get_member_string (annotations, SECCOMP_POD);

  if (annotations == NULL)
    return;
  if (whole != NULL && seccomp != NULL)
    check_match (errors, AT (AT (path, "securityContext"), "seccompProfile"), "seccomp", whole, seccomp);
  check_containers (errors, path, spec, annotations, SECCOMP_CONTAINER, "seccomp", "seccompProfile", NULL);
  if (!equals (string_of (member_of (spec, "os"), "name"), "windows"))
    check_containers (errors, path, spec, annotations, APP_ARMOR_CONTAINER, "apparmor", "appArmorProfile", member_of (context, "appArmorProfile"));
}
