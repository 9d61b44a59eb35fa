/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-owner.h"
#include "kube-protection.h"

#define FINALIZER "kubernetes.io/pvc-protection"

typedef struct {
  KubeInformer *claims; /* (unowned) */
  KubeInformer *pods;   /* (unowned) */
} ClaimProtection;

/* The claim behind a volume of @pod: one that it names, or one that was made for an ephemeral volume. NULL: there is none. */
static char *
dup_claim_name (KubeObject *pod, KubeValue *volume)
{
  if (kube_value_get (volume, "ephemeral") != NULL)
    return g_strdup_printf ("%s-%s", kube_object_get_name (pod), kube_value_get_string (volume, "name"));
  return g_strdup (kube_value_get_string (volume, "persistentVolumeClaim.claimName"));
}

static void
index_claims (KubeObject *pod, GPtrArray *values, gpointer user_data)
{
  KubeValue *volumes = kube_object_get (pod, "spec.volumes");

  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    g_autofree char *claim = dup_claim_name (pod, kube_value_get_element (volumes, i));

    if (claim != NULL)
      g_ptr_array_add (values, g_strdup_printf ("%s/%s", kube_object_get_namespace (pod), claim));
  }
}

static void
keys_of_pod (KubeController *controller, KubeObject *pod, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  index_claims (pod, keys, NULL);
}

static gboolean
is_shut_down (KubeObject *pod)
{
  return kube_object_is_deleting (pod) && kube_value_get_integer (kube_object_get_value (pod), "metadata.deletionGracePeriodSeconds", -1) == 0;
}

/* A pod that has no node yet counts for nothing: no node starts one whose claim is being deleted. */
static gboolean
uses (KubeObject *pod, KubeObject *claim)
{
  KubeValue *volumes = kube_object_get (pod, "spec.volumes");

  if (kube_object_get_string (pod, "spec.nodeName") == NULL)
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i);
    g_autofree char *name = dup_claim_name (pod, volume);

    if (g_strcmp0 (name, kube_object_get_name (claim)) != 0)
      continue;
    if (kube_value_get (volume, "ephemeral") == NULL || (!is_shut_down (pod) && kube_owner_is_controlled_by (claim, pod)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_seen_in_use (ClaimProtection *self, KubeObject *claim, const char *key)
{
  g_autoptr (GPtrArray) pods = kube_informer_list_by (self->pods, "claim", key);

  for (guint i = 0; i < pods->len; i++) {
    if (uses (g_ptr_array_index (pods, i), claim))
      return TRUE;
  }
  return FALSE;
}

static gboolean
on_listed (KubeController *controller, const char *key, GPtrArray *answers, KubePlan *next, gpointer user_data, GError **error)
{
  KubeObject *claim = user_data;
  KubeObjectList *pods = kube_response_get_list (g_ptr_array_index (answers, 0));

  for (guint i = 0; i < kube_object_list_get_length (pods); i++) {
    if (uses (kube_object_list_get (pods, i), claim))
      return TRUE;
  }
  kube_protection_plan_release (next, claim, FINALIZER);
  return TRUE;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  ClaimProtection *self = user_data;
  KubeObject *claim = kube_informer_get_by_key (self->claims, key);
  g_autoptr (KubeRequest) request = NULL;

  if (claim == NULL)
    return TRUE;
  if (!kube_protection_is_asked (claim, FINALIZER)) {
    kube_protection_plan_hold (plan, claim, FINALIZER);
    return TRUE;
  }
  if (is_seen_in_use (self, claim, key))
    return TRUE;
  /* the informer may not show yet a pod that a node has already been given */
  request = kube_request_new (KUBE_VERB_LIST, KUBE_KIND ("v1", "Pod"), kube_object_get_namespace (claim), NULL);
  kube_plan_add_request (plan, request);
  kube_plan_continue (plan, on_listed, kube_object_ref (claim), (GDestroyNotify) kube_object_unref);
  return TRUE;
}

void
kube_volume_claim_protection_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  ClaimProtection *self = g_new0 (ClaimProtection, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, "pvc-protection-controller", reconcile, self, g_free);

  self->claims = kube_controller_watch (controller, KUBE_KIND ("v1", "PersistentVolumeClaim"), NULL, NULL);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), keys_of_pod, self);
  kube_informer_add_index (self->pods, "claim", index_claims, NULL);
}
