/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include "kube-user.h"

G_BEGIN_DECLS

/* The CAs whose client certificates are users. Immutable; any thread. */
typedef struct _KubeClientCa KubeClientCa;

/* @pem: one or more certificates. Errors: KUBE_ERROR_INTERNAL. */
KubeClientCa *kube_client_ca_new (const char *pem, GError **error);
void kube_client_ca_free (KubeClientCa *ca);
/* Who @chain (element-type GBytes: DER, the client's own first) says the client is: name from CN, groups from all O. Errors: KUBE_ERROR_UNAUTHORIZED: it is not to be believed.
 * NULL without an error: it has no CN. */
KubeUser *kube_client_ca_identify (KubeClientCa *ca, GPtrArray *chain, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeClientCa, kube_client_ca_free)

G_END_DECLS
