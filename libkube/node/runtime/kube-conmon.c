/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-conmon.h"

#include "kube-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define START_TIMEOUT_MS (4 * 60 * 1000)
#define MAX_REPLY (64 * 1024)

static const char *const environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "_OCI_SYNCPIPE=3",
                                           NULL };

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", what, g_strerror (errno));
  return FALSE;
}

/* conmon's one line: {"data": pid}, or {"data": -1, "message": "…"}. */
static gboolean
read_reply (int fd, int *pid, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  struct pollfd poll_fd = { fd, POLLIN, 0 };
  char buffer[4096];
  ssize_t n = 1;

  while (n > 0 && text->len < MAX_REPLY && strchr (text->str, '\n') == NULL) {
    int ready = poll (&poll_fd, 1, START_TIMEOUT_MS);
    if (ready < 0 && errno == EINTR)
      continue;
    n = ready > 0 ? read (fd, buffer, sizeof buffer) : -1;
    if (n > 0)
      g_string_append_len (text, buffer, n);
  }
  g_autoptr (KubeValue) reply = kube_value_parse (text->str, text->len, NULL);
  *pid = kube_value_get_integer (reply, "data", kube_value_get_integer (reply, "pid", 0));
  if (*pid > 0)
    return TRUE;
  const char *message = kube_value_get_string (reply, "message");
  g_autofree char *clean = g_strstrip (g_strdup (message != NULL ? message : "conmon gave no answer"));
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, clean);
  return FALSE;
}

int
kube_conmon_read_pid (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? atoi (text) : 0;
}

/* What `crun start` does for a container without hooks: the waiting process is let go by a byte in its fifo, which is removed. */
static gboolean
release (const KubeConmon *conmon, GError **error)
{
  g_autofree char *path = g_build_filename (conmon->crun_root, conmon->id, "exec.fifo", NULL);
  int fd = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

  if (fd >= 0) {
    gboolean good = unlink (path) == 0 && write (fd, "", 1) == 1;
    close (fd);
    if (good)
      return TRUE;
  }
  /* the process has not come to its fifo yet: crun knows how to wait for it */
  const char *const argv[] = { conmon->crun, "--root", conmon->crun_root, "start", conmon->id, NULL };
  KubeSpawn spawn = {
    .argv = argv, .envp = environment, .stdio = { -1, -1, -1 }, .extra = -1, .mount_namespace = conmon->mount_namespace
  };
  int pidfd;
  if (kube_spawn (&spawn, &pidfd, error) < 0)
    return FALSE;
  int status = kube_spawn_wait (pidfd);
  if (status != 0)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "crun start failed with status %d", status);
  return status == 0;
}

gboolean
kube_conmon_update (const KubeConmon *conmon, KubeValue *resources, GError **error)
{
  static const char *const options[] = { "cpuShares", "--cpu-share", "cpuQuota", "--cpu-quota", "cpuPeriod", "--cpu-period", "memory", "--memory" };
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  const char *const first[] = { conmon->crun, "--root", conmon->crun_root, "update" };
  char message[1024] = "";
  int said = memfd_create ("crun", MFD_CLOEXEC), pidfd;

  for (gsize i = 0; i < G_N_ELEMENTS (first); i++)
    g_ptr_array_add (argv, g_strdup (first[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (options); i += 2) {
    gint64 value = kube_value_get_integer (resources, options[i], 0);
    if (value != 0)
      g_ptr_array_add (argv, g_strdup_printf ("%s=%" G_GINT64_FORMAT, options[i + 1], value));
  }
  g_ptr_array_add (argv, g_strdup (conmon->id));
  g_ptr_array_add (argv, NULL);
  KubeSpawn spawn = { .argv = (const char *const *) argv->pdata, .envp = environment, .stdio = { -1, -1, said }, .extra = -1,
                      .mount_namespace = conmon->mount_namespace };
  int status = kube_spawn (&spawn, &pidfd, error) < 0 ? -1 : kube_spawn_wait (pidfd);
  if (status > 0) {
    ssize_t n = pread (said, message, sizeof message - 1, 0);
    message[MAX (n, 0)] = '\0';
    g_autofree char *clean = g_utf8_make_valid (g_strstrip (message), -1);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "crun update failed with status %d: %s", status, clean);
  }
  if (said >= 0)
    close (said);
  return status == 0;
}

static GPtrArray *
make_arguments (const KubeConmon *conmon)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  const char *const fixed[] = { conmon->conmon,
                                "--api-version",
                                "1",
                                "-c",
                                conmon->id,
                                "-u",
                                conmon->id,
                                "-n",
                                conmon->id,
                                "-r",
                                conmon->crun,
                                "-b",
                                conmon->folder,
                                "--exit-dir",
                                conmon->exits,
                                "--full-attach",
                                "--log-level",
                                "error",
                                "--no-new-keyring",
                                "--no-sync-log" };

  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i++)
    g_ptr_array_add (argv, g_strdup (fixed[i]));
  g_ptr_array_add (argv, g_strdup ("-p"));
  g_ptr_array_add (argv, g_build_filename (conmon->folder, "pid", NULL));
  g_ptr_array_add (argv, g_strdup ("-P"));
  g_ptr_array_add (argv, g_build_filename (conmon->folder, "conmon.pid", NULL));
  g_ptr_array_add (argv, g_strdup ("-l"));
  g_ptr_array_add (argv, g_strdup_printf ("k8s-file:%s", conmon->log));
  g_ptr_array_add (argv, g_strdup ("--runtime-arg"));
  g_ptr_array_add (argv, g_strdup_printf ("--root=%s", conmon->crun_root));
  if (conmon->tty)
    g_ptr_array_add (argv, g_strdup ("-t"));
  if (conmon->stdin_open)
    g_ptr_array_add (argv, g_strdup ("-i"));
  if (conmon->stdin_open && !conmon->stdin_once)
    g_ptr_array_add (argv, g_strdup ("--leave-stdin-open"));
  g_ptr_array_add (argv, NULL);
  return argv;
}

gboolean
kube_conmon_start (const KubeConmon *conmon, int *pid, int *conmon_pid, GError **error)
{
  g_autoptr (GPtrArray) argv = make_arguments (conmon);
  int sync[2], pidfd;

  if (pipe2 (sync, O_CLOEXEC) < 0)
    return fail (error, "pipe");
  KubeSpawn spawn = { .argv = (const char *const *) argv->pdata,
                      .envp = environment,
                      .cwd = conmon->folder,
                      .stdio = { -1, -1, -1 },
                      .extra = sync[1],
                      .mount_namespace = conmon->mount_namespace,
                      .new_session = TRUE };
  int child = kube_spawn (&spawn, &pidfd, error);
  close (sync[1]);
  gboolean good = child > 0;
  if (good) {
    kube_spawn_wait (pidfd); /* the first conmon forks the real one and writes its pid */
    good = read_reply (sync[0], pid, error);
  }
  close (sync[0]);
  *conmon_pid = kube_conmon_read_pid (conmon->folder, "conmon.pid");
  return good && release (conmon, error);
}

gboolean
kube_conmon_reopen_log (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "ctl", NULL);
  int fd = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  gboolean told = fd >= 0 && write (fd, "2 0 0\n", 6) == 6;

  if (fd >= 0)
    close (fd);
  return told;
}
