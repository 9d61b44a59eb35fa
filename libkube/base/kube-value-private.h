/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>
#include <kube/kube-value.h>

G_BEGIN_DECLS

/* A document is one block: a header of two units, nodes of one unit (16 bytes) each, then the bytes of its strings, each with
 * a NUL after it, and KUBE_DOCUMENT_SLACK zero bytes so that strings can be read 16 bytes at a time.
 *
 * All references inside are relative to the header, nodes are written children first: what stands below a container is the
 * range of nodes from its `first` to the end of its children, and their strings are one range too. A subtree is therefore copied
 * by two memcpy() and one pass that shifts offsets. Canonical documents (members sorted in all objects as they were written) of
 * equal content are equal byte by byte. */
typedef struct {
  int ref_count;   /* atomic */
  guint32 n_units; /* header and nodes; the root is the last node */
  gsize n_bytes;   /* of strings */
  guint64 padding[2];
} KubeDocument;

struct _KubeValue {
  guint32 tag;    /* type: 3 bits, KUBE_TAG_CANONICAL, then the unit at which the node stands: 28 bits */
  guint32 length; /* of a string or number in bytes, of an array or object in children or members */
  union {
    gint64 integer; /* of a boolean, too */
    guint64 natural;
    guint64 text; /* offset in the strings */
    struct {
      guint32 children; /* unit; an object's are pairs of key and value */
      guint32 first;    /* unit << 4 | KUBE_FIRST_SORTED */
    };
  };
};

#define KUBE_TAG_TYPE 7u
#define KUBE_TAG_CANONICAL 8u
#define KUBE_TAG_SHIFT 4
#define KUBE_FIRST_SORTED 1u
#define KUBE_DOCUMENT_HEADER_UNITS 2u
#define KUBE_DOCUMENT_MAX_UNITS ((1u << 28) - 16)
#define KUBE_DOCUMENT_SLACK 16

G_STATIC_ASSERT (sizeof (KubeValue) == 16);
G_STATIC_ASSERT (sizeof (KubeDocument) == KUBE_DOCUMENT_HEADER_UNITS * sizeof (KubeValue));

static inline KubeValueType
value_type (const KubeValue *value)
{
  return (KubeValueType) (value->tag & KUBE_TAG_TYPE);
}

static inline KubeDocument *
value_document (const KubeValue *value)
{
  return (KubeDocument *) (gpointer) (value - (value->tag >> KUBE_TAG_SHIFT));
}

static inline const char *
document_strings (const KubeDocument *document)
{
  return (const char *) ((const KubeValue *) (gconstpointer) document + document->n_units);
}

static inline const char *
value_text (const KubeValue *value)
{
  return document_strings (value_document (value)) + value->text;
}

static inline KubeValue *
value_children (const KubeValue *value)
{
  return (KubeValue *) (gpointer) value_document (value) + value->children;
}

/* How many nodes stand as children: an object's keys count. */
static inline guint
value_n_nodes (const KubeValue *value)
{
  return value_type (value) == KUBE_VALUE_OBJECT ? 2 * value->length : value->length;
}

static inline gboolean
value_is_container (const KubeValue *value)
{
  return value_type (value) >= KUBE_VALUE_ARRAY;
}

static inline gboolean
value_is_text (const KubeValue *value)
{
  return value_type (value) == KUBE_VALUE_STRING || value_type (value) == KUBE_VALUE_NUMBER;
}

static inline gboolean
value_is_root (const KubeValue *value)
{
  return (value->tag >> KUBE_TAG_SHIFT) + 1 == value_document (value)->n_units;
}

static inline int
key_compare (const char *a, gsize a_length, const char *b, gsize b_length)
{
  int order = memcmp (a, b, MIN (a_length, b_length));

  return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

/* The length of the UTF-8 sequence at @text, 0 where there is no valid one. U+0000 is valid. */
static inline gsize
kube_utf8_sequence (const char *text, gsize available)
{
  const guchar *p = (const guchar *) text;
  gsize n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

  if (n > available)
    return 0;
  for (gsize i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80)
      return 0;
  }
  if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf0 && p[1] < 0x90) ||
      (p[0] == 0xf4 && p[1] > 0x8f))
    return 0;
  return n;
}

/* (transfer full) (nullable): a document like that of which @value is the root, with another text in the string at @path. It costs a copy, a tenth of parsing. %NULL where there
 * is no such string, and where @value is not a root. */
KubeValue *kube_value_with_string (KubeValue *value, const char *path, const char *text);
KubeValue *kube_value_lookup (const KubeValue *object, const char *key, gsize length);
/* The child that a path's next segment names, and the rest of the path. */
gboolean kube_path_next (const char **path, const char **segment, gsize *length);
gboolean kube_path_index (const char *segment, gsize length, guint *index);

G_END_DECLS
