/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

#include <string.h>

#define LEAST ((gint64) 23 * 1024 * 1024)
#define MOST_EACH ((gint64) 1000 * 1024 * 1024)

SCHED_DEFINE_PLUGIN (SchedImageLocality, sched_image_locality)

/* The pod's images, as nodes name them; those that some node has are @n. */
typedef struct {
  guint n, n_all;
  char *names[]; /* tails of this block */
} Wanted;

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "ImageLocality";
}

static char *
dup_name (const char *image)
{
  const char *slash = strrchr (image, '/'), *colon = strrchr (image, ':');

  return colon == NULL || (slash != NULL && colon < slash) ? g_strconcat (image, ":latest", NULL) : g_strdup (image);
}

static void
collect (KubeSchedulerCycle *cycle, GPtrArray *names, guint *n_all, const char *path)
{
  KubeValue *containers = kube_object_get (cycle->pod->object, path);

  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    const char *image = kube_value_get_member_string (kube_value_get_element (containers, i), "image");
    g_autofree char *name = image != NULL ? dup_name (image) : NULL;

    (*n_all)++;
    if (name != NULL && g_hash_table_contains (cycle->cache->images, name))
      g_ptr_array_add (names, g_steal_pointer (&name));
  }
}

static KubeSchedulerCode
pre_score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes)
{
  g_autoptr (GPtrArray) names = NULL;
  gsize size = 0, at;
  guint n_all = 0;
  Wanted *wanted;

  if (g_hash_table_size (cycle->cache->images) == 0)
    return KUBE_SCHEDULER_SKIP;
  names = g_ptr_array_new_with_free_func (g_free);
  collect (cycle, names, &n_all, "spec.initContainers");
  collect (cycle, names, &n_all, "spec.containers");
  if (names->len == 0)
    return KUBE_SCHEDULER_SKIP;

  for (guint i = 0; i < names->len; i++)
    size += strlen (names->pdata[i]) + 1;
  at = sizeof *wanted + names->len * sizeof (char *);
  wanted = g_malloc (at + size);
  wanted->n = names->len;
  wanted->n_all = n_all;
  for (guint i = 0; i < names->len; i++) {
    wanted->names[i] = strcpy ((char *) wanted + at, names->pdata[i]);
    at += strlen (names->pdata[i]) + 1;
  }
  g_free (cycle->state[cycle->current]);
  cycle->state[cycle->current] = wanted;
  return KUBE_SCHEDULER_OK;
}

/* An image counts by its size and by how many nodes have it, so that pods do not all go to the one node that has it. */
static gint64
sum_images (KubeSchedulerCycle *cycle, const Wanted *wanted, GHashTable *images)
{
  gint64 sum = 0;

  for (guint i = 0; images != NULL && i < wanted->n; i++) {
    const gint64 *size = g_hash_table_lookup (images, wanted->names[i]);
    guint n = GPOINTER_TO_UINT (g_hash_table_lookup (cycle->cache->images, wanted->names[i]));

    if (size != NULL)
      sum += (gint64) ((double) *size * n / cycle->cache->n_nodes);
  }
  return sum;
}

static void
score (KubeSchedulerPlugin *plugin, KubeSchedulerCycle *cycle, const guint *nodes, guint n_nodes, gint64 *scores)
{
  const Wanted *wanted = cycle->state[cycle->current];
  gint64 most = MOST_EACH * wanted->n_all;

  for (guint i = 0; i < n_nodes; i++) {
    gint64 sum = sum_images (cycle, wanted, cycle->cache->nodes[nodes[i]]->images);

    scores[i] = SCHED_MAX_SCORE * (CLAMP (sum, LEAST, most) - LEAST) / (most - LEAST);
  }
}

static void
sched_image_locality_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->pre_score = pre_score;
  iface->score = score;
}
