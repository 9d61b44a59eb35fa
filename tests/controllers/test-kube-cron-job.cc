/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "controllers-fixture.h"
#include <kube/kube-time.h>

namespace {

constexpr gint64 kMinute = 60 * kSecond;

class CronJob : public ControllersTest {
protected:
  void
  StartAll ()
  {
    Start ({ "cronjob-controller" });
    Create ("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default}}");
  }

  Obj
  Make (const std::string &schedule, const std::string &more = "")
  {
    return Create ("{apiVersion: batch/v1, kind: CronJob, metadata: {name: tick}, spec: {schedule: '" + schedule + "', " + more + (more.empty () ? "" : ", ") +
                   "jobTemplate: {metadata: {labels: {from: tick}, annotations: {note: kept}, finalizers: [x/y]}, spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'v:1'}]}}}}}}");
  }

  Obj Tick () { return Get ("CronJob", "tick"); }
  gint64 Now () { return kube_test_cluster_get_time (cluster); }

  std::string
  Text (gint64 time)
  {
    char text[KUBE_TIME_STRING_SIZE];
    return kube_time_format (time, text);
  }

  /* As the Job controller does when one is over. */
  void
  End (const std::string &name, const char *type = "Complete")
  {
    bool good = strcmp (type, "Complete") == 0;
    std::string now = Text (Now ()), start = Get ("Job", name).text ("metadata.creationTimestamp");
    auto condition = [&] (const char *what) { return std::string ("{type: ") + what + ", status: 'True', lastTransitionTime: '" + now + "'}"; };
    Patch ("Job", name, "{status: {startTime: '" + start + "', " + (good ? "completionTime: '" + now + "', succeeded: 1, " : "failed: 1, ") + "conditions: [" +
           condition (good ? "SuccessCriteriaMet" : "FailureTarget") + ", " + condition (type) + "]}}", "status");
  }

  guint
  CountEvents (const std::string &event)
  {
    guint count = 0;
    for (const Obj &one : List ("Event")) {
      if ((one.text ("reason") + " " + one.text ("message")).compare (0, event.size (), event) == 0)
        count += one.number ("count", 1);
    }
    return count;
  }
};

TEST_F (CronJob, StartsAJobWhenItIsDue)
{
  StartAll ();
  Obj made = Make ("*/5 * * * *");
  gint64 due = (Now () / (5 * kMinute) + 1) * 5 * kMinute;
  Run (due - Now () - kSecond);
  EXPECT_TRUE (List ("Job").empty ());
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1; }, 3 * kSecond));
  Obj job = List ("Job")[0];
  EXPECT_EQ (job.name (), "tick-" + std::to_string (due / kMinute));
  EXPECT_EQ (job.label ("from"), "tick");
  EXPECT_EQ (job.annotation ("note"), "kept");
  EXPECT_EQ (job.annotation ("batch.kubernetes.io/cronjob-scheduled-timestamp"), Text (due));
  EXPECT_FALSE (job.has ("metadata.finalizers"));
  EXPECT_EQ (job.json ("metadata.ownerReferences"), "[{\"apiVersion\":\"batch/v1\",\"blockOwnerDeletion\":true,\"controller\":true,\"kind\":\"CronJob\",\"name\":\"tick\",\"uid\":\"" + made.uid () + "\"}]");
  EXPECT_EQ (Tick ().text ("status.active.0.uid"), job.uid ());
  EXPECT_EQ (Tick ().text ("status.active.0.name"), job.name ());
  EXPECT_EQ (Tick ().text ("status.active.0.apiVersion"), "batch/v1");
  EXPECT_EQ (Tick ().text ("status.lastScheduleTime"), Text (due));
  EXPECT_TRUE (HasEvent ("tick", "Normal SuccessfulCreate Created job " + job.name ()));

  End (job.name ());
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 0; }));
  EXPECT_EQ (Tick ().text ("status.lastSuccessfulTime"), Get ("Job", job.name ()).text ("status.completionTime"));
  EXPECT_TRUE (HasEvent ("tick", "Normal SawCompletedJob Saw completed job: " + job.name () + ", condition: Complete"));
  Run (16 * kMinute);
  EXPECT_EQ (List ("Job").size (), 4u);
}

TEST_F (CronJob, ItsTimeIsThatOfItsZone)
{
  StartAll ();
  Make ("30 4 * * *", "timeZone: Asia/Kathmandu");
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1; }, 25 * 60 * kMinute));
  std::string scheduled = List ("Job")[0].annotation ("batch.kubernetes.io/cronjob-scheduled-timestamp");
  EXPECT_EQ (scheduled.substr (10), "T04:30:00+05:45");
  EXPECT_EQ (Tick ().text ("status.lastScheduleTime").substr (10), "T22:45:00Z");
}

TEST_F (CronJob, MayForbidThatTwoRun)
{
  StartAll ();
  Make ("* * * * *", "concurrencyPolicy: Forbid");
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1; }, 2 * kMinute));
  std::string first = List ("Job")[0].name ();
  Run (3 * kMinute);
  EXPECT_EQ (List ("Job").size (), 1u);
  EXPECT_TRUE (HasEvent ("tick", "Normal JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid"));
  EXPECT_EQ (CountEvents ("SuccessfulCreate"), 1u);
  End (first);
  /* The last time that it has missed is made up for. */
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1 && Tick ().text ("status.active.0.name") != first; }, 2 * kSecond));
}

TEST_F (CronJob, MayReplaceTheOneThatRuns)
{
  StartAll ();
  Make ("* * * * *", "concurrencyPolicy: Replace");
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1; }, 2 * kMinute));
  std::string first = List ("Job")[0].name ();
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1 && Tick ().text ("status.active.0.name") != first; }, 2 * kMinute));
  EXPECT_EQ (List ("Job").size (), 1u);
  EXPECT_TRUE (HasEvent ("tick", "Normal SuccessfulDelete Deleted job " + first));
}

TEST_F (CronJob, MayLetManyRun)
{
  StartAll ();
  Make ("* * * * *");
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 3; }, 5 * kMinute));
  EXPECT_EQ (List ("Job").size (), 3u);
}

TEST_F (CronJob, SuspendedItStartsNothingAndThenOnlyTheLastOne)
{
  StartAll ();
  Make ("* * * * *", "suspend: true");
  Run (10 * kMinute);
  EXPECT_TRUE (List ("Job").empty ());
  Patch ("CronJob", "tick", "{spec: {suspend: false}}");
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1; }, 2 * kSecond));
  EXPECT_EQ (Tick ().text ("status.lastScheduleTime"), Text (Now () / kMinute * kMinute));
  EXPECT_EQ (List ("Job").size (), 1u);
}

TEST_F (CronJob, DoesNotStartWhatIsTooLate)
{
  StartAll ();
  Make ("0 * * * *", "suspend: true, startingDeadlineSeconds: 60");
  gint64 due = (Now () / (60 * kMinute) + 1) * 60 * kMinute;
  Run (due - Now () + 5 * kMinute);
  Patch ("CronJob", "tick", "{spec: {suspend: false}}");
  Run (10 * kMinute);
  EXPECT_TRUE (List ("Job").empty ());
  ASSERT_TRUE (Until ([&] { return List ("Job").size () == 1; }, 60 * kMinute));
  EXPECT_EQ (Tick ().text ("status.lastScheduleTime"), Text (due + 60 * kMinute));
}

TEST_F (CronJob, WarnsOfManyMissedTimesAndStartsOne)
{
  StartAll ();
  Make ("* * * * *", "suspend: true");
  Run (200 * kMinute);
  Patch ("CronJob", "tick", "{spec: {suspend: false}}");
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1; }, 2 * kSecond));
  EXPECT_TRUE (HasEvent ("tick", "Warning TooManyMissedTimes too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"));
  EXPECT_EQ (List ("Job").size (), 1u);
}

TEST_F (CronJob, KeepsTheLastFewOfItsJobs)
{
  StartAll ();
  Make ("* * * * *", "successfulJobsHistoryLimit: 2, failedJobsHistoryLimit: 1");
  std::vector<std::string> names;
  for (int i = 0; i < 6; i++) {
    ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1; }, 2 * kMinute));
    names.push_back (Tick ().text ("status.active.0.name"));
    End (names[i], i < 2 ? "Failed" : "Complete");
    ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 0; }, 2 * kSecond));
  }
  Settle ();
  for (int i = 0; i < 6; i++)
    EXPECT_EQ ((bool) Get ("Job", names[i]), i == 1 || i >= 4) << i;
  EXPECT_TRUE (HasEvent ("tick", "Normal SawCompletedJob Saw completed job: " + names[0] + ", condition: Failed"));
  EXPECT_TRUE (HasEvent ("tick", "Normal SuccessfulDelete Deleted job " + names[2]));
}

TEST_F (CronJob, ForgetsAJobThatIsGone)
{
  StartAll ();
  Make ("0 * * * *", "concurrencyPolicy: Forbid");
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 1; }, 61 * kMinute));
  std::string name = Tick ().text ("status.active.0.name");
  Delete ("Job", name, "Background");
  ASSERT_TRUE (Until ([&] { return Tick ().length ("status.active") == 0; }, 2 * kSecond));
  EXPECT_TRUE (HasEvent ("tick", "Normal MissingJob Active job went missing: " + name));
}

TEST_F (CronJob, ANewScheduleBeginsWithItsNextTime)
{
  StartAll ();
  Make ("0 0 1 1 *");
  Run (30 * kMinute);
  Patch ("CronJob", "tick", "{spec: {schedule: '*/10 * * * *'}}");
  gint64 due = (Now () / (10 * kMinute) + 1) * 10 * kMinute;
  Run (due - Now () - kSecond);
  EXPECT_TRUE (List ("Job").empty ());
  ASSERT_TRUE (Until ([&] { return Tick ().text ("status.lastScheduleTime") == Text (due); }, 3 * kSecond));
}

TEST_F (CronJob, SaysSoWhereItsScheduleNeverComes)
{
  StartAll ();
  Make ("0 0 30 2 *");
  Run (60 * kMinute);
  EXPECT_TRUE (HasEvent ("tick", "Warning InvalidSchedule invalid schedule: 0 0 30 2 * : time difference between two schedules is less than 1 second"));
  EXPECT_LT (CountEvents ("InvalidSchedule"), 3u);
}

class TtlAfterFinished : public CronJob {
protected:
  void
  MakeJob (const char *ttl)
  {
    Create (std::string ("{apiVersion: batch/v1, kind: Job, metadata: {name: work}, spec: {") + ttl + "template: {spec: {restartPolicy: Never, containers: [{name: c, image: 'v:1'}]}}}}");
  }
};

TEST_F (TtlAfterFinished, AJobGoesSoManySecondsAfterItHasEnded)
{
  Start ({ "ttl-after-finished-controller", "garbage-collector-controller" });
  MakeJob ("ttlSecondsAfterFinished: 100, ");
  Run (1000 * kSecond);
  ASSERT_TRUE (Get ("Job", "work"));
  End ("work");
  Run (98 * kSecond);
  EXPECT_TRUE (Get ("Job", "work"));
  ASSERT_TRUE (Until ([&] { return !Get ("Job", "work"); }, 4 * kSecond));
}

TEST_F (TtlAfterFinished, MoreTimeCountsUntilItIsOver)
{
  Start ({ "ttl-after-finished-controller", "garbage-collector-controller" });
  MakeJob ("ttlSecondsAfterFinished: 100, ");
  End ("work", "Failed");
  Run (50 * kSecond);
  Patch ("Job", "work", "{spec: {ttlSecondsAfterFinished: 300}}");
  Run (200 * kSecond);
  EXPECT_TRUE (Get ("Job", "work"));
  Patch ("Job", "work", "{spec: {ttlSecondsAfterFinished: 0}}");
  ASSERT_TRUE (Until ([&] { return !Get ("Job", "work"); }, 2 * kSecond));
}

TEST_F (TtlAfterFinished, WithoutItAJobStays)
{
  Start ({ "ttl-after-finished-controller", "garbage-collector-controller" });
  MakeJob ("");
  End ("work");
  Run (100000 * kSecond);
  EXPECT_TRUE (Get ("Job", "work"));
}

}
