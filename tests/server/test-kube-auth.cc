/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth-fixture.h"

#include <future>

namespace {

#define RBAC "rbac.authorization.k8s.io"

class KubeAuthTest : public AuthTest {
protected:
  void SetUp () override
  {
    AuthTest::SetUp ();
    put_bootstrap_policy ();
    ASSERT_TRUE (kube_auth_start (auth, NULL));
  }

  bool may (KubeUser *user, const Ask &ask, std::string *reason = nullptr)
  {
    KubeRequestInfo info = ask.info ();
    g_autofree char *text = NULL;
    bool allowed = kube_auth_authorize (auth, user, &info, &text);
    if (reason != nullptr)
      *reason = text != NULL ? text : "";
    return allowed;
  }

  KubeUser *authenticate (KubeCall *call, GError **error)
  {
    KubeRequestInfo info = Ask { "get", "", "", "", "", "", "/api" }.info ();
    KubeUser *user = kube_auth_authenticate (auth, call, &info, error);
    g_object_unref (call);
    return user;
  }
};

TEST_F (KubeAuthTest, WithoutCredentialsOneIsAnonymous)
{
  g_autoptr (KubeUser) user = authenticate (make_call ({}), NULL);
  EXPECT_STREQ (user->name, "system:anonymous");
  EXPECT_TRUE (kube_user_in_group (user, "system:unauthenticated"));
  EXPECT_FALSE (kube_user_in_group (user, "system:authenticated"));
}

TEST_F (KubeAuthTest, ACertificateIsAnAuthenticatedUser)
{
  g_autoptr (KubeUser) peer = make_user ("alice", { "testers" });
  g_autoptr (KubeUser) user = authenticate (make_call ({}, peer), NULL);
  EXPECT_STREQ (user->name, "alice");
  EXPECT_TRUE (kube_user_in_group (user, "testers"));
  EXPECT_TRUE (kube_user_in_group (user, "system:authenticated"));
}

TEST_F (KubeAuthTest, WrongCredentialsAreNotAnonymous)
{
  std::vector<KubeCall *> calls = {
    make_call ({ { "Authorization", "Bearer nonsense" } }),
    make_call ({}, NULL, "expired"),
    make_call ({ { "Authorization", "Bearer nonsense" } }, NULL, "expired"),
  };
  for (KubeCall *call : calls) {
    g_autoptr (GError) error = NULL;
    EXPECT_EQ (authenticate (call, &error), nullptr);
    ASSERT_NE (error, nullptr);
    EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_UNAUTHORIZED));
    EXPECT_STREQ (error->message, "Unauthorized");
  }
}

TEST_F (KubeAuthTest, ATokenMayComeAsAWebSocketProtocol)
{
  put (R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a","namespace":"n","uid":"u"}})");
  g_autoptr (KubeObject) account = object (R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a","namespace":"n","uid":"u"}})");
  g_autoptr (KubeObject) request = object (R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}})");
  g_autoptr (KubeObject) answer = kube_auth_create_token (auth, account, request, NULL, NULL);
  const char *token = kube_object_get_string (answer, "status.token");
  g_autofree char *encoded = g_base64_encode ((const guchar *) token, strlen (token));
  std::string text = encoded;
  for (char &c : text)
    c = c == '+' ? '-' : c == '/' ? '_' : c;
  while (!text.empty () && text.back () == '=')
    text.pop_back ();
  g_autoptr (KubeUser) user = authenticate (make_call ({ { "Sec-WebSocket-Protocol", "base64url.bearer.authorization.k8s.io." + text + ", v5.channel.k8s.io" } }), NULL);
  ASSERT_NE (user, nullptr);
  EXPECT_STREQ (user->name, "system:serviceaccount:n:a");
}

TEST_F (KubeAuthTest, BootstrapPolicyAllowsWhatUpstreamsAllows)
{
  g_autoptr (KubeUser) anonymous = make_user ("system:anonymous", { "system:unauthenticated" });
  g_autoptr (KubeUser) jo = make_user ("jo", { "system:authenticated" });
  g_autoptr (KubeUser) proxy = make_user ("system:kube-proxy", {});
  g_autoptr (KubeUser) scheduler = make_user ("system:kube-scheduler", { "system:authenticated" });
  g_autoptr (KubeUser) deployer = make_user ("system:serviceaccount:kube-system:deployment-controller", { "system:serviceaccounts" });
  struct { KubeUser *user; Ask ask; bool allowed; } cases[] = {
    { anonymous, { "get", "", "", "", "", "", "/healthz" }, true },
    { anonymous, { "get", "", "", "", "", "", "/version" }, true },
    { anonymous, { "get", "", "", "", "", "", "/livez/ping" }, false },
    { anonymous, { "get", "", "", "", "", "", "/api" }, false },
    { anonymous, { "get", "", "pods", "oracle", "", "", "" }, false },
    { jo, { "get", "", "", "", "", "", "/api" }, true },
    { jo, { "get", "", "", "", "", "", "/apis/apps/v1" }, true },
    { jo, { "get", "", "", "", "", "", "/metrics" }, false },
    { jo, { "create", "authorization.k8s.io", "selfsubjectaccessreviews", "", "", "", "" }, true },
    { jo, { "list", "", "secrets", "oracle", "", "", "" }, false },
    { proxy, { "watch", "discovery.k8s.io", "endpointslices", "oracle", "", "", "" }, true },
    { proxy, { "list", "", "pods", "oracle", "", "", "" }, false },
    { proxy, { "get", "", "nodes", "", "a", "", "" }, true },
    { proxy, { "get", "", "nodes", "", "a", "status", "" }, false },
    { scheduler, { "update", "coordination.k8s.io", "leases", "kube-system", "kube-scheduler", "", "" }, true },
    { scheduler, { "update", "coordination.k8s.io", "leases", "kube-system", "another", "", "" }, true },
    { scheduler, { "update", "coordination.k8s.io", "leases", "default", "another", "", "" }, false },
    { deployer, { "create", "apps", "replicasets", "x", "", "", "" }, true },
    { deployer, { "create", "", "pods", "x", "", "", "" }, false },
  };
  for (auto &c : cases)
    EXPECT_EQ (may (c.user, c.ask), c.allowed) << c.user->name << " " << c.ask.verb << " " << c.ask.resource << c.ask.path;
}

TEST_F (KubeAuthTest, MastersMayDoAnything)
{
  g_autoptr (KubeUser) master = make_user ("admin", { "system:masters" });
  EXPECT_TRUE (may (master, { "anything", "any.group", "things", "x", "y", "z", "" }));
}

TEST_F (KubeAuthTest, AWriteIsEffectiveAtOnceWithoutAMainLoop)
{
  g_autoptr (KubeUser) jo = make_user ("jo", {});
  Ask ask = { "list", "", "pods", "web", "", "", "" };
  for (int i = 0; i < 3; i++) {
    EXPECT_FALSE (may (jo, ask));
    put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"reader","namespace":"web"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}]})");
    EXPECT_FALSE (may (jo, ask));
    put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"jo","namespace":"web"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"reader"},"subjects":[{"kind":"User","name":"jo"}]})");
    std::string reason;
    EXPECT_TRUE (may (jo, ask, &reason));
    EXPECT_EQ (reason, "RBAC: allowed by RoleBinding \"jo/web\" of Role \"reader\" to User \"jo\"");
    EXPECT_FALSE (may (jo, { "list", "", "pods", "other", "", "", "" }));
    EXPECT_FALSE (may (jo, { "list", "", "pods", "", "", "", "" }));
    remove (RBAC "/v1", "Role", "web", "reader");
    EXPECT_FALSE (may (jo, ask));
    remove (RBAC "/v1", "RoleBinding", "web", "jo");
  }
}

TEST_F (KubeAuthTest, AWriteIsEffectiveOnOtherThreadsToo)
{
  put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]})");
  for (int i = 0; i < 200; i++) {
    put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},"subjects":[{"kind":"ServiceAccount","name":"s","namespace":"n"}]})");
    auto ask = [this] {
      g_autoptr (KubeUser) user = make_user ("system:serviceaccount:n:s", {});
      return may (user, { "get", "", "pods", "x", "", "", "" });
    };
    auto one = std::async (std::launch::async, ask), two = std::async (std::launch::async, ask);
    EXPECT_TRUE (one.get ());
    EXPECT_TRUE (two.get ());
    remove (RBAC "/v1", "ClusterRoleBinding", NULL, "b");
    auto three = std::async (std::launch::async, ask);
    EXPECT_FALSE (three.get ());
  }
}

TEST_F (KubeAuthTest, ReasonsNameBindingRoleAndSubject)
{
  g_autoptr (KubeUser) account = make_user ("system:serviceaccount:kube-system:kube-dns", {});
  std::string reason;
  EXPECT_TRUE (may (account, { "list", "", "services", "", "", "", "" }, &reason));
  EXPECT_EQ (reason, "RBAC: allowed by ClusterRoleBinding \"system:kube-dns\" of ClusterRole \"system:kube-dns\" to ServiceAccount \"kube-dns/kube-system\"");
}

TEST_F (KubeAuthTest, RulesMatchAsUpstreamMatchesThem)
{
  put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"r"},"rules":[
    {"apiGroups":[""],"resources":["pods/log"],"verbs":["get"]},
    {"apiGroups":["*"],"resources":["*/scale"],"verbs":["update"]},
    {"apiGroups":[""],"resources":["configmaps"],"resourceNames":["one"],"verbs":["get","create"]},
    {"nonResourceURLs":["/logs/*"],"verbs":["get"]}]})");
  put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"r"},"subjects":[{"kind":"Group","name":"g"}]})");
  g_autoptr (KubeUser) user = make_user ("u", { "g" });
  EXPECT_TRUE (may (user, { "get", "", "pods", "x", "p", "log", "" }));
  EXPECT_FALSE (may (user, { "get", "", "pods", "x", "p", "", "" }));
  EXPECT_FALSE (may (user, { "get", "", "podsx", "x", "p", "log", "" }));
  EXPECT_TRUE (may (user, { "update", "apps", "deployments", "x", "d", "scale", "" }));
  EXPECT_FALSE (may (user, { "update", "apps", "deployments", "x", "d", "status", "" }));
  EXPECT_TRUE (may (user, { "get", "", "configmaps", "x", "one", "", "" }));
  EXPECT_FALSE (may (user, { "get", "", "configmaps", "x", "two", "", "" }));
  EXPECT_FALSE (may (user, { "create", "", "configmaps", "x", "", "", "" }));
  EXPECT_TRUE (may (user, { "get", "", "", "", "", "", "/logs/a/b" }));
  EXPECT_FALSE (may (user, { "get", "", "", "", "", "", "/logs" }));
}

TEST_F (KubeAuthTest, RefusalsAreWordedAsUpstreamWordsThem)
{
  g_autoptr (KubeUser) user = make_user ("system:kube-proxy", {});
  struct { Ask ask; const char *message; } cases[] = {
    { { "list", "", "pods", "oracle", "", "", "" },
      "pods is forbidden: User \"system:kube-proxy\" cannot list resource \"pods\" in API group \"\" in the namespace \"oracle\"" },
    { { "list", "apps", "deployments", "", "", "", "" },
      "deployments.apps is forbidden: User \"system:kube-proxy\" cannot list resource \"deployments\" in API group \"apps\" at the cluster scope" },
    { { "delete", "", "configmaps", "oracle", "nosuch", "", "" },
      "configmaps \"nosuch\" is forbidden: User \"system:kube-proxy\" cannot delete resource \"configmaps\" in API group \"\" in the namespace \"oracle\"" },
    { { "get", "", "pods", "x", "p", "log", "" },
      "pods \"p\" is forbidden: User \"system:kube-proxy\" cannot get resource \"pods/log\" in API group \"\" in the namespace \"x\"" },
    { { "get", "", "", "", "", "", "/metrics-not" }, "forbidden: User \"system:kube-proxy\" cannot get path \"/metrics-not\"" },
  };
  for (auto &c : cases) {
    KubeRequestInfo info = c.ask.info ();
    g_autoptr (GError) error = kube_auth_forbidden (user, &info, NULL);
    EXPECT_STREQ (error->message, c.message);
    EXPECT_EQ (error->code, KUBE_ERROR_FORBIDDEN);
  }
}

TEST_F (KubeAuthTest, ImpersonationNeedsPermissionAndGivesTheOther)
{
  g_autoptr (KubeUser) master = make_user ("admin", { "system:masters" });
  g_autoptr (KubeUser) jo = make_user ("jo", {});
  g_autoptr (KubeUser) user = authenticate (make_call ({ { "Impersonate-User", "ann" }, { "Impersonate-Group", "a" }, { "Impersonate-Group", "b" },
                                                         { "Impersonate-Extra-Acme.Com%2fScope", "x" }, { "Impersonate-Uid", "7" } }, master), NULL);
  ASSERT_NE (user, nullptr);
  EXPECT_STREQ (user->name, "ann");
  EXPECT_STREQ (user->uid, "7");
  ASSERT_EQ (g_strv_length (user->groups), 3u);
  EXPECT_STREQ (user->groups[0], "a");
  EXPECT_STREQ (user->groups[1], "b");
  EXPECT_STREQ (user->groups[2], "system:authenticated");
  EXPECT_STREQ (kube_value_peek_string (kube_value_get_element (kube_value_get_member (user->extra, "acme.com/scope"), 0), NULL), "x");
  EXPECT_FALSE (kube_user_in_group (user, "system:masters"));

  g_autoptr (GError) error = NULL;
  EXPECT_EQ (authenticate (make_call ({ { "Impersonate-User", "ann" } }, jo), &error), nullptr);
  ASSERT_NE (error, nullptr);
  EXPECT_STREQ (error->message, "users \"ann\" is forbidden: User \"jo\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope");
}

TEST_F (KubeAuthTest, AnImpersonatedServiceAccountHasItsGroups)
{
  g_autoptr (KubeUser) master = make_user ("admin", { "system:masters" });
  g_autoptr (KubeUser) user = authenticate (make_call ({ { "Impersonate-User", "system:serviceaccount:n:s" } }, master), NULL);
  EXPECT_TRUE (kube_user_in_group (user, "system:serviceaccounts"));
  EXPECT_TRUE (kube_user_in_group (user, "system:serviceaccounts:n"));
  g_autoptr (KubeUser) nobody = authenticate (make_call ({ { "Impersonate-User", "system:anonymous" } }, master), NULL);
  EXPECT_TRUE (kube_user_in_group (nobody, "system:unauthenticated"));
  EXPECT_FALSE (kube_user_in_group (nobody, "system:authenticated"));
}

TEST_F (KubeAuthTest, GroupsAloneCannotBeImpersonated)
{
  g_autoptr (KubeUser) master = make_user ("admin", { "system:masters" });
  g_autoptr (GError) error = NULL;
  EXPECT_EQ (authenticate (make_call ({ { "Impersonate-Group", "system:masters" } }, master), &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INTERNAL));
}

TEST_F (KubeAuthTest, NodesMayTouchWhatIsTheirsAndNothingElse)
{
  put (R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"mine","namespace":"n"},"spec":{"nodeName":"n1","serviceAccountName":"sa","imagePullSecrets":[{"name":"pull"}],
    "volumes":[{"name":"a","secret":{"secretName":"vol"}},{"name":"b","projected":{"sources":[{"secret":{"name":"proj"}},{"configMap":{"name":"cm"}}]}},{"name":"c","persistentVolumeClaim":{"claimName":"claim"}}],
    "containers":[{"name":"c","env":[{"name":"X","valueFrom":{"secretKeyRef":{"name":"env","key":"k"}}}],"envFrom":[{"configMapRef":{"name":"all"}}]}]}})");
  put (R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"other","namespace":"n"},"spec":{"nodeName":"n2","volumes":[{"name":"a","secret":{"secretName":"others"}}]}})");
  put (R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"mirror","namespace":"n","annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"n1","volumes":[{"name":"a","secret":{"secretName":"mirrored"}}]}})");
  put (R"({"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"pv"},"spec":{"claimRef":{"namespace":"n","name":"claim"}}})");
  put (R"({"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"pv2"},"spec":{"claimRef":{"namespace":"n","name":"another"}}})");
  g_autoptr (KubeUser) node = make_user ("system:node:n1", { "system:nodes" });
  struct { Ask ask; bool allowed; } cases[] = {
    { { "get", "", "secrets", "n", "vol", "", "" }, true },     { { "watch", "", "secrets", "n", "proj", "", "" }, true },
    { { "get", "", "secrets", "n", "env", "", "" }, true },     { { "get", "", "secrets", "n", "pull", "", "" }, true },
    { { "get", "", "secrets", "n", "others", "", "" }, false }, { { "get", "", "secrets", "n", "mirrored", "", "" }, false },
    { { "list", "", "secrets", "n", "", "", "" }, false },      { { "list", "", "secrets", "", "", "", "" }, false },
    { { "get", "", "secrets", "x", "vol", "", "" }, false },    { { "get", "", "configmaps", "n", "cm", "", "" }, true },
    { { "get", "", "configmaps", "n", "all", "", "" }, true },  { { "get", "", "configmaps", "n", "vol", "", "" }, false },
    { { "get", "", "persistentvolumeclaims", "n", "claim", "", "" }, true }, { { "get", "", "persistentvolumes", "", "pv", "", "" }, true },
    { { "get", "", "persistentvolumes", "", "pv2", "", "" }, false }, { { "create", "", "serviceaccounts", "n", "sa", "token", "" }, true },
    { { "create", "", "serviceaccounts", "n", "admin", "token", "" }, false }, { { "get", "", "nodes", "", "n1", "", "" }, true },
    { { "get", "", "nodes", "", "n2", "", "" }, false },        { { "create", "", "nodes", "", "", "", "" }, true },
    { { "patch", "", "nodes", "", "n2", "status", "" }, false }, { { "list", "", "nodes", "", "", "", "" }, false },
    { { "update", "coordination.k8s.io", "leases", "kube-node-lease", "n1", "", "" }, true },
    { { "update", "coordination.k8s.io", "leases", "kube-node-lease", "n2", "", "" }, false },
    { { "update", "coordination.k8s.io", "leases", "kube-system", "n1", "", "" }, false },
    { { "get", "", "pods", "n", "mine", "", "" }, true },       { { "get", "", "pods", "n", "other", "", "" }, false },
    { { "patch", "", "pods", "n", "mine", "status", "" }, true }, { { "patch", "", "pods", "n", "other", "status", "" }, false },
    { { "delete", "", "pods", "n", "other", "", "" }, false },  { { "list", "", "pods", "", "", "", "" }, false },
    { { "list", "", "services", "", "", "", "" }, true },       { { "create", "", "events", "n", "", "", "" }, true },
    { { "delete", "", "nodes", "", "n1", "", "" }, false },
  };
  for (auto &c : cases)
    EXPECT_EQ (may (node, c.ask), c.allowed) << c.ask.verb << " " << c.ask.resource << " " << c.ask.name << " " << c.ask.subresource;
  std::string reason;
  may (node, { "get", "", "secrets", "n", "others", "", "" }, &reason);
  EXPECT_EQ (reason, "no relationship found between node 'n1' and this object");
  Ask mine = { "list", "", "pods", "", "", "", "" };
  KubeRequestInfo info = mine.info ();
  info.field_selector = (char *) "status.phase!=Failed,spec.nodeName=n1";
  EXPECT_TRUE (kube_auth_authorize (auth, node, &info, NULL));
  info.field_selector = (char *) "spec.nodeName=n2";
  EXPECT_FALSE (kube_auth_authorize (auth, node, &info, NULL));
  g_autoptr (KubeUser) pretender = make_user ("system:node:n1", {});
  EXPECT_FALSE (may (pretender, { "get", "", "nodes", "", "n1", "", "" }));
}

class KubeEscalationTest : public KubeAuthTest {
protected:
  void SetUp () override
  {
    KubeAuthTest::SetUp ();
    put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"some","namespace":"n"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]},{"apiGroups":["apps"],"resources":["*"],"verbs":["*"]}]})");
    put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"jo","namespace":"n"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"some"},"subjects":[{"kind":"User","name":"jo"}]})");
    jo = make_user ("jo", { "devs", "system:authenticated" });
  }
  void TearDown () override
  {
    kube_user_unref (jo);
    KubeAuthTest::TearDown ();
  }
  /* "" where it is allowed */
  std::string check (const char *json, const char *resource)
  {
    g_autoptr (KubeObject) o = object (json);
    g_autoptr (GError) error = NULL;
    Ask ask = { "create", RBAC, resource, "n", "", "", "" };
    KubeRequestInfo info = ask.info ();
    return kube_auth_check_escalation (auth, jo, &info, NULL, o, &error) ? "" : error->message;
  }
  KubeUser *jo;
};

TEST_F (KubeEscalationTest, WhatOneHasOneMayGive)
{
  EXPECT_EQ (check (R"({"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]},{"apiGroups":["apps"],"resources":["deployments","replicasets"],"verbs":["create","*"]}]})", "roles"), "");
}

TEST_F (KubeEscalationTest, WhatOneHasNotOneMayNotGive)
{
  EXPECT_EQ (check (R"({"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get","delete","*"]},{"apiGroups":[""],"resources":["secrets"],"resourceNames":["a"],"verbs":["get"]}]})", "roles"),
             "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"jo\" (groups=[\"devs\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n"
             "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\" \"*\"]}\n"
             "{APIGroups:[\"\"], Resources:[\"secrets\"], ResourceNames:[\"a\"], Verbs:[\"get\"]}");
}

TEST_F (KubeEscalationTest, BindingsAreCheckedByTheirRole)
{
  const char *format = R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"%s","name":"%s"},"subjects":[{"kind":"User","name":"jo"}]})";
  g_autofree char *own = g_strdup_printf (format, "Role", "some");
  g_autofree char *all = g_strdup_printf (format, "ClusterRole", "cluster-admin");
  g_autofree char *none = g_strdup_printf (format, "Role", "nosuch");
  EXPECT_EQ (check (own, "rolebindings"), "");
  EXPECT_NE (check (all, "rolebindings").find ("{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}"), std::string::npos);
  EXPECT_EQ (check (none, "rolebindings"), "roles.rbac.authorization.k8s.io \"nosuch\" not found");
}

TEST_F (KubeEscalationTest, TheVerbsEscalateAndBindLiftIt)
{
  put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"lift","namespace":"n"},"rules":[{"apiGroups":["rbac.authorization.k8s.io"],"resources":["roles","clusterroles"],"verbs":["escalate","bind"]}]})");
  put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"name":"lift","namespace":"n"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"lift"},"subjects":[{"kind":"User","name":"jo"}]})");
  EXPECT_EQ (check (R"({"metadata":{"name":"r"},"rules":[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]})", "roles"), "");
  EXPECT_EQ (check (R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"cluster-admin"}})", "rolebindings"), "");
}

TEST_F (KubeAuthTest, AccessReviewsAnswerForOthers)
{
  g_autoptr (KubeUser) admin = make_user ("admin", { "system:masters" });
  g_autoptr (KubeObject) review = object (R"({"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"system:kube-proxy","resourceAttributes":{"verb":"watch","group":"discovery.k8s.io","resource":"endpointslices","namespace":"oracle"}}})");
  g_autoptr (KubeObject) answer = kube_auth_review_access (auth, admin, review);
  EXPECT_TRUE (kube_object_get_boolean (answer, "status.allowed", FALSE));
  EXPECT_STREQ (kube_object_get_string (answer, "status.reason"), "RBAC: allowed by ClusterRoleBinding \"system:node-proxier\" of ClusterRole \"system:node-proxier\" to User \"system:kube-proxy\"");
  g_autoptr (KubeObject) denied = object (R"({"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"jo","resourceAttributes":{"verb":"get","resource":"pods","namespace":"oracle"}}})");
  g_autoptr (KubeObject) no = kube_auth_review_access (auth, admin, denied);
  EXPECT_FALSE (kube_object_get_boolean (no, "status.allowed", TRUE));
  EXPECT_EQ (kube_object_get (no, "status.reason"), nullptr);
}

TEST_F (KubeAuthTest, RulesReviewsListWhatOneHolds)
{
  g_autoptr (KubeUser) jo = make_user ("jo", { "system:authenticated" });
  g_autoptr (KubeObject) review = object (R"({"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","spec":{"namespace":"default"}})");
  g_autoptr (KubeObject) answer = kube_auth_review_rules (auth, jo, review, NULL);
  g_autofree char *text = kube_value_print (kube_object_get (answer, "status"), NULL);
  EXPECT_NE (strstr (text, "selfsubjectrulesreviews"), nullptr) << text;
  EXPECT_NE (strstr (text, "/openapi/*"), nullptr) << text;
  EXPECT_FALSE (kube_object_get_boolean (answer, "status.incomplete", TRUE));
}

TEST_F (KubeAuthTest, ReconcilingAddsWhatIsMissingAndLeavesTheRest)
{
  g_autoptr (GPtrArray) policy = kube_auth_get_bootstrap_policy ();
  KubeObject *expected = NULL;
  for (guint i = 0; i < policy->len; i++) {
    KubeObject *o = (KubeObject *) g_ptr_array_index (policy, i);
    if (g_str_equal (kube_object_get_name (o), "system:basic-user") && g_str_equal (kube_object_get_kind (o), "ClusterRole"))
      expected = o;
  }
  ASSERT_NE (expected, nullptr);
  EXPECT_EQ (kube_auth_reconcile_policy (expected, expected), nullptr);
  g_autoptr (KubeObject) stored = object (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"system:basic-user","uid":"u","labels":{"mine":"1"}},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["x"]}]})");
  g_autoptr (KubeObject) changed = kube_auth_reconcile_policy (stored, expected);
  ASSERT_NE (changed, nullptr);
  EXPECT_EQ (kube_value_get_length (kube_object_get (changed, "rules")), 3u);
  EXPECT_STREQ (kube_object_get_uid (changed), "u");
  EXPECT_STREQ (kube_object_get_label (changed, "mine"), "1");
  EXPECT_STREQ (kube_object_get_label (changed, "kubernetes.io/bootstrapping"), "rbac-defaults");
  g_autoptr (KubeObject) off = object (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"system:basic-user","annotations":{"rbac.authorization.kubernetes.io/autoupdate":"false"}},"rules":[]})");
  EXPECT_EQ (kube_auth_reconcile_policy (off, expected), nullptr);
}

TEST (KubeServiceAccountName, IsSplitStrictly)
{
  g_autofree char *namespace_ = NULL, *name = NULL;
  EXPECT_TRUE (kube_service_account_parse ("system:serviceaccount:a:b", &namespace_, &name));
  EXPECT_STREQ (namespace_, "a");
  EXPECT_STREQ (name, "b");
  for (const char *bad : { "system:serviceaccount:a", "system:serviceaccount:a:b:c", "system:serviceaccount::b", "system:serviceaccount:a:", "jo" }) {
    char *x = NULL, *y = NULL;
    EXPECT_FALSE (kube_service_account_parse (bad, &x, &y)) << bad;
  }
}

}
