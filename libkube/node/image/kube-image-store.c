/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-image-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <kube/kube-builder.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define REF_NAME "org.opencontainers.image.ref.name"
#define MAX_LAYERS 127

/**
 * KubeImageStore:
 *
 * `images/` of the data directory is an OCI layout (`blobs/`, `index.json` with one descriptor for each name) and, in `layers/`, each layer unpacked once,
 * under its chain id: the folders that overlayfs puts under containers. Everything is written beside its place and renamed, so readers need no lock; writers
 * hold `images/lock`.
 *
 * Since: 1.0
 */
struct _KubeImageStore {
  GObject parent;
  char *folder; /* (owned) */
  char *layers; /* (owned) */
  char *index;  /* (owned) */
  GMutex lock;
  struct stat seen;  /* (mutex lock): of the index that `images` was read from */
  GPtrArray *images; /* (mutex lock) (element-type KubeImage) (nullable) */
};

G_DEFINE_TYPE (KubeImageStore, kube_image_store, G_TYPE_OBJECT)

static gboolean
fail (GError **error, const char *what, int code)
{
  g_set_error (error, KUBE_ERROR, code == EACCES || code == EPERM ? KUBE_ERROR_FORBIDDEN : KUBE_ERROR_INTERNAL, "%s: %s", what,
               g_strerror (code));
  return FALSE;
}

const char *
kube_image_store_get_layer_folder (KubeImageStore *store)
{
  return store->layers;
}

static int
lock_for_writing (KubeImageStore *self, GError **error)
{
  g_autofree char *blobs = g_build_filename (self->folder, "blobs", "sha256", NULL);
  g_autofree char *scratch = g_build_filename (self->folder, "tmp", NULL);
  g_autofree char *path = g_build_filename (self->folder, "lock", NULL);
  g_autofree char *mark = g_build_filename (self->folder, "oci-layout", NULL);

  if (g_mkdir_with_parents (blobs, 0700) < 0 || g_mkdir_with_parents (self->layers, 0700) < 0 ||
      g_mkdir_with_parents (scratch, 0700) < 0) {
    fail (error, self->folder, errno);
    return -1;
  }
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || flock (fd, LOCK_EX) < 0) {
    fail (error, path, errno);
    if (fd >= 0)
      close (fd);
    return -1;
  }
  if (!g_file_test (mark, G_FILE_TEST_EXISTS))
    g_file_set_contents (mark, "{\"imageLayoutVersion\":\"1.0.0\"}", -1, NULL);
  return fd;
}

/* The chain ids of a configuration's layers: each one's is made of the one below and its own digest. */
static GStrv
make_chain (KubeValue *config, GError **error)
{
  KubeValue *diff_ids = kube_value_get (config, "rootfs.diff_ids");
  guint n = kube_value_get_length (diff_ids);
  g_auto (GStrv) chain = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++) {
    const char *diff = kube_value_peek_string (kube_value_get_element (diff_ids, i), NULL);
    if (!kube_digest_is_valid (diff)) {
      g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID,
                           "the image's configuration has a layer without a sha256 digest");
      return NULL;
    }
    if (i == 0)
      chain[i] = g_strdup (diff + strlen ("sha256:"));
    else {
      g_autofree char *text = g_strdup_printf ("sha256:%s %s", chain[i - 1], diff);
      chain[i] = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
    }
  }
  return g_steal_pointer (&chain);
}

/* As it stands on the disk: what a manifest says of sizes is not to be believed. */
static gint64
blob_size (KubeImageStore *self, const char *digest)
{
  g_autofree char *path = NULL;
  struct stat st;

  if (!kube_digest_is_valid (digest))
    return 0;
  path = g_build_filename (self->folder, "blobs", "sha256", digest + strlen ("sha256:"), NULL);
  return stat (path, &st) == 0 ? st.st_size : 0;
}

static KubeImage *
load_image (KubeImageStore *self, const char *digest, const char *const *names, GError **error)
{
  g_autoptr (KubeValue) manifest = kube_image_source_read (self->folder, digest, error);
  const char *id = kube_value_get_string (manifest, "config.digest");
  g_autoptr (KubeValue) config = manifest != NULL ? kube_image_source_read (self->folder, id, error) : NULL;
  g_auto (GStrv) chain = config != NULL ? make_chain (config, error) : NULL;
  KubeValue *layers = kube_value_get (manifest, "layers");
  gint64 size;

  if (chain == NULL)
    return NULL;
  size = blob_size (self, id);
  for (guint i = 0; i < kube_value_get_length (layers); i++)
    size += blob_size (self, kube_value_get_string (kube_value_get_element (layers, i), "digest"));
  return kube_image_new (id, digest, names, size, kube_value_get (config, "config"), g_steal_pointer (&chain));
}

/* name -> manifest digest, in the order of the index */
static GHashTable *
read_index (KubeImageStore *self, GPtrArray *order, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *text = NULL;
  gsize length;

  if (!g_file_get_contents (self->index, &text, &length, NULL))
    return g_steal_pointer (&names);
  g_autoptr (KubeValue) index = kube_value_parse (text, length, error);
  if (index == NULL) {
    g_prefix_error (error, "%s: ", self->index);
    return NULL;
  }
  KubeValue *manifests = kube_value_get (index, "manifests");
  for (guint i = 0; i < kube_value_get_length (manifests); i++) {
    KubeValue *descriptor = kube_value_get_element (manifests, i);
    const char *name = kube_value_get_member_string (kube_value_get (descriptor, "annotations"), REF_NAME);
    const char *digest = kube_value_get_string (descriptor, "digest");
    if (name == NULL || !kube_digest_is_valid (digest) || g_hash_table_contains (names, name))
      continue;
    g_hash_table_insert (names, g_strdup (name), g_strdup (digest));
    if (order != NULL)
      g_ptr_array_add (order, g_strdup (name));
  }
  return g_steal_pointer (&names);
}

static gboolean
write_index (KubeImageStore *self, GHashTable *names, GError **error)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder), *manifests = kube_node_ensure_array (root, "manifests");
  g_autoptr (GList) keys = g_list_sort (g_hash_table_get_keys (names), (GCompareFunc) strcmp);

  kube_node_set_integer (root, "schemaVersion", 2);
  for (GList *l = keys; l != NULL; l = l->next) {
    const char *digest = g_hash_table_lookup (names, l->data);
    KubeNode *descriptor = kube_node_append_object (manifests);
    kube_node_set_string (descriptor, "mediaType", "application/vnd.oci.image.manifest.v1+json");
    kube_node_set_string (descriptor, "digest", digest);
    kube_node_set_integer (descriptor, "size", blob_size (self, digest));
    kube_node_put_string (kube_node_ensure_object (descriptor, "annotations"), REF_NAME, l->data);
  }
  g_autoptr (KubeValue) value = kube_builder_end (builder);
  gsize length;
  g_autofree char *text = kube_value_print (value, &length);
  g_autoptr (GError) local = NULL;
  if (g_file_set_contents_full (self->index, text, length, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &local))
    return TRUE;
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, local->message);
  return FALSE;
}

static GPtrArray *
load_images (KubeImageStore *self, GError **error)
{
  g_autoptr (GPtrArray) images = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_image_unref);
  g_autoptr (GPtrArray) order = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) names = read_index (self, order, error);
  g_autoptr (GHashTable) done = g_hash_table_new (g_str_hash, g_str_equal);

  if (names == NULL)
    return NULL;
  for (guint i = 0; i < order->len; i++) {
    const char *digest = g_hash_table_lookup (names, g_ptr_array_index (order, i));
    g_autoptr (GPtrArray) mine = g_ptr_array_new ();
    if (!g_hash_table_add (done, (gpointer) digest))
      continue;
    for (guint j = i; j < order->len; j++) {
      const char *name = g_ptr_array_index (order, j);
      if (g_str_equal (g_hash_table_lookup (names, name), digest))
        g_ptr_array_add (mine, (gpointer) name);
    }
    g_ptr_array_add (mine, NULL);
    /* a damaged image is as good as none: it is pulled again */
    KubeImage *image = load_image (self, digest, (const char *const *) mine->pdata, NULL);
    if (image != NULL)
      g_ptr_array_add (images, image);
  }
  return g_steal_pointer (&images);
}

/**
 * kube_image_store_list:
 * @store: a store
 * @error: return location
 *
 * Returns: (transfer container) (element-type KubeImage): all images
 * Since: 1.0
 */
GPtrArray *
kube_image_store_list (KubeImageStore *store, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&store->lock);
  struct stat st = { 0 };

  stat (store->index, &st);
  if (store->images == NULL || st.st_ino != store->seen.st_ino || st.st_mtim.tv_sec != store->seen.st_mtim.tv_sec ||
      st.st_mtim.tv_nsec != store->seen.st_mtim.tv_nsec || st.st_size != store->seen.st_size) {
    GPtrArray *images = load_images (store, error);
    if (images == NULL)
      return NULL;
    g_clear_pointer (&store->images, g_ptr_array_unref);
    store->images = images;
    store->seen = st;
  }
  return g_ptr_array_ref (store->images);
}

static gboolean
has_name (KubeImage *image, const char *name)
{
  return g_strv_contains (kube_image_get_names (image), name);
}

static gboolean
has_id (KubeImage *image, const char *id)
{
  return g_str_equal (kube_image_get_id (image), id) ||
         (strlen (id) >= 12 && g_str_has_prefix (kube_image_get_id (image) + 7, id));
}

/**
 * kube_image_store_find:
 * @store: a store
 * @name: a name, or an id (`sha256:…`, or its first twelve or more digits)
 * @error: return location
 *
 * Returns: (transfer full): the image
 * Since: 1.0
 */
KubeImage *
kube_image_store_find (KubeImageStore *store, const char *name, GError **error)
{
  g_autoptr (GPtrArray) images = kube_image_store_list (store, error);
  g_autofree char *full = NULL;

  if (images == NULL)
    return NULL;
  for (guint i = 0; i < images->len; i++) {
    if (has_id (g_ptr_array_index (images, i), name))
      return kube_image_ref (g_ptr_array_index (images, i));
  }
  g_autoptr (KubeImageName) parsed = kube_image_name_parse (name, error);
  if (parsed == NULL)
    return NULL;
  /* a digest decides, whatever tag stands before it */
  if (parsed->digest != NULL)
    g_clear_pointer (&parsed->tag, g_free);
  full = kube_image_name_print (parsed);
  for (guint i = 0; i < images->len; i++) {
    if (has_name (g_ptr_array_index (images, i), full))
      return kube_image_ref (g_ptr_array_index (images, i));
  }
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "no such image: %s", full);
  return NULL;
}

/* Brings a blob among ours, under its digest, and checks that it has it. */
static gboolean
take_blob (KubeImageStore *self, const char *layout, const char *digest, GError **error)
{
  g_autofree char *from = g_build_filename (layout, "blobs", "sha256", digest + strlen ("sha256:"), NULL);
  g_autofree char *to = g_build_filename (self->folder, "blobs", "sha256", digest + strlen ("sha256:"), NULL);
  g_autofree char *part = g_strdup_printf ("%s/tmp/blob-%s", self->folder, digest + strlen ("sha256:"));
  g_autoptr (GError) local = NULL;

  if (g_file_test (to, G_FILE_TEST_EXISTS))
    return TRUE;
  g_autoptr (GFile) source = g_file_new_for_path (from);
  g_autoptr (GFile) target = g_file_new_for_path (part);
  if (!g_file_copy (source, target, G_FILE_COPY_OVERWRITE | G_FILE_COPY_NOFOLLOW_SYMLINKS, NULL, NULL, NULL, &local)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, local->message);
    return FALSE;
  }
  g_autofree char *sum = kube_file_hash (part, error);
  if (sum != NULL && !g_str_equal (sum, digest + strlen ("sha256:"))) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "%s does not have its digest", from);
    g_clear_pointer (&sum, g_free);
  }
  if (sum == NULL || chmod (part, 0600) < 0 || rename (part, to) < 0) {
    if (sum != NULL)
      fail (error, to, errno);
    unlink (part);
    return FALSE;
  }
  return TRUE;
}

static gboolean
unpack_layers (KubeImageStore *self, KubeValue *manifest, KubeValue *config, GError **error)
{
  KubeValue *layers = kube_value_get (manifest, "layers"), *diff_ids = kube_value_get (config, "rootfs.diff_ids");
  guint n = kube_value_get_length (diff_ids);
  g_auto (GStrv) chain = make_chain (config, error);
  g_autoptr (GPtrArray) parents = g_ptr_array_new_with_free_func (g_free);

  if (chain == NULL)
    return FALSE;
  if (kube_value_get_length (layers) != n || n > MAX_LAYERS) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID,
                 n > MAX_LAYERS ? "the image has more than %d layers" : "manifest and configuration do not have the same layers",
                 MAX_LAYERS);
    return FALSE;
  }
  for (guint i = 0; i < n; i++) {
    const char *digest = kube_value_get_string (kube_value_get_element (layers, i), "digest");
    const char *diff = kube_value_peek_string (kube_value_get_element (diff_ids, i), NULL);
    g_autofree char *blob = g_build_filename (self->folder, "blobs", "sha256", digest + strlen ("sha256:"), NULL);
    g_autofree char *part = g_strdup_printf ("%s/tmp/layer-%s", self->folder, chain[i]);
    char *folder = g_build_filename (self->layers, chain[i], NULL);
    g_ptr_array_add (parents, NULL);
    if (!g_file_test (folder, G_FILE_TEST_IS_DIR)) {
      if (!kube_folder_remove (part, error) ||
          !kube_layer_unpack (blob, part, (const char *const *) parents->pdata, diff + strlen ("sha256:"), error) ||
          (rename (part, folder) < 0 && !fail (error, folder, errno))) {
        kube_folder_remove (part, NULL);
        g_free (folder);
        return FALSE;
      }
    }
    parents->pdata[parents->len - 1] = folder;
  }
  return TRUE;
}

static gboolean
take_image (KubeImageStore *self, const char *layout, const char *digest, GError **error)
{
  g_autoptr (KubeValue) manifest = kube_image_source_read (layout, digest, error);
  KubeValue *layers = kube_value_get (manifest, "layers");
  const char *config_digest = kube_value_get_string (manifest, "config.digest");
  g_autoptr (KubeValue) config = manifest != NULL ? kube_image_source_read (layout, config_digest, error) : NULL;

  if (config == NULL)
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (layers); i++) {
    const char *layer = kube_value_get_string (kube_value_get_element (layers, i), "digest");
    if (!kube_digest_is_valid (layer)) {
      g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "the image's manifest has a layer without a sha256 digest");
      return FALSE;
    }
    if (!take_blob (self, layout, layer, error))
      return FALSE;
  }
  return unpack_layers (self, manifest, config, error) && take_blob (self, layout, config_digest, error) &&
         take_blob (self, layout, digest, error);
}

/* Whether a mount stands on a layer of this store: by its path, or by a descriptor, as an image of many layers is mounted. */
static gboolean
is_mounted (KubeImageStore *self, const char *mounts, const char *layer)
{
  g_autofree char *path = g_build_filename (self->layers, layer, NULL);

  if (strstr (mounts, path) != NULL)
    return TRUE;
  for (const char *at = mounts; (at = strstr (at, layer)) != NULL; at++) {
    const char *c = at - 1;
    while (c > mounts && (g_ascii_isdigit (c[-1])))
      c--;
    if (c - mounts >= 14 && strncmp (c - 14, "/proc/self/fd/", 14) == 0)
      return TRUE;
  }
  return FALSE;
}

/* Removes the files of @folder that are not in @keep; those that a container's root file system stands on stay. */
static gboolean
sweep (KubeImageStore *self, const char *folder, GHashTable *keep, const char *mounts, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  gboolean good = TRUE;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (!g_hash_table_contains (keep, name) && !is_mounted (self, mounts, name))
      good = kube_folder_remove (path, error) && good;
  }
  return good;
}

/* What no name leads to any more. */
static gboolean
collect_garbage (KubeImageStore *self, GError **error)
{
  g_autoptr (GHashTable) keep = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) images = kube_image_store_list (self, error);
  g_autofree char *mounts = NULL;
  g_autofree char *blobs = g_build_filename (self->folder, "blobs", "sha256", NULL);

  if (images == NULL || !g_file_get_contents ("/proc/self/mountinfo", &mounts, NULL, NULL))
    return images != NULL;
  for (guint i = 0; i < images->len; i++) {
    KubeImage *image = g_ptr_array_index (images, i);
    g_autoptr (KubeValue) manifest = kube_image_source_read (self->folder, kube_image_get_digest (image), NULL);
    KubeValue *layers = kube_value_get (manifest, "layers");
    g_hash_table_add (keep, g_strdup (kube_image_get_digest (image) + 7));
    g_hash_table_add (keep, g_strdup (kube_image_get_id (image) + 7));
    for (guint j = 0; j < kube_value_get_length (layers); j++)
      g_hash_table_add (keep, g_strdup (kube_value_get_string (kube_value_get_element (layers, j), "digest") + 7));
    for (const char *const *layer = kube_image_get_layers (image); *layer != NULL; layer++)
      g_hash_table_add (keep, g_strdup (*layer));
  }
  return sweep (self, blobs, keep, "", error) && sweep (self, self->layers, keep, mounts, error);
}

static gboolean
import_locked (KubeImageStore *self, const char *path, const char *name, const char *repo_digest, const char *scratch,
               GError **error)
{
  g_autofree char *digest = NULL;
  g_autofree char *layout = kube_image_source_open (path, scratch, &digest, error);

  if (layout == NULL || !take_image (self, layout, digest, error))
    return FALSE;
  g_autoptr (GHashTable) names = read_index (self, NULL, error);
  if (names == NULL)
    return FALSE;
  const char *before = g_hash_table_lookup (names, name);
  gboolean replaced = before != NULL && !g_str_equal (before, digest);
  g_hash_table_replace (names, g_strdup (name), g_strdup (digest));
  if (repo_digest != NULL)
    g_hash_table_replace (names, g_strdup (repo_digest), g_strdup (digest));
  return write_index (self, names, error) && (!replaced || collect_garbage (self, error));
}

KubeImage *
kube_image_store_import_full (KubeImageStore *self, const char *path, const char *name, const char *repo_digest, GError **error)
{
  g_autofree char *full = kube_image_normalize_name (name, error);
  int lock = full != NULL ? lock_for_writing (self, error) : -1;

  if (lock < 0)
    return NULL;
  g_autofree char *scratch = g_build_filename (self->folder, "tmp", "import-XXXXXX", NULL);
  gboolean good = g_mkdtemp (scratch) != NULL || fail (error, scratch, errno);
  if (good) {
    good = import_locked (self, path, full, repo_digest, scratch, error);
    kube_folder_remove (scratch, NULL);
  }
  close (lock);
  return good ? kube_image_store_find (self, full, error) : NULL;
}

/**
 * kube_image_store_import:
 * @store: a store
 * @path: an OCI layout (folder or tar) or a docker archive, perhaps compressed
 * @name: the name that the image gets
 * @error: return location
 *
 * Copies an image into the store and unpacks its layers. Digests are verified; paths and links that lead out of the image are refused or kept inside; device nodes are left out.
 *
 * Returns: (transfer full): the image
 * Since: 1.0
 */
KubeImage *
kube_image_store_import (KubeImageStore *store, const char *path, const char *name, GError **error)
{
  return kube_image_store_import_full (store, path, name, NULL, error);
}

static gboolean
is_in_use (KubeImageStore *self, KubeImage *image)
{
  const char *const *layers = kube_image_get_layers (image);
  guint n = g_strv_length ((GStrv) layers);
  g_autofree char *mounts = NULL;

  return n > 0 && g_file_get_contents ("/proc/self/mountinfo", &mounts, NULL, NULL) && is_mounted (self, mounts, layers[n - 1]);
}

static gboolean
remove_locked (KubeImageStore *self, const char *name, GError **error)
{
  g_autoptr (KubeImage) image = kube_image_store_find (self, name, error);
  g_autoptr (GHashTable) names = image != NULL ? read_index (self, NULL, error) : NULL;
  g_autofree char *full = image != NULL ? kube_image_normalize_name (name, NULL) : NULL;
  guint left = 0;

  if (names == NULL)
    return FALSE;
  const char *const *mine = kube_image_get_names (image);
  gboolean all = full == NULL || !has_name (image, full);
  for (; *mine != NULL; mine++) {
    if (all || g_str_equal (*mine, full))
      g_hash_table_remove (names, *mine);
    else if (strchr (*mine, '@') == NULL)
      left++;
  }
  /* names by digest go with the last name by tag */
  for (mine = kube_image_get_names (image); left == 0 && *mine != NULL; mine++)
    g_hash_table_remove (names, *mine);
  if (left == 0 && is_in_use (self, image)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_CONFLICT, "image %s is in use by a container", name);
    return FALSE;
  }
  return write_index (self, names, error) && collect_garbage (self, error);
}

/**
 * kube_image_store_remove:
 * @store: a store
 * @name: a name, or an id
 * @error: return location
 *
 * Returns: whether it is gone
 * Since: 1.0
 */
gboolean
kube_image_store_remove (KubeImageStore *store, const char *name, GError **error)
{
  g_autoptr (KubeImage) image = kube_image_store_find (store, name, error);
  int lock = image != NULL ? lock_for_writing (store, error) : -1;

  if (lock < 0)
    return FALSE;
  gboolean good = remove_locked (store, name, error);
  close (lock);
  return good;
}

static void
kube_image_store_finalize (GObject *object)
{
  KubeImageStore *self = KUBE_IMAGE_STORE (object);

  g_clear_pointer (&self->images, g_ptr_array_unref);
  g_free (self->folder);
  g_free (self->layers);
  g_free (self->index);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (kube_image_store_parent_class)->finalize (object);
}

static void
kube_image_store_class_init (KubeImageStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = kube_image_store_finalize;
}

static void
kube_image_store_init (KubeImageStore *self)
{
  g_mutex_init (&self->lock);
}

/**
 * kube_image_store_new:
 * @data_dir: the data directory; nothing is written before the first import
 *
 * Returns: (transfer full): the store of images in it
 * Since: 1.0
 */
KubeImageStore *
kube_image_store_new (const char *data_dir)
{
  KubeImageStore *self = g_object_new (KUBE_TYPE_IMAGE_STORE, NULL);

  self->folder = g_canonicalize_filename (data_dir, NULL);
  g_autofree char *base = g_steal_pointer (&self->folder);
  self->folder = g_build_filename (base, "images", NULL);
  self->layers = g_build_filename (self->folder, "layers", NULL);
  self->index = g_build_filename (self->folder, "index.json", NULL);
  return self;
}
