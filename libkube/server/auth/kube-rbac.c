/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth/kube-rbac.h"

#include "kube-storage.h"

#define GROUP "rbac.authorization.k8s.io"
#define API_VERSION GROUP "/v1"

typedef enum { CLUSTER_ROLES, CLUSTER_BINDINGS, ROLES, BINDINGS, N_SOURCES } SourceIndex;

static const char *const source_kinds[N_SOURCES] = { "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding" };

typedef struct {
  const char **verbs, **groups, **resources, **names, **urls; /* (array zero-terminated=1): borrowed from the role */
  KubeValue *value;                                           /* borrowed from the role */
} Rule;

typedef struct {
  KubeObject *object; /* (owned) */
  GArray *rules;      /* (element-type Rule) */
} Role;

/* One subject of one binding. */
typedef struct {
  KubeObject *object;     /* borrowed from the part */
  const char *kind;       /* "ClusterRoleBinding" */
  const char *role_kind;
  const char *role_name;
  KubeValue *subject;
} Grant;

/* The roles and bindings of one namespace, or those of the cluster. Immutable. */
typedef struct {
  gatomicrefcount refs;
  GPtrArray *objects; /* (element-type KubeObject): keeps what the others borrow */
  GHashTable *roles;  /* (element-type utf8 Role) */
  GHashTable *users;  /* (element-type utf8 GArray<Grant>) */
  GHashTable *groups;
} Part;

typedef struct {
  gatomicrefcount refs;
  Part *cluster;
  GHashTable *namespaces; /* (element-type utf8 Part) */
} Snapshot;

typedef struct {
  KubeRbac *rbac;
  SourceIndex index;
  KubeKind *kind;
  KubeHubWatch *watch;
} Source;

struct _KubeRbac {
  KubeStore *store;
  KubeHub *hub;
  GMutex mutex; /* all below */
  GMainContext *context;
  Source sources[N_SOURCES];
  GHashTable *state[N_SOURCES]; /* (element-type utf8 GHashTable<utf8 KubeObject>): by namespace ("" for the cluster's), then name */
  GHashTable *dirty;            /* (element-type utf8): namespaces whose part is to be made anew */
  Snapshot *snapshot;
  guint64 seen;                 /* the hub's revision when the context was last iterated */
  gboolean started;
  gboolean lost;                /* a watch ended: all is read again */
};

static void
role_free (gpointer data)
{
  Role *role = data;

  for (guint i = 0; i < role->rules->len; i++) {
    Rule *rule = &g_array_index (role->rules, Rule, i);
    g_free (rule->verbs);
    g_free (rule->groups);
    g_free (rule->resources);
    g_free (rule->names);
    g_free (rule->urls);
  }
  g_array_unref (role->rules);
  kube_object_unref (role->object);
  g_free (role);
}

static const char **
borrow_strings (KubeValue *array)
{
  guint n = kube_value_is_array (array) ? kube_value_get_length (array) : 0;
  const char **strings = g_new0 (const char *, n + 1);
  guint used = 0;

  for (guint i = 0; i < n; i++) {
    const char *string = kube_value_peek_string (kube_value_get_element (array, i), NULL);
    if (string != NULL)
      strings[used++] = string;
  }
  return strings;
}

static Role *
role_new (KubeObject *object)
{
  Role *role = g_new (Role, 1);
  KubeValue *rules = kube_object_get (object, "rules");

  role->object = kube_object_ref (object);
  role->rules = g_array_new (FALSE, FALSE, sizeof (Rule));
  for (guint i = 0; i < kube_value_get_length (rules); i++) {
    KubeValue *value = kube_value_get_element (rules, i);
    Rule rule = {
      .verbs = borrow_strings (kube_value_get_member (value, "verbs")),
      .groups = borrow_strings (kube_value_get_member (value, "apiGroups")),
      .resources = borrow_strings (kube_value_get_member (value, "resources")),
      .names = borrow_strings (kube_value_get_member (value, "resourceNames")),
      .urls = borrow_strings (kube_value_get_member (value, "nonResourceURLs")),
      .value = value,
    };
    g_array_append_val (role->rules, rule);
  }
  return role;
}

static Part *
part_new (void)
{
  Part *part = g_new (Part, 1);

  g_atomic_ref_count_init (&part->refs);
  part->objects = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
  part->roles = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, role_free);
  part->users = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_array_unref);
  part->groups = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_array_unref);
  return part;
}

static Part *
part_ref (Part *part)
{
  g_atomic_ref_count_inc (&part->refs);
  return part;
}

static void
part_unref (gpointer data)
{
  Part *part = data;

  if (!g_atomic_ref_count_dec (&part->refs))
    return;
  g_hash_table_unref (part->users);
  g_hash_table_unref (part->groups);
  g_hash_table_unref (part->roles);
  g_ptr_array_unref (part->objects);
  g_free (part);
}

static void
part_add_role (Part *part, KubeObject *object)
{
  Role *role = role_new (object);

  g_hash_table_replace (part->roles, (gpointer) kube_object_get_name (object), role);
}

static void
add_grant (GHashTable *table, char *name, const Grant *grant)
{
  GArray *grants = g_hash_table_lookup (table, name);

  if (grants == NULL) {
    grants = g_array_new (FALSE, FALSE, sizeof (Grant));
    g_hash_table_insert (table, name, grants);
  } else {
    g_free (name);
  }
  g_array_append_vals (grants, grant, 1);
}

static void
part_add_binding (Part *part, KubeObject *object, const char *kind)
{
  KubeValue *subjects = kube_object_get (object, "subjects");
  Grant grant = {
    .object = object,
    .kind = kind,
    .role_kind = kube_object_get_string (object, "roleRef.kind"),
    .role_name = kube_object_get_string (object, "roleRef.name"),
  };

  if (grant.role_kind == NULL || grant.role_name == NULL)
    return;
  g_ptr_array_add (part->objects, kube_object_ref (object));
  for (guint i = 0; i < kube_value_get_length (subjects); i++) {
    KubeValue *subject = kube_value_get_element (subjects, i);
    const char *subject_kind = kube_value_get_member_string (subject, "kind");
    const char *name = kube_value_get_member_string (subject, "name");
    const char *namespace_ = kube_value_get_member_string (subject, "namespace");

    grant.subject = subject;
    if (name == NULL)
      continue;
    if (namespace_ == NULL || *namespace_ == '\0')
      namespace_ = kube_object_get_namespace (object);
    if (g_strcmp0 (subject_kind, "User") == 0)
      add_grant (part->users, g_strdup (name), &grant);
    else if (g_strcmp0 (subject_kind, "Group") == 0)
      add_grant (part->groups, g_strdup (name), &grant);
    else if (g_strcmp0 (subject_kind, "ServiceAccount") == 0 && namespace_ != NULL)
      add_grant (part->users, g_strdup_printf ("system:serviceaccount:%s:%s", namespace_, name), &grant);
  }
}

static void
snapshot_unref (Snapshot *snapshot)
{
  if (!g_atomic_ref_count_dec (&snapshot->refs))
    return;
  part_unref (snapshot->cluster);
  g_hash_table_unref (snapshot->namespaces);
  g_free (snapshot);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Snapshot, snapshot_unref)

static Part *
make_part (KubeRbac *rbac, const char *namespace_)
{
  gboolean cluster = *namespace_ == '\0';
  GHashTable *roles = g_hash_table_lookup (rbac->state[cluster ? CLUSTER_ROLES : ROLES], namespace_);
  GHashTable *bindings = g_hash_table_lookup (rbac->state[cluster ? CLUSTER_BINDINGS : BINDINGS], namespace_);
  Part *part = part_new ();
  GHashTableIter iter;
  gpointer object;

  if (roles != NULL) {
    g_hash_table_iter_init (&iter, roles);
    while (g_hash_table_iter_next (&iter, NULL, &object))
      part_add_role (part, object);
  }
  if (bindings != NULL) {
    g_hash_table_iter_init (&iter, bindings);
    while (g_hash_table_iter_next (&iter, NULL, &object))
      part_add_binding (part, object, source_kinds[cluster ? CLUSTER_BINDINGS : BINDINGS]);
  }
  return part;
}

static void
renew_snapshot (KubeRbac *rbac)
{
  Snapshot *old = rbac->snapshot, *new = g_new (Snapshot, 1);
  GHashTableIter iter;
  gpointer namespace_, part;

  g_atomic_ref_count_init (&new->refs);
  new->cluster = part_ref (old->cluster);
  new->namespaces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, part_unref);
  g_hash_table_iter_init (&iter, old->namespaces);
  while (g_hash_table_iter_next (&iter, &namespace_, &part)) {
    if (!g_hash_table_contains (rbac->dirty, namespace_))
      g_hash_table_insert (new->namespaces, g_strdup (namespace_), part_ref (part));
  }
  g_hash_table_iter_init (&iter, rbac->dirty);
  while (g_hash_table_iter_next (&iter, &namespace_, NULL)) {
    Part *made = make_part (rbac, namespace_);
    if (*(char *) namespace_ == '\0') {
      part_unref (new->cluster);
      new->cluster = made;
    } else {
      g_hash_table_insert (new->namespaces, g_strdup (namespace_), made);
    }
  }
  g_hash_table_remove_all (rbac->dirty);
  rbac->snapshot = new;
  snapshot_unref (old);
}

static void
apply (KubeRbac *rbac, SourceIndex index, KubeObject *object, gboolean removed)
{
  const char *namespace_ = index == ROLES || index == BINDINGS ? kube_object_get_namespace (object) : "";
  const char *name = kube_object_get_name (object);
  GHashTable *objects;

  if (namespace_ == NULL || name == NULL)
    return;
  objects = g_hash_table_lookup (rbac->state[index], namespace_);
  if (objects == NULL) {
    objects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) kube_object_unref);
    g_hash_table_insert (rbac->state[index], g_strdup (namespace_), objects);
  }
  if (removed)
    g_hash_table_remove (objects, name);
  else
    g_hash_table_insert (objects, g_strdup (name), kube_object_ref (object));
  g_hash_table_add (rbac->dirty, g_strdup (namespace_));
}

static void
on_events (KubeHubWatch *watch, KubeHubEvent *const *events, guint n_events, guint64 revision, const GError *error, gpointer user_data)
{
  Source *source = user_data;

  if (error != NULL) {
    source->rbac->lost = !g_error_matches (error, KUBE_ERROR, KUBE_ERROR_SERVICE_UNAVAILABLE);
    return;
  }
  for (guint i = 0; i < n_events; i++)
    apply (source->rbac, source->index, events[i]->object, events[i]->type == KUBE_STORE_EVENT_REMOVE);
}

static void
mark_all_dirty (KubeRbac *rbac)
{
  GHashTableIter iter;
  gpointer namespace_;

  for (guint i = 0; i < N_SOURCES; i++) {
    g_hash_table_iter_init (&iter, rbac->state[i]);
    while (g_hash_table_iter_next (&iter, &namespace_, NULL))
      g_hash_table_add (rbac->dirty, g_strdup (namespace_));
    g_hash_table_remove_all (rbac->state[i]);
  }
}

static gboolean
read_source (KubeRbac *rbac, Source *source, GError **error)
{
  guint64 revision = 0;
  g_autofree char *prefix = kube_storage_key (source->kind, NULL, NULL);
  g_autoptr (GPtrArray) objects = kube_storage_list (rbac->store, source->kind, NULL, &revision, error);

  if (objects == NULL)
    return FALSE;
  for (guint i = 0; i < objects->len; i++)
    apply (rbac, source->index, g_ptr_array_index (objects, i), FALSE);
  g_clear_pointer (&source->watch, kube_hub_watch_stop);
  source->watch = kube_hub_watch (rbac->hub, prefix, revision, on_events, source);
  return TRUE;
}

static gboolean
read_all (KubeRbac *rbac, GError **error)
{
  gboolean good = TRUE;

  mark_all_dirty (rbac);
  g_main_context_push_thread_default (rbac->context);
  for (guint i = 0; i < N_SOURCES && good; i++)
    good = read_source (rbac, &rbac->sources[i], error);
  g_main_context_pop_thread_default (rbac->context);
  rbac->lost = !good;
  rbac->seen = 0;
  return good;
}

static void
catch_up (KubeRbac *rbac)
{
  guint64 revision;

  if (!rbac->started)
    return;
  revision = kube_hub_get_revision (rbac->hub);
  if (revision != rbac->seen) {
    g_main_context_push_thread_default (rbac->context);
    while (g_main_context_iteration (rbac->context, FALSE))
      ;
    g_main_context_pop_thread_default (rbac->context);
    rbac->seen = revision;
  }
  if (rbac->lost)
    read_all (rbac, NULL);
  if (g_hash_table_size (rbac->dirty) > 0)
    renew_snapshot (rbac);
}

static Snapshot *
take_snapshot (KubeRbac *rbac)
{
  Snapshot *snapshot;

  g_mutex_lock (&rbac->mutex);
  catch_up (rbac);
  snapshot = rbac->snapshot;
  g_atomic_ref_count_inc (&snapshot->refs);
  g_mutex_unlock (&rbac->mutex);
  return snapshot;
}

KubeRbac *
kube_rbac_new (KubeStore *store, KubeHub *hub, KubeScheme *scheme)
{
  KubeRbac *rbac = g_new0 (KubeRbac, 1);

  rbac->store = g_object_ref (store);
  rbac->hub = g_object_ref (hub);
  g_mutex_init (&rbac->mutex);
  rbac->context = g_main_context_new ();
  for (guint i = 0; i < N_SOURCES; i++) {
    rbac->sources[i] = (Source) { rbac, i, kube_kind_ref (kube_scheme_find_kind (scheme, API_VERSION, source_kinds[i])), NULL };
    rbac->state[i] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_hash_table_unref);
  }
  rbac->dirty = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  rbac->snapshot = g_new (Snapshot, 1);
  g_atomic_ref_count_init (&rbac->snapshot->refs);
  rbac->snapshot->cluster = part_new ();
  rbac->snapshot->namespaces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, part_unref);
  return rbac;
}

void
kube_rbac_free (KubeRbac *rbac)
{
  g_main_context_push_thread_default (rbac->context);
  for (guint i = 0; i < N_SOURCES; i++) {
    g_clear_pointer (&rbac->sources[i].watch, kube_hub_watch_stop);
    kube_kind_unref (rbac->sources[i].kind);
    g_hash_table_unref (rbac->state[i]);
  }
  g_main_context_pop_thread_default (rbac->context);
  g_hash_table_unref (rbac->dirty);
  snapshot_unref (rbac->snapshot);
  g_main_context_unref (rbac->context);
  g_mutex_clear (&rbac->mutex);
  g_object_unref (rbac->hub);
  g_object_unref (rbac->store);
  g_free (rbac);
}

gboolean
kube_rbac_start (KubeRbac *rbac, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&rbac->mutex);

  rbac->started = read_all (rbac, error);
  return rbac->started;
}

static gboolean
contains (const char *const *list, const char *what)
{
  for (; *list != NULL; list++) {
    if ((*list)[0] == what[0] && g_str_equal (*list, what))
      return TRUE;
  }
  return FALSE;
}

static gboolean
contains_or_all (const char **list, const char *what)
{
  return contains ((const char *const *) list, "*") || contains ((const char *const *) list, what);
}

static gboolean
matches_resource (const Rule *rule, const KubeRequestInfo *info)
{
  gsize length = strlen (info->resource);

  for (const char **r = rule->resources; *r != NULL; r++) {
    if (g_str_equal (*r, "*"))
      return TRUE;
    if (*info->subresource == '\0') {
      if (g_str_equal (*r, info->resource))
        return TRUE;
    } else if (strncmp (*r, info->resource, length) == 0 && (*r)[length] == '/' && g_str_equal (*r + length + 1, info->subresource)) {
      return TRUE;
    } else if (g_str_has_prefix (*r, "*/") && g_str_equal (*r + 2, info->subresource)) {
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
matches_url (const Rule *rule, const char *path)
{
  for (const char **url = rule->urls; *url != NULL; url++) {
    gsize length = strlen (*url);
    if (g_str_equal (*url, "*") || g_str_equal (*url, path))
      return TRUE;
    if (length > 0 && (*url)[length - 1] == '*' && strncmp (*url, path, length - 1) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
rule_allows (const Rule *rule, const KubeRequestInfo *info)
{
  if (!contains_or_all (rule->verbs, info->verb))
    return FALSE;
  if (!info->is_resource)
    return matches_url (rule, info->path);
  return contains_or_all (rule->groups, info->group) && matches_resource (rule, info) &&
         (rule->names[0] == NULL || contains ((const char *const *) rule->names, info->name));
}

static const Role *
find_role (Snapshot *snapshot, Part *part, const Grant *grant)
{
  gboolean cluster = g_str_equal (grant->role_kind, "ClusterRole");

  return g_hash_table_lookup (cluster ? snapshot->cluster->roles : part->roles, grant->role_name);
}

/* FALSE ends it. */
typedef gboolean (*GrantFunc) (const Grant *grant, const Role *role, gpointer user_data);

static gboolean
visit_grants (Snapshot *snapshot, Part *part, GArray *grants, GrantFunc func, gpointer user_data)
{
  for (guint i = 0; grants != NULL && i < grants->len; i++) {
    const Grant *grant = &g_array_index (grants, Grant, i);
    const Role *role = find_role (snapshot, part, grant);
    if (role != NULL && !func (grant, role, user_data))
      return FALSE;
  }
  return TRUE;
}

static gboolean
visit_part (Snapshot *snapshot, Part *part, KubeUser *user, GrantFunc func, gpointer user_data)
{
  if (part == NULL)
    return TRUE;
  if (!visit_grants (snapshot, part, g_hash_table_lookup (part->users, user->name), func, user_data))
    return FALSE;
  for (char **group = user->groups; *group != NULL; group++) {
    if (!visit_grants (snapshot, part, g_hash_table_lookup (part->groups, *group), func, user_data))
      return FALSE;
  }
  return TRUE;
}

static void
visit_user (Snapshot *snapshot, KubeUser *user, const char *namespace_, GrantFunc func, gpointer user_data)
{
  if (visit_part (snapshot, snapshot->cluster, user, func, user_data) && namespace_ != NULL && *namespace_ != '\0')
    visit_part (snapshot, g_hash_table_lookup (snapshot->namespaces, namespace_), user, func, user_data);
}

static char *
describe (const Grant *grant)
{
  const char *namespace_ = kube_object_get_namespace (grant->object);
  const char *subject_namespace = kube_value_get_member_string (grant->subject, "namespace");
  const char *subject_kind = kube_value_get_member_string (grant->subject, "kind");
  gboolean account = g_str_equal (subject_kind, "ServiceAccount");

  return g_strdup_printf ("RBAC: allowed by %s \"%s%s%s\" of %s \"%s\" to %s \"%s%s%s\"", grant->kind,
                          kube_object_get_name (grant->object), namespace_ != NULL ? "/" : "", namespace_ != NULL ? namespace_ : "",
                          grant->role_kind, grant->role_name, subject_kind, kube_value_get_member_string (grant->subject, "name"),
                          account ? "/" : "", account && subject_namespace != NULL ? subject_namespace : "");
}

typedef struct {
  const KubeRequestInfo *info;
  gboolean allowed;
  char **reason;
} Question;

static gboolean
ask_grant (const Grant *grant, const Role *role, gpointer user_data)
{
  Question *question = user_data;

  for (guint i = 0; i < role->rules->len; i++) {
    if (!rule_allows (&g_array_index (role->rules, Rule, i), question->info))
      continue;
    question->allowed = TRUE;
    if (question->reason != NULL)
      *question->reason = describe (grant);
    return FALSE;
  }
  return TRUE;
}

gboolean
kube_rbac_allows (KubeRbac *rbac, KubeUser *user, const KubeRequestInfo *info, char **reason)
{
  g_autoptr (Snapshot) snapshot = take_snapshot (rbac);
  Question question = { info, FALSE, reason };

  visit_user (snapshot, user, info->is_resource ? info->namespace_ : NULL, ask_grant, &question);
  return question.allowed;
}

gboolean
kube_rbac_role_allows (KubeRbac *rbac, const char *name, const KubeRequestInfo *info)
{
  g_autoptr (Snapshot) snapshot = take_snapshot (rbac);
  const Role *role = g_hash_table_lookup (snapshot->cluster->roles, name);

  for (guint i = 0; role != NULL && i < role->rules->len; i++) {
    if (rule_allows (&g_array_index (role->rules, Rule, i), info))
      return TRUE;
  }
  return FALSE;
}

static gboolean
collect_rules (const Grant *grant, const Role *role, gpointer user_data)
{
  for (guint i = 0; i < role->rules->len; i++)
    g_ptr_array_add (user_data, kube_value_ref (g_array_index (role->rules, Rule, i).value));
  return TRUE;
}

GPtrArray *
kube_rbac_list_rules (KubeRbac *rbac, KubeUser *user, const char *namespace_)
{
  g_autoptr (Snapshot) snapshot = take_snapshot (rbac);
  GPtrArray *rules = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_value_unref);

  visit_user (snapshot, user, namespace_, collect_rules, rules);
  return rules;
}

KubeObject *
kube_rbac_ref_role (KubeRbac *rbac, const char *namespace_, const char *name)
{
  g_autoptr (Snapshot) snapshot = take_snapshot (rbac);
  Part *part = namespace_ == NULL ? snapshot->cluster : g_hash_table_lookup (snapshot->namespaces, namespace_);
  Role *role = part != NULL ? g_hash_table_lookup (part->roles, name) : NULL;

  return role != NULL ? kube_object_ref (role->object) : NULL;
}
