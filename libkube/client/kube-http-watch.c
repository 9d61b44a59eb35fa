/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-http-watch-private.h"
#include "kube-status-private.h"

#include <string.h>

#define READ_SIZE (64 * 1024)
#define LINE_MAX_BYTES (16 * 1024 * 1024)
#define QUEUE_MAX 4096 /* events that wait for a slow reader; beyond it the connection is not read */

typedef struct {
  KubeWatchEventType type;
  KubeObject *object; /* (owned) */
} Event;

struct _KubeHttpStream {
  gatomicrefcount refs;
  GMainContext *context; /* (owned): of the watch */
  GWeakRef watch;
  GCancellable *cancellable; /* (owned) */

  GMutex lock;
  GArray *events;     /* (mutex lock) (element-type Event) */
  gboolean scheduled; /* (mutex lock): a delivery is under way */
  gboolean paused;    /* (mutex lock): the reader waits for one */
  gboolean closed;    /* (mutex lock) */
  GError *error;      /* (mutex lock) (nullable): why */

  /* only on the reading thread */
  GMainContext *reader; /* (owned) (nullable): its context */
  GInputStream *body;   /* (owned) (nullable) */
  GByteArray *buffer;   /* (owned) */
  gsize scanned;        /* bytes of it without a newline */
};

struct _KubeHttpWatch {
  KubeWatch parent;
  KubeHttpStream *stream; /* (owned) */
  KubeHttpWatchStart start;
  gpointer user_data;
  GDestroyNotify destroy;
};

G_DEFINE_FINAL_TYPE (KubeHttpWatch, kube_http_watch, KUBE_TYPE_WATCH)

static void
event_clear (gpointer data)
{
  kube_object_unref (((Event *) data)->object);
}

static GArray *
new_events (void)
{
  GArray *events = g_array_new (FALSE, FALSE, sizeof (Event));
  g_array_set_clear_func (events, event_clear);
  return events;
}

static KubeHttpStream *
stream_new (KubeHttpWatch *watch)
{
  KubeHttpStream *self = g_new0 (KubeHttpStream, 1);

  g_atomic_ref_count_init (&self->refs);
  self->context = g_main_context_ref_thread_default ();
  g_weak_ref_init (&self->watch, watch);
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  self->events = new_events ();
  self->buffer = g_byte_array_new ();
  return self;
}

KubeHttpStream *
kube_http_stream_ref (KubeHttpStream *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
kube_http_stream_unref (KubeHttpStream *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_main_context_unref (self->context);
  g_weak_ref_clear (&self->watch);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->lock);
  g_array_unref (self->events);
  g_clear_error (&self->error);
  g_clear_pointer (&self->reader, g_main_context_unref);
  g_clear_object (&self->body);
  g_byte_array_unref (self->buffer);
  g_free (self);
}

GCancellable *
kube_http_stream_get_cancellable (KubeHttpStream *self)
{
  return self->cancellable;
}

static void read_more (KubeHttpStream *self);

static gboolean
on_resume (gpointer user_data)
{
  KubeHttpStream *self = user_data;

  if (self->body != NULL)
    read_more (self);
  return G_SOURCE_REMOVE;
}

static void
invoke (GMainContext *context, GSourceFunc func, KubeHttpStream *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "kube-http-stream");
  g_source_set_callback (source, func, kube_http_stream_ref (self), (GDestroyNotify) kube_http_stream_unref);
  g_source_attach (source, context);
}

/* On the watch's context. */
static gboolean
deliver (gpointer user_data)
{
  KubeHttpStream *self = user_data;
  g_autoptr (KubeWatch) watch = g_weak_ref_get (&self->watch);
  g_autoptr (GArray) events = NULL;
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  events = g_steal_pointer (&self->events);
  self->events = new_events ();
  self->scheduled = FALSE;
  gboolean closed = self->closed, resume = self->paused;
  self->paused = FALSE;
  error = g_steal_pointer (&self->error);
  g_mutex_unlock (&self->lock);

  if (resume)
    invoke (self->reader, on_resume, self);
  for (guint i = 0; watch != NULL && i < events->len; i++) {
    const Event *event = &g_array_index (events, Event, i);
    kube_watch_emit (watch, event->type, event->object);
  }
  if (watch != NULL && closed)
    kube_watch_emit_closed (watch, error);
  return G_SOURCE_REMOVE;
}

/* (mutex lock) */
static void
schedule (KubeHttpStream *self)
{
  if (self->scheduled)
    return;
  self->scheduled = TRUE;
  invoke (self->context, deliver, self);
}

void
kube_http_stream_close (KubeHttpStream *self, GError *error)
{
  if (self->body != NULL)
    g_input_stream_close_async (self->body, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
  g_clear_object (&self->body);
  g_mutex_lock (&self->lock);
  if (self->closed)
    g_clear_error (&error);
  else {
    self->closed = TRUE;
    self->error = error;
    schedule (self);
  }
  g_mutex_unlock (&self->lock);
}

static gboolean
parse_type (const char *text, KubeWatchEventType *type)
{
  static const char *const names[] = { "ADDED", "MODIFIED", "DELETED", "BOOKMARK" };

  for (guint i = 0; text != NULL && i < G_N_ELEMENTS (names); i++) {
    if (g_str_equal (text, names[i])) {
      *type = i;
      return TRUE;
    }
  }
  return FALSE;
}

/* NULL: the line was an event; else why the watch ends. */
static GError *
take_line (const char *line, gsize length, GArray *events)
{
  const KubeParseOptions options = { .max_size = LINE_MAX_BYTES };
  GError *error = NULL;
  g_autoptr (KubeValue) value = kube_value_parse_with_options (line, length, &options, &error);
  Event event;

  if (value == NULL) {
    g_prefix_error (&error, "unable to decode an event from the watch stream: ");
    return error;
  }
  const char *type = kube_value_get_member_string (value, "type");
  KubeValue *object = kube_value_get_member (value, "object");
  if (g_strcmp0 (type, "ERROR") == 0)
    return kube_error_new_from_status (object, 0);
  if (!parse_type (type, &event.type) || !kube_value_is_object (object))
    return g_error_new (KUBE_ERROR, KUBE_ERROR_INTERNAL, "unable to decode an event from the watch stream: type \"%s\"",
                        type != NULL ? type : "");
  event.object = kube_object_new (object);
  g_array_append_val (events, event);
  return NULL;
}

/* Takes the whole lines off the buffer. */
static GError *
take_lines (KubeHttpStream *self, GArray *events)
{
  const char *data = (const char *) self->buffer->data;
  gsize begin = 0, length = self->buffer->len;
  GError *error = NULL;

  while (error == NULL) {
    gsize from = MAX (begin, self->scanned);
    const char *newline = from < length ? memchr (data + from, '\n', length - from) : NULL;
    if (newline == NULL)
      break;
    if (newline > data + begin)
      error = take_line (data + begin, newline - (data + begin), events);
    begin = newline - data + 1;
  }
  if (begin > 0)
    g_byte_array_remove_range (self->buffer, 0, begin);
  self->scanned = self->buffer->len;
  if (error == NULL && self->buffer->len > LINE_MAX_BYTES)
    error = g_error_new (KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "an event of the watch stream is longer than %d bytes",
                         LINE_MAX_BYTES);
  return error;
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (KubeHttpStream) self = user_data;
  g_autoptr (GArray) events = new_events ();
  GError *error = NULL;
  g_autoptr (GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result, &error);

  if (bytes == NULL || g_bytes_get_size (bytes) == 0) {
    /* A server that goes away ends the stream, whatever its manner: the watch is taken up again from where it was. */
    g_clear_error (&error);
    kube_http_stream_close (self, NULL);
    return;
  }
  g_byte_array_append (self->buffer, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  error = take_lines (self, events);

  g_mutex_lock (&self->lock);
  g_array_append_vals (self->events, events->data, events->len);
  g_array_set_clear_func (events, NULL);
  if (self->events->len > 0)
    schedule (self);
  self->paused = error == NULL && self->events->len > QUEUE_MAX;
  gboolean paused = self->paused;
  g_mutex_unlock (&self->lock);

  if (error != NULL)
    kube_http_stream_close (self, error);
  else if (!paused)
    read_more (self);
}

static void
read_more (KubeHttpStream *self)
{
  g_input_stream_read_bytes_async (self->body, READ_SIZE, G_PRIORITY_DEFAULT, self->cancellable, on_read,
                                   kube_http_stream_ref (self));
}

void
kube_http_stream_read (KubeHttpStream *self, GInputStream *body)
{
  self->reader = g_main_context_ref_thread_default ();
  self->body = g_object_ref (body);
  read_more (self);
}

static void
kube_http_watch_start (KubeWatch *watch)
{
  KubeHttpWatch *self = KUBE_HTTP_WATCH (watch);
  self->start (self->stream, self->user_data);
}

static void
kube_http_watch_stop (KubeWatch *watch)
{
  g_cancellable_cancel (KUBE_HTTP_WATCH (watch)->stream->cancellable);
}

static void
kube_http_watch_finalize (GObject *object)
{
  KubeHttpWatch *self = KUBE_HTTP_WATCH (object);

  kube_http_stream_unref (self->stream);
  self->destroy (self->user_data);
  G_OBJECT_CLASS (kube_http_watch_parent_class)->finalize (object);
}

static void
kube_http_watch_class_init (KubeHttpWatchClass *class)
{
  G_OBJECT_CLASS (class)->finalize = kube_http_watch_finalize;
  KUBE_WATCH_CLASS (class)->start = kube_http_watch_start;
  KUBE_WATCH_CLASS (class)->stop = kube_http_watch_stop;
}

static void
kube_http_watch_init (KubeHttpWatch *self)
{
  self->stream = stream_new (self);
}

KubeWatch *
kube_http_watch_new (KubeHttpWatchStart start, gpointer user_data, GDestroyNotify destroy)
{
  KubeHttpWatch *self = g_object_new (KUBE_TYPE_HTTP_WATCH, NULL);

  self->start = start;
  self->user_data = user_data;
  self->destroy = destroy;
  return KUBE_WATCH (self);
}
