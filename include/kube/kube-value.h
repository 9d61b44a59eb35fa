/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>
#include <kube/kube-error.h>

G_BEGIN_DECLS

/**
 * KubeValue:
 *
 * An immutable JSON value. A document is one block of memory; each value in it is a node that knows its document, so that
 * holding a reference to any node keeps the whole document, and going to a member or an element costs no allocation.
 * Values may be used from any thread.
 *
 * Getters that take a path take member names joined by dots (`spec.template.metadata`), a number for an element of an array
 * (`spec.containers.0.name`); "" or %NULL is the value itself. Keys that contain dots (labels, annotations) are read with
 * kube_value_get_member(), which takes the key as it is. All getters accept %NULL as value and then find nothing.
 *
 * Since: 1.0
 */
typedef struct _KubeValue KubeValue;

#define KUBE_TYPE_VALUE (kube_value_get_type ())

/**
 * KubeValueType:
 * @KUBE_VALUE_NULL: null
 * @KUBE_VALUE_BOOLEAN: true or false
 * @KUBE_VALUE_INTEGER: a number without fraction and exponent that fits a gint64
 * @KUBE_VALUE_UNSIGNED: one that fits only a guint64
 * @KUBE_VALUE_NUMBER: any other number; it is kept and printed as it was written
 * @KUBE_VALUE_STRING: a UTF-8 string; it may contain U+0000
 * @KUBE_VALUE_ARRAY: an array
 * @KUBE_VALUE_OBJECT: an object
 *
 * Since: 1.0
 */
typedef enum {
  KUBE_VALUE_NULL,
  KUBE_VALUE_BOOLEAN,
  KUBE_VALUE_INTEGER,
  KUBE_VALUE_UNSIGNED,
  KUBE_VALUE_NUMBER,
  KUBE_VALUE_STRING,
  KUBE_VALUE_ARRAY,
  KUBE_VALUE_OBJECT,
} KubeValueType;

/**
 * KubeParseOptions:
 * @max_depth: how deep arrays and objects may nest; 0 is 10000, as Go's encoding/json has it
 * @max_size: the longest document in bytes; 0 is 3 MiB times 8
 * @duplicates: (element-type utf8) (nullable): where not %NULL, the paths of up to 100 duplicate keys are appended here
 *   (`spec.containers[0].name`); the last one wins in any case, as in upstream
 *
 * Limits for untrusted input. Zeroed is the default.
 *
 * Since: 1.0
 */
typedef struct {
  guint max_depth;
  gsize max_size;
  GPtrArray *duplicates;
  gpointer reserved[4];
} KubeParseOptions;

KUBE_AVAILABLE_IN_1_0
GType kube_value_get_type (void) G_GNUC_CONST;

KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_parse (const char *data, gssize length, GError **error) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_parse_with_options (const char *data, gssize length, const KubeParseOptions *options,
                                          GError **error) G_GNUC_WARN_UNUSED_RESULT;

KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_new_string (const char *string);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_new_integer (gint64 integer);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_new_boolean (gboolean boolean);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_new_null (void);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_new_empty_object (void);

KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_ref (KubeValue *value);
KUBE_AVAILABLE_IN_1_0
void kube_value_unref (KubeValue *value);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_detach (KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_canonicalize (KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;

KUBE_AVAILABLE_IN_1_0
KubeValueType kube_value_get_value_type (KubeValue *value);
KUBE_AVAILABLE_IN_1_0
gboolean kube_value_is_object (KubeValue *value);
KUBE_AVAILABLE_IN_1_0
gboolean kube_value_is_array (KubeValue *value);
KUBE_AVAILABLE_IN_1_0
gboolean kube_value_is_string (KubeValue *value);
KUBE_AVAILABLE_IN_1_0
gboolean kube_value_is_null (KubeValue *value);

KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_get (KubeValue *value, const char *path);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_get_member (KubeValue *value, const char *key);
KUBE_AVAILABLE_IN_1_0
const char *kube_value_get_string (KubeValue *value, const char *path);
KUBE_AVAILABLE_IN_1_0
const char *kube_value_get_member_string (KubeValue *value, const char *key);
KUBE_AVAILABLE_IN_1_0
gint64 kube_value_get_integer (KubeValue *value, const char *path, gint64 fallback);
KUBE_AVAILABLE_IN_1_0
gboolean kube_value_get_boolean (KubeValue *value, const char *path, gboolean fallback);
KUBE_AVAILABLE_IN_1_0
double kube_value_get_double (KubeValue *value, const char *path, double fallback);

KUBE_AVAILABLE_IN_1_0
const char *kube_value_peek_string (KubeValue *value, gsize *length);
KUBE_AVAILABLE_IN_1_0
const char *kube_value_peek_number (KubeValue *value);
KUBE_AVAILABLE_IN_1_0
gboolean kube_value_peek_unsigned (KubeValue *value, guint64 *natural);

KUBE_AVAILABLE_IN_1_0
guint kube_value_get_length (KubeValue *value);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_get_element (KubeValue *value, guint index);
KUBE_AVAILABLE_IN_1_0
KubeValue *kube_value_find_element (KubeValue *value, const char *key, const char *text);
KUBE_AVAILABLE_IN_1_0
const char *kube_value_get_key (KubeValue *value, guint index);

KUBE_AVAILABLE_IN_1_0
gboolean kube_value_equal (KubeValue *a, KubeValue *b);
KUBE_AVAILABLE_IN_1_0
guint kube_value_hash (KubeValue *value);

KUBE_AVAILABLE_IN_1_0
char *kube_value_print (KubeValue *value, gsize *length) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
char *kube_value_to_string (KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;
KUBE_AVAILABLE_IN_1_0
void kube_value_print_to (KubeValue *value, GString *out);
KUBE_AVAILABLE_IN_1_0
GBytes *kube_value_to_bytes (KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;

KUBE_AVAILABLE_IN_1_0
void kube_json_append_string (GString *out, const char *string, gssize length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeValue, kube_value_unref)

G_END_DECLS
