/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#define NOT_FOR_INIT "may not be set for init containers without restartPolicy=Always"
#define NOT_FOR_EPHEMERAL "cannot be set for an Ephemeral Container"

static const char *const pull_policies[] = { "Always", "IfNotPresent", "Never", NULL };

void
kube_validate_int_or_name_port (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *port)
{
  const char *name = kube_value_peek_string (port, NULL);

  if (name != NULL)
    kube_validate_format (errors, path, KUBE_NAME_PORT, name);
  else
    kube_validate_port_number (errors, path, kube_value_get_integer (port, NULL, 0));
}

static void
check_ports (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ports)
{
  static const char *const protocols[] = { "SCTP", "TCP", "UDP", NULL };
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    KubeValue *port = kube_value_get_element (ports, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    const char *name = string_of (port, "name");

    if (*name != '\0' && !kube_name_is_valid (KUBE_NAME_PORT, name))
      kube_validate_format (errors, AT (at, "name"), KUBE_NAME_PORT, name);
    else if (*name != '\0' && !name_set_add (&names, name))
      kube_field_errors_duplicate (errors, AT (at, "name"), name);
    if (integer_of (port, "containerPort", 0) == 0)
      kube_field_errors_required (errors, AT (at, "containerPort"), NULL);
    else
      kube_validate_port_number (errors, AT (at, "containerPort"), integer_of (port, "containerPort", 0));
    if (integer_of (port, "hostPort", 0) != 0)
      kube_validate_port_number (errors, AT (at, "hostPort"), integer_of (port, "hostPort", 0));
    kube_validate_enum (errors, AT (at, "protocol"), string_of (port, "protocol"), "", protocols);
  }
}

/* The names of fields as the v1 API converts them; NULL for one that it does not know. */
static const char *
convert_field (const char *path)
{
  static const char *const known[] = { "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
                                       "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs",
                                       "status.phase", "status.podIP", "status.podIPs", NULL };

  if (equals (path, "spec.host"))
    return "spec.nodeName";
  return kube_validate_one_of (path, known) ? path : NULL;
}

static gboolean
split_subscript (const char *path, char **before, char **subscript)
{
  const char *bracket = strstr (path, "['");

  if (bracket == NULL || bracket == path || !g_str_has_suffix (path, "']") || strlen (bracket) < 4)
    return FALSE;
  *before = g_strndup (path, (gsize) (bracket - path));
  *subscript = g_strndup (bracket + 2, strlen (bracket) - 4);
  return TRUE;
}

static void
check_subscript (KubeFieldErrors *errors, const KubeFieldPath *path, const char *field, const char *before, const char *subscript)
{
  g_autofree char *lower = NULL;

  if (equals (before, "metadata.annotations")) {
    lower = g_utf8_strdown (subscript, -1);
    kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, lower);
  } else if (equals (before, "metadata.labels")) {
    kube_validate_format (errors, path, KUBE_NAME_QUALIFIED, subscript);
  } else {
    kube_field_errors_invalid_format (errors, AT (path, "fieldPath"), field, "error converting fieldPath: field label does not support subscript: %s", field);
  }
}

void
kube_validate_field_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref, const char *const *valid)
{
  const char *version = string_of (ref, "apiVersion"), *field = string_of (ref, "fieldPath"), *converted;
  g_autofree char *before = NULL, *subscript = NULL;

  if (*version == '\0') {
    kube_field_errors_required (errors, AT (path, "apiVersion"), NULL);
    return;
  }
  if (*field == '\0') {
    kube_field_errors_required (errors, AT (path, "fieldPath"), NULL);
    return;
  }
  if (!equals (version, "v1")) {
    kube_field_errors_invalid_format (errors, AT (path, "fieldPath"), field, "error converting fieldPath: unsupported pod version: %s", version);
    return;
  }
  if (split_subscript (field, &before, &subscript)) {
    check_subscript (errors, path, field, before, subscript);
    return;
  }
  converted = convert_field (field);
  if (converted == NULL)
    kube_field_errors_invalid_format (errors, AT (path, "fieldPath"), field, "error converting fieldPath: field label not supported: %s", field);
  else if (!kube_validate_one_of (converted, valid))
    kube_field_errors_not_supported (errors, AT (path, "fieldPath"), converted, valid);
}

static void
check_divisor (KubeFieldErrors *errors, const KubeFieldPath *path, const char *resource, KubeValue *divisor)
{
  static const char *const cpu[] = { "1", "1m", NULL };
  static const char *const bytes[] = { "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei", NULL };
  const char *what = NULL;
  KubeQuantity quantity;
  g_autofree char *text = NULL;

  if (divisor == NULL || !kube_quantity_from_value (divisor, &quantity, NULL) || quantity.value == 0)
    return;
  text = kube_quantity_print (&quantity);
  if (g_str_has_suffix (resource, "s.cpu")) {
    if (!kube_validate_one_of (text, cpu))
      kube_field_errors_invalid (errors, AT (path, "divisor"), resource, "only divisor's values 1m and 1 are supported with the cpu resource");
    return;
  }
  if (g_str_has_suffix (resource, "s.memory"))
    what = "memory";
  else if (g_str_has_suffix (resource, "s.ephemeral-storage"))
    what = "local ephemeral storage";
  else if (strstr (resource, "s.hugepages-") != NULL)
    what = "hugepages";
  if (what != NULL && !kube_validate_one_of (text, bytes))
    kube_field_errors_invalid_format (
      errors, AT (path, "divisor"), resource,
      "only divisor's values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the %s resource", what);
}

void
kube_validate_resource_field_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref, gboolean volume)
{
  static const char *const valid[] = { "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
                                       "requests.cpu", "requests.ephemeral-storage", "requests.memory", NULL };
  const char *resource = string_of (ref, "resource");

  if (volume && !has_text (ref, "containerName"))
    kube_field_errors_required (errors, AT (path, "containerName"), NULL);
  else if (*resource == '\0')
    kube_field_errors_required (errors, AT (path, "resource"), NULL);
  else if (!kube_validate_one_of (resource, valid) && !g_str_has_prefix (resource, "requests.hugepages-") &&
           !g_str_has_prefix (resource, "limits.hugepages-"))
    kube_field_errors_not_supported (errors, AT (path, "resource"), resource, valid);
  check_divisor (errors, path, resource, member_of (ref, "divisor"));
}

static void
check_key_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref)
{
  kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_SUBDOMAIN, string_of (ref, "name"));
  if (!has_text (ref, "key"))
    kube_field_errors_required (errors, AT (path, "key"), NULL);
  else
    kube_validate_format (errors, AT (path, "key"), KUBE_NAME_CONFIG_MAP_KEY, string_of (ref, "key"));
}

static void
check_file_key_ref (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *ref)
{
  if (!has_text (ref, "key"))
    kube_field_errors_required (errors, AT (path, "key"), NULL);
  else
    kube_validate_format (errors, AT (path, "key"), KUBE_NAME_ENV_VAR, string_of (ref, "key"));
  if (!has_text (ref, "volumeName"))
    kube_field_errors_required (errors, AT (path, "volumeName"), NULL);
  else
    kube_validate_format (errors, AT (path, "volumeName"), KUBE_NAME_DNS1123_LABEL, string_of (ref, "volumeName"));
  if (!has_text (ref, "path"))
    kube_field_errors_required (errors, AT (path, "path"), NULL);
  else
    kube_validate_path_no_backsteps (errors, AT (path, "path"), string_of (ref, "path"));
}

static void
check_value_from (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *from, gboolean has_value)
{
  static const char *const fields[] = { "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
                                        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs", NULL };
  KubeValue *field = member_of (from, "fieldRef"), *resource = member_of (from, "resourceFieldRef"), *config_map = member_of (from, "configMapKeyRef"),
            *secret = member_of (from, "secretKeyRef"), *file = member_of (from, "fileKeyRef");
  int n = (field != NULL) + (resource != NULL) + (config_map != NULL) + (secret != NULL) + (file != NULL);

  if (field != NULL)
    kube_validate_field_ref (errors, AT (path, "fieldRef"), field, fields);
  if (resource != NULL)
    kube_validate_resource_field_ref (errors, AT (path, "resourceFieldRef"), resource, FALSE);
  if (config_map != NULL)
    check_key_ref (errors, AT (path, "configMapKeyRef"), config_map);
  if (secret != NULL)
    check_key_ref (errors, AT (path, "secretKeyRef"), secret);
  if (file != NULL)
    check_file_key_ref (errors, AT (path, "fileKeyRef"), file);

  if (n == 0)
    kube_field_errors_invalid (errors, path, "",
                               "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
  else if (has_value)
    kube_field_errors_invalid (errors, path, "", "may not be specified when `value` is not empty");
  else if (n > 1)
    kube_field_errors_invalid (errors, path, "", "may not have more than one field specified at a time");
}

static void
check_env (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *env)
{
  for (guint i = 0; i < kube_value_get_length (env); i++) {
    KubeValue *variable = kube_value_get_element (env, i), *from = member_of (variable, "valueFrom");
    const KubeFieldPath *at = AT_INDEX (path, i);

    if (!has_text (variable, "name"))
      kube_field_errors_required (errors, AT (at, "name"), NULL);
    else
      kube_validate_format (errors, AT (at, "name"), KUBE_NAME_ENV_VAR, string_of (variable, "name"));
    if (from != NULL)
      check_value_from (errors, AT (at, "valueFrom"), from, has_text (variable, "value"));
  }
}

static void
check_env_source (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *source)
{
  if (!has_text (source, "name"))
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  else
    kube_validate_name (errors, AT (path, "name"), KUBE_NAME_RULE_SUBDOMAIN, string_of (source, "name"), TRUE);
}

static void
check_env_from (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *env_from)
{
  for (guint i = 0; i < kube_value_get_length (env_from); i++) {
    KubeValue *from = kube_value_get_element (env_from, i);
    KubeValue *config_map = member_of (from, "configMapRef"), *secret = member_of (from, "secretRef");
    const KubeFieldPath *at = AT_INDEX (path, i);

    if (has_text (from, "prefix"))
      kube_validate_format (errors, AT (at, "prefix"), KUBE_NAME_ENV_VAR, string_of (from, "prefix"));
    if (config_map != NULL)
      check_env_source (errors, AT (at, "configMapRef"), config_map);
    if (secret != NULL)
      check_env_source (errors, AT (at, "secretRef"), secret);
    if (config_map == NULL && secret == NULL)
      kube_field_errors_invalid (errors, path, "", "must specify one of: `configMapRef` or `secretRef`");
    else if (config_map != NULL && secret != NULL)
      kube_field_errors_invalid (errors, path, "", "may not have more than one field specified at a time");
  }
}

static gboolean
has_entry (KubeValue *list, const char *key, const char *string)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (equals (string_of (kube_value_get_element (list, i), key), string))
      return TRUE;
  return FALSE;
}

static void
check_propagation (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *mount, KubeValue *container)
{
  static const char *const valid[] = { "Bidirectional", "HostToContainer", "None", NULL };
  const char *mode = string_of (mount, "mountPropagation");

  if (!has_member (mount, "mountPropagation"))
    return;
  if (!kube_validate_one_of (mode, valid))
    kube_field_errors_not_supported (errors, path, mode, valid);
  if (equals (mode, "Bidirectional") && !boolean_of (member_of (container, "securityContext"), "privileged"))
    kube_field_errors_forbidden (errors, path, "Bidirectional mount propagation is available only to privileged containers");
}

static void
check_recursive_read_only (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *mount)
{
  static const char *const valid[] = { "Disabled", "Enabled", "IfPossible", NULL };
  const char *mode = string_of (mount, "recursiveReadOnly"), *propagation = string_of (mount, "mountPropagation");

  if (!has_member (mount, "recursiveReadOnly") || equals (mode, "Disabled"))
    return;
  if (!kube_validate_one_of (mode, valid)) {
    kube_field_errors_not_supported (errors, path, mode, valid);
    return;
  }
  if (!boolean_of (mount, "readOnly"))
    kube_field_errors_forbidden (errors, path, "may only be specified when readOnly is true");
  if (*propagation != '\0' && !equals (propagation, "None"))
    kube_field_errors_forbidden (errors, path, "may only be specified when mountPropagation is None or not specified");
}

static void
check_mounts (KubePodCheck *check, const KubeFieldPath *path, KubeValue *container)
{
  KubeFieldErrors *errors = check->errors;
  KubeValue *mounts = member_of (container, "volumeMounts"), *devices = member_of (container, "volumeDevices");
  g_auto (NameSet) paths = { 0 };

  for (guint i = 0; i < kube_value_get_length (mounts); i++) {
    KubeValue *mount = kube_value_get_element (mounts, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    const char *name = string_of (mount, "name"), *where = string_of (mount, "mountPath"), *expression = string_of (mount, "subPathExpr");

    if (*name == '\0')
      kube_field_errors_required (errors, AT (at, "name"), NULL);
    if (!name_set_has (check->volumes, name))
      kube_field_errors_not_found (errors, AT (at, "name"), name);
    if (*where == '\0')
      kube_field_errors_required (errors, AT (at, "mountPath"), NULL);
    if (!name_set_add (&paths, where))
      kube_field_errors_invalid (errors, AT (at, "mountPath"), where, "must be unique");
    if (has_entry (devices, "name", name))
      kube_field_errors_invalid (errors, AT (at, "name"), name, "must not already exist in volumeDevices");
    if (has_entry (devices, "devicePath", where))
      kube_field_errors_invalid (errors, AT (at, "mountPath"), where, "must not already exist as a path in volumeDevices");
    kube_validate_local_path (errors, AT (path, "subPath"), string_of (mount, "subPath"));
    if (*expression != '\0' && has_text (mount, "subPath"))
      kube_field_errors_invalid (errors, AT (at, "subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive");
    kube_validate_local_path (errors, AT (path, "subPathExpr"), expression);
    check_propagation (errors, AT (path, "mountPropagation"), mount, container);
    check_recursive_read_only (errors, AT (path, "recursiveReadOnly"), mount);
  }
}

static gboolean
can_be_device (KubeValue *volumes, const char *name)
{
  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i);
    if (equals (string_of (volume, "name"), name))
      return has_member (volume, "persistentVolumeClaim") || has_member (volume, "ephemeral");
  }
  return FALSE;
}

static void
check_devices (KubePodCheck *check, const KubeFieldPath *path, KubeValue *container)
{
  KubeFieldErrors *errors = check->errors;
  KubeValue *mounts = member_of (container, "volumeMounts"), *devices = member_of (container, "volumeDevices");
  g_auto (NameSet) names = { 0 };
  g_auto (NameSet) paths = { 0 };

  for (guint i = 0; i < kube_value_get_length (devices); i++) {
    KubeValue *device = kube_value_get_element (devices, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    const char *name = string_of (device, "name"), *where = string_of (device, "devicePath");
    gboolean found = name_set_has (check->volumes, name);
    g_auto (KubeFieldErrors) steps = { 0 };

    if (*name == '\0')
      kube_field_errors_required (errors, AT (at, "name"), NULL);
    if (*name != '\0' && !name_set_add (&names, name))
      kube_field_errors_invalid (errors, AT (at, "name"), name, "must be unique");
    if (found && !can_be_device (member_of (check->spec, "volumes"), name))
      kube_field_errors_invalid (errors, AT (at, "name"), name,
                                 "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    if (!found)
      kube_field_errors_not_found (errors, AT (at, "name"), name);
    if (*where == '\0')
      kube_field_errors_required (errors, AT (at, "devicePath"), NULL);
    if (name_set_has (&paths, where))
      kube_field_errors_invalid (errors, AT (at, "devicePath"), where, "must be unique");
    kube_validate_path_no_backsteps (&steps, path, where);
    if (kube_field_errors_get_length (&steps) > 0)
      kube_field_errors_invalid (errors, AT (at, "devicePath"), where, "can not contain backsteps ('..')");
    else
      name_set_add (&paths, where);
    if (has_entry (mounts, "name", name))
      kube_field_errors_invalid (errors, AT (at, "name"), name, "must not already exist in volumeMounts");
    if (has_entry (mounts, "mountPath", where))
      kube_field_errors_invalid (errors, AT (at, "devicePath"), where, "must not already exist as a path in volumeMounts");
  }
}

static void
check_resize_policy (KubePodCheck *check, const KubeFieldPath *path, KubeValue *policies)
{
  static const char *const resources[] = { "cpu", "memory", NULL };
  static const char *const restarts[] = { "NotRequired", "RestartContainer", NULL };
  gboolean never = equals (string_of (check->spec, "restartPolicy"), "Never");
  g_auto (NameSet) names = { 0 };

  for (guint i = 0; i < kube_value_get_length (policies); i++) {
    KubeValue *policy = kube_value_get_element (policies, i);
    const char *resource = string_of (policy, "resourceName"), *restart = string_of (policy, "restartPolicy");

    if (!name_set_add (&names, resource))
      kube_field_errors_duplicate (check->errors, AT_INDEX (path, i), resource);
    kube_validate_enum (check->errors, path, resource, "", resources);
    kube_validate_enum (check->errors, path, restart, "", restarts);
    if (never && !equals (restart, "NotRequired"))
      kube_field_errors_invalid (check->errors, path, restart, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
  }
}

static void
check_common (KubePodCheck *check, const KubeFieldPath *path, KubeValue *container)
{
  static const char *const message_policies[] = { "File", "FallbackToLogsOnError", NULL };
  KubeFieldErrors *errors = check->errors;

  if (!has_text (container, "name"))
    kube_field_errors_required (errors, AT (path, "name"), NULL);
  else
    kube_validate_format (errors, AT (path, "name"), KUBE_NAME_DNS1123_LABEL, string_of (container, "name"));
  if (!has_text (container, "image"))
    kube_field_errors_required (errors, AT (path, "image"), NULL);
  kube_validate_enum (errors, AT (path, "terminationMessagePolicy"), string_of (container, "terminationMessagePolicy"), "", message_policies);
  check_ports (errors, AT (path, "ports"), member_of (container, "ports"));
  check_env (errors, AT (path, "env"), member_of (container, "env"));
  check_env_from (errors, AT (path, "envFrom"), member_of (container, "envFrom"));
  check_mounts (check, AT (path, "volumeMounts"), container);
  check_devices (check, AT (path, "volumeDevices"), container);
  kube_validate_enum (errors, AT (path, "imagePullPolicy"), string_of (container, "imagePullPolicy"), "", pull_policies);
  kube_validate_container_resources (errors, AT (path, "resources"), member_of (container, "resources"), check->claims);
  check_resize_policy (check, AT (path, "resizePolicy"), member_of (container, "resizePolicy"));
  kube_validate_security_context (errors, AT (path, "securityContext"), member_of (container, "securityContext"), check->host_users);
}

static void
check_http_get (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *action)
{
  static const char *const schemes[] = { "HTTP", "HTTPS", NULL };
  KubeValue *headers = member_of (action, "httpHeaders");

  if (!has_text (action, "path"))
    kube_field_errors_required (errors, AT (path, "path"), NULL);
  kube_validate_int_or_name_port (errors, AT (path, "port"), member_of (action, "port"));
  if (!kube_validate_one_of (string_of (action, "scheme"), schemes))
    kube_field_errors_not_supported (errors, AT (path, "scheme"), string_of (action, "scheme"), schemes);
  for (guint i = 0; i < kube_value_get_length (headers); i++)
    kube_validate_format (errors, AT (path, "httpHeaders"), KUBE_NAME_HTTP_HEADER, string_of (kube_value_get_element (headers, i), "name"));
}

static void
check_sleep (KubePodCheck *check, const KubeFieldPath *path, KubeValue *action)
{
  gint64 seconds = integer_of (action, "seconds", 0);

  if (check->has_grace_period && (seconds < 0 || seconds > check->grace_period)) {
    g_autofree char *detail = g_strdup_printf ("must be non-negative and less than terminationGracePeriodSeconds (%" G_GINT64_FORMAT ")", check->grace_period);
    kube_field_errors_invalid_integer (check->errors, path, seconds, detail);
  }
}

static void
check_handler (KubePodCheck *check, const KubeFieldPath *path, KubeValue *handler)
{
  static const char *const names[] = { "exec", "httpGet", "tcpSocket", "grpc", "sleep" };
  gboolean found = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    KubeValue *action = member_of (handler, names[i]);
    const KubeFieldPath *at = AT (path, names[i]);

    if (action == NULL)
      continue;
    if (found) {
      kube_field_errors_forbidden (check->errors, at, "may not specify more than 1 handler type");
      continue;
    }
    found = TRUE;
    if (i == 0 && kube_value_get_length (member_of (action, "command")) == 0)
      kube_field_errors_required (check->errors, AT (at, "command"), NULL);
    else if (i == 1)
      check_http_get (check->errors, at, action);
    else if (i == 2 || i == 3)
      kube_validate_int_or_name_port (check->errors, AT (at, "port"), member_of (action, "port"));
    else if (i == 4)
      check_sleep (check, at, action);
  }
  if (!found)
    kube_field_errors_required (check->errors, path, "must specify a handler type");
}

static void
check_lifecycle (KubePodCheck *check, const KubeFieldPath *path, KubeValue *lifecycle)
{
  KubeValue *start = member_of (lifecycle, "postStart"), *stop = member_of (lifecycle, "preStop");

  if (start != NULL)
    check_handler (check, AT (path, "postStart"), start);
  if (stop != NULL)
    check_handler (check, AT (path, "preStop"), stop);
  if (has_member (lifecycle, "stopSignal") && !has_member (check->spec, "os"))
    kube_field_errors_forbidden (check->errors, AT (path, "stopSignal"), "may not be set for containers with empty `spec.os.name`");
}

static void
check_probe (KubePodCheck *check, const KubeFieldPath *path, KubeValue *probe, gboolean readiness)
{
  static const char *const numbers[] = { "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold" };
  gint64 threshold = integer_of (probe, "successThreshold", 0), grace = integer_of (probe, "terminationGracePeriodSeconds", 1);

  if (probe == NULL)
    return;
  check_handler (check, path, probe);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    kube_validate_non_negative_member (check->errors, path, probe, numbers[i]);
  if (grace <= 0)
    kube_field_errors_invalid_integer (check->errors, AT (path, "terminationGracePeriodSeconds"), grace, "must be greater than 0");
  if (!readiness && threshold != 1)
    kube_field_errors_invalid_integer (check->errors, AT (path, "successThreshold"), threshold, "must be 1");
  if (readiness && has_member (probe, "terminationGracePeriodSeconds"))
    kube_field_errors_invalid_integer (check->errors, AT (path, "terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes");
}

static void
check_probes (KubePodCheck *check, const KubeFieldPath *path, KubeValue *container)
{
  KubeValue *lifecycle = member_of (container, "lifecycle");

  if (lifecycle != NULL)
    check_lifecycle (check, AT (path, "lifecycle"), lifecycle);
  check_probe (check, AT (path, "livenessProbe"), member_of (container, "livenessProbe"), FALSE);
  check_probe (check, AT (path, "readinessProbe"), member_of (container, "readinessProbe"), TRUE);
  check_probe (check, AT (path, "startupProbe"), member_of (container, "startupProbe"), FALSE);
}

static void
check_restart_rule (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *rule)
{
  static const char *const actions[] = { "Restart", "RestartAllContainers", NULL };
  static const char *const operators[] = { "In", "NotIn", NULL };
  KubeValue *codes = member_of (rule, "exitCodes");
  guint n = kube_value_get_length (member_of (codes, "values"));

  if (!kube_validate_one_of (string_of (rule, "action"), actions))
    kube_field_errors_not_supported (errors, AT (path, "action"), string_of (rule, "action"), actions);
  if (codes == NULL) {
    kube_field_errors_required (errors, AT (path, "exitCodes"), "must be specified");
    return;
  }
  if (!kube_validate_one_of (string_of (codes, "operator"), operators))
    kube_field_errors_not_supported (errors, AT (AT (path, "exitCodes"), "operator"), string_of (codes, "operator"), operators);
  if (n > 255)
    kube_field_errors_too_many (errors, AT (AT (path, "exitCodes"), "values"), (int) n, 255);
}

static void
check_restart_policy (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *container)
{
  static const char *const policies[] = { "Always", "Never", "OnFailure", NULL };
  KubeValue *rules = member_of (container, "restartPolicyRules");
  guint n = kube_value_get_length (rules);

  if (!has_member (container, "restartPolicy")) {
    if (n == 0)
      return;
    kube_field_errors_required (errors, AT (path, "restartPolicy"), "must specify restartPolicy when restart rules are used");
  } else if (!kube_validate_one_of (string_of (container, "restartPolicy"), policies)) {
    kube_field_errors_not_supported (errors, AT (path, "restartPolicy"), string_of (container, "restartPolicy"), policies);
  }
  if (n > 20)
    kube_field_errors_too_many (errors, AT (path, "restartPolicyRules"), (int) n, 20);
  for (guint i = 0; i < n; i++)
    check_restart_rule (errors, AT_INDEX (AT (path, "restartPolicyRules"), i), kube_value_get_element (rules, i));
}

typedef struct {
  GHashTable *seen; /* (nullable) (owned): "protocol/address/port" */
} HostPorts;

static void
check_host_ports (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *container, HostPorts *ports)
{
  KubeValue *list = member_of (container, "ports");

  for (guint i = 0; i < kube_value_get_length (list); i++) {
    KubeValue *port = kube_value_get_element (list, i);
    gint64 number = integer_of (port, "hostPort", 0);
    char *text;

    if (number == 0)
      continue;
    text = g_strdup_printf ("%s/%s/%" G_GINT64_FORMAT, string_of (port, "protocol"), string_of (port, "hostIP"), number);
    if (ports->seen == NULL)
      ports->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    if (g_hash_table_contains (ports->seen, text)) {
      kube_field_errors_duplicate (errors, AT (AT_INDEX (AT (path, "ports"), i), "hostPort"), text);
      g_free (text);
    } else {
      g_hash_table_add (ports->seen, text);
    }
  }
}

void
kube_validate_containers (KubePodCheck *check, const KubeFieldPath *path, KubeValue *containers)
{
  g_auto (NameSet) names = { 0 };
  HostPorts ports = { 0 };
  guint n = kube_value_get_length (containers);

  if (n == 0)
    kube_field_errors_required (check->errors, path, NULL);
  for (guint i = 0; i < n; i++) {
    KubeValue *container = kube_value_get_element (containers, i);
    const KubeFieldPath *at = AT_INDEX (path, i);

    check_common (check, at, container);
    if (!name_set_add (&names, string_of (container, "name")))
      kube_field_errors_duplicate (check->errors, AT (at, "name"), string_of (container, "name"));
    check_probes (check, at, container);
    check_restart_policy (check->errors, at, container);
  }
  for (guint i = 0; i < n; i++)
    check_host_ports (check->errors, AT_INDEX (path, i), kube_value_get_element (containers, i), &ports);
  g_clear_pointer (&ports.seen, g_hash_table_unref);
}

static void
check_init_only (KubePodCheck *check, const KubeFieldPath *path, KubeValue *container)
{
  static const char *const refused[] = { "lifecycle", "livenessProbe", "readinessProbe", "startupProbe" };
  KubeValue *policies = member_of (container, "resizePolicy");

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    if (has_member (container, refused[i]))
      kube_field_errors_forbidden (check->errors, AT (path, refused[i]), NOT_FOR_INIT);
  for (guint i = 0; i < kube_value_get_length (policies); i++)
    if (equals (string_of (kube_value_get_element (policies, i), "restartPolicy"), "RestartContainer"))
      kube_field_errors_invalid (check->errors, AT (AT_INDEX (AT (path, "resizePolicy"), i), "restartPolicy"), "RestartContainer",
                                 "must not be set to 'RestartContainer' for non-sidecar initContainers");
}

void
kube_validate_init_containers (KubePodCheck *check, const KubeFieldPath *path, KubeValue *containers, KubeValue *regular)
{
  g_auto (NameSet) names = { 0 };

  if (containers == NULL)
    return;
  for (guint i = 0; i < kube_value_get_length (regular); i++)
    name_set_add (&names, string_of (kube_value_get_element (regular, i), "name"));
  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *container = kube_value_get_element (containers, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    const char *name = string_of (container, "name");
    HostPorts ports = { 0 };

    check_common (check, at, container);
    if (has_member (container, "restartPolicy"))
      check_restart_policy (check->errors, at, container);
    else if (kube_value_get_length (member_of (container, "restartPolicyRules")) > 0)
      kube_field_errors_required (check->errors, AT (at, "restartPolicy"), "must specify restartPolicy when restart rules are used");
    if (name_set_has (&names, name))
      kube_field_errors_duplicate (check->errors, AT (at, "name"), name);
    else if (*name != '\0')
      name_set_add (&names, name);
    /* Upstream looks at each init container alone, as if it were the first. */
    check_host_ports (check->errors, AT_INDEX (path, 0), container, &ports);
    g_clear_pointer (&ports.seen, g_hash_table_unref);
    if (equals (string_of (container, "restartPolicy"), "Always"))
      check_probes (check, at, container);
    else
      check_init_only (check, at, container);
  }
}

static void
check_ephemeral_fields (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *container)
{
  static const char *const refused[] = { "ports", "resources", "resizePolicy", "restartPolicy", "restartPolicyRules", "livenessProbe",
                                         "readinessProbe", "startupProbe", "lifecycle" };
  KubeValue *mounts = member_of (container, "volumeMounts");

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
    KubeValue *value = member_of (container, refused[i]);
    if (value != NULL && !(kube_value_is_object (value) && kube_value_get_length (value) == 0))
      kube_field_errors_forbidden (errors, AT (path, refused[i]), NOT_FOR_EPHEMERAL);
  }
  for (guint i = 0; i < kube_value_get_length (mounts); i++) {
    KubeValue *mount = kube_value_get_element (mounts, i);
    const KubeFieldPath *at = AT_INDEX (AT (path, "volumeMounts"), i);
    if (has_text (mount, "subPath"))
      kube_field_errors_forbidden (errors, AT (at, "subPath"), NOT_FOR_EPHEMERAL);
    if (has_text (mount, "subPathExpr"))
      kube_field_errors_forbidden (errors, AT (at, "subPathExpr"), NOT_FOR_EPHEMERAL);
  }
}

void
kube_validate_ephemeral_containers (KubePodCheck *check, const KubeFieldPath *path, KubeValue *ephemeral)
{
  static const char *const lists[] = { "containers", "initContainers" };
  g_auto (NameSet) others = { 0 };
  g_auto (NameSet) names = { 0 };

  if (ephemeral == NULL)
    return;
  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = member_of (check->spec, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      name_set_add (&others, string_of (kube_value_get_element (list, i), "name"));
      name_set_add (&names, string_of (kube_value_get_element (list, i), "name"));
    }
  }
  for (guint i = 0; i < kube_value_get_length (ephemeral); i++) {
    KubeValue *container = kube_value_get_element (ephemeral, i);
    const KubeFieldPath *at = AT_INDEX (path, i);
    const char *target = string_of (container, "targetContainerName");

    check_common (check, at, container);
    if (!name_set_add (&names, string_of (container, "name")))
      kube_field_errors_duplicate (check->errors, AT (at, "name"), string_of (container, "name"));
    if (*target != '\0' && !name_set_has (&others, target))
      kube_field_errors_not_found (check->errors, AT (at, "targetContainerName"), target);
    check_ephemeral_fields (check->errors, at, container);
  }
}
