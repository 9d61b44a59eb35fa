/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-component.h"

struct _KubeComponent {
  GMainContext *context;     /* (owned) */
  GMainLoop *loop;           /* (owned) (nullable): of its own thread */
  GThread *thread;           /* (owned) (nullable) */
  KubeComponentStart start;
  KubeComponentStop stop;
  gpointer user_data;
  gpointer object;           /* what start gave; only on context */
};

static gpointer
run (gpointer data)
{
  KubeComponent *self = data;

  g_main_context_push_thread_default (self->context);
  self->object = self->start (self->user_data);
  g_main_loop_run (self->loop);
  self->stop (self->object, self->user_data);
  /* What was under way at the stop still has its callbacks to run. */
  while (g_main_context_iteration (self->context, FALSE))
    continue;
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static gboolean
quit (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_REMOVE;
}

KubeComponent *
kube_component_new (const char *name, gboolean own_thread, KubeComponentStart start, KubeComponentStop stop, gpointer user_data)
{
  KubeComponent *self = g_new0 (KubeComponent, 1);

  self->start = start;
  self->stop = stop;
  self->user_data = user_data;
  if (own_thread) {
    self->context = g_main_context_new ();
    self->loop = g_main_loop_new (self->context, FALSE);
    self->thread = g_thread_new (name, run, self);
  } else {
    self->context = g_main_context_ref_thread_default ();
    self->object = start (user_data);
  }
  return self;
}

void
kube_component_free (KubeComponent *self)
{
  if (self->thread != NULL) {
    /* Through the context, not directly: the loop may not run yet. */
    g_autoptr (GSource) source = g_idle_source_new ();

    g_source_set_callback (source, quit, self->loop, NULL);
    g_source_attach (source, self->context);
    g_thread_join (self->thread);
    g_main_loop_unref (self->loop);
  } else {
    self->stop (self->object, self->user_data);
  }
  g_main_context_unref (self->context);
  g_free (self);
}
