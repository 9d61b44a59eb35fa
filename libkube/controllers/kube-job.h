/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-controller.h>
#include "kube-job-indexes.h"

G_BEGIN_DECLS

/* A pod with this finalizer has not been counted in its Job's status. */
#define KUBE_JOB_TRACKING "batch.kubernetes.io/job-tracking"
#define KUBE_JOB_COMPLETION_INDEX "batch.kubernetes.io/job-completion-index"
#define KUBE_JOB_INDEX_FAILURES "batch.kubernetes.io/job-index-failure-count"
#define KUBE_JOB_INDEX_IGNORED_FAILURES "batch.kubernetes.io/job-index-ignored-failure-count"

/* At most so many pods are created, deleted or counted for one Job in one go. */
#define KUBE_JOB_BURST 500

/* --- what is known of failures, to wait longer after each --- */

typedef struct {
  char *uid;           /* of the Job */
  GHashTable *counted; /* (element-type utf8): uids of pods that are in the counts here, and not yet in the status */
  gint64 failures;     /* since the last success */
  gint64 last_failure; /* when */
} KubeJobBackoff;

KubeJobBackoff *kube_job_backoff_new (const char *uid) G_GNUC_WARN_UNUSED_RESULT;
void kube_job_backoff_free (KubeJobBackoff *backoff);
/* (element-type KubeJobPod): all that finished and that the status does not count yet; what was told before counts once. */
void kube_job_backoff_observe (KubeJobBackoff *backoff, GPtrArray *succeeded, GPtrArray *failed);
/* How long to wait before the next pod is made, after so many failures the last of which was at @last_failure. */
gint64 kube_job_backoff_left (gint64 failures, gint64 last_failure, gint64 now);
gint64 kube_job_pod_finish_time (KubeObject *pod);

/* --- a Job and what the informers show of it --- */

typedef struct {
  KubeObject *object;     /* (unowned) */
  gint64 index;           /* its completion index; -1: none */
  guint tracked : 1;      /* has the finalizer */
  guint in_range : 1;     /* its index is one of the Job's, or the Job has none */
  guint active : 1;       /* neither finished nor being deleted */
  guint terminating : 1;  /* being deleted and not finished */
  guint succeeded : 1;
  guint failed : 1;       /* as the Job counts it: where terminating pods are replaced, these have failed */
} KubeJobPod;

typedef enum {
  KUBE_JOB_UNDECIDED,
  KUBE_JOB_SUCCEEDS, /* condition SuccessCriteriaMet, in the end Complete */
  KUBE_JOB_FAILS,    /* condition FailureTarget, in the end Failed */
} KubeJobOutcome;

typedef struct {
  KubeObject *object;        /* (unowned) */
  gint64 now;
  gboolean retrying;         /* the last plan failed */

  gint64 parallelism;
  gint64 completions;        /* -1: any success completes it */
  gint64 backoff_limit;
  gint64 index_backoff_limit;/* -1: there is none per index */
  gboolean indexed, suspended;
  gboolean replaces_failed;  /* a pod is replaced once it is finished, not when it is being deleted */
  KubeValue *failure_policy; /* (nullable) */

  GArray *pods;              /* (element-type KubeJobPod): ordered by index */
  gint64 active, ready, terminating;
  GHashTable *uncounted_succeeded, *uncounted_failed; /* (element-type utf8): uids in the status */
  gint64 succeeded, failed;  /* with those that the status does not count yet */
  KubeJobBackoff *backoff;   /* (unowned) */

  GArray *counted_indexes;   /* (element-type KubeIndexRange): succeeded, in the status */
  GArray *succeeded_indexes; /* (element-type KubeIndexRange) */
  GArray *failed_indexes;    /* (nullable) (element-type KubeIndexRange): NULL where failures do not count per index */
  GHashTable *awaiting;      /* (element-type gint64 KubeJobPod): failed pods that hand their index's count to the pod to come */

  KubeJobOutcome outcome;
  gboolean was_decided;      /* the status says so already */
  const char *reason;        /* of the outcome */
  char *message;
  GPtrArray *doomed;         /* (element-type KubeJobPod): active pods that are to go */
  GArray *wanted;            /* (element-type gint64): the indexes of pods that are to come, -1 where they have none */
} KubeJob;

void kube_job_init (KubeJob *job, KubeObject *object, GPtrArray *pods, KubeJobBackoff *backoff, gint64 now);
void kube_job_clear (KubeJob *job);
#define KUBE_JOB_POD(job, i) (&g_array_index ((job)->pods, KubeJobPod, i))

gboolean kube_job_is_finished (KubeObject *object);
/* Whether another controller than the built-in one looks after it. */
gboolean kube_job_is_foreign (KubeObject *object);
/* How often a pod of this index has failed before @pod, with what the policy ignored or without. */
gint64 kube_job_count_index_failures (KubeObject *pod, gboolean with_ignored);

/* --- policies --- */

typedef enum {
  KUBE_JOB_FAILURE_COUNTS,
  KUBE_JOB_FAILURE_IGNORED,
  KUBE_JOB_FAILURE_OF_INDEX,
  KUBE_JOB_FAILURE_OF_JOB,
} KubeJobFailure;

/* What the failed @pod means; @message: (out) (optional) (nullable): why the Job fails. */
KubeJobFailure kube_job_judge_failure (KubeJob *job, KubeObject *pod, char **message);
/* (nullable): which rule of the success policy is met. */
char *kube_job_match_success (KubeJob *job) G_GNUC_WARN_UNUSED_RESULT;

/* --- what is to be done --- */

/* Fills in the outcome, where there is one by now, and which pods are to go or to come; @plan is told when this will have to be looked at again. */
void kube_job_decide (KubeJob *job, KubePlan *plan);
void kube_job_choose_pods (KubeJob *job, KubePlan *plan);
void kube_job_plan (KubeJob *job, KubePlan *plan);
/* Returns: (transfer full) (element-type KubeJobPod): those that the status then counts, which need not be tracked any longer. */
GPtrArray *kube_job_plan_status (KubeJob *job, KubePlan *plan) G_GNUC_WARN_UNUSED_RESULT;
void kube_job_plan_untrack (KubePlan *plan, KubeObject *pod);

/* A controller of its own for pods that no Job counts any longer: they lose the finalizer, which would keep them for ever. */
void kube_job_orphans_add (KubeManager *manager);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeJob, kube_job_clear)

G_END_DECLS
