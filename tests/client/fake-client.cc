/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fake-client.h"

#include <algorithm>
#include <utility>

static std::string
option_of (KubeRequest *request, const char *name)
{
  const char *value = kube_request_get_option (request, name);
  return value != NULL ? value : "-";
}

std::string
FakeCall::option (const char *name) const
{
  return option_of (request, name);
}

std::string
FakeCall::path () const
{
  char *path = kube_request_dup_path (request);
  std::string result = std::string (kube_request_get_method (request)) + " " + path;
  g_free (path);
  return result;
}

std::string
FakeWatchInfo::option (const char *name) const
{
  return option_of (request, name);
}

void
FakeWatchInfo::emit (KubeWatchEventType type, KubeObject *object)
{
  if (watch != NULL)
    kube_watch_emit (watch, type, object);
  kube_object_unref (object);
}

void
FakeWatchInfo::close (GError *error)
{
  if (watch != NULL)
    kube_watch_emit_closed (watch, error);
  g_clear_error (&error);
}

/* The watch. */

G_BEGIN_DECLS
#define FAKE_TYPE_WATCH (fake_watch_get_type ())
G_DECLARE_FINAL_TYPE (FakeWatch, fake_watch, FAKE, WATCH, KubeWatch)
G_END_DECLS

struct _FakeWatch {
  KubeWatch parent;
  FakeWatchInfo *info;
};

G_DEFINE_TYPE (FakeWatch, fake_watch, KUBE_TYPE_WATCH)

static void
fake_watch_start (KubeWatch *watch)
{
  FAKE_WATCH (watch)->info->started = true;
}

static void
fake_watch_stop (KubeWatch *watch)
{
  FAKE_WATCH (watch)->info->stopped = true;
}

static void
fake_watch_finalize (GObject *object)
{
  FAKE_WATCH (object)->info->watch = NULL;
  G_OBJECT_CLASS (fake_watch_parent_class)->finalize (object);
}

static void
fake_watch_class_init (FakeWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = fake_watch_finalize;
  KUBE_WATCH_CLASS (klass)->start = fake_watch_start;
  KUBE_WATCH_CLASS (klass)->stop = fake_watch_stop;
}

static void
fake_watch_init (FakeWatch *)
{
}

/* The client. */

G_BEGIN_DECLS
#define FAKE_TYPE_KUBE_CLIENT (fake_kube_client_get_type ())
G_DECLARE_FINAL_TYPE (FakeKubeClient, fake_kube_client, FAKE, KUBE_CLIENT, GObject)
G_END_DECLS

struct _FakeKubeClient {
  GObject parent;
  FakeClient *test;
};

static void
send_async (KubeClient *client, KubeRequest *request, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  FakeClient *test = FAKE_KUBE_CLIENT (client)->test;
  auto call = std::make_unique<FakeCall> ();
  call->request = kube_request_ref (request);
  call->task = g_task_new (client, cancellable, callback, user_data);
  FakeCall &added = *call;
  test->calls.push_back (std::move (call));
  if (test->answer)
    FakeClient::respond (added, test->answer (added));
}

static KubeResponse *
send_finish (KubeClient *, GAsyncResult *result, GError **error)
{
  return (KubeResponse *) g_task_propagate_pointer (G_TASK (result), error);
}

static KubeWatch *
watch (KubeClient *client, KubeRequest *request)
{
  FakeClient *test = FAKE_KUBE_CLIENT (client)->test;
  auto *made = (FakeWatch *) g_object_new (FAKE_TYPE_WATCH, NULL);
  auto info = std::make_unique<FakeWatchInfo> ();
  info->watch = KUBE_WATCH (made);
  info->request = kube_request_ref (request);
  made->info = info.get ();
  test->watches.push_back (std::move (info));
  return KUBE_WATCH (made);
}

static void
client_iface_init (gpointer iface, gpointer)
{
  auto *client = (KubeClientInterface *) iface;
  client->send_async = send_async;
  client->send_finish = send_finish;
  client->watch = watch;
}

G_DEFINE_TYPE_WITH_CODE (FakeKubeClient, fake_kube_client, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (KUBE_TYPE_CLIENT, client_iface_init))

static void
fake_kube_client_class_init (FakeKubeClientClass *)
{
}

static void
fake_kube_client_init (FakeKubeClient *)
{
}

FakeClient::FakeClient ()
{
  auto *made = (FakeKubeClient *) g_object_new (FAKE_TYPE_KUBE_CLIENT, NULL);
  made->test = this;
  client = KUBE_CLIENT (made);
}

FakeClient::~FakeClient ()
{
  for (auto &call : calls) {
    if (call->task != NULL)
      respond (*call, fake_error (KUBE_ERROR_INTERNAL, "the test has ended"));
    kube_request_unref (call->request);
  }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  for (auto &info : watches)
    kube_request_unref (info->request);
  g_object_unref (client);
}

void
FakeClient::respond (FakeCall &call, FakeAnswer answer)
{
  GTask *task = std::exchange (call.task, nullptr);
  if (answer.error != NULL)
    g_task_return_error (task, answer.error);
  else
    g_task_return_pointer (task, answer.response, (GDestroyNotify) kube_response_unref);
  g_object_unref (task);
}

FakeAnswer
fake_error (KubeError code, const char *message)
{
  return { NULL, g_error_new_literal (KUBE_ERROR, code, message) };
}

KubeObject *
fake_parse (std::string json)
{
  std::replace (json.begin (), json.end (), '\'', '"');
  GError *error = NULL;
  KubeValue *value = kube_value_parse (json.c_str (), -1, &error);
  if (value == NULL)
    g_error ("%s: %s", json.c_str (), error->message);
  KubeObject *object = kube_object_new (value);
  kube_value_unref (value);
  return object;
}

FakeAnswer
fake_object (const char *json)
{
  KubeObject *object = fake_parse (json);
  FakeAnswer answer{ kube_response_new (200, object, NULL, NULL, NULL), NULL };
  kube_object_unref (object);
  return answer;
}

FakeAnswer
fake_list (const std::vector<std::string> &objects, const char *resource_version, const char *continue_token)
{
  GPtrArray *array = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  for (const auto &json : objects)
    g_ptr_array_add (array, fake_parse (json));
  KubeObjectList *list = kube_object_list_new (array, resource_version, continue_token, -1);
  FakeAnswer answer{ kube_response_new (200, NULL, list, NULL, NULL), NULL };
  kube_object_list_unref (list);
  return answer;
}

std::string
fake_map (const char *name, const char *resource_version, const char *extra, const char *uid)
{
  return std::string ("{'apiVersion':'v1','kind':'ConfigMap','metadata':{'name':'") + name + "','namespace':'ns','uid':'"
         + (uid != NULL ? uid : name) + "','resourceVersion':'" + resource_version + "'" + extra + "}}";
}
