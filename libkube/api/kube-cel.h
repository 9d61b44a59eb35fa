/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* What expressions of the Common Expression Language may name at one place of the API, beside what the language itself and Kubernetes'
 * libraries have. Is filled once; then any thread may compile with it. */
typedef struct _KubeCelEnvironment KubeCelEnvironment;

KubeCelEnvironment *kube_cel_environment_new (void);
void kube_cel_environment_free (KubeCelEnvironment *self);
/* @type: as the table of functions writes types: `dyn`, `map(string, int)`, `kubernetes.AdmissionRequest` */
void kube_cel_environment_add_variable (KubeCelEnvironment *self, const char *name, const char *type);
/* A variable whose values are by @schema, which the environment keeps a reference of. FALSE: expressions cannot see such values.
 * @optional: it may also be none */
gboolean kube_cel_environment_add_schema (KubeCelEnvironment *self, const char *name, KubeValue *schema, gboolean is_resource, gboolean optional);
/* A field of the variable `variables`. */
void kube_cel_environment_add_composed (KubeCelEnvironment *self, const char *name, const char *type);
/* The types `Object` and `JSONPatch`, of which patches are made. */
void kube_cel_environment_allow_patches (KubeCelEnvironment *self);
/* The macro cel.bind(). */
void kube_cel_environment_allow_bind (KubeCelEnvironment *self);

/* An expression that is known to be good. */
typedef struct _KubeCelProgram KubeCelProgram;

/* Returns: (nullable): NULL, with @problem what upstream's compiler says, where it is wrong. The environment outlives the program. */
KubeCelProgram *kube_cel_compile (const KubeCelEnvironment *environment, const char *expression, char **problem) G_GNUC_WARN_UNUSED_RESULT;
void kube_cel_program_free (KubeCelProgram *self);
/* The type of what it gives, as upstream names it: `bool`, `list(google.protobuf.Duration)`. */
const char *kube_cel_program_get_output (const KubeCelProgram *self);
/* The same, as environments take it. */
const char *kube_cel_program_get_type (const KubeCelProgram *self);
/* Whether it has a variable of that name. */
gboolean kube_cel_program_uses (const KubeCelProgram *self, const char *name);

/* What evaluating it costs at most, where `self` and `oldSelf` are by @schema. */
guint64 kube_cel_program_estimate_cost (const KubeCelProgram *self, KubeValue *schema, gboolean is_resource);
/* How often values by @schema may be in the largest request. */
guint64 kube_cel_schema_get_most_occurrences (KubeValue *schema, gboolean is_resource);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeCelEnvironment, kube_cel_environment_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeCelProgram, kube_cel_program_free)

G_END_DECLS
