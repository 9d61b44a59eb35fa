/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-streams.h"

#define CHUNK (32 * 1024)
#define MAX_QUEUED (1024 * 1024)
#define MAX_PENDING (256 * 1024)

struct _KubePump {
  KubeStreamSession *session; /* (owned) */
  guint channel;
  GInputStream *stream;       /* (owned) */
  GCancellable *cancellable;
  void (*done) (gpointer user_data);
  gpointer user_data;
  gboolean reading;
  gboolean waiting; /* for the session to drain */
  gboolean freed;
};

static void pump_read (KubePump *pump);

static void
pump_destroy (KubePump *pump)
{
  kube_stream_session_unref (pump->session);
  g_object_unref (pump->stream);
  g_object_unref (pump->cancellable);
  g_free (pump);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  KubePump *pump = user_data;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, NULL);

  pump->reading = FALSE;
  if (pump->freed) {
    pump_destroy (pump);
    return;
  }
  if (bytes == NULL || g_bytes_get_size (bytes) == 0) {
    pump->done (pump->user_data);
    return;
  }
  kube_stream_session_send (pump->session, pump->channel, bytes);
  pump->waiting = kube_stream_session_get_queued (pump->session) > MAX_QUEUED;
  if (!pump->waiting)
    pump_read (pump);
}

static void
pump_read (KubePump *pump)
{
  pump->reading = TRUE;
  g_input_stream_read_bytes_async (pump->stream, CHUNK, G_PRIORITY_DEFAULT, pump->cancellable, on_read, pump);
}

KubePump *
kube_pump_new (KubeStreamSession *session, guint channel, GInputStream *stream, void (*done) (gpointer user_data), gpointer user_data)
{
  KubePump *pump = g_new0 (KubePump, 1);

  pump->session = kube_stream_session_ref (session);
  pump->channel = channel;
  pump->stream = g_object_ref (stream);
  pump->cancellable = g_cancellable_new ();
  pump->done = done;
  pump->user_data = user_data;
  pump_read (pump);
  return pump;
}

void
kube_pump_resume (KubePump *pump)
{
  if (!pump->waiting)
    return;
  pump->waiting = FALSE;
  pump_read (pump);
}

void
kube_pump_free (KubePump *pump)
{
  pump->freed = TRUE;
  g_cancellable_cancel (pump->cancellable);
  if (!pump->reading)
    pump_destroy (pump);
}

struct _KubeSink {
  KubeStreamSession *session; /* (owned) */
  GOutputStream *stream;      /* (owned) */
  GCancellable *cancellable;
  GQueue queue;               /* (element-type GBytes) */
  gsize pending;
  GBytes *writing;            /* (nullable) */
  gboolean ended, broken, freed;
};

static void
sink_destroy (KubeSink *sink)
{
  g_queue_clear_full (&sink->queue, (GDestroyNotify) g_bytes_unref);
  kube_stream_session_unref (sink->session);
  g_object_unref (sink->stream);
  g_object_unref (sink->cancellable);
  g_free (sink);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_output_stream_close_finish (G_OUTPUT_STREAM (source), result, NULL);
}

static void sink_next (KubeSink *sink);

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  KubeSink *sink = user_data;

  sink->broken |= !g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);
  sink->pending -= g_bytes_get_size (sink->writing);
  g_clear_pointer (&sink->writing, g_bytes_unref);
  if (sink->freed) {
    sink_destroy (sink);
    return;
  }
  if (sink->broken) {
    g_queue_clear_full (&sink->queue, (GDestroyNotify) g_bytes_unref);
    sink->pending = 0;
  }
  if (sink->pending < MAX_PENDING / 4)
    kube_stream_session_set_paused (sink->session, FALSE);
  sink_next (sink);
}

static void
sink_next (KubeSink *sink)
{
  gsize length;
  const guint8 *data;

  if (sink->writing != NULL)
    return;
  sink->writing = g_queue_pop_head (&sink->queue);
  if (sink->writing == NULL) {
    if (sink->ended)
      g_output_stream_close_async (sink->stream, G_PRIORITY_DEFAULT, NULL, on_closed, NULL);
    return;
  }
  data = g_bytes_get_data (sink->writing, &length);
  g_output_stream_write_all_async (sink->stream, data, length, G_PRIORITY_DEFAULT, sink->cancellable, on_written, sink);
}

KubeSink *
kube_sink_new (KubeStreamSession *session, GOutputStream *stream)
{
  KubeSink *sink = g_new0 (KubeSink, 1);

  sink->session = kube_stream_session_ref (session);
  sink->stream = g_object_ref (stream);
  sink->cancellable = g_cancellable_new ();
  g_queue_init (&sink->queue);
  return sink;
}

void
kube_sink_write (KubeSink *sink, GBytes *data)
{
  if (sink->ended || sink->broken || g_bytes_get_size (data) == 0)
    return;
  sink->pending += g_bytes_get_size (data);
  g_queue_push_tail (&sink->queue, g_bytes_ref (data));
  if (sink->pending > MAX_PENDING)
    kube_stream_session_set_paused (sink->session, TRUE);
  sink_next (sink);
}

void
kube_sink_end (KubeSink *sink)
{
  if (sink->ended)
    return;
  sink->ended = TRUE;
  sink_next (sink);
}

void
kube_sink_free (KubeSink *sink)
{
  sink->freed = TRUE;
  g_cancellable_cancel (sink->cancellable);
  if (sink->writing == NULL)
    sink_destroy (sink);
}
