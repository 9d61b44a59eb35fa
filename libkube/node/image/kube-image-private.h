/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-image-store.h>

G_BEGIN_DECLS

/* A reference taken apart: domain/path[:tag][@digest], defaults filled in. */
typedef struct {
  char *domain; /* docker.io */
  char *path;   /* library/nginx */
  char *tag;    /* (nullable) with a digest only */
  char *digest; /* (nullable) */
} KubeImageName;

KubeImageName *kube_image_name_parse (const char *text, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void kube_image_name_free (KubeImageName *name);
char *kube_image_name_print (const KubeImageName *name) G_GNUC_WARN_UNUSED_RESULT;
gboolean kube_digest_is_valid (const char *digest); /* sha256: and 64 hex digits */

/* @layers: (transfer full): chain ids as hex, the lowest first. @names, @config: as the getters give them. */
KubeImage *kube_image_new (const char *id, const char *digest, const char *const *names, gint64 size, KubeValue *config,
                           GStrv layers);
const char *const *kube_image_get_layers (KubeImage *image);

/* The folder of unpacked layers, each named by its chain id. */
const char *kube_image_store_get_layer_folder (KubeImageStore *store);
/* As kube_image_store_import(), for a pull: @repo_digest (nullable) is noted as a further name, files of @path may be moved away. */
KubeImage *kube_image_store_import_full (KubeImageStore *store, const char *path, const char *name, const char *repo_digest,
                                         GError **error);

/* What stands at @path as an OCI layout folder: @path itself, or a copy below @scratch. @digest: the manifest to take. */
char *kube_image_source_open (const char *path, const char *scratch, char **manifest_digest,
                              GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Makes an OCI layout of what skopeo writes as `dir:` (the registry's own bytes, each blob under its hex digest); the manifest's digest. */
char *kube_image_source_adopt_folder (const char *folder, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Reads a small JSON blob of a layout and checks its digest. */
KubeValue *kube_image_source_read (const char *layout, const char *digest, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Hashes a file; the hex digits. */
char *kube_file_hash (const char *path, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Unpacks the layer blob @blob into the new folder @folder, with overlayfs' whiteouts. @parents: (array zero-terminated=1): folders of the layers below, the
 * lowest first. @diff_id: hex sha256 that the unpacked stream must have. */
gboolean kube_layer_unpack (const char *blob, const char *folder, const char *const *parents, const char *diff_id,
                            GError **error);
gboolean kube_folder_remove (const char *path,
                             GError **error); /* with all in it; none there is no error; stays on the one file system */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeImageName, kube_image_name_free)

G_END_DECLS
