/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-event-correlator-private.h"

/* client-go's defaults */
#define CACHE_SIZE 4096
#define SIMILAR_MAX 10
#define SIMILAR_INTERVAL (600 * (gint64) G_USEC_PER_SEC)
#define OBSERVED_INTERVAL (3600 * (gint64) G_USEC_PER_SEC) /* the server keeps an Event so long */
#define FLOOD_BURST 25
#define FLOOD_INTERVAL (300 * (gint64) G_USEC_PER_SEC) /* one more */

/* A map that forgets what was not used for longest, and what would not change anything any more. */
typedef struct {
  GHashTable *links; /* (element-type utf8 GList): key owned by the record */
  GQueue records;    /* most recently used first */
} Cache;

/* First member of what a cache holds. */
typedef struct {
  char *key; /* (owned) */
} Record;

typedef struct {
  Record record;
  guint messages[SIMILAR_MAX]; /* hashes of the different ones in this interval */
  guint n_messages;
  gint64 last;
} Similar;

typedef struct {
  Record record;
  gint64 count;
  gint64 first, last;
  char *name;
} Observed;

typedef struct {
  Record record;
  double tokens;
  gint64 at;
} Flood;

struct _KubeEventCorrelator {
  Cache similar;
  Cache observed;
  Cache floods;
  gint64 last_nanoseconds; /* of the last name made */
};

static gboolean
similar_is_over (gconstpointer record, gint64 now)
{
  return now - ((const Similar *) record)->last > SIMILAR_INTERVAL;
}

static gboolean
observed_is_over (gconstpointer record, gint64 now)
{
  return now - ((const Observed *) record)->last > OBSERVED_INTERVAL;
}

static double
flood_tokens (const Flood *flood, gint64 now)
{
  return MIN (FLOOD_BURST, flood->tokens + (now - flood->at) / (double) FLOOD_INTERVAL);
}

static gboolean
flood_is_over (gconstpointer record, gint64 now)
{
  return flood_tokens (record, now) >= FLOOD_BURST;
}

static void
similar_free (Similar *similar)
{
  g_free (similar->record.key);
  g_free (similar);
}

static void
observed_free (Observed *observed)
{
  g_free (observed->record.key);
  g_free (observed->name);
  g_free (observed);
}

static void
flood_free (Flood *flood)
{
  g_free (flood->record.key);
  g_free (flood);
}

static void
cache_init (Cache *cache)
{
  cache->links = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&cache->records);
}

static void
cache_clear (Cache *cache, GDestroyNotify free_record)
{
  g_hash_table_unref (cache->links);
  g_queue_clear_full (&cache->records, free_record);
}

static gpointer
cache_get (Cache *cache, const char *key)
{
  GList *link = g_hash_table_lookup (cache->links, key);

  if (link == NULL)
    return NULL;
  g_queue_unlink (&cache->records, link);
  g_queue_push_head_link (&cache->records, link);
  return link->data;
}

static void
cache_drop_oldest (Cache *cache, GDestroyNotify free_record)
{
  Record *oldest = g_queue_pop_tail (&cache->records);

  g_hash_table_remove (cache->links, oldest->key);
  free_record (oldest);
}

static gpointer
cache_add (Cache *cache, const char *key, gpointer data, gint64 now, gboolean (*is_over) (gconstpointer record, gint64 now), GDestroyNotify free_record)
{
  Record *record = data;

  while (cache->records.length == CACHE_SIZE || (cache->records.length > 0 && is_over (cache->records.tail->data, now)))
    cache_drop_oldest (cache, free_record);
  record->key = g_strdup (key);
  g_queue_push_head (&cache->records, record);
  g_hash_table_insert (cache->links, record->key, cache->records.head);
  return record;
}

void
kube_event_data_free (KubeEventData *data)
{
  g_clear_pointer (&data->involved, kube_value_unref);
  g_free (data->type);
  g_free (data->reason);
  g_free (data->message);
  g_free (data->name);
  g_free (data);
}

KubeEventCorrelator *
kube_event_correlator_new (void)
{
  KubeEventCorrelator *self = g_new0 (KubeEventCorrelator, 1);

  cache_init (&self->similar);
  cache_init (&self->observed);
  cache_init (&self->floods);
  return self;
}

void
kube_event_correlator_free (KubeEventCorrelator *self)
{
  cache_clear (&self->similar, (GDestroyNotify) similar_free);
  cache_clear (&self->observed, (GDestroyNotify) observed_free);
  cache_clear (&self->floods, (GDestroyNotify) flood_free);
  g_free (self);
}

static void
append_part (GString *key, const char *part)
{
  if (part != NULL)
    g_string_append (key, part);
  g_string_append_c (key, '\x1f');
}

/* What identifies the object, without its revision. */
static GString *
object_key (KubeValue *involved)
{
  GString *key = g_string_new (NULL);

  append_part (key, kube_value_get_string (involved, "kind"));
  append_part (key, kube_value_get_string (involved, "namespace"));
  append_part (key, kube_value_get_string (involved, "name"));
  append_part (key, kube_value_get_string (involved, "uid"));
  append_part (key, kube_value_get_string (involved, "apiVersion"));
  return key;
}

/* An Event's name as client-go makes it; times of a clock that stands still differ too. */
static char *
make_name (KubeEventCorrelator *self, const KubeEventData *data, gint64 now)
{
  self->last_nanoseconds = MAX (now * 1000, self->last_nanoseconds + 1);
  return g_strdup_printf ("%s.%" G_GINT64_MODIFIER "x", kube_value_get_string (data->involved, "name"), self->last_nanoseconds);
}

static void
note_message (Similar *similar, const char *message)
{
  guint hash = g_str_hash (message);

  for (guint i = 0; i < similar->n_messages; i++) {
    if (similar->messages[i] == hash)
      return;
  }
  if (similar->n_messages < SIMILAR_MAX)
    similar->messages[similar->n_messages++] = hash;
}

/* Writes many different messages of one reason as one; answers the key that it is counted under. */
static char *
aggregate (KubeEventCorrelator *self, KubeEventData *data, gint64 now)
{
  GString *key = object_key (data->involved);

  append_part (key, data->type);
  append_part (key, data->reason);

  Similar *similar = cache_get (&self->similar, key->str);
  if (similar == NULL)
    similar = cache_add (&self->similar, key->str, g_new0 (Similar, 1), now, similar_is_over, (GDestroyNotify) similar_free);
  else if (similar_is_over (similar, now))
    similar->n_messages = 0;
  similar->last = now;
  note_message (similar, data->message);
  if (similar->n_messages >= SIMILAR_MAX) {
    char *combined = g_strconcat ("(combined from similar events): ", data->message, NULL);
    g_free (data->message);
    data->message = combined;
    return g_string_free (key, FALSE);
  }

  append_part (key, kube_value_get_string (data->involved, "fieldPath"));
  append_part (key, data->message);
  return g_string_free (key, FALSE);
}

static gboolean
is_flood (KubeEventCorrelator *self, const KubeEventData *data, gint64 now)
{
  GString *key = object_key (data->involved);
  Flood *flood = cache_get (&self->floods, key->str);

  if (flood == NULL) {
    flood = cache_add (&self->floods, key->str, g_new0 (Flood, 1), now, flood_is_over, (GDestroyNotify) flood_free);
    flood->tokens = FLOOD_BURST;
    flood->at = now;
  }
  g_string_free (key, TRUE);
  flood->tokens = flood_tokens (flood, now);
  flood->at = now;
  if (flood->tokens < 1)
    return TRUE;
  flood->tokens -= 1;
  return FALSE;
}

KubeEventAction
kube_event_correlator_correlate (KubeEventCorrelator *self, KubeEventData *data, gint64 now, char **key)
{
  g_autofree char *own_key = aggregate (self, data, now);
  Observed *observed = cache_get (&self->observed, own_key);
  KubeEventAction action = observed != NULL ? KUBE_EVENT_PATCH : KUBE_EVENT_CREATE;

  data->last = now;
  if (observed == NULL) {
    observed = cache_add (&self->observed, own_key, g_new0 (Observed, 1), now, observed_is_over, (GDestroyNotify) observed_free);
    observed->first = now;
    observed->name = make_name (self, data, now);
  }
  observed->last = now;
  observed->count++;
  data->first = observed->first;
  data->count = observed->count;
  g_free (data->name);
  data->name = g_strdup (observed->name);
  *key = g_steal_pointer (&own_key);
  return is_flood (self, data, now) ? KUBE_EVENT_DROP : action;
}

void
kube_event_correlator_forget (KubeEventCorrelator *self, const char *key)
{
  GList *link = g_hash_table_lookup (self->observed.links, key);

  if (link == NULL)
    return;
  g_hash_table_remove (self->observed.links, key);
  observed_free (link->data);
  g_queue_delete_link (&self->observed.records, link);
}
