/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* CustomResourceDefinition: its group, scope, names and versions. The schemas of versions are not looked at here. */

static void
check_mixed_case (KubeFieldErrors *errors, const KubeFieldPath *path, const char *kind)
{
  g_autofree char *lower = g_ascii_strdown (kind, -1), *joined = NULL;
  g_autoptr (GPtrArray) messages = NULL;

  if (*kind == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (kube_name_is_valid (KUBE_NAME_DNS1035_LABEL, lower))
    return;
  messages = kube_name_check_all (KUBE_NAME_DNS1035_LABEL, lower);
  g_ptr_array_add (messages, NULL);
  joined = g_strjoinv (",", (char **)messages->pdata);
  kube_field_errors_invalid_format (errors, path, kind, "may have mixed case, but should otherwise match: %s", joined);
}

static void
check_label (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  if (*name == '\0')
    kube_field_errors_required (errors, path, NULL);
  else
    kube_validate_format (errors, path, KUBE_NAME_DNS1035_LABEL, name);
}

static void
check_labels (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *names)
{
  for (guint i = 0; i < kube_value_get_length (names); i++)
    kube_validate_format (errors, AT_INDEX (path, i), KUBE_NAME_DNS1035_LABEL, element_string (names, i));
}

static void
check_names (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *names)
{
  const char *kind = string_of (names, "kind"), *list = string_of (names, "listKind");

  check_label (errors, AT (path, "plural"), string_of (names, "plural"));
  check_label (errors, AT (path, "singular"), string_of (names, "singular"));
  check_mixed_case (errors, AT (path, "kind"), kind);
  check_mixed_case (errors, AT (path, "listKind"), list);
  check_labels (errors, AT (path, "shortNames"), member_of (names, "shortNames"));
  if (*kind != '\0' && equals (kind, list))
    kube_field_errors_invalid (errors, AT (path, "listKind"), list, "kind and listKind may not be the same");
  check_labels (errors, AT (path, "categories"), member_of (names, "categories"));
}

static void
check_group (KubeFieldErrors *errors, const KubeFieldPath *path, const char *group)
{
  if (*group == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  kube_validate_format (errors, path, KUBE_NAME_DNS1123_SUBDOMAIN, group);
  if (kube_name_is_valid (KUBE_NAME_DNS1123_SUBDOMAIN, group) && strchr (group, '.') == NULL)
    kube_field_errors_invalid (errors, path, group, "should be a domain with at least one dot");
}

static void
check_versions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *versions)
{
  guint n_stored = 0;

  for (guint i = 0; i < kube_value_get_length (versions); i++) {
    KubeValue *version = kube_value_get_element (versions, i);

    n_stored += boolean_of (version, "storage");
    kube_validate_format (errors, AT (AT_INDEX (path, i), "name"), KUBE_NAME_DNS1035_LABEL, string_of (version, "name"));
  }
  if (n_stored != 1)
    kube_field_errors_invalid_value (errors, path, versions, "must have exactly one version marked as storage version");
}

static void
create_definition (KubeFieldErrors *errors, KubeValue *object)
{
  static const char *const scopes[] = { "Cluster", "Namespaced", NULL };
  KubeValue *spec = member_of (object, "spec"), *names = member_of (spec, "names");
  const char *name = string_of (member_of (object, "metadata"), "name"), *group = string_of (spec, "group");
  g_autofree char *required = g_strconcat (string_of (names, "plural"), ".", group, NULL);
  const KubeFieldPath *path = AT (NULL, "spec");

  if (*name != '\0' && !equals (name, required))
    kube_field_errors_invalid (errors, AT (AT (NULL, "metadata"), "name"), name, "must be spec.names.plural+\".\"+spec.group");
  check_group (errors, AT (path, "group"), group);
  if (!has_text (spec, "scope"))
    kube_field_errors_required (errors, AT (path, "scope"), NULL);
  else if (!kube_validate_one_of (string_of (spec, "scope"), scopes))
    kube_field_errors_not_supported (errors, AT (path, "scope"), string_of (spec, "scope"), scopes);
  check_versions (errors, AT (path, "versions"), member_of (spec, "versions"));
  check_names (errors, AT (path, "names"), names);
}

const KubeValidateRules kube_validate_definition_rules[] = {
  { "apiextensions.k8s.io", "CustomResourceDefinition", KUBE_NAME_RULE_SUBDOMAIN, KUBE_VALIDATE_META_ON_UPDATE | KUBE_VALIDATE_AGAIN_ON_UPDATE | KUBE_VALIDATE_ANY_FINALIZER,
    create_definition, NULL, NULL },
  { NULL },
};
