/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-operation.h"

KubeOperation *
kube_operation_new (KubeServer *server, KubeCall *call)
{
  KubeOperation *op = g_new0 (KubeOperation, 1);

  op->refs = 1;
  op->server = g_object_ref (server);
  op->store = kube_server_get_store (server);
  op->scheme = kube_server_get_scheme (server);
  op->clock = kube_server_get_clock (server);
  op->call = g_object_ref (call);
  kube_request_info_init (&op->info, kube_call_get_method (call), kube_call_get_path (call), kube_call_get_query (call, "watch"), kube_call_get_query (call, "fieldSelector"), op->scheme);
  op->kind = op->info.kind != NULL ? kube_kind_ref (op->info.kind) : NULL;
  if (op->kind != NULL && *op->info.subresource != '\0')
    op->subresource = kube_kind_find_subresource (op->kind, op->info.subresource);
  return op;
}

KubeOperation *
kube_operation_ref (KubeOperation *op)
{
  op->refs++;
  return op;
}

void
kube_operation_unref (KubeOperation *op)
{
  if (--op->refs > 0)
    return;
  kube_server_count (op);
  kube_request_info_clear (&op->info);
  g_clear_pointer (&op->user, kube_user_unref);
  g_clear_pointer (&op->kind, kube_kind_unref);
  g_object_unref (op->call);
  g_object_unref (op->server);
  g_free (op);
}

const char *
kube_operation_get_namespace (KubeOperation *op)
{
  return *op->info.namespace_ != '\0' ? op->info.namespace_ : NULL;
}
