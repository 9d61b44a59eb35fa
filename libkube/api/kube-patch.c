/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-patch.h>

#include <kube/kube-builder.h>

#include "kube-decode-private.h"

/* Whether a null stands as a member anywhere in @value, through arrays too. */
static gboolean
has_null_member (KubeValue *value)
{
  gboolean object = kube_value_is_object (value);
  guint n = kube_value_get_length (value);

  for (guint i = 0; i < n; i++) {
    KubeValue *element = kube_value_get_element (value, i);
    if (kube_value_is_null (element) ? object : has_null_member (element))
      return TRUE;
  }
  return FALSE;
}

static void
prune_nulls (KubeNode *node)
{
  KubeValueType type = kube_node_get_value_type (node);

  if (type != KUBE_VALUE_OBJECT && type != KUBE_VALUE_ARRAY)
    return;
  for (guint i = kube_node_get_length (node); i > 0; i--) {
    KubeNode *element = kube_node_get_element (node, i - 1);
    if (kube_node_get_value_type (element) != KUBE_VALUE_NULL)
      prune_nulls (element);
    else if (type == KUBE_VALUE_OBJECT)
      kube_node_remove_member (node, kube_node_get_key (node, i - 1));
  }
}

static void
put_pruned (KubeNode *object, const char *key, KubeValue *value)
{
  kube_node_put_value (object, key, value);
  if (has_null_member (value))
    prune_nulls (kube_node_get_member (object, key));
}

static void
merge_into (KubeNode *object, KubeValue *patch)
{
  guint n = kube_value_get_length (patch);

  for (guint i = 0; i < n; i++) {
    const char *key = kube_value_get_key (patch, i);
    KubeValue *value = kube_value_get_element (patch, i);
    KubeNode *current = kube_node_get_member (object, key);

    if (kube_value_is_null (value))
      kube_node_remove_member (object, key);
    else if (kube_node_get_value_type (current) != KUBE_VALUE_OBJECT)
      put_pruned (object, key, value);
    else if (kube_value_is_object (value))
      merge_into (current, value);
    else
      kube_node_put_value (object, key, value);
  }
}

/**
 * kube_patch_merge:
 * @target: a JSON object
 * @patch: a merge patch
 * @error: return location for an error
 *
 * Applies an RFC 7386 patch as kube-apiserver does.
 *
 * Returns: (transfer full): the patched value, or %NULL with %KUBE_ERROR_BAD_REQUEST
 * Since: 1.0
 */
KubeValue *
kube_patch_merge (KubeValue *target, KubeValue *patch, GError **error)
{
  g_autoptr (KubeBuilder) builder = NULL;

  if (kube_value_is_null (patch)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "Invalid JSON Patch");
    return NULL;
  }
  if (!kube_value_is_object (patch)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST,
                 "error decoding patch: json: cannot unmarshal %s into Go value of type map[string]interface {}", kube_decode_value_word (patch));
    return NULL;
  }
  builder = kube_builder_new (target);
  merge_into (kube_builder_get_root (builder), patch);
  return kube_builder_end (builder);
}

static void
difference (KubeValue *a, KubeValue *b, KubeNode *out)
{
  guint n = kube_value_get_length (a);

  for (guint i = 0; i < n; i++) {
    const char *key = kube_value_get_key (a, i);
    if (kube_value_get_member (b, key) == NULL) {
      g_autoptr (KubeValue) null = kube_value_new_null ();
      kube_node_put_value (out, key, null);
    }
  }

  n = kube_value_get_length (b);
  for (guint i = 0; i < n; i++) {
    const char *key = kube_value_get_key (b, i);
    KubeValue *to = kube_value_get_element (b, i);
    KubeValue *from = kube_value_get_member (a, key);

    if (from != NULL && kube_value_equal (from, to))
      continue;
    if (kube_value_is_object (from) && kube_value_is_object (to))
      difference (from, to, kube_node_put_object (out, key));
    else
      kube_node_put_value (out, key, to);
  }
}

/**
 * kube_patch_make_merge:
 * @a: a JSON object
 * @b: another
 *
 * The smallest merge patch that leads from @a to @b. A null that @b has as a member cannot be expressed: it reads as a removal.
 *
 * Returns: (transfer full): the patch, {} where both are equal
 * Since: 1.0
 */
KubeValue *
kube_patch_make_merge (KubeValue *a, KubeValue *b)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);

  difference (a, b, kube_builder_get_root (builder));
  return kube_builder_end (builder);
}
