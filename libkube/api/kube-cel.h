/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is wrong with an expression of the Common Expression Language, as upstream's compiler words it: its syntax, or names that are none of
 * @variables (array zero-terminated=1) and of the language itself. NULL where nothing is. Types are not checked. */
char *kube_cel_check (const char *expression, const char *const *variables) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
