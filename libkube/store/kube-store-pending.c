/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-private.h"

#include <string.h>

KubeStorePending *
kube_store_pending_new (KubeStore *store, const KubeStoreWrite *write, KubeStoreWriteFunc callback, gpointer user_data)
{
  gsize length = strlen (write->key);
  KubeStorePending *pending = g_malloc0 (sizeof *pending + length + 1);

  memcpy (pending->key, write->key, length + 1);
  pending->store = g_object_ref (store);
  pending->context = g_main_context_ref_thread_default ();
  pending->callback = callback;
  pending->user_data = user_data;
  pending->write = *write;
  pending->write.key = pending->key;
  if (write->value != NULL)
    g_bytes_ref (write->value);
  if (write->previous != NULL)
    g_bytes_ref (write->previous);
  if (write->object != NULL)
    kube_object_ref (write->object);
  return pending;
}

void
kube_store_pending_free (KubeStorePending *pending)
{
  g_clear_pointer (&pending->write.value, g_bytes_unref);
  g_clear_pointer (&pending->write.previous, g_bytes_unref);
  g_clear_pointer (&pending->write.object, kube_object_unref);
  g_clear_pointer (&pending->value, g_bytes_unref);
  g_clear_pointer (&pending->previous, g_bytes_unref);
  g_clear_error (&pending->error);
  g_main_context_unref (pending->context);
  g_object_unref (pending->store);
  g_free (pending);
}

void
kube_store_pending_fail (KubeStorePending *pending, const GError *error)
{
  g_clear_error (&pending->error);
  g_clear_pointer (&pending->value, g_bytes_unref);
  g_clear_pointer (&pending->previous, g_bytes_unref);
  pending->revision = 0;
  pending->error = g_error_copy (error);
}

gboolean
kube_store_pending_check (KubeStorePending *pending, guint64 current)
{
  const KubeStoreWrite *write = &pending->write;

  if (write->remove && current == 0) {
    pending->error = g_error_new (KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s: there is no such key", write->key);
    return FALSE;
  }
  if (write->expected != KUBE_STORE_ANY_REVISION && write->expected != current) {
    pending->error = g_error_new (KUBE_ERROR, KUBE_ERROR_CONFLICT,
                                  "%s: is at revision %" G_GUINT64_FORMAT ", expected %" G_GUINT64_FORMAT, write->key, current,
                                  write->expected);
    pending->revision = current;
    return FALSE;
  }
  return TRUE;
}

GBytes *
kube_store_pending_make_value (KubeStorePending *pending, guint64 revision)
{
  const KubeStoreWrite *write = &pending->write;
  char digits[24];
  gsize length, n_digits;
  const char *data;
  char *made;

  if (write->value == NULL || write->revision_at == KUBE_STORE_NO_OFFSET)
    return write->value != NULL ? g_bytes_ref (write->value) : NULL;

  data = g_bytes_get_data (write->value, &length);
  n_digits = g_snprintf (digits, sizeof digits, "%" G_GUINT64_FORMAT, revision);
  made = g_malloc (length + n_digits);
  if (write->revision_at > 0)
    memcpy (made, data, write->revision_at);
  memcpy (made + write->revision_at, digits, n_digits);
  if (length > write->revision_at)
    memcpy (made + write->revision_at + n_digits, data + write->revision_at, length - write->revision_at);
  return g_bytes_new_take (made, length + n_digits);
}

void
kube_store_pending_get_event (KubeStorePending *pending, KubeStoreEvent *event)
{
  *event = (KubeStoreEvent){
    .type = pending->write.remove ? KUBE_STORE_EVENT_REMOVE : KUBE_STORE_EVENT_PUT,
    .revision = pending->revision,
    .key = pending->key,
    .value = pending->value,
    .previous = pending->previous,
    .object = pending->write.object,
  };
}

typedef struct {
  GMainContext *context; /* (owned) */
  KubeStorePending *first;
  KubeStorePending **last;
} Group;

static void
group_free (Group *group)
{
  KubeStorePending *next;

  for (KubeStorePending *pending = group->first; pending != NULL; pending = next) {
    next = pending->next;
    kube_store_pending_free (pending);
  }
  g_main_context_unref (group->context);
  g_free (group);
}

static gboolean
group_run (gpointer data)
{
  Group *group = data;

  while (group->first != NULL) {
    KubeStorePending *pending = group->first;
    KubeStoreResult result = { pending->error, pending->revision, pending->value };

    group->first = pending->next;
    if (pending->callback != NULL)
      pending->callback (pending->store, &result, pending->user_data);
    kube_store_pending_free (pending);
  }
  return G_SOURCE_REMOVE;
}

static void
group_attach (Group *group)
{
  g_autoptr (GMainContext) context = g_main_context_ref (group->context);
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "kube-store-written");
  g_source_set_callback (source, group_run, group, (GDestroyNotify) group_free);
  g_source_attach (source, context);
  g_source_unref (source);
}

static Group *
find_group (GPtrArray *groups, GMainContext *context)
{
  Group *group;

  for (guint i = groups->len; i > 0; i--) {
    group = groups->pdata[i - 1];
    if (group->context == context)
      return group;
  }
  group = g_new0 (Group, 1);
  group->context = g_main_context_ref (context);
  group->last = &group->first;
  g_ptr_array_add (groups, group);
  return group;
}

void
kube_store_pending_deliver (KubeStorePending *first)
{
  g_autoptr (GPtrArray) groups = g_ptr_array_new ();
  KubeStorePending *next;

  for (KubeStorePending *pending = first; pending != NULL; pending = next) {
    Group *group = find_group (groups, pending->context);

    next = pending->next;
    pending->next = NULL;
    *group->last = pending;
    group->last = &pending->next;
  }
  for (guint i = 0; i < groups->len; i++)
    group_attach (groups->pdata[i]);
}
