/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-fixture.h"

namespace {

class PodStrategy : public Server {
protected:
  Answer make (const std::string &meta, const std::string &spec)
  {
    Answer answer = create ("Pod", R"({"metadata":{"name":"p","labels":{"app":"x"})" + meta + R"(},"spec":{)" + spec + "}}");
    EXPECT_EQ (answer.status, 201) << answer.message;
    return answer;
  }
  std::string refused (const char *json, const char *subresource = nullptr)
  {
    Answer answer = patch ("Pod", "p", json, subresource);
    EXPECT_EQ (answer.status, 422);
    std::string prefix = "Pod \"p\" is invalid: ";
    return answer.message.rfind (prefix, 0) == 0 ? answer.message.substr (prefix.size ()) : answer.message;
  }
  void accepted (const char *json, const char *subresource = nullptr)
  {
    Answer answer = patch ("Pod", "p", json, subresource);
    EXPECT_EQ (answer.status, 200) << answer.message;
  }
  static constexpr const char *CONTAINER = R"("containers":[{"name":"c","image":"i"}])";
};

TEST_F (PodStrategy, LabelKeysBecomeExpressions)
{
  Answer made = make ("", std::string (CONTAINER) + R"(,"affinity":{"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":
                              {"topologyKey":"z","labelSelector":{},"matchLabelKeys":["nosuch"],"mismatchLabelKeys":["app"]}}]}},
                              "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule","labelSelector":{},"matchLabelKeys":["app"]}])");
  const std::string term = "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution.0.podAffinityTerm.labelSelector.matchExpressions";
  EXPECT_EQ (kube_value_get_length (kube_object_get (made.object, term.c_str ())), 1u);
  EXPECT_EQ (made.at ((term + ".0.operator").c_str ()), "NotIn");
  EXPECT_EQ (made.at ((term + ".0.values.0").c_str ()), "x");
  EXPECT_EQ (made.at ("spec.topologySpreadConstraints.0.labelSelector.matchExpressions.0.operator"), "In");
}

TEST_F (PodStrategy, AnAppArmorAnnotationBecomesTheFieldAndStays)
{
  Answer made = make (R"(,"annotations":{"container.apparmor.security.beta.kubernetes.io/c":"localhost/x"})", CONTAINER);
  EXPECT_EQ (made.at ("spec.containers.0.securityContext.appArmorProfile.localhostProfile"), "x");
  EXPECT_EQ (made.warnings, "metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the \"appArmorProfile\" field instead\n");
  EXPECT_EQ (refused (R"({"metadata":{"annotations":{"container.apparmor.security.beta.kubernetes.io/c":null}}})"),
             "metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: Forbidden: may not remove or update AppArmor annotations");
}

TEST_F (PodStrategy, AnnotationsAndFieldsMustNotDisagree)
{
  Answer answer = create ("Pod", R"({"metadata":{"name":"q","annotations":{"seccomp.security.alpha.kubernetes.io/pod":"unconfined","container.apparmor.security.beta.kubernetes.io/z":"bad"}},
                                   "spec":{"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"c","image":"i"}]}})");
  EXPECT_EQ (answer.message,
             "Pod \"q\" is invalid: [metadata.annotations[container.apparmor.security.beta.kubernetes.io/z]: Invalid value: \"z\": container not found, "
             "metadata.annotations[container.apparmor.security.beta.kubernetes.io/z]: Invalid value: \"bad\": invalid AppArmor profile name: \"bad\", "
             "spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match]");
}

TEST_F (PodStrategy, ThePodsOwnResourcesMakeItsClass)
{
  Answer made = make ("", std::string (CONTAINER) + R"(,"resources":{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"1","memory":"1Gi"}})");
  EXPECT_EQ (made.at ("status.qosClass"), "Guaranteed");
}

TEST_F (PodStrategy, AResizeChangesProcessorsAndMemoryAlone)
{
  make ("", R"("containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"},"limits":{"cpu":"2"}}},{"name":"d","image":"i"}])");
  accepted (R"({"spec":{"containers":[{"name":"c","image":"other","resources":{"requests":{"cpu":"1500m"},"limits":{"cpu":"2"}}},{"name":"d","image":"i"}]}})", "resize");
  Answer resized = get ("Pod", "p");
  EXPECT_EQ (resized.at ("spec.containers.0.resources.requests.cpu"), "1500m");
  EXPECT_EQ (resized.at ("spec.containers.0.image"), "i");
  EXPECT_EQ (refused (R"({"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"}}},{"name":"d","image":"i"}]}})", "resize"),
             "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed");
  EXPECT_EQ (refused (R"({"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1","ephemeral-storage":"1"},"limits":{"cpu":"2"}}},{"name":"d","image":"i"}]}})", "resize"),
             "spec: Forbidden: only cpu and memory resources are mutable");
  EXPECT_EQ (refused (R"({"spec":{"containers":[{"name":"d","image":"i","resources":{"requests":{"cpu":"1"},"limits":{"cpu":"2"}}},{"name":"c","image":"i"}]}})", "resize"),
             "[spec.containers[0].name: Forbidden: containers may not be renamed or reordered on resize, "
             "spec.containers[1].name: Forbidden: containers may not be renamed or reordered on resize]");
  EXPECT_EQ (refused (R"({"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"2","memory":"1Gi"},"limits":{"cpu":"2","memory":"1Gi"}}},
                                             {"name":"d","image":"i","resources":{"requests":{"cpu":"2","memory":"1Gi"},"limits":{"cpu":"2","memory":"1Gi"}}}]}})", "resize"),
             "spec: Invalid value: \"Burstable\": Pod QOS Class may not change as a result of resizing");
}

TEST_F (PodStrategy, APodsOwnResourcesAreResizedToo)
{
  make ("", R"("resources":{"requests":{"cpu":"1"},"limits":{"cpu":"2"}},"containers":[{"name":"c","image":"i"}])");
  accepted (R"({"spec":{"resources":{"requests":{"cpu":"1500m","memory":"1Gi"}}}})", "resize");
  Answer resized = get ("Pod", "p");
  EXPECT_EQ (resized.at ("spec.resources.requests.cpu"), "1500m");
  EXPECT_EQ (resized.at ("spec.resources.requests.memory"), "1Gi");
  EXPECT_EQ (refused (R"({"spec":{"resources":{"limits":null}}})", "resize"), "spec.resources.limits: Forbidden: pod-level resource limits cannot be removed");
  EXPECT_EQ (refused (R"({"spec":{"resources":{"requests":{"hugepages-2Mi":"2Mi"},"limits":{"hugepages-2Mi":"2Mi"}}}})", "resize"),
             "spec: Forbidden: only cpu and memory resources are mutable at pod-level");
}

TEST_F (PodStrategy, ContainersAreResizedInTheirPlaces)
{
  make ("", R"("initContainers":[{"name":"a","image":"i","resources":{"requests":{"cpu":"1"}}}],"containers":[{"name":"c","image":"i"}])");
  accepted (R"({"spec":{"initContainers":[{"name":"a","image":"i","resources":{"requests":{"cpu":"2"}}}]}})", "resize");
  EXPECT_EQ (refused (R"({"spec":{"initContainers":[{"name":"a","image":"i","resources":{"requests":{"cpu":"2","ephemeral-storage":"1"}}}]}})", "resize"),
             "spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable");
  EXPECT_EQ (refused (R"({"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"ephemeral-storage":"1"}}}]}})", "resize"),
             "spec: Forbidden: only cpu and memory resources are mutable");
  EXPECT_EQ (refused (R"({"spec":{"initContainers":[{"name":"b","image":"i","resources":{"requests":{"cpu":"2"}}}]}})", "resize"),
             "spec.initContainers[0].name: Forbidden: initContainers may not be renamed or reordered on resize");
  EXPECT_EQ (refused (R"({"spec":{"initContainers":[{"name":"a","image":"i","resources":{"requests":{"cpu":"2"}}},{"name":"b","image":"i"}]}})", "resize"),
             "spec.initContainers: Forbidden: initContainers may not be added or removed on resize");
}

TEST_F (PodStrategy, EphemeralContainersOnlyCome)
{
  make ("", CONTAINER);
  accepted (R"({"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}})", "ephemeralcontainers");
  EXPECT_EQ (refused (R"({"spec":{"ephemeralContainers":null}})", "ephemeralcontainers"),
             "spec.ephemeralContainers: Forbidden: existing ephemeral containers \"e\" may not be removed\n");
  EXPECT_NE (refused (R"({"spec":{"ephemeralContainers":[{"name":"e","image":"j"}]}})", "ephemeralcontainers").find ("existing ephemeral containers \"e\" may not be changed\n@@"), std::string::npos);
  EXPECT_EQ (refused (R"({"spec":{"ephemeralContainers":[{"name":"e","image":"i"},{"name":"c","image":"i"}]}})", "ephemeralcontainers"),
             "spec.ephemeralContainers[1].name: Duplicate value: \"c\"");
}

TEST_F (PodStrategy, AStatusKeepsWhatItWasToldOfAndIsChecked)
{
  make ("", std::string (CONTAINER) + R"(,"restartPolicy":"OnFailure")");
  accepted (R"({"status":{"observedGeneration":3,"conditions":[{"type":"Ready","status":"True","observedGeneration":2}],
              "containerStatuses":[{"name":"c","image":"i","imageID":"","ready":false,"restartCount":0,"state":{"terminated":{"exitCode":0}}}]}})", "status");
  accepted (R"({"status":{"observedGeneration":null,"conditions":[{"type":"Other","status":"True"},{"type":"Ready","status":"False"}]}})", "status");
  Answer kept = get ("Pod", "p");
  EXPECT_EQ (kube_object_get_integer (kept.object, "status.observedGeneration", 0), 3);
  EXPECT_EQ (kube_object_get_integer (kept.object, "status.conditions.0.observedGeneration", 0), 0);
  EXPECT_EQ (kube_object_get_integer (kept.object, "status.conditions.1.observedGeneration", 0), 2);
  EXPECT_EQ (refused (R"({"status":{"containerStatuses":[{"name":"c","image":"i","imageID":"","ready":false,"restartCount":1,"state":{"running":{}}}]}})", "status"),
             "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state");
  EXPECT_EQ (refused (R"({"status":{"qosClass":"Guaranteed","podIPs":[{"ip":"1.2.3.4"},{"ip":"1.2.3.5"}],"hostIPs":[{"ip":"1.2.3.4"}]}})", "status"),
             "[status.qosClass: Invalid value: \"Guaranteed\": field is immutable, "
             "status.podIPs: Invalid value: [{\"IP\":\"1.2.3.4\"},{\"IP\":\"1.2.3.5\"}]: may specify no more than one IP for each IP family, "
             "status.hostIPs[0].ip: Invalid value: \"1.2.3.4\": must be equal to `hostIP`]");
}

TEST_F (PodStrategy, AStatusSpeaksOfWhatContainersWereGiven)
{
  make ("", R"("containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1"}}}])");
  EXPECT_EQ (refused (R"({"status":{"observedGeneration":-1,"conditions":[{"type":"a b","status":"True","observedGeneration":-2}],
                        "extendedResourceClaimStatus":{"requestMappings":[{"containerName":"c","resourceName":"x.io/y","requestName":"r"},{"containerName":"z","resourceName":"x.io/y","requestName":"r"}],
                                                       "resourceClaimName":"claim"},
                        "containerStatuses":[{"name":"c","image":"i","imageID":"","ready":false,"restartCount":0,"user":{"linux":{"uid":-1,"gid":0}},
                          "allocatedResourcesStatus":[{"name":"cpu","resources":[{"resourceID":"a","health":"Healthy"},{"resourceID":"b","health":"Well","message":""}]},
                                                      {"name":"memory"},{"name":"claim:n"}]}],
                        "ephemeralContainerStatuses":[{"name":"e","image":"i","imageID":"","ready":false,"restartCount":0,"allocatedResourcesStatus":[{"name":"cpu"}]}]}})", "status"),
             "[status.conditions[0].observedGeneration: Invalid value: -2: must be a non-negative integer, "
             "status.conditions[0].Type: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
             "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'), "
             "status.observedGeneration: Invalid value: -1: must be a non-negative integer, "
             "status.extendedResourceClaimStatus.requestMappings[0].resourceName: Invalid value: \"x.io/y\": must match the extended resource name of an entry in "
             "spec.initContainers.resources.requests or spec.containers.resources.requests, "
             "status.extendedResourceClaimStatus.requestMappings[1].containerName: Invalid value: \"z\": must match the name of an entry in spec.initContainers.name or spec.containers.name, "
             "status.containerStatuses[0].user.linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive, "
             "status.containerStatuses[0].allocatedResourcesStatus[0].resources[1].health: Unsupported value: \"Well\": supported values: \"Healthy\", \"Unhealthy\", \"Unknown\", "
             "status.containerStatuses[0].allocatedResourcesStatus[0].resources[1].message: Required value: must be non-empty if specified, "
             "status.containerStatuses[0].allocatedResourcesStatus[1].name: Invalid value: \"memory\": must match one of the container's resource requests, "
             "status.containerStatuses[0].allocatedResourcesStatus[2].name: Invalid value: \"claim:n\": must match one of the container's resource claims in a format "
             "'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty, "
             "status.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: must not be specified in container status]");
}

TEST_F (PodStrategy, TolerationsInAnAnnotationAreRead)
{
  EXPECT_EQ (create ("Pod", R"({"metadata":{"name":"p","annotations":{"scheduler.alpha.kubernetes.io/tolerations":"[{\"key\":\"a\",\"operator\":\"Exists\",\"value\":\"b\"}]"}},
                              "spec":{"containers":[{"name":"c","image":"i"}]}})").message,
             "Pod \"p\" is invalid: metadata.annotations.scheduler.alpha.kubernetes.io/tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'");
}

TEST_F (PodStrategy, RulesOfRestartsNeedAPolicy)
{
  EXPECT_EQ (create ("Pod", R"({"metadata":{"name":"p"},"spec":{"initContainers":[{"name":"a","image":"i","restartPolicyRules":[{"action":"Nothing"}]}],"containers":[{"name":"c","image":"i"}]}})").message,
             "Pod \"p\" is invalid: spec.initContainers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are used");
}

TEST_F (PodStrategy, AGatedPodMayBePlacedMoreNarrowly)
{
  const char *terms = R"({"spec":{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"%s","operator":"Exists"}%s]}]}}}}})";
  g_autofree char *first = g_strdup_printf (terms, "a", ""), *more = g_strdup_printf (terms, "a", R"(,{"key":"b","operator":"Exists"})"), *other = g_strdup_printf (terms, "x", "");

  make ("", std::string (CONTAINER) + R"(,"schedulingGates":[{"name":"x.y/z"}],"nodeSelector":{"a":"b"})");
  accepted (R"({"spec":{"nodeSelector":{"c":"d"}}})");
  accepted (first);
  accepted (more);
  EXPECT_EQ (refused (other).substr (0, 116), "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]: Invalid value: {\"Mat");
  EXPECT_EQ (refused (R"({"spec":{"nodeSelector":{"a":"x"}}})"),
             "spec.nodeSelector: Invalid value: {\"a\":\"x\",\"c\":\"d\"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)");
}

TEST_F (PodStrategy, WhatBelongsToFeaturesThatAreOffIsTakenAway)
{
  static const char pod[] = R"({"schedulingGroup":{"podGroupName":"g"},
    "volumes":[{"name":"v","projected":{"sources":[{"configMap":{"name":"c"},"clusterTrustBundle":{"path":"p","name":"n"}},{"secret":{"name":"s"},"podCertificate":{"keyType":"ED25519","signerName":"a.b/c"}}]}}],
    "initContainers":[{"name":"i","image":"i","lifecycle":{"stopSignal":"SIGUSR1"},"restartPolicy":"Always"}],
    "containers":[{"name":"c","image":"i","lifecycle":{"stopSignal":"SIGUSR1","preStop":{"sleep":{"seconds":1}}}}]})";
  auto check = [] (const Answer &answer, const std::string &at) {
    ASSERT_EQ (answer.status, 201) << answer.message;
    for (const char *gone : { "schedulingGroup", "volumes.0.projected.sources.0.clusterTrustBundle", "volumes.0.projected.sources.1.podCertificate", "containers.0.lifecycle.stopSignal", "initContainers.0.lifecycle" })
      EXPECT_EQ (kube_object_get (answer.object, (at + gone).c_str ()), nullptr) << at << gone;
    for (const char *kept : { "volumes.0.projected.sources.0.configMap", "volumes.0.projected.sources.1.secret", "containers.0.lifecycle.preStop" })
      EXPECT_NE (kube_object_get (answer.object, (at + kept).c_str ()), nullptr) << at << kept;
  };
  check (create ("Pod", std::string (R"({"metadata":{"name":"p"},"spec":)") + pod + "}"), "spec.");
  check (create ("Deployment", std::string (R"({"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":)") + pod + "}}}"), "spec.template.spec.");
  Answer changed = patch ("Deployment", "d", R"({"spec":{"template":{"spec":{"schedulingGroup":{"podGroupName":"g"}}}}})");
  EXPECT_EQ (changed.status, 200) << changed.message;
  EXPECT_EQ (kube_object_get (changed.object, "spec.template.spec.schedulingGroup"), nullptr);
  Answer driver = create ("CSIDriver", R"({"metadata":{"name":"d"},"spec":{"preventPodSchedulingIfMissing":true}})");
  ASSERT_EQ (driver.status, 201) << driver.message;
  EXPECT_EQ (kube_object_get (driver.object, "spec.preventPodSchedulingIfMissing"), nullptr);
}

} // namespace
