/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-hub-private.h"
#include "kube-object-private.h"

#include <string.h>

KubeHubEvent *
kube_hub_event_new (const KubeStoreEvent *committed)
{
  KubeHubEvent *event = g_new0 (KubeHubEvent, 1);

  g_atomic_ref_count_init (&event->refs);
  event->type = committed->type;
  event->revision = committed->revision;
  event->key = g_strdup (committed->key);
  event->object = committed->object != NULL ? kube_object_new_stored (committed->object, committed->value, committed->revision)
                                            : kube_object_new_from_bytes (committed->value);
  event->previous = committed->previous != NULL ? kube_object_new_from_bytes (committed->previous) : NULL;
  return event;
}

KubeHubEvent *
kube_hub_event_ref (KubeHubEvent *event)
{
  g_atomic_ref_count_inc (&event->refs);
  return event;
}

void
kube_hub_event_unref (KubeHubEvent *event)
{
  if (!g_atomic_ref_count_dec (&event->refs))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (event->frames); i++)
    g_clear_pointer (&event->frames[i], g_bytes_unref);
  kube_object_unref (event->object);
  g_clear_pointer (&event->previous, kube_object_unref);
  g_free (event->key);
  g_free (event);
}

GBytes *
kube_hub_event_get_frame (KubeHubEvent *event, guint slot, GBytes *(*encode) (KubeHubEvent *event, gpointer user_data), gpointer user_data)
{
  GBytes *frame, *made;

  g_return_val_if_fail (slot < G_N_ELEMENTS (event->frames), NULL);

  frame = g_atomic_pointer_get (&event->frames[slot]);
  if (frame != NULL)
    return frame;
  made = encode (event, user_data);
  if (g_atomic_pointer_compare_and_exchange (&event->frames[slot], NULL, made))
    return made;
  g_bytes_unref (made);
  return g_atomic_pointer_get (&event->frames[slot]);
}

gboolean
kube_hub_event_is_in (KubeHubEvent *event, const char *prefix, gsize length)
{
  return strncmp (event->key, prefix, length) == 0 && (event->key[length] == '\0' || prefix[length - 1] == '/');
}
