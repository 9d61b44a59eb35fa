/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-kind.h>

#include "kube-go-text.h"

G_BEGIN_DECLS

/* Where a value stands in an object, as a chain of places on the stack of the functions that walk it: going down costs nothing, text is
 * made only for an error. Links are made in place: KUBE_FIELD (&path, "name"), and live as long as the block that made them. */
typedef struct _KubeFieldPath KubeFieldPath;

struct _KubeFieldPath {
  const KubeFieldPath *parent; /* NULL: the object itself */
  const char *name;            /* (nullable): of a member; static or borrowed from the value */
  const char *key;             /* (nullable): of a map */
  guint index;                 /* of an array, where both are NULL */
};

#define KUBE_FIELD(path, field) (&(const KubeFieldPath){ .parent = (path), .name = (field) })
#define KUBE_FIELD_INDEX(path, i) (&(const KubeFieldPath){ .parent = (path), .index = (i) })
#define KUBE_FIELD_KEY(path, map_key) (&(const KubeFieldPath){ .parent = (path), .key = (map_key) })

void kube_field_path_print (const KubeFieldPath *path, GString *out);

/* In the order of the table in kube-field-errors.c (cause, words). */
typedef enum {
  KUBE_FIELD_ERROR_REQUIRED,
  KUBE_FIELD_ERROR_INVALID,
  KUBE_FIELD_ERROR_NOT_SUPPORTED,
  KUBE_FIELD_ERROR_FORBIDDEN,
  KUBE_FIELD_ERROR_DUPLICATE,
  KUBE_FIELD_ERROR_TOO_LONG,
  KUBE_FIELD_ERROR_TOO_SHORT,
  KUBE_FIELD_ERROR_TOO_MANY,
  KUBE_FIELD_ERROR_TOO_FEW,
  KUBE_FIELD_ERROR_NOT_FOUND,
  KUBE_FIELD_ERROR_INTERNAL,
  KUBE_FIELD_ERROR_TYPE_INVALID,
} KubeFieldErrorType;

typedef struct {
  KubeFieldErrorType type;
  char *field;
  char *body; /* what upstream's field.Error.ErrorBody() gives */
} KubeFieldError;

/* Zeroed is empty; end with kube_field_errors_clear(). At most 10,000 are kept. */
typedef struct {
  GPtrArray *list; /* (nullable) (element-type KubeFieldError): in the order in which they were added */
} KubeFieldErrors;

void kube_field_errors_clear (KubeFieldErrors *errors);
guint kube_field_errors_get_length (const KubeFieldErrors *errors);
const KubeFieldError *kube_field_errors_get (const KubeFieldErrors *errors, guint index);
/* Takes away those from @length on: for checks that replace what an inner check said. */
void kube_field_errors_truncate (KubeFieldErrors *errors, guint length);
/* Puts those from @from on in the order of their texts. */
void kube_field_errors_sort (KubeFieldErrors *errors, guint from);
/* Appends all of @others, which is empty then. */
void kube_field_errors_take (KubeFieldErrors *errors, KubeFieldErrors *others);

/* @bad: (nullable): the value as it prints in the message, already in its final form (quoted, JSON, bare); NULL: none.
 * @detail: (nullable): what follows it. */
void kube_field_errors_add (KubeFieldErrors *errors, KubeFieldErrorType type, const KubeFieldPath *path, const char *bad, const char *detail);
void kube_field_errors_required (KubeFieldErrors *errors, const KubeFieldPath *path, const char *detail);
void kube_field_errors_forbidden (KubeFieldErrors *errors, const KubeFieldPath *path, const char *detail);
/* The bad value as a string, an integer, or any value (strings quoted as Go's %q, all else as JSON, NULL as null). */
void kube_field_errors_invalid (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad, const char *detail);
void kube_field_errors_invalid_format (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad, const char *format, ...) G_GNUC_PRINTF (4, 5);
void kube_field_errors_invalid_integer (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 bad, const char *detail);
void kube_field_errors_invalid_value (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *bad, const char *detail);
/* @valid: (array zero-terminated=1) */
void kube_field_errors_not_supported (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad, const char *const *valid);
void kube_field_errors_duplicate (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad);
void kube_field_errors_duplicate_integer (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 bad);
void kube_field_errors_duplicate_value (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *bad);
void kube_field_errors_not_found (KubeFieldErrors *errors, const KubeFieldPath *path, const char *bad);
void kube_field_errors_too_long (KubeFieldErrors *errors, const KubeFieldPath *path, int maximum);
void kube_field_errors_too_many (KubeFieldErrors *errors, const KubeFieldPath *path, int actual, int maximum);
void kube_field_errors_internal (KubeFieldErrors *errors, const KubeFieldPath *path, const char *detail);

/* `field: body`, each once, in brackets where there are several: how upstream prints a list. */
char *kube_field_errors_print (const KubeFieldErrors *errors) G_GNUC_WARN_UNUSED_RESULT;
/* The one error that upstream makes of a list: `Pod "x" is invalid: [a, b]`, causes in order. NULL where there are none. */
GError *kube_field_errors_to_error (const KubeFieldErrors *errors, const char *group, const char *kind, const char *name);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeFieldErrors, kube_field_errors_clear)

G_END_DECLS
