/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>
#include <glib.h>

/* SipHash-1-3 (Aumasson, Bernstein): for hash tables whose keys a client chooses. */

typedef struct {
  guint64 a, b, c, d;
} KubeSipState;

static inline guint64
kube_sip_rotate (guint64 word, guint bits)
{
  return word << bits | word >> (64 - bits);
}

static inline void
kube_sip_round (KubeSipState *s)
{
  s->a += s->b;
  s->b = kube_sip_rotate (s->b, 13) ^ s->a;
  s->a = kube_sip_rotate (s->a, 32);
  s->c += s->d;
  s->d = kube_sip_rotate (s->d, 16) ^ s->c;
  s->a += s->d;
  s->d = kube_sip_rotate (s->d, 21) ^ s->a;
  s->c += s->b;
  s->b = kube_sip_rotate (s->b, 17) ^ s->c;
  s->c = kube_sip_rotate (s->c, 32);
}

static inline guint64
kube_siphash (const guint64 seed[2], const char *data, gsize length)
{
  KubeSipState s = { seed[0] ^ G_GUINT64_CONSTANT (0x736f6d6570736575), seed[1] ^ G_GUINT64_CONSTANT (0x646f72616e646f6d),
                     seed[0] ^ G_GUINT64_CONSTANT (0x6c7967656e657261), seed[1] ^ G_GUINT64_CONSTANT (0x7465646279746573) };
  guint64 word;
  gsize i;

  for (i = 0; i + 8 <= length; i += 8) {
    memcpy (&word, data + i, 8);
    word = GUINT64_FROM_LE (word);
    s.d ^= word;
    kube_sip_round (&s);
    s.a ^= word;
  }
  word = (guint64) length << 56;
  for (guint shift = 0; i < length; i++, shift += 8)
    word |= (guint64) (guchar) data[i] << shift;
  s.d ^= word;
  kube_sip_round (&s);
  s.a ^= word;
  s.c ^= 0xff;
  kube_sip_round (&s);
  kube_sip_round (&s);
  kube_sip_round (&s);
  return s.a ^ s.b ^ s.c ^ s.d;
}
