/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-config-private.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeConfig) config = kube_config_parse ((const char *) data, size, "/nonexistent", NULL, &error);

  FUZZ_CHECK ((config == NULL) == (error != NULL));
  if (config == NULL)
    return 0;
  g_autofree char *text = kube_config_print (config, "c");
  g_autoptr (KubeConfig) again = kube_config_parse (text, -1, "/nonexistent", NULL, &error);
  FUZZ_CHECK (again != NULL);
  FUZZ_CHECK (g_strcmp0 (config->server, again->server) == 0 && g_strcmp0 (config->token, again->token) == 0);
  FUZZ_CHECK (g_strcmp0 (config->ca_pem, again->ca_pem) == 0 && g_strcmp0 (config->key_pem, again->key_pem) == 0);
  FUZZ_CHECK ((config->exec == NULL) == (again->exec == NULL));
  return 0;
}
