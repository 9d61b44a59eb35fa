/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-daemon-backoff.h"

#define FIRST G_USEC_PER_SEC
#define LONGEST (15 * 60 * G_USEC_PER_SEC)

typedef struct {
  gint64 delay, since;
} Entry;

struct _KubeDaemonBackoff {
  GHashTable *entries; /* (element-type utf8 Entry) */
};

KubeDaemonBackoff *
kube_daemon_backoff_new (void)
{
  KubeDaemonBackoff *self = g_new0 (KubeDaemonBackoff, 1);

  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
kube_daemon_backoff_free (KubeDaemonBackoff *self)
{
  g_hash_table_unref (self->entries);
  g_free (self);
}

static gboolean
is_expired (gpointer key, gpointer value, gpointer now)
{
  return *(gint64 *) now - ((Entry *) value)->since > 2 * LONGEST;
}

gint64
kube_daemon_backoff_try (KubeDaemonBackoff *self, const char *key, gint64 now)
{
  Entry *entry;

  g_hash_table_foreach_remove (self->entries, is_expired, &now);
  entry = g_hash_table_lookup (self->entries, key);
  if (entry != NULL && now - entry->since < entry->delay)
    return entry->since + entry->delay - now;
  if (entry == NULL) {
    entry = g_new0 (Entry, 1);
    g_hash_table_insert (self->entries, g_strdup (key), entry);
  }
  *entry = (Entry) { entry->delay == 0 ? FIRST : MIN (2 * entry->delay, LONGEST), now };
  return 0;
}
