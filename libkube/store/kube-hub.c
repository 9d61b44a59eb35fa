/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-hub-private.h"

#include <stdatomic.h>
#include <string.h>

/* A commit finds the watches of its events by the prefixes of their keys: a bucket for each prefix that is watched, in it a feed for
 * each main context that watches it, however many watches that context has there. What is committed is appended to the feed, once,
 * and the context is woken once; all watches of the feed then get the same array.
 *
 * A watch that begins in the past, and a feed that fell so far behind that its events left the ring, catch up on their own thread:
 * from the store's history in pieces, then from the ring, and then, under the hub's lock, they are live. */

#define CATCH_UP 256
#define DEFAULT_BYTES (16 * 1024 * 1024)

typedef struct _Port Port;

typedef struct {
  const char *text;
  gsize length;
  guint hash;
} Prefix;

struct _KubeHubMark {
  _Atomic guint64 revision;
};

typedef struct {
  Prefix prefix;     /* its text is the tail of this block */
  GPtrArray *feeds;  /* (element-type Feed) (mutex hub) */
  KubeHubMark *mark; /* (owned) (nullable) (mutex hub): a bucket that has one stays */
  char text[];
} Bucket;

typedef struct {
  Bucket *bucket;
  Port *port;
  GPtrArray *pending; /* (element-type KubeHubEvent) (mutex hub) */
  gboolean dirty;     /* (mutex hub): is in the port's list */
  gboolean lost;      /* (mutex hub): pending was dropped */
  guint64 lost_after;
  GPtrArray *watches; /* (element-type KubeHubWatch) only on the port's context; NULL where one was stopped meanwhile */
  guint n_watches, depth;
} Feed;

/* A main context that has watches. */
struct _Port {
  GSource source;
  KubeHub *hub; /* (unowned): its watches hold it */
  GMainContext *context;
  GPtrArray *dirty;      /* (element-type Feed) (mutex hub) */
  GPtrArray *catching;   /* (element-type KubeHubWatch) only on the context */
  GHashTable *watches;   /* only on the context */
};

struct _KubeHubWatch {
  KubeHub *hub; /* (owned) */
  Feed *feed;
  guint64 after; /* all events up to this one were delivered */
  gboolean live, was_live, ended;
  KubeHubWatchFunc func;
  gpointer user_data;
};

struct _KubeHub {
  GObject parent_instance;
  KubeStore *store; /* (owned) */
  KubeHubHistory history;

  GMutex mutex;
  KubeHubRing ring;    /* (mutex mutex) from here on */
  guint64 revision;
  GHashTable *buckets; /* (element-type Prefix Bucket) */
  GHashTable *ports;   /* (element-type GMainContext Port) */
  GPtrArray *to_wake;  /* (element-type Port) */
  guint n_catching;
  gboolean closed;
};

G_DEFINE_FINAL_TYPE (KubeHub, kube_hub, G_TYPE_OBJECT)

static guint
hash_byte (guint hash, char byte)
{
  return hash * 33 + (guchar) byte;
}

static Prefix
prefix_of (const char *text)
{
  Prefix prefix = { text, 0, 5381 };

  for (; text[prefix.length] != '\0'; prefix.length++)
    prefix.hash = hash_byte (prefix.hash, text[prefix.length]);
  return prefix;
}

static guint
prefix_hash (gconstpointer prefix)
{
  return ((const Prefix *) prefix)->hash;
}

static gboolean
prefix_equal (gconstpointer a, gconstpointer b)
{
  const Prefix *x = a, *y = b;

  return x->length == y->length && memcmp (x->text, y->text, x->length) == 0;
}

static void
bucket_free (Bucket *bucket)
{
  g_ptr_array_unref (bucket->feeds);
  g_free (bucket->mark);
  g_free (bucket);
}

/* (mutex hub) */
static void
feed_mark (KubeHub *self, Feed *feed)
{
  if (feed->dirty)
    return;
  feed->dirty = TRUE;
  if (feed->port->dirty->len == 0)
    g_ptr_array_add (self->to_wake, feed->port);
  g_ptr_array_add (feed->port->dirty, feed);
}

/* (mutex hub) */
static void
bucket_post (KubeHub *self, const Prefix *prefix, KubeHubEvent *event)
{
  Bucket *bucket = g_hash_table_lookup (self->buckets, prefix);

  if (bucket != NULL && bucket->mark != NULL)
    atomic_store (&bucket->mark->revision, event->revision);
  for (guint i = 0; bucket != NULL && i < bucket->feeds->len; i++) {
    Feed *feed = bucket->feeds->pdata[i];

    feed_mark (self, feed);
    if (feed->lost)
      continue;
    if (feed->pending->len > 0 && ((KubeHubEvent *) feed->pending->pdata[0])->revision <= self->ring.base) {
      feed->lost = TRUE;
      feed->lost_after = ((KubeHubEvent *) feed->pending->pdata[0])->revision - 1;
      g_ptr_array_set_size (feed->pending, 0);
      continue;
    }
    g_ptr_array_add (feed->pending, kube_hub_event_ref (event));
  }
}

/* (mutex hub) */
static void
post (KubeHub *self, KubeHubEvent *event)
{
  Prefix prefix = { event->key, 0, 5381 };

  while (event->key[prefix.length] != '\0') {
    char byte = event->key[prefix.length++];

    prefix.hash = hash_byte (prefix.hash, byte);
    if (byte == '/' || event->key[prefix.length] == '\0')
      bucket_post (self, &prefix, event);
  }
}

static void
on_commit (KubeStore *store, const KubeStoreEvent *events, guint n_events, gpointer user_data)
{
  KubeHub *self = user_data;
  g_autofree KubeHubEvent **made = g_new (KubeHubEvent *, n_events);
  g_autoptr (GPtrArray) dropped = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_hub_event_unref);

  for (guint i = 0; i < n_events; i++)
    made[i] = kube_hub_event_new (&events[i]);

  g_mutex_lock (&self->mutex);
  for (guint i = 0; i < n_events; i++) {
    kube_hub_ring_push (&self->ring, made[i], dropped);
    if (g_hash_table_size (self->buckets) > 0)
      post (self, made[i]);
  }
  if (n_events > 0)
    self->revision = events[n_events - 1].revision;
  for (guint i = 0; i < self->to_wake->len; i++)
    g_source_set_ready_time (self->to_wake->pdata[i], 0);
  g_ptr_array_set_size (self->to_wake, 0);
  g_mutex_unlock (&self->mutex);
}

static void
watch_end (KubeHubWatch *watch, const GError *error)
{
  watch->ended = TRUE;
  watch->live = FALSE;
  watch->func (watch, NULL, 0, watch->after, error, watch->user_data);
}

static void
watch_deliver (KubeHubWatch *watch, KubeHubEvent *const *events, guint n, guint64 upto)
{
  guint first = 0;

  while (first < n && events[first]->revision <= watch->after)
    first++;
  watch->after = MAX (watch->after, upto);
  if (first < n)
    watch->func (watch, events + first, n - first, watch->after, NULL, watch->user_data);
}

static void
begin_catching (Port *port, KubeHubWatch *watch)
{
  watch->live = FALSE;
  g_ptr_array_add (port->catching, watch);
  g_mutex_lock (&port->hub->mutex);
  port->hub->n_catching++;
  g_mutex_unlock (&port->hub->mutex);
  g_source_set_ready_time (&port->source, 0);
}

static void
end_catching (Port *port, KubeHubWatch *watch)
{
  gboolean last;

  if (!g_ptr_array_remove (port->catching, watch))
    return;
  g_mutex_lock (&port->hub->mutex);
  last = --port->hub->n_catching == 0;
  g_mutex_unlock (&port->hub->mutex);
  if (last)
    kube_hub_history_forget (&port->hub->history);
}

/* What of @events is of the watch's range and new to it. */
static GPtrArray *
watch_select (KubeHubWatch *watch, GPtrArray *events)
{
  GPtrArray *selected = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_hub_event_unref);
  const Prefix *prefix = &watch->feed->bucket->prefix;

  for (guint i = 0; i < events->len; i++) {
    KubeHubEvent *event = events->pdata[i];

    if (event->revision > watch->after && kube_hub_event_is_in (event, prefix->text, prefix->length))
      g_ptr_array_add (selected, kube_hub_event_ref (event));
  }
  return selected;
}

/* The next events of the ring for a watch; at the ring's end it is live. FALSE: the ring begins after what the watch needs.
 * (mutex hub) */
static gboolean
take_from_ring (KubeHub *self, KubeHubWatch *watch, GPtrArray *selected, guint64 *upto)
{
  const Prefix *prefix = &watch->feed->bucket->prefix;
  gsize i;

  if (watch->after < self->ring.base)
    return FALSE;
  for (i = kube_hub_ring_find (&self->ring, watch->after); i < self->ring.length && selected->len < CATCH_UP; i++) {
    KubeHubEvent *event = kube_hub_ring_get (&self->ring, i);

    *upto = event->revision;
    if (kube_hub_event_is_in (event, prefix->text, prefix->length))
      g_ptr_array_add (selected, kube_hub_event_ref (event));
  }
  if (i >= self->ring.length) {
    watch->live = watch->was_live = TRUE;
    *upto = MAX (watch->after, self->revision);
  }
  return TRUE;
}

static void
catch_up_from_history (Port *port, KubeHubWatch *watch)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) selected = NULL, events = NULL;
  guint64 last;

  events = kube_hub_history_read (&port->hub->history, watch->after, &last, &error);
  if (events == NULL) {
    end_catching (port, watch);
    if (watch->was_live && g_error_matches (error, KUBE_ERROR, KUBE_ERROR_EXPIRED))
      error->code = KUBE_ERROR_TOO_MANY_REQUESTS;
    watch_end (watch, error);
    return;
  }
  selected = watch_select (watch, events);
  watch_deliver (watch, (KubeHubEvent *const *) selected->pdata, selected->len, last);
}

static void
catch_up (Port *port, KubeHubWatch *watch)
{
  KubeHub *self = port->hub;
  g_autoptr (GPtrArray) selected = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_hub_event_unref);
  guint64 upto = watch->after;
  gboolean closed, in_ring;

  g_mutex_lock (&self->mutex);
  closed = self->closed;
  in_ring = !closed && take_from_ring (self, watch, selected, &upto);
  g_mutex_unlock (&self->mutex);

  if (closed)
    return; /* port_end() tells it */
  if (!in_ring) {
    catch_up_from_history (port, watch);
    return;
  }
  if (watch->live)
    end_catching (port, watch);
  watch_deliver (watch, (KubeHubEvent *const *) selected->pdata, selected->len, upto);
}

static gboolean
has_watch (Port *port, gpointer watch)
{
  return g_hash_table_contains (port->watches, watch);
}

/* Each watch that is behind gets one piece; then others have their turn. */
static void
port_catch_up (Port *port)
{
  g_autoptr (GPtrArray) round = NULL;

  if (port->catching->len == 0)
    return;
  round = g_ptr_array_copy (port->catching, NULL, NULL);
  for (guint i = 0; i < round->len; i++) {
    if (has_watch (port, round->pdata[i]) && !((KubeHubWatch *) round->pdata[i])->ended)
      catch_up (port, round->pdata[i]);
  }
  if (port->catching->len > 0)
    g_source_set_ready_time (&port->source, 0);
}

static void
port_end (Port *port)
{
  g_autoptr (GError) error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE, "the server is shutting down");
  guint n;
  g_autofree gpointer *watches = g_hash_table_get_keys_as_array (port->watches, &n);

  for (guint i = 0; i < n; i++) {
    KubeHubWatch *watch = watches[i];

    if (!has_watch (port, watch) || watch->ended)
      continue;
    end_catching (port, watch);
    watch_end (watch, error);
  }
}

static void
feed_free (Feed *feed)
{
  Bucket *bucket = feed->bucket;
  KubeHub *self = feed->port->hub;

  g_mutex_lock (&self->mutex);
  g_ptr_array_remove_fast (bucket->feeds, feed);
  if (bucket->feeds->len == 0 && bucket->mark == NULL)
    g_hash_table_remove (self->buckets, &bucket->prefix);
  g_ptr_array_remove (feed->port->dirty, feed);
  g_mutex_unlock (&self->mutex);
  g_ptr_array_unref (feed->pending);
  g_ptr_array_unref (feed->watches);
  g_free (feed);
}

static void
feed_settle (Feed *feed)
{
  if (--feed->depth > 0)
    return;
  if (feed->n_watches == 0) {
    feed_free (feed);
    return;
  }
  if (feed->n_watches < feed->watches->len)
    while (g_ptr_array_remove_fast (feed->watches, NULL))
      continue;
}

static void
feed_deliver (Feed *feed, GPtrArray *events, gboolean lost, guint64 lost_after, guint64 upto)
{
  guint n = feed->watches->len;

  for (guint i = 0; i < n; i++) {
    KubeHubWatch *watch = feed->watches->pdata[i];

    if (watch == NULL || !watch->live)
      continue;
    if (lost) {
      watch->after = MAX (watch->after, lost_after);
      begin_catching (feed->port, watch);
    } else {
      watch_deliver (watch, (KubeHubEvent *const *) events->pdata, events->len, upto);
    }
  }
}

static void
port_deliver (Port *port)
{
  KubeHub *self = port->hub;
  g_autoptr (GPtrArray) feeds = NULL;
  guint n;

  g_mutex_lock (&self->mutex);
  feeds = g_ptr_array_copy (port->dirty, NULL, NULL);
  n = feeds->len;
  g_ptr_array_set_size (port->dirty, 0);
  for (guint i = 0; i < n; i++) {
    ((Feed *) feeds->pdata[i])->dirty = FALSE;
    ((Feed *) feeds->pdata[i])->depth++;
  }
  g_mutex_unlock (&self->mutex);

  for (guint i = 0; i < n; i++) {
    Feed *feed = feeds->pdata[i];
    g_autoptr (GPtrArray) events = NULL;
    GPtrArray *empty = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_hub_event_unref);
    guint64 upto, lost_after;
    gboolean lost;

    g_mutex_lock (&self->mutex);
    events = g_steal_pointer (&feed->pending);
    feed->pending = empty;
    lost = feed->lost;
    lost_after = feed->lost_after;
    feed->lost = FALSE;
    upto = self->revision;
    g_mutex_unlock (&self->mutex);
    feed_deliver (feed, events, lost, lost_after, upto);
    feed_settle (feed);
  }
}

static gboolean
port_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  Port *port = (Port *) source;
  g_autoptr (KubeHub) hub = g_object_ref (port->hub);
  gboolean closed;

  g_source_set_ready_time (source, -1);
  port_deliver (port);
  port_catch_up (port);
  g_mutex_lock (&hub->mutex);
  closed = hub->closed;
  g_mutex_unlock (&hub->mutex);
  if (closed)
    port_end (port);
  return G_SOURCE_CONTINUE;
}

static void
port_finalize (GSource *source)
{
  Port *port = (Port *) source;

  g_clear_pointer (&port->dirty, g_ptr_array_unref);
  g_clear_pointer (&port->catching, g_ptr_array_unref);
  g_clear_pointer (&port->watches, g_hash_table_unref);
}

static GSourceFuncs port_funcs = { .dispatch = port_dispatch, .finalize = port_finalize };

static Port *
port_new (KubeHub *self, GMainContext *context)
{
  Port *port = (Port *) g_source_new (&port_funcs, sizeof *port);

  port->hub = self;
  port->context = context;
  port->dirty = g_ptr_array_new ();
  port->catching = g_ptr_array_new ();
  port->watches = g_hash_table_new (NULL, NULL);
  g_source_set_static_name (&port->source, "kube-hub");
  g_source_set_ready_time (&port->source, -1);
  g_source_attach (&port->source, context);
  return port;
}

/* (mutex hub) */
static Bucket *
ensure_bucket (KubeHub *self, const char *prefix_text)
{
  Prefix prefix = prefix_of (prefix_text);
  Bucket *bucket = g_hash_table_lookup (self->buckets, &prefix);

  if (bucket != NULL)
    return bucket;
  bucket = g_malloc0 (sizeof *bucket + prefix.length + 1);
  memcpy (bucket->text, prefix_text, prefix.length + 1);
  bucket->prefix = (Prefix) { bucket->text, prefix.length, prefix.hash };
  bucket->feeds = g_ptr_array_new ();
  g_hash_table_insert (self->buckets, &bucket->prefix, bucket);
  return bucket;
}

/* (mutex hub) */
static Feed *
ensure_feed (KubeHub *self, Port *port, const char *prefix)
{
  Bucket *bucket = ensure_bucket (self, prefix);
  Feed *feed;

  for (guint i = 0; i < bucket->feeds->len; i++) {
    feed = bucket->feeds->pdata[i];
    if (feed->port == port)
      return feed;
  }
  feed = g_new0 (Feed, 1);
  feed->bucket = bucket;
  feed->port = port;
  feed->pending = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_hub_event_unref);
  feed->watches = g_ptr_array_new ();
  g_ptr_array_add (bucket->feeds, feed);
  return feed;
}

/* Begins to watch the keys that begin with @prefix, or the one key @prefix where that does not end in '/', after revision @after (0:
 * the newest). Events come on the main context that is thread-default now, never from within this call. The watch lasts until
 * kube_hub_watch_stop(), also where it has ended with an error. */
KubeHubWatch *
kube_hub_watch (KubeHub *self, const char *prefix, guint64 after, KubeHubWatchFunc func, gpointer user_data)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  KubeHubWatch *watch = g_new0 (KubeHubWatch, 1);
  Port *port;

  g_return_val_if_fail (prefix[0] != '\0', NULL);

  watch->hub = g_object_ref (self);
  watch->func = func;
  watch->user_data = user_data;

  g_mutex_lock (&self->mutex);
  port = g_hash_table_lookup (self->ports, context);
  if (port == NULL) {
    port = port_new (self, context);
    g_hash_table_insert (self->ports, context, port);
  }
  watch->feed = ensure_feed (self, port, prefix);
  watch->after = after != 0 ? after : self->revision;
  watch->live = watch->was_live = watch->after >= self->revision && !self->closed;
  g_ptr_array_add (watch->feed->watches, watch);
  watch->feed->n_watches++;
  g_hash_table_add (port->watches, watch);
  g_mutex_unlock (&self->mutex);

  if (!watch->live)
    begin_catching (port, watch);
  return watch;
}

/* On the watch's own thread; its func is not called again. */
void
kube_hub_watch_stop (KubeHubWatch *watch)
{
  g_autoptr (KubeHub) self = g_steal_pointer (&watch->hub);
  Feed *feed = watch->feed;
  Port *port = feed->port;
  guint index;

  end_catching (port, watch);
  g_hash_table_remove (port->watches, watch);
  if (g_ptr_array_find (feed->watches, watch, &index)) {
    if (feed->depth > 0)
      feed->watches->pdata[index] = NULL;
    else
      g_ptr_array_remove_index_fast (feed->watches, index);
  }
  feed->n_watches--;
  if (feed->n_watches == 0 && feed->depth == 0)
    feed_free (feed);
  if (g_hash_table_size (port->watches) == 0) {
    g_mutex_lock (&self->mutex);
    g_hash_table_remove (self->ports, port->context);
    g_mutex_unlock (&self->mutex);
    g_source_destroy (&port->source);
    g_source_unref (&port->source);
  }
  g_free (watch);
}

/* Up to which revision everything of the watch's range was delivered; on the watch's own thread. */
guint64
kube_hub_watch_get_revision (KubeHubWatch *watch)
{
  KubeHub *self = watch->hub;
  guint64 revision;

  g_mutex_lock (&self->mutex);
  revision = watch->live && !watch->feed->dirty && watch->feed->depth == 0 ? MAX (watch->after, self->revision) : watch->after;
  g_mutex_unlock (&self->mutex);
  return revision;
}

KubeObject *
kube_hub_find (KubeHub *self, const char *key, guint64 revision)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  KubeHubEvent *event = g_hash_table_lookup (self->ring.newest, key);

  return event != NULL && event->revision == revision && event->type == KUBE_STORE_EVENT_PUT ? kube_object_ref (event->object) : NULL;
}

const KubeHubMark *
kube_hub_mark (KubeHub *self, const char *prefix)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);
  Bucket *bucket = ensure_bucket (self, prefix);

  if (bucket->mark == NULL)
    bucket->mark = g_new0 (KubeHubMark, 1);
  return bucket->mark;
}

guint64
kube_hub_mark_get_revision (const KubeHubMark *mark)
{
  return atomic_load (&mark->revision);
}

/* The newest revision that was handed out to watches. */
guint64
kube_hub_get_revision (KubeHub *self)
{
  guint64 revision;

  g_mutex_lock (&self->mutex);
  revision = self->revision;
  g_mutex_unlock (&self->mutex);
  return revision;
}

/* Ends all watches with %KUBE_ERROR_SERVICE_UNAVAILABLE, each on its own thread, and lets go of the store's commits. */
void
kube_hub_close (KubeHub *self)
{
  GHashTableIter iter;
  gpointer port;

  g_mutex_lock (&self->mutex);
  if (self->closed) {
    g_mutex_unlock (&self->mutex);
    return;
  }
  self->closed = TRUE;
  g_hash_table_iter_init (&iter, self->ports);
  while (g_hash_table_iter_next (&iter, NULL, &port))
    g_source_set_ready_time (port, 0);
  g_mutex_unlock (&self->mutex);
  kube_store_set_commit_func (self->store, NULL, NULL);
}

static void
kube_hub_finalize (GObject *object)
{
  KubeHub *self = KUBE_HUB (object);

  kube_hub_close (self);
  kube_hub_ring_clear (&self->ring);
  kube_hub_history_clear (&self->history);
  g_hash_table_unref (self->buckets);
  g_hash_table_unref (self->ports);
  g_ptr_array_unref (self->to_wake);
  g_mutex_clear (&self->mutex);
  g_object_unref (self->store);
  G_OBJECT_CLASS (kube_hub_parent_class)->finalize (object);
}

static void
kube_hub_class_init (KubeHubClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_hub_finalize;
}

static void
kube_hub_init (KubeHub *self)
{
  g_mutex_init (&self->mutex);
  self->buckets = g_hash_table_new_full (prefix_hash, prefix_equal, NULL, (GDestroyNotify) bucket_free);
  self->ports = g_hash_table_new (NULL, NULL);
  self->to_wake = g_ptr_array_new ();
}

/* Makes a hub for @store and takes its commit func; before the first write. @history_bytes: how much memory the newest events
 * may take; 0: 16 MiB. */
KubeHub *
kube_hub_new (KubeStore *store, gsize history_bytes)
{
  KubeHub *self = g_object_new (KUBE_TYPE_HUB, NULL);

  self->store = g_object_ref (store);
  kube_hub_history_init (&self->history, store);
  self->revision = kube_store_get_revision (store);
  kube_hub_ring_init (&self->ring, history_bytes != 0 ? history_bytes : DEFAULT_BYTES, self->revision);
  kube_store_set_commit_func (store, on_commit, self);
  return self;
}
