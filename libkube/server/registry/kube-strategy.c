/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-strategy.h"

static const KubeStrategy none;

/* Kinds of which only a property differs, and no code. */
static const KubeStrategy plain[] = {
  { .group = "", .plural = "events", .ttl = 3600 },
  { .group = "events.k8s.io", .plural = "events", .ttl = 3600 },
  { .group = "", .plural = "serviceaccounts", .returns_deleted = TRUE },
  { .group = "", .plural = "persistentvolumeclaims", .returns_deleted = TRUE },
  { .group = "", .plural = "persistentvolumes", .returns_deleted = TRUE },
  { .group = "", .plural = "podtemplates", .returns_deleted = TRUE },
  { .group = "", .plural = "resourcequotas", .returns_deleted = TRUE },
  { .group = "apps", .plural = "deployments", .status_labels = TRUE },
};

static const KubeStrategy *const with_code[] = {
  &kube_namespace_strategy,
  &kube_pod_strategy,
  &kube_service_strategy,
};

static gboolean
is_for (const KubeStrategy *strategy, KubeKind *kind)
{
  return g_str_equal (strategy->plural, kind->plural) && g_str_equal (strategy->group, kind->group);
}

const KubeStrategy *
kube_strategy_find (KubeKind *kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (with_code); i++) {
    if (is_for (with_code[i], kind))
      return with_code[i];
  }
  for (guint i = 0; i < G_N_ELEMENTS (plain); i++) {
    if (is_for (&plain[i], kind))
      return &plain[i];
  }
  return &none;
}
