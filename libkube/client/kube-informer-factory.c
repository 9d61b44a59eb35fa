/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-informer.h>

struct _KubeInformerFactory {
  GObject parent;

  KubeClient *client;    /* (owned) */
  KubeClock *clock;      /* (owned) (nullable): the real one */
  GHashTable *informers; /* (element-type KubeKind KubeInformer) */
  gboolean started;
};

enum { SYNCED, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (KubeInformerFactory, kube_informer_factory, G_TYPE_OBJECT)

static void
kube_informer_factory_finalize (GObject *object)
{
  KubeInformerFactory *self = KUBE_INFORMER_FACTORY (object);
  GHashTableIter iter;
  gpointer informer;

  g_hash_table_iter_init (&iter, self->informers);
  while (g_hash_table_iter_next (&iter, NULL, &informer)) {
    g_signal_handlers_disconnect_by_data (informer, self);
    kube_informer_stop (informer);
  }
  g_hash_table_unref (self->informers);
  g_clear_object (&self->clock);
  g_object_unref (self->client);
  G_OBJECT_CLASS (kube_informer_factory_parent_class)->finalize (object);
}

static void
kube_informer_factory_class_init (KubeInformerFactoryClass *class)
{
  G_OBJECT_CLASS (class)->finalize = kube_informer_factory_finalize;

  /**
   * KubeInformerFactory::synced:
   * @factory: the factory
   *
   * Every informer that was asked for is synced. It comes again where others were asked for later.
   *
   * Since: 1.0
   */
  signals[SYNCED] = g_signal_new ("synced", KUBE_TYPE_INFORMER_FACTORY, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
kube_informer_factory_init (KubeInformerFactory *self)
{
  self->informers = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) kube_kind_unref, (GDestroyNotify) g_object_unref);
}

/**
 * kube_informer_factory_new:
 * @client: the way to the server
 * @clock: (nullable): the real one
 *
 * Returns: (transfer full): a factory for the thread-default main context
 * Since: 1.0
 */
KubeInformerFactory *
kube_informer_factory_new (KubeClient *client, KubeClock *clock)
{
  KubeInformerFactory *self = g_object_new (KUBE_TYPE_INFORMER_FACTORY, NULL);

  self->client = g_object_ref (client);
  g_set_object (&self->clock, clock);
  return self;
}

static void
on_synced (KubeInformer *informer, gpointer user_data)
{
  KubeInformerFactory *self = user_data;

  if (kube_informer_factory_is_synced (self))
    g_signal_emit (self, signals[SYNCED], 0);
}

/**
 * kube_informer_factory_get:
 * @factory: a factory
 * @kind: of what
 *
 * Returns: (transfer none): the informer over all namespaces, made at the first call and started with the factory
 * Since: 1.0
 */
KubeInformer *
kube_informer_factory_get (KubeInformerFactory *factory, KubeKind *kind)
{
  KubeInformer *informer = g_hash_table_lookup (factory->informers, kind);

  if (informer != NULL)
    return informer;
  informer = kube_informer_new (factory->client, kind, NULL);
  kube_informer_set_clock (informer, factory->clock);
  g_signal_connect_after (informer, "synced", G_CALLBACK (on_synced), factory);
  g_hash_table_insert (factory->informers, kube_kind_ref (kind), informer);
  if (factory->started)
    kube_informer_start (informer);
  return informer;
}

/**
 * kube_informer_factory_start:
 * @factory: a factory
 *
 * Starts all that was asked for, and from now on what is asked for.
 *
 * Since: 1.0
 */
void
kube_informer_factory_start (KubeInformerFactory *factory)
{
  g_autoptr (GList) informers = g_hash_table_get_values (factory->informers);

  factory->started = TRUE;
  for (GList *l = informers; l != NULL; l = l->next)
    kube_informer_start (l->data);
}

/**
 * kube_informer_factory_stop:
 * @factory: a factory
 *
 * Since: 1.0
 */
void
kube_informer_factory_stop (KubeInformerFactory *factory)
{
  g_autoptr (GList) informers = g_hash_table_get_values (factory->informers);

  factory->started = FALSE;
  for (GList *l = informers; l != NULL; l = l->next)
    kube_informer_stop (l->data);
}

/**
 * kube_informer_factory_is_synced:
 * @factory: a factory
 *
 * Returns: whether every informer that was asked for is synced
 * Since: 1.0
 */
gboolean
kube_informer_factory_is_synced (KubeInformerFactory *factory)
{
  GHashTableIter iter;
  gpointer informer;

  g_hash_table_iter_init (&iter, factory->informers);
  while (g_hash_table_iter_next (&iter, NULL, &informer)) {
    if (!kube_informer_is_synced (informer))
      return FALSE;
  }
  return TRUE;
}
