/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Delays that double from @first to @longest, each lengthened by up to its own length, as client-go's reflector has them; they
 * begin anew once nothing has failed for @reset. Microseconds. */
typedef struct {
  gint64 first;
  gint64 longest;
  gint64 reset;
  gint64 current; /* 0: none yet */
  gint64 last;    /* monotonic time of the last failure */
} KubeBackoff;

#define KUBE_BACKOFF_REFLECTOR ((KubeBackoff){ 800 * 1000, 30 * (gint64) G_USEC_PER_SEC, 120 * (gint64) G_USEC_PER_SEC, 0, 0 })

gint64 kube_backoff_next (KubeBackoff *backoff, gint64 now);

G_END_DECLS
