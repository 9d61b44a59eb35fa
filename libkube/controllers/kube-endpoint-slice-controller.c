/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <kube/kube-scheme.h>
#include "kube-controllers-private.h"
#include "kube-owner.h"
#include "kube-pods.h"
#include "kube-service-backends.h"

#define NAME "endpointslice-controller"
#define MANAGED_BY "endpointslice.kubernetes.io/managed-by"
#define MANAGER "endpointslice-controller.k8s.io"
#define SERVICE_NAME "kubernetes.io/service-name"
/* --max-endpoints-per-slice */
#define PER_SLICE 100

typedef struct {
  KubeInformer *services; /* (unowned) */
  KubeInformer *slices;   /* (unowned) */
  KubeInformer *pods;     /* (unowned) */
  KubeInformer *nodes;    /* (unowned) */
} SliceController;

/* Backends whose ports are the same: they share slices. */
typedef struct {
  KubeValue *ports;       /* (owned) */
  GPtrArray *endpoints;   /* (element-type KubeValue) */
} Group;

static void
group_free (gpointer data)
{
  Group *group = data;

  kube_value_unref (group->ports);
  g_ptr_array_unref (group->endpoints);
  g_free (group);
}

/* --- what there should be --- */

static KubeValue *
build_endpoint (SliceController *self, KubeObject *service, const KubeBackend *backend)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  const char *node_name = kube_object_get_string (backend->pod, "spec.nodeName");
  KubeObject *node = node_name == NULL ? NULL : kube_informer_get (self->nodes, NULL, node_name);

  kube_node_append_string (kube_node_ensure_array (root, "addresses"), backend->address);
  kube_node_set_boolean (root, "conditions.ready", backend->ready);
  kube_node_set_boolean (root, "conditions.serving", backend->serving);
  kube_node_set_boolean (root, "conditions.terminating", backend->terminating);
  kube_service_put_pod (root, service, backend->pod);
  if (node != NULL)
    kube_node_put_string (root, "zone", kube_object_get_label (node, "topology.kubernetes.io/zone"));
  return kube_builder_end (builder);
}

static Group *
find_group (GPtrArray *groups, KubeValue *ports)
{
  Group *group;

  for (guint i = 0; i < groups->len; i++) {
    group = g_ptr_array_index (groups, i);
    if (kube_value_equal (group->ports, ports))
      return group;
  }
  group = g_new0 (Group, 1);
  group->ports = kube_value_ref (ports);
  group->endpoints = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_value_unref);
  g_ptr_array_add (groups, group);
  return group;
}

/* A Service without backends has one empty slice, so that it is seen to be looked after. */
static GPtrArray *
build_groups (SliceController *self, KubeObject *service)
{
  GPtrArray *groups = g_ptr_array_new_with_free_func (group_free);
  g_autoptr (GArray) backends = kube_service_list_backends (service, self->pods);

  for (guint i = 0; i < backends->len; i++) {
    const KubeBackend *backend = &g_array_index (backends, KubeBackend, i);
    g_autoptr (KubeValue) ports = kube_service_build_ports (service, backend->pod, "");

    g_ptr_array_add (find_group (groups, ports)->endpoints, build_endpoint (self, service, backend));
  }
  if (groups->len == 0) {
    g_autoptr (KubeValue) none = kube_value_parse ("[]", -1, NULL);

    find_group (groups, none);
  }
  return groups;
}

static void
put_labels (KubeNode *root, KubeObject *service)
{
  KubeNode *labels = kube_service_put_labels (root, service);

  kube_node_put_string (labels, SERVICE_NAME, kube_object_get_name (service));
  kube_node_put_string (labels, MANAGED_BY, MANAGER);
}

static KubeObject *
build_slice (KubeObject *service, KubeObject *old, KubeValue *ports, GPtrArray *members)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (old == NULL ? NULL : kube_object_get_value (old));
  KubeNode *root = kube_builder_get_root (builder), *endpoints;

  if (old == NULL) {
    g_autofree char *prefix = g_strconcat (kube_object_get_name (service), "-", NULL);
    g_autoptr (KubeValue) owner = kube_owner_reference_new (service);

    kube_node_put_string (root, "apiVersion", "discovery.k8s.io/v1");
    kube_node_put_string (root, "kind", "EndpointSlice");
    kube_node_set_string (root, "metadata.generateName", prefix);
    kube_node_set_string (root, "metadata.namespace", kube_object_get_namespace (service));
    kube_node_append_value (kube_node_ensure_array (root, "metadata.ownerReferences"), owner);
    kube_node_put_string (root, "addressType", "IPv4");
  }
  put_labels (root, service);
  kube_node_put_value (root, "ports", ports);
  kube_node_remove_member (root, "endpoints");
  endpoints = kube_node_ensure_array (root, "endpoints");
  for (guint i = 0; i < members->len; i++)
    kube_node_append_value (endpoints, g_ptr_array_index (members, i));
  return kube_object_new_from_builder (builder);
}

/* --- from what there is to what there should be --- */

/* A slice as it is and the endpoints that it is to have. */
typedef struct {
  KubeObject *old;    /* (owned) (nullable): to be made */
  GPtrArray *members; /* (element-type KubeValue): of the group */
} Draft;

static void
draft_free (gpointer data)
{
  Draft *draft = data;

  g_clear_pointer (&draft->old, kube_object_unref);
  g_ptr_array_unref (draft->members);
  g_free (draft);
}

static Draft *
add_draft (GPtrArray *drafts, KubeObject *old)
{
  Draft *draft = g_new0 (Draft, 1);

  draft->old = old;
  draft->members = g_ptr_array_new ();
  g_ptr_array_add (drafts, draft);
  return draft;
}

/* An empty list may be stored as none at all. */
static gboolean
is_same_list (KubeValue *a, KubeValue *b)
{
  return kube_value_get_length (a) + kube_value_get_length (b) == 0 || kube_value_equal (a, b);
}

static gboolean
is_same (KubeObject *a, KubeObject *b)
{
  return is_same_list (kube_object_get (a, "endpoints"), kube_object_get (b, "endpoints")) && is_same_list (kube_object_get (a, "ports"), kube_object_get (b, "ports")) &&
         kube_value_equal (kube_object_get (a, "metadata.labels"), kube_object_get (b, "metadata.labels"));
}

/* Endpoints stay in the slice where they are, so that a change of one rewrites one slice. What stays is taken out of @waiting. */
static void
keep_members (Draft *draft, GHashTable *waiting)
{
  KubeValue *endpoints = kube_object_get (draft->old, "endpoints");

  for (guint i = 0; i < kube_value_get_length (endpoints); i++) {
    const char *address = kube_value_get_string (kube_value_get_element (endpoints, i), "addresses.0");
    KubeValue *endpoint = address == NULL || draft->members->len == PER_SLICE ? NULL : g_hash_table_lookup (waiting, address);

    if (endpoint == NULL)
      continue;
    g_ptr_array_add (draft->members, endpoint);
    g_hash_table_remove (waiting, address);
  }
}

static void
place_waiting (GPtrArray *drafts, const Group *group, GHashTable *waiting)
{
  guint at = 0;

  for (guint i = 0; i < group->endpoints->len; i++) {
    KubeValue *endpoint = g_ptr_array_index (group->endpoints, i);

    if (g_hash_table_lookup (waiting, kube_value_get_string (endpoint, "addresses.0")) != endpoint)
      continue;
    while (at < drafts->len && ((Draft *) g_ptr_array_index (drafts, at))->members->len == PER_SLICE)
      at++;
    if (at == drafts->len)
      add_draft (drafts, NULL);
    g_ptr_array_add (((Draft *) g_ptr_array_index (drafts, at))->members, endpoint);
  }
}

static void
take_slices (GPtrArray *drafts, GPtrArray *slices, KubeValue *ports)
{
  for (guint i = 0; i < slices->len;) {
    if (is_same_list (kube_object_get (g_ptr_array_index (slices, i), "ports"), ports))
      add_draft (drafts, g_ptr_array_steal_index (slices, i));
    else
      i++;
  }
}

static void
plan_draft (KubePlan *plan, KubeObject *service, const Group *group, const Draft *draft)
{
  g_autoptr (KubeObject) slice = build_slice (service, draft->old, group->ports, draft->members);

  if (draft->old == NULL) {
    kube_plan_create (plan, slice);
    kube_plan_tolerate_cause (plan, "NamespaceTerminating");
  } else if (!is_same (draft->old, slice)) {
    kube_plan_update (plan, slice);
  }
}

/* upstream: reconcileByPortMapping */
static void
plan_group (KubePlan *plan, KubeObject *service, GPtrArray *slices, const Group *group)
{
  g_autoptr (GPtrArray) drafts = g_ptr_array_new_with_free_func (draft_free);
  g_autoptr (GHashTable) waiting = g_hash_table_new (g_str_hash, g_str_equal);
  guint kept = 0;

  for (guint i = 0; i < group->endpoints->len; i++)
    g_hash_table_insert (waiting, (gpointer) kube_value_get_string (g_ptr_array_index (group->endpoints, i), "addresses.0"), g_ptr_array_index (group->endpoints, i));
  take_slices (drafts, slices, group->ports);
  for (guint i = 0; i < drafts->len; i++)
    keep_members (g_ptr_array_index (drafts, i), waiting);
  place_waiting (drafts, group, waiting);
  if (drafts->len == 0)
    add_draft (drafts, slices->len == 0 ? NULL : g_ptr_array_steal_index (slices, 0));
  for (guint i = 0; i < drafts->len; i++) {
    const Draft *draft = g_ptr_array_index (drafts, i);

    if (draft->members->len == 0 && (group->endpoints->len > 0 || kept++ > 0))
      kube_plan_delete (plan, draft->old, NULL);
    else
      plan_draft (plan, service, group, draft);
  }
}

static GPtrArray *
list_slices (SliceController *self, const char *namespace_, const char *service)
{
  g_autoptr (GPtrArray) all = kube_informer_list_by (self->slices, "service", service);
  GPtrArray *slices = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);

  for (guint i = 0; i < all->len; i++) {
    KubeObject *slice = g_ptr_array_index (all, i);

    if (g_strcmp0 (kube_object_get_namespace (slice), namespace_) == 0 && !kube_object_is_deleting (slice))
      g_ptr_array_add (slices, kube_object_ref (slice));
  }
  return slices;
}

static gboolean
reconcile (KubeController *controller, const char *key, KubePlan *plan, gpointer user_data, GError **error)
{
  SliceController *self = user_data;
  KubeObject *service = kube_informer_get_by_key (self->services, key);
  g_auto (GStrv) parts = g_strsplit (key, "/", 2);
  g_autoptr (GPtrArray) slices = list_slices (self, parts[0], parts[1]), groups = NULL;

  /* Slices of a Service that is gone are the garbage collector's. */
  if (service == NULL || kube_object_is_deleting (service) || !kube_service_has_backends (service))
    return TRUE;
  groups = build_groups (self, service);
  for (guint i = 0; i < groups->len; i++)
    plan_group (plan, service, slices, g_ptr_array_index (groups, i));
  for (guint i = 0; i < slices->len; i++)
    kube_plan_delete (plan, g_ptr_array_index (slices, i), NULL);
  return TRUE;
}

/* Only slices of this controller count; users and other controllers have their own. */
static const char *
get_service_of (KubeObject *slice)
{
  return g_strcmp0 (kube_object_get_label (slice, MANAGED_BY), MANAGER) == 0 ? kube_object_get_label (slice, SERVICE_NAME) : NULL;
}

static void
keys_of_slice (KubeController *controller, KubeObject *slice, KubeObject *old, GPtrArray *keys, gpointer user_data)
{
  const char *service = get_service_of (slice);

  if (service != NULL)
    g_ptr_array_add (keys, g_strconcat (kube_object_get_namespace (slice), "/", service, NULL));
}

static void
add_service_values (KubeObject *slice, GPtrArray *values, gpointer user_data)
{
  if (get_service_of (slice) != NULL)
    g_ptr_array_add (values, g_strdup (get_service_of (slice)));
}

void
kube_endpoint_slice_controller_add (KubeManager *manager, const KubeControllersOptions *options)
{
  SliceController *self = g_new0 (SliceController, 1);
  g_autoptr (KubeController) controller = kube_controller_new (manager, NAME, reconcile, self, g_free);

  self->services = kube_controller_watch (controller, KUBE_KIND ("v1", "Service"), NULL, NULL);
  self->slices = kube_controller_watch (controller, KUBE_KIND ("discovery.k8s.io/v1", "EndpointSlice"), keys_of_slice, NULL);
  self->pods = kube_controller_watch (controller, KUBE_KIND ("v1", "Pod"), kube_service_add_keys_of_pod, self->services);
  self->nodes = kube_controller_get_informer (controller, KUBE_KIND ("v1", "Node"));
  kube_informer_add_index (self->slices, "service", add_service_values, NULL);
  kube_service_add_index (self->services);
}
