/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The keys and certificates of a cluster: made at the first start, kept in a folder, made anew where they run out or no longer fit. All PEM texts, (owned). */
typedef struct {
  char *ca_certificate, *ca_key;
  char *server_certificate, *server_key;
  char *admin_certificate, *admin_key;
  char *token_key;
} KubePki;

/**
 * KubePkiOptions:
 * @folder: (nullable): where they are kept (mode 0700, files 0600); %NULL: nowhere
 * @dns_names, @addresses: (array zero-terminated=1): of the serving certificate, beyond those every server has
 */
typedef struct {
  const char *folder;
  const char *const *dns_names;
  const char *const *addresses;
} KubePkiOptions;

KubePki *kube_pki_load (const KubePkiOptions *options, GError **error);
void kube_pki_free (KubePki *pki);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubePki, kube_pki_free)

G_END_DECLS
