/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-log.h>
#include <kube/kube-value.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* klog's order of a record: severity, date, time, thread or process, place. */
static int log_format = KUBE_LOG_FORMAT_TEXT; /* atomic */
static int log_verbosity;                     /* atomic */

typedef struct {
  char *topic; /* (owned) */
  int verbosity;
} TopicVerbosity;

/* (element-type TopicVerbosity): replaced as a whole, read without a lock; old ones are kept, since a reader may be in them */
static GArray *log_topics;
static GMutex log_topics_lock;
static GPtrArray *log_topics_all; /* (mutex log_topics_lock) (element-type GArray) */

static const char *
get_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++) {
    if (g_str_equal (fields[i].key, key) && fields[i].length < 0)
      return fields[i].value;
  }
  return NULL;
}

static char
severity (GLogLevelFlags level)
{
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL))
    return 'F';
  if (level & G_LOG_LEVEL_CRITICAL)
    return 'E';
  return level & G_LOG_LEVEL_WARNING ? 'W' : 'I';
}

static void
append_text (GString *out, char level, const char *file, const char *line, const char *message)
{
  gint64 now = g_get_real_time ();
  time_t seconds = now / G_USEC_PER_SEC;
  struct tm tm;

  localtime_r (&seconds, &tm);
  g_string_append_printf (out, "%c%02d%02d %02d:%02d:%02d.%06d %7d %s:%s] ", level, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                          tm.tm_min, tm.tm_sec, (int) (now % G_USEC_PER_SEC), (int) getpid (), file, line);
  /* One record is one line: what a client controls cannot forge a second one. */
  for (const char *c = message; *c != '\0'; c++) {
    if (*c == '\n')
      g_string_append (out, "\\n");
    else if ((guchar) *c >= ' ' || *c == '\t')
      g_string_append_c (out, *c);
    else
      g_string_append_printf (out, "\\x%02x", (guchar) *c);
  }
  g_string_append_c (out, '\n');
}

static void
append_json_string (GString *out, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  kube_json_append_string (out, valid, -1);
}

static void
append_json (GString *out, char level, const char *topic, const char *file, const char *line, const char *message)
{
  static const char *const names[] = { ['I'] = "info", ['W'] = "warning", ['E'] = "error", ['F'] = "fatal" };
  gint64 now = g_get_real_time ();

  g_string_append_printf (out, "{\"ts\":%" G_GINT64_FORMAT ".%03d,\"level\":\"%s\",", now / 1000, (int) (now % 1000),
                          names[(guchar) level]);
  if (topic != NULL) {
    g_string_append (out, "\"logger\":");
    append_json_string (out, topic);
    g_string_append_c (out, ',');
  }
  g_string_append_printf (out, "\"caller\":\"%s:%s\",\"msg\":", file, line);
  append_json_string (out, message);
  g_string_append (out, "}\n");
}

static GLogWriterOutput
write_record (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const char *domain = get_field (fields, n_fields, "GLIB_DOMAIN");
  const char *topic = get_field (fields, n_fields, "KUBE_TOPIC");
  const char *file = get_field (fields, n_fields, "CODE_FILE");
  const char *line = get_field (fields, n_fields, "CODE_LINE");
  const char *message = get_field (fields, n_fields, "MESSAGE");

  if ((level & (G_LOG_LEVEL_DEBUG | G_LOG_LEVEL_INFO)) && topic == NULL && g_log_writer_default_would_drop (level, domain))
    return G_LOG_WRITER_HANDLED;

  g_autoptr (GString) out = g_string_sized_new (256);
  const char *slash = file != NULL ? strrchr (file, '/') : NULL;
  file = slash != NULL ? slash + 1 : file != NULL ? file : domain != NULL ? domain : "-";
  if (g_atomic_int_get (&log_format) == KUBE_LOG_FORMAT_JSON)
    append_json (out, severity (level), topic, file, line != NULL ? line : "0", message != NULL ? message : "");
  else
    append_text (out, severity (level), file, line != NULL ? line : "0", message != NULL ? message : "");

  fwrite (out->str, 1, out->len, stderr); /* stderr is unbuffered by line: one write, so that threads do not mix */
  fflush (stderr);
  return G_LOG_WRITER_HANDLED;
}

/**
 * kube_log_init:
 * @format: how records are written
 * @verbosity: as klog's `-v`: records of kube_info() up to this number are written
 *
 * Installs libkube's writer (to stderr) for the process. Later calls only change format and verbosity.
 *
 * Since: 1.0
 */
void
kube_log_init (KubeLogFormat format, int verbosity)
{
  static gsize installed;

  g_atomic_int_set (&log_format, format);
  g_atomic_int_set (&log_verbosity, verbosity);
  if (g_once_init_enter (&installed)) {
    g_log_set_writer_func (write_record, NULL, NULL);
    g_once_init_leave (&installed, 1);
  }
}

/**
 * kube_log_enabled:
 * @topic: a topic
 * @verbosity: of the record
 *
 * Returns: whether a record would be written; cheap
 * Since: 1.0
 */
gboolean
kube_log_enabled (const char *topic, int verbosity)
{
  const GArray *topics = g_atomic_pointer_get (&log_topics);

  for (guint i = 0; topics != NULL && i < topics->len; i++) {
    const TopicVerbosity *t = &g_array_index (topics, TopicVerbosity, i);
    if (g_str_equal (t->topic, topic))
      return verbosity <= t->verbosity;
  }
  return verbosity <= g_atomic_int_get (&log_verbosity);
}

/**
 * kube_log_set_topics:
 * @topics: (nullable): `topic=verbosity`, separated by commas; what is not of this form is left out
 *
 * Sets the verbosity of single topics; the others have the one of kube_log_init().
 *
 * Since: 1.0
 */
void
kube_log_set_topics (const char *topics)
{
  GArray *parsed = g_array_new (FALSE, FALSE, sizeof (TopicVerbosity));
  g_auto (GStrv) items = g_strsplit (topics != NULL ? topics : "", ",", -1);

  for (char **item = items; *item != NULL; item++) {
    g_auto (GStrv) pair = g_strsplit (*item, "=", 2);
    gint64 verbosity;
    if (g_strv_length (pair) != 2 || !g_ascii_string_to_signed (g_strstrip (pair[1]), 10, 0, 1000, &verbosity, NULL))
      continue;
    TopicVerbosity t = { g_strdup (g_strstrip (pair[0])), verbosity };
    g_array_append_val (parsed, t);
  }

  g_mutex_lock (&log_topics_lock);
  if (log_topics_all == NULL)
    log_topics_all = g_ptr_array_new ();
  g_ptr_array_add (log_topics_all, parsed);
  g_atomic_pointer_set (&log_topics, parsed);
  g_mutex_unlock (&log_topics_lock);
}

/**
 * kube_log_write: (skip)
 * @level: severity
 * @topic: topic, which goes with the record as `KUBE_TOPIC`
 * @file: source file
 * @line: line in it
 * @format: printf format
 * @...: its arguments
 *
 * Since: 1.0
 */
void
kube_log_write (GLogLevelFlags level, const char *topic, const char *file, int line, const char *format, ...)
{
  g_autofree char *message = NULL;
  char line_text[16];
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_snprintf (line_text, sizeof line_text, "%d", line);

  const GLogField fields[] = {
    { "PRIORITY", level & G_LOG_LEVEL_WARNING ? "4" : "6", -1 },
    { "GLIB_DOMAIN", "libkube", -1 },
    { "KUBE_TOPIC", topic, -1 },
    { "CODE_FILE", file, -1 },
    { "CODE_LINE", line_text, -1 },
    { "MESSAGE", message, -1 },
  };
  g_log_structured_array (level, fields, G_N_ELEMENTS (fields));
}
