/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include <kube/kube-kind.h>

G_BEGIN_DECLS

/* The descriptors of types and kinds. The generator makes constant tables of them from schema/ (see schema/README.md for the language);
 * kinds that are added at run time build the same structures on the heap. Everything that is derived from a type (decoding, pruning, defaulting,
 * structural validation, strategic merge, apply, protobuf, OpenAPI, explain) walks these. */

typedef struct _KubeType KubeType;
typedef struct _KubeField KubeField;

/* Sets the defaults of one value that depend on more than its type (see kube-default.c). */
typedef void (*KubeDefaultHook) (KubeNode *object);

/* The type of one value (of a field, of an element of a list, of a map's value). */
typedef enum {
  KUBE_SCALAR_STRING,
  KUBE_SCALAR_BOOLEAN,
  KUBE_SCALAR_INT32,
  KUBE_SCALAR_INT64,
  KUBE_SCALAR_DOUBLE,
  KUBE_SCALAR_BYTES,         /* base64 text */
  KUBE_SCALAR_TIME,          /* RFC 3339, whole seconds */
  KUBE_SCALAR_MICRO_TIME,
  KUBE_SCALAR_DURATION,      /* Go's text form, metav1.Duration */
  KUBE_SCALAR_QUANTITY,
  KUBE_SCALAR_INT_OR_STRING,
  KUBE_SCALAR_ANY,           /* any JSON: RawExtension, JSON, FieldsV1 */
  KUBE_SCALAR_STRUCT,        /* of `type` */
  KUBE_SCALAR_STRUCT_OR_BOOLEAN, /* of `type`, or true or false */
  KUBE_SCALAR_STRUCT_OR_LIST,    /* of `type`, or a list of it */
  KUBE_SCALAR_STRUCT_OR_STRINGS, /* of `type`, or a list of strings */
} KubeScalar;

typedef enum {
  KUBE_SHAPE_ONE,
  KUBE_SHAPE_LIST,
  KUBE_SHAPE_MAP,            /* string keys */
  KUBE_SHAPE_LIST_OF_LIST,
  KUBE_SHAPE_MAP_OF_LIST,    /* map[string][]T */
} KubeShape;

typedef enum {
  KUBE_LIST_UNSET,           /* as atomic, but not declared */
  KUBE_LIST_ATOMIC,
  KUBE_LIST_SET,
  KUBE_LIST_MAP,
} KubeListType;

typedef enum {
  KUBE_FIELD_REQUIRED = 1 << 0,     /* required by the API's definition (structural: absent is an error from validation, not from decoding) */
  KUBE_FIELD_ALWAYS = 1 << 1,       /* no omitempty: an absent one is written with its zero value ("", 0, false, null for lists and pointers, {} for structs) */
  KUBE_FIELD_POINTER = 1 << 2,      /* a pointer in upstream's types: an explicit zero value is kept; without it a zero value is dropped (omitempty) */
  KUBE_FIELD_IMMUTABLE = 1 << 3,    /* may not change once it is set */
  KUBE_FIELD_MERGE = 1 << 4,        /* patchStrategy merge; with merge_key for lists of structs */
  KUBE_FIELD_REPLACE = 1 << 5,
  KUBE_FIELD_RETAIN_KEYS = 1 << 6,
  KUBE_FIELD_ATOMIC = 1 << 7,       /* an atomic struct or map, for apply */
  KUBE_FIELD_INLINE = 1 << 8,       /* reserved for embedded structs; the generator flattens them */
  KUBE_FIELD_GRANULAR = 1 << 10,    /* not atomic for apply, although its type is */
  KUBE_FIELD_LENIENT = 1 << 11,     /* the server takes an object without it, although it is REQUIRED */
  KUBE_FIELD_OMIT_ZERO = 1 << 9,    /* omitzero: a struct that is empty is not written */
} KubeFieldFlags;

/* A constraint of one value beyond its type; the generator turns `format=…` into it. */
typedef enum {
  KUBE_FORMAT_NONE,
  KUBE_FORMAT_NAME,          /* + a KubeNameFormat */
  KUBE_FORMAT_IP,
  KUBE_FORMAT_CIDR,
  KUBE_FORMAT_PORT,          /* 1-65535 */
  KUBE_FORMAT_NON_NEGATIVE,
  KUBE_FORMAT_LABELS,
  KUBE_FORMAT_LABEL_SELECTOR,
} KubeFormat;

struct _KubeField {
  const char *name;
  const char *doc;                    /* one line, our own words */
  const KubeType *type;               /* for KUBE_SCALAR_STRUCT */
  const char *default_json;           /* JSON text of the default value, or NULL */
  const char *const *enum_values;     /* allowed strings, NULL-terminated, or NULL */
  const char *const *list_keys;       /* of a KUBE_LIST_MAP */
  const char *merge_key;              /* of strategic merge */
  const char *go_type;                /* how Go's decoder names the field's type in an error: "v1.PodPhase", "[]v1.Container", "map[string]string" */
  const char *go_element;             /* the type of its elements or map values; go_type where the shape is ONE */
  const char *go_inner;               /* of LIST_OF_LIST and MAP_OF_LIST: the type of the elements' elements, else go_element */
  const char *embedded;               /* Go's names of the embedded structs that hold the field, joined by dots, or NULL: errors show them */
  const guint8 *embedded_numbers;     /* their protobuf numbers, ended by 0, or NULL */
  gint64 minimum, maximum;            /* both 0: no limit */
  guint16 number;                     /* protobuf field number, 0: none */
  guint16 flags;                      /* KubeFieldFlags */
  guint8 scalar;                      /* KubeScalar */
  guint8 shape;                       /* KubeShape */
  guint8 list_type;                   /* KubeListType */
  guint8 format;                      /* KubeFormat */
  guint8 name_format;                 /* KubeNameFormat */
  guint8 name_length;
  guint8 order;                       /* its place in upstream's structure, which prints in that order */
};

struct _KubeType {
  const char *name;                   /* Go name: "PodSpec" */
  const char *package;                /* "v1", "resource": Go's package name, as in "v1.PodSpec" */
  const char *definition;             /* OpenAPI v2 name: "io.k8s.api.core.v1.PodSpec" */
  const char *doc;
  const KubeField *fields;            /* sorted by name, bytewise */
  guint16 n_fields;
  guint8 open;                        /* unknown fields are kept (embedded resources, custom kinds that say so) */
  guint8 atomic;                      /* one value for apply */
  guint8 has_defaults;                /* a default or a hook is in it or below it */
  guint8 has_always;                  /* a field is ALWAYS: an absent one is written */
  guint8 n_wire;
  const guint8 *wire;                 /* the fields (n_wire indices) in the order of their protobuf numbers, embedded messages among them; or NULL */
  const char *const *union_members;   /* for "exactly one of", or NULL */
  KubeDefaultHook default_hook;       /* runs after the constant defaults of the type's own fields and before its children's; or NULL */
};

/* A column of a Table. `path` is a dotted path, one after '#' for how many members it has, or a name beginning with '@' of a printer function (see kube-table.c). */
typedef struct {
  const char *name;
  const char *type;                   /* "string", "integer", "date", … */
  const char *format;                 /* "name" for the first column, else "" */
  const char *path;
  const char *doc;
  gint32 priority;                    /* 1: with -o wide */
  const char *absent;                 /* NULL, or the JSON that stands where there is nothing at `path`, or "" */
} KubeColumn;

typedef struct {
  const char *name;                   /* "status", "scale", "binding", "log" */
  const char *api_version;            /* group and version of the subresource's own kind where it is another ("autoscaling/v1"), else NULL */
  const char *kind;                   /* that kind ("Scale", "Eviction", "TokenRequest"), or NULL: the parent's */
  KubeVerb verbs;
  gboolean connect;                   /* GET and POST stream (exec, attach, portforward, proxy) */
} KubeSubresource;

struct _KubeKind {
  int refs;                           /* atomic; unused by constant kinds */
  gboolean constant;
  const char *group, *version, *api_version;
  const char *name, *list_name, *plural, *singular;
  const char *qualified_name, *qualified_kind;
  const char *const *short_names;
  const char *const *categories;
  const KubeSubresource *subresources;
  guint n_subresources;
  const char *const *subresource_names;
  gboolean namespaced;
  KubeVerb verbs;                     /* 0: no resource of its own (Status, Scale, DeleteOptions); `plural` is "" then */
  const KubeType *type;               /* NULL: known by names only */
  const KubeType *list_type;          /* NULL: without a list kind */
  const KubeColumn *columns;          /* NULL: Name and Age */
  guint n_columns;
  const char *const *selectable;      /* field selectors beyond metadata.name and metadata.namespace */
  gboolean has_generation;            /* metadata.generation counts changes of spec */
  gboolean not_stored;                /* created only, answered, never stored: reviews, Binding */
  const char *storage_group;          /* where upstream shares storage between groups (events), else NULL */
  GStringChunk *strings;              /* (owned) of a kind made at run time: all its texts */
  gpointer type_owner;                /* (owned) (nullable): keeps a run-time kind's types */
  GDestroyNotify type_destroy;
  gpointer reserved[4];
};

const KubeField *kube_type_find_field (const KubeType *type, const char *name, gsize length);
const KubeSubresource *kube_kind_find_subresource (KubeKind *kind, const char *name);
/* A type by its OpenAPI definition name, for embedded types that no kind reaches (DeleteOptions, Status, WatchEvent). */
const KubeType *kube_schema_find_type (const char *definition);

/* A kind of its own with @model's names, verbs, subresources and columns (copied) and types (kept by @type_owner, which it takes).
 * Names that are NULL in @model are derived from its group, version and name. */
KubeKind *kube_kind_new_from_model (const KubeKind *model, gpointer type_owner, GDestroyNotify type_destroy) G_GNUC_WARN_UNUSED_RESULT;

/* The generated tables: all kinds, and all types sorted by definition. */
extern const KubeKind kube_schema_kinds[];
extern const guint kube_schema_n_kinds;
extern const KubeType kube_schema_types[];
extern const guint kube_schema_n_types;

G_END_DECLS
