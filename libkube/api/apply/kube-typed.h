/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kube-field-set.h"
#include "kube-schema.h"

G_BEGIN_DECLS

/* Objects as server-side apply sees them: by the topology that their schema declares, a tree of fields that can be owned one by one. */

/* A place in a schema. */
typedef struct {
  const KubeType *type;   /* (nullable): of the object at the root; elsewhere of a struct */
  const KubeField *field; /* (nullable): NULL at the root, and where nothing is known */
  guint8 depth;           /* 0: the field as a whole; 1: an element of it */
} KubeSlot;

typedef enum {
  KUBE_TOPOLOGY_LEAF,   /* one value: a scalar, or what is replaced as a whole */
  KUBE_TOPOLOGY_STRUCT,
  KUBE_TOPOLOGY_MAP,
  KUBE_TOPOLOGY_SET,    /* a list of different scalars */
  KUBE_TOPOLOGY_LIST,   /* a list of objects, known by their keys */
} KubeTopology;

KubeSlot kube_slot_of_kind (KubeKind *kind);
/* @value: (nullable): decides where the schema does not. */
KubeTopology kube_slot_get_topology (KubeSlot slot, KubeValue *value);
KubeSlot kube_slot_get_member (KubeSlot slot, const char *name);
KubeSlot kube_slot_get_element (KubeSlot slot);
/* Whether a struct's schema has such a member. */
gboolean kube_slot_declares (KubeSlot slot, const char *name);
/* Whether a list or an object has nothing in it, or is none. */
gboolean kube_value_is_hollow (KubeValue *value);

/* (transfer full): the step to an element of a set or a keyed list; keys that are absent have their schema's default. */
char *kube_slot_dup_step (KubeSlot list, KubeValue *element) G_GNUC_WARN_UNUSED_RESULT;
void kube_slot_append_step (KubeSlot list, KubeValue *element, GString *step);
/* An index of a list's elements by their steps: step → its first element; @steps takes the steps in order, each once. */
GHashTable *kube_slot_index (KubeSlot list, KubeValue *value, GPtrArray *steps) G_GNUC_WARN_UNUSED_RESULT;

/* All fields that an object has. */
KubeFieldSet *kube_typed_get_fields (KubeArena *arena, KubeSlot slot, KubeValue *value);
/* The set, which must be of the same arena, and of each field in it the declared ones that lead to it. */
const KubeFieldSet *kube_typed_name_parents (KubeArena *arena, KubeSlot slot, const KubeFieldSet *set);

/* kube-typed-compare.c: what leads from one object to another. */
typedef struct {
  KubeFieldSet *added, *modified, *removed;
} KubeComparison;
void kube_typed_compare (KubeArena *arena, KubeSlot slot, KubeValue *from, KubeValue *to, KubeComparison *out);

/* kube-typed-merge.c: @config laid over @live; and an object without the fields of @set. (transfer full) */
KubeValue *kube_typed_merge (KubeSlot slot, KubeValue *live, KubeValue *config) G_GNUC_WARN_UNUSED_RESULT;
KubeValue *kube_typed_remove (KubeSlot slot, KubeValue *value, const KubeFieldSet *set) G_GNUC_WARN_UNUSED_RESULT;

/* kube-typed-check.c: whether @config has the form of its schema. Errors: %KUBE_ERROR_UNKNOWN, as upstream answers. */
gboolean kube_typed_check (KubeSlot slot, KubeValue *config, GError **error);

G_END_DECLS
