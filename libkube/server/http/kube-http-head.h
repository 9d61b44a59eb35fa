/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The head of a request as RFC 9112 has it, and nothing besides: what two readers could read in two ways is an error. */

#define KUBE_HTTP_MAX_HEAD (128 * 1024)

typedef struct {
  const char *name, *value; /* NUL-terminated, in the head's own block */
} KubeHttpHeader;

typedef struct {
  char *block;              /* (owned): what the rest points into */
  const char *method;
  char *path;               /* (owned): decoded, without dot segments; "*" for OPTIONS * */
  const char *query;        /* (nullable): as it came */
  KubeHttpHeader *headers;  /* (owned) */
  guint n_headers;
  gboolean http_1_0;
  gboolean keep_alive;
  gboolean chunked;
  gboolean expects_continue;
  gint64 length;            /* of the body; -1: none said */
} KubeHttpHead;

/* Bytes of a whole head at the beginning of @data (its empty line included); 0: not all of it is here. @scanned: (inout): how far it was looked for already. */
gsize kube_http_head_find (const char *data, gsize length, gsize *scanned);
/* Returns 0, or the HTTP status that refuses it: 400, 431, 501, 505. */
int kube_http_head_parse (const char *data, gsize length, KubeHttpHead *head);
void kube_http_head_clear (KubeHttpHead *head);
const char *kube_http_head_get (const KubeHttpHead *head, const char *name); /* (nullable): the first of that name */
/* Whether the comma-separated value of @name has @token. */
gboolean kube_http_head_has_token (const KubeHttpHead *head, const char *name, const char *token);
/* (transfer full) (nullable): a target's path, decoded once, with its dot segments resolved; NULL: bad escapes, NUL, or no UTF-8. */
char *kube_http_decode_path (const char *path, gsize length);

/* The chunked transfer coding. Zeroed at the beginning. */
typedef struct {
  guint state;
  guint64 size;  /* of what is left of this chunk */
  guint digits;
  guint extra;   /* bytes of extensions and trailers */
} KubeHttpChunks;

/* Takes from @data; what is body is appended to @body. @used: bytes taken. TRUE with @done at the end; FALSE: it is not chunked as it should be. */
gboolean kube_http_chunks_take (KubeHttpChunks *chunks, const char *data, gsize length, GByteArray *body, gsize *used, gboolean *done);

G_END_DECLS
