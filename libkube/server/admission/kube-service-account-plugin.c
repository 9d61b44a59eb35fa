/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "admission/kube-admission-private.h"

#include <kube/kube-names.h>

/* Pods get the service account "default" where they name none, its pull secrets, and a volume with a token of theirs, the cluster's CA and their namespace. */

#define VOLUME_PREFIX "kube-api-access-"
#define MOUNT_PATH "/var/run/secrets/kubernetes.io/serviceaccount"
#define MIRROR "kubernetes.io/config.mirror"
#define MOUNTABLE_ONLY "kubernetes.io/enforce-mountable-secrets"

static const char token_sources[] =
  "{\"defaultMode\":420,\"sources\":["
  "{\"serviceAccountToken\":{\"expirationSeconds\":3607,\"path\":\"token\"}},"
  "{\"configMap\":{\"items\":[{\"key\":\"ca.crt\",\"path\":\"ca.crt\"}],\"name\":\"kube-root-ca.crt\"}},"
  "{\"downwardAPI\":{\"items\":[{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.namespace\"},\"path\":\"namespace\"}]}}]}";

static gboolean
wants_token (KubeNode *root, KubeObject *account)
{
  KubeNode *own = kube_node_get (root, "spec.automountServiceAccountToken");

  if (own != NULL && kube_node_get_value_type (own) == KUBE_VALUE_BOOLEAN)
    return kube_node_get_boolean (own, "", TRUE);
  return kube_object_get_boolean (account, "automountServiceAccountToken", TRUE);
}

static const char *
find_volume (KubeNode *root)
{
  KubeNode *volumes = kube_node_get (root, "spec.volumes");

  for (guint i = 0; i < kube_node_get_length (volumes); i++) {
    const char *name = kube_node_get_string (kube_node_get_element (volumes, i), "name");
    if (name != NULL && g_str_has_prefix (name, VOLUME_PREFIX))
      return name;
  }
  return NULL;
}

static gboolean
has_mount (KubeNode *container)
{
  KubeNode *mounts = kube_node_get_member (container, "volumeMounts");

  for (guint i = 0; i < kube_node_get_length (mounts); i++) {
    if (g_strcmp0 (kube_node_get_string (kube_node_get_element (mounts, i), "mountPath"), MOUNT_PATH) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
mount_in (KubeNode *containers, const char *volume)
{
  gboolean mounted = FALSE;

  for (guint i = 0; i < kube_node_get_length (containers); i++) {
    KubeNode *container = kube_node_get_element (containers, i);
    KubeNode *mount;

    if (kube_node_get_value_type (container) != KUBE_VALUE_OBJECT || has_mount (container))
      continue;
    mount = kube_node_append_object (kube_node_ensure_array (container, "volumeMounts"));
    kube_node_put_string (mount, "name", volume);
    kube_node_set_boolean (mount, "readOnly", TRUE);
    kube_node_put_string (mount, "mountPath", MOUNT_PATH);
    mounted = TRUE;
  }
  return mounted;
}

static void
add_token_volume (KubeNode *root)
{
  const char *present = find_volume (root);
  g_autofree char *name = present != NULL ? g_strdup (present) : kube_name_generate (VOLUME_PREFIX);
  gboolean mounted = mount_in (kube_node_get (root, "spec.initContainers"), name);
  g_autoptr (KubeValue) sources = NULL;
  KubeNode *volume;

  mounted |= mount_in (kube_node_get (root, "spec.containers"), name);
  if (present != NULL || !mounted)
    return;
  sources = kube_value_parse (token_sources, -1, NULL);
  volume = kube_node_append_object (kube_node_ensure_array (root, "spec.volumes"));
  kube_node_put_string (volume, "name", name);
  kube_node_put_value (volume, "projected", sources);
}

static KubeObject *
look_up (KubeAdmission *admission, const char *name, GError **error)
{
  g_autoptr (GError) failure = NULL;
  KubeObject *account = kube_admission_get (admission, "v1", "ServiceAccount", admission->info->namespace_, name, &failure);

  if (account != NULL)
    return account;
  if (g_error_matches (failure, KUBE_ERROR, KUBE_ERROR_NOT_FOUND))
    kube_admission_forbid (admission, error, "error looking up service account %s/%s: serviceaccount \"%s\" not found", admission->info->namespace_,
                           name, name);
  else
    g_propagate_error (error, g_steal_pointer (&failure));
  return NULL;
}

static gboolean
mutate (KubeAdmission *admission, GError **error)
{
  KubeNode *root = kube_admission_get_root (admission);
  g_autoptr (KubeObject) account = NULL;
  g_autofree char *name = NULL;

  if (!kube_admission_is (admission, "", "pods") || kube_node_get_member (kube_node_get (root, "metadata.annotations"), MIRROR) != NULL)
    return TRUE;
  name = g_strdup (kube_node_get_string (root, "spec.serviceAccountName"));
  if (name == NULL || *name == '\0') {
    g_free (name);
    name = g_strdup ("default");
    kube_node_set_string (root, "spec.serviceAccountName", name);
    kube_node_set_string (root, "spec.serviceAccount", name);
  }
  account = look_up (admission, name, error);
  if (account == NULL)
    return FALSE;
  if (wants_token (root, account))
    add_token_volume (root);
  if (kube_node_get_length (kube_node_get (root, "spec.imagePullSecrets")) == 0 &&
      kube_value_get_length (kube_object_get (account, "imagePullSecrets")) > 0)
    kube_node_set_value (root, "spec.imagePullSecrets", kube_object_get (account, "imagePullSecrets"));
  return TRUE;
}

static gboolean
check_mirror (KubeAdmission *admission, GError **error)
{
  KubeValue *volumes = kube_object_get (admission->final, "spec.volumes");
  const char *account = kube_object_get_string (admission->final, "spec.serviceAccountName");

  if (account != NULL && *account != '\0')
    return kube_admission_forbid (admission, error, "a mirror pod may not reference service accounts");
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i);
    KubeValue *sources = kube_value_get (volume, "projected.sources");
    if (kube_value_get_member (volume, "secret") != NULL)
      return kube_admission_forbid (admission, error, "a mirror pod may not reference secrets");
    for (guint j = 0; j < kube_value_get_length (sources); j++) {
      if (kube_value_get_member (kube_value_get_element (sources, j), "serviceAccountToken") != NULL)
        return kube_admission_forbid (admission, error, "a mirror pod may not use ServiceAccountToken volume projections");
    }
  }
  return TRUE;
}

static gboolean
is_mountable (KubeObject *account, const char *secret)
{
  return kube_value_find_element (kube_object_get (account, "secrets"), "name", secret) != NULL;
}

static gboolean
check_secrets (KubeAdmission *admission, KubeObject *account, GError **error)
{
  KubeValue *volumes = kube_object_get (admission->final, "spec.volumes");

  if (g_strcmp0 (kube_object_get_annotation (account, MOUNTABLE_ONLY), "true") != 0)
    return TRUE;
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    const char *secret = kube_value_get_string (kube_value_get_element (volumes, i), "secret.secretName");
    if (secret != NULL && !is_mountable (account, secret))
      return kube_admission_forbid (admission, error, "volume with secret.secretName=\"%s\" is not allowed because service account %s does not reference that secret",
                                    secret, kube_object_get_name (account));
  }
  return TRUE;
}

static gboolean
validate (KubeAdmission *admission, GError **error)
{
  g_autoptr (KubeObject) account = NULL;
  const char *name;

  if (!kube_admission_is (admission, "", "pods"))
    return TRUE;
  if (kube_object_get_annotation (admission->final, MIRROR) != NULL)
    return check_mirror (admission, error);
  name = kube_object_get_string (admission->final, "spec.serviceAccountName");
  account = look_up (admission, name != NULL ? name : "default", error);
  return account != NULL && check_secrets (admission, account, error);
}

const KubeAdmissionPlugin kube_admission_service_account = { "ServiceAccount", KUBE_ADMIT_CREATE, mutate, validate };
