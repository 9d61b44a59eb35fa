/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "http/kube-spdy.h"

#include <string.h>
#include <zlib.h>

#define VERSION 3
#define FLAG_FIN 1
#define MAX_CONTROL (64 * 1024)
#define MAX_HEADERS (64 * 1024)
#define MAX_FRAME 0xffffff
#define REFUSED_STREAM 3

enum { SYN_STREAM = 1, SYN_REPLY, RST_STREAM, SETTINGS, PING = 6, GOAWAY, HEADERS };

struct _KubeSpdy {
  KubeSpdyFuncs funcs;
  gpointer user_data;
  z_stream in, out;
  guint8 header[8];
  guint header_length;
  guint32 left;         /* of the frame */
  GByteArray *control;  /* of a control frame */
  guint32 last_stream;
};

/* SPDY/3, 2.6.10.1: the dictionary is these words, each with its length, and then the text. */
static const char words[] =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control "
  "connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect "
  "expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma "
  "proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning "
  "www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin";
static const char text[] =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content"
  "301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
  "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,"
  "image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdch"
  "charset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

static void
append_number (GByteArray *out, guint32 number)
{
  guint32 big = GUINT32_TO_BE (number);

  g_byte_array_append (out, (const guint8 *) &big, sizeof big);
}

static guint32
read_number (const guint8 *data)
{
  return (guint32) data[0] << 24 | data[1] << 16 | data[2] << 8 | data[3];
}

static gpointer
make_dictionary (gpointer unused)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);
  GByteArray *dictionary = g_byte_array_new ();

  for (char **word = list; *word != NULL; word++) {
    g_strdelimit (*word, "_", ' ');
    append_number (dictionary, strlen (*word));
    g_byte_array_append (dictionary, (const guint8 *) *word, strlen (*word));
  }
  g_byte_array_append (dictionary, (const guint8 *) text, sizeof text - 1);
  return dictionary;
}

GByteArray *
kube_spdy_get_dictionary (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, make_dictionary, NULL);
}

static GBytes *
deflate_block (z_stream *stream, GByteArray *plain)
{
  gsize bound = deflateBound (stream, plain->len) + 16;
  guint8 *out = g_malloc (bound);

  stream->next_in = plain->data;
  stream->avail_in = plain->len;
  stream->next_out = out;
  stream->avail_out = bound;
  deflate (stream, Z_SYNC_FLUSH);
  return g_bytes_new_take (out, bound - stream->avail_out);
}

static void
begin_deflate (z_stream *stream)
{
  GByteArray *dictionary = kube_spdy_get_dictionary ();

  memset (stream, 0, sizeof *stream);
  deflateInit (stream, Z_BEST_SPEED);
  deflateSetDictionary (stream, dictionary->data, dictionary->len);
}

KubeSpdy *
kube_spdy_new (const KubeSpdyFuncs *funcs, gpointer user_data)
{
  KubeSpdy *spdy = g_new0 (KubeSpdy, 1);

  spdy->funcs = *funcs;
  spdy->user_data = user_data;
  spdy->control = g_byte_array_new ();
  inflateInit (&spdy->in);
  begin_deflate (&spdy->out);
  return spdy;
}

void
kube_spdy_free (KubeSpdy *spdy)
{
  inflateEnd (&spdy->in);
  deflateEnd (&spdy->out);
  g_byte_array_unref (spdy->control);
  g_free (spdy);
}

static GByteArray *
inflate_block (KubeSpdy *spdy, const guint8 *data, gsize length)
{
  g_autoptr (GByteArray) out = g_byte_array_sized_new (1024);
  GByteArray *dictionary = kube_spdy_get_dictionary ();
  guint8 part[4096];

  spdy->in.next_in = (guint8 *) data;
  spdy->in.avail_in = length;
  do {
    int code;
    spdy->in.next_out = part;
    spdy->in.avail_out = sizeof part;
    code = inflate (&spdy->in, Z_SYNC_FLUSH);
    if (code == Z_NEED_DICT)
      code = inflateSetDictionary (&spdy->in, dictionary->data, dictionary->len);
    if (code != Z_OK && code != Z_BUF_ERROR)
      return NULL;
    g_byte_array_append (out, part, sizeof part - spdy->in.avail_out);
    if (out->len > MAX_HEADERS || (code == Z_BUF_ERROR && spdy->in.avail_in > 0))
      return NULL;
  } while (spdy->in.avail_in > 0 || spdy->in.avail_out == 0);
  return g_steal_pointer (&out);
}

static char *
take_string (const guint8 **data, gsize *length)
{
  guint32 size;
  char *string;

  if (*length < 4)
    return NULL;
  size = read_number (*data);
  if (size > *length - 4)
    return NULL;
  string = g_strndup ((const char *) *data + 4, size);
  *data += 4 + size;
  *length -= 4 + size;
  return string;
}

/* (transfer full) (nullable): names in lower case; of several values the first. */
static GHashTable *
read_headers (KubeSpdy *spdy, const guint8 *block, gsize length)
{
  g_autoptr (GByteArray) plain = inflate_block (spdy, block, length);
  g_autoptr (GHashTable) headers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const guint8 *data = plain != NULL ? plain->data : NULL;
  gsize left = plain != NULL ? plain->len : 0;
  guint32 n;

  if (left < 4)
    return NULL;
  n = read_number (data);
  data += 4;
  left -= 4;
  for (guint32 i = 0; i < n; i++) {
    g_autofree char *name = take_string (&data, &left);
    g_autofree char *value = name != NULL ? take_string (&data, &left) : NULL;
    if (value == NULL)
      return NULL;
    g_hash_table_insert (headers, g_ascii_strdown (name, -1), g_steal_pointer (&value));
  }
  return g_steal_pointer (&headers);
}

static void
write_control (KubeSpdy *spdy, guint type, guint8 flags, const void *head, gsize head_length, GBytes *rest)
{
  GByteArray *frame = g_byte_array_new ();
  gsize size = rest != NULL ? g_bytes_get_size (rest) : 0;
  g_autoptr (GBytes) bytes = NULL;

  append_number (frame, 0x80000000 | VERSION << 16 | type);
  append_number (frame, (guint32) flags << 24 | (guint32) (head_length + size));
  g_byte_array_append (frame, head, head_length);
  if (size > 0)
    g_byte_array_append (frame, g_bytes_get_data (rest, NULL), size);
  bytes = g_byte_array_free_to_bytes (frame);
  spdy->funcs.write (spdy, bytes, spdy->user_data);
}

static gboolean
take_syn_stream (KubeSpdy *spdy, guint8 flags, const guint8 *data, gsize length)
{
  g_autoptr (GHashTable) headers = NULL;
  guint32 stream, answer[2];

  if (length < 10)
    return FALSE;
  stream = read_number (data) & 0x7fffffff;
  if (stream <= spdy->last_stream || stream % 2 == 0)
    return FALSE;
  spdy->last_stream = stream;
  headers = read_headers (spdy, data + 10, length - 10);
  if (headers == NULL)
    return FALSE;
  answer[0] = GUINT32_TO_BE (stream);
  answer[1] = GUINT32_TO_BE (REFUSED_STREAM);
  if (spdy->funcs.opened (spdy, stream, headers, spdy->user_data)) {
    g_autoptr (GByteArray) none = g_byte_array_new ();
    g_autoptr (GBytes) block = NULL;
    append_number (none, 0);
    block = deflate_block (&spdy->out, none);
    write_control (spdy, SYN_REPLY, 0, answer, 4, block);
    if ((flags & FLAG_FIN) != 0)
      spdy->funcs.ended (spdy, stream, spdy->user_data);
  } else {
    write_control (spdy, RST_STREAM, 0, answer, 8, NULL);
  }
  return TRUE;
}

static gboolean
take_control (KubeSpdy *spdy)
{
  const guint8 *data = spdy->control->data;
  gsize length = spdy->control->len;
  guint type = spdy->header[2] << 8 | spdy->header[3];
  g_autoptr (GHashTable) headers = NULL;

  if ((spdy->header[0] & 0x7f) != 0 || spdy->header[1] != VERSION)
    return FALSE;
  switch (type) {
  case SYN_STREAM:
    return take_syn_stream (spdy, spdy->header[4], data, length);
  case SYN_REPLY:
  case HEADERS:
    /* read for the compression's sake, which goes on from block to block */
    headers = length >= 4 ? read_headers (spdy, data + 4, length - 4) : NULL;
    return headers != NULL;
  case RST_STREAM:
    if (length == 8)
      spdy->funcs.ended (spdy, read_number (data) & 0x7fffffff, spdy->user_data);
    return length == 8;
  case PING:
    if (length == 4 && read_number (data) % 2 == 1)
      write_control (spdy, PING, 0, data, 4, NULL);
    return length == 4;
  default:
    return TRUE;
  }
}

static gboolean
end_frame (KubeSpdy *spdy)
{
  gboolean control = (spdy->header[0] & 0x80) != 0, good = TRUE;

  spdy->header_length = 0;
  if (control)
    good = take_control (spdy);
  else if ((spdy->header[4] & FLAG_FIN) != 0)
    spdy->funcs.ended (spdy, read_number (spdy->header), spdy->user_data);
  g_byte_array_set_size (spdy->control, 0);
  return good;
}

gboolean
kube_spdy_take (KubeSpdy *spdy, const guint8 *data, gsize length)
{
  while (length > 0) {
    if (spdy->header_length < sizeof spdy->header) {
      spdy->header[spdy->header_length++] = *data++;
      length--;
      if (spdy->header_length < sizeof spdy->header)
        continue;
      spdy->left = read_number (spdy->header + 4) & MAX_FRAME;
      if ((spdy->header[0] & 0x80) != 0 && spdy->left > MAX_CONTROL)
        return FALSE;
    } else {
      gsize part = MIN (length, spdy->left);
      if ((spdy->header[0] & 0x80) != 0)
        g_byte_array_append (spdy->control, data, part);
      else
        spdy->funcs.data (spdy, read_number (spdy->header), data, part, spdy->user_data);
      data += part;
      length -= part;
      spdy->left -= part;
    }
    if (spdy->left == 0 && !end_frame (spdy))
      return FALSE;
  }
  return TRUE;
}

void
kube_spdy_send (KubeSpdy *spdy, guint32 stream, const void *data, gsize length, gboolean last)
{
  const guint8 *at = data;

  do {
    gsize part = MIN (length, MAX_FRAME);
    GByteArray *frame = g_byte_array_sized_new (8 + part);
    g_autoptr (GBytes) bytes = NULL;

    append_number (frame, stream);
    append_number (frame, (last && part == length ? (guint32) FLAG_FIN << 24 : 0) | (guint32) part);
    if (part > 0)
      g_byte_array_append (frame, at, part);
    bytes = g_byte_array_free_to_bytes (frame);
    spdy->funcs.write (spdy, bytes, spdy->user_data);
    at += part;
    length -= part;
  } while (length > 0);
}

void
kube_spdy_go_away (KubeSpdy *spdy)
{
  guint32 last[2] = { GUINT32_TO_BE (spdy->last_stream), 0 };

  write_control (spdy, GOAWAY, 0, last, sizeof last, NULL);
}
