/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <archive.h>
#include <archive_entry.h>
#include <fstream>
#include <functional>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <vector>
#include "image/kube-image-private.h"

namespace {

struct Entry {
  std::string name;
  mode_t type = AE_IFREG;
  std::string data; /* content, or a link's target */
  mode_t mode = 0644;
  bool hard_link = false;
};

std::string
read_file (const std::string &path)
{
  std::ifstream in (path);
  return std::string (std::istreambuf_iterator<char> (in), {});
}

void
write_file (const std::string &path, const std::string &data)
{
  std::ofstream (path) << data;
}

std::string
sha256 (const std::string &data)
{
  g_autofree char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) data.data (), data.size ());
  return sum;
}

std::string
make_tar (const std::vector<Entry> &entries, int filter = ARCHIVE_FILTER_NONE)
{
  std::vector<char> buffer (1 << 20);
  size_t used = 0;
  struct archive *a = archive_write_new ();
  archive_write_set_format_pax_restricted (a);
  archive_write_add_filter (a, filter);
  archive_write_set_bytes_in_last_block (a, 1);
  archive_write_open_memory (a, buffer.data (), buffer.size (), &used);
  for (auto &e : entries) {
    struct archive_entry *entry = archive_entry_new ();
    archive_entry_set_pathname (entry, e.name.c_str ());
    archive_entry_set_perm (entry, e.mode);
    archive_entry_set_mtime (entry, 1000000000, 0);
    if (e.hard_link)
      archive_entry_set_hardlink (entry, e.data.c_str ());
    else {
      archive_entry_set_filetype (entry, e.type);
      if (e.type == AE_IFLNK)
        archive_entry_set_symlink (entry, e.data.c_str ());
      else if (e.type == AE_IFREG)
        archive_entry_set_size (entry, e.data.size ());
    }
    archive_write_header (a, entry);
    if (e.type == AE_IFREG && !e.hard_link)
      archive_write_data (a, e.data.data (), e.data.size ());
    archive_entry_free (entry);
  }
  archive_write_free (a);
  return std::string (buffer.data (), used);
}

struct KubeImageStoreTest : testing::Test {
  char *base;
  KubeImageStore *store;
  void SetUp () override
  {
    if (geteuid () != 0)
      GTEST_SKIP () << "unpacking needs root";
    base = g_dir_make_tmp ("kube-image-XXXXXX", NULL);
    store = kube_image_store_new ((std::string (base) + "/data").c_str ());
  }
  void TearDown () override
  {
    if (geteuid () != 0)
      return;
    g_object_unref (store);
    kube_folder_remove (base, NULL);
    g_free (base);
  }
  std::string layout (const std::vector<std::vector<Entry>> &layers, int filter = ARCHIVE_FILTER_NONE, const char *name = "layout")
  {
    std::string folder = std::string (base) + "/" + name, blobs = folder + "/blobs/sha256/";
    g_mkdir_with_parents (blobs.c_str (), 0755);
    auto blob = [&] (const std::string &data) {
      write_file (blobs + sha256 (data), data);
      return "{\"digest\":\"sha256:" + sha256 (data) + "\",\"size\":" + std::to_string (data.size ()) + "}";
    };
    std::string descriptors, diffs;
    for (auto &entries : layers) {
      descriptors += (descriptors.empty () ? "" : ",") + blob (make_tar (entries, filter));
      diffs += (diffs.empty () ? "\"sha256:" : ",\"sha256:") + sha256 (make_tar (entries)) + "\"";
    }
    std::string config = blob ("{\"config\":{\"Cmd\":[\"/x\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" + diffs + "]}}");
    std::string manifest = blob ("{\"schemaVersion\":2,\"config\":" + config + ",\"layers\":[" + descriptors + "]}");
    write_file (folder + "/index.json", "{\"schemaVersion\":2,\"manifests\":[" + manifest + "]}");
    write_file (folder + "/oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    return folder;
  }
  /* The folder of the image's layer @index, or "" with what went wrong. */
  std::string import (const std::string &path, guint index, std::string *why = NULL)
  {
    g_autoptr (GError) error = NULL;
    g_autoptr (KubeImage) image = kube_image_store_import (store, path.c_str (), "localhost/test:1", &error);
    if (why != NULL)
      *why = error != NULL ? error->message : "";
    if (image == NULL)
      return "";
    return std::string (kube_image_store_get_layer_folder (store)) + "/" + kube_image_get_layers (image)[index];
  }
  bool exists (const std::string &path)
  {
    struct stat st;
    return lstat (path.c_str (), &st) == 0;
  }
};

}

TEST_F (KubeImageStoreTest, ImportsFindsListsAndRemoves)
{
  for (int filter : { ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD }) {
    std::string name = "layout" + std::to_string (filter), why;
    std::string layer = import (layout ({ { { "bin", AE_IFDIR, "", 0750 }, { "bin/x", AE_IFREG, "hello", 04755 } } }, filter, name.c_str ()), 0, &why);
    ASSERT_NE (layer, "") << why;
    struct stat st;
    ASSERT_EQ (stat ((layer + "/bin/x").c_str (), &st), 0);
    EXPECT_EQ (st.st_mode & 07777, 04755u);
    EXPECT_EQ (st.st_mtime, 1000000000);
    EXPECT_EQ (read_file (layer + "/bin/x"), "hello");
  }
  g_autoptr (KubeImage) image = kube_image_store_find (store, "localhost/test:1", NULL);
  ASSERT_NE (image, nullptr);
  EXPECT_STREQ (kube_value_get_string (kube_image_get_config (image), "Cmd.0"), "/x");
  g_autoptr (KubeImage) by_id = kube_image_store_find (store, kube_image_get_id (image), NULL);
  EXPECT_NE (by_id, nullptr);
  g_autoptr (KubeImageStore) other = kube_image_store_new ((std::string (base) + "/data").c_str ());
  g_autoptr (GPtrArray) images = kube_image_store_list (other, NULL);
  EXPECT_EQ (images->len, 1u);
  g_autoptr (GError) error = NULL;
  EXPECT_TRUE (kube_image_store_remove (other, "localhost/test:1", &error));
  EXPECT_EQ (kube_image_store_find (store, "localhost/test:1", &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND));
  EXPECT_FALSE (exists (std::string (kube_image_store_get_layer_folder (store)) + "/" + kube_image_get_layers (image)[0])) << "its layers go with the last name";
}

TEST_F (KubeImageStoreTest, WhiteoutsBecomeThoseOfOverlayfs)
{
  std::string top = import (layout ({ { { "d", AE_IFDIR, "", 0755 }, { "d/a", AE_IFREG, "a" }, { "e", AE_IFDIR, "", 0700 }, { "e/b", AE_IFREG, "b" } },
                                      { { "d/.wh.a", AE_IFREG, "" }, { "e/.wh..wh..opq", AE_IFREG, "" }, { "e/c", AE_IFREG, "c" } } }), 1);
  ASSERT_NE (top, "");
  struct stat st;
  ASSERT_EQ (lstat ((top + "/d/a").c_str (), &st), 0);
  EXPECT_TRUE (S_ISCHR (st.st_mode) && st.st_rdev == 0);
  char value[4] = "";
  EXPECT_EQ (getxattr ((top + "/e").c_str (), "trusted.overlay.opaque", value, sizeof value), 1);
  ASSERT_EQ (stat ((top + "/e").c_str (), &st), 0);
  EXPECT_EQ (st.st_mode & 07777, 0700u) << "a folder that only the layer below names keeps its mode";
}

TEST_F (KubeImageStoreTest, LinksStayInsideOfTheImage)
{
  std::string outside = std::string (base) + "/outside", why;
  g_mkdir_with_parents (outside.c_str (), 0755);
  std::string layer = import (layout ({ { { "evil", AE_IFLNK, outside }, { "evil/x", AE_IFREG, "x" }, { "../../up", AE_IFREG, "u" },
                                          { "rel", AE_IFLNK, "../../../.." }, { "rel/y", AE_IFREG, "y" }, { "/abs", AE_IFREG, "z" } } }), 0, &why);
  ASSERT_NE (layer, "") << why;
  EXPECT_FALSE (exists (outside + "/x"));
  EXPECT_EQ (read_file (layer + outside + "/x"), "x") << "an absolute link begins at the image's root";
  EXPECT_EQ (read_file (layer + "/up"), "u");
  EXPECT_EQ (read_file (layer + "/y"), "y");
  EXPECT_EQ (read_file (layer + "/abs"), "z");
}

TEST_F (KubeImageStoreTest, AFileBelowALinkOfALowerLayerGoesWhereTheLinkLeads)
{
  std::string top = import (layout ({ { { "usr", AE_IFDIR, "", 0755 }, { "usr/lib", AE_IFDIR, "", 0711 }, { "lib", AE_IFLNK, "usr/lib" } },
                                      { { "lib/x", AE_IFREG, "x" } } }), 1);
  EXPECT_EQ (read_file (top + "/usr/lib/x"), "x");
  EXPECT_FALSE (exists (top + "/lib"));
}

TEST_F (KubeImageStoreTest, HardLinksAreMadeWithinAndAcrossLayers)
{
  std::string folder = layout ({ { { "a", AE_IFREG, "data", 0640 }, { "b", AE_IFREG, "a", 0640, true } }, { { "c", AE_IFREG, "a", 0640, true } } });
  std::string bottom = import (folder, 0), top = import (folder, 1);
  struct stat a, b;
  ASSERT_EQ (stat ((bottom + "/a").c_str (), &a), 0);
  ASSERT_EQ (stat ((bottom + "/b").c_str (), &b), 0);
  EXPECT_EQ (a.st_ino, b.st_ino);
  EXPECT_EQ (read_file (top + "/c"), "data");
  std::string why;
  EXPECT_EQ (import (layout ({ { { "x", AE_IFREG, "/etc/passwd", 0644, true } } }, ARCHIVE_FILTER_NONE, "bad"), 0, &why), "");
  EXPECT_NE (why, "");
}

TEST_F (KubeImageStoreTest, ALinkOfALowerLayerThatAFolderHasReplacedLeadsNowhere)
{
  std::string outside = std::string (base) + "/outside", why;
  g_mkdir_with_parents (outside.c_str (), 0755);
  write_file (outside + "/secret", "of the host");
  std::string path = layout ({ { { "a", AE_IFLNK, outside } }, { { "a", AE_IFDIR, "", 0755 } }, { { "stolen", AE_IFREG, "a/secret", 0644, true } } });
  EXPECT_EQ (import (path, 2, &why), "");
  EXPECT_NE (why.find ("No such file"), std::string::npos) << why;
}

TEST_F (KubeImageStoreTest, SizesThatNoImageHasAreNotAddedUp)
{
  std::string folder = std::string (base) + "/sizes", blobs = folder + "/blobs/sha256/", why;
  g_mkdir_with_parents (blobs.c_str (), 0755);
  std::string config = "{\"rootfs\":{\"diff_ids\":[\"sha256:" + sha256 (make_tar ({})) + "\"]}}";
  std::string huge = ",\"size\":9223372036854775807}";
  std::string manifest = "{\"config\":{\"digest\":\"sha256:" + sha256 (config) + "\"" + huge + ",\"layers\":[{\"digest\":\"sha256:" + sha256 (make_tar ({})) + "\"" + huge + "]}";
  write_file (blobs + sha256 (config), config);
  write_file (blobs + sha256 (make_tar ({})), make_tar ({}));
  write_file (blobs + sha256 (manifest), manifest);
  write_file (folder + "/index.json", "{\"manifests\":[{\"digest\":\"sha256:" + sha256 (manifest) + "\"}]}");
  ASSERT_NE (import (folder, 0, &why), "") << why;
  g_autoptr (KubeImage) image = kube_image_store_find (store, "localhost/test:1", NULL);
  EXPECT_GE (kube_image_get_size (image), 0);
}

TEST_F (KubeImageStoreTest, DeviceNodesAreLeftOut)
{
  std::string layer = import (layout ({ { { "dev/mem", AE_IFCHR, "" }, { "ok", AE_IFREG, "ok" } } }), 0);
  EXPECT_FALSE (exists (layer + "/dev/mem"));
  EXPECT_EQ (read_file (layer + "/ok"), "ok");
}

TEST_F (KubeImageStoreTest, ADamagedImageIsRefusedAndLeavesNothing)
{
  std::string folder = layout ({ { { "a", AE_IFREG, "data" } } }), why;
  std::string tar = make_tar ({ { "a", AE_IFREG, "data" } });
  write_file (folder + "/blobs/sha256/" + sha256 (tar), make_tar ({ { "a", AE_IFREG, "DATA" } }));
  EXPECT_EQ (import (folder, 0, &why), "");
  EXPECT_NE (why.find ("digest"), std::string::npos) << why;
  g_autoptr (GPtrArray) images = kube_image_store_list (store, NULL);
  EXPECT_EQ (images->len, 0u);
  EXPECT_EQ (import (std::string (base) + "/nowhere", 0, &why), "");
  write_file (std::string (base) + "/junk", "this is no archive");
  EXPECT_EQ (import (std::string (base) + "/junk", 0, &why), "");
  EXPECT_NE (why, "");
}

TEST_F (KubeImageStoreTest, ImportsADockerArchiveAndALayoutInATar)
{
  std::string layer = make_tar ({ { "a", AE_IFREG, "docker" } });
  std::string config = "{\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" + sha256 (layer) + "\"]}}";
  std::string archive = std::string (base) + "/docker.tar", why;
  write_file (archive, make_tar ({ { "1/layer.tar", AE_IFREG, layer }, { "c.json", AE_IFREG, config },
                                   { "manifest.json", AE_IFREG, "[{\"Config\":\"c.json\",\"RepoTags\":[\"x:1\"],\"Layers\":[\"1/layer.tar\"]}]" } }, ARCHIVE_FILTER_GZIP));
  std::string folder = import (archive, 0, &why);
  ASSERT_NE (folder, "") << why;
  EXPECT_EQ (read_file (folder + "/a"), "docker");
  write_file (archive, make_tar ({ { "manifest.json", AE_IFREG, "[{\"Config\":\"../../../../etc/passwd\",\"Layers\":[]}]" } }));
  EXPECT_EQ (import (archive, 0, &why), "");
  std::vector<Entry> entries;
  std::string source = layout ({ { { "b", AE_IFREG, "oci" } } });
  g_autoptr (GDir) dir = g_dir_open ((source + "/blobs/sha256").c_str (), 0, NULL);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    entries.push_back ({ std::string ("blobs/sha256/") + name, AE_IFREG, read_file (source + "/blobs/sha256/" + name) });
  entries.push_back ({ "index.json", AE_IFREG, read_file (source + "/index.json") });
  write_file (std::string (base) + "/oci.tar", make_tar (entries));
  folder = import (std::string (base) + "/oci.tar", 0, &why);
  ASSERT_NE (folder, "") << why;
  EXPECT_EQ (read_file (folder + "/b"), "oci");
}
