/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>
#include "kube-test-cluster.h"
#include "kube-test-kubelet.h"

/* An object that a test looks at; empty where there is none. */
class Obj {
public:
  Obj () = default;
  explicit Obj (KubeObject *taken) : object (taken) {}
  Obj (const Obj &other) : object (other.object == nullptr ? nullptr : kube_object_ref (other.object)) {}
  Obj (Obj &&other) noexcept : object (other.object) { other.object = nullptr; }
  Obj &operator= (Obj other) { std::swap (object, other.object); return *this; }
  ~Obj () { g_clear_pointer (&object, kube_object_unref); }
  explicit operator bool () const { return object != nullptr; }
  KubeObject *get () const { return object; }

  std::string text (const char *path) const;
  gint64 number (const char *path, gint64 fallback = -1) const;
  bool flag (const char *path) const;
  guint length (const char *path) const;
  bool has (const char *path) const;
  std::string json (const char *path) const;
  std::string name () const { return text ("metadata.name"); }
  std::string uid () const { return text ("metadata.uid"); }
  std::string annotation (const char *key) const;
  std::string label (const char *key) const;
  std::string condition (const char *type, const char *field = "status") const; /* "" where there is none */
  bool deleting () const { return has ("metadata.deletionTimestamp"); }

private:
  KubeObject *object = nullptr;
};

constexpr gint64 kSecond = G_USEC_PER_SEC;

/* A cluster with the controllers that a test names. */
class ControllersTest : public testing::Test {
protected:
  void SetUp () override { cluster = kube_test_cluster_new (); }
  void TearDown () override { kube_test_cluster_free (cluster); }

  void Start (std::vector<const char *> names, const KubeControllersOptions *options = nullptr);
  void Settle () { kube_test_cluster_settle (cluster); }
  void Run (gint64 duration) { kube_test_cluster_run (cluster, duration); }
  bool Until (const std::function<bool ()> &condition, gint64 within = 60 * kSecond);

  /* Kinds by their name alone; in namespace default where none is told. */
  Obj Create (const std::string &yaml);
  Obj Get (const char *kind, const std::string &name, const char *namespace_ = "default");
  std::vector<Obj> List (const char *kind, const char *selector = nullptr, const char *namespace_ = "default");
  Obj Patch (const char *kind, const std::string &name, const std::string &patch, const char *subresource = nullptr, const char *namespace_ = "default");
  void Delete (const char *kind, const std::string &name, const char *propagation = nullptr, const char *namespace_ = "default", gint64 grace_period = -1);
  /* Events about @name: "Normal ScalingReplicaSet Scaled up …". */
  std::vector<std::string> Events (const std::string &name, const char *namespace_ = "default");
  bool HasEvent (const std::string &name, const std::string &event, const char *namespace_ = "default");

  KubeTestCluster *cluster = nullptr;
};
