/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>

#include "kube-pod-allocation.h"
#include "kube-pod-worker.h"
#include "kube-prober.h"

G_BEGIN_DECLS

typedef enum {
  KUBE_ROLE_INIT,
  KUBE_ROLE_SIDECAR, /* an init container that is restarted always */
  KUBE_ROLE_MAIN,
  KUBE_ROLE_EPHEMERAL, /* added to a running pod for its debugging: runs once, and nothing waits for it */
} KubeRole;

typedef enum {
  KUBE_STEP_WAITING, /* not begun, or to begin again; `reason` says why not yet */
  KUBE_STEP_BUSY,    /* an image is pulled, or the container is made or started */
  KUBE_STEP_HOOK,    /* it runs, its postStart hook has not ended */
  KUBE_STEP_RUNNING,
  KUBE_STEP_STOPPING, /* it runs, and was told to end */
  KUBE_STEP_EXITED,
} KubeContainerStep;

typedef struct {
  KubePodWorker *worker; /* (unowned) */
  const char *name;      /* of spec */
  KubeValue *spec;       /* (owned) */
  KubeRole role;
  KubeContainerStep step;
  const char *reason;  /* static: why it waits */
  char *message;       /* (nullable) */
  KubeContainer *info; /* (owned) (nullable): the newest instance */
  KubeContainer *last; /* (owned) (nullable): the one before, ended */
  gint64 restarts;
  char *image_name, *image_id; /* (nullable): of the newest instance */
  GPtrArray *volume_images;    /* (element-type KubeImage): of its volumes, as far as they are here */
  KubeValue *user;             /* (nullable): what its processes run as */
  gint64 delay, delay_set;     /* crash loop: microseconds, and when it was set (wall clock) */
  gint64 pull_delay, pull_at;
  char *pull_error;       /* (nullable) */
  GSource *timer;         /* (owned) (nullable): back-off */
  KubeProber *probers[3]; /* by KubeProbeKind */
  KubeHandler *hook;      /* (nullable) */
  gboolean started, ready;
  gint64 stop_at;     /* monotonic: when it is killed */
  gboolean restart_now; /* it was stopped to begin anew: whatever its policy is, and without back-off */
  gboolean announced; /* an event has told of the present back-off */
} KubePodContainer;

typedef enum {
  KUBE_WORKER_NEW,
  KUBE_WORKER_SOURCES, /* waits for the objects that it names */
  KUBE_WORKER_TOKENS,  /* asks for service account tokens */
  KUBE_WORKER_VOLUMES, /* a worker thread puts them in place */
  KUBE_WORKER_SANDBOX, /* the runtime makes its namespaces */
  KUBE_WORKER_NETWORK,
  KUBE_WORKER_RUNNING,  /* containers start, run and start again */
  KUBE_WORKER_KILLING,  /* containers are told to end */
  KUBE_WORKER_TEARDOWN, /* namespaces, network and volumes go */
  KUBE_WORKER_FINISHED, /* it has ended; its logs are there until it is deleted */
  KUBE_WORKER_REMOVING, /* its last files go */
  KUBE_WORKER_DELETING, /* the API is told */
  KUBE_WORKER_GONE,
} KubeWorkerState;

/* Why a change of resources is not done yet; `since` 0: there is none. */
typedef struct {
  const char *reason; /* static (nullable) */
  char *message;      /* (nullable) */
  gint64 since, probed, generation;
} KubeResizeState;

struct _KubePodWorker {
  guint references;
  KubeNodeContext *node;
  KubeObject *wanted; /* (owned): the newest, as the API has it */
  KubeObject *pod;    /* (owned): the same with the resources that it is granted */
  KubePodAllocation *allocation; /* (owned) */
  char *uid, *folder;
  KubePodWorkerFunc gone; /* NULL: freed by the agent */
  gpointer user_data;
  KubeWorkerState state;
  gboolean busy;         /* a step of the state is under way */
  GPtrArray *containers; /* (element-type KubePodContainer): init containers first, ephemeral ones last */
  GStrv ips;             /* (nullable) */
  gint64 start_time;     /* wall clock */
  gboolean removed;      /* from the API */
  gboolean settled;      /* it had ended before this agent: its status stays as it is */
  gboolean adopted;      /* it ran before this agent */
  gboolean token_failed;
  gboolean rejected;
  gboolean simulated;
  gint64 kill_at; /* monotonic: the end of the grace */
  gint64 grace;
  const char *end_phase; /* static (nullable): "Succeeded", "Failed" */
  char *end_reason, *end_message;
  GHashTable *tokens; /* (owned): "volume/path" -> token */
  guint tokens_pending;
  char *failure; /* (nullable): of the last try to get ready */
  gint64 retry_delay;
  GSource *retry_timer, *deadline_timer, *token_timer, *status_timer; /* (owned) (nullable) */
  gboolean volumes_dirty;
  KubeResizeState pending, in_progress;
  gboolean resizing;     /* the runtime changes a limit */
  GSource *resize_timer; /* (owned) (nullable): after a failure */
  /* status */
  KubeValue *sent; /* (owned): what the API has */
  gboolean patching, patch_again;
  guint64 revision; /* of `pod` */
};

/* kube-pod-container.c: one container's life */
void kube_pod_container_free (KubePodContainer *container);
/* Takes over what an earlier agent left. */
void kube_pod_container_adopt (KubePodContainer *container);
/* Pulls, makes and starts it; ends in kube_pod_worker_step(). */
void kube_pod_container_begin (KubePodContainer *container);
/* Whether it may begin again now; else it waits in CrashLoopBackOff. */
gboolean kube_pod_container_may_restart (KubePodContainer *container);
/* @at: when its grace ends, by the monotonic clock; an earlier one than before cuts its preStop hook short. */
void kube_pod_container_stop (KubePodContainer *container, gint64 at, const char *message);
void kube_pod_container_changed (KubePodContainer *container);
/* Its configuration is another. */
void kube_pod_container_refresh (KubePodContainer *container);
gboolean kube_pod_container_is_alive (KubePodContainer *container); /* it runs, or is on the way to */
gboolean kube_pod_container_has_succeeded (KubePodContainer *container);

/* The volume of its @index-th mount of an image; NULL: it has no more. */
KubeValue *kube_pod_container_get_image_volume (KubePodContainer *container, guint index);

/* kube-pod-worker.c */
void kube_pod_worker_step (KubePodWorker *worker);
void kube_pod_worker_event (KubePodWorker *worker, KubePodContainer *container, const char *type, const char *reason,
                            const char *format, ...) G_GNUC_PRINTF (5, 6);
/* A step towards running failed: it is tried again later and later. */
void kube_pod_worker_retry (KubePodWorker *worker, const char *reason, const char *message);
void kube_pod_worker_retry_later (KubePodWorker *worker, gint64 delay);
void kube_pod_worker_release_sources (KubePodWorker *worker);
/* Whether the containers have had their turn, after those of initialisation. */
gboolean kube_pod_worker_has_main_begun (KubePodWorker *worker);
char *kube_pod_worker_format (KubePodWorker *worker); /* name_namespace(uid) */
gint64 kube_pod_worker_get_grace (KubePodWorker *worker);
gint64 kube_pod_worker_after (KubePodWorker *worker, gint64 seconds); /* by the monotonic clock */

/* kube-pod-setup.c: the steps until containers can be made; each ends in the machine's next state */
gboolean kube_pod_setup_is_supplied (KubePodWorker *worker);
gboolean kube_pod_setup_ask_tokens (KubePodWorker *worker); /* whether any is still to come */
void kube_pod_setup_apply_volumes (KubePodWorker *worker, gboolean first);
void kube_pod_setup_start_sandbox (KubePodWorker *worker);
void kube_pod_setup_attach_network (KubePodWorker *worker);
/* Both (nullable); @callback gets a reference to @worker. */
void kube_pod_setup_remove_folders (KubePodWorker *worker, const char *volumes, const char *other, GAsyncReadyCallback callback);

/* kube-pod-teardown.c: the steps after its containers have ended */
void kube_pod_teardown_begin (KubePodWorker *worker);
void kube_pod_teardown_remove (KubePodWorker *worker);
void kube_pod_teardown_delete (KubePodWorker *worker);

/* kube-pod-status.c: what the API is told */
KubeValue *kube_pod_status_make (KubePodWorker *worker);
/* "Pending", "Running", …: from the containers alone. */
const char *kube_pod_status_get_phase (KubePodWorker *worker);
/* Sends what changed, at once or, where nobody waits for it, in a moment. */
void kube_pod_status_update (KubePodWorker *worker);
gboolean kube_pod_status_is_current (KubePodWorker *worker);

/* kube-pod-config.c: what the runtime is told */
KubeValue *kube_pod_config_make (KubePodWorker *worker);
KubeValue *kube_container_config_make (KubePodContainer *container, KubeImage *image, GError **error);
/* A runtime's resources of a container whose `resources` are @of; they say so under "of". */
KubeValue *kube_container_config_make_resources (KubePodContainer *container, KubeValue *of);
char *kube_pod_qos_class (KubeObject *pod);

G_END_DECLS
