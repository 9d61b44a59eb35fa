/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-scheduler-private.h"

#include <kube/kube-selector.h>

G_BEGIN_DECLS

/* What spreading and affinity between pods count, kept up to date as pods and nodes come and go: how many pods of a kind are on each
 * node, and which nodes belong together. An attempt adds up a column of small numbers; it never looks at pods. */

/* Which pods: of some namespaces, with some labels. */
typedef struct {
  char **namespaces;         /* (nullable) */
  KubeSelector *namespaced;  /* (nullable): or of namespaces with these labels */
  KubeSelector *selector;    /* (nullable): none at all */
} SchedMatcher;

typedef enum {
  SCHED_TERM_AFFINITY,
  SCHED_TERM_ANTI_AFFINITY,
  SCHED_TERM_PREFERRED, /* with a weight, negative for anti-affinity */
} SchedTermKind;

/* One term of a pod's affinity to other pods. Immutable. */
typedef struct {
  gint refs;
  SchedTermKind kind;
  gint weight;
  char *id; /* the same for the same term of another pod */
  char *topology_key;
  SchedMatcher matcher;
} SchedTerm;

/* A number for each node, moved along with its row. */
typedef struct {
  gint32 *cells;
} SchedColumn;

typedef struct {
  char *key;
  SchedColumn *domains; /* number of the label's value; -1: the node has no such label */
  GHashTable *ids;      /* (element-type utf8 guint) */
  guint n_domains;
} SchedTopology;

/* Pods that match all of some matchers, by node. */
typedef struct {
  GPtrArray *matchers; /* (element-type SchedMatcher) */
  gboolean live_only;  /* not those that are being deleted */
  SchedColumn *counts;
  gint64 total;
  guint64 used;
} SchedGroup;

/* Pods that have a term, by node. */
typedef struct {
  SchedTerm *term;
  SchedColumn *counts;
  gint64 total;
} SchedHolders;

struct _SchedTopologies {
  GPtrArray *columns;     /* (element-type SchedColumn): all there are */
  GHashTable *topologies; /* (element-type utf8 SchedTopology) */
  GHashTable *groups;     /* (element-type utf8 SchedGroup) */
  GHashTable *holders;    /* (element-type utf8 SchedHolders) */
  GHashTable *namespaces; /* (element-type utf8 KubeObject) */
  guint64 serial;
  guint capacity; /* of each column */
};

SchedTopologies *sched_topologies_new (void);
void sched_topologies_free (SchedTopologies *topologies);
/* Rows were added, moved, or made empty. */
void sched_topologies_resize (SchedTopologies *topologies, guint capacity);
void sched_topologies_move (SchedTopologies *topologies, guint from, guint to);
void sched_topologies_clear (SchedTopologies *topologies, guint row);
void sched_topologies_set_node (SchedTopologies *topologies, const SchedNode *node);
void sched_topologies_count_pod (SchedTopologies *topologies, SchedPod *pod, guint row, int sign);
/* @object NULL: it is gone. */
void sched_topologies_set_namespace (SchedTopologies *topologies, const char *name, KubeObject *object);

SchedTopology *sched_topology_get (SchedCache *cache, const char *key);
/* @id names the matchers; @matchers is taken. */
SchedGroup *sched_group_get (SchedCache *cache, const char *id, GPtrArray *matchers, gboolean live_only);
gboolean sched_matcher_matches (SchedTopologies *topologies, const SchedMatcher *matcher, KubeObject *pod);
SchedMatcher *sched_matcher_new (const char *namespace_, KubeValue *label_selector);
void sched_matcher_free (SchedMatcher *matcher);

/* (nullable) (element-type SchedTerm) */
GPtrArray *sched_terms_new (KubeObject *pod);

G_END_DECLS
