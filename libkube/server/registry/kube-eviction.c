/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"

static void
on_evicted (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data)
{
  if (error != NULL)
    kube_operation_answer_error (modify->op, error);
  else
    kube_operation_answer_success (modify->op, 201, NULL, NULL, NULL);
}

void
kube_registry_evict (KubeOperation *op)
{
  KubeDeleteOptions options = { 0 };
  g_autoptr (KubeValue) eviction = NULL;
  const char *name;
  GError *error = NULL;

  if (kube_operation_get_write_options (op, "CreateOptions", &error))
    eviction = kube_operation_decode_body (op, kube_registry_body_kind ("policy", "v1", "Eviction"), &error);
  if (eviction == NULL) {
    kube_operation_take_error (op, error);
    return;
  }
  name = kube_value_get_string (eviction, "metadata.name");
  if (name != NULL && *name != '\0' && !g_str_equal (name, op->info.name))
    g_set_error_literal (&error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "name in URL does not match name in Eviction object");
  if (error != NULL || !kube_delete_options_init (&options, op, kube_value_get (eviction, "deleteOptions"), &error)) {
    kube_delete_options_clear (&options);
    kube_operation_take_error (op, error);
    return;
  }
  kube_registry_delete_one (op, op->kind, op->info.namespace_, op->info.name, &options, on_evicted, NULL);
}
