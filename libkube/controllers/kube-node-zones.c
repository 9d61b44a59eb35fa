/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-node-zones.h"

/* upstream: --unhealthy-zone-threshold, --large-cluster-size-threshold, --node-eviction-rate and --secondary-node-eviction-rate */
#define UNHEALTHY_PERCENT 55
#define LARGE 50
#define PACE (10 * G_USEC_PER_SEC)
#define SLOW_PACE (100 * G_USEC_PER_SEC)

typedef struct {
  guint ready, down;
  gint64 last;   /* monotonic, when a node's turn was; G_MININT64 / 2: never */
} Zone;

typedef struct {
  Zone *zone;    /* (unowned) */
  gboolean ready;
} Member;

struct _KubeNodeZones {
  GHashTable *zones;   /* (element-type utf8 Zone) */
  GHashTable *members; /* (element-type utf8 Member) */
  guint ready, down;
};

KubeNodeZones *
kube_node_zones_new (void)
{
  KubeNodeZones *self = g_new0 (KubeNodeZones, 1);

  self->zones = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->members = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
kube_node_zones_free (KubeNodeZones *self)
{
  g_hash_table_unref (self->members);
  g_hash_table_unref (self->zones);
  g_free (self);
}

static Zone *
get_zone (KubeNodeZones *self, KubeObject *node)
{
  const char *region = kube_object_get_label (node, "topology.kubernetes.io/region"), *name = kube_object_get_label (node, "topology.kubernetes.io/zone");
  g_autofree char *key = g_strconcat (region == NULL ? "" : region, "/", name == NULL ? "" : name, NULL);
  Zone *zone = g_hash_table_lookup (self->zones, key);

  if (zone == NULL) {
    zone = g_new0 (Zone, 1);
    zone->last = G_MININT64 / 2;
    g_hash_table_insert (self->zones, g_steal_pointer (&key), zone);
  }
  return zone;
}

static gint64
get_pace (const Zone *zone)
{
  guint all = zone->ready + zone->down;

  if (zone->ready == 0 || zone->down <= 2 || zone->down * 100 < all * UNHEALTHY_PERCENT)
    return PACE;
  return all > LARGE ? SLOW_PACE : -1;
}

static void
count (KubeNodeZones *self, const Member *member, int by)
{
  *(member->ready ? &member->zone->ready : &member->zone->down) += by;
  *(member->ready ? &self->ready : &self->down) += by;
}

gboolean
kube_node_zones_all_down (KubeNodeZones *self)
{
  return self->ready == 0;
}

static gboolean
move (KubeNodeZones *self, const char *name, Member *to)
{
  gboolean was_down = kube_node_zones_all_down (self);
  Member *member = g_hash_table_lookup (self->members, name);
  gint64 before = to != NULL ? get_pace (to->zone) : member != NULL ? get_pace (member->zone) : 0;
  Zone *zone = to != NULL ? to->zone : member != NULL ? member->zone : NULL;

  if (member != NULL)
    count (self, member, -1);
  if (to != NULL) {
    count (self, to, 1);
    g_hash_table_replace (self->members, g_strdup (name), to);
  } else {
    g_hash_table_remove (self->members, name);
  }
  return kube_node_zones_all_down (self) != was_down || (zone != NULL && get_pace (zone) != before);
}

gboolean
kube_node_zones_set (KubeNodeZones *self, KubeObject *node, gboolean ready)
{
  Zone *zone = get_zone (self, node);
  const Member *member = g_hash_table_lookup (self->members, kube_object_get_name (node));
  Member *to;

  if (member != NULL && member->zone == zone && member->ready == ready)
    return FALSE;
  to = g_new (Member, 1);
  *to = (Member) { zone, ready };
  return move (self, kube_object_get_name (node), to);
}

gboolean
kube_node_zones_remove (KubeNodeZones *self, const char *name)
{
  return move (self, name, NULL);
}

gint64
kube_node_zones_take_turn (KubeNodeZones *self, const char *name, gint64 now)
{
  const Member *member = g_hash_table_lookup (self->members, name);
  gint64 pace = member == NULL ? -1 : get_pace (member->zone);

  if (pace < 0 || kube_node_zones_all_down (self))
    return -1;
  if (now < member->zone->last + pace)
    return member->zone->last + pace;
  member->zone->last = now;
  return now;
}
