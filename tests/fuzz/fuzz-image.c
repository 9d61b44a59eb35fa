/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>

#include "fuzz.h"
#include "image/kube-image-private.h"

/* An image as a registry or a file could bring it: an OCI layout's index and its blobs, divided by lines of "%%". "@3" is the digest of the third blob, so
 * that what is changed somewhere stays consistent above; a blob can name those that follow it. */

#define MAX_PIECES 9
#define DIVIDER "\n%%\n"

static void
append_resolved (GString *out, const char *text, gsize length, guint own, char *const *digests)
{
  for (gsize i = 0; i < length; i++) {
    guint n = text[i] == '@' && i + 1 < length && g_ascii_isdigit (text[i + 1]) ? text[i + 1] - '0' : 0;
    if (n > own && n < MAX_PIECES && digests[n] != NULL) {
      g_string_append (out, digests[n]);
      i++;
    } else
      g_string_append_c (out, text[i]);
  }
}

static void
write_layout (const char *folder, const char *data, gsize size)
{
  g_autofree char *blobs = g_build_filename (folder, "blobs/sha256", NULL);
  g_autofree char *index = g_build_filename (folder, "index.json", NULL);
  const char *starts[MAX_PIECES + 1] = { data }, *at = data, *end = data + size;
  char *digests[MAX_PIECES] = { NULL };
  guint n = 1;

  g_mkdir_with_parents (blobs, 0700);
  while (n < MAX_PIECES && (at = memmem (at, end - at, DIVIDER, strlen (DIVIDER))) != NULL)
    starts[n++] = at += strlen (DIVIDER);
  starts[n] = end + strlen (DIVIDER);
  for (guint i = n; i-- > 0;) {
    g_autoptr (GString) piece = g_string_new (NULL);
    append_resolved (piece, starts[i], starts[i + 1] - strlen (DIVIDER) - starts[i], i, digests);
    g_autofree char *sum = g_compute_checksum_for_string (G_CHECKSUM_SHA256, piece->str, piece->len);
    g_autofree char *path = g_build_filename (blobs, sum, NULL);
    digests[i] = g_strconcat ("sha256:", sum, NULL);
    FUZZ_CHECK (g_file_set_contents_full (i == 0 ? index : path, piece->str, piece->len, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  }
  for (guint i = 0; i < n; i++)
    g_free (digests[i]);
}

static void
check_listed (KubeImageStore *store, KubeImage *image)
{
  g_autoptr (KubeImage) found = kube_image_store_find (store, "localhost/fuzz:1", NULL);
  g_autoptr (GError) error = NULL;

  FUZZ_CHECK (found != NULL && g_str_equal (kube_image_get_id (found), kube_image_get_id (image)));
  FUZZ_CHECK (kube_image_store_remove (store, "localhost/fuzz:1", &error));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  g_autofree char *folder = g_dir_make_tmp ("kube-fuzz-XXXXXX", NULL);
  g_autofree char *layout = g_build_filename (folder, "layout", NULL);
  g_autofree char *data_dir = g_build_filename (folder, "data", NULL);
  g_autoptr (KubeImageStore) store = kube_image_store_new (data_dir);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeImage) image = NULL;

  write_layout (layout, (const char *) data, size);
  image = kube_image_store_import (store, layout, "localhost/fuzz:1", &error);
  FUZZ_CHECK ((image == NULL) == (error != NULL));
  if (image != NULL)
    check_listed (store, image);
  FUZZ_CHECK (kube_folder_remove (folder, NULL));
  return 0;
}
