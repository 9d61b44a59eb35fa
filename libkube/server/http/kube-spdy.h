/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The server's side of SPDY/3.1's framing as far as kubectl before 1.30 uses it: streams with headers, data, their ends, pings. */

typedef struct _KubeSpdy KubeSpdy;

typedef struct {
  /* a stream that the client opened; FALSE refuses it */
  gboolean (*opened) (KubeSpdy *spdy, guint32 stream, GHashTable *headers, gpointer user_data);
  void (*data) (KubeSpdy *spdy, guint32 stream, const guint8 *data, gsize length, gpointer user_data);
  /* the client sends nothing more on it */
  void (*ended) (KubeSpdy *spdy, guint32 stream, gpointer user_data);
  void (*write) (KubeSpdy *spdy, GBytes *bytes, gpointer user_data);
} KubeSpdyFuncs;

KubeSpdy *kube_spdy_new (const KubeSpdyFuncs *funcs, gpointer user_data);
void kube_spdy_free (KubeSpdy *spdy);
/* Takes all of @data. FALSE: the client broke the protocol. */
gboolean kube_spdy_take (KubeSpdy *spdy, const guint8 *data, gsize length);
void kube_spdy_send (KubeSpdy *spdy, guint32 stream, const void *data, gsize length, gboolean last);
void kube_spdy_go_away (KubeSpdy *spdy);
/* (transfer none): what both sides prime their compression of headers with. */
GByteArray *kube_spdy_get_dictionary (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeSpdy, kube_spdy_free)

G_END_DECLS
