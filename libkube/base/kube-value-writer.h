/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-value-private.h"

G_BEGIN_DECLS

/* Writes one document, in its order: each thread has one that keeps its (small) buffers. A container is opened, filled and
 * closed; in an object, keys and values are pushed in turn. Children wait on the stack and become nodes when their container closes. */
typedef struct {
  KubeValue *stack; /* (owned) an open container, then its children so far */
  guint n_stack;
  guint max_stack;
  KubeValue *units; /* (owned) room for the header, then the nodes */
  KubeValue *nodes; /* closed containers' children; the first is unit KUBE_DOCUMENT_HEADER_UNITS */
  guint n_nodes;
  guint max_nodes;
  char *bytes; /* (owned) strings; KUBE_DOCUMENT_SLACK bytes more than max_bytes */
  gsize n_bytes;
  gsize max_bytes;
  gboolean untidy; /* nodes without a parent were left behind in the innermost open container */
  guint frame; /* the innermost open container on the stack, or KUBE_WRITER_NO_FRAME */
  gboolean busy;
} KubeWriter;

#define KUBE_WRITER_NO_FRAME G_MAXUINT

KubeWriter *kube_writer_acquire (void);
void kube_writer_release (KubeWriter *writer);

/* FALSE where memory or the format's limits do not suffice. The functions without a result abort then, as g_malloc() does. */
static inline gboolean kube_writer_reserve_stack (KubeWriter *writer, guint n) G_GNUC_WARN_UNUSED_RESULT;
static inline gboolean kube_writer_reserve_nodes (KubeWriter *writer, guint n) G_GNUC_WARN_UNUSED_RESULT;
static inline gboolean kube_writer_reserve_bytes (KubeWriter *writer, gsize n) G_GNUC_WARN_UNUSED_RESULT;
gboolean kube_writer_grow_stack (KubeWriter *writer, guint n) G_GNUC_WARN_UNUSED_RESULT;
gboolean kube_writer_grow_nodes (KubeWriter *writer, guint n) G_GNUC_WARN_UNUSED_RESULT;
gboolean kube_writer_grow_bytes (KubeWriter *writer, gsize n) G_GNUC_WARN_UNUSED_RESULT;

static inline gboolean
kube_writer_reserve_stack (KubeWriter *writer, guint n)
{
  return G_LIKELY (n <= writer->max_stack - writer->n_stack) || kube_writer_grow_stack (writer, n);
}

static inline gboolean
kube_writer_reserve_nodes (KubeWriter *writer, guint n)
{
  return G_LIKELY (n <= writer->max_nodes - writer->n_nodes) || kube_writer_grow_nodes (writer, n);
}

static inline gboolean
kube_writer_reserve_bytes (KubeWriter *writer, gsize n)
{
  return G_LIKELY (n <= writer->max_bytes - writer->n_bytes) || kube_writer_grow_bytes (writer, n);
}

void kube_writer_open (KubeWriter *writer, KubeValueType type);
void kube_writer_push (KubeWriter *writer, KubeValueType type, gint64 integer);
/* A container with nothing in it. */
void kube_writer_push_empty (KubeWriter *writer, KubeValueType type);
void kube_writer_push_text (KubeWriter *writer, KubeValueType type, const char *text, gsize length);
/* Copies a value; with @canonical, in canonical order. */
void kube_writer_push_value (KubeWriter *writer, const KubeValue *value, gboolean canonical);
/* Closes the innermost container. An object's keys must be distinct; whether they are in order is found here. */
void kube_writer_close (KubeWriter *writer);
/* The same where the caller knows the order, and has reserved the nodes. */
void kube_writer_close_sorted (KubeWriter *writer, gboolean sorted);
/* The same for an object whose keys may be there more than once: the last one stays, and each earlier one is reported with the later.
 * FALSE without memory. */
typedef void (*KubeWriterDuplicate) (KubeWriter *writer, const KubeValue *later, gpointer user_data);
gboolean kube_writer_close_distinct (KubeWriter *writer, KubeWriterDuplicate report,
                                     gpointer user_data) G_GNUC_WARN_UNUSED_RESULT;
/* How large the value @node is, which was on the stack when it was complete; and a copy of it. */
gsize kube_writer_measure (KubeWriter *writer, const KubeValue *node);
void kube_writer_push_again (KubeWriter *writer, const KubeValue *node);
/* Takes the object on top of the stack and pushes its members. The open container is not canonical then. */
void kube_writer_splice (KubeWriter *writer);
/* (transfer full) (nullable): the document of the one value on the stack; NULL without memory. */
KubeValue *kube_writer_finish (KubeWriter *writer);

/* A key on the stack has no place in a document yet: its tag says whether a later member overtook it, and above that what the caller
 * wants to remember. */
#define KUBE_TAG_DROPPED (1u << KUBE_TAG_SHIFT)
#define KUBE_TAG_MARK_SHIFT (KUBE_TAG_SHIFT + 1)

/* A key's bytes as a number whose order is that of the keys as far as they differ in their first eight bytes. */
static inline guint64
key_prefix (const char *bytes, guint32 length)
{
  guint64 prefix;

  memcpy (&prefix, bytes, sizeof prefix);
  prefix = GUINT64_FROM_BE (prefix);
  return length >= 8 ? prefix : length == 0 ? 0 : prefix & (G_MAXUINT64 << (64 - 8 * length));
}

G_END_DECLS
