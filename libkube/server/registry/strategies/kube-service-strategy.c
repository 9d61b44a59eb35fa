/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../kube-strategy.h"
#include "kube-validation.h"
#include "kube-service-pool.h"
#include "kube-warnings.h"

/* A Service holds a cluster address, node ports and a health check port by its type. What it needs and does not say is given to it; what it says is taken for it, and is free again when the
 * Service is changed or gone. Old and new state are compared as upstream's registry does it, so that clients that know only some of the fields can change the type. */

/* --- what a type needs; both for the node of a new state and the value of an old one --- */

static gboolean
is_type (const char *type, const char *wanted)
{
  return g_strcmp0 (type, wanted) == 0;
}

static gboolean
needs_address (const char *type)
{
  return !is_type (type, "ExternalName");
}

static gboolean
needs_ports (const char *type, gboolean allocate)
{
  return is_type (type, "NodePort") || (is_type (type, "LoadBalancer") && allocate);
}

static gboolean
needs_health_port (const char *type, const char *policy)
{
  return is_type (type, "LoadBalancer") && g_strcmp0 (policy, "Local") == 0;
}

static gboolean
new_needs_ports (KubeNode *service)
{
  return needs_ports (kube_node_get_string (service, "spec.type"), kube_node_get_boolean (service, "spec.allocateLoadBalancerNodePorts", TRUE));
}

static gboolean
old_needs_ports (KubeValue *service)
{
  return service != NULL && needs_ports (kube_value_get_string (service, "spec.type"), kube_value_get_boolean (service, "spec.allocateLoadBalancerNodePorts", TRUE));
}

static gboolean
old_needs_address (KubeValue *service)
{
  return service != NULL && needs_address (kube_value_get_string (service, "spec.type"));
}

static gboolean
is_same (KubeNode *new, KubeValue *old, const char *path)
{
  KubeNode *node = kube_node_get (new, path);
  g_autoptr (KubeValue) value = node != NULL ? kube_node_to_value (node) : NULL;

  return kube_value_equal (value, kube_value_get (old, path));
}

static gboolean
is_empty (KubeNode *service, const char *path)
{
  const char *text = kube_node_get_string (service, path);
  return text == NULL || *text == '\0';
}

/* --- old clients --- */

static void
set_addresses (KubeNode *service, const char *address)
{
  KubeNode *array;

  kube_node_remove (service, "spec.clusterIPs");
  array = kube_node_ensure_array (service, "spec.clusterIPs");
  kube_node_append_string (array, address);
}

/* Clients that know only clusterIP change only that. */
static void
normalize_addresses (KubeNode *service, KubeValue *old)
{
  const char *address = kube_node_get_string (service, "spec.clusterIP"), *before = kube_value_get_string (old, "spec.clusterIP");

  if (old == NULL) {
    if (address != NULL && *address != '\0' && kube_node_get_length (kube_node_get (service, "spec.clusterIPs")) == 0)
      set_addresses (service, address);
    return;
  }
  if (g_strcmp0 (address, before) == 0 || !is_same (service, old, "spec.clusterIPs"))
    return;
  if (address == NULL || *address == '\0')
    kube_node_remove (service, "spec.clusterIPs");
  else
    set_addresses (service, address);
}

static gint64
old_port_of (KubeValue *old, const char *name)
{
  KubeValue *ports = kube_value_get (old, "spec.ports");

  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    const char *other = kube_value_get_string (port, "name");
    if (g_strcmp0 (name != NULL ? name : "", other != NULL ? other : "") == 0)
      return kube_value_get_integer (port, "nodePort", 0);
  }
  return 0;
}

static gboolean
uses_port (KubeNode *service, gint64 wanted)
{
  KubeNode *ports = kube_node_get (service, "spec.ports");

  for (guint i = 0; i < kube_node_get_length (ports); i++) {
    if (kube_node_get_integer (kube_node_get_element (ports, i), "nodePort", 0) == wanted)
      return TRUE;
  }
  return FALSE;
}

/* What was allocated stays where the client says nothing of it. */
static void
keep_allocated (KubeNode *service, KubeValue *old)
{
  KubeNode *ports = kube_node_get (service, "spec.ports");

  if (old_needs_address (old) && needs_address (kube_node_get_string (service, "spec.type"))) {
    if (is_empty (service, "spec.clusterIP"))
      kube_node_set_value (service, "spec.clusterIP", kube_value_get (old, "spec.clusterIP"));
    if (kube_node_get_length (kube_node_get (service, "spec.clusterIPs")) == 0 && g_strcmp0 (kube_node_get_string (service, "spec.clusterIP"), kube_value_get_string (old, "spec.clusterIP")) == 0)
      kube_node_set_value (service, "spec.clusterIPs", kube_value_get (old, "spec.clusterIPs"));
    if (kube_node_get (service, "spec.ipFamilies") == NULL)
      kube_node_set_value (service, "spec.ipFamilies", kube_value_get (old, "spec.ipFamilies"));
    if (kube_node_get (service, "spec.ipFamilyPolicy") == NULL)
      kube_node_set_value (service, "spec.ipFamilyPolicy", kube_value_get (old, "spec.ipFamilyPolicy"));
  }
  for (guint i = 0; old_needs_ports (old) && new_needs_ports (service) && i < kube_node_get_length (ports); i++) {
    KubeNode *port = kube_node_get_element (ports, i);
    gint64 before = old_port_of (old, kube_node_get_string (port, "name"));
    if (kube_node_get_integer (port, "nodePort", 0) == 0 && before != 0 && !uses_port (service, before))
      kube_node_set_integer (port, "nodePort", before);
  }
  if (needs_health_port (kube_node_get_string (service, "spec.type"), kube_node_get_string (service, "spec.externalTrafficPolicy"))
      && kube_node_get_integer (service, "spec.healthCheckNodePort", 0) == 0)
    kube_node_set_value (service, "spec.healthCheckNodePort", kube_value_get (old, "spec.healthCheckNodePort"));
}

static void
drop_if_same (KubeNode *service, KubeValue *old, const char *path)
{
  if (is_same (service, old, path))
    kube_node_remove (service, path);
}

static void
drop_ports_if_same (KubeNode *service, KubeValue *old)
{
  KubeNode *ports = kube_node_get (service, "spec.ports");
  KubeValue *before = kube_value_get (old, "spec.ports");

  for (guint i = 0; i < kube_node_get_length (ports); i++) {
    if (kube_node_get_integer (kube_node_get_element (ports, i), "nodePort", 0) != kube_value_get_integer (kube_value_get_element (before, i), "nodePort", 0))
      return;
  }
  for (guint i = 0; i < kube_node_get_length (ports); i++)
    kube_node_remove (kube_node_get_element (ports, i), "nodePort");
}

/* A change of type takes away what the new type has not got, unless the client said something of it. */
static void
drop_for_type (KubeNode *service, KubeValue *old)
{
  const char *type = kube_node_get_string (service, "spec.type"), *before = kube_value_get_string (old, "spec.type");
  gboolean external = needs_ports (type, TRUE), was_external = needs_ports (before, TRUE);

  if (old_needs_address (old) && !needs_address (type)) {
    static const char *const fields[] = { "spec.clusterIPs", "spec.clusterIP", "spec.ipFamilies", "spec.ipFamilyPolicy", "spec.internalTrafficPolicy" };
    for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
      drop_if_same (service, old, fields[i]);
  }
  if (was_external && !external)
    drop_ports_if_same (service, old);
  if (was_external && !external && !(is_type (type, "ClusterIP") && kube_node_get_length (kube_node_get (service, "spec.externalIPs")) > 0))
    drop_if_same (service, old, "spec.externalTrafficPolicy");
  if (needs_health_port (before, kube_value_get_string (old, "spec.externalTrafficPolicy")) && !needs_health_port (type, kube_node_get_string (service, "spec.externalTrafficPolicy")))
    drop_if_same (service, old, "spec.healthCheckNodePort");
  if (is_type (before, "LoadBalancer") && !is_type (type, "LoadBalancer")) {
    drop_if_same (service, old, "spec.allocateLoadBalancerNodePorts");
    drop_if_same (service, old, "spec.loadBalancerClass");
  }
  if (is_type (before, "ExternalName") && !is_type (type, "ExternalName"))
    drop_if_same (service, old, "spec.externalName");
}

static void
prepare_create (KubeWriteContext *context)
{
  normalize_addresses (context->object, NULL);
}

static void
prepare_update (KubeWriteContext *context)
{
  if (*context->subresource != '\0')
    return;
  normalize_addresses (context->object, context->old);
  drop_for_type (context->object, context->old);
  keep_allocated (context->object, context->old);
  if (!is_type (kube_node_get_string (context->object, "spec.type"), "LoadBalancer")) {
    kube_node_remove (context->object, "status.loadBalancer");
    kube_node_ensure_object (context->object, "status.loadBalancer");
  }
}

/* --- allocation --- */

typedef struct {
  KubeWriteContext *context;
  KubeServicePool *pool;
  gboolean dry_run;
  KubeFieldErrors errors;
  char *address;  /* (nullable): taken by this write */
  GArray *ports;  /* (element-type gint64): taken by this write */
} Allocation;

static gboolean
old_has_address (KubeValue *old, const char *address)
{
  KubeValue *addresses = kube_value_get (old, "spec.clusterIPs");

  for (guint i = 0; i < kube_value_get_length (addresses); i++) {
    if (g_strcmp0 (kube_value_peek_string (kube_value_get_element (addresses, i), NULL), address) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
old_has_port (KubeValue *old, gint64 port)
{
  KubeValue *ports = kube_value_get (old, "spec.ports");

  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    if (kube_value_get_integer (kube_value_get_element (ports, i), "nodePort", 0) == port)
      return TRUE;
  }
  return kube_value_get_integer (old, "spec.healthCheckNodePort", 0) == port;
}

static void
set_families (Allocation *self)
{
  KubeNode *service = self->context->object, *families;
  const char *policy = kube_node_get_string (service, "spec.ipFamilyPolicy"), *family = kube_service_pool_get_family (self->pool);
  const char *address = kube_node_get_string (service, "spec.clusterIP");
  gboolean open = is_type (address, "None") && kube_node_get_length (kube_node_get (service, "spec.selector")) == 0;

  if (policy == NULL) {
    kube_node_set_string (service, "spec.ipFamilyPolicy", open ? "RequireDualStack" : "SingleStack");
    policy = kube_node_get_string (service, "spec.ipFamilyPolicy");
  } else if (is_type (policy, "RequireDualStack") && !open) {
    kube_field_errors_invalid (&self->errors, KUBE_FIELD (KUBE_FIELD (NULL, "spec"), "ipFamilyPolicy"), policy, "this cluster is not configured for dual-stack services");
    return;
  }
  if (kube_node_get_length (kube_node_get (service, "spec.ipFamilies")) > 0)
    return;
  families = kube_node_ensure_array (service, "spec.ipFamilies");
  kube_node_append_string (families, family);
  if (open && !is_type (policy, "SingleStack"))
    kube_node_append_string (families, is_type (family, "IPv4") ? "IPv6" : "IPv4");
}

static void
add_address_error (Allocation *self, const char *address, const char *problem)
{
  g_autofree char *bad = g_strdup_printf ("[\"%s\"]", address);
  g_autofree char *detail = g_strdup_printf ("failed to allocate IP %s: %s", address, problem);

  kube_field_errors_add (&self->errors, KUBE_FIELD_ERROR_INVALID, KUBE_FIELD (KUBE_FIELD (NULL, "spec"), "clusterIPs"), bad, detail);
}

static void
allocate_address (Allocation *self)
{
  KubeNode *service = self->context->object;
  const char *address = kube_node_get_string (service, "spec.clusterIP");
  g_autofree char *given = NULL, *range = NULL;

  if (address != NULL && (is_type (address, "None") || old_has_address (self->context->old, address)))
    return;
  if (address == NULL || *address == '\0') {
    given = kube_service_pool_take_any_address (self->pool, self->dry_run);
    if (given == NULL) {
      kube_field_errors_internal (&self->errors, KUBE_FIELD (KUBE_FIELD (NULL, "spec"), "clusterIPs"), "failed to allocate a serviceIP: range is full");
      return;
    }
    kube_node_set_string (service, "spec.clusterIP", given);
    set_addresses (service, given);
    self->address = g_steal_pointer (&given);
    return;
  }
  switch (kube_service_pool_take_address (self->pool, address, self->dry_run)) {
  case KUBE_POOL_GOOD:
    self->address = g_strdup (address);
    break;
  case KUBE_POOL_TAKEN:
    add_address_error (self, address, "provided IP is already allocated");
    break;
  case KUBE_POOL_OUT_OF_RANGE:
    range = g_strdup_printf ("the provided IP (%s) is not in the valid range. The range of valid IPs is %s", address, kube_service_pool_get_cidr (self->pool));
    add_address_error (self, address, range);
    break;
  case KUBE_POOL_NO_ADDRESS: /* validation says what is wrong with it */
    break;
  }
}

static void
take_port (Allocation *self, const KubeFieldPath *path, gint64 port)
{
  g_autofree char *range = NULL;

  switch (kube_service_pool_take_port (self->pool, port, self->dry_run)) {
  case KUBE_POOL_TAKEN:
    kube_field_errors_invalid_integer (&self->errors, path, port, "provided port is already allocated");
    break;
  case KUBE_POOL_OUT_OF_RANGE:
    range = g_strdup_printf ("provided port is not in the valid range. The range of valid ports is %s", kube_service_pool_get_ports (self->pool));
    kube_field_errors_invalid_integer (&self->errors, path, port, range);
    break;
  default:
    g_array_append_val (self->ports, port);
  }
}

/* One number for the same port, which is there twice over two protocols. */
static gint64
shared_port (KubeNode *ports, guint upto, gint64 number)
{
  for (guint i = 0; i < upto; i++) {
    KubeNode *port = kube_node_get_element (ports, i);
    gint64 node_port = kube_node_get_integer (port, "nodePort", 0);
    if (node_port != 0 && kube_node_get_integer (port, "port", 0) == number)
      return node_port;
  }
  return 0;
}

static gboolean
took_port (Allocation *self, gint64 port)
{
  for (guint i = 0; i < self->ports->len; i++) {
    if (g_array_index (self->ports, gint64, i) == port)
      return TRUE;
  }
  return FALSE;
}

static void
allocate_ports (Allocation *self)
{
  KubeNode *ports = kube_node_get (self->context->object, "spec.ports");
  const KubeFieldPath *path = KUBE_FIELD (KUBE_FIELD (NULL, "spec"), "ports");

  /* those that are named go first, so that none of them is given to another */
  for (guint i = 0; i < kube_node_get_length (ports); i++) {
    gint64 port = kube_node_get_integer (kube_node_get_element (ports, i), "nodePort", 0);
    if (port != 0 && !old_has_port (self->context->old, port) && !took_port (self, port))
      take_port (self, KUBE_FIELD (KUBE_FIELD_INDEX (path, i), "nodePort"), port);
  }
  for (guint i = 0; i < kube_node_get_length (ports); i++) {
    KubeNode *port = kube_node_get_element (ports, i);
    gint64 given;
    if (kube_node_get_integer (port, "nodePort", 0) != 0)
      continue;
    given = old_needs_ports (self->context->old) ? 0 : shared_port (ports, i, kube_node_get_integer (port, "port", 0));
    if (given == 0) {
      given = kube_service_pool_take_any_port (self->pool, self->dry_run);
      if (given == 0) {
        kube_field_errors_internal (&self->errors, KUBE_FIELD (KUBE_FIELD_INDEX (path, i), "nodePort"), "failed to allocate a nodePort: range is full");
        return;
      }
      g_array_append_val (self->ports, given);
    }
    kube_node_set_integer (port, "nodePort", given);
  }
}

/* A change may not name the same port twice; a new service's rules say so themselves. */
static GError *
find_repeated_port (KubeNode *ports)
{
  for (guint i = 0; i < kube_node_get_length (ports); i++) {
    KubeNode *port = kube_node_get_element (ports, i);
    const char *protocol = kube_node_get_string (port, "protocol");
    gint64 number = kube_node_get_integer (port, "nodePort", 0);

    for (guint k = 0; k < i; k++) {
      KubeNode *other = kube_node_get_element (ports, k);
      if (number == kube_node_get_integer (other, "nodePort", 0) && g_strcmp0 (protocol, kube_node_get_string (other, "protocol")) == 0)
        return g_error_new (KUBE_ERROR, KUBE_ERROR_UNKNOWN, "duplicate nodePort: {%s %" G_GINT64_FORMAT "}", protocol != NULL ? protocol : "", number);
    }
  }
  return NULL;
}

static void
allocate_health_port (Allocation *self)
{
  gint64 port = kube_node_get_integer (self->context->object, "spec.healthCheckNodePort", 0);

  if (port != 0) {
    if (!old_has_port (self->context->old, port))
      take_port (self, KUBE_FIELD (KUBE_FIELD (NULL, "spec"), "healthCheckNodePort"), port);
    return;
  }
  port = kube_service_pool_take_any_port (self->pool, self->dry_run);
  g_array_append_val (self->ports, port);
  kube_node_set_integer (self->context->object, "spec.healthCheckNodePort", port);
}

static void
give_back (Allocation *self)
{
  if (self->dry_run)
    return;
  if (self->address != NULL)
    kube_service_pool_release_address (self->pool, self->address);
  for (guint i = 0; i < self->ports->len; i++)
    kube_service_pool_release_port (self->pool, g_array_index (self->ports, gint64, i));
}

static gboolean
allocate (KubeWriteContext *context, GError **error)
{
  Allocation self = { .context = context, .pool = kube_service_pool_get (context->op->server), .dry_run = context->op->dry_run, .ports = g_array_new (FALSE, FALSE, sizeof (gint64)) };
  const char *type = kube_node_get_string (context->object, "spec.type"), *name = kube_node_get_string (context->object, "metadata.name");
  GError *invalid;

  if (needs_address (type)) {
    g_autoptr (KubeValue) value = kube_node_to_value (context->object);
    kube_validate_service_addresses (&self.errors, value);
    if (kube_field_errors_get_length (&self.errors) == 0)
      set_families (&self);
    if (kube_field_errors_get_length (&self.errors) == 0)
      allocate_address (&self);
  }
  if (kube_field_errors_get_length (&self.errors) == 0 && new_needs_ports (context->object))
    allocate_ports (&self);
  if (kube_field_errors_get_length (&self.errors) == 0 && needs_health_port (type, kube_node_get_string (context->object, "spec.externalTrafficPolicy")))
    allocate_health_port (&self);
  invalid = kube_field_errors_to_error (&self.errors, "", "Service", name != NULL ? name : "");
  if (invalid == NULL && old_needs_ports (context->old) && new_needs_ports (context->object))
    invalid = find_repeated_port (kube_node_get (context->object, "spec.ports"));
  if (invalid != NULL) {
    give_back (&self);
    g_propagate_error (error, invalid);
  }
  kube_field_errors_clear (&self.errors);
  g_free (self.address);
  g_array_unref (self.ports);
  return invalid == NULL;
}

/* Frees what @has holds and @keeps does not. */
static void
release_difference (KubeServicePool *pool, KubeValue *has, KubeValue *keeps)
{
  KubeValue *addresses = kube_value_get (has, "spec.clusterIPs"), *ports = kube_value_get (has, "spec.ports");
  gint64 health = kube_value_get_integer (has, "spec.healthCheckNodePort", 0);

  for (guint i = 0; i < kube_value_get_length (addresses); i++) {
    const char *address = kube_value_peek_string (kube_value_get_element (addresses, i), NULL);
    if (address != NULL && !is_type (address, "None") && !old_has_address (keeps, address))
      kube_service_pool_release_address (pool, address);
  }
  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    gint64 port = kube_value_get_integer (kube_value_get_element (ports, i), "nodePort", 0);
    if (port != 0 && !old_has_port (keeps, port))
      kube_service_pool_release_port (pool, port);
  }
  if (health != 0 && !old_has_port (keeps, health))
    kube_service_pool_release_port (pool, health);
}

static void
settle (KubeOperation *op, KubeObject *object, KubeObject *old, gboolean committed, gboolean removed)
{
  KubeServicePool *pool = kube_service_pool_get (op->server);
  KubeValue *new_value = kube_object_get_value (object), *old_value = old != NULL ? kube_object_get_value (old) : NULL;

  if (op->dry_run)
    return;
  if (removed && committed)
    release_difference (pool, new_value, NULL);
  else if (committed)
    release_difference (pool, old_value, new_value);
  else
    release_difference (pool, new_value, old_value);
}

static const char *
text_of (KubeValue *spec, const char *key)
{
  const char *text = kube_value_get_member_string (spec, key);

  return text != NULL ? text : "";
}

static void
warn_list (KubeOperation *op, KubeValue *spec, const char *key, void (*check) (KubeOperation *, const char *, const char *))
{
  KubeValue *list = kube_value_get_member (spec, key);

  for (guint i = 0; i < kube_value_get_length (list); i++) {
    g_autofree char *path = g_strdup_printf ("spec.%s[%u]", key, i);
    check (op, path, kube_value_get_string (kube_value_get_element (list, i), NULL));
  }
}

/* Nothing of what makes a service reachable applies where it has no address of its own. */
static void
warn_headless (KubeOperation *op, KubeValue *spec)
{
  if (*text_of (spec, "loadBalancerIP") != '\0')
    kube_warn (op, "spec.loadBalancerIP is ignored for headless services");
  if (kube_value_get_length (kube_value_get_member (spec, "externalIPs")) > 0)
    kube_warn (op, "spec.externalIPs is ignored for headless services");
  if (!g_str_equal (text_of (spec, "sessionAffinity"), "None"))
    kube_warn (op, "spec.SessionAffinity is ignored for headless services");
}

static void
warn (KubeOperation *op, KubeValue *service, KubeValue *old)
{
  static const char hints[] = "service.kubernetes.io/topology-aware-hints";
  KubeValue *spec = kube_value_get_member (service, "spec");
  const char *type = text_of (spec, "type"), *address = text_of (spec, "clusterIP");
  gboolean external = kube_value_get_length (kube_value_get_member (spec, "externalIPs")) > 0, by_name = g_str_equal (type, "ExternalName");
  gboolean headless = g_str_equal (type, "ClusterIP") && g_str_equal (address, "None");

  if (kube_value_get_member (kube_value_get (service, "metadata.annotations"), hints) != NULL)
    kube_warn (op, "annotation %s is deprecated, please use service.kubernetes.io/topology-mode instead", hints);
  if (!g_str_equal (address, "None"))
    warn_list (op, spec, "clusterIPs", kube_address_warn);
  if (headless)
    warn_headless (op, spec);
  warn_list (op, spec, "externalIPs", kube_address_warn);
  if (external && !headless && !by_name)
    kube_warn (op, "spec.externalIPs is deprecated and may no longer be implemented in some clusters");
  kube_address_warn (op, "spec.loadBalancerIP", text_of (spec, "loadBalancerIP"));
  warn_list (op, spec, "loadBalancerSourceRanges", kube_range_warn);
  if (external && by_name)
    kube_warn (op, "spec.externalIPs is ignored when spec.type is \"ExternalName\"");
  if (!by_name && *text_of (spec, "externalName") != '\0')
    kube_warn (op, "spec.externalName is ignored when spec.type is not \"ExternalName\"");
  if (g_str_equal (text_of (spec, "trafficDistribution"), "PreferClose"))
    kube_warn (op, "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"");
}

static void
warn_status (KubeOperation *op, KubeValue *service)
{
  KubeValue *list = kube_value_get (service, "status.loadBalancer.ingress");

  for (guint i = 0; i < kube_value_get_length (list); i++) {
    g_autofree char *path = g_strdup_printf ("status.loadBalancer.ingress[%u]", i);
    kube_address_warn (op, path, text_of (kube_value_get_element (list, i), "ip"));
  }
}

const KubeStrategy kube_service_strategy = {
  .group = "",
  .plural = "services",
  .prepare_create = prepare_create,
  .prepare_update = prepare_update,
  .allocate = allocate,
  .settle = settle,
  .warn = warn,
  .warn_status = warn_status,
  .returns_deleted = TRUE,
  .update_creates = TRUE,
};
