/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-certificates.h>
#include <string.h>

#include "auth/kube-auth-private.h"
#include "fuzz.h"
#include "kube-storage.h"

/* JSON is taken for claims and signed with the right key; everything else is a token from outside, which no key of ours has signed. */

#define ISSUER "https://kubernetes.default.svc.cluster.local"

static KubeTokenSigner *signer;

static KubeTokens *
get_tokens (void)
{
  static const char account[] = "{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"builder\",\"namespace\":\"ci\",\"uid\":\"u-1\"}}";
  static KubeTokens *tokens;

  if (tokens == NULL) {
    g_autofree char *key = kube_private_key_new (NULL);
    g_autofree char *place = kube_storage_key (KUBE_KIND ("v1", "ServiceAccount"), "ci", "builder");
    g_autoptr (KubeVirtualClock) clock = kube_virtual_clock_new (G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC);
    g_autoptr (KubeStore) store = kube_store_memory_new ();
    g_autoptr (GBytes) bytes = g_bytes_new_static (account, sizeof account - 1);
    KubeStoreWrite write = { .key = place, .value = bytes, .expected = KUBE_STORE_ANY_REVISION, .revision_at = KUBE_STORE_NO_OFFSET };
    FUZZ_CHECK (kube_store_write_sync (store, &write, NULL) != 0);
    signer = kube_token_signer_new (key, NULL);
    tokens = kube_tokens_new (store, kube_scheme_get_default (), KUBE_CLOCK (clock), key, ISSUER, NULL);
    FUZZ_CHECK (signer != NULL && tokens != NULL);
  }
  return tokens;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  KubeTokens *tokens = get_tokens ();
  g_autofree char *text = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  g_autoptr (KubeValue) claims = kube_value_parse ((const char *) data, size, NULL);
  g_autofree char *token = claims != NULL ? kube_token_signer_sign (signer, claims, NULL) : g_strdup (text);
  g_auto (GStrv) matched = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeUser) user = kube_tokens_authenticate (tokens, token, NULL, &matched, &error);

  FUZZ_CHECK ((user == NULL) == (error != NULL));
  if (user != NULL) {
    FUZZ_CHECK (claims != NULL && g_strv_contains ((const char *const *) matched, ISSUER));
    FUZZ_CHECK (g_str_equal (user->name, KUBE_SERVICE_ACCOUNT_PREFIX "ci:builder"));
  }
  return 0;
}
