/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>
#include <kube/kube-scheduler.h>
#include <kube/sys/kube-clock.h>
#include <kube/sys/kube-scheduler-plugin.h>

#include "kube-taint.h"

G_BEGIN_DECLS

/* Resources are columns; the first are always these. CPU is in thousandths, all else in units. */
enum {
  SCHED_CPU,
  SCHED_MEMORY,
  SCHED_EPHEMERAL_STORAGE,
  SCHED_FIRST_EXTENDED,
};

#define SCHED_NO_NODE G_MAXUINT
#define SCHED_MAX_SCORE 100

/* Strings of these are borrowed from their object. */
typedef struct {
  const char *ip; /* "0.0.0.0": all */
  const char *protocol;
  guint port;
} SchedPort;

typedef struct {
  guint resource;
  gint64 amount;
} SchedRequest;

typedef enum { SCHED_IN_NONE, SCHED_IN_ACTIVE, SCHED_IN_BACKOFF, SCHED_IN_ERROR_BACKOFF, SCHED_IN_UNSCHEDULABLE, SCHED_IN_GATED } SchedWhere;

typedef struct _SchedNode SchedNode;
typedef struct _SchedTopologies SchedTopologies;
typedef struct _SchedOwners SchedOwners;

/* A pod as the scheduler sees it: what it asks for, and where it is in queue or cache. */
typedef struct {
  KubeObject *object; /* (owned) */
  char *uid;
  const char *namespace_, *name; /* borrowed from @object, as all other strings and values */
  GArray *requests;              /* (element-type SchedRequest): what is not zero, ascending by resource */
  gint64 cpu, memory;            /* of @requests */
  gint64 scored[2];              /* cpu and memory, with upstream's defaults where a container asks for nothing */
  gint32 priority;
  gboolean never_preempts;
  GArray *ports;       /* (nullable) (element-type SchedPort) */
  GArray *tolerations; /* (nullable) (element-type KubeToleration) */
  KubeValue *node_selector;
  KubeValue *required_affinity;  /* nodeSelectorTerms */
  KubeValue *preferred_affinity; /* (nullable) */
  GPtrArray *terms;              /* (nullable) (element-type SchedTerm): affinity to other pods */
  const char *node_name;
  gint64 generation;

  SchedNode *node; /* in the cache, on this node */
  gboolean assumed;

  SchedWhere where;
  guint heap_index;
  gint64 queued_at; /* monotonic: when it came into the queue last */
  guint64 serial;
  gint64 ready_at;  /* in back-off: until when; unschedulable: since when */
  guint attempts, errors;
  guint64 rejectors; /* plugins that refused it, by number */
  char *nominated;   /* (nullable): the node where pods are evicted for it */
} SchedPod;

SchedPod *sched_pod_new (KubeObject *object, GPtrArray *resources, GHashTable *resource_index);
void sched_pod_free (SchedPod *pod);
/* The same pod, which is not in the cache, in a newer state; FALSE: what it asks for changed, so it must be made anew. */
gboolean sched_pod_update (SchedPod *pod, KubeObject *object);
guint sched_resource_index (GPtrArray *resources, GHashTable *resource_index, const char *name);
gint64 sched_quantity (guint resource, KubeValue *quantity);

struct _SchedNode {
  guint index; /* its row */
  char *name;
  KubeObject *object; /* (owned) */
  KubeValue *labels;  /* (nullable) borrowed from @object */
  GArray *taints;     /* (nullable) (element-type KubeTaint) */
  GHashTable *images; /* (nullable) (element-type utf8 gint64): name to size */
  GPtrArray *pods;    /* (element-type SchedPod) */
  GArray *ports;      /* (element-type SchedPort): in use */
};

#define SCHED_NODE_UNSCHEDULABLE 1
#define SCHED_NODE_TAINTED 2  /* with an effect that keeps pods away */
#define SCHED_NODE_DISLIKED 4 /* PreferNoSchedule */
#define SCHED_NODE_PORTS 8

/* All nodes, what they can give and what is taken, as columns by resource: the loops of filters and scores go along arrays. The
 * scheduler's thread is the only one that writes, so a cycle sees a snapshot without a copy. */
typedef struct {
  guint n_nodes, capacity;
  SchedNode **nodes;
  guint8 *flags;
  gint32 *n_pods, *max_pods;
  gint64 *scored[2];    /* of cpu and memory, with defaults for pods that ask for nothing */
  GPtrArray *allocatable, *requested; /* (element-type gint64*): by resource, each of @capacity */
  GPtrArray *resources;               /* (element-type utf8): names of the columns */
  GHashTable *resource_index;
  GHashTable *by_name; /* (element-type utf8 SchedNode) */
  GHashTable *pods;    /* (element-type utf8 SchedPod): assigned and assumed ones, by uid */
  GHashTable *homeless; /* (element-type utf8 GPtrArray): pods of nodes that are not known, by the node's name */
  GHashTable *images;  /* (element-type utf8 guint): on how many nodes */
  SchedTopologies *topologies; /* (owned) */
  SchedOwners *owners;         /* (nullable) */
} SchedCache;

SchedCache *sched_cache_new (void);
void sched_cache_free (SchedCache *cache);
/* What changed, of KubeSchedulerEvents. */
KubeSchedulerEvents sched_cache_set_node (SchedCache *cache, KubeObject *object);
void sched_cache_remove_node (SchedCache *cache, const char *name);
/* Takes @pod. A pod on a node that is not known is kept and counted when the node comes. */
void sched_cache_add_pod (SchedCache *cache, SchedPod *pod, const char *node_name);
/* A pod of the cache in a newer state, on the same node; FALSE: what it asks for changed. */
gboolean sched_cache_update_pod (SchedCache *cache, SchedPod *pod, KubeObject *object);
/* (transfer full) (nullable) */
SchedPod *sched_cache_remove_pod (SchedCache *cache, const char *uid);
/* Counts a pod on its node, or no longer; for trying out what an eviction would give. */
void sched_cache_count_pod (SchedCache *cache, SchedPod *pod, guint node, int sign);

static inline gint64
sched_allocatable (const SchedCache *cache, guint resource, guint node)
{
  return ((gint64 *) cache->allocatable->pdata[resource])[node];
}

static inline gint64
sched_requested (const SchedCache *cache, guint resource, guint node)
{
  return ((gint64 *) cache->requested->pdata[resource])[node];
}

struct _KubeSchedulerCycle {
  SchedCache *cache;
  SchedPod *pod;
  GArray *only; /* (nullable) (element-type guint): the only nodes that come into question */
  guint64 narrowed; /* by which plugins */
  GPtrArray *reasons; /* (nullable): where reasons are asked for */
  const guint8 *codes; /* in post-filter: KubeSchedulerCode by node */
  gpointer framework;
  gpointer state[64]; /* of each plugin, freed with g_free(); by its number */
  guint current;      /* number of the plugin that is called */
};

/* The plugins in upstream's order, and the running of them. */
typedef struct {
  KubeSchedulerPlugin *plugin; /* (owned) */
  KubeSchedulerPluginInterface *iface;
  guint weight;
  KubeSchedulerEvents events;
} SchedPlugin;

typedef struct {
  GArray *plugins; /* (element-type SchedPlugin) */
  guint percentage;
  guint start; /* where the next search begins */
  guint32 random;
  GArray *feasible; /* (element-type guint) */
  gint64 *total, *scores;
  guint8 *codes;
  gsize codes_size;
} SchedFramework;

/* What came of a cycle. */
typedef struct {
  guint node; /* or SCHED_NO_NODE */
  guint64 rejectors;
  char *message;   /* (owned): why none fits */
  char *nominated; /* (owned) (nullable) */
  gboolean failed; /* by an error, not by the filters */
} SchedResult;

SchedFramework *sched_framework_new (void);
void sched_framework_free (SchedFramework *framework);
void sched_framework_add (SchedFramework *framework, KubeSchedulerPlugin *plugin, guint weight);
void sched_framework_schedule (SchedFramework *framework, SchedCache *cache, SchedPod *pod, SchedResult *result);
void sched_result_clear (SchedResult *result);
/* Whether all filters let @pod on @node as it is now. */
gboolean sched_framework_fits (SchedFramework *framework, SchedCache *cache, SchedPod *pod, guint node);
/* The same within a cycle, after its pre-filters. */
KubeSchedulerCode sched_framework_filter (SchedFramework *framework, KubeSchedulerCycle *cycle, guint node);
char *sched_fit_message (guint n_nodes, GHashTable *reasons);

/* Pods that wait: ready ones by priority and age, those that wait out a failure, and those that wait for something to change. */
typedef struct {
  GPtrArray *active, *backoff, *error_backoff; /* heaps */
  GHashTable *pods;          /* (element-type utf8 SchedPod): all that wait, by uid */
  GHashTable *unschedulable; /* set */
  KubeSchedulerPlugin *sorter;
  guint64 serial;
} SchedQueue;

SchedQueue *sched_queue_new (void);
void sched_queue_free (SchedQueue *queue);
/* All take @pod. */
void sched_queue_add (SchedQueue *queue, SchedPod *pod, gint64 now);
void sched_queue_add_gated (SchedQueue *queue, SchedPod *pod);
/* These return when it will be brought up in any case. */
gint64 sched_queue_add_unschedulable (SchedQueue *queue, SchedPod *pod, gint64 now);
gint64 sched_queue_add_failed (SchedQueue *queue, SchedPod *pod, gint64 now);
/* (transfer full) (nullable): the next pod to try. */
SchedPod *sched_queue_take (SchedQueue *queue, gint64 now);
/* (transfer full) (nullable) */
SchedPod *sched_queue_remove (SchedQueue *queue, const char *uid);
/* An unschedulable pod may be schedulable now. */
void sched_queue_move (SchedQueue *queue, SchedPod *pod, gint64 now);
/* Brings up what has waited long enough; returns when to look again (monotonic), or -1. */
gint64 sched_queue_flush (SchedQueue *queue, gint64 now);
gboolean sched_queue_has_ready (SchedQueue *queue);

/* Built-in plugins, in upstream's order with upstream's weights. */
void sched_add_default_plugins (SchedFramework *framework, KubeClient *client, KubeClock *clock);

G_END_DECLS
