/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-protection.h"

#define FINALIZER "kubernetes.io/pv-protection"

/* A PersistentVolume stays as long as it is bound. */
static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  KubeInformer **volumes = user_data;
  KubeObject *volume = kube_informer_get_by_key (*volumes, key);

  if (volume == NULL)
    return TRUE;
  if (!kube_protection_is_asked (volume, FINALIZER))
    kube_protection_plan_hold (plan, volume, FINALIZER);
  else if (g_strcmp0 (kube_object_get_string (volume, "status.phase"), "Bound") != 0)
    kube_protection_plan_release (plan, volume, FINALIZER);
  return TRUE;
}

void
kube_volume_protection_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  KubeInformer **volumes = g_new0 (KubeInformer *, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "pv-protection-controller", reconcile, volumes, g_free);

  *volumes = kube_controller_watch (controller, KUBE_KIND ("v1", "PersistentVolume"), NULL, NULL);
}
