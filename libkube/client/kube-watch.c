/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-watch.h>

typedef enum { STOPPED, RUNNING, ENDED } WatchState;

typedef struct {
  WatchState state;
  KubeWatchFunc func; /* (nullable) */
  gpointer user_data;
  GDestroyNotify destroy; /* (nullable) */
} KubeWatchPrivate;

enum { EVENT, CLOSED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (KubeWatch, kube_watch, G_TYPE_OBJECT)

#define PRIVATE(watch) ((KubeWatchPrivate *) kube_watch_get_instance_private (watch))

static void
clear_func (KubeWatchPrivate *priv)
{
  GDestroyNotify destroy = g_steal_pointer (&priv->destroy);
  gpointer user_data = g_steal_pointer (&priv->user_data);

  priv->func = NULL;
  if (destroy != NULL)
    destroy (user_data);
}

static void
kube_watch_dispose (GObject *object)
{
  kube_watch_stop (KUBE_WATCH (object));
  clear_func (PRIVATE (KUBE_WATCH (object)));
  G_OBJECT_CLASS (kube_watch_parent_class)->dispose (object);
}

static void
kube_watch_class_init (KubeWatchClass *class)
{
  G_OBJECT_CLASS (class)->dispose = kube_watch_dispose;

  /**
   * KubeWatch::event:
   * @watch: the watch
   * @type: a #KubeWatchEventType
   * @object: the object as it is now; as it last was, for %KUBE_WATCH_DELETED; only a resourceVersion, for %KUBE_WATCH_BOOKMARK
   *
   * Since: 1.0
   */
  signals[EVENT] = g_signal_new ("event", KUBE_TYPE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_INT,
                                 KUBE_TYPE_OBJECT | G_SIGNAL_TYPE_STATIC_SCOPE);
  /**
   * KubeWatch::closed:
   * @watch: the watch
   * @error: (nullable): why, %NULL where the server ended it in order
   *
   * The last signal of a watch.
   *
   * Since: 1.0
   */
  signals[CLOSED] = g_signal_new ("closed", KUBE_TYPE_WATCH, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                  G_TYPE_ERROR | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
kube_watch_init (KubeWatch *self)
{
}

/**
 * kube_watch_start:
 * @watch: a watch that was not started
 *
 * Begins the stream. A watch is started once.
 *
 * Since: 1.0
 */
void
kube_watch_start (KubeWatch *watch)
{
  KubeWatchPrivate *priv = PRIVATE (watch);

  if (priv->state != STOPPED)
    return;
  priv->state = RUNNING;
  KUBE_WATCH_GET_CLASS (watch)->start (watch);
}

/**
 * kube_watch_stop:
 * @watch: a watch
 *
 * Ends the stream. No signal comes after it; it cannot be started again.
 *
 * Since: 1.0
 */
void
kube_watch_stop (KubeWatch *watch)
{
  KubeWatchPrivate *priv = PRIVATE (watch);
  gboolean running = priv->state == RUNNING;

  priv->state = ENDED;
  if (running)
    KUBE_WATCH_GET_CLASS (watch)->stop (watch);
}

/**
 * kube_watch_set_func:
 * @watch: a watch
 * @func: (scope notified) (nullable): called for each event before #KubeWatch::event is emitted
 * @user_data: its argument
 * @destroy: (nullable): frees @user_data
 *
 * Since: 1.0
 */
void
kube_watch_set_func (KubeWatch *watch, KubeWatchFunc func, gpointer user_data, GDestroyNotify destroy)
{
  KubeWatchPrivate *priv = PRIVATE (watch);

  clear_func (priv);
  priv->func = func;
  priv->user_data = user_data;
  priv->destroy = destroy;
}

/**
 * kube_watch_emit:
 * @watch: a watch
 * @type: what happened
 * @object: to which object
 *
 * For implementations: hands out an event, unless the watch was stopped meanwhile.
 *
 * Since: 1.0
 */
void
kube_watch_emit (KubeWatch *watch, KubeWatchEventType type, KubeObject *object)
{
  KubeWatchPrivate *priv = PRIVATE (watch);
  g_autoptr (KubeWatch) keep = g_object_ref (watch);

  if (priv->state == RUNNING && priv->func != NULL)
    priv->func (watch, type, object, priv->user_data);
  if (priv->state == RUNNING && g_signal_has_handler_pending (watch, signals[EVENT], 0, TRUE))
    g_signal_emit (watch, signals[EVENT], 0, type, object);
}

/**
 * kube_watch_emit_closed:
 * @watch: a watch
 * @error: (nullable): why it ended
 *
 * For implementations: the stream has ended. Only the first call does anything, and none after kube_watch_stop().
 *
 * Since: 1.0
 */
void
kube_watch_emit_closed (KubeWatch *watch, const GError *error)
{
  KubeWatchPrivate *priv = PRIVATE (watch);

  if (priv->state != RUNNING)
    return;
  priv->state = ENDED;
  g_signal_emit (watch, signals[CLOSED], 0, error);
}
