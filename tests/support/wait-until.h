/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Runs the thread's main context until @condition holds; false: it did not within half a minute. For what happens on other threads or in other processes,
 * where no virtual clock reaches. */
template <typename Condition>
bool
wait_until (Condition condition)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GSource) tick = g_timeout_source_new (5); /* what happens there need not wake this thread */
  gint64 deadline = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  bool good;

  g_source_set_callback (tick, [] (gpointer) -> gboolean { return G_SOURCE_CONTINUE; }, nullptr, nullptr);
  g_source_attach (tick, context);
  while (!(good = condition ()) && g_get_monotonic_time () < deadline)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (tick);
  return good;
}
