/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "busybox-layout.h"

#include <archive.h>
#include <archive_entry.h>
#include <fstream>
#include <glib.h>

namespace {

std::string
sha256 (const std::string &data)
{
  g_autofree char *sum = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) data.data (), data.size ());
  return sum;
}

std::string
read_file (const char *path)
{
  std::ifstream in (path);
  return std::string (std::istreambuf_iterator<char> (in), {});
}

std::string
make_layer ()
{
  std::string busybox = read_file ("/bin/busybox"), raw (busybox.size () + (1 << 17), '\0');
  size_t used = 0;
  struct archive *a = archive_write_new ();
  archive_write_set_format_ustar (a);
  archive_write_open_memory (a, raw.data (), raw.size (), &used);
  auto add = [&] (const char *name, mode_t type, const std::string &data) {
    struct archive_entry *entry = archive_entry_new ();
    archive_entry_set_pathname (entry, name);
    archive_entry_set_filetype (entry, type);
    archive_entry_set_perm (entry, 0755);
    if (type == AE_IFLNK)
      archive_entry_set_symlink (entry, data.c_str ());
    archive_entry_set_size (entry, type == AE_IFREG ? data.size () : 0);
    archive_write_header (a, entry);
    if (type == AE_IFREG)
      archive_write_data (a, data.data (), data.size ());
    archive_entry_free (entry);
  };
  for (const char *name : { "bin", "etc", "tmp", "proc", "sys", "dev" })
    add (name, AE_IFDIR, "");
  add ("bin/busybox", AE_IFREG, busybox);
  for (const char *name : { "sh", "sleep", "cat", "echo", "id", "tail", "head", "hostname", "touch", "grep", "nc", "test", "stty", "tty", "tr", "httpd", "env", "stat", "sha256sum", "mkdir", "true", "false", "ls" })
    add ((std::string ("bin/") + name).c_str (), AE_IFLNK, "busybox");
  add ("etc/passwd", AE_IFREG, "root:x:0:0:root:/:/bin/sh\nweb:x:1000:1001:web:/tmp:/bin/sh\n");
  add ("etc/group", AE_IFREG, "root:x:0:\nmore:x:7:web\n");
  archive_write_free (a);
  raw.resize (used);
  return raw;
}

}

std::string
make_busybox_layout (const std::string &folder)
{
  std::string blobs = folder + "/blobs/sha256/", raw = make_layer ();
  g_mkdir_with_parents (blobs.c_str (), 0755);
  auto blob = [&] (const std::string &data, const char *type) {
    std::ofstream (blobs + sha256 (data)) << data;
    return "{\"mediaType\":\"application/vnd.oci.image." + std::string (type) + "\",\"digest\":\"sha256:" + sha256 (data) + "\",\"size\":" + std::to_string (data.size ()) + "}";
  };
  std::string layer = blob (raw, "layer.v1.tar");
  std::string config = blob ("{\"config\":{\"Env\":[\"PATH=/bin\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" + sha256 (raw) + "\"]}}", "config.v1+json");
  std::string manifest = "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":" + config + ",\"layers\":[" + layer + "]}";
  std::ofstream (folder + "/index.json") << "{\"schemaVersion\":2,\"manifests\":[" << blob (manifest, "manifest.v1+json") << "]}";
  return "sha256:" + sha256 (manifest);
}
