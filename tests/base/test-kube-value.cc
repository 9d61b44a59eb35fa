/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>
#include <kube/kube-value.h>
#include "kube-value-private.h"
#include "cpu-time.h"
#include "random-json.h"

namespace
{

struct Value {
  KubeValue *v;
  explicit Value (KubeValue *taken) : v (taken) {}
  Value (const Value &) = delete;
  ~Value () { g_clear_pointer (&v, kube_value_unref); }
  operator KubeValue * () const { return v; }
};

KubeValue *
parse (const std::string &text)
{
  g_autoptr (GError) error = NULL;
  KubeValue *value = kube_value_parse (text.data (), text.size (), &error);

  EXPECT_NE (value, nullptr) << text.substr (0, 200) << ": " << (error ? error->message : "");
  EXPECT_EQ (error, nullptr);
  return value;
}

std::string
print (KubeValue *value)
{
  gsize length;
  g_autofree char *text = kube_value_print (value, &length);

  EXPECT_EQ (text[length], '\0');
  return std::string (text, length);
}

std::string
error_of (const std::string &text, const KubeParseOptions *options = nullptr)
{
  g_autoptr (GError) error = NULL;
  /* A copy of just this size, so that reading past the end is seen by the address sanitizer. */
  std::vector<char> exact (text.begin (), text.end ());
  KubeValue *value = kube_value_parse_with_options (exact.empty () ? "" : exact.data (), exact.size (), options, &error);

  EXPECT_EQ (value, nullptr) << text.substr (0, 200);
  g_clear_pointer (&value, kube_value_unref);
  if (error == NULL)
    return "(none)";
  EXPECT_TRUE (error->domain == KUBE_ERROR);
  return error->message;
}

std::vector<std::string>
duplicates_of (const std::string &text)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  KubeParseOptions options = { 0, 0, paths, {} };
  Value value (kube_value_parse_with_options (text.data (), text.size (), &options, NULL));
  std::vector<std::string> result;

  EXPECT_NE (value.v, nullptr);
  for (guint i = 0; i < paths->len; i++)
    result.push_back ((const char *) g_ptr_array_index (paths, i));
  return result;
}

typedef std::vector<std::string> Strings;

struct Case {
  const char *text;
  const char *expected;
};

#include "json-cases.inc"

TEST (KubeValue, TakesWhatRfc8259Takes)
{
  for (const Case &c : accepted) {
    Value value (parse (c.text));

    EXPECT_EQ (print (value), c.expected ? c.expected : c.text) << c.text;
  }
}

TEST (KubeValue, RejectsAllElseInTheWordsOfGo)
{
  for (const Case &c : rejected)
    EXPECT_EQ (error_of (c.text), c.expected) << c.text;
}

TEST (KubeValue, TextMayContainNulBytesOnlyEscaped)
{
  EXPECT_EQ (error_of (std::string ("[\"a\0b\"]", 7)), "invalid character '\\x00' in string literal");
  EXPECT_EQ (error_of (std::string ("\0", 1)), "invalid character '\\x00' looking for beginning of value");
  EXPECT_EQ (error_of (std::string ("1\0", 2)), "invalid character '\\x00' after top-level value");

  Value value (parse ("\"a\\u0000b\""));
  gsize length;
  const char *text = kube_value_peek_string (value, &length);
  EXPECT_EQ (std::string (text, length), std::string ("a\0b", 3));
  EXPECT_EQ (print (value), "\"a\\u0000b\"");
}

TEST (KubeValue, BytesThatAreNotUtf8BecomeReplacementCharacters)
{
  const std::string r = "\xef\xbf\xbd";

  EXPECT_EQ (print (Value (parse ("\"\xff\""))), "\"" + r + "\"");
  EXPECT_EQ (print (Value (parse ("\"a\xc3\""))), "\"a" + r + "\"");
  EXPECT_EQ (print (Value (parse ("\"\xc0\xaf\""))), "\"" + r + r + "\"");
  EXPECT_EQ (print (Value (parse ("\"\xed\xa0\x80\""))), "\"" + r + r + r + "\"");
  EXPECT_EQ (print (Value (parse ("\"\xf4\x90\x80\x80\""))), "\"" + r + r + r + r + "\"");
  EXPECT_EQ (print (Value (parse ("\"\xe2\x82z\""))), "\"" + r + r + "z\"");
  EXPECT_EQ (print (Value (parse ("{\"\x80\":1}"))), "{\"" + r + "\":1}");
}

TEST (KubeValue, ManyBytesThatAreNotUtf8GrowTheText)
{
  std::string bad (100000, '\xfe');
  Value value (parse ("[\"before\",\"" + bad + "\",\"after\"]"));
  gsize length;

  ASSERT_NE (kube_value_peek_string (kube_value_get_element (value, 1), &length), nullptr);
  EXPECT_EQ (length, 300000u);
  EXPECT_STREQ (kube_value_get_string (value, "0"), "before");
  EXPECT_STREQ (kube_value_get_string (value, "2"), "after");
}

TEST (KubeValue, StringsOfEveryLengthAndPlaceOfEscapeSurvive)
{
  for (int n = 0; n < 70; n++) {
    for (int at = 0; at <= n; at++) {
      std::string plain (n, 'x'), decoded;
      Value value (parse ("[\"" + plain.substr (0, at) + "\\n" + plain.substr (at) + "\",\"" + plain.substr (0, at) + "\xc3\xa9" + plain.substr (at) + "\"]"));

      EXPECT_EQ (std::string (kube_value_get_string (value, "0")), plain.substr (0, at) + "\n" + plain.substr (at));
      EXPECT_EQ (std::string (kube_value_get_string (value, "1")), plain.substr (0, at) + "\xc3\xa9" + plain.substr (at));
      EXPECT_EQ (print (value), "[\"" + plain.substr (0, at) + "\\n" + plain.substr (at) + "\",\"" + plain.substr (0, at) + "\xc3\xa9" + plain.substr (at) + "\"]");
    }
  }
}

TEST (KubeValue, EveryTruncationOfADocumentIsAnError)
{
  const std::string text = R"({"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00y"],"b":{"c":"\\"}})";

  for (size_t n = 0; n < text.size (); n++)
    EXPECT_NE (error_of (text.substr (0, n)), "(none)") << n;
  Value whole (parse (text));
}

TEST (KubeValue, IntegersAreExact)
{
  Value value (parse ("[9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551615,"
                      "18446744073709551616,-9223372036854775809,-0,0]"));
  guint64 natural = 0;

  EXPECT_EQ (kube_value_get_integer (value, "0", 0), G_MAXINT64);
  EXPECT_EQ (kube_value_get_integer (value, "1", 0), G_MININT64);
  EXPECT_EQ (kube_value_get_value_type (kube_value_get (value, "2")), KUBE_VALUE_UNSIGNED);
  EXPECT_TRUE (kube_value_peek_unsigned (kube_value_get (value, "3"), &natural));
  EXPECT_EQ (natural, G_MAXUINT64);
  EXPECT_FALSE (kube_value_peek_unsigned (kube_value_get (value, "1"), &natural));
  EXPECT_STREQ (kube_value_peek_number (kube_value_get (value, "4")), "18446744073709551616");
  EXPECT_STREQ (kube_value_peek_number (kube_value_get (value, "5")), "-9223372036854775809");
  EXPECT_EQ (kube_value_get_value_type (kube_value_get (value, "6")), KUBE_VALUE_INTEGER);
  EXPECT_EQ (kube_value_get_integer (value, "2", 7), 7);
  EXPECT_EQ (print (value), "[9223372036854775807,-9223372036854775808,9223372036854775808,18446744073709551615,"
                            "18446744073709551616,-9223372036854775809,0,0]");
}

TEST (KubeValue, OtherNumbersStayAsWritten)
{
  const std::string text = "[1.10,1e3,-0.0,1E+400,0.1e-7,123456789012345678901234567890]";
  Value value (parse (text));

  EXPECT_EQ (print (value), text);
  EXPECT_DOUBLE_EQ (kube_value_get_double (value, "0", 0), 1.1);
  EXPECT_DOUBLE_EQ (kube_value_get_double (value, "1", 0), 1000);
  EXPECT_EQ (kube_value_get_integer (value, "1", -1), -1);
  EXPECT_DOUBLE_EQ (kube_value_get_double (value, "9", 4.5), 4.5);
}

TEST (KubeValue, PathsGoThroughMembersAndElements)
{
  Value value (parse (R"({"spec":{"containers":[{"name":"a"},{"name":"b","n":5,"t":true}]},"0":"zero","":{"":"empty"},"a.b":"dot"})"));

  EXPECT_STREQ (kube_value_get_string (value, "spec.containers.1.name"), "b");
  EXPECT_EQ (kube_value_get_integer (value, "spec.containers.1.n", 0), 5);
  EXPECT_TRUE (kube_value_get_boolean (value, "spec.containers.1.t", FALSE));
  EXPECT_TRUE (kube_value_get_boolean (value, "spec.containers.1.name", TRUE));
  EXPECT_EQ (kube_value_get (value, "spec.containers.2"), nullptr);
  EXPECT_EQ (kube_value_get (value, "spec.containers.x"), nullptr);
  EXPECT_EQ (kube_value_get (value, "spec.containers.1.name.x"), nullptr);
  EXPECT_EQ (kube_value_get (value, "spec.containers.99999999999999999999"), nullptr);
  EXPECT_STREQ (kube_value_get_string (value, "0"), "zero");
  EXPECT_EQ (kube_value_get (value, NULL), value.v);
  EXPECT_EQ (kube_value_get (value, ""), value.v);
  EXPECT_EQ (kube_value_get (value, "a.b"), nullptr);
  EXPECT_STREQ (kube_value_get_member_string (value, "a.b"), "dot");
  EXPECT_STREQ (kube_value_get_member_string (kube_value_get_member (value, ""), ""), "empty");
  EXPECT_EQ (kube_value_get_string (value, "spec"), nullptr);
}

TEST (KubeValue, AnElementIsFoundByItsKey)
{
  g_autoptr (KubeValue) list = kube_value_parse ("[{\"n\":1},7,{\"n\":\"a\",\"v\":1},{\"n\":\"b\",\"v\":2},{\"n\":\"b\",\"v\":3}]", -1, NULL);
  g_autoptr (KubeValue) object = kube_value_parse ("{\"x\":{\"n\":\"b\"}}", -1, NULL);
  EXPECT_EQ (kube_value_get_integer (kube_value_find_element (list, "n", "b"), "v", 0), 2);
  EXPECT_EQ (kube_value_find_element (list, "n", "c"), nullptr);
  EXPECT_EQ (kube_value_find_element (list, "n", NULL), nullptr);
  EXPECT_EQ (kube_value_find_element (list, "m", "b"), nullptr);
  EXPECT_EQ (kube_value_find_element (object, "n", "b"), nullptr) << "of arrays only";
  EXPECT_EQ (kube_value_find_element (NULL, "n", "b"), nullptr);
}

TEST (KubeValue, NullValueIsEmptyEverywhere)
{
  EXPECT_EQ (kube_value_get (NULL, "a"), nullptr);
  EXPECT_EQ (kube_value_get_member (NULL, "a"), nullptr);
  EXPECT_EQ (kube_value_get_string (NULL, NULL), nullptr);
  EXPECT_EQ (kube_value_get_length (NULL), 0u);
  EXPECT_EQ (kube_value_get_element (NULL, 0), nullptr);
  EXPECT_EQ (kube_value_get_key (NULL, 0), nullptr);
  EXPECT_EQ (kube_value_get_integer (NULL, NULL, 3), 3);
  EXPECT_TRUE (kube_value_is_null (NULL));
  EXPECT_FALSE (kube_value_is_object (NULL));
  EXPECT_TRUE (kube_value_equal (NULL, NULL));
}

TEST (KubeValue, MembersKeepTheirOrderAndAreFoundInLargeObjects)
{
  for (int n : { 3, 13, 40, 1000 }) {
    for (bool sorted : { true, false }) {
      std::string text = "{";

      for (int i = 0; i < n; i++) {
        int k = sorted ? i : n - 1 - i;
        char member[64];

        g_snprintf (member, sizeof member, "%s\"key-%05d\":%d", i > 0 ? "," : "", k, k);
        text += member;
      }
      text += "}";
      Value value (parse (text));
      ASSERT_EQ (kube_value_get_length (value), (guint) n);
      EXPECT_STREQ (kube_value_get_key (value, 0), sorted ? "key-00000" : ("key-" + std::string (text, 6, 5)).c_str ());
      for (int i = 0; i < n; i++) {
        char key[32];

        g_snprintf (key, sizeof key, "key-%05d", i);
        EXPECT_EQ (kube_value_get_integer (value, key, -1), i);
      }
      EXPECT_EQ (kube_value_get_member (value, "key-"), nullptr);
      EXPECT_EQ (kube_value_get_member (value, "key-99999"), nullptr);
      EXPECT_EQ (kube_value_get_key (value, n), nullptr);
      EXPECT_EQ (kube_value_get_element (value, n), nullptr);
      EXPECT_EQ (print (value), text);
    }
  }
}

TEST (KubeValue, DuplicateKeysAreReportedWithTheirPathsInTextOrder)
{
  EXPECT_EQ (duplicates_of (R"({"a":1,"b":2})"), Strings ());
  EXPECT_EQ (duplicates_of (R"({"a":1,"a":2})"), Strings ({ "a" }));
  EXPECT_EQ (duplicates_of (R"({"data":{"a":"1","a":"2"}})"), Strings ({ "data.a" }));
  EXPECT_EQ (duplicates_of (R"({"s":{"c":[{"n":1},{"n":1,"n":2}]}})"), Strings ({ "s.c[1].n" }));
  EXPECT_EQ (duplicates_of (R"([[{"x.y":1,"x.y":2}]])"), Strings ({ "[0][0].x.y" }));
  EXPECT_EQ (duplicates_of (R"({"b":1,"a":{"x":1,"x":1},"b":{"y":1,"y":2}})"), Strings ({ "a.x", "b", "b.y" }));
  EXPECT_EQ (duplicates_of (R"({"a":1,"a":2,"a":3,"b":1,"b":1})"), Strings ({ "a", "b" }));
  EXPECT_EQ (duplicates_of (R"({"":{"c":1,"c":2},"":0})"), Strings ({ ".c", "" }));
  EXPECT_EQ (duplicates_of ("{\"\\u0061\":1,\"a\":2}"), Strings ({ "a" }));
  EXPECT_EQ (duplicates_of ("{\"a\":1,\"a\\u0000\":2}"), Strings ());
}

TEST (KubeValue, TheLastDuplicateWins)
{
  Value value (parse (R"({"a":1,"b":2,"a":{"x":[3]},"c":4})"));

  EXPECT_EQ (print (value), R"({"b":2,"a":{"x":[3]},"c":4})");
  EXPECT_EQ (kube_value_get_length (value), 3u);
  EXPECT_EQ (kube_value_get_integer (value, "a.x.0", 0), 3);
}

TEST (KubeValue, ManyDuplicatesAreFoundInTimeAndReportedUpToALimit)
{
  std::string text = "{";
  gint64 begin = cpu_time ();

  for (int i = 0; i < 200000; i++)
    text += "\"k" + std::to_string (i % 100000) + "\":" + std::to_string (i) + ",";
  text += "\"z\":0}";
  EXPECT_EQ (duplicates_of (text).size (), 100u);
  Value value (parse (text));
  EXPECT_EQ (kube_value_get_length (value), 100001u);
  EXPECT_EQ (kube_value_get_integer (value, "k99999", 0), 199999);
  EXPECT_EQ (kube_value_get_integer (value, "k0", 0), 100000);
  EXPECT_LT (cpu_time () - begin, 10 * G_TIME_SPAN_SECOND);
}

TEST (KubeValue, DepthIsLimitedAsInGo)
{
  std::string deep = std::string (10000, '[') + std::string (10000, ']');
  Value value (parse (deep));
  KubeParseOptions shallow = { 3, 0, NULL, {} };

  EXPECT_EQ (print (value), deep);
  EXPECT_EQ (error_of ("[" + deep + "]"), "exceeded max depth");
  EXPECT_EQ (error_of (std::string (5000000, '[')), "exceeded max depth");
  EXPECT_EQ (error_of ("[[[[]]]]", &shallow), "exceeded max depth");
  EXPECT_EQ (error_of ("{\"a\":{\"a\":{\"a\":{}}}}", &shallow), "exceeded max depth");
  Value ok (kube_value_parse_with_options ("[[[]],[[]]]", -1, &shallow, NULL));
  EXPECT_NE (ok.v, nullptr);
}

gpointer
use_deep_values (gpointer)
{
  std::string deep, unsorted;

  for (int i = 0; i < 5000; i++)
    deep += "[{\"b\":1,\"a\":";
  deep += "0";
  for (int i = 0; i < 5000; i++)
    deep += "}]";
  Value value (parse (deep)), same (parse (deep));
  Value canonical (kube_value_canonicalize (value));
  Value part (kube_value_detach (kube_value_get (value, "0.a.0")));

  EXPECT_EQ (print (value), deep);
  EXPECT_TRUE (kube_value_equal (value, same));
  EXPECT_TRUE (kube_value_equal (value, canonical));
  EXPECT_FALSE (kube_value_equal (value, part));
  EXPECT_EQ (kube_value_hash (value), kube_value_hash (canonical));
  return NULL;
}

TEST (KubeValue, DeepestValuesNeedLittleStack)
{
  pthread_attr_t attributes;
  pthread_t thread;

  pthread_attr_init (&attributes);
  pthread_attr_setstacksize (&attributes, 256 * 1024);
  ASSERT_EQ (pthread_create (&thread, &attributes, use_deep_values, NULL), 0);
  pthread_join (thread, NULL);
  pthread_attr_destroy (&attributes);
}

TEST (KubeValue, SizeIsLimited)
{
  KubeParseOptions options = { 0, 10, NULL, {} };
  g_autoptr (GError) error = NULL;

  EXPECT_EQ (error_of ("[1,2,3,4,5]", &options), "Request entity too large: limit is 10");
  EXPECT_EQ (kube_value_parse_with_options ("[1,2,3,4,5]", -1, &options, &error), nullptr);
  EXPECT_TRUE (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_REQUEST_ENTITY_TOO_LARGE));
  Value value (kube_value_parse_with_options ("[1,2,3,45]", -1, &options, NULL));
  EXPECT_NE (value.v, nullptr);
}

TEST (KubeValue, AChildKeepsItsDocument)
{
  KubeValue *document = parse (R"({"a":{"b":"kept"}})");
  Value child (kube_value_ref (kube_value_get (document, "a")));

  kube_value_unref (document);
  EXPECT_STREQ (kube_value_get_string (child, "b"), "kept");
}

TEST (KubeValue, AChildIsABoxedValue)
{
  Value document (parse (R"({"a":{"b":"boxed"}})"));
  KubeValue *copy = (KubeValue *) g_boxed_copy (KUBE_TYPE_VALUE, kube_value_get (document, "a"));

  EXPECT_STREQ (kube_value_get_string (copy, "b"), "boxed");
  g_boxed_free (KUBE_TYPE_VALUE, copy);
}

TEST (KubeValue, ADetachedPartIsItsOwnDocument)
{
  KubeValue *document = parse (R"({"x":"before","a":{"c":[1,"two",{"d":null}],"b":true},"y":"after"})");
  Value part (kube_value_detach (kube_value_get (document, "a")));
  Value again (kube_value_detach (part));

  kube_value_unref (document);
  EXPECT_EQ (print (part), R"({"c":[1,"two",{"d":null}],"b":true})");
  EXPECT_EQ (again.v, part.v);
}

TEST (KubeValue, WithAnotherStringIsAsIfItHadBeenParsedWithIt)
{
  const char *texts[] = { "", "1", "1234567890123", "with \"quotes\" and \u00e4" };
  const char *documents[][2] = {
    { R"({"a":"x","m":{"b":"yy","v":)", R"(,"w":"zz"},"n":12.50,"o":["p","","q",null,true,-3]})" },
    { R"({"m":{"v":)", "}}" },
    { R"({"z":"","m":{"y":"","v":)", R"(,"u":""},"b":""})" },
  };

  for (auto &document : documents) {
    for (const char *before : texts) {
      Value old (parse ((document[0] + print (Value (kube_value_new_string (before))) + document[1]).c_str ()));
      for (const char *after : texts) {
        std::string wanted_text = document[0] + print (Value (kube_value_new_string (after))) + document[1];
        Value wanted (parse (wanted_text.c_str ()));
        Value made (kube_value_with_string (old, "m.v", after));
        ASSERT_NE ((KubeValue *) made, nullptr);
        EXPECT_EQ (print (made), print (wanted));
        EXPECT_TRUE (kube_value_equal (made, wanted)) << wanted_text;
        EXPECT_STREQ (kube_value_get_string (made, "m.v"), after);
        EXPECT_STREQ (kube_value_get_string (old, "m.v"), before);
      }
    }
  }
}

TEST (KubeValue, WithAnotherStringNeedsARootAndAString)
{
  Value root (parse (R"({"m":{"v":1,"w":"x"}})"));

  EXPECT_EQ (kube_value_with_string (root, "m.v", "1"), nullptr);
  EXPECT_EQ (kube_value_with_string (root, "m.x", "1"), nullptr);
  EXPECT_EQ (kube_value_with_string (root, "m", "1"), nullptr);
  EXPECT_EQ (kube_value_with_string (kube_value_get (root, "m"), "w", "1"), nullptr);
}

TEST (KubeValue, EqualityIgnoresTheOrderOfMembersOnly)
{
  const char *same[][2] = { { R"({"a":1,"b":[{"x":1,"y":2}]})", R"({"b":[{"y":2,"x":1}],"a":1})" },
                            { "[]", " [ ] " },
                            { "\"\\u0041\"", "\"A\"" },
                            { "-0", "0" } };
  const char *different[][2] = { { R"({"a":1})", R"({"a":2})" },    { R"({"a":1})", R"({"b":1})" },
                                 { R"({"a":1})", R"({"a":1,"b":1})" }, { "[1,2]", "[2,1]" },
                                 { "1", "1.0" },                       { "1", "\"1\"" },
                                 { "null", "false" },                  { "[]", "{}" },
                                 { "true", "false" },                  { "[[]]", "[1]" },
                                 { "[1]", "[[]]" },                    { R"({"a":{}})", R"({"a":[]})" },
                                 { R"({"b":1,"a":{}})", R"({"b":1,"a":1})" } };

  for (auto &pair : same) {
    Value a (parse (pair[0])), b (parse (pair[1]));

    EXPECT_TRUE (kube_value_equal (a, b)) << pair[0];
    EXPECT_EQ (kube_value_hash (a), kube_value_hash (b)) << pair[0];
  }
  for (auto &pair : different) {
    Value a (parse (pair[0])), b (parse (pair[1]));

    EXPECT_FALSE (kube_value_equal (a, b)) << pair[0] << pair[1];
    EXPECT_FALSE (kube_value_equal (b, a)) << pair[0] << pair[1];
    EXPECT_NE (kube_value_hash (a), kube_value_hash (b)) << pair[0] << pair[1];
  }
}

TEST (KubeValue, HashesAreTheSameInEveryProcess)
{
  EXPECT_EQ (kube_value_hash (Value (parse (R"({"b":[1,"two",null],"a":{"c":true,"d":1.5}})"))), 4168849851u);
}

TEST (KubeValue, LargeUnsortedObjectsAreComparedInTime)
{
  std::string forward, backward;
  gint64 begin = cpu_time ();

  for (int i = 0; i < 100000; i++) {
    forward += ",\"k" + std::to_string (i) + "\":" + std::to_string (i);
    backward += ",\"k" + std::to_string (99999 - i) + "\":" + std::to_string (99999 - i);
  }
  forward = "{" + forward.substr (1) + "}";
  backward = "{" + backward.substr (1) + "}";
  Value a (parse (forward)), b (parse (backward));
  EXPECT_TRUE (kube_value_equal (a, b));
  EXPECT_EQ (kube_value_hash (a), kube_value_hash (b));
  EXPECT_LT (cpu_time () - begin, 20 * G_TIME_SPAN_SECOND);
}

TEST (KubeValue, CanonicalDocumentsAreSortedThroughout)
{
  Value value (parse (R"({"b":[{"z":1,"y":{"d":1,"c":2}}],"a":0,"aa":1,"B":2})"));
  Value canonical (kube_value_canonicalize (value));
  Value again (kube_value_canonicalize (canonical));
  Value part (kube_value_canonicalize (kube_value_get (value, "b.0")));

  EXPECT_EQ (print (canonical), R"({"B":2,"a":0,"aa":1,"b":[{"y":{"c":2,"d":1},"z":1}]})");
  EXPECT_EQ (again.v, canonical.v);
  EXPECT_EQ (print (part), R"({"y":{"c":2,"d":1},"z":1})");
}

TEST (KubeValue, StringsAreEscapedAsGoDoesWithoutHtml)
{
  std::string in = "\x01\b\f\n\r\t\x1f\"\\/<>&\x7f\u2028\u2029\u2027\u202a\u00e9\U0001F600";
  g_autoptr (GString) literal = g_string_new (">");

  kube_json_append_string (literal, in.c_str (), -1);
  EXPECT_STREQ (literal->str, ">\"\\u0001\\b\\f\\n\\r\\t\\u001f\\\"\\\\/<>&\x7f\\u2028\\u2029\u2027\u202a\u00e9\U0001F600\"");
  EXPECT_EQ (print (Value (kube_value_new_string (in.c_str ()))), literal->str + 1);
  g_string_truncate (literal, 0);
  kube_json_append_string (literal, "ab\0cd", 5);
  EXPECT_STREQ (literal->str, "\"ab\\u0000cd\"");
}

TEST (KubeValue, SingleValuesCanBeMade)
{
  EXPECT_EQ (print (Value (kube_value_new_string ("x"))), "\"x\"");
  EXPECT_EQ (print (Value (kube_value_new_string ("\xff"))), "\"\xef\xbf\xbd\"");
  EXPECT_EQ (print (Value (kube_value_new_integer (G_MININT64))), "-9223372036854775808");
  EXPECT_EQ (print (Value (kube_value_new_boolean (2))), "true");
  EXPECT_EQ (print (Value (kube_value_new_null ())), "null");
  EXPECT_EQ (print (Value (kube_value_new_empty_object ())), "{}");
}

TEST (KubeValue, PrintingAppendsAndMakesBytes)
{
  Value value (parse (R"({"a":[1]})"));
  g_autoptr (GString) out = g_string_new ("x");
  g_autoptr (GBytes) bytes = kube_value_to_bytes (value);

  g_autofree char *string = kube_value_to_string (value);

  kube_value_print_to (value, out);
  EXPECT_STREQ (string, "{\"a\":[1]}");
  EXPECT_STREQ (out->str, "x{\"a\":[1]}");
  EXPECT_EQ (g_bytes_get_size (bytes), 9u);
  EXPECT_EQ (print (kube_value_get (value, "a")), "[1]");
}

TEST (KubeValue, WhatWasPrintedParsesToTheSame)
{
  RandomJson random (20240607);

  for (int i = 0; i < 3000; i++) {
    std::string text = random.document ();
    Value value (parse (text));
    std::string printed = print (value);
    Value again (parse (printed));
    Value canonical (kube_value_canonicalize (value));

    ASSERT_TRUE (kube_value_equal (value, again)) << text;
    ASSERT_EQ (print (again), printed);
    ASSERT_TRUE (kube_value_equal (value, canonical)) << text;
    ASSERT_TRUE (kube_value_equal (canonical, value)) << text;
    ASSERT_EQ (kube_value_hash (value), kube_value_hash (canonical));
    Value reparsed (parse (print (canonical)));
    ASSERT_TRUE (kube_value_equal (reparsed, canonical));
    for (guint j = 0; j < kube_value_get_length (value); j++) {
      Value part (kube_value_detach (kube_value_get_element (value, j)));

      ASSERT_EQ (print (part), print (kube_value_get_element (value, j)));
    }
  }
}

TEST (KubeValue, ValuesAreSharedByThreads)
{
  Value value (parse (R"({"a":{"b":[1,2,3]}})"));
  std::vector<std::thread> threads;

  for (int t = 0; t < 4; t++)
    threads.emplace_back ([&] {
      for (int i = 0; i < 2000; i++) {
        Value child (kube_value_ref (kube_value_get (value, "a.b")));
        Value own (parse ("[1,2,3]"));

        EXPECT_TRUE (kube_value_equal (child, own));
      }
    });
  for (auto &thread : threads)
    thread.join ();
}

}
