/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validation.h"

#include "kube-validate-private.h"

static const KubeValidateRules *const tables[] = {
  kube_validate_pod_rules,   kube_validate_service_rules,  kube_validate_config_rules, kube_validate_node_rules, kube_validate_endpoints_rules,
  kube_validate_event_rules, kube_validate_workload_rules, kube_validate_rbac_rules,   kube_validate_misc_rules,
  kube_validate_batch_rules, kube_validate_sets_rules, kube_validate_autoscaling_rules, kube_validate_networking_rules,
  kube_validate_storage_rules, kube_validate_persistent_rules, kube_validate_quota_rules, kube_validate_webhook_rules,
  kube_validate_flowcontrol_rules, kube_validate_registration_rules, kube_validate_certificate_rules, kube_validate_review_rules,
  kube_validate_device_claim_rules, kube_validate_device_slice_rules, kube_validate_policy_rules,
  kube_validate_definition_rules,
};

static const KubeValidateRules *
find_rules (KubeKind *kind)
{
  static const KubeValidateRules none = { .name_rule = KUBE_NAME_RULE_SUBDOMAIN };

  for (gsize t = 0; t < G_N_ELEMENTS (tables); t++)
    for (const KubeValidateRules *rules = tables[t]; rules->kind != NULL; rules++)
      if (equals (rules->kind, kind->name) && equals (rules->group, kind->group))
        return rules;
  return &none;
}

static void
check_whole (KubeFieldErrors *errors, KubeKind *kind, const KubeValidateRules *rules, KubeValue *object)
{
  KubeValue *meta = member_of (object, "metadata");
  const KubeFieldPath *path = AT (NULL, "metadata");

  if (!kind->not_stored && !(rules->flags & KUBE_VALIDATE_OWN_META)) {
    kube_validate_meta (errors, path, meta, kind->namespaced, rules->name_rule);
    if (!(rules->flags & KUBE_VALIDATE_ANY_FINALIZER))
      kube_validate_finalizer_names (errors, AT (path, "finalizers"), member_of (meta, "finalizers"));
  }
  if (rules->create != NULL)
    rules->create (errors, object);
  else
    kube_validate_structure (errors, kind, object);
}

/* Upstream's rules for a new object, decoded and defaulted. */
void
kube_validate_create (KubeKind *kind, KubeValue *object, KubeFieldErrors *errors)
{
  check_whole (errors, kind, find_rules (kind), object);
}

/* Upstream's rules for a changed object. The metadata's rules stand first, once for every kind; most kinds have them again, which is why their
 * causes come twice. */
void
kube_validate_update (KubeKind *kind, const char *subresource, KubeValue *object, KubeValue *old, KubeFieldErrors *errors)
{
  const KubeValidateRules *rules = find_rules (kind);
  const KubeFieldPath *path = AT (NULL, "metadata");
  KubeValue *meta = member_of (object, "metadata"), *old_meta = member_of (old, "metadata");

  kube_validate_meta_update (errors, path, meta, old_meta);
  if (subresource != NULL) {
    if (!(rules->flags & KUBE_VALIDATE_STATUS_ALONE))
      kube_validate_meta_update (errors, path, meta, old_meta);
    if (equals (subresource, "status") && rules->update_status != NULL)
      rules->update_status (errors, object, old);
    else if (rules->update_part != NULL)
      rules->update_part (errors, subresource, object, old);
    return;
  }

  if (rules->flags & KUBE_VALIDATE_AGAIN_FIRST)
    check_whole (errors, kind, rules, object);
  if ((rules->flags & KUBE_VALIDATE_META_ON_UPDATE) || rules->kind == NULL)
    kube_validate_meta_update (errors, path, meta, old_meta);
  if (rules->update != NULL)
    rules->update (errors, object, old);
  if ((rules->flags & KUBE_VALIDATE_AGAIN_ON_UPDATE))
    check_whole (errors, kind, rules, object);
  else if (rules->kind == NULL)
    kube_validate_structure (errors, kind, object);
}
