/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-local-call.h"

struct _KubeLocalStream {
  GInputStream parent;
  GMutex mutex;
  GCond cond;
  GQueue chunks;   /* (mutex mutex) (element-type GBytes) */
  gsize offset;    /* (mutex mutex): what of the first chunk was read */
  gboolean ended;  /* (mutex mutex) */
  GError *error;   /* (mutex mutex) (nullable) */
};

G_DEFINE_FINAL_TYPE (KubeLocalStream, kube_local_stream, G_TYPE_INPUT_STREAM)

static void
wake (GCancellable *cancellable, gpointer user_data)
{
  KubeLocalStream *self = user_data;
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  g_cond_broadcast (&self->cond);
}

static gssize
take (KubeLocalStream *self, void *buffer, gsize count)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (g_queue_peek_head (&self->chunks), &length);
  gsize n = MIN (count, length - self->offset);

  memcpy (buffer, data + self->offset, n);
  self->offset += n;
  if (self->offset == length) {
    g_bytes_unref (g_queue_pop_head (&self->chunks));
    self->offset = 0;
  }
  return (gssize) n;
}

static gssize
kube_local_stream_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable, GError **error)
{
  KubeLocalStream *self = KUBE_LOCAL_STREAM (stream);
  gulong handler = cancellable != NULL ? g_cancellable_connect (cancellable, G_CALLBACK (wake), self, NULL) : 0;
  gssize n = 0;

  g_mutex_lock (&self->mutex);
  while (g_queue_is_empty (&self->chunks) && !self->ended && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&self->cond, &self->mutex);
  if (!g_queue_is_empty (&self->chunks)) {
    n = take (self, buffer, count);
  } else if (self->error != NULL) {
    g_propagate_error (error, g_error_copy (self->error));
    n = -1;
  }
  g_mutex_unlock (&self->mutex);
  g_cancellable_disconnect (cancellable, handler);
  if (n == 0 && g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  return n;
}

static void
kube_local_stream_finalize (GObject *object)
{
  KubeLocalStream *self = KUBE_LOCAL_STREAM (object);

  g_queue_clear_full (&self->chunks, (GDestroyNotify) g_bytes_unref);
  g_clear_error (&self->error);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  G_OBJECT_CLASS (kube_local_stream_parent_class)->finalize (object);
}

static void
kube_local_stream_class_init (KubeLocalStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_local_stream_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = kube_local_stream_read;
}

static void
kube_local_stream_init (KubeLocalStream *self)
{
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  g_queue_init (&self->chunks);
}

KubeLocalStream *
kube_local_stream_new (void)
{
  return g_object_new (KUBE_TYPE_LOCAL_STREAM, NULL);
}

void
kube_local_stream_push (KubeLocalStream *self, GBytes *bytes)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  if (g_bytes_get_size (bytes) == 0)
    return;
  g_queue_push_tail (&self->chunks, g_bytes_ref (bytes));
  g_cond_broadcast (&self->cond);
}

void
kube_local_stream_end (KubeLocalStream *self, const GError *error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

  self->ended = TRUE;
  if (error != NULL && self->error == NULL)
    self->error = g_error_copy (error);
  g_cond_broadcast (&self->cond);
}
