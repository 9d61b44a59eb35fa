/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kills a process that writes to a store, at random instants, over and over on the same data, and checks each time that every write
 * that was acknowledged is there, and that what is there is a consistent history: crash-kube-store [ROUNDS]. */
#include "kube-store-private.h"

#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEYS 64
#define WRITERS 16

/* What the writing process reports of each write once it is told of it. */
typedef struct {
  guint64 revision;
  guint64 serial; /* 0: a removal */
  guint32 key;
} Ack;

static char *
key_name (guint key, char *buffer, gsize size)
{
  /* Some are longer than LMDB's keys. */
  if (key % 16 == 0)
    g_snprintf (buffer, size, "/k/%0600u", key);
  else
    g_snprintf (buffer, size, "/k/%03u", key);
  return buffer;
}

static guint
key_number (const char *name)
{
  return (guint) strtoul (name + 3, NULL, 10);
}

static GBytes *
make_value (guint64 serial)
{
  gsize length = 32 + (serial * 2654435761u) % (serial % 50 == 0 ? 60000 : 3000);
  char *data = g_malloc (length + 1);

  memset (data, 'a' + serial % 26, length);
  g_snprintf (data, 32, "%020" G_GUINT64_FORMAT, serial);
  return g_bytes_new_take (data, length);
}

static guint64
check_value (GBytes *value)
{
  gsize length;
  const char *data = g_bytes_get_data (value, &length);
  guint64 serial = g_ascii_strtoull (data, NULL, 10);
  g_autoptr (GBytes) expected = make_value (serial);

  if (!g_bytes_equal (value, expected))
    g_error ("the value of write %" G_GUINT64_FORMAT " is damaged", serial);
  return serial;
}

static guint64 next_serial;

static void write_one (KubeStore *store);

typedef struct {
  guint64 serial;
  guint32 key;
} Written;

static void
on_written (KubeStore *store, const KubeStoreResult *result, gpointer user_data)
{
  Written *written = user_data;

  if (result->error == NULL) {
    Ack ack = { result->revision, written->serial, written->key };

    if (write (STDOUT_FILENO, &ack, sizeof ack) != sizeof ack)
      exit (1);
  } else if (result->error->code != KUBE_ERROR_NOT_FOUND) {
    g_error ("%s", result->error->message);
  }
  g_free (written);
  write_one (store);
}

static void
write_one (KubeStore *store)
{
  Written *written = g_new0 (Written, 1);
  gboolean removal = g_random_int_range (0, 5) == 0;
  g_autoptr (GBytes) value = NULL;
  char name[1024];

  written->key = g_random_int_range (0, KEYS);
  if (!removal) {
    written->serial = next_serial++;
    value = make_value (written->serial);
  }
  KubeStoreWrite request = { key_name (written->key, name, sizeof name), value, NULL, KUBE_STORE_ANY_REVISION,
                             KUBE_STORE_NO_OFFSET, removal };
  kube_store_write (store, &request, on_written, written);
}

static gboolean
on_compact (gpointer data)
{
  kube_store_compact (((gpointer *) data)[0], *(guint64 *) ((gpointer *) data)[1]);
  return G_SOURCE_REMOVE;
}

static int
child_main (const char *path, guint64 serial, guint64 verified)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GError) error = NULL;
  KubeStore *store = kube_store_lmdb_new_with_journal (path, verified % 2 == 0 ? 20 : 1000, &error);

  if (store == NULL)
    g_error ("%s", error->message);
  next_serial = serial;
  for (guint i = 0; i < WRITERS; i++)
    write_one (store);
  gpointer compaction[] = { store, &verified };
  g_timeout_add (g_random_int_range (0, 20), on_compact, compaction);
  g_main_loop_run (loop);
  return 0;
}

typedef struct {
  guint64 verified;    /* the model is the state at this revision */
  guint64 model[KEYS]; /* serial of the value; 0: nothing */
  guint64 serial;
  guint64 acks, writes;
  GArray *pending; /* (element-type Ack) */
  gint64 start;    /* microseconds that a child needs until its first write is there */
} Check;

static void
run_child (const char *program, const char *path, Check *check)
{
  g_autofree char *serial = g_strdup_printf ("%" G_GUINT64_FORMAT, check->serial);
  g_autofree char *verified = g_strdup_printf ("%" G_GUINT64_FORMAT, check->verified);
  const char *argv[] = { program, "--child", path, serial, verified, NULL };
  gint64 begin = g_get_monotonic_time ();
  gint64 deadline = check->start > 0 ? begin + g_random_int_range (3000, (gint32) check->start + 57000) : G_MAXINT64;
  g_autoptr (GError) error = NULL;
  gboolean killed = FALSE;
  int out, status;
  GPid pid;

  if (!g_spawn_async_with_pipes (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, NULL, &out, NULL, &error))
    g_error ("%s", error->message);
  for (;;) {
    struct pollfd pfd = { out, POLLIN, 0 };
    gint64 left = deadline - g_get_monotonic_time ();
    Ack acks[64];
    gssize n;

    if (left <= 0 && !killed) {
      kill (pid, SIGKILL);
      killed = TRUE;
    }
    if (!killed) {
      struct timespec time = { left / 1000000, left % 1000000 * 1000 };

      if (ppoll (&pfd, 1, &time, NULL) == 0)
        continue;
    }
    n = read (out, acks, sizeof acks);
    if (n <= 0)
      break;
    g_array_append_vals (check->pending, acks, n / sizeof (Ack));
    if (check->start == 0) {
      deadline = g_get_monotonic_time ();
      check->start = deadline - begin;
    }
  }
  close (out);
  waitpid (pid, &status, 0);
  if (!killed || !WIFSIGNALED (status) || WTERMSIG (status) != SIGKILL)
    g_error ("the writing process ended by itself");
}

static int
compare_acks (gconstpointer a, gconstpointer b)
{
  guint64 x = ((const Ack *) a)->revision, y = ((const Ack *) b)->revision;

  return (x > y) - (x < y);
}

typedef struct {
  Check *check;
  guint next_ack;
} Walk;

static void
on_history (KubeStore *store, const KubeStoreEvent *events, guint n_events, gpointer user_data)
{
  Walk *walk = user_data;
  Check *check = walk->check;

  for (guint i = 0; i < n_events; i++) {
    const KubeStoreEvent *event = &events[i];
    guint key = key_number (event->key);
    guint64 previous = event->previous != NULL ? check_value (event->previous) : 0;
    guint64 serial = check_value (event->value);

    if (event->revision != check->verified + 1)
      g_error ("revision %" G_GUINT64_FORMAT " follows %" G_GUINT64_FORMAT, event->revision, check->verified);
    if (previous != check->model[key])
      g_error ("revision %" G_GUINT64_FORMAT " has another previous value than what was there", event->revision);
    check->verified = event->revision;
    check->model[key] = event->type == KUBE_STORE_EVENT_REMOVE ? 0 : serial;
    check->serial = MAX (check->serial, serial + 1);
    check->writes++;
    if (walk->next_ack < check->pending->len) {
      const Ack *ack = &g_array_index (check->pending, Ack, walk->next_ack);

      if (ack->revision == event->revision) {
        if (ack->key != key || ack->serial != check->model[key])
          g_error ("revision %" G_GUINT64_FORMAT " is not what was acknowledged", event->revision);
        walk->next_ack++;
      }
    }
  }
}

static gboolean
on_state (const char *key, const guint8 *value, gsize length, guint64 revision, gpointer user_data)
{
  guint64 *seen = user_data;
  g_autoptr (GBytes) bytes = g_bytes_new (value, length);

  seen[key_number (key)] = check_value (bytes);
  return TRUE;
}

static void
verify (const char *path, Check *check)
{
  g_autoptr (GError) error = NULL;
  KubeStore *store = kube_store_lmdb_new (path, &error);
  KubeStoreRange range = { "/", "0", 0, 0 };
  guint64 seen[KEYS] = { 0 }, before;
  Walk walk = { check, 0 };

  if (store == NULL)
    g_error ("%s", error->message);
  g_array_sort (check->pending, compare_acks);
  do {
    before = check->verified;
    if (!kube_store_history (store, check->verified, 500, on_history, &walk, &error))
      g_error ("%s", error->message);
  } while (check->verified > before);

  if (check->verified != kube_store_get_revision (store))
    g_error ("the history ends before the newest revision");
  if (walk.next_ack != check->pending->len)
    g_error ("the acknowledged write %" G_GUINT64_FORMAT " is lost",
             g_array_index (check->pending, Ack, walk.next_ack).revision);
  if (!kube_store_range (store, &range, on_state, seen, NULL, NULL, &error))
    g_error ("%s", error->message);
  if (memcmp (seen, check->model, sizeof seen) != 0)
    g_error ("the newest state is not what the history says");
  check->acks += check->pending->len;
  g_array_set_size (check->pending, 0);
  g_object_unref (store);
}

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *file = g_build_filename (path, name, NULL);

    g_remove (file);
  }
  g_rmdir (path);
}

int
main (int argc, char **argv)
{
  guint rounds = argc > 1 ? (guint) atoi (argv[1]) : 200;
  g_autofree char *path = NULL;
  Check check = { .verified = 1, .serial = 1 };

  if (argc == 5 && g_str_equal (argv[1], "--child"))
    return child_main (argv[2], g_ascii_strtoull (argv[3], NULL, 10), g_ascii_strtoull (argv[4], NULL, 10));

  path = g_dir_make_tmp ("crash-kube-store-XXXXXX", NULL);
  check.pending = g_array_new (FALSE, FALSE, sizeof (Ack));
  for (guint i = 0; i < rounds; i++) {
    run_child (argv[0], path, &check);
    verify (path, &check);
  }
  g_array_unref (check.pending);
  remove_folder (path);
  g_print ("%u kills, %" G_GUINT64_FORMAT " writes found, %" G_GUINT64_FORMAT " of them acknowledged, none lost\n", rounds,
           check.writes, check.acks);
  return check.acks > rounds ? 0 : 1;
}
