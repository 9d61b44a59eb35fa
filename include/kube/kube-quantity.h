/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/**
 * KubeQuantity:
 *
 * An exact decimal number with the suffixes of Kubernetes' resource quantities (`100m`, `64Mi`, `1e3`), as
 * k8s.io/apimachinery's resource.Quantity: it prints in upstream's canonical form. Plain data: copy it by assignment.
 *
 * The number is `value` * 10^`scale`; quantities beyond 2^63-1 are capped, what is finer than nano is rounded up, as upstream does.
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

/* Errors: %KUBE_ERROR_INVALID, with upstream's text ("quantities must match the regular expression …", "unable to parse quantity's suffix"). */
KUBE_AVAILABLE_IN_1_0
gboolean kube_quantity_parse (const char *text, KubeQuantity *quantity, GError **error);
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

G_END_DECLS
