/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Takes an attached source off its context and lets go of it. */
static inline void
kube_clear_source (GSource **source)
{
  GSource *old = g_steal_pointer (source);

  if (old == NULL)
    return;
  g_source_destroy (old);
  g_source_unref (old);
}

G_END_DECLS
