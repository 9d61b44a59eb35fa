/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server-fixture.h"

#include <kube/kube-certificates.h>

namespace {

class Warnings : public Server {
protected:
  std::string of (const char *kind, const std::string &json)
  {
    Answer answer = create (kind, json);
    EXPECT_EQ (answer.status, 201) << answer.message;
    return answer.warnings;
  }
};

TEST_F (Warnings, AHeadlessServiceIsToldWhatIsNotForIt)
{
  EXPECT_EQ (of ("Service", R"({"metadata":{"name":"s","annotations":{"service.kubernetes.io/topology-aware-hints":"auto"}},"spec":{"clusterIP":"None",
                             "loadBalancerIP":"FD00::1","externalIPs":["2001:db8:0::1"],"sessionAffinity":"ClientIP","externalName":"a.b","ports":[{"port":80}]}})"),
             "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead\n"
             "spec.loadBalancerIP is ignored for headless services\n"
             "spec.externalIPs is ignored for headless services\n"
             "spec.SessionAffinity is ignored for headless services\n"
             "spec.externalIPs[0]: IPv6 address \"2001:db8:0::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")\n"
             "spec.loadBalancerIP: IPv6 address \"FD00::1\" should be in RFC 5952 canonical format (\"fd00::1\")\n"
             "spec.externalName is ignored when spec.type is not \"ExternalName\"\n");
}

TEST_F (Warnings, RangesAndAddressesAreToBeWrittenAsRfc5952HasThem)
{
  EXPECT_EQ (of ("Node", R"({"metadata":{"name":"n"},"spec":{"externalID":"x","podCIDR":"FD00::/64","podCIDRs":["FD00::/64"]}})"),
             "spec.externalID: this field is deprecated, and is unused by Kubernetes\n"
             "spec.podCIDRs[0]: IPv6 CIDR value \"FD00::/64\" should be in RFC 5952 canonical format (\"fd00::/64\")\n");
  /* The C library would print this one with dots. */
  EXPECT_EQ (of ("EndpointSlice", R"({"metadata":{"name":"e"},"addressType":"IPv6","endpoints":[{"addresses":["::0102:0304"]}]})"),
             "endpoints[0].addresses[0]: IPv6 address \"::0102:0304\" should be in RFC 5952 canonical format (\"::102:304\")\n");
}

TEST_F (Warnings, ACertificateAndItsKeyBelongTogether)
{
  auto pair = [this] (const std::string &certificate, const std::string &key) {
    g_autofree char *first = g_base64_encode (reinterpret_cast<const guchar *> (certificate.data ()), certificate.size ());
    g_autofree char *second = g_base64_encode (reinterpret_cast<const guchar *> (key.data ()), key.size ());
    return of ("Secret", std::string (R"({"metadata":{"generateName":"s"},"type":"kubernetes.io/tls","data":{"tls.crt":")") + first + R"(","tls.key":")" + second + "\"}}");
  };
  g_autofree char *key = kube_private_key_new (nullptr), *other = kube_private_key_new (nullptr);
  g_autofree char *certificate = kube_certificate_new_ca ("x", key, 1, nullptr);
  const std::string unread = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

  EXPECT_EQ (pair (certificate, key), "");
  EXPECT_EQ (pair (std::string ("so be it\n") + certificate, std::string (certificate) + key), "");
  EXPECT_EQ (pair (certificate, other), "tls: private key does not match public key\n");
  EXPECT_EQ (pair (certificate, unread), "tls: failed to parse private key\n");
  EXPECT_EQ (pair ("x", key), "tls: failed to find any PEM data in certificate input\n");
  EXPECT_EQ (pair (certificate, "x"), "tls: failed to find any PEM data in key input\n");
  EXPECT_EQ (pair (key, certificate),
             "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched\n");
  EXPECT_EQ (pair (certificate, certificate), "tls: found a certificate rather than a key in the PEM for the private key\n");
  EXPECT_EQ (pair (std::string (key) + other, key), "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [" +
                                                    std::string (strstr (key, "EC PRIVATE KEY") != nullptr ? "EC PRIVATE KEY EC PRIVATE KEY" : "PRIVATE KEY PRIVATE KEY") + "]\n");
}

TEST_F (Warnings, NamesOfPodsAreHostNames)
{
  static const char spec[] = R"("spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"},"annotations":
      {"container.apparmor.security.beta.kubernetes.io/c":"unconfined","seccomp.security.alpha.kubernetes.io/pod":"unconfined"}},"spec":{"containers":[{"name":"c","image":"i"}]}}})";

  EXPECT_EQ (of ("Pod", pod ("a.b")),
             "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]\n");
  EXPECT_EQ (of ("Deployment", std::string (R"({"metadata":{"name":"a.b"},)") + spec + "}"),
             "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]\n"
             "spec.template.metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the \"seccompProfile\" field instead\n"
             "spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated since v1.30; use the \"appArmorProfile\" field instead\n");
}

TEST_F (Warnings, TemplatesAreLookedAtAgainWhenAnythingOfTheSpecChanges)
{
  static const char set[] = R"({"metadata":{"name":"s"},"spec":{"serviceName":"s","revisionHistoryLimit":-1,"selector":{"matchLabels":{"a":"b"}},
      "volumeClaimTemplates":[{"metadata":{"name":"v"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1500m"}}}}],
      "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}],"nodeSelector":{"beta.kubernetes.io/os":"linux"}}}}})";
  static const char history[] = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended\n";
  static const char label[] = "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead\n";

  EXPECT_EQ (of ("StatefulSet", set),
             std::string ("spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer\n") + history + label);
  EXPECT_EQ (patch ("StatefulSet", "s", R"({"metadata":{"labels":{"x":"y"}}})").warnings, "");
  EXPECT_EQ (patch ("StatefulSet", "s", R"({"spec":{"replicas":3}})").warnings,
             std::string ("spec.volumeClaimTemplates[0].Spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer\n") + history + label);
}

TEST_F (Warnings, WhatIsGoneOrGoingIsNamed)
{
  EXPECT_EQ (of ("PersistentVolume", R"({"metadata":{"name":"v","annotations":{"volume.beta.kubernetes.io/storage-class":"x"}},"spec":{"capacity":{"storage":"1"},
                                      "accessModes":["ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Recycle","storageos":{"volumeName":"x"}}})"),
             "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use \"storageClassName\" attribute instead\n"
             "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.\n"
             "spec.storageOS: deprecated in v1.22, non-functional in v1.25+\n");
  EXPECT_EQ (of ("RuntimeClass", R"({"metadata":{"name":"r"},"handler":"h","scheduling":{"nodeSelector":{"beta.kubernetes.io/arch":"amd64"}}})"),
             "scheduling.nodeSelector: deprecated since v1.14; use \"kubernetes.io/arch\" instead\n");
}

TEST_F (Warnings, AJobOfVeryManyIndexesMayNotBeTracked)
{
  EXPECT_EQ (of ("Job", R"({"metadata":{"name":"j"},"spec":{"completionMode":"Indexed","completions":200000,"parallelism":20000,
                         "template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})"),
             "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track "
             "completedIndexes when a big number of indexes fail\n");
}

TEST_F (Warnings, FormatsThatMeanNothingAreNamedOnce)
{
  std::string start = R"({"metadata":{"name":"ws.x.io"},"spec":{"group":"x.io","scope":"Cluster","names":{"plural":"ws","kind":"W"},"versions":[{"name":"v1","served":true,"storage":true,
    "schema":{"openAPIV3Schema":{"type":"object","properties":{"a":{"type":"string","format":"date-time"},"b":{"type":"array","items":{"type":"integer","format":"int8"}},
    "c":{"type":"integer","format":"int32"},"d":{"type":"string","format":"int8"}}}}}]}})";

  EXPECT_EQ (of ("CustomResourceDefinition", start), "unrecognized format \"int8\"\n");
  EXPECT_EQ (patch ("CustomResourceDefinition", "ws.x.io", R"({"metadata":{"labels":{"x":"y"}}})").warnings, "");
}

} // namespace
