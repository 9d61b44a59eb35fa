/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-operation.h"
#include "kube-protobuf.h"
#include <kube/kube-yaml.h>

#define MAX_BODY (3 * 1024 * 1024)
#define SUMMARY 30

const char *
kube_operation_get_media_type (KubeOperation *op, char out[128])
{
  const char *type = kube_call_get_content_type (op->call);
  gsize length;

  if (type == NULL || *type == '\0')
    return "application/json";
  length = MIN (strcspn (type, "; \t"), (gsize) 127);
  memcpy (out, type, length);
  out[length] = '\0';
  return out;
}

/* The beginning of the body as upstream puts it behind a parser's error: text where it looks like JSON, else in hexadecimal digits. */
static char *
summarize (const guint8 *data, gsize length)
{
  GString *text;

  if (length == 0)
    return g_strdup ("<empty>");
  if (data[0] == '{')
    return g_strdup_printf ("%.*s%s", (int) MIN (length, SUMMARY), (const char *) data, length > SUMMARY ? " ..." : "");
  text = g_string_new (NULL);
  for (gsize i = 0; i < MIN (length, SUMMARY); i++)
    g_string_append_printf (text, "%02x", data[i]);
  if (length > SUMMARY)
    g_string_append (text, " ...");
  return g_string_free (text, FALSE);
}

/* An object in protobuf's form, by the type that its envelope names. */
static KubeValue *
parse_protobuf (KubeOperation *op, const KubeType *expected, const char *data, gsize length, GError **error)
{
  g_autofree char *api_version = NULL, *name = NULL;
  const guint8 *raw;
  gsize raw_length;
  g_autoptr (KubeValue) value = NULL;
  g_autoptr (KubeBuilder) builder = NULL;
  KubeKind *kind;

  if (!kube_protobuf_open ((const guint8 *) data, length, &api_version, &name, &raw, &raw_length, error))
    return NULL;
  kind = kube_scheme_find_kind (op->scheme, api_version, name);
  if (kind != NULL && kind->type != NULL)
    expected = kind->type;
  value = expected != NULL ? kube_protobuf_decode (expected, raw, raw_length, error) : kube_value_new_empty_object ();
  if (value == NULL)
    return NULL;
  builder = kube_builder_new (value);
  kube_node_put_string (kube_builder_get_root (builder), "apiVersion", api_version);
  kube_node_put_string (kube_builder_get_root (builder), "kind", name);
  return kube_builder_end (builder);
}

/* @duplicates: (nullable): receives one text that names all repeated keys. */
static KubeValue *
parse_yaml (const char *data, gsize length, GPtrArray *duplicates, GError **error)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (KubeValue) value = kube_yaml_parse_with_duplicates (data, (gssize) length, lines, error);

  if (value != NULL && duplicates != NULL && lines->len > 0) {
    GString *text = g_string_new ("yaml: unmarshal errors:");
    for (guint i = 0; i < lines->len; i++)
      g_string_append_printf (text, "\n  %s", (const char *) lines->pdata[i]);
    g_ptr_array_add (duplicates, g_string_free (text, FALSE));
  }
  return g_steal_pointer (&value);
}

KubeValue *
kube_operation_parse_body (KubeOperation *op, const KubeType *expected, GPtrArray *duplicates, GError **error)
{
  GBytes *body = kube_call_get_body (op->call);
  KubeObject *object = kube_call_get_object (op->call);
  char buffer[128];
  const char *type = kube_operation_get_media_type (op, buffer);
  KubeParseOptions options = { .max_size = MAX_BODY + 1, .duplicates = duplicates };
  gsize length;
  const char *data;

  if (object != NULL)
    return kube_value_ref (kube_object_get_value (object));
  data = body != NULL ? g_bytes_get_data (body, &length) : (length = 0, "");
  if (length > MAX_BODY) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "Request entity too large: limit is %d", MAX_BODY);
    return NULL;
  }
  if (g_str_equal (type, "application/json"))
    return kube_value_parse_with_options (data != NULL ? data : "", (gssize) length, &options, error);
  if (g_str_equal (type, "application/yaml"))
    return parse_yaml (data != NULL ? data : "", length, duplicates, error);
  if (g_str_equal (type, KUBE_PROTOBUF_TYPE))
    return parse_protobuf (op, expected, data != NULL ? data : "", length, error);
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNSUPPORTED_MEDIA_TYPE,
      "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, " KUBE_PROTOBUF_TYPE);
  return NULL;
}

static void
set_unrecognized (KubeOperation *op, KubeKind *kind, const char *problem, GError **error)
{
  GBytes *body = kube_call_get_body (op->call);
  gsize length = 0;
  const guint8 *data = body != NULL ? g_bytes_get_data (body, &length) : NULL;
  g_autofree char *summary = summarize (data, length);

  g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the object provided is unrecognized (must be of type %s): %s (%s)", kind->name, problem, summary);
}

static KubeValue *
parse_object (KubeOperation *op, KubeKind *kind, GPtrArray *duplicates, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (KubeValue) value = kube_operation_parse_body (op, kind->type, duplicates, &failure);
  g_autofree char *problem = NULL;
  char buffer[128];

  if (value == NULL) {
    if (!g_error_matches (failure, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST)) {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
    if (g_str_equal (kube_operation_get_media_type (op, buffer), "application/json"))
      problem = g_strconcat ("couldn't get version/kind; json parse error: ", failure->message, NULL);
    set_unrecognized (op, kind, problem != NULL ? problem : failure->message, error);
    return NULL;
  }
  if (kube_value_is_null (value))
    return kube_value_new_empty_object ();
  if (kube_value_is_object (value))
    return g_steal_pointer (&value);
  problem = g_strdup_printf ("couldn't get version/kind; json parse error: json: cannot unmarshal %s into Go value of type struct "
                             "{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }",
      kube_decode_value_word (value));
  set_unrecognized (op, kind, problem, error);
  return NULL;
}

/* Go's package of a kind's internal type: "core", "apps", "rbac". */
static char *
internal_package (KubeKind *kind)
{
  return *kind->group == '\0' ? g_strdup ("core") : g_strndup (kind->group, strcspn (kind->group, "."));
}

static gboolean
is_list_kind (KubeScheme *scheme, const char *api_version, const char *name)
{
  g_autofree char *item = g_str_has_suffix (name, "List") ? g_strndup (name, strlen (name) - 4) : NULL;
  return item != NULL && kube_scheme_find_kind (scheme, api_version, item) != NULL;
}

char *
kube_operation_describe_wrong_kind (KubeOperation *op, KubeKind *kind, KubeValue *value)
{
  const char *api_version = kube_value_get_member_string (value, "apiVersion"), *name = kube_value_get_member_string (value, "kind");
  const char *slash;
  g_autofree char *package = NULL;

  if (api_version == NULL || *api_version == '\0')
    api_version = kind->api_version;
  if (name == NULL || *name == '\0')
    name = kind->name;
  if (g_str_equal (api_version, kind->api_version) && g_str_equal (name, kind->name))
    return NULL;
  if (kube_scheme_find_kind (op->scheme, api_version, name) == NULL && !is_list_kind (op->scheme, api_version, name))
    return g_strdup_printf ("no kind \"%s\" is registered for version \"%s\" in scheme \"pkg/runtime/scheme.go:111\"", name, api_version);
  slash = strrchr (api_version, '/');
  package = internal_package (kind);
  return g_strdup_printf ("converting (%s.%s) to (%s.%s): unknown conversion", slash != NULL ? slash + 1 : api_version, name, package, kind->name);
}

/* Whether the body says that it is a @kind; it may leave that open. */
static gboolean
check_kind (KubeOperation *op, KubeKind *kind, KubeValue *value, GError **error)
{
  const char *api_version = kube_value_get_member_string (value, "apiVersion"), *name = kube_value_get_member_string (value, "kind"), *slash;
  g_autofree char *problem = kube_operation_describe_wrong_kind (op, kind, value);

  if (problem == NULL)
    return TRUE;
  if (api_version == NULL || *api_version == '\0')
    api_version = kind->api_version;
  if (name == NULL || *name == '\0')
    name = kind->name;
  slash = strrchr (api_version, '/');
  if (g_str_equal (name, kind->name) && kube_scheme_find_kind (op->scheme, api_version, name) != NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "the API version in the data (%s) does not match the expected API version (%s)", api_version, kind->api_version);
  else
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: %s", name, slash != NULL ? slash + 1 : api_version, kind->name, problem);
  return FALSE;
}

static gboolean
report_problems (KubeOperation *op, KubeKind *kind, GPtrArray *problems, GError **error)
{
  g_autoptr (GString) text = NULL;

  if (problems->len == 0 || op->strictness == KUBE_STRICTNESS_IGNORE)
    return TRUE;
  if (op->strictness == KUBE_STRICTNESS_WARN) {
    for (guint i = 0; i < problems->len; i++)
      kube_call_add_warning (op->call, g_ptr_array_index (problems, i));
    return TRUE;
  }
  text = g_string_new (NULL);
  for (guint i = 0; i < problems->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", (const char *) g_ptr_array_index (problems, i));
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s", kind->name, kind->version, kind->name, text->str);
  return FALSE;
}

static gboolean
is_repeated (KubeNode *owners, guint at)
{
  g_autoptr (KubeValue) owner = kube_node_to_value (kube_node_get_element (owners, at));

  for (guint i = 0; i < at; i++) {
    g_autoptr (KubeValue) other = kube_node_to_value (kube_node_get_element (owners, i));
    if (kube_value_equal (owner, other))
      return TRUE;
  }
  return FALSE;
}

/* An owner that is named twice in the same words counts once. */
static void
drop_repeated_owners (KubeOperation *op, KubeNode *object)
{
  KubeNode *owners = kube_node_get (object, "metadata.ownerReferences");
  g_autoptr (GString) text = NULL;

  for (guint i = kube_node_get_length (owners); i > 1; i--) {
    const char *uid;
    if (!is_repeated (owners, i - 1))
      continue;
    uid = kube_node_get_string (kube_node_get_element (owners, i - 1), "uid");
    if (text == NULL)
      text = g_string_new (".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; "
                           "duplicate UID(s) observed: ");
    else
      g_string_append (text, ", ");
    g_string_append (text, uid != NULL ? uid : "");
    kube_node_remove_element (owners, i - 1);
  }
  if (text != NULL)
    kube_call_add_warning (op->call, text->str);
}

KubeValue *
kube_operation_decode_quietly (KubeOperation *op, KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GPtrArray *findings, GError **error)
{
  return kube_decode_request (kind, value, duplicates, findings, kind->not_stored ? NULL : &op->needs_read_back, error);
}

KubeValue *
kube_operation_complete_value (KubeOperation *op, KubeKind *kind, KubeValue *decoded)
{
  g_autoptr (KubeBuilder) builder = NULL;

  if (kind->type == NULL)
    return kube_value_ref (decoded);
  builder = kube_builder_new (decoded);
  drop_repeated_owners (op, kube_builder_get_root (builder));
  kube_default (kind, kube_builder_get_root (builder));
  return kube_builder_end (builder);
}

KubeValue *
kube_operation_decode_value (KubeOperation *op, KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GError **error)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) failure = NULL;
  g_autoptr (KubeValue) decoded = kube_operation_decode_quietly (op, kind, value, duplicates, problems, &failure);

  if (decoded == NULL) {
    if (failure->code == KUBE_ERROR_BAD_REQUEST)
      g_prefix_error (&failure, "%s in version \"%s\" cannot be handled as a %s: ", kind->name, kind->version, kind->name);
    g_propagate_error (error, g_steal_pointer (&failure));
    return NULL;
  }
  return report_problems (op, kind, problems, error) ? kube_operation_complete_value (op, kind, decoded) : NULL;
}

/* What upstream has when it has written @object and read it again: no lists and maps without members, and the defaults once more. */
KubeObject *
kube_operation_read_back (KubeOperation *op, KubeKind *kind, KubeObject *object)
{
  g_autoptr (KubeValue) decoded = NULL;
  g_autoptr (KubeBuilder) builder = NULL;

  if (!op->needs_read_back)
    return kube_object_ref (object);
  decoded = kube_decode_object (kind, kube_object_get_value (object), NULL, NULL, NULL);
  if (decoded == NULL)
    return kube_object_ref (object);
  builder = kube_builder_new (decoded);
  kube_default (kind, kube_builder_get_root (builder));
  /* The place into which the store writes the version is there even while it is empty. */
  kube_node_set_string (kube_builder_get_root (builder), "metadata.resourceVersion", kube_object_get_resource_version (object));
  return kube_object_new_from_builder (builder);
}

KubeValue *
kube_operation_decode_body (KubeOperation *op, KubeKind *kind, GError **error)
{
  g_autoptr (GPtrArray) duplicates = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (KubeValue) value = parse_object (op, kind, duplicates, error);
  char buffer[128];

  if (value == NULL || !check_kind (op, kind, value, error))
    return NULL;
  if (duplicates->len > 0 && g_str_equal (kube_operation_get_media_type (op, buffer), "application/yaml")) {
    /* They are worded already, and stand before what the decoder finds. */
    if (!report_problems (op, kind, duplicates, error))
      return NULL;
    g_ptr_array_set_size (duplicates, 0);
  }
  return kube_operation_decode_value (op, kind, value, duplicates, error);
}
