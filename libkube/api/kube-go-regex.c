/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-go-regex.h"

#include <string.h>

/* Whether a text is a regular expression for Go, whose syntax is RE2's. */

enum { REPEAT_MAX = 1000, DEPTH_MAX = 1000 };

/* What stands between parentheses. */
typedef struct {
  gboolean has_atom; /* there is something that can be repeated */
  guint weight;      /* how often what was read last is repeated within itself */
  guint heaviest;    /* the same of all that was read */
} Group;

typedef struct {
  const char *pattern;
  const char *at;
  const char *last_repeat; /* (nullable): where the repetition began that stands right before @at */
  GArray *groups;          /* (element-type Group): the innermost last */
  char *problem;           /* (nullable) */
} Parser;

static Group *
innermost (Parser *self)
{
  return &g_array_index (self->groups, Group, self->groups->len - 1);
}

static void
fail (Parser *self, const char *what, const char *start, const char *end)
{
  if (self->problem == NULL)
    self->problem = g_strdup_printf ("error parsing regexp: %s: `%.*s`", what, (int) (end - start), start);
}

static void
fail_whole (Parser *self, const char *what)
{
  fail (self, what, self->pattern, self->pattern + strlen (self->pattern));
}

static void
add_atom (Parser *self, guint weight)
{
  Group *group = innermost (self);

  group->has_atom = TRUE;
  group->weight = weight;
  group->heaviest = MAX (group->heaviest, weight);
}

/* --- single characters --- */

static gunichar
next_char (const char **at)
{
  gunichar c = g_utf8_get_char (*at);

  if (**at != '\0')
    *at = g_utf8_next_char (*at);
  return c;
}

/* `x41` and `x{41}`, of which @at stands behind the x. */
static gboolean
read_hex (const char **at, gunichar *c)
{
  gboolean braces = **at == '{';
  guint digits = 0;

  *c = 0;
  *at += braces;
  while (braces ? **at != '}' : digits < 2) {
    gunichar digit = next_char (at);
    if (digit >= 128 || !g_ascii_isxdigit ((char) digit))
      return FALSE;
    *c = *c * 16 + (gunichar) g_ascii_xdigit_value ((char) digit);
    digits++;
    if (*c > 0x10ffff)
      return FALSE;
  }
  *at += braces;
  return digits > 0;
}

/* A backslash and what follows, which stands for one character. */
static gunichar
read_escape (Parser *self)
{
  static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
  const char *start = self->at, *found;
  gunichar c;

  self->at++;
  if (*self->at == '\0') {
    fail (self, "trailing backslash at end of expression", self->at, self->at);
    return 0;
  }
  c = next_char (&self->at);
  if (c < 128 && !g_ascii_isalnum ((char) c))
    return c;
  if (c == '0' || (c >= '1' && c <= '7' && *self->at >= '0' && *self->at <= '7')) {
    gunichar value = c - '0';
    for (guint i = 1; i < 3 && *self->at >= '0' && *self->at <= '7'; i++)
      value = value * 8 + (gunichar) (*self->at++ - '0');
    return value;
  }
  if (c == 'x' && read_hex (&self->at, &c))
    return c;
  found = c < 128 ? strchr (names, (char) c) : NULL;
  if (found != NULL && *found != '\0')
    return (gunichar) values[found - names];
  fail (self, "invalid escape sequence", start, self->at);
  return 0;
}

/* --- classes --- */

static gboolean
is_perl_class (const char *at)
{
  return at[0] == '\\' && at[1] != '\0' && strchr ("dDsSwW", at[1]) != NULL;
}

/* The names of categories and scripts are those that PCRE has. */
static gboolean
is_unicode_name (const char *name, gsize length)
{
  g_autofree char *class = g_strdup_printf ("\\p{%.*s}", (int) length, name);
  g_autoptr (GRegex) regex = NULL;

  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i]) && name[i] != '_' && name[i] != '-' && name[i] != ' ')
      return FALSE;
  regex = g_regex_new (class, 0, 0, NULL);
  return regex != NULL || g_str_has_prefix (class, "\\p{Any}") || g_str_has_prefix (class, "\\p{ASCII}") || g_str_has_prefix (class, "\\p{LC}");
}

/* `\pL`, `\p{Greek}`, `\P{^Greek}` */
static gboolean
accept_unicode_class (Parser *self)
{
  const char *start = self->at, *name = start + 2, *end;
  gboolean braces;

  if (start[0] != '\\' || (start[1] != 'p' && start[1] != 'P') || start[2] == '\0')
    return FALSE;
  braces = *name == '{';
  name += braces;
  end = braces ? strchr (name, '}') : g_utf8_next_char (name);
  if (end == NULL) {
    fail (self, "invalid character class range", start, start + strlen (start));
    return TRUE;
  }
  self->at = end + braces;
  name += *name == '^';
  if (end <= name || !is_unicode_name (name, (gsize) (end - name)))
    fail (self, "invalid character class range", start, self->at);
  return TRUE;
}

/* `[:alpha:]` within a class. */
static gboolean
accept_named_class (Parser *self)
{
  static const char *const names[]
      = { "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word", "xdigit", NULL };
  const char *start = self->at, *end = g_str_has_prefix (start, "[:") ? strstr (start + 2, ":]") : NULL;
  g_autofree char *name = NULL;

  if (end == NULL)
    return FALSE;
  name = g_strndup (start + 2, (gsize) (end - start - 2));
  self->at = end + 2;
  if (!g_strv_contains (names, *name == '^' ? name + 1 : name))
    fail (self, "invalid character class range", start, self->at);
  return TRUE;
}

static gunichar
read_class_char (Parser *self, const char *class)
{
  if (*self->at == '\0')
    fail (self, "missing closing ]", class, self->at);
  return *self->at == '\\' ? read_escape (self) : next_char (&self->at);
}

static void
read_class (Parser *self)
{
  const char *class = self->at++;

  self->at += *self->at == '^';
  for (gboolean first = TRUE; self->problem == NULL && (first || *self->at != ']'); first = FALSE) {
    const char *range = self->at;
    gunichar low, high;

    if (accept_named_class (self) || accept_unicode_class (self))
      continue;
    if (is_perl_class (self->at)) {
      self->at += 2;
      continue;
    }
    low = read_class_char (self, class);
    if (self->problem != NULL || self->at[0] != '-' || self->at[1] == '\0' || self->at[1] == ']')
      continue;
    self->at++;
    high = read_class_char (self, class);
    if (self->problem == NULL && high < low)
      fail (self, "invalid character class range", range, self->at);
  }
  self->at++;
  add_atom (self, 1);
}

/* --- groups --- */

static void
open_group (Parser *self)
{
  Group group = { FALSE, 1, 1 };

  g_array_append_val (self->groups, group);
  if (self->groups->len > DEPTH_MAX)
    fail_whole (self, "expression nests too deeply");
}

static void
close_group (Parser *self)
{
  guint weight = innermost (self)->heaviest;

  self->at++;
  if (self->groups->len == 1) {
    fail_whole (self, "unexpected )");
    return;
  }
  g_array_set_size (self->groups, self->groups->len - 1);
  add_atom (self, weight);
}

static void
read_named_group (Parser *self, const char *name)
{
  const char *start = self->at, *end = strchr (start, '>'), *word = name;

  if (end == NULL) {
    fail (self, "invalid named capture", start, start + strlen (start));
    return;
  }
  while (g_ascii_isalnum (*word) || *word == '_')
    word++;
  self->at = end + 1;
  if (word != end || word == name)
    fail (self, "invalid named capture", start, self->at);
  open_group (self);
}

/* What begins with `(?`: names, and flags for what follows or for a group. */
static void
read_flags (Parser *self)
{
  const char *start = self->at;
  gboolean negative = FALSE, any = FALSE;

  if (g_str_has_prefix (start, "(?P<") && start[4] != '\0') {
    read_named_group (self, start + 4);
    return;
  }
  if (g_str_has_prefix (start, "(?<") && start[3] != '\0') {
    read_named_group (self, start + 3);
    return;
  }
  for (self->at += 2; *self->at != '\0';) {
    gunichar c = next_char (&self->at);

    if ((c == ':' || c == ')') && (!negative || any)) {
      if (c == ':')
        open_group (self);
      return;
    }
    if (c == '-' && !negative) {
      negative = TRUE;
      any = FALSE;
    } else if (c == 'i' || c == 'm' || c == 's' || c == 'U') {
      any = TRUE;
    } else {
      break;
    }
  }
  fail (self, "invalid or unsupported Perl syntax", start, self->at);
}

/* --- repetition --- */

static gboolean
read_number (const char **at, int *number)
{
  const char *start = *at;

  if (!g_ascii_isdigit (*start) || (start[0] == '0' && g_ascii_isdigit (start[1])))
    return FALSE;
  for (*number = 0; g_ascii_isdigit (**at); ++*at)
    *number = MIN (*number * 10 + (**at - '0'), REPEAT_MAX + 1);
  return TRUE;
}

/* `{2}`, `{2,}`, `{2,3}`. @most: -1 where there is no limit */
static gboolean
read_bounds (const char **at, int *least, int *most)
{
  const char *end = *at + 1;

  if (!read_number (&end, least))
    return FALSE;
  *most = *least;
  if (*end == ',' && *++end == '}')
    *most = -1;
  else if (end[-1] == ',' && !read_number (&end, most))
    return FALSE;
  if (*end != '}')
    return FALSE;
  *at = end + 1;
  return TRUE;
}

static void
repeat (Parser *self, const char *start, int least, int most)
{
  Group *group = innermost (self);
  int times = most == 0 ? 0 : most < 0 ? least : most;
  guint weight;

  self->at += *self->at == '?';
  if (self->last_repeat != NULL)
    fail (self, "invalid nested repetition operator", self->last_repeat, self->at);
  else if (!group->has_atom)
    fail (self, "missing argument to repetition operator", start, self->at);
  weight = most == 0 ? 1 : group->weight * (guint) MAX (times, 1);
  if (weight > REPEAT_MAX && times >= 2)
    fail (self, "invalid repeat count", start, self->at);
  add_atom (self, weight);
  self->last_repeat = start;
}

static void
read_repetition (Parser *self)
{
  const char *start = self->at;
  int least = 0, most = -1;

  if (*start != '{') {
    self->at++;
    repeat (self, start, least, most);
  } else if (!read_bounds (&self->at, &least, &most)) {
    self->at++;
    self->last_repeat = NULL;
    add_atom (self, 1);
  } else if (least > REPEAT_MAX || most > REPEAT_MAX || (most >= 0 && least > most)) {
    fail (self, "invalid repeat count", start, self->at);
  } else {
    repeat (self, start, least, most);
  }
}

/* --- patterns --- */

static void
read_backslash (Parser *self)
{
  char c = self->at[1];

  if (c == 'Q') {
    const char *end = strstr (self->at, "\\E");
    gboolean some = end != NULL ? end > self->at + 2 : self->at[2] != '\0';
    self->at = end != NULL ? end + 2 : self->at + strlen (self->at);
    if (some)
      add_atom (self, 1);
    return;
  }
  if (c == 'C') {
    fail (self, "invalid escape sequence", self->at, self->at + 2);
    return;
  }
  if ((c != '\0' && strchr ("AbBz", c) != NULL) || is_perl_class (self->at))
    self->at += 2;
  else if (!accept_unicode_class (self))
    read_escape (self);
  add_atom (self, 1);
}

static void
read_one (Parser *self)
{
  char c = *self->at;

  if (c == '*' || c == '+' || c == '?' || c == '{') {
    read_repetition (self);
    return;
  }
  self->last_repeat = NULL;
  if (c == '(' && self->at[1] == '?') {
    read_flags (self);
  } else if (c == '(') {
    self->at++;
    open_group (self);
  } else if (c == ')') {
    close_group (self);
  } else if (c == '|') {
    self->at++;
    innermost (self)->has_atom = FALSE;
  } else if (c == '[') {
    read_class (self);
  } else if (c == '\\') {
    read_backslash (self);
  } else {
    next_char (&self->at);
    add_atom (self, 1);
  }
}

char *
kube_go_regex_check (const char *pattern)
{
  g_autoptr (GArray) groups = g_array_new (FALSE, FALSE, sizeof (Group));
  Parser self = { .pattern = pattern, .at = pattern, .groups = groups };

  open_group (&self);
  while (self.problem == NULL && *self.at != '\0')
    read_one (&self);
  if (self.problem == NULL && groups->len > 1)
    fail_whole (&self, "missing closing )");
  return self.problem;
}
