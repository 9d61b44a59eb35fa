/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is particular to the LMDB engine: its files, and what can go wrong with them. */
#include "store-testing.h"

#include <fcntl.h>
#include <fstream>
#include <lmdb.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace store_testing;

class StoreLmdb : public testing::Test {
protected:
  void SetUp () override { path = make_folder (); }
  void TearDown () override { remove_folder (path); }

  KubeStore *open ()
  {
    g_clear_error (&error);
    return kube_store_lmdb_new (path.c_str (), &error);
  }

  std::string refusal ()
  {
    KubeStore *store = open ();
    if (store != nullptr) {
      g_object_unref (store);
      return "(opened)";
    }
    EXPECT_EQ (error->domain, KUBE_ERROR);
    EXPECT_EQ (error->code, KUBE_ERROR_INTERNAL);
    std::string message = error->message;
    g_clear_error (&error);
    return message;
  }

  std::string path;
  GError *error = nullptr;
};

TEST_F (StoreLmdb, MakesItsFolderForItsOwnerOnly)
{
  std::string folder = path + "/a";
  KubeStore *store = kube_store_lmdb_new (folder.c_str (), &error);
  ASSERT_NE (store, nullptr) << error->message;
  struct stat st;
  ASSERT_EQ (stat (folder.c_str (), &st), 0);
  EXPECT_EQ (st.st_mode & 0777, 0700u);
  ASSERT_EQ (stat ((folder + "/data.mdb").c_str (), &st), 0);
  EXPECT_EQ (st.st_mode & 0777, 0600u);
  g_object_unref (store);
  remove_folder (folder);
}

TEST_F (StoreLmdb, IsForOneProcess)
{
  KubeStore *store = open ();
  ASSERT_NE (store, nullptr);
  EXPECT_EQ (refusal (), path + ": in use by process " + std::to_string (getpid ()));
  g_object_unref (store);
  store = open ();
  EXPECT_NE (store, nullptr);
  g_object_unref (store);
}

TEST_F (StoreLmdb, RefusesWhatIsNoDatabase)
{
  std::ofstream (path + "/data.mdb") << std::string (20000, 'x');
  EXPECT_NE (refusal ().find ("not a store of libkube"), std::string::npos);
}

TEST_F (StoreLmdb, RefusesAForeignDatabase)
{
  MDB_env *env;
  MDB_txn *txn;
  MDB_dbi dbi;
  MDB_val key = { 1, (void *) "k" }, value = { 1, (void *) "v" };
  mdb_env_create (&env);
  ASSERT_EQ (mdb_env_open (env, path.c_str (), 0, 0600), 0);
  mdb_txn_begin (env, nullptr, 0, &txn);
  mdb_dbi_open (txn, nullptr, 0, &dbi);
  mdb_put (txn, dbi, &key, &value, 0);
  mdb_txn_commit (txn);
  mdb_env_close (env);
  EXPECT_EQ (refusal (), path + ": not a store of libkube");
}

TEST_F (StoreLmdb, RefusesANewerFormat)
{
  KubeStore *store = open ();
  ASSERT_NE (store, nullptr);
  g_object_unref (store);
  MDB_env *env;
  MDB_txn *txn;
  MDB_dbi dbi;
  char format[] = "kube-store\x09\0\0";
  MDB_val key = { 6, (void *) "format" }, value = { 14, format };
  mdb_env_create (&env);
  mdb_env_set_maxdbs (env, 4);
  ASSERT_EQ (mdb_env_open (env, path.c_str (), 0, 0600), 0);
  mdb_txn_begin (env, nullptr, 0, &txn);
  ASSERT_EQ (mdb_dbi_open (txn, "meta", 0, &dbi), 0);
  ASSERT_EQ (mdb_put (txn, dbi, &key, &value, 0), 0);
  mdb_txn_commit (txn);
  mdb_env_close (env);
  EXPECT_EQ (refusal (), path + ": is of format 9, made by a newer libkube; this one knows format 2");
}

TEST_F (StoreLmdb, RefusesAFileThatWasCutOff)
{
  KubeStore *store = open ();
  ASSERT_NE (store, nullptr);
  for (int i = 0; i < 50; i++)
    put (store, "/k/" + std::to_string (i), std::string (20000, 'v'));
  g_object_unref (store);
  ASSERT_EQ (truncate ((path + "/data.mdb").c_str (), 100 * 1024), 0);
  EXPECT_NE (refusal ().find ("damaged"), std::string::npos);
}

TEST_F (StoreLmdb, SaysWhyAFolderCannotBeUsed)
{
  std::ofstream (path + "/file") << "x";
  KubeStore *store = kube_store_lmdb_new ((path + "/file/store").c_str (), &error);
  EXPECT_EQ (store, nullptr);
  EXPECT_NE (std::string (error->message).find ("Not a directory"), std::string::npos) << error->message;
  g_clear_error (&error);
}

TEST_F (StoreLmdb, KeepsMoreReadersThanLmdbsDefault)
{
  KubeStore *store = open ();
  put (store, "/a", "v");
  struct Nest {
    KubeStore *store;
    int depth = 0;
    static gboolean visit (const char *, const guint8 *, gsize, guint64, gpointer data)
    {
      auto self = static_cast<Nest *> (data);
      KubeStoreRange r = { "/", "0", 0, 0 };
      return ++self->depth >= 300 || kube_store_range (self->store, &r, visit, data, nullptr, nullptr, nullptr);
    }
  } nest;
  nest.store = store;
  KubeStoreRange r = { "/", "0", 0, 0 };
  EXPECT_TRUE (kube_store_range (store, &r, Nest::visit, &nest, nullptr, nullptr, nullptr));
  EXPECT_EQ (nest.depth, 300);
  g_object_unref (store);
}

TEST_F (StoreLmdb, ASlowRangeGoesOnInANewTransaction)
{
  KubeStore *store = open ();
  for (int i = 0; i < 200; i++)
    put (store, "/k/" + std::to_string (1000 + i), std::string (3000, 'v'));
  struct Slow {
    KubeStore *store;
    int seen = 0;
  } slow;
  slow.store = store;
  KubeStoreRange r = { "/k/", "/k0", 0, 0 };
  // Every 32nd visit takes longer than a transaction may last, so the range goes through several.
  EXPECT_TRUE (kube_store_range (
    store, &r,
    [] (const char *, const guint8 *value, gsize length, guint64, gpointer data) -> gboolean {
      auto s = static_cast<Slow *> (data);
      EXPECT_EQ (length, 3000u);
      EXPECT_EQ (value[2999], 'v');
      if (s->seen++ % 32 == 31) {
        gint64 until = g_get_monotonic_time () + 11000;
        while (g_get_monotonic_time () < until)
          put (s->store, "/other", std::string (3000, 'o'));
      }
      return TRUE;
    },
    &slow, nullptr, nullptr, nullptr));
  EXPECT_EQ (slow.seen, 200);
  g_object_unref (store);
}

TEST_F (StoreLmdb, GoesOnAfterAFullDisk)
{
  if (mount ("none", path.c_str (), "tmpfs", 0, "size=6m") != 0)
    GTEST_SKIP () << "needs root";
  KubeStore *store = open ();
  ASSERT_NE (store, nullptr) << error->message;
  std::vector<std::string> written;
  std::string value (50000, 'v');
  Outcome outcome;
  testing::internal::CaptureStderr ();
  for (int i = 0; i < 1000; i++) {
    std::string key = "/k/" + std::to_string (1000 + i);
    outcome = put (store, key, value);
    if (outcome.error != -1)
      break;
    written.push_back (key);
  }
  std::string told = testing::internal::GetCapturedStderr ();
  EXPECT_NE (told.find ("No space left on device; another file of it took the writes"), std::string::npos) << told;
  EXPECT_EQ (outcome.error, KUBE_ERROR_INTERNAL);
  EXPECT_NE (outcome.message.find ("No space left on device"), std::string::npos) << outcome.message;
  ASSERT_GT (written.size (), 20u);
  EXPECT_EQ (kube_store_get_revision (store), written.size () + 1);
  EXPECT_EQ (range (store, "/k/", "/k0").keys (), written);
  EXPECT_EQ (put (store, "/k/x", value).error, KUBE_ERROR_INTERNAL) << "still full";

  // Removing and compacting makes room in the file itself.
  for (int i = 0; i < 20; i++)
    EXPECT_EQ (erase (store, written[i]).error, -1) << i;
  kube_store_compact (store, kube_store_get_revision (store));
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  do
    outcome = put (store, "/k/again", "small");
  while (outcome.error != -1 && g_get_monotonic_time () < deadline);
  EXPECT_EQ (outcome.error, -1) << outcome.message;

  // And so does a larger disk.
  EXPECT_EQ (mount ("none", path.c_str (), "tmpfs", MS_REMOUNT, "size=20m"), 0);
  for (int i = 0; i < 40; i++)
    EXPECT_EQ (put (store, "/l/" + std::to_string (i), value).error, -1);
  guint64 revision = kube_store_get_revision (store);
  g_object_unref (store);

  store = open ();
  ASSERT_NE (store, nullptr) << error->message;
  EXPECT_EQ (kube_store_get_revision (store), revision);
  EXPECT_EQ (range (store, "/k/", "/k0").items.size (), written.size () - 20 + 1);
  EXPECT_EQ (range (store, "/l/", "/l0").items.size (), 40u);
  g_object_unref (store);
  umount (path.c_str ());
}

TEST_F (StoreLmdb, ADiskThatIsTooSmallIsAnError)
{
  if (mount ("none", path.c_str (), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP () << "needs root";
  EXPECT_NE (refusal ().find ("No space left on device"), std::string::npos);
  umount (path.c_str ());
}
