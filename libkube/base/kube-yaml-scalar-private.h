/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

typedef enum {
  KUBE_YAML_NULL,
  KUBE_YAML_BOOLEAN,
  KUBE_YAML_INTEGER,
  KUBE_YAML_UNSIGNED,
  KUBE_YAML_FLOAT,
  KUBE_YAML_STRING,
  KUBE_YAML_TIMESTAMP, /* a string that must be quoted to stay one */
} KubeYamlType;

typedef struct {
  KubeYamlType type;
  union {
    gint64 integer;
    guint64 natural;
    double number;
  };
} KubeYamlScalar;

/* What a plain scalar means, by YAML 1.1 as go-yaml v2 reads it. */
void kube_yaml_resolve (const char *text, gsize length, KubeYamlScalar *scalar);
/* Sixty-base numbers, which are strings here and numbers elsewhere. */
gboolean kube_yaml_is_base60 (const char *text, gsize length);

#define KUBE_YAML_FLOAT_SIZE 40
/* As Go's strconv.FormatFloat (number, 'g', -1, bits). */
void kube_yaml_format_float (double number, int bits, char *out);
/* As Go's encoding/json prints a float64; FALSE for what JSON cannot say. */
gboolean kube_yaml_format_json_float (double number, char *out);

G_END_DECLS
