/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include "kube-value-private.h"

G_BEGIN_DECLS

typedef struct _BuilderChunk BuilderChunk;

struct _BuilderChunk {
  BuilderChunk *next; /* (owned) */
  gsize used;
  gsize size;
  char data[];
};

struct _KubeBuilder {
  gatomicrefcount ref_count;
  BuilderChunk *chunks; /* (owned) the nodes, their slots, keys and strings */
  GPtrArray *values;    /* (element-type KubeValue) what nodes refer to */
  KubeNode *root;       /* in the chunks */
  guint n_boxed;        /* how many boxed nodes there are: as long as there is one, nothing goes */
};

/* A child: as long as nobody asked for its node, only the shared value. */
typedef struct {
  const char *key; /* (nullable) of a member; in the chunks or in a shared value */
  guint32 key_length;
  gboolean dead; /* removed */
  KubeNode *node;   /* (nullable) */
  KubeValue *value; /* (nullable) */
} NodeSlot;

/* Either shared (not open, `shared` says all), or a scalar of its own, or an open container. An open container that was not touched
 * keeps `shared`: it is copied from there in one go. */
struct _KubeNode {
  KubeBuilder *builder;
  KubeNode *parent;  /* (nullable) of the root */
  KubeValue *shared; /* (nullable) */
  KubeValueType type;
  guint open : 1;
  guint dirty : 1; /* something at or under it is not as in `shared` */
  union {
    gint64 integer;
    struct {
      const char *string;
      gsize length;
    };
    struct {
      NodeSlot *slots;
      guint n_slots; /* dead ones, too */
      guint max_slots;
      guint n_dead;
      guint index_size;
      guint32 *index; /* (nullable) hash table of slot + 1; valid where `indexed` */
      gboolean indexed;
    };
  };
};

void kube_node_set_to_value (KubeNode *node, KubeValue *value);
void kube_node_set_to_string (KubeNode *node, const char *string);
void kube_node_set_to_scalar (KubeNode *node, KubeValueType type, gint64 integer);
void kube_node_set_to_empty (KubeNode *node, KubeValueType type);

KubeNode *kube_node_find_child (KubeNode *node, const char *segment, gsize length);
KubeNode *kube_node_ensure_child (KubeNode *node, const char *key, gsize length);
gboolean kube_node_drop_child (KubeNode *node, const char *segment, gsize length);
KubeNode *kube_node_insert_child (KubeNode *array, guint index);
NodeSlot *kube_node_peek_slot (KubeNode *node, guint index);
KubeNode *kube_node_of_slot (KubeNode *node, NodeSlot *slot);

G_END_DECLS
