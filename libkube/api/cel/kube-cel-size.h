/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* From the least to the most: of sizes, and of costs. Sums and products stop at the largest number there is. */
typedef struct {
  guint64 least, most;
} KubeCelRange;

#define KUBE_CEL_RANGE(n) ((KubeCelRange){ (n), (n) })
#define KUBE_CEL_UNKNOWN_RANGE ((KubeCelRange){ 0, G_MAXUINT64 })

guint64 kube_cel_multiply (guint64 a, guint64 b);
KubeCelRange kube_cel_range_add (KubeCelRange a, KubeCelRange b);
KubeCelRange kube_cel_range_multiply (KubeCelRange a, KubeCelRange b);
KubeCelRange kube_cel_range_scale (KubeCelRange range, double factor);
KubeCelRange kube_cel_range_union (KubeCelRange a, KubeCelRange b);

/* A place in a value, by the schema of the whole: `self`, then names of fields, "@items", "@keys" and "@values". */
typedef struct _KubeCelPath KubeCelPath;

struct _KubeCelPath {
  const KubeCelPath *parent; /* NULL: it is the whole */
  const char *name;
};

/* How many elements or bytes a value may have there at most. FALSE: there is nothing */
gboolean kube_cel_path_get_size (const KubeCelPath *path, KubeValue *schema, gboolean is_resource, guint64 *most);

G_END_DECLS
