/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http-fixture.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

static std::string
take (char *text)
{
  std::string s = text != NULL ? text : "";
  g_free (text);
  return s;
}

HttpIdentity::HttpIdentity ()
{
  const char *addresses[] = { "127.0.0.1", NULL };
  const char *groups[] = { "testers", NULL };
  KubeCertificateOptions server = {}, client = {};

  ca_key = take (kube_private_key_new (NULL));
  ca = take (kube_certificate_new_ca ("test", ca_key.c_str (), 1, NULL));
  key = take (kube_private_key_new (NULL));
  server.common_name = "server";
  server.addresses = addresses;
  server.server = TRUE;
  server.days = 1;
  certificate = take (kube_certificate_new (&server, key.c_str (), ca.c_str (), ca_key.c_str (), NULL));
  client.common_name = "alice";
  client.organizations = groups;
  client.client = TRUE;
  client.days = 1;
  std::string client_key = take (kube_private_key_new (NULL));
  client_pem = take (kube_certificate_new (&client, client_key.c_str (), ca.c_str (), ca_key.c_str (), NULL)) + client_key;
  std::string other_key = take (kube_private_key_new (NULL));
  std::string other_ca = take (kube_certificate_new_ca ("test", other_key.c_str (), 1, NULL));
  stranger_pem = take (kube_certificate_new (&client, client_key.c_str (), other_ca.c_str (), other_key.c_str (), NULL)) + client_key;
}

const HttpIdentity &
http_identity ()
{
  static HttpIdentity identity;
  return identity;
}

static gboolean
accept_any (GTlsConnection *, GTlsCertificate *, GTlsCertificateFlags, gpointer)
{
  return TRUE;
}

RawClient::RawClient (guint16 port, const char *pem, bool tls)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_socket_client_set_timeout (client, 10);
  plain = g_socket_client_connect_to_host (client, "127.0.0.1", port, NULL, &error);
  if (plain == NULL)
    return;
  g_socket_set_option (g_socket_connection_get_socket (plain), IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  if (!tls) {
    stream = G_IO_STREAM (g_object_ref (plain));
    return;
  }
  g_autoptr (GIOStream) wrapped = g_tls_client_connection_new (G_IO_STREAM (plain), NULL, &error);
  g_signal_connect (wrapped, "accept-certificate", G_CALLBACK (accept_any), NULL);
  g_object_set (wrapped, "require-close-notify", FALSE, NULL);
  if (pem != NULL) {
    g_autoptr (GTlsCertificate) certificate = g_tls_certificate_new_from_pem (pem, -1, &error);
    g_tls_connection_set_certificate (G_TLS_CONNECTION (wrapped), certificate);
  }
  if (g_tls_connection_handshake (G_TLS_CONNECTION (wrapped), NULL, &error))
    stream = G_IO_STREAM (g_steal_pointer (&wrapped));
}

RawClient::~RawClient ()
{
  close ();
}

void
RawClient::close ()
{
  if (stream != nullptr)
    g_io_stream_close (stream, NULL, NULL);
  g_clear_object (&stream);
  g_clear_object (&plain);
}

void
RawClient::send (const std::string &bytes)
{
  /* a server that has already refused may have closed: what it answered is still read */
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), bytes.data (), bytes.size (), NULL, NULL, NULL);
}

bool
RawClient::read_more ()
{
  char data[16384];
  g_autoptr (GError) error = NULL;
  gssize got = g_input_stream_read (g_io_stream_get_input_stream (stream), data, sizeof data, NULL, &error);
  if (got < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
    timed_out = true;
  if (got > 0)
    buffer.append (data, got);
  return got > 0;
}

std::string
RawClient::read_all ()
{
  while (read_more ())
    ;
  return std::exchange (buffer, "");
}

std::string
RawClient::read_exactly (size_t length)
{
  while (buffer.size () < length && read_more ())
    ;
  std::string result = buffer.substr (0, length);
  buffer.erase (0, result.size ());
  return result;
}

std::string
RawClient::read_until (const std::string &what)
{
  size_t at;
  while ((at = buffer.find (what)) == std::string::npos) {
    if (!read_more ())
      return std::exchange (buffer, "");
  }
  std::string result = buffer.substr (0, at + what.size ());
  buffer.erase (0, at + what.size ());
  return result;
}

std::string
RawClient::read_answer (bool head)
{
  std::string result = read_until ("\r\n\r\n");
  if (head || result.empty ())
    return result;
  if (answer_header (result, "Transfer-Encoding") == "chunked")
    return result + read_until ("0\r\n\r\n");
  std::string length = answer_header (result, "Content-Length");
  size_t wanted = length.empty () ? 0 : std::stoul (length);
  while (buffer.size () < wanted && read_more ())
    ;
  wanted = std::min (wanted, buffer.size ());
  result += buffer.substr (0, wanted);
  buffer.erase (0, wanted);
  return result;
}

int
answer_status (const std::string &answer)
{
  return answer.size () > 12 ? atoi (answer.c_str () + 9) : 0;
}

std::string
answer_body (const std::string &answer)
{
  size_t at = answer.find ("\r\n\r\n");
  return at == std::string::npos ? "" : answer.substr (at + 4);
}

std::string
answer_header (const std::string &answer, const char *name)
{
  size_t end = answer.find ("\r\n\r\n"), at = answer.find ("\r\n");
  while (at < end) {
    size_t next = answer.find ("\r\n", at + 2);
    std::string line = answer.substr (at + 2, next - at - 2);
    size_t colon = line.find (':');
    if (colon != std::string::npos && g_ascii_strcasecmp (line.substr (0, colon).c_str (), name) == 0)
      return line.substr (line.find_first_not_of (' ', colon + 1));
    at = next;
  }
  return "";
}
