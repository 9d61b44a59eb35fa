/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-http-client-private.h"

#include <string.h>

#define PARSE_MAX (1024 * 1024 * 1024)

/* Items of a list do not say what they are; a document of their own lets the list go. */
static KubeObject *
take_item (KubeValue *item, const char *api_version, const char *kind)
{
  if (kube_value_get_member_string (item, "kind") != NULL || kind == NULL) {
    g_autoptr (KubeValue) own = kube_value_detach (item);
    return kube_object_new (own);
  }
  g_autoptr (KubeBuilder) builder = kube_builder_new (item);
  KubeNode *root = kube_builder_get_root (builder);
  kube_node_put_string (root, "apiVersion", api_version);
  kube_node_put_string (root, "kind", kind);
  return kube_object_new_from_builder (builder);
}

static KubeObjectList *
take_list (KubeValue *value)
{
  const char *api_version = kube_value_get_member_string (value, "apiVersion"),
             *list_kind = kube_value_get_member_string (value, "kind");
  g_autofree char *kind = g_strndup (list_kind, strlen (list_kind) - strlen ("List"));
  KubeValue *items = kube_value_get_member (value, "items"), *metadata = kube_value_get_member (value, "metadata");
  guint length = kube_value_get_length (items);
  GPtrArray *objects = g_ptr_array_new_full (length, (GDestroyNotify) kube_object_unref);
  const char *token = kube_value_get_member_string (metadata, "continue");

  for (guint i = 0; i < length; i++)
    g_ptr_array_add (objects, take_item (kube_value_get_element (items, i), api_version, *kind != '\0' ? kind : NULL));
  return kube_object_list_new (objects, kube_value_get_member_string (metadata, "resourceVersion"),
                               token != NULL && *token != '\0' ? token : NULL,
                               kube_value_get_integer (metadata, "remainingItemCount", -1));
}

KubeResponse *
kube_http_client_parse_response (KubeRequest *request, int status, gboolean is_json, GBytes *body, const char *const *warnings,
                                 GError **error)
{
  const KubeParseOptions options = { .max_size = PARSE_MAX };
  gboolean raw = kube_request_get_kind (request) == NULL;
  gsize length;
  const char *data = g_bytes_get_data (body, &length);

  if (!is_json)
    return kube_response_new (status, NULL, NULL, body, warnings);
  g_autoptr (KubeValue) value = kube_value_parse_with_options (data, length, &options, error);
  if (value == NULL) {
    g_prefix_error (error, "decoding the server's answer: ");
    return NULL;
  }
  const char *kind = kube_value_get_member_string (value, "kind");
  if (!raw && kind != NULL && g_str_has_suffix (kind, "List") && kube_request_get_name (request) == NULL) {
    g_autoptr (KubeObjectList) list = take_list (value);
    return kube_response_new (status, NULL, list, NULL, warnings);
  }
  g_autoptr (KubeObject) object = kube_value_is_object (value) ? kube_object_new (value) : NULL;
  return kube_response_new (status, object, NULL, raw ? body : NULL, warnings);
}
