/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-error.h>

G_BEGIN_DECLS

/* Keys and certificates (ECDSA P-256) as PEM texts: what a cluster needs to be secure by default. */

KUBE_AVAILABLE_IN_1_0
char *kube_private_key_new (GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* A self-signed CA. @days: how long it is valid. */
KUBE_AVAILABLE_IN_1_0
char *kube_certificate_new_ca (const char *common_name, const char *key_pem, int days, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/**
 * KubeCertificateOptions:
 * @common_name: the user or host
 * @organizations: (nullable) (array zero-terminated=1): groups
 * @dns_names: (nullable) (array zero-terminated=1): names of a host
 * @addresses: (nullable) (array zero-terminated=1): IP addresses
 * @server: for servers
 * @client: for clients
 * @days: how long it is valid
 *
 * What a certificate says.
 *
 * Since: 1.0
 */
typedef struct {
  const char *common_name;
  const char *const *organizations;
  const char *const *dns_names;
  const char *const *addresses;
  gboolean server, client;
  int days;
  gpointer reserved[4];
} KubeCertificateOptions;

KUBE_AVAILABLE_IN_1_0
char *kube_certificate_new (const KubeCertificateOptions *options, const char *key_pem, const char *ca_certificate_pem, const char *ca_key_pem, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Microseconds since the epoch, or -1. */
KUBE_AVAILABLE_IN_1_0
gint64 kube_certificate_get_expiry (const char *certificate_pem);

G_END_DECLS
