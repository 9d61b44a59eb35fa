/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#define ID_RANGE "must be between 0 and 2147483647, inclusive"

static void
check_id (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *context, const char *key)
{
  gint64 id = integer_of (context, key, 0);

  if (id < 0 || id > G_MAXINT32)
    kube_field_errors_invalid_integer (errors, AT (path, key), id, ID_RANGE);
}

static void
check_seccomp (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *profile)
{
  static const char *const valid[] = { "Localhost", "RuntimeDefault", "Unconfined", NULL };
  const char *type = string_of (profile, "type");

  if (profile == NULL)
    return;
  kube_validate_enum (errors, AT (path, "type"), type, "type is required when seccompProfile is set", valid);
  if (equals (type, "Localhost")) {
    if (!has_member (profile, "localhostProfile"))
      kube_field_errors_required (errors, AT (path, "localhostProfile"), "must be set when seccomp type is Localhost");
    else
      kube_validate_local_path (errors, AT (path, "localhostProfile"), string_of (profile, "localhostProfile"));
  } else if (has_member (profile, "localhostProfile")) {
    kube_validate_invalid_struct (errors, AT (path, "localhostProfile"), "@core.SeccompProfile", profile, "can only be set when seccomp type is Localhost");
  }
}

static void
check_app_armor (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *profile)
{
  static const char *const valid[] = { "Localhost", "RuntimeDefault", "Unconfined", NULL };
  const char *type = string_of (profile, "type"), *local = string_of (profile, "localhostProfile");

  if (profile == NULL)
    return;
  if (equals (type, "Localhost")) {
    g_autofree char *trimmed = g_strstrip (g_strdup (local));
    if (!has_member (profile, "localhostProfile"))
      kube_field_errors_required (errors, AT (path, "localhostProfile"), "must be set when AppArmor type is Localhost");
    else if (!equals (trimmed, local))
      kube_field_errors_invalid (errors, AT (path, "localhostProfile"), local, "must not be padded with whitespace");
    else if (*local == '\0')
      kube_field_errors_required (errors, AT (path, "localhostProfile"), "must be set when AppArmor type is Localhost");
    return;
  }
  if (equals (type, "RuntimeDefault") || equals (type, "Unconfined")) {
    if (has_member (profile, "localhostProfile"))
      kube_field_errors_invalid (errors, AT (path, "localhostProfile"), local, "can only be set when AppArmor type is Localhost");
    return;
  }
  kube_validate_enum (errors, AT (path, "type"), type, "type is required when appArmorProfile is set", valid);
}

static gboolean
is_windows_domain (const char *domain)
{
  return g_regex_match_simple ("^[^\\\\/:*?\"<>|.][^\\\\/:*?\"<>|]{0,14}$", domain, 0, 0) ||
         g_regex_match_simple ("^[0-9a-zA-Z]([0-9a-zA-Z\\-]*[0-9a-zA-Z])?(\\.[0-9a-zA-Z]([0-9a-zA-Z\\-]*[0-9a-zA-Z])?)+$", domain, 0, 0);
}

/* `[domain\]user` */
static void
check_windows_user (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  g_auto (GStrv) parts = g_strsplit (name, "\\", -1);
  guint n = g_strv_length (parts);
  const char *user = n > 0 ? parts[n - 1] : "";

  if (*name == '\0')
    kube_field_errors_invalid (errors, path, name, "runAsUserName cannot be an empty string");
  else if (g_regex_match_simple ("[[:cntrl:]]+", name, 0, 0))
    kube_field_errors_invalid (errors, path, name, "runAsUserName cannot contain control characters");
  else if (n > 2)
    kube_field_errors_invalid (errors, path, name, "runAsUserName cannot contain more than one backslash");
  if (*name == '\0' || n > 2)
    return;
  if (n == 2 && strlen (parts[0]) >= 256)
    kube_field_errors_invalid (errors, path, name, "runAsUserName's Domain length must be under 256 characters");
  if (n == 2 && !is_windows_domain (parts[0]))
    kube_field_errors_invalid (errors, path, name, "runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  if (*user == '\0')
    kube_field_errors_invalid (errors, path, name, "runAsUserName's User cannot be empty");
  else if (strlen (user) > 104)
    kube_field_errors_invalid (errors, path, name, "runAsUserName's User length must not be longer than 104 characters");
  if (*user != '\0' && strspn (user, ". ") == strlen (user))
    kube_field_errors_invalid (errors, path, name, "runAsUserName's User cannot contain only periods or spaces");
  if (user[strcspn (user, "\"/\\:;|=,+*?<>@[]")] != '\0')
    kube_field_errors_invalid (errors, path, name, "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
}

static void
check_windows_options (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *options)
{
  const char *specification = string_of (options, "gmsaCredentialSpec");

  if (has_member (options, "gmsaCredentialSpecName"))
    kube_validate_format (errors, AT (path, "gmsaCredentialSpecName"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (options, "gmsaCredentialSpecName"));
  if (has_member (options, "gmsaCredentialSpec") && *specification == '\0')
    kube_field_errors_invalid (errors, AT (path, "gmsaCredentialSpec"), specification, "gmsaCredentialSpec cannot be an empty string");
  else if (strlen (specification) > 64 * 1024)
    kube_field_errors_invalid (errors, AT (path, "gmsaCredentialSpec"), specification, "gmsaCredentialSpec size must be under 64 KiB");
  if (has_member (options, "runAsUserName"))
    check_windows_user (errors, AT (path, "runAsUserName"), string_of (options, "runAsUserName"));
}

static gboolean
is_sysctl_name (const char *name)
{
  char before = '.';

  if (strlen (name) > 253)
    return FALSE;
  for (; *name != '\0'; before = *name++) {
    gboolean word = g_ascii_islower (*name) || g_ascii_isdigit (*name);
    gboolean separator = *name == '.' || *name == '/';
    if (!word && !separator && *name != '-' && *name != '_')
      return FALSE;
    /* Segments begin and end with a letter or a digit. */
    if (!word && (before == '.' || before == '/'))
      return FALSE;
    if (separator && (before == '-' || before == '_'))
      return FALSE;
  }
  return g_ascii_isalnum (before);
}

static gboolean
has_any_prefix (const char *name, const char *const *prefixes)
{
  for (; *prefixes != NULL; prefixes++)
    if (g_str_has_prefix (name, *prefixes))
      return TRUE;
  return FALSE;
}

static void
check_sysctls (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *sysctls, KubeValue *spec)
{
  static const char *const ipc[] = { "kernel.shm", "kernel.msg", "kernel/shm", "kernel/msg", "fs.mqueue.", "fs/mqueue/", "kernel.sem", "kernel/sem", NULL };
  static const char *const net[] = { "net.", "net/", NULL };
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (sysctls); i++) {
    const char *name = string_of (kube_value_get_element (sysctls, i), "name");
    const KubeFieldPath *at = AT (AT_INDEX (path, i), "name");

    if (*name == '\0')
      kube_field_errors_required (errors, at, NULL);
    else if (!is_sysctl_name (name))
      kube_field_errors_invalid (errors, at, name,
                                 "must have at most 253 characters and match regex "
                                 "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    else if (name_set_has (&names, name))
      kube_field_errors_duplicate (errors, at, name);
    if (boolean_of (spec, "hostNetwork") && has_any_prefix (name, net))
      kube_field_errors_invalid (errors, at, name, "may not be specified when 'hostNetwork' is true");
    else if (boolean_of (spec, "hostIPC") && has_any_prefix (name, ipc))
      kube_field_errors_invalid (errors, at, name, "may not be specified when 'hostIPC' is true");
    name_set_add (&names, name);
  }
}

static void
check_word (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key, const char *const *valid)
{
  if (has_member (object, key) && !kube_validate_one_of (string_of (object, key), valid))
    kube_field_errors_not_supported (errors, AT (path, key), string_of (object, key), valid);
}

void
kube_validate_pod_security_context (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *context, KubeValue *spec)
{
  static const char *const change_policies[] = { "Always", "OnRootMismatch", NULL };
  static const char *const group_policies[] = { "Merge", "Strict", NULL };
  static const char *const selinux_policies[] = { "Recursive", NULL };
  KubeValue *groups = member_of (context, "supplementalGroups");

  if (boolean_of (spec, "shareProcessNamespace") && boolean_of (spec, "hostPID"))
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, AT (path, "shareProcessNamespace"), "true",
                           "ShareProcessNamespace and HostPID cannot both be enabled");
  if (context == NULL)
    return;
  check_id (errors, path, context, "fsGroup");
  check_id (errors, path, context, "runAsUser");
  check_id (errors, path, context, "runAsGroup");
  for (guint i = 0; i < kube_value_get_length (groups); i++) {
    gint64 id = kube_value_get_integer (kube_value_get_element (groups, i), NULL, 0);
    if (id < 0 || id > G_MAXINT32)
      kube_field_errors_invalid_integer (errors, AT_INDEX (AT (path, "supplementalGroups"), i), id, ID_RANGE);
  }
  check_sysctls (errors, AT (path, "sysctls"), member_of (context, "sysctls"), spec);
  check_word (errors, path, context, "fsGroupChangePolicy", change_policies);
  check_seccomp (errors, AT (path, "seccompProfile"), member_of (context, "seccompProfile"));
  check_windows_options (errors, AT (path, "windowsOptions"), member_of (context, "windowsOptions"));
  check_app_armor (errors, AT (path, "appArmorProfile"), member_of (context, "appArmorProfile"));
  check_word (errors, path, context, "supplementalGroupsPolicy", group_policies);
  check_word (errors, path, context, "seLinuxChangePolicy", selinux_policies);
}

static void
check_escalation (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *context)
{
  KubeValue *add = member_of (member_of (context, "capabilities"), "add");

  if (!has_member (context, "allowPrivilegeEscalation") || boolean_of (context, "allowPrivilegeEscalation"))
    return;
  if (boolean_of (context, "privileged"))
    kube_validate_invalid_struct (errors, path, "@core.SecurityContext", context,
                                  "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  for (guint i = 0; i < kube_value_get_length (add); i++)
    if (equals (element_string (add, i), "CAP_SYS_ADMIN"))
      kube_validate_invalid_struct (errors, path, "@core.SecurityContext", context,
                                    "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN");
}

void
kube_validate_security_context (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *context, gboolean host_users)
{
  static const char *const mounts[] = { "Default", "Unmasked", NULL };

  if (context == NULL)
    return;
  check_id (errors, path, context, "runAsUser");
  check_id (errors, path, context, "runAsGroup");
  check_word (errors, path, context, "procMount", mounts);
  if (host_users && equals (string_of (context, "procMount"), "Unmasked"))
    kube_field_errors_invalid (errors, AT (path, "procMount"), "Unmasked", "`hostUsers` must be false to use `Unmasked`");
  check_seccomp (errors, AT (path, "seccompProfile"), member_of (context, "seccompProfile"));
  check_escalation (errors, path, context);
  check_windows_options (errors, AT (path, "windowsOptions"), member_of (context, "windowsOptions"));
  check_app_armor (errors, AT (path, "appArmorProfile"), member_of (context, "appArmorProfile"));
}

/* --- Windows --- */

static void
forbid (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *const *fields)
{
  for (; *fields != NULL; fields++)
    if (has_member (object, *fields))
      kube_field_errors_forbidden (errors, AT (path, *fields), "cannot be set for a windows pod");
}

static void
forbid_flag (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *field)
{
  if (boolean_of (object, field))
    kube_field_errors_forbidden (errors, AT (path, field), "cannot be set for a windows pod");
}

/* What is Linux's alone. */
void
kube_validate_windows (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const profiles[] = { "appArmorProfile", "seLinuxOptions", NULL }, *const users[] = { "hostUsers", NULL };
  static const char *const files[] = { "seccompProfile", "fsGroup", "fsGroupChangePolicy", NULL }, *const processes[] = { "shareProcessNamespace", NULL };
  static const char *const ids[] = { "runAsUser", "runAsGroup", "supplementalGroups", "supplementalGroupsPolicy", "seLinuxChangePolicy", NULL };
  static const char *const of_container[] = { "appArmorProfile", "seLinuxOptions", "seccompProfile", "capabilities", "readOnlyRootFilesystem", "privileged",
                                              "allowPrivilegeEscalation", "procMount", "runAsUser", "runAsGroup", NULL };
  static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };
  KubeValue *context = member_of (spec, "securityContext");
  const KubeFieldPath *at = AT (path, "securityContext");

  forbid (errors, at, context, profiles);
  forbid (errors, path, spec, users);
  forbid_flag (errors, path, spec, "hostPID");
  forbid_flag (errors, path, spec, "hostIPC");
  forbid (errors, at, context, files);
  if (kube_value_get_length (member_of (context, "sysctls")) > 0)
    kube_field_errors_forbidden (errors, AT (at, "sysctls"), "cannot be set for a windows pod");
  forbid (errors, path, spec, processes);
  forbid (errors, at, context, ids);
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *containers = member_of (spec, lists[l]);
    for (guint i = 0; i < kube_value_get_length (containers); i++)
      forbid (errors, AT (AT_INDEX (AT (path, lists[l]), i), "securityContext"), member_of (kube_value_get_element (containers, i), "securityContext"),
              of_container);
  }
}

/* A container says so itself, or the pod for it. */
static gboolean
is_host_process (KubeValue *container, KubeValue *pod_options)
{
  KubeValue *options = member_of (member_of (container, "securityContext"), "windowsOptions");

  return boolean_of (has_member (options, "hostProcess") ? options : pod_options, "hostProcess");
}

/* All containers are processes of the host or none is, and those have its network. */
void
kube_validate_host_processes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec)
{
  static const char *const lists[] = { "initContainers", "containers", "ephemeralContainers" };
  KubeValue *pod_options = member_of (member_of (spec, "securityContext"), "windowsOptions");
  gboolean of_pod = boolean_of (pod_options, "hostProcess");
  guint n = 0, n_host = 0;

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *containers = member_of (spec, lists[l]);
    for (guint i = 0; i < kube_value_get_length (containers); i++, n++) {
      KubeValue *container = kube_value_get_element (containers, i);
      gboolean host = is_host_process (container, pod_options);

      n_host += host;
      if (host != of_pod && has_member (pod_options, "hostProcess")) {
        g_autofree char *detail = g_strdup_printf ("pod hostProcess value must be identical if both are specified, was %s", of_pod ? "true" : "false");
        kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID,
                               AT (AT (AT (AT_INDEX (AT (path, lists[l]), i), "securityContext"), "windowsOptions"), "hostProcess"), host ? "true" : "false",
                               detail);
      }
    }
  }
  if (n_host > 0 && n_host != n)
    kube_field_errors_invalid (errors, path, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers");
  if (n_host > 0 && !boolean_of (spec, "hostNetwork"))
    kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, AT (path, "hostNetwork"), "false",
                           "hostNetwork must be true if pod contains any hostProcess containers");
}
