/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-tls.h"

#include <gnutls/gnutls.h>
#include <kube/kube-error.h>
#include <string.h>

#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

struct _KubeTlsServer {
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priority;
  gnutls_datum_t ticket_key;
  gboolean ask_clients;
};

struct _KubeTls {
  gnutls_session_t session;
  gboolean sealed; /* the last write has to be finished before another */
};

KubeTlsServer *
kube_tls_server_new (const char *certificate_pem, const char *key_pem, gboolean ask_clients, GError **error)
{
  g_autoptr (KubeTlsServer) server = g_new0 (KubeTlsServer, 1);
  gnutls_datum_t certificate = { (guchar *) certificate_pem, strlen (certificate_pem) };
  gnutls_datum_t key = { (guchar *) key_pem, strlen (key_pem) };
  int code = gnutls_certificate_allocate_credentials (&server->credentials);

  server->ask_clients = ask_clients;
  if (code >= 0)
    code = gnutls_certificate_set_x509_key_mem (server->credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
  if (code >= 0)
    code = gnutls_priority_init (&server->priority, PRIORITY, NULL);
  if (code >= 0)
    code = gnutls_session_ticket_key_generate (&server->ticket_key);
  if (code >= 0)
    return g_steal_pointer (&server);
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "serving certificate: %s", gnutls_strerror (code));
  return NULL;
}

void
kube_tls_server_free (KubeTlsServer *server)
{
  if (server->ticket_key.data != NULL) {
    gnutls_memset (server->ticket_key.data, 0, server->ticket_key.size);
    gnutls_free (server->ticket_key.data);
  }
  if (server->priority != NULL)
    gnutls_priority_deinit (server->priority);
  if (server->credentials != NULL)
    gnutls_certificate_free_credentials (server->credentials);
  g_free (server);
}

KubeTls *
kube_tls_new (KubeTlsServer *server, int fd)
{
  static const gnutls_datum_t protocol = { (guchar *) "http/1.1", 8 };
  KubeTls *tls = g_new0 (KubeTls, 1);

  /* a TLS 1.3 ticket does not carry the client's certificate: it is sent by kube_tls_handshake(), to clients without one */
  gnutls_init (&tls->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_AUTO_SEND_TICKET);
  gnutls_priority_set (tls->session, server->priority);
  gnutls_credentials_set (tls->session, GNUTLS_CRD_CERTIFICATE, server->credentials);
  gnutls_session_ticket_enable_server (tls->session, &server->ticket_key);
  gnutls_alpn_set_protocols (tls->session, &protocol, 1, 0);
  if (server->ask_clients)
    gnutls_certificate_server_set_request (tls->session, GNUTLS_CERT_REQUEST);
  gnutls_transport_set_int (tls->session, fd);
  return tls;
}

void
kube_tls_free (KubeTls *tls)
{
  gnutls_deinit (tls->session);
  g_free (tls);
}

gssize
kube_tls_handshake (KubeTls *tls, gboolean *wants_write)
{
  int code;

  do
    code = gnutls_handshake (tls->session);
  while (code == GNUTLS_E_INTERRUPTED || code == GNUTLS_E_WARNING_ALERT_RECEIVED || code == GNUTLS_E_GOT_APPLICATION_DATA);
  *wants_write = gnutls_record_get_direction (tls->session) == 1;
  if (code == GNUTLS_E_AGAIN)
    return KUBE_TLS_AGAIN;
  if (code < 0)
    return KUBE_TLS_FAILED;
  if (gnutls_protocol_get_version (tls->session) == GNUTLS_TLS1_3 && gnutls_certificate_get_peers (tls->session, NULL) == NULL)
    gnutls_session_ticket_send (tls->session, 1, 0);
  return 0;
}

gssize
kube_tls_read (KubeTls *tls, void *buffer, gsize size)
{
  gssize got;

  do
    got = gnutls_record_recv (tls->session, buffer, size);
  while (got == GNUTLS_E_INTERRUPTED || got == GNUTLS_E_WARNING_ALERT_RECEIVED);
  if (got >= 0)
    return got;
  if (got == GNUTLS_E_AGAIN)
    return KUBE_TLS_AGAIN;
  /* many clients close without a good-bye; a request's end is known from its framing */
  if (got == GNUTLS_E_PREMATURE_TERMINATION)
    return 0;
  return KUBE_TLS_FAILED;
}

gssize
kube_tls_write (KubeTls *tls, const void *data, gsize size)
{
  gssize sent;

  do
    sent = tls->sealed ? gnutls_record_send (tls->session, NULL, 0) : gnutls_record_send (tls->session, data, size);
  while (sent == GNUTLS_E_INTERRUPTED);
  tls->sealed = sent == GNUTLS_E_AGAIN;
  if (sent == GNUTLS_E_AGAIN)
    return KUBE_TLS_AGAIN;
  return sent < 0 ? KUBE_TLS_FAILED : sent;
}

gboolean
kube_tls_has_pending (KubeTls *tls)
{
  return gnutls_record_check_pending (tls->session) > 0;
}

void
kube_tls_bye (KubeTls *tls)
{
  if (!tls->sealed)
    gnutls_bye (tls->session, GNUTLS_SHUT_WR);
}

KubeUser *
kube_tls_identify (KubeTls *tls, KubeClientCa *ca, GError **error)
{
  guint n = 0;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers (tls->session, &n);
  g_autoptr (GPtrArray) certificates = NULL;

  if (chain == NULL || n == 0)
    return NULL;
  certificates = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint i = 0; i < n; i++)
    g_ptr_array_add (certificates, g_bytes_new_static (chain[i].data, chain[i].size));
  return kube_client_ca_identify (ca, certificates, error);
}
