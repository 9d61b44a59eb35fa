/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

KubeCgroupMode
kube_cgroup_get_mode (void)
{
  struct statfs fs;

  if (statfs (ROOT, &fs) < 0)
    return KUBE_CGROUP_NONE;
  if (fs.f_type == CGROUP2_SUPER_MAGIC)
    return KUBE_CGROUP_V2;
  if (statfs (ROOT "/memory", &fs) < 0 || fs.f_type != CGROUP_SUPER_MAGIC)
    return KUBE_CGROUP_NONE;
  return statfs (ROOT "/unified", &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC ? KUBE_CGROUP_HYBRID : KUBE_CGROUP_V1;
}

/* (element-type utf8): the folders of the hierarchies */
static GPtrArray *
list_trees (void)
{
  GPtrArray *trees = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (kube_cgroup_get_mode () == KUBE_CGROUP_V2) {
    g_ptr_array_add (trees, g_strdup (ROOT));
    return trees;
  }
  dir = g_dir_open (ROOT, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (ROOT, name, NULL);
    struct statfs fs;
    struct stat st;
    if (lstat (path, &st) == 0 && S_ISDIR (st.st_mode) && statfs (path, &fs) == 0 && fs.f_type == CGROUP_SUPER_MAGIC)
      g_ptr_array_add (trees, g_steal_pointer (&path));
  }
  return trees;
}

/* @error: (nullable): the first of several holds. */
static void
write_text (const char *tree, const char *path, const char *file, const char *text, GError **error)
{
  g_autofree char *name = g_build_filename (tree, path, file, NULL);
  int fd = open (name, O_WRONLY | O_CLOEXEC);
  gboolean good = fd >= 0 && write (fd, text, strlen (text)) >= 0;

  if (!good && error != NULL && *error == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s is not taken: %s", name, text, g_strerror (errno));
  if (fd >= 0)
    close (fd);
}

static void
write_value (const char *tree, const char *path, const char *file, gint64 value, GError **error)
{
  g_autofree char *text = value < 0 ? g_strdup ("max") : g_strdup_printf ("%" G_GINT64_FORMAT, value);

  write_text (tree, path, file, text, error);
}

/* Version 2: each level hands the controllers down. */
static void
make_unified (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  g_autoptr (GString) at = g_string_new ("");

  for (char **part = parts; *part != NULL; part++) {
    if (**part == '\0')
      continue;
    static const char *const controllers[] = { "+cpu", "+memory", "+pids", "+cpuset", "+io" };
    for (gsize i = 0; i < G_N_ELEMENTS (controllers); i++)
      write_text (ROOT, at->str, "cgroup.subtree_control", controllers[i], NULL);
    g_string_append_printf (at, "/%s", *part);
    g_autofree char *folder = g_build_filename (ROOT, at->str, NULL);
    mkdir (folder, 0755);
  }
}

static void
limit_unified (const char *path, KubeValue *resources, GError **error)
{
  gint64 shares = kube_value_get_integer (resources, "cpuShares", 0), quota = kube_value_get_integer (resources, "cpuQuota", 0);
  gint64 memory = kube_value_get_integer (resources, "memory", 0), pids = kube_value_get_integer (resources, "pids", 0);

  if (shares > 0)
    write_value (ROOT, path, "cpu.weight", 1 + (CLAMP (shares, 2, 262144) - 2) * 9999 / 262142, error);
  if (quota > 0) {
    g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT, quota,
                                             kube_value_get_integer (resources, "cpuPeriod", 100000));
    write_text (ROOT, path, "cpu.max", text, error);
  }
  if (memory > 0)
    write_value (ROOT, path, "memory.max", memory, error);
  if (pids > 0)
    write_value (ROOT, path, "pids.max", pids, error);
}

static void
limit_tree (const char *tree, const char *path, KubeValue *resources, GError **error)
{
  static const struct {
    const char *controller, *file, *key;
  } limits[] = {
    { "/cpu", "cpu.shares", "cpuShares" },
    { "/cpu", "cpu.cfs_period_us", "cpuPeriod" },
    { "/cpu", "cpu.cfs_quota_us", "cpuQuota" },
    { "/memory", "memory.limit_in_bytes", "memory" },
    { "/pids", "pids.max", "pids" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (limits); i++) {
    gint64 value = kube_value_get_integer (resources, limits[i].key, 0);
    if (value > 0 && (g_str_has_suffix (tree, limits[i].controller) || (i < 3 && g_str_has_suffix (tree, "/cpu,cpuacct"))))
      write_value (tree, path, limits[i].file, value, error);
  }
}

static gboolean
has_limits (const char *tree)
{
  /* a cpuset must be given its processors before anything can be in it: the runtime does that where a container needs one */
  return g_str_has_suffix (tree, "/cpu") || g_str_has_suffix (tree, "/memory") || g_str_has_suffix (tree, "/pids") ||
         g_str_has_suffix (tree, "/cpu,cpuacct");
}

static void
set_limits (const char *path, KubeValue *resources, GError **error)
{
  g_autoptr (GPtrArray) trees = list_trees ();

  if (kube_cgroup_get_mode () == KUBE_CGROUP_V2) {
    limit_unified (path, resources, error);
    return;
  }
  for (guint i = 0; i < trees->len; i++) {
    if (has_limits (trees->pdata[i]))
      limit_tree (trees->pdata[i], path, resources, error);
  }
}

void
kube_cgroup_create (const char *path, KubeValue *resources)
{
  g_autoptr (GPtrArray) trees = list_trees ();
  gboolean unified = kube_cgroup_get_mode () == KUBE_CGROUP_V2;

  if (unified)
    make_unified (path);
  for (guint i = 0; i < trees->len && !unified; i++) {
    g_autofree char *folder = g_build_filename (trees->pdata[i], path, NULL);
    if (has_limits (trees->pdata[i]))
      g_mkdir_with_parents (folder, 0755);
  }
  set_limits (path, resources, NULL);
}

gboolean
kube_cgroup_update (const char *path, KubeValue *resources, GError **error)
{
  GError *local = NULL;

  set_limits (path, resources, &local);
  if (local != NULL)
    g_propagate_error (error, local);
  return local == NULL;
}

static void
kill_in (const char *folder)
{
  g_autofree char *file = g_build_filename (folder, "cgroup.procs", NULL);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (file, &text, NULL, NULL))
    return;
  g_auto (GStrv) pids = g_strsplit (text, "\n", -1);
  for (char **pid = pids; *pid != NULL; pid++) {
    int number = atoi (*pid);
    if (number > 1)
      kill (number, SIGKILL);
  }
}

static void
walk (const char *folder, gboolean kill, gboolean remove)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    struct stat st;
    if (lstat (path, &st) == 0 && S_ISDIR (st.st_mode))
      walk (path, kill, remove);
  }
  if (kill)
    kill_in (folder);
  if (!remove)
    return;
  /* killed processes leave the group a moment later */
  for (int i = 0; rmdir (folder) < 0 && errno == EBUSY && i < 200; i++) {
    kill_in (folder);
    g_usleep (2000);
  }
}

void
kube_cgroup_remove (const char *path)
{
  g_autoptr (GPtrArray) trees = list_trees ();

  for (guint i = 0; i < trees->len; i++) {
    g_autofree char *folder = g_build_filename (trees->pdata[i], path, NULL);
    if (rmdir (folder) < 0 && errno != ENOENT)
      walk (folder, TRUE, TRUE);
  }
}

gboolean
kube_cgroup_exists (const char *path)
{
  g_autoptr (GPtrArray) trees = list_trees ();

  for (guint i = 0; i < trees->len; i++) {
    g_autofree char *folder = g_build_filename (trees->pdata[i], path, NULL);
    if (g_file_test (folder, G_FILE_TEST_IS_DIR))
      return TRUE;
  }
  return FALSE;
}

void
kube_cgroup_kill (const char *path)
{
  g_autoptr (GPtrArray) trees = list_trees ();

  for (guint i = 0; i < trees->len; i++) {
    g_autofree char *folder = g_build_filename (trees->pdata[i], path, NULL);
    walk (folder, TRUE, FALSE);
  }
}

/* The number behind @key in a file of lines "key number", or the whole file where @key is NULL. */
static gboolean
read_number (const char *tree, const char *path, const char *file, const char *key, guint64 *number)
{
  g_autofree char *name = g_build_filename (tree, path, file, NULL);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (name, &text, NULL, NULL))
    return FALSE;
  if (key == NULL) {
    *number = g_ascii_strtoull (text, NULL, 10);
    return TRUE;
  }
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    if (g_str_has_prefix (*line, key) && (*line)[strlen (key)] == ' ') {
      *number = g_ascii_strtoull (*line + strlen (key), NULL, 10);
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
kube_cgroup_had_oom_kill (const char *path)
{
  guint64 kills = 0;

  if (kube_cgroup_get_mode () == KUBE_CGROUP_V2)
    return read_number (ROOT, path, "memory.events", "oom_kill", &kills) && kills > 0;
  return read_number (ROOT "/memory", path, "memory.oom_control", "oom_kill", &kills) && kills > 0;
}

gboolean
kube_cgroup_get_usage (const char *path, guint64 *cpu_nanoseconds, guint64 *memory_working_set)
{
  guint64 used = 0, inactive = 0, micro = 0;

  if (kube_cgroup_get_mode () == KUBE_CGROUP_V2) {
    if (!read_number (ROOT, path, "memory.current", NULL, &used) || !read_number (ROOT, path, "cpu.stat", "usage_usec", &micro))
      return FALSE;
    read_number (ROOT, path, "memory.stat", "inactive_file", &inactive);
    *cpu_nanoseconds = micro * 1000;
  } else {
    if (!read_number (ROOT "/memory", path, "memory.usage_in_bytes", NULL, &used) ||
        !read_number (ROOT "/cpuacct", path, "cpuacct.usage", NULL, cpu_nanoseconds))
      return FALSE;
    read_number (ROOT "/memory", path, "memory.stat", "total_inactive_file", &inactive);
  }
  *memory_working_set = used > inactive ? used - inactive : 0;
  return TRUE;
}
