/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-stateful-claims.h"
#include <kube/kube-error.h>
#include <string.h>
#include "kube-owner.h"
#include "kube-stateful-pods.h"

typedef enum { OWNER_NONE, OWNER_SET, OWNER_POD } Owner;

static KubeValue *
get_templates (const KubeStatefulClaims *self)
{
  return kube_object_get (self->set, "spec.volumeClaimTemplates");
}

/* (nullable) */
static KubeObject *
find_claim (const KubeStatefulClaims *self, KubeObject *pod, guint index, char **name)
{
  g_autofree char *made = kube_stateful_set_dup_claim_name (self->set, kube_value_get_element (get_templates (self), index), kube_stateful_pod_get_ordinal (self->set, pod));
  KubeObject *claim = kube_informer_get (self->claims, kube_object_get_namespace (self->set), made);

  if (name != NULL)
    *name = g_steal_pointer (&made);
  return claim;
}

/* --- making them --- */

static void
plan_claim (const KubeStatefulClaims *self, KubeObject *pod, KubeValue *template_, const char *name)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (template_);
  KubeNode *root = kube_builder_get_root (builder);
  KubeValue *labels = kube_object_get (self->set, "spec.selector.matchLabels");
  g_autoptr (KubeObject) claim = NULL;
  g_autofree char *bad = g_strdup_printf ("Create Claim %s for Pod %s in StatefulSet %s failed error: ", name, kube_object_get_name (pod), kube_object_get_name (self->set));

  kube_node_put_string (root, "apiVersion", "v1");
  kube_node_put_string (root, "kind", "PersistentVolumeClaim");
  kube_node_set_string (root, "metadata.name", name);
  kube_node_set_string (root, "metadata.namespace", kube_object_get_namespace (self->set));
  for (guint i = 0; i < kube_value_get_length (labels); i++)
    kube_node_put_value (kube_node_ensure_object (root, "metadata.labels"), kube_value_get_key (labels, i), kube_value_get_element (labels, i));
  claim = kube_object_new_from_builder (builder);
  kube_plan_create (self->plan, claim);
  kube_plan_report (self->plan, self->set, NULL, NULL, "FailedCreate", bad);
  kube_plan_event (self->plan, self->set, "Normal", "SuccessfulCreate", "Create Claim %s Pod %s in StatefulSet %s success", name, kube_object_get_name (pod),
                   kube_object_get_name (self->set));
}

gboolean
kube_stateful_claims_create (const KubeStatefulClaims *self, KubeObject *pod, GError **error)
{
  KubeValue *templates = get_templates (self);

  for (guint i = 0; i < kube_value_get_length (templates); i++) {
    g_autofree char *name = NULL;
    KubeObject *claim = find_claim (self, pod, i, &name);

    if (claim != NULL && kube_object_is_deleting (claim)) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_CONFLICT, "pvc %s is being deleted", name);
      return FALSE;
    }
    if (claim == NULL)
      plan_claim (self, pod, kube_value_get_element (templates, i), name);
  }
  return TRUE;
}

/* --- whose they are --- */

static gboolean
deletes (const KubeStatefulClaims *self, const char *when)
{
  return g_strcmp0 (kube_value_get_string (kube_object_get (self->set, "spec.persistentVolumeClaimRetentionPolicy"), when), "Delete") == 0;
}

/* Whom the policy gives the claims of @pod to: it goes with the pod once that is one too many, else with the set. */
static Owner
get_wanted (const KubeStatefulClaims *self, KubeObject *pod)
{
  if (deletes (self, "whenScaled") && !kube_stateful_set_has_ordinal (self->set, kube_stateful_pod_get_ordinal (self->set, pod)))
    return OWNER_POD;
  return deletes (self, "whenDeleted") ? OWNER_SET : OWNER_NONE;
}

static gboolean
names (KubeValue *reference, const char *api_version, const char *kind, KubeObject *object)
{
  return g_strcmp0 (kube_value_get_string (reference, "apiVersion"), api_version) == 0 && g_strcmp0 (kube_value_get_string (reference, "kind"), kind) == 0 &&
         g_strcmp0 (kube_value_get_string (reference, "name"), kube_object_get_name (object)) == 0;
}

/* What @reference is to: the set or the pod, by name. */
static Owner
get_named (const KubeStatefulClaims *self, KubeObject *pod, KubeValue *reference)
{
  if (names (reference, "apps/v1", "StatefulSet", self->set))
    return OWNER_SET;
  return names (reference, "v1", "Pod", pod) ? OWNER_POD : OWNER_NONE;
}

static gboolean
is_to (KubeValue *reference, KubeObject *owner)
{
  return kube_object_get_uid (owner) != NULL && g_strcmp0 (kube_value_get_string (reference, "uid"), kube_object_get_uid (owner)) == 0;
}

/* What the owner references of a claim are, all together. */
typedef struct {
  gboolean of_set, of_pod;
  gboolean stale_set, stale_pod; /* to one of the name that was before */
  gboolean bare;       /* the set or the pod, but not as the controller */
  gboolean controlled; /* by somebody else */
} Owners;

static Owners
read_owners (const KubeStatefulClaims *self, KubeObject *pod, KubeObject *claim)
{
  KubeValue *references = kube_object_get (claim, "metadata.ownerReferences");
  Owners owners = { 0 };

  for (guint i = 0; i < kube_value_get_length (references); i++) {
    KubeValue *reference = kube_value_get_element (references, i);
    gboolean of_set = is_to (reference, self->set), of_pod = is_to (reference, pod), controls = kube_value_get_boolean (reference, "controller", FALSE);
    Owner named = get_named (self, pod, reference);

    owners.of_set |= of_set;
    owners.of_pod |= of_pod;
    owners.stale_set |= named == OWNER_SET && !of_set;
    owners.stale_pod |= named == OWNER_POD && !of_pod;
    owners.bare |= (of_set || of_pod) && !controls;
    owners.controlled |= named == OWNER_NONE && controls;
  }
  return owners;
}

/* Somebody else looks after the claim, so that the policy is none of ours. */
static gboolean
is_foreign (const KubeStatefulClaims *self, const Owners *owners)
{
  return (deletes (self, "whenScaled") || deletes (self, "whenDeleted")) && (owners->controlled || owners->stale_set || owners->stale_pod);
}

static gboolean
is_settled (const KubeStatefulClaims *self, KubeObject *pod, KubeObject *claim)
{
  Owners owners = read_owners (self, pod, claim);
  Owner wanted = get_wanted (self, pod);

  if (owners.stale_set || owners.stale_pod)
    return TRUE;
  if (is_foreign (self, &owners))
    return !owners.of_set && !owners.of_pod;
  return !owners.bare && owners.of_set == (wanted == OWNER_SET) && owners.of_pod == (wanted == OWNER_POD);
}

gboolean
kube_stateful_claims_match (const KubeStatefulClaims *self, KubeObject *pod)
{
  for (guint i = 0; i < kube_value_get_length (get_templates (self)); i++) {
    KubeObject *claim = find_claim (self, pod, i, NULL);

    if (claim != NULL && !is_settled (self, pod, claim))
      return FALSE;
  }
  return TRUE;
}

static void
plan_owner (const KubeStatefulClaims *self, KubeObject *pod, KubeObject *claim, gboolean foreign)
{
  KubeValue *references = kube_object_get (claim, "metadata.ownerReferences");
  Owner wanted = foreign ? OWNER_NONE : get_wanted (self, pod);
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (claim));
  KubeNode *kept = kube_node_put_array (kube_node_ensure_object (kube_builder_get_root (builder), "metadata"), "ownerReferences");
  g_autoptr (KubeValue) reference = wanted == OWNER_NONE ? NULL : kube_owner_reference_new (wanted == OWNER_SET ? self->set : pod);
  g_autoptr (KubeObject) updated = NULL;

  for (guint i = 0; i < kube_value_get_length (references); i++) {
    if (get_named (self, pod, kube_value_get_element (references, i)) == OWNER_NONE)
      kube_node_append_value (kept, kube_value_get_element (references, i));
  }
  if (reference != NULL)
    kube_node_append_value (kept, reference);
  updated = kube_object_new_from_builder (builder);
  kube_plan_update (self->plan, updated);
}

void
kube_stateful_claims_update (const KubeStatefulClaims *self, KubeObject *pod)
{
  for (guint i = 0; i < kube_value_get_length (get_templates (self)); i++) {
    g_autofree char *name = NULL;
    KubeObject *claim = find_claim (self, pod, i, &name);
    Owners owners;

    if (claim == NULL || is_settled (self, pod, claim))
      continue;
    owners = read_owners (self, pod, claim);
    if (is_foreign (self, &owners))
      kube_plan_event (self->plan, self->set, "Warning", "ConflictingController",
                       "PersistentVolumeClaim %s has a conflicting OwnerReference that acts as a manging controller, the retention policy is ignored for this claim", name);
    plan_owner (self, pod, claim, is_foreign (self, &owners));
  }
}

gboolean
kube_stateful_claims_are_stale (const KubeStatefulClaims *self, KubeObject *pod)
{
  if (!deletes (self, "whenScaled"))
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (get_templates (self)); i++) {
    KubeObject *claim = find_claim (self, pod, i, NULL);

    if (claim != NULL && read_owners (self, pod, claim).stale_pod)
      return TRUE;
  }
  return FALSE;
}

void
kube_stateful_claims_add_keys (KubeInformer *sets, KubeObject *claim, GPtrArray *keys)
{
  g_autoptr (GPtrArray) all = kube_informer_list (sets, kube_object_get_namespace (claim), NULL);

  for (guint i = 0; i < all->len; i++) {
    KubeObject *set = g_ptr_array_index (all, i);
    KubeValue *templates = kube_object_get (set, "spec.volumeClaimTemplates");

    for (guint k = 0; k < kube_value_get_length (templates); k++) {
      g_autofree char *prefix = g_strconcat (kube_value_get_string (kube_value_get_element (templates, k), "metadata.name"), "-", kube_object_get_name (set), "-", NULL);

      if (g_str_has_prefix (kube_object_get_name (claim), prefix)) {
        g_ptr_array_add (keys, kube_object_dup_key (set));
        break;
      }
    }
  }
}
