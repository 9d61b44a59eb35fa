/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-fixture.h"

/* What a status may say, and rules of a write that the recorded requests do not show. */

namespace {

class Rules : public Server {
protected:
  std::string bare (const Answer &answer)
  {
    EXPECT_EQ (answer.status, 422);
    size_t at = answer.message.find ("is invalid: ");
    return at != std::string::npos ? answer.message.substr (at + strlen ("is invalid: ")) : answer.message;
  }
  std::string refused (const char *kind, const char *json, const char *subresource = "status") { return bare (patch (kind, "x", json, subresource)); }
  void accepted (const char *kind, const char *json, const char *subresource = "status")
  {
    Answer answer = patch (kind, "x", json, subresource);
    EXPECT_EQ (answer.status, 200) << answer.message;
  }
  void make (const char *kind, const std::string &spec)
  {
    Answer answer = create (kind, (R"({"metadata":{"name":"x"},"spec":)" + spec + "}").c_str ());
    EXPECT_EQ (answer.status, 201) << answer.message;
  }
  void make_job (const std::string &more)
  {
    make ("Job", R"({"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}})" + more + "}");
  }
};

TEST_F (Rules, AJobFinishesByTheWayOfItsTarget)
{
  make_job ("");
  EXPECT_EQ (refused ("Job", R"({"status":{"conditions":[{"type":"Failed","status":"True"}]}})"),
             "[status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition, "
             "status.startTime: Required value: startTime is required for finished job]");
  EXPECT_EQ (refused ("Job", R"({"status":{"active":1,"ready":2,"uncountedTerminatedPods":{"succeeded":["a"],"failed":["a",""]}}})"),
             "[status.uncountedTerminatedPods.failed[0]: Duplicate value: \"a\", status.uncountedTerminatedPods.failed[1]: Invalid value: \"\": must not be empty, "
             "status.ready: Invalid value: 2: cannot set more ready pods than active]");
  accepted ("Job", R"({"status":{"startTime":"2020-01-01T00:00:00Z","failed":2,"conditions":[{"type":"Failed","status":"True"},{"type":"FailureTarget","status":"True"}]}})");
  EXPECT_EQ (refused ("Job", R"({"status":{"active":1,"failed":1,"startTime":null,"conditions":[{"type":"FailureTarget","status":"True"}]}})"),
             "[status.conditions: Invalid value: cannot disable the terminal Failed=True condition, status.failed: Invalid value: 1: cannot decrease the failed counter, "
             "status.startTime: Invalid value: null: field is immutable for unsuspended job once set]");
  EXPECT_EQ (refused ("Job", R"({"status":{"completionTime":"2019-01-01T00:00:00Z"}})"),
             "[status.completionTime: Invalid value: \"2019-01-01T00:00:00Z\": cannot set completionTime when there is no Complete=True condition, "
             "status.completionTime: Invalid value: \"2019-01-01T00:00:00Z\": must be equal to or after `startTime`]");
}

TEST_F (Rules, AJobThatResumesStartsAnew)
{
  make_job ("");
  accepted ("Job", R"({"status":{"startTime":"2020-01-01T00:00:00Z","conditions":[{"type":"Suspended","status":"True"}]}})");
  EXPECT_EQ (refused ("Job", R"({"status":{"startTime":"2020-01-02T00:00:00Z"}})"),
             "status.startTime: Invalid value: \"2020-01-02T00:00:00Z\": field is immutable for unsuspended job once set");
  accepted ("Job", R"({"status":{"startTime":"2020-01-02T00:00:00Z","conditions":[{"type":"Suspended","status":"False"}]}})");
}

TEST_F (Rules, IndexesOfAJobAreThoseItHas)
{
  make_job (R"(,"completionMode":"Indexed","completions":5,"parallelism":3,"backoffLimitPerIndex":1)");
  accepted ("Job", R"({"status":{"completedIndexes":"0,2-3","failedIndexes":"1"}})");
  EXPECT_EQ (refused ("Job", R"({"status":{"completedIndexes":"0,2-3","failedIndexes":"1,3"}})"),
             "status.failedIndexes: Invalid value: \"1,3\": failedIndexes and completedIndexes overlap at index: 3");
  EXPECT_EQ (refused ("Job", R"({"status":{"completedIndexes":"1-2-3","failedIndexes":"9"}})"),
             "[status.completedIndexes: Invalid value: \"1-2-3\": error parsing completedIndexes: the fragment \"1-2-3\" violates the requirement that an index interval can "
             "have at most two parts separated by '-', status.failedIndexes: Invalid value: \"9\": error parsing failedIndexes: too large index: \"9\"]");
}

TEST_F (Rules, OnlyALoadBalancerHasIngresses)
{
  make ("Service", R"({"ports":[{"port":80}]})");
  EXPECT_EQ (refused ("Service", R"({"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}})"),
             "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'");
  accepted ("Service", R"({"spec":{"type":"LoadBalancer"}})", nullptr);
  EXPECT_EQ (refused ("Service", R"({"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4","ipMode":"x"},{"hostname":"1.2.3.4","ipMode":"VIP"}]}}})"),
             "[status.loadBalancer.ingress[0].ipMode: Unsupported value: \"x\": supported values: \"Proxy\", \"VIP\", "
             "status.loadBalancer.ingress[1].ipMode: Forbidden: may not be specified when `ip` is not set, "
             "status.loadBalancer.ingress[1].hostname: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address]");
}

TEST_F (Rules, ABudgetCountsFromZero)
{
  make ("PodDisruptionBudget", R"({"minAvailable":1})");
  EXPECT_EQ (refused ("PodDisruptionBudget", R"({"status":{"disruptionsAllowed":-1,"conditions":[{"type":"A","status":"True","reason":"","message":"","lastTransitionTime":"2020-01-01T00:00:00Z"}]}})"),
             "[status.conditions[0].reason: Required value: must be set, status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0]");
}

TEST_F (Rules, AClaimGetsAClassOnceAndItsStatusSpeaksOfStorage)
{
  Answer made = create ("PersistentVolumeClaim", R"({"metadata":{"name":"x","annotations":{"volume.beta.kubernetes.io/storage-class":"a"}},
                                                    "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}})");
  ASSERT_EQ (made.status, 201) << made.message;
  EXPECT_EQ (refused ("PersistentVolumeClaim", R"({"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"b"}}})", nullptr),
             "metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: \"b\": field is immutable");
  EXPECT_NE (refused ("PersistentVolumeClaim", R"({"spec":{"storageClassName":"b"}})", nullptr).find ("spec is immutable"), std::string::npos);
  accepted ("PersistentVolumeClaim", R"({"metadata":{"annotations":null},"spec":{"storageClassName":"a"}})", nullptr);
  EXPECT_EQ (refused ("PersistentVolumeClaim", R"({"status":{"capacity":{"storage":"-1"},"allocatedResources":{"cpu":"1"},"allocatedResourceStatuses":{"storage":"x"}}})"),
             "[status.capacity[storage]: Invalid value: -1: must be a valid resource quantity, status.allocatedResourceStatuses: Unsupported value: \"storage\": supported values: "
             "\"ControllerResizeInProgress\", \"ControllerResizeInfeasible\", \"NodeResizeInProgress\", \"NodeResizeInfeasible\", \"NodeResizePending\", "
             "status.allocatedResources: Unsupported value: \"cpu\": supported values: \"storage\"]");
}

TEST_F (Rules, WindowsPodsAreOfTheHostTogetherOrNotAtAll)
{
  EXPECT_EQ (bare (create ("Pod", R"({"metadata":{"name":"x"},"spec":{"securityContext":{"windowsOptions":{"hostProcess":true}},"containers":[
                                      {"name":"a","image":"i","securityContext":{"windowsOptions":{"hostProcess":false}}},{"name":"b","image":"i"}]}})")),
             "[spec.containers[0].securityContext.windowsOptions.hostProcess: Invalid value: false: pod hostProcess value must be identical if both are specified, was true, "
             "spec: Invalid value: \"\": If pod contains any hostProcess containers then all containers must be HostProcess containers, "
             "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers]");
  EXPECT_EQ (bare (create ("Pod", R"({"metadata":{"name":"x"},"spec":{"os":{"name":"windows"},"hostPID":true,"containers":[
                                      {"name":"a","image":"i","securityContext":{"privileged":true}}]}})")),
             "[spec.hostPID: Forbidden: cannot be set for a windows pod, spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod]");
}

TEST_F (Rules, ANodeHasNoConfigurationInTheApi)
{
  Answer made = create ("Node", R"({"metadata":{"name":"x"},"spec":{"configSource":{"configMap":{"name":"n","namespace":"s","kubeletConfigKey":"k"}}}})");
  ASSERT_EQ (made.status, 201) << made.message;
  EXPECT_EQ (kube_object_get (made.object, "spec.configSource"), nullptr);
  EXPECT_EQ (made.warnings, "");
}

TEST_F (Rules, SchedulesAndZonesAreThoseOfCron)
{
  auto cron = [this] (const std::string &schedule, const std::string &zone) {
    return bare (create ("CronJob", R"({"metadata":{"name":"x"},"spec":{"schedule":")" + schedule + R"(","timeZone":")" + zone +
                                      R"(","jobTemplate":{"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}}}})"));
  };
  EXPECT_EQ (cron ("@every 5", "UTC"), "spec.schedule: Invalid value: \"@every 5\": failed to parse duration @every 5: time: missing unit in duration \"5\"");
  EXPECT_EQ (cron ("@every x", "UTC"), "spec.schedule: Invalid value: \"@every x\": failed to parse duration @every x: time: invalid duration \"x\"");
  EXPECT_EQ (cron ("0 0 * * mon/tue", "UTC"),
             "spec.schedule: Invalid value: \"0 0 * * mon/tue\": failed to parse int from tue: strconv.Atoi: parsing \"tue\": invalid syntax");
  EXPECT_EQ (cron ("CRON_TZ=X * * * * *", "UTC"), "[spec.schedule: Invalid value: \"CRON_TZ=X * * * * *\": provided bad location X: unknown time zone X, "
                                                  "spec.schedule: Invalid value: \"CRON_TZ=X * * * * *\": cannot use TZ or CRON_TZ in schedule, use timeZone field instead]");
  EXPECT_EQ (cron ("@daily", "local"), "[spec.timeZone: Invalid value: \"local\": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones, "
                                       "spec.timeZone: Invalid value: \"local\": unknown time zone local]");
  EXPECT_EQ (cron ("TZ=UTC", "UTC"), "[spec.schedule: Invalid value: \"TZ=UTC\": invalid schedule format: runtime error: slice bounds out of range [:-1], "
                                     "spec.schedule: Invalid value: \"TZ=UTC\": cannot use TZ or CRON_TZ in schedule, use timeZone field instead]");
  EXPECT_EQ (cron ("@daily", "Europe/"), "spec.timeZone: Invalid value: \"Europe/\": unknown time zone Europe/");
}

TEST_F (Rules, ANamespaceKeepsFinalizersOfKnownForm)
{
  Answer made = create ("Namespace", R"({"metadata":{"name":"x"}})");
  ASSERT_EQ (made.status, 201) << made.message;
  g_autoptr (KubeObject) kept = kube_object_parse (R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"x"},"spec":{"finalizers":["kubernetes","a.io/b","c"]}})", -1, nullptr);
  EXPECT_EQ (bare (update ("Namespace", "x", kept, "finalize")),
             "spec.finalizers[2]: Invalid value: \"c\": name is neither a standard finalizer name nor is it fully qualified");
}

TEST_F (Rules, ABudgetsStatusHasTheRulesOfMetadataOnce)
{
  make ("PodDisruptionBudget", R"({"minAvailable":1})");
  EXPECT_EQ (refused ("PodDisruptionBudget", R"({"metadata":{"labels":{"a":"-"}}})").find ("metadata.labels"), 0u);
}

TEST_F (Rules, ANodesAnnotationsAndFeaturesAreRead)
{
  EXPECT_EQ (bare (create ("Node", R"({"metadata":{"name":"x","annotations":{"scheduler.alpha.kubernetes.io/taints":"[{\"key\":\"a\"}]",
                                   "scheduler.alpha.kubernetes.io/preferAvoidPods":"{\"preferAvoidPods\":[{},{\"podSignature\":{\"podController\":{\"controller\":false}}}]}"}},
                                   "status":{"declaredFeatures":["B/1","A","A"],"nodeInfo":{"swap":{"capacity":0}}}})")),
             "[metadata.annotations.scheduler.alpha.kubernetes.io/taints[0].effect: Required value, "
             "metadata.annotations.scheduler.alpha.kubernetes.io/preferAvoidPods[0].PodSignature: Required value, "
             "metadata.annotations.scheduler.alpha.kubernetes.io/preferAvoidPods[1].PodSignature.PodController.Controller: Invalid value: false: must point to a controller, "
             "metadata.nodeSwapStatus.capacity: Invalid value: 0: must be greater than 0, "
             "status.declaredFeatures[0]: Invalid value: \"B/1\": invalid feature name \"B/1\": must start with an UpperCamelCase segment, with subsequent segments separated by '/' "
             "(e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes, "
             "status.declaredFeatures[1]: Invalid value: \"A\": list must be sorted alphabetically, status.declaredFeatures[2]: Duplicate value: \"A\"]");
}

TEST_F (Rules, LabelsThatAJobBringsAreItsOwnOrRefused)
{
  std::string refusal = bare (create ("Job", R"({"metadata":{"name":"x"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"job-name":"other"}},
                                               "spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})"));
  EXPECT_NE (refusal.find ("spec.template.metadata.labels[job-name]: Invalid value: {"), std::string::npos) << refusal;
  EXPECT_NE (refusal.find ("must be 'x'"), std::string::npos) << refusal;
  EXPECT_NE (refusal.find ("`selector` not auto-generated"), std::string::npos) << refusal;
  EXPECT_NE (refusal.find ("`selector` does not match template `labels`"), std::string::npos) << refusal;
}

TEST_F (Rules, AJobsTemplateChangesWhereItHasNoPods)
{
  static const char node[] = R"({"spec":{"template":{"spec":{"nodeSelector":{"a":"b"}}}}})", other[] = R"({"spec":{"template":{"spec":{"nodeSelector":{"a":"c"}}}}})";

  make_job (R"(,"suspend":true)");
  accepted ("Job", node, nullptr);
  accepted ("Job", R"({"status":{"startTime":"2020-01-01T00:00:00Z","conditions":[{"type":"Suspended","status":"True"}],"active":1}})");
  EXPECT_NE (refused ("Job", other, nullptr).find ("field is immutable"), std::string::npos);
  accepted ("Job", R"({"status":{"active":0}})");
  accepted ("Job", other, nullptr);
}

TEST_F (Rules, ADriverThatGetsTokensAmongSecretsAsksForSome)
{
  EXPECT_EQ (bare (create ("CSIDriver", R"({"metadata":{"name":"x"},"spec":{"serviceAccountTokenInSecrets":false}})")),
             "spec.serviceAccountTokenInSecrets: Invalid value: false: serviceAccountTokenInSecrets is set but no tokenRequests are specified");
}

TEST_F (Rules, AMutationIsOfOneTypeOnly)
{
  std::string refusal = bare (create ("MutatingAdmissionPolicy", R"({"metadata":{"name":"x"},"spec":{"reinvocationPolicy":"Never",
    "matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["pods"]}]},
    "mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":"[]"},"applyConfiguration":{"expression":"Object{}"}}]}})"));
  EXPECT_NE (refusal.find ("spec.mutations[0].applyConfiguration: Invalid value: \"{applyConfiguration}\": must not be specified when patchType is JSONPatch"), std::string::npos) << refusal;
}

TEST_F (Rules, OnlyTheExemptLevelIsExempt)
{
  EXPECT_EQ (bare (create ("PriorityLevelConfiguration", R"({"metadata":{"name":"x"},"spec":{"type":"Exempt"}})")),
             "spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'");
}

TEST_F (Rules, TimesAreReadAsGoReadsThem)
{
  for (const char *text : { "2026-01-02T03:04:05,123456Z", "2026-01-02T3:04:05.123456Z", "2026-01-02T05:04:05.123456+02:00" }) {
    Answer made = create ("Lease", std::string (R"({"metadata":{"generateName":"x"},"spec":{"renewTime":")") + text + "\"}}");
    EXPECT_EQ (made.at ("spec.renewTime"), "2026-01-02T03:04:05.123456Z") << made.message;
  }
}

TEST_F (Rules, AVolumeHasSomethingToHold)
{
  EXPECT_EQ (bare (create ("PersistentVolume", R"({"metadata":{"name":"x"},"spec":{"capacity":{"storage":"-1"},"accessModes":["ReadWriteOnce"],"hostPath":{"path":"/x"}}})")),
             "[spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity, spec.capacity[storage]: Invalid value: \"-1\": must be greater than zero]");
}

TEST_F (Rules, AServiceCIDRsStatusIsWrittenByItsSubresourceAlone)
{
  Answer made = create ("ServiceCIDR", R"({"metadata":{"name":"x"},"spec":{"cidrs":["10.1.0.0/24"]},"status":{"conditions":[{"type":"A","status":"True","reason":"r","message":"","lastTransitionTime":"2020-01-01T00:00:00Z"}]}})");
  ASSERT_EQ (made.status, 201) << made.message;
  EXPECT_EQ (kube_value_get_length (kube_object_get (made.object, "status.conditions")), 0u);
  accepted ("ServiceCIDR", R"({"status":{"conditions":[{"type":"A","status":"True","reason":"r","message":"","lastTransitionTime":"2020-01-01T00:00:00Z"}]}})");
  Answer kept = patch ("ServiceCIDR", "x", R"({"status":null})");
  EXPECT_EQ (kept.at ("status.conditions.0.type"), "A") << kept.message;
}

TEST_F (Rules, WhatEveryClusterHasForFlowsIsFixed)
{
  static const char level[] = R"({"metadata":{"name":"catch-all"},"spec":{"type":"Limited","limited":{"nominalConcurrencyShares":%d,"lendablePercent":0,"limitResponse":{"type":"Reject"}}}})";
  g_autofree char *other = g_strdup_printf (level, 6), *fixed = g_strdup_printf (level, 5);

  EXPECT_EQ (bare (create ("PriorityLevelConfiguration", other)),
             "spec: Invalid value: {\"Type\":\"Limited\",\"Limited\":{\"NominalConcurrencyShares\":6,\"LimitResponse\":{\"Type\":\"Reject\",\"Queuing\":null},\"LendablePercent\":0,"
             "\"BorrowingLimitPercent\":null},\"Exempt\":null}: spec of 'catch-all' must equal the fixed value");
  EXPECT_EQ (create ("PriorityLevelConfiguration", fixed).status, 201);
  EXPECT_EQ (create ("PriorityLevelConfiguration", R"({"metadata":{"name":"exempt"},"spec":{"type":"Exempt","exempt":{"nominalConcurrencyShares":7}}})").status, 201);
}

TEST_F (Rules, ExpressionsOfAPolicyNameWhatStandsForThemThere)
{
  auto policy = [&] (const std::string &more, const std::string &validation) {
    return create ("ValidatingAdmissionPolicy", R"({"metadata":{"name":"p"},"spec":{"matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["pods"]}]})"
                   + more + R"(,"validations":[{"expression":"true")" + validation + "}]}}", "dryRun", "All");
  };
  EXPECT_EQ (bare (policy ("", R"(,"message":" ","messageExpression":" ")")), "[spec.validations[0].messageExpression: Invalid value: \" \": must be non-empty if specified, "
                                                                            "spec.validations[0].message: Invalid value: \" \": must be non-empty if specified]");
  EXPECT_EQ (bare (policy ("", R"(,"message":"a\nb")")), "spec.validations[0].message: Invalid value: \"a\\nb\": must not contain line breaks");
  for (const char *name : { "variables", "params", "authorizer" })
    EXPECT_NE (bare (policy ("", R"x(,"messageExpression":"string()x" + std::string (name) + R"x()")x")).find (std::string ("undeclared reference to '") + name + "'"), std::string::npos) << name;
  EXPECT_EQ (policy (R"(,"paramKind":{"apiVersion":"v1","kind":"ConfigMap"},"variables":[{"name":"a","expression":"params.data"}])", R"x(,"messageExpression":"string(variables.a)")x").status, 201);
  EXPECT_NE (bare (policy (R"(,"variables":[{"name":"a","expression":"1"}],"matchConditions":[{"name":"m","expression":" variables.a == 1 "}])", "")).find ("Invalid value: \"variables.a == 1\": compilation failed"),
             std::string::npos);
}

} // namespace
