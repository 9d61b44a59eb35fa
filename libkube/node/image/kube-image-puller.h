/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <kube/kube-image-store.h>

G_BEGIN_DECLS

/* Pulls images by skopeo, a few at once. Callbacks come on the caller's main context. */
typedef struct _KubeImagePuller KubeImagePuller;

KubeImagePuller *kube_image_puller_new (KubeImageStore *store, const char *data_dir) G_GNUC_WARN_UNUSED_RESULT;
void kube_image_puller_free (KubeImagePuller *puller); /* waits for what is under way */
/* @auth: (nullable): contents of a docker config.json with the credentials to try. The error's message is skopeo's. */
void kube_image_puller_pull_async (KubeImagePuller *puller, const char *name, const char *auth, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);
KubeImage *kube_image_puller_pull_finish (GAsyncResult *result, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeImagePuller, kube_image_puller_free)

G_END_DECLS
