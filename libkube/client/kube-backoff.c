/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-backoff-private.h"

gint64
kube_backoff_next (KubeBackoff *backoff, gint64 now)
{
  if (backoff->current == 0 || now - backoff->last > backoff->reset)
    backoff->current = backoff->first;
  else
    backoff->current = MIN (backoff->current * 2, backoff->longest);
  backoff->last = now;
  return backoff->current + g_random_double () * backoff->current;
}
