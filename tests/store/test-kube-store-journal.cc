/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal by itself: what a file that was cut, garbled or used before gives back. */
#include "store-testing.h"

#include "kube-store-journal.h"
#include "kube-store-private.h"

#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

using namespace store_testing;

namespace {

struct Write {
  guint64 revision, previous;
  std::string key, value;
  bool removed, has_value;
  bool operator== (const Write &other) const
  {
    return revision == other.revision && previous == other.previous && key == other.key && value == other.value
           && removed == other.removed && has_value == other.has_value;
  }
};

void
collect (const KubeStoreRecord *record, gpointer writes)
{
  static_cast<std::vector<Write> *> (writes)->push_back ({ record->revision, record->previous, record->key,
                                                           std::string ((const char *) record->value, record->length),
                                                           record->removed != FALSE, record->has_value != FALSE });
}

Write
make (guint64 revision, const std::string &value = "value")
{
  return { revision, revision - 1, "/k/" + std::to_string (revision), value, false, true };
}

class Journal : public testing::Test {
protected:
  void SetUp () override { path = make_folder (); }
  void TearDown () override
  {
    close ();
    remove_folder (path);
  }

  // What a journal opened after revision `after` finds; an empty message is success.
  std::string open (guint64 after = 1, guint64 most_writes = 1000)
  {
    GError *error = nullptr;
    close ();
    found.clear ();
    journal = kube_store_journal_open (path.c_str (), most_writes, after, collect, &found, &error);
    std::string message = error != nullptr ? error->message : "";
    g_clear_error (&error);
    return message;
  }
  void close () { g_clear_pointer (&journal, kube_store_journal_free); }

  void write (const std::vector<Write> &writes)
  {
    for (const Write &w : writes) {
      KubeStoreRecord record = { w.revision, w.previous, w.removed, w.has_value, w.key.c_str (), (const guint8 *) w.value.data (), w.value.size () };
      kube_store_journal_add (journal, &record);
    }
    GError *error = nullptr;
    EXPECT_TRUE (kube_store_journal_commit (journal, &error)) << error->message;
  }

  std::string file (int number) const { return path + "/journal-" + std::to_string (number); }
  std::string read (int number) const
  {
    std::ifstream in (file (number), std::ios::binary);
    return std::string (std::istreambuf_iterator<char> (in), {});
  }
  void replace (int number, const std::string &content) const
  {
    std::ofstream (file (number), std::ios::binary | std::ios::trunc) << content;
  }

  std::string path;
  KubeStoreJournal *journal = nullptr;
  std::vector<Write> found;
};

} // namespace

TEST_F (Journal, FindsWhatWasCommitted)
{
  EXPECT_EQ (open (), "");
  EXPECT_EQ (found.size (), 0u);
  std::vector<Write> writes = { make (2), make (3, std::string (100000, 'x')), { 4, 3, "/k/3", "", true, false }, { 5, 2, "/k/2", "last", true, true } };
  write ({ writes[0], writes[1] });
  write ({ writes[2], writes[3] });
  EXPECT_EQ (open (), "");
  EXPECT_EQ (found, writes);
  EXPECT_EQ (open (3), "") << "what is there already is passed over";
  EXPECT_EQ (found, std::vector<Write> (writes.begin () + 2, writes.end ()));
}

TEST_F (Journal, WhatIsForgottenIsNotWritten)
{
  EXPECT_EQ (open (), "");
  KubeStoreRecord record = { 2, 0, FALSE, TRUE, "/k/2", (const guint8 *) "v", 1 };
  kube_store_journal_add (journal, &record);
  kube_store_journal_forget (journal);
  write ({ make (2, "other") });
  EXPECT_EQ (open (), "");
  EXPECT_EQ (found, std::vector<Write> { make (2, "other") });
}

TEST_F (Journal, GoesOnInAnotherFileAndComesBack)
{
  EXPECT_EQ (open (1, 2), "");
  guint64 bytes, writes;
  for (guint64 revision = 2; revision < 20; revision += 2) {
    EXPECT_FALSE (kube_store_journal_is_full (journal));
    write ({ make (revision), make (revision + 1) });
    EXPECT_TRUE (kube_store_journal_is_full (journal));
    ASSERT_TRUE (kube_store_journal_seal (journal, nullptr));
    kube_store_journal_get_size (journal, &bytes, &writes);
    EXPECT_EQ (writes, 2u);
    kube_store_journal_release (journal, revision + 1);
    kube_store_journal_get_size (journal, &bytes, &writes);
    EXPECT_EQ (writes, 0u);
    EXPECT_EQ (bytes, 0u);
  }
  EXPECT_NE (access (file (2).c_str (), F_OK), 0) << "two files are enough";
}

TEST_F (Journal, TakesAThirdFileWhereTwoAreNeededStill)
{
  EXPECT_EQ (open (1, 1), "");
  write ({ make (2) });
  ASSERT_TRUE (kube_store_journal_seal (journal, nullptr));
  write ({ make (3) });
  EXPECT_EQ (open (1, 1), "") << "both files hold what was not released";
  write ({ make (4) });
  EXPECT_EQ (open (1, 1), "");
  EXPECT_EQ (found, (std::vector<Write> { make (2), make (3), make (4) }));
  EXPECT_EQ (access (file (2).c_str (), F_OK), 0);
}

TEST_F (Journal, WhatALossOfPowerTearsOffIsCutAtAWholeWrite)
{
  EXPECT_EQ (open (), "");
  write ({ make (2), make (3) });
  gsize before = read (0).find_last_not_of ('\0') + 1;
  write ({ make (4, "abc"), make (5, "def") });
  close ();
  std::string whole = read (0);
  gsize end = whole.find_last_not_of ('\0') + 1;
  for (gsize cut = before; cut < end; cut++) {
    std::string torn = whole;
    torn.replace (cut, end - cut, end - cut, '\0');
    replace (0, torn);
    ASSERT_EQ (open (), "");
    ASSERT_GE (found.size (), 2u) << cut;
    ASSERT_LT (found.size (), 4u) << cut;
    for (guint i = 0; i < found.size (); i++)
      ASSERT_EQ (found[i], make (2 + i, i == 2 ? "abc" : "value"));
    close ();
  }
}

TEST_F (Journal, AGarbledWriteEndsIt)
{
  EXPECT_EQ (open (), "");
  write ({ make (2), make (3), make (4) });
  close ();
  std::string whole = read (0);
  gsize end = whole.find_last_not_of ('\0') + 1, second = whole.find ("/k/3") - 28;
  for (gsize at = second; at < end; at++) {
    std::string garbled = whole;
    garbled[at] ^= 0x55;
    replace (0, garbled);
    ASSERT_EQ (open (), "");
    ASSERT_EQ (found.size (), at < whole.find ("/k/4") - 28 ? 1u : 2u) << at;
    close ();
  }
}

TEST_F (Journal, WhatIsLeftOfAnEarlierUseOfItsFileIsNotTaken)
{
  EXPECT_EQ (open (), "");
  write ({ make (2), make (3), make (4) }); // the first use of the first file
  std::string old = read (0);
  ASSERT_TRUE (kube_store_journal_seal (journal, nullptr));
  kube_store_journal_release (journal, 4);
  write ({ make (5) });
  ASSERT_TRUE (kube_store_journal_seal (journal, nullptr));
  kube_store_journal_release (journal, 5);
  write ({ make (6) }); // the second use of the first file: as long as the first write of the first use
  EXPECT_EQ (open (5), "");
  EXPECT_EQ (found, std::vector<Write> { make (6) });

  // The same revisions again, after a write was torn off: the old ones behind it are of the right revisions, and not taken.
  replace (0, old);
  replace (1, "");
  EXPECT_EQ (open (1), "");
  EXPECT_EQ (found.size (), 3u);
  close ();
  std::string torn = old;
  torn[torn.find ("/k/2")] = 'X';
  replace (0, torn);
  EXPECT_EQ (open (1), "");
  EXPECT_EQ (found.size (), 0u);
  write ({ make (2, "other") });
  EXPECT_EQ (open (1), "");
  EXPECT_EQ (found, std::vector<Write> { make (2, "other") });
}

TEST_F (Journal, AGapIsDamage)
{
  EXPECT_EQ (open (10), "");
  write ({ make (11), make (12) });
  EXPECT_EQ (open (10), "");
  EXPECT_EQ (open (8), path + ": the store is damaged: a file of the journal begins at revision 11, what is before it ends at 8");
}

TEST_F (Journal, WhatIsNoJournalIsNotRead)
{
  for (const std::string &content : { std::string (), std::string ("x"), std::string (100000, 'x'), std::string ("kubejrnl") + std::string (200, '\1') }) {
    replace (0, content);
    EXPECT_EQ (open (), "");
    EXPECT_EQ (found.size (), 0u);
    write ({ make (2) });
    EXPECT_EQ (open (), "");
    EXPECT_EQ (found.size (), 1u);
    kube_store_journal_release (journal, 2);
    close ();
  }
}
