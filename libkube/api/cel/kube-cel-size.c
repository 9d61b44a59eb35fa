/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-cel-size.h"

#include <math.h>
#include <string.h>

#include "kube-cel-type.h"
#include "kube-cel.h"

/* The largest request, and so the largest value. */
enum { REQUEST_MAX = 3 * 1024 * 1024, DEPTH_MAX = 100 };

/* --- ranges --- */

static guint64
add (guint64 a, guint64 b)
{
  return a > G_MAXUINT64 - b ? G_MAXUINT64 : a + b;
}

guint64
kube_cel_multiply (guint64 a, guint64 b)
{
  return b != 0 && a > G_MAXUINT64 / b ? G_MAXUINT64 : a * b;
}

static guint64
scale (guint64 number, double factor)
{
  double product = ceil ((double)number * factor);

  return product >= 18446744073709551616.0 ? G_MAXUINT64 : (guint64)product;
}

KubeCelRange
kube_cel_range_add (KubeCelRange a, KubeCelRange b)
{
  return (KubeCelRange){ add (a.least, b.least), add (a.most, b.most) };
}

KubeCelRange
kube_cel_range_multiply (KubeCelRange a, KubeCelRange b)
{
  return (KubeCelRange){ kube_cel_multiply (a.least, b.least), kube_cel_multiply (a.most, b.most) };
}

KubeCelRange
kube_cel_range_scale (KubeCelRange range, double factor)
{
  return (KubeCelRange){ scale (range.least, factor), scale (range.most, factor) };
}

KubeCelRange
kube_cel_range_union (KubeCelRange a, KubeCelRange b)
{
  return (KubeCelRange){ MIN (a.least, b.least), MAX (a.most, b.most) };
}

/* --- schemas --- */

static gboolean
is_a (KubeValue *schema, const char *key, const char *text)
{
  return g_strcmp0 (kube_value_get_member_string (schema, key), text) == 0;
}

static gboolean
is_embedded (KubeValue *schema)
{
  return kube_value_get_boolean (schema, "x-kubernetes-embedded-resource", FALSE);
}

static gboolean
is_required (KubeValue *schema, const char *name)
{
  KubeValue *required = kube_value_get_member (schema, "required");

  for (guint i = 0; i < kube_value_get_length (required); i++)
    if (g_strcmp0 (kube_value_peek_string (kube_value_get_element (required, i), NULL), name) == 0)
      return TRUE;
  return FALSE;
}

static guint64
limit (KubeValue *schema, const char *key, guint64 factor, guint64 fallback)
{
  KubeValue *value = kube_value_get_member (schema, key);

  return kube_value_is_null (value) ? fallback : (guint64)MAX (kube_value_get_integer (value, NULL, 0), 0) * factor;
}

static guint64 least_size (KubeValue *schema, gboolean is_resource, guint depth);

/* Whether expressions see values of a schema. */
static gboolean
is_visible (KubeValue *schema)
{
  KubeCelTypes types;
  gboolean visible;

  kube_cel_types_init (&types);
  visible = kube_cel_types_from_schema (&types, schema, is_embedded (schema), "object") != NULL;
  kube_cel_types_clear (&types);
  return visible;
}

/* Braces, and all members that have to be there. */
static guint64
least_object_size (KubeValue *schema, gboolean is_resource, guint depth)
{
  static const char *const metas[] = { "kind", "apiVersion", "metadata" };
  KubeValue *properties = kube_value_get_member (schema, "properties");
  gboolean implied = is_resource && !kube_cel_schema_describes_object (schema);
  guint64 size = 2;

  for (gsize i = 0; i < G_N_ELEMENTS (metas) && implied; i++)
    if (is_required (schema, metas[i]))
      size += strlen (metas[i]) + 2 + 4;
  for (guint i = 0; i < kube_value_get_length (properties); i++) {
    const char *name = kube_value_get_key (properties, i);
    KubeValue *property = kube_value_get_element (properties, i);

    if (implied && (strcmp (name, "kind") == 0 || strcmp (name, "apiVersion") == 0 || strcmp (name, "metadata") == 0))
      continue;
    if (is_required (schema, name) && kube_value_is_null (kube_value_get_member (property, "default")) && is_visible (property))
      size += strlen (name) + least_size (property, is_embedded (property), depth + 1) + 4;
  }
  return size;
}

static guint64
least_size (KubeValue *schema, gboolean is_resource, guint depth)
{
  gboolean is_string = is_a (schema, "type", "string");

  if (depth > DEPTH_MAX || kube_value_get_boolean (schema, "x-kubernetes-int-or-string", FALSE))
    return 1;
  if (is_a (schema, "type", "object") && !kube_value_is_object (kube_value_get_member (schema, "additionalProperties")))
    return least_object_size (schema, is_resource, depth);
  if (is_string && is_a (schema, "format", "duration"))
    return strlen ("\"0\"");
  if (is_string && is_a (schema, "format", "date"))
    return strlen ("\"2006-01-02\"");
  if (is_string && is_a (schema, "format", "date-time"))
    return strlen ("\"2006-01-02T15:04:05") + 1;
  if (is_a (schema, "type", "boolean"))
    return strlen ("true");
  return is_a (schema, "type", "number") || is_a (schema, "type", "integer") ? 1 : 2;
}

guint64
kube_cel_schema_get_most_occurrences (KubeValue *schema, gboolean is_resource)
{
  return REQUEST_MAX / (least_size (schema, is_resource, 0) + 1);
}

/* --- how large values may be --- */

static guint64
longest_choice (KubeValue *choices)
{
  gsize longest = 0;

  for (guint i = 0; i < kube_value_get_length (choices); i++) {
    const char *text = kube_value_peek_string (kube_value_get_element (choices, i), NULL);
    longest = MAX (longest, text != NULL ? strlen (text) : 0);
  }
  return longest;
}

/* maxLength counts characters, of which each may have four bytes. */
static guint64
longest_string (KubeValue *schema)
{
  KubeValue *choices = kube_value_get_member (schema, "enum");

  if (is_a (schema, "format", "byte"))
    return limit (schema, "maxLength", 1, REQUEST_MAX - 2);
  if (is_a (schema, "format", "duration") || is_a (schema, "format", "date-time"))
    return 32;
  if (is_a (schema, "format", "date"))
    return strlen ("\"2006-01-02\"");
  return limit (schema, "maxLength", 4, kube_value_get_length (choices) > 0 ? longest_choice (choices) : REQUEST_MAX - 2);
}

static guint64
most_elements (KubeValue *schema)
{
  KubeValue *items = kube_value_get_member (schema, "items"), *additional = kube_value_get_member (schema, "additionalProperties");

  if (kube_value_get_boolean (schema, "x-kubernetes-int-or-string", FALSE))
    return limit (schema, "maxLength", 4, REQUEST_MAX - 2);
  if (is_a (schema, "type", "string"))
    return longest_string (schema);
  if (is_a (schema, "type", "array"))
    return limit (schema, "maxItems", 1, (REQUEST_MAX - 2) / (least_size (items, is_embedded (items), 0) + 1));
  if (is_a (schema, "type", "object") && kube_value_is_object (additional))
    return limit (schema, "maxProperties", 1, (REQUEST_MAX - 2) / (least_size (additional, is_embedded (additional), 0) + 6));
  return 0;
}

/* What stands at a place: by a schema, or what all objects have. */
typedef struct {
  KubeValue *schema;
  gboolean is_resource;
  enum { PLACE_SCHEMA, PLACE_KEY, PLACE_TEXT, PLACE_META } kind;
} Place;

static gboolean
find_property (const Place *place, const char *name, Place *found)
{
  KubeValue *properties = kube_value_get_member (place->schema, "properties");

  if (place->is_resource && !kube_cel_schema_describes_object (place->schema)) {
    *found = (Place){ .kind = strcmp (name, "metadata") == 0 ? PLACE_META : PLACE_TEXT };
    if (strcmp (name, "kind") == 0 || strcmp (name, "apiVersion") == 0 || strcmp (name, "metadata") == 0)
      return TRUE;
  }
  for (guint i = 0; i < kube_value_get_length (properties); i++) {
    KubeValue *property = kube_value_get_element (properties, i);

    if (!kube_cel_schema_names_field (kube_value_get_key (properties, i), name, FALSE))
      continue;
    *found = (Place){ property, is_embedded (property), PLACE_SCHEMA };
    return is_visible (property);
  }
  return FALSE;
}

static gboolean
step (Place *place, const char *name)
{
  Place from = *place;
  KubeValue *items = kube_value_get_member (from.schema, "items"), *additional = kube_value_get_member (from.schema, "additionalProperties");
  gboolean is_map = is_a (from.schema, "type", "object") && kube_value_is_object (additional);

  if (from.kind == PLACE_META) {
    *place = (Place){ .kind = PLACE_TEXT };
    return strcmp (name, "name") == 0 || strcmp (name, "generateName") == 0;
  }
  if (from.kind != PLACE_SCHEMA || kube_value_get_boolean (from.schema, "x-kubernetes-int-or-string", FALSE))
    return FALSE;
  if (strcmp (name, "@items") == 0 || strcmp (name, "@values") == 0) {
    KubeValue *element = is_map ? additional : is_a (from.schema, "type", "array") ? items : NULL;
    *place = (Place){ element, is_embedded (element), PLACE_SCHEMA };
    return element != NULL;
  }
  if (strcmp (name, "@keys") == 0) {
    *place = (Place){ .kind = PLACE_KEY };
    return is_map;
  }
  return is_a (from.schema, "type", "object") && !is_map && find_property (&from, name, place);
}

static gboolean
resolve (const KubeCelPath *path, Place *place)
{
  return path->parent == NULL || (resolve (path->parent, place) && step (place, path->name));
}

gboolean
kube_cel_path_get_size (const KubeCelPath *path, KubeValue *schema, gboolean is_resource, guint64 *most)
{
  Place place = { schema, is_resource, PLACE_SCHEMA };

  if (!resolve (path, &place))
    return FALSE;
  *most = place.kind == PLACE_SCHEMA ? most_elements (place.schema) : place.kind == PLACE_TEXT ? REQUEST_MAX - 2 : 0;
  return TRUE;
}
