/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-atomic-writer.h"

#include "image/kube-image-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_LINK "..data"
#define MAX_SIZE (64 * 1024 * 1024)

static void
file_free (gpointer data)
{
  KubeVolumeFile *file = data;

  g_free (file->path);
  g_bytes_unref (file->data);
  g_free (file);
}

GPtrArray *
kube_volume_files_new (void)
{
  return g_ptr_array_new_with_free_func (file_free);
}

void
kube_volume_files_add (GPtrArray *files, const char *path, GBytes *data, guint mode, gint64 uid)
{
  KubeVolumeFile *file = g_new0 (KubeVolumeFile, 1);

  for (guint i = 0; i < files->len; i++) {
    KubeVolumeFile *other = files->pdata[i];
    if (g_str_equal (other->path, path)) {
      g_ptr_array_remove_index (files, i);
      break;
    }
  }
  file->path = g_strdup (path);
  file->data = g_bytes_ref (data);
  file->mode = mode;
  file->uid = uid;
  g_ptr_array_add (files, file);
}

static gboolean
fail (GError **error, const char *path)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", path, g_strerror (errno));
  return FALSE;
}

static gboolean
is_safe (const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);

  if (*path == '\0' || *path == '/' || strlen (path) > 1024 || g_str_has_prefix (path, ".."))
    return FALSE;
  return !g_strv_contains ((const char *const *) parts, "..");
}

static gboolean
is_same (const char *folder, const KubeVolumeFile *file)
{
  g_autofree char *path = g_build_filename (folder, DATA_LINK, file->path, NULL);
  g_autofree char *text = NULL;
  struct stat st;
  gsize length, wanted;
  const char *data = g_bytes_get_data (file->data, &wanted);

  if (stat (path, &st) < 0 || (gsize) st.st_size != wanted || (st.st_mode & 07777) != file->mode)
    return FALSE;
  return g_file_get_contents (path, &text, &length, NULL) && length == wanted &&
         (wanted == 0 || memcmp (text, data, wanted) == 0);
}

static guint
count_files (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    n += g_file_test (path, G_FILE_TEST_IS_DIR) ? count_files (path) : 1;
  }
  return n;
}

static gboolean
write_file (const char *stamp, const KubeVolumeFile *file, gint64 group, GError **error)
{
  g_autofree char *path = g_build_filename (stamp, file->path, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  gsize length;
  const char *data = g_bytes_get_data (file->data, &length);
  guint mode = file->mode;

  if (g_mkdir_with_parents (parent, 0755) < 0)
    return fail (error, parent);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail (error, path);
  gboolean good = length == 0 || write (fd, data, length) == (ssize_t) length;
  if (group >= 0)
    mode |= 0440;
  if (file->uid >= 0 || group >= 0)
    good = fchown (fd, file->uid >= 0 ? file->uid : 0, group >= 0 ? group : 0) == 0 && good;
  good = fchmod (fd, mode) == 0 && good;
  if (!good)
    fail (error, path);
  close (fd);
  return good;
}

/* The part of @path before its first slash: what has a link in the volume's folder. */
static char *
first_part (const char *path)
{
  return g_strndup (path, strcspn (path, "/"));
}

static gboolean
make_links (const char *folder, GPtrArray *files, GError **error)
{
  g_autoptr (GHashTable) wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GDir) dir = NULL;
  const char *name;

  for (guint i = 0; i < files->len; i++) {
    char *part = first_part (((KubeVolumeFile *) files->pdata[i])->path);
    g_autofree char *link = g_build_filename (folder, part, NULL);
    g_autofree char *target = g_build_filename (DATA_LINK, part, NULL);
    if (g_hash_table_add (wanted, part) && symlink (target, link) < 0 && errno != EEXIST)
      return fail (error, link);
  }
  dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    if (!g_str_has_prefix (name, "..") && !g_hash_table_contains (wanted, name))
      unlink (path);
  }
  return TRUE;
}

static gboolean
check (GPtrArray *files, GError **error)
{
  gsize total = 0;

  for (guint i = 0; i < files->len; i++) {
    KubeVolumeFile *file = files->pdata[i];
    if (!is_safe (file->path)) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "invalid path: must not contain '..': %s", file->path);
      return FALSE;
    }
    total += g_bytes_get_size (file->data);
  }
  if (total <= MAX_SIZE)
    return TRUE;
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE, "the volume's files are too large");
  return FALSE;
}

static char *
make_stamp (const char *folder)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%Y_%m_%d_%H_%M_%S");

  return g_strdup_printf ("%s/..%s.%u", folder, time, g_random_int ());
}

gboolean
kube_atomic_write (const char *folder, GPtrArray *files, gint64 group, GError **error)
{
  g_autofree char *link = g_build_filename (folder, DATA_LINK, NULL);
  g_autofree char *next = g_build_filename (folder, DATA_LINK "_tmp", NULL);
  g_autofree char *stamp = make_stamp (folder);
  g_autofree char *name = g_path_get_basename (stamp);
  char before[4096];
  gboolean same = TRUE;

  if (!check (files, error))
    return FALSE;
  for (guint i = 0; same && i < files->len; i++)
    same = is_same (folder, files->pdata[i]);
  ssize_t n = readlink (link, before, sizeof before - 1);
  if (n > 0) {
    before[n] = '\0';
    g_autofree char *now = g_build_filename (folder, before, NULL);
    if (same && count_files (now) == files->len)
      return TRUE;
  }
  if (mkdir (stamp, 0755) < 0)
    return fail (error, stamp);
  for (guint i = 0; i < files->len; i++) {
    if (!write_file (stamp, files->pdata[i], group, error)) {
      kube_folder_remove (stamp, NULL);
      return FALSE;
    }
  }
  unlink (next);
  if (symlink (name, next) < 0 || rename (next, link) < 0)
    return fail (error, link);
  if (!make_links (folder, files, error))
    return FALSE;
  if (n > 0) {
    g_autofree char *old = g_build_filename (folder, before, NULL);
    kube_folder_remove (old, NULL);
  }
  return TRUE;
}
