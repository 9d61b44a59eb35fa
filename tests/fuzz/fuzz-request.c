/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/sys/kube-store.h>
#include <string.h>

#include "fuzz.h"
#include "http/kube-http-head.h"
#include "kube-call.h"

/* The first line is the Accept header, what follows is a request's target: read from a whole server, by the way that bytes take. Reads only, so that a run
 * leaves nothing behind for the next. */

typedef struct {
  KubeCall parent;
  const char *accept;
  guint answers;
} FuzzCall;
typedef struct {
  KubeCallClass parent;
} FuzzCallClass;

static GType fuzz_call_get_type (void);
G_DEFINE_TYPE (FuzzCall, fuzz_call, KUBE_TYPE_CALL)

static const char *
get_header (KubeCall *call, const char *name)
{
  return g_ascii_strcasecmp (name, "Accept") == 0 ? ((FuzzCall *) call)->accept : NULL;
}

static void
respond (KubeCall *call, int http_status, const char *content_type, GBytes *body)
{
  FUZZ_CHECK (http_status >= 200 && http_status < 600);
  ((FuzzCall *) call)->answers++;
}

static void
begin_stream (KubeCall *call, int http_status, const char *content_type)
{
  ((FuzzCall *) call)->answers++;
}

static void
push (KubeCall *call, GBytes *bytes)
{
}

static void
end_stream (KubeCall *call, const GError *error)
{
}

static void
fuzz_call_class_init (FuzzCallClass *klass)
{
  KubeCallClass *call = KUBE_CALL_CLASS (klass);

  call->get_header = get_header;
  call->respond = respond;
  call->begin_stream = begin_stream;
  call->push = push;
  call->end_stream = end_stream;
}

static void
fuzz_call_init (FuzzCall *call)
{
}

static KubeServer *
get_server (void)
{
  static KubeServer *server;

  if (server == NULL) {
    g_autoptr (KubeStore) store = kube_store_memory_new ();
    g_autoptr (GError) error = NULL;
    server = kube_server_new (store, NULL, &error);
    FUZZ_CHECK (server != NULL);
  }
  return server;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const masters[] = { "system:masters", "system:authenticated", NULL };
  g_autofree char *accept = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  g_autoptr (KubeUser) user = kube_user_new ("fuzz", NULL, masters, NULL);
  char *target = strchr (accept, '\n'), *query;
  g_autofree char *path = NULL;

  if (target == NULL)
    return 0;
  *target++ = '\0';
  query = strchr (target, '?');
  path = kube_http_decode_path (target, query != NULL ? (gsize) (query - target) : strlen (target));
  if (path == NULL)
    return 0;
  g_autoptr (KubeCall) call = g_object_new (fuzz_call_get_type (), NULL);
  KubeCallRequest request = { .method = "GET", .path = path, .query = query != NULL ? query + 1 : NULL, .remote = "fuzz", .peer = user };
  ((FuzzCall *) call)->accept = accept;
  kube_call_set_request (call, &request);
  kube_server_handle (get_server (), call);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  kube_call_gone (call);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  FUZZ_CHECK (((FuzzCall *) call)->answers == 1);
  return 0;
}
