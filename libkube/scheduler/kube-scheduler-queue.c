/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-private.h"

#define BACKOFF_FIRST (1 * G_USEC_PER_SEC)
#define BACKOFF_LONGEST (10 * (gint64) G_USEC_PER_SEC)
/* So long a pod waits for something to change before it is tried all the same. */
#define UNSCHEDULABLE_LONGEST (5 * 60 * (gint64) G_USEC_PER_SEC)

typedef gboolean (*Before) (SchedQueue *queue, const SchedPod *a, const SchedPod *b);

static gboolean
active_before (SchedQueue *queue, const SchedPod *a, const SchedPod *b)
{
  int order = 0;

  if (queue->sorter != NULL)
    order = KUBE_SCHEDULER_PLUGIN_GET_IFACE (queue->sorter)->compare (queue->sorter, a->object, b->object);
  else if (a->priority != b->priority)
    order = a->priority > b->priority ? -1 : 1;
  if (order != 0)
    return order < 0;
  return a->queued_at != b->queued_at ? a->queued_at < b->queued_at : a->serial < b->serial;
}

static gboolean
backoff_before (SchedQueue *queue, const SchedPod *a, const SchedPod *b)
{
  return a->ready_at != b->ready_at ? a->ready_at < b->ready_at : a->serial < b->serial;
}

static void
heap_set (GPtrArray *heap, guint index, SchedPod *pod)
{
  heap->pdata[index] = pod;
  pod->heap_index = index;
}

static void
heap_up (SchedQueue *queue, GPtrArray *heap, Before before, guint index)
{
  SchedPod *pod = heap->pdata[index];

  while (index > 0 && before (queue, pod, heap->pdata[(index - 1) / 2])) {
    heap_set (heap, index, heap->pdata[(index - 1) / 2]);
    index = (index - 1) / 2;
  }
  heap_set (heap, index, pod);
}

static void
heap_down (SchedQueue *queue, GPtrArray *heap, Before before, guint index)
{
  SchedPod *pod = heap->pdata[index];

  for (;;) {
    guint child = 2 * index + 1;

    if (child + 1 < heap->len && before (queue, heap->pdata[child + 1], heap->pdata[child]))
      child++;
    if (child >= heap->len || !before (queue, heap->pdata[child], pod))
      break;
    heap_set (heap, index, heap->pdata[child]);
    index = child;
  }
  heap_set (heap, index, pod);
}

static void
heap_push (SchedQueue *queue, GPtrArray *heap, Before before, SchedPod *pod)
{
  g_ptr_array_add (heap, pod);
  heap_up (queue, heap, before, heap->len - 1);
}

static void
heap_remove (SchedQueue *queue, GPtrArray *heap, Before before, SchedPod *pod)
{
  guint index = pod->heap_index;
  SchedPod *last = g_ptr_array_remove_index_fast (heap, heap->len - 1);

  if (last == pod)
    return;
  heap_set (heap, index, last);
  heap_up (queue, heap, before, index);
  heap_down (queue, heap, before, last->heap_index);
}

SchedQueue *
sched_queue_new (void)
{
  SchedQueue *queue = g_new0 (SchedQueue, 1);

  queue->active = g_ptr_array_new ();
  queue->backoff = g_ptr_array_new ();
  queue->error_backoff = g_ptr_array_new ();
  queue->pods = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) sched_pod_free);
  queue->unschedulable = g_hash_table_new (NULL, NULL);
  return queue;
}

void
sched_queue_free (SchedQueue *queue)
{
  g_ptr_array_unref (queue->active);
  g_ptr_array_unref (queue->backoff);
  g_ptr_array_unref (queue->error_backoff);
  g_hash_table_unref (queue->unschedulable);
  g_hash_table_unref (queue->pods);
  g_free (queue);
}

static gint64
backoff_of (const SchedPod *pod)
{
  guint failures = MAX (pod->attempts, 1) - 1;

  return failures > 3 ? BACKOFF_LONGEST : MIN (BACKOFF_FIRST << failures, BACKOFF_LONGEST);
}

static void
detach (SchedQueue *queue, SchedPod *pod)
{
  switch (pod->where) {
  case SCHED_IN_ACTIVE:
    heap_remove (queue, queue->active, active_before, pod);
    break;
  case SCHED_IN_BACKOFF:
    heap_remove (queue, queue->backoff, backoff_before, pod);
    break;
  case SCHED_IN_ERROR_BACKOFF:
    heap_remove (queue, queue->error_backoff, backoff_before, pod);
    break;
  case SCHED_IN_UNSCHEDULABLE:
    g_hash_table_remove (queue->unschedulable, pod);
    break;
  case SCHED_IN_GATED:
  case SCHED_IN_NONE:
    break;
  }
  pod->where = SCHED_IN_NONE;
}

static void
make_active (SchedQueue *queue, SchedPod *pod)
{
  pod->where = SCHED_IN_ACTIVE;
  heap_push (queue, queue->active, active_before, pod);
}

void
sched_queue_add (SchedQueue *queue, SchedPod *pod, gint64 now)
{
  g_hash_table_insert (queue->pods, pod->uid, pod);
  pod->queued_at = now;
  pod->serial = queue->serial++;
  make_active (queue, pod);
}

void
sched_queue_add_gated (SchedQueue *queue, SchedPod *pod)
{
  g_hash_table_insert (queue->pods, pod->uid, pod);
  pod->where = SCHED_IN_GATED;
}

gint64
sched_queue_add_unschedulable (SchedQueue *queue, SchedPod *pod, gint64 now)
{
  g_hash_table_insert (queue->pods, pod->uid, pod);
  pod->where = SCHED_IN_UNSCHEDULABLE;
  pod->ready_at = now;
  g_hash_table_add (queue->unschedulable, pod);
  return now + UNSCHEDULABLE_LONGEST;
}

gint64
sched_queue_add_failed (SchedQueue *queue, SchedPod *pod, gint64 now)
{
  g_hash_table_insert (queue->pods, pod->uid, pod);
  pod->where = SCHED_IN_ERROR_BACKOFF;
  pod->ready_at = now + backoff_of (pod);
  heap_push (queue, queue->error_backoff, backoff_before, pod);
  return pod->ready_at;
}

void
sched_queue_move (SchedQueue *queue, SchedPod *pod, gint64 now)
{
  gint64 ready_at = pod->ready_at + backoff_of (pod);

  detach (queue, pod);
  pod->queued_at = now;
  pod->serial = queue->serial++;
  if (ready_at <= now) {
    make_active (queue, pod);
    return;
  }
  pod->where = SCHED_IN_BACKOFF;
  pod->ready_at = ready_at;
  heap_push (queue, queue->backoff, backoff_before, pod);
}

gboolean
sched_queue_has_ready (SchedQueue *queue)
{
  return queue->active->len > 0 || queue->backoff->len > 0;
}

/* Where no other pod is ready, one that waits out its back-off after a refusal goes ahead; only errors are waited out in any case. */
SchedPod *
sched_queue_take (SchedQueue *queue, gint64 now)
{
  GPtrArray *heap = queue->active->len > 0 ? queue->active : queue->backoff;
  SchedPod *pod;

  if (heap->len == 0)
    return NULL;
  pod = heap->pdata[0];
  detach (queue, pod);
  g_hash_table_steal (queue->pods, pod->uid);
  pod->attempts++;
  return pod;
}

SchedPod *
sched_queue_remove (SchedQueue *queue, const char *uid)
{
  SchedPod *pod = g_hash_table_lookup (queue->pods, uid);

  if (pod == NULL)
    return NULL;
  detach (queue, pod);
  g_hash_table_steal (queue->pods, uid);
  return pod;
}

static gint64
flush_heap (SchedQueue *queue, GPtrArray *heap, gint64 now)
{
  while (heap->len > 0) {
    SchedPod *pod = heap->pdata[0];

    if (pod->ready_at > now)
      return pod->ready_at;
    detach (queue, pod);
    make_active (queue, pod);
  }
  return G_MAXINT64;
}

gint64
sched_queue_flush (SchedQueue *queue, gint64 now)
{
  gint64 next = MIN (flush_heap (queue, queue->backoff, now), flush_heap (queue, queue->error_backoff, now));
  g_autoptr (GPtrArray) late = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, queue->unschedulable);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    SchedPod *pod = key;

    if (pod->ready_at + UNSCHEDULABLE_LONGEST <= now)
      g_ptr_array_add (late, pod);
    else
      next = MIN (next, pod->ready_at + UNSCHEDULABLE_LONGEST);
  }
  for (guint i = 0; i < late->len; i++)
    sched_queue_move (queue, late->pdata[i], now);
  return next == G_MAXINT64 ? -1 : next;
}
