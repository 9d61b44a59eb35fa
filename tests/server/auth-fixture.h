/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>
#include <kube/kube-certificates.h>
#include "auth/kube-auth-private.h"
#include "kube-storage.h"

/* A store with objects that the test puts there itself, and a KubeAuth over it, on a virtual clock. */
class AuthTest : public testing::Test {
protected:
  void SetUp () override;
  void TearDown () override;
  /* @json: a whole object, stored as it is */
  void put (const char *json);
  void put (KubeObject *object);
  void remove (const char *api_version, const char *kind, const char *namespace_, const char *name);
  void put_bootstrap_policy ();
  static KubeObject *object (const char *json);

  KubeStore *store = nullptr;
  KubeHub *hub = nullptr;
  KubeScheme *scheme = nullptr;
  KubeVirtualClock *clock = nullptr;
  KubeAuth *auth = nullptr;
};

/* What may be asked of an authorizer; "" where absent. */
struct Ask {
  std::string verb, group, resource, namespace_, name, subresource, path;
  KubeRequestInfo info () const;
};

KubeUser *make_user (const char *name, std::vector<const char *> groups);

/* A call that is nothing but its headers and its client certificate. */
KubeCall *make_call (std::vector<std::pair<std::string, std::string>> headers, KubeUser *peer = NULL, const char *peer_error = NULL);
