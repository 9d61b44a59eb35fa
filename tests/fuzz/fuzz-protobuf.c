/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>

#include "fuzz.h"
#include "kube-decode.h"
#include "kube-protobuf.h"

/* What can be read and decoded can be written, and read again as the same. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *api_version = NULL, *name = NULL;
  g_autoptr (KubeValue) value = NULL, object = NULL, read = NULL, again = NULL;
  g_autoptr (GByteArray) written = g_byte_array_new ();
  const guint8 *raw;
  gsize length;
  KubeKind *kind;

  if (!kube_protobuf_open (data, size, &api_version, &name, &raw, &length, NULL))
    return 0;
  kind = KUBE_KIND (api_version, name);
  if (kind == NULL || kind->type == NULL)
    return 0;
  value = kube_protobuf_decode (kind->type, raw, length, NULL);
  object = value != NULL ? kube_decode_object (kind, value, NULL, NULL, NULL) : NULL;
  if (object == NULL)
    return 0;
  kube_protobuf_encode (kind->type, object, written);
  read = kube_protobuf_decode (kind->type, written->data, written->len, NULL);
  FUZZ_CHECK (read != NULL);
  again = kube_decode_object (kind, read, NULL, NULL, NULL);
  FUZZ_CHECK (again != NULL && kube_value_equal (object, again));
  return 0;
}
