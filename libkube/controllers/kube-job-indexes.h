/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sets of completion indexes as the API writes them ("0-3,5,7"): ordered ranges that do not touch. A NULL set is an empty one. */

typedef struct {
  gint64 first, last;
} KubeIndexRange;

/* (element-type KubeIndexRange): what is below @completions; what is not a range is left out. */
GArray *kube_indexes_parse (const char *text, gint64 completions) G_GNUC_WARN_UNUSED_RESULT;
/* @numbers: (element-type gint64): they are put into order. */
GArray *kube_indexes_new (GArray *numbers) G_GNUC_WARN_UNUSED_RESULT;
GArray *kube_indexes_merge (GArray *a, GArray *b) G_GNUC_WARN_UNUSED_RESULT;
/* What is below @completions and not in @indexes, the lowest @most of it. Returns: (element-type gint64) */
GArray *kube_indexes_list_absent (GArray *indexes, gint64 completions, gint64 most) G_GNUC_WARN_UNUSED_RESULT;
gboolean kube_indexes_has (GArray *indexes, gint64 index);
gint64 kube_indexes_count (GArray *indexes);
gint64 kube_indexes_count_common (GArray *a, GArray *b);
char *kube_indexes_print (GArray *indexes) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
