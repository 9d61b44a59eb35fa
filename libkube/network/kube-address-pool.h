/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-error.h>

G_BEGIN_DECLS

/* The IPv4 addresses of one CIDR: which are given out, and to whom. The network's own address, the first one (the gateway) and the last (broadcast) are never
 * given. A freed address comes last again, so that a late packet to it meets nobody new. Not locked. Addresses are in host byte order. */
typedef struct _KubeAddressPool KubeAddressPool;

/* Errors: KUBE_ERROR_INVALID. The prefix must be between 8 and 30. */
gboolean kube_cidr_parse (const char *cidr, guint32 *address, guint *prefix, GError **error);
char *kube_address_print (guint32 address) G_GNUC_WARN_UNUSED_RESULT;

KubeAddressPool *kube_address_pool_new (const char *cidr, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void kube_address_pool_free (KubeAddressPool *pool);
guint32 kube_address_pool_get_gateway (KubeAddressPool *pool);
guint kube_address_pool_get_prefix (KubeAddressPool *pool);
/* 0: all are given out (KUBE_ERROR_INTERNAL). The same owner gets the same address. */
guint32 kube_address_pool_take (KubeAddressPool *pool, const char *owner, GError **error);
/* Notes an address that @owner has already; FALSE where it is another's or not of this pool. */
gboolean kube_address_pool_claim (KubeAddressPool *pool, const char *owner, guint32 address);
guint32 kube_address_pool_find (KubeAddressPool *pool, const char *owner); /* 0: none */
void kube_address_pool_give_back (KubeAddressPool *pool, const char *owner);
GStrv kube_address_pool_list_owners (KubeAddressPool *pool) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeAddressPool, kube_address_pool_free)

G_END_DECLS
