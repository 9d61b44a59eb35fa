/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <string>
#include <kube/kube-certificates.h>
#include "http/kube-http-private.h"

/* A front over a function of the test's, on the loopback, and clients that speak raw bytes to it. */

struct HttpIdentity {
  std::string ca, ca_key, certificate, key, client_pem, stranger_pem;
  HttpIdentity ();
};
const HttpIdentity &http_identity ();

class RawClient {
public:
  /* @pem: (nullable): client certificate and key */
  explicit RawClient (guint16 port, const char *pem = NULL, bool tls = true);
  ~RawClient ();
  RawClient (const RawClient &) = delete;
  bool ok () const { return stream != nullptr; }
  void send (const std::string &bytes);
  /* Everything until the server closes, or the deadline (10 s): "" and timed_out. */
  std::string read_all ();
  /* One answer by its Content-Length or chunks (still encoded). */
  std::string read_answer (bool head = false);
  std::string read_exactly (size_t length);
  std::string read_until (const std::string &what);
  std::string ask (const std::string &bytes) { send (bytes); return read_answer (); }
  void close ();
  bool timed_out = false;
  GIOStream *stream = nullptr;
  GSocketConnection *plain = nullptr;

private:
  bool read_more ();
  std::string buffer;
};

int answer_status (const std::string &answer);
std::string answer_body (const std::string &answer);
std::string answer_header (const std::string &answer, const char *name);
