/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "events"

#include <kube/kube-event-recorder.h>
#include <kube/kube-log.h>
#include <kube/kube-time.h>

#include <string.h>

#include "kube-event-correlator-private.h"
#include "kube-source.h"

/* client-go's: a queue of events that wait, and tries for each */
#define QUEUE_MAX 1000
#define TRIES_MAX 12
#define TRY_INTERVAL (10 * (gint64) G_USEC_PER_SEC)
#define IN_FLIGHT_MAX 16
#define MESSAGE_MAX 1024

typedef struct {
  KubeEventRecorder *recorder; /* not owned; NULL once it has gone */
  KubeEventData *data;         /* (owned) */
  KubeEventAction action;
  char *key; /* (owned) */
  guint tries;
  GSource *timer; /* (owned) (nullable) */
} Write;

struct _KubeEventRecorder {
  GObject parent;

  KubeClient *client; /* (owned) */
  KubeClock *clock;   /* (owned) */
  KubeKind *kind;     /* (owned) */
  char *component;
  char *host;                /* (nullable) */
  GMainContext *context;     /* (owned) */
  GCancellable *cancellable; /* (owned) */

  KubeEventCorrelator *correlator; /* (owned) */
  GQueue waiting;                  /* (element-type KubeEventData) */
  Write *blocked;                  /* (owned) (nullable): the next; another write of its Event is under way */
  GHashTable *in_flight;           /* (element-type utf8 Write): by key; owned by their requests or timers */
};

G_DEFINE_FINAL_TYPE (KubeEventRecorder, kube_event_recorder, G_TYPE_OBJECT)

static void
write_free (Write *write)
{
  kube_clear_source (&write->timer);
  kube_event_data_free (write->data);
  g_free (write->key);
  g_free (write);
}

static void
kube_event_recorder_dispose (GObject *object)
{
  KubeEventRecorder *self = KUBE_EVENT_RECORDER (object);
  GHashTableIter iter;
  Write *write;

  g_cancellable_cancel (self->cancellable);
  g_hash_table_iter_init (&iter, self->in_flight);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &write)) {
    write->recorder = NULL;
    if (write->timer != NULL)
      write_free (write);
  }
  g_hash_table_remove_all (self->in_flight);
  g_clear_pointer (&self->blocked, write_free);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) kube_event_data_free);
  G_OBJECT_CLASS (kube_event_recorder_parent_class)->dispose (object);
}

static void
kube_event_recorder_finalize (GObject *object)
{
  KubeEventRecorder *self = KUBE_EVENT_RECORDER (object);

  g_hash_table_unref (self->in_flight);
  kube_event_correlator_free (self->correlator);
  g_object_unref (self->cancellable);
  g_main_context_unref (self->context);
  g_free (self->component);
  g_free (self->host);
  kube_kind_unref (self->kind);
  g_object_unref (self->clock);
  g_object_unref (self->client);
  G_OBJECT_CLASS (kube_event_recorder_parent_class)->finalize (object);
}

static void
kube_event_recorder_class_init (KubeEventRecorderClass *class)
{
  G_OBJECT_CLASS (class)->dispose = kube_event_recorder_dispose;
  G_OBJECT_CLASS (class)->finalize = kube_event_recorder_finalize;
}

static void
kube_event_recorder_init (KubeEventRecorder *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->cancellable = g_cancellable_new ();
  self->correlator = kube_event_correlator_new ();
  self->in_flight = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->waiting);
}

/**
 * kube_event_recorder_new:
 * @client: the way to the server
 * @clock: (nullable): the real one
 * @component: who speaks, for example `kubelet`
 * @host: (nullable): on which node
 *
 * Returns: (transfer full): a recorder
 * Since: 1.0
 */
KubeEventRecorder *
kube_event_recorder_new (KubeClient *client, KubeClock *clock, const char *component, const char *host)
{
  KubeEventRecorder *self = g_object_new (KUBE_TYPE_EVENT_RECORDER, NULL);
  KubeKind *kind = kube_scheme_find_kind (kube_client_get_scheme (client), "v1", "Event");

  self->client = g_object_ref (client);
  self->clock = g_object_ref (clock != NULL ? clock : kube_clock_get_real ());
  self->kind = kind != NULL ? kube_kind_ref (kind) : kube_kind_new ("", "v1", "Event", "events", TRUE);
  self->component = g_strdup (component);
  self->host = g_strdup (host);
  return self;
}

static const char *
namespace_of (const KubeEventData *data)
{
  const char *namespace_ = kube_value_get_string (data->involved, "namespace");
  return namespace_ != NULL && *namespace_ != '\0' ? namespace_ : "default";
}

static KubeObject *
make_event (KubeEventRecorder *self, const KubeEventData *data)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  char time[KUBE_TIME_STRING_SIZE];

  kube_node_set_string (root, "apiVersion", "v1");
  kube_node_set_string (root, "kind", "Event");
  kube_node_set_string (root, "metadata.name", data->name);
  kube_node_set_string (root, "metadata.namespace", namespace_of (data));
  kube_node_set_value (root, "involvedObject", data->involved);
  kube_node_set_string (root, "reason", data->reason);
  kube_node_set_string (root, "message", data->message);
  kube_node_set_string (root, "type", data->type);
  kube_node_set_integer (root, "count", data->count);
  kube_node_set_string (root, "firstTimestamp", kube_time_format (data->first, time));
  kube_node_set_string (root, "lastTimestamp", kube_time_format (data->last, time));
  kube_node_set_string (root, "source.component", self->component);
  kube_node_set_string (root, "reportingComponent", self->component);
  kube_node_set_string (root, "reportingInstance", self->host != NULL ? self->host : "");
  if (self->host != NULL)
    kube_node_set_string (root, "source.host", self->host);
  return kube_object_new_from_builder (builder);
}

static KubeValue *
make_patch (const KubeEventData *data)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  char time[KUBE_TIME_STRING_SIZE];

  kube_node_set_integer (root, "count", data->count);
  kube_node_set_string (root, "lastTimestamp", kube_time_format (data->last, time));
  kube_node_set_string (root, "message", data->message);
  return kube_builder_end (builder);
}

static void write_send (Write *write);
static void pump (KubeEventRecorder *self);

static void
write_done (Write *write)
{
  KubeEventRecorder *self = write->recorder;

  g_hash_table_remove (self->in_flight, write->key);
  write_free (write);
  pump (self);
}

static gboolean
on_retry (gpointer user_data)
{
  Write *write = user_data;

  g_clear_pointer (&write->timer, g_source_unref);
  write_send (write);
  return G_SOURCE_REMOVE;
}

static void
write_retry (Write *write)
{
  KubeEventRecorder *self = write->recorder;
  /* The first wait is random, so that many clients of a server that comes back do not all come at once. */
  gint64 delay = write->tries == 1 ? g_random_double () * TRY_INTERVAL : TRY_INTERVAL;

  write->timer = kube_clock_create_timer (self->clock, kube_clock_get_monotonic_time (self->clock) + delay);
  g_source_set_callback (write->timer, on_retry, write, NULL);
  g_source_attach (write->timer, self->context);
}

static void
write_failed (Write *write, const GError *error)
{
  if (write->action == KUBE_EVENT_PATCH && g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND)) {
    write->action = KUBE_EVENT_CREATE; /* it has expired */
    write_send (write);
    return;
  }
  gboolean passing = error->domain != KUBE_ERROR || error->code == KUBE_ERROR_SERVICE_UNAVAILABLE;
  if (passing && ++write->tries < TRIES_MAX) {
    write_retry (write);
    return;
  }
  kube_info (2, "Server rejected event '%s/%s' (will not retry): %s", namespace_of (write->data), write->data->name,
             error->message);
  kube_event_correlator_forget (write->recorder->correlator, write->key);
  write_done (write);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Write *write = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (write->recorder == NULL) {
    write_free (write);
    return;
  }
  if (response == NULL)
    write_failed (write, error);
  else
    write_done (write);
}

static void
write_send (Write *write)
{
  KubeEventRecorder *self = write->recorder;
  gboolean create = write->action == KUBE_EVENT_CREATE;
  g_autoptr (KubeRequest) request = kube_request_new (create ? KUBE_VERB_CREATE : KUBE_VERB_PATCH, self->kind,
                                                      namespace_of (write->data), create ? NULL : write->data->name);

  if (create) {
    g_autoptr (KubeObject) event = make_event (self, write->data);
    kube_request_set_object (request, event);
  } else {
    g_autoptr (KubeValue) patch = make_patch (write->data);
    kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, patch);
  }
  kube_client_send_async (self->client, request, self->cancellable, on_written, write);
}

static void
write_begin (KubeEventRecorder *self, Write *write)
{
  g_hash_table_insert (self->in_flight, write->key, write);
  write_send (write);
}

/* The next event as a write; NULL where the correlator drops it. */
static Write *
take_waiting (KubeEventRecorder *self)
{
  g_autoptr (KubeEventData) data = g_queue_pop_head (&self->waiting);
  g_autofree char *key = NULL;
  KubeEventAction action = kube_event_correlator_correlate (self->correlator, data, data->last, &key);

  if (action == KUBE_EVENT_DROP)
    return NULL;
  Write *write = g_new0 (Write, 1);
  write->recorder = self;
  write->data = g_steal_pointer (&data);
  write->key = g_steal_pointer (&key);
  write->action = action;
  return write;
}

static void
pump (KubeEventRecorder *self)
{
  while (g_hash_table_size (self->in_flight) < IN_FLIGHT_MAX) {
    if (self->blocked == NULL && self->waiting.length > 0)
      self->blocked = take_waiting (self);
    else if (self->blocked == NULL)
      return;
    if (self->blocked == NULL)
      continue;
    if (g_hash_table_contains (self->in_flight, self->blocked->key))
      return;
    write_begin (self, g_steal_pointer (&self->blocked));
  }
}

static KubeValue *
make_reference (KubeObject *about, const char *field_path)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  const struct {
    const char *member;
    const char *value;
  } members[] = {
    { "apiVersion", kube_object_get_api_version (about) },
    { "kind", kube_object_get_kind (about) },
    { "namespace", kube_object_get_namespace (about) },
    { "name", kube_object_get_name (about) },
    { "uid", kube_object_get_uid (about) },
    { "resourceVersion", kube_object_get_resource_version (about) },
    { "fieldPath", field_path },
  };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    if (members[i].value != NULL)
      kube_node_put_string (root, members[i].member, members[i].value);
  }
  return kube_builder_end (builder);
}

/* The server refuses longer ones. */
static char *
cut_message (const char *message)
{
  g_autofree char *valid = g_utf8_make_valid (message, -1);
  const char *end = valid + MIN (strlen (valid), MESSAGE_MAX);

  if (*end != '\0' && ((guchar) *end & 0xc0) == 0x80)
    end = g_utf8_find_prev_char (valid, end);
  return g_strndup (valid, end - valid);
}

/**
 * kube_event_recorder_record:
 * @recorder: a recorder
 * @about: which object
 * @field_path: (nullable): which part of it, for example `spec.containers{web}`
 * @type: `Normal` or `Warning`
 * @reason: in one word, for machines
 * @message: for people; cut at 1024 bytes
 *
 * Records an event in the background. Where a thousand wait already, it is dropped.
 *
 * Since: 1.0
 */
void
kube_event_recorder_record (KubeEventRecorder *recorder, KubeObject *about, const char *field_path, const char *type,
                            const char *reason, const char *message)
{
  if (recorder->waiting.length >= QUEUE_MAX) {
    kube_info (2, "Dropping event %s of %s: too many wait", reason, kube_object_get_name (about));
    return;
  }
  KubeEventData *data = g_new0 (KubeEventData, 1);
  data->involved = make_reference (about, field_path);
  data->type = g_strdup (type);
  data->reason = g_strdup (reason);
  data->message = cut_message (message);
  data->last = kube_clock_get_time (recorder->clock);
  g_queue_push_tail (&recorder->waiting, data);
  pump (recorder);
}

/**
 * kube_event_recorder_recordf: (skip)
 * @recorder: a recorder
 * @about: which object
 * @field_path: (nullable): which part of it
 * @type: `Normal` or `Warning`
 * @reason: in one word, for machines
 * @format: printf format
 * @...: its arguments
 *
 * As kube_event_recorder_record().
 *
 * Since: 1.0
 */
void
kube_event_recorder_recordf (KubeEventRecorder *recorder, KubeObject *about, const char *field_path, const char *type,
                             const char *reason, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  kube_event_recorder_record (recorder, about, field_path, type, reason, message);
}
