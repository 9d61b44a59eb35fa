/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <kube/kube-error.h>
#include "kube-cron-schedule.h"
#include "kube-go-text.h"

/* Set in a field that says "any": then a day has to fit both its fields, else one of them. */
#define ANY (G_GUINT64_CONSTANT (1) << 63)

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, N_FIELDS };

struct _KubeCronSchedule {
  guint64 fields[N_FIELDS]; /* bits of the numbers that fit */
  gint64 every;             /* > 0: seconds, instead of the fields */
  GTimeZone *zone;          /* (owned) */
};

/* --- reading --- */

typedef struct {
  int minimum, maximum;
  const char *const *names;
  int first_name;
} Field;

static const char *const months[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };
static const Field fields[N_FIELDS] = { { 0, 59, NULL, 0 }, { 0, 23, NULL, 0 }, { 1, 31, NULL, 0 }, { 1, 12, months, 1 }, { 0, 6, days, 0 } };

G_GNUC_PRINTF (2, 3)
static gboolean
fail (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, format, args));
  va_end (args);
  return FALSE;
}

/* @field: (nullable): whose names count as numbers. */
static gboolean
read_number (const Field *field, const char *text, int *number, GError **error)
{
  gint64 value;

  for (int i = 0; field != NULL && field->names != NULL && field->names[i] != NULL; i++) {
    if (g_ascii_strcasecmp (field->names[i], text) == 0) {
      *number = i + field->first_name;
      return TRUE;
    }
  }
  if (!kube_go_parse_int (text, &value))
    return fail (error, "failed to parse int from %s: strconv.Atoi: parsing \"%s\": invalid syntax", text, text);
  if (value < 0)
    return fail (error, "negative number (%" G_GINT64_FORMAT ") not allowed: %s", value, text);
  *number = (int) MIN (value, G_MAXINT);
  return TRUE;
}

/* One part of a list: `*`, `?`, `n`, `n-m`, each with `/step`. */
static gboolean
read_range (const Field *field, const char *text, guint64 *bits, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", -1);
  g_auto (GStrv) ends = g_strsplit (parts[0], "-", -1);
  const char *low = ends[0] != NULL ? ends[0] : "";
  gboolean any = strcmp (low, "*") == 0 || strcmp (low, "?") == 0, single = ends[0] == NULL || ends[1] == NULL;
  int start = field->minimum, end = field->maximum, step = 1;

  if (!any) {
    if (!read_number (field, low, &start, error))
      return FALSE;
    end = start;
    if (!single && ends[2] != NULL)
      return fail (error, "too many hyphens: %s", text);
    if (!single && !read_number (field, ends[1], &end, error))
      return FALSE;
  }
  if (parts[1] != NULL) {
    if (parts[2] != NULL)
      return fail (error, "too many slashes: %s", text);
    if (!read_number (NULL, parts[1], &step, error))
      return FALSE;
    if (single)
      end = field->maximum;
  }
  if (start < field->minimum)
    return fail (error, "beginning of range (%d) below minimum (%d): %s", start, field->minimum, text);
  if (end > field->maximum)
    return fail (error, "end of range (%d) above maximum (%d): %s", end, field->maximum, text);
  if (start > end)
    return fail (error, "beginning of range (%d) beyond end of range (%d): %s", start, end, text);
  if (step == 0)
    return fail (error, "step of range should be a positive number: %s", text);
  for (int i = start; i <= end; i += MIN (step, 64))
    *bits |= G_GUINT64_CONSTANT (1) << i;
  if (any && step == 1)
    *bits |= ANY;
  return TRUE;
}

static gboolean
read_field (const Field *field, const char *text, guint64 *bits, GError **error)
{
  g_auto (GStrv) ranges = g_strsplit (text, ",", -1);

  for (guint i = 0; ranges[i] != NULL; i++) {
    if (*ranges[i] != '\0' && !read_range (field, ranges[i], bits, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_fields (KubeCronSchedule *self, const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit_set (text, " \t\n\v\f\r", -1);
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autofree char *joined = NULL;

  for (guint i = 0; parts[i] != NULL; i++) {
    if (*parts[i] != '\0')
      g_ptr_array_add (found, parts[i]);
  }
  if (found->len != N_FIELDS) {
    guint n = found->len;

    g_ptr_array_add (found, NULL);
    joined = g_strjoinv (" ", (char **) found->pdata);
    return fail (error, "expected exactly 5 fields, found %u: [%s]", n, joined);
  }
  for (guint i = 0; i < N_FIELDS; i++) {
    if (!read_field (&fields[i], g_ptr_array_index (found, i), &self->fields[i], error))
      return FALSE;
  }
  return TRUE;
}

/* `@daily`, `@every 5m` */
static gboolean
read_descriptor (KubeCronSchedule *self, const char *text, GError **error)
{
  static const struct {
    const char *word, *fields;
  } words[] = { { "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" }, { "@weekly", "0 0 * * 0" },
                { "@daily", "0 0 * * *" },  { "@midnight", "0 0 * * *" }, { "@hourly", "0 * * * *" } };
  g_autofree char *problem = NULL;
  const char *duration;
  gint64 length;

  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    if (strcmp (text, words[i].word) == 0)
      return read_fields (self, words[i].fields, error);
  }
  if (!g_str_has_prefix (text, "@every "))
    return fail (error, "unrecognized descriptor: %s", text);
  duration = text + strlen ("@every ");
  problem = kube_go_parse_duration (duration, &length);
  if (problem != NULL)
    return fail (error, "failed to parse duration %s: %s", text, problem);
  self->every = MAX (length / G_USEC_PER_SEC, 1);
  return TRUE;
}

GTimeZone *
kube_time_zone_find (const char *name)
{
  if (*name == '\0' || strcmp (name, "UTC") == 0)
    return g_time_zone_new_utc ();
  if (!g_ascii_isalpha (*name) || strcmp (name, "Z") == 0)
    return NULL;
  return strcmp (name, "Local") == 0 ? g_time_zone_new_local () : g_time_zone_new_identifier (name);
}

/* Goes over a zone that the schedule begins with. */
static gboolean
read_zone (KubeCronSchedule *self, const char **text, const char *zone, GError **error)
{
  const char *end;
  g_autofree char *name = NULL;

  if (!g_str_has_prefix (*text, "TZ=") && !g_str_has_prefix (*text, "CRON_TZ=")) {
    self->zone = kube_time_zone_find (zone == NULL ? "Local" : zone);
    return self->zone != NULL || fail (error, "unknown time zone %s", zone);
  }
  end = strchr (*text, ' ');
  /* upstream's parser looks for the end of the zone, and is saved from what it does without one */
  if (end == NULL)
    return fail (error, "invalid schedule format: runtime error: slice bounds out of range [:-1]");
  zone = strchr (*text, '=') + 1;
  name = g_strndup (zone, (gsize) (end - zone));
  *text = end + strspn (end, " \t\n\v\f\r");
  self->zone = kube_time_zone_find (name);
  return self->zone != NULL || fail (error, "provided bad location %s: unknown time zone %s", name, name);
}

KubeCronSchedule *
kube_cron_schedule_new (const char *text, const char *zone, GError **error)
{
  g_autoptr (KubeCronSchedule) self = g_new0 (KubeCronSchedule, 1);

  if (!read_zone (self, &text, zone, error) || !(*text == '@' ? read_descriptor (self, text, error) : read_fields (self, text, error)))
    return NULL;
  return g_steal_pointer (&self);
}

void
kube_cron_schedule_free (KubeCronSchedule *self)
{
  g_clear_pointer (&self->zone, g_time_zone_unref);
  g_free (self);
}

/* --- the next time --- */

/* A time as the clocks in the zone show it. */
typedef struct {
  KubeCronSchedule *schedule;
  gint64 time;              /* seconds since the epoch */
  int year, month, day, hour, minute, second, weekday;
} Search;

static gint64
offset_at (GTimeZone *zone, gint64 time)
{
  return g_time_zone_get_offset (zone, g_time_zone_find_interval (zone, G_TIME_TYPE_UNIVERSAL, time));
}

static void
go_to (Search *s, gint64 time)
{
  g_autoptr (GDateTime) shown = g_date_time_new_from_unix_utc (time + offset_at (s->schedule->zone, time));

  s->time = time;
  g_date_time_get_ymd (shown, &s->year, &s->month, &s->day);
  s->hour = g_date_time_get_hour (shown);
  s->minute = g_date_time_get_minute (shown);
  s->second = g_date_time_get_second (shown);
  s->weekday = g_date_time_get_day_of_week (shown) % 7;
}

/* To @more_days after the first of @month of this year. A time that the clocks skip, or show twice, is taken as Go takes it. */
static void
go_to_shown (Search *s, int month, int more_days, int hour)
{
  g_autoptr (GDateTime) start = g_date_time_new_utc (s->year, 1, 1, hour, 0, 0);
  g_autoptr (GDateTime) moved = g_date_time_add_full (start, 0, month - 1, more_days, 0, 0, 0);
  gint64 shown = g_date_time_to_unix (moved), offset = offset_at (s->schedule->zone, shown);

  if (offset != 0)
    offset = offset_at (s->schedule->zone, shown - offset);
  go_to (s, shown - offset);
}

static gboolean
fits (Search *s, int field, int number)
{
  return (s->schedule->fields[field] >> number & 1) != 0;
}

static gboolean
day_fits (Search *s)
{
  gboolean day = fits (s, DAY, s->day), weekday = fits (s, WEEKDAY, s->weekday);

  return ((s->schedule->fields[DAY] | s->schedule->fields[WEEKDAY]) & ANY) != 0 ? day && weekday : day || weekday;
}

/* Each goes on to the first number that fits. FALSE: what is above it has moved, and is to be looked at again. */

static gboolean
find_month (Search *s)
{
  while (!fits (s, MONTH, s->month)) {
    go_to_shown (s, s->month + 1, 0, 0);
    if (s->month == 1)
      return FALSE;
  }
  return TRUE;
}

static gboolean
find_day (Search *s)
{
  while (!day_fits (s)) {
    int month = s->month;

    go_to_shown (s, s->month, s->day, 0);
    /* Where there is no midnight, the clocks show an hour before or after it. */
    if (s->hour != 0)
      go_to (s, s->time + (s->hour > 12 ? 24 - s->hour : -s->hour) * 3600);
    if (s->month != month)
      return FALSE;
  }
  return TRUE;
}

static gboolean
find_hour (Search *s)
{
  while (!fits (s, HOUR, s->hour)) {
    go_to (s, s->time - s->minute * 60 - s->second + 3600);
    if (s->hour == 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
find_minute (Search *s)
{
  while (!fits (s, MINUTE, s->minute) || s->second != 0) {
    go_to (s, s->time + 60 - s->second);
    if (s->minute == 0)
      return FALSE;
  }
  return TRUE;
}

gint64
kube_cron_schedule_next (KubeCronSchedule *self, gint64 time)
{
  gint64 second = time / G_USEC_PER_SEC;
  Search s = { .schedule = self };
  int last;

  if (self->every > 0)
    return (second + self->every) * G_USEC_PER_SEC;
  go_to (&s, second + 1);
  last = s.year + 5;
  do {
    if (s.year > last)
      return -1;
  } while (!find_month (&s) || !find_day (&s) || !find_hour (&s) || !find_minute (&s));
  return s.time * G_USEC_PER_SEC;
}
