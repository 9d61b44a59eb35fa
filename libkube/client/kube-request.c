/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-request.h>

#include <string.h>

typedef struct {
  char *name;  /* (owned) */
  char *value; /* (owned) */
} Option;

struct _KubeRequest {
  gatomicrefcount refs;
  KubeVerb verb;  /* 0 for a raw request */
  KubeKind *kind; /* (owned) (nullable) */
  char *namespace_;
  char *name;
  char *subresource;
  const char *method; /* interned */
  char *raw_path;
  GPtrArray *options; /* (element-type Option) (nullable) */
  KubeObject *object; /* (owned) (nullable) */
  KubeValue *patch;   /* (owned) (nullable) */
  KubePatchType patch_type;
};

G_DEFINE_BOXED_TYPE (KubeRequest, kube_request, kube_request_ref, kube_request_unref)

static void
option_free (gpointer data)
{
  Option *option = data;
  g_free (option->name);
  g_free (option->value);
  g_free (option);
}

static const char *
method_of (KubeVerb verb)
{
  switch (verb) {
  case KUBE_VERB_CREATE:
    return "POST";
  case KUBE_VERB_UPDATE:
    return "PUT";
  case KUBE_VERB_PATCH:
    return "PATCH";
  case KUBE_VERB_DELETE:
  case KUBE_VERB_DELETE_COLLECTION:
    return "DELETE";
  default:
    return "GET";
  }
}

/**
 * kube_request_new:
 * @verb: one verb
 * @kind: of what
 * @namespace_: (nullable): %NULL for cluster-scoped kinds, and for lists over all namespaces
 * @name: (nullable): %NULL for collections
 *
 * Returns: (transfer full): a request
 * Since: 1.0
 */
KubeRequest *
kube_request_new (KubeVerb verb, KubeKind *kind, const char *namespace_, const char *name)
{
  KubeRequest *request = g_new0 (KubeRequest, 1);

  g_atomic_ref_count_init (&request->refs);
  request->verb = verb;
  request->kind = kube_kind_ref (kind);
  request->namespace_ = g_strdup (namespace_);
  request->name = g_strdup (name);
  request->method = method_of (verb);
  return request;
}

/**
 * kube_request_new_raw:
 * @method: an HTTP method
 * @path: a path with its query
 *
 * Returns: (transfer full): a request for anything else that the server serves
 * Since: 1.0
 */
KubeRequest *
kube_request_new_raw (const char *method, const char *path)
{
  KubeRequest *request = g_new0 (KubeRequest, 1);

  g_atomic_ref_count_init (&request->refs);
  request->method = g_intern_string (method);
  request->raw_path = g_strdup (path);
  return request;
}

/**
 * kube_request_ref:
 * @request: a request
 *
 * Returns: (transfer full): @request
 * Since: 1.0
 */
KubeRequest *
kube_request_ref (KubeRequest *request)
{
  g_atomic_ref_count_inc (&request->refs);
  return request;
}

/**
 * kube_request_unref:
 * @request: (transfer full): a request
 *
 * Since: 1.0
 */
void
kube_request_unref (KubeRequest *request)
{
  if (!g_atomic_ref_count_dec (&request->refs))
    return;
  g_clear_pointer (&request->kind, kube_kind_unref);
  g_free (request->namespace_);
  g_free (request->name);
  g_free (request->subresource);
  g_free (request->raw_path);
  g_clear_pointer (&request->options, g_ptr_array_unref);
  g_clear_pointer (&request->object, kube_object_unref);
  g_clear_pointer (&request->patch, kube_value_unref);
  g_free (request);
}

/**
 * kube_request_set_subresource:
 * @request: a request
 * @subresource: (nullable): for example `status`
 *
 * Since: 1.0
 */
void
kube_request_set_subresource (KubeRequest *request, const char *subresource)
{
  g_free (request->subresource);
  request->subresource = g_strdup (subresource);
}

/**
 * kube_request_set_object:
 * @request: a request
 * @object: (nullable): its body
 *
 * Since: 1.0
 */
void
kube_request_set_object (KubeRequest *request, KubeObject *object)
{
  g_clear_pointer (&request->object, kube_object_unref);
  request->object = object != NULL ? kube_object_ref (object) : NULL;
}

/**
 * kube_request_set_patch:
 * @request: a request
 * @type: which kind of patch
 * @patch: the patch, its body
 *
 * Since: 1.0
 */
void
kube_request_set_patch (KubeRequest *request, KubePatchType type, KubeValue *patch)
{
  g_clear_pointer (&request->patch, kube_value_unref);
  request->patch = kube_value_ref (patch);
  request->patch_type = type;
}

static void
remove_option (KubeRequest *request, const char *name)
{
  for (guint i = request->options != NULL ? request->options->len : 0; i > 0; i--) {
    const Option *option = g_ptr_array_index (request->options, i - 1);
    if (g_str_equal (option->name, name))
      g_ptr_array_remove_index (request->options, i - 1);
  }
}

/**
 * kube_request_set_option:
 * @request: a request
 * @name: a query parameter by its API name
 * @value: (nullable): its value; %NULL removes all of this name
 *
 * Adds a query parameter; several of one name stand side by side.
 *
 * Since: 1.0
 */
void
kube_request_set_option (KubeRequest *request, const char *name, const char *value)
{
  if (value == NULL) {
    remove_option (request, name);
    return;
  }
  Option *option = g_new (Option, 1);
  option->name = g_strdup (name);
  option->value = g_strdup (value);
  if (request->options == NULL)
    request->options = g_ptr_array_new_with_free_func (option_free);
  g_ptr_array_add (request->options, option);
}

/**
 * kube_request_set_option_integer:
 * @request: a request
 * @name: a query parameter by its API name
 * @value: its value
 *
 * Since: 1.0
 */
void
kube_request_set_option_integer (KubeRequest *request, const char *name, gint64 value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, value);
  kube_request_set_option (request, name, text);
}

/**
 * kube_request_set_delete_options:
 * @request: a request to delete
 * @grace_period: seconds, -1 where not given
 * @propagation: (nullable): `Background`, `Foreground` or `Orphan`
 * @uid: (nullable): the uid that the object must have
 * @resource_version: (nullable): the resourceVersion that the object must have
 *
 * Since: 1.0
 */
void
kube_request_set_delete_options (KubeRequest *request, gint64 grace_period, const char *propagation, const char *uid,
                                 const char *resource_version)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_set_string (root, "apiVersion", "v1");
  kube_node_set_string (root, "kind", "DeleteOptions");
  if (grace_period >= 0)
    kube_node_set_integer (root, "gracePeriodSeconds", grace_period);
  if (propagation != NULL)
    kube_node_set_string (root, "propagationPolicy", propagation);
  if (uid != NULL)
    kube_node_set_string (root, "preconditions.uid", uid);
  if (resource_version != NULL)
    kube_node_set_string (root, "preconditions.resourceVersion", resource_version);
  g_autoptr (KubeObject) options = kube_object_new_from_builder (builder);
  kube_request_set_object (request, options);
}

/**
 * kube_request_get_verb:
 * @request: a request
 *
 * Returns: its verb, 0 for raw requests
 * Since: 1.0
 */
KubeVerb
kube_request_get_verb (KubeRequest *request)
{
  return request->verb;
}

/**
 * kube_request_get_kind:
 * @request: a request
 *
 * Returns: (transfer none) (nullable): its kind, %NULL for raw requests
 * Since: 1.0
 */
KubeKind *
kube_request_get_kind (KubeRequest *request)
{
  return request->kind;
}

/**
 * kube_request_get_namespace:
 * @request: a request
 *
 * Returns: (nullable): its namespace
 * Since: 1.0
 */
const char *
kube_request_get_namespace (KubeRequest *request)
{
  return request->namespace_;
}

/**
 * kube_request_get_name:
 * @request: a request
 *
 * Returns: (nullable): the object's name, %NULL for collections
 * Since: 1.0
 */
const char *
kube_request_get_name (KubeRequest *request)
{
  return request->name;
}

/**
 * kube_request_get_subresource:
 * @request: a request
 *
 * Returns: (nullable): its subresource
 * Since: 1.0
 */
const char *
kube_request_get_subresource (KubeRequest *request)
{
  return request->subresource;
}

/**
 * kube_request_get_object:
 * @request: a request
 *
 * Returns: (transfer none) (nullable): its body, DeleteOptions included
 * Since: 1.0
 */
KubeObject *
kube_request_get_object (KubeRequest *request)
{
  return request->object;
}

/**
 * kube_request_get_patch:
 * @request: a request
 * @type: (out) (optional): which kind of patch
 *
 * Returns: (transfer none) (nullable): its patch
 * Since: 1.0
 */
KubeValue *
kube_request_get_patch (KubeRequest *request, KubePatchType *type)
{
  if (type != NULL && request->patch != NULL)
    *type = request->patch_type;
  return request->patch;
}

/**
 * kube_request_get_option:
 * @request: a request
 * @name: a query parameter by its API name
 *
 * Returns: (nullable): the first value of this name
 * Since: 1.0
 */
const char *
kube_request_get_option (KubeRequest *request, const char *name)
{
  for (guint i = 0; request->options != NULL && i < request->options->len; i++) {
    const Option *option = g_ptr_array_index (request->options, i);
    if (g_str_equal (option->name, name))
      return option->value;
  }
  return NULL;
}

/**
 * kube_request_get_method:
 * @request: a request
 *
 * Returns: its HTTP method
 * Since: 1.0
 */
const char *
kube_request_get_method (KubeRequest *request)
{
  return request->method;
}

static void
append_segment (GString *path, const char *text, const char *allowed)
{
  g_string_append_c (path, '/');
  g_string_append_uri_escaped (path, text, allowed, FALSE);
}

static void
append_parameter (GString *path, gboolean *first, const char *name, const char *value)
{
  g_string_append_c (path, *first ? '?' : '&');
  g_string_append_uri_escaped (path, name, NULL, FALSE);
  g_string_append_c (path, '=');
  g_string_append_uri_escaped (path, value, NULL, FALSE);
  *first = FALSE;
}

/**
 * kube_request_dup_path:
 * @request: a request
 *
 * Returns: (transfer full): HTTP's request target: the path with its escaped query
 * Since: 1.0
 */
char *
kube_request_dup_path (KubeRequest *request)
{
  g_autofree char *collection = request->kind != NULL ? kube_kind_dup_path (request->kind, request->namespace_) : NULL;
  GString *path = g_string_new (collection != NULL ? collection : request->raw_path);
  gboolean first = strchr (path->str, '?') == NULL;

  if (request->name != NULL && request->kind != NULL)
    append_segment (path, request->name, ":@!$&'()*+,;=");
  if (request->subresource != NULL)
    append_segment (path, request->subresource, "/:@!$&'()*+,;=");
  if (request->verb == KUBE_VERB_WATCH && kube_request_get_option (request, "watch") == NULL)
    append_parameter (path, &first, "watch", "true");
  for (guint i = 0; request->options != NULL && i < request->options->len; i++) {
    const Option *option = g_ptr_array_index (request->options, i);
    append_parameter (path, &first, option->name, option->value);
  }
  return g_string_free (path, FALSE);
}

/**
 * kube_request_get_content_type:
 * @request: a request
 *
 * Returns: (nullable): media type of the body, %NULL where there is none
 * Since: 1.0
 */
const char *
kube_request_get_content_type (KubeRequest *request)
{
  static const char *const patches[] = {
    [KUBE_PATCH_JSON] = "application/json-patch+json",
    [KUBE_PATCH_MERGE] = "application/merge-patch+json",
    [KUBE_PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
    [KUBE_PATCH_APPLY] = "application/apply-patch+yaml",
  };

  if (request->patch != NULL)
    return patches[request->patch_type];
  return request->object != NULL ? "application/json" : NULL;
}

/**
 * kube_request_dup_body:
 * @request: a request
 *
 * Returns: (transfer full) (nullable): the body's bytes
 * Since: 1.0
 */
GBytes *
kube_request_dup_body (KubeRequest *request)
{
  if (request->patch != NULL)
    return kube_value_to_bytes (request->patch);
  return request->object != NULL ? g_bytes_ref (kube_object_get_bytes (request->object)) : NULL;
}
