/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into programs that are built with the thread sanitizer. GLib's locks are its own, over futexes, and GLib is not instrumented,
 * so the sanitizer cannot see what they order and reports races where there are none. These stand before GLib's functions, for our own
 * code and for the libraries above GLib alike, and tell it. */
#define G_DISABLE_CAST_CHECKS
#pragma GCC visibility push(default)
#include <dlfcn.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);
void AnnotateIgnoreWritesBegin (const char *file, int line);
void AnnotateIgnoreWritesEnd (const char *file, int line);

#define REAL(name) \
  static __typeof__ (name) *found; \
  __typeof__ (name) *real = __atomic_load_n (&found, __ATOMIC_ACQUIRE); \
  if (real == NULL) { \
    real = (__typeof__ (name) *) dlsym (RTLD_NEXT, #name); \
    __atomic_store_n (&found, real, __ATOMIC_RELEASE); \
  }

#define LOCK(name, type) \
  void name (type *lock) \
  { \
    REAL (name); \
    real (lock); \
    __tsan_acquire (lock); \
  }

#define UNLOCK(name, type) \
  void name (type *lock) \
  { \
    REAL (name); \
    __tsan_release (lock); \
    real (lock); \
  }

LOCK (g_mutex_lock, GMutex)
UNLOCK (g_mutex_unlock, GMutex)
LOCK (g_rw_lock_writer_lock, GRWLock)
UNLOCK (g_rw_lock_writer_unlock, GRWLock)
LOCK (g_rw_lock_reader_lock, GRWLock)
UNLOCK (g_rw_lock_reader_unlock, GRWLock)
LOCK (g_rec_mutex_lock, GRecMutex)
UNLOCK (g_rec_mutex_unlock, GRecMutex)

gboolean
g_mutex_trylock (GMutex *mutex)
{
  REAL (g_mutex_trylock);
  gboolean locked = real (mutex);

  if (locked)
    __tsan_acquire (mutex);
  return locked;
}

void
g_cond_wait (GCond *cond, GMutex *mutex)
{
  REAL (g_cond_wait);

  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  REAL (g_cond_wait_until);
  gboolean woken;

  __tsan_release (mutex);
  woken = real (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return woken;
}

gboolean
g_atomic_ref_count_dec (gatomicrefcount *count)
{
  REAL (g_atomic_ref_count_dec);
  gboolean last;

  __tsan_release (count);
  last = real (count);
  if (last)
    __tsan_acquire (count);
  return last;
}

#define UNREF(name, type) \
  void name (type object) \
  { \
    REAL (name); \
    __tsan_release (object); \
    __tsan_acquire (object); \
    real (object); \
  }

UNREF (g_bytes_unref, GBytes *)
UNREF (g_object_unref, gpointer)
UNREF (g_array_unref, GArray *)
UNREF (g_byte_array_unref, GByteArray *)
UNREF (g_hash_table_unref, GHashTable *)
UNREF (g_ptr_array_unref, GPtrArray *)
UNREF (g_main_context_unref, GMainContext *)

/* A context is locked wherever its sources come and go, and on each turn. */
#define CHANGE_SOURCE(name) \
  __attribute__ ((no_sanitize ("thread"))) void name (GSource *source) \
  { \
    REAL (name); \
    GMainContext *context = source->context; \
\
    if (context != NULL) \
      __tsan_acquire (context); \
    __tsan_release (source); \
    __tsan_acquire (source); \
    real (source); \
    if (context != NULL) \
      __tsan_release (context); \
  }

CHANGE_SOURCE (g_source_unref)
CHANGE_SOURCE (g_source_destroy)

typedef struct {
  GSourceFunc func;
  gpointer data;
  GDestroyNotify destroy;
  GSource *source;
} Callback;

static gboolean
callback_run (gpointer data)
{
  Callback *callback = data;

  __tsan_acquire (callback);
  __tsan_acquire (callback->source);
  return callback->func (callback->data);
}

static void
callback_free (gpointer data)
{
  Callback *callback = data;

  __tsan_acquire (callback);
  __tsan_acquire (callback->source);
  if (callback->destroy != NULL)
    callback->destroy (callback->data);
  g_free (callback);
}

/* What a thread wrote before it set a source's callback is seen where the callback runs. For callbacks of the plain form only. */
void
g_source_set_callback (GSource *source, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  REAL (g_source_set_callback);
  const char *name = g_source_get_name (source);
  Callback *callback;

  if (name == NULL || !g_str_has_prefix (name, "kube-")) {
    real (source, func, data, destroy);
    return;
  }
  callback = g_new (Callback, 1);
  *callback = (Callback) { func, data, destroy, source };
  __tsan_release (callback);
  __tsan_release (source);
  real (source, callback_run, callback, callback_free);
}

guint
g_source_attach (GSource *source, GMainContext *context)
{
  REAL (g_source_attach);
  GMainContext *to = context != NULL ? context : g_main_context_default ();
  guint id;

  __tsan_acquire (to);
  __tsan_release (source);
  __tsan_release (to);
  /* the context's own tables may grow, under its lock, while a turn of it, that has not ended, let them grow before */
  AnnotateIgnoreWritesBegin (__FILE__, __LINE__);
  id = real (source, context);
  AnnotateIgnoreWritesEnd (__FILE__, __LINE__);
  __tsan_release (to);
  return id;
}

/* What others attach while a turn waits is dispatched in the same turn: it is seen when the wait ends. */
static __thread GMainContext *turning;

static gint
poll_and_see (GPollFD *fds, guint n_fds, gint timeout)
{
  gint ready = g_poll (fds, n_fds, timeout);

  if (turning != NULL)
    __tsan_acquire (turning);
  return ready;
}

gboolean
g_main_context_iteration (GMainContext *context, gboolean may_block)
{
  REAL (g_main_context_iteration);
  GMainContext *on = context != NULL ? context : g_main_context_default (), *outer = turning;
  gboolean dispatched;

  if (g_main_context_get_poll_func (on) == g_poll)
    g_main_context_set_poll_func (on, poll_and_see);
  turning = on;
  __tsan_acquire (on);
  dispatched = real (context, may_block);
  __tsan_release (on);
  turning = outer;
  return dispatched;
}

/* A loop is running from its beginning, so that its turns can be taken here. */
GMainLoop *
g_main_loop_new (GMainContext *context, gboolean is_running)
{
  REAL (g_main_loop_new);

  return real (context, TRUE);
}

void
g_main_loop_run (GMainLoop *loop)
{
  GMainContext *context = g_main_loop_get_context (loop);

  g_main_loop_ref (loop);
  while (g_main_loop_is_running (loop))
    g_main_context_iteration (context, TRUE);
  __tsan_acquire (loop);
  g_main_loop_unref (loop);
}

void
g_main_loop_quit (GMainLoop *loop)
{
  REAL (g_main_loop_quit);

  __tsan_release (loop);
  real (loop);
}

/* GLib's worker, which a signal's handler wakes, is there before any other thread: who made it is seen by all. */
__attribute__ ((constructor)) static void
start_worker (void)
{
  g_source_unref (g_unix_signal_source_new (SIGUSR2));
}

/* A class is made with its first object. */
GObject *
g_object_new_valist (GType type, const gchar *first, va_list arguments)
{
  REAL (g_object_new_valist);
  gboolean made = g_type_class_peek (type) == NULL;
  GObject *object = real (type, first, arguments);

  if (made)
    __tsan_release (G_OBJECT_GET_CLASS (object));
  else
    __tsan_acquire (G_OBJECT_GET_CLASS (object));
  return object;
}

gpointer
g_object_new (GType type, const gchar *first, ...)
{
  GObject *object;
  va_list arguments;

  va_start (arguments, first);
  object = g_object_new_valist (type, first, arguments);
  va_end (arguments);
  return object;
}

/* kube-spawn.c's children have this process' memory until they run a program. The sanitizer takes each for a fork, and what they do to their
 * descriptors and signals for what this process does: it is not told of them. */
int __clone (int (*func) (void *), void *stack, int flags, void *data, ...);
int __sigaction (int number, const struct sigaction *action, struct sigaction *old);
int __fcntl (int fd, int command, ...);
int __dup2 (int fd, int to);
int __close (int fd);

static _Thread_local gboolean is_child; /* the thread that made it waits for it */

int
clone (int (*func) (void *), void *stack, int flags, void *data, ...)
{
  va_list arguments;
  void *rest[3];

  va_start (arguments, data);
  for (int i = 0; i < 3; i++)
    rest[i] = va_arg (arguments, void *);
  va_end (arguments);
  is_child = TRUE;
  int pid = __clone (func, stack, flags, data, rest[0], rest[1], rest[2]);
  is_child = FALSE;
  return pid;
}

int
sigaction (int number, const struct sigaction *action, struct sigaction *old)
{
  REAL (sigaction);

  return is_child ? __sigaction (number, action, old) : real (number, action, old);
}

int
fcntl (int fd, int command, ...)
{
  REAL (fcntl);
  va_list arguments;
  long argument;

  va_start (arguments, command);
  argument = va_arg (arguments, long);
  va_end (arguments);
  return is_child ? __fcntl (fd, command, argument) : real (fd, command, argument);
}

int
dup2 (int fd, int to)
{
  REAL (dup2);

  return is_child ? __dup2 (fd, to) : real (fd, to);
}

int
close (int fd)
{
  REAL (close);

  return is_child ? __close (fd) : real (fd);
}

/* The fast way of g_once_init_enter() is an inline atomic read of the same place. */
gboolean
(g_once_init_enter) (volatile void *location)
{
  REAL (g_once_init_enter);
  gboolean first = real (location);

  if (!first)
    __tsan_acquire ((void *) location);
  return first;
}

void
(g_once_init_leave) (volatile void *location, gsize result)
{
  REAL (g_once_init_leave);

  __tsan_release ((void *) location);
  real (location, result);
}

gpointer
g_once_impl (GOnce *once, GThreadFunc func, gpointer arg)
{
  REAL (g_once_impl);
  gpointer result = real (once, func, arg);

  __tsan_release (once);
  __tsan_acquire (once);
  return result;
}

/* What a thread of a pool does comes after what the pusher did before, and before the pool's end. */
typedef struct {
  GFunc func;
  gpointer data;
} PoolFunc;

static char pools; /* all of them: which one a pool is its own structure does not say safely */

static void
pool_run (gpointer data, gpointer user_data)
{
  PoolFunc *pool = user_data;

  __tsan_acquire (data);
  pool->func (data, pool->data);
  __tsan_release (&pools);
}

GThreadPool *
g_thread_pool_new (GFunc func, gpointer user_data, gint max_threads, gboolean exclusive, GError **error)
{
  REAL (g_thread_pool_new);
  PoolFunc *pool = g_new (PoolFunc, 1); /* as long as the program lives */

  *pool = (PoolFunc) { func, user_data };
  return real (pool_run, pool, max_threads, exclusive, error);
}

gboolean
g_thread_pool_push (GThreadPool *pool, gpointer data, GError **error)
{
  REAL (g_thread_pool_push);

  __tsan_release (data);
  return real (pool, data, error);
}

void
g_thread_pool_free (GThreadPool *pool, gboolean immediate, gboolean wait)
{
  REAL (g_thread_pool_free);

  real (pool, immediate, wait);
  if (wait)
    __tsan_acquire (&pools);
}

#define TASK_RETURN(type, argument) \
  void g_task_return_##type (GTask *task, argument value) \
  { \
    REAL (g_task_return_##type); \
    __tsan_release (task); \
    real (task, value); \
  }

#define TASK_PROPAGATE(type, result) \
  result g_task_propagate_##type (GTask *task, GError **error) \
  { \
    REAL (g_task_propagate_##type); \
    __tsan_acquire (task); \
    return real (task, error); \
  }

TASK_RETURN (boolean, gboolean)
TASK_RETURN (int, gssize)
TASK_RETURN (error, GError *)
TASK_PROPAGATE (boolean, gboolean)
TASK_PROPAGATE (int, gssize)
TASK_PROPAGATE (pointer, gpointer)

void
g_task_return_pointer (GTask *task, gpointer result, GDestroyNotify destroy)
{
  REAL (g_task_return_pointer);

  __tsan_release (task);
  real (task, result, destroy);
}

void
g_task_run_in_thread (GTask *task, GTaskThreadFunc func)
{
  REAL (g_task_run_in_thread);

  __tsan_release (task);
  real (task, func);
}

gpointer
g_task_get_task_data (GTask *task)
{
  REAL (g_task_get_task_data);

  __tsan_acquire (task);
  return real (task);
}

void
g_cancellable_cancel (GCancellable *cancellable)
{
  REAL (g_cancellable_cancel);

  if (cancellable != NULL)
    __tsan_release (cancellable);
  real (cancellable);
}

gboolean
g_cancellable_is_cancelled (GCancellable *cancellable)
{
  REAL (g_cancellable_is_cancelled);
  gboolean cancelled = real (cancellable);

  if (cancelled)
    __tsan_acquire (cancellable);
  return cancelled;
}
