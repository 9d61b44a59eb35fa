/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-auth-private.h"

#define EXTRA_PREFIX "Impersonate-Extra-"
#define AUTHENTICATION_GROUP "authentication.k8s.io"

typedef struct {
  char *user;
  char *uid;
  GPtrArray *groups;    /* (element-type utf8) */
  GPtrArray *extra;     /* (element-type utf8): keys and values by turns */
} Wish;

static void
wish_clear (Wish *wish)
{
  g_free (wish->user);
  g_free (wish->uid);
  g_ptr_array_unref (wish->groups);
  g_ptr_array_unref (wish->extra);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Wish, wish_clear)

static void
read_header (const char *name, const char *value, gpointer user_data)
{
  Wish *wish = user_data;

  if (g_ascii_strcasecmp (name, "Impersonate-User") == 0) {
    if (wish->user == NULL)
      wish->user = g_strdup (value);
  } else if (g_ascii_strcasecmp (name, "Impersonate-Uid") == 0) {
    if (wish->uid == NULL)
      wish->uid = g_strdup (value);
  } else if (g_ascii_strcasecmp (name, "Impersonate-Group") == 0) {
    g_ptr_array_add (wish->groups, g_strdup (value));
  } else if (g_ascii_strncasecmp (name, EXTRA_PREFIX, strlen (EXTRA_PREFIX)) == 0) {
    g_autofree char *lower = g_ascii_strdown (name + strlen (EXTRA_PREFIX), -1);
    char *key = g_uri_unescape_string (lower, NULL);
    g_ptr_array_add (wish->extra, key != NULL ? key : g_steal_pointer (&lower));
    g_ptr_array_add (wish->extra, g_strdup (value));
  }
}

static gboolean
may (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, GError **error)
{
  g_autofree char *reason = NULL;

  if (kube_auth_authorize (auth, user, info, &reason))
    return TRUE;
  g_propagate_error (error, kube_auth_forbidden (user, info, reason));
  return FALSE;
}

static gboolean
may_impersonate (KubeAuth *auth, KubeUser *user, const char *group, const char *resource, const char *subresource, const char *namespace_,
                 const char *name, GError **error)
{
  KubeRequestInfo info = {
    .is_resource = TRUE,
    .verb = "impersonate",
    .path = (char *) "",
    .group = (char *) group,
    .version = (char *) "v1",
    .resource = (char *) resource,
    .subresource = (char *) subresource,
    .namespace_ = (char *) namespace_,
    .name = (char *) name,
  };

  return may (auth, user, &info, error);
}

static gboolean
check_wish (KubeAuth *auth, KubeUser *user, Wish *wish, const char *namespace_, const char *account, GError **error)
{
  if (account != NULL ? !may_impersonate (auth, user, "", "serviceaccounts", "", namespace_, account, error)
                      : !may_impersonate (auth, user, "", "users", "", "", wish->user, error))
    return FALSE;
  for (guint i = 0; i < wish->groups->len; i++) {
    if (!may_impersonate (auth, user, "", "groups", "", "", g_ptr_array_index (wish->groups, i), error))
      return FALSE;
  }
  for (guint i = 0; i < wish->extra->len; i += 2) {
    if (!may_impersonate (auth, user, AUTHENTICATION_GROUP, "userextras", g_ptr_array_index (wish->extra, i), "",
                          g_ptr_array_index (wish->extra, i + 1), error))
      return FALSE;
  }
  return wish->uid == NULL || may_impersonate (auth, user, AUTHENTICATION_GROUP, "uids", "", "", wish->uid, error);
}

static KubeValue *
make_extra (Wish *wish)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  g_autoptr (KubeValue) none = kube_value_parse ("[]", -1, NULL);
  KubeNode *root = kube_builder_get_root (builder);

  if (wish->extra->len == 0)
    return NULL;
  for (guint i = 0; i < wish->extra->len; i += 2) {
    const char *key = g_ptr_array_index (wish->extra, i);
    if (kube_node_get_member (root, key) == NULL)
      kube_node_put_value (root, key, none);
    kube_node_append_string (kube_node_get_member (root, key), g_ptr_array_index (wish->extra, i + 1));
  }
  return kube_builder_end (builder);
}

static gboolean
has_group (Wish *wish, const char *group)
{
  for (guint i = 0; i < wish->groups->len; i++) {
    if (g_str_equal (g_ptr_array_index (wish->groups, i), group))
      return TRUE;
  }
  return FALSE;
}

static void
complete_groups (Wish *wish, const char *namespace_)
{
  if (namespace_ != NULL && wish->groups->len == 0) {
    g_ptr_array_add (wish->groups, g_strdup (KUBE_GROUP_SERVICE_ACCOUNTS));
    g_ptr_array_add (wish->groups, g_strconcat (KUBE_GROUP_SERVICE_ACCOUNTS ":", namespace_, NULL));
  }
  if (g_str_equal (wish->user, KUBE_USER_ANONYMOUS)) {
    if (!has_group (wish, KUBE_GROUP_UNAUTHENTICATED))
      g_ptr_array_add (wish->groups, g_strdup (KUBE_GROUP_UNAUTHENTICATED));
  } else if (!has_group (wish, KUBE_GROUP_AUTHENTICATED) && !has_group (wish, KUBE_GROUP_UNAUTHENTICATED)) {
    g_ptr_array_add (wish->groups, g_strdup (KUBE_GROUP_AUTHENTICATED));
  }
  g_ptr_array_add (wish->groups, NULL);
}

KubeUser *
kube_auth_impersonate (KubeAuth *auth, KubeCall *call, KubeUser *user, GError **error)
{
  g_auto (Wish) wish = { .groups = g_ptr_array_new_with_free_func (g_free), .extra = g_ptr_array_new_with_free_func (g_free) };
  g_autofree char *namespace_ = NULL;
  g_autofree char *account = NULL;
  g_autoptr (KubeValue) extra = NULL;

  kube_call_foreach_header (call, read_header, &wish);
  if (wish.user == NULL || *wish.user == '\0') {
    if (wish.groups->len == 0 && wish.extra->len == 0 && wish.uid == NULL)
      return kube_user_ref (user);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "Internal Server Error: \"%s\": requested impersonation without impersonating a user",
                 kube_call_get_path (call));
    return NULL;
  }
  kube_service_account_parse (wish.user, &namespace_, &account);
  if (!check_wish (auth, user, &wish, namespace_, account, error))
    return NULL;
  extra = make_extra (&wish);
  complete_groups (&wish, namespace_);
  return kube_user_new (wish.user, wish.uid, (const char *const *) wish.groups->pdata, extra);
}
