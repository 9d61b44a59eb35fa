/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <condition_variable>
#include <functional>
#include <gio/gio.h>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/* An HTTP/1.1 server whose bytes a test writes. Each connection has a thread. */
struct RawRequest {
  std::string line;                           /* "GET /x HTTP/1.1" */
  std::map<std::string, std::string> headers; /* names in lower case */
  std::string body;
  int connection; /* number of its connection */
};

struct RawConnection {
  GIOStream *stream;
  void write (const std::string &bytes);
  void
  close ()
  {
    g_io_stream_close (stream, NULL, NULL);
  }
  /* Waits until the client closes. */
  bool wait_closed ();
};

struct RawServer {
  using Handler = std::function<void (const RawRequest &, RawConnection &)>;

  Handler handler; /* a handler that closes its connection ends it */
  GTlsCertificate *certificate = NULL;
  bool wants_certificate = false;

  explicit RawServer (Handler handler, GTlsCertificate *certificate = NULL, bool wants_certificate = false);
  ~RawServer ();
  std::string url () const;
  /* What came so far; the connections' threads go on. */
  std::vector<RawRequest> seen ();
  /* Subject of the client's certificate, for each connection with one. */
  std::vector<std::string> peers ();
  guint16 port;

private:
  GSocketService *service;
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  std::mutex lock; /* guards what follows */
  std::vector<RawRequest> requests;
  std::vector<std::string> subjects;
  int connections = 0;
  std::set<GSocket *> open;
  std::condition_variable ended;

  static gboolean on_run (GThreadedSocketService *service, GSocketConnection *connection, GObject *source, gpointer data);
  void serve_connection (GSocketConnection *connection);
  void serve (GIOStream *stream);
};

/* A whole answer with Content-Length. */
std::string raw_answer (const char *status, const std::string &body, const char *headers = "");
/* The beginning of a chunked JSON answer, and a chunk. */
std::string raw_chunked ();
std::string raw_chunk (const std::string &data);

/* A certificate for 127.0.0.1 and `name`, signed by `issuer` or by itself. */
struct Identity {
  std::string certificate, key;
};
Identity make_identity (const char *name, const Identity *issuer);
