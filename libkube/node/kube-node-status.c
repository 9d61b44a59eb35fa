/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "kubelet"
#include <kube/kube-log.h>

#include "kube-node-status.h"
#include "kube-source.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <kube/kube-time.h>
#include <kube/kube-version.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#define LEASE_SECONDS 40
#define RENEW_INTERVAL (10 * (gint64) G_USEC_PER_SEC)
#define STATUS_INTERVAL (300 * (gint64) G_USEC_PER_SEC)
#define RETRY_DELAY (1 * (gint64) G_USEC_PER_SEC)
#define MAX_IMAGES 50
#define EVICTION_MEMORY (100 * 1024 * 1024)

#ifdef __x86_64__
#define ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "unknown"
#endif

struct _KubeNodeStatus {
  guint references; /* of requests under way, and the owner's */
  KubeNodeContext *node;
  KubeNodeStatusFunc tick;
  gpointer user_data;
  GCancellable *cancellable;
  KubeValue *capacity;
  GStrv labels;
  char *node_uid;     /* (nullable): registered */
  gint64 ready_since; /* wall clock: of the Ready condition */
  gint64 born;        /* of the other conditions */
  gboolean was_ready;
  gboolean lease_there;
  gboolean writing, again;
  GSource *lease_timer, *status_timer, *retry_timer; /* (owned) (nullable) */
};

static void register_node (KubeNodeStatus *self);
static void renew_lease (KubeNodeStatus *self);

static gint64
read_memory (void)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/meminfo", &text, NULL, NULL) || (line = strstr (text, "MemTotal:")) == NULL)
    return 1024 * 1024 * 1024;
  return g_ascii_strtoll (line + strlen ("MemTotal:"), NULL, 10) * 1024;
}

KubeValue *
kube_node_measure (const KubeNodeAgentOptions *options, gboolean allocatable, gint64 *memory_out)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  gint64 memory = options->memory > 0 ? (gint64) options->memory : read_memory ();
  struct statvfs fs;
  guint64 disk = options->data_dir != NULL && statvfs (options->data_dir, &fs) == 0 ? (guint64) fs.f_blocks * fs.f_frsize
                                                                                    : G_GUINT64_CONSTANT (100) << 30;
  g_autofree char *cpu = g_strdup_printf ("%u", options->cpus > 0 ? options->cpus : g_get_num_processors ());
  g_autofree char *memory_text = g_strdup_printf ("%" G_GINT64_FORMAT "Ki",
                                                  (memory - (allocatable ? EVICTION_MEMORY : 0)) / 1024);
  g_autofree char *disk_text = allocatable ? g_strdup_printf ("%" G_GUINT64_FORMAT, disk / 10 * 9)
                                           : g_strdup_printf ("%" G_GUINT64_FORMAT "Ki", disk / 1024);
  g_autofree char *pods = g_strdup_printf ("%u", options->max_pods > 0 ? options->max_pods : 110);

  if (memory_out != NULL)
    *memory_out = memory;
  kube_node_put_string (root, "cpu", cpu);
  kube_node_put_string (root, "memory", memory_text);
  kube_node_put_string (root, "ephemeral-storage", disk_text);
  kube_node_put_string (root, "pods", pods);
  kube_node_put_string (root, "hugepages-1Gi", "0");
  kube_node_put_string (root, "hugepages-2Mi", "0");
  return kube_builder_end (builder);
}

char *
kube_node_find_address (void)
{
  struct ifaddrs *list = NULL;
  char text[INET_ADDRSTRLEN] = "127.0.0.1";

  if (getifaddrs (&list) < 0)
    return g_strdup (text);
  for (struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
    if (entry->ifa_addr == NULL || entry->ifa_addr->sa_family != AF_INET || (entry->ifa_flags & IFF_LOOPBACK) ||
        !(entry->ifa_flags & IFF_UP) || g_str_has_prefix (entry->ifa_name, "kube"))
      continue;
    inet_ntop (AF_INET, &((struct sockaddr_in *) entry->ifa_addr)->sin_addr, text, sizeof text);
    break;
  }
  freeifaddrs (list);
  return g_strdup (text);
}

static char *
read_line (const char *path)
{
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? g_strstrip (text) : g_strdup ("");
}

static char *
find_os_image (void)
{
  char *name = g_get_os_info (G_OS_INFO_KEY_PRETTY_NAME);

  return name != NULL ? name : g_strdup ("Linux");
}

static void
put_info (KubeNodeStatus *self, KubeNode *status)
{
  KubeNode *info = kube_node_ensure_object (status, "nodeInfo");
  g_autofree char *machine = read_line ("/etc/machine-id");
  g_autofree char *boot = read_line ("/proc/sys/kernel/random/boot_id");
  g_autofree char *system = read_line ("/sys/class/dmi/id/product_uuid");
  g_autofree char *image = find_os_image ();
  g_autofree char *name = NULL;
  g_autofree char *version = NULL;
  struct utsname uts;

  kube_runtime_get_version (self->node->runtime, &name, &version);
  g_autofree char *runtime = g_strdup_printf ("%s://%s", name, version);
  uname (&uts);
  kube_node_set_string (info, "machineID", machine);
  kube_node_set_string (info, "systemUUID", *system != '\0' ? system : machine);
  kube_node_set_string (info, "bootID", boot);
  kube_node_set_string (info, "kernelVersion", uts.release);
  kube_node_set_string (info, "osImage", image);
  kube_node_set_string (info, "containerRuntimeVersion", runtime);
  kube_node_set_string (info, "kubeletVersion", kube_get_kubernetes_version ());
  kube_node_set_string (info, "kubeProxyVersion", "");
  kube_node_set_string (info, "operatingSystem", "linux");
  kube_node_set_string (info, "architecture", ARCHITECTURE);
}

static void
put_images (KubeNodeStatus *self, KubeNode *status)
{
  g_autoptr (GPtrArray) images = self->node->images != NULL ? kube_image_store_list (self->node->images, NULL) : NULL;

  for (guint i = 0; images != NULL && i < MIN (images->len, MAX_IMAGES); i++) {
    KubeImage *image = images->pdata[i];
    KubeNode *entry = kube_node_append_object (kube_node_ensure_array (status, "images"));
    for (const char *const *name = kube_image_get_names (image); *name != NULL; name++)
      kube_node_append_string (kube_node_ensure_array (entry, "names"), *name);
    kube_node_set_integer (entry, "sizeBytes", kube_image_get_size (image));
  }
}

static void
put_condition (KubeNodeStatus *self, KubeNode *status, const char *type, gboolean good, const char *reason, const char *message,
               gint64 since)
{
  KubeNode *condition = kube_node_append_object (kube_node_ensure_array (status, "conditions"));
  char text[KUBE_TIME_STRING_SIZE];

  kube_node_set_string (condition, "type", type);
  kube_node_set_string (condition, "status", good ? "True" : "False");
  kube_node_set_string (condition, "lastHeartbeatTime", kube_time_format (kube_clock_get_time (self->node->clock), text));
  kube_node_set_string (condition, "lastTransitionTime", kube_time_format (since, text));
  kube_node_set_string (condition, "reason", reason);
  kube_node_set_string (condition, "message", message);
}

static void
put_conditions (KubeNodeStatus *self, KubeNode *status)
{
  gboolean ready = self->node->network_ready;

  if (ready != self->was_ready || self->ready_since == 0)
    self->ready_since = kube_clock_get_time (self->node->clock);
  self->was_ready = ready;
  put_condition (self, status, "MemoryPressure", FALSE, "KubeletHasSufficientMemory", "kubelet has sufficient memory available",
                 self->born);
  put_condition (self, status, "DiskPressure", FALSE, "KubeletHasNoDiskPressure", "kubelet has no disk pressure", self->born);
  put_condition (self, status, "PIDPressure", FALSE, "KubeletHasSufficientPID", "kubelet has sufficient PID available",
                 self->born);
  if (ready)
    put_condition (self, status, "Ready", TRUE, "KubeletReady", "kubelet is posting ready status", self->ready_since);
  else
    put_condition (
      self, status, "Ready", FALSE, "KubeletNotReady",
      "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:the node has no pod CIDR yet",
      self->ready_since);
}

static void
put_status (KubeNodeStatus *self, KubeNode *root)
{
  KubeNode *status = kube_node_ensure_object (root, "status"), *addresses = kube_node_ensure_array (status, "addresses"),
           *address;

  kube_node_set_value (status, "capacity", self->capacity);
  kube_node_set_value (status, "allocatable", self->node->allocatable);
  address = kube_node_append_object (addresses);
  kube_node_set_string (address, "type", "InternalIP");
  kube_node_set_string (address, "address", self->node->node_ip);
  address = kube_node_append_object (addresses);
  kube_node_set_string (address, "type", "Hostname");
  kube_node_set_string (address, "address", self->node->node_name);
  put_conditions (self, status);
  put_info (self, status);
  put_images (self, status);
}

static void
put_labels (KubeNodeStatus *self, KubeNode *root)
{
  KubeNode *labels = kube_node_ensure_object (root, "metadata.labels");
  const char *const fixed[] = { "beta.kubernetes.io/arch", ARCHITECTURE, "beta.kubernetes.io/os",  "linux",
                                "kubernetes.io/arch",      ARCHITECTURE, "kubernetes.io/hostname", self->node->node_name,
                                "kubernetes.io/os",        "linux" };

  for (gsize i = 0; i < G_N_ELEMENTS (fixed); i += 2)
    kube_node_put_string (labels, fixed[i], fixed[i + 1]);
  for (char **label = self->labels; label != NULL && *label != NULL; label++) {
    g_auto (GStrv) pair = g_strsplit (*label, "=", 2);
    if (pair[0] != NULL && pair[1] != NULL)
      kube_node_put_string (labels, pair[0], pair[1]);
  }
}

static gboolean
on_retry (gpointer data)
{
  KubeNodeStatus *self = data;

  g_clear_pointer (&self->retry_timer, g_source_unref);
  if (self->node_uid == NULL)
    register_node (self);
  else {
    kube_node_status_changed (self);
    if (!self->lease_there)
      renew_lease (self);
  }
  return G_SOURCE_REMOVE;
}

static void
retry (KubeNodeStatus *self)
{
  if (self->retry_timer == NULL)
    self->retry_timer = kube_clock_add_timeout (self->node->clock, RETRY_DELAY, on_retry, self);
}

static void
status_unref (KubeNodeStatus *self)
{
  if (--self->references > 0)
    return;
  g_object_unref (self->cancellable);
  kube_value_unref (self->capacity);
  g_strfreev (self->labels);
  g_free (self->node_uid);
  g_free (self);
}

/* @object: (nullable): what the server answered, NULL with @error */
typedef void (*AnswerFunc) (KubeNodeStatus *self, KubeObject *object, const GError *error);

typedef struct {
  KubeNodeStatus *status; /* (owned) */
  AnswerFunc func;
} Request;

static void
on_answer (GObject *client, GAsyncResult *result, gpointer data)
{
  g_autofree Request *request = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (client), result, &error);

  if (!g_cancellable_is_cancelled (request->status->cancellable))
    request->func (request->status, response == NULL ? NULL : kube_response_get_object (response), error);
  status_unref (request->status);
}

static void
send_request (KubeNodeStatus *self, KubeRequest *message, AnswerFunc func)
{
  Request *request = g_new (Request, 1);

  request->status = self;
  request->func = func;
  self->references++;
  kube_client_send_async (self->node->client, message, self->cancellable, on_answer, request);
}

static void
on_status_written (KubeNodeStatus *self, KubeObject *node, const GError *error)
{
  self->writing = FALSE;
  if (node == NULL) {
    kube_warning ("node %s: its status is not written, trying again: %s", self->node->node_name, error->message);
    if (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND)) {
      g_clear_pointer (&self->node_uid, g_free);
      self->lease_there = FALSE;
    }
    retry (self);
  } else if (self->again)
    kube_node_status_changed (self);
}

static gboolean
on_status_time (gpointer data)
{
  KubeNodeStatus *self = data;

  g_clear_pointer (&self->status_timer, g_source_unref);
  kube_node_status_changed (self);
  return G_SOURCE_REMOVE;
}

void
kube_node_status_changed (KubeNodeStatus *self)
{
  g_autoptr (KubeRequest) request = NULL;
  g_autoptr (KubeBuilder) builder = NULL;

  self->again = self->writing;
  if (self->writing || self->node_uid == NULL)
    return;
  builder = kube_builder_new (NULL);
  put_status (self, kube_builder_get_root (builder));
  g_autoptr (KubeValue) patch = kube_builder_end (builder);
  request = kube_request_new (KUBE_VERB_PATCH, KUBE_KIND ("v1", "Node"), NULL, self->node->node_name);
  kube_request_set_subresource (request, "status");
  kube_request_set_patch (request, KUBE_PATCH_STRATEGIC, patch);
  self->writing = TRUE;
  send_request (self, request, on_status_written);
  kube_clear_source (&self->status_timer);
  self->status_timer = kube_clock_add_timeout (self->node->clock, STATUS_INTERVAL, on_status_time, self);
}

static void
set_registered (KubeNodeStatus *self, KubeObject *node)
{
  g_free (self->node_uid);
  self->node_uid = g_strdup (kube_object_get_uid (node));
  kube_info (1, "node %s is registered", self->node->node_name);
  renew_lease (self);
}

static void
on_labelled (KubeNodeStatus *self, KubeObject *node, const GError *error)
{
  if (node == NULL) {
    kube_warning ("node %s is not registered, trying again: %s", self->node->node_name, error->message);
    retry (self);
    return;
  }
  set_registered (self, node);
  kube_node_status_changed (self);
}

/* The node was there before this process: its labels and its status are brought up to date. */
static void
label_node (KubeNodeStatus *self)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, KUBE_KIND ("v1", "Node"), NULL, self->node->node_name);

  put_labels (self, kube_builder_get_root (builder));
  g_autoptr (KubeValue) patch = kube_builder_end (builder);
  kube_request_set_patch (request, KUBE_PATCH_MERGE, patch);
  send_request (self, request, on_labelled);
}

static void
on_created (KubeNodeStatus *self, KubeObject *node, const GError *error)
{
  if (node != NULL)
    set_registered (self, node);
  else if (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_ALREADY_EXISTS))
    label_node (self);
  else {
    kube_warning ("node %s is not registered, trying again: %s", self->node->node_name, error->message);
    retry (self);
  }
  if (node != NULL && self->node->network_ready)
    kube_node_status_changed (self);
}

static void
register_node (KubeNodeStatus *self)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, KUBE_KIND ("v1", "Node"), NULL, NULL);

  kube_node_set_string (root, "apiVersion", "v1");
  kube_node_set_string (root, "kind", "Node");
  kube_node_set_string (root, "metadata.name", self->node->node_name);
  put_labels (self, root);
  kube_node_put_string (kube_node_ensure_object (root, "metadata.annotations"),
                        "volumes.kubernetes.io/controller-managed-attach-detach", "true");
  put_status (self, root);
  g_autoptr (KubeObject) body = kube_object_new_from_builder (builder);
  kube_request_set_object (request, body);
  send_request (self, request, on_created);
}

static gboolean
on_lease_time (gpointer data)
{
  KubeNodeStatus *self = data;

  g_clear_pointer (&self->lease_timer, g_source_unref);
  renew_lease (self);
  self->tick (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
on_renewed (KubeNodeStatus *self, KubeObject *lease, const GError *error)
{
  if (lease != NULL || g_error_matches (error, KUBE_ERROR, KUBE_ERROR_ALREADY_EXISTS)) {
    self->lease_there = TRUE;
    return;
  }
  if (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND) && self->lease_there) {
    self->lease_there = FALSE;
    renew_lease (self);
    return;
  }
  kube_info (1, "node %s: its lease is not renewed, trying again: %s", self->node->node_name, error->message);
  retry (self);
}

static void
renew_lease (KubeNodeStatus *self)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  KubeKind *kind = KUBE_KIND ("coordination.k8s.io/v1", "Lease");
  g_autoptr (KubeRequest) request = NULL;
  char now[KUBE_TIME_STRING_SIZE];

  kube_time_format_micro (kube_clock_get_time (self->node->clock), now);
  if (self->lease_there) {
    kube_node_set_string (root, "spec.renewTime", now);
    kube_node_set_string (root, "spec.holderIdentity", self->node->node_name);
    g_autoptr (KubeValue) patch = kube_builder_end (builder);
    request = kube_request_new (KUBE_VERB_PATCH, kind, "kube-node-lease", self->node->node_name);
    kube_request_set_patch (request, KUBE_PATCH_MERGE, patch);
  } else {
    KubeNode *owner;
    kube_node_set_string (root, "apiVersion", "coordination.k8s.io/v1");
    kube_node_set_string (root, "kind", "Lease");
    kube_node_set_string (root, "metadata.name", self->node->node_name);
    kube_node_set_string (root, "metadata.namespace", "kube-node-lease");
    owner = kube_node_append_object (kube_node_ensure_array (root, "metadata.ownerReferences"));
    kube_node_set_string (owner, "apiVersion", "v1");
    kube_node_set_string (owner, "kind", "Node");
    kube_node_set_string (owner, "name", self->node->node_name);
    kube_node_set_string (owner, "uid", self->node_uid);
    kube_node_set_string (root, "spec.holderIdentity", self->node->node_name);
    kube_node_set_integer (root, "spec.leaseDurationSeconds", LEASE_SECONDS);
    kube_node_set_string (root, "spec.renewTime", now);
    g_autoptr (KubeObject) body = kube_object_new_from_builder (builder);
    request = kube_request_new (KUBE_VERB_CREATE, kind, "kube-node-lease", NULL);
    kube_request_set_object (request, body);
  }
  send_request (self, request, on_renewed);
  if (self->lease_timer == NULL)
    self->lease_timer = kube_clock_add_timeout (self->node->clock, RENEW_INTERVAL, on_lease_time, self);
}

KubeNodeStatus *
kube_node_status_new (KubeNodeContext *node, const KubeNodeAgentOptions *options, KubeNodeStatusFunc tick, gpointer user_data)
{
  KubeNodeStatus *self = g_new0 (KubeNodeStatus, 1);

  self->references = 1;
  self->node = node;
  self->tick = tick;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();
  self->capacity = kube_node_measure (options, FALSE, NULL);
  self->labels = g_strdupv ((char **) options->labels);
  self->born = kube_clock_get_time (node->clock);
  return self;
}

void
kube_node_status_start (KubeNodeStatus *self)
{
  register_node (self);
}

void
kube_node_status_free (KubeNodeStatus *self)
{
  GSource **sources[] = { &self->lease_timer, &self->status_timer, &self->retry_timer };

  g_cancellable_cancel (self->cancellable);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++) {
    kube_clear_source (sources[i]);
  }
  status_unref (self);
}
