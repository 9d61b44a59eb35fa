/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-validate-private.h"

G_BEGIN_DECLS

/* What the files that validate CustomResourceDefinitions share. */

/* Rules that were not always there: what is stored already may go on breaking them. */
typedef enum {
  KUBE_SCHEMA_KNOWN_TYPES = 1 << 0,
  KUBE_SCHEMA_PRUNED_DEFAULTS = 1 << 1,
  KUBE_SCHEMA_ATOMIC_SETS = 1 << 2, /* elements of sets are scalars or atomic */
  KUBE_SCHEMA_SURE_KEYS = 1 << 3,   /* keys of map lists are always there */
  KUBE_SCHEMA_CHEAP_RULES = 1 << 4, /* each rule costs little */
  KUBE_SCHEMA_ALL_RULES = (1 << 5) - 1,
} KubeSchemaRules;

/* The schema of a version, or the one that all have. @has_status: whether the kind has the subresource */
void kube_validate_resource_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean has_status,
                                    KubeSchemaRules rules);
/* Those of the rules that @schema breaks. */
KubeSchemaRules kube_schema_find_broken_rules (KubeValue *schema);
gboolean kube_schema_has_default (KubeValue *schema);

/* FALSE: it uses something that makes structure impossible, and nothing is said of it; @reason tells what. */
gboolean kube_schema_may_be_structural (KubeValue *schema, const char **reason);
/* Whether each value has just one type, and logical operators only narrow it. */
void kube_validate_structural_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema);
/* The defaults in a structural schema. */
void kube_validate_schema_defaults (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, gboolean pruned);
/* Whether a default in it has members that its schema does not know. */
gboolean kube_schema_has_unpruned_defaults (KubeValue *schema);

/* Whether a string has a format; formats that nobody knows have all. */
gboolean kube_schema_format_accepts (const char *format, const char *text);

/* x-kubernetes-list-type, -list-map-keys and -map-type of one schema. */
void kube_validate_schema_lists (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeSchemaRules rules);
KubeSchemaRules kube_schema_find_broken_list_rules (KubeValue *schema);

/* x-kubernetes-validations of one schema: what stands beside the expressions. */
void kube_validate_schema_rules (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema);

/* What the rules of a whole schema cost. */
typedef struct {
  guint64 total;
  GArray *dearest;    /* (nullable): the few that cost most */
  gboolean each;      /* each rule is limited too */
} KubeSchemaBudget;

void kube_schema_budget_clear (KubeSchemaBudget *budget);
/* Adds what an expression costs in all places where it is evaluated. @what: how it is named */
void kube_schema_budget_add (KubeSchemaBudget *budget, KubeFieldErrors *errors, const KubeFieldPath *path, const char *what, guint64 cost);
/* What is said where all together cost too much. */
void kube_schema_budget_check (const KubeSchemaBudget *budget, KubeFieldErrors *errors, const KubeFieldPath *path);

/* Where expressions stand. */
typedef struct {
  gboolean is_resource;
  const KubeFieldPath *uncorrelated; /* (nullable): within it, what is new is not known to be what was there before */
  guint64 occurrences;               /* how many values of the schema there are at most in one object … */
  gboolean unbounded;                /* … unless only the size of requests limits them */
} KubeExpressionPlace;

/* … and the expressions. */
void kube_validate_schema_expressions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, const KubeExpressionPlace *place,
                                       KubeSchemaBudget *budget);

/* Goes from a schema to that which a simple JSON path leads to, which is NULL where nothing is said of it. @normal: (out) (transfer full): the path
 * as upstream prints it. @brackets: whether `['x']` may be. FALSE: there is none, and @problem is set. */
gboolean kube_schema_find_path (KubeValue **schema, const char *json_path, gboolean brackets, char **normal, char **problem);

/* The parts of a version, or those that all versions share. */
void kube_validate_resource_subresources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *subresources);
void kube_validate_resource_columns (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *columns);
/* @stored: (nullable): the fields before, of which there may be too many */
void kube_validate_selectable_fields (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *fields, KubeValue *schema, KubeValue *stored);
void kube_validate_deprecation (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *version);
void kube_validate_conversion (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conversion, KubeValue *stored);

G_END_DECLS
