/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-local-call.h"

struct _KubeLocalCall {
  KubeCall parent;
  KubeLocalCallFuncs funcs;
  gpointer user_data;
  gboolean forgotten;
  int http_status;
  char *user_agent;      /* (nullable) */
  GByteArray *collected; /* (nullable): bytes of a stream that nobody takes */
};

G_DEFINE_FINAL_TYPE (KubeLocalCall, kube_local_call, KUBE_TYPE_CALL)

static void
give (KubeLocalCall *self, int http_status, KubeObject *object, KubeObjectList *list, GBytes *body, const GError *error)
{
  if (!self->forgotten && self->funcs.answer != NULL)
    self->funcs.answer (self, http_status, object, list, body, error, self->user_data);
}

static void
respond (KubeCall *call, int http_status, const char *content_type, GBytes *body)
{
  if (http_status >= 400) {
    g_autoptr (GError) error = NULL;
    gsize length;
    const char *text = g_bytes_get_data (body, &length);
    error = g_error_new (KUBE_ERROR, kube_error_from_reason (NULL, http_status), "%.*s", (int) length, text != NULL ? text : "");
    give (KUBE_LOCAL_CALL (call), http_status, NULL, NULL, NULL, error);
    return;
  }
  give (KUBE_LOCAL_CALL (call), http_status, NULL, NULL, body, NULL);
}

static gboolean
respond_object (KubeCall *call, int http_status, KubeObject *object, KubeObjectList *list)
{
  give (KUBE_LOCAL_CALL (call), http_status, object, list, NULL, NULL);
  return TRUE;
}

static gboolean
respond_error (KubeCall *call, const GError *error)
{
  give (KUBE_LOCAL_CALL (call), kube_error_get_http_status (error), NULL, NULL, NULL, error);
  return TRUE;
}

static void
begin_stream (KubeCall *call, int http_status, const char *content_type)
{
  KubeLocalCall *self = KUBE_LOCAL_CALL (call);

  self->http_status = http_status;
  if (!self->forgotten && self->funcs.begin != NULL)
    self->funcs.begin (self, http_status, self->user_data);
}

static void
push (KubeCall *call, GBytes *bytes)
{
  KubeLocalCall *self = KUBE_LOCAL_CALL (call);

  if (self->forgotten)
    return;
  if (self->funcs.bytes != NULL) {
    self->funcs.bytes (self, bytes, self->user_data);
    return;
  }
  if (self->collected == NULL)
    self->collected = g_byte_array_new ();
  g_byte_array_append (self->collected, g_bytes_get_data (bytes, NULL), (guint) g_bytes_get_size (bytes));
}

static gboolean
push_event (KubeCall *call, KubeWatchEventType type, KubeObject *object)
{
  KubeLocalCall *self = KUBE_LOCAL_CALL (call);

  if (!self->forgotten && self->funcs.event != NULL)
    self->funcs.event (self, type, object, self->user_data);
  return TRUE;
}

static void
end_stream (KubeCall *call, const GError *error)
{
  KubeLocalCall *self = KUBE_LOCAL_CALL (call);
  g_autoptr (GBytes) body = NULL;

  if (self->forgotten)
    return;
  if (self->funcs.end != NULL) {
    self->funcs.end (self, error, self->user_data);
    return;
  }
  body = self->collected != NULL ? g_byte_array_free_to_bytes (g_steal_pointer (&self->collected)) : g_bytes_new (NULL, 0);
  give (self, self->http_status, NULL, NULL, error == NULL ? body : NULL, error);
}

static const char *
get_header (KubeCall *call, const char *name)
{
  return g_ascii_strcasecmp (name, "User-Agent") == 0 ? KUBE_LOCAL_CALL (call)->user_agent : NULL;
}

static void
kube_local_call_finalize (GObject *object)
{
  g_clear_pointer (&KUBE_LOCAL_CALL (object)->collected, g_byte_array_unref);
  g_free (KUBE_LOCAL_CALL (object)->user_agent);
  G_OBJECT_CLASS (kube_local_call_parent_class)->finalize (object);
}

static void
kube_local_call_class_init (KubeLocalCallClass *klass)
{
  KubeCallClass *call = KUBE_CALL_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = kube_local_call_finalize;
  call->get_header = get_header;
  call->respond = respond;
  call->respond_object = respond_object;
  call->respond_error = respond_error;
  call->begin_stream = begin_stream;
  call->push = push;
  call->push_event = push_event;
  call->end_stream = end_stream;
}

static void
kube_local_call_init (KubeLocalCall *self)
{
}

KubeLocalCall *
kube_local_call_new (KubeUser *user, const char *user_agent, const char *method, const char *path_and_query, const char *content_type, KubeObject *object, KubeValue *patch, const KubeLocalCallFuncs *funcs,
                     gpointer user_data)
{
  KubeLocalCall *self = g_object_new (KUBE_TYPE_LOCAL_CALL, NULL);
  const char *query = strchr (path_and_query, '?');
  g_autofree char *escaped = g_strndup (path_and_query, query != NULL ? (gsize) (query - path_and_query) : strlen (path_and_query));
  g_autofree char *path = strchr (escaped, '%') != NULL ? g_uri_unescape_string (escaped, NULL) : NULL;
  KubeCallRequest request = {
    .method = method, .path = path != NULL ? path : escaped, .query = query != NULL ? query + 1 : NULL, .content_type = content_type, .remote = "local", .peer = user, .object = object,
    .patch = patch, .local = TRUE,
  };

  self->user_agent = g_strdup (user_agent);
  self->funcs = *funcs;
  self->user_data = user_data;
  kube_call_set_request (KUBE_CALL (self), &request);
  return self;
}

void
kube_local_call_forget (KubeLocalCall *self)
{
  self->forgotten = TRUE;
}
