/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-deadline.h"

#include "kube-source.h"

/* The deadlines of one context by one clock: there as long as any is set. */
typedef struct _KubeDeadlines KubeDeadlines;
struct _KubeDeadlines {
  GMainContext *context; /* (owned) */
  KubeClock *clock;      /* (owned) */
  GSource *timer;
  gint64 armed;          /* when the timer goes off; it may be too early, where a deadline was cleared */
  GPtrArray *heap;       /* (element-type KubeDeadline): the first is the next */
  gboolean running;
};

static GMutex mutex;
static GHashTable *queues; /* (mutex mutex) (element-type KubeDeadlines): a set */

static guint
queue_hash (gconstpointer data)
{
  const KubeDeadlines *queue = data;

  return g_direct_hash (queue->context) * 31 + g_direct_hash (queue->clock);
}

static gboolean
queue_equal (gconstpointer a, gconstpointer b)
{
  const KubeDeadlines *left = a, *right = b;

  return left->context == right->context && left->clock == right->clock;
}

static void
queue_free (KubeDeadlines *queue)
{
  g_mutex_lock (&mutex);
  g_hash_table_remove (queues, queue);
  if (g_hash_table_size (queues) == 0)
    g_clear_pointer (&queues, g_hash_table_unref);
  g_mutex_unlock (&mutex);
  kube_clear_source (&queue->timer);
  g_main_context_unref (queue->context);
  g_object_unref (queue->clock);
  g_ptr_array_unref (queue->heap);
  g_free (queue);
}

/* --- the heap --- */

static KubeDeadline *
get (KubeDeadlines *queue, guint place)
{
  return g_ptr_array_index (queue->heap, place);
}

static void
put (KubeDeadlines *queue, guint place, KubeDeadline *deadline)
{
  g_ptr_array_index (queue->heap, place) = deadline;
  deadline->place = place;
}

static void
move_up (KubeDeadlines *queue, guint place, KubeDeadline *deadline)
{
  while (place > 0 && get (queue, (place - 1) / 2)->due > deadline->due) {
    put (queue, place, get (queue, (place - 1) / 2));
    place = (place - 1) / 2;
  }
  put (queue, place, deadline);
}

static void
move_down (KubeDeadlines *queue, guint place, KubeDeadline *deadline)
{
  guint n = queue->heap->len;

  for (guint child = 2 * place + 1; child < n; child = 2 * place + 1) {
    if (child + 1 < n && get (queue, child + 1)->due < get (queue, child)->due)
      child++;
    if (get (queue, child)->due >= deadline->due)
      break;
    put (queue, place, get (queue, child));
    place = child;
  }
  put (queue, place, deadline);
}

static void
take_out (KubeDeadline *deadline)
{
  KubeDeadlines *queue = deadline->queue;
  guint place = deadline->place, last = queue->heap->len - 1;
  KubeDeadline *moved = get (queue, last);

  deadline->queue = NULL;
  g_ptr_array_set_size (queue->heap, (int) last);
  if (moved == deadline)
    return;
  if (place > 0 && get (queue, (place - 1) / 2)->due > moved->due)
    move_up (queue, place, moved);
  else
    move_down (queue, place, moved);
}

/* --- the timer --- */

static void
arm (KubeDeadlines *queue)
{
  gint64 due = get (queue, 0)->due;

  if (queue->running || (queue->armed >= 0 && queue->armed <= due))
    return;
  queue->armed = due;
  kube_clock_set_timer (queue->clock, queue->timer, due);
}

static gboolean
on_due (gpointer user_data)
{
  KubeDeadlines *queue = user_data;
  gint64 now = kube_clock_get_monotonic_time (queue->clock);

  queue->running = TRUE;
  queue->armed = -1;
  while (queue->heap->len > 0 && get (queue, 0)->due <= now) {
    KubeDeadline *deadline = get (queue, 0);
    KubeDeadlineFunc func = deadline->func;
    gpointer data = deadline->user_data;
    take_out (deadline);
    func (data);
  }
  queue->running = FALSE;
  if (queue->heap->len > 0) {
    arm (queue);
    return G_SOURCE_CONTINUE;
  }
  queue_free (queue);
  return G_SOURCE_REMOVE;
}

static KubeDeadlines *
get_queue (KubeClock *clock)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  const KubeDeadlines wanted = { .context = context, .clock = clock };
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  KubeDeadlines *queue;

  if (queues == NULL)
    queues = g_hash_table_new (queue_hash, queue_equal);
  queue = g_hash_table_lookup (queues, &wanted);
  if (queue != NULL)
    return queue;
  queue = g_new0 (KubeDeadlines, 1);
  queue->context = g_main_context_ref (context);
  queue->clock = g_object_ref (clock);
  queue->armed = -1;
  queue->heap = g_ptr_array_new ();
  queue->timer = kube_clock_create_timer (clock, -1);
  g_source_set_callback (queue->timer, on_due, queue, NULL);
  g_source_attach (queue->timer, context);
  g_hash_table_add (queues, queue);
  return queue;
}

void
kube_deadline_set (KubeDeadline *deadline, KubeClock *clock, gint64 due, KubeDeadlineFunc func, gpointer user_data)
{
  KubeDeadlines *queue = get_queue (clock);

  if (deadline->queue != NULL)
    take_out (deadline);
  *deadline = (KubeDeadline){ queue, 0, due, func, user_data };
  g_ptr_array_add (queue->heap, deadline);
  move_up (queue, queue->heap->len - 1, deadline);
  arm (queue);
}

void
kube_deadline_clear (KubeDeadline *deadline)
{
  KubeDeadlines *queue = deadline->queue;

  if (queue == NULL)
    return;
  take_out (deadline);
  if (queue->heap->len == 0 && !queue->running)
    queue_free (queue);
}
