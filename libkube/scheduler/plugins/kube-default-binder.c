/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-scheduler-plugins.h"

typedef struct {
  GObject parent_instance;
  KubeClient *client; /* (owned) */
  KubeKind *kind;
} SchedDefaultBinder;

typedef GObjectClass SchedDefaultBinderClass;

static void sched_default_binder_iface_init (KubeSchedulerPluginInterface *iface);
GType sched_default_binder_get_type (void);
G_DEFINE_FINAL_TYPE_WITH_CODE (SchedDefaultBinder, sched_default_binder, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KUBE_TYPE_SCHEDULER_PLUGIN, sched_default_binder_iface_init))

static const char *
get_name (KubeSchedulerPlugin *plugin)
{
  return "DefaultBinder";
}

static KubeObject *
make_binding (KubeObject *pod, const char *node)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);

  kube_node_set_string (root, "apiVersion", "v1");
  kube_node_set_string (root, "kind", "Binding");
  kube_node_set_string (root, "metadata.name", kube_object_get_name (pod));
  kube_node_set_string (root, "metadata.namespace", kube_object_get_namespace (pod));
  kube_node_set_string (root, "metadata.uid", kube_object_get_uid (pod));
  kube_node_set_string (root, "target.kind", "Node");
  kube_node_set_string (root, "target.name", node);
  return kube_object_new_from_builder (builder);
}

static void
on_bound (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (response != NULL)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
bind_async (KubeSchedulerPlugin *plugin, KubeObject *pod, const char *node, GCancellable *cancellable, GAsyncReadyCallback callback,
            gpointer user_data)
{
  SchedDefaultBinder *self = (SchedDefaultBinder *) plugin;
  GTask *task = g_task_new (plugin, cancellable, callback, user_data);
  g_autoptr (KubeObject) binding = make_binding (pod, node);
  g_autoptr (KubeRequest) request
    = kube_request_new (KUBE_VERB_CREATE, self->kind, kube_object_get_namespace (pod), kube_object_get_name (pod));

  g_task_set_source_tag (task, bind_async);
  kube_request_set_subresource (request, "binding");
  kube_request_set_object (request, binding);
  kube_client_send_async (self->client, request, cancellable, on_bound, task);
}

static gboolean
bind_finish (KubeSchedulerPlugin *plugin, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_get_source_tag (G_TASK (result)) == bind_async, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
sched_default_binder_iface_init (KubeSchedulerPluginInterface *iface)
{
  iface->get_name = get_name;
  iface->bind_async = bind_async;
  iface->bind_finish = bind_finish;
}

static void
sched_default_binder_finalize (GObject *object)
{
  g_object_unref (((SchedDefaultBinder *) object)->client);
  G_OBJECT_CLASS (sched_default_binder_parent_class)->finalize (object);
}

static void
sched_default_binder_class_init (SchedDefaultBinderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sched_default_binder_finalize;
}

static void
sched_default_binder_init (SchedDefaultBinder *self)
{
}

KubeSchedulerPlugin *
sched_default_binder_new (KubeClient *client)
{
  SchedDefaultBinder *self = g_object_new (sched_default_binder_get_type (), NULL);

  self->client = g_object_ref (client);
  self->kind = KUBE_KIND ("v1", "Pod");
  return KUBE_SCHEDULER_PLUGIN (self);
}
