/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/sys/kube-runtime.h>
#include <fstream>
#include <thread>
#include <vector>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "busybox-layout.h"
#include "image/kube-image-private.h"
#include "runtime/kube-container-log.h"
#include "wait-until.h"

namespace {

struct Answer {
  GAsyncResult *result = NULL;
  ~Answer ()
  {
    g_clear_object (&result);
  }
  static void on_done (GObject *, GAsyncResult *result, gpointer data)
  {
    ((Answer *) data)->result = G_ASYNC_RESULT (g_object_ref (result));
  }
  GAsyncResult *wait ()
  {
    while (result == NULL)
      g_main_context_iteration (NULL, TRUE);
    return result;
  }
};

std::string
read_file (const char *path)
{
  std::ifstream in (path);
  return std::string (std::istreambuf_iterator<char> (in), {});
}

/* One data directory with an image for all tests of the suite, in a network namespace of its own. */
struct KubeRuntimeOciTest : testing::Test {
  static char *data;
  static KubeImageStore *images;
  static KubeImage *image;
  static std::string missing;
  KubeRuntime *runtime = NULL;
  int changes = 0;

  static void SetUpTestSuite ()
  {
    for (const char *program : { "crun", "conmon" }) {
      g_autofree char *path = g_find_program_in_path (program);
      if (path == NULL)
        missing = program;
    }
    if (access ("/bin/busybox", X_OK) != 0)
      missing = "busybox-static";
    if (geteuid () != 0 || unshare (CLONE_NEWNET) != 0)
      missing = "root";
    if (!missing.empty ())
      return;
    data = g_dir_make_tmp ("kube-runtime-XXXXXX", NULL);
    std::string layout = std::string (data) + "/layout";
    make_busybox_layout (layout);
    images = kube_image_store_new (data);
    g_autoptr (GError) error = NULL;
    image = kube_image_store_import (images, layout.c_str (), "localhost/busybox:1", &error);
    if (image == NULL)
      missing = error->message;
  }
  static void TearDownTestSuite ()
  {
    if (data == NULL)
      return;
    g_clear_pointer (&image, kube_image_unref);
    g_clear_object (&images);
    g_autoptr (GError) error = NULL;
    EXPECT_TRUE (kube_runtime_oci_clean_up (data, &error)) << error->message;
    std::string mounts = read_file ("/proc/self/mountinfo");
    EXPECT_EQ (mounts.find (data), std::string::npos) << "a mount is left";
    kube_folder_remove (data, NULL);
    g_free (data);
  }
  void SetUp () override
  {
    if (!missing.empty ())
      GTEST_SKIP () << "needs " << missing;
    open ();
  }
  void open ()
  {
    g_autoptr (GError) error = NULL;
    runtime = kube_runtime_oci_new (data, images, &error);
    ASSERT_NE (runtime, nullptr) << error->message;
    g_signal_connect_swapped (runtime, "changed", G_CALLBACK (+[] (int *n) { ++*n; }), &changes);
  }
  void TearDown () override
  {
    g_clear_object (&runtime);
    while (g_main_context_iteration (NULL, FALSE))
      ;
  }
  void pod (const char *uid, const std::string &more = "")
  {
    g_autoptr (KubeValue) config = kube_value_parse (("{\"uid\":\"" + std::string (uid) + "\",\"hostname\":\"host-1\",\"cgroupParent\":\"pod" + uid + "\"" + more + "}").c_str (), -1, NULL);
    g_autoptr (GError) error = NULL;
    Answer answer;
    kube_runtime_start_pod_async (runtime, config, Answer::on_done, &answer);
    ASSERT_TRUE (kube_runtime_start_pod_finish (runtime, answer.wait (), &error)) << error->message;
  }
  void remove_pod (const char *uid)
  {
    Answer answer;
    kube_runtime_remove_pod_async (runtime, uid, Answer::on_done, &answer);
    EXPECT_TRUE (kube_runtime_remove_pod_finish (runtime, answer.wait (), NULL));
  }
  std::string create (const char *uid, const std::string &script, const std::string &more = "")
  {
    std::string quoted;
    for (char c : script)
      quoted += c == '"' || c == '\\' ? std::string ("\\") + c : std::string (1, c);
    g_autoptr (GError) error = NULL;
    g_autoptr (KubeValue) config = kube_value_parse (("{\"name\":\"c\",\"args\":[\"sh\",\"-c\",\"" + quoted + "\"]" + more + "}").c_str (), -1, &error);
    EXPECT_NE (config, nullptr) << error->message;
    Answer answer;
    kube_runtime_create_container_async (runtime, uid, config, image, Answer::on_done, &answer);
    g_autofree char *id = kube_runtime_create_container_finish (runtime, answer.wait (), &error);
    EXPECT_NE (id, nullptr) << error->message;
    return id != NULL ? id : "";
  }
  bool start (const std::string &id, std::string *why = NULL)
  {
    g_autoptr (GError) error = NULL;
    Answer answer;
    kube_runtime_start_container_async (runtime, id.c_str (), Answer::on_done, &answer);
    bool good = kube_runtime_start_container_finish (runtime, answer.wait (), &error);
    if (why != NULL)
      *why = error != NULL ? error->message : "";
    else
      EXPECT_TRUE (good) << error->message;
    return good;
  }
  KubeContainer *wait_end (const std::string &id)
  {
    KubeContainer *info = NULL;
    EXPECT_TRUE (wait_until ([&] {
      g_clear_pointer (&info, kube_container_free);
      info = kube_runtime_dup_container (runtime, id.c_str ());
      return info == NULL || info->state == KUBE_CONTAINER_EXITED;
    }));
    return info;
  }
  std::string log (const std::string &id, KubeLogOptions options = { .since_time = -1, .tail_lines = -1, .limit_bytes = -1 })
  {
    g_autoptr (GInputStream) stream = kube_runtime_open_log (runtime, id.c_str (), &options, NULL);
    return drain (stream);
  }
  static std::string drain (GInputStream *stream)
  {
    std::string text;
    char buffer[4096];
    gssize n;
    while (stream != NULL && (n = g_input_stream_read (stream, buffer, sizeof buffer, NULL, NULL)) > 0)
      text.append (buffer, n);
    return text;
  }
  /* The output and exit code of one container that runs a script. */
  std::string output (const std::string &script, int code = 0, const std::string &more = "", const std::string &pod_more = "")
  {
    pod ("u-out", pod_more);
    std::string id = create ("u-out", script, more);
    start (id);
    g_autoptr (KubeContainer) info = wait_end (id);
    EXPECT_EQ (info->exit_code, code);
    std::string text = log (id);
    remove_pod ("u-out");
    return text;
  }
  KubeExec *exec (const std::string &id, const char *script, bool tty, bool in)
  {
    const char *const argv[] = { "sh", "-c", script, NULL };
    const char *const bad[] = { "/nosuch", NULL };
    KubeExecOptions options = { .argv = script != NULL ? argv : bad, .stdin_open = in, .stdout_open = TRUE, .stderr_open = !tty, .tty = tty };
    Answer answer;
    g_autoptr (GError) error = NULL;
    kube_runtime_exec_async (runtime, id.c_str (), &options, NULL, Answer::on_done, &answer);
    KubeExec *exec = kube_runtime_exec_finish (runtime, answer.wait (), &error);
    EXPECT_NE (exec, nullptr) << error->message;
    return exec;
  }
  int wait_exec (KubeExec *exec, std::string *why = NULL)
  {
    Answer answer;
    g_autoptr (GError) error = NULL;
    int code = -1;
    kube_exec_wait_async (exec, NULL, Answer::on_done, &answer);
    bool good = kube_exec_wait_finish (exec, answer.wait (), &code, &error);
    if (why != NULL)
      *why = error != NULL ? error->message : "";
    return good ? code : -1;
  }
};
char *KubeRuntimeOciTest::data;
KubeImageStore *KubeRuntimeOciTest::images;
KubeImage *KubeRuntimeOciTest::image;
std::string KubeRuntimeOciTest::missing;

}

TEST_F (KubeRuntimeOciTest, RunsAContainerToItsEnd)
{
  pod ("u1");
  std::string id = create ("u1", "echo out; echo err >&2; exit 3");
  gint64 begin = g_get_monotonic_time ();
  ASSERT_TRUE (start (id));
  RecordProperty ("start_us", (int) (g_get_monotonic_time () - begin));
  g_autoptr (KubeContainer) info = wait_end (id);
  EXPECT_EQ (info->exit_code, 3);
  EXPECT_EQ (info->reason, nullptr);
  EXPECT_GE (info->finished_at, info->started_at - 1000000);
  EXPECT_EQ (changes, 1);
  EXPECT_EQ (log (id), "out\nerr\n");
  EXPECT_EQ (log (id, { .since_time = -1, .tail_lines = 1, .limit_bytes = -1 }), "err\n");
  EXPECT_EQ (log (id, { .since_time = -1, .tail_lines = -1, .limit_bytes = 5 }), "out\ne");
  EXPECT_EQ (log (id, { .since_time = -1, .tail_lines = -1, .limit_bytes = -1, .stream = "Stderr" }), "err\n");
  EXPECT_EQ (log (id, { .since_time = g_get_real_time () + 1000000, .tail_lines = -1, .limit_bytes = -1 }), "");
  remove_pod ("u1");
  EXPECT_EQ (kube_runtime_dup_container (runtime, id.c_str ()), nullptr);
}

TEST_F (KubeRuntimeOciTest, ACommandThatIsNowhereIsAStartError)
{
  pod ("u2");
  g_autoptr (KubeValue) config = kube_value_parse ("{\"name\":\"c\",\"args\":[\"/nosuch\"]}", -1, NULL);
  Answer answer;
  kube_runtime_create_container_async (runtime, "u2", config, image, Answer::on_done, &answer);
  g_autofree char *id = kube_runtime_create_container_finish (runtime, answer.wait (), NULL);
  std::string why;
  EXPECT_FALSE (start (id, &why));
  EXPECT_NE (why.find ("nosuch"), std::string::npos) << why;
  g_autoptr (KubeContainer) info = kube_runtime_dup_container (runtime, id);
  EXPECT_EQ (info->exit_code, 128);
  EXPECT_STREQ (info->reason, "StartError");
  remove_pod ("u2");
}

TEST_F (KubeRuntimeOciTest, StopsBySignalAndThenByForce)
{
  pod ("u3");
  std::string polite = create ("u3", "trap 'exit 7' TERM; echo up; while :; do sleep 0.02; done");
  std::string stubborn = create ("u3", "trap '' TERM; echo up; while :; do sleep 0.02; done");
  start (polite);
  start (stubborn);
  EXPECT_TRUE (wait_until ([&] { return log (polite) == "up\n" && log (stubborn) == "up\n"; }));
  kube_runtime_stop_container (runtime, polite.c_str (), 20 * G_USEC_PER_SEC);
  g_autoptr (KubeContainer) first = wait_end (polite);
  EXPECT_EQ (first->exit_code, 7);
  kube_runtime_stop_container (runtime, stubborn.c_str (), G_USEC_PER_SEC / 10);
  g_autoptr (KubeContainer) second = wait_end (stubborn);
  EXPECT_EQ (second->exit_code, 137);
  remove_pod ("u3");
}

TEST_F (KubeRuntimeOciTest, UsersCapabilitiesAndRootAreAsAskedFor)
{
  EXPECT_EQ (output ("id -u; id -g; id -G", 0, ",\"user\":\"web\",\"supplementalGroups\":[2000]"), "1000\n1001\n1001 7 2000\n");
  EXPECT_EQ (output ("id -u; id -g", 0, ",\"user\":1234,\"group\":55"), "1234\n55\n");
  EXPECT_EQ (output ("grep -E '^Cap(Prm|Bnd)|^NoNew|^Seccomp:' /proc/self/status"), "CapPrm:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t0\n");
  EXPECT_EQ (output ("grep -E '^CapPrm|^NoNew|^Seccomp:' /proc/self/status", 0,
                     ",\"capabilities\":{\"drop\":[\"ALL\"],\"add\":[\"NET_BIND_SERVICE\",\"CHOWN\"]},\"noNewPrivileges\":true,\"seccomp\":\"RuntimeDefault\""),
             "CapPrm:\t0000000000000401\nNoNewPrivs:\t1\nSeccomp:\t2\n");
  EXPECT_EQ (output ("touch /x 2>/dev/null || echo no", 0, ",\"readOnlyRoot\":true"), "no\n");
  EXPECT_EQ (output ("hostname; echo $HOSTNAME; echo $PATH; echo 1 2>/dev/null > /proc/sys/kernel/msgmax || echo ro"), "host-1\nhost-1\n/bin\nro\n");
}

TEST_F (KubeRuntimeOciTest, ContainersShareProcessesOnlyWhereAskedFor)
{
  pod ("u9", ",\"shareProcessNamespace\":true");
  std::string other = create ("u9", "exec sleep 1234"), looker = create ("u9", "cat /proc/[0-9]*/cmdline; echo; echo pid $$");
  start (other);
  start (looker);
  g_autoptr (KubeContainer) info = wait_end (looker);
  std::string text = log (looker);
  EXPECT_NE (text.find ("1234"), std::string::npos) << text;
  EXPECT_NE (text.find ("kube-pause"), std::string::npos) << text;
  EXPECT_EQ (text.find ("pid 1\n"), std::string::npos) << text;
  remove_pod ("u9");
  EXPECT_EQ (output ("echo $$"), "1\n");
}

TEST_F (KubeRuntimeOciTest, MemoryLimitsEndInOomKilled)
{
  pod ("u4");
  std::string id = create ("u4", "tail /dev/zero", ",\"resources\":{\"memory\":25165824,\"cpuShares\":102}");
  start (id);
  g_autoptr (KubeContainer) info = wait_end (id);
  EXPECT_EQ (info->exit_code, 137);
  EXPECT_STREQ (info->reason, "OOMKilled");
  remove_pod ("u4");
}

TEST_F (KubeRuntimeOciTest, ExecHasStreamsExitCodesAndTerminals)
{
  pod ("u5");
  std::string id = create ("u5", "sleep 1000"), why;
  start (id);
  g_autoptr (KubeExec) plain = exec (id, "echo o; echo e >&2; exit 5", false, false);
  EXPECT_EQ (drain (kube_exec_get_stdout (plain)), "o\n");
  EXPECT_EQ (drain (kube_exec_get_stderr (plain)), "e\n");
  EXPECT_EQ (wait_exec (plain), 5);

  g_autoptr (KubeExec) echo = exec (id, "cat", false, true);
  g_output_stream_write_all (kube_exec_get_stdin (echo), "hello", 5, NULL, NULL, NULL);
  g_output_stream_close (kube_exec_get_stdin (echo), NULL, NULL);
  EXPECT_EQ (drain (kube_exec_get_stdout (echo)), "hello");
  EXPECT_EQ (wait_exec (echo), 0);

  g_autoptr (KubeExec) terminal = exec (id, "read x; tty >/dev/null && echo is-tty; stty size", true, true);
  kube_exec_resize (terminal, 100, 40);
  g_output_stream_write_all (kube_exec_get_stdin (terminal), "x\n", 2, NULL, NULL, NULL);
  std::string text = drain (kube_exec_get_stdout (terminal));
  EXPECT_NE (text.find ("is-tty"), std::string::npos) << text;
  EXPECT_NE (text.find ("40 100"), std::string::npos) << text;
  EXPECT_EQ (wait_exec (terminal), 0);

  for (int i = 0; i < 20; i++) {
    g_autoptr (KubeExec) bad = exec (id, NULL, i % 2 == 0, false);
    drain (kube_exec_get_stdout (bad));
    EXPECT_EQ (wait_exec (bad, &why), -1) << i;
    EXPECT_NE (why.find ("nosuch"), std::string::npos) << why;
  }

  g_autoptr (KubeExec) endless = exec (id, "echo up; sleep 1000", false, false);
  char byte;
  g_input_stream_read (kube_exec_get_stdout (endless), &byte, 1, NULL, NULL);
  kube_exec_close (endless);
  EXPECT_NE (wait_exec (endless), 0);

  for (int i = 0; i < 20; i++) {
    g_autoptr (KubeExec) left = exec (id, "exec sleep 4321", i % 2 == 0, false);
    kube_exec_close (left);
    EXPECT_EQ (wait_exec (left), 137);
  }
  g_autoptr (KubeExec) look = exec (id, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '", false, false);
  text = drain (kube_exec_get_stdout (look));
  EXPECT_EQ (text.find ("4321"), std::string::npos) << "a client that leaves at once leaves nothing behind: " << text;
  remove_pod ("u5");
}

TEST_F (KubeRuntimeOciTest, AttachJoinsTheContainersStreams)
{
  pod ("u6");
  std::string id = create ("u6", "read line; echo got $line; exit 4", ",\"stdin\":true,\"stdinOnce\":true");
  start (id);
  KubeExecOptions options = { .stdin_open = TRUE, .stdout_open = TRUE, .stderr_open = TRUE };
  Answer answer;
  kube_runtime_exec_async (runtime, id.c_str (), &options, NULL, Answer::on_done, &answer);
  g_autoptr (KubeExec) attach = kube_runtime_exec_finish (runtime, answer.wait (), NULL);
  ASSERT_NE (attach, nullptr);
  g_output_stream_write_all (kube_exec_get_stdin (attach), "this\n", 5, NULL, NULL, NULL);
  EXPECT_EQ (drain (kube_exec_get_stdout (attach)), "got this\n");
  EXPECT_EQ (wait_exec (attach), 4);
  g_autoptr (KubeContainer) info = wait_end (id);
  EXPECT_EQ (info->exit_code, 4);
  remove_pod ("u6");
}

TEST_F (KubeRuntimeOciTest, AFollowedLogEndsWithTheContainer)
{
  pod ("u7");
  std::string id = create ("u7", "for i in 1 2 3; do echo $i; sleep 0.05; done");
  start (id);
  EXPECT_EQ (log (id, { .follow = TRUE, .since_time = -1, .tail_lines = -1, .limit_bytes = -1 }), "1\n2\n3\n");
  g_autoptr (KubeContainer) info = wait_end (id);
  remove_pod ("u7");
}

TEST_F (KubeRuntimeOciTest, ALogThatIsRotatedLosesNoLine)
{
  pod ("u11");
  std::string path = std::string (data) + "/rotated.log", expected, followed;
  std::string id = create ("u11", "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); sleep 0.005; done", ",\"logPath\":\"" + path + "\"");
  start (id);
  KubeLogOptions options = { .follow = TRUE, .since_time = -1, .tail_lines = -1, .limit_bytes = -1 };
  g_autoptr (GInputStream) stream = kube_runtime_open_log (runtime, id.c_str (), &options, NULL);
  std::thread reader ([&] { followed = drain (stream); });
  g_autofree char *moved = NULL;
  EXPECT_TRUE (wait_until ([&] { return (moved = kube_container_log_rotate (path.c_str (), 1000, 5)) != NULL; }));
  EXPECT_TRUE (kube_runtime_reopen_log (runtime, id.c_str ()));
  g_autoptr (KubeContainer) info = wait_end (id);
  reader.join ();
  for (int i = 0; i < 200; i++)
    expected += "line " + std::to_string (i) + "\n";
  EXPECT_EQ (followed, expected);
  EXPECT_FALSE (read_file (moved).empty ());
  EXPECT_FALSE (read_file (path.c_str ()).empty ()) << "conmon has not opened its log anew";
  EXPECT_FALSE (kube_runtime_reopen_log (runtime, id.c_str ())) << "nobody writes it any more";
  remove_pod ("u11");
}

TEST_F (KubeRuntimeOciTest, ALaterRuntimeTakesContainersOver)
{
  pod ("u8");
  std::string runs = create ("u8", "trap 'exit 9' TERM; while :; do sleep 0.02; done"), ends = create ("u8", "sleep 0.2; exit 6");
  start (runs);
  start (ends);
  g_autoptr (KubeContainer) before = kube_runtime_dup_container (runtime, runs.c_str ());
  g_clear_object (&runtime);
  g_usleep (500000); /* "ends" ends while nobody looks */
  open ();
  EXPECT_TRUE (kube_runtime_has_pod (runtime, "u8"));
  g_autoptr (KubeContainer) after = kube_runtime_dup_container (runtime, runs.c_str ());
  ASSERT_NE (after, nullptr);
  EXPECT_EQ (after->state, KUBE_CONTAINER_RUNNING);
  EXPECT_EQ (after->pid, before->pid);
  EXPECT_EQ (after->started_at, before->started_at);
  g_autoptr (KubeContainer) ended = wait_end (ends);
  ASSERT_NE (ended, nullptr);
  EXPECT_EQ (ended->exit_code, 6);
  kube_runtime_stop_container (runtime, runs.c_str (), 10 * G_USEC_PER_SEC);
  g_autoptr (KubeContainer) stopped = wait_end (runs);
  EXPECT_EQ (stopped->exit_code, 9);
  remove_pod ("u8");
}

TEST_F (KubeRuntimeOciTest, FiftyAtOnceTakeLittleTime)
{
  Answer answers[50];
  std::vector<std::string> ids;
  for (int i = 0; i < 50; i++) {
    g_autofree char *uid = g_strdup_printf ("many-%d", i);
    pod (uid);
    ids.push_back (create (uid, "sleep 1000"));
  }
  gint64 begin = g_get_monotonic_time ();
  for (int i = 0; i < 50; i++)
    kube_runtime_start_container_async (runtime, ids[i].c_str (), Answer::on_done, &answers[i]);
  for (int i = 0; i < 50; i++)
    EXPECT_TRUE (kube_runtime_start_container_finish (runtime, answers[i].wait (), NULL));
  RecordProperty ("start_us", (int) (g_get_monotonic_time () - begin));
  for (int i = 0; i < 50; i++) {
    g_autofree char *uid = g_strdup_printf ("many-%d", i);
    remove_pod (uid);
  }
}
