/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* (transfer full) (nullable): the organizations that a certificate request (PEM in base64) asks for, which are the groups of a client. NULL with
 * KUBE_ERROR_INVALID: it is not signed with the key that it carries; with KUBE_ERROR_BAD_REQUEST: it is none. */
GStrv kube_certificate_request_read (const char *base64, GError **error) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
