/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-selector.h>
#include "kube-decode.h"
#include "kube-field-errors.h"
#include "kube-schema.h"
#include "kube-server-private.h"
#include "kube-storage.h"

G_BEGIN_DECLS

/* One request inside the server: its call, what it is about, and what the client wants for an answer. It belongs to the call's thread and is counted: stages that wait hold a reference. */

typedef enum { KUBE_MEDIA_JSON, KUBE_MEDIA_YAML, KUBE_MEDIA_PROTOBUF } KubeMedia;

#define KUBE_PROTOBUF_TYPE "application/vnd.kubernetes.protobuf"

/* The form of an answer that carries objects. */
typedef enum {
  KUBE_FORM_OBJECT,
  KUBE_FORM_TABLE,
  KUBE_FORM_PARTIAL, /* PartialObjectMetadata */
} KubeForm;

typedef enum { KUBE_INCLUDE_METADATA, KUBE_INCLUDE_NONE, KUBE_INCLUDE_OBJECT } KubeInclude; /* of a table's rows */

typedef enum { KUBE_STRICTNESS_WARN, KUBE_STRICTNESS_IGNORE, KUBE_STRICTNESS_STRICT } KubeStrictness;

typedef struct {
  guint refs;
  KubeServer *server;
  KubeStore *store;
  KubeScheme *scheme;
  KubeClock *clock;
  KubeCall *call;
  KubeRequestInfo info;
  KubeUser *user;
  KubeKind *kind;                    /* (nullable): of the resource */
  const KubeSubresource *subresource; /* (nullable) */
  KubeMedia media;
  KubeForm form;
  KubeInclude include;
  KubeKind *row_kind;                /* (nullable): whose columns a table has where they are not the resource's */
  gboolean pretty;
  gboolean dry_run;
  gboolean in_flight;     /* it counts among the requests under way */
  KubeStrictness strictness;
  gboolean needs_read_back; /* the object will not be what it is now once it is stored: it has lists without members, or lacks defaults */
} KubeOperation;

KubeOperation *kube_operation_new (KubeServer *server, KubeCall *call);
KubeOperation *kube_operation_ref (KubeOperation *op);
void kube_operation_unref (KubeOperation *op);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeOperation, kube_operation_unref)

/* Counts a request that is over. */
void kube_server_count (KubeOperation *op);
/* Before metrics are printed: those that are read and not counted. */
void kube_server_update_metrics (KubeServer *server);
/* "" as NULL. */
const char *kube_operation_get_namespace (KubeOperation *op);

/* kube-negotiate.c: what of the Accept header is served. @forms: whether tables and metadata alone may be asked for. Errors: KUBE_ERROR_NOT_ACCEPTABLE. */
gboolean kube_operation_negotiate (KubeOperation *op, gboolean forms, GError **error);
/* Whether an Accept clause of the request asks for @as of @group (discovery). */
gboolean kube_operation_accepts_as (KubeOperation *op, const char *as, const char *group, const char *version);

/* kube-answer.c */
void kube_operation_answer_error (KubeOperation *op, const GError *error);
void kube_operation_take_error (KubeOperation *op, GError *error); /* answers and frees */
void kube_operation_answer_object (KubeOperation *op, int http_status, KubeObject *object);
/* A Status of success; all (nullable). */
void kube_operation_answer_success (KubeOperation *op, int http_status, KubeKind *kind, const char *name, const char *uid);
void kube_operation_answer_text (KubeOperation *op, int http_status, const char *text);
/* A JSON text, in the media type that was negotiated as far as what it says has a form in that. */
void kube_operation_answer_json (KubeOperation *op, int http_status, GBytes *json);
/* 404 and 405 as upstream words them for what is no resource or no verb of it. */
void kube_operation_answer_no_resource (KubeOperation *op);
void kube_operation_answer_no_method (KubeOperation *op);
/* The answer's form of one stored object, given as canonical JSON: of a list's item, or with @alone of an answer by itself. */
void kube_operation_append_form (KubeOperation *op, const char *json, gsize length, gboolean alone, GString *out);

/* kube-answer-protobuf.c. @value says which kind it is; NULL: that has no protobuf form. */
GBytes *kube_operation_encode_protobuf (KubeOperation *op, KubeValue *value);
/* The answer's form of one stored object among the items of a list, and such a list with what else is in it. */
void kube_operation_append_protobuf_item (KubeOperation *op, const char *json, gsize length, GString *items);
GBytes *kube_operation_encode_protobuf_list (KubeOperation *op, KubeValue *list, GString *items);
/* One event of a watch; @json is in the answer's form. */
void kube_operation_append_protobuf_event (KubeOperation *op, const char *type, const char *json, gsize length, GString *out);

/* kube-options.c */
typedef struct {
  KubeSelector *labels;     /* (nullable): NULL selects everything */
  KubeSelector *fields;     /* (nullable) */
  const char *version;      /* resourceVersion, "" where absent */
  guint64 revision;         /* its number */
  const char *match;        /* resourceVersionMatch, "" where absent */
  const char *continue_;    /* "" where absent */
  gint64 limit;
  gint64 timeout;           /* seconds, 0 where absent; one below 0 is over */
  gboolean bookmarks;
  int initial_events;       /* -1 where absent */
} KubeListOptions;
gboolean kube_operation_get_list_options (KubeOperation *op, gboolean watch, KubeListOptions *options, GError **error);
void kube_list_options_clear (KubeListOptions *options);
/* A parameter that is true or false: FALSE where it is absent. */
gboolean kube_operation_get_flag (KubeOperation *op, const char *name);
/* A parameter that is a number; @number stays as it is where it is absent. */
gboolean kube_operation_get_integer (KubeOperation *op, const char *name, gint64 *number, GError **error);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KubeListOptions, kube_list_options_clear)
/* dryRun, fieldValidation and fieldManager into the operation. @kind: "CreateOptions", … for the error. */
gboolean kube_operation_get_write_options (KubeOperation *op, const char *kind, GError **error);
/* A resourceVersion as a number: 0 for "". Errors: as upstream words them. */
gboolean kube_parse_revision (const char *text, guint64 *revision, GError **error);

/* kube-body.c: the body as a decoded object of @kind; unknown fields are an error, warnings, or ignored, as the client wants it. */
KubeValue *kube_operation_decode_body (KubeOperation *op, KubeKind *kind, GError **error);
/* The same for a value that is at hand (an applied object). @duplicates: (nullable) (element-type utf8) */
KubeValue *kube_operation_decode_value (KubeOperation *op, KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GError **error);
/* Its two halves, for who words differently what is wrong: the decoder's own words, and what strict decoding minds; then what upstream makes of the result. */
KubeValue *kube_operation_decode_quietly (KubeOperation *op, KubeKind *kind, KubeValue *value, GPtrArray *duplicates, GPtrArray *findings, GError **error);
KubeValue *kube_operation_complete_value (KubeOperation *op, KubeKind *kind, KubeValue *decoded);
/* (transfer full) (nullable): why a body that says that it is of another kind is no @kind. */
char *kube_operation_describe_wrong_kind (KubeOperation *op, KubeKind *kind, KubeValue *value) G_GNUC_WARN_UNUSED_RESULT;
KubeObject *kube_operation_read_back (KubeOperation *op, KubeKind *kind, KubeObject *object) G_GNUC_WARN_UNUSED_RESULT;
/* The body as it is, from JSON, YAML or protobuf. @expected: (nullable): the type of a body whose kind the scheme does not have. */
KubeValue *kube_operation_parse_body (KubeOperation *op, const KubeType *expected, GPtrArray *duplicates, GError **error);
const char *kube_operation_get_media_type (KubeOperation *op, char out[128]); /* of the body, without parameters */

G_END_DECLS
