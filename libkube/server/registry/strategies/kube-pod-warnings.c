/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-pod-warnings.h"
#include <kube/kube-quantity.h>

static const char *const spec_paths[] = { "spec", "spec.template.spec", "spec.jobTemplate.spec.template.spec" };

G_GNUC_PRINTF (2, 3) static void
warn (KubeOperation *op, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  kube_call_add_warning (op->call, text);
}

static void
warn_pull_secrets (KubeOperation *op, const char *path, KubeValue *spec)
{
  KubeValue *secrets = kube_value_get (spec, "imagePullSecrets");

  for (guint i = 0; i < kube_value_get_length (secrets); i++) {
    const char *name = kube_value_get_string (kube_value_get_element (secrets, i), "name");
    if (name == NULL || *name == '\0') {
      warn (op, "%s.imagePullSecrets[%u].name: invalid empty name \"\"", path, i);
      continue;
    }
    for (guint k = 0; k < i; k++) {
      if (g_strcmp0 (name, kube_value_get_string (kube_value_get_element (secrets, k), "name")) == 0) {
        warn (op, "%s.imagePullSecrets[%u].name: duplicate name \"%s\"", path, i, name);
        break;
      }
    }
  }
}

static void
warn_volumes (KubeOperation *op, KubeValue *spec)
{
  KubeValue *volumes = kube_value_get (spec, "volumes");

  for (guint i = 0; i < kube_value_get_length (volumes); i++) {
    KubeValue *volume = kube_value_get_element (volumes, i), *sources = kube_value_get (volume, "projected.sources");
    gboolean empty = FALSE;
    for (guint k = 0; k < kube_value_get_length (sources); k++)
      empty |= kube_value_get_length (kube_value_get_element (sources, k)) == 0;
    if (empty)
      warn (op, "volume \"%s\" (Projected) has no sources provided", kube_value_get_string (volume, "name"));
  }
}

static void
warn_terms (KubeOperation *op, const char *path, KubeValue *spec, const char *list, const char *inner)
{
  KubeValue *terms = kube_value_get (spec, list);

  for (guint i = 0; i < kube_value_get_length (terms); i++) {
    if (kube_value_is_null (kube_value_get (kube_value_get_element (terms, i), inner)))
      warn (op, "%s.%s[%u].%s: a null labelSelector results in matching no pod", path, list, i, inner);
  }
}

static void
warn_selectors (KubeOperation *op, const char *path, KubeValue *spec)
{
  warn_terms (op, path, spec, "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution", "labelSelector");
  warn_terms (op, path, spec, "affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm.labelSelector");
  warn_terms (op, path, spec, "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution", "labelSelector");
  warn_terms (op, path, spec, "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm.labelSelector");
  warn_terms (op, path, spec, "topologySpreadConstraints", "labelSelector");
}

static void
warn_amounts (KubeOperation *op, const char *path, guint at, KubeValue *container, const char *which)
{
  static const char *const resources[] = { "memory", "ephemeral-storage" };
  g_autofree char *list = g_strconcat ("resources.", which, NULL);
  KubeValue *amounts = kube_value_get (container, list);

  for (guint i = 0; i < G_N_ELEMENTS (resources); i++) {
    KubeValue *value = kube_value_get_member (amounts, resources[i]);
    KubeQuantity quantity;
    g_autofree char *text = NULL;
    if (value == NULL || !kube_quantity_from_value (value, &quantity, NULL) || kube_quantity_get_milli_value (&quantity) % 1000 == 0 || kube_quantity_get_milli_value (&quantity) == G_MAXINT64)
      continue;
    text = kube_quantity_print (&quantity);
    warn (op, "%s[%u].resources.%s[%s]: fractional byte value \"%s\" is invalid, must be an integer", path, at, which, resources[i], text);
  }
}

static gboolean
is_same_port (KubeValue *a, KubeValue *b)
{
  return kube_value_get_integer (a, "containerPort", 0) == kube_value_get_integer (b, "containerPort", 0) && kube_value_get_integer (a, "hostPort", 0) == kube_value_get_integer (b, "hostPort", 0)
         && g_strcmp0 (kube_value_get_string (a, "protocol"), kube_value_get_string (b, "protocol")) == 0 && g_strcmp0 (kube_value_get_string (a, "hostIP"), kube_value_get_string (b, "hostIP")) == 0;
}

static void
warn_ports (KubeOperation *op, const char *path, guint at, KubeValue *container)
{
  KubeValue *ports = kube_value_get (container, "ports");

  for (guint i = 0; i < kube_value_get_length (ports); i++) {
    for (guint k = 0; k < i; k++) {
      if (is_same_port (kube_value_get_element (ports, i), kube_value_get_element (ports, k))) {
        warn (op, "%s[%u].ports[%u]: duplicate port definition with %s[%u].ports[%u]", path, at, i, path, at, k);
        break;
      }
    }
  }
}

static void
warn_containers (KubeOperation *op, const char *path, KubeValue *spec, const char *list)
{
  KubeValue *containers = kube_value_get (spec, list);
  g_autofree char *where = g_strdup_printf ("%s.%s", path, list);

  for (guint i = 0; i < kube_value_get_length (containers); i++) {
    KubeValue *container = kube_value_get_element (containers, i);
    warn_amounts (op, where, i, container, "limits");
    warn_amounts (op, where, i, container, "requests");
    warn_ports (op, where, i, container);
  }
}

void
kube_pod_warn (KubeOperation *op, KubeValue *object, KubeValue *old)
{
  for (guint i = 0; i < G_N_ELEMENTS (spec_paths); i++) {
    KubeValue *spec = kube_value_get (object, spec_paths[i]);
    if (kube_value_get_member (spec, "containers") == NULL)
      continue;
    if (old != NULL && kube_value_equal (spec, kube_value_get (old, spec_paths[i])))
      return;
    warn_volumes (op, spec);
    warn_pull_secrets (op, spec_paths[i], spec);
    warn_selectors (op, spec_paths[i], spec);
    warn_containers (op, spec_paths[i], spec, "initContainers");
    warn_containers (op, spec_paths[i], spec, "containers");
    return;
  }
}
