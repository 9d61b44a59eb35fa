/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-runtime-oci-private.h"

#include "kube-spawn.h"
#include "image/kube-image-private.h"
#include "kube-pause-data.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHM_SIZE "size=67108864"

static gboolean
fail (GError **error, const char *what, int code)
{
  g_set_error (error, KUBE_ERROR, code == EPERM ? KUBE_ERROR_FORBIDDEN : KUBE_ERROR_INTERNAL, "%s: %s", what, g_strerror (code));
  return FALSE;
}

/* What the child does that is in the pod's namespaces for a moment: system calls only. */
typedef struct {
  const char *hostname;
  char *pins[3]; /* net, ipc, uts; NULL: the host's */
  char **sysctl_paths;
  char **sysctl_values;
} Enter;

static const char *const namespace_files[] = { "/proc/self/ns/net", "/proc/self/ns/ipc", "/proc/self/ns/uts" };

static int
enter (gpointer data)
{
  Enter *job = data;

  if (job->hostname != NULL && sethostname (job->hostname, strlen (job->hostname)) < 0)
    return errno;
  for (int i = 0; i < 3; i++) {
    if (job->pins[i] != NULL && mount (namespace_files[i], job->pins[i], NULL, MS_BIND, NULL) < 0)
      return errno;
  }
  for (int i = 0; job->sysctl_paths[i] != NULL; i++) {
    int fd = open (job->sysctl_paths[i], O_WRONLY | O_CLOEXEC);
    if (fd < 0)
      return errno;
    ssize_t n = write (fd, job->sysctl_values[i], strlen (job->sysctl_values[i]));
    int code = errno;
    close (fd);
    if (n < 0)
      return code;
  }
  return 0;
}

static char *
make_pin (const char *folder, const char *name)
{
  char *path = g_build_filename (folder, "ns", name, NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  if (fd >= 0)
    close (fd);
  return path;
}

static gboolean
mount_shm (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "shm", NULL);

  g_mkdir_with_parents (path, 0755);
  return mount ("shm", path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777," SHM_SIZE) == 0 ||
         fail (error, "cannot mount the pod's /dev/shm", errno);
}

static void
collect_sysctls (KubeValue *config, GPtrArray *paths, GPtrArray *values)
{
  KubeValue *sysctls = kube_value_get (config, "sysctls");

  for (guint i = 0; i < kube_value_get_length (sysctls); i++) {
    g_autofree char *key = g_strdup (kube_value_get_key (sysctls, i));
    const char *value = kube_value_get_member_string (sysctls, key);
    g_strdelimit (key, ".", '/');
    if (value == NULL || strstr (key, "//") != NULL || key[0] == '/')
      continue;
    g_ptr_array_add (paths, g_strconcat ("/proc/sys/", key, NULL));
    g_ptr_array_add (values, g_strdup (value));
  }
  g_ptr_array_add (paths, NULL);
  g_ptr_array_add (values, NULL);
}

static gboolean
write_pause (const char *path, GError **error)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  gboolean good = fd >= 0 && write (fd, kube_pause_data, sizeof kube_pause_data) == sizeof kube_pause_data;

  if (!good)
    fail (error, path, errno);
  if (fd >= 0)
    close (fd);
  return good;
}

/* A process namespace lives as long as its first process: one that only waits, so that containers come and go in it. */
static gboolean
start_pause (const char *folder, GError **error)
{
  g_autofree char *program = g_build_filename (folder, "kube-pause", NULL);
  g_autofree char *pid_path = g_build_filename (folder, "pause.pid", NULL);
  g_autofree char *pin = make_pin (folder, "pid");
  const char *const argv[] = { program, NULL };
  const char *const envp[] = { NULL };
  KubeSpawn spawn = { .argv = argv,
                      .envp = envp,
                      .stdio = { -1, -1, -1 },
                      .extra = -1,
                      .mount_namespace = -1,
                      .new_session = TRUE,
                      .namespaces = CLONE_NEWPID };
  int pid = write_pause (program, error) ? kube_spawn (&spawn, NULL, error) : -1;

  if (pid < 0)
    return FALSE;
  g_autofree char *text = g_strdup_printf ("%d\n", pid);
  g_autofree char *source = g_strdup_printf ("/proc/%d/ns/pid", pid);
  if (g_file_set_contents (pid_path, text, -1, NULL) && mount (source, pin, NULL, MS_BIND, NULL) == 0)
    return TRUE;
  fail (error, pin, errno);
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  return FALSE;
}

/* With it die all processes of its namespace. */
static void
stop_pause (const char *folder)
{
  g_autofree char *pid_path = g_build_filename (folder, "pause.pid", NULL);
  g_autofree char *program = g_build_filename (folder, "kube-pause", NULL);
  g_autofree char *text = NULL;
  g_autofree char *command = NULL;
  int pid = g_file_get_contents (pid_path, &text, NULL, NULL) ? atoi (text) : 0;
  g_autofree char *command_path = g_strdup_printf ("/proc/%d/cmdline", pid);

  if (pid <= 1 || !g_file_get_contents (command_path, &command, NULL, NULL) || !g_str_equal (command, program))
    return;
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

gboolean
kube_sandbox_create (const char *folder, KubeValue *config, GError **error)
{
  g_autofree char *pins = g_build_filename (folder, "ns", NULL);
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);
  gboolean host_network = kube_value_get_boolean (config, "hostNetwork", FALSE),
           host_ipc = kube_value_get_boolean (config, "hostIPC", FALSE);
  int flags = 0;
  Enter job = { 0 };

  if (g_mkdir_with_parents (pins, 0711) < 0)
    return fail (error, pins, errno);
  collect_sysctls (config, paths, values);
  job.sysctl_paths = (char **) paths->pdata;
  job.sysctl_values = (char **) values->pdata;
  if (!host_network) {
    flags |= CLONE_NEWNET | CLONE_NEWUTS;
    job.pins[0] = make_pin (folder, "net");
    job.pins[2] = make_pin (folder, "uts");
    job.hostname = kube_value_get_string (config, "hostname");
  }
  if (!host_ipc) {
    flags |= CLONE_NEWIPC;
    job.pins[1] = make_pin (folder, "ipc");
  }
  int code = flags != 0 ? kube_spawn_call (flags, enter, &job) : 0;
  for (int i = 0; i < 3; i++)
    g_free (job.pins[i]);
  if (code == 0 && (host_ipc || mount_shm (folder, error)) &&
      (!kube_value_get_boolean (config, "shareProcessNamespace", FALSE) || start_pause (folder, error)))
    return TRUE;
  kube_unmount_below (folder, FALSE);
  return code == 0 ? FALSE : fail (error, "cannot make the pod's namespaces", code);
}

gboolean
kube_sandbox_is_alive (const char *folder, KubeValue *config)
{
  gboolean host_network = kube_value_get_boolean (config, "hostNetwork", FALSE),
           host_ipc = kube_value_get_boolean (config, "hostIPC", FALSE);
  g_autofree char *path = g_build_filename (folder, "ns", host_network ? "ipc" : "net", NULL);
  struct statfs fs;

  if (host_network && host_ipc)
    return TRUE;
  return statfs (path, &fs) == 0 && fs.f_type == NSFS_MAGIC;
}

void
kube_unmount_below (const char *folder, gboolean itself)
{
  g_autofree char *text = NULL;
  gsize length = strlen (folder);

  if (!g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL))
    return;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = g_strv_length (lines); i-- > 0;) {
    g_auto (GStrv) fields = g_strsplit (lines[i], " ", 6);
    if (g_strv_length (fields) < 6)
      continue;
    g_autofree char *point = g_strcompress (fields[4]);
    if (strncmp (point, folder, length) == 0 && (point[length] == '/' || (point[length] == '\0' && itself)))
      umount2 (point, MNT_DETACH | UMOUNT_NOFOLLOW);
  }
}

void
kube_sandbox_remove (const char *folder)
{
  stop_pause (folder);
  kube_unmount_below (folder, FALSE);
  kube_folder_remove (folder, NULL);
}

static int
hide_unified (gpointer data)
{
  int *fd = data;

  if (mount (NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
    return errno;
  if (umount2 ("/sys/fs/cgroup/unified", MNT_DETACH) < 0)
    return errno;
  *fd = open ("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  return *fd < 0 ? errno : 0;
}

/* Whether mounts made at @path are handed on to other mount namespaces. */
static gboolean
is_shared (const char *path)
{
  g_autofree char *text = NULL;
  gsize best = 0;
  gboolean shared = FALSE;

  if (!g_file_get_contents ("/proc/self/mountinfo", &text, NULL, NULL))
    return FALSE;
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    g_auto (GStrv) fields = g_strsplit (*line, " ", -1);
    if (g_strv_length (fields) < 7)
      continue;
    g_autofree char *point = g_strcompress (fields[4]);
    gsize length = g_str_equal (point, "/") ? 0 : strlen (point);
    if (length < best || strncmp (path, point, length) != 0 || (path[length] != '/' && path[length] != '\0'))
      continue;
    best = length;
    shared = g_str_has_prefix (fields[6], "shared:") || (g_strv_length (fields) > 7 && g_str_has_prefix (fields[7], "shared:"));
  }
  return shared;
}

int
kube_crun_namespace_new (const char *base, GError **error)
{
  int fd = -1;

  if (kube_cgroup_get_mode () != KUBE_CGROUP_HYBRID)
    return -1;
  if (!is_shared (base) &&
      (mount (base, base, NULL, MS_BIND | MS_REC, NULL) < 0 || mount (NULL, base, NULL, MS_SHARED, NULL) < 0)) {
    fail (error, "cannot share the node's mounts", errno);
    return -1;
  }
  int code = kube_spawn_call (CLONE_NEWNS | CLONE_FILES, hide_unified, &fd);
  if (code != 0)
    fail (error, "cannot make a mount namespace for crun", code);
  return fd;
}

/* Inside of the pod's network: the socket is made there, and connects from wherever the thread is. */
static int
socket_inside (const char *netns, GError **error)
{
  int home = open ("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC),
      there = netns != NULL ? open (netns, O_RDONLY | O_CLOEXEC) : -1, fd = -1;

  if (netns == NULL || (there >= 0 && home >= 0 && setns (there, CLONE_NEWNET) == 0)) {
    fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (netns != NULL && setns (home, CLONE_NEWNET) < 0)
      g_error ("cannot go back to the host's network namespace: %s", g_strerror (errno));
  }
  if (fd < 0)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "cannot enter the pod's network: %s", g_strerror (errno));
  if (home >= 0)
    close (home);
  if (there >= 0)
    close (there);
  return fd;
}

int
kube_sandbox_dial (const char *netns, guint16 port, GError **error)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket_inside (netns, error);

  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "failed to connect to localhost:%d inside the pod: %s", port,
               g_strerror (errno));
  close (fd);
  return -1;
}
