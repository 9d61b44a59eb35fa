/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-cel-type.h"
#include "kube-cel.h"

G_BEGIN_DECLS

/* What a name stands for that no macro declares: a variable or a type. NULL: nothing. What is made on the way is put into @types. */
const KubeCelType *kube_cel_environment_find_name (const KubeCelEnvironment *self, KubeCelTypes *types, const char *name);
/* The type that `name{…}` makes. */
const KubeCelType *kube_cel_environment_find_field (const KubeCelEnvironment *self, KubeCelTypes *types, const KubeCelType *type, const char *name,
                                                    gboolean *known);
/* (nullable) (element-type KubeCelOverload) */
GArray *kube_cel_environment_find_function (const KubeCelEnvironment *self, const char *name);
gboolean kube_cel_environment_has_bind (const KubeCelEnvironment *self);

G_END_DECLS
