/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <kube/kube-certificates.h>
#include "kube-pki.h"

#define CA_DAYS 3650
#define LEAF_DAYS 365
/* A certificate is made anew at a start in its last 90 days. */
#define RENEW_BEFORE (90 * G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)

/* --- files --- */

static char *
read_file (const KubePkiOptions *options, const char *name)
{
  g_autofree char *path = options->folder == NULL ? NULL : g_build_filename (options->folder, name, NULL);
  char *text = NULL;

  if (path == NULL || !g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  return text;
}

static gboolean
write_file (const KubePkiOptions *options, const char *name, const char *text, GError **error)
{
  g_autofree char *path = options->folder == NULL ? NULL : g_build_filename (options->folder, name, NULL);

  return path == NULL || g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600, error);
}

/* --- making what is missing --- */

static char *
load_key (const KubePkiOptions *options, const char *name, GError **error)
{
  g_autofree char *key = read_file (options, name);

  if (key != NULL)
    return g_steal_pointer (&key);
  key = kube_private_key_new (error);
  if (key == NULL || !write_file (options, name, key, error))
    return NULL;
  return g_steal_pointer (&key);
}

static gboolean
is_fresh (const char *certificate)
{
  return certificate != NULL && kube_certificate_get_expiry (certificate) > g_get_real_time () + RENEW_BEFORE;
}

static gboolean
load_ca (KubePki *pki, const KubePkiOptions *options, GError **error)
{
  pki->ca_key = load_key (options, "ca.key", error);
  if (pki->ca_key == NULL)
    return FALSE;
  pki->ca_certificate = read_file (options, "ca.crt");
  if (pki->ca_certificate != NULL)
    return TRUE;
  pki->ca_certificate = kube_certificate_new_ca ("kubernetes", pki->ca_key, CA_DAYS, error);
  return pki->ca_certificate != NULL && write_file (options, "ca.crt", pki->ca_certificate, error);
}

/* What a certificate was made for is kept beside it: another subject makes it anew. */
static char *
load_certificate (KubePki *pki, const KubePkiOptions *options, const char *name, const KubeCertificateOptions *certificate, const char *key, GError **error)
{
  g_autofree char *file = g_strconcat (name, ".crt", NULL), *for_file = g_strconcat (name, ".for", NULL);
  g_autofree char *dns_names = certificate->dns_names == NULL ? g_strdup ("") : g_strjoinv (" ", (char **) certificate->dns_names);
  g_autofree char *addresses = certificate->addresses == NULL ? g_strdup ("") : g_strjoinv (" ", (char **) certificate->addresses);
  g_autofree char *subject = g_strjoin (" ", certificate->common_name, dns_names, addresses, "\n", NULL);
  g_autofree char *made_for = read_file (options, for_file);
  g_autofree char *text = read_file (options, file);

  if (is_fresh (text) && g_strcmp0 (made_for, subject) == 0)
    return g_steal_pointer (&text);
  g_free (text);
  text = kube_certificate_new (certificate, key, pki->ca_certificate, pki->ca_key, error);
  if (text == NULL || !write_file (options, file, text, error) || !write_file (options, for_file, subject, error))
    return NULL;
  return g_steal_pointer (&text);
}

static gboolean
load_leaves (KubePki *pki, const KubePkiOptions *options, GError **error)
{
  static const char *const admins[] = { "system:masters", NULL };
  const KubeCertificateOptions server = { "kube-apiserver", NULL, options->dns_names, options->addresses, TRUE, FALSE, LEAF_DAYS };
  const KubeCertificateOptions admin = { "kubernetes-admin", admins, NULL, NULL, FALSE, TRUE, LEAF_DAYS };

  pki->server_key = load_key (options, "apiserver.key", error);
  if (pki->server_key == NULL)
    return FALSE;
  pki->server_certificate = load_certificate (pki, options, "apiserver", &server, pki->server_key, error);
  if (pki->server_certificate == NULL)
    return FALSE;
  pki->admin_key = load_key (options, "admin.key", error);
  if (pki->admin_key == NULL)
    return FALSE;
  pki->admin_certificate = load_certificate (pki, options, "admin", &admin, pki->admin_key, error);
  if (pki->admin_certificate == NULL)
    return FALSE;
  pki->token_key = load_key (options, "sa.key", error);
  return pki->token_key != NULL;
}

KubePki *
kube_pki_load (const KubePkiOptions *options, GError **error)
{
  g_autoptr (KubePki) pki = g_new0 (KubePki, 1);

  if (options->folder != NULL && g_mkdir_with_parents (options->folder, 0700) != 0) {
    int saved = errno;

    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (saved), "%s: %s", options->folder, g_strerror (saved));
    return NULL;
  }
  if (!load_ca (pki, options, error) || !load_leaves (pki, options, error)) {
    g_prefix_error (error, "keys and certificates: ");
    return NULL;
  }
  return g_steal_pointer (&pki);
}

void
kube_pki_free (KubePki *pki)
{
  g_free (pki->ca_certificate);
  g_free (pki->ca_key);
  g_free (pki->server_certificate);
  g_free (pki->server_key);
  g_free (pki->admin_certificate);
  g_free (pki->admin_key);
  g_free (pki->token_key);
  g_free (pki);
}
