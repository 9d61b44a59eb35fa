/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-names.h>
#include <kube/kube-quantity.h>

#include "kube-cel.h"
#include "kube-field-errors.h"
#include "kube-schema.h"
#include "kube-validation.h"

G_BEGIN_DECLS

/* What the files of validation share. They read decoded and defaulted objects: an absent member is the type's zero value. */

#define AT KUBE_FIELD
#define AT_INDEX KUBE_FIELD_INDEX
#define AT_KEY KUBE_FIELD_KEY

/* "" where there is none: what an omitted string is. */
static inline const char *
string_of (KubeValue *object, const char *key)
{
  const char *string = kube_value_get_member_string (object, key);
  return string != NULL ? string : "";
}

static inline gboolean
has_text (KubeValue *object, const char *key)
{
  return *string_of (object, key) != '\0';
}

/* NULL for JSON null too: what a pointer that is not set is. */
static inline KubeValue *
member_of (KubeValue *object, const char *key)
{
  KubeValue *value = kube_value_get_member (object, key);
  return value != NULL && kube_value_get_value_type (value) != KUBE_VALUE_NULL ? value : NULL;
}

static inline gboolean
has_member (KubeValue *object, const char *key)
{
  return member_of (object, key) != NULL;
}

static inline gint64
integer_of (KubeValue *object, const char *key, gint64 fallback)
{
  return kube_value_get_integer (kube_value_get_member (object, key), NULL, fallback);
}

static inline gboolean
boolean_of (KubeValue *object, const char *key)
{
  return kube_value_get_boolean (kube_value_get_member (object, key), NULL, FALSE);
}

static inline const char *
element_string (KubeValue *array, guint index)
{
  const char *string = kube_value_peek_string (kube_value_get_element (array, index), NULL);
  return string != NULL ? string : "";
}

static inline gboolean
equals (const char *a, const char *b)
{
  return strcmp (a, b) == 0;
}

/* (nullable): the element of a list that has @text as its @key */
static inline KubeValue *
find_by (KubeValue *list, const char *key, const char *text)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (equals (string_of (kube_value_get_element (list, i), key), text))
      return kube_value_get_element (list, i);
  return NULL;
}

/* Names that must differ. A few need no memory of their own. Borrows what is added; ends with name_set_clear(). */
typedef struct {
  const char *few[24];
  guint n;
  GHashTable *many; /* (nullable) */
} NameSet;

gboolean name_set_has (const NameSet *set, const char *name);
/* FALSE where it is there already. */
gboolean name_set_add (NameSet *set, const char *name);
void name_set_clear (NameSet *set);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (NameSet, name_set_clear)

gboolean kube_validate_one_of (const char *string, const char *const *valid);

/* `example.com/name` */
void kube_validate_domain_path (KubeFieldErrors *errors, const KubeFieldPath *path, const char *value);
void kube_validate_cidr (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text);
/* An Invalid for each of upstream's messages. */
void kube_validate_format (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameFormat format, const char *value);
/* One for all of them. */
void kube_validate_format_joined (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameFormat format, const char *value, const char *separator);
/* The same with text before each message. */
void kube_validate_format_prefixed (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameFormat format, const char *value,
                                    const char *prefix);
/* Where a load balancer takes traffic, in statuses of Services and Ingresses; addresses that @old (nullable) points have may stay as they are. */
void kube_validate_point_ip (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *point, KubeValue *old);
void kube_validate_point_host (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *point);
/* A name that is no address. */
void kube_validate_no_ip (KubeFieldErrors *errors, const KubeFieldPath *path, const char *host);
/* Required where empty (with @required as detail), NotSupported where not in @valid. */
void kube_validate_enum (KubeFieldErrors *errors, const KubeFieldPath *path, const char *value, const char *required, const char *const *valid);
void kube_validate_non_negative (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 value);
/* Where the member is there and below zero. */
void kube_validate_non_negative_member (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key);
void kube_validate_positive (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 value);
void kube_validate_port_number (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 port);
char *kube_validate_plain_ip (const char *text) G_GNUC_WARN_UNUSED_RESULT;
gboolean kube_validate_is_mapped_ip (const char *text);
gboolean kube_validate_is_ip (const char *text, int *family);
gboolean kube_validate_is_cidr (const char *text, int *family, int *prefix);
/* (nullable): an address with a prefix as it prints. */
char *kube_validate_canonical_cidr (const char *text) G_GNUC_WARN_UNUSED_RESULT;
void kube_validate_ip (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text);
void kube_validate_endpoint_ip (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text);
/* Invalid "field is immutable" with the new value. @type: (nullable): the name of its type where it prints as a structure. */
void kube_validate_immutable (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *value, KubeValue *old, const char *type);

/* --- metadata --- */

typedef enum {
  KUBE_NAME_RULE_SUBDOMAIN,
  KUBE_NAME_RULE_LABEL,
  KUBE_NAME_RULE_DNS1035,
  KUBE_NAME_RULE_PATH_SEGMENT,
  KUBE_NAME_RULE_SYSTEM_PREFIX, /* priority classes */
  KUBE_NAME_RULE_CRON_JOB,
  KUBE_NAME_RULE_IP,
  KUBE_NAME_RULE_LONG_NAME, /* kinds whose fields upstream checks by their tags: prefixes are not looked at */
  KUBE_NAME_RULE_ANY,
} KubeNameRule;

void kube_validate_name (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameRule rule, const char *name, gboolean prefix);
void kube_validate_meta (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *meta, gboolean namespaced, KubeNameRule rule);
void kube_validate_meta_update (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *meta, KubeValue *old);
void kube_validate_finalizer_names (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *finalizers);
void kube_validate_labels (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *labels);
void kube_validate_annotations (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *annotations);
/* The values that an operator takes. FALSE: it is none that is known. */
gboolean kube_validate_requirement_values (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requirement);
void kube_validate_label_requirement (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *requirement, gboolean any_operator);
void kube_validate_label_selector (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *selector);

/* metav1.Condition: types that differ, statuses, times and reasons. */
void kube_validate_conditions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conditions);

/* --- parts that several kinds have --- */

void kube_validate_pod_spec (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *meta, gboolean is_pod);
void kube_validate_pod_template (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *template_);
/* The spec of a pod that is one, and its annotations. */
void kube_validate_whole_pod (KubeFieldErrors *errors, KubeValue *pod);
/* @update: an image must be there */
void kube_validate_pod_images (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *containers, gboolean update);
void kube_validate_pod_annotations (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *annotations, KubeValue *spec);
void kube_validate_pod_update_annotations (KubeFieldErrors *errors, KubeValue *pod, KubeValue *old_pod);
/* That annotations and fields do not say different things of seccomp and AppArmor. @annotations: (nullable) */
void kube_validate_pod_profiles (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, KubeValue *annotations);
void kube_validate_pod_update (KubeFieldErrors *errors, KubeValue *pod, KubeValue *old_pod);
/* `1,3-5`: rising, below @completions. Returns: (nullable): what is wrong. */
char *kube_validate_indexes (const char *text, gint64 completions, gint64 *total) G_GNUC_WARN_UNUSED_RESULT;
void kube_validate_job_update_status (KubeFieldErrors *errors, KubeValue *job, KubeValue *old_job);
void kube_validate_pod_update_status (KubeFieldErrors *errors, KubeValue *pod, KubeValue *old_pod);
void kube_validate_pod_update_part (KubeFieldErrors *errors, const char *subresource, KubeValue *pod, KubeValue *old);
void kube_validate_pod_volumes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *volumes, KubeValue *meta, gboolean is_pod,
                                NameSet *good);
void kube_validate_volume_claim_spec (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec);
void kube_validate_access_modes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *modes);
/* One source of a volume by its field's name; @path: the volume's */
void kube_validate_volume_source (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, KubeValue *source);
/* All but its portal, and its initiator; @kind: what is said of names that begin as none. */
void kube_validate_iscsi_target (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source, const char *kind);
void kube_validate_iscsi_initiator (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source, const char *kind);
void kube_validate_signer_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name);
void kube_validate_csi_driver (KubeFieldErrors *errors, const KubeFieldPath *path, const char *driver);
void kube_validate_path_no_backsteps (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text);
void kube_validate_local_path (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text);

typedef struct {
  KubeFieldErrors *errors;
  KubeValue *spec;
  NameSet *volumes;
  NameSet *claims;
  gint64 grace_period; /* -1: not set */
  gboolean has_grace_period;
  gboolean host_users;
  gboolean is_pod;
} KubePodCheck;

void kube_validate_containers (KubePodCheck *check, const KubeFieldPath *path, KubeValue *containers);
void kube_validate_init_containers (KubePodCheck *check, const KubeFieldPath *path, KubeValue *containers, KubeValue *regular);
void kube_validate_ephemeral_containers (KubePodCheck *check, const KubeFieldPath *path, KubeValue *ephemeral);
void kube_validate_field_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref, const char *const *valid);
void kube_validate_resource_field_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref, gboolean volume);
void kube_validate_int_or_name_port (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *port);

void kube_validate_container_resources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *resources, const NameSet *claims);
/* The resources of a pod as a whole, @path, and what its containers have of them. */
void kube_validate_pod_resources (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec, const NameSet *claims);
void kube_validate_overhead (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *overhead);
void kube_validate_container_resource_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name);
void kube_validate_resource_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name);
gboolean kube_validate_resource_is_integer (const char *name);
void kube_validate_resource_quantity (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, KubeValue *value);
gboolean kube_validate_is_overcommit_allowed (const char *name);
gboolean kube_validate_is_extended_resource (const char *name);
/* An Invalid where @amounts has less than nothing of @name. */
void kube_validate_amount (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *amounts, const char *name);
gboolean kube_validate_is_native_resource (const char *name);
gboolean kube_validate_get_quantity (KubeValue *map, const char *name, KubeQuantity *quantity);

void kube_validate_affinity (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *affinity);
void kube_validate_node_selector (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *selector);
void kube_validate_tolerations (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *tolerations);
void kube_validate_taint_effect (KubeFieldErrors *errors, const KubeFieldPath *path, const char *effect);
void kube_validate_spread_constraints (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *constraints);

void kube_validate_pod_security_context (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *context, KubeValue *spec);
void kube_validate_windows (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec);
void kube_validate_host_processes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *spec);
void kube_validate_security_context (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *context, gboolean host_users);

/* What expressions of admission may name beside objects and the request. */
typedef enum {
  KUBE_ADMISSION_PARAMS = 1 << 0,
  KUBE_ADMISSION_AUTHORIZER = 1 << 1,
  KUBE_ADMISSION_VARIABLES = 1 << 2,
  KUBE_ADMISSION_PATCHES = 1 << 3,
} KubeAdmissionNames;

KubeCelEnvironment *kube_validate_admission_environment (KubeAdmissionNames names) G_GNUC_WARN_UNUSED_RESULT;

/* An Invalid where an expression does not compile, or gives none of the types in @results (nullable) (array zero-terminated=1).
 * Returns: (nullable): what was compiled */
KubeCelProgram *kube_validate_expression (KubeFieldErrors *errors, const KubeFieldPath *path, const char *expression,
                                          const KubeCelEnvironment *environment, const char *const *results);

extern const char *const kube_validate_boolean_result[];

/* What admission webhooks and policies share: operations, groups, versions and resources; conditions. */
void kube_validate_admission_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule);
void kube_validate_match_conditions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conditions, KubeAdmissionNames names);

/* Where a web service is: a URL or a service. */
void kube_validate_webhook_client (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *client);

/* A value by the schema of a custom resource. */
void kube_validate_by_schema (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *schema, KubeValue *value);

/* --- Go structures in messages --- */

/* @value as upstream's structure @type prints it: members in the structure's order, zero values where it has no omitempty. */
void kube_go_struct_print (GString *out, const char *type, KubeValue *value);
void kube_validate_invalid_struct (KubeFieldErrors *errors, const KubeFieldPath *path, const char *type, KubeValue *bad, const char *detail);
/* The lines in which @b differs from @a, as upstream words a refused change. */
char *kube_go_struct_diff (const char *type, KubeValue *a, KubeValue *b) G_GNUC_WARN_UNUSED_RESULT;

/* --- kinds --- */

typedef void (*KubeValidateFunc) (KubeFieldErrors *errors, KubeValue *object);
typedef void (*KubeValidateUpdateFunc) (KubeFieldErrors *errors, KubeValue *object, KubeValue *old);
typedef void (*KubeValidatePartFunc) (KubeFieldErrors *errors, const char *subresource, KubeValue *object, KubeValue *old);

typedef enum {
  KUBE_VALIDATE_META_ON_UPDATE = 1 << 0,   /* the kind's own update rules begin with the metadata's, once more */
  KUBE_VALIDATE_AGAIN_ON_UPDATE = 1 << 1,  /* … and end with all rules of create */
  KUBE_VALIDATE_AGAIN_FIRST = 1 << 2,      /* … or stand before them */
  KUBE_VALIDATE_ANY_FINALIZER = 1 << 3,    /* kinds whose rules know of no standard finalizers */
  KUBE_VALIDATE_OWN_META = 1 << 4,         /* the metadata's rules stand among the kind's own */
  KUBE_VALIDATE_STATUS_ALONE = 1 << 5,     /* the status' rules do not have the metadata's once more */
} KubeValidateFlags;

typedef struct {
  const char *group;
  const char *kind;
  KubeNameRule name_rule;
  KubeValidateFlags flags;
  KubeValidateFunc create;              /* (nullable) */
  KubeValidateUpdateFunc update;        /* (nullable) */
  KubeValidateUpdateFunc update_status; /* (nullable) */
  KubeValidatePartFunc update_part;     /* (nullable): other subresources */
} KubeValidateRules;

extern const KubeValidateRules kube_validate_pod_rules[], kube_validate_service_rules[], kube_validate_config_rules[], kube_validate_node_rules[],
  kube_validate_endpoints_rules[], kube_validate_event_rules[], kube_validate_workload_rules[], kube_validate_rbac_rules[],
  kube_validate_misc_rules[], kube_validate_batch_rules[], kube_validate_sets_rules[],
  kube_validate_autoscaling_rules[], kube_validate_networking_rules[], kube_validate_storage_rules[],
  kube_validate_persistent_rules[], kube_validate_quota_rules[], kube_validate_webhook_rules[],
  kube_validate_flowcontrol_rules[], kube_validate_registration_rules[],
  kube_validate_certificate_rules[], kube_validate_review_rules[],
  kube_validate_device_claim_rules[], kube_validate_device_slice_rules[],
  kube_validate_policy_rules[], kube_validate_definition_rules[];

void kube_validate_structure (KubeFieldErrors *errors, KubeKind *kind, KubeValue *object);

/* Whether "*" is among the elements of @list (nullable). */
gboolean kube_validate_has_wildcard (KubeValue *list);

G_END_DECLS
