/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A part of a cluster that lives on one main context: a thread of its own, or the context of who made the cluster. */
typedef struct _KubeComponent KubeComponent;

/* Both run on the component's context, which is thread-default then. @start gives what @stop gets. */
typedef gpointer (*KubeComponentStart) (gpointer user_data);
typedef void (*KubeComponentStop) (gpointer object, gpointer user_data);

/* @name: at most 15 characters, the thread's. With @own_thread returns before @start has run. */
KubeComponent *kube_component_new (const char *name, gboolean own_thread, KubeComponentStart start, KubeComponentStop stop, gpointer user_data);
/* Stops it, and waits for that. */
void kube_component_free (KubeComponent *component);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeComponent, kube_component_free)

G_END_DECLS
