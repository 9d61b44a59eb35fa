/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-quantity.h>
#include <string>

namespace
{

KubeQuantity
parse (const char *text)
{
  KubeQuantity quantity = { 0, 0, 0 };
  GError *error = NULL;
  EXPECT_TRUE (kube_quantity_parse (text, &quantity, &error)) << text << ": " << (error ? error->message : "");
  g_clear_error (&error);
  return quantity;
}

std::string
print (const KubeQuantity &quantity)
{
  char *text = kube_quantity_print (&quantity);
  std::string result = text;
  g_free (text);
  return result;
}

std::string
canonical (const char *text, int min_scale = -9)
{
  GError *error = NULL;
  char *out = kube_quantity_canonicalize (text, min_scale, &error);
  std::string result = out != NULL ? out : std::string ("error: ") + error->message;
  g_free (out);
  g_clear_error (&error);
  return result;
}

const std::string format_error = "error: quantities must match the regular expression "
                                 "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const std::string suffix_error = "error: unable to parse quantity's suffix";

}

/* What kube-apiserver 1.36 answered for these in a pod's resources, which it rounds up to milli. */
TEST (KubeQuantity, AnswersWhatUpstreamAnswered)
{
  const std::pair<const char *, std::string> cases[] = {
    { "1", "1" },
    { "0.1", "100m" },
    { "1500m", "1500m" },
    { "1e3", "1e3" },
    { "1E3", "1E3" },
    { "1k", "1k" },
    { "1K", suffix_error },
    { "1Ki", "1Ki" },
    { "1024Ki", "1Mi" },
    { "1.5Gi", "1536Mi" },
    { "0", "0" },
    { "-1", "-1" },
    { "+1", "+1" },
    { "1n", "1m" },
    { "999999999999999999", "999999999999999999" },
    { "9223372036854775807", "9223372036854775807" },
    { "9223372036854775808", "9223372036854775808" },
    { ".5", "500m" },
    { "5.", "5." },
    { "", format_error },
    { "1mm", suffix_error },
    { "0x1", format_error },
    { "1e", suffix_error },
    { "1e-3", "1e-3" },
    { "1Ei", "1Ei" },
    { "100000000000m", "100M" },
    { "0.0000000001", "1m" },
    { "1_000", format_error },
    { "\u06f1", format_error },
    { "1.0", "1" },
    { "1000Mi", "1000Mi" },
    { "1048576Ki", "1Gi" },
    { "12.345k", "12.345k" },
    { "true", format_error },
  };
  for (const auto &[text, want] : cases)
    EXPECT_EQ (canonical (text, -3), want) << "'" << text << "'";
}

TEST (KubeQuantity, ReadsJsonStringsNumbersAndNull)
{
  const std::pair<const char *, const char *> cases[] = {
    { "\" 1\\n\"", "1" }, { "1", "1" },
    { "0.25", "250m" },   { "1e3", "1e3" },
    { "-2", "-2" },       { "null", "0" },
    { "true", "!" },      { "[]", "!" },
    { "\"x\"", "!" },     { "18446744073709551615", "18446744073709551620" },
  };
  for (const auto &[text, want] : cases) {
    g_autoptr (KubeValue) value = kube_value_parse (text, -1, NULL);
    ASSERT_NE (value, nullptr) << text;
    KubeQuantity quantity;
    GError *error = NULL;
    gboolean ok = kube_quantity_from_value (value, &quantity, &error);
    EXPECT_EQ (ok, error == NULL);
    EXPECT_EQ (ok ? print (quantity) : "!", want) << text;
    g_clear_error (&error);
  }
}

TEST (KubeQuantity, PrintsCanonically)
{
  const std::pair<const char *, const char *> cases[] = {
    { "12.345k", "12345" },
    { "0.5Mi", "512Ki" },
    { "0.5Ki", "512" },
    { "1.1Ki", "1126400m" },
    { "0.001Ki", "1024m" },
    { "0.0001Ki", "102400u" },
    { "1023Ki", "1023Ki" },
    { "2048", "2048" },
    { "100k", "100k" },
    { "1000k", "1M" },
    { "1e4", "10e3" },
    { "1e5", "100e3" },
    { "1e0", "1" },
    { "1.5e0", "1500e-3" },
    { "1000E", "1000E" },
    { "123e-12", "1e-9" },
    { "00012", "12" },
    { "-0.5", "-500m" },
    { "-0", "0" },
    { "-1.5Gi", "-1536Mi" },
    { "8Ei", "9223372036854775807" },
    { "100Ei", "9223372036854775807" },
    { "7Ei", "7Ei" },
    { "1.0000000001", "1000000001n" },
    { "999999999.9999999999", "1G" },
    { ".", "0" },
    { "e3", "0" },
    { "Ki", "0" },
  };
  for (const auto &[text, want] : cases)
    EXPECT_EQ (print (parse (text)), want) << text;
}

TEST (KubeQuantity, CanonicalFormIsExactForAnyNumberOfDigits)
{
  EXPECT_EQ (canonical ("123456789012345678901234567890"), "123456789012345678901234567890");
  EXPECT_EQ (canonical ("9223372036854775807.000000001"), "9223372036854775807000000001n");
  EXPECT_EQ (canonical ("123456789012345678901234567890000"), "123456789012345678901234567890k");
  EXPECT_EQ (canonical ("0.123456789Gi"), "132560717806043136n");
  EXPECT_EQ (canonical ("1.1i"), suffix_error);
  EXPECT_EQ (canonical (".e-12"), "error: unable to parse numeric part of quantity");
  EXPECT_EQ (canonical ("1e2147483647"), "10e2147483646");
  EXPECT_EQ (canonical ("1e99999999999999999999"), suffix_error);
  EXPECT_EQ (canonical ("1\n"), format_error);
}

TEST (KubeQuantity, CanonicalFormIsAFixedPoint)
{
  for (const char *text : { "1.5Gi", "12.345k", "0.1", "1e4", "1.1Mi", "9223372036854775808", "-3.3", "100Ei", "5." }) {
    KubeQuantity once = parse (text), twice = parse (print (once).c_str ());
    EXPECT_EQ (print (once), print (twice)) << text;
    EXPECT_EQ (kube_quantity_compare (&once, &twice), 0) << text;
  }
}

TEST (KubeQuantity, ValuesRoundAwayFromZeroAndAreCapped)
{
  auto value = [] (const char *text) {
    KubeQuantity q = parse (text);
    return kube_quantity_get_value (&q);
  };
  auto milli = [] (const char *text) {
    KubeQuantity q = parse (text);
    return kube_quantity_get_milli_value (&q);
  };
  EXPECT_EQ (value ("1500m"), 2);
  EXPECT_EQ (value ("-1500m"), -2);
  EXPECT_EQ (value ("1n"), 1);
  EXPECT_EQ (value ("1Gi"), 1073741824);
  EXPECT_EQ (value ("10E"), G_MAXINT64);
  EXPECT_EQ (value ("-1e30"), G_MININT64);
  EXPECT_EQ (milli ("250m"), 250);
  EXPECT_EQ (milli ("2"), 2000);
  EXPECT_EQ (milli ("1u"), 1);
  EXPECT_EQ (milli ("9E"), G_MAXINT64);
  KubeQuantity q = parse ("1.25");
  EXPECT_DOUBLE_EQ (kube_quantity_get_double (&q), 1.25);
  q = parse ("2E");
  EXPECT_DOUBLE_EQ (kube_quantity_get_double (&q), 2e18);
}

TEST (KubeQuantity, ComparesAcrossFormatsAndMagnitudes)
{
  const char *ascending[]
      = { "-1e36", "-1E", "-1", "-1m", "0", "1n", "1m", "999m", "1", "1k", "1Ki", "1e9", "1Gi", "1E", "1Ei", "1e20", "1e36" };
  for (guint i = 0; i < G_N_ELEMENTS (ascending); i++) {
    for (guint j = 0; j < G_N_ELEMENTS (ascending); j++) {
      KubeQuantity a = parse (ascending[i]), b = parse (ascending[j]);
      int order = kube_quantity_compare (&a, &b);
      EXPECT_EQ ((order > 0) - (order < 0), (i > j) - (i < j)) << ascending[i] << " " << ascending[j];
    }
  }
  KubeQuantity a = parse ("1024Mi"), b = parse ("1Gi"), c = parse ("1073741824");
  EXPECT_EQ (kube_quantity_compare (&a, &b), 0);
  EXPECT_EQ (kube_quantity_compare (&b, &c), 0);
}

TEST (KubeQuantity, SumsAreExactAndKeepTheirFormat)
{
  auto sum = [] (const char *a, const char *b) {
    KubeQuantity x = parse (a), y = parse (b);
    kube_quantity_add (&x, &y);
    return print (x);
  };
  auto difference = [] (const char *a, const char *b) {
    KubeQuantity x = parse (a), y = parse (b);
    kube_quantity_subtract (&x, &y);
    return print (x);
  };
  EXPECT_EQ (sum ("1Gi", "512Mi"), "1536Mi");
  EXPECT_EQ (sum ("0", "512Mi"), "512Mi");
  EXPECT_EQ (sum ("100m", "1"), "1100m");
  EXPECT_EQ (sum ("9223372036854775807", "0"), "9223372036854775807");
  EXPECT_EQ (sum ("9223372036854775807", "1"), "9223372036854775810");
  EXPECT_EQ (sum ("1E", "1n"), "1000000000000000001");
  EXPECT_EQ (difference ("1", "100m"), "900m");
  EXPECT_EQ (difference ("1", "1"), "0");
  EXPECT_EQ (difference ("0", "1Ki"), "-1Ki");
}
