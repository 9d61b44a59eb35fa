/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-warnings.h"

void
kube_warn (KubeOperation *op, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  kube_call_add_warning (op->call, text);
}

void
kube_secret_warn (KubeOperation *op, KubeValue *secret, KubeValue *old)
{
  const char *text = kube_value_get_member_string (kube_value_get (secret, "data"), "tls.crt");
  g_autofree guchar *data = NULL;
  gsize length = 0;

  if (g_strcmp0 (kube_value_get_string (secret, "type"), "kubernetes.io/tls") != 0)
    return;
  data = text != NULL ? g_base64_decode (text, &length) : NULL;
  if (data == NULL || memmem (data, length, "-----BEGIN ", 11) == NULL)
    kube_warn (op, "tls: failed to find any PEM data in certificate input");
}
