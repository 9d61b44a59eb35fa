/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <string>

extern "C" {
#include "kube-request-info.h"
}

namespace {

struct Case {
  const char *method, *path, *watch, *fields;
  const char *want; /* verb group/version namespace resource/subresource name; "-" for what is no resource */
};

std::string
describe (const Case &c)
{
  g_auto (KubeRequestInfo) info;
  kube_request_info_init (&info, c.method, c.path, c.watch, c.fields, kube_scheme_get_default ());
  if (!info.is_resource)
    return std::string (info.verb) + " -";
  return std::string (info.verb) + " " + info.group + "/" + info.version + " " + info.namespace_ + " " + info.resource + "/" + info.subresource + " " + info.name;
}

class RequestInfo : public testing::TestWithParam<Case> {
};

TEST_P (RequestInfo, IsWhatUpstreamMakesOfIt)
{
  EXPECT_EQ (describe (GetParam ()), GetParam ().want) << GetParam ().method << " " << GetParam ().path;
}

const Case cases[] = {
  { "GET", "/", nullptr, nullptr, "get -" },
  { "GET", "/api", nullptr, nullptr, "get -" },
  { "POST", "/api/v1", nullptr, nullptr, "post -" },
  { "BREW", "/healthz", nullptr, nullptr, "brew -" },
  { "BREW", "/api/v1/pods", nullptr, nullptr, " /v1  pods/ " },
  { "GET", "/apis/apps/v1", nullptr, nullptr, "get -" },
  { "GET", "/healthz/ping", nullptr, nullptr, "get -" },
  { "GET", "/api/v1/pods", nullptr, nullptr, "list /v1  pods/ " },
  { "GET", "/api/v1/pods", "true", nullptr, "watch /v1  pods/ " },
  { "GET", "/api/v1/pods", "0", nullptr, "list /v1  pods/ " },
  { "GET", "/api/v1/watch/namespaces/a/pods", nullptr, nullptr, "watch /v1 a pods/ " },
  { "GET", "/api/v1/namespaces", nullptr, nullptr, "list /v1  namespaces/ " },
  { "GET", "/api/v1/namespaces/a", nullptr, nullptr, "get /v1 a namespaces/ a" },
  { "PUT", "/api/v1/namespaces/a/finalize", nullptr, nullptr, "update /v1 a namespaces/finalize a" },
  { "GET", "/api/v1/namespaces/a/pods/b", nullptr, nullptr, "get /v1 a pods/ b" },
  { "GET", "/api/v1/namespaces/a/pods/b/log", nullptr, nullptr, "get /v1 a pods/log b" },
  { "DELETE", "/api/v1/namespaces/a/pods", nullptr, nullptr, "deletecollection /v1 a pods/ " },
  { "DELETE", "/api/v1/namespaces/a/pods/b", nullptr, nullptr, "delete /v1 a pods/ b" },
  { "PATCH", "/apis/apps/v1/namespaces/a/deployments/b/scale", nullptr, nullptr, "patch apps/v1 a deployments/scale b" },
  { "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node", nullptr, nullptr, "get rbac.authorization.k8s.io/v1  clusterroles/ system:node" },
  { "GET", "/api/v1/nodes", nullptr, "metadata.name=n", "list /v1  nodes/ n" },
  { "GET", "/api/v1/pods", nullptr, "spec.nodeName=n", "list /v1  pods/ " },
};

INSTANTIATE_TEST_SUITE_P (Paths, RequestInfo, testing::ValuesIn (cases));

}
