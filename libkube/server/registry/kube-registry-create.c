/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "kube-strategy.h"
#include "kube-validation.h"
#include "../kube-admission.h"
#include "../kube-convert.h"
#include <kube/kube-names.h>
#include <kube/kube-time.h>

/* How often another name is generated where the first one was taken, as upstream does. */
#define MAX_GENERATED 8

typedef struct {
  KubeOperation *op;
  const KubeStrategy *strategy;
  KubeValue *value;  /* decoded, admitted; what all attempts begin with */
  KubeObject *object;
  char *key;
  char *version;     /* (nullable): what the client says of it */
  guint attempts;
  KubeCreatedFunc ended; /* (nullable) */
  gpointer user_data;
} Create;

static void
create_free (Create *create)
{
  g_clear_pointer (&create->value, kube_value_unref);
  g_clear_pointer (&create->object, kube_object_unref);
  g_free (create->key);
  g_free (create->version);
  kube_operation_unref (create->op);
  g_free (create);
}

static gboolean
match_namespace (KubeOperation *op, KubeNode *root, GError **error)
{
  if (!kube_registry_check_namespace (op, kube_node_get_string (root, "metadata.namespace"), error))
    return FALSE;
  kube_node_set_string (root, "metadata.namespace", op->kind->namespaced ? op->info.namespace_ : NULL);
  return TRUE;
}

/* What the system says of a new object, and no client. */
static void
fill_metadata (KubeOperation *op, KubeNode *root)
{
  KubeNode *meta = kube_node_ensure_object (root, "metadata");
  g_autofree char *uid = kube_uid_new ();
  char now[KUBE_TIME_STRING_SIZE];

  kube_node_remove_member (meta, "deletionTimestamp");
  kube_node_remove_member (meta, "deletionGracePeriodSeconds");
  kube_node_remove_member (meta, "selfLink");
  kube_node_put_string (meta, "uid", uid);
  kube_node_put_string (meta, "creationTimestamp", kube_time_format (kube_clock_get_time (op->clock), now));
}

/* What is made by an update or an apply may say of which version it is; a new object that is stored may not. */
static gboolean
refuse_version (Create *create, GError **error)
{
  guint64 version;

  if (create->op->dry_run || create->version == NULL || !kube_parse_revision (create->version, &version, NULL) || version == 0)
    return TRUE;
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNKNOWN, "resourceVersion should not be set on objects to be created");
  return FALSE;
}

static KubeValue *
make_status (KubeKind *kind)
{
  g_autoptr (KubeValue) zero = kube_decode_zero (kind);
  g_autoptr (KubeBuilder) builder = kube_builder_new (zero);
  KubeNode *root = kube_builder_get_root (builder), *status;

  kube_default (kind, root);
  status = kube_node_get_member (root, "status");
  return status != NULL ? kube_node_to_value (status) : NULL;
}

/* (transfer full) (nullable): the status that a new object of a kind has. */
static KubeValue *
zero_status (KubeKind *kind)
{
  static GMutex mutex;
  static GHashTable *made; /* KubeKind → KubeValue; of constant kinds, which live for ever */
  g_autoptr (GMutexLocker) locker = NULL;
  gpointer status;

  if (kind->type == NULL)
    return NULL;
  if (!kind->constant)
    return make_status (kind);
  locker = g_mutex_locker_new (&mutex);
  if (made == NULL)
    made = g_hash_table_new (NULL, NULL);
  if (!g_hash_table_lookup_extended (made, kind, NULL, &status))
    g_hash_table_insert (made, kind, status = make_status (kind));
  return status != NULL ? kube_value_ref (status) : NULL;
}

static void
reset_status (KubeKind *kind, const KubeStrategy *strategy, KubeNode *root)
{
  g_autoptr (KubeValue) zero = NULL;

  if (strategy->created_with_status || kube_kind_find_subresource (kind, "status") == NULL)
    return;
  zero = zero_status (kind);
  kube_node_put_value (root, "status", zero);
}

static void
admission_init (KubeAdmission *admission, KubeOperation *op)
{
  *admission = (KubeAdmission){
    .store = op->store, .cache = kube_server_get_cache (op->server), .scheme = op->scheme, .auth = kube_server_get_auth (op->server), .clock = op->clock, .operation = KUBE_ADMIT_CREATE, .info = &op->info, .kind = op->kind, .user = op->user,
    .dry_run = op->dry_run, .warnings = g_ptr_array_new_with_free_func (g_free),
  };
}

static void
pass_warnings (KubeOperation *op, KubeAdmission *admission)
{
  for (guint i = 0; i < admission->warnings->len; i++)
    kube_call_add_warning (op->call, g_ptr_array_index (admission->warnings, i));
  g_ptr_array_unref (admission->warnings);
}

static gboolean
admit_mutating (KubeOperation *op, KubeBuilder *builder, GError **error)
{
  KubeAdmission admission;
  gboolean good;

  admission_init (&admission, op);
  admission.object = builder;
  good = kube_admission_mutate (&admission, error);
  pass_warnings (op, &admission);
  return good;
}

static gboolean
admit_validating (KubeOperation *op, KubeObject *object, GError **error)
{
  KubeAdmission admission;
  gboolean good;

  admission_init (&admission, op);
  admission.final = object;
  good = kube_admission_validate (&admission, error);
  pass_warnings (op, &admission);
  return good;
}

static gboolean
validate (KubeOperation *op, const KubeStrategy *strategy, KubeObject *object, GError **error)
{
  g_auto (KubeFieldErrors) errors = { NULL };
  const char *name = kube_object_get_name (object);
  GError *invalid;

  if (strategy->check != NULL)
    strategy->check (op, kube_object_get_value (object), &errors);
  kube_validate_create (op->kind, kube_object_get_value (object), &errors);
  invalid = kube_field_errors_to_error (&errors, kube_registry_error_group (op->kind), op->kind->name, name != NULL ? name : "");
  if (invalid != NULL)
    g_propagate_error (error, invalid);
  return invalid == NULL;
}

/* The object as it is to be stored, in an attempt: with a name and what the strategy allocates. */
static KubeObject *
complete (Create *create, GError **error)
{
  const char *name = kube_value_get_string (create->value, "metadata.name"), *prefix = kube_value_get_string (create->value, "metadata.generateName");
  gboolean generate = prefix != NULL && *prefix != '\0' && (name == NULL || *name == '\0');
  g_autoptr (KubeBuilder) builder = NULL;
  KubeWriteContext context = { create->op, create->op->kind, "", NULL, NULL };

  if (!generate && create->strategy->allocate == NULL)
    return kube_object_new (create->value);
  builder = kube_builder_new (create->value);
  context.object = kube_builder_get_root (builder);
  if (generate) {
    g_autofree char *generated = kube_name_generate (prefix);
    kube_node_set_string (context.object, "metadata.name", generated);
    create->attempts++;
  }
  if (create->strategy->allocate != NULL && !create->strategy->allocate (&context, error))
    return NULL;
  return kube_object_new_from_builder (builder);
}

static KubeObject *
prepare (Create *create, GError **error)
{
  KubeOperation *op = create->op;
  g_autoptr (KubeObject) object = complete (create, error);

  if (object == NULL)
    return NULL;
  if (validate (op, create->strategy, object, error)) {
    kube_strategy_warn (create->strategy, op, kube_object_get_value (object), NULL);
    if (admit_validating (op, object, error) && refuse_version (create, error))
      return kube_operation_read_back (op, op->kind, object);
  }
  if (create->strategy->settle != NULL)
    create->strategy->settle (op, object, NULL, FALSE, FALSE);
  return NULL;
}

static void attempt (Create *create);

/* Whether there is nobody left to be answered: who makes an object that was not there may go on with the one that is. */
static gboolean
is_lost (Create *create, gboolean taken)
{
  KubeCreatedFunc ended = g_steal_pointer (&create->ended);

  if (ended != NULL)
    ended (create->op, taken, create->user_data);
  return ended != NULL && taken;
}

static GError *
already_exists (Create *create, GBytes *there)
{
  KubeOperation *op = create->op;
  const char *name = kube_object_get_name (create->object);
  g_autoptr (KubeObject) existing = there != NULL ? kube_object_new_from_bytes (there) : NULL;
  gboolean deleting = existing != NULL && kube_object_is_deleting (existing);
  GError *error = g_error_new (KUBE_ERROR, KUBE_ERROR_ALREADY_EXISTS, "%s%s \"%s\" already exists", deleting ? "object is being deleted: " : "", op->kind->qualified_name, name);

  kube_error_set_subject (error, op->kind->group, op->kind->plural, name);
  return error;
}

static void
on_created (KubeOperation *op, const KubeStoreResult *result, gpointer user_data)
{
  Create *create = user_data;
  gboolean taken = result->error != NULL && result->error->code == KUBE_ERROR_CONFLICT;

  if (create->strategy->settle != NULL)
    create->strategy->settle (op, create->object, NULL, result->error == NULL, FALSE);
  if (taken && create->attempts > 0 && create->attempts < MAX_GENERATED) {
    attempt (create);
    return;
  }
  if (is_lost (create, taken)) {
    create_free (create);
    return;
  }
  if (taken) {
    kube_operation_take_error (op, already_exists (create, result->value));
  } else if (result->error != NULL) {
    kube_operation_answer_error (op, result->error);
  } else {
    g_autoptr (KubeObject) stored = kube_object_new_from_bytes (result->value);
    g_autoptr (KubeObject) answer = kube_convert_from_storage (op->kind, stored);
    kube_operation_answer_object (op, 201, answer);
  }
  create_free (create);
}

static void
answer_dry_run (Create *create)
{
  KubeOperation *op = create->op;
  g_autoptr (GBytes) there = kube_store_get (op->store, create->key, NULL, NULL);

  if (create->strategy->settle != NULL)
    create->strategy->settle (op, create->object, NULL, FALSE, FALSE);
  if (is_lost (create, there != NULL)) {
    create_free (create);
    return;
  }
  if (there != NULL) {
    kube_operation_take_error (op, already_exists (create, there));
  } else {
    g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (create->object));
    g_autoptr (KubeObject) object = NULL;
    kube_node_set_string (kube_builder_get_root (builder), "metadata.resourceVersion", create->version);
    object = kube_object_new_from_builder (builder);
    kube_operation_answer_object (op, 201, object);
  }
  create_free (create);
}

static void
attempt (Create *create)
{
  KubeOperation *op = create->op;
  GError *error = NULL;

  g_clear_pointer (&create->object, kube_object_unref);
  create->object = prepare (create, &error);
  if (create->object == NULL) {
    is_lost (create, FALSE);
    kube_operation_take_error (op, error);
    create_free (create);
    return;
  }
  g_free (create->key);
  create->key = kube_storage_key (op->kind, op->info.namespace_, kube_object_get_name (create->object));
  if (op->dry_run)
    answer_dry_run (create);
  else
    kube_registry_write (op, create->key, create->object, NULL, 0, FALSE, on_created, create);
}

static KubeValue *
admit_new (KubeOperation *op, const KubeStrategy *strategy, KubeValue *value, gboolean applied, GError **error)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (value);
  KubeNode *root = kube_builder_get_root (builder);
  KubeWriteContext context = { op, op->kind, "", NULL, root };

  fill_metadata (op, root);
  if (!applied && !op->kind->not_stored)
    kube_registry_track (op, op->kind, NULL, value, root);
  if (!match_namespace (op, root, error) || !admit_mutating (op, builder, error))
    return NULL;
  root = kube_builder_get_root (builder);
  context.object = root;
  reset_status (op->kind, strategy, root);
  if (op->kind->has_generation && !strategy->generation_from_zero)
    kube_node_set_integer (root, "metadata.generation", 1);
  kube_gates_apply (&context);
  if (strategy->prepare_create != NULL)
    strategy->prepare_create (&context);
  kube_node_set_string (root, "metadata.resourceVersion", ""); /* its place in the stored bytes */
  return kube_builder_end (builder);
}

/* @version: (nullable): what a client says of it that may not */
static void
begin (KubeOperation *op, KubeValue *decoded, gboolean applied, const char *version, KubeCreatedFunc ended, gpointer user_data)
{
  const KubeStrategy *strategy = kube_strategy_find (op->kind);
  GError *error = NULL;
  g_autoptr (KubeValue) value = admit_new (op, strategy, decoded, applied, &error);
  Create *create;

  if (value == NULL) {
    if (ended != NULL)
      ended (op, FALSE, user_data);
    kube_operation_take_error (op, error);
    return;
  }
  create = g_new0 (Create, 1);
  create->ended = ended;
  create->user_data = user_data;
  create->op = kube_operation_ref (op);
  create->strategy = strategy;
  create->value = g_steal_pointer (&value);
  create->version = g_strdup (version);
  attempt (create);
}

void
kube_registry_create (KubeOperation *op)
{
  g_autoptr (KubeValue) body = NULL;
  GError *error = NULL;

  if (kube_operation_get_write_options (op, "CreateOptions", &error))
    body = kube_operation_decode_body (op, op->kind, &error);
  if (body == NULL)
    kube_operation_take_error (op, error);
  else
    begin (op, body, FALSE, kube_value_get_string (body, "metadata.resourceVersion"), NULL, NULL);
}

void
kube_registry_create_value (KubeOperation *op, KubeValue *decoded, gboolean applied, KubeCreatedFunc ended, gpointer user_data)
{
  begin (op, decoded, applied, NULL, ended, user_data);
}
