/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "test"
#include <gtest/gtest.h>
#include <kube/kube-log.h>
#include <regex>
#include <string>
#include <unistd.h>

namespace
{

/* What is written to stderr while it lives. */
struct Capture {
  int saved = dup (2);
  FILE *file = tmpfile ();
  Capture ()
  {
    dup2 (fileno (file), 2);
  }
  std::string
  end ()
  {
    dup2 (saved, 2);
    close (saved);
    rewind (file);
    std::string text;
    for (int c = getc (file); c != EOF; c = getc (file))
      text += (char) c;
    fclose (file);
    return text;
  }
};

}

TEST (KubeLog, VerbosityGatesAndTopicsOverride)
{
  kube_log_init (KUBE_LOG_FORMAT_TEXT, 2);
  EXPECT_TRUE (kube_log_enabled ("test", 2));
  EXPECT_FALSE (kube_log_enabled ("test", 3));
  kube_log_set_topics ("test=4, other=0,nonsense,bad=x");
  EXPECT_TRUE (kube_log_enabled ("test", 4));
  EXPECT_FALSE (kube_log_enabled ("other", 1));
  EXPECT_TRUE (kube_log_enabled ("bad", 2));
  kube_log_set_topics (NULL);
  EXPECT_FALSE (kube_log_enabled ("test", 3));
}

TEST (KubeLog, TextIsKlogs)
{
  kube_log_init (KUBE_LOG_FORMAT_TEXT, 0);
  Capture capture;
  kube_info (0, "hello %s", "x");
  kube_info (1, "not written");
  kube_warning ("two\nlines");
  std::string text = capture.end ();
  std::regex shape ("I\\d{4} \\d\\d:\\d\\d:\\d\\d\\.\\d{6} +\\d+ test-kube-log.cc:\\d+\\] hello x\n"
                    "W\\d{4} [^\n]*\\] two\\\\nlines\n");
  EXPECT_TRUE (std::regex_match (text, shape)) << text;
}

TEST (KubeLog, JsonIsOneObjectALine)
{
  kube_log_init (KUBE_LOG_FORMAT_JSON, 0);
  Capture capture;
  kube_info (0, "say \"x\"\n\xff");
  std::string text = capture.end ();
  std::regex shape ("\\{\"ts\":\\d+\\.\\d{3},\"level\":\"info\",\"logger\":\"test\",\"caller\":\"test-kube-log.cc:\\d+\","
                    "\"msg\":\"say \\\\\"x\\\\\"\\\\n\xef\xbf\xbd\"\\}\n");
  EXPECT_TRUE (std::regex_match (text, shape)) << text;
  kube_log_init (KUBE_LOG_FORMAT_TEXT, 0);
}
