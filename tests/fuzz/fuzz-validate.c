/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-scheme.h>

#include "kube-decode.h"
#include "kube-table.h"
#include "kube-validation.h"

#include "fuzz.h"

/* Any object that decodes can be validated and shown as a row; its errors make one error. */
int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  KubeParseOptions options = { .max_depth = 100, .max_size = 65536 };
  g_autoptr (KubeValue) value = kube_value_parse_with_options ((const char *) data, size, &options, NULL);
  g_autoptr (KubeValue) decoded = NULL;
  g_autoptr (KubeBuilder) builder = NULL;
  g_autoptr (KubeValue) object = NULL;
  g_autoptr (GString) row = g_string_new (NULL);
  g_auto (KubeFieldErrors) errors = { NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeValue) cells = NULL;
  const char *api_version = kube_value_get_string (value, "apiVersion"), *name = kube_value_get_string (value, "kind");
  KubeKind *kind = api_version != NULL && name != NULL ? kube_scheme_find_kind (kube_scheme_get_default (), api_version, name) : NULL;

  if (kind == NULL)
    return 0;
  decoded = kube_decode_object (kind, value, NULL, NULL, NULL);
  if (decoded == NULL)
    return 0;
  builder = kube_builder_new (decoded);
  kube_default (kind, kube_builder_get_root (builder));
  object = kube_builder_end (builder);
  kube_validate_create (kind, object, &errors);
  kube_validate_update (kind, NULL, object, decoded, &errors);
  kube_validate_update (kind, "status", object, decoded, &errors);
  error = kube_field_errors_to_error (&errors, "", "X", "x");
  FUZZ_CHECK ((error != NULL) == (kube_field_errors_get_length (&errors) > 0));

  kube_table_print_cells (kind, object, 0, row);
  cells = kube_value_parse (row->str, (gssize) row->len, NULL);
  FUZZ_CHECK (kube_value_is_array (cells));
  return 0;
}
