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

/* Upstream's forms of what is a schema or something else. */
static void
print_choice (GString *out, const char *type, gsize length, KubeValue *value, guint depth)
{
  gboolean single = kube_value_is_object (value);

  if (*type == 'o')
    g_string_append_printf (out, "{\"Allows\":%s,\"Schema\":", single || kube_value_get_boolean (value, NULL, FALSE) ? "true" : "false");
  else
    g_string_append (out, "{\"Schema\":");
  if (single)
    print (out, type + 1, length - 1, value, NULL, depth + 1);
  else
    g_string_append (out, "null");
  if (*type != 'o') {
    g_string_append (out, *type == 'a' ? ",\"JSONSchemas\":" : ",\"Property\":");
    print_list (out, *type == 'a' ? type : "[s", *type == 'a' ? length : 2, single ? NULL : value, depth);
  }
  g_string_append_c (out, '}');
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
  case 'o':
  case 'a':
  case 'd':
    print_choice (out, type, length, value, depth);
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
