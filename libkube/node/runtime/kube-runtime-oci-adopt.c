/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-runtime-oci-private.h"

#include "image/kube-image-private.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
kube_oci_paths_init (KubeOciPaths *paths, const char *data_dir)
{
  g_autofree char *absolute = g_canonicalize_filename (data_dir, NULL);
  g_autofree char *real = realpath (absolute, NULL);
  g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, real != NULL ? real : absolute, -1);

  paths->base = g_build_filename (real != NULL ? real : absolute, "node", NULL);
  paths->containers = g_build_filename (paths->base, "containers", NULL);
  paths->sandboxes = g_build_filename (paths->base, "sandboxes", NULL);
  paths->exits = g_build_filename (paths->base, "exits", NULL);
  paths->crun = g_build_filename (paths->base, "crun", NULL);
  paths->logs = g_build_filename (paths->base, "logs", NULL);
  paths->cgroup = g_strdup_printf ("/kube-%.8s", sum);
}

void
kube_oci_paths_clear (KubeOciPaths *paths)
{
  char *all[] = { paths->base, paths->containers, paths->sandboxes, paths->exits, paths->crun, paths->logs, paths->cgroup };

  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    g_free (all[i]);
  *paths = (KubeOciPaths){ 0 };
}

static KubeValue *
read_note (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;
  gsize length;

  return g_file_get_contents (path, &text, &length, NULL) ? kube_value_parse (text, length, NULL) : NULL;
}

/* A pid means a process only together with who it is: it may have been given out again. */
static gboolean
is_conmon_of (int pid, const char *id)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/cmdline", pid);
  g_autofree char *text = NULL;
  gsize length;

  return pid > 0 && g_file_get_contents (path, &text, &length, NULL) && memmem (text, length, id, strlen (id)) != NULL &&
         strstr (text, "conmon") != NULL;
}

static void
adopt_running (KubeOciContainer *container)
{
  int conmon = kube_conmon_read_pid (container->folder, "conmon.pid"), pid = kube_conmon_read_pid (container->folder, "pid");
  struct stat st;
  g_autofree char *pid_file = g_build_filename (container->folder, "pid", NULL);

  container->conmon_pidfd = is_conmon_of (conmon, container->info.id) ? kube_oci_open_pid (conmon) : -1;
  if (container->info.started_at == 0)
    container->info.started_at = stat (pid_file, &st) == 0 ? (gint64) st.st_mtim.tv_sec * G_USEC_PER_SEC : g_get_real_time ();
  if (container->conmon_pidfd < 0) {
    kube_oci_container_note_end (container);
    return;
  }
  container->info.state = KUBE_CONTAINER_RUNNING;
  container->info.pid = pid;
  container->init_pidfd = kube_oci_open_pid (pid);
  kube_oci_container_watch_end (container);
}

static void
adopt_container (KubeRuntimeOci *self, const char *id)
{
  g_autofree char *folder = g_build_filename (self->paths.containers, id, NULL);
  g_autoptr (KubeValue) note = read_note (folder, "state.json");
  KubeValue *config = kube_value_get (note, "config"), *pod = kube_value_get (note, "pod");
  g_autofree char *waiting = g_build_filename (self->paths.crun, id, "exec.fifo", NULL);

  if (config == NULL || pod == NULL) {
    g_autoptr (KubeValue) nothing = kube_value_new_empty_object ();
    KubeOciContainer *broken = kube_oci_container_new (self, id, "", nothing, nothing);
    kube_oci_container_remove_files (broken);
    kube_oci_container_unref (broken);
    return;
  }
  KubeOciContainer *container = kube_oci_container_new (self, id, kube_value_get_string (note, "podUid"), config, pod);
  kube_oci_container_load (container, note);
  /* Between the start of its programs and our note of it: one that was never let go is removed, any other runs or has run. */
  if (container->info.state == KUBE_CONTAINER_CREATED &&
      (kube_conmon_read_pid (folder, "conmon.pid") == 0 || g_file_test (waiting, G_FILE_TEST_EXISTS))) {
    int conmon = kube_conmon_read_pid (folder, "conmon.pid");
    if (is_conmon_of (conmon, id))
      kill (conmon, SIGKILL);
    kube_oci_container_remove_files (container);
    kube_oci_container_unref (container);
    return;
  }
  if (container->info.state != KUBE_CONTAINER_EXITED)
    adopt_running (container);
  g_hash_table_replace (self->containers, g_strdup (id), container);
}

void
kube_runtime_oci_adopt (KubeRuntimeOci *self)
{
  g_autoptr (GDir) pods = g_dir_open (self->paths.sandboxes, 0, NULL);
  g_autoptr (GDir) containers = g_dir_open (self->paths.containers, 0, NULL);
  const char *name;

  while (pods != NULL && (name = g_dir_read_name (pods)) != NULL) {
    g_autofree char *folder = g_build_filename (self->paths.sandboxes, name, NULL);
    g_autoptr (KubeValue) config = read_note (folder, "sandbox.json");
    if (config != NULL && kube_sandbox_is_alive (folder, config))
      g_hash_table_replace (self->pods, g_strdup (name), g_steal_pointer (&config));
    else
      kube_sandbox_remove (folder);
  }
  while (containers != NULL && (name = g_dir_read_name (containers)) != NULL)
    adopt_container (self, name);
}

static void
remove_sandboxes (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *uid;

  while (dir != NULL && (uid = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, uid, NULL);
    kube_sandbox_remove (path);
  }
}

/* conmons of containers below @folder */
static void
kill_conmons (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *id;

  while (dir != NULL && (id = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, id, NULL);
    int pid = kube_conmon_read_pid (path, "conmon.pid");
    if (!is_conmon_of (pid, id))
      continue;
    int fd = kube_oci_open_pid (pid);
    kill (pid, SIGKILL);
    struct pollfd wait = { fd, POLLIN, 0 };
    if (fd >= 0) {
      poll (&wait, 1, 2000);
      close (fd);
    }
  }
}

/**
 * kube_runtime_oci_clean_up:
 * @data_dir: a data directory on which no runtime is at work
 * @error: return location
 *
 * Kills and removes all that runtimes of @data_dir left on the host: processes, mounts, namespaces, cgroups, and the node's files. Images stay.
 *
 * Returns: whether nothing is left
 * Since: 1.0
 */
gboolean
kube_runtime_oci_clean_up (const char *data_dir, GError **error)
{
  KubeOciPaths paths = { 0 };

  kube_oci_paths_init (&paths, data_dir);
  kube_cgroup_kill (paths.cgroup);
  kill_conmons (paths.containers);
  kube_cgroup_remove (paths.cgroup);
  remove_sandboxes (paths.sandboxes);
  kube_unmount_below (paths.base, TRUE);
  gboolean good = kube_folder_remove (paths.base, error);
  kube_oci_paths_clear (&paths);
  return good;
}
