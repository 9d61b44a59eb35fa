/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <fcntl.h>
#include <unistd.h>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include "image/kube-image-private.h"
#include "runtime/kube-container-log.h"

namespace {

/* A log in a folder of its own; the test writes it as conmon does, and the pipe stands for conmon's life. */
class KubeContainerLogTest : public testing::Test {
protected:
  void SetUp () override
  {
    folder = g_dir_make_tmp ("kube-log-XXXXXX", NULL);
    path = std::string (folder) + "/0.log";
    ASSERT_EQ (pipe2 (life, O_CLOEXEC), 0);
    open_log ();
  }
  void TearDown () override
  {
    end ();
    close (file);
    kube_folder_remove (folder, NULL);
    g_free (folder);
  }
  void open_log () { file = open (path.c_str (), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600); }
  void say (const std::string &text)
  {
    std::string line = "2026-11-22T17:05:21.929740700+00:00 stdout F " + text + "\n";
    ASSERT_EQ (write (file, line.data (), line.size ()), (ssize_t) line.size ());
  }
  void end ()
  {
    if (life[1] >= 0)
      close (life[1]);
    life[1] = -1;
  }
  GInputStream *follow ()
  {
    KubeLogOptions options = { .follow = TRUE, .since_time = -1, .tail_lines = -1, .limit_bytes = -1 };
    return kube_container_log_open (path.c_str (), &options, life[0], NULL);
  }
  static std::string read_line (GInputStream *stream)
  {
    std::string line;
    char c;
    while (g_input_stream_read (stream, &c, 1, NULL, NULL) == 1 && c != '\n')
      line += c;
    return line;
  }
  std::set<std::string> list ()
  {
    std::set<std::string> names;
    g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
    while (const char *name = g_dir_read_name (dir))
      names.insert (name);
    return names;
  }
  void make (const char *name)
  {
    g_autofree char *at = g_build_filename (folder, name, NULL);
    ASSERT_TRUE (g_file_set_contents (at, "x", 1, NULL));
  }
  char *folder = NULL;
  std::string path;
  int life[2] = { -1, -1 }, file = -1;
};

}

TEST_F (KubeContainerLogTest, ALogBelowItsLimitStays)
{
  say ("one");
  EXPECT_EQ (kube_container_log_rotate (path.c_str (), 1000, 5), nullptr);
  EXPECT_EQ (kube_container_log_rotate ((path + "-other").c_str (), 0, 5), nullptr);
  EXPECT_EQ (list (), (std::set<std::string> { "0.log" }));
  close (life[0]);
}

TEST_F (KubeContainerLogTest, OfTheRotatedOnesTheLatestAreKept)
{
  for (const char *name : { "0.log.20260101-000001", "0.log.20260101-000002", "0.log.20260101-000003", "0.log.20260101-000004", "00.log.20250101-000000" })
    make (name);
  say ("one");
  g_autofree char *moved = kube_container_log_rotate (path.c_str (), 1, 4);
  ASSERT_NE (moved, nullptr);
  g_autofree char *name = g_path_get_basename (moved);
  /* with the new one that its writer makes there are four */
  EXPECT_EQ (list (), (std::set<std::string> { "0.log.20260101-000003", "0.log.20260101-000004", name, "00.log.20250101-000000" }));
  close (life[0]);
}

TEST_F (KubeContainerLogTest, AFollowerReadsTheOldFileToItsEndAndGoesOnInTheNewOne)
{
  g_autoptr (GInputStream) stream = follow ();
  say ("one");
  EXPECT_EQ (read_line (stream), "one");
  g_autofree char *moved = kube_container_log_rotate (path.c_str (), 1, 5);
  ASSERT_NE (moved, nullptr);
  /* its writer has not heard of it yet */
  say ("two");
  close (file);
  open_log ();
  say ("three");
  EXPECT_EQ (read_line (stream), "two");
  EXPECT_EQ (read_line (stream), "three");
  end ();
  EXPECT_EQ (read_line (stream), "");
}
