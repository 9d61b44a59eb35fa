/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-env.h"

#include <kube/kube-names.h>
#include <kube/kube-quantity.h>
#include <string.h>

/* @missing: (nullable): gets the names that have no value. */
static char *
expand (const char *text, GHashTable *variables, GPtrArray *missing)
{
  GString *out = g_string_new (NULL);

  for (const char *c = text; *c != '\0'; c++) {
    if (*c != '$' || c[1] == '\0') {
      g_string_append_c (out, *c);
      continue;
    }
    c++;
    const char *end = *c == '(' ? strchr (c, ')') : NULL;
    if (*c == '$')
      g_string_append_c (out, '$');
    else if (end != NULL) {
      g_autofree char *name = g_strndup (c + 1, end - c - 1);
      const char *value = g_hash_table_lookup (variables, name);
      if (value != NULL)
        g_string_append (out, value);
      else
        g_string_append_printf (out, "$(%s)", name);
      if (missing != NULL && (value == NULL || *value == '\0') &&
          !g_ptr_array_find_with_equal_func (missing, name, g_str_equal, NULL))
        g_ptr_array_add (missing, g_steal_pointer (&name));
      c = end;
    } else
      g_string_append_printf (out, "$%c", *c);
  }
  return g_string_free (out, FALSE);
}

char *
kube_expand (const char *text, GHashTable *variables)
{
  return expand (text, variables, NULL);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char *
kube_expand_all (const char *text, GHashTable *variables, GError **error)
{
  g_autoptr (GPtrArray) missing = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *expanded = expand (text, variables, missing);

  if (missing->len == 0)
    return g_steal_pointer (&expanded);
  g_ptr_array_sort (missing, compare_names);
  g_ptr_array_add (missing, NULL);
  g_autofree char *names = g_strjoinv (", ", (char **) missing->pdata);
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "missing value for %s", names);
  return NULL;
}

KubeValue *
kube_pod_find_container (KubeObject *pod, const char *name)
{
  static const char *const lists[] = { "spec.containers", "spec.initContainers", "spec.ephemeralContainers" };

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *container = kube_value_find_element (kube_object_get (pod, lists[l]), "name", name);
    if (container != NULL)
      return container;
  }
  return NULL;
}

GBytes *
kube_object_get_data (KubeObject *object, const char *key)
{
  gboolean secret = g_strcmp0 (kube_object_get_kind (object), "Secret") == 0;
  const char *text = kube_value_get_member_string (kube_object_get (object, "data"), key);
  gsize length;

  if (text != NULL && !secret) {
    KubeValue *value = kube_value_get_member (kube_object_get (object, "data"), key);
    text = kube_value_peek_string (value, &length);
    return g_bytes_new (text, length);
  }
  if (!secret)
    text = kube_value_get_member_string (kube_object_get (object, "binaryData"), key);
  if (text == NULL)
    return NULL;
  guchar *data = g_base64_decode (text, &length);
  return g_bytes_new_take (data, length);
}

GPtrArray *
kube_object_list_data_keys (KubeObject *object)
{
  static const char *const members[] = { "data", "binaryData" };
  GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);

  for (gsize m = 0; m < G_N_ELEMENTS (members); m++) {
    KubeValue *data = kube_object_get (object, members[m]);
    for (guint i = 0; i < kube_value_get_length (data); i++)
      g_ptr_array_add (keys, g_strdup (kube_value_get_key (data, i)));
  }
  return keys;
}

/* labels['key'] or annotations['key'] */
static const char *
get_subscript (KubeObject *pod, const char *path, const char *member)
{
  g_autofree char *prefix = g_strdup_printf ("metadata.%s['", member);
  gsize n = strlen (path);

  if (!g_str_has_prefix (path, prefix) || !g_str_has_suffix (path, "']"))
    return NULL;
  g_autofree char *key = g_strndup (path + strlen (prefix), n - strlen (prefix) - 2);
  g_autofree char *where = g_strdup_printf ("metadata.%s", member);
  const char *value = kube_value_get_member_string (kube_object_get (pod, where), key);
  return value != NULL ? value : "";
}

static void
append_go_quoted (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '"' || *c == '\\')
      g_string_append_printf (out, "\\%c", *c);
    else if (*c == '\n')
      g_string_append (out, "\\n");
    else if (*c == '\t')
      g_string_append (out, "\\t");
    else if (*c == '\r')
      g_string_append (out, "\\r");
    else if ((guchar) *c < ' ' || *c == 0x7f)
      g_string_append_printf (out, "\\x%02x", (guchar) *c);
    else
      g_string_append_c (out, *c);
  }
  g_string_append_c (out, '"');
}

/* Members of a canonical document are sorted. */
static char *
format_map (KubeValue *map)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < kube_value_get_length (map); i++) {
    const char *key = kube_value_get_key (map, i);
    g_string_append_printf (out, "%s%s=", i > 0 ? "\n" : "", key);
    append_go_quoted (out, kube_value_get_member_string (map, key));
  }
  return g_string_free (out, FALSE);
}

char *
kube_pod_field (KubeNodeContext *node, KubeObject *pod, const char *path, const char *const *pod_ips)
{
  static const char *const plain[] = { "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
                                       "spec.serviceAccountName" };
  const char *value;

  for (gsize i = 0; i < G_N_ELEMENTS (plain); i++) {
    if (g_str_equal (path, plain[i])) {
      value = kube_object_get_string (pod, path);
      return g_strdup (value != NULL ? value : "");
    }
  }
  if (g_str_equal (path, "status.hostIP") || g_str_equal (path, "status.hostIPs"))
    return g_strdup (node->node_ip);
  if (g_str_equal (path, "status.podIP"))
    return g_strdup (pod_ips != NULL && pod_ips[0] != NULL ? pod_ips[0] : "");
  if (g_str_equal (path, "status.podIPs"))
    return pod_ips != NULL ? g_strjoinv (",", (char **) pod_ips) : g_strdup ("");
  if (g_str_equal (path, "metadata.labels") || g_str_equal (path, "metadata.annotations"))
    return format_map (kube_object_get (pod, path));
  value = get_subscript (pod, path, "labels");
  if (value == NULL)
    value = get_subscript (pod, path, "annotations");
  return g_strdup (value);
}

/* Of a resource list; limits that are not set are the node's. */
static gint64
get_milli (KubeNodeContext *node, KubeValue *container, const char *list, const char *name)
{
  g_autofree char *path = g_strdup_printf ("resources.%s", list);
  KubeValue *value = kube_value_get_member (kube_value_get (container, path), name);
  KubeQuantity quantity;

  if (value == NULL && g_str_equal (list, "limits"))
    value = kube_value_get_member (node->allocatable, name);
  if (value == NULL || !kube_quantity_from_value (value, &quantity, NULL))
    return 0;
  return kube_quantity_get_milli_value (&quantity);
}

char *
kube_pod_resource_field (KubeNodeContext *node, KubeObject *pod, KubeValue *container, KubeValue *selector, GError **error)
{
  const char *other = kube_value_get_string (selector, "containerName"), *resource = kube_value_get_string (selector, "resource");
  g_auto (GStrv) parts = g_strsplit (resource != NULL ? resource : "", ".", 2);
  KubeValue *divisor_value = kube_value_get (selector, "divisor");
  KubeQuantity divisor = { 1, 0, KUBE_QUANTITY_DECIMAL_SI };

  if (other != NULL && *other != '\0')
    container = kube_pod_find_container (pod, other);
  if (container == NULL) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "container %s not found", other != NULL ? other : "");
    return NULL;
  }
  if (g_strv_length (parts) != 2 || (!g_str_equal (parts[0], "limits") && !g_str_equal (parts[0], "requests"))) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "unsupported container resource : %s", resource != NULL ? resource : "");
    return NULL;
  }
  if (divisor_value != NULL && kube_quantity_from_value (divisor_value, &divisor, NULL) &&
      kube_quantity_get_milli_value (&divisor) <= 0)
    divisor = (KubeQuantity){ 1, 0, KUBE_QUANTITY_DECIMAL_SI };
  gint64 milli = get_milli (node, container, parts[0], parts[1]), by = kube_quantity_get_milli_value (&divisor);
  return g_strdup_printf ("%" G_GINT64_FORMAT, milli / by + (milli % by != 0 ? 1 : 0));
}

/* The variables while they are made: a table, and the order in which names first came. */
typedef struct {
  GHashTable *table;
  GPtrArray *order;
} Variables;

static void
set_variable (Variables *variables, const char *name, const char *value)
{
  if (!g_hash_table_contains (variables->table, name))
    g_ptr_array_add (variables->order, g_strdup (name));
  g_hash_table_replace (variables->table, g_strdup (name), g_strdup (value));
}

static KubeObject *
get_source (KubeNodeContext *node, KubeObject *pod, const char *kind, const char *name, gboolean optional, GError **error)
{
  KubeObject *object = kube_object_sources_get (node->sources, kind, kube_object_get_namespace (pod), name);
  g_autofree char *lower = g_ascii_strdown (kind, -1);

  if (object == NULL && !optional)
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "%s \"%s\" not found", lower, name);
  return object;
}

static gboolean
add_from (KubeNodeContext *node, KubeObject *pod, KubeValue *from, Variables *variables, GError **error)
{
  const char *kind = kube_value_get (from, "configMapRef") != NULL ? "ConfigMap" : "Secret";
  KubeValue *ref = kube_value_get (from, g_str_equal (kind, "ConfigMap") ? "configMapRef" : "secretRef");
  const char *name = kube_value_get_string (ref, "name"), *prefix = kube_value_get_string (from, "prefix");
  gboolean optional = kube_value_get_boolean (ref, "optional", FALSE);
  KubeObject *object = name != NULL ? get_source (node, pod, kind, name, optional, error) : NULL;

  if (object == NULL)
    return optional;
  g_autoptr (GPtrArray) keys = kube_object_list_data_keys (object);
  for (guint i = 0; i < keys->len; i++) {
    g_autofree char *variable = g_strconcat (prefix != NULL ? prefix : "", keys->pdata[i], NULL);
    g_autoptr (GBytes) data = kube_object_get_data (object, keys->pdata[i]);
    if (kube_value_get_member (kube_object_get (object, "binaryData"), keys->pdata[i]) != NULL ||
        !kube_name_is_valid (KUBE_NAME_ENV_VAR, variable))
      continue;
    g_autofree char *text = g_strndup (g_bytes_get_data (data, NULL), g_bytes_get_size (data));
    set_variable (variables, variable, text);
  }
  return TRUE;
}

/* FALSE without an error: an optional key that is not there. */
static gboolean
get_key (KubeNodeContext *node, KubeObject *pod, const char *kind, KubeValue *ref, char **value, GError **error)
{
  const char *name = kube_value_get_string (ref, "name"), *key = kube_value_get_string (ref, "key");
  gboolean optional = kube_value_get_boolean (ref, "optional", FALSE);
  KubeObject *object = get_source (node, pod, kind, name != NULL ? name : "", optional, error);
  g_autoptr (GBytes) data = object != NULL && key != NULL ? kube_object_get_data (object, key) : NULL;

  if (data == NULL) {
    if (object != NULL && !optional)
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND, "couldn't find key %s in %s %s/%s", key, kind,
                   kube_object_get_namespace (pod), name);
    return FALSE;
  }
  *value = g_strndup (g_bytes_get_data (data, NULL), g_bytes_get_size (data));
  return TRUE;
}

static gboolean
get_value_from (KubeNodeContext *node, KubeObject *pod, KubeValue *container, KubeValue *from, const char *const *pod_ips,
                char **value, GError **error)
{
  KubeValue *ref;

  if ((ref = kube_value_get (from, "fieldRef")) != NULL) {
    const char *path = kube_value_get_string (ref, "fieldPath");
    *value = kube_pod_field (node, pod, path != NULL ? path : "", pod_ips);
    if (*value == NULL)
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "unsupported fieldPath: %s", path);
    return *value != NULL;
  }
  if ((ref = kube_value_get (from, "resourceFieldRef")) != NULL) {
    *value = kube_pod_resource_field (node, pod, container, ref, error);
    return *value != NULL;
  }
  if ((ref = kube_value_get (from, "configMapKeyRef")) != NULL)
    return get_key (node, pod, "ConfigMap", ref, value, error);
  if ((ref = kube_value_get (from, "secretKeyRef")) != NULL)
    return get_key (node, pod, "Secret", ref, value, error);
  return FALSE;
}

static char *
variable_name (const char *name)
{
  char *upper = g_ascii_strup (name, -1);

  g_strdelimit (upper, "-", '_');
  return upper;
}

static void
add_service_variable (GHashTable *table, const char *prefix, const char *suffix, const char *value)
{
  g_hash_table_replace (table, g_strconcat (prefix, suffix, NULL), g_strdup (value));
}

static void
add_port_variables (GHashTable *table, const char *prefix, const char *ip, KubeValue *port, gboolean first)
{
  const char *protocol = kube_value_get_string (port, "protocol"), *name = kube_value_get_string (port, "name");
  g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, kube_value_get_integer (port, "port", 0));
  g_autofree char *upper = g_ascii_strup (protocol != NULL ? protocol : "TCP", -1);
  g_autofree char *lower = g_ascii_strdown (upper, -1);
  g_autofree char *url = g_strdup_printf ("%s://%s:%s", lower, ip, number);
  g_autofree char *link = g_strdup_printf ("%s_PORT_%s_%s", prefix, number, upper);

  if (first) {
    add_service_variable (table, prefix, "_SERVICE_PORT", number);
    add_service_variable (table, prefix, "_PORT", url);
  }
  if (name != NULL && *name != '\0') {
    g_autofree char *suffix = variable_name (name);
    g_autofree char *full = g_strconcat ("_SERVICE_PORT_", suffix, NULL);
    add_service_variable (table, prefix, full, number);
  }
  add_service_variable (table, link, "", url);
  add_service_variable (table, link, "_PROTO", lower);
  add_service_variable (table, link, "_PORT", number);
  add_service_variable (table, link, "_ADDR", ip);
}

static void
add_service (GHashTable *table, KubeObject *service)
{
  const char *ip = kube_object_get_string (service, "spec.clusterIP");
  KubeValue *ports = kube_object_get (service, "spec.ports");
  g_autofree char *prefix = variable_name (kube_object_get_name (service));

  if (ip == NULL || *ip == '\0' || g_str_equal (ip, "None"))
    return;
  add_service_variable (table, prefix, "_SERVICE_HOST", ip);
  for (guint i = 0; i < kube_value_get_length (ports); i++)
    add_port_variables (table, prefix, ip, kube_value_get_element (ports, i), i == 0);
}

/* The services of the pod's namespace, unless it does not want them, and in any case the API server's. */
static GHashTable *
make_service_variables (KubeNodeContext *node, KubeObject *pod)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  KubeObject *api;

  if (node->services == NULL)
    return table;
  api = kube_informer_get (node->services, "default", "kubernetes");
  if (api != NULL)
    add_service (table, api);
  if (kube_object_get_boolean (pod, "spec.enableServiceLinks", TRUE)) {
    g_autoptr (GPtrArray) services = kube_informer_list (node->services, kube_object_get_namespace (pod), NULL);
    for (guint i = 0; i < services->len; i++)
      add_service (table, services->pdata[i]);
  }
  return table;
}

static gboolean
add_variable (KubeNodeContext *node, KubeObject *pod, KubeValue *container, KubeValue *entry, const char *const *pod_ips,
              Variables *variables, GHashTable *known, GError **error)
{
  const char *name = kube_value_get_string (entry, "name"), *text = kube_value_get_string (entry, "value");
  KubeValue *from = kube_value_get (entry, "valueFrom");
  g_autoptr (GError) local = NULL;
  g_autofree char *value = NULL;

  if (from != NULL && !get_value_from (node, pod, container, from, pod_ips, &value, &local)) {
    if (local == NULL)
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (from == NULL)
    value = kube_expand (text != NULL ? text : "", known);
  set_variable (variables, name, value);
  g_hash_table_replace (known, g_strdup (name), g_strdup (value));
  return TRUE;
}

static void
copy_into (GHashTable *to, GHashTable *from)
{
  GHashTableIter iter;
  gpointer key, value;

  g_hash_table_iter_init (&iter, from);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_replace (to, g_strdup (key), g_strdup (value));
}

GPtrArray *
kube_pod_env_make (KubeNodeContext *node, KubeObject *pod, KubeValue *container, const char *const *pod_ips, GHashTable **all,
                   GError **error)
{
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) services = make_service_variables (node, pod);
  g_autoptr (GPtrArray) order = g_ptr_array_new_with_free_func (g_free);
  Variables variables = { table, order };
  KubeValue *from = kube_value_get (container, "envFrom"), *env = kube_value_get (container, "env");
  GPtrArray *result = g_ptr_array_new_with_free_func (g_free);
  GHashTableIter iter;
  gpointer key, value;
  gboolean good = TRUE;

  for (guint i = 0; good && i < kube_value_get_length (from); i++)
    good = add_from (node, pod, kube_value_get_element (from, i), &variables, error);
  copy_into (known, services);
  copy_into (known, table);
  for (guint i = 0; good && i < kube_value_get_length (env); i++)
    good = add_variable (node, pod, container, kube_value_get_element (env, i), pod_ips, &variables, known, error);
  if (!good) {
    g_ptr_array_unref (result);
    return NULL;
  }
  g_hash_table_iter_init (&iter, services);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    if (!g_hash_table_contains (table, key))
      set_variable (&variables, key, value);
  }
  for (guint i = 0; i < order->len; i++)
    g_ptr_array_add (result,
                     g_strdup_printf ("%s=%s", (char *) order->pdata[i], (char *) g_hash_table_lookup (table, order->pdata[i])));
  if (all != NULL)
    *all = g_steal_pointer (&table);
  return result;
}
