/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-version.h>

/**
 * kube_get_version:
 *
 * Returns: the version of libkube in use, for example "1.0.0"
 * Since: 1.0
 */
const char *
kube_get_version (void)
{
  return KUBE_VERSION;
}

/**
 * kube_get_kubernetes_version:
 *
 * Returns: the version of Kubernetes whose API it has, for example "v1.36.3"
 * Since: 1.0
 */
const char *
kube_get_kubernetes_version (void)
{
  return "v1.36.3";
}
