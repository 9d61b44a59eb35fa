/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-schema.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (KubeKind, kube_kind, kube_kind_ref, kube_kind_unref)

static const char *
keep (KubeKind *kind, const char *text)
{
  return text != NULL ? g_string_chunk_insert_const (kind->strings, text) : NULL;
}

static const char *
keep_or (KubeKind *kind, const char *text, char *fallback)
{
  const char *kept = keep (kind, text != NULL ? text : fallback);

  g_free (fallback);
  return kept;
}

static const char *const *
keep_list (KubeKind *kind, const char *const *list)
{
  const char **copy;
  guint n = list != NULL ? g_strv_length ((char **)list) : 0;

  if (n == 0)
    return NULL;
  copy = g_new0 (const char *, n + 1);
  for (guint i = 0; i < n; i++)
    copy[i] = keep (kind, list[i]);
  return copy;
}

static void
keep_subresources (KubeKind *kind, const KubeKind *model)
{
  KubeSubresource *subresources = g_new0 (KubeSubresource, model->n_subresources);
  const char **names = g_new0 (const char *, model->n_subresources + 1);

  for (guint i = 0; i < model->n_subresources; i++) {
    subresources[i] = model->subresources[i];
    subresources[i].name = names[i] = keep (kind, subresources[i].name);
    subresources[i].api_version = keep (kind, subresources[i].api_version);
    subresources[i].kind = keep (kind, subresources[i].kind);
  }
  kind->subresources = subresources;
  kind->n_subresources = model->n_subresources;
  kind->subresource_names = names;
}

static void
keep_columns (KubeKind *kind, const KubeKind *model)
{
  KubeColumn *columns;

  if (model->columns == NULL)
    return;
  columns = g_new0 (KubeColumn, model->n_columns);
  for (guint i = 0; i < model->n_columns; i++) {
    columns[i] = model->columns[i];
    columns[i].name = keep (kind, columns[i].name);
    columns[i].type = keep (kind, columns[i].type);
    columns[i].format = keep (kind, columns[i].format);
    columns[i].path = keep (kind, columns[i].path);
    columns[i].doc = keep (kind, columns[i].doc);
    columns[i].absent = keep (kind, columns[i].absent);
  }
  kind->columns = columns;
  kind->n_columns = model->n_columns;
}

KubeKind *
kube_kind_new_from_model (const KubeKind *model, gpointer type_owner, GDestroyNotify type_destroy)
{
  KubeKind *kind = g_new0 (KubeKind, 1);
  gboolean core;

  kind->refs = 1;
  kind->strings = g_string_chunk_new (256);
  kind->group = keep (kind, model->group);
  kind->version = keep (kind, model->version);
  kind->name = keep (kind, model->name);
  kind->plural = keep (kind, model->plural);
  core = kind->group[0] == '\0';
  kind->api_version
      = keep_or (kind, model->api_version, core ? g_strdup (kind->version) : g_strconcat (kind->group, "/", kind->version, NULL));
  kind->list_name = keep_or (kind, model->list_name, g_strconcat (kind->name, "List", NULL));
  kind->singular = keep_or (kind, model->singular, g_ascii_strdown (kind->name, -1));
  kind->qualified_name = keep_or (kind, model->qualified_name, g_strconcat (kind->plural, core ? NULL : ".", kind->group, NULL));
  kind->qualified_kind = keep_or (kind, model->qualified_kind, g_strconcat (kind->name, core ? NULL : ".", kind->group, NULL));
  kind->short_names = keep_list (kind, model->short_names);
  kind->categories = keep_list (kind, model->categories);
  kind->selectable = keep_list (kind, model->selectable);
  keep_subresources (kind, model);
  keep_columns (kind, model);
  kind->namespaced = model->namespaced;
  kind->verbs = model->verbs;
  kind->type = model->type;
  kind->list_type = model->list_type;
  kind->has_generation = model->has_generation;
  kind->not_stored = model->not_stored;
  kind->storage_group = keep (kind, model->storage_group);
  kind->type_owner = type_owner;
  kind->type_destroy = type_destroy;
  return kind;
}

/**
 * kube_kind_new:
 * @group: API group, "" for the core group
 * @version: version
 * @kind: name of the kind
 * @plural: name of the resource in paths
 * @namespaced: whether its objects are in namespaces
 *
 * Makes a kind that is known by its names only: an object of it is any JSON object.
 *
 * Returns: (transfer full): the kind
 *
 * Since: 1.0
 */
KubeKind *
kube_kind_new (const char *group, const char *version, const char *kind, const char *plural, gboolean namespaced)
{
  const KubeKind model
      = { .group = group, .version = version, .name = kind, .plural = plural, .namespaced = namespaced, .verbs = KUBE_VERBS_ALL };

  g_return_val_if_fail (group != NULL && version != NULL && kind != NULL && plural != NULL, NULL);
  return kube_kind_new_from_model (&model, NULL, NULL);
}

/**
 * kube_kind_ref:
 * @kind: a kind
 *
 * Returns: (transfer full): @kind
 *
 * Since: 1.0
 */
KubeKind *
kube_kind_ref (KubeKind *kind)
{
  if (!kind->constant)
    g_atomic_int_inc (&kind->refs);
  return kind;
}

/**
 * kube_kind_unref:
 * @kind: (transfer full): a kind
 *
 * Since: 1.0
 */
void
kube_kind_unref (KubeKind *kind)
{
  if (kind->constant || !g_atomic_int_dec_and_test (&kind->refs))
    return;
  if (kind->type_destroy != NULL)
    kind->type_destroy (kind->type_owner);
  g_free ((gpointer)kind->short_names);
  g_free ((gpointer)kind->categories);
  g_free ((gpointer)kind->selectable);
  g_free ((gpointer)kind->subresources);
  g_free ((gpointer)kind->subresource_names);
  g_free ((gpointer)kind->columns);
  g_string_chunk_free (kind->strings);
  g_free (kind);
}

/**
 * kube_kind_get_group:
 * @kind: a kind
 *
 * Returns: its API group, "" for the core group
 *
 * Since: 1.0
 */
const char *
kube_kind_get_group (KubeKind *kind)
{
  return kind->group;
}

/**
 * kube_kind_get_version:
 * @kind: a kind
 *
 * Returns: its version
 *
 * Since: 1.0
 */
const char *
kube_kind_get_version (KubeKind *kind)
{
  return kind->version;
}

/**
 * kube_kind_get_api_version:
 * @kind: a kind
 *
 * Returns: group and version as in an object's `apiVersion`: `v1`, `apps/v1`
 *
 * Since: 1.0
 */
const char *
kube_kind_get_api_version (KubeKind *kind)
{
  return kind->api_version;
}

/**
 * kube_kind_get_name:
 * @kind: a kind
 *
 * Returns: its name as in an object's `kind`: `Pod`
 *
 * Since: 1.0
 */
const char *
kube_kind_get_name (KubeKind *kind)
{
  return kind->name;
}

/**
 * kube_kind_get_list_name:
 * @kind: a kind
 *
 * Returns: the kind of a list of its objects: `PodList`
 *
 * Since: 1.0
 */
const char *
kube_kind_get_list_name (KubeKind *kind)
{
  return kind->list_name;
}

/**
 * kube_kind_get_plural:
 * @kind: a kind
 *
 * Returns: the resource's name in paths: `pods`; "" for a kind without a resource
 *
 * Since: 1.0
 */
const char *
kube_kind_get_plural (KubeKind *kind)
{
  return kind->plural;
}

/**
 * kube_kind_get_singular:
 * @kind: a kind
 *
 * Returns: the resource's name for one object: `pod`
 *
 * Since: 1.0
 */
const char *
kube_kind_get_singular (KubeKind *kind)
{
  return kind->singular;
}

/**
 * kube_kind_get_qualified_name:
 * @kind: a kind
 *
 * Returns: resource and group as error messages name them: `pods`, `deployments.apps`
 *
 * Since: 1.0
 */
const char *
kube_kind_get_qualified_name (KubeKind *kind)
{
  return kind->qualified_name;
}

/**
 * kube_kind_get_qualified_kind:
 * @kind: a kind
 *
 * Returns: kind and group: `Pod`, `Deployment.apps`
 *
 * Since: 1.0
 */
const char *
kube_kind_get_qualified_kind (KubeKind *kind)
{
  return kind->qualified_kind;
}

/**
 * kube_kind_get_short_names:
 * @kind: a kind
 *
 * Returns: (nullable) (array zero-terminated=1): names that people may type for it: `po`
 *
 * Since: 1.0
 */
const char *const *
kube_kind_get_short_names (KubeKind *kind)
{
  return kind->short_names;
}

/**
 * kube_kind_get_categories:
 * @kind: a kind
 *
 * Returns: (nullable) (array zero-terminated=1): the sets it belongs to: `all`
 *
 * Since: 1.0
 */
const char *const *
kube_kind_get_categories (KubeKind *kind)
{
  return kind->categories;
}

/**
 * kube_kind_is_namespaced:
 * @kind: a kind
 *
 * Returns: whether its objects are in namespaces
 *
 * Since: 1.0
 */
gboolean
kube_kind_is_namespaced (KubeKind *kind)
{
  return kind->namespaced;
}

/**
 * kube_kind_get_verbs:
 * @kind: a kind
 *
 * Returns: what can be done with its resource
 *
 * Since: 1.0
 */
KubeVerb
kube_kind_get_verbs (KubeKind *kind)
{
  return kind->verbs;
}

/**
 * kube_kind_get_subresources:
 * @kind: a kind
 *
 * Returns: (nullable) (array zero-terminated=1): their names
 *
 * Since: 1.0
 */
const char *const *
kube_kind_get_subresources (KubeKind *kind)
{
  return kind->subresource_names;
}

/**
 * kube_kind_has_subresource:
 * @kind: a kind
 * @subresource: a name
 *
 * Returns: whether there is such a subresource
 *
 * Since: 1.0
 */
gboolean
kube_kind_has_subresource (KubeKind *kind, const char *subresource)
{
  return kube_kind_find_subresource (kind, subresource) != NULL;
}

/**
 * kube_kind_dup_path:
 * @kind: a kind
 * @namespace_: (nullable): the namespace; %NULL for all of them, or for a kind without
 *
 * Returns: (transfer full): the path of the collection: `/api/v1/namespaces/default/pods`
 *
 * Since: 1.0
 */
char *
kube_kind_dup_path (KubeKind *kind, const char *namespace_)
{
  const char *root = kind->group[0] == '\0' ? "/api/" : "/apis/";

  if (kind->namespaced && namespace_ != NULL)
    return g_strconcat (root, kind->api_version, "/namespaces/", namespace_, "/", kind->plural, NULL);
  return g_strconcat (root, kind->api_version, "/", kind->plural, NULL);
}
