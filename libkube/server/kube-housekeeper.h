/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-server-private.h"

G_BEGIN_DECLS

/* What a server does unasked, on its own thread: objects that are kept for a time only (events) are removed, and the store forgets history that no watch needs. Without writes there is nothing to do
 * and no timer runs. */

/* @prefix: of the keys that expire; what is there already begins its time anew. @ttl: in seconds. */
KubeHousekeeper *kube_housekeeper_new (KubeStore *store, KubeClock *clock, GMainContext *context, const char *prefix, gint64 ttl);
/* On @context, or when its thread has ended. */
void kube_housekeeper_free (KubeHousekeeper *housekeeper);
/* Any thread: something was written, at @revision. @expires: under the prefix: it goes once it was left alone for as long as it is kept, or up to a minute later. */
void kube_housekeeper_note_write (KubeHousekeeper *housekeeper, guint64 revision, gboolean expires);

G_END_DECLS
