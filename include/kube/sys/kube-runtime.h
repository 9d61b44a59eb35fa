/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-image-store.h>
#include <kube/sys/kube-clock.h>
#include <kube/sys/kube-node-api.h>

G_BEGIN_DECLS

typedef enum {
  KUBE_CONTAINER_CREATED,
  KUBE_CONTAINER_RUNNING,
  KUBE_CONTAINER_EXITED,
} KubeContainerState;

/**
 * KubeContainer:
 * @id: its id, 64 hex digits
 * @pod_uid: uid of its pod
 * @config: what it was created from
 * @state: what it is
 * @pid: its first process, 0 where it does not run
 * @created_at: microseconds since the epoch
 * @started_at: the same, 0: never
 * @finished_at: the same, 0: not yet
 * @exit_code: 0 to 255
 * @reason: (nullable): why it ended, where it did not end by itself: `OOMKilled`, `StartError`, `ContainerStatusUnknown`
 * @message: (nullable): more about @reason
 *
 * What a runtime knows of one container at one moment.
 *
 * Since: 1.0
 */
typedef struct {
  char *id;
  char *pod_uid;
  KubeValue *config;
  KubeContainerState state;
  int pid;
  gint64 created_at, started_at, finished_at;
  int exit_code;
  char *reason, *message;
} KubeContainer;

#define KUBE_TYPE_CONTAINER (kube_container_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_container_get_type (void) G_GNUC_CONST;
KUBE_AVAILABLE_IN_1_0
KubeContainer *kube_container_copy (const KubeContainer *container) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_container_free (KubeContainer *container);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeContainer, kube_container_free)

/* What one container used: CPU nanoseconds in all, bytes of memory that cannot be given back. */
typedef struct {
  guint64 cpu_nanoseconds;
  guint64 memory_working_set;
} KubeContainerUsage;

/**
 * KubeRuntime:
 *
 * Runs containers. It belongs to the main context that was thread-default when it was made: its functions are called there, callbacks and
 * #KubeRuntime::changed come there. Containers outlive the process; a new runtime of the same data directory finds them again.
 *
 * Configurations are JSON objects, near to the CRI's:
 *
 * A pod: `uid`, `namespace`, `name`, `hostname`, `cgroupParent` (below the runtime's own cgroup), `hostNetwork`, `hostIPC`, `hostPID`, `shareProcessNamespace` (booleans),
 * `sysctls` (object), `resources` (as a container's, for all of them together).
 *
 * A container: `name`, `attempt`, `image`, `args` and `env` (arrays of strings; the image's own are merged in by the runtime where they are absent), `cwd`, `tty`, `stdin`,
 * `user` (uid as integer or an image's USER text), `group`, `supplementalGroups`, `mounts` (array of `source`, `destination`, `readOnly`, `propagation`), `resources`
 * (`cpuShares`, `cpuQuota`, `cpuPeriod`, `memory`, `pids`, `oomScoreAdj`), `pidTarget` (the id of a running container whose processes it sees), `capabilities` (`add`, `drop`), `privileged`, `noNewPrivileges`, `readOnlyRoot`,
 * `unmaskedProc`, `seccomp` (`RuntimeDefault`, `Unconfined` or the path of a profile), `logPath`. Other members are kept and not looked at.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_RUNTIME (kube_runtime_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_INTERFACE (KubeRuntime, kube_runtime, KUBE, RUNTIME, GObject)

struct _KubeRuntimeInterface {
  GTypeInterface parent;
  /* "libkube" and its version; what the node's status says */
  void (*get_version) (KubeRuntime *runtime, char **name, char **version);
  /* a pod's namespaces and cgroup; a pod that is there already is left as it is */
  void (*start_pod_async) (KubeRuntime *runtime, KubeValue *config, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*start_pod_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  /* its containers are killed, its namespaces go; what is known of the containers and their logs stays */
  void (*stop_pod_async) (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*stop_pod_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  /* its containers are killed and removed too */
  void (*remove_pod_async) (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*remove_pod_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  /* (nullable) (transfer full): path of the pod's network namespace; NULL where it has none of its own or is not there */
  char *(*dup_netns) (KubeRuntime *runtime, const char *uid);
  gboolean (*has_pod) (KubeRuntime *runtime, const char *uid);
  GStrv (*list_pods) (KubeRuntime *runtime);

  void (*create_container_async) (KubeRuntime *runtime, const char *uid, KubeValue *config, KubeImage *image, GAsyncReadyCallback callback, gpointer user_data);
  char *(*create_container_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  void (*start_container_async) (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*start_container_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  /* @grace microseconds after the stop signal comes SIGKILL; a shorter grace than an earlier call's holds. Its end is told by #KubeRuntime::changed. */
  void (*stop_container) (KubeRuntime *runtime, const char *id, gint64 grace);
  void (*remove_container_async) (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*remove_container_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  KubeContainer *(*dup_container) (KubeRuntime *runtime, const char *id);
  GPtrArray *(*list_containers) (KubeRuntime *runtime, const char *uid);
  gboolean (*get_usage) (KubeRuntime *runtime, const char *id, KubeContainerUsage *usage);

  /* options->argv NULL: attach */
  void (*exec_async) (KubeRuntime *runtime, const char *id, const KubeExecOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  KubeExec *(*exec_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  GInputStream *(*open_log) (KubeRuntime *runtime, const char *id, const KubeLogOptions *options, GError **error);
  /* (nullable): the log was renamed: it goes on under its old name; FALSE: nobody writes it any more */
  gboolean (*reopen_log) (KubeRuntime *runtime, const char *id);
  void (*dial_async) (KubeRuntime *runtime, const char *uid, guint16 port, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
  GIOStream *(*dial_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  /* @resources replaces those of the configuration; the container goes on */
  void (*update_container_async) (KubeRuntime *runtime, const char *id, KubeValue *resources, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*update_container_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  /* the same for the pod as a whole */
  void (*update_pod_async) (KubeRuntime *runtime, const char *uid, KubeValue *resources, GAsyncReadyCallback callback, gpointer user_data);
  gboolean (*update_pod_finish) (KubeRuntime *runtime, GAsyncResult *result, GError **error);
  KubeValue *(*dup_pod) (KubeRuntime *runtime, const char *uid);
  gpointer reserved[3];
};

KUBE_AVAILABLE_IN_1_0
void kube_runtime_get_version (KubeRuntime *runtime, char **name, char **version);
KUBE_AVAILABLE_IN_1_0
void kube_runtime_start_pod_async (KubeRuntime *runtime, KubeValue *config, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_start_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_runtime_stop_pod_async (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_stop_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_runtime_remove_pod_async (KubeRuntime *runtime, const char *uid, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_remove_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error);
KUBE_AVAILABLE_IN_1_0
char *kube_runtime_dup_netns (KubeRuntime *runtime, const char *uid) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_has_pod (KubeRuntime *runtime, const char *uid);
KUBE_AVAILABLE_IN_1_0
GStrv kube_runtime_list_pods (KubeRuntime *runtime) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_runtime_create_container_async (KubeRuntime *runtime, const char *uid, KubeValue *config, KubeImage *image, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
char *kube_runtime_create_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_runtime_start_container_async (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_start_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_runtime_stop_container (KubeRuntime *runtime, const char *id, gint64 grace);
KUBE_AVAILABLE_IN_1_0
void kube_runtime_remove_container_async (KubeRuntime *runtime, const char *id, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_remove_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error);
/* (transfer full) (nullable) */
KUBE_AVAILABLE_IN_1_0
KubeContainer *kube_runtime_dup_container (KubeRuntime *runtime, const char *id) G_GNUC_WARN_UNUSED_RESULT;
/* (transfer container) (element-type KubeContainer): by creation, the oldest first; @uid NULL: of all pods */
KUBE_AVAILABLE_IN_1_0
GPtrArray *kube_runtime_list_containers (KubeRuntime *runtime, const char *uid) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_runtime_update_container_async (KubeRuntime *runtime, const char *id, KubeValue *resources, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_update_container_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error);
KUBE_AVAILABLE_IN_1_0
void kube_runtime_update_pod_async (KubeRuntime *runtime, const char *uid, KubeValue *resources, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_update_pod_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error);
/* (transfer full) (nullable) */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_runtime_dup_pod (KubeRuntime *runtime, const char *uid) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_get_usage (KubeRuntime *runtime, const char *id, KubeContainerUsage *usage);
KUBE_AVAILABLE_IN_1_0
void kube_runtime_exec_async (KubeRuntime *runtime, const char *id, const KubeExecOptions *options, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
KubeExec *kube_runtime_exec_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
GInputStream *kube_runtime_open_log (KubeRuntime *runtime, const char *id, const KubeLogOptions *options, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_reopen_log (KubeRuntime *runtime, const char *id);
KUBE_AVAILABLE_IN_1_0
void kube_runtime_dial_async (KubeRuntime *runtime, const char *uid, guint16 port, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
KUBE_AVAILABLE_IN_1_0
GIOStream *kube_runtime_dial_finish (KubeRuntime *runtime, GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* For implementations: emits #KubeRuntime::changed (id). */
KUBE_AVAILABLE_IN_1_0
void kube_runtime_emit_changed (KubeRuntime *runtime, const char *id);

/* Containers by crun and conmon. @data_dir: where everything of it lives. Errors: those of kube_runtime_oci_check(). */
#define KUBE_TYPE_RUNTIME_OCI (kube_runtime_oci_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeRuntimeOci, kube_runtime_oci, KUBE, RUNTIME_OCI, GObject)
KUBE_AVAILABLE_IN_1_0
KubeRuntime *kube_runtime_oci_new (const char *data_dir, KubeImageStore *images, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Whether this host can run containers. Errors: %KUBE_ERROR_FORBIDDEN without root, %KUBE_ERROR_NOT_FOUND with a message that names all that is missing. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_oci_check (GError **error);
/* Kills and removes all that runtimes of @data_dir left on the host: processes, mounts, namespaces, cgroups, and the files. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_runtime_oci_clean_up (const char *data_dir, GError **error);

/* No processes: containers start at once and run until they are stopped, or as the pod's annotations `sim.libkube.dev/run-seconds` and
 * `sim.libkube.dev/exit-code` (copied to the container's configuration as `simRunSeconds`, `simExitCode`) say. */
#define KUBE_TYPE_RUNTIME_SIM (kube_runtime_sim_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeRuntimeSim, kube_runtime_sim, KUBE, RUNTIME_SIM, GObject)
KUBE_AVAILABLE_IN_1_0
KubeRuntime *kube_runtime_sim_new (KubeClock *clock) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
