/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-builder-private.h"
#include "kube-siphash-private.h"
#include "kube-value-writer.h"

static KubeNode *node_box (KubeNode *node);
static void node_unbox (KubeNode *node);

G_DEFINE_BOXED_TYPE (KubeBuilder, kube_builder, kube_builder_ref, kube_builder_unref)
G_DEFINE_BOXED_TYPE (KubeNode, kube_node, node_box, node_unbox)

#define CHUNK_SIZE 4000
/* Objects with more members than this find them by a hash table. */
#define INDEX_FROM 16

/* The arena */

static gpointer
arena_alloc (KubeBuilder *builder, gsize size)
{
  BuilderChunk *chunk = builder->chunks;
  gpointer memory;

  size = (size + 7) & ~(gsize) 7;
  if (chunk == NULL || size > chunk->size - chunk->used) {
    gsize wanted = MAX (size, CHUNK_SIZE);

    chunk = g_malloc (sizeof *chunk + wanted);
    chunk->size = wanted;
    chunk->used = 0;
    chunk->next = builder->chunks;
    builder->chunks = chunk;
  }
  memory = chunk->data + chunk->used;
  chunk->used += size;
  return memory;
}

static const char *
arena_strndup (KubeBuilder *builder, const char *string, gsize length)
{
  char *copy = arena_alloc (builder, length + 1);

  memcpy (copy, string, length);
  copy[length] = '\0';
  return copy;
}

static KubeNode *
node_new (KubeBuilder *builder, KubeNode *parent)
{
  KubeNode *node = arena_alloc (builder, sizeof *node);

  memset (node, 0, sizeof *node);
  node->builder = builder;
  node->parent = parent;
  return node;
}

static KubeNode *
node_box (KubeNode *node)
{
  kube_builder_ref (node->builder);
  node->builder->n_boxed++;
  return node;
}

static void
node_unbox (KubeNode *node)
{
  node->builder->n_boxed--;
  kube_builder_unref (node->builder);
}

static void
builder_clear (KubeBuilder *builder)
{
  if (builder->n_boxed > 0)
    return;
  for (BuilderChunk *next, *chunk = builder->chunks; chunk != NULL; chunk = next) {
    next = chunk->next;
    g_free (chunk);
  }
  builder->chunks = NULL;
  builder->root = NULL;
  g_ptr_array_set_size (builder->values, 0);
}

/* Keeps @value's document for as long as the tree may refer to it. */
static void
builder_hold (KubeBuilder *builder, KubeValue *value)
{
  guint n = builder->values->len;

  if (n > 0 && value_document (g_ptr_array_index (builder->values, n - 1)) == value_document (value))
    return;
  g_ptr_array_add (builder->values, kube_value_ref (value));
}

static void
node_share (KubeNode *node, KubeValue *value)
{
  node->type = value_type (value);
  node->open = FALSE;
  node->shared = value;
}

static void
builder_start (KubeBuilder *builder, KubeValue *base)
{
  builder->root = node_new (builder, NULL);
  builder_hold (builder, base);
  node_share (builder->root, base);
}

/**
 * kube_builder_new:
 * @base: (nullable): what to start from; %NULL: an empty object
 *
 * Returns: (transfer full): a builder
 *
 * Since: 1.0
 */
KubeBuilder *
kube_builder_new (KubeValue *base)
{
  KubeBuilder *builder = g_new0 (KubeBuilder, 1);
  g_autoptr (KubeValue) start = base != NULL ? kube_value_ref (base) : kube_value_new_empty_object ();

  g_atomic_ref_count_init (&builder->ref_count);
  builder->values = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_value_unref);
  builder_start (builder, start);
  return builder;
}

/**
 * kube_builder_ref:
 * @builder: a builder
 *
 * Returns: (transfer full): @builder
 *
 * Since: 1.0
 */
KubeBuilder *
kube_builder_ref (KubeBuilder *builder)
{
  g_return_val_if_fail (builder != NULL, NULL);

  g_atomic_ref_count_inc (&builder->ref_count);
  return builder;
}

/**
 * kube_builder_unref:
 * @builder: (transfer full): a builder
 *
 * Gives up a reference; with the last one all nodes go.
 *
 * Since: 1.0
 */
void
kube_builder_unref (KubeBuilder *builder)
{
  g_return_if_fail (builder != NULL);

  if (!g_atomic_ref_count_dec (&builder->ref_count))
    return;
  builder_clear (builder);
  g_ptr_array_unref (builder->values);
  g_free (builder);
}

/**
 * kube_builder_get_root:
 * @builder: a builder
 *
 * Returns: (transfer none): the node that the whole value hangs from
 *
 * Since: 1.0
 */
KubeNode *
kube_builder_get_root (KubeBuilder *builder)
{
  g_return_val_if_fail (builder != NULL, NULL);

  return builder->root;
}

/**
 * kube_builder_end:
 * @builder: a builder
 *
 * Makes a canonical document of what was built: the members of all objects are sorted by key, bytewise. A canonical base that was
 * not changed is returned as it is. The builder goes on from the result; nodes are no longer valid, get the root again.
 *
 * Returns: (transfer full): the value
 *
 * Since: 1.0
 */
KubeValue *
kube_builder_end (KubeBuilder *builder)
{
  KubeValue *value;

  g_return_val_if_fail (builder != NULL, NULL);

  value = kube_node_to_value (builder->root);
  builder_clear (builder);
  builder_start (builder, value);
  return value;
}

/* The state of a node */

/* What was shared no longer says what stands at @node and above. */
static void
node_touch (KubeNode *node)
{
  for (; node != NULL && !node->dirty; node = node->parent)
    node->dirty = TRUE;
}

void
kube_node_set_to_empty (KubeNode *node, KubeValueType type)
{
  node_touch (node);
  node->type = type;
  node->shared = NULL;
  node->open = type >= KUBE_VALUE_ARRAY;
  node->slots = NULL;
  node->n_slots = node->max_slots = node->n_dead = 0;
  node->index = NULL;
  node->index_size = 0;
  node->indexed = FALSE;
}

void
kube_node_set_to_value (KubeNode *node, KubeValue *value)
{
  kube_node_set_to_empty (node, value_type (value));
  builder_hold (node->builder, value);
  node_share (node, value);
  node->dirty = FALSE;
}

void
kube_node_set_to_string (KubeNode *node, const char *string)
{
  g_autofree char *valid = NULL;
  gsize length = strlen (string);

  if (!g_utf8_validate_len (string, length, NULL)) {
    string = valid = g_utf8_make_valid (string, length);
    length = strlen (string);
  }
  kube_node_set_to_empty (node, KUBE_VALUE_STRING);
  node->string = arena_strndup (node->builder, string, length);
  node->length = length;
}

void
kube_node_set_to_scalar (KubeNode *node, KubeValueType type, gint64 integer)
{
  kube_node_set_to_empty (node, type);
  node->integer = integer;
}

/* Gives a shared container slots of its own, which still point to shared values. */
static void
node_open (KubeNode *node)
{
  KubeValue *child;
  guint n;

  if (node->open)
    return;
  n = node->shared->length;
  node->open = TRUE;
  node->n_slots = node->max_slots = n;
  node->n_dead = 0;
  node->indexed = FALSE;
  node->index = NULL;
  node->index_size = 0;
  node->slots = n > 0 ? arena_alloc (node->builder, n * sizeof (NodeSlot)) : NULL;
  child = value_children (node->shared);
  for (guint i = 0; i < n; i++) {
    NodeSlot *slot = &node->slots[i];

    memset (slot, 0, sizeof *slot);
    if (node->type == KUBE_VALUE_OBJECT) {
      slot->key = value_text (child);
      slot->key_length = child->length;
      child++;
    }
    slot->value = child++;
  }
}

KubeNode *
kube_node_of_slot (KubeNode *parent, NodeSlot *slot)
{
  if (slot->node == NULL) {
    slot->node = node_new (parent->builder, parent);
    node_share (slot->node, slot->value);
  }
  return slot->node;
}

/* Slots */

static guint
key_hash (const char *key, gsize length)
{
  static gsize seeded;
  static guint64 seed[2];

  if (g_once_init_enter (&seeded)) {
    seed[0] = (guint64) g_random_int () << 32 | g_random_int ();
    seed[1] = (guint64) g_random_int () << 32 | g_random_int ();
    g_once_init_leave (&seeded, 1);
  }
  return (guint) kube_siphash (seed, key, length);
}

static void
index_add (KubeNode *node, guint slot)
{
  guint at = key_hash (node->slots[slot].key, node->slots[slot].key_length) & (node->index_size - 1);

  while (node->index[at] != 0)
    at = (at + 1) & (node->index_size - 1);
  node->index[at] = slot + 1;
}

static void
index_build (KubeNode *node)
{
  guint size = 64;

  while (size < 4 * node->n_slots)
    size *= 2;
  if (size > node->index_size) {
    node->index = arena_alloc (node->builder, size * sizeof (guint32));
    node->index_size = size;
  }
  memset (node->index, 0, node->index_size * sizeof (guint32));
  node->indexed = TRUE;
  for (guint i = 0; i < node->n_slots; i++) {
    if (!node->slots[i].dead)
      index_add (node, i);
  }
}

static NodeSlot *
find_slot (KubeNode *object, const char *key, gsize length)
{
  if (object->n_slots <= INDEX_FROM) {
    for (guint i = 0; i < object->n_slots; i++) {
      NodeSlot *slot = &object->slots[i];

      if (!slot->dead && slot->key_length == length && memcmp (slot->key, key, length) == 0)
        return slot;
    }
    return NULL;
  }
  if (!object->indexed)
    index_build (object);
  for (guint at = key_hash (key, length) & (object->index_size - 1); object->index[at] != 0;
       at = (at + 1) & (object->index_size - 1)) {
    NodeSlot *slot = &object->slots[object->index[at] - 1];

    if (!slot->dead && slot->key_length == length && memcmp (slot->key, key, length) == 0)
      return slot;
  }
  return NULL;
}

/* Removed members stay as dead slots, so that removing many of many is not quadratic, until somebody counts. */
static void
sweep_slots (KubeNode *node)
{
  guint kept = 0;

  if (node->n_dead == 0)
    return;
  for (guint i = 0; i < node->n_slots; i++) {
    if (!node->slots[i].dead)
      node->slots[kept++] = node->slots[i];
  }
  node->n_slots = kept;
  node->n_dead = 0;
  node->indexed = FALSE;
}

static NodeSlot *
insert_slot (KubeNode *node, guint at)
{
  if (node->n_slots == node->max_slots) {
    guint wanted = MAX (2 * node->max_slots, 4);
    NodeSlot *slots = arena_alloc (node->builder, wanted * sizeof (NodeSlot));

    if (node->n_slots > 0)
      memcpy (slots, node->slots, node->n_slots * sizeof (NodeSlot));
    node->slots = slots;
    node->max_slots = wanted;
  }
  memmove (&node->slots[at + 1], &node->slots[at], (node->n_slots - at) * sizeof (NodeSlot));
  memset (&node->slots[at], 0, sizeof (NodeSlot));
  node->n_slots++;
  return &node->slots[at];
}

static NodeSlot *
add_member (KubeNode *object, const char *key, gsize length)
{
  NodeSlot *slot = insert_slot (object, object->n_slots);

  slot->key = arena_strndup (object->builder, key, length);
  slot->key_length = length;
  if (2 * object->n_slots > object->index_size)
    object->indexed = FALSE;
  if (object->indexed)
    index_add (object, object->n_slots - 1);
  return slot;
}

/* The member's node, made where it is missing; a new one is null. */
KubeNode *
kube_node_ensure_child (KubeNode *object, const char *key, gsize length)
{
  NodeSlot *slot;

  if (object->type != KUBE_VALUE_OBJECT)
    kube_node_set_to_empty (object, KUBE_VALUE_OBJECT);
  node_open (object);
  slot = find_slot (object, key, length);
  if (slot != NULL)
    return kube_node_of_slot (object, slot);
  node_touch (object);
  slot = add_member (object, key, length);
  slot->node = node_new (object->builder, object);
  slot->node->dirty = TRUE;
  return slot->node;
}

KubeNode *
kube_node_find_child (KubeNode *node, const char *segment, gsize length)
{
  NodeSlot *slot = NULL;
  guint index;

  if (node->type < KUBE_VALUE_ARRAY)
    return NULL;
  node_open (node);
  if (node->type == KUBE_VALUE_OBJECT)
    slot = find_slot (node, segment, length);
  else if (kube_path_index (segment, length, &index) && index < node->n_slots)
    slot = &node->slots[index];
  return slot != NULL ? kube_node_of_slot (node, slot) : NULL;
}

static gboolean
remove_element (KubeNode *array, guint index)
{
  if (index >= kube_node_get_length (array))
    return FALSE;
  node_open (array);
  node_touch (array);
  memmove (&array->slots[index], &array->slots[index + 1], (array->n_slots - index - 1) * sizeof (NodeSlot));
  array->n_slots--;
  return TRUE;
}

static gboolean
remove_member (KubeNode *object, const char *key, gsize length)
{
  NodeSlot *slot;

  if (object->type != KUBE_VALUE_OBJECT || (!object->open && kube_value_lookup (object->shared, key, length) == NULL))
    return FALSE;
  node_open (object);
  slot = find_slot (object, key, length);
  if (slot == NULL)
    return FALSE;
  node_touch (object);
  slot->dead = TRUE;
  slot->node = NULL;
  object->n_dead++;
  if (object->n_dead > 8 && 2 * object->n_dead > object->n_slots)
    sweep_slots (object);
  return TRUE;
}

gboolean
kube_node_drop_child (KubeNode *node, const char *segment, gsize length)
{
  guint index;

  if (node->type == KUBE_VALUE_ARRAY)
    return kube_path_index (segment, length, &index) && remove_element (node, index);
  return remove_member (node, segment, length);
}

KubeNode *
kube_node_insert_child (KubeNode *array, guint index)
{
  NodeSlot *slot;

  if (array->type != KUBE_VALUE_ARRAY)
    kube_node_set_to_empty (array, KUBE_VALUE_ARRAY);
  node_open (array);
  node_touch (array);
  slot = insert_slot (array, MIN (index, array->n_slots));
  slot->node = node_new (array->builder, array);
  slot->node->dirty = TRUE;
  return slot->node;
}

/* @index counts the living. */
NodeSlot *
kube_node_peek_slot (KubeNode *node, guint index)
{
  node_open (node);
  sweep_slots (node);
  return &node->slots[index];
}

/* Writing the value */

typedef struct {
  KubeNode *node;
  guint next;
} EmitFrame;

static int
compare_slots (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const NodeSlot *left = a, *right = b;

  return key_compare (left->key, left->key_length, right->key, right->key_length);
}

static void
sort_slots (KubeNode *object)
{
  gboolean sorted = TRUE;

  for (guint i = 1; i < object->n_slots && sorted; i++)
    sorted = compare_slots (&object->slots[i - 1], &object->slots[i], NULL) < 0;
  if (sorted)
    return;
  object->indexed = FALSE;
  if (object->n_slots > INDEX_FROM * 2) {
    g_qsort_with_data (object->slots, object->n_slots, sizeof (NodeSlot), compare_slots, NULL);
    return;
  }
  for (guint i = 1; i < object->n_slots; i++) { /* mostly a few new ones stand behind sorted ones */
    NodeSlot moved = object->slots[i];
    guint k = i;

    for (; k > 0 && compare_slots (&object->slots[k - 1], &moved, NULL) > 0; k--)
      object->slots[k] = object->slots[k - 1];
    object->slots[k] = moved;
  }
}

/* Writes what needs no frame; opens the container where it must be walked. */
static void
emit_node (KubeWriter *writer, GArray *frames, KubeNode *node)
{
  EmitFrame frame = { node, 0 };

  if (node->shared != NULL && !(node->open && node->dirty)) {
    kube_writer_push_value (writer, node->shared, TRUE);
    return;
  }
  if (node->type == KUBE_VALUE_STRING) {
    kube_writer_push_text (writer, node->type, node->string, node->length);
    return;
  }
  if (node->type < KUBE_VALUE_ARRAY) {
    kube_writer_push (writer, node->type, node->type == KUBE_VALUE_NULL ? 0 : node->integer);
    return;
  }
  sweep_slots (node);
  if (node->type == KUBE_VALUE_OBJECT)
    sort_slots (node);
  kube_writer_open (writer, node->type);
  g_array_append_val (frames, frame);
}

static void
emit (KubeWriter *writer, KubeNode *root)
{
  g_autoptr (GArray) frames = g_array_new (FALSE, FALSE, sizeof (EmitFrame));

  emit_node (writer, frames, root);
  while (frames->len > 0) {
    EmitFrame *frame = &g_array_index (frames, EmitFrame, frames->len - 1);
    const NodeSlot *slot;

    if (frame->next == frame->node->n_slots) {
      kube_writer_close (writer);
      g_array_set_size (frames, frames->len - 1);
      continue;
    }
    slot = &frame->node->slots[frame->next++];
    if (slot->key != NULL)
      kube_writer_push_text (writer, KUBE_VALUE_STRING, slot->key, slot->key_length);
    if (slot->node != NULL)
      emit_node (writer, frames, slot->node);
    else
      kube_writer_push_value (writer, slot->value, TRUE);
  }
}

/**
 * kube_node_to_value:
 * @node: a node
 *
 * Returns: (transfer full): a canonical document of its own for what stands at @node now
 *
 * Since: 1.0
 */
KubeValue *
kube_node_to_value (KubeNode *node)
{
  KubeValue *shared, *value;
  KubeWriter *writer;

  g_return_val_if_fail (node != NULL, NULL);

  shared = node->open && node->dirty ? NULL : node->shared;
  if (shared != NULL && value_is_root (shared) && (shared->tag & KUBE_TAG_CANONICAL) != 0)
    return kube_value_ref (shared);
  writer = kube_writer_acquire ();
  emit (writer, node);
  value = kube_writer_finish (writer);
  kube_writer_release (writer);
  if (value == NULL)
    g_error ("A JSON document does not fit into memory");
  return value;
}
