/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <string>
#include <vector>
#include <kube/kube-yaml.h>
#include "kube-rollout.h"

namespace {

struct Set {
  std::string name;
  std::string image;
  int replicas, available;
  int revision;
  int desired = -1, most = -1;
};

constexpr gint64 kNow = G_GINT64_CONSTANT (1800000000) * G_USEC_PER_SEC;
const char *const kRolling = "{type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}";

KubeObject *
parse (const std::string &text)
{
  g_autoptr (GError) error = nullptr;
  g_autoptr (KubeValue) value = kube_yaml_parse (text.c_str (), -1, &error);

  EXPECT_EQ (error, nullptr) << (error != nullptr ? error->message : "") << text;
  return kube_object_new (value);
}

KubeObject *
make_set (const Set &set, int age)
{
  std::string annotations = "deployment.kubernetes.io/revision: '" + std::to_string (set.revision) + "'";
  std::string replicas = std::to_string (set.replicas), available = std::to_string (set.available);

  if (set.desired >= 0)
    annotations += ", deployment.kubernetes.io/desired-replicas: '" + std::to_string (set.desired) + "'";
  if (set.most >= 0)
    annotations += ", deployment.kubernetes.io/max-replicas: '" + std::to_string (set.most) + "'";
  return parse ("{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: " + set.name + ", namespace: default, uid: " + set.name +
                ", generation: 1, creationTimestamp: '2026-01-01T00:00:0" + std::to_string (age) + "Z', annotations: {" + annotations + "}}, spec: {replicas: " + replicas +
                ", template: {metadata: {labels: {app: web, pod-template-hash: x}}, spec: {containers: [{name: c, image: '" + set.image +
                "'}]}}}, status: {observedGeneration: 1, replicas: " + replicas + ", readyReplicas: " + available + ", availableReplicas: " + available + "}}");
}

class Rollout : public testing::Test {
protected:
  ~Rollout () override
  {
    kube_rollout_clear (&rollout);
    g_clear_pointer (&plan, kube_plan_unref);
    g_clear_pointer (&deployment, kube_object_unref);
  }

  void
  Given (int replicas, const std::string &strategy, const std::vector<Set> &sets)
  {
    g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func ((GDestroyNotify) kube_object_unref);
    int age = 0;

    deployment = parse ("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default, uid: u1, generation: 2}, spec: {replicas: " + std::to_string (replicas) +
                        ", progressDeadlineSeconds: 600, revisionHistoryLimit: 2, selector: {matchLabels: {app: web}}, strategy: " + strategy +
                        ", template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: new}]}}}}");
    for (const Set &set : sets)
      g_ptr_array_add (objects, make_set (set, age++));
    plan = kube_plan_new ();
    kube_rollout_init (&rollout, deployment, objects, plan, kNow);
  }

  std::vector<int>
  Replicas ()
  {
    std::vector<int> replicas;

    for (guint i = 0; i < rollout.sets->len; i++)
      replicas.push_back (static_cast<int> (static_cast<KubeRolloutSet *> (g_ptr_array_index (rollout.sets, i))->replicas));
    return replicas;
  }

  KubeRollout rollout = {};
  KubePlan *plan = nullptr;
  KubeObject *deployment = nullptr;
};

TEST_F (Rollout, TheSetWithTheDeploymentsTemplateIsTheCurrentOne)
{
  Given (3, kRolling, { { "a", "old", 3, 3, 1 }, { "b", "new", 0, 0, 2 } });
  ASSERT_NE (rollout.current, nullptr);
  EXPECT_STREQ (kube_object_get_name (rollout.current->object), "b");
}

TEST_F (Rollout, SurgeIsRoundedUpAndUnavailableDown)
{
  Given (10, kRolling, {});
  EXPECT_EQ (rollout.max_surge, 3);
  EXPECT_EQ (rollout.max_unavailable, 2);
}

TEST_F (Rollout, ItCanAlwaysMove)
{
  Given (1, "{type: RollingUpdate, rollingUpdate: {maxSurge: 0, maxUnavailable: 10%}}", {});
  EXPECT_EQ (rollout.max_unavailable, 1);
}

TEST_F (Rollout, TheNewSetGrowsIntoTheSurge)
{
  Given (10, kRolling, { { "a", "old", 10, 10, 1 }, { "b", "new", 0, 0, 2 } });
  EXPECT_TRUE (kube_rollout_scale_current (&rollout));
  EXPECT_EQ (Replicas (), (std::vector<int>{ 10, 3 }));
}

TEST_F (Rollout, OldPodsGoAsFarAsAvailabilityAllows)
{
  Given (10, kRolling, { { "a", "old", 10, 10, 1 }, { "b", "new", 3, 0, 2 } });
  EXPECT_TRUE (kube_rollout_scale_down_old (&rollout));
  EXPECT_EQ (Replicas (), (std::vector<int>{ 8, 3 }));
}

TEST_F (Rollout, OldPodsThatDoNotWorkGoFirst)
{
  Given (10, kRolling, { { "a", "old", 6, 2, 1 }, { "b", "older", 4, 4, 1 }, { "c", "new", 3, 3, 2 } });
  EXPECT_TRUE (kube_rollout_scale_down_old (&rollout));
  EXPECT_LE (Replicas ()[0], 2);
  EXPECT_EQ (Replicas ()[2], 3);
}

TEST_F (Rollout, NothingGoesWhileTooFewAreAvailable)
{
  Given (4, "{type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", { { "a", "old", 4, 4, 1 }, { "b", "new", 1, 0, 2 } });
  EXPECT_FALSE (kube_rollout_scale_down_old (&rollout));
  EXPECT_EQ (Replicas (), (std::vector<int>{ 4, 1 }));
}

/* 20 + 3 pods, of which 8 and 5 of 13 were of either: 14 and 9. */
TEST_F (Rollout, AScaleInTheMiddleIsSharedInProportion)
{
  Given (20, "{type: RollingUpdate, rollingUpdate: {maxSurge: 3, maxUnavailable: 2}}", { { "a", "old", 8, 8, 1, 10, 13 }, { "b", "new", 5, 2, 2, 10, 13 } });
  EXPECT_TRUE (kube_rollout_is_scaling (&rollout));
  kube_rollout_scale (&rollout);
  EXPECT_EQ (Replicas (), (std::vector<int>{ 14, 9 }));
}

TEST_F (Rollout, AScaleOfTheOnlyActiveSetGoesToItWhole)
{
  Given (5, kRolling, { { "a", "old", 0, 0, 1 }, { "b", "new", 3, 3, 2, 3, 4 } });
  kube_rollout_scale (&rollout);
  EXPECT_EQ (Replicas (), (std::vector<int>{ 0, 5 }));
}

TEST_F (Rollout, ARollbackGivesTheOldSetTheNextRevision)
{
  Given (3, kRolling, { { "a", "new", 0, 0, 1 }, { "b", "bad", 3, 1, 2 } });
  EXPECT_FALSE (kube_rollout_sync_revision (&rollout));
  kube_rollout_commit (&rollout);
  ASSERT_EQ (kube_plan_get_length (plan), 1u);
  KubeObject *written = kube_request_get_object (kube_plan_get_request (plan, 0));
  EXPECT_STREQ (kube_object_get_annotation (written, KUBE_ROLLOUT_REVISION), "3");
  EXPECT_STREQ (kube_object_get_annotation (written, KUBE_ROLLOUT_REVISION_HISTORY), "1");
}

TEST_F (Rollout, RecreateFirstTakesAllOldPodsAway)
{
  Given (3, "{type: Recreate}", { { "a", "old", 3, 3, 1 } });
  EXPECT_TRUE (kube_rollout_drop_old (&rollout));
  EXPECT_EQ (Replicas (), (std::vector<int>{ 0 }));
}

TEST_F (Rollout, HistoryBeyondTheLimitIsDeletedOldestRevisionFirst)
{
  Given (1, kRolling, { { "a", "v1", 0, 0, 1 }, { "b", "v2", 0, 0, 2 }, { "c", "v3", 0, 0, 3 }, { "d", "new", 1, 1, 4 } });
  kube_rollout_clean_up (&rollout);
  ASSERT_EQ (kube_plan_get_length (plan), 1u);
  EXPECT_STREQ (kube_request_get_name (kube_plan_get_request (plan, 0)), "a");
}

TEST_F (Rollout, ANewSetIsNamedAfterItsTemplateAndOwned)
{
  Given (3, kRolling, {});
  kube_rollout_create_current (&rollout);
  KubeObject *made = kube_request_get_object (kube_plan_get_request (plan, 0));
  const char *hash = kube_object_get_label (made, KUBE_ROLLOUT_HASH);
  ASSERT_NE (hash, nullptr);
  EXPECT_EQ (kube_object_get_name (made), "web-" + std::string (hash));
  EXPECT_STREQ (kube_value_get_string (kube_object_get_controller (made), "uid"), "u1");
  EXPECT_EQ (kube_object_get_integer (made, "spec.replicas", 0), 3);
  EXPECT_STREQ (kube_value_get_member_string (kube_object_get (made, "spec.selector.matchLabels"), KUBE_ROLLOUT_HASH), hash);
}

TEST_F (Rollout, ACollisionGivesAnotherName)
{
  Given (3, kRolling, {});
  kube_rollout_create_current (&rollout);
  std::string first = kube_object_get_name (kube_request_get_object (kube_plan_get_request (plan, 0)));
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (deployment));
  kube_node_set_integer (kube_builder_get_root (builder), "status.collisionCount", 1);
  g_autoptr (KubeObject) collided = kube_object_new_from_builder (builder);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (KubePlan) other_plan = kube_plan_new ();
  g_auto (KubeRollout) other = {};
  kube_rollout_init (&other, collided, none, other_plan, kNow);
  kube_rollout_create_current (&other);
  EXPECT_NE (first, kube_object_get_name (kube_request_get_object (kube_plan_get_request (other_plan, 0))));
}

TEST_F (Rollout, ItIsCompleteWhenAllReplicasAreNewAndAvailable)
{
  Given (3, kRolling, { { "a", "old", 0, 0, 1 }, { "b", "new", 3, 3, 2 } });
  kube_rollout_update_progress (&rollout);
  EXPECT_TRUE (kube_rollout_is_complete (&rollout));
  KubeNode *status = kube_rollout_edit_status (&rollout);
  EXPECT_STREQ (kube_node_get_string (status, "conditions.0.reason"), "MinimumReplicasAvailable");
  EXPECT_STREQ (kube_node_get_string (status, "conditions.1.reason"), "NewReplicaSetAvailable");
}

} // namespace
