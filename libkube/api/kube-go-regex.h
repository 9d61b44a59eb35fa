/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What Go's regexp package says of a pattern that it does not accept. NULL where it does. */
char *kube_go_regex_check (const char *pattern) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
