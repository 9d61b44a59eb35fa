/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-stateful-pods.h"
#include <string.h>
#include "kube-history.h"
#include "kube-owner.h"

#define NAME_LABEL "statefulset.kubernetes.io/pod-name"
#define INDEX_LABEL "apps.kubernetes.io/pod-index"

gint64
kube_stateful_pod_get_ordinal (KubeObject *set, KubeObject *pod)
{
  const char *name = kube_object_get_name (pod), *parent = kube_object_get_name (set);
  gsize length = strlen (parent);
  guint64 ordinal;

  if (name == NULL || strncmp (name, parent, length) != 0 || name[length] != '-' || !g_ascii_string_to_unsigned (name + length + 1, 10, 0, G_MAXINT32, &ordinal, NULL))
    return -1;
  return (gint64) ordinal;
}

gint64
kube_stateful_set_get_start (KubeObject *set)
{
  return kube_object_get_integer (set, "spec.ordinals.start", 0);
}

gboolean
kube_stateful_set_has_ordinal (KubeObject *set, gint64 ordinal)
{
  gint64 start = kube_stateful_set_get_start (set);

  return ordinal >= start && ordinal < start + kube_object_get_integer (set, "spec.replicas", 1);
}

char *
kube_stateful_set_dup_claim_name (KubeObject *set, KubeValue *template_, gint64 ordinal)
{
  return g_strdup_printf ("%s-%s-%" G_GINT64_FORMAT, kube_value_get_string (template_, "metadata.name"), kube_object_get_name (set), ordinal);
}

static void
set_identity (KubeObject *set, KubeNode *pod, gint64 ordinal)
{
  g_autofree char *name = g_strdup_printf ("%s-%" G_GINT64_FORMAT, kube_object_get_name (set), ordinal), *index = g_strdup_printf ("%" G_GINT64_FORMAT, ordinal);
  KubeNode *labels = kube_node_ensure_object (pod, "metadata.labels");

  kube_node_set_string (pod, "metadata.name", name);
  kube_node_put_string (labels, NAME_LABEL, name);
  kube_node_put_string (labels, INDEX_LABEL, index);
}

/* The claims stand in place of volumes of the template that are named as they are. */
static void
set_storage (KubeObject *set, KubeNode *pod, gint64 ordinal)
{
  KubeValue *templates = kube_object_get (set, "spec.volumeClaimTemplates");
  KubeNode *volumes;

  if (kube_value_get_length (templates) == 0)
    return;
  volumes = kube_node_ensure_array (pod, "spec.volumes");
  for (guint i = kube_node_get_length (volumes); i > 0; i--) {
    const char *name = kube_node_get_string (kube_node_get_element (volumes, i - 1), "name");

    for (guint k = 0; k < kube_value_get_length (templates); k++) {
      if (g_strcmp0 (kube_value_get_string (kube_value_get_element (templates, k), "metadata.name"), name) == 0) {
        kube_node_remove_element (volumes, i - 1);
        break;
      }
    }
  }
  for (guint k = 0; k < kube_value_get_length (templates); k++) {
    KubeValue *template_ = kube_value_get_element (templates, k);
    g_autofree char *claim = kube_stateful_set_dup_claim_name (set, template_, ordinal);
    g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
    g_autoptr (KubeValue) volume = NULL;

    kube_node_put_string (kube_builder_get_root (builder), "name", kube_value_get_string (template_, "metadata.name"));
    kube_node_set_string (kube_builder_get_root (builder), "persistentVolumeClaim.claimName", claim);
    volume = kube_builder_end (builder);
    kube_node_insert_value (volumes, k, volume);
  }
}

KubeObject *
kube_stateful_pod_new (KubeObject *set, KubeValue *template_, const char *revision, gint64 ordinal)
{
  g_autoptr (KubeBuilder) builder = kube_owner_begin_from_template (set, "v1", "Pod", template_);
  KubeNode *root = kube_builder_get_root (builder);
  const char *service = kube_object_get_string (set, "spec.serviceName");

  set_identity (set, root, ordinal);
  kube_node_set_string (root, "spec.hostname", kube_node_get_string (root, "metadata.name"));
  if (service != NULL && *service != '\0')
    kube_node_set_string (root, "spec.subdomain", service);
  set_storage (set, root, ordinal);
  kube_node_put_string (kube_node_ensure_object (root, "metadata.labels"), KUBE_HISTORY_POD_LABEL, revision);
  return kube_object_new_from_builder (builder);
}

gboolean
kube_stateful_pod_has_identity (KubeObject *set, KubeObject *pod)
{
  return g_strcmp0 (kube_object_get_label (pod, NAME_LABEL), kube_object_get_name (pod)) == 0;
}

gboolean
kube_stateful_pod_has_storage (KubeObject *set, KubeObject *pod)
{
  KubeValue *templates = kube_object_get (set, "spec.volumeClaimTemplates"), *volumes = kube_object_get (pod, "spec.volumes");
  gint64 ordinal = kube_stateful_pod_get_ordinal (set, pod);

  for (guint i = 0; i < kube_value_get_length (templates); i++) {
    KubeValue *template_ = kube_value_get_element (templates, i);
    KubeValue *volume = kube_value_find_element (volumes, "name", kube_value_get_string (template_, "metadata.name"));
    g_autofree char *claim = kube_stateful_set_dup_claim_name (set, template_, ordinal);

    if (g_strcmp0 (kube_value_get_string (volume, "persistentVolumeClaim.claimName"), claim) != 0)
      return FALSE;
  }
  return TRUE;
}

KubeObject *
kube_stateful_pod_repair (KubeObject *set, KubeObject *pod)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (kube_object_get_value (pod));
  KubeNode *root = kube_builder_get_root (builder);
  gint64 ordinal = kube_stateful_pod_get_ordinal (set, pod);

  if (!kube_stateful_pod_has_identity (set, pod))
    set_identity (set, root, ordinal);
  if (!kube_stateful_pod_has_storage (set, pod))
    set_storage (set, root, ordinal);
  return kube_object_new_from_builder (builder);
}
