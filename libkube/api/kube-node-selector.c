/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-node-selector.h"

#include <string.h>

static gboolean
contains (KubeValue *values, const char *value)
{
  for (guint i = 0; i < kube_value_get_length (values); i++) {
    if (g_strcmp0 (kube_value_peek_string (kube_value_get_element (values, i), NULL), value) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
compare_numbers (const char *have, KubeValue *values, gboolean greater)
{
  const char *limit = kube_value_peek_string (kube_value_get_element (values, 0), NULL);
  gint64 a, b;

  if (have == NULL || limit == NULL || kube_value_get_length (values) != 1 || !g_ascii_string_to_signed (have, 10, G_MININT64, G_MAXINT64, &a, NULL)
      || !g_ascii_string_to_signed (limit, 10, G_MININT64, G_MAXINT64, &b, NULL))
    return FALSE;
  return greater ? a > b : a < b;
}

static gboolean
matches_requirement (KubeValue *requirement, const char *have)
{
  const char *operator = kube_value_get_member_string (requirement, "operator");
  KubeValue *values = kube_value_get_member (requirement, "values");

  if (operator == NULL)
    return FALSE;
  if (strcmp (operator, "In") == 0)
    return have != NULL && contains (values, have);
  if (strcmp (operator, "NotIn") == 0)
    return have == NULL || !contains (values, have);
  if (strcmp (operator, "Exists") == 0)
    return have != NULL;
  if (strcmp (operator, "DoesNotExist") == 0)
    return have == NULL;
  if (strcmp (operator, "Gt") == 0)
    return compare_numbers (have, values, TRUE);
  return strcmp (operator, "Lt") == 0 && compare_numbers (have, values, FALSE);
}

gboolean
kube_node_term_matches (KubeValue *term, const char *name, KubeValue *labels)
{
  KubeValue *expressions = kube_value_get_member (term, "matchExpressions"), *fields = kube_value_get_member (term, "matchFields");

  if (kube_value_get_length (expressions) == 0 && kube_value_get_length (fields) == 0)
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (expressions); i++) {
    KubeValue *requirement = kube_value_get_element (expressions, i);
    const char *key = kube_value_get_member_string (requirement, "key");

    if (key == NULL || !matches_requirement (requirement, kube_value_get_member_string (labels, key)))
      return FALSE;
  }
  for (guint i = 0; i < kube_value_get_length (fields); i++) {
    KubeValue *requirement = kube_value_get_element (fields, i);
    gboolean is_name = g_strcmp0 (kube_value_get_member_string (requirement, "key"), "metadata.name") == 0;

    if (!matches_requirement (requirement, is_name ? name : NULL))
      return FALSE;
  }
  return TRUE;
}

gboolean
kube_node_terms_match (KubeValue *terms, const char *name, KubeValue *labels)
{
  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    if (kube_node_term_matches (kube_value_get_element (terms, i), name, labels))
      return TRUE;
  }
  return terms == NULL;
}

gboolean
kube_node_selector_matches (KubeValue *selector, KubeValue *labels)
{
  for (guint i = 0; i < kube_value_get_length (selector); i++) {
    const char *value = kube_value_peek_string (kube_value_get_element (selector, i), NULL);

    if (g_strcmp0 (kube_value_get_member_string (labels, kube_value_get_key (selector, i)), value) != 0)
      return FALSE;
  }
  return TRUE;
}

KubeValue *
kube_node_term_get_names (KubeValue *term)
{
  KubeValue *fields = kube_value_get_member (term, "matchFields");

  for (guint i = 0; i < kube_value_get_length (fields); i++) {
    KubeValue *requirement = kube_value_get_element (fields, i);

    if (g_strcmp0 (kube_value_get_member_string (requirement, "key"), "metadata.name") == 0
        && g_strcmp0 (kube_value_get_member_string (requirement, "operator"), "In") == 0)
      return kube_value_get_member (requirement, "values");
  }
  return NULL;
}
