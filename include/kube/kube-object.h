/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include <kube/kube-value.h>

G_BEGIN_DECLS

/**
 * KubeObject:
 *
 * An API object: immutable, atomically counted, shared without copies between store, server, informers and controllers. It is
 * its canonical JSON bytes, or a value, or both: whichever it was not made from is made when it is first asked for and kept.
 * Any thread.
 *
 * To change one, take kube_builder_new (kube_object_get_value (object)) and make a new object of what it builds.
 *
 * Since: 1.0
 */
typedef struct _KubeObject KubeObject;

#define KUBE_TYPE_OBJECT (kube_object_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_object_get_type (void) G_GNUC_CONST;
/* @value: a JSON object; it is shared. */
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_object_new (KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;
/* Trusted canonical bytes (from a store): they are not checked, and parsed only when asked for a part. */
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_object_new_from_bytes (GBytes *bytes) G_GNUC_WARN_UNUSED_RESULT;
/* JSON or YAML text of one object. */
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_object_parse (const char *text, gssize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* kube_builder_end() as an object; frees nothing. */
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_object_new_from_builder (KubeBuilder *builder) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_object_ref (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
void kube_object_unref (KubeObject *object);

/* (transfer none) */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_object_get_value (KubeObject *object);
/* (transfer none) */
KUBE_AVAILABLE_IN_1_0
GBytes *kube_object_get_bytes (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
char *kube_object_to_yaml (KubeObject *object) G_GNUC_WARN_UNUSED_RESULT;

/* Shorthands over the value; NULL (or 0, -1 for times) where the field is absent. Borrowed from the object. */
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_api_version (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_kind (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_name (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_namespace (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_uid (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_resource_version (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
gint64 kube_object_get_generation (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
gint64 kube_object_get_creation_time (KubeObject *object); /* microseconds since the epoch, or -1 */
KUBE_AVAILABLE_IN_1_0
gint64 kube_object_get_deletion_time (KubeObject *object); /* -1: not being deleted */
KUBE_AVAILABLE_IN_1_0
gboolean kube_object_is_deleting (KubeObject *object);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_label (KubeObject *object, const char *key);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_annotation (KubeObject *object, const char *key);
KUBE_AVAILABLE_IN_1_0
gboolean kube_object_has_finalizer (KubeObject *object, const char *finalizer);
/* (transfer none) (nullable): the owner reference with controller: true. */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_object_get_controller (KubeObject *object);
/* kube_value_get… on the object's value. */
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_object_get (KubeObject *object, const char *path);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_get_string (KubeObject *object, const char *path);
KUBE_AVAILABLE_IN_1_0
gint64 kube_object_get_integer (KubeObject *object, const char *path, gint64 fallback);
KUBE_AVAILABLE_IN_1_0
gboolean kube_object_get_boolean (KubeObject *object, const char *path, gboolean fallback);
/* "namespace/name", or "name": the key of work queues and informers. */
KUBE_AVAILABLE_IN_1_0
char *kube_object_dup_key (KubeObject *object) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeObject, kube_object_unref)

/**
 * KubeObjectList:
 *
 * What a LIST answers: objects of one kind and the revision at which they were read. Immutable once made; any thread.
 *
 * Since: 1.0
 */
typedef struct _KubeObjectList KubeObjectList;

#define KUBE_TYPE_OBJECT_LIST (kube_object_list_get_type ())

KUBE_AVAILABLE_IN_1_0
GType kube_object_list_get_type (void) G_GNUC_CONST;
/* @objects: (transfer full) (element-type KubeObject): owned by the list from now on, with kube_object_unref() as free function.
 * @remaining: items after these, or -1 where that is not known. */
KUBE_AVAILABLE_IN_1_0
KubeObjectList *kube_object_list_new (GPtrArray *objects, const char *resource_version, const char *continue_token, gint64 remaining) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeObjectList *kube_object_list_ref (KubeObjectList *list);
KUBE_AVAILABLE_IN_1_0
void kube_object_list_unref (KubeObjectList *list);
KUBE_AVAILABLE_IN_1_0
guint kube_object_list_get_length (KubeObjectList *list);
KUBE_AVAILABLE_IN_1_0
KubeObject *kube_object_list_get (KubeObjectList *list, guint index); /* (transfer none) */
KUBE_AVAILABLE_IN_1_0
const char *kube_object_list_get_resource_version (KubeObjectList *list);
KUBE_AVAILABLE_IN_1_0
const char *kube_object_list_get_continue (KubeObjectList *list); /* NULL: complete */
KUBE_AVAILABLE_IN_1_0
gint64 kube_object_list_get_remaining (KubeObjectList *list);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeObjectList, kube_object_list_unref)

G_END_DECLS
