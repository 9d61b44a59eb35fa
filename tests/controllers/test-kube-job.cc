/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <map>
#include <set>
#include "controllers-fixture.h"
#include <kube/kube-time.h>

extern "C" {
#include "kube-job-indexes.h"
}

namespace {

const char *const kTracking = "batch.kubernetes.io/job-tracking";
const char *const kIndex = "batch.kubernetes.io/job-completion-index";

class Job : public ControllersTest {
protected:
  void
  StartAll ()
  {
    kube_test_kubelet_add (cluster, kSecond, kSecond);
    Start ({ "job-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  }

  Obj
  Make (const std::string &spec, const std::string &restart = "Never", const std::string &annotations = "")
  {
    return Create ("{apiVersion: batch/v1, kind: Job, metadata: {name: work}, spec: {" + spec + (spec.empty () ? "" : ", ") + "template: {metadata: {annotations: {" + annotations +
                   "}}, spec: {nodeName: n1, restartPolicy: " + restart + ", containers: [{name: c, image: 'v:1'}]}}}}");
  }

  Obj Work () { return Get ("Job", "work"); }
  bool Active (gint64 count) { return Work ().number ("status.active", 0) == count && Pods ().size () == (guint) count; }
  bool Ended (const char *type) { return Work ().condition (type) == "True"; }

  /* Those that run or are about to. */
  std::vector<Obj>
  Pods ()
  {
    std::vector<Obj> active;
    for (const Obj &pod : List ("Pod", "job-name=work")) {
      if (!pod.deleting () && pod.text ("status.phase") != "Succeeded" && pod.text ("status.phase") != "Failed")
        active.push_back (pod);
    }
    return active;
  }

  /* As a node agent does when the only container has ended. */
  void
  End (const Obj &pod, int code = 0, const std::string &conditions = "")
  {
    char time[KUBE_TIME_STRING_SIZE];
    kube_time_format (kube_test_cluster_get_time (cluster), time);
    Patch ("Pod", pod.name (), "{status: {phase: " + std::string (code == 0 ? "Succeeded" : "Failed") + ", conditions: [{type: Ready, status: 'False', lastTransitionTime: '" + time + "'}" +
           conditions + "], containerStatuses: [{name: c, image: v, imageID: v, ready: false, restartCount: 0, state: {terminated: {exitCode: " + std::to_string (code) + ", finishedAt: '" + time + "'}}}]}}",
           "status");
  }

  Obj
  Indexed (int index)
  {
    for (const Obj &pod : Pods ()) {
      if (pod.annotation (kIndex) == std::to_string (index))
        return pod;
    }
    return Obj ();
  }

  std::string
  Indexes ()
  {
    std::set<int> all;
    std::string text;
    for (const Obj &pod : Pods ())
      EXPECT_TRUE (all.insert (atoi (pod.annotation (kIndex).c_str ())).second);
    for (int index : all)
      text += (text.empty () ? "" : ",") + std::to_string (index);
    return text;
  }

  void
  ExpectNoneTracked ()
  {
    for (const Obj &pod : List ("Pod"))
      EXPECT_EQ (pod.json ("metadata.finalizers").find (kTracking), std::string::npos) << pod.name ();
  }
};

std::string
Again (const char *text, gint64 completions = 100)
{
  g_autoptr (GArray) indexes = kube_indexes_parse (text, completions);
  g_autofree char *printed = kube_indexes_print (indexes);
  return printed;
}

TEST (JobIndexes, AreReadAndWrittenAsTheApiDoes)
{
  EXPECT_EQ (Again (""), "");
  EXPECT_EQ (Again ("0"), "0");
  EXPECT_EQ (Again ("0,1"), "0,1");
  EXPECT_EQ (Again ("0-1,2"), "0-2");
  EXPECT_EQ (Again ("0,1,3-9,11"), "0,1,3-9,11");
  EXPECT_EQ (Again ("0-9,11", 5), "0-4");
  EXPECT_EQ (Again ("0,7", 5), "0");
  EXPECT_EQ (Again ("a,1,3-b,-5,4"), "1,4");
  EXPECT_EQ (Again ("9-3,1"), "1");
}

TEST (JobIndexes, KnowWhatIsInThemAndWhatIsNot)
{
  g_autoptr (GArray) a = kube_indexes_parse ("1-3,6,8-9", 20), b = kube_indexes_parse ("0,3-8", 20), both = kube_indexes_merge (a, b);
  g_autoptr (GArray) absent = kube_indexes_list_absent (a, 11, 5);
  g_autofree char *text = kube_indexes_print (both);

  EXPECT_STREQ (text, "0-9");
  EXPECT_EQ (kube_indexes_count (a), 6);
  EXPECT_EQ (kube_indexes_count_common (a, b), 3);
  for (int i = 0; i < 12; i++)
    EXPECT_EQ (kube_indexes_has (a, i), (i >= 1 && i <= 3) || i == 6 || i == 8 || i == 9) << i;
  ASSERT_EQ (absent->len, 5u);
  static const gint64 expected[] = { 0, 4, 5, 7, 10 };
  for (guint i = 0; i < absent->len; i++)
    EXPECT_EQ (g_array_index (absent, gint64, i), expected[i]);
  EXPECT_EQ (kube_indexes_count (nullptr), 0);
}

TEST_F (Job, RunsOnePodToItsEndAndIsComplete)
{
  StartAll ();
  Obj job = Make ("");
  ASSERT_TRUE (Until ([&] { return Active (1) && Work ().number ("status.ready") == 1; }));
  Obj pod = Pods ()[0];
  EXPECT_EQ (pod.text ("metadata.generateName"), "work-");
  EXPECT_EQ (pod.json ("metadata.finalizers"), std::string ("[\"") + kTracking + "\"]");
  EXPECT_EQ (pod.text ("metadata.ownerReferences.0.uid"), job.uid ());
  EXPECT_EQ (pod.annotation (kIndex), "");
  EXPECT_TRUE (HasEvent ("work", "Normal SuccessfulCreate Created pod: " + pod.name ()));
  EXPECT_TRUE (Work ().has ("status.startTime"));

  End (pod);
  ASSERT_TRUE (Until ([&] { return Ended ("Complete"); }));
  EXPECT_EQ (Work ().number ("status.succeeded"), 1);
  EXPECT_EQ (Work ().number ("status.ready"), 0);
  EXPECT_EQ (Work ().number ("status.terminating"), 0);
  EXPECT_FALSE (Work ().has ("status.active"));
  EXPECT_FALSE (Work ().has ("status.failed"));
  EXPECT_EQ (Work ().json ("status.uncountedTerminatedPods"), "{}");
  EXPECT_EQ (Work ().condition ("SuccessCriteriaMet"), "True");
  EXPECT_EQ (Work ().condition ("Complete", "reason"), "CompletionsReached");
  EXPECT_EQ (Work ().condition ("Complete", "message"), "Reached expected number of succeeded pods");
  EXPECT_EQ (Work ().condition ("Complete", "lastTransitionTime"), Work ().text ("status.completionTime"));
  EXPECT_TRUE (HasEvent ("work", "Normal Completed Job completed"));
  ExpectNoneTracked ();
  EXPECT_EQ (List ("Pod").size (), 1u);
}

TEST_F (Job, RunsNoMorePodsThanItMayAndIsStillMissing)
{
  StartAll ();
  Make ("completions: 5, parallelism: 2");
  gint64 done = 0;
  while (done < 5) {
    ASSERT_TRUE (Until ([&] { return Active (MIN (2, 5 - done)) && Work ().number ("status.succeeded", 0) == done; })) << done;
    End (Pods ()[0]);
    done++;
  }
  ASSERT_TRUE (Until ([&] { return Ended ("Complete"); }));
  EXPECT_EQ (List ("Pod").size (), 5u);
  EXPECT_EQ (Work ().number ("status.succeeded"), 5);
}

TEST_F (Job, WithoutANumberOfCompletionsOneSuccessEndsItOnceTheRestHasEnded)
{
  StartAll ();
  Make ("parallelism: 3");
  ASSERT_TRUE (Until ([&] { return Active (3); }));
  EXPECT_FALSE (Work ().has ("spec.completions"));
  auto pods = Pods ();
  End (pods[0]);
  ASSERT_TRUE (Until ([&] { return Active (2); }));
  Run (30 * kSecond);
  EXPECT_EQ (List ("Pod").size (), 3u);
  EXPECT_FALSE (Ended ("SuccessCriteriaMet"));
  End (pods[1], 1);
  End (pods[2]);
  ASSERT_TRUE (Until ([&] { return Ended ("Complete"); }));
  EXPECT_EQ (Work ().number ("status.succeeded"), 2);
  EXPECT_EQ (Work ().number ("status.failed"), 1);
}

TEST_F (Job, FollowsItsParallelismAndCompletesAtOnceWithNothingToDo)
{
  StartAll ();
  Make ("completions: 10, parallelism: 4");
  ASSERT_TRUE (Until ([&] { return Active (4); }));
  Patch ("Job", "work", "{spec: {parallelism: 1}}");
  ASSERT_TRUE (Until ([&] { return Active (1) && Work ().number ("status.terminating") == 0; }));
  EXPECT_FALSE (Work ().has ("status.failed"));
  Patch ("Job", "work", "{spec: {parallelism: 0}}");
  ASSERT_TRUE (Until ([&] { return Active (0); }));
  EXPECT_FALSE (Ended ("SuccessCriteriaMet"));

  Create ("{apiVersion: batch/v1, kind: Job, metadata: {name: nothing}, spec: {completions: 0, template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'v:1'}]}}}}");
  ASSERT_TRUE (Until ([&] { return Get ("Job", "nothing").condition ("Complete") == "True"; }));
}

TEST_F (Job, TriesAgainLaterAndLaterUntilItsLimit)
{
  StartAll ();
  Make ("backoffLimit: 3");
  static const gint64 waits[] = { 10, 20, 40 };
  for (gint64 wait : waits) {
    ASSERT_TRUE (Until ([&] { return Active (1); }, 700 * kSecond));
    gint64 failed_at = kube_test_cluster_get_time (cluster);
    End (Pods ()[0], 1);
    ASSERT_TRUE (Until ([&] { return Active (1); }, 700 * kSecond));
    EXPECT_NEAR (kube_test_cluster_get_time (cluster) - failed_at, wait * kSecond, 3 * kSecond);
  }
  EXPECT_EQ (Work ().number ("status.failed"), 3);
  End (Pods ()[0], 1);
  ASSERT_TRUE (Until ([&] { return Ended ("Failed"); }));
  EXPECT_EQ (Work ().number ("status.failed"), 4);
  EXPECT_EQ (Work ().condition ("FailureTarget"), "True");
  EXPECT_EQ (Work ().condition ("Failed", "reason"), "BackoffLimitExceeded");
  EXPECT_EQ (Work ().condition ("Failed", "message"), "Job has reached the specified backoff limit");
  EXPECT_TRUE (HasEvent ("work", "Warning BackoffLimitExceeded Job has reached the specified backoff limit"));
  EXPECT_FALSE (Work ().has ("status.completionTime"));
  ExpectNoneTracked ();
}

TEST_F (Job, ASuccessMakesItForgetEarlierFailuresWhereItWaits)
{
  StartAll ();
  Make ("completions: 10, parallelism: 2, backoffLimit: 20");
  for (int i = 0; i < 3; i++) {
    ASSERT_TRUE (Until ([&] { return Active (2); }, 700 * kSecond));
    End (Pods ()[0], 1);
    ASSERT_TRUE (Until ([&] { return Active (1); }));
  }
  ASSERT_TRUE (Until ([&] { return Active (2); }, 700 * kSecond));
  End (Pods ()[0]);
  ASSERT_TRUE (Until ([&] { return Active (2) && Work ().number ("status.succeeded", 0) == 1; }));
  gint64 failed_at = kube_test_cluster_get_time (cluster);
  End (Pods ()[0], 1);
  ASSERT_TRUE (Until ([&] { return Active (1); }));
  ASSERT_TRUE (Until ([&] { return Active (2); }, 700 * kSecond));
  EXPECT_NEAR (kube_test_cluster_get_time (cluster) - failed_at, 10 * kSecond, 3 * kSecond);
}

TEST_F (Job, CountsRestartsOfContainersThatMayRestart)
{
  StartAll ();
  Make ("backoffLimit: 2", "OnFailure");
  ASSERT_TRUE (Until ([&] { return Active (1) && Work ().number ("status.ready") == 1; }));
  auto restarts = [&] (int count) {
    Patch ("Pod", Pods ()[0].name (), "{status: {containerStatuses: [{name: c, image: v, imageID: v, ready: true, restartCount: " + std::to_string (count) + ", state: {running: {}}}]}}", "status");
  };
  restarts (1);
  Run (10 * kSecond);
  EXPECT_TRUE (Active (1));
  restarts (2);
  ASSERT_TRUE (Until ([&] { return Ended ("Failed"); }));
  EXPECT_TRUE (Pods ().empty ());
  EXPECT_EQ (Work ().number ("status.failed"), 1);
}

TEST_F (Job, ItsDeadlineEndsItOnceItsPodsAreGone)
{
  StartAll ();
  Make ("parallelism: 2, completions: 2, activeDeadlineSeconds: 30", "Never", "test/stay: ''");
  ASSERT_TRUE (Until ([&] { return Active (2); }));
  gint64 started = kube_test_cluster_get_time (cluster);
  auto pods = Pods ();
  ASSERT_TRUE (Until ([&] { return Ended ("FailureTarget"); }));
  EXPECT_NEAR (kube_test_cluster_get_time (cluster) - started, 30 * kSecond, 3 * kSecond);
  EXPECT_EQ (Work ().condition ("FailureTarget", "reason"), "DeadlineExceeded");
  ASSERT_TRUE (Until ([&] { return Work ().number ("status.terminating") == 2 && Work ().number ("status.failed", 0) == 2; }));
  Run (100 * kSecond);
  EXPECT_FALSE (Ended ("Failed"));
  for (const Obj &pod : pods)
    Delete ("Pod", pod.name (), nullptr, "default", 0);
  ASSERT_TRUE (Until ([&] { return Ended ("Failed"); }));
  EXPECT_EQ (Work ().condition ("Failed", "message"), "Job was active longer than specified deadline");
  EXPECT_EQ (Work ().number ("status.terminating"), 0);
  EXPECT_TRUE (HasEvent ("work", "Normal SuccessfulDelete Deleted pod: " + pods[0].name ()));
}

TEST_F (Job, SuspendedItHasNoPodsAndItsTimeStandsStill)
{
  StartAll ();
  Make ("suspend: true, parallelism: 2, completions: 2, activeDeadlineSeconds: 100");
  ASSERT_TRUE (Until ([&] { return Work ().condition ("Suspended") == "True"; }));
  EXPECT_EQ (Work ().condition ("Suspended", "reason"), "JobSuspended");
  EXPECT_TRUE (HasEvent ("work", "Normal Suspended Job suspended"));
  Run (500 * kSecond);
  EXPECT_FALSE (Work ().has ("status.startTime"));
  EXPECT_TRUE (List ("Pod").empty ());

  Patch ("Job", "work", "{spec: {suspend: false}}");
  ASSERT_TRUE (Until ([&] { return Active (2) && Work ().condition ("Suspended") == "False"; }));
  EXPECT_EQ (Work ().condition ("Suspended", "reason"), "JobResumed");
  EXPECT_TRUE (HasEvent ("work", "Normal Resumed Job resumed"));
  std::string start = Work ().text ("status.startTime");
  EXPECT_NE (start, "");
  Run (60 * kSecond);
  Patch ("Job", "work", "{spec: {suspend: true}}");
  ASSERT_TRUE (Until ([&] { return Active (0) && Work ().condition ("Suspended") == "True" && List ("Pod").empty (); }));
  EXPECT_FALSE (Work ().has ("status.failed"));
  EXPECT_FALSE (Work ().has ("status.startTime"));
  Run (60 * kSecond);
  Patch ("Job", "work", "{spec: {suspend: false}}");
  ASSERT_TRUE (Until ([&] { return Active (2); }));
  EXPECT_NE (Work ().text ("status.startTime"), start);
  Run (80 * kSecond);
  EXPECT_FALSE (Ended ("FailureTarget"));
  ASSERT_TRUE (Until ([&] { return Ended ("Failed"); }));
}

TEST_F (Job, IndexedEachPodHasItsIndex)
{
  StartAll ();
  Make ("completionMode: Indexed, completions: 5, parallelism: 3");
  ASSERT_TRUE (Until ([&] { return Active (3); }));
  EXPECT_EQ (Indexes (), "0,1,2");
  Obj pod = Indexed (1);
  EXPECT_EQ (pod.label (kIndex), "1");
  EXPECT_EQ (pod.text ("spec.hostname"), "work-1");
  EXPECT_EQ (pod.text ("metadata.generateName"), "work-1-");
  EXPECT_EQ (pod.text ("spec.containers.0.env.0.name"), "JOB_COMPLETION_INDEX");
  EXPECT_EQ (pod.text ("spec.containers.0.env.0.valueFrom.fieldRef.fieldPath"), std::string ("metadata.labels['") + kIndex + "']");

  End (Indexed (1));
  ASSERT_TRUE (Until ([&] { return Active (3) && Work ().text ("status.completedIndexes") == "1"; }));
  EXPECT_EQ (Indexes (), "0,2,3");
  End (Indexed (2), 1);
  ASSERT_TRUE (Until ([&] { return Active (3) && Work ().number ("status.failed", 0) == 1; }));
  EXPECT_EQ (Indexes (), "0,2,3");
  for (int index : { 0, 2, 3 })
    End (Indexed (index));
  ASSERT_TRUE (Until ([&] { return Active (1) && Work ().text ("status.completedIndexes") == "0-3"; }));
  EXPECT_EQ (Work ().number ("status.succeeded"), 4);
  End (Indexed (4));
  ASSERT_TRUE (Until ([&] { return Ended ("Complete"); }));
  EXPECT_EQ (Work ().text ("status.completedIndexes"), "0-4");
  EXPECT_EQ (Work ().number ("status.succeeded"), 5);
  EXPECT_FALSE (Work ().has ("status.failedIndexes"));
}

TEST_F (Job, IndexedItMayGrowAndShrinkWhileItRuns)
{
  StartAll ();
  Make ("completionMode: Indexed, completions: 3, parallelism: 3");
  ASSERT_TRUE (Until ([&] { return Active (3); }));
  Patch ("Job", "work", "{spec: {completions: 5, parallelism: 5}}");
  ASSERT_TRUE (Until ([&] { return Active (5); }));
  End (Indexed (4));
  ASSERT_TRUE (Until ([&] { return Active (4) && Work ().text ("status.completedIndexes") == "4"; }));
  Patch ("Job", "work", "{spec: {completions: 2, parallelism: 2}}");
  ASSERT_TRUE (Until ([&] { return Active (2); }));
  EXPECT_EQ (Indexes (), "0,1");
  EXPECT_EQ (Work ().number ("status.succeeded", 0), 0);
}

TEST_F (Job, ALimitPerIndexLetsTheOthersGoOn)
{
  StartAll ();
  Make ("completionMode: Indexed, completions: 3, parallelism: 3, backoffLimitPerIndex: 1");
  ASSERT_TRUE (Until ([&] { return Active (3); }));
  EXPECT_EQ (Indexed (0).annotation ("batch.kubernetes.io/job-index-failure-count"), "0");
  std::string first = Indexed (0).name ();
  End (Indexed (0), 1);
  ASSERT_TRUE (Until ([&] { return Active (2); }));
  /* It hands its count on, so it stays until its successor is there. */
  Run (5 * kSecond);
  EXPECT_NE (Get ("Pod", first).json ("metadata.finalizers").find (kTracking), std::string::npos);
  ASSERT_TRUE (Until ([&] { return Active (3); }));
  EXPECT_EQ (Indexed (0).annotation ("batch.kubernetes.io/job-index-failure-count"), "1");
  ASSERT_TRUE (Until ([&] { return Get ("Pod", first).json ("metadata.finalizers").find (kTracking) == std::string::npos; }));
  End (Indexed (0), 1);
  ASSERT_TRUE (Until ([&] { return Work ().text ("status.failedIndexes") == "0"; }));
  Run (60 * kSecond);
  EXPECT_EQ (Indexes (), "1,2");
  EXPECT_FALSE (Ended ("FailureTarget"));
  End (Indexed (1));
  End (Indexed (2));
  ASSERT_TRUE (Until ([&] { return Ended ("Failed"); }));
  EXPECT_EQ (Work ().condition ("Failed", "reason"), "FailedIndexes");
  EXPECT_EQ (Work ().condition ("Failed", "message"), "Job has failed indexes");
  EXPECT_EQ (Work ().text ("status.completedIndexes"), "1,2");
  EXPECT_EQ (Work ().number ("status.failed"), 2);
  ExpectNoneTracked ();
}

TEST_F (Job, TooManyFailedIndexesEndIt)
{
  StartAll ();
  Make ("completionMode: Indexed, completions: 4, parallelism: 4, backoffLimitPerIndex: 0, maxFailedIndexes: 1");
  ASSERT_TRUE (Until ([&] { return Active (4); }));
  End (Indexed (3), 1);
  ASSERT_TRUE (Until ([&] { return Work ().text ("status.failedIndexes") == "3"; }));
  EXPECT_FALSE (Ended ("FailureTarget"));
  End (Indexed (1), 1);
  ASSERT_TRUE (Until ([&] { return Ended ("Failed"); }));
  EXPECT_EQ (Work ().condition ("Failed", "reason"), "MaxFailedIndexesExceeded");
  EXPECT_EQ (Work ().condition ("Failed", "message"), "Job has exceeded the specified maximal number of failed indexes");
  EXPECT_EQ (Work ().text ("status.failedIndexes"), "1,3");
  EXPECT_TRUE (Pods ().empty ());
}

TEST_F (Job, APolicySaysWhatAFailureMeans)
{
  StartAll ();
  Make ("backoffLimit: 0, podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: DisruptionTarget, status: 'True'}]}, {action: FailJob, onExitCodes: {containerName: c, operator: In, "
        "values: [3, 42]}}, {action: Ignore, onExitCodes: {operator: NotIn, values: [7]}}]}");
  ASSERT_TRUE (Until ([&] { return Active (1); }));
  auto again = [&] (int code, const char *conditions) {
    std::string before = Pods ()[0].name ();
    End (Pods ()[0], code, conditions);
    return Until ([&] { return Active (1) && Pods ()[0].name () != before; }, 700 * kSecond);
  };
  ASSERT_TRUE (again (42, ", {type: DisruptionTarget, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z'}"));
  ASSERT_TRUE (again (5, ""));
  EXPECT_FALSE (Work ().has ("status.failed"));
  std::string last = Pods ()[0].name ();
  End (Pods ()[0], 42);
  ASSERT_TRUE (Until ([&] { return Ended ("Failed"); }));
  EXPECT_EQ (Work ().condition ("Failed", "reason"), "PodFailurePolicy");
  EXPECT_EQ (Work ().condition ("Failed", "message"), "Container c for pod default/" + last + " failed with exit code 42 matching FailJob rule at index 1");
  EXPECT_EQ (Work ().number ("status.failed"), 1);
  ExpectNoneTracked ();
}

TEST_F (Job, APolicyMayFailAnIndexOrIgnoreItsFailure)
{
  StartAll ();
  Make ("completionMode: Indexed, completions: 2, parallelism: 2, backoffLimitPerIndex: 3, podFailurePolicy: {rules: [{action: FailIndex, onExitCodes: {operator: In, values: [9]}}, "
        "{action: Ignore, onExitCodes: {operator: In, values: [8]}}]}");
  ASSERT_TRUE (Until ([&] { return Active (2); }));
  End (Indexed (1), 9);
  ASSERT_TRUE (Until ([&] { return Work ().text ("status.failedIndexes") == "1"; }));
  End (Indexed (0), 8);
  ASSERT_TRUE (Until ([&] { return Active (0); }));
  ASSERT_TRUE (Until ([&] { return Active (1); }));
  EXPECT_EQ (Indexed (0).annotation ("batch.kubernetes.io/job-index-failure-count"), "0");
  EXPECT_EQ (Indexed (0).annotation ("batch.kubernetes.io/job-index-ignored-failure-count"), "1");
  gint64 failed_at = kube_test_cluster_get_time (cluster);
  End (Indexed (0), 1);
  ASSERT_TRUE (Until ([&] { return Active (0); }));
  ASSERT_TRUE (Until ([&] { return Active (1); }));
  EXPECT_NEAR (kube_test_cluster_get_time (cluster) - failed_at, 20 * kSecond, 3 * kSecond);
  EXPECT_EQ (Indexed (0).annotation ("batch.kubernetes.io/job-index-failure-count"), "1");
  EXPECT_EQ (Indexed (0).annotation ("batch.kubernetes.io/job-index-ignored-failure-count"), "1");
}

TEST_F (Job, ASuccessPolicyEndsItEarlyAndStopsTheRest)
{
  StartAll ();
  Make ("completionMode: Indexed, completions: 5, parallelism: 5, successPolicy: {rules: [{succeededIndexes: '0', succeededCount: 1}, {succeededCount: 3}]}");
  ASSERT_TRUE (Until ([&] { return Active (5); }));
  End (Indexed (4));
  End (Indexed (3));
  Run (20 * kSecond);
  EXPECT_FALSE (Ended ("SuccessCriteriaMet"));
  End (Indexed (0));
  ASSERT_TRUE (Until ([&] { return Ended ("Complete"); }));
  EXPECT_EQ (Work ().condition ("SuccessCriteriaMet", "reason"), "SuccessPolicy");
  EXPECT_EQ (Work ().condition ("Complete", "message"), "Matched rules at index 0");
  EXPECT_EQ (Work ().text ("status.completedIndexes"), "0,3,4");
  EXPECT_EQ (Work ().number ("status.succeeded"), 3);
  EXPECT_FALSE (Work ().has ("status.failed"));
  EXPECT_TRUE (Pods ().empty ());
  ExpectNoneTracked ();
}

TEST_F (Job, AReplacementComesWhenAPodIsDeletedOrOnlyWhenItHasFailed)
{
  StartAll ();
  Make ("podReplacementPolicy: TerminatingOrFailed", "Never", "test/stay: ''");
  ASSERT_TRUE (Until ([&] { return Active (1); }));
  Obj first = Pods ()[0];
  Delete ("Pod", first.name ());
  ASSERT_TRUE (Until ([&] { return Active (1) && Work ().number ("status.failed", 0) == 1; }));
  EXPECT_TRUE (Get ("Pod", first.name ()).deleting ());
  Delete ("Job", "work", "Background");
  Settle ();

  Create ("{apiVersion: batch/v1, kind: Job, metadata: {name: patient}, spec: {podReplacementPolicy: Failed, template: {metadata: {annotations: {test/stay: ''}}, spec: {nodeName: n1, restartPolicy: Never, containers: "
          "[{name: c, image: 'v:1'}]}}}}");
  ASSERT_TRUE (Until ([&] { return Get ("Job", "patient").number ("status.ready") == 1; }));
  Obj pod = List ("Pod", "job-name=patient")[0];
  Delete ("Pod", pod.name ());
  ASSERT_TRUE (Until ([&] { return Get ("Job", "patient").number ("status.terminating") == 1; }));
  Run (60 * kSecond);
  EXPECT_EQ (List ("Pod", "job-name=patient").size (), 1u);
  EXPECT_FALSE (Get ("Job", "patient").has ("status.failed"));
  End (pod, 1);
  ASSERT_TRUE (Until ([&] { return Get ("Job", "patient").number ("status.active", 0) == 1; }));
  EXPECT_EQ (Get ("Job", "patient").number ("status.failed"), 1);
}

TEST_F (Job, TakesInAPodThatNobodyControlsAndLetsGoOfOneThatNoLongerMatches)
{
  StartAll ();
  Make ("completions: 3, parallelism: 2");
  ASSERT_TRUE (Until ([&] { return Active (2); }));
  Obj pod = Pods ()[0];
  std::string uid = Work ().uid ();
  Patch ("Pod", pod.name (), "{metadata: {ownerReferences: null}}");
  ASSERT_TRUE (Until ([&] { return Get ("Pod", pod.name ()).text ("metadata.ownerReferences.0.uid") == uid; }));
  ASSERT_TRUE (Until ([&] { return Get ("Pod", pod.name ()).json ("metadata.finalizers").find (kTracking) != std::string::npos; }));
  Patch ("Pod", pod.name (), "{metadata: {labels: {batch.kubernetes.io/controller-uid: other}}}");
  ASSERT_TRUE (Until ([&] { return !Get ("Pod", pod.name ()).has ("metadata.ownerReferences.0"); }));
  ASSERT_TRUE (Until ([&] { return Get ("Pod", pod.name ()).json ("metadata.finalizers").find (kTracking) == std::string::npos; }));
  EXPECT_TRUE (Until ([&] { return Work ().number ("status.active", 0) == 2; }));
}

TEST_F (Job, PodsOfAJobThatIsGoneDoNotStayForEver)
{
  kube_test_kubelet_add (cluster, kSecond, kSecond);
  Start ({ "job-controller", "garbage-collector-controller" });
  Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  Make ("parallelism: 3, completions: 3");
  ASSERT_TRUE (Until ([&] { return Active (3); }));
  Delete ("Job", "work", "Background");
  ASSERT_TRUE (Until ([&] { return List ("Pod").empty (); }));

  Make ("parallelism: 3, completions: 3");
  ASSERT_TRUE (Until ([&] { return Active (3); }));
  Delete ("Job", "work", "Foreground");
  ASSERT_TRUE (Until ([&] { return List ("Pod").empty () && !Work (); }));

  Make ("");
  ASSERT_TRUE (Until ([&] { return Active (1); }));
  Delete ("Job", "work", "Orphan");
  ASSERT_TRUE (Until ([&] { return !Work (); }));
  ASSERT_EQ (List ("Pod").size (), 1u);
  ASSERT_TRUE (Until ([&] { return List ("Pod")[0].json ("metadata.finalizers").find (kTracking) == std::string::npos; }));
}

TEST_F (Job, OfAnotherControllerIsLeftAlone)
{
  StartAll ();
  Make ("managedBy: example.com/other");
  Run (60 * kSecond);
  EXPECT_TRUE (List ("Pod").empty ());
  EXPECT_FALSE (Work ().has ("status.startTime"));
}

TEST_F (Job, CountsEachOfManyPodsOnce)
{
  StartAll ();
  Make ("parallelism: 700, completions: 700");
  ASSERT_TRUE (Until ([&] { return Active (700); }));
  for (const Obj &pod : Pods ())
    End (pod);
  ASSERT_TRUE (Until ([&] { return Ended ("Complete"); }));
  EXPECT_EQ (Work ().number ("status.succeeded"), 700);
  EXPECT_EQ (List ("Pod").size (), 700u);
  ExpectNoneTracked ();
}

TEST_F (Job, TellsWhatItHasWhereNoMorePodsAreAdmitted)
{
  StartAll ();
  Make ("parallelism: 2, completions: 4");
  ASSERT_TRUE (Until ([&] { return Active (2); }));
  Delete ("ServiceAccount", "default");
  Settle ();
  End (Pods ()[0]);
  ASSERT_TRUE (Until ([&] { return Work ().number ("status.succeeded", 0) == 1 && Work ().number ("status.active", 0) == 1; }));
  ASSERT_TRUE (Until ([&] { return HasEvent ("work", "Warning FailedCreate Error creating: "); }));
  Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  ASSERT_TRUE (Until ([&] { return Active (2); }, 3600 * kSecond));
}

}
