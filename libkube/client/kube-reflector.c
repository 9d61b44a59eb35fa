/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-reflector-private.h"
#include "kube-backoff-private.h"
#include "kube-source.h"

#define PAGE_SIZE 500
#define WATCH_SECONDS_MIN 300      /* a watch ends after this to twice this, so that not all end at once */
#define SHORT_WATCH G_USEC_PER_SEC /* ended sooner, and without an event, it counts as failed */
#define INITIAL_EVENTS_END "k8s.io/initial-events-end"

typedef enum { LIST, WATCH } Step;

struct _KubeReflector {
  GObject parent;

  KubeClient *client; /* (owned) */
  KubeClock *clock;   /* (owned) */
  KubeKind *kind;     /* (owned) */
  char *namespace_;
  char *label_selector;
  char *field_selector;
  const KubeReflectorFuncs *funcs;
  gpointer user_data;
  GMainContext *context; /* (owned) */

  gboolean running;
  gboolean streaming;     /* the first list as a watch with initial events, while the server can do that */
  char *resource_version; /* (nullable) */
  gboolean from_scratch;  /* the server does not know resource_version: list at its newest */
  KubeBackoff backoff;
  Step next; /* what comes after the back-off */

  GCancellable *cancellable; /* (owned) (nullable): of the list under way */
  GPtrArray *listed;         /* (owned) (nullable) (element-type KubeObject): pages, or initial events so far */
  char *continue_token;      /* (nullable) */
  gint64 listed_at;
  KubeWatch *watch; /* (owned) (nullable) */
  gint64 watch_since;
  gboolean watch_had_events;
  GSource *timer; /* (owned) (nullable): back-off */
};

G_DEFINE_FINAL_TYPE (KubeReflector, kube_reflector, G_TYPE_OBJECT)

static void list_begin (KubeReflector *self);
static void watch_begin (KubeReflector *self, gboolean initial);

static gint64
now_of (KubeReflector *self)
{
  return kube_clock_get_monotonic_time (self->clock);
}

static void
drop_watch (KubeReflector *self)
{
  if (self->watch == NULL)
    return;
  g_signal_handlers_disconnect_by_data (self->watch, self);
  kube_watch_stop (self->watch);
  g_clear_object (&self->watch);
}

static void
drop_list (KubeReflector *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->listed, g_ptr_array_unref);
  g_clear_pointer (&self->continue_token, g_free);
}

static void
kube_reflector_finalize (GObject *object)
{
  KubeReflector *self = KUBE_REFLECTOR (object);

  kube_reflector_stop (self);
  g_free (self->namespace_);
  g_free (self->label_selector);
  g_free (self->field_selector);
  g_free (self->resource_version);
  g_main_context_unref (self->context);
  kube_kind_unref (self->kind);
  g_object_unref (self->clock);
  g_object_unref (self->client);
  G_OBJECT_CLASS (kube_reflector_parent_class)->finalize (object);
}

static void
kube_reflector_class_init (KubeReflectorClass *class)
{
  G_OBJECT_CLASS (class)->finalize = kube_reflector_finalize;
}

static void
kube_reflector_init (KubeReflector *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->backoff = KUBE_BACKOFF_REFLECTOR;
}

KubeReflector *
kube_reflector_new (KubeClient *client, KubeClock *clock, KubeKind *kind, const char *namespace_, const KubeReflectorFuncs *funcs,
                    gpointer user_data)
{
  KubeReflector *self = g_object_new (KUBE_TYPE_REFLECTOR, NULL);

  self->client = g_object_ref (client);
  self->clock = g_object_ref (clock);
  self->kind = kube_kind_ref (kind);
  self->namespace_ = g_strdup (namespace_);
  self->funcs = funcs;
  self->user_data = user_data;
  return self;
}

void
kube_reflector_set_selectors (KubeReflector *self, const char *label_selector, const char *field_selector)
{
  g_free (self->label_selector);
  g_free (self->field_selector);
  self->label_selector = g_strdup (label_selector);
  self->field_selector = g_strdup (field_selector);
}

void
kube_reflector_set_streaming (KubeReflector *self, gboolean streaming)
{
  self->streaming = streaming;
}

const char *
kube_reflector_get_resource_version (KubeReflector *self)
{
  return self->resource_version;
}

static gboolean
on_backed_off (gpointer user_data)
{
  g_autoptr (KubeReflector) self = g_object_ref (user_data);

  g_clear_pointer (&self->timer, g_source_unref);
  if (self->next == LIST)
    list_begin (self);
  else
    watch_begin (self, FALSE);
  return G_SOURCE_REMOVE;
}

static void
back_off (KubeReflector *self, Step next)
{
  gint64 now = now_of (self);

  self->next = next;
  self->timer = kube_clock_create_timer (self->clock, now + kube_backoff_next (&self->backoff, now));
  g_source_set_callback (self->timer, on_backed_off, self, NULL);
  g_source_attach (self->timer, self->context);
}

/* Says what went wrong, and tries again later unless that made the listener stop. */
static void
fail (KubeReflector *self, const GError *error, Step next)
{
  self->funcs->error (error, self->user_data);
  if (self->running)
    back_off (self, next);
}

static gboolean
is_expired (const GError *error)
{
  return g_error_matches (error, KUBE_ERROR, KUBE_ERROR_EXPIRED) || g_error_matches (error, KUBE_ERROR, KUBE_ERROR_GONE);
}

/* The server has never got as far as the revision that we ask for: its store was set back. */
static gboolean
is_too_new (const GError *error)
{
  const KubeErrorDetails *details = kube_error_get_details (error);

  for (guint i = 0; details != NULL && details->causes != NULL && i < details->causes->len; i++) {
    const KubeErrorCause *cause = g_ptr_array_index (details->causes, i);
    if (g_strcmp0 (cause->reason, "ResourceVersionTooLarge") == 0)
      return TRUE;
  }
  return FALSE;
}

static void
set_resource_version (KubeReflector *self, const char *resource_version)
{
  if (resource_version == NULL || g_strcmp0 (resource_version, self->resource_version) == 0)
    return;
  g_free (self->resource_version);
  self->resource_version = g_strdup (resource_version);
}

static KubeRequest *
request_new (KubeReflector *self, KubeVerb verb)
{
  KubeRequest *request = kube_request_new (verb, self->kind, self->namespace_, NULL);

  kube_request_set_option (request, "labelSelector", self->label_selector);
  kube_request_set_option (request, "fieldSelector", self->field_selector);
  return request;
}

static void
list_complete (KubeReflector *self, const char *resource_version)
{
  g_autoptr (KubeReflector) keep = g_object_ref (self);
  g_autoptr (GPtrArray) listed = g_steal_pointer (&self->listed);

  set_resource_version (self, resource_version);
  self->from_scratch = FALSE;
  self->listed_at = now_of (self);
  self->funcs->replace (listed, self->user_data);
}

static void list_page (KubeReflector *self);

static void
list_failed (KubeReflector *self, const GError *error)
{
  gboolean retry = (is_expired (error) || is_too_new (error)) && !self->from_scratch;

  drop_list (self);
  if (!retry) {
    fail (self, error, LIST);
    return;
  }
  self->from_scratch = TRUE;
  list_begin (self);
}

static void
on_page (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (KubeReflector) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (!self->running || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  KubeObjectList *list = response != NULL ? kube_response_get_list (response) : NULL;
  if (response != NULL && list == NULL)
    error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_INTERNAL, "the server answered without a list");
  if (error != NULL) {
    g_prefix_error (&error, "listing %s: ", kube_kind_get_qualified_name (self->kind));
    list_failed (self, error);
    return;
  }

  for (guint i = 0; i < kube_object_list_get_length (list); i++)
    g_ptr_array_add (self->listed, kube_object_ref (kube_object_list_get (list, i)));
  g_free (self->continue_token);
  self->continue_token = g_strdup (kube_object_list_get_continue (list));
  if (self->continue_token != NULL) {
    list_page (self);
    return;
  }
  g_clear_object (&self->cancellable);
  list_complete (self, kube_object_list_get_resource_version (list));
  if (self->running)
    watch_begin (self, FALSE);
}

static void
list_page (KubeReflector *self)
{
  g_autoptr (KubeRequest) request = request_new (self, KUBE_VERB_LIST);

  if (self->continue_token != NULL)
    kube_request_set_option (request, "continue", self->continue_token);
  else if (!self->from_scratch)
    kube_request_set_option (request, "resourceVersion", self->resource_version != NULL ? self->resource_version : "0");
  /* A list that is not older than a revision comes whole, as upstream's reflector asks for it. */
  if (self->continue_token != NULL || self->from_scratch || self->resource_version == NULL)
    kube_request_set_option_integer (request, "limit", PAGE_SIZE);
  kube_client_send_async (self->client, request, self->cancellable, on_page, g_object_ref (self));
}

static void
list_begin (KubeReflector *self)
{
  drop_list (self);
  if (self->streaming) {
    watch_begin (self, TRUE);
    return;
  }
  self->cancellable = g_cancellable_new ();
  self->listed = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  list_page (self);
}

/* While a streamed list comes in, its objects are only collected. */
static void
collect (KubeReflector *self, KubeWatchEventType type, KubeObject *object)
{
  if (type != KUBE_WATCH_BOOKMARK) {
    g_ptr_array_add (self->listed, kube_object_ref (object));
    return;
  }
  if (g_strcmp0 (kube_object_get_annotation (object, INITIAL_EVENTS_END), "true") == 0)
    list_complete (self, kube_object_get_resource_version (object));
}

static void
on_event (KubeWatch *watch, KubeWatchEventType type, KubeObject *object, gpointer user_data)
{
  g_autoptr (KubeReflector) self = g_object_ref (user_data);

  if (watch != self->watch)
    return;
  self->watch_had_events = TRUE;
  if (self->listed != NULL) {
    collect (self, type, object);
    return;
  }
  set_resource_version (self, kube_object_get_resource_version (object));
  if (type != KUBE_WATCH_BOOKMARK)
    self->funcs->event (type, object, self->user_data);
}

static gboolean
is_passing (const GError *error)
{
  if (error->domain != KUBE_ERROR)
    return TRUE;
  switch (error->code) {
  case KUBE_ERROR_SERVICE_UNAVAILABLE:
  case KUBE_ERROR_TOO_MANY_REQUESTS:
  case KUBE_ERROR_SERVER_TIMEOUT:
  case KUBE_ERROR_TIMEOUT:
  case KUBE_ERROR_INTERNAL:
  case KUBE_ERROR_UNKNOWN:
    return TRUE;
  default:
    return FALSE;
  }
}

/* A streamed list did not come to its end: a server that cannot do it says so, and is listed from then on. */
static void
stream_failed (KubeReflector *self, const GError *error)
{
  drop_list (self);
  if (error != NULL && !is_passing (error) && !is_expired (error)) {
    self->streaming = FALSE;
    list_begin (self);
    return;
  }
  self->from_scratch = self->from_scratch || (error != NULL && is_expired (error));
  g_autoptr (GError) ended
      = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_INTERNAL, "the watch ended before its initial events did");
  fail (self, error != NULL ? error : ended, LIST);
}

static void
watch_ended (KubeReflector *self, const GError *error)
{
  gint64 now = now_of (self);

  if (error == NULL && (self->watch_had_events || now - self->watch_since >= SHORT_WATCH)) {
    watch_begin (self, FALSE);
    return;
  }
  if (error == NULL) {
    back_off (self, WATCH);
    return;
  }
  if (is_expired (error)) {
    /* Once at once; a server that forgets faster than we list must not be asked in a loop. */
    if (now - self->listed_at >= SHORT_WATCH)
      list_begin (self);
    else
      back_off (self, LIST);
    return;
  }
  self->from_scratch = self->from_scratch || is_too_new (error);
  fail (self, error, is_passing (error) && !self->from_scratch ? WATCH : LIST);
}

static void
on_closed (KubeWatch *watch, const GError *cause, gpointer user_data)
{
  g_autoptr (KubeReflector) self = g_object_ref (user_data);
  g_autoptr (GError) error = cause != NULL ? g_error_copy (cause) : NULL;

  if (watch != self->watch)
    return;
  if (error != NULL)
    g_prefix_error (&error, "watching %s: ", kube_kind_get_qualified_name (self->kind));
  drop_watch (self);
  if (self->listed != NULL)
    stream_failed (self, error);
  else
    watch_ended (self, error);
}

/* @initial: what there is comes first, as events */
static void
watch_begin (KubeReflector *self, gboolean initial)
{
  g_autoptr (KubeRequest) request = request_new (self, KUBE_VERB_WATCH);

  if (initial) {
    self->listed = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
    kube_request_set_option (request, "sendInitialEvents", "true");
    kube_request_set_option (request, "resourceVersionMatch", "NotOlderThan");
  }
  if (!(initial && self->from_scratch))
    kube_request_set_option (request, "resourceVersion", self->resource_version);
  kube_request_set_option (request, "allowWatchBookmarks", "true");
  kube_request_set_option_integer (request, "timeoutSeconds", WATCH_SECONDS_MIN + g_random_int_range (0, WATCH_SECONDS_MIN));

  self->watch = kube_client_watch (self->client, request);
  self->watch_since = now_of (self);
  self->watch_had_events = FALSE;
  kube_watch_set_func (self->watch, on_event, self, NULL);
  g_signal_connect (self->watch, "closed", G_CALLBACK (on_closed), self);
  kube_watch_start (self->watch);
}

void
kube_reflector_start (KubeReflector *self)
{
  if (self->running)
    return;
  self->running = TRUE;
  list_begin (self);
}

void
kube_reflector_stop (KubeReflector *self)
{
  self->running = FALSE;
  kube_clear_source (&self->timer);
  drop_list (self);
  drop_watch (self);
}
