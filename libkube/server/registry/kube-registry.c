/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-registry.h"
#include "../kube-authenticator.h"

typedef void (*Handler) (KubeOperation *op);

/* Subresources that are more than a part of their object, by their name and the kind that their body has. */
static const struct {
  const char *group, *plural, *name;
  const char *verb; /* NULL: all */
  Handler handler;
} subresources[] = {
  { NULL, NULL, "scale", NULL, kube_registry_scale },
  { "", "pods", "binding", "create", kube_registry_bind },
  { "", "pods", "eviction", "create", kube_registry_evict },
  { "", "pods", "log", NULL, kube_registry_stream_pod },
  { "", "pods", "exec", NULL, kube_registry_stream_pod },
  { "", "pods", "attach", NULL, kube_registry_stream_pod },
  { "", "pods", "portforward", NULL, kube_registry_stream_pod },
  { "", "pods", "proxy", NULL, kube_registry_proxy },
  { "", "services", "proxy", NULL, kube_registry_proxy },
  { "", "serviceaccounts", "token", "create", kube_registry_create_token },
};

static const struct {
  const char *verb;
  KubeVerb flag;
  Handler handler;
} verbs[] = {
  { "get", KUBE_VERB_GET, kube_registry_get },
  { "list", KUBE_VERB_LIST, kube_registry_list },
  { "watch", KUBE_VERB_WATCH, kube_registry_watch },
  { "create", KUBE_VERB_CREATE, kube_registry_create },
  { "update", KUBE_VERB_UPDATE, kube_registry_update },
  { "patch", KUBE_VERB_PATCH, kube_registry_patch },
  { "delete", KUBE_VERB_DELETE, kube_registry_delete },
  { "deletecollection", KUBE_VERB_DELETE_COLLECTION, kube_registry_delete_collection },
};

static Handler
find_verb (const char *verb, KubeVerb allowed)
{
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    if (g_str_equal (verbs[i].verb, verb))
      return (allowed & verbs[i].flag) != 0 ? verbs[i].handler : NULL;
  }
  return NULL;
}

static Handler
find_subresource (KubeOperation *op)
{
  for (guint i = 0; i < G_N_ELEMENTS (subresources); i++) {
    if (!g_str_equal (subresources[i].name, op->info.subresource))
      continue;
    if (subresources[i].plural != NULL && (!g_str_equal (subresources[i].plural, op->kind->plural) || !g_str_equal (subresources[i].group, op->kind->group)))
      continue;
    if (subresources[i].verb != NULL && !g_str_equal (subresources[i].verb, op->info.verb))
      return NULL;
    return subresources[i].handler;
  }
  /* What is connected to is not the object: without somebody who connects there is nothing to answer with. */
  return op->subresource->connect ? NULL : find_verb (op->info.verb, op->subresource->verbs);
}

/* Whether path and method fit: an object is named, or a collection is meant; what is in namespaces is made in one. */
static gboolean
fits (KubeOperation *op)
{
  const char *method = kube_call_get_method (op->call);
  gboolean named = *op->info.name != '\0', in_namespace = *op->info.namespace_ != '\0';

  if (g_str_equal (method, "HEAD") && !g_str_equal (op->info.subresource, "proxy"))
    return FALSE;
  if (*op->info.subresource != '\0')
    return named;
  if (g_str_equal (op->info.verb, "create"))
    return !named && (!op->kind->namespaced || in_namespace);
  if (g_str_equal (op->info.verb, "update") || g_str_equal (op->info.verb, "patch"))
    return named && (!op->kind->namespaced || in_namespace);
  return TRUE;
}

static const struct {
  const char *api_version, *name, *text;
} deprecated[] = {
  { "v1", "ComponentStatus", "v1 ComponentStatus is deprecated in v1.19+" },
  { "v1", "Endpoints", "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice" },
};

static void
warn_deprecated (KubeOperation *op)
{
  for (guint i = 0; i < G_N_ELEMENTS (deprecated); i++) {
    if (g_str_equal (deprecated[i].name, op->kind->name) && g_str_equal (deprecated[i].api_version, op->kind->api_version))
      kube_call_add_warning (op->call, deprecated[i].text);
  }
}

gboolean
kube_registry_may_create (KubeOperation *op, GError **error)
{
  KubeRequestInfo info = op->info;
  g_autofree char *reason = NULL;

  info.verb = "create";
  if (g_str_equal (op->info.verb, "create") || kube_auth_authorize (kube_server_get_auth (op->server), op->user, &info, &reason))
    return TRUE;
  g_propagate_error (error, kube_auth_forbidden (op->user, &info, reason));
  return FALSE;
}

void
kube_registry_handle (KubeOperation *op)
{
  Handler handler;

  if (op->kind == NULL || (*op->info.subresource != '\0' && op->subresource == NULL)) {
    kube_operation_answer_no_resource (op);
    return;
  }
  if (*op->info.subresource != '\0')
    handler = find_subresource (op);
  else if (op->kind->not_stored && g_str_equal (op->info.verb, "create"))
    handler = g_str_equal (op->kind->name, "Binding") ? kube_registry_bind : kube_registry_review;
  else
    handler = find_verb (op->info.verb, op->kind->verbs);
  if (handler == NULL || !fits (op)) {
    kube_operation_answer_no_method (op);
    return;
  }
  warn_deprecated (op);
  handler (op);
}
