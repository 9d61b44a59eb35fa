/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "kube-validation.h"

/* Kinds that are answered and never stored. */

/* A question in a namespace is of that namespace, another one of none. What the system says of objects, nobody says of it; who wrote which field of it, it tells as any object does. */
static KubeObject *
read_review (KubeOperation *op, KubeValue *body, GError **error)
{
  static const char *const system[] = { "metadata.creationTimestamp", "metadata.uid", "metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds", "metadata.selfLink" };
  g_autoptr (KubeBuilder) builder = kube_builder_new (body);
  KubeNode *root = kube_builder_get_root (builder);

  for (guint i = 0; i < G_N_ELEMENTS (system); i++)
    kube_node_remove (root, system[i]);
  kube_registry_track (op, op->kind, NULL, body, root);
  if (!kube_registry_check_namespace (op, kube_node_get_string (root, "metadata.namespace"), error))
    return NULL;
  kube_node_set_string (root, "metadata.namespace", op->kind->namespaced ? op->info.namespace_ : NULL);
  return kube_object_new_from_builder (builder);
}

/* The kind is not in the message: upstream words it after the object has lost its own. */
static gboolean
validate (KubeKind *kind, KubeObject *review, GError **error)
{
  g_auto (KubeFieldErrors) errors = { NULL };
  GError *invalid;

  kube_validate_create (kind, kube_object_get_value (review), &errors);
  invalid = kube_field_errors_to_error (&errors, kind->group, "", "");
  if (invalid != NULL)
    g_propagate_error (error, invalid);
  return invalid == NULL;
}

static KubeObject *
answer_review (KubeOperation *op, KubeObject *review, GError **error)
{
  KubeAuth *auth = kube_server_get_auth (op->server);
  const char *name = op->kind->name;

  if (g_str_equal (name, "TokenReview"))
    return kube_auth_review_token (auth, review, error);
  if (g_str_equal (name, "SelfSubjectReview"))
    return kube_auth_review_self_subject (auth, op->user, review, error);
  if (g_str_equal (name, "SelfSubjectRulesReview"))
    return kube_auth_review_rules (auth, op->user, review, error);
  if (g_str_has_suffix (name, "SubjectAccessReview"))
    return kube_auth_review_access (auth, op->user, review);
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_METHOD_NOT_ALLOWED, "the server does not allow this method on the requested resource");
  return NULL;
}

void
kube_registry_review (KubeOperation *op)
{
  g_autoptr (KubeValue) body = NULL;
  g_autoptr (KubeObject) review = NULL, answer = NULL;
  GError *error = NULL;

  if (kube_operation_get_write_options (op, "CreateOptions", &error))
    body = kube_operation_decode_body (op, op->kind, &error);
  if (body != NULL)
    review = read_review (op, body, &error);
  if (review != NULL && validate (op->kind, review, &error))
    answer = answer_review (op, review, &error);
  if (answer == NULL)
    kube_operation_take_error (op, error);
  else
    kube_operation_answer_object (op, 201, answer);
}

/* A request for a token may name the account that its path does. */
static gboolean
check_token_name (KubeOperation *op, KubeValue *request, GError **error)
{
  const char *name = kube_value_get_string (request, "metadata.name");
  g_auto (KubeFieldErrors) errors = { NULL };

  if (name == NULL || *name == '\0' || g_str_equal (name, op->info.name))
    return TRUE;
  kube_field_errors_invalid (&errors, KUBE_FIELD (KUBE_FIELD (NULL, "metadata"), "name"), name, "must match the service account name if specified");
  g_propagate_error (error, kube_field_errors_to_error (&errors, "authentication.k8s.io", "TokenRequest", op->info.name));
  return FALSE;
}

void
kube_registry_create_token (KubeOperation *op)
{
  KubeKind *kind = kube_registry_body_kind ("authentication.k8s.io", "v1", "TokenRequest");
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (KubeValue) body = NULL;
  g_autoptr (KubeObject) account = NULL, request = NULL, answer = NULL;
  GError *error = NULL;

  if (kube_operation_get_write_options (op, "CreateOptions", &error))
    body = kube_operation_decode_body (op, kind, &error);
  if (body != NULL && kube_registry_check_namespace (op, kube_value_get_string (body, "metadata.namespace"), &error) && check_token_name (op, body, &error))
    account = kube_storage_get (op->store, op->kind, op->info.namespace_, op->info.name, &error);
  if (account != NULL) {
    g_autoptr (KubeBuilder) builder = kube_builder_new (body);
    kube_registry_track (op, kind, NULL, body, kube_builder_get_root (builder));
    request = kube_object_new_from_builder (builder);
    answer = kube_auth_create_token (kube_server_get_auth (op->server), account, request, warnings, &error);
  }
  for (guint i = 0; i < warnings->len; i++)
    kube_call_add_warning (op->call, g_ptr_array_index (warnings, i));
  if (answer == NULL)
    kube_operation_take_error (op, error);
  else
    kube_operation_answer_object (op, 201, answer);
}
