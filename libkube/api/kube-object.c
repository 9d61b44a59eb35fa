/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-object-private.h"
#include "kube-value-private.h"

#include <kube/kube-time.h>

/* What is asked for most often, found once. All strings are borrowed from the value. */
typedef struct {
  KubeValue *metadata;
  const char *name;
  const char *namespace_;
  const char *uid;
  const char *resource_version;
} ObjectNames;

/* Each of the three pointers goes from NULL to its value once and then stays: readers take no lock, and who loses the race to
 * set one drops its own copy. */
struct _KubeObject {
  gatomicrefcount refs;
  KubeValue *value;   /* (owned) (nullable) (atomic) */
  GBytes *bytes;      /* (owned) (nullable) (atomic) */
  ObjectNames *names; /* (owned) (nullable) (atomic) */
};

G_DEFINE_BOXED_TYPE (KubeObject, kube_object, kube_object_ref, kube_object_unref)

static KubeObject *
object_alloc (void)
{
  KubeObject *object = g_new0 (KubeObject, 1);
  g_atomic_ref_count_init (&object->refs);
  return object;
}

/**
 * kube_object_new:
 * @value: a JSON object
 *
 * An object that shares @value.
 *
 * Returns: (transfer full): the object
 * Since: 1.0
 */
KubeObject *
kube_object_new (KubeValue *value)
{
  KubeObject *object;

  g_return_val_if_fail (kube_value_is_object (value), NULL);

  object = object_alloc ();
  object->value = kube_value_ref (value);
  return object;
}

/**
 * kube_object_new_from_bytes:
 * @bytes: trusted canonical JSON
 *
 * An object that is @bytes, which are parsed only when a part of it is asked for. Bytes that turn out to be no JSON object read as an
 * empty one.
 *
 * Returns: (transfer full): the object
 * Since: 1.0
 */
KubeObject *
kube_object_new_from_bytes (GBytes *bytes)
{
  KubeObject *object;

  g_return_val_if_fail (bytes != NULL, NULL);

  object = object_alloc ();
  object->bytes = g_bytes_ref (bytes);
  return object;
}

KubeObject *
kube_object_new_stored (KubeObject *object, GBytes *bytes, guint64 revision)
{
  KubeValue *value = g_atomic_pointer_get (&object->value);
  KubeObject *stored = kube_object_new_from_bytes (bytes);
  char digits[24];

  if (value != NULL) {
    g_snprintf (digits, sizeof digits, "%" G_GUINT64_FORMAT, revision);
    stored->value = kube_value_with_string (value, "metadata.resourceVersion", digits);
  }
  return stored;
}

/**
 * kube_object_new_from_builder:
 * @builder: a builder whose root is an object
 *
 * Ends @builder and makes an object of what it built.
 *
 * Returns: (transfer full): the object
 * Since: 1.0
 */
KubeObject *
kube_object_new_from_builder (KubeBuilder *builder)
{
  g_autoptr (KubeValue) value = kube_builder_end (builder);
  return kube_object_new (value);
}

/**
 * kube_object_ref:
 * @object: an object
 *
 * Returns: (transfer full): @object
 * Since: 1.0
 */
KubeObject *
kube_object_ref (KubeObject *object)
{
  g_atomic_ref_count_inc (&object->refs);
  return object;
}

/**
 * kube_object_unref:
 * @object: (transfer full): an object
 *
 * Since: 1.0
 */
void
kube_object_unref (KubeObject *object)
{
  if (!g_atomic_ref_count_dec (&object->refs))
    return;
  g_clear_pointer (&object->value, kube_value_unref);
  g_clear_pointer (&object->bytes, g_bytes_unref);
  g_free (object->names);
  g_free (object);
}

/**
 * kube_object_get_value:
 * @object: an object
 *
 * Returns: (transfer none): the object as a value
 * Since: 1.0
 */
KubeValue *
kube_object_get_value (KubeObject *object)
{
  KubeValue *value = g_atomic_pointer_get (&object->value);

  if (value == NULL) {
    gsize length;
    const char *data = g_bytes_get_data (object->bytes, &length);
    const KubeParseOptions options = { .max_size = G_MAXSIZE };

    value = kube_value_parse_with_options (data, (gssize) length, &options, NULL);
    if (!kube_value_is_object (value)) {
      g_clear_pointer (&value, kube_value_unref);
      value = kube_value_new_empty_object ();
    }
    if (!g_atomic_pointer_compare_and_exchange (&object->value, NULL, value)) {
      kube_value_unref (value);
      value = g_atomic_pointer_get (&object->value);
    }
  }
  return value;
}

/**
 * kube_object_get_bytes:
 * @object: an object
 *
 * Returns: (transfer none): the object as JSON text
 * Since: 1.0
 */
GBytes *
kube_object_get_bytes (KubeObject *object)
{
  GBytes *bytes = g_atomic_pointer_get (&object->bytes);

  if (bytes == NULL) {
    bytes = kube_value_to_bytes (object->value);
    if (!g_atomic_pointer_compare_and_exchange (&object->bytes, NULL, bytes)) {
      g_bytes_unref (bytes);
      bytes = g_atomic_pointer_get (&object->bytes);
    }
  }
  return bytes;
}

static const ObjectNames *
object_names (KubeObject *object)
{
  ObjectNames *names = g_atomic_pointer_get (&object->names);

  if (names == NULL) {
    names = g_new (ObjectNames, 1);
    names->metadata = kube_value_get_member (kube_object_get_value (object), "metadata");
    names->name = kube_value_get_member_string (names->metadata, "name");
    names->namespace_ = kube_value_get_member_string (names->metadata, "namespace");
    names->uid = kube_value_get_member_string (names->metadata, "uid");
    names->resource_version = kube_value_get_member_string (names->metadata, "resourceVersion");
    if (!g_atomic_pointer_compare_and_exchange (&object->names, NULL, names)) {
      g_free (names);
      names = g_atomic_pointer_get (&object->names);
    }
  }
  return names;
}

/**
 * kube_object_get_api_version:
 * @object: an object
 *
 * Returns: (nullable): its `apiVersion`
 * Since: 1.0
 */
const char *
kube_object_get_api_version (KubeObject *object)
{
  return kube_value_get_member_string (kube_object_get_value (object), "apiVersion");
}

/**
 * kube_object_get_kind:
 * @object: an object
 *
 * Returns: (nullable): its `kind`
 * Since: 1.0
 */
const char *
kube_object_get_kind (KubeObject *object)
{
  return kube_value_get_member_string (kube_object_get_value (object), "kind");
}

/**
 * kube_object_get_name:
 * @object: an object
 *
 * Returns: (nullable): its name
 * Since: 1.0
 */
const char *
kube_object_get_name (KubeObject *object)
{
  return object_names (object)->name;
}

/**
 * kube_object_get_namespace:
 * @object: an object
 *
 * Returns: (nullable): its namespace; %NULL for an object of the whole cluster
 * Since: 1.0
 */
const char *
kube_object_get_namespace (KubeObject *object)
{
  return object_names (object)->namespace_;
}

/**
 * kube_object_get_uid:
 * @object: an object
 *
 * Returns: (nullable): its uid; %NULL before it is stored
 * Since: 1.0
 */
const char *
kube_object_get_uid (KubeObject *object)
{
  return object_names (object)->uid;
}

/**
 * kube_object_get_resource_version:
 * @object: an object
 *
 * Returns: (nullable): the revision at which it was written; %NULL before it is stored
 * Since: 1.0
 */
const char *
kube_object_get_resource_version (KubeObject *object)
{
  return object_names (object)->resource_version;
}

/**
 * kube_object_get_generation:
 * @object: an object
 *
 * Counts the changes of what is asked for (`spec`), not those of what is observed (`status`).
 *
 * Returns: its generation; 0 where the kind has none
 * Since: 1.0
 */
gint64
kube_object_get_generation (KubeObject *object)
{
  return kube_value_get_integer (object_names (object)->metadata, "generation", 0);
}

static gint64
metadata_time (KubeObject *object, const char *key)
{
  const char *text = kube_value_get_member_string (object_names (object)->metadata, key);
  gint64 time;

  return text != NULL && kube_time_parse (text, &time, NULL) ? time : -1;
}

/**
 * kube_object_get_creation_time:
 * @object: an object
 *
 * Returns: when it was stored first, in microseconds since the epoch; -1 before
 * Since: 1.0
 */
gint64
kube_object_get_creation_time (KubeObject *object)
{
  return metadata_time (object, "creationTimestamp");
}

/**
 * kube_object_get_deletion_time:
 * @object: an object
 *
 * Returns: when it is to be gone, in microseconds since the epoch; -1 where it is not being deleted
 * Since: 1.0
 */
gint64
kube_object_get_deletion_time (KubeObject *object)
{
  return metadata_time (object, "deletionTimestamp");
}

/**
 * kube_object_is_deleting:
 * @object: an object
 *
 * Returns: whether its deletion was asked for; it stays while it has finalizers
 * Since: 1.0
 */
gboolean
kube_object_is_deleting (KubeObject *object)
{
  return kube_value_get_member_string (object_names (object)->metadata, "deletionTimestamp") != NULL;
}

/**
 * kube_object_get_label:
 * @object: an object
 * @key: a key, as it is
 *
 * Returns: (nullable): the value of a label
 * Since: 1.0
 */
const char *
kube_object_get_label (KubeObject *object, const char *key)
{
  return kube_value_get_member_string (kube_value_get_member (object_names (object)->metadata, "labels"), key);
}

/**
 * kube_object_get_annotation:
 * @object: an object
 * @key: a key, as it is
 *
 * Returns: (nullable): the value of an annotation
 * Since: 1.0
 */
const char *
kube_object_get_annotation (KubeObject *object, const char *key)
{
  return kube_value_get_member_string (kube_value_get_member (object_names (object)->metadata, "annotations"), key);
}

/**
 * kube_object_has_finalizer:
 * @object: an object
 * @finalizer: a name
 *
 * Returns: whether @finalizer holds the object back from its deletion
 * Since: 1.0
 */
gboolean
kube_object_has_finalizer (KubeObject *object, const char *finalizer)
{
  KubeValue *finalizers = kube_value_get_member (object_names (object)->metadata, "finalizers");
  guint n = kube_value_is_array (finalizers) ? kube_value_get_length (finalizers) : 0;

  for (guint i = 0; i < n; i++)
    if (g_strcmp0 (kube_value_peek_string (kube_value_get_element (finalizers, i), NULL), finalizer) == 0)
      return TRUE;
  return FALSE;
}

/**
 * kube_object_get_controller:
 * @object: an object
 *
 * Returns: (transfer none) (nullable): the owner reference that says `controller: true`
 * Since: 1.0
 */
KubeValue *
kube_object_get_controller (KubeObject *object)
{
  KubeValue *owners = kube_value_get_member (object_names (object)->metadata, "ownerReferences");
  guint n = kube_value_is_array (owners) ? kube_value_get_length (owners) : 0;

  for (guint i = 0; i < n; i++) {
    KubeValue *owner = kube_value_get_element (owners, i);
    if (kube_value_get_boolean (owner, "controller", FALSE))
      return owner;
  }
  return NULL;
}

/**
 * kube_object_get:
 * @object: an object
 * @path: a path as for kube_value_get()
 *
 * Returns: (transfer none) (nullable): what stands there
 * Since: 1.0
 */
KubeValue *
kube_object_get (KubeObject *object, const char *path)
{
  return kube_value_get (kube_object_get_value (object), path);
}

/**
 * kube_object_get_string:
 * @object: an object
 * @path: a path, as for #KubeValue
 *
 * Returns: (nullable): the string at @path
 * Since: 1.0
 */
const char *
kube_object_get_string (KubeObject *object, const char *path)
{
  return kube_value_get_string (kube_object_get_value (object), path);
}

/**
 * kube_object_get_integer:
 * @object: an object
 * @path: a path, as for #KubeValue
 * @fallback: what to return where there is none
 *
 * Returns: the integer at @path
 * Since: 1.0
 */
gint64
kube_object_get_integer (KubeObject *object, const char *path, gint64 fallback)
{
  return kube_value_get_integer (kube_object_get_value (object), path, fallback);
}

/**
 * kube_object_get_boolean:
 * @object: an object
 * @path: a path, as for #KubeValue
 * @fallback: what to return where there is none
 *
 * Returns: the boolean at @path
 * Since: 1.0
 */
gboolean
kube_object_get_boolean (KubeObject *object, const char *path, gboolean fallback)
{
  return kube_value_get_boolean (kube_object_get_value (object), path, fallback);
}

/**
 * kube_object_dup_key:
 * @object: an object
 *
 * Returns: (transfer full): `namespace/name`, or `name` where there is no namespace
 * Since: 1.0
 */
char *
kube_object_dup_key (KubeObject *object)
{
  const ObjectNames *names = object_names (object);
  const char *name = names->name != NULL ? names->name : "";

  if (names->namespace_ == NULL || *names->namespace_ == '\0')
    return g_strdup (name);
  return g_strconcat (names->namespace_, "/", name, NULL);
}
