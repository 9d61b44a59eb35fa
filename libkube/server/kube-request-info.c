/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-request-info.h"
#include <kube/kube-selector.h>

/* Upstream's rules (k8s.io/apiserver's request.RequestInfoFactory):
 *   /api/VERSION/…, /apis/GROUP/VERSION/… are resource paths if anything follows the version;
 *   a first part "watch" (deprecated) or "proxy" is a verb; "namespaces/NS/RESOURCE…" has a namespace, but for the subresources of namespaces themselves. */

static const char *const namespace_subresources[] = { "status", "finalize", NULL };

gboolean
kube_query_is_true (const char *text)
{
  return text != NULL && !g_str_equal (text, "0") && g_ascii_strcasecmp (text, "false") != 0;
}

static const char *
verb_of_method (const char *method)
{
  static const struct {
    const char *method, *verb;
  } verbs[] = {
    { "POST", "create" }, { "GET", "get" }, { "HEAD", "get" }, { "PUT", "update" }, { "PATCH", "patch" }, { "DELETE", "delete" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    if (g_str_equal (verbs[i].method, method))
      return verbs[i].verb;
  }
  return "";
}

static const char *
lower_method (KubeRequestInfo *info, const char *method)
{
  static const char *const methods[] = { "get", "head", "post", "put", "patch", "delete", "options", NULL };

  for (guint i = 0; methods[i] != NULL; i++) {
    if (g_ascii_strcasecmp (methods[i], method) == 0)
      return methods[i];
  }
  info->other_verb = g_ascii_strdown (method, -1);
  return info->other_verb;
}

static char *
take (char **parts, guint n, guint at)
{
  return g_strdup (at < n ? parts[at] : "");
}

/* What stands behind the version: [watch|proxy] [namespaces NS] RESOURCE [NAME [SUBRESOURCE…]]. */
static void
parse_resource (KubeRequestInfo *info, const char *method, char **parts, guint n)
{
  guint at = 0;

  info->verb = verb_of_method (method);
  if (g_str_equal (parts[0], "watch") || g_str_equal (parts[0], "proxy")) {
    if (n == 1)
      return;
    info->verb = parts[0][0] == 'w' ? "watch" : "proxy";
    at = 1;
  }
  if (g_str_equal (parts[at], "namespaces") && at + 1 < n) {
    g_free (info->namespace_);
    info->namespace_ = g_strdup (parts[at + 1]);
    if (at + 2 < n && !g_strv_contains (namespace_subresources, parts[at + 2]))
      at += 2;
  }
  g_free (info->resource);
  g_free (info->name);
  g_free (info->subresource);
  info->resource = take (parts, n, at);
  info->name = take (parts, n, at + 1);
  info->subresource = g_str_equal (info->verb, "proxy") ? g_strdup ("") : take (parts, n, at + 2);
}

/* A GET or DELETE without a name is about a collection, and a field selector of a single name makes it about that object, for authorization as upstream has it. */
static void
refine_verb (KubeRequestInfo *info, const char *query_watch, const char *field_selector)
{
  if (*info->name != '\0' || (!g_str_equal (info->verb, "get") && !g_str_equal (info->verb, "delete")))
    return;
  if (g_str_equal (info->verb, "delete")) {
    info->verb = "deletecollection";
    return;
  }
  info->verb = "list";
  if (kube_query_is_true (query_watch))
    info->verb = "watch";
  if (field_selector != NULL && *field_selector != '\0') {
    g_autoptr (KubeSelector) selector = kube_selector_parse_fields (field_selector, NULL);
    const char *name = selector != NULL ? kube_selector_get_required (selector, "metadata.name") : NULL;
    if (name != NULL && *name != '\0' && strchr (name, '/') == NULL) {
      g_free (info->name);
      info->name = g_strdup (name);
    }
  }
}

static gboolean
is_collection_verb (const char *verb)
{
  return g_str_equal (verb, "list") || g_str_equal (verb, "watch") || g_str_equal (verb, "deletecollection");
}

void
kube_request_info_init (KubeRequestInfo *info, const char *method, const char *path, const char *query_watch, const char *field_selector, KubeScheme *scheme)
{
  g_auto (GStrv) parts = g_strsplit (path + strspn (path, "/"), "/", -1);
  guint n = g_strv_length (parts), at;
  gboolean legacy;

  memset (info, 0, sizeof *info);
  info->path = g_strdup (path);
  info->group = g_strdup ("");
  info->version = g_strdup ("");
  info->resource = g_strdup ("");
  info->subresource = g_strdup ("");
  info->namespace_ = g_strdup ("");
  info->name = g_strdup ("");
  info->verb = lower_method (info, method);
  while (n > 0 && *parts[n - 1] == '\0')
    n--;
  legacy = n > 0 && g_str_equal (parts[0], "api");
  at = legacy ? 2 : 3;
  if (n <= at || (!legacy && !g_str_equal (parts[0], "apis")))
    return;

  info->is_resource = TRUE;
  g_free (info->version);
  info->version = g_strdup (parts[at - 1]);
  if (!legacy) {
    g_free (info->group);
    info->group = g_strdup (parts[1]);
  }
  parse_resource (info, method, parts + at, n - at);
  if (*info->resource == '\0')
    return;
  info->kind = kube_scheme_find_resource (scheme, info->group, info->version, info->resource);
  refine_verb (info, query_watch, field_selector);
  if (is_collection_verb (info->verb) && field_selector != NULL)
    info->field_selector = g_strdup (field_selector);
}

void
kube_request_info_clear (KubeRequestInfo *info)
{
  g_clear_pointer (&info->other_verb, g_free);
  g_clear_pointer (&info->path, g_free);
  g_clear_pointer (&info->group, g_free);
  g_clear_pointer (&info->version, g_free);
  g_clear_pointer (&info->resource, g_free);
  g_clear_pointer (&info->subresource, g_free);
  g_clear_pointer (&info->namespace_, g_free);
  g_clear_pointer (&info->name, g_free);
  g_clear_pointer (&info->field_selector, g_free);
  g_clear_pointer (&info->label_selector, g_free);
}
