/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/**
 * KubeBuilder:
 *
 * Makes a new value, from nothing or from an old one of which most stays as it is. What is not touched is shared with the old
 * value while building: only the objects and arrays on the way to a change are opened. kube_builder_end() gives a canonical
 * document (members sorted by key).
 *
 * A #KubeNode is a place in the builder's tree. It belongs to its builder and is valid until the builder ends, or until the node
 * is removed or replaced. Paths are written as for #KubeValue: `get` and `set` functions take dotted paths, `member` and `put`
 * functions take one key as it is. `set` makes the objects on its way (replacing null, and, as a last resort, values of another
 * type); it never makes array elements. A builder is for one thread.
 *
 * Since: 1.0
 */
typedef struct _KubeBuilder KubeBuilder;
typedef struct _KubeNode KubeNode;

#define KUBE_TYPE_BUILDER (kube_builder_get_type ())
#define KUBE_TYPE_NODE (kube_node_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_builder_get_type (void) G_GNUC_CONST;
KUBE_AVAILABLE_IN_1_0
GType kube_node_get_type (void) G_GNUC_CONST;

KUBE_AVAILABLE_IN_1_0
KubeBuilder *kube_builder_new (KubeValue *base) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeBuilder *kube_builder_ref (KubeBuilder *builder);
KUBE_AVAILABLE_IN_1_0
void kube_builder_unref (KubeBuilder *builder);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_builder_get_root (KubeBuilder *builder);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_builder_end (KubeBuilder *builder) G_GNUC_WARN_UNUSED_RESULT;

KUBE_AVAILABLE_IN_1_0
KubeValueType kube_node_get_value_type (KubeNode *node);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_get (KubeNode *node, const char *path);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_get_member (KubeNode *node, const char *key);
KUBE_AVAILABLE_IN_1_0
guint kube_node_get_length (KubeNode *node);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_get_element (KubeNode *node, guint index);
KUBE_AVAILABLE_IN_1_0
const char *kube_node_get_key (KubeNode *node, guint index);
KUBE_AVAILABLE_IN_1_0
const char *kube_node_get_string (KubeNode *node, const char *path);
KUBE_AVAILABLE_IN_1_0
gint64 kube_node_get_integer (KubeNode *node, const char *path, gint64 fallback);
KUBE_AVAILABLE_IN_1_0
gboolean kube_node_get_boolean (KubeNode *node, const char *path, gboolean fallback);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_node_to_value (KubeNode *node) G_GNUC_WARN_UNUSED_RESULT;

KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_ensure_object (KubeNode *node, const char *path);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_ensure_array (KubeNode *node, const char *path);

KUBE_AVAILABLE_IN_1_0
void kube_node_set_string (KubeNode *node, const char *path, const char *string);
KUBE_AVAILABLE_IN_1_0
void kube_node_set_integer (KubeNode *node, const char *path, gint64 integer);
KUBE_AVAILABLE_IN_1_0
void kube_node_set_boolean (KubeNode *node, const char *path, gboolean boolean);
KUBE_AVAILABLE_IN_1_0
void kube_node_set_null (KubeNode *node, const char *path);
KUBE_AVAILABLE_IN_1_0
void kube_node_set_value (KubeNode *node, const char *path, KubeValue *value);
KUBE_AVAILABLE_IN_1_0
gboolean kube_node_remove (KubeNode *node, const char *path);

KUBE_AVAILABLE_IN_1_0
void kube_node_put_string (KubeNode *object, const char *key, const char *string);
KUBE_AVAILABLE_IN_1_0
void kube_node_put_integer (KubeNode *object, const char *key, gint64 integer);
KUBE_AVAILABLE_IN_1_0
void kube_node_put_boolean (KubeNode *object, const char *key, gboolean boolean);
KUBE_AVAILABLE_IN_1_0
void kube_node_put_value (KubeNode *object, const char *key, KubeValue *value);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_put_object (KubeNode *object, const char *key);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_put_array (KubeNode *object, const char *key);
KUBE_AVAILABLE_IN_1_0
gboolean kube_node_remove_member (KubeNode *object, const char *key);

KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_append_object (KubeNode *array);
KUBE_AVAILABLE_IN_1_0
void kube_node_append_string (KubeNode *array, const char *string);
KUBE_AVAILABLE_IN_1_0
void kube_node_append_integer (KubeNode *array, gint64 integer);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_append_value (KubeNode *array, KubeValue *value);
KUBE_AVAILABLE_IN_1_0
KubeNode *kube_node_insert_value (KubeNode *array, guint index, KubeValue *value);
KUBE_AVAILABLE_IN_1_0
void kube_node_remove_element (KubeNode *array, guint index);
KUBE_AVAILABLE_IN_1_0
void kube_node_become_value (KubeNode *node, KubeValue *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeBuilder, kube_builder_unref)

G_END_DECLS
