/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <kube/kube-names.h>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace
{

using Messages = std::vector<std::string>;

Messages
check (KubeNameFormat format, const std::string &name)
{
  GPtrArray *messages = kube_name_check_all (format, name.c_str ());
  Messages result;
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    result.push_back ((const char *) g_ptr_array_index (messages, i));
  EXPECT_EQ (messages == NULL, kube_name_is_valid (format, name.c_str ()));
  g_clear_pointer (&messages, g_ptr_array_unref);
  return result;
}

const std::string subdomain_message = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
                                      "'.', and must start and end with an "
                                      "alphanumeric character (e.g. 'example.com', regex used for validation is "
                                      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const std::string label_message
    = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an "
      "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const std::string qualified_message
    = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
      "'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

}

TEST (KubeNames, DnsLabels)
{
  EXPECT_EQ (check (KUBE_NAME_DNS1123_LABEL, "a"), Messages{});
  EXPECT_EQ (check (KUBE_NAME_DNS1123_LABEL, std::string (63, 'a')), Messages{});
  EXPECT_EQ (check (KUBE_NAME_DNS1123_LABEL, std::string (64, 'a')), Messages{ "must be no more than 63 characters" });
  EXPECT_EQ (check (KUBE_NAME_DNS1123_LABEL, "a.b"), Messages{ "must not contain dots" });
  for (const char *bad : { "", "A", "-a", "a-", "a_b", "a..b", "a b", "a\n" })
    EXPECT_EQ (check (KUBE_NAME_DNS1123_LABEL, bad), Messages{ label_message }) << bad;
  EXPECT_EQ (check (KUBE_NAME_DNS1035_LABEL, "1a").size (), 1u);
  EXPECT_EQ (check (KUBE_NAME_DNS1035_LABEL, "a1"), Messages{});
}

TEST (KubeNames, DnsSubdomains)
{
  for (const char *good : { "a", "a.b", "1.2", "a-b.c-d" })
    EXPECT_EQ (check (KUBE_NAME_DNS1123_SUBDOMAIN, good), Messages{}) << good;
  for (const char *bad : { "", ".", "a.", ".a", "a..b", "UPPER_case!", "a.-b", "../x" })
    EXPECT_EQ (check (KUBE_NAME_DNS1123_SUBDOMAIN, bad), Messages{ subdomain_message }) << bad;
  EXPECT_EQ (check (KUBE_NAME_DNS1123_SUBDOMAIN, std::string (254, 'a')), Messages{ "must be no more than 253 characters" });
  EXPECT_EQ (check (KUBE_NAME_WILDCARD_DNS1123_SUBDOMAIN, "*.a.b"), Messages{});
  for (const char *bad : { "*", "*.", "*a.b", "a.b", "*.*.b" })
    EXPECT_EQ (check (KUBE_NAME_WILDCARD_DNS1123_SUBDOMAIN, bad).size (), 1u) << bad;
}

TEST (KubeNames, QualifiedNames)
{
  for (const char *good : { "a", "A.b_c-d", "example.com/MyName", "1/2" })
    EXPECT_EQ (check (KUBE_NAME_QUALIFIED, good), Messages{}) << good;
  EXPECT_EQ (check (KUBE_NAME_QUALIFIED, ""), (Messages{ "name part must be non-empty", "name part " + qualified_message }));
  EXPECT_EQ (check (KUBE_NAME_QUALIFIED, "/a"), Messages{ "prefix part must be non-empty" });
  EXPECT_EQ (check (KUBE_NAME_QUALIFIED, "A/a"), Messages{ "prefix part " + subdomain_message });
  EXPECT_EQ (check (KUBE_NAME_QUALIFIED, std::string (64, 'a')), Messages{ "name part must be no more than 63 bytes" });
  EXPECT_EQ (check (KUBE_NAME_QUALIFIED, std::string (254, 'a') + "/a"),
             Messages{ "prefix part must be no more than 253 bytes" });
  EXPECT_EQ (check (KUBE_NAME_QUALIFIED, "a/b/c"),
             Messages{ "a valid label key " + qualified_message
                       + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')" });
}

TEST (KubeNames, LabelValues)
{
  for (const char *good : { "", "a", "A.b_c-d", "1" })
    EXPECT_EQ (check (KUBE_NAME_LABEL_VALUE, good), Messages{}) << good;
  EXPECT_EQ (check (KUBE_NAME_LABEL_VALUE, std::string (64, 'a')), Messages{ "must be no more than 63 bytes" });
  EXPECT_EQ (
      check (KUBE_NAME_LABEL_VALUE, "-a"),
      Messages{ "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
                "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
                "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')" });
}

TEST (KubeNames, TheOtherFormats)
{
  EXPECT_EQ (check (KUBE_NAME_PATH_SEGMENT, "system:node"), Messages{});
  EXPECT_EQ (check (KUBE_NAME_PATH_SEGMENT, ".."), Messages{ "may not be '..'" });
  EXPECT_EQ (check (KUBE_NAME_PATH_SEGMENT, "a/%"), (Messages{ "may not contain '/'", "may not contain '%'" }));
  EXPECT_EQ (check (KUBE_NAME_CONFIG_MAP_KEY, "..data"), Messages{ "must not start with '..'" });
  EXPECT_EQ (check (KUBE_NAME_CONFIG_MAP_KEY, "."), Messages{ "must not be '.'" });
  EXPECT_EQ (
      check (KUBE_NAME_CONFIG_MAP_KEY, "a b"),
      Messages{ "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',"
                "  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')" });
  EXPECT_EQ (check (KUBE_NAME_ENV_VAR, "1 a"), Messages{});
  EXPECT_EQ (check (KUBE_NAME_ENV_VAR, ""), Messages{ "environment variable name must be non-empty" });
  EXPECT_EQ (check (KUBE_NAME_ENV_VAR, "a=b"),
             Messages{ "a valid environment variable name must consist only of printable ASCII characters other than '='" });
  EXPECT_EQ (check (KUBE_NAME_C_IDENTIFIER, "_a1"), Messages{});
  EXPECT_EQ (check (KUBE_NAME_C_IDENTIFIER, "1a").size (), 1u);
  EXPECT_EQ (check (KUBE_NAME_PORT, "http-1"), Messages{});
  EXPECT_EQ (check (KUBE_NAME_PORT, "80"), Messages{ "must contain at least one letter (a-z)" });
  EXPECT_EQ (check (KUBE_NAME_PORT, "-a--b"),
             (Messages{ "must not contain consecutive hyphens", "must not begin or end with a hyphen" }));
  EXPECT_EQ (check (KUBE_NAME_PORT, ""), (Messages{ "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
                                                    "must contain at least one letter (a-z)" }));
  EXPECT_EQ (check (KUBE_NAME_PERCENT, "93%"), Messages{});
  EXPECT_EQ (check (KUBE_NAME_PERCENT, "%").size (), 1u);
  EXPECT_EQ (check (KUBE_NAME_HTTP_HEADER, "X-Header-Name"), Messages{});
  EXPECT_EQ (check (KUBE_NAME_HTTP_HEADER, "a:"),
             Messages{ "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for "
                       "validation is '[-A-Za-z0-9]+')" });
}

TEST (KubeNames, UidsAreVersionFourAndDiffer)
{
  std::regex shape ("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> seen;
  for (int i = 0; i < 100; i++) {
    char *uid = kube_uid_new ();
    EXPECT_TRUE (std::regex_match (uid, shape)) << uid;
    seen.insert (uid);
    g_free (uid);
  }
  EXPECT_EQ (seen.size (), 100u);
}

TEST (KubeNames, GeneratedNamesFitAndUseTheSafeAlphabet)
{
  std::regex shape ("web-[bcdfghjklmnpqrstvwxz2456789]{5}");
  char *name = kube_name_generate ("web-");
  EXPECT_TRUE (std::regex_match (name, shape)) << name;
  g_free (name);
  name = kube_name_generate (std::string (100, 'a').c_str ());
  EXPECT_EQ (std::string (name).size (), 63u);
  EXPECT_EQ (std::string (name).substr (0, 58), std::string (58, 'a'));
  g_free (name);
}

/* "0".."9" are 48..57, so 48 mod 27 is 21, which is '4' in the alphabet, and so on. */
TEST (KubeNames, SafeEncodingIsUpstreams)
{
  char *text = kube_name_safe_encode (1234567890);
  EXPECT_STREQ (text, "56789bcdf4");
  g_free (text);
}
