/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-value-writer.h"

static inline gboolean
same_key (const char *bytes, const KubeValue *a, const KubeValue *b)
{
  return a->length == b->length && memcmp (bytes + a->text, bytes + b->text, a->length) == 0;
}

typedef struct {
  KubeWriter *writer;
  KubeValue *members;
  guint n;
  KubeWriterDuplicate report;
  gpointer user_data;
} Members;

static void
drop_member (Members *self, KubeValue *earlier, const KubeValue *later)
{
  self->report (self->writer, later, self->user_data);
  earlier->tag |= KUBE_TAG_DROPPED;
}

/* A filter of 64 bits leaves few comparisons. */
static void
drop_among_few (Members *self, const guint64 *prefixes)
{
  const char *bytes = self->writer->bytes;
  guint64 seen = 0;

  for (guint i = 0; i < self->n; i++) {
    const KubeValue *key = &self->members[2 * i];
    guint64 bit = G_GUINT64_CONSTANT (1) << (((prefixes[i] + key->length) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)) >> 58);

    for (guint j = 0; G_UNLIKELY ((seen & bit) != 0) && j < i; j++) {
      KubeValue *earlier = &self->members[2 * j];

      if (prefixes[i] == prefixes[j] && (earlier->tag & KUBE_TAG_DROPPED) == 0 && same_key (bytes, earlier, key))
        drop_member (self, earlier, key);
    }
    seen |= bit;
  }
}

static int
compare_keys (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Members *self = user_data;
  const char *bytes = self->writer->bytes;
  guint i = *(const guint *) a, j = *(const guint *) b;
  const KubeValue *left = &self->members[2 * i], *right = &self->members[2 * j];
  int compared = key_compare (bytes + left->text, left->length, bytes + right->text, right->length);

  return compared != 0 ? compared : (i > j) - (i < j);
}

static gboolean
drop_among_many (Members *self)
{
  g_autofree guint *indices = g_try_new (guint, self->n);

  if (indices == NULL)
    return FALSE;
  for (guint i = 0; i < self->n; i++)
    indices[i] = i;
  g_qsort_with_data (indices, self->n, sizeof (guint), compare_keys, self);
  for (guint i = 1; i < self->n; i++) {
    KubeValue *earlier = &self->members[2 * indices[i - 1]], *later = &self->members[2 * indices[i]];

    if (same_key (self->writer->bytes, earlier, later))
      drop_member (self, earlier, later);
  }
  return TRUE;
}

/* Takes the dropped members off the stack. */
static void
sweep_members (Members *self)
{
  guint kept = 0;

  for (guint i = 0; i < self->n; i++) {
    if ((self->members[2 * i].tag & KUBE_TAG_DROPPED) != 0)
      continue;
    self->members[2 * kept] = self->members[2 * i];
    self->members[2 * kept + 1] = self->members[2 * i + 1];
    kept++;
  }
  self->writer->n_stack -= 2 * (self->n - kept);
}

static inline gboolean
is_ascending (const char *bytes, const KubeValue *members, guint n, guint64 *prefixes)
{
  gboolean ascending = TRUE;
  guint64 previous = 0;

  for (guint i = 0; i < n; i++) {
    const KubeValue *key = &members[2 * i];
    guint64 prefix = key_prefix (bytes + key->text, key->length);

    if (prefixes != NULL)
      prefixes[i] = prefix;
    if (i > 0 && prefix <= previous) {
      const KubeValue *before = &members[2 * (i - 1)];

      if (prefix < previous || key_compare (bytes + before->text, before->length, bytes + key->text, key->length) >= 0)
        ascending = FALSE;
    }
    previous = prefix;
  }
  return ascending;
}

gboolean
kube_writer_close_distinct (KubeWriter *writer, KubeWriterDuplicate report, gpointer user_data)
{
  Members self = { writer, &writer->stack[writer->frame + 1], (writer->n_stack - writer->frame - 1) / 2, report, user_data };
  guint64 prefixes[32];
  gboolean few = self.n <= G_N_ELEMENTS (prefixes);
  gboolean ascending = is_ascending (writer->bytes, self.members, self.n, few ? prefixes : NULL);

  if (!ascending) {
    if (few)
      drop_among_few (&self, prefixes);
    else if (!drop_among_many (&self))
      return FALSE;
    sweep_members (&self);
  }
  if (!kube_writer_reserve_nodes (writer, 2 * self.n))
    return FALSE;
  kube_writer_close_sorted (writer, ascending);
  return TRUE;
}
