/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include "kube-warnings.h"

/* Ingress and NetworkPolicy: what they are warned of. */

#define CLASS_ANNOTATION "kubernetes.io/ingress.class"

static void
warn_ingress (KubeOperation *op, KubeValue *ingress, KubeValue *old)
{
  KubeValue *annotations = kube_value_get (ingress, "metadata.annotations");

  if (old == NULL && kube_value_get_member (annotations, CLASS_ANNOTATION) != NULL && kube_value_get (ingress, "spec.ingressClassName") == NULL)
    kube_warn (op, "annotation \"%s\" is deprecated, please use 'spec.ingressClassName' instead", CLASS_ANNOTATION);
}

static void
warn_ingress_status (KubeOperation *op, KubeValue *ingress)
{
  KubeValue *points = kube_value_get (ingress, "status.loadBalancer.ingress");

  for (guint i = 0; i < kube_value_get_length (points); i++) {
    g_autofree char *path = g_strdup_printf ("status.loadBalancer.ingress[%u].ip", i);
    kube_address_warn (op, path, kube_value_get_member_string (kube_value_get_element (points, i), "ip"));
  }
}

static void
warn_block (KubeOperation *op, const char *path, KubeValue *block)
{
  KubeValue *except = kube_value_get_member (block, "except");
  g_autofree char *range = g_strconcat (path, ".cidr", NULL);

  kube_range_warn (op, range, kube_value_get_member_string (block, "cidr"));
  for (guint i = 0; i < kube_value_get_length (except); i++) {
    g_autofree char *at = g_strdup_printf ("%s.except[%u]", path, i);
    kube_range_warn (op, at, kube_value_peek_string (kube_value_get_element (except, i), NULL));
  }
}

static void
warn_policy (KubeOperation *op, KubeValue *policy, KubeValue *old G_GNUC_UNUSED)
{
  static const struct {
    const char *rules, *peers;
  } directions[] = { { "ingress", "from" }, { "egress", "to" } };

  for (gsize d = 0; d < G_N_ELEMENTS (directions); d++) {
    KubeValue *rules = kube_value_get_member (kube_value_get_member (policy, "spec"), directions[d].rules);
    for (guint r = 0; r < kube_value_get_length (rules); r++) {
      KubeValue *peers = kube_value_get_member (kube_value_get_element (rules, r), directions[d].peers);
      for (guint p = 0; p < kube_value_get_length (peers); p++) {
        g_autofree char *path = g_strdup_printf ("spec.%s[%u].%s[%u].ipBlock", directions[d].rules, r, directions[d].peers, p);
        warn_block (op, path, kube_value_get_member (kube_value_get_element (peers, p), "ipBlock"));
      }
    }
  }
}

const KubeStrategy kube_ingress_strategy = { .group = "networking.k8s.io", .plural = "ingresses", .warn = warn_ingress, .warn_status = warn_ingress_status };
const KubeStrategy kube_network_policy_strategy = { .group = "networking.k8s.io", .plural = "networkpolicies", .warn = warn_policy };
