/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "auth-fixture.h"
#include "kube-admission.h"

namespace {

class KubeAdmissionTest : public AuthTest {
protected:
  void SetUp () override
  {
    AuthTest::SetUp ();
    ASSERT_TRUE (kube_auth_start (auth, NULL));
    put (R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"},"status":{"phase":"Active"}})");
    put (R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":"n","uid":"u"}})");
    master = make_user ("admin", { "system:masters" });
    warnings = g_ptr_array_new_with_free_func (g_free);
  }
  void TearDown () override
  {
    kube_user_unref (master);
    g_ptr_array_unref (warnings);
    g_clear_error (&error);
    AuthTest::TearDown ();
  }

  /* The object after mutation and validation; NULL with `error`. */
  KubeObject *admit (const Ask &ask, const char *json, KubeObject *old = NULL, KubeAdmitOperation operation = KUBE_ADMIT_CREATE)
  {
    KubeRequestInfo info = ask.info ();
    g_autoptr (KubeObject) given = json != NULL ? object (json) : NULL;
    g_autoptr (KubeBuilder) builder = given != NULL ? kube_builder_new (kube_object_get_value (given)) : NULL;
    g_autoptr (KubeObject) final = NULL;
    KubeAdmission admission = {};
    admission.store = store;
    admission.scheme = scheme;
    admission.auth = auth;
    admission.clock = KUBE_CLOCK (clock);
    admission.operation = operation;
    admission.info = &info;
    admission.user = master;
    admission.old = old;
    admission.object = builder;
    admission.warnings = warnings;
    g_clear_error (&error);
    if (!kube_admission_mutate (&admission, &error))
      return NULL;
    final = builder != NULL ? kube_object_new_from_builder (builder) : NULL;
    admission.object = NULL;
    admission.final = final;
    if (!kube_admission_validate (&admission, &error))
      return NULL;
    return (KubeObject *) g_steal_pointer (&final);
  }

  std::string message () { return error != NULL ? error->message : ""; }

  static constexpr const char *POD = R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}],"initContainers":[{"name":"a","image":"i"}]}})";
  const Ask pods = { "create", "", "pods", "n", "", "", "" };
  KubeUser *master;
  GPtrArray *warnings;
  GError *error = NULL;
};

TEST_F (KubeAdmissionTest, WhatIsRememberedOfTheStoreIsNeverOld)
{
  KubeStorageCache *cache = kube_storage_cache_new (store, hub);
  KubeKind *kind = kube_scheme_find_kind (scheme, "v1", "Namespace");
  auto get = [&] { return kube_storage_cache_get (cache, kind, NULL, "n", NULL); };
  auto phases = [&] {
    g_autoptr (GPtrArray) listed = kube_storage_cache_list (cache, kind, NULL);
    std::string text;
    for (guint i = 0; i < listed->len; i++) {
      auto one = (KubeObject *) g_ptr_array_index (listed, i);
      text += std::string (kube_object_get_name (one)) + "=" + kube_object_get_string (one, "status.phase") + " ";
    }
    return text;
  };
  g_autoptr (KubeObject) first = get (), again = get ();
  ASSERT_NE (first, nullptr);
  EXPECT_EQ (first, again);
  EXPECT_EQ (phases (), "n=Active ");
  put (R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"m"},"status":{"phase":"Active"}})");
  g_autoptr (KubeObject) same = get ();
  EXPECT_EQ (first, same) << "what was not written is read once";
  EXPECT_EQ (phases (), "m=Active n=Active ");
  put (R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n"},"status":{"phase":"Terminating"}})");
  g_autoptr (KubeObject) changed = get ();
  EXPECT_STREQ (kube_object_get_string (changed, "status.phase"), "Terminating");
  EXPECT_EQ (phases (), "m=Active n=Terminating ");
  g_autoptr (KubeObject) absent = kube_storage_cache_get (cache, kind, NULL, "l", &error);
  EXPECT_EQ (absent, nullptr);
  EXPECT_EQ (message (), "namespaces \"l\" not found");
  kube_storage_cache_free (cache);
}

TEST_F (KubeAdmissionTest, APodGetsAccountTokenPriorityAndTolerations)
{
  g_autoptr (KubeObject) pod = admit (pods, POD);
  ASSERT_NE (pod, nullptr) << message ();
  EXPECT_STREQ (kube_object_get_string (pod, "spec.serviceAccountName"), "default");
  EXPECT_EQ (kube_object_get_integer (pod, "spec.priority", -1), 0);
  EXPECT_STREQ (kube_object_get_string (pod, "spec.preemptionPolicy"), "PreemptLowerPriority");
  EXPECT_STREQ (kube_object_get_string (pod, "spec.tolerations.0.key"), "node.kubernetes.io/not-ready");
  EXPECT_STREQ (kube_object_get_string (pod, "spec.tolerations.1.key"), "node.kubernetes.io/unreachable");
  EXPECT_EQ (kube_object_get_integer (pod, "spec.tolerations.1.tolerationSeconds", 0), 300);
  const char *volume = kube_object_get_string (pod, "spec.volumes.0.name");
  ASSERT_NE (volume, nullptr);
  EXPECT_EQ (std::string (volume).rfind ("kube-api-access-", 0), 0u);
  EXPECT_EQ (strlen (volume), strlen ("kube-api-access-") + 5);
  EXPECT_EQ (kube_object_get_integer (pod, "spec.volumes.0.projected.sources.0.serviceAccountToken.expirationSeconds", 0), 3607);
  for (const char *container : { "spec.containers.0", "spec.initContainers.0" }) {
    std::string mount = std::string (container) + ".volumeMounts.0";
    EXPECT_STREQ (kube_object_get_string (pod, (mount + ".name").c_str ()), volume);
    EXPECT_STREQ (kube_object_get_string (pod, (mount + ".mountPath").c_str ()), "/var/run/secrets/kubernetes.io/serviceaccount");
    EXPECT_TRUE (kube_object_get_boolean (pod, (mount + ".readOnly").c_str (), FALSE));
  }
}

TEST_F (KubeAdmissionTest, NoTokenIsMountedWherePodOrAccountDeclineIt)
{
  g_autoptr (KubeObject) declined = admit (pods, R"({"metadata":{"name":"p"},"spec":{"automountServiceAccountToken":false,"containers":[{"name":"c","image":"i"}]}})");
  EXPECT_EQ (kube_object_get (declined, "spec.volumes"), nullptr);
  put (R"({"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default","namespace":"n","uid":"u"},"automountServiceAccountToken":false,"imagePullSecrets":[{"name":"pull"}]})");
  g_autoptr (KubeObject) by_account = admit (pods, POD);
  EXPECT_EQ (kube_object_get (by_account, "spec.volumes"), nullptr);
  EXPECT_STREQ (kube_object_get_string (by_account, "spec.imagePullSecrets.0.name"), "pull");
  g_autoptr (KubeObject) by_pod = admit (pods, R"({"metadata":{"name":"p"},"spec":{"automountServiceAccountToken":true,"containers":[{"name":"c","image":"i"}]}})");
  EXPECT_NE (kube_object_get (by_pod, "spec.volumes"), nullptr);
}

TEST_F (KubeAdmissionTest, AMissingAccountIsAnErrorAsUpstreamWordsIt)
{
  EXPECT_EQ (admit (pods, R"({"metadata":{"name":"p"},"spec":{"serviceAccountName":"nosuch"}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: error looking up service account n/nosuch: serviceaccount \"nosuch\" not found");
}

TEST_F (KubeAdmissionTest, NothingComesIntoANamespaceThatIsNotThereOrIsGoing)
{
  Ask elsewhere = { "create", "", "configmaps", "nosuch", "", "", "" };
  EXPECT_EQ (admit (elsewhere, R"({"metadata":{"name":"c"}})"), nullptr);
  EXPECT_EQ (message (), "namespaces \"nosuch\" not found");
  put (R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"going"},"status":{"phase":"Terminating"}})");
  Ask going = { "create", "", "configmaps", "going", "", "", "" };
  EXPECT_EQ (admit (going, R"({"metadata":{"generateName":"c-"}})"), nullptr);
  EXPECT_EQ (message (), "configmaps \"c-\" is forbidden: unable to create new content in namespace going because it is being terminated");
  const KubeErrorCause *cause = (const KubeErrorCause *) g_ptr_array_index (kube_error_get_details (error)->causes, 0);
  EXPECT_STREQ (cause->reason, "NamespaceTerminating");
  EXPECT_STREQ (cause->field, "metadata.namespace");
  g_autoptr (KubeObject) old = object (R"({"metadata":{"name":"c"}})");
  g_autoptr (KubeObject) updated = admit ({ "update", "", "configmaps", "going", "c", "", "" }, R"({"metadata":{"name":"c"}})", old, KUBE_ADMIT_UPDATE);
  EXPECT_NE (updated, nullptr) << message ();
}

TEST_F (KubeAdmissionTest, TheSystemsNamespacesStay)
{
  for (const char *name : { "default", "kube-system", "kube-public" }) {
    EXPECT_EQ (admit ({ "delete", "", "namespaces", name, name, "", "" }, NULL, NULL, KUBE_ADMIT_DELETE), nullptr);
    EXPECT_EQ (message (), "namespaces \"" + std::string (name) + "\" is forbidden: this namespace may not be deleted");
  }
  admit ({ "delete", "", "namespaces", "n", "n", "", "" }, NULL, NULL, KUBE_ADMIT_DELETE);
  EXPECT_EQ (error, nullptr);
}

TEST_F (KubeAdmissionTest, PrioritiesComeFromClasses)
{
  put (R"({"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"high"},"value":1000,"preemptionPolicy":"Never"})");
  g_autoptr (KubeObject) high = admit (pods, R"({"metadata":{"name":"p"},"spec":{"priorityClassName":"high"}})");
  EXPECT_EQ (kube_object_get_integer (high, "spec.priority", 0), 1000);
  EXPECT_STREQ (kube_object_get_string (high, "spec.preemptionPolicy"), "Never");
  EXPECT_EQ (admit (pods, R"({"metadata":{"name":"p"},"spec":{"priorityClassName":"nosuch"}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: no PriorityClass with name nosuch was found");
  EXPECT_EQ (admit (pods, R"({"metadata":{"name":"p"},"spec":{"priority":70000}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: the integer value of priority (70000) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name");
  put (R"({"apiVersion":"scheduling.k8s.io/v1","kind":"PriorityClass","metadata":{"name":"usual"},"value":5,"globalDefault":true})");
  g_autoptr (KubeObject) usual = admit (pods, POD);
  EXPECT_EQ (kube_object_get_integer (usual, "spec.priority", 0), 5);
  EXPECT_STREQ (kube_object_get_string (usual, "spec.priorityClassName"), "usual");
  EXPECT_EQ (admit ({ "create", "scheduling.k8s.io", "priorityclasses", "", "", "", "" }, R"({"metadata":{"name":"again"},"globalDefault":true})"), nullptr);
  EXPECT_EQ (message (), "priorityclasses.scheduling.k8s.io \"again\" is forbidden: PriorityClass usual is already marked as default. Only one default can exist");
}

TEST_F (KubeAdmissionTest, TolerationsThatAreThereAreNotAddedAgain)
{
  g_autoptr (KubeObject) all = admit (pods, R"({"metadata":{"name":"p"},"spec":{"tolerations":[{"operator":"Exists"}]}})");
  EXPECT_EQ (kube_value_get_length (kube_object_get (all, "spec.tolerations")), 1u);
  g_autoptr (KubeObject) one = admit (pods, R"({"metadata":{"name":"p"},"spec":{"tolerations":[{"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute"}]}})");
  EXPECT_EQ (kube_value_get_length (kube_object_get (one, "spec.tolerations")), 2u);
}

TEST_F (KubeAdmissionTest, NewNodesAreTainted)
{
  g_autoptr (KubeObject) node = admit ({ "create", "", "nodes", "", "", "", "" }, R"({"metadata":{"name":"a"}})");
  EXPECT_STREQ (kube_object_get_string (node, "spec.taints.0.key"), "node.kubernetes.io/not-ready");
  EXPECT_STREQ (kube_object_get_string (node, "spec.taints.0.effect"), "NoSchedule");
}

TEST_F (KubeAdmissionTest, ClaimsGetTheDefaultClassAndTheirFinalizer)
{
  Ask claims = { "create", "", "persistentvolumeclaims", "n", "", "", "" };
  g_autoptr (KubeObject) none = admit (claims, R"({"metadata":{"name":"c"},"spec":{}})");
  EXPECT_EQ (kube_object_get (none, "spec.storageClassName"), nullptr);
  EXPECT_STREQ (kube_object_get_string (none, "metadata.finalizers.0"), "kubernetes.io/pvc-protection");
  put (R"({"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"fast","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}})");
  g_autoptr (KubeObject) fast = admit (claims, R"({"metadata":{"name":"c"},"spec":{}})");
  EXPECT_STREQ (kube_object_get_string (fast, "spec.storageClassName"), "fast");
  g_autoptr (KubeObject) given = admit (claims, R"({"metadata":{"name":"c"},"spec":{"storageClassName":""}})");
  EXPECT_STREQ (kube_object_get_string (given, "spec.storageClassName"), "");
}

TEST_F (KubeAdmissionTest, RuntimeClassesSetOverheadAndPlacement)
{
  EXPECT_EQ (admit (pods, R"({"metadata":{"name":"p"},"spec":{"runtimeClassName":"nosuch"}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: pod rejected: RuntimeClass \"nosuch\" not found");
  put (R"({"apiVersion":"node.k8s.io/v1","kind":"RuntimeClass","metadata":{"name":"vm"},"handler":"vm","overhead":{"podFixed":{"cpu":"10m"}},"scheduling":{"nodeSelector":{"vm":"yes"},"tolerations":[{"key":"vm","operator":"Exists"}]}})");
  g_autoptr (KubeObject) pod = admit (pods, R"({"metadata":{"name":"p"},"spec":{"runtimeClassName":"vm"}})");
  EXPECT_STREQ (kube_object_get_string (pod, "spec.overhead.cpu"), "10m");
  EXPECT_STREQ (kube_object_get_string (pod, "spec.nodeSelector.vm"), "yes");
  EXPECT_EQ (kube_value_get_length (kube_object_get (pod, "spec.tolerations")), 3u);
  EXPECT_EQ (admit (pods, R"({"metadata":{"name":"p"},"spec":{"runtimeClassName":"vm","nodeSelector":{"vm":"no"}}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no");
}

TEST_F (KubeAdmissionTest, RolesGiveNothingThatTheirWriterHasNot)
{
  kube_user_unref (master);
  master = make_user ("jo", {});
  EXPECT_EQ (admit ({ "create", "rbac.authorization.k8s.io", "roles", "n", "", "", "" }, R"({"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]})"), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_FORBIDDEN));
}

TEST_F (KubeAdmissionTest, PodSecurityRefusesAndWarnsAsTheNamespaceSays)
{
  put (R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"n","labels":{"pod-security.kubernetes.io/enforce":"baseline","pod-security.kubernetes.io/warn":"restricted"}}})");
  EXPECT_EQ (admit (pods, R"({"metadata":{"name":"p"},"spec":{"hostNetwork":true,"hostPID":true,"containers":[{"name":"a","image":"i","securityContext":{"privileged":true,"capabilities":{"add":["SYS_ADMIN","CHOWN"]}}},{"name":"b","image":"i","ports":[{"hostPort":80}]}],"volumes":[{"name":"h","hostPath":{"path":"/"}}]}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": non-default capabilities (container \"a\" must not include \"SYS_ADMIN\" in securityContext.capabilities.add), "
                         "host namespaces (hostNetwork=true, hostPID=true), hostPath volumes (volume \"h\"), hostPort (container \"b\" uses hostPort 80), "
                         "privileged (container \"a\" must not set securityContext.privileged=true)");
  EXPECT_EQ (warnings->len, 0u);
  g_autoptr (KubeObject) pod = admit (pods, R"({"metadata":{"name":"p"},"spec":{"securityContext":{"runAsNonRoot":true},"containers":[{"name":"a","image":"i","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["CHOWN"]}}}]}})");
  ASSERT_NE (pod, nullptr) << message ();
  ASSERT_EQ (warnings->len, 1u);
  EXPECT_STREQ ((const char *) g_ptr_array_index (warnings, 0),
                "would violate PodSecurity \"restricted:latest\": unrestricted capabilities (container \"a\" must not include \"CHOWN\" in securityContext.capabilities.add), "
                "seccompProfile (pod or container \"a\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")");
  g_autoptr (KubeObject) deployment = admit ({ "create", "apps", "deployments", "n", "", "", "" }, R"({"metadata":{"name":"d"},"spec":{"template":{"spec":{"hostNetwork":true,"containers":[{"name":"a"}]}}}})");
  EXPECT_NE (deployment, nullptr) << "what makes pods is only warned of";
  EXPECT_EQ (warnings->len, 2u);
}

TEST_F (KubeAdmissionTest, PodSecurityLabelsMustMeanSomething)
{
  EXPECT_EQ (admit ({ "create", "", "namespaces", "", "", "", "" }, R"({"metadata":{"name":"x","labels":{"pod-security.kubernetes.io/enforce":"odd","pod-security.kubernetes.io/warn-version":"v2"}}})"), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_INVALID));
  EXPECT_NE (message ().find ("metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"odd\": must be one of privileged, baseline, restricted"), std::string::npos) << message ();
  EXPECT_NE (message ().find ("must be \"latest\" or \"v1.x\""), std::string::npos) << message ();
  g_autoptr (KubeObject) good = admit ({ "create", "", "namespaces", "", "", "", "" }, R"({"metadata":{"name":"x","labels":{"pod-security.kubernetes.io/enforce":"baseline","pod-security.kubernetes.io/enforce-version":"v1.30"}}})");
  EXPECT_NE (good, nullptr) << message ();
}

TEST_F (KubeAdmissionTest, LimitRangesGiveDefaultsAndBound)
{
  put (R"({"apiVersion":"v1","kind":"LimitRange","metadata":{"name":"lr","namespace":"n"},"spec":{"limits":[
    {"type":"Container","default":{"cpu":"1"},"defaultRequest":{"cpu":"100m","memory":"10Mi"},"max":{"cpu":"2"},"min":{"memory":"10Mi"},"maxLimitRequestRatio":{"cpu":"10"}},
    {"type":"Pod","max":{"cpu":"3"}},{"type":"PersistentVolumeClaim","max":{"storage":"1Gi"}}]}})");
  g_autoptr (KubeObject) pod = admit (pods, R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}]}})");
  ASSERT_NE (pod, nullptr) << message ();
  EXPECT_STREQ (kube_object_get_string (pod, "spec.containers.0.resources.limits.cpu"), "1");
  EXPECT_STREQ (kube_object_get_string (pod, "spec.containers.0.resources.requests.memory"), "10Mi");
  EXPECT_STREQ (kube_object_get_annotation (pod, "kubernetes.io/limit-ranger"), "LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c");
  auto with = [&] (const char *resources) {
    g_autofree char *json = g_strdup_printf (R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","resources":%s}]}})", resources);
    return admit (pods, json);
  };
  EXPECT_EQ (with (R"({"limits":{"cpu":"2500m"},"requests":{"cpu":"1"}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: maximum cpu usage per Container is 2, but limit is 2500m");
  EXPECT_EQ (with (R"({"requests":{"memory":"1Mi"}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: minimum memory usage per Container is 10Mi, but request is 1Mi");
  EXPECT_EQ (with (R"({"limits":{"cpu":"2"},"requests":{"cpu":"100m"}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: cpu max limit to request ratio per Container is 10, but provided ratio is 20.000000");
  EXPECT_EQ (admit (pods, R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","resources":{"limits":{"cpu":"2"},"requests":{"cpu":"2"}}},{"name":"b","resources":{"limits":{"cpu":"1500m"},"requests":{"cpu":"1"}}}]}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: maximum cpu usage per Pod is 3, but limit is 3500m");
  EXPECT_EQ (admit ({ "create", "", "persistentvolumeclaims", "n", "", "", "" }, R"({"metadata":{"name":"c"},"spec":{"resources":{"requests":{"storage":"2Gi"}}}})"), nullptr);
  EXPECT_EQ (message (), "persistentvolumeclaims \"c\" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but limit is 2Gi");
}

TEST_F (KubeAdmissionTest, NodesWriteTheirOwnNodeWithoutTaintsAndForeignLabels)
{
  kube_user_unref (master);
  master = make_user ("system:node:n1", { "system:nodes" });
  Ask self = { "update", "", "nodes", "", "n1", "", "" }, other = { "update", "", "nodes", "", "n2", "", "" };
  g_autoptr (KubeObject) old = object (R"({"metadata":{"name":"n1","labels":{"kubernetes.io/hostname":"n1"}},"spec":{}})");
  g_autoptr (KubeObject) good = admit (self, R"({"metadata":{"name":"n1","labels":{"kubernetes.io/hostname":"x","mine":"1","node.kubernetes.io/a":"b"}},"spec":{}})", old, KUBE_ADMIT_UPDATE);
  EXPECT_NE (good, nullptr) << message ();
  EXPECT_EQ (admit (self, R"({"metadata":{"name":"n1","labels":{"node-restriction.kubernetes.io/a":"b"}},"spec":{}})", old, KUBE_ADMIT_UPDATE), nullptr);
  EXPECT_EQ (message (), "nodes \"n1\" is forbidden: is not allowed to modify labels: node-restriction.kubernetes.io/a");
  EXPECT_EQ (admit (self, R"({"metadata":{"name":"n1"},"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]}})", old, KUBE_ADMIT_UPDATE), nullptr);
  EXPECT_EQ (message (), "nodes \"n1\" is forbidden: node \"n1\" is not allowed to modify taints");
  EXPECT_EQ (admit (other, R"({"metadata":{"name":"n2"},"spec":{}})", old, KUBE_ADMIT_UPDATE), nullptr);
  EXPECT_EQ (message (), "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"");
  EXPECT_EQ (admit (pods, R"({"metadata":{"name":"p"},"spec":{"nodeName":"n1","containers":[{"name":"c"}]}})"), nullptr);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: pod does not have \"kubernetes.io/config.mirror\" annotation, node \"n1\" can only create mirror pods");
  g_autoptr (KubeObject) mirror = admit (pods, R"({"metadata":{"name":"p","annotations":{"kubernetes.io/config.mirror":"x"}},"spec":{"nodeName":"n1","containers":[{"name":"c"}]}})");
  EXPECT_NE (mirror, nullptr) << message ();
  g_autoptr (KubeObject) foreign = object (R"({"metadata":{"name":"p"},"spec":{"nodeName":"n2"}})");
  admit ({ "delete", "", "pods", "n", "p", "", "" }, NULL, foreign, KUBE_ADMIT_DELETE);
  EXPECT_EQ (message (), "pods \"p\" is forbidden: node \"n1\" can only delete pods with spec.nodeName set to itself");
}


TEST_F (KubeAdmissionTest, WhoDecidesAboutCertificateRequestsNeedsTheRightForTheirSigner)
{
  const char *REQUEST = R"({"metadata":{"name":"r"},"spec":{"signerName":"example.com/a"},"status":{"conditions":[{"type":"Approved"}]}})";
  g_autoptr (KubeObject) old = object (R"({"metadata":{"name":"r"},"spec":{"signerName":"example.com/a"}})");
  const Ask approval = { "update", "certificates.k8s.io", "certificatesigningrequests", "", "r", "approval", "" };
  const Ask status = { "update", "certificates.k8s.io", "certificatesigningrequests", "", "r", "status", "" };

  kube_user_unref (master);
  master = make_user ("jo", {});
  EXPECT_EQ (admit (approval, REQUEST, old, KUBE_ADMIT_UPDATE), nullptr);
  EXPECT_EQ (message (), "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: user not permitted to approve requests with signerName \"example.com/a\"");
  EXPECT_EQ (admit (status, REQUEST, old, KUBE_ADMIT_UPDATE), nullptr);
  EXPECT_EQ (message (), "certificatesigningrequests.certificates.k8s.io \"r\" is forbidden: user not permitted to sign requests with signerName \"example.com/a\"");

  put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"a"},"rules":[{"apiGroups":["certificates.k8s.io"],"resources":["signers"],"resourceNames":["example.com/*"],"verbs":["approve"]}]})");
  put (R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"a"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"a"},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":"jo"}]})");
  g_autoptr (KubeObject) approved = admit (approval, REQUEST, old, KUBE_ADMIT_UPDATE);
  EXPECT_NE (approved, nullptr) << message ();
}
}
