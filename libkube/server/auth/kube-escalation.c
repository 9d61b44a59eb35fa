/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-auth-private.h"

/* Nobody gives what they have not got: upstream's check that the rules of a role, or of the role that a binding names, are covered by those of its writer.
 *
 * A rule is broken down to single grants (verb, group, resource, name; verb, URL), each of which one rule of the writer must allow as a whole. */

#define GROUP "rbac.authorization.k8s.io"

typedef struct {
  const char *verb, *group, *resource, *name, *url; /* NULL: not there; borrowed from the rule */
} Piece;

static const char *
string_at (KubeValue *array, guint index)
{
  const char *string = kube_value_peek_string (kube_value_get_element (array, index), NULL);
  return string != NULL ? string : "";
}

static gboolean
lists (KubeValue *rule, const char *member, const char *what, gboolean star)
{
  KubeValue *array = kube_value_get_member (rule, member);

  for (guint i = 0; i < kube_value_get_length (array); i++) {
    const char *string = string_at (array, i);
    if (g_str_equal (string, what) || (star && g_str_equal (string, "*")))
      return TRUE;
  }
  return FALSE;
}

static gboolean
lists_resource (KubeValue *rule, const char *resource)
{
  const char *slash = strchr (resource, '/');
  g_autofree char *any = slash != NULL ? g_strconcat ("*", slash, NULL) : NULL;

  return lists (rule, "resources", resource, TRUE) || (any != NULL && lists (rule, "resources", any, FALSE));
}

static gboolean
lists_url (KubeValue *rule, const char *url)
{
  KubeValue *urls = kube_value_get_member (rule, "nonResourceURLs");

  for (guint i = 0; i < kube_value_get_length (urls); i++) {
    const char *pattern = string_at (urls, i);
    gsize length = strlen (pattern);
    if (g_str_equal (pattern, url) || (length > 0 && pattern[length - 1] == '*' && strncmp (pattern, url, length - 1) == 0))
      return TRUE;
  }
  return FALSE;
}

static gboolean
covers (KubeValue *rule, const Piece *piece)
{
  KubeValue *names = kube_value_get_member (rule, "resourceNames");

  if (!lists (rule, "verbs", piece->verb, TRUE))
    return FALSE;
  if (piece->url != NULL)
    return lists_url (rule, piece->url);
  if (!lists (rule, "apiGroups", piece->group, TRUE) || !lists_resource (rule, piece->resource))
    return FALSE;
  return kube_value_get_length (names) == 0 || (piece->name != NULL && lists (rule, "resourceNames", piece->name, FALSE));
}

static gboolean
is_covered (GPtrArray *own, const Piece *piece)
{
  for (guint i = 0; i < own->len; i++) {
    if (covers (g_ptr_array_index (own, i), piece))
      return TRUE;
  }
  return FALSE;
}

static void
check_piece (GPtrArray *own, const Piece *piece, GArray *missing)
{
  if (!is_covered (own, piece))
    g_array_append_val (missing, *piece);
}

static void
break_down (KubeValue *rule, GPtrArray *own, GArray *missing)
{
  KubeValue *verbs = kube_value_get_member (rule, "verbs"), *groups = kube_value_get_member (rule, "apiGroups");
  KubeValue *resources = kube_value_get_member (rule, "resources"), *names = kube_value_get_member (rule, "resourceNames");
  KubeValue *urls = kube_value_get_member (rule, "nonResourceURLs");
  guint n_names = kube_value_get_length (names);

  for (guint g = 0; g < kube_value_get_length (groups); g++) {
    for (guint r = 0; r < kube_value_get_length (resources); r++) {
      for (guint v = 0; v < kube_value_get_length (verbs); v++) {
        for (guint n = 0; n < MAX (n_names, 1); n++) {
          Piece piece = { string_at (verbs, v), string_at (groups, g), string_at (resources, r), n_names > 0 ? string_at (names, n) : NULL, NULL };
          check_piece (own, &piece, missing);
        }
      }
    }
  }
  for (guint u = 0; u < kube_value_get_length (urls); u++) {
    for (guint v = 0; v < kube_value_get_length (verbs); v++) {
      Piece piece = { string_at (verbs, v), NULL, NULL, NULL, string_at (urls, u) };
      check_piece (own, &piece, missing);
    }
  }
}

static gboolean
same_target (const Piece *a, const Piece *b)
{
  return g_strcmp0 (a->group, b->group) == 0 && g_strcmp0 (a->resource, b->resource) == 0 && g_strcmp0 (a->name, b->name) == 0 &&
         g_strcmp0 (a->url, b->url) == 0;
}

/* {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}: the verbs of one target together. */
static char *
describe_target (GArray *missing, guint first)
{
  const Piece *piece = &g_array_index (missing, Piece, first);
  GString *text = g_string_new ("{");

  if (piece->url != NULL)
    g_string_append_printf (text, "NonResourceURLs:[\"%s\"]", piece->url);
  else
    g_string_append_printf (text, "APIGroups:[\"%s\"], Resources:[\"%s\"]", piece->group, piece->resource);
  if (piece->name != NULL)
    g_string_append_printf (text, ", ResourceNames:[\"%s\"]", piece->name);
  g_string_append (text, ", Verbs:[");
  for (guint i = first; i < missing->len; i++) {
    const Piece *other = &g_array_index (missing, Piece, i);
    /* upstream merges the verbs of resources only */
    if (i == first || (piece->url == NULL && same_target (piece, other)))
      g_string_append_printf (text, "%s\"%s\"", i == first ? "" : " ", other->verb);
  }
  g_string_append (text, "]}");
  return g_string_free (text, FALSE);
}

static int
compare_text (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static char *
describe_missing (KubeUser *user, GArray *missing)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < missing->len; i++) {
    const Piece *piece = &g_array_index (missing, Piece, i);
    gboolean seen = FALSE;
    for (guint j = 0; j < i && piece->url == NULL && !seen; j++)
      seen = same_target (&g_array_index (missing, Piece, j), piece);
    if (!seen)
      g_ptr_array_add (lines, describe_target (missing, i));
  }
  g_ptr_array_sort (lines, compare_text);
  g_string_append_printf (text, "user \"%s\" (groups=[", user->name);
  for (char **group = user->groups; *group != NULL; group++)
    g_string_append_printf (text, "%s\"%s\"", group == user->groups ? "" : " ", *group);
  g_string_append (text, "]) is attempting to grant RBAC permissions not currently held:");
  for (guint i = 0; i < lines->len; i++)
    g_string_append_printf (text, "\n%s", (char *) g_ptr_array_index (lines, i));
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
forbid (const KubeRequestInfo *info, const char *name, const char *text, GError **error)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_FORBIDDEN, "%s." GROUP " \"%s\" is forbidden: %s", info->resource, name, text);
  if (error != NULL)
    kube_error_set_subject (*error, GROUP, info->resource, name);
  return FALSE;
}

static gboolean
check_rules (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, const char *name, KubeValue *rules, const char *instead, GError **error)
{
  g_autoptr (GPtrArray) own = kube_rbac_list_rules (auth->rbac, user, info->namespace_);
  g_autoptr (GArray) missing = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_autofree char *text = NULL;

  for (guint i = 0; i < kube_value_get_length (rules); i++)
    break_down (kube_value_get_element (rules, i), own, missing);
  if (missing->len == 0)
    return TRUE;
  text = instead != NULL ? g_strdup (instead) : describe_missing (user, missing);
  return forbid (info, name, text, error);
}

static gboolean
may (KubeAuth *auth, KubeUser *user, const char *verb, const char *resource, const char *namespace_, const char *name)
{
  KubeRequestInfo info = {
    .is_resource = TRUE,
    .verb = verb,
    .path = (char *) "",
    .group = (char *) GROUP,
    .version = (char *) "v1",
    .resource = (char *) resource,
    .subresource = (char *) "",
    .namespace_ = (char *) namespace_,
    .name = (char *) name,
  };

  return kube_auth_authorize (auth, user, &info, NULL);
}

static gboolean
check_role (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, KubeObject *old, KubeObject *role, GError **error)
{
  const char *name = kube_object_get_name (role);
  KubeValue *aggregation = kube_object_get (role, "aggregationRule");

  if (name == NULL)
    name = "";
  if (old != NULL && kube_value_equal (kube_object_get (old, "rules"), kube_object_get (role, "rules")) &&
      kube_value_equal (kube_object_get (old, "aggregationRule"), aggregation))
    return TRUE;
  if (may (auth, user, "escalate", info->resource, info->namespace_, name))
    return TRUE;
  if (!kube_value_is_null (aggregation)) {
    g_autoptr (KubeValue) all = kube_value_parse ("[{\"verbs\":[\"*\"],\"apiGroups\":[\"*\"],\"resources\":[\"*\"]},"
                                                  "{\"verbs\":[\"*\"],\"nonResourceURLs\":[\"*\"]}]", -1, NULL);
    if (!check_rules (auth, user, info, name, all, "must have cluster-admin privileges to use an aggregationRule", error))
      return FALSE;
  }
  return check_rules (auth, user, info, name, kube_object_get (role, "rules"), NULL, error);
}

static gboolean
check_binding (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, KubeObject *old, KubeObject *binding, GError **error)
{
  const char *role_name = kube_object_get_string (binding, "roleRef.name");
  gboolean cluster = g_strcmp0 (kube_object_get_string (binding, "roleRef.kind"), "ClusterRole") == 0;
  const char *resource = cluster ? "clusterroles" : "roles";
  const char *name = kube_object_get_name (binding);
  g_autoptr (KubeObject) role = NULL;

  if (old != NULL && kube_value_equal (kube_object_get (old, "roleRef"), kube_object_get (binding, "roleRef")) &&
      kube_value_equal (kube_object_get (old, "subjects"), kube_object_get (binding, "subjects")))
    return TRUE;
  if (role_name == NULL || may (auth, user, "bind", resource, cluster && g_str_equal (info->resource, "clusterrolebindings") ? "" : info->namespace_, role_name))
    return TRUE;
  role = kube_rbac_ref_role (auth->rbac, cluster ? NULL : info->namespace_, role_name);
  if (role == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s." GROUP " \"%s\" not found", resource, role_name);
    if (error != NULL)
      kube_error_set_subject (*error, GROUP, resource, role_name);
    return FALSE;
  }
  return check_rules (auth, user, info, name != NULL ? name : "", kube_object_get (role, "rules"), NULL, error);
}

gboolean
kube_auth_check_escalation (KubeAuth *auth, KubeUser *user, const KubeRequestInfo *info, KubeObject *old, KubeObject *object, GError **error)
{
  if (kube_user_in_group (user, KUBE_GROUP_MASTERS))
    return TRUE;
  if (g_str_has_suffix (info->resource, "bindings"))
    return check_binding (auth, user, info, old, object, error);
  return check_role (auth, user, info, old, object, error);
}
