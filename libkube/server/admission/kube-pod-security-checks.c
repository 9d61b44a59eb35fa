/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-pod-security-checks.h"

#include <string.h>

#define SECURITY "securityContext."

typedef struct {
  KubeValue *metadata;
  KubeValue *spec;
  GPtrArray *containers; /* (element-type KubeValue): of all three kinds */
} Pod;

/* Appends details to @detail; "" where nothing is violated. */
typedef void (*CheckFunc) (const Pod *pod, GString *detail);

typedef gboolean (*ContainerFunc) (KubeValue *container);

static void
add_quoted (GPtrArray *list, const char *text)
{
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", text != NULL ? text : "");

  for (guint i = 0; i < list->len; i++) {
    if (g_str_equal (g_ptr_array_index (list, i), quoted))
      return;
  }
  g_ptr_array_add (list, g_steal_pointer (&quoted));
}

static char *
join (GPtrArray *list, const char *separator)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? separator : "", (char *) g_ptr_array_index (list, i));
  return g_string_free (text, FALSE);
}

static int
compare_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static void
add_detail (GString *detail, const char *separator, const char *format, ...) G_GNUC_PRINTF (3, 4);

static void
add_detail (GString *detail, const char *separator, const char *format, ...)
{
  va_list args;

  if (detail->len > 0)
    g_string_append (detail, separator);
  va_start (args, format);
  g_string_append_vprintf (detail, format, args);
  va_end (args);
}

/* container "a" / containers "a", "b"; NULL where there is none. */
static char *
name_containers (const Pod *pod, ContainerFunc bad)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *joined = NULL;

  for (guint i = 0; i < pod->containers->len; i++) {
    KubeValue *container = g_ptr_array_index (pod->containers, i);
    if (bad (container))
      add_quoted (names, kube_value_get_member_string (container, "name"));
  }
  if (names->len == 0)
    return NULL;
  joined = join (names, ", ");
  return g_strdup_printf ("%s %s", names->len > 1 ? "containers" : "container", joined);
}

static void
say_containers (const Pod *pod, ContainerFunc bad, const char *what, GString *detail)
{
  g_autofree char *names = name_containers (pod, bad);

  if (names != NULL)
    add_detail (detail, "; ", "%s %s", names, what);
}

/* pod, or containers, or both */
static void
say_setters (const Pod *pod, gboolean pod_is_bad, ContainerFunc bad, const char *what, GString *detail)
{
  g_autofree char *names = name_containers (pod, bad);

  if (pod_is_bad || names != NULL)
    add_detail (detail, "; ", "%s%s%s %s", pod_is_bad ? "pod" : "", pod_is_bad && names != NULL ? " and " : "", names != NULL ? names : "", what);
}

static gboolean
lists (KubeValue *array, const char *what)
{
  for (guint i = 0; i < kube_value_get_length (array); i++) {
    if (g_strcmp0 (kube_value_peek_string (kube_value_get_element (array, i), NULL), what) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_windows (const Pod *pod)
{
  return g_strcmp0 (kube_value_get_string (pod->spec, "os.name"), "windows") == 0;
}

/* Baseline */

static void
check_app_armor (const Pod *pod, GString *detail)
{
  g_autoptr (GPtrArray) bad = g_ptr_array_new_with_free_func (g_free);
  KubeValue *annotations = kube_value_get (pod->metadata, "annotations");
  const char *type = kube_value_get_string (pod->spec, SECURITY "appArmorProfile.type");
  g_autofree char *joined = NULL;

  if (g_strcmp0 (type, "Unconfined") == 0)
    add_quoted (bad, type);
  for (guint i = 0; i < pod->containers->len; i++) {
    const char *own = kube_value_get_string (g_ptr_array_index (pod->containers, i), SECURITY "appArmorProfile.type");
    if (g_strcmp0 (own, "Unconfined") == 0)
      add_quoted (bad, own);
  }
  for (guint i = 0; i < kube_value_get_length (annotations); i++) {
    const char *key = kube_value_get_key (annotations, i), *value = kube_value_peek_string (kube_value_get_element (annotations, i), NULL);
    if (g_str_has_prefix (key, "container.apparmor.security.beta.kubernetes.io/") && value != NULL && *value != '\0' &&
        !g_str_equal (value, "runtime/default") && !g_str_has_prefix (value, "localhost/"))
      g_ptr_array_add (bad, g_strdup_printf ("%s=\"%s\"", key, value));
  }
  g_ptr_array_sort (bad, compare_text);
  joined = join (bad, ", ");
  g_string_append (detail, joined);
}

static void
check_added_capabilities (const Pod *pod, const char *const *allowed, GString *detail)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free), bad = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *joined_names = NULL, *joined = NULL;

  for (guint i = 0; i < pod->containers->len; i++) {
    KubeValue *container = g_ptr_array_index (pod->containers, i), *added = kube_value_get (container, SECURITY "capabilities.add");
    for (guint k = 0; k < kube_value_get_length (added); k++) {
      const char *capability = kube_value_peek_string (kube_value_get_element (added, k), NULL);
      if (capability == NULL || g_strv_contains (allowed, capability))
        continue;
      add_quoted (names, kube_value_get_member_string (container, "name"));
      add_quoted (bad, capability);
    }
  }
  if (bad->len == 0)
    return;
  g_ptr_array_sort (bad, compare_text);
  joined_names = join (names, ", ");
  joined = join (bad, ", ");
  add_detail (detail, "; ", "%s %s must not include %s in securityContext.capabilities.add", names->len > 1 ? "containers" : "container", joined_names, joined);
}

static void
check_capabilities (const Pod *pod, GString *detail)
{
  static const char *const allowed[] = { "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID",
                                         "SETPCAP", "SETUID", "SYS_CHROOT", NULL };

  check_added_capabilities (pod, allowed, detail);
}

static void
check_host_namespaces (const Pod *pod, GString *detail)
{
  static const char *const fields[] = { "hostNetwork", "hostPID", "hostIPC" };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    if (kube_value_get_boolean (pod->spec, fields[i], FALSE))
      add_detail (detail, ", ", "%s=true", fields[i]);
  }
}

static void
check_host_paths (const Pod *pod, GString *detail)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  KubeValue *volumes = kube_value_get (pod->spec, "volumes");
  g_autofree char *joined = NULL;

  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i);
    if (kube_value_get_member (volume, "hostPath") != NULL)
      add_quoted (names, kube_value_get_member_string (volume, "name"));
  }
  joined = join (names, ", ");
  if (names->len > 0)
    g_string_append_printf (detail, "%s %s", names->len > 1 ? "volumes" : "volume", joined);
}

static void
check_host_ports (const Pod *pod, GString *detail)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free), bad = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *joined_names = NULL, *joined = NULL;

  for (guint i = 0; i < pod->containers->len; i++) {
    KubeValue *container = g_ptr_array_index (pod->containers, i), *ports = kube_value_get (container, "ports");
    for (guint k = 0; k < kube_value_get_length (ports); k++) {
      gint64 port = kube_value_get_integer (kube_value_get_element (ports, k), "hostPort", 0);
      if (port == 0)
        continue;
      add_quoted (names, kube_value_get_member_string (container, "name"));
      g_ptr_array_add (bad, g_strdup_printf ("%" G_GINT64_FORMAT, port));
    }
  }
  if (bad->len == 0)
    return;
  joined_names = join (names, ", ");
  joined = join (bad, ", ");
  g_string_append_printf (detail, "%s %s %s %s %s", names->len > 1 ? "containers" : "container", joined_names, names->len > 1 ? "use" : "uses",
                          bad->len > 1 ? "hostPorts" : "hostPort", joined);
}

static gboolean
is_privileged (KubeValue *container)
{
  return kube_value_get_boolean (container, SECURITY "privileged", FALSE);
}

static void
check_privileged (const Pod *pod, GString *detail)
{
  say_containers (pod, is_privileged, "must not set securityContext.privileged=true", detail);
}

static gboolean
unmasks_proc (KubeValue *container)
{
  const char *mount = kube_value_get_string (container, SECURITY "procMount");
  return mount != NULL && !g_str_equal (mount, "Default");
}

static void
check_proc_mount (const Pod *pod, GString *detail)
{
  say_containers (pod, unmasks_proc, "must not set securityContext.procMount to \"Unmasked\"", detail);
}

static gboolean
has_bad_selinux (KubeValue *value)
{
  static const char *const allowed[] = { "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", NULL };
  KubeValue *options = kube_value_get (value, SECURITY "seLinuxOptions");
  const char *type = kube_value_get_string (options, "type"), *user = kube_value_get_string (options, "user"), *role = kube_value_get_string (options, "role");

  return (type != NULL && !g_strv_contains (allowed, type)) || (user != NULL && *user != '\0') || (role != NULL && *role != '\0');
}

static void
check_selinux (const Pod *pod, GString *detail)
{
  say_setters (pod, has_bad_selinux (pod->spec), has_bad_selinux, "set forbidden securityContext.seLinuxOptions", detail);
}

static gboolean
is_unconfined (KubeValue *value)
{
  return g_strcmp0 (kube_value_get_string (value, SECURITY "seccompProfile.type"), "Unconfined") == 0;
}

static void
check_seccomp (const Pod *pod, GString *detail)
{
  say_setters (pod, is_unconfined (pod->spec), is_unconfined, "must not set securityContext.seccompProfile.type to \"Unconfined\"", detail);
}

static void
check_sysctls (const Pod *pod, GString *detail)
{
  static const char *const allowed[] = { "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range",
                                         "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time",
                                         "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem",
                                         "net.ipv4.tcp_wmem", NULL };
  KubeValue *sysctls = kube_value_get (pod->spec, SECURITY "sysctls");

  for (guint i = 0; i < kube_value_get_length (sysctls); i++) {
    const char *name = kube_value_get_string (kube_value_get_element (sysctls, i), "name");
    if (name != NULL && !g_strv_contains (allowed, name))
      add_detail (detail, ", ", "%s", name);
  }
}

static gboolean
is_host_process (KubeValue *value)
{
  return kube_value_get_boolean (value, SECURITY "windowsOptions.hostProcess", FALSE);
}

static void
check_host_process (const Pod *pod, GString *detail)
{
  say_setters (pod, is_host_process (pod->spec), is_host_process, "must not set securityContext.windowsOptions.hostProcess=true", detail);
}

/* Restricted */

static gboolean
may_escalate (KubeValue *container)
{
  return kube_value_get_boolean (container, SECURITY "allowPrivilegeEscalation", TRUE);
}

static void
check_escalation (const Pod *pod, GString *detail)
{
  if (!is_windows (pod))
    say_containers (pod, may_escalate, "must set securityContext.allowPrivilegeEscalation=false", detail);
}

static gboolean
keeps_capabilities (KubeValue *container)
{
  return !lists (kube_value_get (container, SECURITY "capabilities.drop"), "ALL");
}

static void
check_dropped_capabilities (const Pod *pod, GString *detail)
{
  static const char *const allowed[] = { "NET_BIND_SERVICE", NULL };

  if (is_windows (pod))
    return;
  say_containers (pod, keeps_capabilities, "must set securityContext.capabilities.drop=[\"ALL\"]", detail);
  check_added_capabilities (pod, allowed, detail);
}

static const char *
get_volume_type (KubeValue *volume)
{
  for (guint i = 0; i < kube_value_get_length (volume); i++) {
    const char *key = kube_value_get_key (volume, i);
    if (!g_str_equal (key, "name"))
      return key;
  }
  return "unknown";
}

static void
check_volumes (const Pod *pod, GString *detail)
{
  static const char *const allowed[] = { "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret", NULL };
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free), types = g_ptr_array_new_with_free_func (g_free);
  KubeValue *volumes = kube_value_get (pod->spec, "volumes");
  g_autofree char *joined_names = NULL, *joined = NULL;

  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i);
    /* a volume that says nothing is an emptyDir */
    if (kube_value_get_length (volume) < 2 || g_strv_contains (allowed, get_volume_type (volume)))
      continue;
    add_quoted (names, kube_value_get_member_string (volume, "name"));
    add_quoted (types, get_volume_type (volume));
  }
  if (names->len == 0)
    return;
  g_ptr_array_sort (types, compare_text);
  joined_names = join (names, ", ");
  joined = join (types, ", ");
  g_string_append_printf (detail, "%s %s %s restricted volume %s %s", names->len > 1 ? "volumes" : "volume", joined_names, names->len > 1 ? "use" : "uses",
                          types->len > 1 ? "types" : "type", joined);
}

static int
get_flag (KubeValue *value, const char *path)
{
  KubeValue *flag = kube_value_get (value, path);
  return kube_value_get_value_type (flag) == KUBE_VALUE_BOOLEAN ? kube_value_get_boolean (flag, "", FALSE) : -1;
}

static gboolean
runs_as_root (KubeValue *value)
{
  return get_flag (value, SECURITY "runAsNonRoot") == 0;
}

static gboolean
says_nothing_of_root (KubeValue *value)
{
  return get_flag (value, SECURITY "runAsNonRoot") < 0;
}

static void
check_non_root (const Pod *pod, GString *detail)
{
  g_autofree char *silent = NULL;

  say_setters (pod, runs_as_root (pod->spec), runs_as_root, "must not set securityContext.runAsNonRoot=false", detail);
  silent = get_flag (pod->spec, SECURITY "runAsNonRoot") != 1 ? name_containers (pod, says_nothing_of_root) : NULL;
  if (silent != NULL)
    add_detail (detail, "; ", "pod or %s must set securityContext.runAsNonRoot=true", silent);
}

static gboolean
is_user_0 (KubeValue *value)
{
  return kube_value_get_integer (value, SECURITY "runAsUser", -1) == 0;
}

static void
check_user (const Pod *pod, GString *detail)
{
  say_setters (pod, is_user_0 (pod->spec), is_user_0, "must not set runAsUser=0", detail);
}

static gboolean
says_nothing_of_seccomp (KubeValue *value)
{
  return kube_value_get_string (value, SECURITY "seccompProfile.type") == NULL;
}

static void
check_seccomp_is_set (const Pod *pod, GString *detail)
{
  g_autofree char *silent = NULL;

  if (is_windows (pod))
    return;
  check_seccomp (pod, detail);
  silent = says_nothing_of_seccomp (pod->spec) ? name_containers (pod, says_nothing_of_seccomp) : NULL;
  if (silent != NULL)
    add_detail (detail, "; ", "pod or %s must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"", silent);
}

/* In upstream's order. What a check of the restricted level replaces is not looked at there. */
static const struct {
  const char *reason;
  CheckFunc check;
  KubePodSecurityLevel level;
  gboolean replaced;
} checks[] = {
  { "forbidden AppArmor profile", check_app_armor, KUBE_POD_SECURITY_BASELINE, FALSE },
  { "non-default capabilities", check_capabilities, KUBE_POD_SECURITY_BASELINE, TRUE },
  { "host namespaces", check_host_namespaces, KUBE_POD_SECURITY_BASELINE, FALSE },
  { "hostPath volumes", check_host_paths, KUBE_POD_SECURITY_BASELINE, TRUE },
  { "hostPort", check_host_ports, KUBE_POD_SECURITY_BASELINE, FALSE },
  { "privileged", check_privileged, KUBE_POD_SECURITY_BASELINE, FALSE },
  { "procMount", check_proc_mount, KUBE_POD_SECURITY_BASELINE, FALSE },
  { "seLinuxOptions", check_selinux, KUBE_POD_SECURITY_BASELINE, FALSE },
  { "seccompProfile", check_seccomp, KUBE_POD_SECURITY_BASELINE, TRUE },
  { "forbidden sysctls", check_sysctls, KUBE_POD_SECURITY_BASELINE, FALSE },
  { "hostProcess", check_host_process, KUBE_POD_SECURITY_BASELINE, FALSE },
  { "allowPrivilegeEscalation != false", check_escalation, KUBE_POD_SECURITY_RESTRICTED, FALSE },
  { "unrestricted capabilities", check_dropped_capabilities, KUBE_POD_SECURITY_RESTRICTED, FALSE },
  { "restricted volume types", check_volumes, KUBE_POD_SECURITY_RESTRICTED, FALSE },
  { "runAsNonRoot != true", check_non_root, KUBE_POD_SECURITY_RESTRICTED, FALSE },
  { "runAsUser=0", check_user, KUBE_POD_SECURITY_RESTRICTED, FALSE },
  { "seccompProfile", check_seccomp_is_set, KUBE_POD_SECURITY_RESTRICTED, FALSE },
};

static void
add_containers (GPtrArray *containers, KubeValue *list)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    g_ptr_array_add (containers, kube_value_get_element (list, i));
}

char *
kube_pod_security_check (KubePodSecurityLevel level, KubeValue *metadata, KubeValue *spec)
{
  g_autoptr (GPtrArray) containers = NULL;
  g_autoptr (GString) text = NULL, detail = NULL;
  Pod pod;

  if (level == KUBE_POD_SECURITY_PRIVILEGED)
    return NULL;
  containers = g_ptr_array_new ();
  text = g_string_new (NULL);
  detail = g_string_new (NULL);
  pod = (Pod){ metadata, spec, containers };
  add_containers (containers, kube_value_get (spec, "initContainers"));
  add_containers (containers, kube_value_get (spec, "containers"));
  add_containers (containers, kube_value_get (spec, "ephemeralContainers"));
  for (guint i = 0; i < G_N_ELEMENTS (checks); i++) {
    if (checks[i].level > level || (checks[i].replaced && level == KUBE_POD_SECURITY_RESTRICTED))
      continue;
    g_string_truncate (detail, 0);
    checks[i].check (&pod, detail);
    if (detail->len > 0)
      add_detail (text, ", ", "%s (%s)", checks[i].reason, detail->str);
  }
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}
