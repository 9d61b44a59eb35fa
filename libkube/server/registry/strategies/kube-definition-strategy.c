/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include "kube-warnings.h"

/* The version in which custom resources are stored from now on counts as one in which some are. */
static void
note_stored_version (KubeWriteContext *context)
{
  KubeNode *versions = kube_node_get (context->object, "spec.versions"),
           *stored = kube_node_get (context->object, "status.storedVersions");

  if (g_str_equal (context->subresource, "status"))
    return;
  for (guint i = 0; i < kube_node_get_length (versions); i++) {
    KubeNode *version = kube_node_get_element (versions, i);
    const char *name = kube_node_get_string (version, "name");

    if (!kube_node_get_boolean (version, "storage", FALSE) || name == NULL)
      continue;
    for (guint k = 0; k < kube_node_get_length (stored); k++)
      if (g_strcmp0 (kube_node_get_string (kube_node_get_element (stored, k), NULL), name) == 0)
        return;
    if (stored == NULL || kube_node_get_length (stored) == 0)
      kube_node_remove (context->object, "status.storedVersions");
    kube_node_append_string (kube_node_ensure_array (context->object, "status.storedVersions"), name);
    return;
  }
}

/* --- formats that mean nothing --- */

/* Of each type; text has its formats without their dashes. */
static gboolean
is_known_format (KubeValue *schema, const char *format)
{
  static const char *const texts[] = { "bsonobjectid", "uri", "email", "hostname", "ipv4", "ipv6", "cidr", "mac", "uuid", "uuid3", "uuid4", "uuid5", "isbn", "isbn10", "isbn13", "creditcard", "ssn", "hexcolor", "rgbcolor", "byte", "password", "date", "duration", "datetime", "quantity", "k8sshortname", "k8slongname", NULL };
  static const char *const integers[] = { "int32", "int64", NULL }, *const numbers[] = { "float", "double", NULL };
  const char *type = kube_value_get_member_string (schema, "type");
  g_auto (GStrv) parts = g_strsplit (format, "-", -1);
  g_autofree char *plain = g_strjoinv (NULL, parts);

  if (type == NULL || *type == '\0' || g_str_equal (type, "string"))
    return g_strv_contains (texts, plain);
  return (g_str_equal (type, "integer") && g_strv_contains (integers, format)) || (g_str_equal (type, "number") && g_strv_contains (numbers, format));
}

/* Into @unknown: the formats that a schema and those in it name in vain. */
static void
find_formats (KubeValue *schema, GPtrArray *unknown)
{
  static const char *const single[] = { "items", "not", "additionalProperties", "additionalItems" };
  static const char *const many[] = { "items", "allOf", "anyOf", "oneOf", "properties", "patternProperties", "definitions", "dependencies" };
  const char *format = kube_value_get_member_string (schema, "format");

  if (!kube_value_is_object (schema))
    return;
  if (format != NULL && *format != '\0' && !is_known_format (schema, format) && !g_ptr_array_find_with_equal_func (unknown, format, g_str_equal, NULL))
    g_ptr_array_add (unknown, (gpointer)format);
  for (gsize i = 0; i < G_N_ELEMENTS (single); i++)
    find_formats (kube_value_get_member (schema, single[i]), unknown);
  for (gsize i = 0; i < G_N_ELEMENTS (many); i++) {
    KubeValue *schemas = kube_value_get_member (schema, many[i]);
    if (i > 0 || kube_value_is_array (schemas))
      for (guint k = 0; k < kube_value_get_length (schemas); k++)
        find_formats (kube_value_get_element (schemas, k), unknown);
  }
}

static GPtrArray *
list_unknown_formats (KubeValue *definition)
{
  GPtrArray *unknown = g_ptr_array_new ();
  KubeValue *versions = kube_value_get (definition, "spec.versions");

  for (guint i = 0; i < kube_value_get_length (versions); i++)
    find_formats (kube_value_get (kube_value_get_element (versions, i), "schema.openAPIV3Schema"), unknown);
  return unknown;
}

static void
warn_of_formats (KubeOperation *op, KubeValue *definition, KubeValue *old)
{
  g_autoptr (GPtrArray) unknown = list_unknown_formats (definition), before = list_unknown_formats (old);

  for (guint i = 0; i < unknown->len; i++)
    if (!g_ptr_array_find_with_equal_func (before, unknown->pdata[i], g_str_equal, NULL))
      kube_warn (op, "unrecognized format \"%s\"", (const char *)unknown->pdata[i]);
}

const KubeStrategy kube_definition_strategy = {
  .group = "apiextensions.k8s.io",
  .plural = "customresourcedefinitions",
  .prepare_create = note_stored_version,
  .prepare_update = note_stored_version,
  .warn = warn_of_formats,
  .needs_version = TRUE,
};
