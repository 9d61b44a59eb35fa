/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-functions.h"

#include <string.h>

/* The table of functions as it is used: read once, kept for ever. */

static guint32
find_params (const KubeCelType *type)
{
  guint32 params = type->kind == KUBE_CEL_PARAM ? 1u << type->variable : 0;

  for (guint i = 0; i < type->n_params; i++)
    params |= find_params (type->params[i]);
  return params;
}

/* `receiver.(a, b) -> result` */
static KubeCelOverload
read_overload (KubeCelTypes *types, const char **at)
{
  KubeCelOverload overload = { .has_receiver = **at != '(' };

  if (overload.has_receiver) {
    g_autofree char *receiver = g_strndup (*at, (gsize)(strstr (*at, ".(") - *at));
    const char *text = receiver;

    overload.args[overload.n_args++] = kube_cel_types_parse (types, &text);
    *at += strlen (receiver) + strlen (".");
  }
  for (*at += strlen ("("); **at != ')'; *at += **at == ',' ? strlen (", ") : 0) {
    g_assert (overload.n_args < KUBE_CEL_ARGS_MAX);
    overload.args[overload.n_args++] = kube_cel_types_parse (types, at);
  }
  *at += strlen (") -> ");
  overload.result = kube_cel_types_parse (types, at);
  for (guint i = 0; i < overload.n_args; i++)
    overload.params |= find_params (overload.args[i]);
  overload.params |= find_params (overload.result);
  return overload;
}

static GArray *
read_overloads (KubeCelTypes *types, const char *text)
{
  GArray *overloads = g_array_new (FALSE, FALSE, sizeof (KubeCelOverload));

  while (*text != '\0') {
    KubeCelOverload overload = read_overload (types, &text);

    g_array_append_val (overloads, overload);
    text += *text == ';' ? strlen ("; ") : 0;
  }
  return overloads;
}

GArray *
kube_cel_find_overloads (const char *name)
{
  static GHashTable *functions; /* (element-type utf8 GArray): set once */
  static KubeCelTypes types;

  if (g_once_init_enter (&functions)) {
    GHashTable *table = g_hash_table_new (g_str_hash, g_str_equal);

    kube_cel_types_init (&types);
    for (const KubeCelFunction *function = kube_cel_functions; function->name != NULL; function++)
      g_hash_table_insert (table, (gpointer)function->name, read_overloads (&types, function->overloads));
    g_once_init_leave (&functions, table);
  }
  return g_hash_table_lookup (functions, name);
}
