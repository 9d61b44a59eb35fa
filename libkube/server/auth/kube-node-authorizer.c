/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-auth-private.h"

#include "kube-storage.h"
#include <kube/kube-selector.h>

/* Nodes have the rights of the role system:node, without a binding, but only to what is theirs: their own Node, Lease and CSINode, the pods that are bound to them, and what those pods
 * name (secrets, config maps, claims and their volumes, service accounts). A node that was taken over gives away what ran on it, not the cluster. */

#define ROLE "system:node"
#define PREFIX "system:node:"
#define MIRROR "kubernetes.io/config.mirror"

typedef struct {
  KubeAuth *auth;
  const char *node;
  const KubeRequestInfo *info;
} Request;

/* Members of a pod's spec that name an object of each kind: by a member "name" of theirs, or directly. */
static const char *const secret_references[] = { "secretRef", "secretKeyRef", "nodePublishSecretRef", "secret", NULL };
static const char *const secret_names[] = { "secretName", NULL };
static const char *const config_map_references[] = { "configMapRef", "configMapKeyRef", "configMap", NULL };
static const char *const claim_names[] = { "claimName", NULL };
static const char *const account_names[] = { "serviceAccountName", NULL };
static const char *const none[] = { NULL };

static gboolean
mentions (KubeValue *value, const char *const *references, const char *const *names, const char *name)
{
  gboolean object = kube_value_is_object (value);

  for (guint i = 0; i < kube_value_get_length (value); i++) {
    KubeValue *member = kube_value_get_element (value, i);
    const char *key = object ? kube_value_get_key (value, i) : NULL;

    if (key != NULL && g_strv_contains (references, key) && g_strcmp0 (kube_value_get_member_string (member, "name"), name) == 0)
      return TRUE;
    if (key != NULL && g_strv_contains (names, key) && g_strcmp0 (kube_value_peek_string (member, NULL), name) == 0)
      return TRUE;
    if (mentions (member, references, names, name))
      return TRUE;
  }
  return FALSE;
}

static gboolean
pulls_with (KubeObject *pod, const char *secret)
{
  return kube_value_find_element (kube_object_get (pod, "spec.imagePullSecrets"), "name", secret) != NULL;
}

/* (transfer full) (element-type KubeObject): the node's pods; those that it only mirrors give it nothing. */
static GPtrArray *
list_pods (Request *request, const char *namespace_)
{
  g_autofree char *mark = g_strdup_printf ("\"nodeName\":\"%s\"", request->node);
  g_autoptr (GPtrArray) all = kube_storage_list (request->auth->store, kube_scheme_find_kind (request->auth->scheme, "v1", "Pod"), namespace_, NULL, NULL);
  GPtrArray *pods = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);

  for (guint i = 0; all != NULL && i < all->len; i++) {
    KubeObject *pod = g_ptr_array_index (all, i);
    gsize length;
    const char *text = g_bytes_get_data (kube_object_get_bytes (pod), &length);

    /* most are of other nodes: those are not parsed */
    if (memmem (text, length, mark, strlen (mark)) != NULL && g_strcmp0 (kube_object_get_string (pod, "spec.nodeName"), request->node) == 0 &&
        kube_object_get_annotation (pod, MIRROR) == NULL)
      g_ptr_array_add (pods, kube_object_ref (pod));
  }
  return pods;
}

static gboolean
pods_mention (Request *request, const char *const *references, const char *const *names)
{
  const KubeRequestInfo *info = request->info;
  g_autoptr (GPtrArray) pods = NULL;

  if (*info->name == '\0' || *info->namespace_ == '\0')
    return FALSE;
  pods = list_pods (request, info->namespace_);
  for (guint i = 0; i < pods->len; i++) {
    KubeObject *pod = g_ptr_array_index (pods, i);
    if (mentions (kube_object_get (pod, "spec"), references, names, info->name) || (references == secret_references && pulls_with (pod, info->name)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
pods_use_volume (Request *request)
{
  g_autoptr (KubeObject) volume = kube_storage_get (request->auth->store, kube_scheme_find_kind (request->auth->scheme, "v1", "PersistentVolume"), NULL,
                                                    request->info->name, NULL);
  const char *namespace_ = volume != NULL ? kube_object_get_string (volume, "spec.claimRef.namespace") : NULL;
  const char *claim = volume != NULL ? kube_object_get_string (volume, "spec.claimRef.name") : NULL;
  g_autoptr (GPtrArray) pods = namespace_ != NULL && claim != NULL ? list_pods (request, namespace_) : NULL;

  for (guint i = 0; pods != NULL && i < pods->len; i++) {
    if (mentions (kube_object_get (g_ptr_array_index (pods, i), "spec.volumes"), none, claim_names, claim))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_own (Request *request, const char *kind, const char *api_version)
{
  const KubeRequestInfo *info = request->info;
  g_autoptr (KubeObject) object = NULL;

  if (*info->name == '\0')
    return FALSE;
  object = kube_storage_get (request->auth->store, kube_scheme_find_kind (request->auth->scheme, api_version, kind),
                             *info->namespace_ != '\0' ? info->namespace_ : NULL, info->name, NULL);
  /* what is not there is answered so by who looks for it */
  return object == NULL || g_strcmp0 (kube_object_get_string (object, "spec.nodeName"), request->node) == 0;
}

static gboolean
selects_own (Request *request)
{
  const char *text = request->info->field_selector;
  g_autoptr (KubeSelector) selector = text != NULL ? kube_selector_parse_fields (text, NULL) : NULL;

  return selector != NULL && g_strcmp0 (kube_selector_get_required (selector, "spec.nodeName"), request->node) == 0;
}

static gboolean
may_pods (Request *request)
{
  const char *verb = request->info->verb;

  if (g_str_equal (verb, "create") && *request->info->subresource == '\0')
    return TRUE;
  if (g_str_equal (verb, "list") || g_str_equal (verb, "watch"))
    return selects_own (request) || (*request->info->name != '\0' && is_own (request, "Pod", "v1"));
  return is_own (request, "Pod", "v1");
}

static gboolean
may_core (Request *request)
{
  const KubeRequestInfo *info = request->info;
  gboolean creates = g_str_equal (info->verb, "create"), self = g_str_equal (info->name, request->node);

  if (g_str_equal (info->resource, "secrets"))
    return pods_mention (request, secret_references, secret_names);
  if (g_str_equal (info->resource, "configmaps"))
    return pods_mention (request, config_map_references, none);
  if (g_str_equal (info->resource, "persistentvolumeclaims"))
    return pods_mention (request, none, claim_names);
  if (g_str_equal (info->resource, "persistentvolumes"))
    return pods_use_volume (request);
  if (g_str_equal (info->resource, "serviceaccounts"))
    return pods_mention (request, none, account_names);
  if (g_str_equal (info->resource, "nodes"))
    return self || (creates && *info->subresource == '\0' && *info->name == '\0');
  return !g_str_equal (info->resource, "pods") || may_pods (request);
}

static gboolean
may_named_as_node (Request *request, const char *namespace_)
{
  const KubeRequestInfo *info = request->info;

  return g_str_equal (info->namespace_, namespace_) && (g_str_equal (info->name, request->node) || (g_str_equal (info->verb, "create") && *info->name == '\0'));
}

static gboolean
may (Request *request)
{
  const char *group = request->info->group, *resource = request->info->resource;

  if (*group == '\0')
    return may_core (request);
  if (g_str_equal (resource, "leases"))
    return may_named_as_node (request, "kube-node-lease");
  if (g_str_equal (resource, "csinodes"))
    return may_named_as_node (request, "");
  if (g_str_equal (resource, "volumeattachments"))
    return is_own (request, "VolumeAttachment", "storage.k8s.io/v1");
  if (g_str_equal (group, "resource.k8s.io"))
    return g_str_equal (resource, "resourceslices") && selects_own (request);
  return TRUE;
}

gboolean
kube_node_authorizer_allows (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, char **reason)
{
  Request request = { auth, user->name + strlen (PREFIX), info };

  if (!g_str_has_prefix (user->name, PREFIX) || *request.node == '\0' || !kube_user_in_group (user, "system:nodes") ||
      !kube_rbac_role_allows (auth->rbac, ROLE, info))
    return FALSE;
  if (!info->is_resource || may (&request))
    return TRUE;
  if (reason != NULL)
    *reason = g_strdup_printf ("no relationship found between node '%s' and this object", request.node);
  return FALSE;
}
