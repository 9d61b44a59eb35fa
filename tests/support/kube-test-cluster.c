/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-test-cluster.h"
#include <kube/kube-yaml.h>

/* 2026-01-01T00:00:00Z */
#define START (G_GINT64_CONSTANT (1767225600) * G_USEC_PER_SEC)

static KubeClient *
make_client (KubeManager *manager, const char *name, gpointer user_data)
{
  KubeTestCluster *self = user_data;
  static const char *const groups[] = { "system:serviceaccounts", "system:serviceaccounts:kube-system", NULL };
  static const char *const masters[] = { "system:masters", NULL };
  g_autofree char *user = g_strconcat ("system:serviceaccount:kube-system:", name, NULL);

  return kube_local_client_new (self->server, user, g_str_has_prefix (name, "test-") ? masters : groups);
}

KubeTestCluster *
kube_test_cluster_new (void)
{
  static const char *const masters[] = { "system:masters", NULL };
  KubeTestCluster *self = g_new0 (KubeTestCluster, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeClient) reader = NULL;
  KubeServerOptions options = { 0 };

  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->clock = kube_virtual_clock_new (START);
  self->store = kube_store_memory_new ();
  options.clock = KUBE_CLOCK (self->clock);
  self->server = kube_server_new (self->store, &options, &error);
  if (self->server == NULL)
    g_error ("the server does not start: %s", error->message);
  self->client = kube_local_client_new (self->server, "test", masters);
  reader = kube_local_client_new (self->server, "system:kube-controller-manager", NULL);
  self->manager = kube_manager_new (reader, KUBE_CLOCK (self->clock));
  kube_manager_set_client_func (self->manager, make_client, self, NULL);
  return self;
}

void
kube_test_cluster_free (KubeTestCluster *self)
{
  kube_manager_stop (self->manager);
  g_object_unref (self->manager);
  kube_server_shut_down (self->server);
  kube_test_cluster_settle (self);
  g_object_unref (self->client);
  g_object_unref (self->server);
  kube_store_close (self->store);
  g_object_unref (self->store);
  kube_test_cluster_settle (self);
  g_object_unref (self->clock);
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
  g_free (self);
}

void
kube_test_cluster_start (KubeTestCluster *self, const KubeControllersOptions *options, const char *const *names)
{
  g_autoptr (GError) error = NULL;

  if (!kube_controllers_add (self->manager, options, names, &error))
    g_error ("%s", error->message);
  kube_manager_start (self->manager);
  kube_test_cluster_settle (self);
}

void
kube_test_cluster_settle (KubeTestCluster *self)
{
  while (g_main_context_iteration (self->context, FALSE))
    ;
}

void
kube_test_cluster_run (KubeTestCluster *self, gint64 duration)
{
  kube_virtual_clock_advance (self->clock, duration);
}

gboolean
kube_test_cluster_run_until (KubeTestCluster *self, KubeTestCondition condition, gpointer user_data, gint64 within)
{
  gint64 deadline = kube_clock_get_monotonic_time (KUBE_CLOCK (self->clock)) + within;

  kube_test_cluster_settle (self);
  while (!condition (self, user_data)) {
    gint64 next = kube_virtual_clock_get_next (self->clock);

    if (next < 0 || next > deadline)
      return FALSE;
    kube_virtual_clock_advance (self->clock, next - kube_clock_get_monotonic_time (KUBE_CLOCK (self->clock)));
  }
  return TRUE;
}

gint64
kube_test_cluster_get_time (KubeTestCluster *self)
{
  return kube_clock_get_time (KUBE_CLOCK (self->clock));
}

KubeObject *
kube_test_object (const char *yaml)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) value = kube_yaml_parse (yaml, -1, &error);

  if (value == NULL)
    g_error ("%s in:\n%s", error->message, yaml);
  return kube_object_new (value);
}

KubeKind *
kube_test_kind (const char *api_version, const char *kind)
{
  KubeKind *found = kube_scheme_find_kind (kube_scheme_get_default (), api_version, kind);

  if (found == NULL)
    g_error ("there is no kind %s in %s", kind, api_version);
  return found;
}

/* Requests run on this thread, and so do the controllers that their events wake: those only later, when the test lets them. */
static KubeResponse *
send (KubeTestCluster *self, KubeRequest *request, GError **error)
{
  return kube_client_send (self->client, request, NULL, error);
}

static KubeObject *
send_for_object (KubeTestCluster *self, KubeRequest *request, GError **error)
{
  g_autoptr (KubeResponse) response = send (self, request, error);

  return response == NULL ? NULL : kube_object_ref (kube_response_get_object (response));
}

KubeObject *
kube_test_cluster_create (KubeTestCluster *self, const char *yaml, GError **error)
{
  g_autoptr (KubeObject) object = kube_test_object (yaml);
  KubeKind *kind = kube_test_kind (kube_object_get_api_version (object), kube_object_get_kind (object));
  const char *namespace_ = kube_object_get_namespace (object);
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, kind, namespace_ == NULL && kube_kind_is_namespaced (kind) ? "default" : namespace_, NULL);

  kube_request_set_object (request, object);
  return send_for_object (self, request, error);
}

KubeObject *
kube_test_cluster_get (KubeTestCluster *self, const char *api_version, const char *kind, const char *namespace_, const char *name)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_GET, kube_test_kind (api_version, kind), namespace_, name);
  g_autoptr (GError) error = NULL;
  KubeObject *object = send_for_object (self, request, &error);

  if (object == NULL && !g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
    g_error ("%s", error->message);
  return object;
}

KubeObjectList *
kube_test_cluster_list (KubeTestCluster *self, const char *api_version, const char *kind, const char *namespace_, const char *label_selector)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_LIST, kube_test_kind (api_version, kind), namespace_, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = NULL;

  kube_request_set_option (request, "labelSelector", label_selector);
  response = send (self, request, &error);
  if (response == NULL)
    g_error ("%s", error->message);
  return kube_object_list_ref (kube_response_get_list (response));
}

KubeObject *
kube_test_cluster_patch (KubeTestCluster *self, const char *api_version, const char *kind, const char *namespace_, const char *name, const char *subresource, const char *patch, GError **error)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kube_test_kind (api_version, kind), namespace_, name);
  g_autoptr (KubeObject) body = kube_test_object (patch);

  if (subresource != NULL)
    kube_request_set_subresource (request, subresource);
  kube_request_set_patch (request, KUBE_PATCH_MERGE, kube_object_get_value (body));
  return send_for_object (self, request, error);
}

gboolean
kube_test_cluster_delete (KubeTestCluster *self, const char *api_version, const char *kind, const char *namespace_, const char *name, gint64 grace_period, const char *propagation, GError **error)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, kube_test_kind (api_version, kind), namespace_, name);
  g_autoptr (KubeResponse) response = NULL;

  kube_request_set_delete_options (request, grace_period, propagation, NULL, NULL);
  response = send (self, request, error);
  return response != NULL;
}
