/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-volume.h"

#include "image/kube-image-private.h"
#include "kube-atomic-writer.h"
#include "kube-pod-env.h"
#include "runtime/kube-runtime-oci-private.h"

#include <errno.h>
#include <fcntl.h>
#include <kube/kube-quantity.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_MODE 0644

typedef struct {
  char *name;
  char *path;       /* on the host */
  gboolean owned;   /* made and removed by us: not a hostPath */
  gboolean memory;  /* a tmpfs */
  guint64 size;     /* of the tmpfs, 0: the kernel's default */
  GPtrArray *files; /* (nullable): what it shows */
  char *host_type;  /* (nullable): of a hostPath */
} Volume;

struct _KubeVolumeSet {
  char *folder;
  gint64 group;       /* fsGroup, -1 */
  GPtrArray *volumes; /* (element-type Volume) */
};

typedef struct {
  KubeNodeContext *node;
  KubeObject *pod;
  GHashTable *tokens;
  gint64 group, user; /* -1: none; user: that of all containers */
} Maker;

static void
volume_free (gpointer data)
{
  Volume *volume = data;

  g_free (volume->name);
  g_free (volume->path);
  g_free (volume->host_type);
  g_clear_pointer (&volume->files, g_ptr_array_unref);
  g_free (volume);
}

void
kube_volume_set_free (KubeVolumeSet *set)
{
  g_free (set->folder);
  g_ptr_array_unref (set->volumes);
  g_free (set);
}

static const char *
plugin_of (KubeValue *volume)
{
  static const struct {
    const char *member, *folder;
  } plugins[] = {
    { "emptyDir", "kubernetes.io~empty-dir" },
    { "configMap", "kubernetes.io~configmap" },
    { "secret", "kubernetes.io~secret" },
    { "projected", "kubernetes.io~projected" },
    { "downwardAPI", "kubernetes.io~downward-api" },
    { "image", "kubernetes.io~image" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (plugins); i++) {
    if (kube_value_get (volume, plugins[i].member) != NULL)
      return plugins[i].folder;
  }
  return NULL;
}

char *
kube_volume_get_path (const char *pod_folder, KubeObject *pod, const char *name)
{
  KubeValue *volume = kube_value_find_element (kube_object_get (pod, "spec.volumes"), "name", name);
  const char *host = kube_value_get_string (volume, "hostPath.path"), *plugin = plugin_of (volume);

  if (host != NULL)
    return g_strdup (host);
  return plugin != NULL ? g_build_filename (pod_folder, "volumes", plugin, name, NULL) : NULL;
}

/* Adds the keys of a ConfigMap or Secret: all, or those that @source lists. */
static gboolean
add_keys (Maker *maker, KubeValue *source, const char *kind, const char *name, guint mode, GPtrArray *files, GError **error)
{
  const char *namespace_ = kube_object_get_namespace (maker->pod);
  gboolean optional = kube_value_get_boolean (source, "optional", FALSE);
  KubeObject *object = kube_object_sources_get (maker->node->sources, kind, namespace_, name);
  KubeValue *items = kube_value_get (source, "items");
  g_autofree char *lower = g_ascii_strdown (kind, -1);

  if (object == NULL) {
    if (!optional)
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s \"%s\" not found", lower, name);
    return optional;
  }
  if (kube_value_get_length (items) == 0) {
    g_autoptr (GPtrArray) keys = kube_object_list_data_keys (object);
    for (guint i = 0; i < keys->len; i++) {
      g_autoptr (GBytes) data = kube_object_get_data (object, keys->pdata[i]);
      kube_volume_files_add (files, keys->pdata[i], data, mode, -1);
    }
    return TRUE;
  }
  for (guint i = 0; i < kube_value_get_length (items); i++) {
    KubeValue *item = kube_value_get_element (items, i);
    const char *key = kube_value_get_string (item, "key"), *path = kube_value_get_string (item, "path");
    g_autoptr (GBytes) data = kube_object_get_data (object, key);
    if (data != NULL)
      kube_volume_files_add (files, path, data, kube_value_get_integer (item, "mode", mode), -1);
    else if (!optional) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "references non-existent %s key: %s",
                   g_str_equal (kind, "Secret") ? "secret" : "config", key);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
add_downward (Maker *maker, KubeValue *source, guint mode, GPtrArray *files, GError **error)
{
  KubeValue *items = kube_value_get (source, "items");

  for (guint i = 0; i < kube_value_get_length (items); i++) {
    KubeValue *item = kube_value_get_element (items, i), *resource = kube_value_get (item, "resourceFieldRef");
    const char *field = kube_value_get_string (item, "fieldRef.fieldPath");
    g_autofree char *text = field != NULL ? kube_pod_field (maker->node, maker->pod, field, NULL)
                                          : kube_pod_resource_field (maker->node, maker->pod, NULL, resource, error);
    if (text == NULL) {
      if (field != NULL)
        g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "unsupported fieldPath: %s", field);
      return FALSE;
    }
    g_autoptr (GBytes) data = g_bytes_new (text, strlen (text));
    kube_volume_files_add (files, kube_value_get_string (item, "path"), data, kube_value_get_integer (item, "mode", mode), -1);
  }
  return TRUE;
}

static gboolean
add_token (Maker *maker, const char *volume, KubeValue *source, guint mode, GPtrArray *files, GError **error)
{
  const char *path = kube_value_get_string (source, "path");
  g_autofree char *key = g_strdup_printf ("%s/%s", volume, path);
  const char *token = g_hash_table_lookup (maker->tokens, key);

  if (token == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "failed to fetch token for volume %s", volume);
    return FALSE;
  }
  g_autoptr (GBytes) data = g_bytes_new (token, strlen (token));
  /* A token that only one user, or the pod's group, shall read is nobody else's. */
  if (maker->user >= 0 || maker->group >= 0)
    mode = 0600;
  kube_volume_files_add (files, path, data, mode, maker->user);
  return TRUE;
}

static gboolean
add_projected (Maker *maker, const char *volume, KubeValue *projected, guint mode, GPtrArray *files, GError **error)
{
  KubeValue *sources = kube_value_get (projected, "sources"), *part;

  for (guint i = 0; i < kube_value_get_length (sources); i++) {
    KubeValue *source = kube_value_get_element (sources, i);
    gboolean good = TRUE;
    if ((part = kube_value_get (source, "configMap")) != NULL)
      good = add_keys (maker, part, "ConfigMap", kube_value_get_string (part, "name"), mode, files, error);
    else if ((part = kube_value_get (source, "secret")) != NULL)
      good = add_keys (maker, part, "Secret", kube_value_get_string (part, "name"), mode, files, error);
    else if ((part = kube_value_get (source, "downwardAPI")) != NULL)
      good = add_downward (maker, part, mode, files, error);
    else if ((part = kube_value_get (source, "serviceAccountToken")) != NULL)
      good = add_token (maker, volume, part, mode, files, error);
    if (!good)
      return FALSE;
  }
  return TRUE;
}

static guint64
get_size (KubeValue *empty_dir)
{
  KubeQuantity quantity;
  KubeValue *limit = kube_value_get (empty_dir, "sizeLimit");

  return limit != NULL && kube_quantity_from_value (limit, &quantity, NULL) ? MAX (kube_quantity_get_value (&quantity), 0) : 0;
}

static gboolean
fill_volume (Maker *maker, KubeValue *spec, Volume *volume, GError **error)
{
  KubeValue *source;

  if ((source = kube_value_get (spec, "emptyDir")) != NULL) {
    volume->memory = g_strcmp0 (kube_value_get_string (source, "medium"), "Memory") == 0;
    volume->size = get_size (source);
    return TRUE;
  }
  if ((source = kube_value_get (spec, "hostPath")) != NULL) {
    const char *type = kube_value_get_string (source, "type");
    volume->host_type = g_strdup (type != NULL ? type : "");
    volume->owned = FALSE;
    return TRUE;
  }
  volume->files = kube_volume_files_new ();
  if ((source = kube_value_get (spec, "configMap")) != NULL)
    return add_keys (maker, source, "ConfigMap", kube_value_get_string (source, "name"),
                     kube_value_get_integer (source, "defaultMode", DEFAULT_MODE), volume->files, error);
  volume->memory = TRUE;
  if ((source = kube_value_get (spec, "secret")) != NULL)
    return add_keys (maker, source, "Secret", kube_value_get_string (source, "secretName"),
                     kube_value_get_integer (source, "defaultMode", DEFAULT_MODE), volume->files, error);
  if ((source = kube_value_get (spec, "downwardAPI")) != NULL)
    return add_downward (maker, source, kube_value_get_integer (source, "defaultMode", DEFAULT_MODE), volume->files, error);
  source = kube_value_get (spec, "projected");
  return add_projected (maker, volume->name, source, kube_value_get_integer (source, "defaultMode", DEFAULT_MODE), volume->files,
                        error);
}

/* The user that all containers run as, or -1. */
static gint64
common_user (KubeObject *pod)
{
  gint64 of_pod = kube_value_get_integer (kube_object_get (pod, "spec.securityContext"), "runAsUser", -1), common = -1;
  KubeValue *containers = kube_object_get (pod, "spec.containers");

  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    gint64 user = kube_value_get_integer (kube_value_get_element (containers, i), "securityContext.runAsUser", of_pod);
    if (user < 0 || (i > 0 && user != common))
      return -1;
    common = user;
  }
  return common;
}

KubeVolumeSet *
kube_volume_set_new (KubeNodeContext *node, KubeObject *pod, GHashTable *tokens, GError **error)
{
  g_autoptr (KubeVolumeSet) set = g_new0 (KubeVolumeSet, 1);
  KubeValue *volumes = kube_object_get (pod, "spec.volumes");
  Maker maker = { node, pod, tokens, kube_object_get_integer (pod, "spec.securityContext.fsGroup", -1), common_user (pod) };

  set->folder = g_build_filename (node->pods_dir, kube_object_get_uid (pod), NULL);
  set->group = maker.group;
  set->volumes = g_ptr_array_new_with_free_func (volume_free);
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *spec = kube_value_get_element (volumes, i);
    if (kube_value_get (spec, "image") != NULL) /* the containers that mount it see to it */
      continue;
    Volume *volume = g_new0 (Volume, 1);
    volume->name = g_strdup (kube_value_get_string (spec, "name"));
    volume->owned = TRUE;
    volume->path = kube_volume_get_path (set->folder, pod, volume->name);
    g_ptr_array_add (set->volumes, volume);
    if (volume->path == NULL) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "MountVolume.SetUp failed for volume \"%s\" : no volume plugin matched",
                   volume->name);
      return NULL;
    }
    if (!fill_volume (&maker, spec, volume, error)) {
      g_prefix_error (error, "MountVolume.SetUp failed for volume \"%s\" : ", volume->name);
      return NULL;
    }
  }
  return g_steal_pointer (&set);
}

static gboolean
fail (GError **error, const char *path)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", path, g_strerror (errno));
  return FALSE;
}

static gboolean
check_host_path (const Volume *volume, GError **error)
{
  static const struct {
    const char *type, *what;
    mode_t mode;
  } types[] = { { "Directory", "directory", S_IFDIR },      { "File", "file", S_IFREG },
                { "Socket", "socket file", S_IFSOCK },      { "CharDevice", "character device", S_IFCHR },
                { "BlockDevice", "block device", S_IFBLK }, { "DirectoryOrCreate", "directory", S_IFDIR },
                { "FileOrCreate", "file", S_IFREG } };
  struct stat st;
  gboolean there = stat (volume->path, &st) == 0;

  if (!there && g_str_equal (volume->host_type, "FileOrCreate")) {
    int fd = open (volume->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
      return fail (error, volume->path);
    close (fd);
    return TRUE;
  }
  if (!there && (*volume->host_type == '\0' || g_str_equal (volume->host_type, "DirectoryOrCreate")))
    return g_mkdir_with_parents (volume->path, 0755) == 0 || fail (error, volume->path);
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++) {
    if (g_str_equal (types[i].type, volume->host_type) && (!there || (st.st_mode & S_IFMT) != types[i].mode)) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID,
                   "MountVolume.SetUp failed for volume \"%s\" : hostPath type check failed: %s is not a %s", volume->name,
                   volume->path, types[i].what);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
mount_memory (const Volume *volume, GError **error)
{
  g_autofree char *options = volume->size > 0 ? g_strdup_printf ("size=%" G_GUINT64_FORMAT, volume->size) : NULL;

  kube_unmount_below (volume->path, TRUE); /* what an attempt that was cut off left */
  return mount ("tmpfs", volume->path, "tmpfs", 0, options) == 0 || fail (error, volume->path);
}

static gboolean
prepare (const KubeVolumeSet *set, const Volume *volume, GError **error)
{
  if (g_mkdir_with_parents (volume->path, 0755) < 0)
    return fail (error, volume->path);
  if (volume->memory && !mount_memory (volume, error))
    return FALSE;
  mode_t mode = volume->memory && volume->files == NULL ? 01777 : volume->files != NULL && volume->memory ? 01777 : 0777;
  if (set->group >= 0) {
    if (chown (volume->path, 0, set->group) < 0)
      return fail (error, volume->path);
    mode |= 02000;
  }
  return chmod (volume->path, mode) == 0 || fail (error, volume->path);
}

gboolean
kube_volume_set_is_empty (KubeVolumeSet *set)
{
  return set->volumes->len == 0;
}

gboolean
kube_volume_set_apply (KubeVolumeSet *set, gboolean first, GError **error)
{
  if (g_mkdir_with_parents (set->folder, 0755) < 0)
    return fail (error, set->folder);
  for (guint i = 0; i < set->volumes->len; i++) {
    Volume *volume = set->volumes->pdata[i];
    if (!volume->owned) {
      if (first && !check_host_path (volume, error))
        return FALSE;
      continue;
    }
    /* an emptyDir that is there holds the pod's data: it was made by an agent before us */
    gboolean there = g_file_test (volume->path, G_FILE_TEST_IS_DIR);
    if (first && !there && !prepare (set, volume, error))
      return FALSE;
    if (volume->files != NULL && !kube_atomic_write (volume->path, volume->files, set->group, error)) {
      g_prefix_error (error, "MountVolume.SetUp failed for volume \"%s\" : ", volume->name);
      return FALSE;
    }
  }
  return TRUE;
}

void
kube_volumes_remove (const char *pod_folder)
{
  kube_unmount_below (pod_folder, FALSE);
  kube_folder_remove (pod_folder, NULL);
}

gboolean
kube_volume_bind_sub_path (const char *volume, const char *sub_path, const char *target, gboolean read_only, GError **error)
{
  struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
  int root = open (volume, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int fd = root >= 0 ? syscall (SYS_openat2, root, sub_path, &how, sizeof how) : -1;
  g_autofree char *parent = g_path_get_dirname (target);
  struct stat st;

  if (fd < 0 && root >= 0 && errno == ENOENT && !read_only) {
    /* made with the volume's own mode, below folders that are resolved inside of it */
    g_autofree char *above = g_path_get_dirname (sub_path);
    g_autofree char *name = g_path_get_basename (sub_path);
    int folder = g_str_equal (above, ".") ? dup (root) : (int) syscall (SYS_openat2, root, above, &how, sizeof how);
    if (folder < 0 && errno == ENOENT) {
      g_autofree char *unused = g_strconcat (target, ".parent", NULL);
      if (kube_volume_bind_sub_path (volume, above, unused, FALSE, error)) {
        umount2 (unused, MNT_DETACH);
        rmdir (unused);
        folder = syscall (SYS_openat2, root, above, &how, sizeof how);
      }
    }
    if (folder >= 0) {
      fstat (root, &st);
      if (mkdirat (folder, name, 0750) == 0)
        fchmodat (folder, name, st.st_mode & 07777, 0);
      close (folder);
    }
    fd = syscall (SYS_openat2, root, sub_path, &how, sizeof how);
  }
  if (fd < 0 || fstat (fd, &st) < 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "failed to prepare subPath for volumeMount: %s: %s", sub_path,
                 g_strerror (errno));
    if (root >= 0)
      close (root);
    return FALSE;
  }
  g_mkdir_with_parents (parent, 0750);
  if (S_ISDIR (st.st_mode))
    mkdir (target, 0750);
  else {
    int file = open (target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file >= 0)
      close (file);
  }
  g_autofree char *source = g_strdup_printf ("/proc/self/fd/%d", fd);
  gboolean good = mount (source, target, NULL, MS_BIND | MS_REC, NULL) == 0 || fail (error, target);
  close (fd);
  close (root);
  return good;
}

static void
tell (KubeValue *value, const char *path, const char *kind, KubeReferenceFunc func, gpointer user_data)
{
  const char *name = kube_value_get_string (value, path);

  if (name != NULL && *name != '\0')
    func (kind, name, user_data);
}

static void
tell_containers (KubeValue *containers, KubeReferenceFunc func, gpointer user_data)
{
  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *container = kube_value_get_element (containers, i), *env = kube_value_get (container, "env"),
              *from = kube_value_get (container, "envFrom");
    for (guint j = 0; j < kube_value_get_length (env); j++) {
      tell (kube_value_get_element (env, j), "valueFrom.configMapKeyRef.name", "ConfigMap", func, user_data);
      tell (kube_value_get_element (env, j), "valueFrom.secretKeyRef.name", "Secret", func, user_data);
    }
    for (guint j = 0; j < kube_value_get_length (from); j++) {
      tell (kube_value_get_element (from, j), "configMapRef.name", "ConfigMap", func, user_data);
      tell (kube_value_get_element (from, j), "secretRef.name", "Secret", func, user_data);
    }
  }
}

void
kube_pod_foreach_reference (KubeObject *pod, KubeReferenceFunc func, gpointer user_data)
{
  KubeValue *volumes = kube_object_get (pod, "spec.volumes"), *secrets = kube_object_get (pod, "spec.imagePullSecrets");

  tell_containers (kube_object_get (pod, "spec.initContainers"), func, user_data);
  tell_containers (kube_object_get (pod, "spec.containers"), func, user_data);
  tell_containers (kube_object_get (pod, "spec.ephemeralContainers"), func, user_data);
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i), *sources = kube_value_get (volume, "projected.sources");
    tell (volume, "configMap.name", "ConfigMap", func, user_data);
    tell (volume, "secret.secretName", "Secret", func, user_data);
    for (guint j = 0; j < kube_value_get_length (sources); j++) {
      tell (kube_value_get_element (sources, j), "configMap.name", "ConfigMap", func, user_data);
      tell (kube_value_get_element (sources, j), "secret.name", "Secret", func, user_data);
    }
  }
  for (guint i = 0; i < kube_value_get_length (secrets); i++)
    tell (kube_value_get_element (secrets, i), "name", "Secret", func, user_data);
}
