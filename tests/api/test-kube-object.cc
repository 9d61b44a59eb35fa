/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include "kube-object-private.h"
#include <thread>
#include <vector>

namespace {

constexpr char kPod[] = R"({"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2026-01-02T03:04:05Z","finalizers":["a.b/c"],"generation":4,"labels":{"app.kubernetes.io/name":"web"},"name":"p","namespace":"ns","ownerReferences":[{"kind":"A"},{"controller":true,"kind":"B"}],"resourceVersion":"7","uid":"u"},"spec":{"n":3}})";

TEST (KubeObject, FromBytesReadsWhatItIsAskedFor)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (kPod, sizeof kPod - 1);
  g_autoptr (KubeObject) object = kube_object_new_from_bytes (bytes);

  EXPECT_STREQ (kube_object_get_name (object), "p");
  EXPECT_STREQ (kube_object_get_namespace (object), "ns");
  EXPECT_STREQ (kube_object_get_uid (object), "u");
  EXPECT_STREQ (kube_object_get_resource_version (object), "7");
  EXPECT_EQ (kube_object_get_generation (object), 4);
  EXPECT_EQ (kube_object_get_creation_time (object), G_GINT64_CONSTANT (1767323045000000));
  EXPECT_EQ (kube_object_get_deletion_time (object), -1);
  EXPECT_FALSE (kube_object_is_deleting (object));
  EXPECT_STREQ (kube_object_get_label (object, "app.kubernetes.io/name"), "web");
  EXPECT_EQ (kube_object_get_annotation (object, "x"), nullptr);
  EXPECT_TRUE (kube_object_has_finalizer (object, "a.b/c"));
  EXPECT_FALSE (kube_object_has_finalizer (object, "a.b"));
  EXPECT_STREQ (kube_value_get_member_string (kube_object_get_controller (object), "kind"), "B");
  g_autofree char *key = kube_object_dup_key (object);
  EXPECT_STREQ (key, "ns/p");
  EXPECT_EQ (kube_object_get_bytes (object), bytes);
}

TEST (KubeObject, FromAValuePrintsTheSameBytesOnce)
{
  g_autoptr (KubeValue) value = kube_value_parse (kPod, -1, nullptr);
  g_autoptr (KubeObject) object = kube_object_new (value);
  GBytes *bytes = kube_object_get_bytes (object);
  gsize length;
  const char *text = (const char *) g_bytes_get_data (bytes, &length);

  EXPECT_EQ (std::string (text, length), kPod);
  EXPECT_EQ (kube_object_get_bytes (object), bytes);
  EXPECT_EQ (kube_object_get_value (object), value);
}

TEST (KubeObject, WhatWasStoredIsParsedIfWhatWasWrittenIs)
{
  g_autoptr (KubeObject) written = kube_object_parse (R"({"metadata":{"name":"n","resourceVersion":"7"},"spec":{"a":"b"}})", -1, nullptr);
  const std::string text = R"({"metadata":{"name":"n","resourceVersion":"123"},"spec":{"a":"b"}})";
  g_autoptr (GBytes) bytes = g_bytes_new (text.data (), text.size ());
  g_autoptr (KubeObject) stored = kube_object_new_stored (written, bytes, 123);
  g_autofree char *print = kube_value_print (kube_object_get_value (stored), nullptr);

  EXPECT_EQ (print, text);
  EXPECT_EQ (kube_object_get_bytes (stored), bytes);
  EXPECT_STREQ (kube_object_get_resource_version (stored), "123");
  EXPECT_STREQ (kube_object_get_resource_version (written), "7");

  g_autoptr (KubeObject) unversioned = kube_object_parse (R"({"metadata":{"name":"n"}})", -1, nullptr);
  g_autoptr (KubeObject) read = kube_object_new_stored (unversioned, bytes, 123);
  EXPECT_STREQ (kube_object_get_resource_version (read), "123") << "from the bytes, where there is no other way";
}

TEST (KubeObject, ThreadsThatAskAtOnceGetOneValue)
{
  for (int round = 0; round < 50; round++) {
    g_autoptr (GBytes) bytes = g_bytes_new_static (kPod, sizeof kPod - 1);
    g_autoptr (KubeObject) object = kube_object_new_from_bytes (bytes);
    std::vector<KubeValue *> seen (4);
    std::vector<std::thread> threads;

    for (int i = 0; i < 4; i++)
      threads.emplace_back ([&, i] {
        seen[i] = kube_object_get_value (object);
        EXPECT_STREQ (kube_object_get_name (object), "p");
      });
    for (auto &thread : threads)
      thread.join ();
    for (int i = 1; i < 4; i++)
      EXPECT_EQ (seen[i], seen[0]);
  }
}

TEST (KubeObject, WhatIsNoObjectIsRefused)
{
  g_autoptr (GError) error = nullptr;

  EXPECT_EQ (kube_object_parse ("{\"a\":", -1, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST));
}

TEST (KubeObjectList, KeepsItsObjectsAndItsPlace)
{
  g_autoptr (KubeValue) value = kube_value_parse (kPod, -1, nullptr);
  GPtrArray *objects = g_ptr_array_new ();
  g_ptr_array_add (objects, kube_object_new (value));
  g_autoptr (KubeObjectList) list = kube_object_list_new (objects, "12", "", 0);

  EXPECT_EQ (kube_object_list_get_length (list), 1u);
  EXPECT_STREQ (kube_object_get_name (kube_object_list_get (list, 0)), "p");
  EXPECT_STREQ (kube_object_list_get_resource_version (list), "12");
  EXPECT_EQ (kube_object_list_get_continue (list), nullptr);
}

}
