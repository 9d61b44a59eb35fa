/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "runtime"
#include <kube/kube-log.h>

#include "kube-runtime-oci-private.h"
#include "image/kube-image-private.h"
#include "kube-source.h"

#include <glib-unix.h>
#include <kube/kube-builder.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define START_ERROR_CODE 128
#define UNKNOWN_CODE 137

KubeOciContainer *
kube_oci_container_new (KubeRuntimeOci *self, const char *id, const char *uid, KubeValue *config, KubeValue *pod)
{
  KubeOciContainer *container = g_new0 (KubeOciContainer, 1);
  const char *parent = kube_value_get_string (pod, "cgroupParent"), *log = kube_value_get_string (config, "logPath");

  g_atomic_ref_count_init (&container->references);
  container->runtime = self;
  container->info.id = g_strdup (id);
  container->info.pod_uid = g_strdup (uid);
  container->info.config = kube_value_ref (config);
  container->pod = kube_value_ref (pod);
  container->folder = g_build_filename (self->paths.containers, id, NULL);
  container->cgroup = g_strdup_printf ("%s/%s/%s", self->paths.cgroup, parent != NULL ? parent : "pods", id);
  container->log = log != NULL ? g_strdup (log) : g_strdup_printf ("%s/%s.log", self->paths.logs, id);
  container->init_pidfd = container->conmon_pidfd = -1;
  return container;
}

KubeOciContainer *
kube_oci_container_ref (KubeOciContainer *container)
{
  g_atomic_ref_count_inc (&container->references);
  return container;
}

void
kube_oci_container_unref (KubeOciContainer *container)
{
  if (!g_atomic_ref_count_dec (&container->references))
    return;
  g_free (container->info.id);
  g_free (container->info.pod_uid);
  g_clear_pointer (&container->info.config, kube_value_unref);
  g_free (container->info.reason);
  g_free (container->info.message);
  g_clear_pointer (&container->pod, kube_value_unref);
  g_free (container->folder);
  g_free (container->cgroup);
  g_free (container->log);
  if (container->init_pidfd >= 0)
    close (container->init_pidfd);
  if (container->conmon_pidfd >= 0)
    close (container->conmon_pidfd);
  g_free (container);
}

void
kube_oci_container_drop (gpointer data)
{
  KubeOciContainer *container = data;

  kube_clear_source (&container->end_source);
  kube_clear_source (&container->kill_timer);
  kube_oci_container_unref (container);
}

KubeValue *
kube_oci_container_read_config (KubeOciContainer *container, GError **error)
{
  g_autofree char *path = g_build_filename (container->folder, "config.json", NULL);
  g_autofree char *text = NULL;
  gsize length;

  return g_file_get_contents (path, &text, &length, error) ? kube_value_parse (text, length, error) : NULL;
}

void
kube_oci_container_save (KubeOciContainer *container)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  KubeContainer *info = &container->info;
  g_autofree char *path = g_build_filename (container->folder, "state.json", NULL);

  kube_node_set_string (root, "podUid", info->pod_uid);
  kube_node_set_value (root, "config", info->config);
  kube_node_set_value (root, "pod", container->pod);
  kube_node_set_integer (root, "state", info->state);
  kube_node_set_integer (root, "createdAt", info->created_at);
  kube_node_set_integer (root, "startedAt", info->started_at);
  kube_node_set_integer (root, "finishedAt", info->finished_at);
  kube_node_set_integer (root, "exitCode", info->exit_code);
  kube_node_set_string (root, "reason", info->reason);
  kube_node_set_string (root, "message", info->message);
  g_autoptr (KubeValue) value = kube_builder_end (builder);
  gsize length;
  g_autofree char *text = kube_value_print (value, &length);
  g_autoptr (GError) error = NULL;
  if (!g_file_set_contents_full (path, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    kube_warning ("container %s: its state is not saved: %s", info->id, error->message);
}

void
kube_oci_container_load (KubeOciContainer *container, KubeValue *state)
{
  KubeContainer *info = &container->info;

  info->state = kube_value_get_integer (state, "state", 0);
  info->created_at = kube_value_get_integer (state, "createdAt", 0);
  info->started_at = kube_value_get_integer (state, "startedAt", 0);
  info->finished_at = kube_value_get_integer (state, "finishedAt", 0);
  info->exit_code = kube_value_get_integer (state, "exitCode", 0);
  info->reason = g_strdup (kube_value_get_string (state, "reason"));
  info->message = g_strdup (kube_value_get_string (state, "message"));
}

void
kube_oci_container_init_conmon (KubeOciContainer *container, KubeConmon *conmon)
{
  KubeRuntimeOci *self = container->runtime;
  KubeValue *config = container->info.config;

  *conmon = (KubeConmon){ .conmon = self->conmon,
                          .crun = self->crun,
                          .crun_root = self->paths.crun,
                          .mount_namespace = self->mount_namespace,
                          .id = container->info.id,
                          .folder = container->folder,
                          .exits = self->paths.exits,
                          .log = container->log,
                          .tty = kube_value_get_boolean (config, "tty", FALSE),
                          .stdin_open = kube_value_get_boolean (config, "stdin", FALSE),
                          .stdin_once = kube_value_get_boolean (config, "stdinOnce", FALSE) };
}

/* Its cgroup and crun's note of it; its processes are gone with its first one, or are killed here. */
static void
release_resources (KubeOciContainer *container)
{
  g_autofree char *crun = g_build_filename (container->runtime->paths.crun, container->info.id, NULL);

  kube_cgroup_remove (container->cgroup);
  kube_folder_remove (crun, NULL);
}

void
kube_oci_container_remove_files (KubeOciContainer *container)
{
  g_autofree char *exit_file = g_build_filename (container->runtime->paths.exits, container->info.id, NULL);

  release_resources (container);
  kube_unmount_below (container->folder, FALSE);
  kube_folder_remove (container->folder, NULL);
  unlink (exit_file);
}

static void
set_exited (KubeOciContainer *container, int code, const char *reason, const char *message, gint64 when)
{
  KubeContainer *info = &container->info;

  info->state = KUBE_CONTAINER_EXITED;
  info->pid = 0;
  info->exit_code = code;
  info->finished_at = when;
  g_free (info->reason);
  info->reason = g_strdup (reason);
  g_free (info->message);
  info->message = g_strdup (message);
}

/* What conmon left; FALSE: it ended without a word. */
static gboolean
read_exit (KubeOciContainer *container, int *code, gint64 *when)
{
  g_autofree char *path = g_build_filename (container->runtime->paths.exits, container->info.id, NULL);
  g_autofree char *text = NULL;
  struct stat st;

  if (!g_file_get_contents (path, &text, NULL, NULL) || stat (path, &st) < 0)
    return FALSE;
  *code = atoi (text);
  *when = (gint64) st.st_mtim.tv_sec * G_USEC_PER_SEC + st.st_mtim.tv_nsec / 1000;
  return TRUE;
}

void
kube_oci_container_note_end (KubeOciContainer *container)
{
  int code;
  gint64 when;

  if (!read_exit (container, &code, &when)) {
    kube_cgroup_kill (container->cgroup);
    set_exited (container, UNKNOWN_CODE, "ContainerStatusUnknown",
                "The container could not be located when the pod was terminated", g_get_real_time ());
  } else
    set_exited (container, code, kube_cgroup_had_oom_kill (container->cgroup) ? "OOMKilled" : NULL, NULL, when);
  release_resources (container);
  kube_oci_container_save (container);
}

static gboolean
on_end (int fd, GIOCondition condition, gpointer data)
{
  KubeOciContainer *container = data;

  g_clear_pointer (&container->end_source, g_source_unref);
  kube_clear_source (&container->kill_timer);
  kube_oci_container_note_end (container);
  kube_info (3, "container %s ended with %d", container->info.id, container->info.exit_code);
  kube_runtime_emit_changed (KUBE_RUNTIME (container->runtime), container->info.id);
  return G_SOURCE_REMOVE;
}

void
kube_oci_container_watch_end (KubeOciContainer *container)
{
  container->end_source = g_unix_fd_source_new (container->conmon_pidfd, G_IO_IN);
  g_source_set_callback (container->end_source, G_SOURCE_FUNC (on_end), kube_oci_container_ref (container),
                         (GDestroyNotify) kube_oci_container_unref);
  g_source_attach (container->end_source, container->runtime->context);
}

static int
parse_signal (const char *text)
{
  static const struct {
    const char *name;
    int number;
  } names[] = { { "TERM", SIGTERM }, { "KILL", SIGKILL }, { "INT", SIGINT },     { "QUIT", SIGQUIT }, { "HUP", SIGHUP },
                { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 }, { "WINCH", SIGWINCH }, { "ABRT", SIGABRT }, { "ALRM", SIGALRM },
                { "CONT", SIGCONT }, { "STOP", SIGSTOP }, { "PWR", SIGPWR } };
  int number;

  if (text == NULL || *text == '\0')
    return SIGTERM;
  number = atoi (text);
  if (number > 0 && number < NSIG)
    return number;
  if (g_str_has_prefix (text, "SIG"))
    text += 3;
  if (g_str_has_prefix (text, "RTMIN+"))
    return SIGRTMIN + atoi (text + 6);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_str_equal (names[i].name, text))
      return names[i].number;
  }
  return SIGTERM;
}

static void
send_signal (KubeOciContainer *container, int number)
{
  if (container->init_pidfd >= 0)
    syscall (SYS_pidfd_send_signal, container->init_pidfd, number, NULL, 0);
  if (number == SIGKILL)
    kube_cgroup_kill (container->cgroup);
}

static gboolean
on_kill_time (gpointer data)
{
  KubeOciContainer *container = data;

  g_clear_pointer (&container->kill_timer, g_source_unref);
  send_signal (container, SIGKILL);
  return G_SOURCE_REMOVE;
}

static void
apply_stop (KubeOciContainer *container)
{
  gint64 left = container->kill_at - g_get_monotonic_time ();

  if (container->kill_at == 0 || container->starting || container->info.state != KUBE_CONTAINER_RUNNING)
    return;
  kube_clear_source (&container->kill_timer);
  if (left <= 0) {
    send_signal (container, SIGKILL);
    return;
  }
  if (!container->signalled)
    send_signal (container, parse_signal (kube_value_get_string (container->info.config, "stopSignal")));
  container->signalled = TRUE;
  container->kill_timer = kube_clock_create_timer (kube_clock_get_real (), container->kill_at);
  g_source_set_callback (container->kill_timer, on_kill_time, kube_oci_container_ref (container),
                         (GDestroyNotify) kube_oci_container_unref);
  g_source_attach (container->kill_timer, container->runtime->context);
}

void
kube_oci_container_stop (KubeOciContainer *container, gint64 grace)
{
  gint64 at = g_get_monotonic_time () + MAX (grace, 0);

  if (container->info.state == KUBE_CONTAINER_EXITED)
    return;
  if (container->kill_at == 0 || at < container->kill_at)
    container->kill_at = at;
  apply_stop (container);
}

int
kube_oci_open_pid (int pid)
{
  return pid > 0 ? syscall (SYS_pidfd_open, pid, 0) : -1;
}

void
kube_oci_container_note_failure (KubeOciContainer *container, const char *message)
{
  container->starting = FALSE;
  set_exited (container, START_ERROR_CODE, "StartError", message, g_get_real_time ());
  release_resources (container);
  kube_oci_container_save (container);
}

void
kube_oci_container_note_start (KubeOciContainer *container, int pid, int conmon_pid)
{
  container->starting = FALSE;
  container->info.state = KUBE_CONTAINER_RUNNING;
  container->info.pid = pid;
  container->info.started_at = g_get_real_time ();
  container->init_pidfd = kube_oci_open_pid (pid);
  container->conmon_pidfd = kube_oci_open_pid (conmon_pid);
  kube_oci_container_save (container);
  if (container->conmon_pidfd < 0)
    kube_oci_container_note_end (container); /* it is over already */
  else
    kube_oci_container_watch_end (container);
  apply_stop (container);
}
