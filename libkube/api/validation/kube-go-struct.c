/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-go-struct-private.h"
#include "kube-validate-private.h"

#include <string.h>

/* How deep structures may nest: upstream's nest less than half of it. */
enum { DEPTH_MAX = 40 };

typedef struct {
  const char *name;
  gsize name_length;
  char key[64];
  const char *type;
  gsize type_length;
  gboolean omit_empty;
} Member;

static void print (GString *out, const char *type, gsize length, KubeValue *value, KubeValue *outer, guint depth);

static const char *
next_member (const char *text, Member *member)
{
  const char *end = text + strcspn (text, " ");
  const char *colon = memchr (text, ':', (gsize) (end - text));
  const char *equal = memchr (text, '=', (gsize) (colon - text));
  const char *name_end = equal != NULL ? equal : colon;
  gsize key_length;

  member->name = text;
  member->name_length = (gsize) (name_end - text);
  text = equal != NULL ? equal + 1 : text;
  key_length = MIN ((gsize) (colon - text), sizeof member->key - 1);
  memcpy (member->key, text, key_length);
  member->key[key_length] = '\0';
  if (equal == NULL)
    member->key[0] = g_ascii_tolower (member->key[0]);
  member->type = colon + 1;
  member->omit_empty = end[-1] == '-';
  member->type_length = (gsize) (end - member->type) - member->omit_empty;
  return *end == ' ' ? end + 1 : end;
}

static gboolean
is_empty (char type, KubeValue *value)
{
  if (kube_value_is_null (value))
    return TRUE;
  switch (type) {
  case 's':
    return kube_value_is_string (value) && *kube_value_peek_string (value, NULL) == '\0';
  case 'i':
    return kube_value_get_integer (value, NULL, 1) == 0;
  case 'b':
    return !kube_value_get_boolean (value, NULL, TRUE);
  case '[':
  case '{':
    return kube_value_get_length (value) == 0;
  default:
    return FALSE;
  }
}

static void
print_struct (GString *out, const char *name, gsize length, KubeValue *value, KubeValue *outer, guint depth)
{
  const KubeGoStruct *found = kube_go_structs;
  gboolean first = TRUE;

  while (found->name != NULL && (strlen (found->name) != length || strncmp (found->name, name, length) != 0))
    found++;
  if (found->name == NULL) {
    kube_go_json (out, value);
    return;
  }

  g_string_append_c (out, '{');
  for (const char *at = found->members; *at != '\0';) {
    KubeValue *child;
    Member member;

    at = next_member (at, &member);
    child = member.key[0] == '^' ? kube_value_get_member (outer, member.key + 1) : kube_value_get (value, member.key);
    if (member.omit_empty && is_empty (*member.type, child))
      continue;
    g_string_append_printf (out, "%s\"%.*s\":", first ? "" : ",", (int) member.name_length, member.name);
    print (out, member.type, member.type_length, child, value, depth + 1);
    first = FALSE;
  }
  g_string_append_c (out, '}');
}

static void
print_list (GString *out, const char *type, gsize length, KubeValue *value, guint depth)
{
  gboolean map = *type == '{';

  if (kube_value_is_null (value)) {
    g_string_append (out, "null");
    return;
  }
  g_string_append_c (out, map ? '{' : '[');
  for (guint i = 0; i < kube_value_get_length (value); i++) {
    g_string_append (out, i > 0 ? "," : "");
    if (map) {
      kube_json_append_string (out, kube_value_get_key (value, i), -1);
      g_string_append_c (out, ':');
    }
    print (out, type + 1, length - 1, kube_value_get_element (value, i), value, depth + 1);
  }
  g_string_append_c (out, map ? '}' : ']');
}

static void
print (GString *out, const char *type, gsize length, KubeValue *value, KubeValue *outer, guint depth)
{
  if (kube_value_is_null (value))
    value = NULL;
  if (depth > DEPTH_MAX) {
    g_string_append (out, "null");
    return;
  }
  switch (*type) {
  case '*':
    if (value == NULL)
      g_string_append (out, "null");
    else
      print (out, type + 1, length - 1, value, outer, depth);
    return;
  case '@':
    print_struct (out, type + 1, length - 1, value, outer, depth);
    return;
  case '[':
  case '{':
    print_list (out, type, length, value, depth);
    return;
  }
  if (value != NULL)
    kube_go_json (out, value);
  else
    g_string_append (out, *type == 's' ? "\"\"" : *type == 'q' ? "\"0\"" : *type == 'i' || *type == 'p' ? "0" : *type == 'b' ? "false" : "null");
}

void
kube_go_struct_print (GString *out, const char *type, KubeValue *value)
{
  print (out, type, strlen (type), value, NULL, 0);
}

/* --- differences --- */

static void
add_line (GPtrArray *lines, guint indent, GString *line)
{
  g_ptr_array_add (lines, g_strdup_printf ("%*s%s", (int) indent, "", line->str));
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

typedef struct {
  guint a, b, n;
} Block;

/* The longest run of equal lines, the earliest of several. */
static Block
longest_match (GPtrArray *a, GPtrArray *b, guint a_start, guint a_end, guint b_start, guint b_end)
{
  Block best = { a_start, b_start, 0 };
  guint width = b_end - b_start;
  g_autofree guint *lengths = g_new0 (guint, 2 * (width + 1));
  guint *before = lengths, *now = lengths + width + 1;

  for (guint i = a_start; i < a_end; i++) {
    for (guint j = b_start; j < b_end; j++) {
      guint n = equals (a->pdata[i], b->pdata[j]) ? before[j - b_start] + 1 : 0;
      now[j - b_start + 1] = n;
      if (n > best.n)
        best = (Block){ i + 1 - n, j + 1 - n, n };
    }
    {
      guint *swap = before;
      before = now;
      now = swap;
      now[0] = 0;
      before[0] = 0;
    }
  }
  return best;
}

static void
find_blocks (GPtrArray *a, GPtrArray *b, guint a_start, guint a_end, guint b_start, guint b_end, GArray *blocks, guint depth)
{
  Block block;

  /* Very long differences are given as one: the search is quadratic. */
  if (a_start >= a_end || b_start >= b_end || depth > 200 || (guint64) (a_end - a_start) * (b_end - b_start) > 4000000)
    return;
  block = longest_match (a, b, a_start, a_end, b_start, b_end);
  if (block.n == 0)
    return;
  find_blocks (a, b, a_start, block.a, b_start, block.b, blocks, depth + 1);
  g_array_append_val (blocks, block);
  find_blocks (a, b, block.a + block.n, a_end, block.b + block.n, b_end, blocks, depth + 1);
}

static GArray *
match_lines (GPtrArray *a, GPtrArray *b)
{
  GArray *blocks = g_array_new (FALSE, FALSE, sizeof (Block));
  guint prefix = 0, suffix = 0, shorter = MIN (a->len, b->len);
  Block block;

  while (prefix < shorter && equals (a->pdata[prefix], b->pdata[prefix]))
    prefix++;
  while (suffix < shorter - prefix && equals (a->pdata[a->len - 1 - suffix], b->pdata[b->len - 1 - suffix]))
    suffix++;
  block = (Block){ 0, 0, prefix };
  g_array_append_val (blocks, block);
  find_blocks (a, b, prefix, a->len - suffix, prefix, b->len - suffix, blocks, 0);
  block = (Block){ a->len - suffix, b->len - suffix, suffix };
  g_array_append_val (blocks, block);
  return blocks;
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
    g_string_append_printf (out, "%c%s\n", sign, (char *) lines->pdata[i]);
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
    if (g_array_index (blocks, Block, first).a + g_array_index (blocks, Block, first).n < a_lines->len ||
        g_array_index (blocks, Block, first).b + g_array_index (blocks, Block, first).n < b_lines->len)
      append_hunk (out, a_lines, b_lines, blocks, first, last);
    first = last;
  }
  return g_string_free (out, FALSE);
}
