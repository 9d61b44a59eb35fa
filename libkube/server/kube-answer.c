/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-operation.h"
#include "kube-splice.h"
#include "kube-table.h"
#include <kube/kube-yaml.h>

/* JSON text with two spaces a level, as upstream's serializer with pretty=true. */
static GBytes *
indent (GBytes *json)
{
  gsize length;
  const char *data = g_bytes_get_data (json, &length);
  GString *out = g_string_sized_new (length * 2);
  int depth = 0;
  gboolean in_string = FALSE;

  for (gsize i = 0; i < length; i++) {
    char c = data[i];
    if (in_string) {
      g_string_append_c (out, c);
      if (c == '\\' && i + 1 < length)
        g_string_append_c (out, data[++i]);
      in_string = c != '"';
      continue;
    }
    if ((c == '{' || c == '[') && i + 1 < length && data[i + 1] != '}' && data[i + 1] != ']') {
      g_string_append_c (out, c);
      g_string_append_printf (out, "\n%*s", 2 * ++depth, "");
    } else if ((c == '}' || c == ']') && i > 0 && data[i - 1] != '{' && data[i - 1] != '[') {
      g_string_append_printf (out, "\n%*s%c", 2 * --depth, "", c);
    } else if (c == ',') {
      g_string_append_printf (out, ",\n%*s", 2 * depth, "");
    } else {
      g_string_append_c (out, c);
      if (c == ':')
        g_string_append_c (out, ' ');
      in_string = c == '"';
    }
  }
  return g_string_free_to_bytes (out);
}

static void
answer_yaml (KubeOperation *op, int http_status, KubeValue *value)
{
  g_autoptr (GBytes) bytes = NULL;
  char *text;

  if (value == NULL) {
    op->media = KUBE_MEDIA_JSON;
    kube_operation_take_error (op, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "the answer is too large for YAML: ask for JSON, or for less at a time"));
    return;
  }
  text = kube_yaml_print (value);
  bytes = g_bytes_new_take (text, strlen (text));
  kube_call_respond (op->call, http_status, "application/yaml", bytes);
}

static gboolean
answer_protobuf (KubeOperation *op, int http_status, KubeValue *value)
{
  g_autoptr (GBytes) bytes = kube_operation_encode_protobuf (op, value);

  if (bytes == NULL)
    return FALSE;
  kube_call_respond (op->call, http_status, KUBE_PROTOBUF_TYPE, bytes);
  return TRUE;
}

void
kube_operation_answer_json (KubeOperation *op, int http_status, GBytes *json)
{
  g_autoptr (KubeValue) value = NULL; /* NULL also where the text is longer than what may be parsed */
  g_autoptr (GBytes) indented = NULL;

  if (op->media != KUBE_MEDIA_JSON)
    value = kube_value_parse (g_bytes_get_data (json, NULL), (gssize) g_bytes_get_size (json), NULL);
  if (op->media == KUBE_MEDIA_YAML) {
    answer_yaml (op, http_status, value);
    return;
  }
  if (value != NULL && answer_protobuf (op, http_status, value))
    return;
  indented = op->pretty ? indent (json) : NULL;
  kube_call_respond (op->call, http_status, "application/json", indented != NULL ? indented : json);
}

void
kube_operation_answer_error (KubeOperation *op, const GError *error)
{
  const KubeErrorDetails *details = kube_error_get_details (error);
  g_autoptr (GBytes) json = NULL;
  gsize length;
  char *text;

  if (kube_call_is_answered (op->call) || kube_call_respond_local_error (op->call, error))
    return;
  if (details != NULL && details->retry_after > 0) {
    char seconds[16];
    g_snprintf (seconds, sizeof seconds, "%d", details->retry_after);
    kube_call_add_header (op->call, "Retry-After", seconds);
  }
  text = kube_call_print_status (error, &length);
  json = g_bytes_new_take (text, length);
  kube_operation_answer_json (op, kube_error_get_http_status (error), json);
}

void
kube_operation_take_error (KubeOperation *op, GError *error)
{
  kube_operation_answer_error (op, error);
  g_error_free (error);
}

static void
append_partial (const char *json, gsize length, GString *out)
{
  KubePart meta;

  g_string_append (out, "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":");
  if (kube_splice_find (json, length, "metadata", &meta, NULL))
    g_string_append_len (out, meta.start, meta.end - meta.start);
  else
    g_string_append (out, "{}");
  g_string_append_c (out, '}');
}

/* What is over: clients may leave such rows out. */
static void
append_conditions (KubeOperation *op, KubeValue *value, GString *out)
{
  const char *phase = kube_value_get_string (value, "status.phase");

  if (!g_str_equal (op->kind->plural, "pods") || *op->kind->group != '\0')
    return;
  if (g_strcmp0 (phase, "Succeeded") == 0)
    g_string_append (out, ",\"conditions\":[{\"type\":\"Completed\",\"status\":\"True\",\"reason\":\"Succeeded\",\"message\":\"The pod has completed successfully.\"}]");
  else if (g_strcmp0 (phase, "Failed") == 0)
    g_string_append (out, ",\"conditions\":[{\"type\":\"Completed\",\"status\":\"True\",\"reason\":\"Failed\",\"message\":\"The pod failed.\"}]");
}

static KubeKind *
get_row_kind (KubeOperation *op)
{
  return op->row_kind != NULL ? op->row_kind : op->kind;
}

static void
append_row (KubeOperation *op, const char *json, gsize length, GString *out)
{
  g_autoptr (KubeValue) value = kube_value_parse (json, (gssize) length, NULL);

  g_string_append (out, "{\"cells\":");
  kube_table_print_cells (get_row_kind (op), value, kube_clock_get_time (op->clock), out);
  append_conditions (op, value, out);
  if (op->include == KUBE_INCLUDE_OBJECT) {
    g_string_append (out, ",\"object\":");
    g_string_append_len (out, json, (gssize) length);
  } else if (op->include == KUBE_INCLUDE_METADATA) {
    g_string_append (out, ",\"object\":");
    append_partial (json, length, out);
  }
  g_string_append_c (out, '}');
}

static void
append_table (KubeOperation *op, const char *json, gsize length, GString *out)
{
  KubePart version;

  g_string_append (out, "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":{");
  if (kube_splice_find_meta (json, length, "resourceVersion", &version))
    g_string_append_printf (out, "\"resourceVersion\":%.*s", (int) (version.end - version.start), version.start);
  g_string_append (out, "},\"columnDefinitions\":");
  kube_table_print_columns (get_row_kind (op), out);
  g_string_append (out, ",\"rows\":[");
  append_row (op, json, length, out);
  g_string_append (out, "]}");
}

void
kube_operation_append_form (KubeOperation *op, const char *json, gsize length, gboolean alone, GString *out)
{
  if (op->form == KUBE_FORM_PARTIAL)
    append_partial (json, length, out);
  else if (op->form == KUBE_FORM_TABLE && alone)
    append_table (op, json, length, out);
  else if (op->form == KUBE_FORM_TABLE)
    append_row (op, json, length, out);
  else if (alone)
    g_string_append_len (out, json, (gssize) length);
  else
    kube_splice_append_item (json, length, out);
}

void
kube_operation_answer_object (KubeOperation *op, int http_status, KubeObject *object)
{
  GBytes *bytes;

  if (kube_call_respond_local (op->call, http_status, object, NULL))
    return;
  bytes = kube_object_get_bytes (object);
  if (op->form != KUBE_FORM_OBJECT && g_strcmp0 (kube_object_get_kind (object), "Status") != 0) {
    gsize length;
    const char *data = g_bytes_get_data (bytes, &length);
    GString *out = g_string_sized_new (length + 256);
    g_autoptr (GBytes) formed = NULL;
    kube_operation_append_form (op, data, length, TRUE, out);
    formed = g_string_free_to_bytes (out);
    kube_operation_answer_json (op, http_status, formed);
    return;
  }
  if (op->media != KUBE_MEDIA_PROTOBUF || !answer_protobuf (op, http_status, kube_object_get_value (object)))
    kube_operation_answer_json (op, http_status, bytes);
}

void
kube_operation_answer_success (KubeOperation *op, int http_status, KubeKind *kind, const char *name, const char *uid)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  g_autoptr (KubeObject) status = NULL;
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_set_string (root, "apiVersion", "v1");
  kube_node_set_string (root, "kind", "Status");
  kube_node_ensure_object (root, "metadata");
  kube_node_set_string (root, "status", "Success");
  if (name != NULL) {
    kube_node_set_string (root, "details.name", name);
    kube_node_set_string (root, "details.kind", kind->plural);
    if (*kind->group != '\0')
      kube_node_set_string (root, "details.group", kind->group);
    kube_node_set_string (root, "details.uid", uid);
  } else {
    kube_node_set_integer (root, "code", http_status);
  }
  status = kube_object_new_from_builder (builder);
  kube_operation_answer_object (op, http_status, status);
}

void
kube_operation_answer_text (KubeOperation *op, int http_status, const char *text)
{
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
  kube_call_respond (op->call, http_status, "text/plain; charset=utf-8", body);
}

void
kube_operation_answer_no_resource (KubeOperation *op)
{
  kube_operation_take_error (op, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "the server could not find the requested resource"));
}

void
kube_operation_answer_no_method (KubeOperation *op)
{
  kube_operation_take_error (op, g_error_new_literal (KUBE_ERROR, KUBE_ERROR_METHOD_NOT_ALLOWED, "the server does not allow this method on the requested resource"));
}
