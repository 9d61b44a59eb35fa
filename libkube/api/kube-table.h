/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>
#include "kube-schema.h"

G_BEGIN_DECLS

/* What a kind looks like as a meta.k8s.io/v1 Table: parts of JSON text that the server puts together. */

/* The array of columnDefinitions. */
void kube_table_print_columns (KubeKind *kind, GString *out);
/* The array of cells of one row. @now: microseconds since the epoch, for ages. */
void kube_table_print_cells (KubeKind *kind, KubeValue *object, gint64 now, GString *out);

G_END_DECLS
