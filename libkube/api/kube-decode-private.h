/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-decode.h"

G_BEGIN_DECLS

/* How deep structs may nest: schemas in schemas are the only ones that can go on for ever. */
#define KUBE_DECODE_MAX_DEPTH 500

/* What is wrong with a value, as Go's decoder would see it. */
typedef enum {
  KUBE_DECODE_GOOD,
  KUBE_DECODE_TYPE,  /* of another type: the first such is reported after all has been read */
  KUBE_DECODE_SAVED, /* the same, but its text stands alone */
  KUBE_DECODE_FATAL, /* ends the reading at once, its text stands alone */
} KubeDecodeFault;

/* One scalar that is not a struct. @text receives the canonical text of what is written as a string, or of a double; @integer the
 * value of booleans and integers. On a fault, @detail receives the whole message, or for a type fault what was found ("number 1.5")
 * and @go_type what was wanted. */
typedef struct {
  KubeValueType type; /* how it is written: STRING, NUMBER, INTEGER, BOOLEAN or NULL (a zero time) */
  gint64 integer;
  const char *text;
  gsize length;
  char *owned; /* (owned): @text, where it was made */
  char buffer[40];
} KubeDecodeScalar;

KubeDecodeFault kube_decode_read_scalar (KubeScalar scalar, int min_scale, KubeValue *value, KubeDecodeScalar *out,
                                         GString *detail, const char **go_type);
int kube_decode_min_scale (const KubeField *field);

/* Explains why a document could not be read, or what in it is not known, in the order and the words of upstream's decoder. @findings
 * receives what strict decoding minds. */
gboolean kube_decode_explain (const KubeType *type, KubeValue *value, GPtrArray *duplicates, GPtrArray *findings, GError **error);

G_END_DECLS
