/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

std::string
Obj::text (const char *path) const
{
  const char *found = object == nullptr ? nullptr : kube_object_get_string (object, path);
  return found == nullptr ? "" : found;
}

gint64
Obj::number (const char *path, gint64 fallback) const
{
  return object == nullptr ? fallback : kube_object_get_integer (object, path, fallback);
}

bool
Obj::flag (const char *path) const
{
  return object != nullptr && kube_object_get_boolean (object, path, FALSE);
}

guint
Obj::length (const char *path) const
{
  return object == nullptr ? 0 : kube_value_get_length (kube_object_get (object, path));
}

bool
Obj::has (const char *path) const
{
  return object != nullptr && kube_object_get (object, path) != nullptr;
}

std::string
Obj::json (const char *path) const
{
  if (!has (path))
    return "";
  g_autoptr (GString) out = g_string_new (nullptr);
  kube_value_print_to (kube_object_get (object, path), out);
  return out->str;
}

std::string
Obj::annotation (const char *key) const
{
  const char *found = object == nullptr ? nullptr : kube_object_get_annotation (object, key);
  return found == nullptr ? "" : found;
}

std::string
Obj::label (const char *key) const
{
  const char *found = object == nullptr ? nullptr : kube_object_get_label (object, key);
  return found == nullptr ? "" : found;
}

std::string
Obj::condition (const char *type, const char *field) const
{
  for (guint i = 0; i < length ("status.conditions"); i++) {
    std::string at = "status.conditions." + std::to_string (i) + ".";
    if (text ((at + "type").c_str ()) == type)
      return text ((at + field).c_str ());
  }
  return "";
}

static const char *
get_api_version (const char *kind)
{
  static const char *const table[][2] = { { "Deployment", "apps/v1" },     { "ReplicaSet", "apps/v1" },      { "DaemonSet", "apps/v1" },
                                          { "StatefulSet", "apps/v1" },    { "ControllerRevision", "apps/v1" }, { "Job", "batch/v1" },
                                          { "CronJob", "batch/v1" },       { "Lease", "coordination.k8s.io/v1" }, { "EndpointSlice", "discovery.k8s.io/v1" },
                                          { "ClusterRole", "rbac.authorization.k8s.io/v1" }, { "PriorityClass", "scheduling.k8s.io/v1" },
                                          { "VolumeAttributesClass", "storage.k8s.io/v1" },
                                          { "Role", "rbac.authorization.k8s.io/v1" } };
  for (auto &row : table) {
    if (strcmp (row[0], kind) == 0)
      return row[1];
  }
  return "v1";
}

static const char *
get_namespace (const char *kind, const char *namespace_)
{
  return kube_kind_is_namespaced (kube_test_kind (get_api_version (kind), kind)) ? namespace_ : nullptr;
}

void
ControllersTest::Start (std::vector<const char *> names, const KubeControllersOptions *options)
{
  names.push_back (nullptr);
  kube_test_cluster_start (cluster, options, names.data ());
}

static gboolean
check (KubeTestCluster *, gpointer condition)
{
  return (*static_cast<const std::function<bool ()> *> (condition)) ();
}

bool
ControllersTest::Until (const std::function<bool ()> &condition, gint64 within)
{
  return kube_test_cluster_run_until (cluster, check, const_cast<std::function<bool ()> *> (&condition), within);
}

Obj
ControllersTest::Create (const std::string &yaml)
{
  g_autoptr (GError) error = nullptr;
  Obj created (kube_test_cluster_create (cluster, yaml.c_str (), &error));
  EXPECT_TRUE (created) << error->message << " " << yaml;
  return created;
}

Obj
ControllersTest::Get (const char *kind, const std::string &name, const char *namespace_)
{
  return Obj (kube_test_cluster_get (cluster, get_api_version (kind), kind, get_namespace (kind, namespace_), name.c_str ()));
}

std::vector<Obj>
ControllersTest::List (const char *kind, const char *selector, const char *namespace_)
{
  g_autoptr (KubeObjectList) list = kube_test_cluster_list (cluster, get_api_version (kind), kind, get_namespace (kind, namespace_), selector);
  std::vector<Obj> all;
  for (guint i = 0; i < kube_object_list_get_length (list); i++)
    all.emplace_back (kube_object_ref (kube_object_list_get (list, i)));
  return all;
}

Obj
ControllersTest::Patch (const char *kind, const std::string &name, const std::string &patch, const char *subresource, const char *namespace_)
{
  g_autoptr (GError) error = nullptr;
  Obj patched (kube_test_cluster_patch (cluster, get_api_version (kind), kind, get_namespace (kind, namespace_), name.c_str (), subresource, patch.c_str (), &error));
  EXPECT_TRUE (patched) << error->message << " " << patch;
  return patched;
}

void
ControllersTest::Delete (const char *kind, const std::string &name, const char *propagation, const char *namespace_, gint64 grace_period)
{
  g_autoptr (GError) error = nullptr;
  EXPECT_TRUE (kube_test_cluster_delete (cluster, get_api_version (kind), kind, get_namespace (kind, namespace_), name.c_str (), grace_period, propagation, &error)) << error->message;
}

std::vector<std::string>
ControllersTest::Events (const std::string &name, const char *namespace_)
{
  std::vector<std::string> texts;
  for (const Obj &event : List ("Event", nullptr, namespace_)) {
    if (event.text ("involvedObject.name") == name)
      texts.push_back (event.text ("type") + " " + event.text ("reason") + " " + event.text ("message"));
  }
  return texts;
}

bool
ControllersTest::HasEvent (const std::string &name, const std::string &event, const char *namespace_)
{
  for (const std::string &text : Events (name, namespace_)) {
    if (text.compare (0, event.size (), event) == 0)
      return true;
  }
  return false;
}
