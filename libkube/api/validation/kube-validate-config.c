/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* Namespace, ConfigMap, Secret, ServiceAccount. */

enum { DATA_MAX = 1024 * 1024 };

#define SET "field is immutable when `immutable` is set"

static gsize
decoded_size (KubeValue *value)
{
  gsize length = 0;
  const char *text = kube_value_peek_string (value, &length);

  while (length > 0 && text[length - 1] == '=')
    length--;
  return length * 3 / 4;
}

static void
create_config_map (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *data = member_of (object, "data"), *binary = member_of (object, "binaryData");
  gsize total = 0;

  for (guint i = 0; i < kube_value_get_length (data); i++) {
    const char *key = kube_value_get_key (data, i);
    const KubeFieldPath *at = AT_KEY (AT (NULL, "data"), key);
    gsize length = 0;

    kube_validate_format (errors, at, KUBE_NAME_CONFIG_MAP_KEY, key);
    if (kube_value_get_member (binary, key) != NULL)
      kube_field_errors_invalid (errors, at, key, "duplicate of key present in binaryData");
    kube_value_peek_string (kube_value_get_element (data, i), &length);
    total += length;
  }
  for (guint i = 0; i < kube_value_get_length (binary); i++) {
    const char *key = kube_value_get_key (binary, i);
    kube_validate_format (errors, AT_KEY (AT (NULL, "binaryData"), key), KUBE_NAME_CONFIG_MAP_KEY, key);
    total += decoded_size (kube_value_get_element (binary, i));
  }
  if (total > DATA_MAX)
    kube_field_errors_too_long (errors, AT (NULL, ""), DATA_MAX);
}

static void
check_immutable (KubeFieldErrors *errors, KubeValue *object, KubeValue *old, gboolean binary)
{
  if (!boolean_of (old, "immutable"))
    return;
  if (!boolean_of (object, "immutable"))
    kube_field_errors_forbidden (errors, AT (NULL, "immutable"), SET);
  if (!kube_validate_semantic_equal (member_of (object, "data"), member_of (old, "data")))
    kube_field_errors_forbidden (errors, AT (NULL, "data"), SET);
  if (binary && !kube_validate_semantic_equal (member_of (object, "binaryData"), member_of (old, "binaryData")))
    kube_field_errors_forbidden (errors, AT (NULL, "binaryData"), SET);
}

static void
update_config_map (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  check_immutable (errors, object, old, TRUE);
}

static void
require_key (KubeFieldErrors *errors, KubeValue *data, const char *key)
{
  if (kube_value_get_member (data, key) == NULL)
    kube_field_errors_required (errors, AT_KEY (AT (NULL, "data"), key), NULL);
}

static void
check_docker_config (KubeFieldErrors *errors, KubeValue *data, const char *key)
{
  const char *text = kube_value_get_member_string (data, key);
  g_autofree guchar *bytes = NULL;
  g_autoptr (KubeValue) value = NULL;
  g_autoptr (GError) error = NULL;
  gsize length = 0;

  if (text == NULL) {
    require_key (errors, data, key);
    return;
  }
  bytes = g_base64_decode (text, &length);
  value = kube_value_parse (bytes != NULL ? (const char *) bytes : "", (gssize) length, &error);
  if (value == NULL) {
    kube_field_errors_invalid (errors, AT_KEY (AT (NULL, "data"), key), "<secret contents redacted>", error->message);
  } else if (!kube_value_is_object (value) && !kube_value_is_null (value)) {
    g_autofree char *detail = g_strdup_printf ("json: cannot unmarshal %s into Go value of type map[string]interface {}",
                                               kube_value_is_array (value) ? "array" : kube_value_is_string (value) ? "string" : kube_value_get_value_type (value) == KUBE_VALUE_BOOLEAN ? "bool" : "number");
    kube_field_errors_invalid (errors, AT_KEY (AT (NULL, "data"), key), "<secret contents redacted>", detail);
  }
}

static void
create_secret (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *data = member_of (object, "data");
  const char *type = string_of (object, "type");
  gsize total = 0;

  for (guint i = 0; i < kube_value_get_length (data); i++) {
    const char *key = kube_value_get_key (data, i);
    kube_validate_format (errors, AT_KEY (AT (NULL, "data"), key), KUBE_NAME_CONFIG_MAP_KEY, key);
    total += decoded_size (kube_value_get_element (data, i));
  }
  if (total > DATA_MAX)
    kube_field_errors_too_long (errors, AT (NULL, "data"), DATA_MAX);

  if (equals (type, "kubernetes.io/service-account-token")) {
    if (!has_text (kube_value_get (object, "metadata.annotations"), "kubernetes.io/service-account.name"))
      kube_field_errors_required (errors, AT_KEY (AT (AT (NULL, "metadata"), "annotations"), "kubernetes.io/service-account.name"), NULL);
  } else if (equals (type, "kubernetes.io/dockercfg")) {
    check_docker_config (errors, data, ".dockercfg");
  } else if (equals (type, "kubernetes.io/dockerconfigjson")) {
    check_docker_config (errors, data, ".dockerconfigjson");
  } else if (equals (type, "kubernetes.io/basic-auth")) {
    if (kube_value_get_member (data, "username") == NULL && kube_value_get_member (data, "password") == NULL) {
      require_key (errors, data, "username");
      require_key (errors, data, "password");
    }
  } else if (equals (type, "kubernetes.io/ssh-auth")) {
    if (!has_text (data, "ssh-privatekey"))
      kube_field_errors_required (errors, AT_KEY (AT (NULL, "data"), "ssh-privatekey"), NULL);
  } else if (equals (type, "kubernetes.io/tls")) {
    require_key (errors, data, "tls.crt");
    require_key (errors, data, "tls.key");
  }
}

static void
update_secret (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  if (!equals (string_of (object, "type"), string_of (old, "type")))
    kube_field_errors_invalid (errors, AT (NULL, "type"), string_of (object, "type"), "field is immutable");
  check_immutable (errors, object, old, FALSE);
}

static void
check_finalizer (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  static const char *const standard[] = { "kubernetes", "orphan", "foregroundDeletion", NULL };

  kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, name);
  if (strchr (name, '/') == NULL && !kube_validate_one_of (name, standard))
    kube_field_errors_invalid (errors, path, name, "name is neither a standard finalizer name nor is it fully qualified");
}

static void
create_namespace (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *finalizers = kube_value_get (object, "spec.finalizers");

  for (guint i = 0; i < kube_value_get_length (finalizers); i++)
    check_finalizer (errors, AT (AT (NULL, "spec"), "finalizers"), element_string (finalizers, i));
}

static void
update_namespace (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
}

static void
update_namespace_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  gboolean deleting = has_member (member_of (object, "metadata"), "deletionTimestamp");
  const char *phase = string_of (member_of (object, "status"), "phase");

  if (!deleting && !equals (phase, "Active"))
    kube_field_errors_invalid (errors, AT (AT (NULL, "status"), "Phase"), phase, "may only be 'Active' if `deletionTimestamp` is empty");
  if (deleting && !equals (phase, "Terminating"))
    kube_field_errors_invalid (errors, AT (AT (NULL, "status"), "Phase"), phase, "may only be 'Terminating' if `deletionTimestamp` is not empty");
}

static void
update_namespace_part (KubeFieldErrors *errors, const char *subresource, KubeValue *object, KubeValue *old G_GNUC_UNUSED)
{
  KubeValue *finalizers = kube_value_get (object, "spec.finalizers");

  for (guint i = 0; equals (subresource, "finalize") && i < kube_value_get_length (finalizers); i++)
    check_finalizer (errors, AT_INDEX (AT (AT (NULL, "spec"), "finalizers"), i), element_string (finalizers, i));
}

static void
create_anything (KubeFieldErrors *errors, KubeValue *object)
{
}

const KubeValidateRules kube_validate_config_rules[] = {
  { "", "Namespace", KUBE_NAME_RULE_LABEL, KUBE_VALIDATE_META_ON_UPDATE, create_namespace, update_namespace, update_namespace_status,
    update_namespace_part },
  { "", "ConfigMap", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_ON_UPDATE, create_config_map, update_config_map, NULL },
  { "", "Secret", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_ON_UPDATE, create_secret, update_secret, NULL },
  { "", "ServiceAccount", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_ON_UPDATE, create_anything, NULL, NULL },
  { NULL },
};
