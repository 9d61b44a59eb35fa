/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gio/gio.h>
#include <gtest/gtest.h>
#include <kube/kube-cluster.h>
#include <string>
#include <unistd.h>

namespace {

/* The lines, each with an end. */
std::string
check (const char *runtime, const char *address, guint16 port)
{
  g_auto (GStrv) lines = kube_cluster_check_host (runtime, address, port);
  std::string text;
  for (char **line = lines; *line != NULL; line++)
    text += std::string (*line) + "\n";
  return text;
}

TEST (KubeClusterHost, ASimulatedClusterNeedsAPortOnly)
{
  g_autoptr (GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, NULL);

  EXPECT_EQ (check ("sim", "127.0.0.1", 0), "");
  EXPECT_EQ (check ("sim", "somewhere", 0), "somewhere is not an address: use one of this machine's for --bind-address\n");
  EXPECT_EQ (check ("sim", NULL, port).rfind ("port " + std::to_string (port) + " cannot be used (", 0), 0u);
  EXPECT_NE (check ("sim", "192.0.2.1", 1234), "") << "no address of this machine";
}

TEST (KubeClusterHost, ARealNodeIsToldWhatToInstall)
{
  g_autofree char *path = g_strdup (g_getenv ("PATH"));
  g_setenv ("PATH", "/nonexistent", TRUE);
  std::string missing = check ("oci", "127.0.0.1", 0);
  g_setenv ("PATH", path, TRUE);
  EXPECT_NE (missing.find ("skopeo is not installed (pulls images; without it only imported ones can run): apt-get install skopeo\n"), std::string::npos) << missing;
  EXPECT_NE (missing.find (geteuid () == 0 ? "crun is not installed (apt-get install crun)" : "running containers needs root"), std::string::npos) << missing;
}

}
