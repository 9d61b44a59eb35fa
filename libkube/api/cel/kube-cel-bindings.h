/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-type.h"

G_BEGIN_DECLS

/* What the parameters of types stand for, as checking finds out. */
typedef struct {
  KubeCelTypes *types;
  GPtrArray *bound; /* (element-type KubeCelType): by their variables, NULL where nothing is known */
  GArray *trail;    /* (element-type Change): what can be taken back */
} KubeCelBindings;

void kube_cel_bindings_init (KubeCelBindings *self, KubeCelTypes *types);
void kube_cel_bindings_clear (KubeCelBindings *self);
const KubeCelType *kube_cel_bindings_new_variable (KubeCelBindings *self);
/* Whether @from may stand where @to does, which may bind parameters; where not, none is bound. */
gboolean kube_cel_bindings_assign (KubeCelBindings *self, const KubeCelType *from, const KubeCelType *to);
gboolean kube_cel_bindings_assign_list (KubeCelBindings *self, const KubeCelType *const *from, const KubeCelType *const *to, guint n);
/* @type with what its parameters stand for. @to_dyn: those that stand for nothing become dyn */
const KubeCelType *kube_cel_bindings_substitute (KubeCelBindings *self, const KubeCelType *type, gboolean to_dyn);
const KubeCelType *kube_cel_most_general (const KubeCelType *a, const KubeCelType *b);

G_END_DECLS
