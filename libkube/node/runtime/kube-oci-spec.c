/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-oci-spec.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const default_capabilities[] = {
  "CAP_CHOWN",  "CAP_DAC_OVERRIDE", "CAP_FSETID",  "CAP_FOWNER",           "CAP_MKNOD",      "CAP_NET_RAW", "CAP_SETGID",
  "CAP_SETUID", "CAP_SETFCAP",      "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",    "CAP_AUDIT_WRITE",
  NULL,
};

/* by their numbers */
static const char *const all_capabilities[] = {
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
  NULL,
};

static const char *const masked_paths[] = {
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
  NULL,
};

static const char *const readonly_paths[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger", NULL };

static void
add_strings (KubeNode *node, const char *path, const char *const *strings)
{
  KubeNode *array = kube_node_ensure_array (node, path);

  for (; *strings != NULL; strings++)
    kube_node_append_string (array, *strings);
}

/* options: separated by commas, NULL for none */
static void
add_mount (KubeNode *mounts, const char *destination, const char *type, const char *source, const char *options)
{
  KubeNode *mount = kube_node_append_object (mounts);
  g_auto (GStrv) list = g_strsplit (options, ",", -1);

  kube_node_set_string (mount, "destination", destination);
  kube_node_set_string (mount, "type", type);
  kube_node_set_string (mount, "source", source);
  add_strings (mount, "options", (const char *const *) list);
}

static GPtrArray *
make_env (const KubeOciSpec *spec)
{
  g_autoptr (GPtrArray) env = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *hostname = g_strdup_printf ("HOSTNAME=%s", kube_value_get_string (spec->pod, "hostname"));
  KubeValue *sources[] = { spec->image != NULL ? kube_value_get (kube_image_get_config (spec->image), "Env") : NULL,
                           kube_value_get (spec->container, "env") };
  g_autoptr (GHashTable) places = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  /* The first of all is what a later one replaces. */
  g_ptr_array_add (env, g_strdup (DEFAULT_PATH));
  g_hash_table_insert (places, g_strdup ("PATH"), GUINT_TO_POINTER (1));
  g_ptr_array_add (env, g_steal_pointer (&hostname));
  g_hash_table_insert (places, g_strdup ("HOSTNAME"), GUINT_TO_POINTER (2));
  for (guint s = 0; s < G_N_ELEMENTS (sources); s++) {
    for (guint i = 0; i < kube_value_get_length (sources[s]); i++) {
      const char *text = kube_value_peek_string (kube_value_get_element (sources[s], i), NULL);
      if (text == NULL || strchr (text, '=') == NULL)
        continue;
      g_autofree char *key = g_strndup (text, strchr (text, '=') - text);
      guint place = GPOINTER_TO_UINT (g_hash_table_lookup (places, key));
      if (place > 0) {
        g_free (env->pdata[place - 1]);
        env->pdata[place - 1] = g_strdup (text);
        continue;
      }
      g_ptr_array_add (env, g_strdup (text));
      g_hash_table_insert (places, g_steal_pointer (&key), GUINT_TO_POINTER (env->len));
    }
  }
  return g_steal_pointer (&env);
}

static char *
capability_name (const char *name)
{
  g_autofree char *upper = g_ascii_strup (name, -1);

  return g_str_has_prefix (upper, "CAP_") ? g_steal_pointer (&upper) : g_strconcat ("CAP_", upper, NULL);
}

static gboolean
lists_capability (KubeValue *list, const char *name)
{
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    const char *text = kube_value_peek_string (kube_value_get_element (list, i), NULL);
    g_autofree char *full = text != NULL ? capability_name (text) : NULL;
    if (g_strcmp0 (full, name) == 0 || g_strcmp0 (full, "CAP_ALL") == 0)
      return TRUE;
  }
  return FALSE;
}

/* The capabilities of this process: nobody can be given others, and the kernel does not know those that are beyond its last one. */
static guint64
read_own_capabilities (void)
{
  g_autofree char *status = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL) || (line = strstr (status, "CapEff:")) == NULL)
    return 0;
  return g_ascii_strtoull (line + strlen ("CapEff:"), NULL, 16);
}

static GPtrArray *
make_capabilities (const KubeOciSpec *spec)
{
  KubeValue *add = kube_value_get (spec->container, "capabilities.add"),
            *drop = kube_value_get (spec->container, "capabilities.drop");
  gboolean privileged = kube_value_get_boolean (spec->container, "privileged", FALSE);
  gboolean drops_all = lists_capability (drop, "CAP_ALL");
  guint64 own = read_own_capabilities ();
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; all_capabilities[i] != NULL; i++) {
    const char *const *name = &all_capabilities[i];
    gboolean has = privileged || lists_capability (add, *name) || (g_strv_contains (default_capabilities, *name) && !drops_all);
    /* what is named on both sides is dropped, except that dropping ALL leaves what is added */
    if (has && !privileged && !drops_all && lists_capability (drop, *name))
      has = FALSE;
    if (has && (own >> i & 1))
      g_ptr_array_add (list, (gpointer) *name);
  }
  g_ptr_array_add (list, NULL);
  return list;
}

static gboolean
build_user (const KubeOciSpec *spec, KubeNode *process, GError **error)
{
  KubeValue *user = kube_value_get (spec->container, "user"), *more = kube_value_get (spec->container, "supplementalGroups");
  g_autofree char *text = kube_value_get_value_type (user) == KUBE_VALUE_INTEGER
                            ? g_strdup_printf ("%" G_GINT64_FORMAT, kube_value_get_integer (user, NULL, 0))
                            : g_strdup (kube_value_peek_string (user, NULL));
  g_autoptr (GArray) groups = g_array_new (FALSE, FALSE, sizeof (guint32));
  guint32 uid = 0, gid = 0;

  if (text == NULL && spec->image != NULL)
    text = g_strdup (kube_value_get_string (kube_image_get_config (spec->image), "User"));
  if (!kube_image_user_resolve (spec->rootfs, text, kube_value_get_integer (spec->container, "group", -1), &uid, &gid, groups,
                                error))
    return FALSE;
  kube_node_set_integer (process, "user.uid", uid);
  kube_node_set_integer (process, "user.gid", gid);
  KubeNode *additional = kube_node_ensure_array (process, "user.additionalGids");
  for (guint i = 0; i < kube_value_get_length (more); i++) {
    guint32 id = kube_value_get_integer (kube_value_get_element (more, i), NULL, 0);
    g_array_append_val (groups, id);
  }
  kube_node_append_integer (additional, gid);
  for (guint i = 0; i < groups->len; i++) {
    guint32 id = g_array_index (groups, guint32, i);
    gboolean again = id == gid;
    for (guint j = 0; j < i && !again; j++)
      again = g_array_index (groups, guint32, j) == id;
    if (!again)
      kube_node_append_integer (additional, id);
  }
  return TRUE;
}

/* Without CAP_SYS_RESOURCE nobody gets a lower value than this process has: then it is as low as may be. */
static gint64
clamp_oom_score (gint64 wanted)
{
  g_autofree char *mine = NULL;

  if ((read_own_capabilities () >> 24 & 1) || !g_file_get_contents ("/proc/self/oom_score_adj", &mine, NULL, NULL))
    return wanted;
  return MAX (wanted, g_ascii_strtoll (mine, NULL, 10));
}

static gboolean
build_process (const KubeOciSpec *spec, KubeNode *root, const char *const *capabilities, GError **error)
{
  KubeValue *config = spec->image != NULL ? kube_image_get_config (spec->image) : NULL,
            *args = kube_value_get (spec->container, "args");
  KubeNode *process = kube_node_ensure_object (root, "process");
  const char *cwd = kube_value_get_string (spec->container, "cwd");
  g_autoptr (GPtrArray) env = make_env (spec);
  static const char *const sets[] = { "capabilities.bounding", "capabilities.effective", "capabilities.permitted" };

  if (cwd == NULL)
    cwd = kube_value_get_string (config, "WorkingDir");
  if (kube_value_get_length (args) == 0) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "no command specified");
    return FALSE;
  }
  kube_node_set_value (process, "args", args);
  kube_node_set_string (process, "cwd", cwd != NULL && *cwd != '\0' ? cwd : "/");
  kube_node_set_boolean (process, "terminal", kube_value_get_boolean (spec->container, "tty", FALSE));
  KubeNode *env_node = kube_node_ensure_array (process, "env");
  for (guint i = 0; i < env->len; i++)
    kube_node_append_string (env_node, env->pdata[i]);
  if (kube_value_get_boolean (spec->container, "tty", FALSE))
    kube_node_append_string (env_node, "TERM=xterm");
  for (gsize i = 0; i < G_N_ELEMENTS (sets); i++)
    add_strings (process, sets[i], capabilities);
  kube_node_set_boolean (process, "noNewPrivileges", kube_value_get_boolean (spec->container, "noNewPrivileges", FALSE));
  kube_node_set_integer (process, "oomScoreAdj",
                         clamp_oom_score (kube_value_get_integer (spec->container, "resources.oomScoreAdj", 0)));
  return build_user (spec, process, error);
}

static void
build_volume_mount (KubeNode *mounts, KubeValue *mount, gboolean *shared, gboolean *slave)
{
  const char *propagation = kube_value_get_string (mount, "propagation");
  const char *flow = "rprivate";

  if (g_strcmp0 (propagation, "Bidirectional") == 0)
    flow = "rshared", *shared = TRUE;
  else if (g_strcmp0 (propagation, "HostToContainer") == 0)
    flow = "rslave", *slave = TRUE;
  g_autofree char *options = g_strdup_printf ("rbind,%s,%s%s", flow, kube_value_get_boolean (mount, "readOnly", FALSE) ? "ro" : "rw",
                                              kube_value_get_boolean (mount, "noExec", FALSE) ? ",noexec" : "");
  add_mount (mounts, kube_value_get_string (mount, "destination"), "bind", kube_value_get_string (mount, "source"), options);
}

static int
by_depth (gconstpointer a, gconstpointer b)
{
  const char *x = kube_value_get_string (*(KubeValue **) a, "destination"),
             *y = kube_value_get_string (*(KubeValue **) b, "destination");
  int depth_x = 0, depth_y = 0;

  for (; *x != '\0'; x++)
    depth_x += *x == '/';
  for (; *y != '\0'; y++)
    depth_y += *y == '/';
  return depth_x - depth_y;
}

static void
build_mounts (const KubeOciSpec *spec, KubeNode *root)
{
  KubeValue *volumes = kube_value_get (spec->container, "mounts");
  KubeNode *mounts = kube_node_ensure_array (root, "mounts");
  gboolean privileged = kube_value_get_boolean (spec->container, "privileged", FALSE), shared = FALSE, slave = FALSE;
  gboolean host_network = kube_value_get_boolean (spec->pod, "hostNetwork", FALSE);
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();

  add_mount (mounts, "/proc", "proc", "proc", "nosuid,noexec,nodev");
  add_mount (mounts, "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k");
  add_mount (mounts, "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5");
  add_mount (mounts, "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev");
  if (host_network && geteuid () != 0)
    add_mount (mounts, "/sys", "bind", "/sys", "rbind,nosuid,noexec,nodev,ro");
  else
    add_mount (mounts, "/sys", "sysfs", "sysfs", privileged ? "nosuid,noexec,nodev,rw" : "nosuid,noexec,nodev,ro");
  add_mount (mounts, "/sys/fs/cgroup", "cgroup", "cgroup",
             privileged ? "nosuid,noexec,nodev,relatime,rw" : "nosuid,noexec,nodev,relatime,ro");
  if (spec->shm != NULL && kube_value_find_element (volumes, "destination", "/dev/shm") == NULL)
    add_mount (mounts, "/dev/shm", "bind", spec->shm, "rbind,rprivate,rw");
  for (guint i = 0; i < kube_value_get_length (volumes); i++)
    g_ptr_array_add (sorted, kube_value_get_element (volumes, i));
  /* a mount inside of another one comes after it */
  g_ptr_array_sort (sorted, by_depth);
  for (guint i = 0; i < sorted->len; i++)
    build_volume_mount (mounts, sorted->pdata[i], &shared, &slave);
  kube_node_set_string (root, "linux.rootfsPropagation", shared ? "rshared" : slave ? "rslave" : NULL);
}

static void
add_namespace (KubeNode *list, const char *type, const char *path)
{
  KubeNode *entry = kube_node_append_object (list);

  kube_node_set_string (entry, "type", type);
  kube_node_set_string (entry, "path", path);
}

static void
build_namespaces (const KubeOciSpec *spec, KubeNode *linux_)
{
  KubeNode *list = kube_node_ensure_array (linux_, "namespaces");
  static const struct {
    const char *type, *file, *host;
  } shared[] = { { "network", "net", "hostNetwork" }, { "ipc", "ipc", "hostIPC" }, { "uts", "uts", "hostNetwork" } };

  add_namespace (list, "mount", NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (shared); i++) {
    g_autofree char *path = g_build_filename (spec->namespaces, shared[i].file, NULL);
    if (!kube_value_get_boolean (spec->pod, shared[i].host, FALSE))
      add_namespace (list, shared[i].type, path);
  }
  if (kube_value_get_boolean (spec->pod, "shareProcessNamespace", FALSE)) {
    g_autofree char *path = g_build_filename (spec->namespaces, "pid", NULL);
    add_namespace (list, "pid", path);
  } else if (spec->pid != NULL)
    add_namespace (list, "pid", spec->pid);
  else if (!kube_value_get_boolean (spec->pod, "hostPID", FALSE))
    add_namespace (list, "pid", NULL);
  if (spec->unified)
    add_namespace (list, "cgroup", NULL);
}

static void
build_resources (const KubeOciSpec *spec, KubeNode *linux_)
{
  KubeValue *resources = kube_value_get (spec->container, "resources");
  KubeNode *node = kube_node_ensure_object (linux_, "resources");
  gint64 shares = kube_value_get_integer (resources, "cpuShares", 0), quota = kube_value_get_integer (resources, "cpuQuota", 0);
  gint64 memory = kube_value_get_integer (resources, "memory", 0), pids = kube_value_get_integer (resources, "pids", 0);
  gboolean privileged = kube_value_get_boolean (spec->container, "privileged", FALSE);

  if (shares > 0)
    kube_node_set_integer (node, "cpu.shares", shares);
  if (quota != 0) {
    kube_node_set_integer (node, "cpu.quota", quota);
    kube_node_set_integer (node, "cpu.period", kube_value_get_integer (resources, "cpuPeriod", 100000));
  }
  if (memory > 0)
    kube_node_set_integer (node, "memory.limit", memory);
  if (memory > 0 && spec->unified)
    kube_node_set_integer (node, "memory.swap", memory);
  if (pids > 0)
    kube_node_set_integer (node, "pids.limit", pids);
  KubeNode *rule = kube_node_append_object (kube_node_ensure_array (node, "devices"));
  kube_node_set_boolean (rule, "allow", privileged);
  kube_node_set_string (rule, "access", "rwm");
}

static void
build_devices (KubeNode *linux_)
{
  g_autoptr (GDir) dir = g_dir_open ("/dev", 0, NULL);
  KubeNode *devices = kube_node_ensure_array (linux_, "devices");
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename ("/dev", name, NULL);
    struct stat st;
    if (lstat (path, &st) < 0 || !(S_ISCHR (st.st_mode) || S_ISBLK (st.st_mode)) || g_str_equal (name, "console") ||
        g_str_equal (name, "ptmx"))
      continue;
    KubeNode *device = kube_node_append_object (devices);
    kube_node_set_string (device, "path", path);
    kube_node_set_string (device, "type", S_ISCHR (st.st_mode) ? "c" : "b");
    kube_node_set_integer (device, "major", st.st_rdev >> 8 & 0xfff);
    kube_node_set_integer (device, "minor", (st.st_rdev & 0xff) | (st.st_rdev >> 12 & 0xfff00));
    kube_node_set_integer (device, "fileMode", st.st_mode & 0777);
    kube_node_set_integer (device, "uid", st.st_uid);
    kube_node_set_integer (device, "gid", st.st_gid);
  }
}

static gboolean
build_seccomp (const KubeOciSpec *spec, KubeNode *linux_, const char *const *capabilities, GError **error)
{
  const char *profile = kube_value_get_string (spec->container, "seccomp");

  if (profile == NULL || g_str_equal (profile, "Unconfined") || kube_value_get_boolean (spec->container, "privileged", FALSE))
    return TRUE;
  if (g_str_equal (profile, "RuntimeDefault")) {
    kube_oci_seccomp_build (linux_, capabilities);
    return TRUE;
  }
  g_autofree char *text = NULL;
  g_autoptr (GError) local = NULL;
  gsize length;
  if (!g_file_get_contents (profile, &text, &length, &local)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "cannot load seccomp profile %s: %s", profile, local->message);
    return FALSE;
  }
  g_autoptr (KubeValue) value = kube_value_parse (text, length, error);
  if (value == NULL)
    return FALSE;
  kube_node_set_value (linux_, "seccomp", value);
  return TRUE;
}

KubeValue *
kube_oci_spec_make (const KubeOciSpec *spec, GError **error)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder), *linux_ = kube_node_ensure_object (root, "linux");
  gboolean privileged = kube_value_get_boolean (spec->container, "privileged", FALSE);
  g_autoptr (GPtrArray) capabilities = make_capabilities (spec);
  const char *const *names = (const char *const *) capabilities->pdata;

  kube_node_set_string (root, "ociVersion", "1.0.2");
  kube_node_set_string (root, "root.path", spec->rootfs);
  kube_node_set_boolean (root, "root.readonly", kube_value_get_boolean (spec->container, "readOnlyRoot", FALSE));
  if (!build_process (spec, root, names, error))
    return NULL;
  build_mounts (spec, root);
  build_namespaces (spec, linux_);
  kube_node_set_string (linux_, "cgroupsPath", spec->cgroup);
  build_resources (spec, linux_);
  if (privileged)
    build_devices (linux_);
  else if (!kube_value_get_boolean (spec->container, "unmaskedProc", FALSE)) {
    add_strings (linux_, "maskedPaths", masked_paths);
    add_strings (linux_, "readonlyPaths", readonly_paths);
  }
  return build_seccomp (spec, linux_, names, error) ? kube_builder_end (builder) : NULL;
}

KubeValue *
kube_oci_spec_make_exec (KubeValue *config, const char *const *argv, gboolean tty)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_value_get (config, "process"));
  KubeNode *process = kube_builder_get_root (builder);

  kube_node_remove (process, "args");
  add_strings (process, "args", argv);
  kube_node_set_boolean (process, "terminal", tty);
  if (tty && !kube_value_get_boolean (config, "process.terminal", FALSE))
    kube_node_append_string (kube_node_ensure_array (process, "env"), "TERM=xterm");
  return kube_builder_end (builder);
}
