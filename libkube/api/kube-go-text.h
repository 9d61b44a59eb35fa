/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* Values as Go prints and reads them, where clients see that. */

/* A string literal, as %q prints it. @length -1: NUL-terminated. */
void kube_go_quote (GString *out, const char *string, gssize length);
/* As json.Marshal prints it: `<`, `>` and `&` escaped. */
void kube_go_json (GString *out, KubeValue *value);
/* As %v prints decoded JSON: `map[a:1 b:[x y]]`, `<nil>`. */
void kube_go_print (GString *out, KubeValue *value);

/* As strconv.ParseInt reads a decimal number. */
gboolean kube_go_parse_int (const char *text, gint64 *number);
/* What time.ParseDuration says of @text. Returns: (nullable): nothing. */
char *kube_go_check_duration (const char *text) G_GNUC_WARN_UNUSED_RESULT;
/* The same; @microseconds: (out) (optional): how long it is. */
char *kube_go_parse_duration (const char *text, gint64 *microseconds) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
