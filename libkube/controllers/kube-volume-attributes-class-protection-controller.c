/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-protection.h"

#define FINALIZER "kubernetes.io/vac-protection"

typedef struct {
  KubeInformer *classes; /* (unowned) */
  KubeInformer *claims;  /* (unowned) */
  KubeInformer *volumes; /* (unowned) */
} ClassProtection;

/* The classes that a claim or a volume has, had or is to get. */
static void
index_classes (KubeObject *object, GPtrArray *values, gpointer user_data)
{
  static const char *const paths[] = { "spec.volumeAttributesClassName", "status.currentVolumeAttributesClassName",
                                       "status.modifyVolumeStatus.targetVolumeAttributesClassName" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    const char *name = kube_object_get_string (object, paths[i]);

    if (name != NULL && *name != '\0')
      g_ptr_array_add (values, g_strdup (name));
  }
}

static void
keys_of_user (KubeController *controller, KubeObject *object, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  index_classes (object, keys, NULL);
  if (old != NULL)
    index_classes (old, keys, NULL);
}

static gboolean
is_used (KubeInformer *informer, const char *name)
{
  g_autoptr (GPtrArray) users = kube_informer_list_by (informer, "attributes-class", name);

  return users->len > 0;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  ClassProtection *self = user_data;
  KubeObject *class = kube_informer_get_by_key (self->classes, key);

  if (class == NULL)
    return TRUE;
  if (!kube_protection_is_asked (class, FINALIZER))
    kube_protection_plan_hold (plan, class, FINALIZER);
  else if (!is_used (self->claims, key) && !is_used (self->volumes, key))
    kube_protection_plan_release (plan, class, FINALIZER);
  return TRUE;
}

void
kube_volume_attributes_class_protection_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  ClassProtection *self = g_new0 (ClassProtection, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "volumeattributesclass-protection-controller", reconcile, self, g_free);

  self->classes = kube_controller_watch (controller, KUBE_KIND ("storage.k8s.io/v1", "VolumeAttributesClass"), NULL, NULL);
  self->claims = kube_controller_watch (controller, KUBE_KIND ("v1", "PersistentVolumeClaim"), keys_of_user, self);
  self->volumes = kube_controller_watch (controller, KUBE_KIND ("v1", "PersistentVolume"), keys_of_user, self);
  kube_informer_add_index (self->claims, "attributes-class", index_classes, NULL);
  kube_informer_add_index (self->volumes, "attributes-class", index_classes, NULL);
}
