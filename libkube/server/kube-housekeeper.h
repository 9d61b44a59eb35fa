/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-server-private.h"

G_BEGIN_DECLS

/* What a server does unasked, on its own thread: objects that are kept for a time only (events) are removed, and the store forgets history that no watch needs. Without writes there is nothing to do
 * and no timer runs. */

KubeHousekeeper *kube_housekeeper_new (KubeStore *store, KubeClock *clock, GMainContext *context);
/* On @context, or when its thread has ended. */
void kube_housekeeper_free (KubeHousekeeper *housekeeper);
/* Any thread: something was written. */
void kube_housekeeper_note_write (KubeHousekeeper *housekeeper);
/* Any thread: what @key holds since @revision goes @ttl seconds from now, unless it is written again before. */
void kube_housekeeper_expire (KubeHousekeeper *housekeeper, const char *key, guint64 revision, gint64 ttl);

G_END_DECLS
