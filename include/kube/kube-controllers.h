/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-controller.h>

G_BEGIN_DECLS

/**
 * KubeControllersOptions:
 * @root_ca_pem: (nullable): what the ConfigMap kube-root-ca.crt of each namespace says
 * @cluster_cidr: (nullable): from which each node gets its range of pod addresses; %NULL: none is given
 * @node_cidr_mask: the size of that range; 0: 24
 *
 * What the built-in controllers have to be told. Zeroed is a good default.
 *
 * Since: 1.0
 */
typedef struct {
  const char *root_ca_pem;
  const char *cluster_cidr;
  guint node_cidr_mask;
  gpointer reserved[8];
} KubeControllersOptions;

/* @selection: (nullable) (array zero-terminated=1): as kube-controller-manager's --controllers: names, "*" for all, "-name" for all but it; NULL: all.
 * Errors: %KUBE_ERROR_INVALID: a name that is not one of them. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_controllers_add (KubeManager *manager, const KubeControllersOptions *options, const char *const *selection, GError **error);
/* (transfer none) (array zero-terminated=1): their names, as kube-controller-manager has them. */
KUBE_AVAILABLE_IN_1_0
const char *const *kube_controllers_list (void);

G_END_DECLS
