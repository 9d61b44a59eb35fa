/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "raw-server.h"

#include <algorithm>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

void
RawConnection::write (const std::string &bytes)
{
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), bytes.data (), bytes.size (), NULL, NULL, NULL);
}

bool
RawConnection::wait_closed ()
{
  char c;
  return g_input_stream_read (g_io_stream_get_input_stream (stream), &c, 1, NULL, NULL) <= 0;
}

RawServer::RawServer (Handler handle, GTlsCertificate *cert, bool wants)
    : handler (handle), certificate (cert), wants_certificate (wants)
{
  context = g_main_context_new ();
  loop = g_main_loop_new (context, FALSE);
  service = g_threaded_socket_service_new (200);
  g_socket_service_stop (service); /* it accepts on the context of who starts it */
  GSocketAddress *address = g_inet_socket_address_new_from_string ("127.0.0.1", 0), *bound;
  g_socket_listener_add_address (G_SOCKET_LISTENER (service), address, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound,
                                 NULL);
  port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_object_unref (address);
  g_object_unref (bound);
  g_signal_connect (service, "run", G_CALLBACK (on_run), this);
  thread = g_thread_new (
      "raw-server",
      [] (gpointer data) -> gpointer {
        auto *self = static_cast<RawServer *> (data);
        g_main_context_push_thread_default (self->context);
        g_socket_service_start (self->service);
        g_main_loop_run (self->loop);
        g_socket_service_stop (self->service);
        g_socket_listener_close (G_SOCKET_LISTENER (self->service));
        while (g_main_context_iteration (self->context, FALSE))
          ;
        g_main_context_pop_thread_default (self->context);
        return NULL;
      },
      this);
}

RawServer::~RawServer ()
{
  GSource *quit = g_idle_source_new (); /* the loop may not have begun */
  g_source_set_callback (
      quit, [] (gpointer l) -> gboolean { return g_main_loop_quit ((GMainLoop *) l), G_SOURCE_REMOVE; }, loop, NULL);
  g_source_attach (quit, context);
  g_source_unref (quit);
  g_thread_join (thread);
  {
    std::unique_lock<std::mutex> guard (lock);
    for (GSocket *socket : open)
      g_socket_shutdown (socket, TRUE, TRUE, NULL);
    ended.wait (guard, [&] { return open.empty (); });
  }
  g_object_unref (service);
  g_main_loop_unref (loop);
  g_main_context_unref (context);
  g_clear_object (&certificate);
}

std::string
RawServer::url () const
{
  return std::string (certificate != NULL ? "https" : "http") + "://127.0.0.1:" + std::to_string (port);
}

std::vector<RawRequest>
RawServer::seen ()
{
  std::lock_guard<std::mutex> guard (lock);
  return requests;
}

std::vector<std::string>
RawServer::peers ()
{
  std::lock_guard<std::mutex> guard (lock);
  return subjects;
}

gboolean
RawServer::on_run (GThreadedSocketService *, GSocketConnection *connection, GObject *, gpointer data)
{
  auto *self = static_cast<RawServer *> (data);
  GSocket *socket = g_socket_connection_get_socket (connection);
  {
    std::lock_guard<std::mutex> guard (self->lock);
    self->open.insert (socket);
  }
  self->serve_connection (connection);
  std::lock_guard<std::mutex> guard (self->lock);
  self->open.erase (socket);
  self->ended.notify_all ();
  return TRUE;
}

void
RawServer::serve_connection (GSocketConnection *connection)
{
  RawServer *self = this;
  if (certificate == NULL) {
    serve (G_IO_STREAM (connection));
    return;
  }
  GIOStream *tls = g_tls_server_connection_new (G_IO_STREAM (connection), self->certificate, NULL);
  const char *protocols[] = { "h2", "http/1.1", NULL };
  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (tls), protocols);
  if (self->wants_certificate) {
    g_object_set (tls, "authentication-mode", G_TLS_AUTHENTICATION_REQUESTED, NULL);
    g_signal_connect (tls, "accept-certificate", G_CALLBACK (+[] () -> gboolean { return TRUE; }), NULL);
  }
  if (g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, NULL)) {
    if (GTlsCertificate *peer = g_tls_connection_get_peer_certificate (G_TLS_CONNECTION (tls))) {
      char *subject = g_tls_certificate_get_subject_name (peer);
      std::lock_guard<std::mutex> guard (self->lock);
      self->subjects.push_back (subject);
      g_free (subject);
    }
    self->serve (tls);
  }
  g_object_unref (tls);
}

void
RawServer::serve (GIOStream *stream)
{
  int number;
  {
    std::lock_guard<std::mutex> guard (lock);
    number = ++connections;
  }
  GDataInputStream *in = g_data_input_stream_new (g_io_stream_get_input_stream (stream));
  g_data_input_stream_set_newline_type (in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
  g_filter_input_stream_set_close_base_stream (G_FILTER_INPUT_STREAM (in), FALSE);
  RawConnection connection{ stream };
  while (true) {
    RawRequest request;
    request.connection = number;
    char *line = g_data_input_stream_read_line (in, NULL, NULL, NULL);
    if (line == NULL)
      break;
    request.line = line;
    g_free (line);
    while ((line = g_data_input_stream_read_line (in, NULL, NULL, NULL)) != NULL && *line != '\0') {
      std::string text = line;
      size_t colon = text.find (": ");
      std::string name = text.substr (0, colon);
      std::transform (name.begin (), name.end (), name.begin (), ::tolower);
      std::string &value = request.headers[name];
      value += (value.empty () ? "" : ",") + text.substr (colon + 2);
      g_free (line);
    }
    g_free (line);
    if (request.headers.count ("content-length")) {
      request.body.resize (std::stoul (request.headers["content-length"]));
      gsize got;
      g_input_stream_read_all (G_INPUT_STREAM (in), &request.body[0], request.body.size (), &got, NULL, NULL);
    }
    {
      std::lock_guard<std::mutex> guard (lock);
      requests.push_back (request);
    }
    handler (request, connection);
    if (g_io_stream_is_closed (stream))
      break;
  }
  g_object_unref (in);
  g_io_stream_close (stream, NULL, NULL);
}

std::string
raw_answer (const char *status, const std::string &body, const char *headers)
{
  return std::string ("HTTP/1.1 ") + status + "\r\nContent-Type: application/json\r\nContent-Length: "
         + std::to_string (body.size ()) + "\r\n" + headers + "\r\n" + body;
}

std::string
raw_chunked ()
{
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
}

std::string
raw_chunk (const std::string &data)
{
  char size[32];
  g_snprintf (size, sizeof size, "%zx\r\n", data.size ());
  return size + data + "\r\n";
}

static std::string
export_pem (gnutls_datum_t &out)
{
  std::string pem ((char *) out.data, out.size);
  gnutls_free (out.data);
  return pem;
}

Identity
make_identity (const char *name, const Identity *issuer)
{
  gnutls_x509_privkey_t key, issuer_key;
  gnutls_x509_crt_t crt, issuer_crt;
  gnutls_datum_t out;
  static int serial = 0;
  guint8 number[1] = { (guint8) ++serial };
  const guint8 address[4] = { 127, 0, 0, 1 };
  time_t now = time (NULL);

  gnutls_x509_privkey_init (&key);
  gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
  gnutls_x509_crt_init (&crt);
  gnutls_x509_crt_set_version (crt, 3);
  gnutls_x509_crt_set_serial (crt, number, sizeof number);
  gnutls_x509_crt_set_activation_time (crt, now - 60);
  gnutls_x509_crt_set_expiration_time (crt, now + 3600);
  gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, strlen (name));
  gnutls_x509_crt_set_key (crt, key);
  if (issuer == NULL) {
    gnutls_x509_crt_set_basic_constraints (crt, 1, -1);
    gnutls_x509_crt_set_key_usage (crt, GNUTLS_KEY_KEY_CERT_SIGN);
    gnutls_x509_crt_sign2 (crt, crt, key, GNUTLS_DIG_SHA256, 0);
  } else {
    gnutls_datum_t issuer_pem = { (guint8 *) issuer->certificate.data (), (unsigned) issuer->certificate.size () };
    gnutls_datum_t issuer_key_pem = { (guint8 *) issuer->key.data (), (unsigned) issuer->key.size () };
    gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_DNSNAME, name, strlen (name), GNUTLS_FSAN_SET);
    if (strcmp (name, "only-by-name") != 0)
      gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_IPADDRESS, address, sizeof address, GNUTLS_FSAN_APPEND);
    gnutls_x509_crt_init (&issuer_crt);
    gnutls_x509_crt_import (issuer_crt, &issuer_pem, GNUTLS_X509_FMT_PEM);
    gnutls_x509_privkey_init (&issuer_key);
    gnutls_x509_privkey_import (issuer_key, &issuer_key_pem, GNUTLS_X509_FMT_PEM);
    gnutls_x509_crt_sign2 (crt, issuer_crt, issuer_key, GNUTLS_DIG_SHA256, 0);
    gnutls_x509_crt_deinit (issuer_crt);
    gnutls_x509_privkey_deinit (issuer_key);
  }
  Identity identity;
  gnutls_x509_crt_export2 (crt, GNUTLS_X509_FMT_PEM, &out);
  identity.certificate = export_pem (out);
  gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &out);
  identity.key = export_pem (out);
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_privkey_deinit (key);
  return identity;
}
