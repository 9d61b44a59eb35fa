/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-image-private.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_BYTES (G_GINT64_CONSTANT (64) << 30)
#define MAX_ENTRIES (4 * 1000 * 1000)
#define MAX_SYMLINKS 40
#define MAX_PATH 4096

/* Unpacks one layer. The layer's own folder holds only what the layer changes; where an entry's parent is not in it, the layers below say whether it is a
 * folder (then it is made with the same owner and mode, for overlayfs shows the upper one's) or a symbolic link (then it is followed, inside of the image). */
typedef struct {
  int root;        /* the layer's folder */
  GArray *parents; /* (element-type int): folders below, the topmost first */
  GChecksum *checksum;
  struct archive *raw; /* decompresses the blob */
  gint64 bytes;
  gboolean too_large;
} Unpack;

static gboolean
fail (GError **error, const char *path, int code)
{
  g_set_error (error, KUBE_ERROR, code == ENOSPC ? KUBE_ERROR_SERVICE_UNAVAILABLE : KUBE_ERROR_INTERNAL, "cannot unpack %s: %s",
               path, g_strerror (code));
  return FALSE;
}

/* What stands at @path in one layer's folder. No link is followed on the way: where the layers above have put a folder in a link's place, the link is no part of the
 * image any more, and nothing keeps it from leading out of it. */
static int
open_in_layer (int folder, const char *path, guint64 flags)
{
  struct open_how how = { .flags = flags | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };

  return syscall (SYS_openat2, folder, path, &how, sizeof how);
}

/* Whether it has @path; @hides: it has what keeps the layers below from being seen there. */
static gboolean
is_in_layer (int folder, const char *path, struct stat *st, gboolean *hides)
{
  int fd = open_in_layer (folder, path, O_PATH);
  gboolean good = fd >= 0 && fstat (fd, st) == 0 && !(S_ISCHR (st->st_mode) && st->st_rdev == 0);

  *hides = fd >= 0 || errno != ENOENT;
  if (fd >= 0)
    close (fd);
  return good;
}

/* What a path inside of the image is, in this layer or below; @path is clean and relative. */
static gboolean
look_up (Unpack *unpack, const char *path, struct stat *st, int *where)
{
  gboolean hides;

  *where = unpack->root;
  if (is_in_layer (*where, path, st, &hides))
    return TRUE;
  for (guint i = 0; !hides && i < unpack->parents->len; i++) {
    *where = g_array_index (unpack->parents, int, i);
    if (is_in_layer (*where, path, st, &hides))
      return TRUE;
  }
  return FALSE;
}

static gboolean
make_folder (Unpack *unpack, const char *path, const struct stat *like, GError **error)
{
  struct stat st;

  if (fstatat (unpack->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISDIR (st.st_mode))
      return TRUE;
    if (unlinkat (unpack->root, path, 0) < 0)
      return fail (error, path, errno);
  }
  if (mkdirat (unpack->root, path, 0755) < 0)
    return fail (error, path, errno);
  if (like != NULL && (fchownat (unpack->root, path, like->st_uid, like->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
                       fchmodat (unpack->root, path, like->st_mode & 07777, 0) < 0))
    return fail (error, path, errno);
  return TRUE;
}

/* Pushes the parts of @path on @parts (a stack, so the last one first). */
static void
push_parts (GPtrArray *parts, const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);

  for (guint i = g_strv_length (names); i-- > 0;)
    g_ptr_array_add (parts, g_strdup (names[i]));
}

/* The folder @path of the image as a clean path without symbolic links, existing in this layer. Nothing that stands in an image leads out of it: each link is
 * resolved here, part by part, and ".." stops at the root. */
static char *
resolve_folder (Unpack *unpack, const char *path, GError **error)
{
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) done = g_string_new (NULL);
  guint links = 0;

  push_parts (parts, path);
  while (parts->len > 0) {
    g_autofree char *part = g_ptr_array_steal_index (parts, parts->len - 1);
    struct stat st;
    int where;
    if (*part == '\0' || g_str_equal (part, "."))
      continue;
    gsize before = done->len;
    if (g_str_equal (part, "..")) {
      char *slash = strrchr (done->str, '/');
      g_string_truncate (done, slash != NULL ? slash - done->str : 0);
      continue;
    }
    g_string_append_printf (done, "%s%s", before > 0 ? "/" : "", part);
    if (done->len > MAX_PATH) {
      fail (error, path, ENAMETOOLONG);
      return NULL;
    }
    gboolean known = look_up (unpack, done->str, &st, &where);
    if (known && S_ISLNK (st.st_mode)) {
      char target[MAX_PATH];
      ssize_t n = readlinkat (where, done->str, target, sizeof target - 1);
      if (n < 0 || ++links > MAX_SYMLINKS) {
        fail (error, path, n < 0 ? errno : ELOOP);
        return NULL;
      }
      target[n] = '\0';
      g_string_truncate (done, target[0] == '/' ? 0 : before);
      push_parts (parts, target);
    } else if (!make_folder (unpack, done->str, known && S_ISDIR (st.st_mode) ? &st : NULL, error))
      return NULL;
  }
  return g_string_free (g_steal_pointer (&done), FALSE);
}

/* The clean path at which the entry @path is to be made; its folder exists. NULL with @error unset for the root itself. */
static char *
resolve_entry (Unpack *unpack, const char *path, GError **error)
{
  g_autofree char *clean = g_strdup (path);
  gsize n = strlen (clean);

  while (n > 0 && (clean[n - 1] == '/' || (clean[n - 1] == '.' && (n == 1 || clean[n - 2] == '/'))))
    clean[--n] = '\0';
  if (n == 0)
    return NULL;
  char *slash = strrchr (clean, '/');
  const char *name = slash != NULL ? slash + 1 : clean;
  if (g_str_equal (name, "..") || n > MAX_PATH) {
    fail (error, path, EINVAL);
    return NULL;
  }
  g_autofree char *parent = g_strndup (clean, slash != NULL ? slash - clean : 0);
  g_autofree char *folder = resolve_folder (unpack, parent, error);
  if (folder == NULL)
    return NULL;
  return *folder != '\0' ? g_strdup_printf ("%s/%s", folder, name) : g_strdup (name);
}

static gboolean
remove_tree_at (int folder, const char *name)
{
  int fd;
  DIR *dir;
  struct dirent *entry;

  if (unlinkat (folder, name, 0) == 0 || errno == ENOENT)
    return TRUE;
  if (errno != EISDIR && errno != EPERM)
    return FALSE;
  fd = openat (folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  dir = fd >= 0 ? fdopendir (fd) : NULL;
  if (dir == NULL) {
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  gboolean good = TRUE;
  while ((entry = readdir (dir)) != NULL) {
    if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, ".."))
      good = remove_tree_at (fd, entry->d_name) && good;
  }
  closedir (dir);
  return unlinkat (folder, name, AT_REMOVEDIR) == 0 && good;
}

gboolean
kube_folder_remove (const char *path, GError **error)
{
  if (remove_tree_at (AT_FDCWD, path))
    return TRUE;
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "cannot remove %s: %s", path, g_strerror (errno));
  return FALSE;
}

/* .wh.NAME hides NAME, .wh..wh..opq hides all that the layers below have in the folder; overlayfs has its own ways to say so. */
static gboolean
make_whiteout (Unpack *unpack, const char *path, const char *name, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_str_equal (name, ".wh..wh..opq")) {
    int fd = openat (unpack->root, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int code = fd < 0 || fsetxattr (fd, "trusted.overlay.opaque", "y", 1, 0) < 0 ? errno : 0;
    if (fd >= 0)
      close (fd);
    return code == 0 || fail (error, path, code);
  }
  if (g_str_has_prefix (name, ".wh..wh."))
    return TRUE; /* aufs' own files */
  if (name[4] == '\0' || g_str_equal (name + 4, ".") || g_str_equal (name + 4, ".."))
    return fail (error, path, EINVAL);
  g_autofree char *hidden = g_strdup_printf ("%s/%s", folder, name + 4);
  if (!remove_tree_at (unpack->root, hidden) || mknodat (unpack->root, hidden, S_IFCHR, makedev (0, 0)) < 0)
    return fail (error, path, errno);
  return TRUE;
}

static int
copy_range (int from, int to)
{
  char buffer[64 * 1024];

  for (;;) {
    ssize_t n = read (from, buffer, sizeof buffer);
    if (n <= 0)
      return n < 0 ? errno : 0;
    for (ssize_t at = 0; at < n;) {
      ssize_t m = write (to, buffer + at, n - at);
      if (m < 0)
        return errno;
      at += m;
    }
  }
}

/* A hard link to a file that only a layer below has: the file is copied up first. */
static gboolean
copy_up (Unpack *unpack, const char *path, const struct stat *st, int where, GError **error)
{
  int from = open_in_layer (where, path, O_RDONLY), to = -1, code = 0;

  if (from < 0)
    return fail (error, path, errno);
  to = openat (unpack->root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (to < 0)
    code = errno;
  else {
    code = copy_range (from, to);
    if (code == 0 && (fchown (to, st->st_uid, st->st_gid) < 0 || fchmod (to, st->st_mode & 07777) < 0))
      code = errno;
    close (to);
  }
  close (from);
  return code == 0 || fail (error, path, code);
}

static gboolean
make_hard_link (Unpack *unpack, const char *path, const char *target, GError **error)
{
  g_autofree char *source = resolve_entry (unpack, target, error);
  struct stat st;
  int where;

  if (source == NULL)
    return error != NULL && *error != NULL ? FALSE : fail (error, path, EINVAL);
  if (!look_up (unpack, source, &st, &where) || S_ISDIR (st.st_mode))
    return fail (error, path, ENOENT);
  if (where != unpack->root && !(S_ISREG (st.st_mode) && copy_up (unpack, source, &st, where, error)))
    return error != NULL && *error != NULL ? FALSE : fail (error, path, EINVAL);
  return linkat (unpack->root, source, unpack->root, path, 0) == 0 || fail (error, path, errno);
}

static int
write_data (struct archive *archive, int fd)
{
  const void *data;
  size_t size;
  la_int64_t offset;
  int status;

  while ((status = archive_read_data_block (archive, &data, &size, &offset)) == ARCHIVE_OK) {
    for (size_t at = 0; at < size;) {
      ssize_t n = pwrite (fd, (const char *) data + at, size - at, offset + at);
      if (n < 0)
        return errno;
      at += n;
    }
  }
  return status == ARCHIVE_EOF ? 0 : EIO;
}

static gboolean
make_file (Unpack *unpack, struct archive *archive, struct archive_entry *entry, const char *path, GError **error)
{
  int fd = openat (unpack->root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

  if (fd < 0)
    return fail (error, path, errno);
  int code = write_data (archive, fd);
  if (code == 0 && ftruncate (fd, archive_entry_size (entry)) < 0)
    code = errno;
  close (fd);
  return code == 0 || fail (error, path, code);
}

static void
set_xattrs (Unpack *unpack, struct archive_entry *entry, const char *path)
{
  g_autofree char *full = g_strdup_printf ("/proc/self/fd/%d/%s", unpack->root, path);
  const char *name;
  const void *value;
  size_t size;

  archive_entry_xattr_reset (entry);
  while (archive_entry_xattr_next (entry, &name, &value, &size) == ARCHIVE_OK) {
    if (g_str_has_prefix (name, "user.") || g_str_equal (name, "security.capability"))
      lsetxattr (full, name, value, size, 0);
  }
}

static gboolean
set_metadata (Unpack *unpack, struct archive_entry *entry, const char *path, GError **error)
{
  struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { archive_entry_mtime (entry), archive_entry_mtime_nsec (entry) } };

  if (fchownat (unpack->root, path, archive_entry_uid (entry), archive_entry_gid (entry), AT_SYMLINK_NOFOLLOW) < 0)
    return fail (error, path, errno);
  if (archive_entry_filetype (entry) != AE_IFLNK && fchmodat (unpack->root, path, archive_entry_perm (entry), 0) < 0)
    return fail (error, path, errno);
  set_xattrs (unpack, entry, path);
  utimensat (unpack->root, path, times, AT_SYMLINK_NOFOLLOW);
  return TRUE;
}

static gboolean
unpack_entry (Unpack *unpack, struct archive *archive, struct archive_entry *entry, GError **error)
{
  g_autoptr (GError) local = NULL;
  const char *raw = archive_entry_pathname (entry);
  g_autofree char *path = raw != NULL ? resolve_entry (unpack, raw, &local) : NULL;
  mode_t type = archive_entry_filetype (entry);
  const char *name, *link = archive_entry_hardlink (entry);
  struct stat st;

  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (path == NULL) /* the root */
    return type != AE_IFDIR || fchmod (unpack->root, archive_entry_perm (entry)) == 0 || fail (error, "/", errno);
  name = strrchr (path, '/');
  name = name != NULL ? name + 1 : path;
  if (g_str_has_prefix (name, ".wh."))
    return make_whiteout (unpack, path, name, error);
  if (link == NULL && (type == AE_IFCHR || type == AE_IFBLK || type == AE_IFSOCK))
    return TRUE; /* containers get their devices from the runtime */
  gboolean folder_stays = type == AE_IFDIR && link == NULL && fstatat (unpack->root, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                          S_ISDIR (st.st_mode);
  if (!folder_stays && !remove_tree_at (unpack->root, path))
    return fail (error, path, errno);
  if (link != NULL)
    return make_hard_link (unpack, path, link, error);

  if (type == AE_IFDIR) {
    if (!folder_stays && mkdirat (unpack->root, path, 0700) < 0)
      return fail (error, path, errno);
  } else if (type == AE_IFLNK) {
    const char *target = archive_entry_symlink (entry);
    if (target == NULL || symlinkat (target, unpack->root, path) < 0)
      return fail (error, path, target == NULL ? EINVAL : errno);
  } else if (type == AE_IFIFO) {
    if (mkfifoat (unpack->root, path, 0600) < 0)
      return fail (error, path, errno);
  } else if (!make_file (unpack, archive, entry, path, error))
    return FALSE;
  return set_metadata (unpack, entry, path, error);
}

static la_ssize_t
read_decompressed (struct archive *archive, void *data, const void **block)
{
  Unpack *unpack = data;
  static _Thread_local char buffer[64 * 1024];
  la_ssize_t n = archive_read_data (unpack->raw, buffer, sizeof buffer);

  if (n < 0) {
    archive_set_error (archive, EIO, "%s", archive_error_string (unpack->raw));
    return -1;
  }
  unpack->bytes += n;
  if (unpack->bytes > MAX_BYTES) {
    archive_set_error (archive, EFBIG, "the layer is too large");
    return -1;
  }
  g_checksum_update (unpack->checksum, (const guchar *) buffer, n);
  *block = buffer;
  return n;
}

static gboolean
unpack_entries (Unpack *unpack, const char *blob, GError **error)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  guint entries = 0;
  gboolean good = TRUE;
  int status;

  archive_read_support_format_tar (archive);
  archive_read_support_format_empty (archive);
  status = archive_read_open (archive, unpack, NULL, read_decompressed, NULL);
  while (good && status == ARCHIVE_OK && (status = archive_read_next_header (archive, &entry)) >= ARCHIVE_WARN &&
         status != ARCHIVE_EOF) {
    status = ARCHIVE_OK;
    if (++entries > MAX_ENTRIES) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "layer %s has more than %d files", blob, MAX_ENTRIES);
      good = FALSE;
    } else
      good = unpack_entry (unpack, archive, entry, error);
  }
  if (good && status != ARCHIVE_EOF) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "layer %s is damaged: %s", blob, archive_error_string (archive));
    good = FALSE;
  }
  archive_read_free (archive);
  /* What follows the end of the archive belongs to the digest too. */
  const void *block;
  while (good && read_decompressed (unpack->raw, unpack, &block) > 0)
    ;
  return good;
}

static gboolean
open_raw (Unpack *unpack, const char *blob, GError **error)
{
  struct archive_entry *entry;

  unpack->raw = archive_read_new ();
  archive_read_support_filter_all (unpack->raw);
  archive_read_support_format_raw (unpack->raw);
  archive_read_support_format_empty (unpack->raw);
  if (archive_read_open_filename (unpack->raw, blob, 64 * 1024) == ARCHIVE_OK &&
      archive_read_next_header (unpack->raw, &entry) == ARCHIVE_OK)
    return TRUE;
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "cannot read layer %s: %s", blob, archive_error_string (unpack->raw));
  return FALSE;
}

static gboolean
unpack_all (Unpack *unpack, const char *blob, const char *const *parents, const char *diff_id, GError **error)
{
  for (guint i = parents != NULL ? g_strv_length ((GStrv) parents) : 0; i-- > 0;) {
    int fd = open (parents[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
      return fail (error, parents[i], errno);
    g_array_append_val (unpack->parents, fd);
  }
  if (!open_raw (unpack, blob, error) || !unpack_entries (unpack, blob, error))
    return FALSE;
  if (!g_str_equal (g_checksum_get_string (unpack->checksum), diff_id)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "layer %s does not have the digest that its image names", blob);
    return FALSE;
  }
  /* The layer is named only after it is on the disk in full. */
  return syncfs (unpack->root) == 0 || fail (error, blob, errno);
}

gboolean
kube_layer_unpack (const char *blob, const char *folder, const char *const *parents, const char *diff_id, GError **error)
{
  Unpack unpack = { .root = -1 };
  gboolean good;

  if (mkdir (folder, 0755) < 0 || (unpack.root = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
    return fail (error, folder, errno);
  unpack.parents = g_array_new (FALSE, FALSE, sizeof (int));
  unpack.checksum = g_checksum_new (G_CHECKSUM_SHA256);
  good = unpack_all (&unpack, blob, parents, diff_id, error);
  for (guint i = 0; i < unpack.parents->len; i++)
    close (g_array_index (unpack.parents, int, i));
  g_array_unref (unpack.parents);
  g_checksum_free (unpack.checksum);
  if (unpack.raw != NULL)
    archive_read_free (unpack.raw);
  close (unpack.root);
  return good;
}
