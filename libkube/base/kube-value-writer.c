/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-value-writer.h"

/* What a thread keeps between two documents. */
#define KEEP_UNITS 2048
#define KEEP_BYTES 32768

static void
writer_free (gpointer data)
{
  KubeWriter *writer = data;

  g_free (writer->stack);
  g_free (writer->units);
  g_free (writer->bytes);
  g_free (writer);
}

static GPrivate thread_writer = G_PRIVATE_INIT (writer_free);

KubeWriter *
kube_writer_acquire (void)
{
  KubeWriter *writer = g_private_get (&thread_writer);

  if (writer == NULL) {
    writer = g_new0 (KubeWriter, 1);
    g_private_set (&thread_writer, writer);
  } else if (writer->busy) {
    writer = g_new0 (KubeWriter, 1);
  }
  writer->busy = TRUE;
  writer->n_stack = writer->n_nodes = 0;
  writer->n_bytes = 0;
  writer->frame = KUBE_WRITER_NO_FRAME;
  writer->untidy = FALSE;
  return writer;
}

static void
drop_nodes (KubeWriter *writer)
{
  g_clear_pointer (&writer->units, g_free);
  writer->nodes = NULL;
  writer->max_nodes = 0;
}

void
kube_writer_release (KubeWriter *writer)
{
  if (writer != g_private_get (&thread_writer)) {
    writer_free (writer);
    return;
  }
  writer->busy = FALSE;
  if (writer->max_stack > KEEP_UNITS) {
    g_clear_pointer (&writer->stack, g_free);
    writer->max_stack = 0;
  }
  if (writer->max_nodes > KEEP_UNITS)
    drop_nodes (writer);
  if (writer->max_bytes > KEEP_BYTES) {
    g_clear_pointer (&writer->bytes, g_free);
    writer->max_bytes = 0;
  }
}

/* @room units stand before the first of the array. */
static gboolean
grow_units (KubeValue **units, guint room, guint *max, guint used, guint n)
{
  guint wanted;
  KubeValue *grown;

  if (n > KUBE_DOCUMENT_MAX_UNITS - used)
    return FALSE;
  wanted = MIN (MAX (MAX (2 * *max, used + n), 512), KUBE_DOCUMENT_MAX_UNITS);
  grown = g_try_realloc_n (*units, (gsize) wanted + room, sizeof (KubeValue));
  if (grown == NULL)
    return FALSE;
  *units = grown;
  *max = wanted;
  return TRUE;
}

gboolean
kube_writer_grow_stack (KubeWriter *writer, guint n)
{
  return grow_units (&writer->stack, 0, &writer->max_stack, writer->n_stack, n);
}

gboolean
kube_writer_grow_nodes (KubeWriter *writer, guint n)
{
  if (!grow_units (&writer->units, KUBE_DOCUMENT_HEADER_UNITS, &writer->max_nodes, writer->n_nodes, n))
    return FALSE;
  writer->nodes = writer->units + KUBE_DOCUMENT_HEADER_UNITS;
  return TRUE;
}

gboolean
kube_writer_grow_bytes (KubeWriter *writer, gsize n)
{
  gsize wanted;
  char *grown;

  if (n > G_MAXSSIZE / 4 - writer->n_bytes)
    return FALSE;
  wanted = MAX (MAX (2 * writer->max_bytes, writer->n_bytes + n), 4096);
  grown = g_try_realloc (writer->bytes, wanted + KUBE_DOCUMENT_SLACK);
  if (grown == NULL)
    return FALSE;
  writer->bytes = grown;
  writer->max_bytes = wanted;
  return TRUE;
}

static void
insist (gboolean reserved)
{
  if (G_UNLIKELY (!reserved))
    g_error ("A JSON document does not fit into memory");
}

static KubeValue *
push (KubeWriter *writer, KubeValueType type)
{
  KubeValue *value;

  insist (kube_writer_reserve_stack (writer, 1));
  value = &writer->stack[writer->n_stack++];
  value->tag = type | KUBE_TAG_CANONICAL;
  value->length = 0;
  return value;
}

void
kube_writer_open (KubeWriter *writer, KubeValueType type)
{
  KubeValue *value = push (writer, type);

  value->length = writer->frame;
  value->first = (writer->n_nodes + KUBE_DOCUMENT_HEADER_UNITS) << KUBE_TAG_SHIFT;
  writer->frame = writer->n_stack - 1;
}

void
kube_writer_push_empty (KubeWriter *writer, KubeValueType type)
{
  KubeValue *value = push (writer, type);
  guint unit = writer->n_nodes + KUBE_DOCUMENT_HEADER_UNITS;

  value->children = unit;
  value->first = unit << KUBE_TAG_SHIFT | KUBE_FIRST_SORTED;
}

void
kube_writer_push (KubeWriter *writer, KubeValueType type, gint64 integer)
{
  push (writer, type)->integer = integer;
}

void
kube_writer_push_text (KubeWriter *writer, KubeValueType type, const char *text, gsize length)
{
  KubeValue *value;

  insist (length < G_MAXUINT32 && kube_writer_reserve_bytes (writer, length + 1));
  value = push (writer, type);
  value->length = length;
  value->text = writer->n_bytes;
  if (length > 0)
    memcpy (writer->bytes + writer->n_bytes, text, length);
  writer->bytes[writer->n_bytes + length] = '\0';
  writer->n_bytes += length + 1;
}

static gboolean
stack_is_sorted (KubeWriter *writer, const KubeValue *members, guint n)
{
  guint64 previous = 0;

  for (guint i = 0; i < n; i++) {
    const KubeValue *a = &members[2 * i] - 2, *b = &members[2 * i];
    guint64 prefix = key_prefix (writer->bytes + b->text, b->length);

    if (i > 0 && (prefix < previous || (prefix == previous && key_compare (writer->bytes + a->text, a->length, writer->bytes + b->text, b->length) >= 0)))
      return FALSE;
    previous = prefix;
  }
  return TRUE;
}

void
kube_writer_close_sorted (KubeWriter *writer, gboolean sorted)
{
  KubeValue *container = &writer->stack[writer->frame];
  const KubeValue *child = container + 1;
  guint n = writer->n_stack - writer->frame - 1;
  guint unit = writer->n_nodes + KUBE_DOCUMENT_HEADER_UNITS;
  KubeValue *node = n > 0 ? writer->nodes + writer->n_nodes : NULL;
  guint32 all = KUBE_TAG_CANONICAL;

  for (guint i = 0; i < n; i++) {
    all &= child[i].tag;
    node[i] = child[i];
    node[i].tag = (child[i].tag & (KUBE_TAG_TYPE | KUBE_TAG_CANONICAL)) | (unit + i) << KUBE_TAG_SHIFT;
  }
  if (!sorted || writer->untidy)
    all = 0;
  writer->untidy = FALSE;
  container->tag = (container->tag & KUBE_TAG_TYPE) | all;
  writer->frame = container->length;
  container->length = value_type (container) == KUBE_VALUE_OBJECT ? n / 2 : n;
  container->children = unit;
  if (sorted)
    container->first |= KUBE_FIRST_SORTED;
  writer->n_nodes += n;
  writer->n_stack -= n;
}

void
kube_writer_close (KubeWriter *writer)
{
  const KubeValue *container = &writer->stack[writer->frame];
  guint n = writer->n_stack - writer->frame - 1;

  insist (kube_writer_reserve_nodes (writer, n));
  kube_writer_close_sorted (writer, value_type (container) == KUBE_VALUE_ARRAY || stack_is_sorted (writer, container + 1, n / 2));
}

/* The block of the document, with the nodes in it but the last. A large one is made of the writer's own, so never there twice. */
static KubeDocument *
make_block (KubeWriter *writer, gsize size)
{
  KubeDocument *document;

  if (writer->n_nodes <= KEEP_UNITS) {
    document = g_try_malloc (size);
    if (document != NULL && writer->n_nodes > 0)
      memcpy (document + 1, writer->nodes, writer->n_nodes * sizeof (KubeValue));
    return document;
  }
  document = g_try_realloc (writer->units, size);
  if (document != NULL)
    writer->units = NULL;
  drop_nodes (writer);
  return document;
}

KubeValue *
kube_writer_finish (KubeWriter *writer)
{
  gsize n_units = KUBE_DOCUMENT_HEADER_UNITS + writer->n_nodes + 1;
  KubeDocument *document;
  KubeValue *root;

  g_assert (writer->n_stack == 1 && writer->frame == KUBE_WRITER_NO_FRAME);
  if (n_units > KUBE_DOCUMENT_MAX_UNITS)
    return NULL;
  document = make_block (writer, n_units * sizeof (KubeValue) + writer->n_bytes + KUBE_DOCUMENT_SLACK);
  if (document == NULL)
    return NULL;
  document->ref_count = 1;
  document->n_units = n_units;
  document->n_bytes = writer->n_bytes;
  document->padding[0] = document->padding[1] = 0;
  root = (KubeValue *) (gpointer) document + n_units - 1;
  *root = writer->stack[0];
  root->tag |= (n_units - 1) << KUBE_TAG_SHIFT;
  if (writer->n_bytes > 0)
    memcpy (root + 1, writer->bytes, writer->n_bytes);
  memset ((char *) (root + 1) + writer->n_bytes, 0, KUBE_DOCUMENT_SLACK);
  return root;
}

/* Copying values */

static void
push_scalar (KubeWriter *writer, const KubeValue *value)
{
  if (value_is_text (value))
    kube_writer_push_text (writer, value_type (value), value_text (value), value->length);
  else
    kube_writer_push (writer, value_type (value), value->integer);
}

static void
find_strings (const KubeValue *nodes, guint n, gsize *begin, gsize *end)
{
  *begin = G_MAXSIZE;
  *end = 0;
  for (guint i = 0; i < n; i++) {
    if (!value_is_text (&nodes[i]))
      continue;
    *begin = MIN (*begin, nodes[i].text);
    *end = MAX (*end, nodes[i].text + nodes[i].length + 1);
  }
  if (*end == 0)
    *begin = 0;
}

/* Unsigned arithmetic wraps, so that a shift towards the front is a large addition. */
static void
shift_nodes (KubeValue *nodes, guint n, guint32 units, guint64 bytes)
{
  for (guint i = 0; i < n; i++) {
    KubeValue *node = &nodes[i];

    node->tag += units << KUBE_TAG_SHIFT;
    if (value_is_text (node)) {
      node->text += bytes;
    } else if (value_is_container (node)) {
      node->children += units;
      node->first += units << KUBE_TAG_SHIFT;
    }
  }
}

/* The subtree of @value, whose document's units are those from @units on; or, where that is %NULL, the writer's own. */
static void
push_subtree (KubeWriter *writer, const KubeValue *value, const KubeValue *units, const char *strings)
{
  guint first = value->first >> KUBE_TAG_SHIFT;
  guint n = value->children + value_n_nodes (value) - first;
  const KubeValue *from;
  gsize begin, end;
  guint32 shift;
  KubeValue *copy;

  if (n == 0) {
    kube_writer_push_empty (writer, value_type (value));
    return;
  }
  insist (kube_writer_reserve_nodes (writer, n));
  from = units != NULL ? units + first : writer->nodes + (first - KUBE_DOCUMENT_HEADER_UNITS);
  find_strings (from, n, &begin, &end);
  insist (kube_writer_reserve_bytes (writer, end - begin));
  if (strings == NULL)
    strings = writer->bytes;
  shift = writer->n_nodes + KUBE_DOCUMENT_HEADER_UNITS - first;
  memcpy (writer->nodes + writer->n_nodes, from, n * sizeof (KubeValue));
  if (end > begin)
    memcpy (writer->bytes + writer->n_bytes, strings + begin, end - begin);
  shift_nodes (writer->nodes + writer->n_nodes, n, shift, writer->n_bytes - begin);
  copy = push (writer, value_type (value));
  copy->tag = value->tag & (KUBE_TAG_TYPE | KUBE_TAG_CANONICAL);
  copy->length = value->length;
  copy->children = value->children + shift;
  copy->first = value->first + (shift << KUBE_TAG_SHIFT);
  writer->n_nodes += n;
  writer->n_bytes += end - begin;
}

static void
push_container (KubeWriter *writer, const KubeValue *value)
{
  const KubeDocument *document = value_document (value);

  push_subtree (writer, value, (const KubeValue *) (gconstpointer) document, document_strings (document));
}

gsize
kube_writer_measure (KubeWriter *writer, const KubeValue *node)
{
  guint first = node->first >> KUBE_TAG_SHIFT;
  gsize begin, end;
  guint n;

  if (value_is_text (node))
    return sizeof *node + node->length + 1;
  if (!value_is_container (node))
    return sizeof *node;
  n = node->children + value_n_nodes (node) - first;
  if (n == 0)
    return sizeof *node;
  find_strings (writer->nodes + (first - KUBE_DOCUMENT_HEADER_UNITS), n, &begin, &end);
  return (n + 1) * sizeof *node + end - begin;
}

void
kube_writer_push_again (KubeWriter *writer, const KubeValue *node)
{
  if (value_is_container (node)) {
    push_subtree (writer, node, NULL, NULL);
    return;
  }
  insist (!value_is_text (node) || kube_writer_reserve_bytes (writer, node->length + 1));
  if (value_is_text (node))
    kube_writer_push_text (writer, value_type (node), writer->bytes + node->text, node->length);
  else
    kube_writer_push (writer, value_type (node), node->integer);
}

void
kube_writer_splice (KubeWriter *writer)
{
  KubeValue object = writer->stack[--writer->n_stack];

  if (object.length == 0)
    return;
  insist (kube_writer_reserve_stack (writer, 2 * object.length));
  memcpy (&writer->stack[writer->n_stack], writer->nodes + (object.children - KUBE_DOCUMENT_HEADER_UNITS),
          2 * object.length * sizeof (KubeValue));
  for (guint i = 0; i < 2 * object.length; i++)
    writer->stack[writer->n_stack + i].tag &= KUBE_TAG_TYPE | KUBE_TAG_CANONICAL;
  writer->n_stack += 2 * object.length;
  writer->untidy = TRUE;
}

typedef struct {
  const KubeValue *container;
  guint next;
  guint order; /* where its order begins in the walk's orders */
} WalkFrame;

typedef struct {
  guint64 prefix; /* of the key: mostly it decides */
  guint index;
} MemberOrder;

static inline int
compare_members (const MemberOrder *a, const MemberOrder *b, const KubeValue *members)
{
  const KubeValue *left = &members[2 * a->index], *right = &members[2 * b->index];

  if (G_LIKELY (a->prefix != b->prefix))
    return a->prefix < b->prefix ? -1 : 1;
  return key_compare (value_text (left), left->length, value_text (right), right->length);
}

static int
compare_in_sort (gconstpointer a, gconstpointer b, gpointer members)
{
  return compare_members (a, b, members);
}

static void
sort_members (MemberOrder *order, guint n, KubeValue *members)
{
  if (n > 32) {
    g_qsort_with_data (order, n, sizeof *order, compare_in_sort, members);
    return;
  }
  for (guint i = 1; i < n; i++) {
    MemberOrder moved = order[i];
    guint j = i;

    for (; j > 0 && compare_members (&order[j - 1], &moved, members) > 0; j--)
      order[j] = order[j - 1];
    order[j] = moved;
  }
}

static void
walk_open (KubeWriter *writer, GArray *frames, GArray *orders, const KubeValue *container)
{
  WalkFrame frame = { container, 0, orders->len };
  KubeValue *members = value_children (container);
  const char *strings = document_strings (value_document (container));

  if (value_type (container) == KUBE_VALUE_OBJECT && container->length > 0) {
    MemberOrder *order;

    g_array_set_size (orders, frame.order + container->length);
    order = &g_array_index (orders, MemberOrder, frame.order);
    for (guint i = 0; i < container->length; i++) {
      order[i].prefix = key_prefix (strings + members[2 * i].text, members[2 * i].length);
      order[i].index = i;
    }
    if ((container->first & KUBE_FIRST_SORTED) == 0)
      sort_members (order, container->length, members);
  }
  kube_writer_open (writer, value_type (container));
  g_array_append_val (frames, frame);
}

static void
push_in_order (KubeWriter *writer, const KubeValue *value)
{
  g_autoptr (GArray) frames = g_array_new (FALSE, FALSE, sizeof (WalkFrame));
  g_autoptr (GArray) orders = g_array_new (FALSE, FALSE, sizeof (MemberOrder));

  walk_open (writer, frames, orders, value);
  while (frames->len > 0) {
    WalkFrame *frame = &g_array_index (frames, WalkFrame, frames->len - 1);
    const KubeValue *child = value_children (frame->container);

    if (frame->next == frame->container->length) {
      kube_writer_close (writer);
      g_array_set_size (orders, frame->order);
      g_array_set_size (frames, frames->len - 1);
      continue;
    }
    if (value_type (frame->container) == KUBE_VALUE_OBJECT) {
      child += 2 * g_array_index (orders, MemberOrder, frame->order + frame->next).index;
      push_scalar (writer, child++);
    } else {
      child += frame->next;
    }
    frame->next++;
    if (!value_is_container (child))
      push_scalar (writer, child);
    else if ((child->tag & KUBE_TAG_CANONICAL) != 0)
      push_container (writer, child);
    else
      walk_open (writer, frames, orders, child);
  }
}

void
kube_writer_push_value (KubeWriter *writer, const KubeValue *value, gboolean canonical)
{
  if (!value_is_container (value))
    push_scalar (writer, value);
  else if (canonical && (value->tag & KUBE_TAG_CANONICAL) == 0)
    push_in_order (writer, value);
  else
    push_container (writer, value);
}
