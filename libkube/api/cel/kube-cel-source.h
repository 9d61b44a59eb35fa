/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An expression's text and what is wrong with it. */
typedef struct {
  const char *text;
  GPtrArray *errors; /* (element-type KubeCelProblem) */
  guint n_errors;    /* with those beyond the limit */
} KubeCelSource;

/* Where a problem has no place in the text. */
enum { KUBE_CEL_NOWHERE = -1 };

void kube_cel_source_init (KubeCelSource *self, const char *text);
void kube_cel_source_clear (KubeCelSource *self);
/* @offset: in bytes, or nowhere */
void kube_cel_source_add (KubeCelSource *self, int offset, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* All problems in the order of their places, each with its line and a mark below it. NULL where there are none. */
char *kube_cel_source_print (const KubeCelSource *self) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeCelSource, kube_cel_source_clear)

G_END_DECLS
