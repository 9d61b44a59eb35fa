/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-value-writer.h"

G_BEGIN_DECLS

/* A set of fields of an object: what a manager owns, or what a change touched. It is a tree whose steps are written as in fieldsV1:
 * `f:NAME` a member of an object, `k:{"key":value}` an element of a list that is keyed, `v:VALUE` an element of a set, `i:N` an element by its place.
 * A step may be in the set itself, have steps below it that are, or both. %NULL is the empty set. Sets live as long as their arena; combined ones share
 * what is in their parts, so only a set that was built by insertion may be changed. */
typedef struct _KubeFieldSet KubeFieldSet;

/* The memory of the sets of one operation: nothing in it is freed alone. For one thread. */
typedef struct _KubeArena KubeArena;
KubeArena *kube_arena_new (void) G_GNUC_WARN_UNUSED_RESULT;
void kube_arena_free (KubeArena *arena);
gpointer kube_arena_alloc (KubeArena *arena, gsize size);
char *kube_arena_strdup (KubeArena *arena, const char *string); /* NULL for NULL */
char *kube_arena_join (KubeArena *arena, const char *a, const char *b);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeArena, kube_arena_free)

KubeFieldSet *kube_field_set_new (KubeArena *arena);
/* fieldsV1, and back. Errors: %KUBE_ERROR_BAD_REQUEST. */
KubeFieldSet *kube_field_set_parse (KubeArena *arena, KubeValue *fields, GError **error);
void kube_field_set_write (const KubeFieldSet *set, KubeWriter *writer);
/* Whether a field of @set is one of @fields, which is fieldsV1. */
gboolean kube_field_set_meets (const KubeFieldSet *set, KubeValue *fields);

gboolean kube_field_set_is_empty (const KubeFieldSet *set);
gboolean kube_field_set_has (const KubeFieldSet *set, const char *step);
/* (nullable): what is below a step. */
const KubeFieldSet *kube_field_set_get_below (const KubeFieldSet *set, const char *step);
void kube_field_set_insert (KubeArena *arena, KubeFieldSet *set, const char *const *steps, guint n_steps);
/* Takes a step and all below it out. */
void kube_field_set_remove (KubeFieldSet *set, const char *const *steps, guint n_steps);
/* Takes a step itself out, and leaves what is below it. */
void kube_field_set_remove_alone (KubeFieldSet *set, const char *step);

/* A place on the way down an object, on the stack of who walks it. What is found there goes into up to three sets at once: each grows only as deep as it has
 * something to say, and no step is looked for from the root again. At the root, @above is NULL and @below holds the sets. */
typedef struct _KubeFieldPlace KubeFieldPlace;
struct _KubeFieldPlace {
  KubeFieldPlace *above;     /* (nullable) */
  const char *prefix, *name; /* the step to here in two parts: "f:" and a member's name, or "" and the step of an element */
  const char *step;          /* (nullable): the whole of it, once a set needed it */
  KubeFieldSet *below[3];    /* (nullable): what is below it in each set */
};
void kube_field_place_insert (KubeFieldPlace *place, KubeArena *arena, guint set);
gboolean kube_field_place_is_in (KubeFieldPlace *place, KubeArena *arena, guint set);

/* A field that is taken away takes nothing below it with it. */
const KubeFieldSet *kube_field_set_union (KubeArena *arena, const KubeFieldSet *a, const KubeFieldSet *b);
const KubeFieldSet *kube_field_set_subtract (KubeArena *arena, const KubeFieldSet *a, const KubeFieldSet *b);
const KubeFieldSet *kube_field_set_intersect (KubeArena *arena, const KubeFieldSet *a, const KubeFieldSet *b);

/* Every step of a set, in order: @in whether it is in the set itself, @below (nullable) what is below it. */
typedef void (*KubeFieldSetFunc) (const char *step, gboolean in, const KubeFieldSet *below, gpointer user_data);
void kube_field_set_foreach (const KubeFieldSet *set, KubeFieldSetFunc func, gpointer user_data);

/* (transfer full) (element-type utf8): the fields as upstream writes paths: `.spec.containers[name="c"].image`. */
GPtrArray *kube_field_set_print (const KubeFieldSet *set) G_GNUC_WARN_UNUSED_RESULT;
void kube_field_step_print (const char *step, GString *out);

G_END_DECLS
