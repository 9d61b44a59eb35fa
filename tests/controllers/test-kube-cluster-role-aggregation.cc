/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"

namespace {

class Aggregation : public ControllersTest {
protected:
  void
  SetUp () override
  {
    ControllersTest::SetUp ();
    Start ({ "clusterrole-aggregation-controller" });
  }

  void
  Part (const std::string &name, const std::string &resource, const std::string &label = "test/part: 'yes'")
  {
    Create ("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: " + name + ", labels: {" + label + "}}, rules: [{apiGroups: [''], resources: [" + resource +
            "], verbs: [get]}]}");
  }

  void
  Whole (const std::string &name, const std::string &label = "test/part: 'yes'", const std::string &labels = "")
  {
    Create ("{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: " + name + ", labels: {" + labels + "}}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {" +
            label + "}}]}}");
  }

  std::string
  Resources (const std::string &name)
  {
    std::string text;
    Obj role = Get ("ClusterRole", name);
    for (guint i = 0; i < role.length ("rules"); i++)
      text += role.text (("rules." + std::to_string (i) + ".resources.0").c_str ()) + " ";
    return text;
  }
};

TEST_F (Aggregation, TheRolesForUsersGetTheirRules)
{
  gint64 view = Get ("ClusterRole", "view").length ("rules"), edit = Get ("ClusterRole", "edit").length ("rules"), admin = Get ("ClusterRole", "admin").length ("rules");
  EXPECT_GT (view, 0);
  EXPECT_GT (edit, view);
  EXPECT_GT (admin, edit);
}

TEST_F (Aggregation, HasTheRulesOfItsPartsInTheOrderOfTheirNamesAndEachOnce)
{
  Whole ("whole");
  Settle ();
  EXPECT_EQ (Resources ("whole"), "");
  Part ("b", "pods");
  Part ("a", "services");
  Part ("c", "pods");
  Part ("other", "secrets", "test/part: 'no'");
  Settle ();
  EXPECT_EQ (Resources ("whole"), "services pods ");
}

TEST_F (Aggregation, FollowsItsPartsAsTheyComeChangeAndGo)
{
  Part ("a", "pods");
  Whole ("whole");
  Settle ();
  EXPECT_EQ (Resources ("whole"), "pods ");
  Patch ("ClusterRole", "a", "{rules: [{apiGroups: [''], resources: [nodes], verbs: [list]}]}");
  Settle ();
  EXPECT_EQ (Resources ("whole"), "nodes ");
  Patch ("ClusterRole", "a", "{metadata: {labels: {test/part: null}}}");
  Settle ();
  EXPECT_EQ (Resources ("whole"), "");
  Patch ("ClusterRole", "a", "{metadata: {labels: {test/part: 'yes'}}}");
  Settle ();
  EXPECT_EQ (Resources ("whole"), "nodes ");
  Delete ("ClusterRole", "a");
  Settle ();
  EXPECT_EQ (Resources ("whole"), "");
}

TEST_F (Aggregation, RulesThatSomebodyWroteInAreReplaced)
{
  Part ("a", "pods");
  Whole ("whole");
  Settle ();
  Patch ("ClusterRole", "whole", "{rules: [{apiGroups: [''], resources: [secrets], verbs: [get]}]}");
  Settle ();
  EXPECT_EQ (Resources ("whole"), "pods ");
}

TEST_F (Aggregation, AnAggregateMayBeAPartOfAnother)
{
  Part ("a", "pods");
  Whole ("inner", "test/part: 'yes'", "test/outer: 'yes'");
  Whole ("outer", "test/outer: 'yes'");
  Settle ();
  EXPECT_EQ (Resources ("outer"), "pods ");
}

}
