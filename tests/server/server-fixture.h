/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gtest/gtest.h>
#include <kube/kube-server.h>
#include <map>
#include <string>
#include <vector>

/* A server over a store in memory, without controllers, and what an administrator asks of it. */

struct Answer {
  std::string go_on; /* the token of a list that has expired */
  int status = 0;
  std::string text, reason, message, warnings; /* a line each */
  KubeObject *object = nullptr;
  KubeObjectList *list = nullptr;
  Answer () = default;
  Answer (const Answer &) = delete;
  Answer (Answer &&other) noexcept : status (other.status), text (other.text), reason (other.reason), message (other.message), warnings (other.warnings), object (other.object), list (other.list)
  {
    other.object = nullptr;
    other.list = nullptr;
  }
  ~Answer ()
  {
    g_clear_pointer (&object, kube_object_unref);
    g_clear_pointer (&list, kube_object_list_unref);
  }
  std::string at (const char *path) const
  {
    const char *found = object != nullptr ? kube_object_get_string (object, path) : nullptr;
    return found != nullptr ? found : "";
  }
};

class Server : public testing::Test {
protected:
  virtual KubeStore *make_store () { return kube_store_memory_new (); }
  void SetUp () override
  {
    static const char *const masters[] = { "system:masters", nullptr };
    g_autoptr (GError) error = nullptr;
    store = make_store ();
    clock = kube_virtual_clock_new (G_GINT64_CONSTANT (1767225600) * G_USEC_PER_SEC);
    KubeServerOptions options = {};
    options.clock = KUBE_CLOCK (clock);
    server = kube_server_new (store, &options, &error);
    ASSERT_NE (server, nullptr) << error->message;
    client = kube_local_client_new (server, "admin", masters);
    create ("ServiceAccount", "{\"metadata\":{\"name\":\"default\"}}");
  }
  void TearDown () override
  {
    g_clear_object (&client);
    g_clear_object (&server);
    g_clear_object (&store);
    g_clear_object (&clock);
  }

  Answer send (KubeRequest *request)
  {
    g_autoptr (GError) error = nullptr;
    g_autoptr (KubeResponse) response = kube_client_send (client, request, nullptr, &error);
    Answer answer;
    if (response == nullptr) {
      answer.status = kube_error_get_http_status (error);
      answer.reason = kube_error_get_reason (static_cast<KubeError> (error->code));
      answer.message = error->message;
      if (const char *token = kube_error_get_details (error) != nullptr ? kube_error_get_details (error)->continue_ : nullptr)
        answer.go_on = token;
      return answer;
    }
    answer.status = kube_response_get_http_status (response);
    for (const char *const *warning = kube_response_get_warnings (response); warning != nullptr && *warning != nullptr; warning++)
      answer.warnings += std::string (*warning) + "\n";
    if (KubeObject *object = kube_response_get_object (response))
      answer.object = kube_object_ref (object);
    if (KubeObjectList *list = kube_response_get_list (response))
      answer.list = kube_object_list_ref (list);
    if (GBytes *body = kube_response_get_body (response))
      answer.text.assign (static_cast<const char *> (g_bytes_get_data (body, nullptr)), g_bytes_get_size (body));
    return answer;
  }

  static KubeKind *kind_of (const char *name)
  {
    static const std::map<std::string, const char *> versions = {
      { "Deployment", "apps/v1" }, { "StatefulSet", "apps/v1" }, { "Job", "batch/v1" }, { "CronJob", "batch/v1" }, { "EndpointSlice", "discovery.k8s.io/v1" }, { "RuntimeClass", "node.k8s.io/v1" },
      { "PodDisruptionBudget", "policy/v1" }, { "Lease", "coordination.k8s.io/v1" }, { "VolumeAttachment", "storage.k8s.io/v1" },
      { "CSIDriver", "storage.k8s.io/v1" }, { "MutatingAdmissionPolicy", "admissionregistration.k8s.io/v1" }, { "ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1" }, { "PriorityLevelConfiguration", "flowcontrol.apiserver.k8s.io/v1" },
      { "ServiceCIDR", "networking.k8s.io/v1" }, { "APIService", "apiregistration.k8s.io/v1" }, { "CustomResourceDefinition", "apiextensions.k8s.io/v1" },
    };
    auto found = versions.find (name);
    return KUBE_KIND (found != versions.end () ? found->second : "v1", name);
  }

  Answer create (const char *kind, const std::string &json, const char *option = nullptr, const char *value = nullptr)
  {
    g_autoptr (KubeObject) object = kube_object_parse (json.c_str (), -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_CREATE, kind_of (kind), kube_kind_is_namespaced (kind_of (kind)) ? "default" : nullptr, nullptr);
    kube_request_set_object (request, object);
    if (option != nullptr)
      kube_request_set_option (request, option, value);
    return send (request);
  }

  Answer get (const char *kind, const char *name)
  {
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_GET, kind_of (kind), kube_kind_is_namespaced (kind_of (kind)) ? "default" : nullptr, name);
    return send (request);
  }

  Answer patch (const char *kind, const char *name, const char *json, const char *subresource = nullptr)
  {
    g_autoptr (KubeValue) value = kube_value_parse (json, -1, nullptr);
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_PATCH, kind_of (kind), kube_kind_is_namespaced (kind_of (kind)) ? "default" : nullptr, name);
    kube_request_set_patch (request, KUBE_PATCH_MERGE, value);
    if (subresource != nullptr)
      kube_request_set_subresource (request, subresource);
    return send (request);
  }

  Answer update (const char *kind, const char *name, KubeObject *object, const char *subresource = nullptr)
  {
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_UPDATE, kind_of (kind), kube_kind_is_namespaced (kind_of (kind)) ? "default" : nullptr, name);
    kube_request_set_object (request, object);
    if (subresource != nullptr)
      kube_request_set_subresource (request, subresource);
    return send (request);
  }

  Answer remove (const char *kind, const char *name, gint64 grace = -1, const char *propagation = nullptr)
  {
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_DELETE, kind_of (kind), kube_kind_is_namespaced (kind_of (kind)) ? "default" : nullptr, name);
    kube_request_set_delete_options (request, grace, propagation, nullptr, nullptr);
    return send (request);
  }

  Answer list (const char *kind, const std::vector<std::pair<const char *, const char *>> &options = {})
  {
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_LIST, kind_of (kind), kube_kind_is_namespaced (kind_of (kind)) ? "default" : nullptr, nullptr);
    for (auto &option : options)
      kube_request_set_option (request, option.first, option.second);
    return send (request);
  }

  Answer raw (const char *path)
  {
    g_autoptr (KubeRequest) request = kube_request_new_raw ("GET", path);
    return send (request);
  }

  static std::string config_map (const char *name, const char *labels = "{}")
  {
    return std::string ("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"") + name + "\",\"labels\":" + labels + "},\"data\":{\"k\":\"v\"}}";
  }

  static std::string pod (const char *name, const char *extra = "")
  {
    return std::string ("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"") + name + "\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]" + extra + "}}";
  }

  KubeStore *store = nullptr;
  KubeVirtualClock *clock = nullptr;
  KubeServer *server = nullptr;
  KubeClient *client = nullptr;
};
