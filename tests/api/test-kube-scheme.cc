/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <string>
#include <thread>
#include <vector>

#include "kube-schema.h"

namespace
{

const KubeField *
find (const char *definition, const char *name)
{
  const KubeType *type = kube_schema_find_type (definition);

  return type != nullptr ? kube_type_find_field (type, name, strlen (name)) : nullptr;
}

TEST (KubeScheme, FindsKindsByNameAndByResource)
{
  KubeKind *pod = KUBE_KIND ("v1", "Pod");

  ASSERT_NE (pod, nullptr);
  EXPECT_EQ (kube_scheme_find_resource (kube_scheme_get_default (), "", "v1", "pods"), pod);
  EXPECT_STREQ (kube_kind_get_list_name (pod), "PodList");
  EXPECT_STREQ (kube_kind_get_qualified_name (pod), "pods");
  EXPECT_STREQ (kube_kind_get_short_names (pod)[0], "po");
  EXPECT_TRUE (kube_kind_is_namespaced (pod));
  EXPECT_TRUE (kube_kind_has_subresource (pod, "eviction"));
  EXPECT_FALSE (kube_kind_has_subresource (pod, "scale"));

  KubeKind *deployment = KUBE_KIND ("apps/v1", "Deployment");
  EXPECT_STREQ (kube_kind_get_qualified_name (deployment), "deployments.apps");
  EXPECT_STREQ (kube_kind_get_qualified_kind (deployment), "Deployment.apps");
  g_autofree char *path = kube_kind_dup_path (deployment, "default");
  EXPECT_STREQ (path, "/apis/apps/v1/namespaces/default/deployments");
  EXPECT_EQ (KUBE_KIND ("v1", "Deployment"), nullptr);
  EXPECT_EQ (kube_scheme_find_resource (kube_scheme_get_default (), "apps", "v1", "pods"), nullptr);
}

TEST (KubeScheme, KnowsKindsThatAreOnlyBodies)
{
  for (const char *name : { "Status", "DeleteOptions", "PodExecOptions" })
    {
      KubeKind *kind = KUBE_KIND ("v1", name);
      ASSERT_NE (kind, nullptr) << name;
      EXPECT_EQ (kube_kind_get_verbs (kind), 0);
    }
  EXPECT_NE (KUBE_KIND ("autoscaling/v1", "Scale"), nullptr);
  EXPECT_NE (KUBE_KIND ("policy/v1", "Eviction"), nullptr);
  EXPECT_NE (KUBE_KIND ("meta.k8s.io/v1", "Table"), nullptr);
}

TEST (KubeScheme, ListsServedKindsInOrder)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (kube_scheme_get_default ());
  std::string last;

  EXPECT_GT (kinds->len, 60u);
  for (guint i = 0; i < kinds->len; i++)
    {
      KubeKind *kind = static_cast<KubeKind *> (kinds->pdata[i]);
      std::string key = std::string (kube_kind_get_group (kind)) + " " + kube_kind_get_version (kind) + " " + kube_kind_get_plural (kind);
      EXPECT_LT (last, key);
      EXPECT_NE (kube_kind_get_verbs (kind), 0);
      EXPECT_NE (kind->type, nullptr) << key;
      last = key;
    }
}

TEST (KubeScheme, OwnSchemesCanBeChangedAndTheDefaultCannot)
{
  g_autoptr (KubeKind) widget = kube_kind_new ("example.com", "v1", "Widget", "widgets", TRUE);
  g_autoptr (KubeScheme) scheme = kube_scheme_new ();
  g_autoptr (GError) error = nullptr;
  guint64 generation = kube_scheme_get_generation (scheme);

  EXPECT_STREQ (kube_kind_get_qualified_kind (widget), "Widget.example.com");
  EXPECT_FALSE (kube_scheme_add_kind (kube_scheme_get_default (), widget, &error));
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INVALID));
  ASSERT_TRUE (kube_scheme_add_kind (scheme, widget, nullptr));
  EXPECT_GT (kube_scheme_get_generation (scheme), generation);
  EXPECT_EQ (kube_scheme_find_kind (scheme, "example.com/v1", "Widget"), widget);
  EXPECT_EQ (kube_scheme_find_resource (scheme, "example.com", "v1", "widgets"), widget);
  EXPECT_NE (kube_scheme_find_kind (scheme, "v1", "Pod"), nullptr);

  g_autoptr (KubeKind) gadget = kube_kind_new ("example.com", "v1", "Widget", "gadgets", TRUE);
  g_clear_error (&error);
  EXPECT_FALSE (kube_scheme_add_kind (scheme, gadget, &error));
  EXPECT_TRUE (kube_scheme_remove_kind (scheme, widget));
  EXPECT_FALSE (kube_scheme_remove_kind (scheme, widget));
  EXPECT_EQ (kube_scheme_find_kind (scheme, "example.com/v1", "Widget"), nullptr);
  EXPECT_TRUE (kube_scheme_add_kind (scheme, gadget, nullptr));
}

TEST (KubeScheme, ReplacedKindsStayValidForThoseWhoFoundThem)
{
  g_autoptr (KubeScheme) scheme = kube_scheme_new ();
  KubeKind *old = nullptr;

  {
    g_autoptr (KubeKind) widget = kube_kind_new ("example.com", "v1", "Widget", "widgets", TRUE);
    kube_scheme_add_kind (scheme, widget, nullptr);
    old = kube_scheme_find_kind (scheme, "example.com/v1", "Widget");
  }
  g_autoptr (KubeKind) next = kube_kind_new ("example.com", "v1", "Widget", "widgets", FALSE);
  kube_scheme_add_kind (scheme, next, nullptr);
  EXPECT_STREQ (kube_kind_get_name (old), "Widget");
  EXPECT_EQ (kube_scheme_find_kind (scheme, "example.com/v1", "Widget"), next);
}

TEST (KubeScheme, CanBeReadWhileItIsChanged)
{
  g_autoptr (KubeScheme) scheme = kube_scheme_new ();
  std::vector<std::thread> readers;
  gint stop = 0;

  for (int i = 0; i < 2; i++)
    readers.emplace_back ([&] {
      while (!g_atomic_int_get (&stop))
        {
          EXPECT_NE (kube_scheme_find_kind (scheme, "v1", "Pod"), nullptr);
          KubeKind *kind = kube_scheme_find_kind (scheme, "example.com/v1", "Widget");
          EXPECT_TRUE (kind == nullptr || g_str_equal (kube_kind_get_plural (kind), "widgets"));
        }
    });
  for (int i = 0; i < 200; i++)
    {
      g_autoptr (KubeKind) widget = kube_kind_new ("example.com", "v1", "Widget", "widgets", TRUE);
      kube_scheme_add_kind (scheme, widget, nullptr);
      kube_scheme_remove_kind (scheme, widget);
    }
  g_atomic_int_set (&stop, 1);
  for (auto &reader : readers)
    reader.join ();
}

TEST (KubeSchema, FieldsSayHowTheyAreWrittenAndNamed)
{
  const KubeField *f = find ("io.k8s.api.core.v1.PodSpec", "containers");
  ASSERT_NE (f, nullptr);
  EXPECT_EQ (f->shape, KUBE_SHAPE_LIST);
  EXPECT_EQ (f->list_type, KUBE_LIST_MAP);
  EXPECT_STREQ (f->list_keys[0], "name");
  EXPECT_STREQ (f->merge_key, "name");
  EXPECT_STREQ (f->go_type, "[]v1.Container");
  EXPECT_STREQ (f->go_element, "v1.Container");
  EXPECT_EQ (f->number, 2);
  EXPECT_STREQ (f->type->name, "Container");

  f = find ("io.k8s.api.core.v1.ResourceRequirements", "limits");
  EXPECT_EQ (f->shape, KUBE_SHAPE_MAP);
  EXPECT_EQ (f->scalar, KUBE_SCALAR_QUANTITY);
  EXPECT_STREQ (f->go_type, "v1.ResourceList");
  EXPECT_STREQ (f->go_element, "resource.Quantity");

  f = find ("io.k8s.api.core.v1.Volume", "hostPath");
  EXPECT_STREQ (f->embedded, "VolumeSource");
  EXPECT_EQ (f->embedded_numbers[0], 2);

  f = find ("io.k8s.api.rbac.v1.Role", "rules");
  EXPECT_TRUE (f->flags & KUBE_FIELD_ALWAYS);
  f = find ("io.k8s.api.apps.v1.DeploymentSpec", "strategy");
  EXPECT_TRUE (f->flags & KUBE_FIELD_RETAIN_KEYS);
  f = find ("io.k8s.api.core.v1.PodSpec", "enableServiceLinks");
  EXPECT_TRUE (f->flags & KUBE_FIELD_POINTER);
  f = find ("io.k8s.api.authentication.v1.UserInfo", "extra");
  EXPECT_EQ (f->shape, KUBE_SHAPE_MAP_OF_LIST);
  EXPECT_STREQ (f->go_element, "v1.ExtraValue");
  EXPECT_EQ (find ("io.k8s.api.core.v1.PodSpec", "container"), nullptr);
}

TEST (KubeSchema, EveryTypeAndFieldIsDocumented)
{
  for (guint i = 0; i < kube_schema_n_types; i++)
    {
      const KubeType *type = &kube_schema_types[i];
      EXPECT_NE (type->doc, nullptr) << type->definition;
      for (guint k = 0; k < type->n_fields; k++)
        EXPECT_NE (type->fields[k].doc, nullptr) << type->definition << "." << type->fields[k].name;
    }
}

TEST (KubeSchema, TablesAreSorted)
{
  for (guint i = 0; i < kube_schema_n_types; i++)
    {
      const KubeType *type = &kube_schema_types[i];
      EXPECT_TRUE (i == 0 || strcmp (type[-1].definition, type->definition) < 0);
      for (guint k = 0; k < type->n_fields; k++)
        {
          EXPECT_EQ (strlen (type->fields[k].name), type->fields[k].name_length);
          EXPECT_EQ (kube_type_find_field (type, type->fields[k].name, type->fields[k].name_length), &type->fields[k]) << type->definition;
        }
    }
}

} // namespace
