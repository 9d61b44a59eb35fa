/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "kubelet"
#include <kube/kube-log.h>

#include "kube-pod-allocation.h"
#include "kube-pod-resources.h"

#include <kube/kube-builder.h>

/* More than a machine has, and yet what all pods of a node have together comes to no number that is too large. */
#define MAX_MILLI_CPU (G_GINT64_CONSTANT (1000) * 1000 * 1000)
#define MAX_MEMORY (G_MAXINT64 >> 15)

static const char *const lists[] = { "spec.initContainers", "spec.containers" };

struct _KubePodAllocation {
  char *path;      /* (nullable) */
  KubeValue *made; /* (owned): container -> resources */
};

static KubeValue *
collect (KubeObject *pod)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (NULL);
  KubeNode *root = kube_builder_get_root (builder);

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = kube_object_get (pod, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      KubeValue *container = kube_value_get_element (list, i), *resources = kube_value_get (container, "resources");
      const char *name = kube_value_get_string (container, "name");
      if (resources != NULL)
        kube_node_put_value (root, name, resources);
      else
        kube_node_put_object (root, name);
    }
  }
  return kube_builder_end (builder);
}

KubePodAllocation *
kube_pod_allocation_new (const char *path, KubeObject *pod)
{
  KubePodAllocation *self = g_new0 (KubePodAllocation, 1);
  g_autofree char *text = NULL;
  gsize length;

  self->path = g_strdup (path);
  if (path != NULL && g_file_get_contents (path, &text, &length, NULL))
    self->made = kube_value_parse (text, length, NULL);
  if (self->made == NULL)
    self->made = collect (pod);
  return self;
}

void
kube_pod_allocation_free (KubePodAllocation *self)
{
  kube_value_unref (self->made);
  g_free (self->path);
  g_free (self);
}

void
kube_pod_allocation_grant (KubePodAllocation *self, KubeObject *pod)
{
  g_autoptr (GError) error = NULL;
  gsize length;

  kube_value_unref (self->made);
  self->made = collect (pod);
  if (self->path == NULL)
    return;
  g_autofree char *text = kube_value_print (self->made, &length);
  g_autofree char *folder = g_path_get_dirname (self->path);
  g_mkdir_with_parents (folder, 0750);
  if (!g_file_set_contents_full (self->path, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    kube_warning ("pod %s/%s: what it is granted is not saved: %s", kube_object_get_namespace (pod), kube_object_get_name (pod), error->message);
}

static gboolean
differs (KubeValue *container, KubeValue *granted)
{
  KubeValue *asked = kube_value_get (container, "resources");

  if (granted == NULL)
    return FALSE;
  return kube_value_get_length (asked) + kube_value_get_length (granted) > 0 && !kube_value_equal (asked, granted);
}

KubeObject *
kube_pod_allocation_apply (KubePodAllocation *self, KubeObject *pod)
{
  g_autoptr (KubeBuilder) builder = NULL;

  for (gsize l = 0; l < G_N_ELEMENTS (lists); l++) {
    KubeValue *list = kube_object_get (pod, lists[l]);
    for (guint i = 0; i < kube_value_get_length (list); i++) {
      KubeValue *container = kube_value_get_element (list, i);
      KubeValue *granted = kube_value_get_member (self->made, kube_value_get_string (container, "name"));
      if (!differs (container, granted))
        continue;
      if (builder == NULL)
        builder = kube_builder_new (kube_object_get_value (pod));
      KubeNode *node = kube_node_get_element (kube_node_get (kube_builder_get_root (builder), lists[l]), i);
      kube_node_put_value (node, "resources", granted);
    }
  }
  return builder != NULL ? kube_object_new_from_builder (builder) : kube_object_ref (pod);
}

gint64
kube_resources_get (KubeValue *resources, const char *list, const char *name)
{
  KubeValue *value = kube_value_get_member (kube_value_get_member (resources, list), name);
  KubeQuantity quantity;

  if (value == NULL || !kube_quantity_from_value (value, &quantity, NULL))
    return 0;
  return g_str_equal (name, "cpu") ? MIN (kube_quantity_get_milli_value (&quantity), MAX_MILLI_CPU)
                                   : MIN (kube_quantity_get_value (&quantity), MAX_MEMORY);
}

gint64
kube_pod_sum_requests (KubeObject *pod, const char *name)
{
  KubeQuantity sum;

  if (!kube_pod_spec_sum (kube_object_get (pod, "spec"), "requests", name, &sum))
    return 0;
  return g_str_equal (name, "cpu") ? MIN (kube_quantity_get_milli_value (&sum), MAX_MILLI_CPU)
                                   : MIN (kube_quantity_get_value (&sum), MAX_MEMORY);
}
