/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "../kube-convert.h"
#include "../kube-housekeeper.h"
#include "kube-splice.h"
#include "kube-strategy.h"

#define MAX_OBJECT (3 * 1024 * 1024 / 2)

typedef struct {
  KubeOperation *op;
  KubeWrittenFunc func;
  gpointer user_data;
} Write;

static void
on_written (KubeStore *store, const KubeStoreResult *result, gpointer user_data)
{
  Write *write = user_data;
  g_autoptr (KubeOperation) op = write->op;

  if (result->error == NULL)
    kube_housekeeper_note_write (kube_server_get_housekeeper (op->server), result->revision, kube_strategy_find (op->kind)->expires);
  write->func (op, result, write->user_data);
  g_free (write);
}

void
kube_registry_write (KubeOperation *op, const char *key, KubeObject *object, GBytes *previous, guint64 expected, gboolean remove, KubeWrittenFunc func, gpointer user_data)
{
  KubeStoreWrite write = { .key = key, .previous = previous, .expected = expected, .remove = remove };
  g_autoptr (KubeObject) before = previous != NULL ? kube_object_new_from_bytes (previous) : NULL;
  g_autoptr (KubeObject) stored = kube_convert_to_storage (op->kind, object, before);
  g_autoptr (GBytes) value = kube_splice_clear_version (kube_object_get_bytes (stored), &write.revision_at);
  Write *state;

  if (g_bytes_get_size (value) > MAX_OBJECT && !remove) {
    g_autoptr (GError) error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_UNKNOWN, "etcdserver: request is too large");
    KubeStoreResult result = { .error = error };
    func (op, &result, user_data);
    return;
  }
  write.value = value;
  write.object = stored;
  state = g_new (Write, 1);
  *state = (Write){ kube_operation_ref (op), func, user_data };
  kube_store_write (op->store, &write, on_written, state);
}

const char *
kube_registry_error_group (KubeKind *kind)
{
  if (kind->storage_group == NULL)
    return kind->group;
  return g_str_equal (kind->storage_group, "core") ? "" : kind->storage_group;
}

GError *
kube_registry_conflict (KubeKind *kind, const char *name, const char *message)
{
  GError *error = g_error_new (KUBE_ERROR, KUBE_ERROR_CONFLICT, "Operation cannot be fulfilled on %s \"%s\": %s", kind->qualified_name, name, message);
  kube_error_set_subject (error, kind->group, kind->plural, name);
  return error;
}

/* The key by which upstream's storage has an object, as far as clients are told of it. Beyond dry runs it begins with the prefix that kube-apiserver has by default. */
static char *
dup_upstream_key (KubeModify *modify)
{
  static const struct { const char *group, *plural, *prefix; } named[] = {
    { "", "endpoints", "services/endpoints" }, { "", "nodes", "minions" }, { "", "replicationcontrollers", "controllers" },
    { "", "services", "services/specs" }, { "networking.k8s.io", "ingresses", "ingress" },
  };
  KubeKind *kind = modify->kind;
  const char *namespace_ = kind->namespaced ? modify->op->info.namespace_ : "", *prefix = kind->plural;
  gboolean grouped = !kind->constant || g_str_equal (kind->group, "apiextensions.k8s.io") || g_str_equal (kind->group, "apiregistration.k8s.io");

  for (guint i = 0; i < G_N_ELEMENTS (named); i++) {
    if (g_str_equal (named[i].group, kind->group) && g_str_equal (named[i].plural, kind->plural))
      prefix = named[i].prefix;
  }
  return g_strconcat (modify->op->dry_run ? "/" : "/registry/", grouped ? kind->group : "", grouped ? "/" : "", prefix, "/", namespace_, *namespace_ != '\0' ? "/" : "", modify->name, NULL);
}

char *
kube_registry_dup_precondition (KubeObject *old, const char *uid, const char *version)
{
  const struct { const char *name, *wanted, *is; } checks[] = {
    { "UID", uid, old != NULL ? kube_object_get_uid (old) : "" },
    { "ResourceVersion", version, old != NULL ? kube_object_get_resource_version (old) : "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (checks); i++) {
    if (checks[i].wanted != NULL && *checks[i].wanted != '\0' && g_strcmp0 (checks[i].wanted, checks[i].is) != 0)
      return g_strdup_printf ("Precondition failed: %s in precondition: %s, %s in object meta: %s", checks[i].name, checks[i].wanted, checks[i].name, checks[i].is);
  }
  return NULL;
}

gboolean
kube_modify_check_preconditions (KubeModify *modify, KubeObject *old, const char *uid, const char *version, GError **error)
{
  g_autofree char *failure = kube_registry_dup_precondition (old, uid, version), *key = NULL, *message = NULL;

  if (failure == NULL)
    return TRUE;
  key = dup_upstream_key (modify);
  message = g_strdup_printf ("StorageError: invalid object, Code: 4, Key: %s, ResourceVersion: 0, AdditionalErrorMsg: %s", key, failure);
  g_propagate_error (error, kube_registry_conflict (modify->kind, modify->name, message));
  return FALSE;
}

static void step (KubeModify *modify);

/* What watches were told of is parsed already, or will be. */
static KubeObject *
read_stored (KubeModify *modify, GBytes *bytes, guint64 revision)
{
  g_autoptr (KubeObject) stored = kube_hub_find (kube_server_get_hub (modify->op->server), modify->key, revision);

  if (stored == NULL)
    stored = kube_object_new_from_bytes (bytes);
  return kube_convert_from_storage (modify->kind, stored);
}

static void
finish (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error)
{
  modify->done (modify, object, removed, error, modify->user_data);
  g_clear_pointer (&modify->old, kube_object_unref);
  g_clear_pointer (&modify->new, kube_object_unref);
  g_free (modify->key);
  g_free (modify->name);
  kube_operation_unref (modify->op);
  g_free (modify);
}

static void
finish_with (KubeModify *modify, GError *error)
{
  finish (modify, NULL, FALSE, error);
  g_error_free (error);
}

/* What a lost attempt took is free again. */
static void
again (KubeModify *modify)
{
  const KubeStrategy *strategy = kube_strategy_find (modify->kind);

  if (strategy->settle != NULL && modify->new != NULL && !modify->remove)
    strategy->settle (modify->op, modify->new, modify->old, FALSE, FALSE);
  step (modify);
}

static void
on_modified (KubeOperation *op, const KubeStoreResult *result, gpointer user_data)
{
  KubeModify *modify = user_data;
  g_autoptr (KubeObject) stored = NULL;

  if (result->error != NULL && result->error->code == KUBE_ERROR_CONFLICT) {
    if (result->value == NULL)
      finish_with (modify, kube_storage_not_found (modify->kind, modify->name));
    else if (modify->retries-- == 0)
      finish_with (modify, kube_registry_conflict (modify->kind, modify->name, "the object has been modified; please apply your changes to the latest version and try again"));
    else
      again (modify);
    return;
  }
  if (result->error != NULL && result->error->code == KUBE_ERROR_NOT_FOUND) {
    finish_with (modify, kube_storage_not_found (modify->kind, modify->name));
    return;
  }
  if (result->error != NULL) {
    finish (modify, NULL, FALSE, result->error);
    return;
  }
  if (result->value != NULL) {
    stored = read_stored (modify, result->value, result->revision);
  } else {
    g_autoptr (GBytes) bytes = kube_splice_set_version (kube_object_get_bytes (modify->new), result->revision);
    stored = kube_object_new_from_bytes (bytes);
  }
  finish (modify, stored, modify->remove, NULL);
}

static void
step (KubeModify *modify)
{
  KubeOperation *op = modify->op;
  g_autoptr (GError) error = NULL;
  guint64 revision = 0;
  g_autoptr (GBytes) bytes = kube_store_get (op->store, modify->key, &revision, &error);
  KubeChange change;

  if (bytes == NULL) {
    if (error->code == KUBE_ERROR_NOT_FOUND)
      finish_with (modify, kube_storage_not_found (modify->kind, modify->name));
    else
      finish (modify, NULL, FALSE, error);
    return;
  }
  g_clear_pointer (&modify->old, kube_object_unref);
  g_clear_pointer (&modify->new, kube_object_unref);
  modify->old = read_stored (modify, bytes, revision);
  change = modify->change (modify, modify->old, &modify->new, modify->user_data, &error);
  if (error != NULL) {
    finish (modify, NULL, FALSE, error);
    return;
  }
  if (change == KUBE_CHANGE_NONE || op->dry_run) {
    finish (modify, modify->new != NULL ? modify->new : modify->old, change == KUBE_CHANGE_REMOVE, NULL);
    return;
  }
  modify->remove = change == KUBE_CHANGE_REMOVE;
  kube_registry_write (op, modify->key, modify->new != NULL ? modify->new : modify->old, bytes, revision, modify->remove, on_modified, modify);
}

void
kube_modify (KubeOperation *op, KubeKind *kind, const char *namespace_, const char *name, guint retries, KubeModifyFunc change, KubeModifiedFunc done, gpointer user_data)
{
  KubeModify *modify = g_new0 (KubeModify, 1);

  modify->op = kube_operation_ref (op);
  modify->kind = kind;
  modify->key = kube_storage_key (kind, namespace_, name);
  modify->name = g_strdup (name);
  modify->retries = retries;
  modify->change = change;
  modify->done = done;
  modify->user_data = user_data;
  step (modify);
}
