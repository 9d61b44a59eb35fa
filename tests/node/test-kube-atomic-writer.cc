/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include "image/kube-image-private.h"
#include "volume/kube-atomic-writer.h"

namespace {

struct KubeAtomicWriterTest : testing::Test {
  char *folder;
  GPtrArray *files;
  void SetUp () override
  {
    folder = g_dir_make_tmp ("kube-volume-XXXXXX", NULL);
    files = kube_volume_files_new ();
  }
  void TearDown () override
  {
    g_ptr_array_unref (files);
    kube_folder_remove (folder, NULL);
    g_free (folder);
  }
  void add (const char *path, const char *text, guint mode = 0644)
  {
    g_autoptr (GBytes) data = g_bytes_new (text, strlen (text));
    kube_volume_files_add (files, path, data, mode, -1);
  }
  std::string read (const char *path)
  {
    g_autofree char *full = g_build_filename (folder, path, NULL);
    g_autofree char *text = NULL;
    return g_file_get_contents (full, &text, NULL, NULL) ? text : "(none)";
  }
  std::string stamp ()
  {
    char target[256] = "";
    g_autofree char *link = g_build_filename (folder, "..data", NULL);
    return readlink (link, target, sizeof target - 1) > 0 ? target : "";
  }
};

}

TEST_F (KubeAtomicWriterTest, AllFilesChangeByOneLink)
{
  add ("k", "1", 0440);
  add ("sub/two", "2", 0400);
  ASSERT_TRUE (kube_atomic_write (folder, files, -1, NULL));
  EXPECT_EQ (read ("k"), "1");
  EXPECT_EQ (read ("sub/two"), "2");
  std::string before = stamp ();
  struct stat st;
  g_autofree char *path = g_build_filename (folder, "k", NULL);
  ASSERT_EQ (stat (path, &st), 0);
  EXPECT_EQ (st.st_mode & 07777, 0440u);
  ASSERT_TRUE (kube_atomic_write (folder, files, -1, NULL));
  EXPECT_EQ (stamp (), before) << "what is the same is not written again";
  g_ptr_array_set_size (files, 0);
  add ("k", "new");
  ASSERT_TRUE (kube_atomic_write (folder, files, -1, NULL));
  EXPECT_NE (stamp (), before);
  EXPECT_EQ (read ("k"), "new");
  EXPECT_EQ (read ("sub/two"), "(none)");
  EXPECT_EQ (read (before.c_str ()), "(none)");
}

TEST_F (KubeAtomicWriterTest, PathsStayInside)
{
  for (const char *bad : { "../x", "/x", "a/../../x", "..x", "" }) {
    g_ptr_array_set_size (files, 0);
    add (bad, "x");
    EXPECT_FALSE (kube_atomic_write (folder, files, -1, NULL)) << bad;
  }
}
