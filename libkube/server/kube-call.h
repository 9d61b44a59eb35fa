/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-object.h>
#include <kube/kube-server.h>
#include <kube/kube-watch.h>
#include "kube-hub.h"
#include "kube-user.h"

G_BEGIN_DECLS

/* One request on its way through the pipeline, whatever front it came by, and the way its answer goes back. The HTTP front derives it (KubeHttpCall), and so does the
 * in-process client (KubeLocalCall). A call belongs to one thread: that of the worker that accepted it, or of the local client's caller; stages that wait (a write, a node) come back to
 * that thread's main context. Exactly one answer is given: one of respond…, or begin_stream … end_stream, or upgrade. */

#define KUBE_TYPE_CALL (kube_call_get_type ())
G_DECLARE_DERIVABLE_TYPE (KubeCall, kube_call, KUBE, CALL, GObject)

typedef struct _KubeStreamSession KubeStreamSession;

typedef void (*KubeCallHeaderFunc) (const char *name, const char *value, gpointer user_data);

struct _KubeCallClass {
  GObjectClass parent;
  /* the request; borrowed until the call is gone */
  const char *(*get_header) (KubeCall *call, const char *name); /* the in-process client has none but Accept */
  void (*foreach_header) (KubeCall *call, KubeCallHeaderFunc func, gpointer user_data); /* (nullable): each field line by itself */
  /* the answer: bytes */
  void (*respond) (KubeCall *call, int http_status, const char *content_type, GBytes *body);
  /* the answer: an object; the HTTP front's caller has chosen bytes already, so only the in-process client takes this */
  gboolean (*respond_object) (KubeCall *call, int http_status, KubeObject *object, KubeObjectList *list);
  gboolean (*respond_error) (KubeCall *call, const GError *error);
  /* a stream: LIST, WATCH, log */
  void (*begin_stream) (KubeCall *call, int http_status, const char *content_type);
  void (*push) (KubeCall *call, GBytes *bytes);
  gboolean (*push_event) (KubeCall *call, KubeWatchEventType type, KubeObject *object);
  void (*end_stream) (KubeCall *call, const GError *error);
  gsize (*get_queued) (KubeCall *call); /* bytes pushed and not yet sent */
  /* turns the connection into a session of channels (WebSocket, or SPDY for old clients) with one of @protocols (what the client offered first); NULL with @error where the
   * client did not ask for one of them. @protocols NULL: bytes go both ways on channel 0, and the answer's head is theirs. */
  KubeStreamSession *(*upgrade) (KubeCall *call, const char *const *protocols, GError **error);
};

/* What the pipeline does with a call: kube_server_handle(), or a test's own. On the call's thread. */
typedef void (*KubeCallFunc) (KubeCall *call, gpointer user_data);
void kube_server_handle (KubeServer *server, KubeCall *call);

/**
 * KubeCallRequest:
 * @method: in upper case
 * @path: decoded and normalised
 * @query: (nullable): as it came, still escaped, without the '?'
 * @content_type: (nullable):
 * @remote: address of the client, "local" in process
 * @body: (nullable):
 * @peer: (nullable): who the client's verified certificate says it is; in process, the client's user
 * @object, @patch: (nullable): a parsed body, in process only
 * @local: in process
 * @peer_error: (nullable): why the client's certificate is not to be believed
 *
 * What a front says of a call that it makes; all of it is copied or referenced.
 */
typedef struct {
  const char *method;
  const char *path;
  const char *query;
  const char *content_type;
  const char *remote;
  GBytes *body;
  KubeUser *peer;
  KubeObject *object;
  KubeValue *patch;
  gboolean local;
  const char *peer_error;
} KubeCallRequest;

/* For fronts, right after construction. */
void kube_call_set_request (KubeCall *call, const KubeCallRequest *request);
/* For fronts: the client has gone: cancels the call's cancellable. */
void kube_call_gone (KubeCall *call);
/* For fronts: the queue is nearly empty: calls the drain func, on the call's thread. */
void kube_call_drained (KubeCall *call);
/* For fronts: (array zero-terminated=1) names and values by turns of what kube_call_add_header() was given. */
const char *const *kube_call_get_answer_headers (KubeCall *call);

/* All borrowed by stages. */
KubeUser *kube_call_get_peer (KubeCall *call);         /* (nullable) */
const char *kube_call_get_peer_error (KubeCall *call); /* (nullable) */
/* Each field line of the request by itself, for headers that may come several times. */
void kube_call_foreach_header (KubeCall *call, KubeCallHeaderFunc func, gpointer user_data);
const char *kube_call_get_method (KubeCall *call);     /* "GET" */
const char *kube_call_get_path (KubeCall *call);       /* decoded and normalised: what is authorized is what is routed */
const char *kube_call_get_query (KubeCall *call, const char *name);      /* (nullable): decoded first value */
const char *kube_call_get_query_string (KubeCall *call);                 /* (nullable): the whole, as it came */
const char *const *kube_call_get_query_all (KubeCall *call, const char *name); /* (nullable) */
GBytes *kube_call_get_body (KubeCall *call);           /* (nullable) */
const char *kube_call_get_content_type (KubeCall *call);
const char *kube_call_get_header (KubeCall *call, const char *name);
const char *kube_call_get_remote (KubeCall *call);     /* address of the client, "local" in process */
gint64 kube_call_get_received (KubeCall *call);        /* monotonic microseconds */
GCancellable *kube_call_get_cancellable (KubeCall *call); /* cancelled when the client has gone */
KubeUser *kube_call_get_user (KubeCall *call);         /* NULL before authentication */
void kube_call_set_user (KubeCall *call, KubeUser *user);
/* In-process requests carry a parsed body; NULL for HTTP. */
KubeObject *kube_call_get_object (KubeCall *call);
KubeValue *kube_call_get_patch (KubeCall *call);
gboolean kube_call_is_local (KubeCall *call);

/* Headers of the answer, before it begins. */
void kube_call_add_header (KubeCall *call, const char *name, const char *value);
void kube_call_add_warning (KubeCall *call, const char *text); /* Warning: 299 - "text"; each once, limits as upstream */
const char *const *kube_call_get_warnings (KubeCall *call);

void kube_call_respond (KubeCall *call, int http_status, const char *content_type, GBytes *body);
/* The same for an error. */
gboolean kube_call_respond_local_error (KubeCall *call, const GError *error);
/* The Status of @error as JSON text. */
char *kube_call_print_status (const GError *error, gsize *length);
gboolean kube_call_respond_local (KubeCall *call, int http_status, KubeObject *object, KubeObjectList *list); /* FALSE: encode and kube_call_respond() */
void kube_call_begin_stream (KubeCall *call, int http_status, const char *content_type);
void kube_call_push (KubeCall *call, GBytes *bytes);
gboolean kube_call_push_event (KubeCall *call, KubeWatchEventType type, KubeObject *object); /* FALSE: encode and kube_call_push() */
void kube_call_end_stream (KubeCall *call, const GError *error);
gsize kube_call_get_queued (KubeCall *call);
/* Called on the call's context when the queue has fallen under a quarter of its limit; for streams that produce on demand (LIST). */
void kube_call_set_drain_func (KubeCall *call, GSourceFunc func, gpointer user_data);
KubeStreamSession *kube_call_upgrade (KubeCall *call, const char *const *protocols, GError **error);
gboolean kube_call_is_answered (KubeCall *call);
int kube_call_get_http_status (KubeCall *call);        /* of the answer, 0 before it */

G_END_DECLS
