/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-testing.h"

#include "kube-store-private.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

namespace store_testing {

std::vector<Engine>
engines ()
{
  return {
    { "memory", false, [] (const char *, GError **) { return kube_store_memory_new (); } },
    { "lmdb", true, [] (const char *path, GError **error) { return kube_store_lmdb_new (path, error); } },
    // Nearly every write ends a file of the journal, so that what is read is partly in it, partly on its way and partly in LMDB.
    { "lmdb_short_journal", true, [] (const char *path, GError **error) { return kube_store_lmdb_new_with_journal (path, 2, error); } },
  };
}

std::string
make_folder ()
{
  // In memory where that is possible: thousands of syncs would only measure how busy the disk is.
  char shared[] = "/dev/shm/kube-store-XXXXXX";
  if (g_mkdtemp (shared) != nullptr)
    return shared;
  char *path = g_dir_make_tmp ("kube-store-XXXXXX", nullptr);
  std::string result = path;
  g_free (path);
  return result;
}

void
remove_folder (const std::string &path)
{
  GDir *dir = g_dir_open (path.c_str (), 0, nullptr);
  if (dir == nullptr)
    return;
  while (const char *name = g_dir_read_name (dir))
    g_remove ((path + "/" + name).c_str ());
  g_dir_close (dir);
  g_rmdir (path.c_str ());
}

std::string
to_string (GBytes *bytes)
{
  gsize length;
  auto data = static_cast<const char *> (g_bytes_get_data (bytes, &length));
  return std::string (data != nullptr ? data : "", length);
}

GBytes *
to_bytes (const std::string &text)
{
  return g_bytes_new (text.data (), text.size ());
}

static void
on_written (KubeStore *, const KubeStoreResult *result, gpointer user_data)
{
  auto outcome = static_cast<Outcome *> (user_data);
  outcome->done = true;
  outcome->revision = result->revision;
  outcome->has_value = result->value != nullptr;
  if (result->value != nullptr)
    outcome->value = to_string (result->value);
  if (result->error != nullptr) {
    EXPECT_EQ (result->error->domain, KUBE_ERROR);
    outcome->error = result->error->code;
    outcome->message = result->error->message;
  }
}

Outcome
write (KubeStore *store, const KubeStoreWrite &write)
{
  Outcome outcome;
  kube_store_write (store, &write, on_written, &outcome);
  EXPECT_FALSE (outcome.done) << "completed from within the call";
  EXPECT_TRUE (wait_until ([&] { return outcome.done; }));
  return outcome;
}

Outcome
put (KubeStore *store, const std::string &key, const std::string &value, guint64 expected, gsize revision_at)
{
  GBytes *bytes = to_bytes (value);
  KubeStoreWrite w = {};
  w.key = key.c_str ();
  w.value = bytes;
  w.expected = expected;
  w.revision_at = revision_at;
  Outcome outcome = write (store, w);
  g_bytes_unref (bytes);
  return outcome;
}

Outcome
erase (KubeStore *store, const std::string &key, guint64 expected)
{
  KubeStoreWrite w = {};
  w.key = key.c_str ();
  w.expected = expected;
  w.revision_at = KUBE_STORE_NO_OFFSET;
  w.remove = TRUE;
  return write (store, w);
}

std::vector<std::string>
Range::keys () const
{
  std::vector<std::string> result;
  for (const Item &item : items)
    result.push_back (item.key);
  return result;
}

Range
range (KubeStore *store, const std::string &start, const char *end, guint64 revision, guint64 limit)
{
  Range result;
  KubeStoreRange r = { start.c_str (), end, revision, limit };
  GError *error = nullptr;
  gboolean more = FALSE;
  result.ok = kube_store_range (
    store, &r,
    [] (const char *key, const guint8 *value, gsize length, guint64 at, gpointer user_data) -> gboolean {
      static_cast<std::vector<Item> *> (user_data)->push_back (
        { key, std::string (reinterpret_cast<const char *> (value), length), at });
      return TRUE;
    },
    &result.items, &result.read_at, &more, &error);
  result.more = more;
  if (error != nullptr) {
    result.error = error->code;
    result.message = error->message;
    g_error_free (error);
  }
  return result;
}

void
append_events (KubeStore *, const KubeStoreEvent *events, guint n_events, gpointer vector_of_events)
{
  auto list = static_cast<std::vector<Event> *> (vector_of_events);
  for (guint i = 0; i < n_events; i++)
    list->push_back ({ events[i].type, events[i].revision, events[i].key, to_string (events[i].value),
                       events[i].previous != nullptr, events[i].previous != nullptr ? to_string (events[i].previous) : "" });
}

std::vector<Event>
history (KubeStore *store, guint64 after, guint limit, int *code)
{
  std::vector<Event> events;
  GError *error = nullptr;
  gboolean ok = kube_store_history (store, after, limit, append_events, &events, &error);
  EXPECT_EQ (ok, error == nullptr);
  if (code != nullptr)
    *code = error != nullptr ? error->code : -1;
  else
    EXPECT_TRUE (ok) << (error != nullptr ? error->message : "");
  g_clear_error (&error);
  return events;
}

} // namespace store_testing
