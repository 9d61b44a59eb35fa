/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#define MODE_RANGE "must be a number between 0 and 0777 (octal), both inclusive"

static void
require (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key)
{
  if (!has_text (object, key))
    kube_field_errors_required (errors, AT (path, key), NULL);
}

void
kube_validate_path_no_backsteps (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  for (const char *at = text; (at = strstr (at, "..")) != NULL; at += 2)
    if ((at == text || at[-1] == '/') && (at[2] == '/' || at[2] == '\0')) {
      kube_field_errors_invalid (errors, path, text, "must not contain '..'");
      return;
    }
}

void
kube_validate_local_path (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  if (*text == '/')
    kube_field_errors_invalid (errors, path, text, "must be a relative path");
  kube_validate_path_no_backsteps (errors, path, text);
}

static void
check_non_reserved_path (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  kube_validate_local_path (errors, path, text);
  if (g_str_has_prefix (text, "..") && !g_str_has_prefix (text, "../"))
    kube_field_errors_invalid (errors, path, text, "must not start with '..'");
}

static void
check_mode (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key)
{
  gint64 mode = integer_of (object, key, 0);

  if (mode < 0 || mode > 0777)
    kube_field_errors_invalid_integer (errors, AT (path, key), mode, MODE_RANGE);
}

static void
check_key_to_path (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *item)
{
  require (errors, path, item, "key");
  require (errors, path, item, "path");
  check_non_reserved_path (errors, AT (path, "path"), string_of (item, "path"));
  check_mode (errors, path, item, "mode");
}

static void
check_items (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  KubeValue *items = member_of (source, "items");

  for (guint i = 0; i < kube_value_get_length (items); i++)
    check_key_to_path (errors, AT_INDEX (AT (path, "items"), i), kube_value_get_element (items, i));
}

static void
check_host_path (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  static const char *const types[] = { "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket", NULL };

  if (!has_text (source, "path")) {
    kube_field_errors_required (errors, AT (path, "path"), NULL);
    return;
  }
  kube_validate_path_no_backsteps (errors, AT (path, "path"), string_of (source, "path"));
  if (!kube_validate_one_of (string_of (source, "type"), types))
    kube_field_errors_not_supported (errors, AT (path, "type"), string_of (source, "type"), types);
}

static void
check_git_repo (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "repository");
  kube_validate_local_path (errors, AT (path, "directory"), string_of (source, "directory"));
}

/* 0 is none; upstream's message does not say so. */
static void
check_partition (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  gint64 partition = integer_of (source, "partition", 0);

  if (partition < 0 || partition > 255)
    kube_field_errors_invalid_integer (errors, AT (path, "partition"), partition, "must be between 1 and 255, inclusive");
}

static void
check_gce (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "pdName");
  check_partition (errors, path, source);
}

static void
check_aws (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "volumeID");
  check_partition (errors, path, source);
}

static void
check_secret (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "secretName");
  check_mode (errors, path, source, "defaultMode");
  check_items (errors, path, source);
}

static void
check_config_map (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "name");
  check_mode (errors, path, source, "defaultMode");
  check_items (errors, path, source);
}

static void
check_nfs (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "server");
  require (errors, path, source, "path");
  if (*string_of (source, "path") != '/')
    kube_field_errors_invalid (errors, AT (path, "path"), string_of (source, "path"), "must be an absolute path");
}

/* @kind: what is said of a name of no kind. */
static void
check_iscsi_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, const char *kind)
{
  static const struct {
    const char *prefix, *pattern;
  } kinds[] = {
    { "iqn", "iqn\\.\\d{4}-\\d{2}\\.([[:alnum:].-]+)(:[^,;*&$|\\s]+)$" },
    { "eui", "^eui.[[:alnum:]]{16}$" },
    { "naa", "^naa.[[:alnum:]]{32}$" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    if (!g_str_has_prefix (name, kinds[i].prefix))
      continue;
    if (!g_regex_match_simple (kinds[i].pattern, name, G_REGEX_DOLLAR_ENDONLY, 0))
      kube_field_errors_invalid (errors, path, name, "must be valid format");
    return;
  }
  kube_field_errors_invalid (errors, path, name, kind);
}

void
kube_validate_iscsi_target (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source, const char *kind)
{
  gint64 lun = integer_of (source, "lun", 0);

  if (has_text (source, "iqn"))
    check_iscsi_name (errors, AT (path, "iqn"), string_of (source, "iqn"), kind);
  else
    kube_field_errors_required (errors, AT (path, "iqn"), NULL);
  if (lun < 0 || lun > 255)
    kube_field_errors_invalid_integer (errors, AT (path, "lun"), lun, "must be between 0 and 255, inclusive");
  if ((boolean_of (source, "chapAuthDiscovery") || boolean_of (source, "chapAuthSession")) && !has_member (source, "secretRef"))
    kube_field_errors_required (errors, AT (path, "secretRef"), NULL);
}

void
kube_validate_iscsi_initiator (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source, const char *kind)
{
  if (has_member (source, "initiatorName"))
    check_iscsi_name (errors, AT (path, "initiatorname"), string_of (source, "initiatorName"), kind);
}

static void
check_iscsi (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  static const char kind[] = "must be valid format starting with iqn, eui, or naa";

  require (errors, path, source, "targetPortal");
  kube_validate_iscsi_target (errors, path, source, kind);
  kube_validate_iscsi_initiator (errors, path, source, kind);
}

static void
check_glusterfs (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "endpoints");
  require (errors, path, source, "path");
}

static void
check_claim (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "claimName");
}

static void
check_rbd (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  if (kube_value_get_length (member_of (source, "monitors")) == 0)
    kube_field_errors_required (errors, AT (path, "monitors"), NULL);
  require (errors, path, source, "image");
}

static void
check_cinder (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "volumeID");
  if (has_member (source, "secretRef") && !has_text (member_of (source, "secretRef"), "name"))
    kube_field_errors_required (errors, AT (AT (path, "secretRef"), "name"), NULL);
}

static void
check_ceph_fs (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  if (kube_value_get_length (member_of (source, "monitors")) == 0)
    kube_field_errors_required (errors, AT (path, "monitors"), NULL);
}

static void
check_downward_file (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *file)
{
  static const char *const fields[] = { "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid", NULL };
  KubeValue *field_ref = member_of (file, "fieldRef"), *resource_ref = member_of (file, "resourceFieldRef");

  require (errors, path, file, "path");
  check_non_reserved_path (errors, AT (path, "path"), string_of (file, "path"));
  if (field_ref != NULL) {
    kube_validate_field_ref (errors, AT (path, "fieldRef"), field_ref, fields);
    if (resource_ref != NULL)
      kube_field_errors_invalid (errors, path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (resource_ref != NULL) {
    kube_validate_resource_field_ref (errors, AT (path, "resourceFieldRef"), resource_ref, TRUE);
  } else {
    kube_field_errors_required (errors, path, "one of fieldRef and resourceFieldRef is required");
  }
  check_mode (errors, path, file, "mode");
}

static void
check_downward (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  KubeValue *items = member_of (source, "items");

  check_mode (errors, path, source, "defaultMode");
  for (guint i = 0; i < kube_value_get_length (items); i++)
    check_downward_file (errors, path, kube_value_get_element (items, i));
}

static void
check_fc (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  guint names = kube_value_get_length (member_of (source, "targetWWNs")), ids = kube_value_get_length (member_of (source, "wwids"));
  gint64 lun = integer_of (source, "lun", 0);

  if (names == 0 && ids == 0)
    kube_field_errors_required (errors, AT (path, "targetWWNs"), "must specify either targetWWNs or wwids, but not both");
  if (names != 0 && ids != 0)
    kube_field_errors_invalid_value (errors, AT (path, "targetWWNs"), member_of (source, "targetWWNs"), "targetWWNs and wwids can not be specified simultaneously");
  if (names == 0)
    return;
  if (!has_member (source, "lun"))
    kube_field_errors_required (errors, AT (path, "lun"), "lun is required if targetWWNs is specified");
  else if (lun < 0 || lun > 255)
    kube_field_errors_invalid_integer (errors, AT (path, "lun"), lun, "must be between 0 and 255, inclusive");
}

static void
check_flex (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  KubeValue *options = member_of (source, "options");

  require (errors, path, source, "driver");
  for (guint i = 0; i < kube_value_get_length (options); i++) {
    const char *key = kube_value_get_key (options, i), *slash = strchr (key, '/');
    g_autofree char *prefix = g_strndup (key, slash != NULL ? (gsize)(slash - key) : strlen (key));
    g_autofree char *lower = g_utf8_strdown (prefix, -1);
    g_autofree char *domain = g_strconcat (".", lower, NULL);
    if (g_str_has_suffix (domain, ".kubernetes.io") || g_str_has_suffix (domain, ".k8s.io"))
      kube_field_errors_invalid (errors, AT_KEY (AT (path, "options"), key), key, "kubernetes.io and k8s.io namespaces are reserved");
  }
}

static void
check_azure_file (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "secretName");
  require (errors, path, source, "shareName");
}

static void
check_azure_disk (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  static const char *const caching[] = { "None", "ReadOnly", "ReadWrite", NULL }, *const kinds[] = { "Dedicated", "Managed", "Shared", NULL };
  static const char *const managed[] = { "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}", NULL };
  static const char *const blob[] = { "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd", NULL };
  const char *uri = string_of (source, "diskURI"), *kind = string_of (source, "kind");
  gboolean is_managed = equals (kind, "Managed");

  require (errors, path, source, "diskName");
  require (errors, path, source, "diskURI");
  if (has_member (source, "cachingMode") && !kube_validate_one_of (string_of (source, "cachingMode"), caching))
    kube_field_errors_not_supported (errors, AT (path, "cachingMode"), string_of (source, "cachingMode"), caching);
  if (!has_member (source, "kind"))
    return;
  if (!kube_validate_one_of (kind, kinds))
    kube_field_errors_not_supported (errors, AT (path, "kind"), kind, kinds);
  if (!g_str_has_prefix (uri, is_managed ? "/subscriptions/" : "https://"))
    kube_field_errors_not_supported (errors, AT (path, "diskURI"), uri, is_managed ? managed : blob);
}

static void
check_vsphere (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "volumePath");
}

static void
check_photon (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "pdID");
}

static void
check_portworx (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "volumeID");
}

static void
check_scale_io (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  require (errors, path, source, "gateway");
  require (errors, path, source, "system");
  require (errors, path, source, "volumeName");
}

static void
check_flocker (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  gboolean name = has_text (source, "datasetName"), uuid = has_text (source, "datasetUUID");

  if (!name && !uuid)
    kube_field_errors_required (errors, path, "one of datasetName and datasetUUID is required");
  if (name && uuid)
    kube_field_errors_invalid (errors, path, "resource", "datasetName and datasetUUID can not be specified simultaneously");
  if (strchr (string_of (source, "datasetName"), '/') != NULL)
    kube_field_errors_invalid (errors, AT (path, "datasetName"), string_of (source, "datasetName"), "must not contain '/'");
}

/* host:port, the host in brackets where it has colons of its own */
static gboolean
is_host_and_port (const char *text)
{
  const char *colon = strrchr (text, ':'), *bracket = strrchr (text, ']');
  gsize host;

  if (colon == NULL)
    return FALSE;
  if (*text == '[')
    return bracket != NULL && bracket + 1 == colon && strpbrk (text + 1, "[]") == bracket;
  host = strcspn (text, ":[]");
  return text + host == colon && strpbrk (colon, "[]") == NULL;
}

static void
check_quobyte (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  static const char pairs[] = "must be a host:port pair or multiple pairs separated by commas";
  const char *registry = string_of (source, "registry");
  g_auto (GStrv) parts = g_strsplit (registry, ",", -1);

  if (*registry == '\0')
    kube_field_errors_required (errors, AT (path, "registry"), pairs);
  else if (strlen (string_of (source, "tenant")) >= 65)
    kube_field_errors_required (errors, AT (path, "tenant"), "must be a UUID and may not exceed a length of 64 characters");
  else
    for (guint i = 0; parts[i] != NULL; i++)
      if (!is_host_and_port (parts[i]))
        kube_field_errors_invalid (errors, AT (path, "registry"), registry, pairs);
  require (errors, path, source, "volume");
}

static void
check_storage_os (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  if (!has_text (source, "volumeName"))
    kube_field_errors_required (errors, AT (path, "volumeName"), NULL);
  else
    kube_validate_format (errors, AT (path, "volumeName"), KUBE_NAME_DNS1123_LABEL, string_of (source, "volumeName"));
  if (has_text (source, "volumeNamespace"))
    kube_validate_format (errors, AT (path, "volumeNamespace"), KUBE_NAME_DNS1123_LABEL, string_of (source, "volumeNamespace"));
  if (has_member (source, "secretRef") && !has_text (member_of (source, "secretRef"), "name"))
    kube_field_errors_required (errors, AT (AT (path, "secretRef"), "name"), NULL);
}

void
kube_validate_csi_driver (KubeFieldErrors *errors, const KubeFieldPath *path, const char *driver)
{
  g_autoptr (GPtrArray) messages = NULL;
  g_autofree char *lower = NULL;

  if (*driver == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (strlen (driver) > 63)
    kube_field_errors_too_long (errors, path, 63);
  if (kube_name_is_valid (KUBE_NAME_DNS1123_SUBDOMAIN, driver))
    return;
  lower = g_utf8_strdown (driver, -1);
  messages = kube_name_check_all (KUBE_NAME_DNS1123_SUBDOMAIN, lower);
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    kube_field_errors_invalid (errors, path, driver, messages->pdata[i]);
}

static void
check_csi (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  KubeValue *secret = member_of (source, "nodePublishSecretRef");

  kube_validate_csi_driver (errors, AT (path, "driver"), string_of (source, "driver"));
  if (secret != NULL && !has_text (secret, "name"))
    kube_field_errors_required (errors, AT (AT (path, "nodePublishSecretRef"), "name"), NULL);
  else if (secret != NULL)
    kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (secret, "name"));
}

static void
check_ephemeral (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  KubeValue *claim = member_of (source, "volumeClaimTemplate");
  KubeValue *meta = member_of (claim, "metadata");
  const KubeFieldPath *at = AT (path, "volumeClaimTemplate");

  if (claim == NULL) {
    kube_field_errors_required (errors, at, NULL);
    return;
  }
  kube_validate_annotations (errors, AT (AT (at, "metadata"), "annotations"), member_of (meta, "annotations"));
  kube_validate_labels (errors, AT (AT (at, "metadata"), "labels"), member_of (meta, "labels"));
  for (guint i = 0; i < kube_value_get_length (meta); i++) {
    const char *key = kube_value_get_key (meta, i);
    if (!equals (key, "annotations") && !equals (key, "labels") && !kube_value_is_null (kube_value_get_element (meta, i)))
      kube_field_errors_forbidden (errors, AT (AT (at, "metadata"), key), "cannot be set");
  }
  kube_validate_volume_claim_spec (errors, AT (at, "spec"), member_of (claim, "spec"));
}

static void
check_unique_path (KubeFieldErrors *errors, const KubeFieldPath *path, NameSet *paths, const char *text, const char *bad)
{
  if (*text != '\0' && !name_set_add (paths, text))
    kube_field_errors_invalid (errors, path, bad, "conflicting duplicate paths");
}

static void
check_projected_items (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeFieldPath *volume, KubeValue *source, NameSet *paths)
{
  KubeValue *items = member_of (source, "items");

  require (errors, path, source, "name");
  for (guint i = 0; i < kube_value_get_length (items); i++) {
    KubeValue *item = kube_value_get_element (items, i);
    check_key_to_path (errors, AT_INDEX (AT (path, "items"), i), item);
    check_unique_path (errors, volume, paths, string_of (item, "path"), string_of (source, "name"));
  }
}

static void
check_projected_token (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeFieldPath *volume, KubeValue *token)
{
  gint64 seconds = integer_of (token, "expirationSeconds", 0);

  if (seconds < 600)
    kube_field_errors_invalid_integer (errors, AT (path, "expirationSeconds"), seconds, "may not specify a duration less than 10 minutes");
  if (seconds > G_GINT64_CONSTANT (1) << 32)
    kube_field_errors_invalid_integer (errors, AT (path, "expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds");
  if (!has_text (token, "path"))
    kube_field_errors_required (errors, AT (volume, "path"), NULL);
  else
    check_non_reserved_path (errors, AT (volume, "path"), string_of (token, "path"));
}

/* The name of a signer's bundle has the signer's before its last colon. */
static void
check_bundle_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  const char *colon = strrchr (name, ':');
  g_autoptr (GPtrArray) messages = kube_name_check_all (KUBE_NAME_DNS1123_SUBDOMAIN, colon != NULL ? colon + 1 : name);

  if (*name == '\0')
    kube_field_errors_required (errors, path, "must be a valid object name");
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    kube_field_errors_invalid_format (errors, path, name, "not a valid clustertrustbundlename: %s", (char *)messages->pdata[i]);
}

static void
check_trust_bundle (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeFieldPath *volume, KubeValue *bundle, NameSet *paths)
{
  gboolean name = has_member (bundle, "name"), signer = has_member (bundle, "signerName");
  KubeValue *selector = member_of (bundle, "labelSelector");

  if (name && signer) {
    kube_validate_invalid_struct (errors, path, "@core.ClusterTrustBundleProjection", bundle, "only one of name and signerName may be used");
  } else if (name) {
    check_bundle_name (errors, AT (path, "name"), string_of (bundle, "name"));
    if (selector != NULL)
      kube_field_errors_invalid_value (errors, AT (path, "labelSelector"), selector, "labelSelector must be unset if name is specified");
  } else if (signer) {
    if (!has_text (bundle, "signerName"))
      kube_field_errors_required (errors, AT (path, "signerName"), "must be a valid signer name");
    kube_validate_signer_name (errors, AT (path, "signerName"), string_of (bundle, "signerName"));
    kube_validate_label_selector (errors, AT (path, "labelSelector"), selector);
  } else {
    kube_field_errors_required (errors, path, "either name or signerName must be specified");
  }
  require (errors, path, bundle, "path");
  check_non_reserved_path (errors, AT (path, "path"), string_of (bundle, "path"));
  check_unique_path (errors, volume, paths, string_of (bundle, "path"), string_of (bundle, "path"));
}

static void
check_projection (KubeFieldErrors *errors, const KubeFieldPath *path, const KubeFieldPath *volume, KubeValue *source, NameSet *paths)
{
  KubeValue *secret = member_of (source, "secret"), *config_map = member_of (source, "configMap"), *downward = member_of (source, "downwardAPI"),
            *token = member_of (source, "serviceAccountToken"), *bundle = member_of (source, "clusterTrustBundle"),
            *certificate = member_of (source, "podCertificate");
  KubeValue *items = member_of (downward, "items");
  int n = (secret != NULL) + (config_map != NULL) + (downward != NULL) + (token != NULL) + (bundle != NULL) + (certificate != NULL);

  if (secret != NULL)
    check_projected_items (errors, AT (path, "secret"), volume, secret, paths);
  if (config_map != NULL)
    check_projected_items (errors, AT (path, "configMap"), volume, config_map, paths);
  for (guint i = 0; i < kube_value_get_length (items); i++) {
    const char *text = string_of (kube_value_get_element (items, i), "path");
    check_downward_file (errors, AT (path, "downwardAPI"), kube_value_get_element (items, i));
    check_unique_path (errors, volume, paths, text, text);
  }
  if (token != NULL)
    check_projected_token (errors, AT (path, "serviceAccountToken"), volume, token);
  if (bundle != NULL)
    check_trust_bundle (errors, AT (path, "clusterTrustBundle"), volume, bundle, paths);
  if (n > 1)
    kube_field_errors_forbidden (errors, path, "may not specify more than 1 volume type per source");
}

static void
check_projected (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *volume)
{
  KubeValue *sources = member_of (volume, "sources");
  g_auto (NameSet) paths = { 0 };

  check_mode (errors, path, volume, "defaultMode");
  for (guint i = 0; i < kube_value_get_length (sources); i++)
    check_projection (errors, AT_INDEX (AT (path, "sources"), i), path, kube_value_get_element (sources, i), &paths);
}

static void
check_image (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  static const char *const policies[] = { "Always", "IfNotPresent", "Never", NULL };

  kube_validate_enum (errors, AT (path, "pullPolicy"), string_of (source, "pullPolicy"), "", policies);
}

static void
check_empty_dir (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  KubeQuantity limit;

  if (kube_validate_get_quantity (source, "sizeLimit", &limit) && limit.value < 0)
    kube_field_errors_forbidden (errors, AT (path, "sizeLimit"), "SizeLimit field must be a valid resource quantity");
}

/* In upstream's order, with the names that its paths have where they are not the field's. */
static const struct {
  const char *field;
  void (*check) (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source);
  const char *path;
  const char *path_of_another;
} sources[] = {
  { "emptyDir", check_empty_dir, NULL, NULL },
  { "hostPath", check_host_path, NULL, NULL },
  { "gitRepo", check_git_repo, NULL, NULL },
  { "gcePersistentDisk", check_gce, "persistentDisk", NULL },
  { "awsElasticBlockStore", check_aws, NULL, NULL },
  { "secret", check_secret, NULL, NULL },
  { "nfs", check_nfs, NULL, NULL },
  { "iscsi", check_iscsi, NULL, NULL },
  { "glusterfs", check_glusterfs, NULL, NULL },
  { "flocker", check_flocker, NULL, NULL },
  { "persistentVolumeClaim", check_claim, NULL, NULL },
  { "rbd", check_rbd, NULL, NULL },
  { "cinder", check_cinder, NULL, NULL },
  { "cephfs", check_ceph_fs, NULL, "cephFS" },
  { "quobyte", check_quobyte, NULL, NULL },
  { "downwardAPI", check_downward, NULL, "downwarAPI" },
  { "fc", check_fc, NULL, NULL },
  { "flexVolume", check_flex, NULL, NULL },
  { "configMap", check_config_map, NULL, NULL },
  { "azureFile", check_azure_file, NULL, NULL },
  { "vsphereVolume", check_vsphere, NULL, NULL },
  { "photonPersistentDisk", check_photon, NULL, NULL },
  { "portworxVolume", check_portworx, NULL, NULL },
  { "azureDisk", check_azure_disk, NULL, NULL },
  { "storageos", check_storage_os, NULL, NULL },
  { "projected", check_projected, NULL, NULL },
  { "scaleIO", check_scale_io, NULL, NULL },
  { "csi", check_csi, NULL, NULL },
  { "ephemeral", check_ephemeral, NULL, NULL },
  { "image", check_image, NULL, NULL },
};

void
kube_validate_volume_source (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name, KubeValue *source)
{
  for (gsize s = 0; s < G_N_ELEMENTS (sources); s++)
    if (equals (sources[s].field, name))
      sources[s].check (errors, AT (path, sources[s].path != NULL ? sources[s].path : name), source);
}

static void
check_claim_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *pod, const char *volume)
{
  g_autofree char *name = NULL;
  g_autoptr (GString) quoted = NULL;
  g_autoptr (GPtrArray) messages = NULL;

  if (*pod == '\0' || *volume == '\0')
    return;
  name = g_strconcat (pod, "-", volume, NULL);
  messages = kube_name_check_all (KUBE_NAME_DNS1123_SUBDOMAIN, name);
  for (guint i = 0; messages != NULL && i < messages->len; i++) {
    g_autofree char *detail = NULL;
    quoted = quoted != NULL ? quoted : g_string_new (NULL);
    g_string_truncate (quoted, 0);
    kube_go_quote (quoted, name, -1);
    detail = g_strdup_printf ("PVC name %s: %s", quoted->str, (char *) messages->pdata[i]);
    kube_field_errors_invalid (errors, AT (path, "name"), volume, detail);
  }
}

static void
check_source (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *volume, KubeValue *meta, gboolean is_pod)
{
  gboolean found = FALSE;

  /* A volume has few members: look only at what it has. */
  for (gsize s = 0; s < G_N_ELEMENTS (sources); s++) {
    KubeValue *source = member_of (volume, sources[s].field);

    if (source == NULL)
      continue;
    if (found) {
      kube_field_errors_forbidden (errors, AT (path, sources[s].path_of_another != NULL ? sources[s].path_of_another : sources[s].field),
                                   "may not specify more than 1 volume type");
      continue;
    }
    found = TRUE;
    if (is_pod && equals (sources[s].field, "image") && !has_text (source, "reference"))
      kube_field_errors_required (errors, AT (AT (path, "image"), "reference"), NULL);
    sources[s].check (errors, AT (path, sources[s].path != NULL ? sources[s].path : sources[s].field), source);
    if (equals (sources[s].field, "ephemeral") && meta != NULL)
      check_claim_name (errors, path, string_of (meta, "name"), string_of (volume, "name"));
  }
  if (!found)
    kube_field_errors_required (errors, path, "must specify a volume type");
}

/* A claim that the pod will make for an ephemeral volume cannot be one that it asks for. */
static gboolean
is_made_by_pod (KubeValue *volumes, KubeValue *meta, const char *claim)
{
  const char *pod = string_of (meta, "name");
  gsize length = strlen (pod);

  if (length == 0 || strncmp (claim, pod, length) != 0 || claim[length] != '-')
    return FALSE;
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i);
    if (has_member (volume, "ephemeral") && equals (string_of (volume, "name"), claim + length + 1))
      return TRUE;
  }
  return FALSE;
}

/* Adds the names of the volumes that are good to @good. */
void
kube_validate_pod_volumes (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *volumes, KubeValue *meta, gboolean is_pod, NameSet *good)
{
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i);
    const char *name = string_of (volume, "name"), *claim = string_of (member_of (volume, "persistentVolumeClaim"), "claimName");
    const KubeFieldPath *at = AT_INDEX (path, i);
    guint before = kube_field_errors_get_length (errors);

    check_source (errors, at, volume, meta, is_pod);
    if (*name == '\0')
      kube_field_errors_required (errors, AT (at, "name"), NULL);
    else
      kube_validate_format (errors, AT (at, "name"), KUBE_NAME_DNS1123_LABEL, name);
    if (name_set_has (good, name))
      kube_field_errors_duplicate (errors, AT (at, "name"), name);
    else if (kube_field_errors_get_length (errors) == before)
      name_set_add (good, name);
    if (*claim != '\0' && is_made_by_pod (volumes, meta, claim))
      kube_field_errors_invalid (errors, AT (AT (at, "persistentVolumeClaim"), "claimName"), claim,
                                 "must not reference a PVC that gets created for an ephemeral volume");
  }
}
