/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-last-applied.h"

#define ANNOTATION "kubectl.kubernetes.io/last-applied-configuration"
/* Longer ones are left out, as the client does. */
#define MAX_ANNOTATIONS (256 * 1024)

const KubeFieldSet *
kube_last_applied_get_fields (KubeArena *arena, KubeKind *kind, KubeValue *live, const char *api_version)
{
  KubeSlot slot = kube_slot_of_kind (kind);
  const char *text = kube_value_get_member_string (kube_value_get (live, "metadata.annotations"), ANNOTATION);
  g_autoptr (KubeValue) last = text != NULL && *text != '\0' ? kube_value_parse (text, -1, NULL) : NULL;
  KubeComparison comparison;
  const KubeFieldSet *touched;

  if (last == NULL || g_strcmp0 (kube_value_get_string (last, "apiVersion"), api_version) != 0 || !kube_typed_check (slot, last, NULL))
    return NULL;
  kube_typed_compare (arena, slot, last, live, &comparison);
  touched = kube_field_set_union (arena, comparison.added, comparison.modified);
  return kube_field_set_subtract (arena, kube_typed_get_fields (arena, slot, last), kube_field_set_union (arena, touched, comparison.removed));
}

void
kube_last_applied_follow (KubeNode *object, KubeValue *config)
{
  KubeNode *annotations = kube_node_get (object, "metadata.annotations"), *annotation = kube_node_get_member (annotations, ANNOTATION);
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) value = NULL;
  g_autoptr (GString) text = NULL;

  if (annotation == NULL || g_strcmp0 (kube_node_get_string (annotation, NULL), "") == 0)
    return;
  builder = kube_builder_new (config);
  kube_node_remove_member (kube_node_get (kube_builder_get_root (builder), "metadata.annotations"), ANNOTATION);
  value = kube_builder_end (builder);
  text = g_string_new (NULL);
  kube_value_print_to (value, text);
  g_string_append_c (text, '\n'); /* as the client's encoder ends it */
  if (text->len > MAX_ANNOTATIONS)
    kube_node_remove_member (annotations, ANNOTATION);
  else
    kube_node_put_string (annotations, ANNOTATION, text->str);
}
