/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-controllers.h>
#include <kube/kube-server.h>
#include <kube/sys/kube-store.h>

G_BEGIN_DECLS

/* An API server over the memory store with a virtual clock and a manager for controllers. All of it runs on the thread that made it, and only within the functions below. A mistake of
 * the test itself (YAML that does not parse, a kind that is not there) ends the program. */
typedef struct {
  GMainContext *context;    /* thread-default while the cluster lives */
  KubeVirtualClock *clock;
  KubeStore *store;
  KubeServer *server;
  KubeClient *client;       /* may do everything */
  KubeManager *manager;     /* its controllers write as their own service accounts */
} KubeTestCluster;

typedef gboolean (*KubeTestCondition) (KubeTestCluster *cluster, gpointer user_data);

KubeTestCluster *kube_test_cluster_new (void) G_GNUC_WARN_UNUSED_RESULT;
void kube_test_cluster_free (KubeTestCluster *cluster);
/* @names: (array zero-terminated=1): the built-in controllers that run. */
void kube_test_cluster_start (KubeTestCluster *cluster, const KubeControllersOptions *options, const char *const *names);

/* Runs what is ready to run; the time stands. */
void kube_test_cluster_settle (KubeTestCluster *cluster);
/* Lets so many microseconds go by. */
void kube_test_cluster_run (KubeTestCluster *cluster, gint64 duration);
/* Goes from one timer to the next until @condition holds; FALSE: it did not @within so many microseconds. */
gboolean kube_test_cluster_run_until (KubeTestCluster *cluster, KubeTestCondition condition, gpointer user_data, gint64 within) G_GNUC_WARN_UNUSED_RESULT;
gint64 kube_test_cluster_get_time (KubeTestCluster *cluster);

/* An object from YAML text. */
KubeObject *kube_test_object (const char *yaml) G_GNUC_WARN_UNUSED_RESULT;
KubeKind *kube_test_kind (const char *api_version, const char *kind);

/* All (transfer full); NULL with @error where the server refuses. */
KubeObject *kube_test_cluster_create (KubeTestCluster *cluster, const char *yaml, GError **error);
/* NULL: there is none. */
KubeObject *kube_test_cluster_get (KubeTestCluster *cluster, const char *api_version, const char *kind, const char *namespace_, const char *name) G_GNUC_WARN_UNUSED_RESULT;
/* @label_selector: (nullable). */
KubeObjectList *kube_test_cluster_list (KubeTestCluster *cluster, const char *api_version, const char *kind, const char *namespace_, const char *label_selector) G_GNUC_WARN_UNUSED_RESULT;
/* @subresource: (nullable). @patch: a merge patch as YAML. */
KubeObject *kube_test_cluster_patch (KubeTestCluster *cluster, const char *api_version, const char *kind, const char *namespace_, const char *name, const char *subresource, const char *patch,
                                     GError **error);
/* @grace_period: seconds, -1: not given. @propagation: (nullable). */
gboolean kube_test_cluster_delete (KubeTestCluster *cluster, const char *api_version, const char *kind, const char *namespace_, const char *name, gint64 grace_period, const char *propagation,
                                   GError **error);

G_END_DECLS
