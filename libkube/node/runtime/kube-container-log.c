/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-container-log.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <kube/kube-time.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (64 * 1024)

/* One reader of one log. */
typedef struct {
  char *path;
  gboolean follow, timestamps;
  gint64 since, tail, limit;
  const char *stream; /* NULL, "stdout", "stderr" */
  int file;           /* -1: not there yet */
  int out;            /* socket to the stream; -1: into text */
  int end;
  int watch; /* inotify, -1 */
  GString *text;
  GString *line;    /* what has come of a line so far */
  GString *pending; /* what goes out in one write */
} Log;

static void
log_free (Log *log)
{
  int fds[] = { log->file, log->out, log->end, log->watch };

  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++) {
    if (fds[i] >= 0)
      close (fds[i]);
  }
  g_free (log->path);
  g_string_free (log->line, TRUE);
  g_string_free (log->pending, TRUE);
  if (log->text != NULL)
    g_string_free (log->text, TRUE);
  g_free (log);
}

static gboolean
flush_pending (Log *log)
{
  const char *data = log->pending->str;
  gsize left = log->pending->len;

  if (log->text != NULL) {
    g_string_append_len (log->text, data, left);
    left = 0;
  }
  while (left > 0) {
    ssize_t n = send (log->out, data, left, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    data += n;
    left -= n;
  }
  g_string_truncate (log->pending, 0);
  return TRUE;
}

/* "2026-11-22T17:05:21.929740700+00:00 stdout F text": FALSE when the limit is reached. */
static gboolean
take_line (Log *log, const char *line, gsize length)
{
  const char *end = line + length, *time_end = memchr (line, ' ', length);
  const char *stream_end = time_end != NULL ? memchr (time_end + 1, ' ', end - time_end - 1) : NULL;
  const char *tag_end = stream_end != NULL ? memchr (stream_end + 1, ' ', end - stream_end - 1) : NULL;
  gint64 when;

  if (tag_end == NULL)
    return TRUE;
  if (log->stream != NULL && (strlen (log->stream) != (gsize) (stream_end - time_end - 1) ||
                              strncmp (log->stream, time_end + 1, strlen (log->stream)) != 0))
    return TRUE;
  if (log->since >= 0) {
    g_autofree char *text = g_strndup (line, time_end - line);
    if (kube_time_parse (text, &when, NULL) && when < log->since)
      return TRUE;
  }
  gsize before = log->pending->len;
  if (log->timestamps) {
    gsize n = time_end - line;
    g_string_append_len (log->pending, line, n);
    if (n > 6 && strncmp (time_end - 6, "+00:00", 6) == 0) {
      g_string_truncate (log->pending, log->pending->len - 6);
      g_string_append_c (log->pending, 'Z');
    }
    g_string_append_c (log->pending, ' ');
  }
  /* a line ends with \n or, from a terminal, with \r\n: neither is a part of it */
  if (stream_end[1] == 'F' && end > tag_end + 1 && end[-1] == '\r')
    end--;
  g_string_append_len (log->pending, tag_end + 1, end - tag_end - 1);
  if (stream_end[1] == 'F')
    g_string_append_c (log->pending, '\n');
  if (log->limit < 0)
    return TRUE;
  gint64 added = log->pending->len - before;
  if (added >= log->limit) {
    g_string_truncate (log->pending, before + log->limit);
    log->limit = 0;
    return FALSE;
  }
  log->limit -= added;
  return TRUE;
}

/* Reads what is there; FALSE: no more is wanted. */
static gboolean
drain (Log *log)
{
  char block[BLOCK];
  ssize_t n;

  while (log->file >= 0 && (n = read (log->file, block, sizeof block)) > 0) {
    const char *at = block, *end = block + n, *newline;
    gboolean more = TRUE;
    while (more && (newline = memchr (at, '\n', end - at)) != NULL) {
      if (log->line->len > 0) {
        g_string_append_len (log->line, at, newline - at);
        more = take_line (log, log->line->str, log->line->len);
        g_string_truncate (log->line, 0);
      } else
        more = take_line (log, at, newline - at);
      at = newline + 1;
    }
    g_string_append_len (log->line, at, end - at);
    if (!flush_pending (log) || !more)
      return FALSE;
  }
  return TRUE;
}

static void
seek_tail (int file, gint64 lines)
{
  char block[BLOCK];
  off_t at = lseek (file, 0, SEEK_END);

  if (lines == 0)
    return;
  /* the newline that ends the last line does not count */
  lines++;
  while (at > 0) {
    off_t n = MIN (at, (off_t) sizeof block);
    at -= n;
    if (pread (file, block, n, at) != n)
      break;
    for (off_t i = n; i-- > 0;) {
      if (block[i] == '\n' && --lines == 0) {
        lseek (file, at + i + 1, SEEK_SET);
        return;
      }
    }
  }
  lseek (file, 0, SEEK_SET);
}

/* The file may have been renamed by rotation: then what stands under its name now is the rest of the log. */
static gboolean
is_replaced (Log *log)
{
  struct stat now, ours;

  if (stat (log->path, &now) < 0)
    return FALSE;
  return log->file < 0 || fstat (log->file, &ours) < 0 || ours.st_ino != now.st_ino || ours.st_dev != now.st_dev;
}

static gboolean
reopen (Log *log)
{
  int file = open (log->path, O_RDONLY | O_CLOEXEC);

  if (file < 0)
    return FALSE;
  if (log->file >= 0)
    close (log->file);
  log->file = file;
  return TRUE;
}

static void
watch_files (Log *log)
{
  g_autofree char *folder = g_path_get_dirname (log->path);

  inotify_add_watch (log->watch, folder, IN_CREATE | IN_MOVED_TO);
  inotify_add_watch (log->watch, log->path, IN_MODIFY);
}

static void
follow (Log *log)
{
  struct pollfd fds[] = { { log->watch, POLLIN, 0 }, { log->out, POLLIN, 0 }, { log->end, POLLIN, 0 } };
  char events[4096];
  gboolean ended = log->end < 0;

  for (;;) {
    /* Whether the writer has ended is looked at first: what it wrote before is then read once more. */
    if (!ended && poll (&fds[2], 1, 0) > 0)
      ended = TRUE;
    if (!drain (log))
      return;
    if (is_replaced (log)) {
      /* Once the new file is there nothing more comes into the old one: its rest is read first. */
      if (!drain (log))
        return;
      if (reopen (log)) {
        watch_files (log);
        continue;
      }
    }
    if (ended)
      return;
    if (poll (fds, 3, -1) < 0 && errno != EINTR)
      return;
    if (fds[1].revents != 0) /* the reader never writes: it has closed */
      return;
    if (fds[0].revents != 0 && read (log->watch, events, sizeof events) < 0 && errno != EAGAIN)
      return;
  }
}

static gpointer
run (gpointer data)
{
  Log *log = data;

  if (log->file >= 0 && log->tail >= 0)
    seek_tail (log->file, log->tail);
  if (log->follow)
    follow (log);
  else
    drain (log);
  log_free (log);
  return NULL;
}

static Log *
log_new (const char *path, const KubeLogOptions *options)
{
  Log *log = g_new0 (Log, 1);

  log->path = g_strdup (path);
  log->follow = options->follow;
  log->timestamps = options->timestamps;
  log->since = options->since_time;
  log->tail = options->tail_lines;
  log->limit = options->limit_bytes;
  log->stream = g_strcmp0 (options->stream, "Stdout") == 0   ? "stdout"
                : g_strcmp0 (options->stream, "Stderr") == 0 ? "stderr"
                                                             : NULL;
  log->out = log->end = log->watch = -1;
  log->file = open (path, O_RDONLY | O_CLOEXEC);
  log->line = g_string_new (NULL);
  log->pending = g_string_new (NULL);
  return log;
}

GInputStream *
kube_container_log_open (const char *path, const KubeLogOptions *options, int end, GError **error)
{
  Log *log = log_new (path, options);
  int sockets[2];

  log->end = end;
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "cannot open a log: %s", g_strerror (errno));
    log_free (log);
    return NULL;
  }
  log->out = sockets[0];
  if (log->follow) {
    log->watch = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
    watch_files (log);
  }
  GInputStream *stream = g_unix_input_stream_new (sockets[1], TRUE);
  g_thread_unref (g_thread_new ("kube-log", run, log));
  return stream;
}

char *
kube_container_log_read_tail (const char *path, gint64 max_lines, gsize max_bytes)
{
  KubeLogOptions options = { .since_time = -1, .tail_lines = max_lines, .limit_bytes = -1 };
  Log *log = log_new (path, &options);

  log->text = g_string_new (NULL);
  if (log->file >= 0) {
    seek_tail (log->file, max_lines);
    drain (log);
  }
  if (log->text->len > max_bytes)
    g_string_erase (log->text, 0, log->text->len - max_bytes);
  char *text = g_string_free (g_steal_pointer (&log->text), FALSE);
  log_free (log);
  return text;
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char **) a, *(const char **) b);
}

char *
kube_container_log_rotate (const char *path, gint64 max_size, guint max_files)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *prefix = g_path_get_basename (path);
  g_autoptr (GPtrArray) old = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDateTime) now = NULL;
  g_autoptr (GDir) dir = NULL;
  const char *name;
  struct stat st;

  if (stat (path, &st) < 0 || st.st_size < max_size)
    return NULL;
  dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    if (g_str_has_prefix (name, prefix) && name[strlen (prefix)] == '.')
      g_ptr_array_add (old, g_build_filename (folder, name, NULL));
  }
  g_ptr_array_sort (old, by_name);
  /* the new file and the one renamed now count too */
  for (guint i = 0; i + MAX (max_files, 2) - 2 < old->len; i++)
    unlink (old->pdata[i]);
  now = g_date_time_new_now_utc ();
  g_autofree char *stamp = g_date_time_format (now, "%Y%m%d-%H%M%S");
  g_autofree char *to = g_strdup_printf ("%s.%s", path, stamp);
  return rename (path, to) == 0 ? g_steal_pointer (&to) : NULL;
}
