/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-error.h>

G_BEGIN_DECLS

/* Wall-clock times are gint64 microseconds since the epoch, UTC; on the wire RFC 3339 (`Time`, whole seconds) or with six digits
 * (`MicroTime`). The longest text has 28 bytes with its NUL. */
#define KUBE_TIME_STRING_SIZE 32

/* `2026-01-02T03:04:05Z`; returns @out. */
KUBE_AVAILABLE_IN_1_0
const char *kube_time_format (gint64 microseconds, char out[KUBE_TIME_STRING_SIZE]);
/* `2026-01-02T03:04:05.000006Z` */
KUBE_AVAILABLE_IN_1_0
const char *kube_time_format_micro (gint64 microseconds, char out[KUBE_TIME_STRING_SIZE]);
/* Any RFC 3339 time. Errors: %KUBE_ERROR_BAD_REQUEST worded as Go's time.Parse: parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006". */
KUBE_AVAILABLE_IN_1_0
gboolean kube_time_parse (const char *text, gint64 *microseconds, GError **error);
/* The same for the API's MicroTime, which wants exactly six digits of a second. */
KUBE_AVAILABLE_IN_1_0
gboolean kube_time_parse_micro (const char *text, gint64 *microseconds, GError **error);
/* An age as kubectl prints it (duration.HumanDuration): `5s`, `3m12s`, `2d4h`, `400d`. */
KUBE_AVAILABLE_IN_1_0
char *kube_time_print_age (gint64 microseconds) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
