/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-auth-private.h"

#include <kube/kube-certificates.h>

/* KubeAuth: who makes a request, and whether they may. It has no thread and no timer: tokens are checked against the store when they come, roles and bindings are followed by the watches of
 * KubeRbac. */

#define DEFAULT_ISSUER "https://kubernetes.default.svc.cluster.local"
#define BEARER_PROTOCOL "base64url.bearer.authorization.k8s.io."

KubeAuth *
kube_auth_new (const KubeAuthOptions *options, GError **error)
{
  g_autoptr (KubeAuth) auth = g_new0 (KubeAuth, 1);
  g_autofree char *made = NULL;
  const char *key = options->token_key_pem;

  if (key == NULL) {
    made = kube_private_key_new (error);
    if (made == NULL)
      return NULL;
    key = made;
  }
  auth->store = g_object_ref (options->store);
  auth->scheme = g_object_ref (options->scheme);
  auth->clock = g_object_ref (options->clock);
  auth->rbac = kube_rbac_new (options->store, options->hub, options->scheme);
  auth->tokens = kube_tokens_new (options->store, options->scheme, options->clock, key,
                                  options->token_issuer != NULL ? options->token_issuer : DEFAULT_ISSUER, error);
  return auth->tokens != NULL ? g_steal_pointer (&auth) : NULL;
}

void
kube_auth_free (KubeAuth *auth)
{
  g_clear_pointer (&auth->tokens, kube_tokens_free);
  g_clear_pointer (&auth->rbac, kube_rbac_free);
  g_clear_object (&auth->clock);
  g_clear_object (&auth->scheme);
  g_clear_object (&auth->store);
  g_free (auth);
}

gboolean
kube_auth_start (KubeAuth *auth, GError **error)
{
  return kube_rbac_start (auth->rbac, error);
}

KubeUser *
kube_user_with_group (KubeUser *user, const char *group)
{
  g_autoptr (GPtrArray) groups = NULL;

  if (kube_user_in_group (user, group))
    return kube_user_ref (user);
  groups = g_ptr_array_new ();
  for (char **g = user->groups; *g != NULL; g++)
    g_ptr_array_add (groups, *g);
  g_ptr_array_add (groups, (gpointer) group);
  g_ptr_array_add (groups, NULL);
  return kube_user_new (user->name, user->uid, (const char *const *) groups->pdata, user->extra);
}

void
kube_user_write (KubeUser *user, KubeNode *node)
{
  kube_node_put_string (node, "username", user->name);
  if (user->uid != NULL && *user->uid != '\0')
    kube_node_put_string (node, "uid", user->uid);
  if (user->groups[0] != NULL) {
    KubeNode *groups = kube_node_ensure_array (node, "groups");
    for (char **group = user->groups; *group != NULL; group++)
      kube_node_append_string (groups, *group);
  }
  if (kube_value_get_length (user->extra) > 0)
    kube_node_put_value (node, "extra", user->extra);
}

/* (transfer full) (nullable) */
static char *
get_bearer_token (KubeCall *call)
{
  const char *authorization = kube_call_get_header (call, "Authorization");
  const char *protocols = authorization == NULL ? kube_call_get_header (call, "Sec-WebSocket-Protocol") : NULL;
  const char *offered = protocols != NULL ? strstr (protocols, BEARER_PROTOCOL) : NULL;

  if (authorization != NULL && g_ascii_strncasecmp (authorization, "Bearer ", 7) == 0)
    return g_strstrip (g_strdup (authorization + 7));
  if (offered != NULL) {
    /* browsers cannot set headers on a WebSocket: the token comes as one of the protocols */
    const char *text = offered + strlen (BEARER_PROTOCOL);
    g_autofree char *encoded = g_strndup (text, strcspn (text, ", "));
    g_autofree char *padded = g_strconcat (encoded, strlen (encoded) % 4 == 2 ? "==" : strlen (encoded) % 4 == 3 ? "=" : "", NULL);
    gsize size;
    g_autofree guchar *token = NULL;
    g_strdelimit (padded, "-", '+');
    g_strdelimit (padded, "_", '/');
    token = g_base64_decode (padded, &size);
    return g_strndup ((const char *) token, size);
  }
  return NULL;
}

static KubeUser *
unauthorized (GError **error)
{
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, "Unauthorized");
  return NULL;
}

static KubeUser *
authenticate (KubeAuth *auth, KubeCall *call, GError **error)
{
  static const char *const anonymous_groups[] = { KUBE_GROUP_UNAUTHENTICATED, NULL };
  KubeUser *peer = kube_call_get_peer (call);
  g_autofree char *token = NULL;

  if (peer != NULL)
    return g_str_equal (peer->name, KUBE_USER_ANONYMOUS) ? kube_user_ref (peer) : kube_user_with_group (peer, KUBE_GROUP_AUTHENTICATED);
  token = get_bearer_token (call);
  if (token != NULL && *token != '\0') {
    KubeUser *user = kube_tokens_authenticate (auth->tokens, token, NULL, NULL, NULL);
    return user != NULL ? user : unauthorized (error);
  }
  if (kube_call_get_peer_error (call) != NULL)
    return unauthorized (error);
  return kube_user_new (KUBE_USER_ANONYMOUS, NULL, anonymous_groups, NULL);
}

KubeUser *
kube_auth_authenticate (KubeAuth *auth, KubeCall *call, const KubeRequestInfo *info, GError **error)
{
  g_autoptr (KubeUser) user = authenticate (auth, call, error);

  if (user == NULL || kube_call_is_local (call))
    return g_steal_pointer (&user);
  return kube_auth_impersonate (auth, call, user, error);
}

gboolean
kube_auth_authorize (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, char **reason)
{
  g_autofree char *refusal = NULL;

  if (reason != NULL)
    *reason = NULL;
  if (kube_user_in_group (user, KUBE_GROUP_MASTERS))
    return TRUE;
  if (kube_node_authorizer_allows (auth, user, info, &refusal) || kube_rbac_allows (auth->rbac, user, info, reason))
    return TRUE;
  if (reason != NULL && *reason == NULL)
    *reason = g_steal_pointer (&refusal);
  return FALSE;
}

static char *
describe_refusal (KubeUser *user, const KubeRequestInfo *info)
{
  gboolean sub = info->is_resource && *info->subresource != '\0';
  g_autofree char *resource = NULL;

  if (!info->is_resource)
    return g_strdup_printf ("User \"%s\" cannot %s path \"%s\"", user->name, info->verb, info->path);
  resource = g_strconcat (info->resource, sub ? "/" : NULL, info->subresource, NULL);
  if (*info->namespace_ == '\0')
    return g_strdup_printf ("User \"%s\" cannot %s resource \"%s\" in API group \"%s\" at the cluster scope", user->name, info->verb,
                            resource, info->group);
  return g_strdup_printf ("User \"%s\" cannot %s resource \"%s\" in API group \"%s\" in the namespace \"%s\"", user->name, info->verb,
                          resource, info->group, info->namespace_);
}

GError *
kube_auth_forbidden (KubeUser *user, const KubeRequestInfo *info, const char *reason)
{
  g_autofree char *refusal = describe_refusal (user, info);
  g_autoptr (GString) text = g_string_new (NULL);
  GError *error;

  if (info->is_resource) {
    g_string_append (text, info->resource);
    if (*info->group != '\0')
      g_string_append_printf (text, ".%s", info->group);
    if (*info->name != '\0')
      g_string_append_printf (text, " \"%s\"", info->name);
    g_string_append (text, " is ");
  }
  g_string_append_printf (text, "forbidden: %s", refusal);
  if (reason != NULL && *reason != '\0')
    g_string_append_printf (text, ": %s", reason);
  error = g_error_new_literal (KUBE_ERROR, KUBE_ERROR_FORBIDDEN, text->str);
  if (info->is_resource)
    kube_error_set_subject (error, info->group, info->resource, info->name);
  return error;
}

GBytes *
kube_auth_get_jwks (KubeAuth *auth)
{
  return kube_tokens_get_jwks (auth->tokens);
}

GBytes *
kube_auth_get_openid_configuration (KubeAuth *auth, const char *base)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autofree char *jwks = g_strconcat (base, "/openid/v1/jwks", NULL);
  g_autoptr (KubeValue) value = NULL;

  kube_node_put_string (root, "issuer", kube_tokens_get_issuer (auth->tokens));
  kube_node_put_string (root, "jwks_uri", jwks);
  kube_node_append_string (kube_node_ensure_array (root, "response_types_supported"), "id_token");
  kube_node_append_string (kube_node_ensure_array (root, "subject_types_supported"), "public");
  kube_node_append_string (kube_node_ensure_array (root, "id_token_signing_alg_values_supported"), "ES256");
  value = kube_builder_end (builder);
  return kube_value_to_bytes (value);
}

KubeObject *
kube_auth_create_token (KubeAuth *auth, KubeObject *service_account, KubeObject *token_request, GPtrArray *warnings, GError **error)
{
  return kube_tokens_create (auth->tokens, service_account, token_request, error);
}
