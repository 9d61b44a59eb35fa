/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-call.h"

G_BEGIN_DECLS

/* A call from the same process: objects go in and out as they are. */

#define KUBE_TYPE_LOCAL_CALL (kube_local_call_get_type ())
G_DECLARE_FINAL_TYPE (KubeLocalCall, kube_local_call, KUBE, LOCAL_CALL, KubeCall)

/* Who takes the answer. All on the call's thread; each (nullable): bytes of a stream nobody takes are put together and given to `answer`. */
typedef struct {
  /* one answer; all (nullable); @error alone for a bad one */
  void (*answer) (KubeLocalCall *call, int http_status, KubeObject *object, KubeObjectList *list, GBytes *body, const GError *error, gpointer user_data);
  void (*event) (KubeLocalCall *call, KubeWatchEventType type, KubeObject *object, gpointer user_data);
  void (*begin) (KubeLocalCall *call, int http_status, gpointer user_data);
  void (*bytes) (KubeLocalCall *call, GBytes *bytes, gpointer user_data);
  void (*end) (KubeLocalCall *call, const GError *error, gpointer user_data);
} KubeLocalCallFuncs;

/* @user_agent: (nullable). @path_and_query: as kube_request_dup_path() gives it. */
KubeLocalCall *kube_local_call_new (KubeUser *user, const char *user_agent, const char *method, const char *path_and_query, const char *content_type, KubeObject *object, KubeValue *patch,
                                    const KubeLocalCallFuncs *funcs, gpointer user_data);
/* Nothing is called any more. */
void kube_local_call_forget (KubeLocalCall *call);

/* kube-local-stream.c: a stream of bytes that another thread, or the same one between its turns, pushes. */
#define KUBE_TYPE_LOCAL_STREAM (kube_local_stream_get_type ())
G_DECLARE_FINAL_TYPE (KubeLocalStream, kube_local_stream, KUBE, LOCAL_STREAM, GInputStream)
KubeLocalStream *kube_local_stream_new (void);
void kube_local_stream_push (KubeLocalStream *stream, GBytes *bytes);
void kube_local_stream_end (KubeLocalStream *stream, const GError *error);

/* kube-local-watch.c */
KubeWatch *kube_local_watch_new (KubeServer *server, KubeUser *user, const char *path_and_query);

G_END_DECLS
