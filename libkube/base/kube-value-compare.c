/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-value-private.h"

static gboolean
scalar_equal (const KubeValue *a, const KubeValue *b)
{
  if (value_type (a) != value_type (b) || a->length != b->length)
    return FALSE;
  if (value_is_text (a))
    return memcmp (value_text (a), value_text (b), a->length) == 0;
  return a->integer == b->integer;
}

/* Whether two canonical documents are equal is whether their bytes are. */
static gboolean
canonical_equal (const KubeValue *a, const KubeValue *b)
{
  const KubeDocument *left = value_document (a), *right = value_document (b);

  return left->n_units == right->n_units && left->n_bytes == right->n_bytes
         && memcmp (left + 1, right + 1, (left->n_units - KUBE_DOCUMENT_HEADER_UNITS) * sizeof (KubeValue) + left->n_bytes) == 0;
}

typedef struct {
  const KubeValue *a;
  const KubeValue *b;
} Pair;

/* The containers that remain to be compared. */
typedef struct {
  Pair *pairs;
  guint n;
  guint max;
  Pair few[48];
} PairStack;

static Pair *
push_slot (PairStack *stack)
{
  if (stack->n == stack->max) {
    Pair *grown = g_new (Pair, 2 * stack->max);

    memcpy (grown, stack->pairs, stack->n * sizeof (Pair));
    if (stack->pairs != stack->few)
      g_free (stack->pairs);
    stack->pairs = grown;
    stack->max *= 2;
  }
  return &stack->pairs[stack->n++];
}

static gboolean
push_pair (PairStack *stack, const KubeValue *a, const KubeValue *b)
{
  if (!value_is_container (a) || !value_is_container (b))
    return scalar_equal (a, b);
  if (value_type (a) != value_type (b) || a->length != b->length)
    return FALSE;
  *push_slot (stack) = (Pair){ a, b };
  return TRUE;
}

static gboolean
push_members (PairStack *stack, const KubeValue *a, const KubeValue *b)
{
  const KubeValue *left = value_children (a), *right = value_children (b);

  for (guint i = 0; i < a->length; i++, left += 2, right += 2) {
    const KubeValue *other = scalar_equal (left, right) ? right + 1 : kube_value_lookup (b, value_text (left), left->length);

    if (other == NULL || !push_pair (stack, left + 1, other))
      return FALSE;
  }
  return TRUE;
}

/* Members of unsorted objects are looked for one by one, which is for small documents only. */
static gboolean
is_large (const KubeValue *value)
{
  return value->children + value_n_nodes (value) - (value->first >> KUBE_TAG_SHIFT) > 1024;
}

static gboolean
equal_in_order (KubeValue *a, KubeValue *b)
{
  g_autoptr (KubeValue) left = kube_value_canonicalize (a);
  g_autoptr (KubeValue) right = kube_value_canonicalize (b);

  return canonical_equal (left, right);
}

static gboolean
containers_equal (PairStack *stack)
{
  while (stack->n > 0) {
    Pair pair = stack->pairs[--stack->n];

    if (value_type (pair.a) == KUBE_VALUE_OBJECT) {
      if (!push_members (stack, pair.a, pair.b))
        return FALSE;
      continue;
    }
    for (guint i = 0; i < pair.a->length; i++) {
      if (!push_pair (stack, value_children (pair.a) + i, value_children (pair.b) + i))
        return FALSE;
    }
  }
  return TRUE;
}

/**
 * kube_value_equal:
 * @a: (nullable): a value
 * @b: (nullable): a value
 *
 * Whether both are the same JSON value. The order of members does not count; 1 and 1.0 differ.
 *
 * Returns: whether they are equal; %NULL equals only %NULL
 *
 * Since: 1.0
 */
gboolean
kube_value_equal (KubeValue *a, KubeValue *b)
{
  PairStack stack;
  gboolean equal;

  if (a == b || a == NULL || b == NULL)
    return a == b;
  if (!value_is_container (a) || !value_is_container (b))
    return scalar_equal (a, b);
  if ((a->tag & b->tag & KUBE_TAG_CANONICAL) != 0 && value_is_root (a) && value_is_root (b))
    return canonical_equal (a, b);
  if (is_large (a) && is_large (b))
    return equal_in_order (a, b);

  stack.pairs = stack.few;
  stack.max = G_N_ELEMENTS (stack.few);
  stack.n = 0;
  equal = push_pair (&stack, a, b) && containers_equal (&stack);
  if (stack.pairs != stack.few)
    g_free (stack.pairs);
  return equal;
}

static inline guint64
mix (guint64 hash)
{
  hash = (hash ^ hash >> 32) * G_GUINT64_CONSTANT (0xd6e8feb86659fd93);
  hash = (hash ^ hash >> 32) * G_GUINT64_CONSTANT (0xd6e8feb86659fd93);
  return hash ^ hash >> 32;
}

static guint64
hash_text (guint64 seed, const char *text, gsize length)
{
  guint64 hash = mix (seed + length);

  for (; length >= 8; text += 8, length -= 8) {
    guint64 word;

    memcpy (&word, text, 8);
    hash = mix (hash ^ GUINT64_FROM_LE (word));
  }
  for (gsize i = 0; i < length; i++)
    hash = (hash ^ (guchar) text[i]) * G_GUINT64_CONSTANT (0x100000001b3);
  return mix (hash);
}

/* @hashes: those of the nodes from unit @first on. */
static guint64
hash_node (const KubeValue *value, const guint64 *hashes, guint first)
{
  guint64 hash = mix (value_type (value) + 1);
  const guint64 *child = hashes;

  if (value_is_text (value))
    return hash_text (hash, value_text (value), value->length);
  if (!value_is_container (value))
    return mix (hash + value->natural);
  if (value->length == 0)
    return mix (hash);
  child += value->children - first;
  for (guint i = 0; i < value->length; i++) {
    if (value_type (value) == KUBE_VALUE_OBJECT)
      hash += mix (child[2 * i] ^ mix (child[2 * i + 1]));
    else
      hash = mix (hash ^ child[i]);
  }
  return mix (hash);
}

/**
 * kube_value_hash:
 * @value: a value
 *
 * A hash that equal values share, whatever the order of their members, in every process.
 *
 * Returns: the hash
 *
 * Since: 1.0
 */
guint
kube_value_hash (KubeValue *value)
{
  g_autofree guint64 *hashes = NULL;
  const KubeValue *nodes;
  guint first, n;

  g_return_val_if_fail (value != NULL, 0);

  if (!value_is_container (value))
    return (guint) hash_node (value, NULL, 0);
  /* Children stand before their parents. */
  first = value->first >> KUBE_TAG_SHIFT;
  n = value->children + value_n_nodes (value) - first;
  nodes = (const KubeValue *) (gpointer) value_document (value) + first;
  hashes = g_new (guint64, n);
  for (guint i = 0; i < n; i++)
    hashes[i] = hash_node (&nodes[i], hashes, first);
  return (guint) hash_node (value, hashes, first);
}
