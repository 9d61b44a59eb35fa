/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_SIZE (64 * 1024)

typedef struct {
  const KubeSpawn *spawn;
  int devnull;
  int error; /* written by the child: the memory is shared */
} Start;

static void
reset_signals (void)
{
  struct sigaction action = { .sa_handler = SIG_DFL };
  sigset_t none;

  /* A handler of this process must not run in the child, where it would work on this process' memory. */
  for (int n = 1; n < _NSIG; n++) {
    struct sigaction old;
    if (sigaction (n, NULL, &old) == 0 && old.sa_handler != SIG_DFL)
      sigaction (n, &action, NULL);
  }
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
}

static int
set_up_descriptors (const Start *start)
{
  const KubeSpawn *spawn = start->spawn;
  int sources[4];

  /* First out of the way of the numbers that they shall get. */
  for (int i = 0; i < 4; i++) {
    int fd = i < 3 ? spawn->stdio[i] : spawn->extra;
    if (fd < 0 && i == 3) {
      sources[i] = -1;
      continue;
    }
    sources[i] = fcntl (fd < 0 ? start->devnull : fd, F_DUPFD_CLOEXEC, 10);
    if (sources[i] < 0)
      return errno;
  }
  for (int i = 0; i < 4; i++) {
    if (sources[i] >= 0 && dup2 (sources[i], i) < 0)
      return errno;
  }
  return syscall (SYS_close_range, spawn->extra >= 0 ? 4 : 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0 ? errno : 0;
}

static int
run_child (void *data)
{
  Start *start = data;
  const KubeSpawn *spawn = start->spawn;

  reset_signals ();
  if (spawn->mount_namespace >= 0 && setns (spawn->mount_namespace, CLONE_NEWNS) < 0)
    start->error = errno;
  else if (spawn->new_session && setsid () < 0)
    start->error = errno;
  else if (spawn->cwd != NULL && chdir (spawn->cwd) < 0)
    start->error = errno;
  else if ((start->error = set_up_descriptors (start)) == 0) {
    execve (spawn->argv[0], (char *const *) spawn->argv, spawn->envp != NULL ? (char *const *) spawn->envp : environ);
    start->error = errno;
  }
  _exit (127);
}

static int
clone_child (int (*func) (void *), void *data, int flags, int *pidfd)
{
  sigset_t all, old;
  int pid, code;
  char *stack = mmap (NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

  if (stack == MAP_FAILED)
    return -1;
  /* No signal may be handled in the child before it has reset the handlers. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  pid = clone (func, stack + STACK_SIZE, flags | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, data, pidfd);
  code = errno;
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  munmap (stack, STACK_SIZE);
  errno = code;
  return pid;
}

int
kube_spawn (const KubeSpawn *spawn, int *pidfd, GError **error)
{
  Start start = { spawn, open ("/dev/null", O_RDWR | O_CLOEXEC), 0 };
  int fd = -1, pid = clone_child (run_child, &start, spawn->namespaces, &fd);
  int code = pid < 0 ? errno : start.error;

  if (start.devnull >= 0)
    close (start.devnull);
  if (code != 0) {
    if (pid >= 0)
      kube_spawn_wait (fd);
    g_set_error (error, G_SPAWN_ERROR, code == ENOENT ? G_SPAWN_ERROR_NOENT : G_SPAWN_ERROR_FAILED, "cannot run %s: %s",
                 spawn->argv[0], g_strerror (code));
    return -1;
  }
  if (pidfd != NULL)
    *pidfd = fd;
  else
    close (fd);
  return pid;
}

int
kube_spawn_wait (int pidfd)
{
  siginfo_t info = { 0 };
  int result;

  do
    result = waitid (P_PIDFD, pidfd, &info, WEXITED);
  while (result < 0 && errno == EINTR);
  close (pidfd);
  if (result < 0)
    return -1;
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

typedef struct {
  int (*func) (gpointer data);
  gpointer data;
  int result;
} Call;

static int
run_call (void *data)
{
  Call *call = data;

  call->result = call->func (call->data);
  _exit (0);
}

int
kube_spawn_call (int flags, int (*func) (gpointer data), gpointer data)
{
  Call call = { func, data, 0 };
  int pidfd = -1;

  if (clone_child (run_call, &call, flags, &pidfd) < 0)
    return errno;
  kube_spawn_wait (pidfd);
  return call.result;
}
