/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gtest/gtest.h>
#include <kube/sys/kube-store.h>

#include <string>
#include <vector>

#include "wait-until.h"

namespace store_testing {

// One way to make a store. `path` is a folder of its own, empty at first; a durable engine opened on it again has the same content.
struct Engine {
  const char *name;
  bool durable;
  std::function<KubeStore *(const char *path, GError **error)> open;
};

std::vector<Engine> engines ();

std::string make_folder ();
void remove_folder (const std::string &path);

struct Outcome {
  bool done = false;
  guint64 revision = 0;
  int error = -1; // KubeError, -1 for none
  std::string message;
  bool has_value = false;
  std::string value;
};

Outcome write (KubeStore *store, const KubeStoreWrite &write);
Outcome put (KubeStore *store, const std::string &key, const std::string &value, guint64 expected = KUBE_STORE_ANY_REVISION,
             gsize revision_at = KUBE_STORE_NO_OFFSET);
Outcome erase (KubeStore *store, const std::string &key, guint64 expected = KUBE_STORE_ANY_REVISION);

struct Item {
  std::string key, value;
  guint64 revision;
  bool operator== (const Item &other) const
  {
    return key == other.key && value == other.value && revision == other.revision;
  }
};

struct Range {
  bool ok = false;
  int error = -1;
  std::string message;
  std::vector<Item> items;
  guint64 read_at = 0;
  bool more = false;
  std::vector<std::string> keys () const;
};

Range range (KubeStore *store, const std::string &start, const char *end, guint64 revision = 0, guint64 limit = 0);

struct Event {
  KubeStoreEventType type;
  guint64 revision;
  std::string key, value;
  bool has_previous;
  std::string previous;
  bool operator== (const Event &other) const
  {
    return type == other.type && revision == other.revision && key == other.key && value == other.value
           && has_previous == other.has_previous && previous == other.previous;
  }
};

std::vector<Event> history (KubeStore *store, guint64 after, guint limit = 1000, int *error = nullptr);
void append_events (KubeStore *store, const KubeStoreEvent *events, guint n_events, gpointer vector_of_events);

std::string to_string (GBytes *bytes);
GBytes *to_bytes (const std::string &text);

} // namespace store_testing
