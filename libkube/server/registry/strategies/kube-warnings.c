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
