/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/sys/kube-clock.h>

G_BEGIN_DECLS

/* KubeReflector: follows a collection: lists it, watches it from there, and lists again where the server asks for it. Calls come
 * on the main context that was thread-default when it was made. */
#define KUBE_TYPE_REFLECTOR (kube_reflector_get_type ())
G_DECLARE_FINAL_TYPE (KubeReflector, kube_reflector, KUBE, REFLECTOR, GObject)

typedef struct {
  /* all that there is now */
  void (*replace) (GPtrArray *objects /* (element-type KubeObject) */, gpointer user_data);
  /* no bookmarks */
  void (*event) (KubeWatchEventType type, KubeObject *object, gpointer user_data);
  /* it tries again by itself */
  void (*error) (const GError *error, gpointer user_data);
} KubeReflectorFuncs;

/* @funcs: static. */
KubeReflector *kube_reflector_new (KubeClient *client, KubeClock *clock, KubeKind *kind, const char *namespace_,
                                   const KubeReflectorFuncs *funcs, gpointer user_data);
/* Before it is started. */
void kube_reflector_set_selectors (KubeReflector *self, const char *label_selector, const char *field_selector);
void kube_reflector_set_streaming (KubeReflector *self, gboolean streaming);
void kube_reflector_start (KubeReflector *self);
/* No call comes after it. */
void kube_reflector_stop (KubeReflector *self);
/* (nullable): the newest resourceVersion that it has seen */
const char *kube_reflector_get_resource_version (KubeReflector *self);

G_END_DECLS
