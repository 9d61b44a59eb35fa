/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-paths.h"
#include <stdio.h>

/* Upstream's order of groups, by the priorities that its API services have; others follow by name. */
static const char *const group_order[] = {
  "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io", "policy",
  "rbac.authorization.k8s.io", "storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io", "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io",
  "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
};

/* In the order in which discovery lists them. */
static const struct {
  KubeVerb flag;
  const char *name;
} verb_names[] = {
  { KUBE_VERB_CREATE, "create" }, { KUBE_VERB_DELETE, "delete" }, { KUBE_VERB_DELETE_COLLECTION, "deletecollection" }, { KUBE_VERB_GET, "get" }, { KUBE_VERB_LIST, "list" },
  { KUBE_VERB_PATCH, "patch" }, { KUBE_VERB_UPDATE, "update" }, { KUBE_VERB_WATCH, "watch" },
};

static void
append_member (GString *out, const char *key, const char *value)
{
  kube_json_append_string (out, key, -1);
  g_string_append_c (out, ':');
  kube_json_append_string (out, value, -1);
}

static void
append_list (GString *out, const char *key, const char *const *list)
{
  if (list == NULL || *list == NULL)
    return;
  g_string_append_printf (out, ",\"%s\":[", key);
  for (guint i = 0; list[i] != NULL; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    kube_json_append_string (out, list[i], -1);
  }
  g_string_append_c (out, ']');
}

static void
append_verbs (GString *out, KubeVerb verbs)
{
  gboolean first = TRUE;

  g_string_append (out, "\"verbs\":[");
  for (guint i = 0; i < G_N_ELEMENTS (verb_names); i++) {
    if ((verbs & verb_names[i].flag) == 0)
      continue;
    g_string_append_printf (out, "%s\"%s\"", first ? "" : ",", verb_names[i].name);
    first = FALSE;
  }
  g_string_append_c (out, ']');
}

/* --- groups and versions of a scheme --- */

static int
group_rank (const char *group)
{
  for (guint i = 0; i < G_N_ELEMENTS (group_order); i++) {
    if (g_str_equal (group_order[i], group))
      return (int) i;
  }
  return G_N_ELEMENTS (group_order);
}

static int
compare_groups (gconstpointer a, gconstpointer b)
{
  const char *x = *(const char *const *) a, *y = *(const char *const *) b;
  int difference = group_rank (x) - group_rank (y);

  return difference != 0 ? difference : strcmp (x, y);
}

/* v1 before v1beta2 before v1beta1 before v1alpha1, and v2 before v1: as apimachinery's CompareKubeAwareVersionStrings. */
static int
compare_versions (gconstpointer a, gconstpointer b)
{
  const char *x = *(const char *const *) a, *y = *(const char *const *) b;
  int x_major = 0, y_major = 0, x_minor = 0, y_minor = 0;
  char x_stage[16] = "", y_stage[16] = "";

  sscanf (x, "v%d%15[a-z]%d", &x_major, x_stage, &x_minor);
  sscanf (y, "v%d%15[a-z]%d", &y_major, y_stage, &y_minor);
  if (strcmp (x_stage, y_stage) != 0)
    return *x_stage == '\0' ? -1 : *y_stage == '\0' ? 1 : strcmp (y_stage, x_stage);
  return x_major != y_major ? y_major - x_major : y_minor - x_minor;
}

static void
add_once (GPtrArray *list, const char *text)
{
  for (guint i = 0; i < list->len; i++) {
    if (g_str_equal (g_ptr_array_index (list, i), text))
      return;
  }
  g_ptr_array_add (list, g_strdup (text));
}

/* The named groups, without the core group. */
static GPtrArray *
list_groups (GPtrArray *kinds)
{
  GPtrArray *groups = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < kinds->len; i++) {
    KubeKind *kind = g_ptr_array_index (kinds, i);
    if (*kind->group != '\0' && kind->verbs != 0)
      add_once (groups, kind->group);
  }
  g_ptr_array_sort (groups, compare_groups);
  return groups;
}

static GPtrArray *
list_versions (GPtrArray *kinds, const char *group)
{
  GPtrArray *versions = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < kinds->len; i++) {
    KubeKind *kind = g_ptr_array_index (kinds, i);
    if (g_str_equal (kind->group, group) && kind->verbs != 0)
      add_once (versions, kind->version);
  }
  g_ptr_array_sort (versions, compare_versions);
  return versions;
}

/* --- the documents --- */

static void
append_group_version (GString *out, const char *group, const char *version)
{
  g_string_append_printf (out, "{\"groupVersion\":\"%s/%s\",\"version\":\"%s\"}", group, version, version);
}

static void
append_group (GString *out, GPtrArray *kinds, const char *group)
{
  g_autoptr (GPtrArray) versions = list_versions (kinds, group);

  append_member (out, "name", group);
  g_string_append (out, ",\"versions\":[");
  for (guint i = 0; i < versions->len; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    append_group_version (out, group, g_ptr_array_index (versions, i));
  }
  g_string_append (out, "],\"preferredVersion\":");
  append_group_version (out, group, g_ptr_array_index (versions, 0));
}

/* What identifies the form in which a kind is stored, as upstream's StorageVersionHash. */
static void
append_storage_hash (GString *out, KubeKind *kind)
{
  const char *group = kind->storage_group != NULL ? kind->storage_group : kind->group, *version = kind->version;
  g_autofree char *text = NULL, *encoded = NULL;
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize length = sizeof digest;

  if (g_str_equal (kind->plural, "horizontalpodautoscalers"))
    version = "v2";
  else if (g_str_equal (kind->plural, "customresourcedefinitions"))
    version = "v1beta1";
  if (g_str_equal (group, "core"))
    group = "";
  text = g_strdup_printf ("%s/%s/%s", group, version, kind->name);
  g_checksum_update (checksum, (const guchar *) text, -1);
  g_checksum_get_digest (checksum, digest, &length);
  encoded = g_base64_encode (digest, 8);
  g_string_append (out, ",");
  append_member (out, "storageVersionHash", encoded);
}

static void
append_resource (GString *out, KubeKind *kind)
{
  g_string_append_c (out, '{');
  append_member (out, "name", kind->plural);
  g_string_append_c (out, ',');
  append_member (out, "singularName", kind->singular);
  g_string_append_printf (out, ",\"namespaced\":%s,", kind->namespaced ? "true" : "false");
  append_member (out, "kind", kind->name);
  g_string_append_c (out, ',');
  append_verbs (out, kind->verbs);
  append_list (out, "shortNames", kind->short_names);
  append_list (out, "categories", kind->categories);
  if (!kind->not_stored && (kind->verbs & KUBE_VERB_CREATE) != 0 && (kind->verbs & KUBE_VERB_GET) != 0)
    append_storage_hash (out, kind);
  g_string_append_c (out, '}');
}

static void
append_subresource (GString *out, KubeKind *kind, const KubeSubresource *subresource)
{
  g_string_append_printf (out, ",{\"name\":\"%s/%s\",\"singularName\":\"\",\"namespaced\":%s,", kind->plural, subresource->name, kind->namespaced ? "true" : "false");
  if (subresource->api_version != NULL && strchr (subresource->api_version, '/') != NULL) {
    const char *slash = strchr (subresource->api_version, '/');
    g_string_append_printf (out, "\"group\":\"%.*s\",\"version\":\"%s\",", (int) (slash - subresource->api_version), subresource->api_version, slash + 1);
  }
  append_member (out, "kind", subresource->kind != NULL ? subresource->kind : kind->name);
  g_string_append_c (out, ',');
  append_verbs (out, subresource->verbs);
  g_string_append_c (out, '}');
}

static void
append_aggregated_subresources (GString *out, KubeKind *kind)
{
  if (kind->n_subresources == 0)
    return;
  g_string_append (out, ",\"subresources\":[");
  for (guint i = 0; i < kind->n_subresources; i++) {
    const KubeSubresource *subresource = &kind->subresources[i];
    const char *api = subresource->api_version, *slash = api != NULL ? strchr (api, '/') : NULL;
    if (i > 0)
      g_string_append_c (out, ',');
    g_string_append_c (out, '{');
    append_member (out, "subresource", subresource->name);
    g_string_append_printf (out, ",\"responseKind\":{\"group\":\"%.*s\",\"version\":\"%s\",", slash != NULL ? (int) (slash - api) : 0, slash != NULL ? api : "", slash != NULL ? slash + 1 : "");
    append_member (out, "kind", subresource->kind != NULL ? subresource->kind : kind->name);
    g_string_append (out, "},");
    append_verbs (out, subresource->verbs);
    g_string_append_c (out, '}');
  }
  g_string_append_c (out, ']');
}

static void
append_aggregated_resource (GString *out, KubeKind *kind)
{
  g_string_append_c (out, '{');
  append_member (out, "resource", kind->plural);
  g_string_append (out, ",\"responseKind\":{\"group\":\"\",\"version\":\"\",");
  append_member (out, "kind", kind->name);
  g_string_append_printf (out, "},\"scope\":\"%s\",", kind->namespaced ? "Namespaced" : "Cluster");
  append_member (out, "singularResource", kind->singular);
  g_string_append_c (out, ',');
  append_verbs (out, kind->verbs);
  append_list (out, "shortNames", kind->short_names);
  append_list (out, "categories", kind->categories);
  append_aggregated_subresources (out, kind);
  g_string_append_c (out, '}');
}

static void
append_aggregated_group (GString *out, GPtrArray *kinds, const char *group)
{
  g_autoptr (GPtrArray) versions = list_versions (kinds, group);

  g_string_append (out, "{\"metadata\":{");
  if (*group != '\0')
    append_member (out, "name", group);
  g_string_append (out, "},\"versions\":[");
  for (guint i = 0; i < versions->len; i++) {
    const char *version = g_ptr_array_index (versions, i);
    gboolean first = TRUE;
    g_string_append_printf (out, "%s{\"version\":\"%s\",\"resources\":[", i > 0 ? "," : "", version);
    for (guint k = 0; k < kinds->len; k++) {
      KubeKind *kind = g_ptr_array_index (kinds, k);
      if (!g_str_equal (kind->group, group) || !g_str_equal (kind->version, version) || kind->verbs == 0)
        continue;
      if (!first)
        g_string_append_c (out, ',');
      append_aggregated_resource (out, kind);
      first = FALSE;
    }
    g_string_append (out, "],\"freshness\":\"Current\"}");
  }
  g_string_append (out, "]}");
}

static gboolean
wants_aggregated (KubeOperation *op, const char **version)
{
  static const char *const versions[] = { "v2", "v2beta1" };

  for (guint i = 0; i < G_N_ELEMENTS (versions); i++) {
    if (kube_operation_accepts_as (op, "APIGroupDiscoveryList", "apidiscovery.k8s.io", versions[i])) {
      *version = versions[i];
      return TRUE;
    }
  }
  return FALSE;
}

/* With the ETag by which a client that has it already is told so. */
static void
answer_aggregated (KubeOperation *op, const char *version, GString *items)
{
  g_autofree char *hash = NULL, *upper = NULL, *etag = NULL, *type = NULL;
  const char *known = kube_call_get_header (op->call, "If-None-Match");
  g_autoptr (GBytes) body = NULL;
  g_autofree char *head = g_strdup_printf ("{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/%s\",\"metadata\":{},\"items\":[", version);

  g_string_prepend (items, head);
  g_string_append (items, "]}");
  hash = g_compute_checksum_for_string (G_CHECKSUM_SHA512, items->str, (gssize) items->len);
  upper = g_ascii_strup (hash, -1);
  etag = g_strdup_printf ("\"%s\"", upper);
  kube_call_add_header (op->call, "ETag", etag);
  kube_call_add_header (op->call, "Vary", "Accept");
  kube_call_add_header (op->call, "Cache-Control", "public");
  if (g_strcmp0 (known, etag) == 0) {
    body = g_bytes_new (NULL, 0);
    kube_call_respond (op->call, 304, NULL, body);
    return;
  }
  type = g_strdup_printf ("application/json;g=apidiscovery.k8s.io;v=%s;as=APIGroupDiscoveryList", version);
  body = g_bytes_new (items->str, items->len);
  kube_call_respond (op->call, 200, type, body);
}

static void
answer (KubeOperation *op, GString *json)
{
  g_autoptr (GBytes) body = g_string_free_to_bytes (json);
  GError *error = NULL;

  if (!kube_operation_negotiate (op, FALSE, &error))
    kube_operation_take_error (op, error);
  else
    kube_operation_answer_json (op, 200, body);
}

void
kube_discovery_answer_versions (KubeOperation *op)
{
  const char *version;

  if (wants_aggregated (op, &version)) {
    g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (op->scheme);
    g_autoptr (GString) items = g_string_new (NULL);
    append_aggregated_group (items, kinds, "");
    answer_aggregated (op, version, items);
    return;
  }
  answer (op, g_string_new ("{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":\"127.0.0.1:6443\"}]}"));
}

void
kube_discovery_answer_groups (KubeOperation *op)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (op->scheme);
  g_autoptr (GPtrArray) groups = list_groups (kinds);
  const char *version = NULL;
  gboolean aggregated = wants_aggregated (op, &version);
  GString *out = g_string_new (aggregated ? NULL : "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[");

  for (guint i = 0; i < groups->len; i++) {
    const char *group = g_ptr_array_index (groups, i);
    if (i > 0)
      g_string_append_c (out, ',');
    if (aggregated) {
      append_aggregated_group (out, kinds, group);
      continue;
    }
    g_string_append_c (out, '{');
    append_group (out, kinds, group);
    g_string_append_c (out, '}');
  }
  if (aggregated) {
    answer_aggregated (op, version, out);
    g_string_free (out, TRUE);
    return;
  }
  g_string_append (out, "]}");
  answer (op, out);
}

gboolean
kube_discovery_has_group (KubeOperation *op, const char *group)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (op->scheme);
  g_autoptr (GPtrArray) versions = list_versions (kinds, group);

  return versions->len > 0;
}

gboolean
kube_discovery_answer_group (KubeOperation *op, const char *group)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (op->scheme);
  g_autoptr (GPtrArray) versions = list_versions (kinds, group);
  GString *out;

  if (*group == '\0' || versions->len == 0)
    return FALSE;
  out = g_string_new ("{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\",");
  append_group (out, kinds, group);
  g_string_append_c (out, '}');
  answer (op, out);
  return TRUE;
}

gboolean
kube_discovery_answer_resources (KubeOperation *op, const char *group, const char *version)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (op->scheme);
  gboolean first = TRUE;
  GString *out = g_string_new ("{\"kind\":\"APIResourceList\",");

  if (*group != '\0')
    g_string_append_printf (out, "\"apiVersion\":\"v1\",\"groupVersion\":\"%s/%s\",\"resources\":[", group, version);
  else
    g_string_append_printf (out, "\"groupVersion\":\"%s\",\"resources\":[", version);
  for (guint i = 0; i < kinds->len; i++) {
    KubeKind *kind = g_ptr_array_index (kinds, i);
    if (!g_str_equal (kind->group, group) || !g_str_equal (kind->version, version) || kind->verbs == 0)
      continue;
    if (!first)
      g_string_append_c (out, ',');
    append_resource (out, kind);
    for (guint k = 0; k < kind->n_subresources; k++)
      append_subresource (out, kind, &kind->subresources[k]);
    first = FALSE;
  }
  g_string_append (out, "]}");
  if (first) {
    g_string_free (out, TRUE);
    return FALSE;
  }
  answer (op, out);
  return TRUE;
}

void
kube_discovery_append_paths (KubeOperation *op, GPtrArray *paths)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (op->scheme);
  g_autoptr (GPtrArray) groups = list_groups (kinds);

  for (guint i = 0; i < groups->len; i++) {
    const char *group = g_ptr_array_index (groups, i);
    g_autoptr (GPtrArray) versions = list_versions (kinds, group);
    g_ptr_array_add (paths, g_strdup_printf ("/apis/%s", group));
    for (guint k = 0; k < versions->len; k++)
      g_ptr_array_add (paths, g_strdup_printf ("/apis/%s/%s", group, (const char *) g_ptr_array_index (versions, k)));
  }
}
