/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-admission.h"

G_BEGIN_DECLS

/* What plugins share. */

/* FALSE with upstream's Forbidden: pods "x" is forbidden: … */
gboolean kube_admission_forbid (KubeAdmission *admission, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* Whether the request is about @plural of @group itself, not about a subresource. */
gboolean kube_admission_is (KubeAdmission *admission, const char *group, const char *plural);
KubeObject *kube_admission_get (KubeAdmission *admission, const char *api_version, const char *kind, const char *namespace_, const char *name, GError **error);
GPtrArray *kube_admission_list (KubeAdmission *admission, const char *api_version, const char *kind, const char *namespace_);
KubeNode *kube_admission_get_root (KubeAdmission *admission);

extern const KubeAdmissionPlugin kube_admission_namespace_lifecycle;
extern const KubeAdmissionPlugin kube_admission_limit_ranger;
extern const KubeAdmissionPlugin kube_admission_service_account;
extern const KubeAdmissionPlugin kube_admission_node_restriction;
extern const KubeAdmissionPlugin kube_admission_taint_nodes_by_condition;
extern const KubeAdmissionPlugin kube_admission_pod_security;
extern const KubeAdmissionPlugin kube_admission_priority;
extern const KubeAdmissionPlugin kube_admission_default_toleration_seconds;
extern const KubeAdmissionPlugin kube_admission_default_storage_class;
extern const KubeAdmissionPlugin kube_admission_storage_object_in_use_protection;
extern const KubeAdmissionPlugin kube_admission_runtime_class;
extern const KubeAdmissionPlugin kube_admission_default_ingress_class;
extern const KubeAdmissionPlugin kube_admission_rbac_escalation;
extern const KubeAdmissionPlugin kube_admission_certificate_approval;
extern const KubeAdmissionPlugin kube_admission_certificate_signing;
extern const KubeAdmissionPlugin kube_admission_certificate_subject_restriction;

G_END_DECLS
