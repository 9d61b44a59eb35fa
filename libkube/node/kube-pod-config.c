/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-worker-private.h"
#include "kube-pod-resources.h"

#include "image/kube-image-private.h"
#include "kube-pod-env.h"
#include "runtime/kube-runtime-oci-private.h"
#include "volume/kube-volume.h"

#include <errno.h>
#include <fcntl.h>
#include <kube/kube-quantity.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CPU_PERIOD 100000
#define MIN_QUOTA 1000
#define MIN_SHARES 2
#define MAX_SHARES 262144

char *
kube_pod_qos_class (KubeObject *pod)
{
  const char *known = kube_object_get_string (pod, "status.qosClass");

  return g_strdup (known != NULL ? known : kube_pod_spec_get_qos_class (kube_object_get (pod, "spec")));
}

static gint64
to_shares (gint64 milli)
{
  return CLAMP (milli * 1024 / 1000, MIN_SHARES, MAX_SHARES);
}

static gint64
to_quota (gint64 milli)
{
  return MAX (milli * CPU_PERIOD / 1000, MIN_QUOTA);
}

/* What the pod as a whole may use: a limit holds only where every container has one. */
static void
build_pod_resources (KubeObject *pod, KubeNode *root)
{
  KubeValue *containers = kube_object_get (pod, "spec.containers");
  gint64 cpu = 0, cpu_limit = 0, memory_limit = 0;
  gboolean all_cpu = TRUE, all_memory = TRUE;

  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *container = kube_value_get_element (containers, i);
    KubeValue *resources = kube_value_get (container, "resources");
    gint64 request = kube_resources_get (resources, "requests", "cpu"), limit = kube_resources_get (resources, "limits", "cpu");
    gint64 memory = kube_resources_get (resources, "limits", "memory");
    cpu += request > 0 ? request : limit;
    cpu_limit += limit;
    memory_limit += memory;
    all_cpu = all_cpu && limit > 0;
    all_memory = all_memory && memory > 0;
  }
  gboolean has_init = kube_value_get_length (kube_object_get (pod, "spec.initContainers")) > 0;
  kube_node_set_integer (root, "resources.cpuShares", to_shares (cpu));
  if (all_cpu && !has_init) {
    kube_node_set_integer (root, "resources.cpuPeriod", CPU_PERIOD);
    kube_node_set_integer (root, "resources.cpuQuota", to_quota (cpu_limit));
  }
  if (all_memory && !has_init)
    kube_node_set_integer (root, "resources.memory", memory_limit);
}

KubeValue *
kube_pod_config_make (KubePodWorker *worker)
{
  KubeObject *pod = worker->pod;
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autofree char *qos = kube_pod_qos_class (pod);
  g_autofree char *lower = g_ascii_strdown (qos, -1);
  g_autofree char *parent = g_str_equal (qos, "Guaranteed") ? g_strconcat ("pod", worker->uid, NULL)
                                                            : g_strconcat (lower, "/pod", worker->uid, NULL);
  g_autofree char *hostname = kube_pod_hostname (pod);
  g_autofree char *fqdn = kube_object_get_boolean (pod, "spec.setHostnameAsFQDN", FALSE) ? kube_pod_fqdn (worker->node, pod)
                                                                                         : NULL;
  KubeValue *sysctls = kube_object_get (pod, "spec.securityContext.sysctls");
  static const char *const flags[] = { "hostNetwork", "hostIPC", "hostPID", "shareProcessNamespace" };

  kube_node_set_string (root, "uid", worker->uid);
  kube_node_set_string (root, "namespace", kube_object_get_namespace (pod));
  kube_node_set_string (root, "name", kube_object_get_name (pod));
  if (kube_object_get_boolean (pod, "spec.hostNetwork", FALSE))
    kube_node_set_string (root, "hostname", g_get_host_name ());
  else
    kube_node_set_string (root, "hostname", fqdn != NULL ? fqdn : hostname);
  kube_node_set_string (root, "cgroupParent", parent);
  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++) {
    g_autofree char *path = g_strconcat ("spec.", flags[i], NULL);
    if (kube_object_get_boolean (pod, path, FALSE))
      kube_node_set_boolean (root, flags[i], TRUE);
  }
  KubeNode *map = kube_node_ensure_object (root, "sysctls");
  for (guint i = 0; i < kube_value_get_length (sysctls); i++) {
    KubeValue *sysctl = kube_value_get_element (sysctls, i);
    kube_node_put_string (map, kube_value_get_string (sysctl, "name"), kube_value_get_string (sysctl, "value"));
  }
  build_pod_resources (pod, root);
  return kube_builder_end (builder);
}

static void
append_expanded (KubeNode *args, KubeValue *list, GHashTable *variables)
{
  for (guint i = 0; i < kube_value_get_length (list); i++) {
    const char *text = kube_value_peek_string (kube_value_get_element (list, i), NULL);
    g_autofree char *expanded = kube_expand (text != NULL ? text : "", variables);
    kube_node_append_string (args, expanded);
  }
}

static void
append_plain (KubeNode *args, KubeValue *list)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    kube_node_append_string (args, kube_value_peek_string (kube_value_get_element (list, i), NULL));
}

/* A command replaces the image's entrypoint and its arguments, arguments alone replace only those. */
static void
build_args (KubePodContainer *container, KubeImage *image, KubeNode *root, GHashTable *variables)
{
  KubeValue *config = image != NULL ? kube_image_get_config (image) : NULL;
  KubeValue *command = kube_value_get (container->spec, "command"), *args = kube_value_get (container->spec, "args");
  KubeNode *out = kube_node_ensure_array (root, "args");

  if (kube_value_get_length (command) > 0)
    append_expanded (out, command, variables);
  else
    append_plain (out, kube_value_get (config, "Entrypoint"));
  if (kube_value_get_length (args) > 0)
    append_expanded (out, args, variables);
  else if (kube_value_get_length (command) == 0)
    append_plain (out, kube_value_get (config, "Cmd"));
}

static KubeNode *
add_mount (KubeNode *mounts, const char *source, const char *destination, gboolean read_only, const char *propagation)
{
  KubeNode *mount = kube_node_append_object (mounts);

  kube_node_set_string (mount, "source", source);
  kube_node_set_string (mount, "destination", destination);
  if (read_only)
    kube_node_set_boolean (mount, "readOnly", TRUE);
  kube_node_set_string (mount, "propagation", propagation);
  return mount;
}

/* What no container may write to, whatever its mount says. */
static gboolean
is_read_only (KubeValue *volume)
{
  static const char *const sources[] = { "configMap", "secret", "projected", "downwardAPI", "image" };

  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++) {
    if (kube_value_get_member (volume, sources[i]) != NULL)
      return TRUE;
  }
  return FALSE;
}

/* The image's files at @path, anew for each instance of the container: it may be another image by now. */
static gboolean
mount_image (KubePodContainer *container, KubeValue *volume, const char *path, GError **error)
{
  KubeImageStore *images = container->worker->node->images;

  for (guint i = 0; i < container->volume_images->len; i++) {
    if (kube_pod_container_get_image_volume (container, i) == volume)
      return kube_image_mount (container->volume_images->pdata[i], kube_image_store_get_layer_folder (images), path, error);
  }
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "the image of volume \"%s\" is not here", kube_value_get_string (volume, "name"));
  return FALSE;
}

/* What part of its volume a mount shows: NULL without an error: all of it. What comes of variables was seen by no validation: it may not lead out of the volume. */
static char *
expand_sub_path (KubeValue *mount, GHashTable *variables, GError **error)
{
  const char *expression = kube_value_get_string (mount, "subPathExpr");
  const char *plain = kube_value_get_string (mount, "subPath");
  gboolean has_expression = expression != NULL && *expression != '\0';
  g_autofree char *path = has_expression ? kube_expand_all (expression, variables, error) : g_strdup (plain);

  if (path == NULL || *path == '\0')
    return NULL;
  if (*path == '/') {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "error SubPath `%s` must not be an absolute path", path);
    return NULL;
  }
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  if (g_strv_contains ((const char *const *) parts, "..")) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "unable to provision SubPath `%s`: must not contain '..'", path);
    return NULL;
  }
  return g_steal_pointer (&path);
}

static gboolean
add_volume_mount (KubePodContainer *container, KubeNode *mounts, KubeValue *mount, guint index, GHashTable *variables,
                  GError **error)
{
  KubePodWorker *worker = container->worker;
  const char *name = kube_value_get_string (mount, "name"), *path = kube_value_get_string (mount, "mountPath");
  KubeValue *source = kube_value_find_element (kube_object_get (worker->pod, "spec.volumes"), "name", name);
  gboolean is_image = kube_value_get (source, "image") != NULL;
  gboolean read_only = kube_value_get_boolean (mount, "readOnly", FALSE) || is_read_only (source);
  g_autofree char *volume = kube_volume_get_path (worker->folder, worker->pod, name);
  g_autoptr (GError) local = NULL;
  g_autofree char *sub_path = expand_sub_path (mount, variables, &local);
  g_autofree char *absolute = *path == '/' ? g_strdup (path) : g_strconcat ("/", path, NULL);

  if (volume == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "cannot find volume \"%s\" to mount into container \"%s\"", name,
                 container->name);
    return FALSE;
  }
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (is_image && !mount_image (container, source, volume, error))
    return FALSE;
  if (sub_path != NULL) {
    g_autofree char *number = g_strdup_printf ("%u-%" G_GINT64_FORMAT, index, container->restarts);
    g_autofree char *target = g_build_filename (worker->folder, "volume-subpaths", name, container->name, number, NULL);
    if (!kube_volume_bind_sub_path (volume, sub_path, target, is_read_only (source), error))
      return FALSE;
    g_free (volume);
    volume = g_steal_pointer (&target);
  }
  KubeNode *node = add_mount (mounts, volume, absolute, read_only, kube_value_get_string (mount, "mountPropagation"));
  if (is_image)
    kube_node_set_boolean (node, "noExec", TRUE);
  return TRUE;
}

/* The file that becomes the container's termination message. */
static char *
make_termination_log (KubePodContainer *container)
{
  g_autofree char *folder = g_build_filename (container->worker->folder, "containers", container->name, NULL);
  g_autofree char *name = g_strdup_printf ("%08x", g_random_int ());
  char *path = g_build_filename (folder, name, NULL);

  g_mkdir_with_parents (folder, 0750);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd >= 0) {
    fchmod (fd, 0666);
    close (fd);
  }
  return path;
}

static gboolean
build_mounts (KubePodContainer *container, KubeNode *root, GHashTable *variables, GError **error)
{
  static const struct {
    const char *file, *path;
  } files[] = { { "etc-hosts", "/etc/hosts" }, { "resolv.conf", "/etc/resolv.conf" }, { "hostname", "/etc/hostname" } };
  KubePodWorker *worker = container->worker;
  KubeValue *volume_mounts = kube_value_get (container->spec, "volumeMounts");
  KubeNode *mounts = kube_node_ensure_array (root, "mounts");
  const char *message_path = kube_value_get_string (container->spec, "terminationMessagePath");

  for (guint i = 0; i < kube_value_get_length (volume_mounts); i++) {
    if (!add_volume_mount (container, mounts, kube_value_get_element (volume_mounts, i), i, variables, error))
      return FALSE;
  }
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *source = g_build_filename (worker->folder, files[i].file, NULL);
    if (kube_value_find_element (volume_mounts, "mountPath", files[i].path) == NULL)
      add_mount (mounts, source, files[i].path, FALSE, NULL);
  }
  if (message_path == NULL || *message_path == '\0')
    message_path = "/dev/termination-log";
  g_autofree char *log = make_termination_log (container);
  add_mount (mounts, log, message_path, FALSE, NULL);
  kube_node_set_string (root, "terminationLog", log);
  return TRUE;
}

KubeValue *
kube_container_config_make_resources (KubePodContainer *container, KubeValue *of)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  gint64 request = kube_resources_get (of, "requests", "cpu"), limit = kube_resources_get (of, "limits", "cpu");
  gint64 memory = kube_resources_get (of, "requests", "memory"), memory_limit = kube_resources_get (of, "limits", "memory");
  g_autofree char *qos = kube_pod_qos_class (container->worker->pod);
  gint64 capacity = MAX (container->worker->node->memory_capacity, 1), score = 1000;

  kube_node_set_integer (root, "cpuShares", to_shares (request > 0 ? request : limit));
  if (limit > 0) {
    kube_node_set_integer (root, "cpuPeriod", CPU_PERIOD);
    kube_node_set_integer (root, "cpuQuota", to_quota (limit));
  }
  if (memory_limit > 0)
    kube_node_set_integer (root, "memory", memory_limit);
  if (g_str_equal (qos, "Guaranteed"))
    score = -997;
  else if (g_str_equal (qos, "Burstable"))
    score = CLAMP (1000 - 1000 * memory / capacity, 3, 999);
  kube_node_set_integer (root, "oomScoreAdj", score);
  if (of != NULL)
    kube_node_put_value (root, "of", of);
  else
    kube_node_put_object (root, "of");
  return kube_builder_end (builder);
}

/* A field of the container's security context, or where it has none of the pod's. */
static KubeValue *
get_security (KubePodContainer *container, const char *field)
{
  KubeValue *own = kube_value_get (kube_value_get (container->spec, "securityContext"), field);

  return own != NULL ? own : kube_value_get (kube_object_get (container->worker->pod, "spec.securityContext"), field);
}

static gboolean
check_non_root (KubePodContainer *container, KubeImage *image, GError **error)
{
  KubeValue *user = get_security (container, "runAsUser");
  const char *image_user = image != NULL ? kube_value_get_string (kube_image_get_config (image), "User") : NULL;
  g_autofree char *pod = kube_pod_worker_format (container->worker);
  g_auto (GStrv) parts = g_strsplit (image_user != NULL ? image_user : "", ":", 2);
  const char *name = parts[0] != NULL && *parts[0] != '\0' ? parts[0] : "0";
  const char *what = NULL;

  if (!kube_value_get_boolean (get_security (container, "runAsNonRoot"), NULL, FALSE))
    return TRUE;
  if (user != NULL) {
    if (kube_value_get_integer (user, NULL, 0) != 0)
      return TRUE;
    what = "container's runAsUser breaks non-root policy";
  } else if (strspn (name, "0123456789") != strlen (name)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID,
                 "container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root (pod: \"%s\", "
                 "container: %s)",
                 name, pod, container->name);
    return FALSE;
  } else if (g_ascii_strtoull (name, NULL, 10) == 0)
    what = "container has runAsNonRoot and image will run as root";
  if (what != NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "%s (pod: \"%s\", container: %s)", what, pod, container->name);
  return what == NULL;
}

static void
build_seccomp (KubePodContainer *container, KubeNode *root)
{
  KubeValue *profile = get_security (container, "seccompProfile");
  const char *type = kube_value_get_string (profile, "type"), *local = kube_value_get_string (profile, "localhostProfile");

  if (g_strcmp0 (type, "Localhost") == 0 && local != NULL) {
    g_autofree char *path = g_build_filename (container->worker->node->pods_dir, "..", "seccomp", local, NULL);
    kube_node_set_string (root, "seccomp", path);
  } else if (g_strcmp0 (type, "RuntimeDefault") == 0)
    kube_node_set_string (root, "seccomp", "RuntimeDefault");
}

static gboolean
build_security (KubePodContainer *container, KubeImage *image, KubeNode *root, GError **error)
{
  KubeObject *pod = container->worker->pod;
  KubeValue *context = kube_value_get (container->spec, "securityContext"), *user = get_security (container, "runAsUser");
  KubeValue *group = get_security (container, "runAsGroup"),
            *more = kube_object_get (pod, "spec.securityContext.supplementalGroups");
  gint64 fs_group = kube_object_get_integer (pod, "spec.securityContext.fsGroup", -1);
  KubeNode *groups = kube_node_ensure_array (root, "supplementalGroups");

  if (!check_non_root (container, image, error))
    return FALSE;
  kube_node_set_value (root, "user", user);
  kube_node_set_value (root, "group", group);
  if (fs_group >= 0)
    kube_node_append_integer (groups, fs_group);
  for (guint i = 0; i < kube_value_get_length (more); i++)
    kube_node_append_integer (groups, kube_value_get_integer (kube_value_get_element (more, i), NULL, 0));
  kube_node_set_value (root, "capabilities", kube_value_get (context, "capabilities"));
  if (kube_value_get_boolean (context, "privileged", FALSE))
    kube_node_set_boolean (root, "privileged", TRUE);
  else if (!kube_value_get_boolean (context, "allowPrivilegeEscalation", TRUE))
    kube_node_set_boolean (root, "noNewPrivileges", TRUE);
  if (kube_value_get_boolean (context, "readOnlyRootFilesystem", FALSE))
    kube_node_set_boolean (root, "readOnlyRoot", TRUE);
  if (g_strcmp0 (kube_value_get_string (context, "procMount"), "Unmasked") == 0)
    kube_node_set_boolean (root, "unmaskedProc", TRUE);
  build_seccomp (container, root);
  return TRUE;
}

/* The container whose processes an ephemeral one shall see. */
static gboolean
find_target (KubePodContainer *container, const char **id, GError **error)
{
  const char *name = kube_value_get_string (container->spec, "targetContainerName");
  GPtrArray *all = container->worker->containers;

  *id = NULL;
  if (name == NULL || *name == '\0')
    return TRUE;
  for (guint i = 0; i < all->len; i++) {
    KubePodContainer *other = all->pdata[i];
    if (g_str_equal (other->name, name) && other->info != NULL)
      *id = other->info->id;
  }
  if (*id == NULL)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "unable to find target container %s", name);
  return *id != NULL;
}

static void
build_identity (KubePodContainer *container, KubeImage *image, const char *target, KubeNode *root)
{
  KubePodWorker *worker = container->worker;
  KubeObject *pod = worker->pod;
  static const char *const simulated[] = { "run-seconds", "simRunSeconds", "exit-code", "simExitCode" };

  kube_node_set_string (root, "name", container->name);
  kube_node_set_string (root, "pidTarget", target);
  kube_node_set_integer (root, "attempt", container->restarts);
  kube_node_set_string (root, "image", kube_value_get_string (container->spec, "image"));
  kube_node_set_string (root, "imageName", container->image_name);
  kube_node_set_string (root, "imageId", container->image_id);
  if (image != NULL)
    kube_node_set_string (root, "stopSignal", kube_value_get_string (kube_image_get_config (image), "StopSignal"));
  if (kube_value_get_string (container->spec, "lifecycle.stopSignal") != NULL)
    kube_node_set_string (root, "stopSignal", kube_value_get_string (container->spec, "lifecycle.stopSignal"));
  /* a simulated init container is done at once */
  if (worker->simulated && container->role == KUBE_ROLE_INIT)
    kube_node_set_integer (root, "simRunSeconds", 0);
  for (gsize i = 0; i < G_N_ELEMENTS (simulated) && container->role != KUBE_ROLE_SIDECAR; i += 2) {
    g_autofree char *key = g_strconcat ("sim.libkube.dev/", simulated[i], NULL);
    const char *value = kube_object_get_annotation (pod, key);
    if (value != NULL)
      kube_node_set_integer (root, simulated[i + 1], g_ascii_strtoll (value, NULL, 10));
  }
  if (worker->node->logs_dir != NULL) {
    g_autofree char *folder = g_strdup_printf ("%s_%s_%s", kube_object_get_namespace (pod), kube_object_get_name (pod),
                                               worker->uid);
    g_autofree char *file = g_strdup_printf ("%" G_GINT64_FORMAT ".log", container->restarts);
    g_autofree char *path = g_build_filename (worker->node->logs_dir, folder, container->name, file, NULL);
    kube_node_set_string (root, "logPath", path);
  }
}

KubeValue *
kube_container_config_make (KubePodContainer *container, KubeImage *image, GError **error)
{
  KubePodWorker *worker = container->worker;
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autoptr (GHashTable) variables = NULL;
  static const char *const flags[] = { "tty", "stdin", "stdinOnce" };
  const char *target;

  if (!find_target (container, &target, error))
    return NULL;
  build_identity (container, image, target, root);
  g_autoptr (KubeValue) resources = kube_container_config_make_resources (container, kube_value_get (container->spec, "resources"));
  kube_node_set_value (root, "resources", resources);
  if (worker->simulated)
    return kube_builder_end (builder);
  g_autoptr (GPtrArray)
    env = kube_pod_env_make (worker->node, worker->pod, container->spec, (const char *const *) worker->ips, &variables, error);
  if (env == NULL)
    return NULL;
  KubeNode *list = kube_node_ensure_array (root, "env");
  for (guint i = 0; i < env->len; i++)
    kube_node_append_string (list, env->pdata[i]);
  build_args (container, image, root, variables);
  kube_node_set_string (root, "cwd", kube_value_get_string (container->spec, "workingDir"));
  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++) {
    if (kube_value_get_boolean (container->spec, flags[i], FALSE))
      kube_node_set_boolean (root, flags[i], TRUE);
  }
  if (!build_security (container, image, root, error) || !build_mounts (container, root, variables, error))
    return NULL;
  return kube_builder_end (builder);
}
