/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-typed.h"

static void merge (KubeNode *node, KubeSlot slot, KubeValue *live, KubeValue *config);

static void
merge_members (KubeNode *node, KubeSlot slot, KubeValue *live, KubeValue *config)
{
  guint n = kube_value_is_object (config) ? kube_value_get_length (config) : 0;

  for (guint i = 0; i < n; i++) {
    const char *key = kube_value_get_key (config, i);
    KubeValue *member = kube_value_is_object (live) ? kube_value_get_member (live, key) : NULL;
    if (member == NULL)
      kube_node_put_value (node, key, kube_value_get_element (config, i));
    else
      merge (kube_node_get_member (node, key), kube_slot_get_member (slot, key), member, kube_value_get_element (config, i));
  }
}

/* The order of a merged list: that of @config for what is in both and for what is new, with what only @live has where it stood among them. */
typedef struct {
  KubeSlot slot;
  GPtrArray *live_steps, *config_steps, *shared; /* (element-type utf8) */
  GHashTable *live, *config;                     /* step → element */
  GHashTable *merged;                            /* steps of @config that are done */
  guint next_shared;
  GPtrArray *out;                                /* (element-type KubeValue) */
} Zip;

static void
take (Zip *zip, const char *step)
{
  KubeValue *live = g_hash_table_lookup (zip->live, step), *config = g_hash_table_lookup (zip->config, step);

  if (live != NULL && config != NULL)
    g_ptr_array_add (zip->out, kube_typed_merge (kube_slot_get_element (zip->slot), live, config));
  else
    g_ptr_array_add (zip->out, kube_value_ref (live != NULL ? live : config));
}

static void
take_of_config (Zip *zip, const char *step)
{
  take (zip, step);
  g_hash_table_add (zip->merged, (gpointer) step);
  if (zip->next_shared < zip->shared->len && g_str_equal (g_ptr_array_index (zip->shared, zip->next_shared), step))
    zip->next_shared++;
}

static void
zip_run (Zip *zip)
{
  guint l = 0, c = 0;

  while (l < zip->live_steps->len || c < zip->config_steps->len) {
    const char *live = l < zip->live_steps->len ? g_ptr_array_index (zip->live_steps, l) : NULL;
    const char *config = c < zip->config_steps->len ? g_ptr_array_index (zip->config_steps, c) : NULL;
    const char *shared = zip->next_shared < zip->shared->len ? g_ptr_array_index (zip->shared, zip->next_shared) : NULL;
    gboolean in_both = live != NULL && g_hash_table_contains (zip->config, live);
    if (live != NULL && config != NULL && g_str_equal (live, config)) {
      take_of_config (zip, config);
      l++;
      c++;
    } else if (live != NULL && config != NULL && in_both && shared != NULL && !g_str_equal (shared, live)) {
      l++; /* its turn comes with @config's order */
    } else if (live != NULL && !in_both) {
      take (zip, live);
      l++;
    } else if (live != NULL && (config == NULL || g_hash_table_contains (zip->merged, live))) {
      l++;
    } else {
      take_of_config (zip, config);
      c++;
    }
  }
}

static void
merge_elements (KubeNode *node, KubeSlot slot, KubeValue *live, KubeValue *config)
{
  g_autoptr (GPtrArray) live_steps = g_ptr_array_new (), config_steps = g_ptr_array_new (), shared = g_ptr_array_new ();
  g_autoptr (GPtrArray) out = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_value_unref);
  g_autoptr (GHashTable) live_index = kube_slot_index (slot, live, live_steps), config_index = kube_slot_index (slot, config, config_steps);
  g_autoptr (GHashTable) merged = g_hash_table_new (g_str_hash, g_str_equal);
  Zip zip = { slot, live_steps, config_steps, shared, live_index, config_index, merged, 0, out };

  for (guint i = 0; i < config_steps->len; i++) {
    if (g_hash_table_contains (live_index, g_ptr_array_index (config_steps, i)))
      g_ptr_array_add (shared, g_ptr_array_index (config_steps, i));
  }
  zip_run (&zip);
  while (kube_node_get_length (node) > 0)
    kube_node_remove_element (node, kube_node_get_length (node) - 1);
  for (guint i = 0; i < out->len; i++)
    kube_node_append_value (node, g_ptr_array_index (out, i));
}

/* @node holds @live. */
static void
merge (KubeNode *node, KubeSlot slot, KubeValue *live, KubeValue *config)
{
  KubeTopology topology = kube_slot_get_topology (slot, config);

  if (topology == KUBE_TOPOLOGY_LEAF || kube_value_is_hollow (live)) {
    kube_node_become_value (node, config);
    return;
  }
  if (kube_value_is_hollow (config))
    return; /* nothing is said of what is there */
  if (topology == KUBE_TOPOLOGY_STRUCT || topology == KUBE_TOPOLOGY_MAP)
    merge_members (node, slot, live, config);
  else
    merge_elements (node, slot, live, config);
}

KubeValue *
kube_typed_merge (KubeSlot slot, KubeValue *live, KubeValue *config)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (live);

  merge (kube_builder_get_root (builder), slot, live, config);
  return kube_builder_end (builder);
}

/* --- removal --- */

static gboolean remove_fields (KubeNode *node, KubeSlot slot, KubeValue *value, const KubeFieldSet *set);

/* What lost all that was in it is null, as upstream leaves it. */
static void
remove_members (KubeNode *node, KubeSlot slot, KubeValue *value, const KubeFieldSet *set)
{
  for (guint i = 0; i < kube_value_get_length (value); i++) {
    const char *key = kube_value_get_key (value, i);
    g_autofree char *step = g_strconcat ("f:", key, NULL);
    const KubeFieldSet *below = kube_field_set_get_below (set, step);
    if (kube_field_set_has (set, step))
      kube_node_remove_member (node, key);
    else if (!kube_field_set_is_empty (below) &&
             !remove_fields (kube_node_get_member (node, key), kube_slot_get_member (slot, key), kube_value_get_element (value, i), below))
      kube_node_become_value (kube_node_get_member (node, key), NULL);
  }
}

static void
remove_elements (KubeNode *node, KubeSlot slot, KubeValue *value, const KubeFieldSet *set)
{
  for (guint i = kube_value_get_length (value); i > 0; i--) {
    KubeValue *element = kube_value_get_element (value, i - 1);
    g_autofree char *step = kube_slot_dup_step (slot, element);
    const KubeFieldSet *below = kube_field_set_get_below (set, step);
    if (kube_field_set_has (set, step))
      kube_node_remove_element (node, i - 1);
    else if (!kube_field_set_is_empty (below))
      remove_fields (kube_node_get_element (node, i - 1), kube_slot_get_element (slot), element, below);
  }
}

/* FALSE: nothing is left. */
static gboolean
remove_fields (KubeNode *node, KubeSlot slot, KubeValue *value, const KubeFieldSet *set)
{
  if (!kube_value_is_object (value) && !kube_value_is_array (value))
    return TRUE;
  switch (kube_slot_get_topology (slot, value)) {
  case KUBE_TOPOLOGY_LEAF:
    return FALSE;
  case KUBE_TOPOLOGY_STRUCT:
  case KUBE_TOPOLOGY_MAP:
    remove_members (node, slot, value, set);
    break;
  default:
    remove_elements (node, slot, value, set);
  }
  return kube_node_get_length (node) > 0;
}

KubeValue *
kube_typed_remove (KubeSlot slot, KubeValue *value, const KubeFieldSet *set)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (value);

  remove_fields (kube_builder_get_root (builder), slot, value, set);
  return kube_builder_end (builder);
}
