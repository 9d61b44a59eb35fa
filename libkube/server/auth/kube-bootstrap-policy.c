/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-bootstrap-policy-data.h"
#include "kube-authenticator.h"

#include <kube/kube-builder.h>

#define GROUP "rbac.authorization.k8s.io"
#define AUTOUPDATE "rbac.authorization.kubernetes.io/autoupdate"
#define AGGREGATE_TO GROUP "/aggregate-to-"
#define CONTROLLER "system:controller:"

typedef struct {
  GPtrArray *objects;   /* (element-type KubeObject) */
  KubeBuilder *builder; /* (nullable): the object that is being read */
} Reader;

static KubeNode *
get_root (Reader *reader)
{
  return kube_builder_get_root (reader->builder);
}

static void
end_object (Reader *reader)
{
  if (reader->builder == NULL)
    return;
  g_ptr_array_add (reader->objects, kube_object_new_from_builder (reader->builder));
  g_clear_pointer (&reader->builder, kube_builder_unref);
}

static void
begin_object (Reader *reader, const char *kind, const char *namespace_, const char *name)
{
  KubeNode *root, *annotations, *labels;

  end_object (reader);
  reader->builder = kube_builder_new (NULL);
  root = get_root (reader);
  kube_node_put_string (root, "apiVersion", GROUP "/v1");
  kube_node_put_string (root, "kind", kind);
  kube_node_set_string (root, "metadata.name", name);
  if (namespace_ != NULL)
    kube_node_set_string (root, "metadata.namespace", namespace_);
  annotations = kube_node_ensure_object (root, "metadata.annotations");
  kube_node_put_string (annotations, AUTOUPDATE, "true");
  labels = kube_node_ensure_object (root, "metadata.labels");
  kube_node_put_string (labels, "kubernetes.io/bootstrapping", "rbac-defaults");
}

static void
begin_role (Reader *reader, const char *kind, const char *namespace_, const char *name, const char *label)
{
  begin_object (reader, kind, namespace_, name);
  kube_node_ensure_array (get_root (reader), "rules");
  if (label != NULL) {
    g_autofree char *key = g_strconcat (AGGREGATE_TO, label, NULL);
    kube_node_put_string (kube_node_get (get_root (reader), "metadata.labels"), key, "true");
  }
}

static void
begin_aggregate (Reader *reader, const char *name, const char *label)
{
  g_autofree char *key = g_strconcat (AGGREGATE_TO, name, NULL);
  KubeNode *selector;

  begin_role (reader, "ClusterRole", NULL, name, label);
  kube_node_set_null (get_root (reader), "rules");
  selector = kube_node_append_object (kube_node_ensure_array (get_root (reader), "aggregationRule.clusterRoleSelectors"));
  kube_node_put_string (kube_node_put_object (selector, "matchLabels"), key, "true");
}

static void
begin_binding (Reader *reader, const char *namespace_, const char *name, const char *role)
{
  begin_object (reader, namespace_ != NULL ? "RoleBinding" : "ClusterRoleBinding", namespace_, name);
  kube_node_set_string (get_root (reader), "roleRef.apiGroup", GROUP);
  kube_node_set_string (get_root (reader), "roleRef.kind", namespace_ != NULL ? "Role" : "ClusterRole");
  kube_node_set_string (get_root (reader), "roleRef.name", role);
}

static void
add_subject (Reader *reader, const char *kind, const char *namespace_, const char *name)
{
  KubeNode *subject = kube_node_append_object (kube_node_ensure_array (get_root (reader), "subjects"));

  kube_node_put_string (subject, "kind", kind);
  kube_node_put_string (subject, "name", name);
  kube_node_put_string (subject, namespace_ != NULL ? "namespace" : "apiGroup", namespace_ != NULL ? namespace_ : GROUP);
}

static void
add_list (KubeNode *rule, const char *member, const char *text)
{
  g_auto (GStrv) items = g_strsplit (text, ",", -1);
  KubeNode *array = kube_node_ensure_array (rule, member);

  for (char **item = items; *item != NULL; item++)
    kube_node_append_string (array, g_str_equal (*item, "-") ? "" : *item);
}

static void
add_rule (Reader *reader, char **words, guint n)
{
  KubeNode *rule = kube_node_append_object (kube_node_get (get_root (reader), "rules"));

  add_list (rule, "verbs", words[0]);
  if (g_str_equal (words[1], "URL")) {
    add_list (rule, "nonResourceURLs", words[2]);
    return;
  }
  add_list (rule, "apiGroups", words[1]);
  add_list (rule, "resources", words[2]);
  if (n > 3)
    add_list (rule, "resourceNames", words[3]);
}

static void
add_controller (Reader *reader, const char *name)
{
  g_autofree char *full = g_strconcat (CONTROLLER, name, NULL);

  begin_binding (reader, NULL, full, full);
  add_subject (reader, "ServiceAccount", "kube-system", name);
  begin_role (reader, "ClusterRole", NULL, full, NULL);
}

static void
read_line (Reader *reader, const char *line)
{
  g_auto (GStrv) words = g_strsplit (*line == ' ' ? line + 1 : line, " ", -1);
  guint n = g_strv_length (words);

  if (*line != ' ') {
    if (g_str_equal (words[0], "ClusterRole"))
      begin_role (reader, words[0], NULL, words[1], words[2]);
    else if (g_str_equal (words[0], "Aggregate"))
      begin_aggregate (reader, words[1], words[2]);
    else if (g_str_equal (words[0], "Controller"))
      add_controller (reader, words[1]);
    else if (g_str_equal (words[0], "Role"))
      begin_role (reader, words[0], words[1], words[2], NULL);
    else
      begin_binding (reader, n > 3 ? words[1] : NULL, words[n - 2], words[n - 1]);
  } else if (g_str_equal (words[0], "User") || g_str_equal (words[0], "Group")) {
    add_subject (reader, words[0], NULL, words[1]);
  } else if (g_str_equal (words[0], "ServiceAccount")) {
    add_subject (reader, words[0], words[1], words[2]);
  } else {
    add_rule (reader, words, n);
  }
}

GPtrArray *
kube_auth_get_bootstrap_policy (void)
{
  g_auto (GStrv) lines = g_strsplit (bootstrap_policy, "\n", -1);
  Reader reader = { g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref), NULL };

  for (char **line = lines; *line != NULL; line++) {
    if (**line != '\0')
      read_line (&reader, *line);
  }
  end_object (&reader);
  return reader.objects;
}

static gboolean
has_element (KubeValue *array, KubeValue *element)
{
  for (guint i = 0; i < kube_value_get_length (array); i++) {
    if (kube_value_equal (kube_value_get_element (array, i), element))
      return TRUE;
  }
  return FALSE;
}

/* Appends what of @expected is not in the array @member yet. */
static gboolean
add_missing (KubeNode *root, KubeObject *stored, KubeObject *expected, const char *member)
{
  KubeValue *have = kube_object_get (stored, member), *want = kube_object_get (expected, member);
  gboolean changed = FALSE;

  for (guint i = 0; i < kube_value_get_length (want); i++) {
    KubeValue *element = kube_value_get_element (want, i);
    if (has_element (have, element))
      continue;
    kube_node_append_value (kube_node_ensure_array (root, member), element);
    changed = TRUE;
  }
  return changed;
}

/* Adds the members of @expected's map at @path that are missing; what is there is the administrator's. */
static gboolean
add_missing_members (KubeNode *root, KubeObject *stored, KubeObject *expected, const char *path)
{
  KubeValue *have = kube_object_get (stored, path), *want = kube_object_get (expected, path);
  gboolean changed = FALSE;

  for (guint i = 0; i < kube_value_get_length (want); i++) {
    const char *key = kube_value_get_key (want, i);
    if (kube_value_get_member (have, key) != NULL)
      continue;
    kube_node_put_value (kube_node_ensure_object (root, path), key, kube_value_get_element (want, i));
    changed = TRUE;
  }
  return changed;
}

KubeObject *
kube_auth_reconcile_policy (KubeObject *stored, KubeObject *expected)
{
  g_autoptr (KubeBuilder) builder = NULL;
  KubeNode *root;
  gboolean changed;

  if (g_strcmp0 (kube_object_get_annotation (stored, AUTOUPDATE), "false") == 0)
    return NULL;
  builder = kube_builder_new (kube_object_get_value (stored));
  root = kube_builder_get_root (builder);
  changed = add_missing_members (root, stored, expected, "metadata.labels");
  changed |= add_missing_members (root, stored, expected, "metadata.annotations");
  changed |= add_missing (root, stored, expected, "subjects");
  changed |= add_missing (root, stored, expected, "aggregationRule.clusterRoleSelectors");
  /* the rules of an aggregate are its controller's */
  if (kube_value_is_null (kube_object_get (expected, "aggregationRule")))
    changed |= add_missing (root, stored, expected, "rules");
  return changed ? kube_object_new_from_builder (builder) : NULL;
}
