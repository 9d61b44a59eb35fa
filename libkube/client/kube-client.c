/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-client.h>

G_DEFINE_INTERFACE (KubeClient, kube_client, G_TYPE_OBJECT)

static void
keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **kept = user_data;
  *kept = g_object_ref (result);
}

static KubeResponse *
send_blocking (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GAsyncResult) result = NULL;

  g_main_context_push_thread_default (context);
  kube_client_send_async (client, request, cancellable, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  KubeResponse *response = kube_client_send_finish (client, result, error);
  g_main_context_pop_thread_default (context);
  return response;
}

static void
kube_client_default_init (KubeClientInterface *iface)
{
  iface->send = send_blocking;
}

/**
 * kube_client_send_async:
 * @client: a client
 * @request: what is asked
 * @cancellable: (nullable): ends the call early
 * @callback: (scope async): called at the end
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_client_send_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  KUBE_CLIENT_GET_IFACE (client)->send_async (client, request, cancellable, callback, user_data);
}

/**
 * kube_client_send_finish:
 * @client: a client
 * @result: what the callback got
 * @error: of %KUBE_ERROR with the Status' details, or %G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full): the answer
 * Since: 1.0
 */
KubeResponse *
kube_client_send_finish (KubeClient *client, GAsyncResult *result, GError **error)
{
  return KUBE_CLIENT_GET_IFACE (client)->send_finish (client, result, error);
}

/**
 * kube_client_send:
 * @client: a client
 * @request: what is asked
 * @cancellable: (nullable): ends the call early
 * @error: of %KUBE_ERROR with the Status' details, or %G_IO_ERROR_CANCELLED
 *
 * Sends and waits. Only @client's own work goes on meanwhile.
 *
 * Returns: (transfer full): the answer
 * Since: 1.0
 */
KubeResponse *
kube_client_send (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GError **error)
{
  return KUBE_CLIENT_GET_IFACE (client)->send (client, request, cancellable, error);
}

/**
 * kube_client_watch:
 * @client: a client
 * @request: %KUBE_VERB_WATCH on a collection, its options as a list's
 *
 * Returns: (transfer full): a watch, not yet started
 * Since: 1.0
 */
KubeWatch *
kube_client_watch (KubeClient *client, KubeRequest *request)
{
  return KUBE_CLIENT_GET_IFACE (client)->watch (client, request);
}

/**
 * kube_client_open_async:
 * @client: a client
 * @request: a GET whose answer is a stream of bytes
 * @cancellable: (nullable): ends the call early
 * @callback: (scope async): called at the end
 * @user_data: its argument
 *
 * Since: 1.0
 */
void
kube_client_open_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  KUBE_CLIENT_GET_IFACE (client)->open_async (client, request, cancellable, callback, user_data);
}

/**
 * kube_client_open_finish:
 * @client: a client
 * @result: what the callback got
 * @error: of %KUBE_ERROR with the Status' details, or %G_IO_ERROR_CANCELLED
 *
 * Returns: (transfer full): the stream
 * Since: 1.0
 */
GInputStream *
kube_client_open_finish (KubeClient *client, GAsyncResult *result, GError **error)
{
  return KUBE_CLIENT_GET_IFACE (client)->open_finish (client, result, error);
}

/**
 * kube_client_get_scheme:
 * @client: a client
 *
 * Returns: (transfer none): the kinds that this client knows
 * Since: 1.0
 */
KubeScheme *
kube_client_get_scheme (KubeClient *client)
{
  KubeClientInterface *iface = KUBE_CLIENT_GET_IFACE (client);
  return iface->get_scheme != NULL ? iface->get_scheme (client) : kube_scheme_get_default ();
}

static KubeObject *
send_for_object (KubeClient *client, KubeRequest *request, GError **error)
{
  g_autoptr (KubeResponse) response = kube_client_send (client, request, NULL, error);

  if (response == NULL)
    return NULL;
  KubeObject *object = kube_response_get_object (response);
  if (object == NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "the server answered without an object");
    return NULL;
  }
  return kube_object_ref (object);
}

/**
 * kube_client_get:
 * @client: a client
 * @kind: of what
 * @namespace_: (nullable): %NULL for cluster-scoped kinds
 * @name: name of the object
 * @error: %KUBE_ERROR_NOT_FOUND, %KUBE_ERROR_FORBIDDEN and others
 *
 * Returns: (transfer full): the object
 * Since: 1.0
 */
KubeObject *
kube_client_get (KubeClient *client, KubeKind *kind, const char *namespace_, const char *name, GError **error)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_GET, kind, namespace_, name);
  return send_for_object (client, request, error);
}

/**
 * kube_client_list:
 * @client: a client
 * @kind: of what
 * @namespace_: (nullable): %NULL for all namespaces
 * @label_selector: (nullable): which ones
 * @error: %KUBE_ERROR_FORBIDDEN and others
 *
 * Returns: (transfer full): all there are
 * Since: 1.0
 */
KubeObjectList *
kube_client_list (KubeClient *client, KubeKind *kind, const char *namespace_, const char *label_selector, GError **error)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_LIST, kind, namespace_, NULL);

  kube_request_set_option (request, "labelSelector", label_selector);
  g_autoptr (KubeResponse) response = kube_client_send (client, request, NULL, error);
  if (response == NULL)
    return NULL;
  KubeObjectList *list = kube_response_get_list (response);
  if (list == NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "the server answered without a list");
    return NULL;
  }
  return kube_object_list_ref (list);
}

/* A request about @object, whose kind, namespace and name are its own. */
static KubeRequest *
request_for (KubeClient *client, KubeVerb verb, KubeObject *object, GError **error)
{
  KubeKind *kind = kube_client_get_kind_of (client, object, error);

  if (kind == NULL)
    return NULL;
  const char *name = verb == KUBE_VERB_CREATE ? NULL : kube_object_get_name (object);
  if (verb != KUBE_VERB_CREATE && name == NULL) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "resource name may not be empty");
    return NULL;
  }
  return kube_request_new (verb, kind, kube_object_get_namespace (object), name);
}

/**
 * kube_client_create:
 * @client: a client
 * @object: what to create
 * @error: %KUBE_ERROR_ALREADY_EXISTS, %KUBE_ERROR_INVALID, %KUBE_ERROR_FORBIDDEN and others
 *
 * Returns: (transfer full): the object as it was created
 * Since: 1.0
 */
KubeObject *
kube_client_create (KubeClient *client, KubeObject *object, GError **error)
{
  g_autoptr (KubeRequest) request = request_for (client, KUBE_VERB_CREATE, object, error);

  if (request == NULL)
    return NULL;
  kube_request_set_object (request, object);
  return send_for_object (client, request, error);
}

/**
 * kube_client_update:
 * @client: a client
 * @object: what to write, with the resourceVersion that it was read at
 * @error: %KUBE_ERROR_CONFLICT, %KUBE_ERROR_NOT_FOUND, %KUBE_ERROR_INVALID and others
 *
 * Returns: (transfer full): the object as it was written
 * Since: 1.0
 */
KubeObject *
kube_client_update (KubeClient *client, KubeObject *object, GError **error)
{
  g_autoptr (KubeRequest) request = request_for (client, KUBE_VERB_UPDATE, object, error);

  if (request == NULL)
    return NULL;
  kube_request_set_object (request, object);
  return send_for_object (client, request, error);
}

/**
 * kube_client_update_status:
 * @client: a client
 * @object: what to write, with the resourceVersion that it was read at; only its status counts
 * @error: %KUBE_ERROR_CONFLICT, %KUBE_ERROR_NOT_FOUND, %KUBE_ERROR_INVALID and others
 *
 * Returns: (transfer full): the object as it was written
 * Since: 1.0
 */
KubeObject *
kube_client_update_status (KubeClient *client, KubeObject *object, GError **error)
{
  g_autoptr (KubeRequest) request = request_for (client, KUBE_VERB_UPDATE, object, error);

  if (request == NULL)
    return NULL;
  kube_request_set_subresource (request, "status");
  kube_request_set_object (request, object);
  return send_for_object (client, request, error);
}

/**
 * kube_client_patch:
 * @client: a client
 * @object: which object: its apiVersion, kind, namespace and name count
 * @type: which kind of patch; an apply patch is sent as the field manager `libkube`
 * @patch: the patch
 * @error: %KUBE_ERROR_CONFLICT, %KUBE_ERROR_NOT_FOUND, %KUBE_ERROR_INVALID and others
 *
 * Returns: (transfer full): the object as it was written
 * Since: 1.0
 */
KubeObject *
kube_client_patch (KubeClient *client, KubeObject *object, KubePatchType type, KubeValue *patch, GError **error)
{
  g_autoptr (KubeRequest) request = request_for (client, KUBE_VERB_PATCH, object, error);

  if (request == NULL)
    return NULL;
  kube_request_set_patch (request, type, patch);
  if (type == KUBE_PATCH_APPLY)
    kube_request_set_option (request, "fieldManager", "libkube");
  return send_for_object (client, request, error);
}

/**
 * kube_client_delete:
 * @client: a client
 * @kind: of what
 * @namespace_: (nullable): %NULL for cluster-scoped kinds
 * @name: name of the object
 * @error: %KUBE_ERROR_NOT_FOUND, %KUBE_ERROR_FORBIDDEN and others
 *
 * Deletes with the kind's default grace period and propagation.
 *
 * Returns: whether the server accepted it
 * Since: 1.0
 */
gboolean
kube_client_delete (KubeClient *client, KubeKind *kind, const char *namespace_, const char *name, GError **error)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, kind, namespace_, name);
  g_autoptr (KubeResponse) response = kube_client_send (client, request, NULL, error);
  return response != NULL;
}

/**
 * kube_client_get_kind_of:
 * @client: a client
 * @object: an object
 * @error: %KUBE_ERROR_BAD_REQUEST
 *
 * Returns: (transfer none): the kind of @object by its apiVersion and kind
 * Since: 1.0
 */
KubeKind *
kube_client_get_kind_of (KubeClient *client, KubeObject *object, GError **error)
{
  const char *api_version = kube_object_get_api_version (object), *name = kube_object_get_kind (object);
  KubeKind *kind = NULL;

  if (api_version != NULL && name != NULL)
    kind = kube_scheme_find_kind (kube_client_get_scheme (client), api_version, name);
  if (kind == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "no kind \"%s\" is registered for version \"%s\"",
                 name != NULL ? name : "", api_version != NULL ? api_version : "");
  return kind;
}
