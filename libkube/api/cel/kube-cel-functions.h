/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-type.h"

G_BEGIN_DECLS

typedef struct {
  const char *name;
  const char *overloads;
} KubeCelFunction;

extern const KubeCelFunction kube_cel_functions[];

enum { KUBE_CEL_ARGS_MAX = 4 };

/* One of a function's forms. The receiver is the first of its arguments. */
typedef struct {
  gboolean has_receiver;
  guint n_args;
  const KubeCelType *args[KUBE_CEL_ARGS_MAX];
  const KubeCelType *result;
  guint32 params; /* a bit for each letter that stands for a type */
} KubeCelOverload;

/* (nullable) (element-type KubeCelOverload): NULL where there is no such function. */
GArray *kube_cel_find_overloads (const char *name);

G_END_DECLS
