/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-runtime-oci-private.h"

#include "image/kube-image-private.h"
#include "kube-oci-spec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_OPTIONS 4000

static gboolean
fail (GError **error, const char *what, int code)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", what, g_strerror (code));
  return FALSE;
}

/* @folder: (nullable): where what is written goes. */
static char *
make_options (const char *layers_path, const char *const *layers, const char *folder)
{
  GString *options = g_string_new ("lowerdir=");

  /* overlayfs wants the topmost first */
  for (guint n = g_strv_length ((GStrv) layers); n-- > 0;)
    g_string_append_printf (options, "%s/%s%s", layers_path, layers[n], n > 0 ? ":" : "");
  if (folder != NULL)
    g_string_append_printf (options, ",upperdir=%s/upper,workdir=%s/work", folder, folder);
  return g_string_free (options, FALSE);
}

/* mount(2) takes a page of options: images of many layers are named by a descriptor of the folder that they are in. */
static gboolean
mount_overlay (const char *layers_path, const char *const *layers, const char *folder, const char *rootfs, GError **error)
{
  g_autofree char *options = make_options (layers_path, layers, folder);
  int fd = -1;

  if (strlen (options) > MAX_OPTIONS) {
    fd = open (layers_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    g_autofree char *short_path = g_strdup_printf ("/proc/self/fd/%d", fd);
    g_free (options);
    options = make_options (short_path, layers, folder);
  }
  int result = mount ("overlay", rootfs, "overlay", 0, options), code = errno;
  if (fd >= 0)
    close (fd);
  return result == 0 || fail (error, "cannot mount the image", code);
}

static gboolean
make_rootfs (const char *folder, KubeImage *image, const char *layer_folder, GError **error)
{
  g_autofree char *rootfs = g_build_filename (folder, "rootfs", NULL);
  g_autofree char *upper = g_build_filename (folder, "upper", NULL);
  g_autofree char *work = g_build_filename (folder, "work", NULL);
  static const char *const empty[] = { NULL };
  const char *const *layers = image != NULL ? kube_image_get_layers (image) : empty;

  if (mkdir (rootfs, 0755) < 0 || mkdir (upper, 0755) < 0 || mkdir (work, 0755) < 0)
    return fail (error, folder, errno);
  if (layers[0] == NULL)
    return mount ("rootfs", rootfs, "tmpfs", 0, "mode=755,size=64m") == 0 || fail (error, rootfs, errno);
  return mount_overlay (layer_folder, layers, folder, rootfs, error);
}

gboolean
kube_image_mount (KubeImage *image, const char *layer_folder, const char *target, GError **error)
{
  const char *const *layers = kube_image_get_layers (image);

  kube_unmount_below (target, TRUE);
  if (g_mkdir_with_parents (target, 0755) < 0)
    return fail (error, target, errno);
  if (layers[0] == NULL)
    return TRUE;
  if (layers[1] != NULL)
    return mount_overlay (layer_folder, layers, NULL, target, error);
  /* overlayfs wants two folders at least */
  g_autofree char *only = g_build_filename (layer_folder, layers[0], NULL);
  return mount (only, target, NULL, MS_BIND, NULL) == 0 || fail (error, target, errno);
}

static char *
cgroup_path (const KubeOciPaths *paths, KubeValue *pod, const char *id)
{
  const char *parent = kube_value_get_string (pod, "cgroupParent");

  return g_strdup_printf ("%s/%s/%s", paths->cgroup, parent != NULL ? parent : "pods", id);
}

gboolean
kube_bundle_create (const KubeOciPaths *paths, const char *id, KubeValue *pod, KubeValue *container, KubeImage *image,
                    const char *layer_folder, const char *pid_namespace, GError **error)
{
  g_autofree char *folder = g_build_filename (paths->containers, id, NULL);
  g_autofree char *rootfs = g_build_filename (folder, "rootfs", NULL);
  g_autofree char *sandbox = g_build_filename (paths->sandboxes, kube_value_get_string (pod, "uid"), NULL);
  g_autofree char *namespaces = g_build_filename (sandbox, "ns", NULL);
  g_autofree char *shm = kube_value_get_boolean (pod, "hostIPC", FALSE) ? g_strdup ("/dev/shm")
                                                                        : g_build_filename (sandbox, "shm", NULL);
  g_autofree char *config_path = g_build_filename (folder, "config.json", NULL);
  g_autofree char *cgroup = cgroup_path (paths, pod, id);
  KubeOciSpec spec = { .pod = pod,
                       .container = container,
                       .image = image,
                       .rootfs = rootfs,
                       .namespaces = namespaces,
                       .pid = pid_namespace,
                       .shm = shm,
                       .cgroup = cgroup,
                       .unified = kube_cgroup_get_mode () == KUBE_CGROUP_V2 };

  if (mkdir (folder, 0700) < 0)
    return fail (error, folder, errno);
  if (!make_rootfs (folder, image, layer_folder, error))
    return FALSE;
  g_autoptr (KubeValue) config = kube_oci_spec_make (&spec, error);
  if (config == NULL)
    return FALSE;
  gsize length;
  g_autofree char *text = kube_value_print (config, &length);
  g_autoptr (GError) local = NULL;
  if (g_file_set_contents_full (config_path, text, length, G_FILE_SET_CONTENTS_NONE, 0600, &local))
    return TRUE;
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, local->message);
  return FALSE;
}
