/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "kube-selector-private.h"
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

static const KubeColumn columns[] = {
  { "Name", "string", "", "metadata.name", "The name, which is that of the object that is scaled.", 0, NULL },
  { "Desired", "integer", "", "spec.replicas", "How often it is to be there.", 0, NULL },
  { "Available", "integer", "", "status.replicas", "How often it is there.", 0, NULL },
  { "Age", "string", "", "@age", "How long ago it was created.", 0, NULL },
};

static KubeKind *
scale_kind (void)
{
  static gsize once;
  KubeKind *kind = kube_registry_body_kind ("autoscaling", "v1", "Scale");

  if (g_once_init_enter (&once)) {
    kind->columns = columns;
    kind->n_columns = G_N_ELEMENTS (columns);
    g_once_init_leave (&once, 1);
  }
  return kind;
}

static char *
print_selector (KubeObject *object)
{
  KubeValue *value = kube_object_get (object, "spec.selector");
  g_autoptr (KubeSelector) selector = NULL;

  if (value == NULL)
    return NULL;
  selector = kube_selector_from_either (value, NULL);
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
  KubeValue *scale;         /* (nullable): of an update */
  KubeRegistryPatch *patch; /* (nullable): of a patch; what an apply says, as of the object itself */
} Rescale;

static void
rescale_free (Rescale *rescale)
{
  g_clear_pointer (&rescale->scale, kube_value_unref);
  g_clear_pointer (&rescale->patch, kube_registry_patch_free);
  g_free (rescale);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rescale, rescale_free)

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

/* That a patched scale is of this object still, and of this version of it, where it says of which. */
static gboolean
check_preconditions (KubeModify *modify, KubeObject *old, KubeValue *scale, GError **error)
{
  const char *version = kube_value_get_string (scale, "metadata.resourceVersion");
  g_autofree char *failure = kube_registry_dup_precondition (old, kube_value_get_string (scale, "metadata.uid"), NULL), *plural = NULL;
  KubeKind *kind = modify->kind;

  if (failure != NULL) {
    plural = g_strconcat (kind->plural, "/scale", NULL);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_CONFLICT, "Operation cannot be fulfilled on %s%s%s \"%s\": %s", plural, *kind->group != '\0' ? "." : "", kind->group, modify->name, failure);
    if (error != NULL)
      kube_error_set_subject (*error, kind->group, plural, modify->name);
    return FALSE;
  }
  if (version == NULL || *version == '\0' || g_strcmp0 (version, kube_object_get_resource_version (old)) == 0)
    return TRUE;
  g_propagate_error (error, kube_registry_conflict (kind, modify->name, "the object has been modified; please apply your changes to the latest version and try again"));
  return FALSE;
}

static KubeValue *
wanted_scale (KubeModify *modify, KubeObject *old, Rescale *rescale, GError **error)
{
  g_autoptr (KubeObject) scale = NULL;

  if (rescale->scale != NULL)
    return kube_value_ref (rescale->scale);
  scale = to_scale (old);
  return kube_registry_apply_patch (modify->op, scale_kind (), rescale->patch, kube_object_get_value (scale), error);
}

static KubeChange
rescale_it (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  Rescale *rescale = user_data;
  g_autoptr (KubeValue) scale = wanted_scale (modify, old, rescale, error);
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) next = NULL;
  gint64 replicas = kube_value_get_integer (scale, "spec.replicas", 0);

  if (scale != NULL && rescale->scale != NULL && !kube_modify_check_preconditions (modify, old, kube_value_get_string (scale, "metadata.uid"), NULL, error))
    return KUBE_CHANGE_NONE;
  if (scale == NULL || !kube_registry_check_names (modify->op, scale, error) || !check_replicas (modify, replicas, error) ||
      !check_preconditions (modify, old, scale, error))
    return KUBE_CHANGE_NONE;
  builder = kube_builder_new (kube_object_get_value (old));
  kube_node_set_integer (kube_builder_get_root (builder), "spec.replicas", replicas);
  next = kube_node_to_value (kube_builder_get_root (builder));
  kube_registry_track (modify->op, modify->kind, old, next, kube_builder_get_root (builder));
  return kube_registry_finish_update (modify->op, modify->kind, old, builder, object, error);
}

static KubeChange
apply_it (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error)
{
  Rescale *rescale = user_data;

  if (!check_replicas (modify, kube_value_get_integer (rescale->patch->value, "spec.replicas", 0), error))
    return KUBE_CHANGE_NONE;
  return kube_registry_apply_to (modify, old, rescale->patch, object, error);
}

static void
on_rescaled (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  if (error != NULL) {
    kube_operation_answer_error (modify->op, error);
  } else {
    g_autoptr (KubeObject) scale = to_scale (object);
    kube_operation_answer_object (modify->op, 200, scale);
  }
  rescale_free (user_data);
}

/* A Scale that is applied is a configuration of the object that says how often it is there. */
static KubeValue *
read_config (KubeOperation *op, KubeValue *scale, GError **error)
{
  g_autoptr (KubeBuilder) builder = NULL;
  KubeNode *root;

  if (!kube_registry_check_config (scale_kind (), scale, error))
    return NULL;
  builder = kube_builder_new (scale);
  root = kube_builder_get_root (builder);
  kube_node_put_string (root, "apiVersion", op->kind->api_version);
  kube_node_put_string (root, "kind", op->kind->name);
  kube_node_remove_member (root, "status");
  return kube_builder_end (builder);
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

/* (nullable): what the request wants. */
static Rescale *
read_rescale (KubeOperation *op, gboolean patching, GError **error)
{
  g_autoptr (Rescale) rescale = g_new0 (Rescale, 1);

  if (patching)
    rescale->patch = kube_registry_read_patch (op, error);
  else if (kube_operation_get_write_options (op, "UpdateOptions", error))
    rescale->scale = kube_operation_decode_body (op, scale_kind (), error);
  if (rescale->patch == NULL && rescale->scale == NULL)
    return NULL;
  if (patching && rescale->patch->type == KUBE_PATCH_APPLY) {
    KubeValue *config = read_config (op, rescale->patch->value, error);
    if (config == NULL)
      return NULL;
    kube_value_unref (rescale->patch->value);
    rescale->patch->value = config;
  }
  return g_steal_pointer (&rescale);
}

void
kube_registry_scale (KubeOperation *op)
{
  gboolean patching = g_str_equal (op->info.verb, "patch");
  GError *error = NULL;
  Rescale *rescale;

  op->row_kind = scale_kind ();
  if (g_str_equal (op->info.verb, "get")) {
    get_scale (op);
    return;
  }
  if (!patching && !g_str_equal (op->info.verb, "update")) {
    kube_operation_answer_no_method (op);
    return;
  }
  rescale = read_rescale (op, patching, &error);
  if (rescale == NULL)
    kube_operation_take_error (op, error);
  else
    kube_modify (op, op->kind, op->info.namespace_, op->info.name, KUBE_MODIFY_RETRIES, rescale->patch != NULL && rescale->patch->type == KUBE_PATCH_APPLY ? apply_it : rescale_it, on_rescaled, rescale);
}
