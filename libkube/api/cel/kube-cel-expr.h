/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "kube-cel-type.h"

G_BEGIN_DECLS

/* Expressions as trees. All nodes of a tree live in its pool. */

typedef struct _KubeCelExpr KubeCelExpr;

typedef enum {
  KUBE_CEL_EXPR_LITERAL,
  KUBE_CEL_EXPR_IDENTIFIER,
  KUBE_CEL_EXPR_SELECT,
  KUBE_CEL_EXPR_CALL,
  KUBE_CEL_EXPR_LIST,
  KUBE_CEL_EXPR_MAP,
  KUBE_CEL_EXPR_STRUCT,
  KUBE_CEL_EXPR_LOOP, /* what macros such as all() become */
} KubeCelExprKind;

/* A range is gone through: each time, if @condition holds, @accumulator becomes what @step gives. */
typedef struct {
  KubeCelExpr *range;
  const char *variable;
  const char *second; /* (nullable): then the first is the index or key */
  const char *accumulator;
  KubeCelExpr *start;
  KubeCelExpr *condition;
  KubeCelExpr *step;
  KubeCelExpr *result;
} KubeCelLoop;

typedef struct {
  KubeCelKind kind; /* null, boolean, int, uint, double, string or bytes */
  union {
    gboolean boolean;
    gint64 integer;
    guint64 natural;
    double number;
  };
  GBytes *bytes; /* (nullable): of strings and bytes */
} KubeCelLiteral;

struct _KubeCelExpr {
  KubeCelExprKind kind;
  int offset;           /* where it stands in the text */
  guint depth;          /* how many operators and selections stand within each other in it */
  const char *name;     /* of an identifier, a field, a function or a type */
  KubeCelExpr *operand; /* (nullable): of a selection; of a call that has a receiver */
  GPtrArray *args;      /* (nullable) (element-type KubeCelExpr): arguments; elements; keys and values by turns; values of fields */
  GPtrArray *fields;    /* (nullable) (element-type utf8): of a structure */
  GArray *marks;        /* (nullable) (element-type KubeCelMark): of the elements, entries and fields */
  gboolean is_test;     /* a selection that only asks whether there is something */
  KubeCelLiteral literal;
  KubeCelLoop loop;
  const KubeCelType *type; /* (nullable): once it is checked */
  guint32 overloads;       /* of a call that is checked: a bit for each of the function's that may be meant */
};

typedef struct {
  int offset;        /* of the colon, where there is one */
  gboolean optional; /* `?` stands before it */
} KubeCelMark;

typedef struct {
  GPtrArray *nodes;      /* (element-type KubeCelExpr) */
  GStringChunk *strings;
} KubeCelPool;

void kube_cel_pool_init (KubeCelPool *self);
void kube_cel_pool_clear (KubeCelPool *self);
const char *kube_cel_pool_name (KubeCelPool *self, const char *text, gsize length);
KubeCelExpr *kube_cel_expr_new (KubeCelPool *pool, KubeCelExprKind kind, int offset, const char *name);
/* With arguments up to NULL. @operand: (nullable) */
KubeCelExpr *kube_cel_expr_new_call (KubeCelPool *pool, int offset, const char *name, KubeCelExpr *operand, ...) G_GNUC_NULL_TERMINATED;
KubeCelExpr *kube_cel_expr_new_boolean (KubeCelPool *pool, int offset, gboolean boolean);
KubeCelExpr *kube_cel_expr_new_integer (KubeCelPool *pool, int offset, gint64 integer);
void kube_cel_expr_add (KubeCelExpr *self, KubeCelExpr *arg);
guint kube_cel_expr_get_n_args (const KubeCelExpr *self);
KubeCelExpr *kube_cel_expr_get_arg (const KubeCelExpr *self, guint index);
const KubeCelMark *kube_cel_expr_get_mark (const KubeCelExpr *self, guint index);

/* Functions that are written as operators. */
#define KUBE_CEL_CONDITIONAL "_?_:_"
#define KUBE_CEL_AND "_&&_"
#define KUBE_CEL_OR "_||_"
#define KUBE_CEL_ADD "_+_"
#define KUBE_CEL_EQUALS "_==_"
#define KUBE_CEL_NOT "!_"
#define KUBE_CEL_NEGATE "-_"
#define KUBE_CEL_NOT_STRICTLY_FALSE "@not_strictly_false"
#define KUBE_CEL_SELECT_OPTIONAL "_?._"

/* What macros call the value that they build: no expression can name it. */
#define KUBE_CEL_ACCUMULATOR "@result"

G_END_DECLS
