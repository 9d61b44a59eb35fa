/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-error.h>

G_BEGIN_DECLS

/* The nftables table @table (family ip): what comes from @source and leaves for anything but @cluster takes the host's address. Replaces the table where it is there. */
gboolean kube_masquerade_install (const char *table, guint32 source, guint source_prefix, guint32 cluster, guint cluster_prefix,
                                  GError **error);
/* A table that is not there is no error. */
gboolean kube_masquerade_remove (const char *table, GError **error);

G_END_DECLS
