/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linked into test programs that are built with the thread sanitizer. GLib's locks are its own, over futexes, and GLib is not
 * instrumented, so the sanitizer cannot see what they order and reports races where there are none. These stand before GLib's functions
 * and tell it. */
#define G_DISABLE_CAST_CHECKS
#include <dlfcn.h>
#include <glib-object.h>

void __tsan_acquire (void *address);
void __tsan_release (void *address);

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
UNREF (g_ptr_array_unref, GPtrArray *)
UNREF (g_main_context_unref, GMainContext *)
UNREF (g_source_unref, GSource *)

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

  __tsan_release (source);
  return real (source, context);
}
