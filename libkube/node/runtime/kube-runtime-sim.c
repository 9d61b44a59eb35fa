/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-builder.h>
#include <kube/sys/kube-runtime.h>

#include <stdlib.h>
#include <string.h>
#include "kube-source.h"

#define KILLED_CODE 137

/**
 * KubeRuntimeSim:
 *
 * Containers that are only noted. They run from the moment that they are started, and end when they are stopped, or `simRunSeconds` later by the clock with `simExitCode`:
 * on a virtual clock a node lives as fast as the test wants, and the same each time.
 *
 * Since: 1.0
 */
struct _KubeRuntimeSim {
  GObject parent;
  KubeClock *clock;       /* (owned) */
  GMainContext *context;  /* (owned) */
  GHashTable *pods;       /* (owned): uid -> KubeValue */
  GHashTable *containers; /* (owned): id -> SimContainer */
  guint64 serial;
};

typedef struct {
  KubeRuntimeSim *runtime; /* (unowned) */
  KubeContainer *info;     /* (owned) */
  GSource *timer;          /* (owned) (nullable) */
} SimContainer;

static void runtime_iface_init (KubeRuntimeInterface *iface);

G_DEFINE_TYPE_WITH_CODE (KubeRuntimeSim, kube_runtime_sim, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (KUBE_TYPE_RUNTIME, runtime_iface_init))

static void
sim_container_free (gpointer data)
{
  SimContainer *container = data;

  kube_clear_source (&container->timer);
  kube_container_free (container->info);
  g_free (container);
}

static void
return_boolean (KubeRuntime *runtime, gpointer tag, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (runtime, NULL, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_return_boolean (task, TRUE);
}

static gboolean
finish_boolean (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
runtime_sim_get_version (KubeRuntime *runtime, char **name, char **version)
{
  *name = g_strdup ("sim");
  *version = g_strdup ("1.0.0");
}

static void
runtime_sim_start_pod_async (KubeRuntime *runtime, KubeValue *config, GAsyncReadyCallback callback, gpointer user_data)
{
  g_hash_table_replace (KUBE_RUNTIME_SIM (runtime)->pods, g_strdup (kube_value_get_string (config, "uid")),
                        kube_value_ref (config));
  return_boolean (runtime, runtime_sim_start_pod_async, callback, user_data);
}

static gboolean
belongs_to_pod (gpointer key, gpointer value, gpointer uid)
{
  return g_str_equal (((SimContainer *) value)->info->pod_uid, uid);
}

static void
runtime_sim_remove_pod_async (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeSim *self = KUBE_RUNTIME_SIM (runtime);

  g_hash_table_foreach_remove (self->containers, belongs_to_pod, (gpointer) uid);
  g_hash_table_remove (self->pods, uid);
  return_boolean (runtime, runtime_sim_remove_pod_async, callback, user_data);
}

static void
runtime_sim_stop_pod_async (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  g_hash_table_remove (KUBE_RUNTIME_SIM (runtime)->pods, uid);
  return_boolean (runtime, runtime_sim_stop_pod_async, callback, user_data);
}

static char *
runtime_sim_dup_netns (KubeRuntime *runtime, const char *uid)
{
  KubeValue *config = g_hash_table_lookup (KUBE_RUNTIME_SIM (runtime)->pods, uid);

  return config != NULL && !kube_value_get_boolean (config, "hostNetwork", FALSE) ? g_strdup ("sim") : NULL;
}

static gboolean
runtime_sim_has_pod (KubeRuntime *runtime, const char *uid)
{
  return g_hash_table_contains (KUBE_RUNTIME_SIM (runtime)->pods, uid);
}

static GStrv
runtime_sim_list_pods (KubeRuntime *runtime)
{
  guint n;
  g_autofree char **keys = (char **) g_hash_table_get_keys_as_array (KUBE_RUNTIME_SIM (runtime)->pods, &n);

  return g_strdupv (keys);
}

static void
runtime_sim_create_container_async (KubeRuntime *runtime, const char *uid, KubeValue *config, KubeImage *image,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeSim *self = KUBE_RUNTIME_SIM (runtime);
  g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
  SimContainer *container = g_new0 (SimContainer, 1);
  g_autofree char *seed = g_strdup_printf ("%s %" G_GUINT64_FORMAT, uid, ++self->serial);

  g_task_set_source_tag (task, runtime_sim_create_container_async);
  container->runtime = self;
  container->info = g_new0 (KubeContainer, 1);
  container->info->id = g_compute_checksum_for_string (G_CHECKSUM_SHA256, seed, -1);
  container->info->pod_uid = g_strdup (uid);
  container->info->config = kube_value_ref (config);
  container->info->created_at = kube_clock_get_time (self->clock);
  g_hash_table_replace (self->containers, g_strdup (container->info->id), container);
  g_task_return_pointer (task, g_strdup (container->info->id), g_free);
}

static char *
runtime_sim_create_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
end_container (SimContainer *container, int code)
{
  KubeRuntimeSim *self = container->runtime;
  g_autofree char *id = g_strdup (container->info->id);

  if (container->info->state != KUBE_CONTAINER_RUNNING)
    return;
  container->info->state = KUBE_CONTAINER_EXITED;
  container->info->pid = 0;
  container->info->exit_code = code;
  container->info->finished_at = kube_clock_get_time (self->clock);
  kube_runtime_emit_changed (KUBE_RUNTIME (self), id);
}

static gboolean
on_run_time (gpointer data)
{
  SimContainer *container = data;

  g_clear_pointer (&container->timer, g_source_unref);
  end_container (container, kube_value_get_integer (container->info->config, "simExitCode", 0));
  return G_SOURCE_REMOVE;
}

static gboolean
on_stopped (gpointer data)
{
  SimContainer *container = data;

  g_clear_pointer (&container->timer, g_source_unref);
  end_container (container, KILLED_CODE);
  return G_SOURCE_REMOVE;
}

static void
set_timer (SimContainer *container, gint64 delay, GSourceFunc func)
{
  KubeRuntimeSim *self = container->runtime;

  kube_clear_source (&container->timer);
  container->timer = kube_clock_create_timer (self->clock, kube_clock_get_monotonic_time (self->clock) + delay);
  g_source_set_callback (container->timer, func, container, NULL);
  g_source_attach (container->timer, self->context);
}

static void
runtime_sim_start_container_async (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeSim *self = KUBE_RUNTIME_SIM (runtime);
  SimContainer *container = g_hash_table_lookup (self->containers, id);

  if (container == NULL) {
    g_task_report_new_error (self, callback, user_data, runtime_sim_start_container_async, KUBE_ERROR, KUBE_ERROR_NOT_FOUND,
                             "container %s not found", id);
    return;
  }
  gint64 seconds = kube_value_get_integer (container->info->config, "simRunSeconds", -1);
  container->info->state = KUBE_CONTAINER_RUNNING;
  container->info->pid = 1;
  container->info->started_at = kube_clock_get_time (self->clock);
  if (seconds >= 0)
    set_timer (container, seconds * G_USEC_PER_SEC, on_run_time);
  return_boolean (runtime, runtime_sim_start_container_async, callback, user_data);
}

static void
runtime_sim_stop_container (KubeRuntime *runtime, const char *id, gint64 grace)
{
  SimContainer *container = g_hash_table_lookup (KUBE_RUNTIME_SIM (runtime)->containers, id);

  if (container != NULL && container->info->state == KUBE_CONTAINER_RUNNING)
    set_timer (container, 0, on_stopped);
}

static void
runtime_sim_remove_container_async (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  g_hash_table_remove (KUBE_RUNTIME_SIM (runtime)->containers, id);
  return_boolean (runtime, runtime_sim_remove_container_async, callback, user_data);
}

static KubeContainer *
runtime_sim_dup_container (KubeRuntime *runtime, const char *id)
{
  SimContainer *container = g_hash_table_lookup (KUBE_RUNTIME_SIM (runtime)->containers, id);

  return container != NULL ? kube_container_copy (container->info) : NULL;
}

static int
by_creation (gconstpointer a, gconstpointer b)
{
  const KubeContainer *x = *(KubeContainer **) a, *y = *(KubeContainer **) b;

  if (x->created_at != y->created_at)
    return x->created_at > y->created_at ? 1 : -1;
  return strcmp (x->id, y->id);
}

static GPtrArray *
runtime_sim_list_containers (KubeRuntime *runtime, const char *uid)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_container_free);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, KUBE_RUNTIME_SIM (runtime)->containers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    SimContainer *container = value;
    if (uid == NULL || g_str_equal (container->info->pod_uid, uid))
      g_ptr_array_add (list, kube_container_copy (container->info));
  }
  g_ptr_array_sort (list, by_creation);
  return list;
}

static KubeValue *
replace_resources (KubeValue *config, KubeValue *resources)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (config);

  kube_node_put_value (kube_builder_get_root (builder), "resources", resources);
  return kube_builder_end (builder);
}

static void
runtime_sim_update_container_async (KubeRuntime *runtime, const char *id, KubeValue *resources, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  SimContainer *container = g_hash_table_lookup (KUBE_RUNTIME_SIM (runtime)->containers, id);

  if (container == NULL || container->info->state != KUBE_CONTAINER_RUNNING) {
    g_task_report_new_error (runtime, callback, user_data, runtime_sim_update_container_async, KUBE_ERROR, KUBE_ERROR_NOT_FOUND,
                             "container %s does not run", id);
    return;
  }
  KubeValue *config = replace_resources (container->info->config, resources);
  kube_value_unref (container->info->config);
  container->info->config = config;
  return_boolean (runtime, runtime_sim_update_container_async, callback, user_data);
}

static void
runtime_sim_update_pod_async (KubeRuntime *runtime, const char *uid, KubeValue *resources, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GHashTable *pods = KUBE_RUNTIME_SIM (runtime)->pods;
  KubeValue *config = g_hash_table_lookup (pods, uid);

  if (config != NULL)
    g_hash_table_replace (pods, g_strdup (uid), replace_resources (config, resources));
  return_boolean (runtime, runtime_sim_update_pod_async, callback, user_data);
}

static KubeValue *
runtime_sim_dup_pod (KubeRuntime *runtime, const char *uid)
{
  KubeValue *config = g_hash_table_lookup (KUBE_RUNTIME_SIM (runtime)->pods, uid);

  return config != NULL ? kube_value_ref (config) : NULL;
}

static gboolean
runtime_sim_get_usage (KubeRuntime *runtime, const char *id, KubeContainerUsage *usage)
{
  return FALSE;
}

static void
runtime_sim_exec_async (KubeRuntime *runtime, const char *id, const KubeExecOptions *options, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_task_report_new_error (runtime, callback, user_data, runtime_sim_exec_async, KUBE_ERROR, KUBE_ERROR_INTERNAL,
                           "a simulated container runs no commands");
}

static KubeExec *
runtime_sim_exec_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GInputStream *
runtime_sim_open_log (KubeRuntime *runtime, const char *id, const KubeLogOptions *options, GError **error)
{
  return g_memory_input_stream_new ();
}

static void
runtime_sim_dial_async (KubeRuntime *runtime, const char *uid, guint16 port, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  g_task_report_new_error (runtime, callback, user_data, runtime_sim_dial_async, KUBE_ERROR, KUBE_ERROR_INTERNAL,
                           "a simulated pod has no network");
}

static GIOStream *
runtime_sim_dial_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
kube_runtime_sim_finalize (GObject *object)
{
  KubeRuntimeSim *self = KUBE_RUNTIME_SIM (object);

  g_hash_table_unref (self->containers);
  g_hash_table_unref (self->pods);
  g_main_context_unref (self->context);
  g_clear_object (&self->clock);
  G_OBJECT_CLASS (kube_runtime_sim_parent_class)->finalize (object);
}

static void
runtime_iface_init (KubeRuntimeInterface *iface)
{
  iface->get_version = runtime_sim_get_version;
  iface->start_pod_async = runtime_sim_start_pod_async;
  iface->start_pod_finish = finish_boolean;
  iface->stop_pod_async = runtime_sim_stop_pod_async;
  iface->stop_pod_finish = finish_boolean;
  iface->remove_pod_async = runtime_sim_remove_pod_async;
  iface->remove_pod_finish = finish_boolean;
  iface->update_container_async = runtime_sim_update_container_async;
  iface->update_container_finish = finish_boolean;
  iface->update_pod_async = runtime_sim_update_pod_async;
  iface->update_pod_finish = finish_boolean;
  iface->dup_pod = runtime_sim_dup_pod;
  iface->dup_netns = runtime_sim_dup_netns;
  iface->has_pod = runtime_sim_has_pod;
  iface->list_pods = runtime_sim_list_pods;
  iface->create_container_async = runtime_sim_create_container_async;
  iface->create_container_finish = runtime_sim_create_container_finish;
  iface->start_container_async = runtime_sim_start_container_async;
  iface->start_container_finish = finish_boolean;
  iface->stop_container = runtime_sim_stop_container;
  iface->remove_container_async = runtime_sim_remove_container_async;
  iface->remove_container_finish = finish_boolean;
  iface->dup_container = runtime_sim_dup_container;
  iface->list_containers = runtime_sim_list_containers;
  iface->get_usage = runtime_sim_get_usage;
  iface->exec_async = runtime_sim_exec_async;
  iface->exec_finish = runtime_sim_exec_finish;
  iface->open_log = runtime_sim_open_log;
  iface->dial_async = runtime_sim_dial_async;
  iface->dial_finish = runtime_sim_dial_finish;
}

static void
kube_runtime_sim_class_init (KubeRuntimeSimClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_runtime_sim_finalize;
}

static void
kube_runtime_sim_init (KubeRuntimeSim *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->pods = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kube_value_unref);
  self->containers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, sim_container_free);
}

/**
 * kube_runtime_sim_new:
 * @clock: the clock by which containers run
 *
 * Returns: (transfer full): a runtime without processes, for the thread-default main context
 * Since: 1.0
 */
KubeRuntime *
kube_runtime_sim_new (KubeClock *clock)
{
  KubeRuntimeSim *self = g_object_new (KUBE_TYPE_RUNTIME_SIM, NULL);

  self->clock = g_object_ref (clock);
  return KUBE_RUNTIME (self);
}
