/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/**
 * KubeQuantity:
 *
 * An exact decimal number with the suffixes of Kubernetes' resource quantities (`100m`, `64Mi`, `1e3`), as
 * k8s.io/apimachinery's resource.Quantity: it prints in upstream's canonical form. Plain data: copied by assignment; on
 * the heap only for bindings.
 *
 * The number is `value` * 10^`scale`, exact for up to 18 significant digits; what has more is rounded away from zero at the 19th, what
 * is finer than nano is rounded up to it, as upstream does, and binary quantities are capped at 2^63-1. What a client wrote is
 * kept in full by kube_quantity_canonicalize().
 *
 * Since: 1.0
 */
typedef struct {
  gint64 value;
  gint8 scale;   /* -9 … 18 */
  guint8 format; /* KubeQuantityFormat: how it was written, which decides how it prints */
} KubeQuantity;

typedef enum {
  KUBE_QUANTITY_DECIMAL_SI,
  KUBE_QUANTITY_BINARY_SI,
  KUBE_QUANTITY_DECIMAL_EXPONENT,
} KubeQuantityFormat;

#define KUBE_TYPE_QUANTITY (kube_quantity_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_quantity_get_type (void) G_GNUC_CONST;
KUBE_AVAILABLE_IN_1_0
KubeQuantity *kube_quantity_copy (const KubeQuantity *quantity) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_quantity_free (KubeQuantity *quantity);

/* Errors: %KUBE_ERROR_INVALID, with upstream's text ("quantities must match the regular expression …", "unable to parse quantity's suffix"). */
KUBE_AVAILABLE_IN_1_0
gboolean kube_quantity_parse (const char *text, KubeQuantity *quantity, GError **error);
/* What upstream answers where a client has written @text: the canonical form, or @text itself where upstream keeps it. Exact for
 * any number of digits; rounded up to 10^@min_scale (-9, or -3 for what upstream rounds to milli). */
KUBE_AVAILABLE_IN_1_0
char *kube_quantity_canonicalize (const char *text, int min_scale, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* From a JSON string or number. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_quantity_from_value (KubeValue *value, KubeQuantity *quantity, GError **error);
KUBE_AVAILABLE_IN_1_0
char *kube_quantity_print (const KubeQuantity *quantity) G_GNUC_WARN_UNUSED_RESULT;
/* As upstream's Value() and MilliValue(): rounded up, capped at G_MAXINT64. */
KUBE_AVAILABLE_IN_1_0
gint64 kube_quantity_get_value (const KubeQuantity *quantity);
KUBE_AVAILABLE_IN_1_0
gint64 kube_quantity_get_milli_value (const KubeQuantity *quantity);
KUBE_AVAILABLE_IN_1_0
double kube_quantity_get_double (const KubeQuantity *quantity);
KUBE_AVAILABLE_IN_1_0
int kube_quantity_compare (const KubeQuantity *a, const KubeQuantity *b);
KUBE_AVAILABLE_IN_1_0
void kube_quantity_add (KubeQuantity *quantity, const KubeQuantity *other); /* keeps @quantity's format, takes @other's if @quantity is zero */
KUBE_AVAILABLE_IN_1_0
void kube_quantity_subtract (KubeQuantity *quantity, const KubeQuantity *other);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeQuantity, kube_quantity_free)

G_END_DECLS
