/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-metrics.h>
#include <kube/kube-work-queue.h>
#include "kube-source.h"

#define BACKOFF_FIRST (5 * 1000)
#define BACKOFF_LONGEST (1000 * (gint64) G_USEC_PER_SEC)
#define BUCKET_SIZE 100
#define BUCKET_INTERVAL (G_USEC_PER_SEC / 10) /* one token */

/* All that is known of a key; gone once nothing of it holds any more. */
typedef struct {
  char *key;      /* (owned) */
  gboolean dirty; /* wants work: stands in the queue, or will once it is no longer in work */
  gboolean in_work;
  guint failures;
  gint64 ready_at;      /* where waiting: when it is added */
  guint64 order;        /* of waiting entries with the same time */
  GSequenceIter *place; /* (nullable): among the waiting */
  gint64 since;         /* when it became dirty, or was taken */
} Item;

struct _KubeWorkQueue {
  GObject parent;

  char *name;
  KubeClock *clock;      /* (owned) */
  GMainContext *context; /* (owned): of the owner's thread */
  KubeWorkQueueFunc func;
  gpointer user_data;
  GSource *notify; /* (owned) (nullable): a call of func that is under way */

  GHashTable *items;  /* (element-type utf8 Item): key owned by the item */
  GQueue ready;       /* (element-type Item): not owned */
  GSequence *waiting; /* (element-type Item): not owned, by time */
  guint64 next_order;
  GSource *timer; /* (owned) (nullable): for the first that waits */
  gboolean shut_down;

  gint64 backoff_first;
  gint64 backoff_longest;
  double tokens; /* may be negative: what was promised ahead */
  gint64 tokens_at;
};

G_DEFINE_FINAL_TYPE (KubeWorkQueue, kube_work_queue, G_TYPE_OBJECT)

typedef enum { ADDS, RETRIES, DEPTH, QUEUE_SECONDS, WORK_SECONDS } QueueMetric;

/* Names, labels and buckets are upstream's. */
static KubeMetric *
get_metric (QueueMetric which)
{
  static const char *const labels[] = { "name", NULL };
  static const double buckets[] = { 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000, 0 };
  static const struct {
    KubeMetricType type;
    const char *name;
    const char *help;
  } metrics[] = {
    [ADDS] = { KUBE_METRIC_COUNTER, "workqueue_adds_total", "Adds handled by the queue" },
    [RETRIES] = { KUBE_METRIC_COUNTER, "workqueue_retries_total", "Retries handled by the queue" },
    [DEPTH] = { KUBE_METRIC_GAUGE, "workqueue_depth", "Keys that wait to be taken" },
    [QUEUE_SECONDS] = { KUBE_METRIC_HISTOGRAM, "workqueue_queue_duration_seconds", "How long a key stays in the queue" },
    [WORK_SECONDS] = { KUBE_METRIC_HISTOGRAM, "workqueue_work_duration_seconds", "How long work on a key takes" },
  };
  static KubeMetric *made[G_N_ELEMENTS (metrics)];
  KubeMetric *metric = g_atomic_pointer_get (&made[which]);

  if (metric == NULL) {
    metric = kube_metric_get (metrics[which].type, metrics[which].name, metrics[which].help, labels, buckets);
    g_atomic_pointer_set (&made[which], metric);
  }
  return metric;
}

#define LABELS(self) ((const char *const[]){ (self)->name, NULL })

static void
item_free (gpointer data)
{
  Item *item = data;
  g_free (item->key);
  g_free (item);
}

static int
compare_waiting (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Item *x = a, *y = b;

  if (x->ready_at != y->ready_at)
    return x->ready_at < y->ready_at ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

static void
kube_work_queue_finalize (GObject *object)
{
  KubeWorkQueue *self = KUBE_WORK_QUEUE (object);

  kube_clear_source (&self->timer);
  kube_clear_source (&self->notify);
  g_queue_clear (&self->ready);
  g_sequence_free (self->waiting);
  g_hash_table_unref (self->items);
  g_main_context_unref (self->context);
  g_object_unref (self->clock);
  g_free (self->name);
  G_OBJECT_CLASS (kube_work_queue_parent_class)->finalize (object);
}

static void
kube_work_queue_class_init (KubeWorkQueueClass *class)
{
  G_OBJECT_CLASS (class)->finalize = kube_work_queue_finalize;
}

static void
kube_work_queue_init (KubeWorkQueue *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->items = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, item_free);
  g_queue_init (&self->ready);
  self->waiting = g_sequence_new (NULL);
  self->backoff_first = BACKOFF_FIRST;
  self->backoff_longest = BACKOFF_LONGEST;
  self->tokens = BUCKET_SIZE;
}

/**
 * kube_work_queue_new:
 * @name: (nullable): for metrics
 * @clock: (nullable): the real one
 *
 * Returns: (transfer full): an empty queue
 * Since: 1.0
 */
KubeWorkQueue *
kube_work_queue_new (const char *name, KubeClock *clock)
{
  KubeWorkQueue *self = g_object_new (KUBE_TYPE_WORK_QUEUE, NULL);

  self->name = g_strdup (name != NULL ? name : "");
  self->clock = g_object_ref (clock != NULL ? clock : kube_clock_get_real ());
  self->tokens_at = kube_clock_get_monotonic_time (self->clock);
  return self;
}

/**
 * kube_work_queue_set_func:
 * @queue: a queue
 * @func: (scope forever) (nullable): called from the main loop once there is something to take that was not there before
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_work_queue_set_func (KubeWorkQueue *queue, KubeWorkQueueFunc func, gpointer user_data)
{
  queue->func = func;
  queue->user_data = user_data;
}

/**
 * kube_work_queue_set_backoff:
 * @queue: a queue
 * @first: delay after the first failure, microseconds; it doubles with each one
 * @longest: the longest delay, microseconds
 *
 * Since: 1.0
 */
void
kube_work_queue_set_backoff (KubeWorkQueue *queue, gint64 first, gint64 longest)
{
  queue->backoff_first = first;
  queue->backoff_longest = longest;
}

static Item *
get_item (KubeWorkQueue *self, const char *key)
{
  Item *item = g_hash_table_lookup (self->items, key);

  if (item == NULL) {
    item = g_new0 (Item, 1);
    item->key = g_strdup (key);
    g_hash_table_insert (self->items, item->key, item);
  }
  return item;
}

static void
drop_if_idle (KubeWorkQueue *self, Item *item)
{
  if (!item->dirty && !item->in_work && item->failures == 0 && item->place == NULL)
    g_hash_table_remove (self->items, item->key);
}

static gboolean
on_notify (gpointer user_data)
{
  g_autoptr (KubeWorkQueue) self = g_object_ref (user_data);

  kube_clear_source (&self->notify);
  if (self->func != NULL && self->ready.length > 0)
    self->func (self, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
make_ready (KubeWorkQueue *self, Item *item)
{
  g_queue_push_tail (&self->ready, item);
  kube_metric_add (get_metric (DEPTH), LABELS (self), 1);
  if (self->notify != NULL || self->func == NULL)
    return;
  self->notify = g_idle_source_new ();
  g_source_set_priority (self->notify, G_PRIORITY_DEFAULT);
  g_source_set_static_name (self->notify, "kube-work-queue");
  g_source_set_callback (self->notify, on_notify, self, NULL);
  g_source_attach (self->notify, self->context);
}

static void
add_item (KubeWorkQueue *self, Item *item)
{
  if (item->dirty)
    return;
  item->dirty = TRUE;
  kube_metric_add (get_metric (ADDS), LABELS (self), 1);
  if (item->in_work)
    return;
  item->since = kube_clock_get_monotonic_time (self->clock);
  make_ready (self, item);
}

/**
 * kube_work_queue_add:
 * @queue: a queue
 * @key: what is to be worked on
 *
 * Since: 1.0
 */
void
kube_work_queue_add (KubeWorkQueue *queue, const char *key)
{
  if (!queue->shut_down)
    add_item (queue, get_item (queue, key));
}

static void set_timer (KubeWorkQueue *self);

static gboolean
on_due (gpointer user_data)
{
  KubeWorkQueue *self = user_data;
  gint64 now = kube_clock_get_monotonic_time (self->clock);

  for (GSequenceIter *first = g_sequence_get_begin_iter (self->waiting); !g_sequence_iter_is_end (first);
       first = g_sequence_get_begin_iter (self->waiting)) {
    Item *item = g_sequence_get (first);
    if (item->ready_at > now)
      break;
    g_clear_pointer (&item->place, g_sequence_remove);
    add_item (self, item);
  }
  set_timer (self);
  return G_SOURCE_CONTINUE;
}

static void
set_timer (KubeWorkQueue *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->waiting);
  gint64 due = g_sequence_iter_is_end (first) ? -1 : ((Item *) g_sequence_get (first))->ready_at;

  if (self->timer != NULL) {
    kube_clock_set_timer (self->clock, self->timer, due);
    return;
  }
  if (due < 0)
    return;
  self->timer = kube_clock_create_timer (self->clock, due);
  g_source_set_callback (self->timer, on_due, self, NULL);
  g_source_attach (self->timer, self->context);
}

/**
 * kube_work_queue_add_after:
 * @queue: a queue
 * @key: what is to be worked on
 * @delay: microseconds; where it waits already, the earlier time counts
 *
 * Since: 1.0
 */
void
kube_work_queue_add_after (KubeWorkQueue *queue, const char *key, gint64 delay)
{
  if (queue->shut_down)
    return;
  if (delay <= 0) {
    kube_work_queue_add (queue, key);
    return;
  }
  Item *item = get_item (queue, key);
  gint64 ready_at = kube_clock_get_monotonic_time (queue->clock) + delay;
  if (item->place != NULL && item->ready_at <= ready_at)
    return;
  g_clear_pointer (&item->place, g_sequence_remove);
  item->ready_at = ready_at;
  item->order = queue->next_order++;
  item->place = g_sequence_insert_sorted (queue->waiting, item, compare_waiting, NULL);
  if (g_sequence_iter_is_begin (item->place))
    set_timer (queue);
}

/* What the shared bucket makes one wait: its tokens come back with time, and may be promised ahead. */
static gint64
take_token (KubeWorkQueue *self)
{
  gint64 now = kube_clock_get_monotonic_time (self->clock);

  self->tokens = MIN (BUCKET_SIZE, self->tokens + (now - self->tokens_at) / (double) BUCKET_INTERVAL) - 1;
  self->tokens_at = now;
  return self->tokens < 0 ? -self->tokens * BUCKET_INTERVAL : 0;
}

/**
 * kube_work_queue_add_rate_limited:
 * @queue: a queue
 * @key: what has failed
 *
 * Adds @key after a delay that grows with its failures, until kube_work_queue_forget().
 *
 * Since: 1.0
 */
void
kube_work_queue_add_rate_limited (KubeWorkQueue *queue, const char *key)
{
  if (queue->shut_down)
    return;
  Item *item = get_item (queue, key);
  gint64 delay = queue->backoff_first;
  for (guint i = 0; i < item->failures && delay < queue->backoff_longest; i++)
    delay *= 2;
  delay = MIN (delay, queue->backoff_longest);
  item->failures++;
  kube_metric_add (get_metric (RETRIES), LABELS (queue), 1);
  gint64 wait = take_token (queue);
  kube_work_queue_add_after (queue, key, MAX (delay, wait));
}

/**
 * kube_work_queue_forget:
 * @queue: a queue
 * @key: what has succeeded
 *
 * Forgets the failures of @key.
 *
 * Since: 1.0
 */
void
kube_work_queue_forget (KubeWorkQueue *queue, const char *key)
{
  Item *item = g_hash_table_lookup (queue->items, key);

  if (item == NULL)
    return;
  item->failures = 0;
  drop_if_idle (queue, item);
}

/**
 * kube_work_queue_get_failures:
 * @queue: a queue
 * @key: a key
 *
 * Returns: how often kube_work_queue_add_rate_limited() was called for it since it was last forgotten
 * Since: 1.0
 */
guint
kube_work_queue_get_failures (KubeWorkQueue *queue, const char *key)
{
  const Item *item = g_hash_table_lookup (queue->items, key);
  return item != NULL ? item->failures : 0;
}

/**
 * kube_work_queue_take:
 * @queue: a queue
 *
 * Returns: (transfer full) (nullable): the next key, which is in work until kube_work_queue_done(); %NULL: there is nothing to do
 * Since: 1.0
 */
char *
kube_work_queue_take (KubeWorkQueue *queue)
{
  Item *item = g_queue_pop_head (&queue->ready);

  if (item == NULL)
    return NULL;
  gint64 now = kube_clock_get_monotonic_time (queue->clock);
  kube_metric_add (get_metric (DEPTH), LABELS (queue), -1);
  kube_metric_observe (get_metric (QUEUE_SECONDS), LABELS (queue), (now - item->since) / (double) G_USEC_PER_SEC);
  item->dirty = FALSE;
  item->in_work = TRUE;
  item->since = now;
  return g_strdup (item->key);
}

/**
 * kube_work_queue_done:
 * @queue: a queue
 * @key: a key that was taken
 *
 * Work on @key has ended, well or not; it comes again where it was added meanwhile.
 *
 * Since: 1.0
 */
void
kube_work_queue_done (KubeWorkQueue *queue, const char *key)
{
  Item *item = g_hash_table_lookup (queue->items, key);

  if (item == NULL || !item->in_work)
    return;
  gint64 now = kube_clock_get_monotonic_time (queue->clock);
  kube_metric_observe (get_metric (WORK_SECONDS), LABELS (queue), (now - item->since) / (double) G_USEC_PER_SEC);
  item->in_work = FALSE;
  item->since = now;
  if (item->dirty)
    make_ready (queue, item);
  else
    drop_if_idle (queue, item);
}

/**
 * kube_work_queue_get_length:
 * @queue: a queue
 *
 * Returns: how many keys can be taken
 * Since: 1.0
 */
guint
kube_work_queue_get_length (KubeWorkQueue *queue)
{
  return queue->ready.length;
}

/**
 * kube_work_queue_shut_down:
 * @queue: a queue
 *
 * Takes no more keys and drops those that wait for a time; what is ready can still be taken.
 *
 * Since: 1.0
 */
void
kube_work_queue_shut_down (KubeWorkQueue *queue)
{
  queue->shut_down = TRUE;
  kube_clear_source (&queue->timer);
  while (!g_sequence_is_empty (queue->waiting)) {
    Item *item = g_sequence_get (g_sequence_get_begin_iter (queue->waiting));
    g_clear_pointer (&item->place, g_sequence_remove);
    drop_if_idle (queue, item);
  }
}
