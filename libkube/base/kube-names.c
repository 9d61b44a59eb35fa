/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-names.h>

#include <string.h>
#include <sys/random.h>

#define DNS_LABEL_RE "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define DNS_SUBDOMAIN_RE DNS_LABEL_RE "(\\." DNS_LABEL_RE ")*"
#define QUALIFIED_RE "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define REGEX(re) "regex used for validation is '" re "')"

#define SUBDOMAIN_MESSAGE                                                                                                        \
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with "  \
  "an alphanumeric character (e.g. 'example.com', " REGEX (DNS_SUBDOMAIN_RE)
#define QUALIFIED_MESSAGE                                                                                                        \
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "       \
  "'MyName',  or 'my.name',  or '123-abc', " REGEX (QUALIFIED_RE)

/* Character classes of the formats. */
enum {
  LOWER = 1 << 0,
  UPPER = 1 << 1,
  DIGIT = 1 << 2,
  DASH = 1 << 3,
  UNDERSCORE = 1 << 4,
  DOT = 1 << 5,
  ALNUM = LOWER | UPPER | DIGIT,
};

static guint
class_of (char c)
{
  if (c >= 'a' && c <= 'z')
    return LOWER;
  if (c >= 'A' && c <= 'Z')
    return UPPER;
  if (c >= '0' && c <= '9')
    return DIGIT;
  return c == '-' ? DASH : c == '_' ? UNDERSCORE : c == '.' ? DOT : 0;
}

/* Whether the text is not empty and begins, goes on and ends with characters of these classes. */
static gboolean
matches (const char *text, gsize length, guint first, guint inner, guint last)
{
  if (length == 0 || !(class_of (text[0]) & first) || !(class_of (text[length - 1]) & last))
    return FALSE;
  for (gsize i = 1; i + 1 < length; i++) {
    if (!(class_of (text[i]) & inner))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_dns_label (const char *text, gsize length)
{
  return matches (text, length, LOWER | DIGIT, LOWER | DIGIT | DASH, LOWER | DIGIT);
}

static gboolean
is_dns_subdomain (const char *text, gsize length)
{
  const char *end = text + length;

  for (const char *label = text;; label++) {
    const char *dot = memchr (label, '.', end - label);
    if (!is_dns_label (label, (dot != NULL ? dot : end) - label))
      return FALSE;
    if (dot == NULL)
      return TRUE;
    label = dot;
  }
}

static void
add (GPtrArray *messages, const char *message)
{
  g_ptr_array_add (messages, (gpointer) message);
}

static void
check_dns1123_label (const char *name, gsize length, GPtrArray *messages)
{
  if (length > 63)
    add (messages, "must be no more than 63 characters");
  if (is_dns_label (name, length))
    return;
  if (is_dns_subdomain (name, length))
    add (messages, "must not contain dots");
  else
    add (messages, "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
                   "with an alphanumeric character (e.g. 'my-name',  or '123-abc', " REGEX (DNS_LABEL_RE));
}

static void
check_dns1123_subdomain (const char *name, gsize length, GPtrArray *messages)
{
  if (length > 253)
    add (messages, "must be no more than 253 characters");
  if (!is_dns_subdomain (name, length))
    add (messages, SUBDOMAIN_MESSAGE);
}

static void
check_dns1035_label (const char *name, gsize length, GPtrArray *messages)
{
  if (length > 63)
    add (messages, "must be no more than 63 characters");
  if (!matches (name, length, LOWER, LOWER | DIGIT | DASH, LOWER | DIGIT))
    add (messages, "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
                   "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', " REGEX (
                       "[a-z]([-a-z0-9]*[a-z0-9])?"));
}

static void
check_qualified (const char *name, gsize length, GPtrArray *messages)
{
  const char *slash = memchr (name, '/', length);

  if (slash != NULL) {
    gsize prefix_length = slash - name;
    if (memchr (slash + 1, '/', length - prefix_length - 1) != NULL) {
      add (messages, "a valid label key " QUALIFIED_MESSAGE " with an optional DNS subdomain prefix and '/' (e.g. "
                     "'example.com/MyName')");
      return;
    }
    if (prefix_length == 0)
      add (messages, "prefix part must be non-empty");
    else if (prefix_length > 253)
      add (messages, "prefix part must be no more than 253 bytes");
    if (prefix_length > 0 && !is_dns_subdomain (name, prefix_length))
      add (messages, "prefix part " SUBDOMAIN_MESSAGE);
    length -= prefix_length + 1;
    name = slash + 1;
  }
  if (length == 0)
    add (messages, "name part must be non-empty");
  else if (length > 63)
    add (messages, "name part must be no more than 63 bytes");
  if (!matches (name, length, ALNUM, ALNUM | DASH | UNDERSCORE | DOT, ALNUM))
    add (messages, "name part " QUALIFIED_MESSAGE);
}

static void
check_label_value (const char *name, gsize length, GPtrArray *messages)
{
  if (length > 63)
    add (messages, "must be no more than 63 bytes");
  if (length > 0 && !matches (name, length, ALNUM, ALNUM | DASH | UNDERSCORE | DOT, ALNUM))
    add (messages,
         "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
         "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', " REGEX ("(" QUALIFIED_RE ")?"));
}

static void
check_path_segment (const char *name, gsize length, GPtrArray *messages)
{
  if (g_str_equal (name, ".")) {
    add (messages, "may not be '.'");
    return;
  }
  if (g_str_equal (name, "..")) {
    add (messages, "may not be '..'");
    return;
  }
  if (memchr (name, '/', length) != NULL)
    add (messages, "may not contain '/'");
  if (memchr (name, '%', length) != NULL)
    add (messages, "may not contain '%'");
}

static void
check_config_map_key (const char *name, gsize length, GPtrArray *messages)
{
  const guint all = ALNUM | DASH | UNDERSCORE | DOT;

  if (length > 253)
    add (messages, "must be no more than 253 characters");
  if (!matches (name, length, all, all, all))
    add (messages,
         "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME', "
         " or 'key-name', " REGEX ("[-._a-zA-Z0-9]+"));
  if (g_str_equal (name, "."))
    add (messages, "must not be '.'");
  else if (g_str_equal (name, ".."))
    add (messages, "must not be '..'");
  else if (g_str_has_prefix (name, ".."))
    add (messages, "must not start with '..'");
}

static void
check_env_var (const char *name, gsize length, GPtrArray *messages)
{
  if (length == 0)
    add (messages, "environment variable name must be non-empty");
  for (gsize i = 0; i < length; i++) {
    if (name[i] < ' ' || name[i] > '~' || name[i] == '=') {
      add (messages, "a valid environment variable name must consist only of printable ASCII characters other than '='");
      return;
    }
  }
}

static void
check_c_identifier (const char *name, gsize length, GPtrArray *messages)
{
  const guint inner = ALNUM | UNDERSCORE;

  if (!matches (name, length, LOWER | UPPER | UNDERSCORE, inner, inner))
    add (messages, "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
                   "characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', " REGEX ("[A-Za-z_][A-Za-z0-9_]*"));
}

static void
check_port (const char *name, gsize length, GPtrArray *messages)
{
  const guint all = LOWER | DIGIT | DASH;
  gboolean letter = FALSE;

  for (gsize i = 0; i < length; i++)
    letter = letter || class_of (name[i]) == LOWER;

  if (length > 15)
    add (messages, "must be no more than 15 characters");
  if (!matches (name, length, all, all, all))
    add (messages, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!letter)
    add (messages, "must contain at least one letter (a-z)");
  if (strstr (name, "--") != NULL)
    add (messages, "must not contain consecutive hyphens");
  if (length > 0 && (name[0] == '-' || name[length - 1] == '-'))
    add (messages, "must not begin or end with a hyphen");
}

static void
check_wildcard (const char *name, gsize length, GPtrArray *messages)
{
  if (length > 253)
    add (messages, "must be no more than 253 characters");
  if (!g_str_has_prefix (name, "*.") || !is_dns_subdomain (name + 2, length - 2))
    add (messages, "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of "
                   "lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. "
                   "'*.example.com', " REGEX ("\\*\\." DNS_SUBDOMAIN_RE));
}

static void
check_percent (const char *name, gsize length, GPtrArray *messages)
{
  if (length < 2 || name[length - 1] != '%' || !matches (name, length - 1, DIGIT, DIGIT, DIGIT))
    add (messages,
         "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', " REGEX ("[0-9]+%"));
}

static void
check_http_header (const char *name, gsize length, GPtrArray *messages)
{
  if (!matches (name, length, ALNUM | DASH, ALNUM | DASH, ALNUM | DASH))
    add (messages,
         "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', " REGEX ("[-A-Za-z0-9]+"));
}

static void (*const checks[]) (const char *name, gsize length, GPtrArray *messages) = {
  [KUBE_NAME_DNS1123_LABEL] = check_dns1123_label,
  [KUBE_NAME_DNS1123_SUBDOMAIN] = check_dns1123_subdomain,
  [KUBE_NAME_DNS1035_LABEL] = check_dns1035_label,
  [KUBE_NAME_QUALIFIED] = check_qualified,
  [KUBE_NAME_LABEL_VALUE] = check_label_value,
  [KUBE_NAME_PATH_SEGMENT] = check_path_segment,
  [KUBE_NAME_CONFIG_MAP_KEY] = check_config_map_key,
  [KUBE_NAME_ENV_VAR] = check_env_var,
  [KUBE_NAME_C_IDENTIFIER] = check_c_identifier,
  [KUBE_NAME_PORT] = check_port,
  [KUBE_NAME_WILDCARD_DNS1123_SUBDOMAIN] = check_wildcard,
  [KUBE_NAME_PERCENT] = check_percent,
  [KUBE_NAME_HTTP_HEADER] = check_http_header,
};
G_STATIC_ASSERT (G_N_ELEMENTS (checks) == KUBE_NAME_HTTP_HEADER + 1);

/**
 * kube_name_check_all:
 * @format: a format
 * @name: what to check
 *
 * Returns: (transfer container) (element-type utf8) (nullable): what is wrong, as upstream words it and in its order; %NULL for
 *   a good name
 * Since: 1.0
 */
GPtrArray *
kube_name_check_all (KubeNameFormat format, const char *name)
{
  g_return_val_if_fail ((guint) format < G_N_ELEMENTS (checks), NULL);

  g_autoptr (GPtrArray) messages = g_ptr_array_new ();
  checks[format](name, strlen (name), messages);
  return messages->len > 0 ? g_steal_pointer (&messages) : NULL;
}

/**
 * kube_name_is_valid:
 * @format: a format
 * @name: what to check
 *
 * Returns: whether @name is a good name of this format
 * Since: 1.0
 */
gboolean
kube_name_is_valid (KubeNameFormat format, const char *name)
{
  g_autoptr (GPtrArray) messages = kube_name_check_all (format, name);
  return messages == NULL;
}

static void
fill_random (guint8 *out, gsize length)
{
  gsize done = 0;

  while (done < length) {
    gssize n = getrandom (out + done, length - done, 0);
    if (n > 0)
      done += n;
  }
}

/**
 * kube_uid_new:
 *
 * Returns: (transfer full): a random (version 4) UUID
 * Since: 1.0
 */
char *
kube_uid_new (void)
{
  static const char digits[] = "0123456789abcdef";
  guint8 b[16];
  char *uid = g_malloc (37), *at = uid;

  fill_random (b, sizeof b);
  b[6] = (b[6] & 0x0f) | 0x40;
  b[8] = (b[8] & 0x3f) | 0x80;
  for (guint i = 0; i < G_N_ELEMENTS (b); i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      *at++ = '-';
    *at++ = digits[b[i] >> 4];
    *at++ = digits[b[i] & 15];
  }
  *at = '\0';
  return uid;
}

/* No vowels and nothing that looks like one, so that no words come out. */
static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
#define ALPHABET_SIZE (sizeof alphabet - 1)
#define SUFFIX_LENGTH 5
#define GENERATED_MAX 63

/**
 * kube_name_generate:
 * @prefix: an object's generateName
 *
 * Returns: (transfer full): @prefix, cut so that all fits 63 characters, and five random characters
 * Since: 1.0
 */
char *
kube_name_generate (const char *prefix)
{
  char suffix[SUFFIX_LENGTH + 1] = "";
  guint n = 0;

  while (n < SUFFIX_LENGTH) {
    guint8 random[16];
    fill_random (random, sizeof random);
    for (guint i = 0; i < sizeof random && n < SUFFIX_LENGTH; i++) {
      if (random[i] < 256 / ALPHABET_SIZE * ALPHABET_SIZE) /* what is above would favour the first letters */
        suffix[n++] = alphabet[random[i] % ALPHABET_SIZE];
    }
  }
  return g_strdup_printf ("%.*s%s", GENERATED_MAX - SUFFIX_LENGTH, prefix, suffix);
}

/**
 * kube_name_safe_encode:
 * @hash: a hash, for example of a pod template
 *
 * Returns: (transfer full): the decimal digits of @hash in the alphabet of generated names, as upstream encodes them
 * Since: 1.0
 */
char *
kube_name_safe_encode (guint32 hash)
{
  char *text = g_strdup_printf ("%u", hash);

  for (char *c = text; *c != '\0'; c++)
    *c = alphabet[(guchar) *c % ALPHABET_SIZE];
  return text;
}
