/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-journal.h"

#include <kube/kube-error.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define MAGIC "kubejrnl"
#define VERSION 1
#define HEADER 32
#define FRAME 16
#define LEAST_RESERVE (64 * 1024)
#define RESERVE_STEP (1024 * 1024)

/* One file. Its blocks are written ahead of use, for a sync of blocks that were written before need not wait for the file system's own
 * journal. */
typedef struct {
  int fd;
  guint64 reserved; /* bytes that are written */
  guint64 length;   /* bytes in use; 0: it is free */
  guint64 writes;
  guint64 last; /* revision of its newest write */
  guint32 seed; /* of its checksums */
} Segment;

struct _KubeStoreJournal {
  char *folder;
  guint64 most_writes; /* in one file */
  GPtrArray *segments; /* (element-type Segment) (mutex mutex) */
  Segment *active;     /* (unowned) */
  gboolean new_names;  /* since the folder was synced last */
  GMutex mutex;        /* guards which segments there are, and what they say of themselves */

  GByteArray *batch; /* frames, behind room for a header */
  guint64 batch_first, batch_last, batch_writes;
};

static gboolean
set_errno (GError **error, const char *folder, const char *what)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: the journal %s: %s", folder, what, g_strerror (errno));
  return FALSE;
}

static guint32
checksum (guint32 seed, const guint8 *data, gsize length)
{
  return (guint32) crc32_z (seed, data, length);
}

static void
print_header (guint8 *out, guint64 first, guint64 random)
{
  memcpy (out, MAGIC, 8);
  kube_store_write_u32 (out + 8, VERSION);
  kube_store_write_u64 (out + 16, first);
  kube_store_write_u64 (out + 24, random);
  kube_store_write_u32 (out + 12, checksum (VERSION, out + 16, HEADER - 16));
}

static gboolean
parse_header (const guint8 *data, gsize length, guint64 *first, guint32 *seed)
{
  if (length < HEADER || memcmp (data, MAGIC, 8) != 0 || kube_store_read_u32 (data + 8) != VERSION
      || kube_store_read_u32 (data + 12) != checksum (VERSION, data + 16, HEADER - 16))
    return FALSE;
  *first = kube_store_read_u64 (data + 16);
  *seed = checksum (0, data + 24, 8);
  return TRUE;
}

/* The write at @at: FALSE where there is none. */
static gboolean
parse_frame (const guint8 *data, gsize length, gsize *at, guint32 seed, KubeStoreRecord *record)
{
  const guint8 *frame = data + *at;
  gsize size;

  if (length - *at < FRAME)
    return FALSE;
  size = kube_store_read_u32 (frame);
  if (size > length - *at - FRAME || kube_store_read_u32 (frame + 4) != checksum (seed, frame + 8, 8 + size)
      || !kube_store_record_parse (record, kube_store_read_u64 (frame + 8), frame + FRAME, size))
    return FALSE;
  *at += FRAME + size;
  return TRUE;
}

gboolean
kube_store_journal_parse (const guint8 *data, gsize length, guint64 *first, KubeStoreJournalFunc func, gpointer user_data)
{
  gsize at = HEADER;
  guint64 expected;
  guint32 seed;
  KubeStoreRecord record;

  if (!parse_header (data, length, first, &seed))
    return FALSE;
  for (expected = *first; parse_frame (data, length, &at, seed, &record) && record.revision == expected; expected++)
    func (&record, user_data);
  return expected > *first;
}

static void
segment_free (Segment *segment)
{
  close (segment->fd);
  g_free (segment);
}

/* Writes zeros up to @target. */
static gboolean
segment_reserve (Segment *segment, guint64 target)
{
  static const char zeros[64 * 1024];

  while (segment->reserved < target) {
    gssize written = pwrite (segment->fd, zeros, MIN (target - segment->reserved, sizeof zeros), segment->reserved);

    if (written < 0 && errno != EINTR)
      return FALSE;
    segment->reserved += MAX (written, 0);
  }
  return TRUE;
}

static gboolean
segment_write (Segment *segment, const guint8 *data, gsize length)
{
  for (gsize done = 0; done < length;) {
    gssize written = pwrite (segment->fd, data + done, length - done, segment->length + done);

    if (written < 0 && errno != EINTR)
      return FALSE;
    done += MAX (written, 0);
  }
  return fdatasync (segment->fd) == 0;
}

/* A file that was made is there after a loss of power too. */
static gboolean
sync_names (KubeStoreJournal *journal, GError **error)
{
  int fd, rc;

  if (!journal->new_names)
    return TRUE;
  fd = open (journal->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  rc = fd >= 0 ? fsync (fd) : -1;
  if (rc != 0)
    set_errno (error, journal->folder, "cannot be synced");
  else
    journal->new_names = FALSE;
  if (fd >= 0)
    close (fd);
  return rc == 0;
}

static char *
segment_path (KubeStoreJournal *journal, guint number)
{
  return g_strdup_printf ("%s/journal-%u", journal->folder, number);
}

/* Opens the file of the next number, or makes it. */
static Segment *
open_segment (KubeStoreJournal *journal, GError **error)
{
  g_autofree char *path = segment_path (journal, journal->segments->len);
  Segment *segment = g_new0 (Segment, 1);
  struct stat st;

  segment->fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (segment->fd < 0 || fstat (segment->fd, &st) != 0) {
    set_errno (error, journal->folder, "cannot be opened");
    g_free (segment);
    return NULL;
  }
  segment->reserved = st.st_size;
  journal->new_names = journal->new_names || segment->reserved == 0;
  if (!segment_reserve (segment, LEAST_RESERVE)) {
    set_errno (error, journal->folder, "cannot be made");
    segment_free (segment);
    return NULL;
  }
  g_mutex_lock (&journal->mutex);
  g_ptr_array_add (journal->segments, segment);
  g_mutex_unlock (&journal->mutex);
  return segment;
}

static Segment *
take_free_segment (KubeStoreJournal *journal)
{
  Segment *found = NULL;

  g_mutex_lock (&journal->mutex);
  for (guint i = 0; i < journal->segments->len && found == NULL; i++) {
    Segment *segment = journal->segments->pdata[i];

    if (segment->length == 0 && segment != journal->active)
      found = segment;
  }
  g_mutex_unlock (&journal->mutex);
  return found;
}

/* What one file was found to hold. */
typedef struct {
  Segment *segment;
  guint8 *data; /* (owned) */
  gsize length;
  guint64 first;
} Found;

static void
found_clear (Found *found)
{
  g_free (found->data);
}

static int
found_compare (gconstpointer a, gconstpointer b)
{
  const Found *one = a, *other = b;

  return (one->first > other->first) - (one->first < other->first);
}

static gboolean
read_segment (KubeStoreJournal *journal, Segment *segment, Found *found, GError **error)
{
  guint8 header[HEADER];
  guint32 seed;
  gssize got = pread (segment->fd, header, sizeof header, 0);

  *found = (Found) { .segment = segment };
  if (got < 0)
    return set_errno (error, journal->folder, "cannot be read");
  if (!parse_header (header, got, &found->first, &seed))
    return TRUE;
  found->data = g_try_malloc (segment->reserved);
  if (found->data == NULL) {
    errno = ENOMEM;
    return set_errno (error, journal->folder, "cannot be read");
  }
  while (found->length < segment->reserved) {
    got = pread (segment->fd, found->data + found->length, segment->reserved - found->length, found->length);
    if (got == 0)
      break;
    if (got < 0 && errno != EINTR)
      return set_errno (error, journal->folder, "cannot be read");
    found->length += MAX (got, 0);
  }
  return TRUE;
}

typedef struct {
  KubeStoreJournalFunc func;
  gpointer user_data;
  Segment *segment;
  guint64 newest;
} Recovery;

static void
recover_write (const KubeStoreRecord *record, gpointer user_data)
{
  Recovery *recovery = user_data;

  if (record->revision != recovery->newest + 1)
    return;
  recovery->newest = recovery->segment->last = record->revision;
  recovery->segment->length += FRAME + kube_store_record_get_size (record);
  recovery->segment->writes++;
  recovery->func (record, recovery->user_data);
}

static gboolean
recover (KubeStoreJournal *journal, GArray *files, Recovery *recovery, GError **error)
{
  g_array_sort (files, found_compare);
  for (guint i = 0; i < files->len; i++) {
    Found *found = &g_array_index (files, Found, i);

    if (found->data == NULL)
      continue;
    if (found->first > recovery->newest + 1) {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL,
                   "%s: the store is damaged: a file of the journal begins at revision %" G_GUINT64_FORMAT
                   ", what is before it ends at %" G_GUINT64_FORMAT,
                   journal->folder, found->first, recovery->newest);
      return FALSE;
    }
    recovery->segment = found->segment;
    kube_store_journal_parse (found->data, found->length, &found->first, recover_write, recovery);
  }
  return TRUE;
}

/* Opens the files that there are, two at least: the second one is there when the disk is full. */
static gboolean
open_segments (KubeStoreJournal *journal, Recovery *recovery, GError **error)
{
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (Found));

  g_array_set_clear_func (files, (GDestroyNotify) found_clear);
  for (guint i = 0;; i++) {
    g_autofree char *path = segment_path (journal, i);
    Segment *segment;
    Found found;

    if (i >= 2 && access (path, F_OK) != 0)
      break;
    segment = open_segment (journal, error);
    if (segment == NULL || !read_segment (journal, segment, &found, error))
      return FALSE;
    g_array_append_val (files, found);
  }
  return recover (journal, files, recovery, error);
}

KubeStoreJournal *
kube_store_journal_open (const char *folder, guint64 most_writes, guint64 after, KubeStoreJournalFunc func, gpointer user_data,
                         GError **error)
{
  KubeStoreJournal *journal = g_new0 (KubeStoreJournal, 1);
  Recovery recovery = { .func = func, .user_data = user_data, .newest = after };

  journal->folder = g_strdup (folder);
  journal->most_writes = most_writes;
  journal->segments = g_ptr_array_new_with_free_func ((GDestroyNotify) segment_free);
  journal->batch = g_byte_array_new ();
  g_mutex_init (&journal->mutex);
  kube_store_journal_forget (journal);
  if (!open_segments (journal, &recovery, error) || !kube_store_journal_seal (journal, error))
    g_clear_pointer (&journal, kube_store_journal_free);
  return journal;
}

void
kube_store_journal_free (KubeStoreJournal *journal)
{
  static const guint8 no_header[HEADER];

  /* Nobody need read again what is not needed: if it is read nevertheless, nothing is wrong. */
  for (guint i = 0; i < journal->segments->len; i++) {
    Segment *segment = journal->segments->pdata[i];

    if (segment->length == 0 && pwrite (segment->fd, no_header, sizeof no_header, 0) < 0)
      break;
  }
  g_ptr_array_unref (journal->segments);
  g_byte_array_unref (journal->batch);
  g_mutex_clear (&journal->mutex);
  g_free (journal->folder);
  g_free (journal);
}

void
kube_store_journal_add (KubeStoreJournal *journal, const KubeStoreRecord *record)
{
  gsize size = kube_store_record_get_size (record), at = journal->batch->len;
  guint8 *frame;

  g_byte_array_set_size (journal->batch, at + FRAME + size);
  frame = journal->batch->data + at;
  kube_store_write_u32 (frame, (guint32) size);
  kube_store_write_u64 (frame + 8, record->revision);
  kube_store_record_print (record, frame + FRAME);
  if (journal->batch_writes++ == 0)
    journal->batch_first = record->revision;
  journal->batch_last = record->revision;
}

/* The checksums are made here, for an add does not know which file it goes to. */
static void
finish_frames (KubeStoreJournal *journal, guint32 seed)
{
  for (gsize at = HEADER; at < journal->batch->len;) {
    guint8 *frame = journal->batch->data + at;
    guint32 size = kube_store_read_u32 (frame);

    kube_store_write_u32 (frame + 4, checksum (seed, frame + 8, 8 + size));
    at += FRAME + size;
  }
}

gboolean
kube_store_journal_commit (KubeStoreJournal *journal, GError **error)
{
  static const guint8 no_frame[FRAME];
  Segment *segment = journal->active;
  gboolean begins = segment->length == 0;
  const guint8 *data = journal->batch->data + (begins ? 0 : HEADER);
  gsize length = journal->batch->len - (begins ? 0 : HEADER);
  guint64 end = segment->length + length;

  if (journal->batch_writes == 0)
    return TRUE;
  if (begins) {
    print_header (journal->batch->data, journal->batch_first, (guint64) g_random_int () << 32 | g_random_int ());
    segment->seed = checksum (0, journal->batch->data + 24, 8);
  }
  finish_frames (journal, segment->seed);
  if ((end > segment->reserved && !segment_reserve (segment, (end / RESERVE_STEP + 1) * RESERVE_STEP))
      || !segment_write (segment, data, length)) {
    int failure = errno;

    /* What may stand there in part is nothing. */
    if (pwrite (segment->fd, no_frame, sizeof no_frame, segment->length) < 0)
      g_debug ("%s: %s", journal->folder, g_strerror (errno));
    errno = failure;
    return set_errno (error, journal->folder, "cannot be written");
  }
  g_mutex_lock (&journal->mutex);
  segment->length = end;
  segment->writes += journal->batch_writes;
  segment->last = journal->batch_last;
  g_mutex_unlock (&journal->mutex);
  kube_store_journal_forget (journal);
  return TRUE;
}

void
kube_store_journal_forget (KubeStoreJournal *journal)
{
  if (journal->batch->len > KUBE_STORE_JOURNAL_BYTES) { /* not to be kept for the sake of one large batch */
    g_byte_array_unref (journal->batch);
    journal->batch = g_byte_array_new ();
  }
  g_byte_array_set_size (journal->batch, HEADER);
  journal->batch_writes = 0;
}

gboolean
kube_store_journal_is_full (KubeStoreJournal *journal)
{
  return journal->active->length >= KUBE_STORE_JOURNAL_BYTES || journal->active->writes >= journal->most_writes;
}

gboolean
kube_store_journal_seal (KubeStoreJournal *journal, GError **error)
{
  Segment *next = take_free_segment (journal);

  if (next == NULL)
    next = open_segment (journal, error);
  if (next == NULL || !sync_names (journal, error))
    return FALSE;
  journal->active = next;
  return TRUE;
}

void
kube_store_journal_release (KubeStoreJournal *journal, guint64 revision)
{
  g_mutex_lock (&journal->mutex);
  for (guint i = 0; i < journal->segments->len; i++) {
    Segment *segment = journal->segments->pdata[i];

    if (segment->length > 0 && segment->last <= revision)
      segment->length = segment->writes = 0;
  }
  g_mutex_unlock (&journal->mutex);
}

guint64
kube_store_journal_get_size (KubeStoreJournal *journal, guint64 *bytes, guint64 *writes)
{
  guint64 size = 0;

  *bytes = *writes = 0;
  g_mutex_lock (&journal->mutex);
  for (guint i = 0; i < journal->segments->len; i++) {
    Segment *segment = journal->segments->pdata[i];

    *bytes += segment->length;
    *writes += segment->writes;
    size += segment->reserved;
  }
  g_mutex_unlock (&journal->mutex);
  return size;
}
