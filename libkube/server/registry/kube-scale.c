/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include <kube/kube-patch.h>
#include <kube/kube-selector.h>

KubeKind *
kube_registry_body_kind (const char *group, const char *version, const char *name)
{
  static GMutex mutex;
  static GPtrArray *kinds; /* (element-type KubeKind): few, and for ever */
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  g_autofree char *definition = NULL;
  KubeKind *kind;

  if (kinds == NULL)
    kinds = g_ptr_array_new ();
  for (guint i = 0; i < kinds->len; i++) {
    kind = g_ptr_array_index (kinds, i);
    if (g_str_equal (kind->name, name) && g_str_equal (kind->group, group))
      return kind;
  }
  kind = kube_kind_new (group, version, name, "", FALSE);
  definition = g_strdup_printf ("io.k8s.api.%.*s.%s.%s", *group != '\0' ? (int) strcspn (group, ".") : 4, *group != '\0' ? group : "core", version, name);
  kind->type = kube_schema_find_type (definition);
  g_ptr_array_add (kinds, kind);
  return kind;
}

static KubeKind *
scale_kind (void)
{
  return kube_registry_body_kind ("autoscaling", "v1", "Scale");
}

static char *
print_selector (KubeObject *object)
{
  KubeValue *value = kube_object_get (object, "spec.selector");
  g_autoptr (KubeSelector) selector = NULL;

  if (value == NULL)
    return NULL;
  if (kube_value_get_member (value, "matchLabels") != NULL || kube_value_get_member (value, "matchExpressions") != NULL)
    selector = kube_selector_from_value (value, NULL);
  else
    selector = kube_selector_from_labels (value);
  return selector != NULL ? kube_selector_print (selector) : NULL;
}

static KubeObject *
to_scale (KubeObject *object)
{
  static const char *const kept[] = { "name", "namespace", "uid", "resourceVersion", "creationTimestamp" };
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder), *meta;
  g_autofree char *selector = print_selector (object);
  gint64 replicas = kube_object_get_integer (object, "spec.replicas", 0);

  kube_node_set_string (root, "apiVersion", "autoscaling/v1");
  kube_node_set_string (root, "kind", "Scale");
  meta = kube_node_ensure_object (root, "metadata");
  for (guint i = 0; i < G_N_ELEMENTS (kept); i++)
    kube_node_put_value (meta, kept[i], kube_value_get_member (kube_object_get (object, "metadata"), kept[i]));
  kube_node_ensure_object (root, "spec");
  if (replicas != 0)
    kube_node_set_integer (root, "spec.replicas", replicas);
  kube_node_set_integer (root, "status.replicas", kube_object_get_integer (object, "status.replicas", 0));
  kube_node_set_string (root, "status.selector", selector);
  return kube_object_new_from_builder (builder);
}

typedef struct {
  KubeValue *scale;   /* (nullable): of an update */
  KubeValue *patch;   /* (nullable) */
  KubePatchType type;
} Rescale;

static gboolean
check_replicas (KubeModify *modify, gint64 replicas, GError **error)
{
  g_auto (KubeFieldErrors) errors = { NULL };
  KubeKind *kind = scale_kind ();

  if (replicas >= 0)
    return TRUE;
  kube_field_errors_invalid_integer (&errors, KUBE_FIELD (KUBE_FIELD (NULL, "spec"), "replicas"), replicas, "must be greater than or equal to 0");
  g_propagate_error (error, kube_field_errors_to_error (&errors, kind->group, kind->name, modify->name));
  return FALSE;
}

/* That a scale is of this object, and of this version of it, where it says of which. */
static gboolean
check_preconditions (KubeModify *modify, KubeObject *old, KubeValue *scale, GError **error)
{
  const char *version = kube_value_get_string (scale, "metadata.resourceVersion"), *uid = kube_value_get_string (scale, "metadata.uid");
  g_autofree char *message = NULL;

  if (uid != NULL && *uid != '\0' && g_strcmp0 (uid, kube_object_get_uid (old)) != 0)
    message = g_strdup_printf ("Precondition failed: UID in precondition: %s, UID in object meta: %s", uid, kube_object_get_uid (old));
  else if (version != NULL && *version != '\0' && g_strcmp0 (version, kube_object_get_resource_version (old)) != 0)
    message = g_strdup ("the object has been modified; please apply your changes to the latest version and try again");
  if (message == NULL)
    return TRUE;
  g_propagate_error (error, kube_registry_conflict (modify->kind, modify->name, message));
  return FALSE;
}

static KubeValue *
wanted_scale (KubeModify *modify, KubeObject *old, Rescale *rescale, GError **error)
{
  g_autoptr (KubeObject) scale = NULL;
  g_autoptr (KubeValue) patched = NULL;

  if (rescale->scale != NULL)
    return kube_value_ref (rescale->scale);
  scale = to_scale (old);
  if (rescale->type == KUBE_PATCH_JSON)
    patched = kube_patch_json (kube_object_get_value (scale), rescale->patch, error);
  else
    patched = kube_patch_merge (kube_object_get_value (scale), rescale->patch, error);
  return patched != NULL ? kube_operation_decode_value (modify->op, scale_kind (), patched, NULL, error) : NULL;
}

static KubeChange
rescale_it (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  g_autoptr (KubeValue) scale = wanted_scale (modify, old, user_data, error);
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) next = NULL;
  gint64 replicas = kube_value_get_integer (scale, "spec.replicas", 0);

  if (scale == NULL || !kube_registry_check_names (modify->op, scale, error) || !check_replicas (modify, replicas, error) ||
      !check_preconditions (modify, old, scale, error))
    return KUBE_CHANGE_NONE;
  builder = kube_builder_new (kube_object_get_value (old));
  kube_node_set_integer (kube_builder_get_root (builder), "spec.replicas", replicas);
  next = kube_node_to_value (kube_builder_get_root (builder));
  kube_registry_track (modify->op, modify->kind, old, next, kube_builder_get_root (builder));
  return kube_registry_finish_update (modify->op, modify->kind, old, builder, object, error);
}

static void
on_rescaled (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  Rescale *rescale = user_data;

  if (error != NULL) {
    kube_operation_answer_error (modify->op, error);
  } else {
    g_autoptr (KubeObject) scale = to_scale (object);
    kube_operation_answer_object (modify->op, 200, scale);
  }
  g_clear_pointer (&rescale->scale, kube_value_unref);
  g_clear_pointer (&rescale->patch, kube_value_unref);
  g_free (rescale);
}

static void
get_scale (KubeOperation *op)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeObject) object = kube_storage_get (op->store, op->kind, op->info.namespace_, op->info.name, &error);
  g_autoptr (KubeObject) scale = NULL;

  if (object == NULL) {
    kube_operation_answer_error (op, error);
    return;
  }
  scale = to_scale (object);
  kube_operation_answer_object (op, 200, scale);
}

void
kube_registry_scale (KubeOperation *op)
{
  Rescale rescale = { 0 };
  gboolean patching = g_str_equal (op->info.verb, "patch");
  GError *error = NULL;

  if (g_str_equal (op->info.verb, "get")) {
    get_scale (op);
    return;
  }
  if (!patching && !g_str_equal (op->info.verb, "update")) {
    kube_operation_answer_no_method (op);
    return;
  }
  if (patching)
    rescale.patch = kube_registry_read_patch (op, &rescale.type, &error);
  else if (kube_operation_get_write_options (op, "UpdateOptions", &error))
    rescale.scale = kube_operation_decode_body (op, scale_kind (), &error);
  if (error != NULL)
    kube_operation_take_error (op, error);
  else
    kube_modify (op, op->kind, op->info.namespace_, op->info.name, KUBE_MODIFY_RETRIES, rescale_it, on_rescaled, g_memdup2 (&rescale, sizeof rescale));
}
