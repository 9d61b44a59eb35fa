/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-request.h>

struct _KubeResponse {
  gatomicrefcount refs;
  int http_status;
  KubeObject *object;   /* (owned) (nullable) */
  KubeObjectList *list; /* (owned) (nullable) */
  GBytes *body;         /* (owned) (nullable) */
  char **warnings;      /* (owned) (nullable) */
};

G_DEFINE_BOXED_TYPE (KubeResponse, kube_response, kube_response_ref, kube_response_unref)

/**
 * kube_response_new:
 * @http_status: the HTTP status
 * @object: (nullable): the object that was answered
 * @list: (nullable): the list that was answered
 * @body: (nullable): the bytes that were answered
 * @warnings: (nullable) (array zero-terminated=1): the server's warnings
 *
 * Returns: (transfer full): a response
 * Since: 1.0
 */
KubeResponse *
kube_response_new (int http_status, KubeObject *object, KubeObjectList *list, GBytes *body, const char *const *warnings)
{
  KubeResponse *response = g_new0 (KubeResponse, 1);

  g_atomic_ref_count_init (&response->refs);
  response->http_status = http_status;
  response->object = object != NULL ? kube_object_ref (object) : NULL;
  response->list = list != NULL ? kube_object_list_ref (list) : NULL;
  response->body = body != NULL ? g_bytes_ref (body) : NULL;
  response->warnings = g_strdupv ((char **) warnings);
  return response;
}

/**
 * kube_response_ref:
 * @response: a response
 *
 * Returns: (transfer full): @response
 * Since: 1.0
 */
KubeResponse *
kube_response_ref (KubeResponse *response)
{
  g_atomic_ref_count_inc (&response->refs);
  return response;
}

/**
 * kube_response_unref:
 * @response: (transfer full): a response
 *
 * Since: 1.0
 */
void
kube_response_unref (KubeResponse *response)
{
  if (!g_atomic_ref_count_dec (&response->refs))
    return;
  g_clear_pointer (&response->object, kube_object_unref);
  g_clear_pointer (&response->list, kube_object_list_unref);
  g_clear_pointer (&response->body, g_bytes_unref);
  g_strfreev (response->warnings);
  g_free (response);
}

/**
 * kube_response_get_http_status:
 * @response: a response
 *
 * Returns: the HTTP status
 * Since: 1.0
 */
int
kube_response_get_http_status (KubeResponse *response)
{
  return response->http_status;
}

/**
 * kube_response_get_object:
 * @response: a response
 *
 * Returns: (transfer none) (nullable): the object that was answered
 * Since: 1.0
 */
KubeObject *
kube_response_get_object (KubeResponse *response)
{
  return response->object;
}

/**
 * kube_response_get_list:
 * @response: a response
 *
 * Returns: (transfer none) (nullable): the list that was answered
 * Since: 1.0
 */
KubeObjectList *
kube_response_get_list (KubeResponse *response)
{
  return response->list;
}

/**
 * kube_response_get_body:
 * @response: a response
 *
 * Returns: (transfer none) (nullable): the bytes that were answered
 * Since: 1.0
 */
GBytes *
kube_response_get_body (KubeResponse *response)
{
  return response->body;
}

/**
 * kube_response_get_warnings:
 * @response: a response
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1): the server's warnings
 * Since: 1.0
 */
const char *const *
kube_response_get_warnings (KubeResponse *response)
{
  return (const char *const *) response->warnings;
}
