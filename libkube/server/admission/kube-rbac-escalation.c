/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

/* Upstream checks this in the storage of the RBAC kinds; here it is the first of the plugins, because it needs the same of a request. */
static gboolean
check (KubeAdmission *admission, GError **error)
{
  if (!g_str_equal (admission->info->group, "rbac.authorization.k8s.io"))
    return TRUE;
  return kube_auth_check_escalation (admission->auth, admission->user, admission->info, admission->old, admission->final, error);
}

const KubeAdmissionPlugin kube_admission_rbac_escalation = { "RBACEscalation", KUBE_ADMIT_CREATE | KUBE_ADMIT_UPDATE, NULL, check };
