/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-local-call.h"
#include "kube-source.h"

#define KUBE_TYPE_LOCAL_WATCH (kube_local_watch_get_type ())
G_DECLARE_FINAL_TYPE (KubeLocalWatch, kube_local_watch, KUBE, LOCAL_WATCH, KubeWatch)

struct _KubeLocalWatch {
  KubeWatch parent;
  KubeServer *server;
  KubeUser *user;
  char *path;
  GMainContext *context;
  GSource *starter;    /* (nullable) */
  KubeLocalCall *call; /* (nullable) */
};

G_DEFINE_FINAL_TYPE (KubeLocalWatch, kube_local_watch, KUBE_TYPE_WATCH)

static void
clear_starter (KubeLocalWatch *self)
{
  kube_clear_source (&self->starter);
}

static void
on_answer (KubeLocalCall *call, int http_status, KubeObject *object, KubeObjectList *list, GBytes *body, const GError *error, gpointer user_data)
{
  g_autoptr (KubeWatch) self = g_object_ref (user_data);
  kube_watch_emit_closed (self, error);
}

static void
on_event (KubeLocalCall *call, KubeWatchEventType type, KubeObject *object, gpointer user_data)
{
  g_autoptr (KubeWatch) self = g_object_ref (user_data);
  kube_watch_emit (self, type, object);
}

static void
on_end (KubeLocalCall *call, const GError *error, gpointer user_data)
{
  g_autoptr (KubeWatch) self = g_object_ref (user_data);
  kube_watch_emit_closed (self, error);
}

/* In a turn of its own, so that nothing comes from within kube_watch_start(). */
static gboolean
begin (gpointer user_data)
{
  static const KubeLocalCallFuncs funcs = { .answer = on_answer, .event = on_event, .end = on_end };
  g_autoptr (KubeLocalWatch) self = g_object_ref (user_data);

  clear_starter (self);
  self->call = kube_local_call_new (self->user, NULL, "GET", self->path, NULL, NULL, NULL, &funcs, self);
  {
    g_autoptr (KubeCall) call = KUBE_CALL (g_object_ref (self->call));
    g_main_context_push_thread_default (self->context);
    kube_server_handle (self->server, call);
    g_main_context_pop_thread_default (self->context);
  }
  return G_SOURCE_REMOVE;
}

static void
kube_local_watch_start (KubeWatch *watch)
{
  KubeLocalWatch *self = KUBE_LOCAL_WATCH (watch);

  self->starter = g_idle_source_new ();
  g_source_set_priority (self->starter, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->starter, begin, self, NULL);
  g_source_attach (self->starter, self->context);
}

static void
kube_local_watch_stop (KubeWatch *watch)
{
  KubeLocalWatch *self = KUBE_LOCAL_WATCH (watch);
  g_autoptr (KubeLocalCall) call = g_steal_pointer (&self->call);

  clear_starter (self);
  if (call == NULL)
    return;
  kube_local_call_forget (call);
  kube_call_gone (KUBE_CALL (call));
}

static void
kube_local_watch_finalize (GObject *object)
{
  KubeLocalWatch *self = KUBE_LOCAL_WATCH (object);

  if (self->call != NULL)
    kube_local_call_forget (self->call);
  g_clear_object (&self->call);
  g_object_unref (self->server);
  kube_user_unref (self->user);
  g_main_context_unref (self->context);
  g_free (self->path);
  G_OBJECT_CLASS (kube_local_watch_parent_class)->finalize (object);
}

static void
kube_local_watch_class_init (KubeLocalWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_local_watch_finalize;
  KUBE_WATCH_CLASS (klass)->start = kube_local_watch_start;
  KUBE_WATCH_CLASS (klass)->stop = kube_local_watch_stop;
}

static void
kube_local_watch_init (KubeLocalWatch *self)
{
}

KubeWatch *
kube_local_watch_new (KubeServer *server, KubeUser *user, const char *path_and_query)
{
  KubeLocalWatch *self = g_object_new (KUBE_TYPE_LOCAL_WATCH, NULL);

  self->server = g_object_ref (server);
  self->user = kube_user_ref (user);
  self->path = g_strdup (path_and_query);
  self->context = g_main_context_ref_thread_default ();
  return KUBE_WATCH (self);
}
