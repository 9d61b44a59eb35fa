/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "../kube-convert.h"
#include "kube-splice.h"
#include "kube-table.h"
#include "kube-deadline.h"
#include <kube/kube-selector.h>

/* A watch goes through: the objects that are there (where the client wants them), then what happens. It ends by its time, by the hub, by a client that is gone or too slow. */

#define SLICE_BYTES (256 * 1024)
#define SLICE_MICROSECONDS 8000
#define MAX_QUEUED (1024 * 1024)
#define BOOKMARK_INTERVAL G_TIME_SPAN_MINUTE
#define MIN_TIMEOUT 1800
#define MAX_TIMEOUT G_MAXINT32

static const char *const type_names[] = { [KUBE_WATCH_ADDED] = "ADDED", [KUBE_WATCH_MODIFIED] = "MODIFIED", [KUBE_WATCH_DELETED] = "DELETED", [KUBE_WATCH_BOOKMARK] = "BOOKMARK" };

typedef struct {
  KubeOperation *op;
  KubeListOptions options;
  char *prefix;
  char *start, *end; /* of what is still to be sent of the initial state */
  char *last;
  guint64 at;        /* all up to this revision was sent */
  gint64 deadline;
  gsize sent;        /* bytes of this slice */
  KubeHubWatch *hub_watch;
  KubeDeadline timeout, bookmark;
  GString *buffer;
  gboolean columns_sent;
  gboolean busy;     /* events are being handed out: who stops the watch from there stops it after that */
  gboolean stopping;
  gulong gone;
} Watch;

static void
watch_end (Watch *watch, const GError *error)
{
  KubeCall *call = watch->op->call;

  kube_call_set_drain_func (call, NULL, NULL);
  g_signal_handler_disconnect (kube_call_get_cancellable (call), watch->gone);
  if (watch->hub_watch != NULL)
    kube_hub_watch_stop (watch->hub_watch);
  kube_deadline_clear (&watch->timeout);
  kube_deadline_clear (&watch->bookmark);
  if (kube_call_is_answered (call))
    kube_call_end_stream (call, error);
  kube_list_options_clear (&watch->options);
  g_free (watch->prefix);
  g_free (watch->start);
  g_free (watch->end);
  g_free (watch->last);
  g_string_free (watch->buffer, TRUE);
  kube_operation_unref (watch->op);
  g_free (watch);
}

/* Places of an event's frame, which all watchers of one encoding share. */
enum { FRAME_JSON, FRAME_PROTOBUF };

static void
append_event (KubeOperation *op, const char *type, const char *object, gsize length, GString *out)
{
  if (op->media == KUBE_MEDIA_PROTOBUF) {
    kube_operation_append_protobuf_event (op, type, object, length, out);
    return;
  }
  g_string_append (out, "{\"type\":\"");
  g_string_append (out, type);
  g_string_append (out, "\",\"object\":");
  g_string_append_len (out, object, (gssize) length);
  g_string_append (out, "}\n");
}

/* The one row of an event's Table; the columns are said once. */
static void
append_table (Watch *watch, const char *json, gsize length, GString *out)
{
  g_autoptr (GString) row = g_string_new (NULL);
  KubePart version;

  g_string_append (out, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{");
  if (kube_splice_find_meta (json, length, "resourceVersion", &version))
    g_string_append_printf (out, "\"resourceVersion\":%.*s", (int) (version.end - version.start), version.start);
  g_string_append (out, "},\"columnDefinitions\":");
  if (watch->columns_sent)
    g_string_append (out, "null");
  else
    kube_table_print_columns (watch->op->kind, out);
  watch->columns_sent = TRUE;
  g_string_append (out, ",\"rows\":[");
  kube_operation_append_form (watch->op, json, length, FALSE, out);
  g_string_append (out, "]}");
}

static void
push_text (Watch *watch, GString *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text->str, text->len);

  watch->sent += text->len;
  kube_call_push (watch->op->call, bytes);
}

static void
push_object (Watch *watch, KubeWatchEventType type, const char *json, gsize length)
{
  g_autoptr (GString) formed = NULL;

  if (watch->op->form != KUBE_FORM_OBJECT) {
    formed = g_string_new (NULL);
    if (watch->op->form == KUBE_FORM_TABLE)
      append_table (watch, json, length, formed);
    else
      kube_operation_append_form (watch->op, json, length, TRUE, formed);
    json = formed->str;
    length = formed->len;
  }
  g_string_truncate (watch->buffer, 0);
  append_event (watch->op, type_names[type], json, length, watch->buffer);
  push_text (watch, watch->buffer);
}

/* --- what happens --- */

static KubeWatchEventType
plain_type (const KubeHubEvent *event)
{
  if (event->type == KUBE_STORE_EVENT_REMOVE)
    return KUBE_WATCH_DELETED;
  return event->previous == NULL ? KUBE_WATCH_ADDED : KUBE_WATCH_MODIFIED;
}

/* The frame that all watchers without a selector get, encoded once. It stays as long as its event, so it is no longer than it needs to be. */
static GBytes *
encode_frame (KubeHubEvent *event, gpointer user_data)
{
  const char *type = type_names[plain_type (event)];
  gsize length;
  const char *json = g_bytes_get_data (kube_object_get_bytes (event->object), &length);
  g_autofree char *head = g_strconcat ("{\"type\":\"", type, "\",\"object\":", NULL);
  gsize head_length = strlen (head);
  char *frame = g_malloc (head_length + length + 2);

  memcpy (frame, head, head_length);
  memcpy (frame + head_length, json, length);
  memcpy (frame + head_length + length, "}\n", 2);
  return g_bytes_new_take (frame, head_length + length + 2);
}

static GBytes *
encode_protobuf_frame (KubeHubEvent *event, gpointer user_data)
{
  gsize length;
  const char *json = g_bytes_get_data (kube_object_get_bytes (event->object), &length);
  g_autoptr (GString) frame = g_string_new (NULL);

  kube_operation_append_protobuf_event (user_data, type_names[plain_type (event)], json, length, frame);
  return g_bytes_new (frame->str, frame->len);
}

static gboolean
selects (Watch *watch, KubeObject *stored)
{
  g_autoptr (KubeObject) object = stored != NULL ? kube_convert_from_storage (watch->op->kind, stored) : NULL;

  if (object == NULL)
    return FALSE;
  if (watch->options.labels != NULL && !kube_selector_matches (watch->options.labels, object))
    return FALSE;
  return watch->options.fields == NULL || kube_selector_matches (watch->options.fields, object);
}

static void
send_event (Watch *watch, KubeHubEvent *event, KubeWatchEventType type, KubeObject *stored)
{
  g_autoptr (KubeObject) object = kube_convert_from_storage (watch->op->kind, stored);
  gsize length;
  const char *json;

  if (kube_call_push_event (watch->op->call, type, object))
    return;
  if (watch->op->form == KUBE_FORM_OBJECT && object == event->object && type == plain_type (event)) {
    GBytes *frame = watch->op->media == KUBE_MEDIA_PROTOBUF ? kube_hub_event_get_frame (event, FRAME_PROTOBUF, encode_protobuf_frame, watch->op)
                                                            : kube_hub_event_get_frame (event, FRAME_JSON, encode_frame, NULL);
    kube_call_push (watch->op->call, frame);
    return;
  }
  json = g_bytes_get_data (kube_object_get_bytes (object), &length);
  push_object (watch, type, json, length);
}

/* An object that enters the selection is added, one that leaves it is deleted, as it was last seen. */
static void
pass_event (Watch *watch, KubeHubEvent *event)
{
  gboolean was, is;

  if (watch->options.labels == NULL && watch->options.fields == NULL) {
    send_event (watch, event, plain_type (event), event->object);
    return;
  }
  if (event->type == KUBE_STORE_EVENT_REMOVE) {
    if (selects (watch, event->previous != NULL ? event->previous : event->object))
      send_event (watch, event, KUBE_WATCH_DELETED, event->object);
    return;
  }
  was = selects (watch, event->previous);
  is = selects (watch, event->object);
  if (is) {
    send_event (watch, event, was ? KUBE_WATCH_MODIFIED : KUBE_WATCH_ADDED, event->object);
  } else if (was) {
    g_autoptr (GBytes) bytes = kube_splice_set_version (kube_object_get_bytes (event->previous), event->revision);
    g_autoptr (KubeObject) last = kube_object_new_from_bytes (bytes);
    send_event (watch, event, KUBE_WATCH_DELETED, last);
  }
}

static void
push_error (Watch *watch, const GError *error)
{
  gsize length;
  g_autofree char *status = kube_call_print_status (error, &length);

  if (kube_call_is_local (watch->op->call))
    return;
  g_string_truncate (watch->buffer, 0);
  append_event (watch->op, "ERROR", status, length, watch->buffer);
  push_text (watch, watch->buffer);
}

static GError *
too_old (guint64 version, KubeStore *store)
{
  return g_error_new (KUBE_ERROR, KUBE_ERROR_EXPIRED, "too old resource version: %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT ")", version, kube_store_get_compacted (store));
}

static void
on_events (KubeHubWatch *hub_watch, KubeHubEvent *const *events, guint n_events, guint64 revision, const GError *error, gpointer user_data)
{
  Watch *watch = user_data;

  watch->busy = TRUE;
  for (guint i = 0; i < n_events && !watch->stopping; i++)
    pass_event (watch, events[i]);
  watch->busy = FALSE;
  if (watch->stopping) {
    watch_end (watch, NULL);
    return;
  }
  if (error == NULL) {
    watch->at = MAX (watch->at, revision);
    if (kube_call_get_queued (watch->op->call) > MAX_QUEUED) {
      g_autoptr (GError) slow = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_TOO_MANY_REQUESTS, "the client reads its watch too slowly");
      watch_end (watch, slow);
    }
    return;
  }
  if (error->code == KUBE_ERROR_EXPIRED) {
    g_autoptr (GError) old = too_old (watch->at, watch->op->store);
    push_error (watch, old);
    watch_end (watch, kube_call_is_local (watch->op->call) ? old : NULL);
  } else {
    watch_end (watch, error->code == KUBE_ERROR_SERVICE_UNAVAILABLE ? NULL : error);
  }
}

/* --- bookmarks --- */

static void
send_bookmark (Watch *watch, gboolean initial)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  g_autofree char *version = g_strdup_printf ("%" G_GUINT64_FORMAT, watch->at);
  g_autoptr (KubeObject) object = NULL;
  KubeNode *root = kube_builder_get_root (builder);
  gsize length;
  const char *json;

  kube_node_set_string (root, "apiVersion", watch->op->kind->api_version);
  kube_node_set_string (root, "kind", watch->op->kind->name);
  kube_node_set_string (root, "metadata.resourceVersion", version);
  if (initial)
    kube_node_put_string (kube_node_ensure_object (root, "metadata.annotations"), "k8s.io/initial-events-end", "true");
  object = kube_object_new_from_builder (builder);
  if (kube_call_push_event (watch->op->call, KUBE_WATCH_BOOKMARK, object))
    return;
  json = g_bytes_get_data (kube_object_get_bytes (object), &length);
  push_object (watch, KUBE_WATCH_BOOKMARK, json, length);
}

static void await_bookmark (Watch *watch);

static void
on_bookmark (gpointer user_data)
{
  Watch *watch = user_data;

  watch->at = MAX (watch->at, kube_hub_watch_get_revision (watch->hub_watch));
  watch->busy = TRUE;
  send_bookmark (watch, FALSE);
  watch->busy = FALSE;
  if (watch->stopping)
    watch_end (watch, NULL);
  else
    await_bookmark (watch);
}

static void
await_bookmark (Watch *watch)
{
  KubeClock *clock = watch->op->clock;

  kube_deadline_set (&watch->bookmark, clock, kube_clock_get_monotonic_time (clock) + BOOKMARK_INTERVAL, on_bookmark, watch);
}

static void
on_timeout (gpointer user_data)
{
  watch_end (user_data, NULL);
}

static void
on_gone (GCancellable *cancellable, gpointer user_data)
{
  Watch *watch = user_data;

  watch->stopping = TRUE;
  if (!watch->busy)
    watch_end (watch, NULL);
}

static void
go_live (Watch *watch)
{
  KubeOperation *op = watch->op;

  watch->hub_watch = kube_hub_watch (kube_server_get_hub (op->server), watch->prefix, watch->at, on_events, watch);
  if (watch->options.bookmarks)
    await_bookmark (watch);
}

/* --- what is there --- */

static gboolean
visit (const char *key, const guint8 *data, gsize length, guint64 revision, gpointer user_data)
{
  Watch *watch = user_data;
  const char *json = (const char *) data;
  g_autoptr (KubeObject) converted = NULL;

  g_free (watch->last);
  watch->last = g_strdup (key);
  if (kube_convert_is_needed (watch->op->kind)) {
    converted = kube_registry_convert (watch->op, json, length);
    json = g_bytes_get_data (kube_object_get_bytes (converted), &length);
  }
  if (kube_registry_matches (&watch->options, json, length)) {
    if (kube_call_is_local (watch->op->call)) {
      g_autoptr (GBytes) bytes = g_bytes_new (json, length);
      g_autoptr (KubeObject) object = kube_object_new_from_bytes (bytes);
      kube_call_push_event (watch->op->call, KUBE_WATCH_ADDED, object);
    } else {
      push_object (watch, KUBE_WATCH_ADDED, json, length);
    }
  }
  return !watch->stopping && watch->sent < SLICE_BYTES && g_get_monotonic_time () < watch->deadline;
}

/* TRUE: there is more to send. */
static gboolean
initial_slice (Watch *watch, GError **error)
{
  KubeStoreRange range = { watch->start, watch->end, watch->at, 0 };
  gboolean more = FALSE;

  watch->sent = 0;
  watch->deadline = g_get_monotonic_time () + SLICE_MICROSECONDS;
  if (!kube_store_range (watch->op->store, &range, visit, watch, &watch->at, &more, error) || !more)
    return FALSE;
  g_free (watch->start);
  watch->start = g_strconcat (watch->last, "\001", NULL);
  return TRUE;
}

static gboolean
initial_go_on (gpointer user_data)
{
  Watch *watch = user_data;
  g_autoptr (GError) error = NULL;

  watch->busy = TRUE;
  while (initial_slice (watch, &error) && !watch->stopping) {
    if (kube_call_get_queued (watch->op->call) >= MAX_QUEUED) {
      watch->busy = FALSE;
      return G_SOURCE_CONTINUE;
    }
  }
  if (error == NULL && !watch->stopping && watch->options.initial_events > 0 && watch->options.bookmarks)
    send_bookmark (watch, TRUE);
  watch->busy = FALSE;
  if (watch->stopping) {
    watch_end (watch, NULL);
    return G_SOURCE_REMOVE;
  }
  if (error != NULL) {
    push_error (watch, error);
    watch_end (watch, kube_call_is_local (watch->op->call) ? error : NULL);
    return G_SOURCE_REMOVE;
  }
  kube_call_set_drain_func (watch->op->call, NULL, NULL);
  go_live (watch);
  return G_SOURCE_REMOVE;
}

static void
set_timeout (Watch *watch)
{
  KubeClock *clock = watch->op->clock;
  gint64 seconds = watch->options.timeout != 0 ? MIN (watch->options.timeout, MAX_TIMEOUT) : g_random_int_range (MIN_TIMEOUT, 2 * MIN_TIMEOUT);

  kube_deadline_set (&watch->timeout, clock, kube_clock_get_monotonic_time (clock) + seconds * G_TIME_SPAN_SECOND, on_timeout, watch);
}

/* The keys to watch: of the collection, or of one object where the path or a selector names it. */
static char *
watched_prefix (Watch *watch)
{
  KubeOperation *op = watch->op;
  const char *name = watch->options.fields != NULL ? kube_selector_get_required (watch->options.fields, "metadata.name") : NULL;

  if (*op->info.name != '\0')
    name = op->info.name;
  if (name != NULL && *name != '\0' && (!op->kind->namespaced || *op->info.namespace_ != '\0'))
    return kube_storage_key (op->kind, op->info.namespace_, name);
  return kube_storage_key (op->kind, op->info.namespace_, NULL);
}

static const char *
content_type (KubeOperation *op)
{
  switch (op->media) {
  case KUBE_MEDIA_PROTOBUF:
    return KUBE_PROTOBUF_TYPE ";stream=watch";
  case KUBE_MEDIA_YAML:
    return "application/yaml";
  default:
    return "application/json";
  }
}

void
kube_registry_watch (KubeOperation *op)
{
  Watch *watch = g_new0 (Watch, 1);
  GError *error = NULL;
  g_autoptr (GError) large = NULL;
  guint64 current = kube_store_get_revision (op->store);
  gboolean initial;

  watch->op = op;
  if (!kube_operation_get_list_options (op, TRUE, &watch->options, &error)) {
    kube_operation_take_error (op, error);
    kube_list_options_clear (&watch->options);
    g_free (watch);
    return;
  }
  kube_operation_ref (op);
  watch->buffer = g_string_new (NULL);
  watch->prefix = watched_prefix (watch);
  watch->start = g_strdup (watch->prefix);
  watch->end = g_str_has_suffix (watch->prefix, "/") ? kube_storage_end_of (watch->prefix) : g_strconcat (watch->prefix, "\001", NULL);
  watch->gone = g_signal_connect (kube_call_get_cancellable (op->call), "cancelled", G_CALLBACK (on_gone), watch);
  /* the client may be found gone by what is sent first */
  watch->busy = TRUE;
  kube_call_begin_stream (op->call, 200, content_type (op));
  if (watch->options.revision > current)
    large = kube_registry_too_large_version (watch->options.revision, current);
  if (large != NULL)
    push_error (watch, large);
  watch->busy = FALSE;
  /* a time that is over before it begins is one, too */
  if (large != NULL || watch->options.timeout < 0 || watch->stopping || g_cancellable_is_cancelled (kube_call_get_cancellable (op->call))) {
    watch_end (watch, kube_call_is_local (op->call) ? large : NULL);
    return;
  }
  set_timeout (watch);
  initial = watch->options.initial_events >= 0 ? watch->options.initial_events > 0 : watch->options.revision == 0;
  if (initial) {
    kube_call_set_drain_func (op->call, initial_go_on, watch);
    initial_go_on (watch);
    return;
  }
  /* sendInitialEvents=false without a version begins at the newest state */
  watch->at = watch->options.revision > 0 ? watch->options.revision : current;
  go_live (watch);
}
