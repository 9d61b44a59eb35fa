/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-scheme.h>

#include <string>

#include "kube-decode.h"
#include "kube-field-errors.h"
#include "kube-validation.h"

namespace {

/* What validation says of an object (@old: NULL on create), as upstream's messages show it; each text once. */
std::string
check (const char *api_version, const char *kind_name, const char *json, const char *old_json = nullptr, const char *subresource = nullptr)
{
  KubeKind *kind = KUBE_KIND (api_version, kind_name);
  g_auto (KubeFieldErrors) errors = { nullptr };
  KubeValue *values[2] = { nullptr, nullptr };
  const char *texts[] = { json, old_json };

  for (int i = 0; i < 2 && texts[i] != nullptr; i++) {
    g_autoptr (GError) error = nullptr;
    g_autoptr (KubeValue) parsed = kube_value_parse (texts[i], -1, &error);
    gboolean has_empty;
    g_autoptr (KubeValue) decoded = parsed != nullptr ? kube_decode_request (kind, parsed, nullptr, nullptr, &has_empty, &error) : nullptr;
    if (decoded == nullptr)
      return error->message;
    g_autoptr (KubeBuilder) builder = kube_builder_new (decoded);
    kube_default (kind, kube_builder_get_root (builder));
    values[i] = kube_builder_end (builder);
  }
  if (old_json == nullptr)
    kube_validate_create (kind, values[0], &errors);
  else
    kube_validate_update (kind, subresource, values[0], values[1], &errors);
  g_clear_pointer (&values[0], kube_value_unref);
  g_clear_pointer (&values[1], kube_value_unref);
  g_autofree char *text = kube_field_errors_print (&errors);
  return text;
}

std::string
check_review (const char *kind, const char *json)
{
  return check ("authorization.k8s.io/v1", kind, json);
}

TEST (KubeValidation, AReviewAsksOneThingOfSomebodyAndHasNoName)
{
  EXPECT_EQ (check_review ("SelfSubjectAccessReview", R"({"spec":{"nonResourceAttributes":{"path":"/x","verb":"get"}}})"), "");
  EXPECT_EQ (check_review ("SubjectAccessReview", R"({"spec":{"user":"a"}})"),
             "spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified");
  EXPECT_EQ (check_review ("SubjectAccessReview", R"({"metadata":{"name":"x"},"spec":{"resourceAttributes":{},"nonResourceAttributes":{"path":"/x"}}})"),
             "[spec.nonResourceAttributes: Invalid value: {\"Path\":\"/x\",\"Verb\":\"\"}: cannot be specified in combination with resourceAttributes, "
             "spec.user: Invalid value: \"\": at least one of user or group must be specified, "
             "metadata: Invalid value: {\"name\":\"x\"}: must be empty]");
  EXPECT_EQ (check_review ("LocalSubjectAccessReview", R"({"metadata":{"namespace":"n"},"spec":{"user":"a","resourceAttributes":{"namespace":"m"}}})"),
             "spec.resourceAttributes.namespace: Invalid value: \"m\": must match metadata.namespace");
}

TEST (KubeValidation, AReviewsSelectorsAreTextOrRequirementsOfAnyOperator)
{
  EXPECT_EQ (check_review ("SelfSubjectAccessReview",
                           R"({"spec":{"resourceAttributes":{"labelSelector":{"requirements":[{"key":"a","operator":"Odd"}]},"fieldSelector":{}}}})"),
             "spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified, requirements or rawSelector is required");
  EXPECT_EQ (check_review ("SelfSubjectAccessReview",
                           R"({"spec":{"resourceAttributes":{"fieldSelector":{"rawSelector":"a=b","requirements":[{"operator":"In"}]}}}})"),
             "[spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: \"a=b\": may not specified at the same time as requirements, "
             "spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, "
             "spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn']");
}

std::string
check_request (const char *status, const char *old_status, const char *subresource)
{
  std::string start = R"({"metadata":{"name":"r","uid":"u","resourceVersion":"1"},"spec":{"signerName":"example.com/s"},"status":)";
  return check ("certificates.k8s.io/v1", "CertificateSigningRequest", (start + status + "}").c_str (), (start + old_status + "}").c_str (), subresource);
}

TEST (KubeValidation, CertificateRequestsAreDecidedOnceAndByApprovalAlone)
{
  const char *approved = R"({"conditions":[{"type":"Approved","status":"True"}]})";

  EXPECT_EQ (check_request (approved, "{}", "approval"), "");
  EXPECT_EQ (check_request (approved, "{}", "status"), "status.conditions: Forbidden: updates may not add a condition of type \"Approved\"");
  EXPECT_EQ (check_request ("{}", approved, "approval"), "status.conditions: Forbidden: updates may not remove a condition of type \"Approved\"");
  EXPECT_EQ (check_request (R"({"conditions":[{"type":"Approved","status":"True"},{"type":"Denied","status":"Unknown"},{}]})", approved, "approval"),
             "[status.conditions[1].status: Unsupported value: \"Unknown\": supported values: \"True\", "
             "status.conditions[1].type: Invalid value: \"Denied\": Approved and Denied conditions are mutually exclusive, "
             "status.conditions[2].type: Required value, status.conditions[2].status: Required value]");
}

TEST (KubeValidation, AnIssuedCertificateIsOneAndStays)
{
  auto with = [] (const char *pem) {
    g_autofree char *base64 = g_base64_encode (reinterpret_cast<const guchar *> (pem), strlen (pem));
    return std::string (R"({"certificate":")") + base64 + "\"}";
  };
  std::string good = with ("words\n-----BEGIN CERTIFICATE-----\nMAQwAjAA\n-----END CERTIFICATE-----\n");

  EXPECT_EQ (check_request (good.c_str (), "{}", "status"), "");
  EXPECT_EQ (check_request (with ("words").c_str (), "{}", "status"),
             "status.certificate: Invalid value: \"<certificate data>\": must contain at least one CERTIFICATE PEM block");
  EXPECT_EQ (check_request (with ("-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n").c_str (), "{}", "status"),
             "status.certificate: Invalid value: \"<certificate data>\": only CERTIFICATE PEM blocks are allowed, found \"KEY\"");
  EXPECT_EQ (check_request (with ("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n").c_str (), "{}", "status"),
             "status.certificate: Invalid value: \"<certificate data>\": x509: malformed certificate");
  EXPECT_EQ (check_request ("{}", good.c_str (), "status"), "status.certificate: Forbidden: updates may not modify existing certificate content");
}

TEST (KubeValidation, ARangeWithSeveralFaultsIsToldOfEach)
{
  EXPECT_EQ (check ("networking.k8s.io/v1", "NetworkPolicy",
                    R"({"metadata":{"name":"p","namespace":"n"},"spec":{"podSelector":{},"egress":[{"to":[{"ipBlock":{"cidr":"010.0.0.1/8"}}]}]}})"),
             "[spec.egress[0].to[0].ipBlock.cidr: Invalid value: \"010.0.0.1/8\": must not have leading 0s in IP or prefix length, "
             "spec.egress[0].to[0].ipBlock.cidr: Invalid value: \"010.0.0.1/8\": must not have bits set beyond the prefix length]");
}

std::string
check_slice (const char *device)
{
  std::string json = R"({"metadata":{"name":"s"},"spec":{"driver":"d.example.com","nodeName":"n","pool":{"name":"p","resourceSliceCount":1},"devices":[)";
  return check ("resource.k8s.io/v1", "ResourceSlice", (json + device + "]}}").c_str ());
}

TEST (KubeValidation, NamesOfAttributesAndCountersStandInTheirPaths)
{
  EXPECT_EQ (check_slice (R"({"name":"a","attributes":{"example.com/x":{"int":1},"y/":{"bool":true}}})"),
             "spec.devices[0].attributes[y/]: Invalid value: \"\": the name must not be empty");
  EXPECT_EQ (check_slice (R"({"name":"a","consumesCounters":[{"counterSet":"s","counters":{"good":{"value":"1"}}},{"counterSet":"s"}]})"),
             "[spec.devices[0].consumesCounters[1].counters: Required value, spec.devices[0].consumesCounters[1]: Duplicate value: \"s\"]");
}

TEST (KubeValidation, ADeviceBindsOnConditionsOfBothKinds)
{
  EXPECT_EQ (check_slice (R"({"name":"a","bindingConditions":["x"],"bindingFailureConditions":["y"]})"), "");
  EXPECT_EQ (check_slice (R"({"name":"a","bindingConditions":["x","x"],"bindingFailureConditions":["x"]})"),
             "[spec.devices[0].bindingConditions[1]: Duplicate value: \"x\", spec.devices[0].bindingFailureConditions[0]: Invalid value: \"x\": "
             "bindingFailureConditions must not overlap with bindingConditions]");
  EXPECT_EQ (check_slice (R"({"name":"a","bindingConditions":["x"]})"),
             "spec.devices[0].bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions");
}

TEST (KubeValidation, PartsOfACapacityFitIntoIt)
{
  auto policy = [] (const char *text) {
    return check_slice ((R"({"name":"a","allowMultipleAllocations":true,"capacity":{"m":{"value":"8","requestPolicy":)" + std::string (text) + "}}}").c_str ());
  };

  EXPECT_EQ (policy (R"({"default":"2","validValues":["1","2","4"]})"), "");
  EXPECT_EQ (policy (R"({"validValues":["1"]})"), "spec.devices[0].capacity[m].requestPolicy.default: Required value: required when validValues is defined");
  EXPECT_EQ (policy (R"({"default":"3","validValues":["2","1","16"]})"),
             "[spec.devices[0].capacity[m].requestPolicy.validValues[1]: Invalid value: \"1\": values must be sorted in ascending order, "
             "spec.devices[0].capacity[m].requestPolicy.validValues[2]: Invalid value: \"16\": option is larger than capacity value: 8, "
             "spec.devices[0].capacity[m].requestPolicy.validValues: Invalid value: \"3\": default value is not valid according to the requestPolicy]");
  EXPECT_EQ (policy (R"({"default":"4","validRange":{"min":"1","max":"8","step":"2"}})"),
             "[spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: \"4\": value is not a multiple of a given step (2) from (1), "
             "spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: \"8\": value is not a multiple of a given step (2) from (1)]");
}

std::string
check_claim (const char *status, const char *old_status = "{}")
{
  std::string start = R"({"metadata":{"name":"c","namespace":"n","uid":"u","resourceVersion":"1"},"spec":{"devices":{"requests":[{"name":"r","exactly":{"deviceClassName":"k"}}]}},"status":)";
  return check ("resource.k8s.io/v1", "ResourceClaim", (start + status + "}").c_str (), (start + old_status + "}").c_str (), "status");
}

TEST (KubeValidation, AClaimIsAllocatedWhatItAskedFor)
{
  EXPECT_EQ (check_claim (R"({"allocation":{"devices":{"results":[{"request":"r","driver":"d","pool":"p","device":"x"}]}}})"), "");
  EXPECT_EQ (check_claim (R"({"allocation":{"devices":{"results":[{"request":"q","driver":"d","pool":"p","device":"x","shareID":"7"}],"config":[{"source":"Odd","opaque":{"driver":"d","parameters":{}}}]}}})"),
             "[status.allocation.devices.results[0].request: Invalid value: \"q\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/', "
             "status.allocation.devices.results[0].shareID: Invalid value: \"7\": error validating uid: invalid UUID length: 1, "
             "status.allocation.devices.config[0].source: Unsupported value: \"Odd\": supported values: \"FromClaim\", \"FromClass\"]");
  EXPECT_EQ (check_claim (R"({"reservedFor":[{"resource":"pods","name":"p","uid":"u"}]})"),
             "status.reservedFor: Forbidden: may not be specified when `allocated` is not set");
}

TEST (KubeValidation, DriversSpeakOfAllocatedDevicesAlone)
{
  const char *result = R"("allocation":{"devices":{"results":[{"request":"r","driver":"d","pool":"p","device":"x"}]}})";
  std::string good = std::string ("{") + result + R"(,"devices":[{"driver":"d","pool":"p","device":"x","networkData":{"ips":["10.0.0.1/8"]}}]})";
  std::string bad = std::string ("{") + result + R"(,"devices":[{"driver":"d","pool":"p","device":"y","conditions":[{"type":"T","status":"Odd","reason":"-"}],"networkData":{"ips":["010.0.0.1/8"]}}]})";

  EXPECT_EQ (check_claim (good.c_str ()), "");
  EXPECT_EQ (check_claim (bad.c_str ()),
             "[status.devices[0]: Invalid value: {\"Driver\":{},\"Pool\":{},\"Device\":{},\"ShareID\":{}}: must be an allocated device in the claim, "
             "status.devices[0].conditions[0].status: Unsupported value: \"Odd\": supported values: \"False\", \"True\", \"Unknown\", "
             "status.devices[0].conditions[0].lastTransitionTime: Required value: must be set, "
             "status.devices[0].conditions[0].reason: Invalid value: \"-\": a condition reason must start with alphabetic character, optionally followed by a "
             "string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or "
             "'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'), "
             "status.devices[0].networkData.ips[0]: Invalid value: \"010.0.0.1/8\": must be in canonical form (\"10.0.0.1/8\")]");
}

TEST (KubeValidation, ThePlacesOfTypeWarningsAreNamed)
{
  const char *bare = R"({"metadata":{"name":"p","uid":"u","resourceVersion":"1"},"spec":{"failurePolicy":"Fail","validations":[{"expression":"true"}]}})";
  const char *warned = R"({"metadata":{"name":"p","uid":"u","resourceVersion":"1"},"spec":{"failurePolicy":"Fail","validations":[{"expression":"true"}]},
    "status":{"typeChecking":{"expressionWarnings":[{"fieldRef":"spec.validations[0].expression","warning":"w"},{"fieldRef":" ","warning":""}]}}})";

  EXPECT_EQ (check ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", warned, bare, "status"),
             "[status.typeChecking.expressionWarnings[1].warning: Required value, status.typeChecking.expressionWarnings[1].fieldRef: Required value]");
}

/* A volume "v" of a pod, by what it is made of. */
std::string
check_volume (const std::string &source)
{
  std::string found = check ("v1", "Pod", (R"({"metadata":{"name":"p","namespace":"n"},"spec":{"serviceAccountName":"a","containers":[{"name":"c","image":"i"}],"volumes":[{"name":"v",)" + source + "}]}}").c_str ());
  for (size_t at; (at = found.find ("spec.volumes[0]")) != std::string::npos;)
    found.replace (at, strlen ("spec.volumes[0]"), "v");
  return found;
}

TEST (KubeValidation, EveryVolumeSaysWhereItIs)
{
  static const struct {
    const char *source, *missing;
  } volumes[] = {
    { "gitRepo", "v.gitRepo.repository: Required value" },
    { "gcePersistentDisk", "v.persistentDisk.pdName: Required value" },
    { "awsElasticBlockStore", "v.awsElasticBlockStore.volumeID: Required value" },
    { "nfs", "[v.nfs.server: Required value, v.nfs.path: Required value, v.nfs.path: Invalid value: \"\": must be an absolute path]" },
    { "iscsi", "[v.iscsi.targetPortal: Required value, v.iscsi.iqn: Required value]" },
    { "glusterfs", "[v.glusterfs.endpoints: Required value, v.glusterfs.path: Required value]" },
    { "flocker", "v.flocker: Required value: one of datasetName and datasetUUID is required" },
    { "persistentVolumeClaim", "v.persistentVolumeClaim.claimName: Required value" },
    { "rbd", "[v.rbd.monitors: Required value, v.rbd.image: Required value]" },
    { "cinder", "v.cinder.volumeID: Required value" },
    { "cephfs", "v.cephfs.monitors: Required value" },
    { "quobyte", "[v.quobyte.registry: Required value: must be a host:port pair or multiple pairs separated by commas, v.quobyte.volume: Required value]" },
    { "fc", "v.fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both" },
    { "flexVolume", "v.flexVolume.driver: Required value" },
    { "azureFile", "[v.azureFile.secretName: Required value, v.azureFile.shareName: Required value]" },
    { "vsphereVolume", "v.vsphereVolume.volumePath: Required value" },
    { "photonPersistentDisk", "v.photonPersistentDisk.pdID: Required value" },
    { "portworxVolume", "v.portworxVolume.volumeID: Required value" },
    { "storageos", "v.storageos.volumeName: Required value" },
    { "scaleIO", "[v.scaleIO.gateway: Required value, v.scaleIO.system: Required value, v.scaleIO.volumeName: Required value]" },
    { "csi", "v.csi.driver: Required value" },
    { "ephemeral", "v.ephemeral.volumeClaimTemplate: Required value" },
    { "image", "v.image.reference: Required value" },
  };

  for (auto &volume : volumes)
    EXPECT_EQ (check_volume (std::string ("\"") + volume.source + "\":{}"), volume.missing) << volume.source;
  EXPECT_EQ (check_volume (R"("emptyDir":{},"cephfs":{"monitors":["m"]},"downwardAPI":{})"),
             "[v.cephFS: Forbidden: may not specify more than 1 volume type, v.downwarAPI: Forbidden: may not specify more than 1 volume type]");
}

TEST (KubeValidation, StorageOfOthersIsNamedAsTheyNameIt)
{
  EXPECT_EQ (check_volume (R"("gcePersistentDisk":{"pdName":"d","partition":256})"), "v.persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive");
  EXPECT_EQ (check_volume (R"("iscsi":{"targetPortal":"t","iqn":"other","lun":256,"chapAuthSession":true,"initiatorName":"eui.1"})"),
             "[v.iscsi.iqn: Invalid value: \"other\": must be valid format starting with iqn, eui, or naa, v.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive, "
             "v.iscsi.secretRef: Required value, v.iscsi.initiatorname: Invalid value: \"eui.1\": must be valid format]");
  for (const char *iqn : { "iqn.2015-02.example.com:test", "eui.0123456789abcdef", "naa.60014055f198fb3d77bb37a4f3ee1f5f" })
    EXPECT_EQ (check_volume (R"("iscsi":{"targetPortal":"t","iqn":")" + std::string (iqn) + R"("})"), "") << iqn;
  EXPECT_EQ (check_volume (R"("iscsi":{"targetPortal":"t","iqn":"iqn.2015-02.example.com:te st"})"), "v.iscsi.iqn: Invalid value: \"iqn.2015-02.example.com:te st\": must be valid format");
  EXPECT_EQ (check_volume (R"("fc":{"targetWWNs":["w"],"wwids":["i"]})"),
             "[v.fc.targetWWNs: Invalid value: [\"w\"]: targetWWNs and wwids can not be specified simultaneously, v.fc.lun: Required value: lun is required if targetWWNs is specified]");
  EXPECT_EQ (check_volume (R"("flocker":{"datasetName":"a/b","datasetUUID":"u"})"),
             "[v.flocker: Invalid value: \"resource\": datasetName and datasetUUID can not be specified simultaneously, v.flocker.datasetName: Invalid value: \"a/b\": must not contain '/']");
  EXPECT_EQ (check_volume (R"("flexVolume":{"driver":"d","options":{"x.k8s.io/a":"1","notk8s.io":"2"}})"),
             "v.flexVolume.options[x.k8s.io/a]: Invalid value: \"x.k8s.io/a\": kubernetes.io and k8s.io namespaces are reserved");
  EXPECT_EQ (check_volume (R"("storageos":{"volumeName":"v","volumeNamespace":"N","secretRef":{}})").rfind ("[v.storageos.volumeNamespace: Invalid value: \"N\": a lowercase RFC 1123 label", 0), 0u);
  EXPECT_EQ (check_volume (R"("cinder":{"volumeID":"v","secretRef":{}})"), "v.cinder.secretRef.name: Required value");
}

TEST (KubeValidation, RegistriesAreHostsWithPorts)
{
  for (const char *good : { "host:1", "a:1,b:2", "[::1]:7" })
    EXPECT_EQ (check_volume (R"("quobyte":{"volume":"v","registry":")" + std::string (good) + R"("})"), "") << good;
  for (const char *bad : { "host", "a:1,b", "::1", "[::1]", "[::1", "[[::1]]:1", "a]:1" })
    EXPECT_EQ (check_volume (R"("quobyte":{"volume":"v","registry":")" + std::string (bad) + R"("})"),
               std::string ("v.quobyte.registry: Invalid value: \"") + bad + "\": must be a host:port pair or multiple pairs separated by commas");
  EXPECT_EQ (check_volume (R"("quobyte":{"volume":"v","registry":"h:1","tenant":")" + std::string (65, 't') + R"("})"),
             "v.quobyte.tenant: Required value: must be a UUID and may not exceed a length of 64 characters");
}

TEST (KubeValidation, AzureDisksAreOfAKindThatFitsTheirAddress)
{
  EXPECT_EQ (check_volume (R"("azureDisk":{"diskName":"d","diskURI":"https://a.blob.core.windows.net/c/d.vhd"})"), "");
  EXPECT_EQ (check_volume (R"("azureDisk":{"diskName":"d","diskURI":"/subscriptions/s","kind":"Managed","cachingMode":"ReadOnly"})"), "");
  EXPECT_EQ (check_volume (R"("azureDisk":{"diskName":"d","diskURI":"https://x","kind":"Managed","cachingMode":"No"})"),
             "[v.azureDisk.cachingMode: Unsupported value: \"No\": supported values: \"None\", \"ReadOnly\", \"ReadWrite\", v.azureDisk.diskURI: Unsupported value: \"https://x\": supported values: "
             "\"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}\"]");
  EXPECT_EQ (check_volume (R"("azureDisk":{"diskName":"d","diskURI":"x","kind":"Odd"})"),
             "[v.azureDisk.kind: Unsupported value: \"Odd\": supported values: \"Dedicated\", \"Managed\", \"Shared\", v.azureDisk.diskURI: Unsupported value: \"x\": supported values: "
             "\"https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd\"]");
}

TEST (KubeValidation, ProjectedSourcesShareNoPath)
{
  auto projected = [] (const std::string &sources) { return check_volume (R"("projected":{"sources":[)" + sources + "]}"); };

  EXPECT_EQ (projected (R"({"configMap":{"name":"m","items":[{"key":"k","path":"a"}]}},{"secret":{"name":"s","items":[{"key":"k","path":"a"}]}})"),
             "v.projected: Invalid value: \"s\": conflicting duplicate paths");
  EXPECT_EQ (projected (R"({"downwardAPI":{"items":[{"path":"a","fieldRef":{"fieldPath":"metadata.name"}},{"path":"a","fieldRef":{"fieldPath":"spec.nodeName"}},{"path":"../x"}]}})"),
             "[v.projected.sources[0].downwardAPI.fieldRef.fieldPath: Unsupported value: \"spec.nodeName\": supported values: \"metadata.annotations\", \"metadata.labels\", \"metadata.name\", "
             "\"metadata.namespace\", \"metadata.uid\", v.projected: Invalid value: \"a\": conflicting duplicate paths, "
             "v.projected.sources[0].downwardAPI.path: Invalid value: \"../x\": must not contain '..', "
             "v.projected.sources[0].downwardAPI: Required value: one of fieldRef and resourceFieldRef is required]");
  EXPECT_EQ (projected (R"({"serviceAccountToken":{"path":"/t","expirationSeconds":5},"configMap":{"name":"m"}})"),
             "[v.projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes, "
             "v.projected.path: Invalid value: \"/t\": must be a relative path, v.projected.sources[0]: Forbidden: may not specify more than 1 volume type per source]");
  EXPECT_EQ (projected (R"({"clusterTrustBundle":{"path":"p"}})"), "v.projected.sources[0].clusterTrustBundle: Required value: either name or signerName must be specified");
  EXPECT_EQ (projected (R"({"clusterTrustBundle":{"path":"p","name":"example.com:foo:bar"}})"), "");
  EXPECT_EQ (projected (R"({"clusterTrustBundle":{"path":"p","name":"example.com:foo:BAR"}})").rfind (
               "v.projected.sources[0].clusterTrustBundle.name: Invalid value: \"example.com:foo:BAR\": not a valid clustertrustbundlename: a lowercase RFC 1123 subdomain", 0), 0u);
  EXPECT_EQ (projected (R"({"clusterTrustBundle":{"path":"p","signerName":"none"}})"),
             "v.projected.sources[0].clusterTrustBundle.signerName: Invalid value: \"none\": must be a fully qualified domain and path of the form 'example.com/signer-name'");
}

TEST (KubeValidation, AVolumeWithoutNamespaceNamesThoseOfOthers)
{
  auto volume = [] (const std::string &source) {
    return check ("v1", "PersistentVolume", (R"({"metadata":{"name":"pv"},"spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],)" + source + "}}").c_str ());
  };

  EXPECT_EQ (volume (R"("cinder":{"volumeID":"v","secretRef":{"name":"s"}})"), "spec.cinder.secretRef.namespace: Required value");
  EXPECT_EQ (volume (R"("azureFile":{"secretName":"s","shareName":"s","secretNamespace":""})"), "spec.azureFile.secretNamespace: Required value");
  EXPECT_EQ (volume (R"("glusterfs":{"endpoints":"e","path":"p","endpointsNamespace":""})"),
             "spec.glusterfs.endpointsNamespace: Invalid value: \"\": if the endpointnamespace is set, it must be a valid namespace name");
  EXPECT_EQ (volume (R"("iscsi":{"targetPortal":")" + std::string (64, 't') + R"(","iqn":"x","initiatorName":"y","secretRef":{}})"),
             "[spec.iscsi.targetportal: Invalid value: \"" + std::string (64, 't') + "\": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if "
             "iscsi.initiatorName is specified., spec.iscsi.iqn: Invalid value: \"x\": must be valid format, spec.iscsi.secretRef.name: Required value, "
             "spec.iscsi.initiatorname: Invalid value: \"y\": must be valid format]");
}

/* A definition whose property "p" has this schema; its faults, without the path to it. */
std::string
check_property (const std::string &schema)
{
  static const std::string place = "spec.validation.openAPIV3Schema.properties[p].";
  std::string found = check ("apiextensions.k8s.io/v1", "CustomResourceDefinition",
                             (R"({"metadata":{"name":"ws.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"ws","singular":"w","kind":"W","listKind":"WList"},)"
                              R"("versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"p":)" + schema +
                              R"(}}}}]},"status":{"storedVersions":["v1"]}})").c_str ());
  for (size_t at; (at = found.find (place)) != std::string::npos;)
    found.erase (at, place.size ());
  return found;
}

TEST (KubeValidation, ADefaultMeetsItsOwnSchema)
{
  EXPECT_EQ (check_property (R"({"type":"string","minLength":2,"maxLength":4,"pattern":"^a","enum":["ab","abc"],"default":"ab"})"), "");
  EXPECT_EQ (check_property (R"({"type":"string","maxLength":2,"default":"abc"})"), "default: Too long: may not be more than 2 bytes");
  EXPECT_EQ (check_property (R"({"type":"string","minLength":2,"default":"ä"})"), "default: Invalid value: \"ä\":  in body should be at least 2 chars long");
  EXPECT_EQ (check_property (R"({"type":"string","pattern":"^a$","default":"b"})"), "default: Invalid value: \"b\":  in body should match '^a$'");
  EXPECT_EQ (check_property (R"({"type":"string","enum":["a","b"],"default":"c"})"), "default: Unsupported value: \"c\": supported values: \"a\", \"b\"");
  EXPECT_EQ (check_property (R"({"type":"integer","minimum":3,"maximum":5,"default":4})"), "");
  EXPECT_EQ (check_property (R"({"type":"integer","minimum":3,"default":2})"), "default: Invalid value: 2:  in body should be greater than or equal to 3");
  EXPECT_EQ (check_property (R"({"type":"integer","maximum":3,"exclusiveMaximum":true,"default":3})"), "default: Invalid value: 3:  in body should be less than 3");
  EXPECT_EQ (check_property (R"({"type":"integer","multipleOf":2,"default":3})"), "default: Invalid value: 3:  in body should be a multiple of 2");
  EXPECT_EQ (check_property (R"({"type":"number","default":3})"), "") << "an integer is a number";
  EXPECT_EQ (check_property (R"({"type":"boolean","default":1})"), "default: Invalid value: \"integer\":  in body must be of type boolean: \"integer\"");
  EXPECT_EQ (check_property (R"({"type":"array","items":{"type":"string"},"maxItems":1,"default":["a","b"]})"), "default: Too many: 2: must have at most 1 item");
  EXPECT_EQ (check_property (R"({"type":"array","items":{"type":"string"},"default":["a",true]})"),
             "default.[1]: Invalid value: \"boolean\": [1] in body must be of type string: \"boolean\"");
  EXPECT_EQ (check_property (R"({"type":"object","required":["b"],"properties":{"a":{"type":"string","maxLength":1},"b":{"type":"string"}},"default":{"a":"aa"}})"),
             "[default.a: Too long: may not be more than 1 byte, default.b: Required value]");
  EXPECT_EQ (check_property (R"({"type":"object","additionalProperties":{"type":"integer"},"default":{"a":"x"}})"),
             "default.a: Invalid value: \"string\": .a in body must be of type integer: \"string\"");
  EXPECT_EQ (check_property (R"({"type":"object","properties":{"a":{"type":"integer"}},"anyOf":[{"required":["a"]},{"minProperties":2}],"default":{}})"),
             "[default: Invalid value: \"\": \"\" must validate at least one schema (anyOf), default.a: Required value]");
  EXPECT_EQ (check_property (R"({"type":"integer","oneOf":[{"minimum":1},{"maximum":5}],"not":{"minimum":3},"default":3})"),
             "[default: Invalid value: \"\": \"\" must validate one and only one schema (oneOf). Found 2 valid alternatives, "
             "default: Invalid value: \"\": \"\" must not validate the schema (not)]");
  EXPECT_EQ (check_property (R"({"type":"string","format":"date","default":"2020-13-01"})"),
             "default: Invalid value: \"2020-13-01\":  in body must be of type date: \"2020-13-01\"");
  EXPECT_EQ (check_property (R"({"type":"integer","format":"int32","default":3000000000})"),
             "default: Invalid value: \"\": Checked value must be of type integer with format int32 in ");
}

TEST (KubeValidation, WhereAnIngressIsReachedIsAnAddressOrAName)
{
  const char *bare = R"({"metadata":{"name":"i","namespace":"n","uid":"u","resourceVersion":"1"},"status":{"loadBalancer":{"ingress":[{"ip":"01.2.3.4"}]}}})";
  const char *full = R"({"metadata":{"name":"i","namespace":"n","uid":"u","resourceVersion":"1"},"status":{"loadBalancer":{"ingress":[
    {"ip":"01.2.3.4"},{"ip":"1.2.3"},{"hostname":"1.2.3.4"},{"hostname":"a.b"}]}}})";

  EXPECT_EQ (check ("networking.k8s.io/v1", "Ingress", full, bare, "status"),
             "[status.loadBalancer.ingress[1].ip: Invalid value: \"1.2.3\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff), "
             "status.loadBalancer.ingress[2].hostname: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address]");
}

} // namespace
