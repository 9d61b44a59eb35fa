/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "manager"

#include <kube/kube-leader-elector.h>
#include <kube/kube-log.h>
#include "kube-controller-private.h"

struct _KubeManager {
  GObject parent;

  KubeClient *client;           /* (owned) */
  KubeClock *clock;             /* (owned) */
  KubeInformerFactory *informers; /* (owned) */
  KubeManagerClientFunc client_func;
  gpointer client_data;
  GDestroyNotify client_destroy;
  KubeLeaderElector *elector;   /* (owned) (nullable) */
  GPtrArray *controllers;       /* (element-type KubeController) */
  gboolean wanted;              /* between start and stop */
  gboolean started;             /* the controllers run */
};

G_DEFINE_FINAL_TYPE (KubeManager, kube_manager, G_TYPE_OBJECT)

enum { STARTED, N_SIGNALS };

static guint signals[N_SIGNALS];

static void
start_controllers (KubeManager *self)
{
  if (!self->wanted || self->started || !kube_informer_factory_is_synced (self->informers))
    return;
  self->started = TRUE;
  for (guint i = 0; i < self->controllers->len; i++)
    kube_controller_start (g_ptr_array_index (self->controllers, i));
  kube_info (1, "%u controllers run", self->controllers->len);
  g_signal_emit (self, signals[STARTED], 0);
}

static void
on_synced (KubeManager *self)
{
  start_controllers (self);
}

/* Leading begins the informers, not only the controllers: one that waits for its turn costs the server nothing. */
static void
on_started_leading (KubeManager *self)
{
  if (!self->wanted)
    return;
  kube_informer_factory_start (self->informers);
  start_controllers (self);
}

static void
on_stopped_leading (KubeManager *self)
{
  kube_manager_stop (self);
}

static void
kube_manager_init (KubeManager *self)
{
  self->controllers = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
kube_manager_dispose (GObject *object)
{
  KubeManager *self = KUBE_MANAGER (object);

  if (self->wanted)
    kube_manager_stop (self);
  if (self->elector != NULL)
    g_signal_handlers_disconnect_by_data (self->elector, self);
  g_clear_object (&self->elector);
  g_ptr_array_set_size (self->controllers, 0);
  if (self->informers != NULL)
    g_signal_handlers_disconnect_by_data (self->informers, self);
  g_clear_object (&self->informers);
  G_OBJECT_CLASS (kube_manager_parent_class)->dispose (object);
}

static void
kube_manager_finalize (GObject *object)
{
  KubeManager *self = KUBE_MANAGER (object);

  if (self->client_destroy != NULL)
    self->client_destroy (self->client_data);
  g_ptr_array_unref (self->controllers);
  g_clear_object (&self->client);
  g_clear_object (&self->clock);
  G_OBJECT_CLASS (kube_manager_parent_class)->finalize (object);
}

static void
kube_manager_class_init (KubeManagerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = kube_manager_dispose;
  G_OBJECT_CLASS (klass)->finalize = kube_manager_finalize;

  /**
   * KubeManager::started:
   * @manager: the manager
   *
   * The informers are synced and the controllers run.
   *
   * Since: 1.0
   */
  signals[STARTED] = g_signal_new ("started", KUBE_TYPE_MANAGER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

/**
 * kube_manager_new:
 * @client: a client, for the informers and for controllers without one of their own
 * @clock: (nullable): the clock, %NULL for the real one
 *
 * Returns: (transfer full): a manager for the thread-default main context
 * Since: 1.0
 */
KubeManager *
kube_manager_new (KubeClient *client, KubeClock *clock)
{
  KubeManager *self = g_object_new (KUBE_TYPE_MANAGER, NULL);

  self->client = g_object_ref (client);
  self->clock = g_object_ref (clock == NULL ? kube_clock_get_real () : clock);
  self->informers = kube_informer_factory_new (client, self->clock);
  g_signal_connect_swapped (self->informers, "synced", G_CALLBACK (on_synced), self);
  return self;
}

/**
 * kube_manager_set_client_func:
 * @manager: a manager without controllers
 * @func: (scope notified): makes the client that a controller writes with
 * @user_data: (closure func): data for @func
 * @destroy: (destroy func) (nullable): frees @user_data
 *
 * Since: 1.0
 */
void
kube_manager_set_client_func (KubeManager *self, KubeManagerClientFunc func, gpointer user_data, GDestroyNotify destroy)
{
  self->client_func = func;
  self->client_data = user_data;
  self->client_destroy = destroy;
}

/**
 * kube_manager_set_lease:
 * @manager: a manager that was not started
 * @name: of the Lease in kube-system
 * @identity: this process
 *
 * Controllers run only while this process holds the lease; losing it stops the manager.
 *
 * Since: 1.0
 */
void
kube_manager_set_lease (KubeManager *self, const char *name, const char *identity)
{
  g_return_if_fail (self->elector == NULL && !self->wanted);
  self->elector = kube_leader_elector_new (self->client, self->clock, "kube-system", name, identity);
  g_signal_connect_swapped (self->elector, "started-leading", G_CALLBACK (on_started_leading), self);
  g_signal_connect_swapped (self->elector, "stopped-leading", G_CALLBACK (on_stopped_leading), self);
}

void
kube_manager_add (KubeManager *self, KubeController *controller)
{
  g_ptr_array_add (self->controllers, g_object_ref (controller));
}

KubeClient *
kube_manager_make_client (KubeManager *self, const char *identity)
{
  return self->client_func == NULL ? g_object_ref (self->client) : self->client_func (self, identity, self->client_data);
}

/**
 * kube_manager_get_client:
 * @manager: a manager
 *
 * Returns: (transfer none): the client that its informers read with
 * Since: 1.0
 */
KubeClient *
kube_manager_get_client (KubeManager *self)
{
  return self->client;
}

/**
 * kube_manager_get_clock:
 * @manager: a manager
 *
 * Returns: (transfer none): its clock
 * Since: 1.0
 */
KubeClock *
kube_manager_get_clock (KubeManager *self)
{
  return self->clock;
}

/**
 * kube_manager_get_informers:
 * @manager: a manager
 *
 * Returns: (transfer none): the informers that its controllers share
 * Since: 1.0
 */
KubeInformerFactory *
kube_manager_get_informers (KubeManager *self)
{
  return self->informers;
}

/**
 * kube_manager_start:
 * @manager: a manager
 *
 * Starts the informers, then, once they are synced, the controllers; where a lease was set, once it is held.
 *
 * Since: 1.0
 */
void
kube_manager_start (KubeManager *self)
{
  if (self->wanted)
    return;
  self->wanted = TRUE;
  if (self->elector != NULL) {
    kube_leader_elector_start (self->elector);
    return;
  }
  kube_informer_factory_start (self->informers);
  start_controllers (self);
}

/**
 * kube_manager_stop:
 * @manager: a manager
 *
 * Stops controllers and informers and gives the lease back. A manager is started once in its life.
 *
 * Since: 1.0
 */
void
kube_manager_stop (KubeManager *self)
{
  if (!self->wanted)
    return;
  self->wanted = FALSE;
  self->started = FALSE;
  for (guint i = 0; i < self->controllers->len; i++)
    kube_controller_stop (g_ptr_array_index (self->controllers, i));
  kube_informer_factory_stop (self->informers);
  if (self->elector != NULL)
    kube_leader_elector_stop (self->elector);
}

/**
 * kube_manager_is_started:
 * @manager: a manager
 *
 * Returns: whether the controllers run
 * Since: 1.0
 */
gboolean
kube_manager_is_started (KubeManager *self)
{
  return self->started;
}

/**
 * kube_manager_find:
 * @manager: a manager
 * @name: of a controller
 *
 * Returns: (transfer none) (nullable): the controller
 * Since: 1.0
 */
KubeController *
kube_manager_find (KubeManager *self, const char *name)
{
  for (guint i = 0; i < self->controllers->len; i++) {
    KubeController *controller = g_ptr_array_index (self->controllers, i);

    if (strcmp (kube_controller_get_name (controller), name) == 0)
      return controller;
  }
  return NULL;
}
