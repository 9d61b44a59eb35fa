/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-container-log.h"
#include "kube-runtime-oci-private.h"
#include "image/kube-image-private.h"

#include <errno.h>
#include <kube/kube-builder.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#define WORKERS 8

typedef struct _Job Job;
typedef void (*JobFunc) (Job *job, GTask *task);

struct _Job {
  JobFunc func;
  KubeRuntimeOci *runtime;
  KubeOciContainer *container;
  KubeValue *config, *pod;
  KubeImage *image;
  char *uid, *pid_namespace;
  KubeExecOptions exec;
  char **argv;
  GPtrArray *folders;
  guint16 port;
  int pid, conmon_pid; /* results */
};

static void runtime_iface_init (KubeRuntimeInterface *iface);

/**
 * KubeRuntimeOci:
 *
 * Each container has a folder with its state, and a conmon that holds its streams, writes its log and leaves its exit code in a file. conmon is nobody's child: it
 * and the container go on when this process ends, and the next one reads the folders and opens conmon's process again. A descriptor of that process (pidfd) tells
 * of the end; nothing is polled. What blocks for a moment (mounts, starting programs) is done by a few worker threads.
 *
 * Since: 1.0
 */
G_DEFINE_TYPE_WITH_CODE (KubeRuntimeOci, kube_runtime_oci, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (KUBE_TYPE_RUNTIME, runtime_iface_init))

static void
job_free (Job *job)
{
  g_clear_object (&job->runtime);
  g_clear_pointer (&job->container, kube_oci_container_unref);
  g_clear_pointer (&job->config, kube_value_unref);
  g_clear_pointer (&job->pod, kube_value_unref);
  g_clear_pointer (&job->image, kube_image_unref);
  g_free (job->uid);
  g_free (job->pid_namespace);
  g_strfreev (job->argv);
  g_clear_pointer (&job->folders, g_ptr_array_unref);
  g_free (job);
}

static Job *
job_new (KubeRuntimeOci *self, JobFunc func)
{
  Job *job = g_new0 (Job, 1);

  job->func = func;
  job->runtime = g_object_ref (self);
  return job;
}

static void
work (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  Job *job = g_task_get_task_data (task);

  job->func (job, task);
}

static void
push (KubeRuntimeOci *self, Job *job, gpointer tag, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_task_data (task, job, (GDestroyNotify) job_free);
  g_thread_pool_push (self->workers, task, NULL);
}

static gboolean
finish_boolean (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
runtime_oci_get_version (KubeRuntime *runtime, char **name, char **version)
{
  *name = g_strdup ("libkube");
  *version = g_strdup ("1.0.0");
}

static char *
sandbox_folder (KubeRuntimeOci *self, const char *uid)
{
  return g_build_filename (self->paths.sandboxes, uid, NULL);
}

static void
do_start_pod (Job *job, GTask *task)
{
  KubeRuntimeOci *self = job->runtime;
  const char *parent = kube_value_get_string (job->config, "cgroupParent");
  g_autofree char *folder = sandbox_folder (self, job->uid);
  g_autofree char *path = g_build_filename (folder, "sandbox.json", NULL);
  g_autofree char *cgroup = g_strdup_printf ("%s/%s", self->paths.cgroup, parent != NULL ? parent : "pods");
  gsize length;
  g_autofree char *text = kube_value_print (job->config, &length);
  GError *error = NULL;

  if (!kube_sandbox_create (folder, job->config, &error)) {
    kube_sandbox_remove (folder);
    g_task_return_error (task, error);
    return;
  }
  kube_cgroup_create (cgroup, kube_value_get (job->config, "resources"));
  /* The note comes last: a folder without it is one that was cut off. */
  if (g_file_set_contents_full (path, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
runtime_oci_start_pod_async (KubeRuntime *runtime, KubeValue *config, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  const char *uid = kube_value_get_string (config, "uid");
  Job *job = job_new (self, do_start_pod);

  job->uid = g_strdup (uid);
  job->config = kube_value_ref (config);
  if (g_hash_table_contains (self->pods, uid)) {
    g_autoptr (GTask) task = g_task_new (self, NULL, callback, user_data);
    job_free (job);
    g_task_return_boolean (task, TRUE);
    return;
  }
  push (self, job, runtime_oci_start_pod_async, NULL, callback, user_data);
}

static gboolean
runtime_oci_start_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  Job *job = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  if (job != NULL)
    g_hash_table_replace (KUBE_RUNTIME_OCI (runtime)->pods, g_strdup (job->uid), kube_value_ref (job->config));
  return TRUE;
}

static void
do_remove_pod (Job *job, GTask *task)
{
  KubeRuntimeOci *self = job->runtime;
  const char *parent = kube_value_get_string (job->config, "cgroupParent");
  g_autofree char *folder = sandbox_folder (self, job->uid);
  g_autofree char *cgroup = g_strdup_printf ("%s/%s", self->paths.cgroup, parent != NULL ? parent : "pods");

  if (parent != NULL)
    kube_cgroup_remove (cgroup);
  kube_sandbox_remove (folder);
  g_task_return_boolean (task, TRUE);
}

/* The root file systems too: what is left of the containers is their state and their log. */
static void
do_stop_pod (Job *job, GTask *task)
{
  for (guint i = 0; i < job->folders->len; i++)
    kube_unmount_below (job->folders->pdata[i], FALSE);
  do_remove_pod (job, task);
}

static gboolean
belongs_to_pod (gpointer key, gpointer value, gpointer uid)
{
  KubeOciContainer *container = value;

  if (!g_str_equal (container->info.pod_uid, uid))
    return FALSE;
  kube_cgroup_kill (container->cgroup);
  if (container->info.pid > 0)
    kill (container->info.pid, SIGKILL);
  kube_oci_container_remove_files (container);
  return TRUE;
}

static void
runtime_oci_stop_pod_async (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeValue *config = g_hash_table_lookup (self->pods, uid);
  Job *job = job_new (self, do_stop_pod);
  GHashTableIter iter;
  gpointer value;

  job->uid = g_strdup (uid);
  job->config = config != NULL ? kube_value_ref (config) : NULL;
  job->folders = g_ptr_array_new_with_free_func (g_free);
  g_hash_table_iter_init (&iter, self->containers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    KubeOciContainer *container = value;
    if (g_str_equal (container->info.pod_uid, uid))
      g_ptr_array_add (job->folders, g_strdup (container->folder));
  }
  g_hash_table_remove (self->pods, uid);
  push (self, job, runtime_oci_stop_pod_async, NULL, callback, user_data);
}

static void
runtime_oci_remove_pod_async (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeValue *config = g_hash_table_lookup (self->pods, uid);
  Job *job = job_new (self, do_remove_pod);

  job->uid = g_strdup (uid);
  job->config = config != NULL ? kube_value_ref (config) : NULL;
  g_hash_table_foreach_remove (self->containers, belongs_to_pod, (gpointer) uid);
  g_hash_table_remove (self->pods, uid);
  push (self, job, runtime_oci_remove_pod_async, NULL, callback, user_data);
}

static char *
runtime_oci_dup_netns (KubeRuntime *runtime, const char *uid)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeValue *config = g_hash_table_lookup (self->pods, uid);

  if (config == NULL || kube_value_get_boolean (config, "hostNetwork", FALSE))
    return NULL;
  return g_build_filename (self->paths.sandboxes, uid, "ns", "net", NULL);
}

static gboolean
runtime_oci_has_pod (KubeRuntime *runtime, const char *uid)
{
  return g_hash_table_contains (KUBE_RUNTIME_OCI (runtime)->pods, uid);
}

static GStrv
runtime_oci_list_pods (KubeRuntime *runtime)
{
  guint n;
  g_autofree char **keys = (char **) g_hash_table_get_keys_as_array (KUBE_RUNTIME_OCI (runtime)->pods, &n);

  return g_strdupv (keys);
}

static char *
make_id (void)
{
  guchar bytes[32];
  GString *id = g_string_sized_new (65);

  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes) {
    for (gsize i = 0; i < sizeof bytes; i++)
      bytes[i] = g_random_int ();
  }
  for (gsize i = 0; i < sizeof bytes; i++)
    g_string_append_printf (id, "%02x", bytes[i]);
  return g_string_free (id, FALSE);
}

static void
do_create (Job *job, GTask *task)
{
  KubeOciContainer *container = job->container;
  KubeRuntimeOci *self = job->runtime;
  g_autofree char *log_folder = g_path_get_dirname (container->log);
  GError *error = NULL;

  g_mkdir_with_parents (log_folder, 0755);
  if (!kube_bundle_create (&self->paths, container->info.id, job->pod, container->info.config, job->image,
                           kube_image_store_get_layer_folder (self->images), job->pid_namespace, &error)) {
    kube_oci_container_remove_files (container);
    g_task_return_error (task, error);
    return;
  }
  kube_oci_container_save (container);
  g_task_return_boolean (task, TRUE);
}

static void
runtime_oci_create_container_async (KubeRuntime *runtime, const char *uid, KubeValue *config, KubeImage *image,
                                    GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeValue *pod = g_hash_table_lookup (self->pods, uid);
  g_autofree char *id = make_id ();

  if (pod == NULL) {
    g_task_report_new_error (self, callback, user_data, runtime_oci_create_container_async, KUBE_ERROR, KUBE_ERROR_NOT_FOUND,
                             "pod %s has no namespaces", uid);
    return;
  }
  const char *target_id = kube_value_get_string (config, "pidTarget");
  KubeOciContainer *target = target_id != NULL ? g_hash_table_lookup (self->containers, target_id) : NULL;
  if (target_id != NULL && (target == NULL || target->info.pid <= 0)) {
    g_task_report_new_error (self, callback, user_data, runtime_oci_create_container_async, KUBE_ERROR, KUBE_ERROR_NOT_FOUND,
                             "container %s, whose processes it shall see, does not run", target_id);
    return;
  }
  Job *job = job_new (self, do_create);
  job->pid_namespace = target != NULL ? g_strdup_printf ("/proc/%d/ns/pid", target->info.pid) : NULL;
  job->container = kube_oci_container_new (self, id, uid, config, pod);
  job->container->info.created_at = g_get_real_time ();
  job->pod = kube_value_ref (pod);
  job->image = image != NULL ? kube_image_ref (image) : NULL;
  push (self, job, runtime_oci_create_container_async, NULL, callback, user_data);
}

static char *
runtime_oci_create_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  Job *job = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  g_hash_table_replace (self->containers, g_strdup (job->container->info.id), kube_oci_container_ref (job->container));
  return g_strdup (job->container->info.id);
}

static void
do_start (Job *job, GTask *task)
{
  KubeConmon conmon;
  GError *error = NULL;

  kube_oci_container_init_conmon (job->container, &conmon);
  if (kube_conmon_start (&conmon, &job->pid, &job->conmon_pid, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static KubeOciContainer *
find (KubeRuntimeOci *self, const char *id, gpointer tag, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeOciContainer *container = g_hash_table_lookup (self->containers, id);

  if (container == NULL)
    g_task_report_new_error (self, callback, user_data, tag, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "container %s not found", id);
  return container;
}

static void
runtime_oci_start_container_async (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeOciContainer *container = find (self, id, runtime_oci_start_container_async, callback, user_data);

  if (container == NULL)
    return;
  Job *job = job_new (self, do_start);
  job->container = kube_oci_container_ref (container);
  container->starting = TRUE;
  push (self, job, runtime_oci_start_container_async, NULL, callback, user_data);
}

static gboolean
runtime_oci_start_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  Job *job = g_task_get_task_data (G_TASK (result));
  g_autoptr (GError) local = NULL;

  if (job == NULL)
    return g_task_propagate_boolean (G_TASK (result), error);
  if (!g_task_propagate_boolean (G_TASK (result), &local)) {
    kube_oci_container_note_failure (job->container, local->message);
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  kube_oci_container_note_start (job->container, job->pid, job->conmon_pid);
  return TRUE;
}

static void
runtime_oci_stop_container (KubeRuntime *runtime, const char *id, gint64 grace)
{
  KubeOciContainer *container = g_hash_table_lookup (KUBE_RUNTIME_OCI (runtime)->containers, id);

  if (container != NULL)
    kube_oci_container_stop (container, grace);
}

static void
do_remove (Job *job, GTask *task)
{
  kube_oci_container_remove_files (job->container);
  g_task_return_boolean (task, TRUE);
}

static void
runtime_oci_remove_container_async (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeOciContainer *container = find (self, id, runtime_oci_remove_container_async, callback, user_data);

  if (container == NULL)
    return;
  Job *job = job_new (self, do_remove);
  job->container = kube_oci_container_ref (container);
  g_hash_table_remove (self->containers, id);
  push (self, job, runtime_oci_remove_container_async, NULL, callback, user_data);
}

static KubeContainer *
runtime_oci_dup_container (KubeRuntime *runtime, const char *id)
{
  KubeOciContainer *container = g_hash_table_lookup (KUBE_RUNTIME_OCI (runtime)->containers, id);

  return container != NULL ? kube_container_copy (&container->info) : NULL;
}

static int
by_creation (gconstpointer a, gconstpointer b)
{
  const KubeContainer *x = *(KubeContainer **) a, *y = *(KubeContainer **) b;

  return (x->created_at > y->created_at) - (x->created_at < y->created_at);
}

static GPtrArray *
runtime_oci_list_containers (KubeRuntime *runtime, const char *uid)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_container_free);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, KUBE_RUNTIME_OCI (runtime)->containers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    KubeOciContainer *container = value;
    if (uid == NULL || g_str_equal (container->info.pod_uid, uid))
      g_ptr_array_add (list, kube_container_copy (&container->info));
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
do_update_container (Job *job, GTask *task)
{
  KubeConmon conmon;
  GError *error = NULL;

  kube_oci_container_init_conmon (job->container, &conmon);
  if (kube_conmon_update (&conmon, job->config, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
runtime_oci_update_container_async (KubeRuntime *runtime, const char *id, KubeValue *resources, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeOciContainer *container = find (self, id, runtime_oci_update_container_async, callback, user_data);

  if (container == NULL)
    return;
  Job *job = job_new (self, do_update_container);
  job->container = kube_oci_container_ref (container);
  job->config = kube_value_ref (resources);
  push (self, job, runtime_oci_update_container_async, NULL, callback, user_data);
}

static gboolean
runtime_oci_update_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  Job *job = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  KubeContainer *info = &job->container->info;
  KubeValue *config = replace_resources (info->config, job->config);
  kube_value_unref (info->config);
  info->config = config;
  kube_oci_container_save (job->container);
  return TRUE;
}

/* The cgroup, and the note of it. */
static void
do_update_pod (Job *job, GTask *task)
{
  KubeRuntimeOci *self = job->runtime;
  const char *parent = kube_value_get_string (job->pod, "cgroupParent");
  g_autofree char *folder = sandbox_folder (self, job->uid);
  g_autofree char *path = g_build_filename (folder, "sandbox.json", NULL);
  g_autofree char *cgroup = g_strdup_printf ("%s/%s", self->paths.cgroup, parent != NULL ? parent : "pods");
  gsize length;
  g_autofree char *text = kube_value_print (job->pod, &length);
  GError *error = NULL;

  if (kube_cgroup_update (cgroup, job->config, &error) &&
      g_file_set_contents_full (path, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
runtime_oci_update_pod_async (KubeRuntime *runtime, const char *uid, KubeValue *resources, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeValue *pod = g_hash_table_lookup (self->pods, uid);

  if (pod == NULL) {
    g_task_report_new_error (self, callback, user_data, runtime_oci_update_pod_async, KUBE_ERROR, KUBE_ERROR_NOT_FOUND,
                             "pod %s has no namespaces", uid);
    return;
  }
  Job *job = job_new (self, do_update_pod);
  job->uid = g_strdup (uid);
  job->config = kube_value_ref (resources);
  job->pod = replace_resources (pod, resources);
  push (self, job, runtime_oci_update_pod_async, NULL, callback, user_data);
}

static gboolean
runtime_oci_update_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  Job *job = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  if (g_hash_table_contains (self->pods, job->uid))
    g_hash_table_replace (self->pods, g_strdup (job->uid), kube_value_ref (job->pod));
  return TRUE;
}

static KubeValue *
runtime_oci_dup_pod (KubeRuntime *runtime, const char *uid)
{
  KubeValue *config = g_hash_table_lookup (KUBE_RUNTIME_OCI (runtime)->pods, uid);

  return config != NULL ? kube_value_ref (config) : NULL;
}

static gboolean
runtime_oci_get_usage (KubeRuntime *runtime, const char *id, KubeContainerUsage *usage)
{
  KubeOciContainer *container = g_hash_table_lookup (KUBE_RUNTIME_OCI (runtime)->containers, id);

  return container != NULL && container->info.state == KUBE_CONTAINER_RUNNING &&
         kube_cgroup_get_usage (container->cgroup, &usage->cpu_nanoseconds, &usage->memory_working_set);
}

static void
do_exec (Job *job, GTask *task)
{
  KubeConmon conmon;
  GError *error = NULL;
  KubeExec *exec;

  kube_oci_container_init_conmon (job->container, &conmon);
  job->exec.argv = (const char *const *) job->argv;
  if (job->argv == NULL)
    exec = kube_conmon_attach (&conmon, &job->exec, fcntl (job->container->conmon_pidfd, F_DUPFD_CLOEXEC, 3), &error);
  else {
    g_autoptr (KubeValue) config = kube_oci_container_read_config (job->container, &error);
    exec = config != NULL ? kube_conmon_exec (&conmon, config, &job->exec, &error) : NULL;
  }
  if (exec != NULL)
    g_task_return_pointer (task, exec, g_object_unref);
  else
    g_task_return_error (task, error);
}

static void
runtime_oci_exec_async (KubeRuntime *runtime, const char *id, const KubeExecOptions *options, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeOciContainer *container = find (self, id, runtime_oci_exec_async, callback, user_data);

  if (container == NULL)
    return;
  if (container->info.state != KUBE_CONTAINER_RUNNING) {
    g_task_report_new_error (self, callback, user_data, runtime_oci_exec_async, KUBE_ERROR, KUBE_ERROR_INTERNAL,
                             "container is in %s state",
                             container->info.state == KUBE_CONTAINER_EXITED ? "CONTAINER_EXITED" : "CONTAINER_CREATED");
    return;
  }
  Job *job = job_new (self, do_exec);
  job->container = kube_oci_container_ref (container);
  job->exec = *options;
  job->exec.container = NULL;
  job->argv = g_strdupv ((char **) options->argv);
  push (self, job, runtime_oci_exec_async, cancellable, callback, user_data);
}

static KubeExec *
runtime_oci_exec_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static GInputStream *
runtime_oci_open_log (KubeRuntime *runtime, const char *id, const KubeLogOptions *options, GError **error)
{
  KubeOciContainer *container = g_hash_table_lookup (KUBE_RUNTIME_OCI (runtime)->containers, id);
  int end = -1;

  if (container == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "container %s not found", id);
    return NULL;
  }
  if (options->follow && container->info.state == KUBE_CONTAINER_RUNNING)
    end = fcntl (container->conmon_pidfd, F_DUPFD_CLOEXEC, 3);
  return kube_container_log_open (container->log, options, end, error);
}

static gboolean
runtime_oci_reopen_log (KubeRuntime *runtime, const char *id)
{
  KubeOciContainer *container = g_hash_table_lookup (KUBE_RUNTIME_OCI (runtime)->containers, id);

  return container != NULL && container->info.state == KUBE_CONTAINER_RUNNING && kube_conmon_reopen_log (container->folder);
}

static void
do_dial (Job *job, GTask *task)
{
  g_autofree char *netns = kube_value_get_boolean (job->config, "hostNetwork", FALSE)
                             ? NULL
                             : g_build_filename (job->runtime->paths.sandboxes, job->uid, "ns", "net", NULL);
  GError *error = NULL;
  int fd = kube_sandbox_dial (netns, job->port, &error);
  g_autoptr (GSocket) socket = fd >= 0 ? g_socket_new_from_fd (fd, &error) : NULL;

  if (socket == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_socket_connection_factory_create_connection (socket), g_object_unref);
}

static void
runtime_oci_dial_async (KubeRuntime *runtime, const char *uid, guint16 port, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (runtime);
  KubeValue *config = g_hash_table_lookup (self->pods, uid);

  if (config == NULL) {
    g_task_report_new_error (self, callback, user_data, runtime_oci_dial_async, KUBE_ERROR, KUBE_ERROR_NOT_FOUND,
                             "pod %s does not run here", uid);
    return;
  }
  Job *job = job_new (self, do_dial);
  job->uid = g_strdup (uid);
  job->port = port;
  job->config = kube_value_ref (config);
  push (self, job, runtime_oci_dial_async, cancellable, callback, user_data);
}

static GIOStream *
runtime_oci_dial_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
kube_runtime_oci_finalize (GObject *object)
{
  KubeRuntimeOci *self = KUBE_RUNTIME_OCI (object);

  if (self->workers != NULL)
    g_thread_pool_free (self->workers, FALSE, TRUE);
  g_clear_pointer (&self->containers, g_hash_table_unref);
  g_clear_pointer (&self->pods, g_hash_table_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_object (&self->images);
  if (self->mount_namespace >= 0)
    close (self->mount_namespace);
  g_free (self->conmon);
  g_free (self->crun);
  kube_oci_paths_clear (&self->paths);
  G_OBJECT_CLASS (kube_runtime_oci_parent_class)->finalize (object);
}

static void
runtime_iface_init (KubeRuntimeInterface *iface)
{
  iface->get_version = runtime_oci_get_version;
  iface->start_pod_async = runtime_oci_start_pod_async;
  iface->start_pod_finish = runtime_oci_start_pod_finish;
  iface->stop_pod_async = runtime_oci_stop_pod_async;
  iface->stop_pod_finish = finish_boolean;
  iface->remove_pod_async = runtime_oci_remove_pod_async;
  iface->remove_pod_finish = finish_boolean;
  iface->update_container_async = runtime_oci_update_container_async;
  iface->update_container_finish = runtime_oci_update_container_finish;
  iface->update_pod_async = runtime_oci_update_pod_async;
  iface->update_pod_finish = runtime_oci_update_pod_finish;
  iface->dup_pod = runtime_oci_dup_pod;
  iface->dup_netns = runtime_oci_dup_netns;
  iface->has_pod = runtime_oci_has_pod;
  iface->list_pods = runtime_oci_list_pods;
  iface->create_container_async = runtime_oci_create_container_async;
  iface->create_container_finish = runtime_oci_create_container_finish;
  iface->start_container_async = runtime_oci_start_container_async;
  iface->start_container_finish = runtime_oci_start_container_finish;
  iface->stop_container = runtime_oci_stop_container;
  iface->remove_container_async = runtime_oci_remove_container_async;
  iface->remove_container_finish = finish_boolean;
  iface->dup_container = runtime_oci_dup_container;
  iface->list_containers = runtime_oci_list_containers;
  iface->get_usage = runtime_oci_get_usage;
  iface->exec_async = runtime_oci_exec_async;
  iface->exec_finish = runtime_oci_exec_finish;
  iface->open_log = runtime_oci_open_log;
  iface->reopen_log = runtime_oci_reopen_log;
  iface->dial_async = runtime_oci_dial_async;
  iface->dial_finish = runtime_oci_dial_finish;
}

static void
kube_runtime_oci_class_init (KubeRuntimeOciClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_runtime_oci_finalize;
}

static void
kube_runtime_oci_init (KubeRuntimeOci *self)
{
  self->mount_namespace = -1;
  self->context = g_main_context_ref_thread_default ();
  self->containers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, kube_oci_container_drop);
  self->pods = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kube_value_unref);
}

/**
 * kube_runtime_oci_check:
 * @error: return location
 *
 * Whether this process can run containers on this host at all. The message names all that is missing, with what to do about it; it is what kube_runtime_oci_new() would
 * fail with. Touches nothing.
 *
 * Returns: whether nothing is missing; else %KUBE_ERROR_FORBIDDEN without root, %KUBE_ERROR_NOT_FOUND where a program or a kernel feature is missing
 * Since: 1.0
 */
gboolean
kube_runtime_oci_check (GError **error)
{
  static const char *const programs[] = { "conmon", "crun" }, *const namespaces[] = { "net", "ipc", "uts", "mnt", "pid" };
  g_autoptr (GString) missing = g_string_new (NULL);

  if (geteuid () != 0) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_FORBIDDEN, "running containers needs root");
    return FALSE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (programs); i++) {
    g_autofree char *path = g_find_program_in_path (programs[i]);

    if (path == NULL)
      g_string_append_printf (missing, "%s%s is not installed (apt-get install %s)", missing->len > 0 ? "; " : "", programs[i], programs[i]);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (namespaces); i++) {
    g_autofree char *path = g_build_filename ("/proc/self/ns", namespaces[i], NULL);

    if (access (path, F_OK) < 0)
      g_string_append_printf (missing, "%sthe kernel has no %s namespaces (use one built with CONFIG_NAMESPACES)", missing->len > 0 ? "; " : "", namespaces[i]);
  }
  if (missing->len > 0)
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, missing->str);
  return missing->len == 0;
}

/**
 * kube_runtime_oci_new:
 * @data_dir: where it keeps everything
 * @images: the images that containers are made from
 * @error: return location
 *
 * Makes a runtime and takes over the containers that an earlier one of @data_dir left. Fails as kube_runtime_oci_check() does.
 *
 * Returns: (transfer full): a runtime for the thread-default main context
 * Since: 1.0
 */
KubeRuntime *
kube_runtime_oci_new (const char *data_dir, KubeImageStore *images, GError **error)
{
  g_autoptr (KubeRuntimeOci) self = g_object_new (KUBE_TYPE_RUNTIME_OCI, NULL);
  g_autoptr (GError) local = NULL;

  if (!kube_runtime_oci_check (error))
    return NULL;
  self->images = g_object_ref (images);
  self->conmon = g_find_program_in_path ("conmon");
  self->crun = g_find_program_in_path ("crun");
  g_mkdir_with_parents (data_dir, 0755);
  kube_oci_paths_init (&self->paths, data_dir);
  char *folders[] = { self->paths.base,  self->paths.containers, self->paths.sandboxes,
                      self->paths.exits, self->paths.crun,       self->paths.logs };
  for (gsize i = 0; i < G_N_ELEMENTS (folders); i++) {
    if (g_mkdir_with_parents (folders[i], 0711) < 0) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", folders[i], g_strerror (errno));
      return NULL;
    }
  }
  self->mount_namespace = kube_crun_namespace_new (self->paths.base, &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  self->workers = g_thread_pool_new (work, NULL, WORKERS, FALSE, NULL);
  kube_runtime_oci_adopt (self);
  return KUBE_RUNTIME (g_steal_pointer (&self));
}
