/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-object-sources.h"

struct _KubeObjectSources {
  KubeClient *client; /* (owned) */
  KubeClock *clock;   /* (owned) */
  GHashTable *table;  /* (owned): "Kind/namespace/name" -> Source */
  KubeObjectSourcesFunc changed;
  gpointer user_data;
};

typedef struct {
  KubeObjectSources *sources; /* (unowned) */
  KubeInformer *informer;     /* (owned) */
  char *kind, *namespace_, *name;
  guint holders;
} Source;

static void
source_free (gpointer data)
{
  Source *source = data;

  g_signal_handlers_disconnect_by_data (source->informer, source);
  kube_informer_stop (source->informer);
  g_object_unref (source->informer);
  g_free (source->kind);
  g_free (source->namespace_);
  g_free (source->name);
  g_free (source);
}

KubeObjectSources *
kube_object_sources_new (KubeClient *client, KubeClock *clock, KubeObjectSourcesFunc changed, gpointer user_data)
{
  KubeObjectSources *sources = g_new0 (KubeObjectSources, 1);

  sources->client = g_object_ref (client);
  sources->clock = g_object_ref (clock);
  sources->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, source_free);
  sources->changed = changed;
  sources->user_data = user_data;
  return sources;
}

void
kube_object_sources_free (KubeObjectSources *sources)
{
  g_hash_table_unref (sources->table);
  g_object_unref (sources->client);
  g_object_unref (sources->clock);
  g_free (sources);
}

static char *
make_key (const char *kind, const char *namespace_, const char *name)
{
  return g_strdup_printf ("%s/%s/%s", kind, namespace_, name);
}

static Source *
find (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name)
{
  g_autofree char *key = make_key (kind, namespace_, name);

  return g_hash_table_lookup (sources->table, key);
}

static void
tell (Source *source)
{
  KubeObjectSources *sources = source->sources;

  if (kube_informer_is_synced (source->informer))
    sources->changed (source->kind, source->namespace_, source->name, sources->user_data);
}

static void
on_synced (KubeInformer *informer, gpointer data)
{
  Source *source = data;

  source->sources->changed (source->kind, source->namespace_, source->name, source->sources->user_data);
}

static void
on_changed (KubeInformer *informer, KubeObject *object, gpointer data)
{
  tell (data);
}

static void
on_updated (KubeInformer *informer, KubeObject *old, KubeObject *object, gpointer data)
{
  tell (data);
}

void
kube_object_sources_hold (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name)
{
  Source *source = find (sources, kind, namespace_, name);
  g_autofree char *selector = NULL;

  if (source != NULL) {
    source->holders++;
    return;
  }
  source = g_new0 (Source, 1);
  source->sources = sources;
  source->holders = 1;
  source->kind = g_strdup (kind);
  source->namespace_ = g_strdup (namespace_);
  source->name = g_strdup (name);
  source->informer = kube_informer_new (sources->client, KUBE_KIND ("v1", kind), namespace_);
  selector = g_strconcat ("metadata.name=", name, NULL);
  kube_informer_set_selectors (source->informer, NULL, selector);
  kube_informer_set_clock (source->informer, sources->clock);
  g_signal_connect (source->informer, "synced", G_CALLBACK (on_synced), source);
  g_signal_connect (source->informer, "added", G_CALLBACK (on_changed), source);
  g_signal_connect (source->informer, "updated", G_CALLBACK (on_updated), source);
  g_signal_connect (source->informer, "removed", G_CALLBACK (on_changed), source);
  g_hash_table_insert (sources->table, make_key (kind, namespace_, name), source);
  kube_informer_start (source->informer);
}

void
kube_object_sources_release (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name)
{
  g_autofree char *key = make_key (kind, namespace_, name);
  Source *source = g_hash_table_lookup (sources->table, key);

  if (source != NULL && --source->holders == 0)
    g_hash_table_remove (sources->table, key);
}

gboolean
kube_object_sources_is_known (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name)
{
  Source *source = find (sources, kind, namespace_, name);

  return source != NULL && kube_informer_is_synced (source->informer);
}

KubeObject *
kube_object_sources_get (KubeObjectSources *sources, const char *kind, const char *namespace_, const char *name)
{
  Source *source = find (sources, kind, namespace_, name);

  return source != NULL ? kube_informer_get (source->informer, namespace_, name) : NULL;
}
