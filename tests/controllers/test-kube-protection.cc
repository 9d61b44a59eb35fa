/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

namespace {

class Protection : public ControllersTest {
protected:
  void
  SetUp () override
  {
    ControllersTest::SetUp ();
    Start ({ "persistentvolume-protection-controller", "persistentvolumeclaim-protection-controller", "volumeattributesclass-protection-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  }

  void
  Claim (const std::string &name, const std::string &more = "")
  {
    Create ("{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: " + name + "}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}" + more + "}}");
    Settle ();
  }

  Obj
  Pod (const std::string &name, const std::string &volume, const std::string &more = ", nodeName: here")
  {
    return Create ("{apiVersion: v1, kind: Pod, metadata: {name: " + name + "}, spec: {containers: [{name: c, image: i}], volumes: [{name: v, " + volume + "}]" + more + "}}");
  }

  bool
  Goes (const char *kind, const std::string &name)
  {
    Delete (kind, name);
    return IsGone (kind, name);
  }

  bool
  IsGone (const char *kind, const std::string &name)
  {
    Settle ();
    return !Get (kind, name);
  }
};

constexpr char kOfClaim[] = "persistentVolumeClaim: {claimName: claim}";

TEST_F (Protection, WhatNobodyUsesGoesAtOnce)
{
  Claim ("claim");
  EXPECT_EQ (Get ("PersistentVolumeClaim", "claim").json ("metadata.finalizers"), "[\"kubernetes.io/pvc-protection\"]");
  EXPECT_TRUE (Goes ("PersistentVolumeClaim", "claim"));
  Create ("{apiVersion: v1, kind: PersistentVolume, metadata: {name: volume}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}}");
  EXPECT_TRUE (Goes ("PersistentVolume", "volume"));
  Create ("{apiVersion: storage.k8s.io/v1, kind: VolumeAttributesClass, metadata: {name: gold}, driverName: csi.example.com, parameters: {a: b}}");
  EXPECT_TRUE (Goes ("VolumeAttributesClass", "gold"));
}

TEST_F (Protection, AClaimStaysUntilItsLastPodIsGone)
{
  Claim ("claim");
  Pod ("one", kOfClaim);
  Pod ("two", kOfClaim);
  Pod ("waiting", kOfClaim, "");
  Pod ("other", "persistentVolumeClaim: {claimName: another}");
  EXPECT_FALSE (Goes ("PersistentVolumeClaim", "claim"));
  EXPECT_TRUE (Get ("PersistentVolumeClaim", "claim").deleting ());
  Delete ("Pod", "one", nullptr, "default", 0);
  EXPECT_FALSE (IsGone ("PersistentVolumeClaim", "claim"));
  Patch ("Pod", "two", "{status: {phase: Succeeded}}", "status");
  EXPECT_FALSE (IsGone ("PersistentVolumeClaim", "claim"));
  Delete ("Pod", "two", nullptr, "default", 0);
  EXPECT_TRUE (IsGone ("PersistentVolumeClaim", "claim"));
}

TEST_F (Protection, AnEphemeralVolumeUsesTheClaimThatWasMadeForItsPod)
{
  Obj pod = Pod ("pod", "ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}");
  Claim ("pod-v");
  EXPECT_TRUE (Goes ("PersistentVolumeClaim", "pod-v"));
  Claim ("pod-v");
  Patch ("PersistentVolumeClaim", "pod-v", "{metadata: {ownerReferences: [{apiVersion: v1, kind: Pod, name: pod, uid: " + pod.uid () + ", controller: true}]}}");
  EXPECT_FALSE (Goes ("PersistentVolumeClaim", "pod-v"));
  Delete ("Pod", "pod", nullptr, "default", 0);
  EXPECT_TRUE (IsGone ("PersistentVolumeClaim", "pod-v"));
}

TEST_F (Protection, AVolumeStaysWhileItIsBound)
{
  Create ("{apiVersion: v1, kind: PersistentVolume, metadata: {name: volume}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}}");
  Patch ("PersistentVolume", "volume", "{status: {phase: Bound}}", "status");
  EXPECT_FALSE (Goes ("PersistentVolume", "volume"));
  Patch ("PersistentVolume", "volume", "{status: {phase: Released}}", "status");
  EXPECT_TRUE (IsGone ("PersistentVolume", "volume"));
}

TEST_F (Protection, AnAttributesClassStaysWhileAClaimOrAVolumeHasIt)
{
  Create ("{apiVersion: storage.k8s.io/v1, kind: VolumeAttributesClass, metadata: {name: gold}, driverName: csi.example.com, parameters: {a: b}}");
  Claim ("claim", ", volumeAttributesClassName: gold");
  EXPECT_FALSE (Goes ("VolumeAttributesClass", "gold"));
  Delete ("PersistentVolumeClaim", "claim");
  EXPECT_TRUE (IsGone ("VolumeAttributesClass", "gold"));
}

TEST_F (Protection, AFinalizerThatWasTakenAwayComesBack)
{
  Claim ("claim");
  Patch ("PersistentVolumeClaim", "claim", "{metadata: {finalizers: null}}");
  Settle ();
  EXPECT_EQ (Get ("PersistentVolumeClaim", "claim").json ("metadata.finalizers"), "[\"kubernetes.io/pvc-protection\"]");
}

}
