/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* One cell as JSON text. @now: microseconds since the epoch. */
typedef void (*KubeTablePrinter) (KubeValue *object, gint64 now, GString *out);

typedef struct {
  const char *name; /* as the schema names it: "@pod-status" */
  KubeTablePrinter print;
} KubeTableCell;

extern const KubeTableCell kube_table_pod_cells[], kube_table_core_cells[], kube_table_workload_cells[], kube_table_other_cells[];

void kube_table_text (GString *out, const char *text);
/* @otherwise where @text is NULL or empty. */
void kube_table_text_or (GString *out, const char *text, const char *otherwise);
void kube_table_integer (GString *out, gint64 integer);
/* How long ago @time was, "<unknown>" where it is no time. */
void kube_table_age (GString *out, const char *time, gint64 now);
/* The strings of @list (of member @key of its elements, where that is given), joined. */
char *kube_table_join (KubeValue *list, const char *key, const char *separator) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
