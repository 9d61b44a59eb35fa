/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-object.h>

#include <kube/kube-yaml.h>

/**
 * kube_object_parse:
 * @text: JSON or YAML
 * @length: its length, or -1
 * @error: return location for an error
 *
 * Reads one object.
 *
 * Returns: (transfer full): the object, or %NULL with %KUBE_ERROR_BAD_REQUEST
 * Since: 1.0
 */
KubeObject *
kube_object_parse (const char *text, gssize length, GError **error)
{
  g_autoptr (KubeValue) value = NULL;
  gsize n = length < 0 ? strlen (text) : (gsize) length;
  gsize i = 0;

  while (i < n && g_ascii_isspace (text[i]))
    i++;

  value = i < n && text[i] == '{' ? kube_value_parse (text, (gssize) n, error) : kube_yaml_parse (text, (gssize) n, error);
  if (value == NULL)
    return NULL;
  if (!kube_value_is_object (value)) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "an API object must be a JSON or YAML object");
    return NULL;
  }
  return kube_object_new (value);
}

/**
 * kube_object_to_yaml:
 * @object: an object
 *
 * Returns: (transfer full): the object as YAML
 * Since: 1.0
 */
char *
kube_object_to_yaml (KubeObject *object)
{
  return kube_yaml_print (kube_object_get_value (object));
}
