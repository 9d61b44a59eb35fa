/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-image-private.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <kube/kube-builder.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_JSON (4 * 1024 * 1024)
#define MAX_BYTES (G_GINT64_CONSTANT (128) << 30)
#define MAX_LAYERS 127

#ifdef __x86_64__
#define ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE ""
#endif

static gboolean
fail (GError **error, const char *what, const char *why)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "%s: %s", what, why);
  return FALSE;
}

char *
kube_file_hash (const char *path, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  guchar buffer[64 * 1024];
  ssize_t n = -1;

  while (fd >= 0 && (n = read (fd, buffer, sizeof buffer)) > 0)
    g_checksum_update (checksum, buffer, n);
  if (n < 0)
    g_set_error (error, KUBE_ERROR, errno == ENOENT ? KUBE_ERROR_NOT_FOUND : KUBE_ERROR_INTERNAL, "cannot read %s: %s", path,
                 g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return n < 0 ? NULL : g_strdup (g_checksum_get_string (checksum));
}

static KubeValue *
read_json (const char *path, const char *digest, GError **error)
{
  g_autofree char *data = NULL;
  g_autoptr (GError) local = NULL;
  gsize length;
  struct stat st;

  if (stat (path, &st) == 0 && st.st_size > MAX_JSON) {
    fail (error, path, "too large");
    return NULL;
  }
  if (!g_file_get_contents (path, &data, &length, &local)) {
    g_set_error_literal (error, KUBE_ERROR,
                         g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? KUBE_ERROR_NOT_FOUND : KUBE_ERROR_INTERNAL,
                         local->message);
    return NULL;
  }
  g_autofree char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) data, length);
  if (digest != NULL && !g_str_equal (sum, digest + strlen ("sha256:"))) {
    fail (error, path, "does not have its digest");
    return NULL;
  }
  KubeValue *value = kube_value_parse (data, length, error);
  if (value == NULL)
    g_prefix_error (error, "%s: ", path);
  return value;
}

static char *
blob_path (const char *layout, const char *digest)
{
  return g_strdup_printf ("%s/blobs/sha256/%s", layout, digest + strlen ("sha256:"));
}

KubeValue *
kube_image_source_read (const char *layout, const char *digest, GError **error)
{
  if (!kube_digest_is_valid (digest)) {
    fail (error, digest != NULL ? digest : "(nothing)", "not a sha256 digest");
    return NULL;
  }
  g_autofree char *path = blob_path (layout, digest);
  return read_json (path, digest, error);
}

static gboolean
is_index (KubeValue *descriptor)
{
  const char *type = kube_value_get_string (descriptor, "mediaType");

  return type != NULL && (g_str_has_suffix (type, ".index.v1+json") || g_str_has_suffix (type, ".list.v2+json"));
}

/* The manifest for this machine: of an index of platforms the one of this machine, else the only one. */
static char *
choose_manifest (const char *layout, KubeValue *index, guint depth, GError **error)
{
  KubeValue *manifests = kube_value_get (index, "manifests"), *chosen = NULL;
  guint n = kube_value_get_length (manifests), candidates = 0;

  for (guint i = 0; i < n; i++) {
    KubeValue *descriptor = kube_value_get_element (manifests, i);
    const char *os = kube_value_get_string (descriptor, "platform.os"),
               *architecture = kube_value_get_string (descriptor, "platform.architecture");
    if (os != NULL && architecture != NULL && !(g_str_equal (os, "linux") && g_str_equal (architecture, ARCHITECTURE)))
      continue;
    if (chosen == NULL)
      chosen = descriptor;
    /* the same manifest under several names counts once */
    else if (g_strcmp0 (kube_value_get_string (chosen, "digest"), kube_value_get_string (descriptor, "digest")) == 0)
      continue;
    candidates++;
  }
  if (chosen == NULL || candidates > 1) {
    fail (error, layout, chosen == NULL ? "no image for linux/" ARCHITECTURE : "more than one image");
    return NULL;
  }
  const char *digest = kube_value_get_string (chosen, "digest");
  if (!is_index (chosen)) {
    if (kube_digest_is_valid (digest))
      return g_strdup (digest);
    fail (error, layout, "an image without a sha256 digest");
    return NULL;
  }
  if (depth > 3) {
    fail (error, layout, "indexes nest too deeply");
    return NULL;
  }
  g_autoptr (KubeValue) inner = kube_image_source_read (layout, digest, error);
  return inner != NULL ? choose_manifest (layout, inner, depth + 1, error) : NULL;
}

static gboolean
is_safe_path (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  if (path[0] == '/' || strlen (path) > 512)
    return FALSE;
  for (char **part = parts; *part != NULL; part++) {
    if (g_str_equal (*part, ".."))
      return FALSE;
  }
  return TRUE;
}

static gboolean
extract_entry (struct archive *archive, struct archive_entry *entry, const char *folder, gint64 *bytes, GError **error)
{
  const char *name = archive_entry_pathname (entry);
  mode_t type = archive_entry_filetype (entry);
  const char *target = archive_entry_symlink (entry);

  /* Docker's older archives link a layer that stands there twice: only such links, to a file beside, are taken over. */
  if (type == AE_IFLNK && (target == NULL || !g_str_has_prefix (target, "../") || !is_safe_path (target + 3)))
    return fail (error, name, "a link to elsewhere");
  if ((type != AE_IFREG && type != AE_IFLNK) || archive_entry_hardlink (entry) != NULL)
    return TRUE;
  if (!is_safe_path (name))
    return fail (error, name, "a path that leads elsewhere");
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  if (g_mkdir_with_parents (parent, 0700) < 0)
    return fail (error, parent, g_strerror (errno));
  if (type == AE_IFLNK)
    return symlink (target, path) == 0 || fail (error, path, g_strerror (errno));

  if (archive_entry_size (entry) > MAX_BYTES - *bytes)
    return fail (error, name, "the archive is too large");
  *bytes += archive_entry_size (entry);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail (error, path, g_strerror (errno));
  int status = archive_read_data_into_fd (archive, fd);
  close (fd);
  return status == ARCHIVE_OK || fail (error, path, archive_error_string (archive));
}

static gboolean
extract (const char *path, const char *folder, GError **error)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  gint64 bytes = 0;
  gboolean good = TRUE;
  int status;

  archive_read_support_filter_all (archive);
  archive_read_support_format_tar (archive);
  status = archive_read_open_filename (archive, path, 64 * 1024);
  while (good && status == ARCHIVE_OK && (status = archive_read_next_header (archive, &entry)) == ARCHIVE_OK)
    good = extract_entry (archive, entry, folder, &bytes, error);
  if (good && status != ARCHIVE_EOF)
    good = fail (error, path, archive_error_string (archive));
  archive_read_free (archive);
  return good;
}

/* Moves a file of a docker archive among the blobs; a descriptor of it. */
static KubeValue *
adopt_blob (const char *folder, const char *name, const char *media_type, GError **error)
{
  g_autofree char *path = name != NULL && is_safe_path (name) ? g_build_filename (folder, name, NULL) : NULL;
  g_autofree char *sum = path != NULL ? kube_file_hash (path, error) : NULL;
  struct stat st;

  if (sum == NULL || stat (path, &st) < 0) {
    if (path == NULL)
      fail (error, folder, "manifest.json names a file that is not in the archive");
    return NULL;
  }
  g_autofree char *real = realpath (path, NULL);
  g_autofree char *real_folder = realpath (folder, NULL);
  g_autofree char *digest = g_strconcat ("sha256:", sum, NULL);
  g_autofree char *to = blob_path (folder, digest);
  if (real == NULL || real_folder == NULL || !g_str_has_prefix (real, real_folder)) {
    fail (error, path, "a path that leads elsewhere");
    return NULL;
  }
  if (link (real, to) < 0 && errno != EEXIST) {
    fail (error, to, g_strerror (errno));
    return NULL;
  }
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  kube_node_set_string (root, "digest", digest);
  kube_node_set_string (root, "mediaType", media_type);
  kube_node_set_integer (root, "size", st.st_size);
  return kube_builder_end (builder);
}

/* A docker archive (manifest.json) is made an OCI layout: its files get the names of their digests, and a manifest is written. */
static char *
convert_docker_archive (const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "manifest.json", NULL);
  g_autofree char *blobs = g_build_filename (folder, "blobs", "sha256", NULL);
  g_autoptr (KubeValue) list = read_json (path, NULL, error);
  KubeValue *entry = kube_value_get_element (list, 0), *layers = kube_value_get (entry, "Layers");
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);

  if (list == NULL)
    return NULL;
  if (kube_value_get_length (list) != 1 || kube_value_get_length (layers) > MAX_LAYERS) {
    fail (error, path, kube_value_get_length (list) > 1 ? "more than one image" : "no image");
    return NULL;
  }
  g_mkdir_with_parents (blobs, 0700);
  g_autoptr (KubeValue)
    config = adopt_blob (folder, kube_value_get_string (entry, "Config"), "application/vnd.oci.image.config.v1+json", error);
  if (config == NULL)
    return NULL;
  kube_node_set_integer (root, "schemaVersion", 2);
  kube_node_set_string (root, "mediaType", "application/vnd.oci.image.manifest.v1+json");
  kube_node_set_value (root, "config", config);
  KubeNode *out = kube_node_ensure_array (root, "layers");
  for (guint i = 0; i < kube_value_get_length (layers); i++) {
    const char *name = kube_value_peek_string (kube_value_get_element (layers, i), NULL);
    g_autoptr (KubeValue) layer = adopt_blob (folder, name, "application/vnd.oci.image.layer.v1.tar", error);
    if (layer == NULL)
      return NULL;
    kube_node_append_value (out, layer);
  }
  g_autoptr (KubeValue) manifest = kube_builder_end (builder);
  gsize length;
  g_autofree char *text = kube_value_print (manifest, &length);
  g_autofree char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) text, length);
  g_autofree char *digest = g_strconcat ("sha256:", sum, NULL);
  g_autofree char *to = blob_path (folder, digest);
  g_autoptr (GError) local = NULL;
  if (!g_file_set_contents (to, text, length, &local)) {
    fail (error, to, local->message);
    return NULL;
  }
  return g_steal_pointer (&digest);
}

char *
kube_image_source_adopt_folder (const char *folder, GError **error)
{
  g_autofree char *index = g_build_filename (folder, "index.json", NULL);
  g_autofree char *manifest = g_build_filename (folder, "manifest.json", NULL);
  g_autofree char *blobs = g_build_filename (folder, "blobs", "sha256", NULL);
  g_autofree char *sum = kube_file_hash (manifest, error);
  g_autofree char *to = sum != NULL ? g_build_filename (blobs, sum, NULL) : NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (sum == NULL)
    return NULL;
  g_mkdir_with_parents (blobs, 0700);
  dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *from = g_build_filename (folder, name, NULL);
    g_autofree char *blob = g_build_filename (blobs, name, NULL);
    if (strlen (name) == 64 && link (from, blob) < 0 && errno != EEXIST) {
      fail (error, blob, g_strerror (errno));
      return NULL;
    }
  }
  if (link (manifest, to) < 0 && errno != EEXIST) {
    fail (error, to, g_strerror (errno));
    return NULL;
  }
  g_autofree char *text = g_strdup_printf ("{\"schemaVersion\":2,\"manifests\":[{\"digest\":\"sha256:%s\"}]}", sum);
  g_autoptr (GError) local = NULL;
  if (!g_file_set_contents (index, text, -1, &local)) {
    fail (error, index, local->message);
    return NULL;
  }
  return g_strconcat ("sha256:", sum, NULL);
}

char *
kube_image_source_open (const char *path, const char *scratch, char **manifest_digest, GError **error)
{
  g_autofree char *folder = g_file_test (path, G_FILE_TEST_IS_DIR) ? g_strdup (path) : g_build_filename (scratch, "source", NULL);
  g_autofree char *index_path = g_build_filename (folder, "index.json", NULL);
  g_autofree char *docker_path = g_build_filename (folder, "manifest.json", NULL);

  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s: no such file or folder", path);
    return NULL;
  }
  if (!g_str_equal (folder, path) && (g_mkdir_with_parents (folder, 0700) < 0 || !extract (path, folder, error))) {
    if (error != NULL && *error == NULL)
      fail (error, folder, g_strerror (errno));
    return NULL;
  }
  if (g_file_test (index_path, G_FILE_TEST_EXISTS)) {
    g_autoptr (KubeValue) index = read_json (index_path, NULL, error);
    *manifest_digest = index != NULL ? choose_manifest (folder, index, 0, error) : NULL;
  } else if (!g_str_equal (folder, path) && g_file_test (docker_path, G_FILE_TEST_EXISTS))
    *manifest_digest = convert_docker_archive (folder, error);
  else {
    fail (error, path, "neither an OCI layout nor a docker archive");
    return NULL;
  }
  return *manifest_digest != NULL ? g_steal_pointer (&folder) : NULL;
}
