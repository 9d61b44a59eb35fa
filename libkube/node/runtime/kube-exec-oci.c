/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-conmon.h"

#include "kube-oci-spec.h"
#include "kube-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define START_TIMEOUT_MS (30 * 1000)

/* A process of `crun exec`, or the container's own streams by way of conmon's socket (then `pump` carries them, and `folder` has its control fifo). */
typedef struct {
  KubeExec parent;
  GOutputStream *in;
  GInputStream *out, *err;
  int pidfd;    /* of crun; -1: attached */
  int process;  /* a descriptor of the process in the container, or -1 */
  int end;      /* attached: becomes readable when the container ended */
  int master;   /* terminal, or -1 */
  char *log_file, *process_file, *exit_file;
  char *folder; /* attached: the container's */
  gboolean started;
  gboolean reaped;
  int status;
} KubeExecOci;

typedef KubeExecClass KubeExecOciClass;

#define KUBE_EXEC_OCI(object) ((KubeExecOci *) (object))

static GType kube_exec_oci_get_type (void);
G_DEFINE_TYPE (KubeExecOci, kube_exec_oci, KUBE_TYPE_EXEC)

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", what, g_strerror (errno));
  return FALSE;
}

static void
close_all (int *fds, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    if (fds[i] >= 0)
      close (fds[i]);
    fds[i] = -1;
  }
}

static GOutputStream *
exec_get_stdin (KubeExec *exec)
{
  return KUBE_EXEC_OCI (exec)->in;
}

static GInputStream *
exec_get_stdout (KubeExec *exec)
{
  return KUBE_EXEC_OCI (exec)->out;
}

static GInputStream *
exec_get_stderr (KubeExec *exec)
{
  return KUBE_EXEC_OCI (exec)->err;
}

static void
exec_resize (KubeExec *exec, guint columns, guint rows)
{
  KubeExecOci *self = KUBE_EXEC_OCI (exec);
  struct winsize size = { .ws_row = rows, .ws_col = columns };

  if (self->master >= 0)
    ioctl (self->master, TIOCSWINSZ, &size);
  else if (self->folder != NULL) {
    g_autofree char *path = g_build_filename (self->folder, "ctl", NULL);
    g_autofree char *text = g_strdup_printf ("1 %u %u\n", rows, columns);
    int fd = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) {
      if (write (fd, text, strlen (text)) < 0)
        g_debug ("%s: %s", path, g_strerror (errno));
      close (fd);
    }
  }
}

static char *
read_error (KubeExecOci *self)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents (self->log_file, &text, NULL, NULL) || *text == '\0')
    return NULL;
  /* "2026-11-22T17:05:21.000000000Z: what went wrong", the last line */
  g_strchomp (text);
  const char *line = strrchr (text, '\n');
  line = line != NULL ? line + 1 : text;
  const char *colon = strstr (line, "Z: ");
  return g_strdup (colon != NULL ? colon + 3 : line);
}

static void
complete_wait (GTask *task)
{
  KubeExecOci *self = g_task_get_source_object (task);

  if (self->pidfd < 0 && self->end >= 0 && !self->reaped) {
    g_autofree char *text = NULL;
    if (g_file_get_contents (self->exit_file, &text, NULL, NULL))
      self->status = atoi (text);
    self->reaped = TRUE;
  } else if (!self->reaped) {
    self->status = kube_spawn_wait (self->pidfd);
    self->pidfd = -1;
    self->reaped = TRUE;
  }
  if (self->status != 0 && self->log_file != NULL && !self->started) {
    g_autofree char *why = read_error (self);
    g_task_return_new_error (task, KUBE_ERROR, KUBE_ERROR_INTERNAL,
                             "failed to exec in container: failed to start exec: OCI runtime exec failed: %s",
                             why != NULL ? why : "exec failed");
    return;
  }
  g_task_return_int (task, self->status);
}

static gboolean
on_ended (int fd, GIOCondition condition, gpointer data)
{
  complete_wait (data);
  return G_SOURCE_REMOVE;
}

static void
exec_wait_async (KubeExec *exec, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeExecOci *self = KUBE_EXEC_OCI (exec);
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  int fd = self->pidfd >= 0 ? self->pidfd : self->end;

  g_task_set_source_tag (task, exec_wait_async);
  if (self->reaped || fd < 0) {
    complete_wait (task);
    g_object_unref (task);
    return;
  }
  g_autoptr (GSource) source = g_unix_fd_source_new (fd, G_IO_IN);
  g_source_set_callback (source, G_SOURCE_FUNC (on_ended), task, g_object_unref);
  g_source_attach (source, g_task_get_context (task));
}

static gboolean
exec_wait_finish (KubeExec *exec, GAsyncResult *result, int *exit_code, GError **error)
{
  g_autoptr (GError) local = NULL;
  gssize status = g_task_propagate_int (G_TASK (result), &local);

  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  *exit_code = status;
  return TRUE;
}

static void
exec_close (KubeExec *exec)
{
  KubeExecOci *self = KUBE_EXEC_OCI (exec);

  if (self->pidfd >= 0 && !self->reaped)
    syscall (SYS_pidfd_send_signal, self->process >= 0 ? self->process : self->pidfd, SIGKILL, NULL, 0);
}

static void
kube_exec_oci_finalize (GObject *object)
{
  KubeExecOci *self = KUBE_EXEC_OCI (object);
  char *files[] = { self->log_file, self->process_file };
  int fds[] = { self->process, self->master, self->end };

  exec_close (KUBE_EXEC (self));
  if (self->pidfd >= 0)
    kube_spawn_wait (self->pidfd);
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++) {
    if (files[i] != NULL)
      unlink (files[i]);
    g_free (files[i]);
  }
  g_free (self->exit_file);
  g_free (self->folder);
  g_clear_object (&self->in);
  g_clear_object (&self->out);
  g_clear_object (&self->err);
  close_all (fds, G_N_ELEMENTS (fds));
  G_OBJECT_CLASS (kube_exec_oci_parent_class)->finalize (object);
}

static void
kube_exec_oci_class_init (KubeExecOciClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_exec_oci_finalize;
  klass->get_stdin = exec_get_stdin;
  klass->get_stdout = exec_get_stdout;
  klass->get_stderr = exec_get_stderr;
  klass->resize = exec_resize;
  klass->wait_async = exec_wait_async;
  klass->wait_finish = exec_wait_finish;
  klass->close = exec_close;
}

static void
kube_exec_oci_init (KubeExecOci *self)
{
  self->pidfd = self->process = self->master = self->end = -1;
}

/* crun sends the terminal it made over a socket. Its path would be too long: crun gets it as a name in its descriptor 3, which is the container's folder. */
static int
listen_for_console (int folder, const char *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder, name);
  if (fd < 0 || bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, 1) < 0) {
    if (fd >= 0)
      close (fd);
    return -1;
  }
  return fd;
}

static int
receive_console (int listener, int pidfd)
{
  struct pollfd fds[] = { { listener, POLLIN, 0 }, { pidfd, POLLIN, 0 } };
  char byte[256], control[CMSG_SPACE (sizeof (int))];
  struct iovec iov = { byte, sizeof byte };
  struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
  int master = -1;

  if (poll (fds, 2, START_TIMEOUT_MS) <= 0 || !(fds[0].revents & POLLIN))
    return -1;
  int connection = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0)
    return -1;
  if (recvmsg (connection, &message, MSG_CMSG_CLOEXEC) > 0) {
    struct cmsghdr *header = CMSG_FIRSTHDR (&message);
    if (header != NULL && header->cmsg_type == SCM_RIGHTS)
      memcpy (&master, CMSG_DATA (header), sizeof master);
  }
  close (connection);
  return master;
}

static char *
unique_file (const KubeConmon *conmon, const char *kind)
{
  static int counter;

  return g_strdup_printf ("%s/exec-%d-%d.%s", conmon->folder, (int) getpid (), g_atomic_int_add (&counter, 1), kind);
}

static gboolean
write_process (KubeExecOci *self, KubeValue *config, const KubeExecOptions *options, GError **error)
{
  g_autoptr (KubeValue) process = kube_oci_spec_make_exec (config, options->argv, options->tty);
  gsize length;
  g_autofree char *text = kube_value_print (process, &length);
  g_autoptr (GError) local = NULL;

  if (g_file_set_contents_full (self->process_file, text, length, G_FILE_SET_CONTENTS_NONE, 0600, &local))
    return TRUE;
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, local->message);
  return FALSE;
}

static gboolean
run_with_terminal (KubeExecOci *self, KubeSpawn *spawn, const char *socket_path, const char *folder, GError **error)
{
  g_autofree char *name = g_path_get_basename (socket_path);
  int directory = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int listener = directory >= 0 ? listen_for_console (directory, name) : -1;
  gboolean good = FALSE;

  if (listener < 0)
    fail (error, "cannot make the terminal's socket");
  else {
    spawn->extra = directory;
    good = kube_spawn (spawn, &self->pidfd, error) > 0;
    self->master = good ? receive_console (listener, self->pidfd) : -1;
    close (listener);
    unlink (socket_path);
  }
  if (directory >= 0)
    close (directory);
  if (good && self->master >= 0) {
    self->in = g_unix_output_stream_new (dup (self->master), TRUE);
    self->out = g_unix_input_stream_new (dup (self->master), TRUE);
  } else if (good)
    self->out = g_memory_input_stream_new (); /* it could not be started: waiting for it says why */
  return good;
}

static gboolean
run_with_pipes (KubeExecOci *self, KubeSpawn *spawn, const KubeExecOptions *options, GError **error)
{
  int pipes[6] = { -1, -1, -1, -1, -1, -1 };
  gboolean wanted[3] = { options->stdin_open, options->stdout_open, options->stderr_open };

  for (int i = 0; i < 3; i++) {
    if (wanted[i] && pipe2 (pipes + 2 * i, O_CLOEXEC) < 0) {
      fail (error, "pipe");
      close_all (pipes, 6);
      return FALSE;
    }
    spawn->stdio[i] = pipes[2 * i + (i == 0 ? 0 : 1)];
  }
  gboolean good = kube_spawn (spawn, &self->pidfd, error) > 0;
  int theirs[3] = { pipes[0], pipes[3], pipes[5] }, ours[3] = { pipes[1], pipes[2], pipes[4] };
  close_all (theirs, 3);
  if (!good) {
    close_all (ours, 3);
    return FALSE;
  }
  self->in = ours[0] >= 0 ? g_unix_output_stream_new (ours[0], TRUE) : NULL;
  self->out = ours[1] >= 0 ? g_unix_input_stream_new (ours[1], TRUE) : NULL;
  self->err = ours[2] >= 0 ? g_unix_input_stream_new (ours[2], TRUE) : NULL;
  return TRUE;
}

/* crun writes the process' id to a file when the process runs. A fifo there tells when. */
static int
open_pid_fifo (const char *path, GError **error)
{
  int fd = mkfifo (path, 0600) == 0 ? open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;

  if (fd < 0)
    fail (error, "cannot make a fifo for the process' id");
  return fd;
}

/* Blocks until the process runs or crun has ended: who closes later knows what is to be ended. */
static gboolean
wait_for_start (KubeExecOci *self, int fifo, GError **error)
{
  struct pollfd fds[] = { { fifo, POLLIN, 0 }, { self->pidfd, POLLIN, 0 } };
  char text[32] = "";
  int ready;

  do
    ready = poll (fds, 2, START_TIMEOUT_MS);
  while (ready < 0 && errno == EINTR);
  if (ready == 0) {
    errno = ETIMEDOUT;
    return fail (error, "the process does not start");
  }
  if (read (fifo, text, sizeof text - 1) > 0) {
    self->started = TRUE;
    self->process = syscall (SYS_pidfd_open, atoi (text), 0);
  }
  return TRUE;
}

KubeExec *
kube_conmon_exec (const KubeConmon *conmon, KubeValue *config, const KubeExecOptions *options, GError **error)
{
  g_autoptr (KubeExec) exec = g_object_new (kube_exec_oci_get_type (), NULL);
  KubeExecOci *self = KUBE_EXEC_OCI (exec);
  g_autofree char *socket_path = unique_file (conmon, "tty"), *pid_file = unique_file (conmon, "pid");
  g_autofree char *console = g_strdup_printf ("/proc/self/fd/3/%s", strrchr (socket_path, '/') + 1);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  int fifo;

  self->process_file = unique_file (conmon, "json");
  self->log_file = unique_file (conmon, "log");
  if (!write_process (self, config, options, error) || (fifo = open_pid_fifo (pid_file, error)) < 0)
    return NULL;
  const char *const fixed[] = { conmon->crun, "--root",    conmon->crun_root,  "--log",      self->log_file,
                                "exec",       "--process", self->process_file, "--pid-file", pid_file };
  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i++)
    g_ptr_array_add (argv, (gpointer) fixed[i]);
  if (options->tty) {
    g_ptr_array_add (argv, (gpointer) "--console-socket");
    g_ptr_array_add (argv, console);
  }
  g_ptr_array_add (argv, (gpointer) conmon->id);
  g_ptr_array_add (argv, NULL);
  static const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };
  KubeSpawn spawn = { .argv = (const char *const *) argv->pdata,
                      .envp = env,
                      .stdio = { -1, -1, -1 },
                      .extra = -1,
                      .mount_namespace = conmon->mount_namespace,
                      .new_session = TRUE };
  gboolean good = options->tty ? run_with_terminal (self, &spawn, socket_path, conmon->folder, error)
                               : run_with_pipes (self, &spawn, options, error);
  good = good && wait_for_start (self, fifo, error);
  close (fifo);
  unlink (pid_file);
  return good ? g_steal_pointer (&exec) : NULL;
}

/* Carries conmon's packets (first byte: which stream) to two pipes, and what is typed to conmon. */
typedef struct {
  int socket, in, out, err, end;
} Pump;

static gboolean
write_all (int fd, const char *data, gsize length)
{
  while (length > 0) {
    ssize_t n = send (fd, data, length, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    data += n;
    length -= n;
  }
  return TRUE;
}

/* FALSE: conmon has closed, or nobody listens any more. */
static gboolean
pump_out (Pump *pump)
{
  char packet[8193];
  ssize_t n = recv (pump->socket, packet, sizeof packet, 0);

  if (n <= 0)
    return n < 0 && errno == EINTR;
  int to = packet[0] == 3 ? pump->err : pump->out;
  return to < 0 || write_all (to, packet + 1, n - 1);
}

static void
pump_in (Pump *pump)
{
  char data[4096];
  ssize_t n = read (pump->in, data, sizeof data);

  if (n > 0 && write_all (pump->socket, data, n))
    return;
  shutdown (pump->socket, SHUT_WR);
  close (pump->in);
  pump->in = -1;
}

static gpointer
run_pump (gpointer data)
{
  Pump *pump = data;
  gboolean open = TRUE;

  while (open) {
    struct pollfd fds[] = { { pump->socket, POLLIN, 0 }, { pump->in, POLLIN, 0 }, { pump->out, 0, 0 } };
    if (poll (fds, 3, -1) < 0 && errno != EINTR)
      break;
    if (fds[0].revents != 0)
      open = pump_out (pump);
    if (fds[1].revents != 0)
      pump_in (pump);
    if (fds[2].revents & (POLLERR | POLLHUP))
      open = FALSE;
  }
  int all[] = { pump->socket, pump->in, pump->out, pump->err };
  close_all (all, G_N_ELEMENTS (all));
  g_free (pump);
  return NULL;
}

static int
connect_attach (const char *folder, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int directory = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

  g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/attach", directory);
  if (directory < 0 || fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0) {
    fail (error, "cannot attach to the container");
    if (fd >= 0)
      close (fd);
    fd = -1;
  }
  if (directory >= 0)
    close (directory);
  return fd;
}

KubeExec *
kube_conmon_attach (const KubeConmon *conmon, const KubeExecOptions *options, int end, GError **error)
{
  g_autoptr (KubeExec) exec = g_object_new (kube_exec_oci_get_type (), NULL);
  KubeExecOci *self = KUBE_EXEC_OCI (exec);
  int pairs[6] = { -1, -1, -1, -1, -1, -1 };
  gboolean wanted[3] = { options->stdin_open, options->stdout_open, options->stderr_open && !options->tty };
  int attach = connect_attach (conmon->folder, error);

  self->end = end;
  self->folder = g_strdup (conmon->folder);
  self->exit_file = g_build_filename (conmon->exits, conmon->id, NULL);
  if (attach < 0)
    return NULL;
  for (int i = 0; i < 3; i++) {
    if (wanted[i] && socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs + 2 * i) < 0) {
      fail (error, "socketpair");
      close_all (pairs, 6);
      close (attach);
      return NULL;
    }
  }
  Pump *pump = g_new (Pump, 1);
  *pump = (Pump){ attach, pairs[1], pairs[3], pairs[5], -1 };
  self->in = wanted[0] ? g_unix_output_stream_new (pairs[0], TRUE) : NULL;
  self->out = wanted[1] ? g_unix_input_stream_new (pairs[2], TRUE) : NULL;
  self->err = wanted[2] ? g_unix_input_stream_new (pairs[4], TRUE) : NULL;
  g_thread_unref (g_thread_new ("kube-attach", run_pump, pump));
  return g_steal_pointer (&exec);
}
