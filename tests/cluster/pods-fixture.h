/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>
#include <gtest/gtest.h>
#include <kube/kube-cluster.h>
#include <libsoup/soup.h>
#include "wait-until.h"

/* A cluster whose only node, "n1", runs real containers, in a network namespace of its own; one for all tests of the program. Its image is localhost/busybox:1. */
class PodsTest : public testing::Test {
protected:
  void SetUp () override;
  void TearDown () override;

  void make (const std::string &json);
  /* A pod with the container "c" that runs @script; @container and @spec: more members of them, each with a comma at its end. */
  void pod (const char *name, const std::string &script, const std::string &container = "", const std::string &spec = "");
  void patch (const char *kind, const char *name, const char *json);
  void remove (const char *name, gint64 grace = 0);
  /* What stands at a path of a pod, as text; "" where there is nothing. */
  std::string at (const char *name, const char *path);
  bool becomes (const char *name, const char *path, const char *value);
  bool is_ready (const char *name);
  bool is_gone (const char *name);
  /* Waits for an event about a pod whose message begins like that. */
  testing::AssertionResult tells (const char *name, const char *reason, const std::string &message);
  /* The pod's log once it has ended. */
  std::string output (const char *name);
  std::string log (const char *name, const char *option = nullptr, const char *value = nullptr, GError **error = nullptr);
  /* A folder of this machine that pods may mount. */
  std::string shared (const char *file) { return std::string (folder) + "/" + file; }
  std::string mount_shared () { return R"("volumeMounts":[{"name":"s","mountPath":"/s"}],)"; }
  std::string volume_shared () { return R"("volumes":[{"name":"s","hostPath":{"path":")" + std::string (folder) + R"("}}],)"; }

  static std::string layout ();
  static void start_cluster ();
  static void stop_cluster ();

  KubeClient *client = nullptr; /* (unowned) */
  static KubeCluster *cluster;
  static char *folder, *data;

private:
  friend class PodsEnvironment;
  static std::string missing;
};

/* (transfer full): what the cluster's administrator shows, with its key. */
GTlsCertificate *administrator (KubeCluster *cluster);
/* Lets a message show @certificate, which outlives it, to a server that it takes as it is. */
void present (SoupMessage *message, GTlsCertificate *certificate);

/* An HTTP server of this process, on a port of all its addresses. It accepts connections itself: libsoup 3.2 never lets go of the sockets that its own listener
 * accepts. */
struct WebServer {
  explicit WebServer (GTlsCertificate *own = nullptr);
  ~WebServer ();
  WebServer (const WebServer &) = delete;
  std::string port () const { return std::to_string (number); }

  SoupServer *server = soup_server_new (nullptr, nullptr);

private:
  static gboolean on_connection (GSocketService *, GSocketConnection *connection, GObject *, gpointer data);

  GSocketService *service = g_socket_service_new ();
  GTlsCertificate *certificate; /* (unowned) (nullable) */
  guint16 number;
};

std::string read_file (const std::string &path);
void write_file (const std::string &path, const std::string &data);
