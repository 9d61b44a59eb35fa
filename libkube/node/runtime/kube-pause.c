/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The first process of a process namespace that several containers share: it does nothing, and dead children vanish since it ignores SIGCHLD. Without a C library: what is
 * kept in the library is some hundred bytes. */

#define SIG_CHLD 17

#ifdef __x86_64__
#define NR_RT_SIGACTION 13
#define NR_PAUSE 34
static long
call (long number, long a, long b, long c, long d)
{
  long result;
  register long r10 __asm__("r10") = d;

  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
#define NR_RT_SIGACTION 134
#define NR_PPOLL 73
static long
call (long number, long a, long b, long c, long d)
{
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;

  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
  return x0;
}
#endif

/* the kernel's struct sigaction */
struct action {
  void *handler;
  unsigned long flags;
  void *restorer;
  unsigned long mask;
};

void _start (void);

void
_start (void)
{
  struct action ignore = { (void *) 1, 0, 0, 0 };

  call (NR_RT_SIGACTION, SIG_CHLD, (long) &ignore, 0, sizeof ignore.mask);
  for (;;) {
#ifdef NR_PAUSE
    call (NR_PAUSE, 0, 0, 0, 0);
#else
    call (NR_PPOLL, 0, 0, 0, 0);
#endif
  }
}
