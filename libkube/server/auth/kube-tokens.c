/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-auth-private.h"

#include "kube-storage.h"
#include <kube/kube-names.h>
#include <kube/kube-time.h>

#define MIN_SECONDS (10 * 60)
#define DEFAULT_SECONDS 3600
#define MAX_SECONDS (G_GINT64_CONSTANT (1) << 32)
/* What kubelets of all versions ask for on behalf of pods: such tokens live on for a year, for clients that read theirs only once, and say from when on that is noticed. */
#define POD_SECONDS 3607
#define EXTENDED_SECONDS (365 * 24 * 60 * 60)
#define LEEWAY 60 /* seconds */
#define CACHE_TIME (10 * G_USEC_PER_SEC)
#define CACHE_SIZE 4096
#define DELETION_LEEWAY (60 * G_USEC_PER_SEC)

typedef struct {
  KubeUser *user;
  char **audiences;
  gint64 until;
} Entry;

struct _KubeTokens {
  KubeStore *store;
  KubeScheme *scheme;
  KubeClock *clock;
  KubeTokenSigner *signer;
  char *issuer;
  GMutex mutex;      /* cache */
  GHashTable *cache; /* (element-type utf8 Entry) */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  kube_user_unref (entry->user);
  g_strfreev (entry->audiences);
  g_free (entry);
}

KubeTokens *
kube_tokens_new (KubeStore *store, KubeScheme *scheme, KubeClock *clock, const char *key_pem, const char *issuer, GError **error)
{
  KubeTokenSigner *signer = kube_token_signer_new (key_pem, error);
  KubeTokens *tokens;

  if (signer == NULL)
    return NULL;
  tokens = g_new0 (KubeTokens, 1);
  tokens->signer = signer;
  tokens->store = g_object_ref (store);
  tokens->scheme = g_object_ref (scheme);
  tokens->clock = g_object_ref (clock);
  tokens->issuer = g_strdup (issuer);
  tokens->cache = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  g_mutex_init (&tokens->mutex);
  return tokens;
}

void
kube_tokens_free (KubeTokens *tokens)
{
  g_mutex_clear (&tokens->mutex);
  g_hash_table_unref (tokens->cache);
  kube_token_signer_free (tokens->signer);
  g_object_unref (tokens->store);
  g_object_unref (tokens->scheme);
  g_object_unref (tokens->clock);
  g_free (tokens->issuer);
  g_free (tokens);
}

const char *
kube_tokens_get_issuer (KubeTokens *tokens)
{
  return tokens->issuer;
}

GBytes *
kube_tokens_get_jwks (KubeTokens *tokens)
{
  g_autoptr (KubeValue) jwks = kube_token_signer_get_jwks (tokens->signer);

  return kube_value_to_bytes (jwks);
}

gboolean
kube_service_account_parse (const char *user, char **namespace_, char **name)
{
  g_auto (GStrv) parts = NULL;

  if (!g_str_has_prefix (user, KUBE_SERVICE_ACCOUNT_PREFIX))
    return FALSE;
  parts = g_strsplit (user + strlen (KUBE_SERVICE_ACCOUNT_PREFIX), ":", -1);
  if (g_strv_length (parts) != 2 || *parts[0] == '\0' || *parts[1] == '\0')
    return FALSE;
  *namespace_ = g_strdup (parts[0]);
  *name = g_strdup (parts[1]);
  return TRUE;
}

static KubeObject *
read_object (KubeTokens *tokens, const char *kind, const char *namespace_, const char *name, GError **error)
{
  return kube_storage_get (tokens->store, kube_scheme_find_kind (tokens->scheme, "v1", kind), namespace_, name, error);
}

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, text);
  return FALSE;
}

static gboolean
is_still_there (KubeTokens *tokens, const char *kind, const char *namespace_, KubeValue *reference)
{
  const char *name = kube_value_get_member_string (reference, "name");
  const char *uid = kube_value_get_member_string (reference, "uid");
  g_autoptr (KubeObject) object = name != NULL ? read_object (tokens, kind, namespace_, name, NULL) : NULL;
  gint64 deleted;

  if (object == NULL || g_strcmp0 (kube_object_get_uid (object), uid) != 0)
    return FALSE;
  deleted = kube_object_get_deletion_time (object);
  return deleted < 0 || deleted + DELETION_LEEWAY > kube_clock_get_time (tokens->clock);
}

static gboolean
check_times (KubeTokens *tokens, KubeValue *claims, GError **error)
{
  gint64 now = kube_clock_get_time (tokens->clock) / G_USEC_PER_SEC;

  if (kube_value_get_integer (claims, "exp", 0) <= now - LEEWAY)
    return refuse (error, "service account token has expired");
  if (kube_value_get_integer (claims, "nbf", 0) > now + LEEWAY)
    return refuse (error, "service account token is not valid yet");
  return TRUE;
}

static gboolean
check_objects (KubeTokens *tokens, KubeValue *bound, GError **error)
{
  static const struct {
    const char *claim, *kind;
    gboolean namespaced;
  } kinds[] = { { "serviceaccount", "ServiceAccount", TRUE }, { "pod", "Pod", TRUE }, { "secret", "Secret", TRUE } };
  const char *namespace_ = kube_value_get_member_string (bound, "namespace");
  KubeValue *node = kube_value_get_member (bound, "node");

  if (namespace_ == NULL)
    return refuse (error, "invalid bearer token");
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    KubeValue *reference = kube_value_get_member (bound, kinds[i].claim);
    if (reference == NULL && i > 0)
      continue;
    if (!is_still_there (tokens, kinds[i].kind, namespace_, reference))
      return refuse (error, "service account token has been invalidated");
  }
  /* a pod's token names its node for information only */
  if (node != NULL && kube_value_get_member (bound, "pod") == NULL && !is_still_there (tokens, "Node", NULL, node))
    return refuse (error, "service account token has been invalidated");
  return TRUE;
}

static void
add_extra (KubeNode *root, const char *key, const char *value)
{
  g_autoptr (KubeValue) none = kube_value_parse ("[]", -1, NULL);

  if (value == NULL)
    return;
  kube_node_put_value (root, key, none);
  kube_node_append_string (kube_node_get_member (root, key), value);
}

static KubeUser *
make_user (KubeValue *claims)
{
  KubeValue *bound = kube_value_get_member (claims, "kubernetes.io");
  const char *namespace_ = kube_value_get_member_string (bound, "namespace");
  const char *jti = kube_value_get_member_string (claims, "jti");
  g_autofree char *group = g_strconcat (KUBE_GROUP_SERVICE_ACCOUNTS ":", namespace_, NULL);
  const char *const groups[] = { KUBE_GROUP_SERVICE_ACCOUNTS, group, KUBE_GROUP_AUTHENTICATED, NULL };
  g_autofree char *name = g_strdup_printf (KUBE_SERVICE_ACCOUNT_PREFIX "%s:%s", namespace_, kube_value_get_string (bound, "serviceaccount.name"));
  g_autofree char *credential = jti != NULL ? g_strconcat ("JTI=", jti, NULL) : NULL;
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);
  g_autoptr (KubeValue) extra = NULL;

  add_extra (root, "authentication.kubernetes.io/credential-id", credential);
  add_extra (root, "authentication.kubernetes.io/node-name", kube_value_get_string (bound, "node.name"));
  add_extra (root, "authentication.kubernetes.io/node-uid", kube_value_get_string (bound, "node.uid"));
  add_extra (root, "authentication.kubernetes.io/pod-name", kube_value_get_string (bound, "pod.name"));
  add_extra (root, "authentication.kubernetes.io/pod-uid", kube_value_get_string (bound, "pod.uid"));
  extra = kube_builder_end (builder);
  return kube_user_new (name, kube_value_get_string (bound, "serviceaccount.uid"), groups, extra);
}

static Entry *
check_token (KubeTokens *tokens, const char *token, GError **error)
{
  g_autoptr (KubeValue) claims = kube_token_signer_verify (tokens->signer, token, error);
  KubeValue *audience = kube_value_get_member (claims, "aud");
  g_autoptr (GPtrArray) audiences = g_ptr_array_new_with_free_func (g_free);
  gint64 now, expires;
  Entry *entry;

  if (claims == NULL)
    return NULL;
  if (g_strcmp0 (kube_value_get_member_string (claims, "iss"), tokens->issuer) != 0) {
    refuse (error, "invalid bearer token");
    return NULL;
  }
  if (!check_times (tokens, claims, error) || !check_objects (tokens, kube_value_get_member (claims, "kubernetes.io"), error))
    return NULL;
  for (guint i = 0; i < kube_value_get_length (audience); i++)
    g_ptr_array_add (audiences, g_strdup (kube_value_peek_string (kube_value_get_element (audience, i), NULL)));
  g_ptr_array_add (audiences, NULL);
  entry = g_new (Entry, 1);
  entry->user = make_user (claims);
  entry->audiences = (char **) g_ptr_array_steal (audiences, NULL);
  now = kube_clock_get_time (tokens->clock);
  expires = kube_value_get_integer (claims, "exp", 0);
  entry->until = now + CACHE_TIME;
  if (expires < entry->until / G_USEC_PER_SEC)
    entry->until = MIN (entry->until, (expires + LEEWAY) * G_USEC_PER_SEC);
  return entry;
}

static char **
intersect (char **audiences, const char *const *wanted)
{
  g_autoptr (GPtrArray) matched = g_ptr_array_new_with_free_func (g_free);

  for (; *wanted != NULL; wanted++) {
    if (g_strv_contains ((const char *const *) audiences, *wanted))
      g_ptr_array_add (matched, g_strdup (*wanted));
  }
  g_ptr_array_add (matched, NULL);
  return (char **) g_ptr_array_steal (matched, NULL);
}

static KubeUser *
accept_entry (KubeTokens *tokens, Entry *entry, const char *const *audiences, char ***matched, GError **error)
{
  const char *const own[] = { tokens->issuer, NULL };
  g_auto (GStrv) both = intersect (entry->audiences, audiences != NULL ? audiences : own);

  if (both[0] == NULL) {
    g_autofree char *has = g_strjoinv (" ", entry->audiences);
    g_autofree char *wants = g_strjoinv (" ", (char **) (audiences != NULL ? audiences : own));
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED, "token audiences [%s] is invalid for the target audiences [%s]", has, wants);
    return NULL;
  }
  if (matched != NULL)
    *matched = g_steal_pointer (&both);
  return kube_user_ref (entry->user);
}

static gboolean
is_stale (gpointer key, gpointer value, gpointer now)
{
  return ((Entry *) value)->until <= *(gint64 *) now;
}

KubeUser *
kube_tokens_authenticate (KubeTokens *tokens, const char *token, const char *const *audiences, char ***matched, GError **error)
{
  gint64 now = kube_clock_get_time (tokens->clock);
  KubeUser *user;
  Entry *entry;

  g_mutex_lock (&tokens->mutex);
  entry = g_hash_table_lookup (tokens->cache, token);
  if (entry != NULL && entry->until > now) {
    user = accept_entry (tokens, entry, audiences, matched, error);
    g_mutex_unlock (&tokens->mutex);
    return user;
  }
  g_mutex_unlock (&tokens->mutex);

  entry = check_token (tokens, token, error);
  if (entry == NULL)
    return NULL;
  user = accept_entry (tokens, entry, audiences, matched, error);
  g_mutex_lock (&tokens->mutex);
  if (g_hash_table_size (tokens->cache) >= CACHE_SIZE)
    g_hash_table_foreach_remove (tokens->cache, is_stale, &now);
  if (g_hash_table_size (tokens->cache) >= CACHE_SIZE)
    g_hash_table_remove_all (tokens->cache);
  g_hash_table_insert (tokens->cache, g_strdup (token), entry);
  g_mutex_unlock (&tokens->mutex);
  return user;
}

static gboolean
check_duration (gint64 seconds, GError **error)
{
  const char *text = NULL;
  g_autofree char *message = NULL;

  if (seconds < MIN_SECONDS)
    text = "may not specify a duration less than 10 minutes";
  else if (seconds > MAX_SECONDS)
    text = "may not specify a duration larger than 2^32 seconds";
  if (text == NULL)
    return TRUE;
  message = g_strdup_printf ("Invalid value: %" G_GINT64_FORMAT ": %s", seconds, text);
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: %s", message);
  if (error != NULL) {
    kube_error_set_subject (*error, "authentication.k8s.io", "TokenRequest", "");
    kube_error_add_cause (*error, "FieldValueInvalid", "spec.expirationSeconds", message);
  }
  return FALSE;
}

/* Who asks for the token of one account does not want that of another one of its name. */
static gboolean
check_account (KubeObject *service_account, KubeObject *request, GError **error)
{
  const char *uid = kube_object_get_string (request, "metadata.uid");

  if (uid == NULL || *uid == '\0' || g_strcmp0 (uid, kube_object_get_uid (service_account)) == 0)
    return TRUE;
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_CONFLICT, "Operation cannot be fulfilled on TokenRequest.authentication.k8s.io \"%s\": the UID in the token request (%s) does not match the UID of the service account (%s)",
               kube_object_get_name (service_account), uid, kube_object_get_uid (service_account));
  if (error != NULL)
    kube_error_set_subject (*error, "authentication.k8s.io", "TokenRequest", kube_object_get_name (service_account));
  return FALSE;
}

static void
write_reference (KubeNode *bound, const char *claim, KubeObject *object)
{
  KubeNode *node = kube_node_put_object (bound, claim);

  kube_node_put_string (node, "name", kube_object_get_name (object));
  kube_node_put_string (node, "uid", kube_object_get_uid (object));
}

static gboolean
bind_pod (KubeTokens *tokens, KubeNode *bound, KubeObject *service_account, KubeObject *pod, GError **error)
{
  const char *node_name = kube_object_get_string (pod, "spec.nodeName");
  g_autoptr (KubeObject) node = NULL;

  if (g_strcmp0 (kube_object_get_string (pod, "spec.serviceAccountName"), kube_object_get_name (service_account)) != 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "cannot bind token for serviceaccount \"%s\" to pod running with different serviceaccount name.",
                 kube_object_get_name (service_account));
    return FALSE;
  }
  write_reference (bound, "pod", pod);
  if (node_name != NULL && *node_name != '\0') {
    node = read_object (tokens, "Node", NULL, node_name, NULL);
    if (node != NULL)
      write_reference (bound, "node", node);
  }
  return TRUE;
}

static gboolean
bind_object (KubeTokens *tokens, KubeNode *bound, KubeObject *service_account, KubeValue *reference, GError **error)
{
  const char *kind = kube_value_get_member_string (reference, "kind");
  const char *name = kube_value_get_member_string (reference, "name");
  const char *uid = kube_value_get_member_string (reference, "uid");
  const char *version = kube_value_get_member_string (reference, "apiVersion");
  g_autoptr (KubeObject) object = NULL;

  if (kind == NULL || (version != NULL && strchr (version, '/') != NULL) || !(g_str_equal (kind, "Pod") || g_str_equal (kind, "Secret") || g_str_equal (kind, "Node"))) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "cannot bind token to object of type %s%s, Kind=%s", version != NULL && strchr (version, '/') != NULL ? "" : "/", version != NULL ? version : "",
                 kind != NULL ? kind : "");
    return FALSE;
  }
  object = read_object (tokens, kind, kube_object_get_namespace (service_account), name != NULL ? name : "", error);
  if (object == NULL)
    return FALSE;
  if (uid != NULL && *uid != '\0' && g_strcmp0 (uid, kube_object_get_uid (object)) != 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_CONFLICT,
                 "Operation cannot be fulfilled on %s \"%s\": the UID in the bound object reference (%s) does not match the UID in record. The object might have been deleted and then recreated",
                 kind, name, uid);
    if (error != NULL)
      kube_error_set_subject (*error, "", kind, name);
    return FALSE;
  }
  if (g_str_equal (kind, "Pod"))
    return bind_pod (tokens, bound, service_account, object, error);
  write_reference (bound, g_str_equal (kind, "Node") ? "node" : "secret", object);
  return TRUE;
}

static void
set_times (KubeTokens *tokens, KubeNode *claims, KubeObject *request, gint64 seconds, gboolean own_audience, gint64 *expiry)
{
  gint64 now = kube_clock_get_time (tokens->clock) / G_USEC_PER_SEC;
  gboolean extend = own_audience && seconds == POD_SECONDS && kube_node_get_string (kube_node_get_member (claims, "kubernetes.io"), "pod.name") != NULL;

  *expiry = now + seconds;
  kube_node_put_string (claims, "iss", tokens->issuer);
  kube_node_set_integer (claims, "iat", now);
  kube_node_set_integer (claims, "nbf", now);
  kube_node_set_integer (claims, "exp", now + (extend ? EXTENDED_SECONDS : seconds));
  if (extend)
    kube_node_set_integer (kube_node_get_member (claims, "kubernetes.io"), "warnafter", now + seconds);
}

static KubeObject *
make_answer (KubeTokens *tokens, KubeObject *service_account, KubeObject *request, const char *token, gint64 seconds, gint64 expiry, KubeValue *audiences)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (request));
  KubeNode *root = kube_builder_get_root (builder);
  char time[KUBE_TIME_STRING_SIZE];

  kube_node_set_string (root, "metadata.name", kube_object_get_name (service_account));
  kube_node_set_string (root, "metadata.namespace", kube_object_get_namespace (service_account));
  kube_node_set_string (root, "metadata.uid", kube_object_get_uid (service_account));
  kube_node_set_string (root, "metadata.creationTimestamp", kube_time_format (kube_clock_get_time (tokens->clock), time));
  kube_node_set_value (root, "spec.audiences", audiences);
  kube_node_set_integer (root, "spec.expirationSeconds", seconds);
  kube_node_set_string (root, "status.expirationTimestamp", kube_time_format (expiry * G_USEC_PER_SEC, time));
  kube_node_set_string (root, "status.token", token);
  return kube_object_new_from_builder (builder);
}

static KubeValue *
get_audiences (KubeTokens *tokens, KubeObject *request)
{
  KubeValue *given = kube_object_get (request, "spec.audiences");
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) built = NULL;

  if (kube_value_is_array (given) && kube_value_get_length (given) > 0)
    return kube_value_ref (given);
  builder = kube_builder_new (NULL);
  kube_node_append_string (kube_node_ensure_array (kube_builder_get_root (builder), "a"), tokens->issuer);
  built = kube_builder_end (builder);
  return kube_value_detach (kube_value_get_member (built, "a"));
}

KubeObject *
kube_tokens_create (KubeTokens *tokens, KubeObject *service_account, KubeObject *request, GError **error)
{
  gint64 seconds = kube_object_get_integer (request, "spec.expirationSeconds", DEFAULT_SECONDS), expiry;
  KubeValue *reference = kube_object_get (request, "spec.boundObjectRef");
  g_autoptr (KubeValue) audiences = get_audiences (tokens, request);
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *claims = kube_builder_get_root (builder);
  KubeNode *bound = kube_node_put_object (claims, "kubernetes.io");
  g_autofree char *id = kube_uid_new ();
  g_autofree char *subject = g_strdup_printf (KUBE_SERVICE_ACCOUNT_PREFIX "%s:%s", kube_object_get_namespace (service_account),
                                              kube_object_get_name (service_account));
  g_autoptr (KubeValue) value = NULL;
  g_autofree char *token = NULL;
  gboolean own = kube_value_get_length (audiences) == 1 &&
                 g_strcmp0 (kube_value_peek_string (kube_value_get_element (audiences, 0), NULL), tokens->issuer) == 0;

  if (!check_account (service_account, request, error) || !check_duration (seconds, error))
    return NULL;
  kube_node_put_string (bound, "namespace", kube_object_get_namespace (service_account));
  write_reference (bound, "serviceaccount", service_account);
  if (!kube_value_is_null (reference) && !bind_object (tokens, bound, service_account, reference, error))
    return NULL;
  kube_node_put_value (claims, "aud", audiences);
  kube_node_put_string (claims, "jti", id);
  kube_node_put_string (claims, "sub", subject);
  set_times (tokens, claims, request, seconds, own, &expiry);
  value = kube_builder_end (builder);
  token = kube_token_signer_sign (tokens->signer, value, error);
  return token != NULL ? make_answer (tokens, service_account, request, token, seconds, expiry, audiences) : NULL;
}
