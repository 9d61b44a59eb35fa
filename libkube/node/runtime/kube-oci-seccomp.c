/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-oci-spec.h"

#include <errno.h>
#include <string.h>

/* What RuntimeDefault allows: the calls of ordinary programs. Those that reach beyond the container (mounts, modules, clocks, other processes' memory) need the
 * capability that they are useful with; new user namespaces and vsock are refused. */
static const char always[] = "accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown "
                             "chown32 clock_adjtime clock_adjtime64 clock_getres "
                             "clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close "
                             "close_range connect copy_file_range creat dup dup2 dup3 "
                             "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
                             "epoll_wait_old eventfd eventfd2 execve execveat exit exit_group "
                             "faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat "
                             "fchmodat2 fchown fchown32 fchownat fcntl fcntl64 fdatasync "
                             "fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 "
                             "fsync ftruncate ftruncate64 futex futex_requeue futex_time64 "
                             "futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32 "
                             "geteuid geteuid32 getgid getgid32 getgroups getgroups32 "
                             "getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32 "
                             "getresuid getresuid32 getrlimit get_robust_list getrusage "
                             "getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid getuid32 getxattr "
                             "inotify_add_watch inotify_init inotify_init1 inotify_rm_watch "
                             "io_cancel ioctl io_destroy io_getevents io_pgetevents io_pgetevents_time64 ioprio_get ioprio_set "
                             "io_setup io_submit ipc kill landlock_add_rule "
                             "landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen "
                             "listxattr llistxattr _llseek lremovexattr lseek lsetxattr lstat "
                             "lstat64 madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mkdir mkdirat mknod "
                             "mknodat mlock mlock2 mlockall mmap mmap2 modify_ldt mprotect "
                             "mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend "
                             "mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync "
                             "munlock munlockall munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 "
                             "pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc "
                             "pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 "
                             "process_mrelease pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read "
                             "readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg "
                             "remap_file_pages removexattr rename renameat renameat2 restart_syscall "
                             "rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend "
                             "rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo "
                             "sched_getaffinity sched_getattr sched_getparam sched_get_priority_max sched_get_priority_min "
                             "sched_getscheduler sched_rr_get_interval "
                             "sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler "
                             "sched_yield seccomp select semctl semget semop semtimedop "
                             "semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid "
                             "setfsuid32 setgid setgid32 setgroups setgroups32 setitimer "
                             "setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid "
                             "setreuid32 setrlimit set_robust_list setsid setsockopt "
                             "set_thread_area set_tid_address setuid setuid32 setxattr shmat shmctl shmdt shmget shutdown "
                             "sigaltstack signalfd signalfd4 sigprocmask sigreturn "
                             "socketcall socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync "
                             "sync_file_range syncfs sysinfo tee tgkill time timer_create "
                             "timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 "
                             "timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime "
                             "timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat utime "
                             "utimensat utimensat_time64 utimes vfork vmsplice wait4 waitid "
                             "waitpid write writev process_vm_readv process_vm_writev";

static const struct {
  const char *capability;
  const char *calls;
} by_capability[] = {
  { "CAP_DAC_READ_SEARCH", "open_by_handle_at" },
  { "CAP_SYS_ADMIN", "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr "
                     "move_mount open_tree perf_event_open quotactl "
                     "quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare" },
  { "CAP_SYS_BOOT", "reboot" },
  { "CAP_SYS_CHROOT", "chroot" },
  { "CAP_SYS_MODULE", "delete_module init_module finit_module" },
  { "CAP_SYS_PACCT", "acct" },
  { "CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise" },
  { "CAP_SYS_RAWIO", "iopl ioperm" },
  { "CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64" },
  { "CAP_SYS_TTY_CONFIG", "vhangup" },
  { "CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node" },
  { "CAP_SYSLOG", "syslog" },
  { "CAP_BPF", "bpf" },
  { "CAP_PERFMON", "perf_event_open" },
};

static KubeNode *
add_rule (KubeNode *rules, const char *names, const char *action)
{
  KubeNode *rule = kube_node_append_object (rules);
  KubeNode *list = kube_node_ensure_array (rule, "names");
  g_auto (GStrv) calls = g_strsplit (names, " ", -1);

  for (char **call = calls; *call != NULL; call++) {
    if (**call != '\0')
      kube_node_append_string (list, *call);
  }
  kube_node_set_string (rule, "action", action);
  return rule;
}

static void
add_argument (KubeNode *rule, guint index, gint64 value, gint64 value_two, const char *op)
{
  KubeNode *argument = kube_node_append_object (kube_node_ensure_array (rule, "args"));

  kube_node_set_integer (argument, "index", index);
  kube_node_set_integer (argument, "value", value);
  kube_node_set_integer (argument, "valueTwo", value_two);
  kube_node_set_string (argument, "op", op);
}

void
kube_oci_seccomp_build (KubeNode *linux_, const char *const *capabilities)
{
  static const gint64 personalities[] = { 0x0, 0x8, 0x20000, 0x20008, 0xffffffff };
  KubeNode *seccomp = kube_node_ensure_object (linux_, "seccomp");
  KubeNode *rules = kube_node_ensure_array (seccomp, "syscalls");

  kube_node_set_string (seccomp, "defaultAction", "SCMP_ACT_ERRNO");
  kube_node_set_integer (seccomp, "defaultErrnoRet", EPERM);
#ifdef __x86_64__
  KubeNode *architectures = kube_node_ensure_array (seccomp, "architectures");
  kube_node_append_string (architectures, "SCMP_ARCH_X86_64");
  kube_node_append_string (architectures, "SCMP_ARCH_X86");
  kube_node_append_string (architectures, "SCMP_ARCH_X32");
#endif
  add_rule (rules, always, "SCMP_ACT_ALLOW");
  for (gsize i = 0; i < G_N_ELEMENTS (personalities); i++)
    add_argument (add_rule (rules, "personality", "SCMP_ACT_ALLOW"), 0, personalities[i], 0, "SCMP_CMP_EQ");
  add_argument (add_rule (rules, "socket", "SCMP_ACT_ALLOW"), 0, 40 /* AF_VSOCK */, 0, "SCMP_CMP_NE");
  for (gsize i = 0; i < G_N_ELEMENTS (by_capability); i++) {
    if (g_strv_contains (capabilities, by_capability[i].capability))
      add_rule (rules, by_capability[i].calls, "SCMP_ACT_ALLOW");
  }
  if (!g_strv_contains (capabilities, "CAP_SYS_ADMIN")) {
    /* no flag that makes a namespace; clone3's flags cannot be seen, so it is as if the kernel had none */
    add_argument (add_rule (rules, "clone", "SCMP_ACT_ALLOW"), 0, 0x7e020000, 0, "SCMP_CMP_MASKED_EQ");
    kube_node_set_integer (add_rule (rules, "clone3", "SCMP_ACT_ERRNO"), "errnoRet", ENOSYS);
  }
}
