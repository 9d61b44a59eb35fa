/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-owner.h"
#include "kube-selector-private.h"

KubeValue *
kube_owner_reference_new (KubeObject *owner)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *node = kube_builder_get_root (builder);

  kube_node_put_string (node, "apiVersion", kube_object_get_api_version (owner));
  kube_node_put_string (node, "kind", kube_object_get_kind (owner));
  kube_node_put_string (node, "name", kube_object_get_name (owner));
  kube_node_put_string (node, "uid", kube_object_get_uid (owner));
  kube_node_set_boolean (node, "controller", TRUE);
  kube_node_set_boolean (node, "blockOwnerDeletion", TRUE);
  return kube_builder_end (builder);
}

gboolean
kube_owner_is_controlled_by (KubeObject *object, KubeObject *owner)
{
  const char *uid = kube_value_get_string (kube_object_get_controller (object), "uid");

  return uid != NULL && g_strcmp0 (uid, kube_object_get_uid (owner)) == 0;
}

/* The uid in the patch makes it fail where the name meanwhile belongs to another object. @finalizers: the member of the patch that @finalizer (nullable) is listed in. */
static void
plan_owner_patch (KubePlan *plan, KubeObject *object, KubeValue *reference, const char *finalizers, const char *finalizer)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autoptr (KubeValue) patch = NULL;

  kube_node_append_value (kube_node_ensure_array (root, "metadata.ownerReferences"), reference);
  kube_node_set_string (root, "metadata.uid", kube_object_get_uid (object));
  if (finalizer != NULL)
    kube_node_append_string (kube_node_put_array (kube_node_get_member (root, "metadata"), finalizers), finalizer);
  patch = kube_builder_end (builder);
  kube_plan_patch (plan, object, NULL, KUBE_PATCH_STRATEGIC, patch);
}

static void
adopt (KubeObject *owner, KubeObject *object, const char *finalizer, KubePlan *plan)
{
  g_autoptr (KubeValue) reference = kube_owner_reference_new (owner);

  plan_owner_patch (plan, object, reference, "finalizers", finalizer);
}

static void
release (KubeObject *owner, KubeObject *object, const char *finalizer, KubePlan *plan)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *node = kube_builder_get_root (builder);
  g_autoptr (KubeValue) reference = NULL;

  kube_node_put_string (node, "$patch", "delete");
  kube_node_put_string (node, "uid", kube_object_get_uid (owner));
  reference = kube_builder_end (builder);
  plan_owner_patch (plan, object, reference, "$deleteFromPrimitiveList/finalizers", finalizer);
  /* It is gone, or somebody has released it already. */
  kube_plan_tolerate (plan, KUBE_ERROR_NOT_FOUND);
  kube_plan_tolerate (plan, KUBE_ERROR_INVALID);
}

static void
index_uncontrolled (KubeObject *object, GPtrArray *values, gpointer user_data)
{
  const char *namespace_ = kube_object_get_namespace (object);

  if (kube_object_get_controller (object) == NULL)
    g_ptr_array_add (values, g_strdup (namespace_ == NULL ? "" : namespace_));
}

void
kube_owner_add_index (KubeInformer *informer)
{
  kube_informer_add_index (informer, "controller", NULL, NULL);
  kube_informer_add_index (informer, "uncontrolled", index_uncontrolled, NULL);
}

GPtrArray *
kube_owner_list_candidates (KubeInformer *informer, KubeObject *owner)
{
  const char *namespace_ = kube_object_get_namespace (owner);
  GPtrArray *candidates = kube_informer_list_by (informer, "controller", kube_object_get_uid (owner));
  g_autoptr (GPtrArray) uncontrolled = kube_informer_list_by (informer, "uncontrolled", namespace_ == NULL ? "" : namespace_);

  g_ptr_array_extend (candidates, uncontrolled, (GCopyFunc) (void (*) (void)) kube_object_ref, NULL);
  return candidates;
}

void
kube_owner_add_keys_of_orphan (KubeController *controller, KubeObject *object, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  KubeInformer *owners = user_data;
  g_autoptr (GPtrArray) candidates = NULL;

  if (kube_object_get_controller (object) != NULL || kube_object_is_deleting (object))
    return;
  candidates = kube_informer_list (owners, kube_object_get_namespace (object), NULL);
  for (guint i = 0; i < candidates->len; i++) {
    KubeObject *owner = g_ptr_array_index (candidates, i);
    g_autoptr (KubeSelector) selector = kube_selector_from_either (kube_object_get (owner, "spec.selector"), NULL);

    if (selector != NULL && !kube_selector_is_empty (selector) && kube_selector_matches (selector, object))
      g_ptr_array_add (keys, kube_object_dup_key (owner));
  }
}

GPtrArray *
kube_owner_claim_full (KubeObject *owner, KubeSelector *selector, GPtrArray *candidates, const char *finalizer, KubePlan *plan)
{
  g_autoptr (GPtrArray) claimed = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  guint before = kube_plan_get_length (plan);
  gboolean required = FALSE;

  for (guint i = 0; i < candidates->len; i++) {
    KubeObject *object = g_ptr_array_index (candidates, i);
    gboolean matches = kube_selector_matches (selector, object);

    if (kube_object_get_controller (object) != NULL) {
      if (!kube_owner_is_controlled_by (object, owner))
        continue;
      if (matches)
        g_ptr_array_add (claimed, kube_object_ref (object));
      else if (!kube_object_is_deleting (owner))
        release (owner, object, finalizer, plan);
    } else if (matches && !kube_object_is_deleting (owner) && !kube_object_is_deleting (object)) {
      /* Who has orphaned these may have deleted the owner a moment ago. */
      if (!required) {
        kube_plan_require (plan, owner);
        kube_plan_then (plan);
        required = TRUE;
      }
      adopt (owner, object, finalizer, plan);
      g_ptr_array_add (claimed, kube_object_ref (object));
    }
  }
  if (kube_plan_get_length (plan) > before)
    kube_plan_then (plan);
  return g_steal_pointer (&claimed);
}

GPtrArray *
kube_owner_claim (KubeObject *owner, KubeSelector *selector, GPtrArray *candidates, KubePlan *plan)
{
  return kube_owner_claim_full (owner, selector, candidates, NULL, plan);
}

KubeBuilder *
kube_owner_begin_from_template (KubeObject *owner, const char *api_version, const char *kind, KubeValue *template_)
{
  KubeBuilder *builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder), *metadata = kube_node_put_object (root, "metadata");
  static const char *const kept[] = { "labels", "annotations", "finalizers" };
  g_autoptr (KubeValue) reference = kube_owner_reference_new (owner);

  kube_node_put_string (root, "apiVersion", api_version);
  kube_node_put_string (root, "kind", kind);
  kube_node_put_string (metadata, "namespace", kube_object_get_namespace (owner));
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++) {
    KubeValue *value = kube_value_get_member (kube_value_get (template_, "metadata"), kept[i]);

    if (value != NULL)
      kube_node_put_value (metadata, kept[i], value);
  }
  kube_node_append_value (kube_node_ensure_array (metadata, "ownerReferences"), reference);
  if (kube_value_get (template_, "spec") != NULL)
    kube_node_put_value (root, "spec", kube_value_get (template_, "spec"));
  return builder;
}
