/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-call.h"

/* RFC 7234's Warning headers are held as upstream holds them: each text once, at most 4 KiB of text in all. */
#define MAX_WARNING_BYTES 4096

typedef struct {
  char *method;
  char *path;
  char *content_type;
  char *remote;
  char *peer_error;
  char *query_string; /* (nullable) */
  GHashTable *query; /* (element-type utf8 GPtrArray) (nullable): each parameter's values, NULL-terminated */
  GBytes *body;
  KubeObject *object;
  KubeValue *patch;
  KubeUser *peer;
  KubeUser *user;
  gboolean local;
  GCancellable *cancellable;
  gint64 received;
  GPtrArray *headers; /* (element-type utf8): names and values by turns, NULL-terminated */
  GPtrArray *warnings; /* (element-type utf8), NULL-terminated */
  gsize warning_bytes;
  GSourceFunc drain;
  gpointer drain_data;
  int http_status;
} KubeCallPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (KubeCall, kube_call, G_TYPE_OBJECT)
#define PRIVATE(call) ((KubeCallPrivate *) kube_call_get_instance_private (call))

static void
kube_call_init (KubeCall *call)
{
  KubeCallPrivate *self = PRIVATE (call);

  self->received = g_get_monotonic_time ();
  self->cancellable = g_cancellable_new ();
}

static void
kube_call_finalize (GObject *object)
{
  KubeCallPrivate *self = PRIVATE (KUBE_CALL (object));

  g_free (self->method);
  g_free (self->path);
  g_free (self->content_type);
  g_free (self->remote);
  g_free (self->peer_error);
  g_free (self->query_string);
  g_clear_pointer (&self->query, g_hash_table_unref);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_clear_pointer (&self->object, kube_object_unref);
  g_clear_pointer (&self->patch, kube_value_unref);
  g_clear_pointer (&self->peer, kube_user_unref);
  g_clear_pointer (&self->user, kube_user_unref);
  g_clear_pointer (&self->headers, g_ptr_array_unref);
  g_clear_pointer (&self->warnings, g_ptr_array_unref);
  g_clear_object (&self->cancellable);
  G_OBJECT_CLASS (kube_call_parent_class)->finalize (object);
}

static const char *
no_header (KubeCall *call, const char *name)
{
  return NULL;
}

static gboolean
refuse_object (KubeCall *call, int http_status, KubeObject *object, KubeObjectList *list)
{
  return FALSE;
}

static gboolean
refuse_error (KubeCall *call, const GError *error)
{
  return FALSE;
}

static gboolean
refuse_event (KubeCall *call, KubeWatchEventType type, KubeObject *object)
{
  return FALSE;
}

static gsize
nothing_queued (KubeCall *call)
{
  return 0;
}

static KubeStreamSession *
refuse_upgrade (KubeCall *call, const char *const *protocols, GError **error)
{
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "you must specify at least 1 of stdin, stdout, stderr over an upgradable connection");
  return NULL;
}

static void
kube_call_class_init (KubeCallClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_call_finalize;
  klass->get_header = no_header;
  klass->respond_object = refuse_object;
  klass->respond_error = refuse_error;
  klass->push_event = refuse_event;
  klass->get_queued = nothing_queued;
  klass->upgrade = refuse_upgrade;
}

static char *
decode_part (const char *text, gsize length)
{
  g_autofree char *copy = g_strndup (text, length);
  char *decoded;

  for (char *c = copy; *c != '\0'; c++) {
    if (*c == '+')
      *c = ' ';
  }
  decoded = g_uri_unescape_string (copy, NULL);
  return decoded != NULL && g_utf8_validate (decoded, -1, NULL) ? decoded : (g_free (decoded), NULL);
}

static void
add_parameter (KubeCallPrivate *self, char *name, char *value)
{
  GPtrArray *values = g_hash_table_lookup (self->query, name);

  if (values == NULL) {
    values = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (values, NULL);
    g_hash_table_insert (self->query, g_strdup (name), values);
  }
  g_ptr_array_insert (values, values->len - 1, value);
}

/* As Go's url.ParseQuery: pairs with a ';' or a bad escape are left out. */
static void
parse_query (KubeCallPrivate *self, const char *query)
{
  self->query = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  while (query != NULL && *query != '\0') {
    gsize length = strcspn (query, "&");
    const char *equals = memchr (query, '=', length);
    gsize name_length = equals != NULL ? (gsize) (equals - query) : length;

    if (length > 0 && memchr (query, ';', length) == NULL) {
      g_autofree char *name = decode_part (query, name_length);
      g_autofree char *value = equals != NULL ? decode_part (equals + 1, length - name_length - 1) : g_strdup ("");
      if (name != NULL && value != NULL)
        add_parameter (self, name, g_steal_pointer (&value));
    }
    query += length;
    if (*query == '&')
      query++;
  }
}

void
kube_call_set_request (KubeCall *call, const KubeCallRequest *request)
{
  KubeCallPrivate *self = PRIVATE (call);

  g_return_if_fail (self->method == NULL);
  self->method = g_strdup (request->method);
  self->path = g_strdup (request->path);
  self->content_type = g_strdup (request->content_type);
  self->remote = g_strdup (request->remote);
  self->body = request->body != NULL ? g_bytes_ref (request->body) : NULL;
  self->peer = request->peer != NULL ? kube_user_ref (request->peer) : NULL;
  self->object = request->object != NULL ? kube_object_ref (request->object) : NULL;
  self->patch = request->patch != NULL ? kube_value_ref (request->patch) : NULL;
  self->local = request->local;
  self->peer_error = g_strdup (request->peer_error);
  if (request->query != NULL && *request->query != '\0') {
    self->query_string = g_strdup (request->query);
    parse_query (self, self->query_string);
  }
}

void
kube_call_gone (KubeCall *call)
{
  g_cancellable_cancel (PRIVATE (call)->cancellable);
}

void
kube_call_drained (KubeCall *call)
{
  KubeCallPrivate *self = PRIVATE (call);
  g_autoptr (KubeCall) hold = g_object_ref (call);

  if (self->drain != NULL && !self->drain (self->drain_data))
    self->drain = NULL;
}

const char *const *
kube_call_get_answer_headers (KubeCall *call)
{
  KubeCallPrivate *self = PRIVATE (call);

  if (self->headers == NULL) {
    self->headers = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (self->headers, NULL);
  }
  return (const char *const *) self->headers->pdata;
}

KubeUser *
kube_call_get_peer (KubeCall *call)
{
  return PRIVATE (call)->peer;
}

const char *
kube_call_get_peer_error (KubeCall *call)
{
  return PRIVATE (call)->peer_error;
}

void
kube_call_foreach_header (KubeCall *call, KubeCallHeaderFunc func, gpointer user_data)
{
  if (KUBE_CALL_GET_CLASS (call)->foreach_header != NULL)
    KUBE_CALL_GET_CLASS (call)->foreach_header (call, func, user_data);
}

const char *
kube_call_get_method (KubeCall *call)
{
  return PRIVATE (call)->method;
}

const char *
kube_call_get_path (KubeCall *call)
{
  return PRIVATE (call)->path;
}

const char *
kube_call_get_query_string (KubeCall *call)
{
  return PRIVATE (call)->query_string;
}

const char *
kube_call_get_query (KubeCall *call, const char *name)
{
  const char *const *values = kube_call_get_query_all (call, name);

  return values != NULL ? values[0] : NULL;
}

const char *const *
kube_call_get_query_all (KubeCall *call, const char *name)
{
  KubeCallPrivate *self = PRIVATE (call);
  GPtrArray *values = self->query != NULL ? g_hash_table_lookup (self->query, name) : NULL;

  return values != NULL ? (const char *const *) values->pdata : NULL;
}

GBytes *
kube_call_get_body (KubeCall *call)
{
  return PRIVATE (call)->body;
}

const char *
kube_call_get_content_type (KubeCall *call)
{
  return PRIVATE (call)->content_type;
}

const char *
kube_call_get_header (KubeCall *call, const char *name)
{
  return KUBE_CALL_GET_CLASS (call)->get_header (call, name);
}

const char *
kube_call_get_remote (KubeCall *call)
{
  KubeCallPrivate *self = PRIVATE (call);
  return self->remote != NULL ? self->remote : "local";
}

gint64
kube_call_get_received (KubeCall *call)
{
  return PRIVATE (call)->received;
}

GCancellable *
kube_call_get_cancellable (KubeCall *call)
{
  return PRIVATE (call)->cancellable;
}

KubeUser *
kube_call_get_user (KubeCall *call)
{
  return PRIVATE (call)->user;
}

void
kube_call_set_user (KubeCall *call, KubeUser *user)
{
  KubeCallPrivate *self = PRIVATE (call);
  KubeUser *old = self->user;

  self->user = user != NULL ? kube_user_ref (user) : NULL;
  g_clear_pointer (&old, kube_user_unref);
}

KubeObject *
kube_call_get_object (KubeCall *call)
{
  return PRIVATE (call)->object;
}

KubeValue *
kube_call_get_patch (KubeCall *call)
{
  return PRIVATE (call)->patch;
}

gboolean
kube_call_is_local (KubeCall *call)
{
  return PRIVATE (call)->local;
}

void
kube_call_add_header (KubeCall *call, const char *name, const char *value)
{
  KubeCallPrivate *self = PRIVATE (call);

  kube_call_get_answer_headers (call);
  g_ptr_array_insert (self->headers, self->headers->len - 1, g_strdup (name));
  g_ptr_array_insert (self->headers, self->headers->len - 1, g_strdup (value));
}

void
kube_call_add_warning (KubeCall *call, const char *text)
{
  KubeCallPrivate *self = PRIVATE (call);
  g_autoptr (GString) value = NULL;

  if (self->warnings == NULL) {
    self->warnings = g_ptr_array_new_with_free_func (g_free);
    g_ptr_array_add (self->warnings, NULL);
  }
  for (guint i = 0; i + 1 < self->warnings->len; i++) {
    if (g_str_equal (g_ptr_array_index (self->warnings, i), text))
      return;
  }
  if (self->warning_bytes + strlen (text) > MAX_WARNING_BYTES)
    return;
  self->warning_bytes += strlen (text);
  g_ptr_array_insert (self->warnings, self->warnings->len - 1, g_strdup (text));
  if (kube_call_is_local (call))
    return;

  value = g_string_new ("299 - \"");
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_c (value, '\\');
    /* a header cannot carry what breaks its line */
    g_string_append_c (value, (guchar) *c < ' ' ? ' ' : *c);
  }
  g_string_append_c (value, '"');
  kube_call_add_header (call, "Warning", value->str);
}

const char *const *
kube_call_get_warnings (KubeCall *call)
{
  KubeCallPrivate *self = PRIVATE (call);
  return self->warnings != NULL ? (const char *const *) self->warnings->pdata : NULL;
}

void
kube_call_respond (KubeCall *call, int http_status, const char *content_type, GBytes *body)
{
  KubeCallPrivate *self = PRIVATE (call);

  g_return_if_fail (self->http_status == 0);
  self->http_status = http_status;
  KUBE_CALL_GET_CLASS (call)->respond (call, http_status, content_type, body);
}

gboolean
kube_call_respond_local (KubeCall *call, int http_status, KubeObject *object, KubeObjectList *list)
{
  KubeCallPrivate *self = PRIVATE (call);

  g_return_val_if_fail (self->http_status == 0, TRUE);
  if (!KUBE_CALL_GET_CLASS (call)->respond_object (call, http_status, object, list))
    return FALSE;
  self->http_status = http_status;
  return TRUE;
}

/* What is quoted from a request may break off within a character, or have none in it: Go's encoder, too, replaces what is no text. */
static void
append_text (GString *json, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  kube_json_append_string (json, valid, -1);
}

static void
append_member (GString *json, const char *key, const char *value)
{
  if (value == NULL || *value == '\0')
    return;
  if (json->str[json->len - 1] != '{')
    g_string_append_c (json, ',');
  kube_json_append_string (json, key, -1);
  g_string_append_c (json, ':');
  append_text (json, value);
}

static void
append_causes (GString *json, GPtrArray *causes)
{
  if (json->str[json->len - 1] != '{')
    g_string_append_c (json, ',');
  g_string_append (json, "\"causes\":[");
  for (guint i = 0; i < causes->len; i++) {
    const KubeErrorCause *cause = g_ptr_array_index (causes, i);
    if (i > 0)
      g_string_append_c (json, ',');
    g_string_append_c (json, '{');
    append_member (json, "reason", cause->reason);
    append_member (json, "message", cause->message);
    append_member (json, "field", cause->field);
    g_string_append_c (json, '}');
  }
  g_string_append_c (json, ']');
}

static void
append_details (GString *json, const KubeErrorDetails *details)
{
  g_string_append (json, ",\"details\":{");
  append_member (json, "name", details->name);
  append_member (json, "group", details->group);
  append_member (json, "kind", details->kind);
  append_member (json, "uid", details->uid);
  if (details->causes != NULL && details->causes->len > 0)
    append_causes (json, details->causes);
  if (details->retry_after > 0)
    g_string_append_printf (json, "%s\"retryAfterSeconds\":%d", json->str[json->len - 1] == '{' ? "" : ",", details->retry_after);
  g_string_append_c (json, '}');
}

/* The Status object of @error, as JSON text: what is answered, and what an ERROR event of a watch carries. */
char *
kube_call_print_status (const GError *error, gsize *length)
{
  const KubeErrorDetails *details = kube_error_get_details (error);
  GString *json = g_string_new ("{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{");

  if (details != NULL)
    append_member (json, "continue", details->continue_);
  g_string_append (json, "},\"status\":\"Failure\",\"message\":");
  append_text (json, error->message);
  if (details != NULL) {
    append_member (json, "reason", kube_error_get_reason (error->code));
    if (details->name != NULL || details->group != NULL || details->kind != NULL || details->uid != NULL || details->retry_after > 0 || (details->causes != NULL && details->causes->len > 0))
      append_details (json, details);
  }
  g_string_append_printf (json, ",\"code\":%d}", kube_error_get_http_status (error));
  if (length != NULL)
    *length = json->len;
  return g_string_free (json, FALSE);
}

gboolean
kube_call_respond_local_error (KubeCall *call, const GError *error)
{
  KubeCallPrivate *self = PRIVATE (call);

  g_return_val_if_fail (self->http_status == 0, TRUE);
  if (!KUBE_CALL_GET_CLASS (call)->respond_error (call, error))
    return FALSE;
  self->http_status = kube_error_get_http_status (error);
  return TRUE;
}

void
kube_call_begin_stream (KubeCall *call, int http_status, const char *content_type)
{
  KubeCallPrivate *self = PRIVATE (call);

  g_return_if_fail (self->http_status == 0);
  self->http_status = http_status;
  KUBE_CALL_GET_CLASS (call)->begin_stream (call, http_status, content_type);
}

void
kube_call_push (KubeCall *call, GBytes *bytes)
{
  KUBE_CALL_GET_CLASS (call)->push (call, bytes);
}

gboolean
kube_call_push_event (KubeCall *call, KubeWatchEventType type, KubeObject *object)
{
  return KUBE_CALL_GET_CLASS (call)->push_event (call, type, object);
}

void
kube_call_end_stream (KubeCall *call, const GError *error)
{
  PRIVATE (call)->drain = NULL;
  KUBE_CALL_GET_CLASS (call)->end_stream (call, error);
}

gsize
kube_call_get_queued (KubeCall *call)
{
  return KUBE_CALL_GET_CLASS (call)->get_queued (call);
}

void
kube_call_set_drain_func (KubeCall *call, GSourceFunc func, gpointer user_data)
{
  KubeCallPrivate *self = PRIVATE (call);

  self->drain = func;
  self->drain_data = user_data;
}

KubeStreamSession *
kube_call_upgrade (KubeCall *call, const char *const *protocols, GError **error)
{
  KubeCallPrivate *self = PRIVATE (call);
  KubeStreamSession *session;

  g_return_val_if_fail (self->http_status == 0, NULL);
  session = KUBE_CALL_GET_CLASS (call)->upgrade (call, protocols, error);
  if (session != NULL)
    self->http_status = 101;
  return session;
}

gboolean
kube_call_is_answered (KubeCall *call)
{
  return PRIVATE (call)->http_status != 0;
}

int
kube_call_get_http_status (KubeCall *call)
{
  return PRIVATE (call)->http_status;
}
