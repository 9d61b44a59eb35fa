/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-controller.h>

G_BEGIN_DECLS

/* For the manager: keys are taken from now on, or no longer. */
void kube_controller_start (KubeController *controller);
void kube_controller_stop (KubeController *controller);
/* For a new controller: makes it one of @manager's, which keeps it. */
void kube_manager_add (KubeManager *manager, KubeController *controller);
/* (transfer full): the client that @identity writes with. */
KubeClient *kube_manager_make_client (KubeManager *manager, const char *identity);

G_END_DECLS
