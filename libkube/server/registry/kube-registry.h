/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-builder.h>
#include <kube/kube-request.h>
#include "kube-operation.h"

G_BEGIN_DECLS

/* REST over the store for any kind: what the pipeline calls once a request is authorized. Each function answers the call, at once or later. */

void kube_registry_handle (KubeOperation *op);

/* kube-registry-read.c, kube-registry-watch.c */
void kube_registry_get (KubeOperation *op);
void kube_registry_list (KubeOperation *op);
void kube_registry_watch (KubeOperation *op);
GError *kube_registry_too_large_version (guint64 wanted, guint64 current);
/* A stored object in the form of the operation's kind. */
KubeObject *kube_registry_convert (KubeOperation *op, const char *json, gsize length);
/* Whether a stored object is in the selection of @options. */
gboolean kube_registry_matches (const KubeListOptions *options, const char *json, gsize length);

/* Whether the request's user may create what the request names: who may patch, or get, may not for that create. */
gboolean kube_registry_may_create (KubeOperation *op, GError **error);

/* kube-registry-create.c, -update.c, -delete.c */
void kube_registry_create (KubeOperation *op);
/* The same of a decoded body: what an update or an apply makes of an object that is not there. @applied: its managers are in it.
 * @ended: called with @user_data before the call is answered; @lost: somebody else has made the object meanwhile, and it is not answered at all. */
typedef void (*KubeCreatedFunc) (KubeOperation *op, gboolean lost, gpointer user_data);
void kube_registry_create_value (KubeOperation *op, KubeValue *decoded, gboolean applied, KubeCreatedFunc ended, gpointer user_data);
void kube_registry_update (KubeOperation *op);
void kube_registry_delete (KubeOperation *op);
void kube_registry_delete_collection (KubeOperation *op);

/* kube-modify.c: read, change, compare and swap; anew where somebody else was faster. */
typedef enum {
  KUBE_CHANGE_WRITE,  /* the object that was given, if it differs from the old one */
  KUBE_CHANGE_REMOVE, /* remove it; the object that was given is its last state */
  KUBE_CHANGE_NONE,   /* nothing is to be written; the object that was given (or the old one) is the answer */
} KubeChange;
typedef struct _KubeModify KubeModify;
/* @old: as stored. Returns what to do, with (transfer full) @object; or sets @error and the flow ends with it. */
typedef KubeChange (*KubeModifyFunc) (KubeModify *modify, KubeObject *old, KubeObject **object, gpointer user_data, GError **error);
/* The end. @object: what is stored now, or the last state of what was removed; NULL with @error. @removed: whether it is gone. */
typedef void (*KubeModifiedFunc) (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error, gpointer user_data);
struct _KubeModify {
  KubeOperation *op;
  KubeKind *kind;
  char *key;
  char *name;
  guint retries;          /* left after a lost race; 0: a lost race is a conflict */
  KubeModifyFunc change;
  KubeModifiedFunc done;
  gpointer user_data;
  /* of the flow */
  KubeObject *old;
  KubeObject *new;
  gboolean remove;
};
/* Of each race somebody wins, so all who decide anew on what is there come to an end. */
#define KUBE_MODIFY_RETRIES G_MAXUINT
void kube_modify (KubeOperation *op, KubeKind *kind, const char *namespace_, const char *name, guint retries, KubeModifyFunc change, KubeModifiedFunc done, gpointer user_data);

/* One write of an object to the store; the answer's object has its revision. */
typedef void (*KubeWrittenFunc) (KubeOperation *op, const KubeStoreResult *result, gpointer user_data);
void kube_registry_write (KubeOperation *op, const char *key, KubeObject *object, GBytes *previous, guint64 expected, gboolean remove, KubeWrittenFunc func, gpointer user_data);

/* What all updates go through, whatever made @object of @old: metadata, strategy, validation, admission. (transfer full). @builder: the new state, decoded. */
KubeChange kube_registry_finish_update (KubeOperation *op, KubeKind *kind, KubeObject *old, KubeBuilder *builder, KubeObject **object, GError **error);
/* (nullable) (transfer full): how @old (nullable: there is none) is not the object, of the version, that a client means; each nullable, or empty: any. */
char *kube_registry_dup_precondition (KubeObject *old, const char *uid, const char *version);
/* The same as a condition of the write, in the words of upstream's storage. */
gboolean kube_modify_check_preconditions (KubeModify *modify, KubeObject *old, const char *uid, const char *version, GError **error);
/* Errors that several files word. */
GError *kube_registry_conflict (KubeKind *kind, const char *name, const char *message);
/* The group that errors of validation name: that of the form in which the kind is stored. */
const char *kube_registry_error_group (KubeKind *kind);

/* Whether an object that an update is to change may be, as its body says: its names, and the version it is of. */
gboolean kube_registry_check_namespace (KubeOperation *op, const char *namespace_, GError **error);
gboolean kube_registry_check_names (KubeOperation *op, KubeValue *value, GError **error);
gboolean kube_registry_check_version (KubeKind *kind, KubeObject *old, KubeValue *value, GError **error);
/* What ends every update: what the strategy took is settled, and the call answered. */
void kube_registry_answer_update (KubeModify *modify, KubeObject *object, gboolean removed, const GError *error);

/* kube-registry-patch.c */
typedef struct {
  KubePatchType type;  /* by the request's media type */
  KubeValue *value;
  GPtrArray *findings; /* (element-type utf8): what strict decoding minds in the patch itself; of an apply, lines of YAML */
} KubeRegistryPatch;
void kube_registry_patch (KubeOperation *op);
/* The patch that the request carries, and what its query says of it. */
KubeRegistryPatch *kube_registry_read_patch (KubeOperation *op, GError **error);
void kube_registry_patch_free (KubeRegistryPatch *patch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeRegistryPatch, kube_registry_patch_free)
/* What @patch, no apply, makes of @target, decoded and complete. */
KubeValue *kube_registry_apply_patch (KubeOperation *op, KubeKind *kind, const KubeRegistryPatch *patch, KubeValue *target, GError **error);

/* kube-apply.c: server-side apply, and the traces that other writes leave in metadata.managedFields. */
/* @config: (transfer full) */
void kube_registry_apply (KubeOperation *op, KubeRegistryPatch *config);
/* Whether a configuration says that it is a @kind, and nothing of its managers. */
gboolean kube_registry_check_config (KubeKind *kind, KubeValue *config, GError **error);
/* What @config makes of @old, an object of the operation's kind. */
KubeChange kube_registry_apply_to (KubeModify *modify, KubeObject *old, const KubeRegistryPatch *config, KubeObject **object, GError **error);
/* Notes in @root, the new state, which begins as @next, that this request changed @old (nullable) to it. */
void kube_registry_track (KubeOperation *op, KubeKind *kind, KubeObject *old, KubeValue *next, KubeNode *root);

/* The deletion of one object as DeleteOptions say. */
typedef struct {
  gint64 grace;                 /* -1: not given */
  const char *propagation;      /* (nullable) */
  int orphan;                   /* orphanDependents: -1 not given */
  const char *uid, *version;    /* (nullable): preconditions */
  KubeValue *value;             /* (nullable) (owned): what the strings belong to */
} KubeDeleteOptions;
gboolean kube_delete_options_init (KubeDeleteOptions *options, KubeOperation *op, KubeValue *body, GError **error);
void kube_delete_options_clear (KubeDeleteOptions *options);
/* Whether @old meets their preconditions. */
gboolean kube_delete_options_check (const KubeDeleteOptions *options, KubeModify *modify, KubeObject *old, GError **error);
/* @options: (transfer full contents): cleared in the end. */
void kube_registry_delete_one (KubeOperation *op, KubeKind *kind, const char *namespace_, const char *name, const KubeDeleteOptions *options, KubeModifiedFunc done, gpointer user_data);

/* A kind that exists only as the body of a subresource: "autoscaling/v1" "Scale". */
KubeKind *kube_registry_body_kind (const char *group, const char *version, const char *name);
/* subresources: kube-scale.c, kube-binding.c, kube-eviction.c, kube-reviews.c, kube-pod-streams.c, kube-proxy.c */
void kube_registry_scale (KubeOperation *op);
void kube_registry_bind (KubeOperation *op);
void kube_registry_evict (KubeOperation *op);
void kube_registry_review (KubeOperation *op);
void kube_registry_create_token (KubeOperation *op);
void kube_registry_stream_pod (KubeOperation *op);
void kube_registry_proxy (KubeOperation *op);

G_END_DECLS
