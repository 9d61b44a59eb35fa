/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-oci-spec.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_FILE (1024 * 1024)

/* A file of the image; links are followed inside of it. NULL where there is none. */
static char *
read_inside (const char *rootfs, const char *path)
{
  struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
  int root = open (rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd = root >= 0 ? syscall (SYS_openat2, root, path, &how, sizeof how) : -1;
  struct stat st;
  char *text = NULL;

  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && st.st_size <= MAX_FILE) {
    text = g_malloc (st.st_size + 1);
    ssize_t n = read (fd, text, st.st_size);
    text[MAX (n, 0)] = '\0';
  }
  if (fd >= 0)
    close (fd);
  if (root >= 0)
    close (root);
  return text;
}

static gboolean
parse_id (const char *text, guint32 *id)
{
  guint64 value;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &value, NULL))
    return FALSE;
  *id = value;
  return TRUE;
}

/* The line of passwd or group whose first field, or third as a number, is @key. */
static GStrv
find_line (const char *text, const char *key, gboolean is_id, guint32 id)
{
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);

  for (char **line = lines; *line != NULL; line++) {
    g_auto (GStrv) fields = g_strsplit (*line, ":", -1);
    guint32 number;
    if (g_strv_length (fields) < 3 || !parse_id (fields[2], &number))
      continue;
    if (is_id ? number == id : g_str_equal (fields[0], key))
      return g_steal_pointer (&fields);
  }
  return NULL;
}

static void
add_member_groups (const char *text, const char *user, GArray *groups)
{
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);

  for (char **line = lines; *line != NULL; line++) {
    g_auto (GStrv) fields = g_strsplit (*line, ":", -1);
    guint32 id;
    if (g_strv_length (fields) < 4 || !parse_id (fields[2], &id))
      continue;
    g_auto (GStrv) members = g_strsplit (fields[3], ",", -1);
    if (g_strv_contains ((const char *const *) members, user))
      g_array_append_val (groups, id);
  }
}

gboolean
kube_image_user_resolve (const char *rootfs, const char *text, gint64 group, guint32 *uid, guint32 *gid, GArray *groups,
                         GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", ":", 2);
  const char *user = parts[0] != NULL ? parts[0] : "", *group_text = parts[0] != NULL ? parts[1] : NULL;
  g_autofree char *passwd = read_inside (rootfs, "etc/passwd");
  g_autofree char *group_file = read_inside (rootfs, "etc/group");
  gboolean is_id = *user == '\0' || parse_id (user, uid);

  *gid = 0;
  if (*user == '\0')
    *uid = 0;
  g_auto (GStrv) entry = find_line (passwd, user, is_id, *uid);
  if (entry != NULL) {
    parse_id (entry[2], uid);
    if (entry[3] != NULL)
      parse_id (entry[3], gid);
    add_member_groups (group_file, entry[0], groups);
  } else if (!is_id) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "unable to find user %s: no matching entries in passwd file", user);
    return FALSE;
  }
  if (group >= 0) {
    *gid = group;
    return TRUE;
  }
  if (group_text != NULL && !parse_id (group_text, gid)) {
    g_auto (GStrv) line = find_line (group_file, group_text, FALSE, 0);
    if (line == NULL) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "unable to find group %s: no matching entries in group file",
                   group_text);
      return FALSE;
    }
    parse_id (line[2], gid);
  }
  return TRUE;
}
