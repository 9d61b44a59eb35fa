/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-store-lmdb-private.h"

#include <string.h>

/* All numbers are little endian, but the keys of `log`, which are big endian so that they sort.
 *
 * log:  revision -> a record
 * keys: key -> revision << 1 | removed (8); a shared record is a row of that number (8), length of the rest (2), the rest
 * meta: "format" -> MAGIC, version (4); "compacted" -> compacted (8), done (8) */

#define MAGIC "kube-store"
#define BUCKET_HEADER 10
#define BUCKET_LIMIT (1024 * 1024)

int
lmdb_record_append (MDB_cursor *log, const KubeStoreRecord *record)
{
  guint64 number = GUINT64_TO_BE (record->revision);
  MDB_val key = { sizeof number, &number };
  MDB_val data = { kube_store_record_get_size (record), NULL };
  int rc = mdb_cursor_put (log, &key, &data, MDB_APPEND | MDB_RESERVE);

  if (rc == MDB_SUCCESS)
    kube_store_record_print (record, data.mv_data);
  return rc;
}

static int
record_parse (const MDB_val *key, const MDB_val *data, KubeStoreRecord *record)
{
  guint64 number;

  if (key->mv_size != sizeof number)
    return MDB_CORRUPTED;
  memcpy (&number, key->mv_data, sizeof number);
  return kube_store_record_parse (record, GUINT64_FROM_BE (number), data->mv_data, data->mv_size) ? MDB_SUCCESS : MDB_CORRUPTED;
}

static int
record_seek (MDB_cursor *log, guint64 revision, MDB_cursor_op op, KubeStoreRecord *record)
{
  guint64 number = GUINT64_TO_BE (revision);
  MDB_val key = { sizeof number, &number }, data;
  int rc = mdb_cursor_get (log, &key, &data, op);

  return rc == MDB_SUCCESS ? record_parse (&key, &data, record) : rc;
}

int
lmdb_record_get (MDB_cursor *log, guint64 revision, KubeStoreRecord *record)
{
  return record_seek (log, revision, MDB_SET_KEY, record);
}

int
lmdb_record_first (MDB_cursor *log, guint64 from, KubeStoreRecord *record)
{
  return record_seek (log, from, MDB_SET_RANGE, record);
}

int
lmdb_record_next (MDB_cursor *log, KubeStoreRecord *record)
{
  return record_seek (log, 0, MDB_NEXT, record);
}

int
lmdb_record_last_revision (MDB_cursor *log, guint64 *revision)
{
  KubeStoreRecord record;
  int rc = record_seek (log, 0, MDB_LAST, &record);

  if (rc == MDB_NOTFOUND) {
    *revision = KUBE_STORE_FIRST_REVISION;
    return MDB_SUCCESS;
  }
  if (rc == MDB_SUCCESS)
    *revision = record.revision;
  return rc;
}

int
lmdb_record_delete (MDB_txn *txn, MDB_dbi log, guint64 revision)
{
  guint64 number = GUINT64_TO_BE (revision);
  MDB_val key = { sizeof number, &number };
  int rc = mdb_del (txn, log, &key, NULL);

  return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

static void
entry_parse (const guint8 *data, LmdbEntry *entry)
{
  guint64 number = kube_store_read_u64 (data);

  entry->revision = number >> 1;
  entry->removed = (number & 1) != 0;
}

static void
entry_print (const LmdbEntry *entry, guint8 *data)
{
  kube_store_write_u64 (data, entry->revision << 1 | (entry->removed ? 1 : 0));
}

/* One part of a shared record: FALSE at its end or where it is damaged. */
static gboolean
bucket_take (const guint8 **at, const guint8 *end, LmdbEntry *entry, const guint8 **rest, gsize *rest_length)
{
  const guint8 *in = *at;

  if (end - in < BUCKET_HEADER)
    return FALSE;
  entry_parse (in, entry);
  *rest = in + BUCKET_HEADER;
  *rest_length = kube_store_read_u16 (in + 8);
  if (*rest_length > (gsize) (end - *rest) || *rest_length > KUBE_STORE_MAX_KEY - LMDB_KEY_MAX)
    return FALSE;
  *at = *rest + *rest_length;
  return TRUE;
}

static int
compare_bytes (const void *a, gsize a_length, const void *b, gsize b_length)
{
  int order = memcmp (a, b, MIN (a_length, b_length));

  return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

int
lmdb_entry_get (MDB_cursor *keys, const char *name, LmdbEntry *entry)
{
  gsize length = strlen (name);
  MDB_val key = { MIN (length, LMDB_KEY_MAX), (void *) name }, data;
  const guint8 *at, *end, *rest;
  gsize rest_length;
  int rc = mdb_cursor_get (keys, &key, &data, MDB_SET);

  *entry = (LmdbEntry) { 0 };
  if (rc != MDB_SUCCESS)
    return rc;
  if (length < LMDB_KEY_MAX) {
    if (data.mv_size != sizeof (guint64))
      return MDB_CORRUPTED;
    entry_parse (data.mv_data, entry);
    return MDB_SUCCESS;
  }
  at = data.mv_data;
  end = at + data.mv_size;
  while (bucket_take (&at, end, entry, &rest, &rest_length)) {
    if (compare_bytes (rest, rest_length, name + LMDB_KEY_MAX, length - LMDB_KEY_MAX) == 0)
      return MDB_SUCCESS;
  }
  *entry = (LmdbEntry) { 0 };
  return MDB_NOTFOUND;
}

static void
bucket_append (GByteArray *bucket, const LmdbEntry *entry, const void *rest, gsize rest_length)
{
  guint8 header[BUCKET_HEADER];

  entry_print (entry, header);
  kube_store_write_u16 (header + 8, (guint16) rest_length);
  g_byte_array_append (bucket, header, sizeof header);
  g_byte_array_append (bucket, rest, rest_length);
}

/* Writes a shared record again, with @entry (NULL: nothing) for the key @name. */
static int
bucket_update (MDB_txn *txn, MDB_dbi keys, const char *name, const LmdbEntry *entry)
{
  g_autoptr (GByteArray) bucket = g_byte_array_new ();
  const char *rest = name + LMDB_KEY_MAX;
  gsize rest_length = strlen (rest);
  MDB_val key = { LMDB_KEY_MAX, (void *) name }, data;
  const guint8 *at, *end, *other;
  gsize other_length;
  LmdbEntry other_entry;
  int rc = mdb_get (txn, keys, &key, &data);

  if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND)
    return rc;
  at = rc == MDB_SUCCESS ? data.mv_data : NULL;
  end = rc == MDB_SUCCESS ? at + data.mv_size : NULL;
  while (bucket_take (&at, end, &other_entry, &other, &other_length)) {
    int order = compare_bytes (other, other_length, rest, rest_length);

    if (order >= 0 && entry != NULL) {
      bucket_append (bucket, entry, rest, rest_length);
      entry = NULL;
    }
    if (order != 0)
      bucket_append (bucket, &other_entry, other, other_length);
  }
  if (entry != NULL)
    bucket_append (bucket, entry, rest, rest_length);

  if (bucket->len == 0)
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : mdb_del (txn, keys, &key, NULL);
  if (bucket->len > BUCKET_LIMIT)
    return MDB_BAD_VALSIZE;
  data = (MDB_val) { bucket->len, bucket->data };
  return mdb_put (txn, keys, &key, &data, 0);
}

int
lmdb_entry_put (MDB_txn *txn, MDB_dbi keys, const char *name, const LmdbEntry *entry)
{
  gsize length = strlen (name);
  guint8 number[sizeof (guint64)];
  MDB_val key = { length, (void *) name }, data = { sizeof number, number };

  if (length >= LMDB_KEY_MAX)
    return bucket_update (txn, keys, name, entry);
  entry_print (entry, number);
  return mdb_put (txn, keys, &key, &data, 0);
}

int
lmdb_entry_delete (MDB_txn *txn, MDB_dbi keys, const char *name)
{
  gsize length = strlen (name);
  MDB_val key = { length, (void *) name };
  int rc;

  if (length >= LMDB_KEY_MAX)
    return bucket_update (txn, keys, name, NULL);
  rc = mdb_del (txn, keys, &key, NULL);
  return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

static int
walk_take_bucket (LmdbWalk *walk)
{
  const guint8 *rest;
  gsize rest_length;

  if (!bucket_take (&walk->bucket, walk->bucket_end, &walk->entry, &rest, &rest_length)) {
    walk->bucket = NULL;
    return MDB_NOTFOUND;
  }
  memcpy (walk->key + LMDB_KEY_MAX, rest, rest_length);
  walk->key_length = LMDB_KEY_MAX + rest_length;
  walk->key[walk->key_length] = '\0';
  return MDB_SUCCESS;
}

static int
walk_take (LmdbWalk *walk, const MDB_val *key, const MDB_val *data)
{
  if (key->mv_size > LMDB_KEY_MAX)
    return MDB_CORRUPTED;
  memcpy (walk->key, key->mv_data, key->mv_size);
  walk->key_length = key->mv_size;
  walk->key[walk->key_length] = '\0';
  if (key->mv_size == LMDB_KEY_MAX) {
    walk->bucket = data->mv_data;
    walk->bucket_end = walk->bucket + data->mv_size;
    return walk_take_bucket (walk) == MDB_SUCCESS ? MDB_SUCCESS : MDB_CORRUPTED;
  }
  if (data->mv_size != sizeof (guint64))
    return MDB_CORRUPTED;
  entry_parse (data->mv_data, &walk->entry);
  return MDB_SUCCESS;
}

int
lmdb_walk_begin (LmdbWalk *walk, MDB_cursor *keys, const char *start, gboolean after)
{
  gsize length = strlen (start);
  MDB_val key = { MIN (length, LMDB_KEY_MAX), (void *) start }, data;
  int rc = mdb_cursor_get (keys, &key, &data, MDB_SET_RANGE);

  walk->cursor = keys;
  walk->bucket = NULL;
  if (rc == MDB_SUCCESS)
    rc = walk_take (walk, &key, &data);
  while (rc == MDB_SUCCESS) {
    int order = compare_bytes (walk->key, walk->key_length, start, length);

    if (order > 0 || (order == 0 && !after))
      break;
    rc = lmdb_walk_next (walk);
  }
  return rc;
}

int
lmdb_walk_next (LmdbWalk *walk)
{
  MDB_val key, data;
  int rc;

  if (walk->bucket != NULL && walk_take_bucket (walk) == MDB_SUCCESS)
    return MDB_SUCCESS;
  rc = mdb_cursor_get (walk->cursor, &key, &data, MDB_NEXT);
  return rc == MDB_SUCCESS ? walk_take (walk, &key, &data) : rc;
}

int
lmdb_meta_put_compacted (MDB_txn *txn, MDB_dbi meta, guint64 compacted, guint64 done)
{
  guint8 numbers[16];
  MDB_val key = { 9, (void *) "compacted" }, data = { sizeof numbers, numbers };

  kube_store_write_u64 (numbers, compacted);
  kube_store_write_u64 (numbers + 8, done);
  return mdb_put (txn, meta, &key, &data, 0);
}

int
lmdb_meta_get_compacted (MDB_txn *txn, MDB_dbi meta, guint64 *compacted, guint64 *done)
{
  MDB_val key = { 9, (void *) "compacted" }, data;
  int rc = mdb_get (txn, meta, &key, &data);

  *compacted = 0;
  *done = KUBE_STORE_FIRST_REVISION;
  if (rc != MDB_SUCCESS)
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
  if (data.mv_size != 16)
    return MDB_CORRUPTED;
  *compacted = kube_store_read_u64 (data.mv_data);
  *done = kube_store_read_u64 ((guint8 *) data.mv_data + 8);
  return MDB_SUCCESS;
}

gboolean
lmdb_set_error (GError **error, int rc, const char *what)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: %s", what, mdb_strerror (rc));
  return FALSE;
}

static int
put_format (MDB_txn *txn, MDB_dbi meta)
{
  guint8 format[sizeof MAGIC - 1 + 4] = MAGIC;
  MDB_val key = { 6, (void *) "format" }, data = { sizeof format, format };

  format[sizeof MAGIC - 1] = LMDB_FORMAT;
  return mdb_put (txn, meta, &key, &data, 0);
}

static gboolean
check_format (MDB_txn *txn, MDB_dbi meta, const char *path, guint32 *version, GError **error)
{
  MDB_val key = { 6, (void *) "format" }, data;
  int rc = mdb_get (txn, meta, &key, &data);

  if (rc != MDB_SUCCESS || data.mv_size != sizeof MAGIC - 1 + 4 || memcmp (data.mv_data, MAGIC, sizeof MAGIC - 1) != 0) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: not a store of libkube", path);
    return FALSE;
  }
  *version = kube_store_read_u32 ((guint8 *) data.mv_data + sizeof MAGIC - 1);
  if (*version <= LMDB_FORMAT)
    return TRUE;
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: is of format %u, made by a newer libkube; this one knows format %u",
               path, *version, LMDB_FORMAT);
  return FALSE;
}

/* Format 1 had no journal: whoever knows no other must not take what stands in one for lost. */
static gboolean
raise_format (MDB_env *env, MDB_dbi meta, const char *path, GError **error)
{
  MDB_txn *txn;
  int rc = mdb_txn_begin (env, NULL, 0, &txn);

  if (rc != MDB_SUCCESS)
    return lmdb_set_error (error, rc, path);
  rc = put_format (txn, meta);
  if (rc == MDB_SUCCESS)
    rc = mdb_txn_commit (txn);
  else
    mdb_txn_abort (txn);
  return rc == MDB_SUCCESS || lmdb_set_error (error, rc, path);
}

static int
open_all (MDB_txn *txn, unsigned int flags, LmdbDatabases *databases)
{
  int rc = mdb_dbi_open (txn, "meta", flags, &databases->meta);

  if (rc == MDB_SUCCESS)
    rc = mdb_dbi_open (txn, "log", flags, &databases->log);
  if (rc == MDB_SUCCESS)
    rc = mdb_dbi_open (txn, "keys", flags, &databases->keys);
  return rc;
}

static gboolean
make_databases (MDB_env *env, const char *path, LmdbDatabases *databases, GError **error)
{
  MDB_txn *txn;
  int rc = mdb_txn_begin (env, NULL, 0, &txn);

  if (rc != MDB_SUCCESS)
    return lmdb_set_error (error, rc, path);
  rc = open_all (txn, MDB_CREATE, databases);
  if (rc == MDB_SUCCESS)
    rc = put_format (txn, databases->meta);
  if (rc == MDB_SUCCESS)
    rc = mdb_txn_commit (txn);
  else
    mdb_txn_abort (txn);
  return rc == MDB_SUCCESS || lmdb_set_error (error, rc, path);
}

gboolean
lmdb_open_databases (MDB_env *env, const char *path, LmdbDatabases *databases, GError **error)
{
  MDB_stat stat;
  MDB_txn *txn;
  guint32 version;
  int rc = mdb_env_stat (env, &stat);

  if (rc == MDB_SUCCESS && stat.ms_entries == 0)
    return make_databases (env, path, databases, error);
  if (rc == MDB_SUCCESS)
    rc = mdb_txn_begin (env, NULL, MDB_RDONLY, &txn);
  if (rc != MDB_SUCCESS)
    return lmdb_set_error (error, rc, path);

  rc = open_all (txn, 0, databases);
  if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE) {
    mdb_txn_abort (txn);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INTERNAL, "%s: not a store of libkube", path);
    return FALSE;
  }
  if (rc != MDB_SUCCESS) {
    mdb_txn_abort (txn);
    return lmdb_set_error (error, rc, path);
  }
  if (!check_format (txn, databases->meta, path, &version, error)) {
    mdb_txn_abort (txn);
    return FALSE;
  }
  rc = mdb_txn_commit (txn); /* keeps the handles */
  if (rc != MDB_SUCCESS)
    return lmdb_set_error (error, rc, path);
  return version == LMDB_FORMAT || raise_format (env, databases->meta, path, error);
}
