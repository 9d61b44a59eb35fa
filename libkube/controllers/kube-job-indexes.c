/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include "kube-job-indexes.h"

#define LENGTH(indexes) ((indexes) == NULL ? 0 : (indexes)->len)
#define RANGE(indexes, i) (&g_array_index (indexes, KubeIndexRange, i))

static GArray *
ranges_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (KubeIndexRange));
}

/* @first is not below what was added before. */
static void
add (GArray *indexes, gint64 first, gint64 last)
{
  KubeIndexRange *end = indexes->len == 0 ? NULL : RANGE (indexes, indexes->len - 1);

  if (end == NULL || first > end->last + 1)
    g_array_append_vals (indexes, &(KubeIndexRange){ first, last }, 1);
  else
    end->last = MAX (end->last, last);
}

static gboolean
parse_number (const char *text, gint64 *number)
{
  return g_ascii_string_to_signed (text, 10, 0, G_MAXINT32, number, NULL);
}

GArray *
kube_indexes_parse (const char *text, gint64 completions)
{
  g_auto (GStrv) parts = g_strsplit (text == NULL ? "" : text, ",", -1);
  GArray *indexes = ranges_new ();

  for (guint i = 0; parts[i] != NULL; i++) {
    char *dash = strchr (parts[i], '-');
    KubeIndexRange range;

    if (dash != NULL)
      *dash = '\0';
    if (!parse_number (parts[i], &range.first))
      continue;
    range.last = range.first;
    if (range.first >= completions)
      break;
    if (dash != NULL && (!parse_number (dash + 1, &range.last) || range.last < range.first))
      continue;
    if (indexes->len == 0 || range.first >= RANGE (indexes, indexes->len - 1)->first)
      add (indexes, range.first, MIN (range.last, completions - 1));
  }
  return indexes;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

GArray *
kube_indexes_new (GArray *numbers)
{
  GArray *indexes = ranges_new ();

  g_array_sort (numbers, compare);
  for (guint i = 0; i < numbers->len; i++) {
    gint64 number = g_array_index (numbers, gint64, i);

    add (indexes, number, number);
  }
  return indexes;
}

GArray *
kube_indexes_merge (GArray *a, GArray *b)
{
  GArray *indexes = ranges_new ();
  guint i = 0, k = 0;

  while (i < LENGTH (a) || k < LENGTH (b)) {
    const KubeIndexRange *next = k == LENGTH (b) || (i < LENGTH (a) && RANGE (a, i)->first < RANGE (b, k)->first) ? RANGE (a, i++) : RANGE (b, k++);

    add (indexes, next->first, next->last);
  }
  return indexes;
}

GArray *
kube_indexes_list_absent (GArray *indexes, gint64 completions, gint64 most)
{
  GArray *absent = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 candidate = 0;

  for (guint i = 0; i <= LENGTH (indexes) && absent->len < most; i++) {
    gint64 end = i < LENGTH (indexes) ? MIN (RANGE (indexes, i)->first, completions) : completions;

    for (; candidate < end && absent->len < most; candidate++)
      g_array_append_val (absent, candidate);
    if (i < LENGTH (indexes))
      candidate = MAX (candidate, RANGE (indexes, i)->last + 1);
  }
  return absent;
}

gboolean
kube_indexes_has (GArray *indexes, gint64 index)
{
  guint low = 0, high = LENGTH (indexes);

  while (low < high) {
    guint middle = low + (high - low) / 2;

    if (RANGE (indexes, middle)->last >= index)
      high = middle;
    else
      low = middle + 1;
  }
  return low < LENGTH (indexes) && RANGE (indexes, low)->first <= index;
}

gint64
kube_indexes_count (GArray *indexes)
{
  gint64 count = 0;

  for (guint i = 0; i < LENGTH (indexes); i++)
    count += RANGE (indexes, i)->last - RANGE (indexes, i)->first + 1;
  return count;
}

gint64
kube_indexes_count_common (GArray *a, GArray *b)
{
  gint64 count = 0;
  guint i = 0, k = 0;

  while (i < LENGTH (a) && k < LENGTH (b)) {
    const KubeIndexRange *x = RANGE (a, i), *y = RANGE (b, k);

    count += MAX (MIN (x->last, y->last) - MAX (x->first, y->first) + 1, 0);
    i += x->last <= y->last;
    k += y->last <= x->last;
  }
  return count;
}

char *
kube_indexes_print (GArray *indexes)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < LENGTH (indexes); i++) {
    const KubeIndexRange *range = RANGE (indexes, i);

    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? "," : "", range->first);
    if (range->last > range->first)
      g_string_append_printf (text, "%c%" G_GINT64_FORMAT, range->last == range->first + 1 ? ',' : '-', range->last);
  }
  return g_string_free (text, FALSE);
}
