/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-openapi-private.h"

#include <string.h>

#define MAX_KEPT (2 * 1024 * 1024)

/* The documents are made from the tables when they are first asked for, and kept with their scheme until it changes. The index needs only their
 * hashes: to know those, each is written once and dropped. */
typedef struct {
  char *hash;       /* (owned) */
  GBytes *json;     /* (owned) (nullable) */
  GBytes *protobuf; /* (owned) (nullable) */
} Document;

typedef struct {
  guint64 generation;
  GHashTable *documents; /* (element-type utf8 Document): by "v2" and the paths of version 3 */
  GBytes *index;         /* (owned) (nullable) */
} Cache;

static GMutex cache_lock; /* over the caches of all schemes; documents are written under it, once */

static void
document_free (gpointer data)
{
  Document *document = data;

  g_free (document->hash);
  g_clear_pointer (&document->json, g_bytes_unref);
  g_clear_pointer (&document->protobuf, g_bytes_unref);
  g_free (document);
}

static void
cache_free (gpointer data)
{
  Cache *cache = data;

  g_hash_table_unref (cache->documents);
  g_clear_pointer (&cache->index, g_bytes_unref);
  g_free (cache);
}

static Cache *
get_cache (KubeScheme *scheme)
{
  Cache *cache = g_object_get_data (G_OBJECT (scheme), "kube-openapi");
  guint64 generation = kube_scheme_get_generation (scheme);

  if (cache != NULL && cache->generation == generation)
    return cache;
  cache = g_new0 (Cache, 1);
  cache->generation = generation;
  cache->documents = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, document_free);
  g_object_set_data_full (G_OBJECT (scheme), "kube-openapi", cache, cache_free);
  return cache;
}

static void
gstring_free (gpointer data)
{
  g_string_free (data, TRUE);
}

static void
add_kind_of (KubeOpenapi *self, const KubeType *type, const char *group, const char *version, const char *kind)
{
  GString *text = g_hash_table_lookup (self->kinds_of, type);

  if (type == NULL)
    return;
  if (text == NULL) {
    text = g_string_new (NULL);
    g_hash_table_insert (self->kinds_of, (gpointer)type, text);
  }
  if (text->len > 0)
    g_string_append_c (text, ',');
  g_string_append_printf (text, "{\"group\":\"%s\",\"kind\":\"%s\",\"version\":\"%s\"}", group, kind, version);
}

/* Upstream has DeleteOptions and WatchEvent in every group and version. */
static void
add_common_kinds (KubeOpenapi *self)
{
  const KubeType *options = kube_schema_find_type ("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
  const KubeType *event = kube_schema_find_type ("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent");
  KubeKind *last = NULL;

  for (guint i = 0; i < self->kinds->len; i++) {
    KubeKind *kind = self->kinds->pdata[i];

    if (last != NULL && strcmp (last->api_version, kind->api_version) == 0)
      continue;
    add_kind_of (self, options, kind->group, kind->version, "DeleteOptions");
    add_kind_of (self, event, kind->group, kind->version, "WatchEvent");
    last = kind;
  }
}

static void
openapi_init (KubeOpenapi *self, KubeScheme *scheme, gboolean v3)
{
  *self = (KubeOpenapi){
    .scheme = scheme,
    .kinds = kube_scheme_list_kinds (scheme),
    .v3 = v3,
    .out = g_string_new (NULL),
    .types = g_hash_table_new (NULL, NULL),
    .scalars = g_hash_table_new (g_str_hash, g_str_equal),
    .pending = g_ptr_array_new (),
    .kinds_of = g_hash_table_new_full (NULL, NULL, NULL, gstring_free),
  };
  for (guint i = 0; i < self->kinds->len; i++) {
    KubeKind *kind = self->kinds->pdata[i];

    add_kind_of (self, kind->type, kind->group, kind->version, kind->name);
    add_kind_of (self, kind->list_type, kind->group, kind->version, kind->list_name);
  }
  for (guint i = 0; i < kube_schema_n_kinds; i++) {
    const KubeKind *kind = &kube_schema_kinds[i];

    if (kind->verbs == 0 && strcmp (kind->name, "DeleteOptions") != 0 && strcmp (kind->name, "WatchEvent") != 0)
      add_kind_of (self, kind->type, kind->group, kind->version, kind->name);
  }
  add_common_kinds (self);
  kube_openapi_use_type (self, kube_schema_find_type ("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"));
}

static void
openapi_clear (KubeOpenapi *self)
{
  g_ptr_array_unref (self->kinds);
  g_hash_table_unref (self->types);
  g_hash_table_unref (self->scalars);
  g_ptr_array_unref (self->pending);
  g_hash_table_unref (self->kinds_of);
}

static char *
kind_root (KubeKind *kind)
{
  return g_strconcat (kind->group[0] == '\0' ? "api/" : "apis/", kind->api_version, NULL);
}

/* @path: (nullable): of the group and version; NULL: all. Returns NULL where it has no kinds. */
static GBytes *
write_document (KubeScheme *scheme, const char *path)
{
  gboolean v3 = path != NULL;
  guint n_kinds = 0;
  KubeOpenapi self;

  openapi_init (&self, scheme, v3);
  if (v3)
    g_string_append (self.out, "{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v1.36.0\"},\"paths\":{");
  else
    g_string_append (self.out, "{\"swagger\":\"2.0\",\"info\":{\"title\":\"Kubernetes\",\"version\":\"v1.36.0\"},\"paths\":{");
  for (guint i = 0; i < self.kinds->len; i++) {
    g_autofree char *root = kind_root (self.kinds->pdata[i]);

    if (v3 && strcmp (root, path) != 0)
      continue;
    kube_openapi_append_paths (&self, self.kinds->pdata[i]);
    n_kinds++;
  }
  g_string_append (self.out, v3 ? "},\"components\":{\"schemas\":{" : "},\"definitions\":{");
  kube_openapi_append_definitions (&self);
  if (v3)
    g_string_append (
        self.out, "},\"securitySchemes\":{\"BearerToken\":{\"type\":\"apiKey\",\"name\":\"authorization\",\"in\":\"header\"}}}}");
  else
    g_string_append (
        self.out,
        "},\"securityDefinitions\":{\"BearerToken\":{\"type\":\"apiKey\",\"name\":\"authorization\",\"in\":\"header\"}},"
        "\"security\":[{\"BearerToken\":[]}]}");
  openapi_clear (&self);
  if (n_kinds == 0 && v3) {
    g_string_free (self.out, TRUE);
    return NULL;
  }
  return g_string_free_to_bytes (self.out);
}

/* @keep: whether the text is wanted, or only the hash. */
static Document *
get_document (KubeScheme *scheme, const char *path, gboolean keep)
{
  Cache *cache = get_cache (scheme);
  Document *document = g_hash_table_lookup (cache->documents, path != NULL ? path : "v2");
  g_autoptr (GBytes) json = NULL;

  if (document != NULL && (document->json != NULL || !keep))
    return document;
  json = write_document (scheme, path);
  if (json == NULL)
    return NULL;
  if (document == NULL) {
    document = g_new0 (Document, 1);
    document->hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, json);
    g_hash_table_insert (cache->documents, g_strdup (path != NULL ? path : "v2"), document);
  }
  if (keep)
    document->json = g_steal_pointer (&json);
  return document;
}

static GBytes *
encode (Document *document, gboolean v3)
{
  if (document->protobuf == NULL) {
    gsize length;
    const char *text = g_bytes_get_data (document->json, &length);
    const KubeParseOptions options = { .max_size = length };
    g_autoptr (KubeValue) value = kube_value_parse_with_options (text, length, &options, NULL);

    document->protobuf = v3 ? kube_openapi_v3_to_protobuf (value) : kube_openapi_v2_to_protobuf (value);
  }
  return g_bytes_ref (document->protobuf);
}

static gsize
document_size (const Document *document)
{
  return (document->json != NULL ? g_bytes_get_size (document->json) : 0) +
         (document->protobuf != NULL ? g_bytes_get_size (document->protobuf) : 0);
}

/* Clients keep what they got, so that a document is seldom asked for again soon: those beyond a limit are dropped, their hashes stay. */
static void
trim (Cache *cache, const Document *keep)
{
  GHashTableIter iter;
  gpointer value;
  gsize size = 0;

  g_hash_table_iter_init (&iter, cache->documents);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    size += document_size (value);
  g_hash_table_iter_init (&iter, cache->documents);
  while (size > MAX_KEPT && g_hash_table_iter_next (&iter, NULL, &value)) {
    Document *document = value;

    if (document == keep)
      continue;
    size -= document_size (document);
    g_clear_pointer (&document->json, g_bytes_unref);
    g_clear_pointer (&document->protobuf, g_bytes_unref);
  }
}

static GBytes *
get (KubeScheme *scheme, const char *path, gboolean protobuf, char **hash)
{
  Document *document;
  GBytes *bytes = NULL;

  g_mutex_lock (&cache_lock);
  document = get_document (scheme, path, TRUE);
  if (document != NULL) {
    bytes = protobuf ? encode (document, path != NULL) : g_bytes_ref (document->json);
    if (hash != NULL)
      *hash = g_strdup (document->hash);
    trim (get_cache (scheme), document);
  }
  g_mutex_unlock (&cache_lock);
  return bytes;
}

/**
 * kube_openapi_get_v3:
 * @scheme: a scheme
 * @path: a group and version as the index names it: `api/v1`, `apis/apps/v1`
 * @protobuf: whether in gnostic's protobuf form rather than JSON
 * @hash: (out) (optional) (transfer full): what the index says of the document
 *
 * Returns: (transfer full) (nullable): the document of OpenAPI version 3; %NULL where nothing is served there
 */
GBytes *
kube_openapi_get_v3 (KubeScheme *scheme, const char *path, gboolean protobuf, char **hash)
{
  g_return_val_if_fail (path != NULL, NULL);
  return get (scheme, path, protobuf, hash);
}

/**
 * kube_openapi_get_v2:
 * @scheme: a scheme
 * @protobuf: whether in gnostic's protobuf form rather than JSON
 * @hash: (out) (optional) (transfer full): changes with the document
 *
 * Returns: (transfer full): the document of OpenAPI version 2
 */
GBytes *
kube_openapi_get_v2 (KubeScheme *scheme, gboolean protobuf, char **hash)
{
  return get (scheme, NULL, protobuf, hash);
}

static GBytes *
write_index (KubeScheme *scheme)
{
  g_autoptr (GPtrArray) kinds = kube_scheme_list_kinds (scheme);
  g_autofree char *last = NULL;
  GString *out = g_string_new ("{\"paths\":{");

  for (guint i = 0; i < kinds->len; i++) {
    g_autofree char *root = kind_root (kinds->pdata[i]);
    g_autofree char *url = NULL;

    if (last != NULL && strcmp (last, root) == 0)
      continue;
    url = g_strconcat ("/openapi/v3/", root, "?hash=", get_document (scheme, root, FALSE)->hash, NULL);
    kube_openapi_key (out, root);
    g_string_append_c (out, '{');
    kube_openapi_text (out, "serverRelativeURL", url);
    g_string_append_c (out, '}');
    g_free (last);
    last = g_steal_pointer (&root);
  }
  g_string_append (out, "}}");
  return g_string_free_to_bytes (out);
}

/**
 * kube_openapi_get_v3_index:
 * @scheme: a scheme
 *
 * Returns: (transfer full): the paths of all documents of version 3, with their hashes
 */
GBytes *
kube_openapi_get_v3_index (KubeScheme *scheme)
{
  GBytes *index;
  Cache *cache;

  g_mutex_lock (&cache_lock);
  cache = get_cache (scheme);
  if (cache->index == NULL)
    cache->index = write_index (scheme);
  index = g_bytes_ref (cache->index);
  g_mutex_unlock (&cache_lock);
  return index;
}
