/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#include <string.h>

/* The lines in which two structures differ, as upstream shows them: a unified difference of their indented JSON, matched as Python's difflib does it, whose choice
 * of equal lines is part of the answer. */

/* From so many lines on, lines that make up more than a hundredth of a text do not start a match. */
enum { POPULAR_FROM = 200 };

/* How many pairs of lines are looked at: what a client sends may be long. */
enum { WORK_MAX = 30000000 };

typedef struct {
  guint a, b, n; /* @n lines from @a on are those from @b on */
} Block;

typedef struct {
  GPtrArray *a, *b;
  GHashTable *places; /* (element-type utf8 GArray): where each line stands in @b, without the popular ones */
  guint *lengths;     /* two rows: how long the match is that ends in each line of @b */
  GArray *blocks;     /* (element-type Block) */
  guint64 work;
} Matcher;

static void
add_line (GPtrArray *lines, guint indent, GString *line)
{
  g_ptr_array_add (lines, g_strdup_printf ("%*s%s", (int)indent, "", line->str));
  g_string_truncate (line, 0);
}

/* Lines as json.MarshalIndent makes them with one space. @json is compact. */
static GPtrArray *
indent_lines (const char *json)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) line = g_string_new (NULL);
  guint indent = 0;
  gboolean in_string = FALSE;

  for (const char *at = json; *at != '\0'; at++) {
    char c = *at;

    if (in_string || c == '"') {
      if (c == '"')
        in_string = !in_string;
      g_string_append_c (line, c);
      if (c == '\\' && in_string && at[1] != '\0')
        g_string_append_c (line, *++at);
    } else if ((c == '{' || c == '[') && (at[1] == '}' || at[1] == ']')) {
      g_string_append_c (line, c);
      g_string_append_c (line, *++at);
    } else if (c == '{' || c == '[') {
      g_string_append_c (line, c);
      add_line (lines, indent, line);
      indent++;
    } else if (c == '}' || c == ']') {
      add_line (lines, indent, line);
      indent--;
      g_string_append_c (line, c);
    } else if (c == ',') {
      g_string_append_c (line, c);
      add_line (lines, indent, line);
    } else {
      g_string_append (line, c == ':' ? ": " : (char[]){ c, '\0' });
    }
  }
  add_line (lines, indent, line);
  return lines;
}

static void
drop_popular (Matcher *self)
{
  GHashTableIter iter;
  gpointer places;

  if (self->b->len < POPULAR_FROM)
    return;
  g_hash_table_iter_init (&iter, self->places);
  while (g_hash_table_iter_next (&iter, NULL, &places))
    if (((GArray *)places)->len > self->b->len / 100 + 1)
      g_hash_table_iter_remove (&iter);
}

static void
index_lines (Matcher *self)
{
  self->places = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_array_unref);
  for (guint j = 0; j < self->b->len; j++) {
    GArray *places = g_hash_table_lookup (self->places, self->b->pdata[j]);
    if (places == NULL) {
      places = g_array_new (FALSE, FALSE, sizeof (guint));
      g_hash_table_insert (self->places, self->b->pdata[j], places);
    }
    g_array_append_val (places, j);
  }
  drop_popular (self);
}

/* Takes back what a row says of the lines that are equal to line @i of @a. */
static void
clear_row (Matcher *self, guint *row, guint i)
{
  GArray *places = g_hash_table_lookup (self->places, self->a->pdata[i]);

  for (guint p = 0; places != NULL && p < places->len; p++)
    row[g_array_index (places, guint, p) + 1] = 0;
}

/* The longest run of equal lines, the earliest of several, by the lines that are not popular; then with its equal neighbours. */
static Block
longest_match (Matcher *self, Block from, Block to)
{
  Block best = { from.a, from.b, 0 };
  guint *before = self->lengths, *now = self->lengths + self->b->len + 1;

  for (guint i = from.a; i < to.a && self->work < WORK_MAX; i++) {
    GArray *places = g_hash_table_lookup (self->places, self->a->pdata[i]);
    guint *swap = before;

    for (guint p = 0; places != NULL && p < places->len; p++) {
      guint j = g_array_index (places, guint, p);
      if (j < from.b || j >= to.b)
        continue;
      now[j + 1] = before[j] + 1;
      if (now[j + 1] > best.n)
        best = (Block){ i + 1 - now[j + 1], j + 1 - now[j + 1], now[j + 1] };
    }
    self->work += places != NULL ? places->len : 1;
    if (i > from.a)
      clear_row (self, before, i - 1);
    before = now;
    now = swap;
  }
  memset (self->lengths, 0, 2 * (self->b->len + 1) * sizeof (guint));
  while (best.a > from.a && best.b > from.b && equals (self->a->pdata[best.a - 1], self->b->pdata[best.b - 1]))
    best = (Block){ best.a - 1, best.b - 1, best.n + 1 };
  while (best.a + best.n < to.a && best.b + best.n < to.b
         && equals (self->a->pdata[best.a + best.n], self->b->pdata[best.b + best.n]))
    best.n++;
  return best;
}

static void
add_block (GArray *blocks, Block block)
{
  Block *last = blocks->len > 0 ? &g_array_index (blocks, Block, blocks->len - 1) : NULL;

  if (last != NULL && last->a + last->n == block.a && last->b + last->n == block.b)
    last->n += block.n;
  else
    g_array_append_val (blocks, block);
}

static void
find_blocks (Matcher *self, Block from, Block to, guint depth)
{
  Block block;

  if (from.a >= to.a || from.b >= to.b || depth > 200 || self->work > WORK_MAX)
    return;
  self->work += self->b->len;
  block = longest_match (self, from, to);
  if (block.n == 0)
    return;
  find_blocks (self, from, (Block){ block.a, block.b, 0 }, depth + 1);
  add_block (self->blocks, block);
  find_blocks (self, (Block){ block.a + block.n, block.b + block.n, 0 }, to, depth + 1);
}

/* The runs of equal lines, between one at the start and one at the end, which may be empty. */
static GArray *
match_lines (GPtrArray *a, GPtrArray *b)
{
  Matcher self = { .a = a, .b = b, .blocks = g_array_new (FALSE, FALSE, sizeof (Block)) };
  Block start = { 0, 0, 0 }, end = { a->len, b->len, 0 };

  self.lengths = g_new0 (guint, 2 * (b->len + 1));
  index_lines (&self);
  g_array_append_val (self.blocks, start);
  find_blocks (&self, start, end, 0);
  add_block (self.blocks, end);
  g_hash_table_unref (self.places);
  g_free (self.lengths);
  return self.blocks;
}

static void
append_range (GString *out, guint start, guint length)
{
  if (length == 1)
    g_string_append_printf (out, "%u", start + 1);
  else
    g_string_append_printf (out, "%u,%u", length == 0 ? start : start + 1, length);
}

static void
append_lines (GString *out, char sign, GPtrArray *lines, guint start, guint end)
{
  for (guint i = start; i < end; i++)
    g_string_append_printf (out, "%c%s\n", sign, (char *)lines->pdata[i]);
}

/* One hunk from block @first to block @last, which are the equal lines around its differences, with three lines of context. */
static void
append_hunk (GString *out, GPtrArray *a, GPtrArray *b, GArray *blocks, guint first, guint last)
{
  Block before = g_array_index (blocks, Block, first), after = g_array_index (blocks, Block, last);
  guint lead = MIN (before.n, 3), trail = MIN (after.n, 3);
  guint a_at = before.a + before.n - lead, b_at = before.b + before.n - lead;

  g_string_append (out, "@@ -");
  append_range (out, a_at, after.a + trail - a_at);
  g_string_append (out, " +");
  append_range (out, b_at, after.b + trail - b_at);
  g_string_append (out, " @@\n");
  append_lines (out, ' ', a, a_at, a_at + lead);
  a_at += lead;
  b_at += lead;
  for (guint i = first + 1; i <= last; i++) {
    Block block = g_array_index (blocks, Block, i);
    guint equal = i == last ? trail : block.n;
    append_lines (out, '-', a, a_at, block.a);
    append_lines (out, '+', b, b_at, block.b);
    append_lines (out, ' ', a, block.a, block.a + equal);
    a_at = block.a + block.n;
    b_at = block.b + block.n;
  }
}

char *
kube_go_struct_diff (const char *type, KubeValue *a, KubeValue *b)
{
  g_autoptr (GString) a_text = g_string_new (NULL);
  g_autoptr (GString) b_text = g_string_new (NULL);
  GString *out = g_string_new (NULL);
  g_autoptr (GPtrArray) a_lines = NULL;
  g_autoptr (GPtrArray) b_lines = NULL;
  g_autoptr (GArray) blocks = NULL;

  kube_go_struct_print (a_text, type, a);
  kube_go_struct_print (b_text, type, b);
  a_lines = indent_lines (a_text->str);
  b_lines = indent_lines (b_text->str);
  blocks = match_lines (a_lines, b_lines);

  for (guint first = 0; first + 1 < blocks->len;) {
    guint last = first + 1;
    /* Differences that stand close share a hunk. */
    while (last + 1 < blocks->len && g_array_index (blocks, Block, last).n <= 6)
      last++;
    if (g_array_index (blocks, Block, first).a + g_array_index (blocks, Block, first).n < a_lines->len
        || g_array_index (blocks, Block, first).b + g_array_index (blocks, Block, first).n < b_lines->len)
      append_hunk (out, a_lines, b_lines, blocks, first, last);
    first = last;
  }
  return g_string_free (out, FALSE);
}
