/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

#include <arpa/inet.h>

gboolean
name_set_has (const NameSet *set, const char *name)
{
  if (set->many != NULL)
    return g_hash_table_contains (set->many, name);
  for (guint i = 0; i < set->n; i++)
    if (equals (set->few[i], name))
      return TRUE;
  return FALSE;
}

gboolean
name_set_add (NameSet *set, const char *name)
{
  if (name_set_has (set, name))
    return FALSE;
  if (set->many == NULL && set->n == G_N_ELEMENTS (set->few)) {
    set->many = g_hash_table_new (g_str_hash, g_str_equal);
    for (guint i = 0; i < set->n; i++)
      g_hash_table_add (set->many, (char *) set->few[i]);
  }
  if (set->many != NULL)
    g_hash_table_add (set->many, (char *) name);
  else
    set->few[set->n] = name;
  set->n++;
  return TRUE;
}

void
name_set_clear (NameSet *set)
{
  g_clear_pointer (&set->many, g_hash_table_unref);
}

gboolean
kube_validate_one_of (const char *string, const char *const *valid)
{
  for (; *valid != NULL; valid++)
    if (equals (string, *valid))
      return TRUE;
  return FALSE;
}

void
kube_validate_format_prefixed (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameFormat format, const char *value, const char *prefix)
{
  g_autoptr (GPtrArray) messages = NULL;

  if (kube_name_is_valid (format, value))
    return;
  messages = kube_name_check_all (format, value);
  for (guint i = 0; messages != NULL && i < messages->len; i++) {
    g_autofree char *detail = g_strconcat (prefix, messages->pdata[i], NULL);
    kube_field_errors_invalid (errors, path, value, detail);
  }
}

void
kube_validate_format (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameFormat format, const char *value)
{
  kube_validate_format_prefixed (errors, path, format, value, "");
}

/* All that is wrong in one error. */
void
kube_validate_format_joined (KubeFieldErrors *errors, const KubeFieldPath *path, KubeNameFormat format, const char *value, const char *separator)
{
  g_autoptr (GPtrArray) messages = kube_name_is_valid (format, value) ? NULL : kube_name_check_all (format, value);
  g_autoptr (GString) detail = g_string_new (NULL);

  for (guint i = 0; messages != NULL && i < messages->len; i++)
    g_string_append_printf (detail, "%s%s", i > 0 ? separator : "", (char *) messages->pdata[i]);
  if (detail->len > 0)
    kube_field_errors_invalid (errors, path, value, detail->str);
}

void
kube_validate_enum (KubeFieldErrors *errors, const KubeFieldPath *path, const char *value, const char *required, const char *const *valid)
{
  if (*value == '\0' && required != NULL)
    kube_field_errors_required (errors, path, required);
  else if (!kube_validate_one_of (value, valid))
    kube_field_errors_not_supported (errors, path, value, valid);
}

void
kube_validate_non_negative (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 value)
{
  if (value < 0)
    kube_field_errors_invalid_integer (errors, path, value, "must be greater than or equal to 0");
}

void
kube_validate_non_negative_member (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *object, const char *key)
{
  gint64 value = integer_of (object, key, 0);

  if (value < 0)
    kube_validate_non_negative (errors, KUBE_FIELD (path, key), value);
}

void
kube_validate_positive (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 value)
{
  if (value <= 0)
    kube_field_errors_invalid_integer (errors, path, value, "must be greater than 0");
}

void
kube_validate_port_number (KubeFieldErrors *errors, const KubeFieldPath *path, gint64 port)
{
  if (port < 1 || port > 65535)
    kube_field_errors_invalid_integer (errors, path, port, "must be between 1 and 65535, inclusive");
}

gboolean
kube_validate_is_ip (const char *text, int *family)
{
  guint8 address[16];

  if (inet_pton (AF_INET, text, address) == 1)
    *family = 4;
  else if (inet_pton (AF_INET6, text, address) == 1)
    *family = 6;
  else
    return FALSE;
  return TRUE;
}

gboolean
kube_validate_is_cidr (const char *text, int *family, int *prefix)
{
  const char *slash = strchr (text, '/');
  char address[64];
  int length = 0;

  if (slash == NULL || (gsize) (slash - text) >= sizeof address || slash[1] == '\0' || strlen (slash + 1) > 3)
    return FALSE;
  memcpy (address, text, (gsize) (slash - text));
  address[slash - text] = '\0';
  for (const char *digit = slash + 1; *digit != '\0'; digit++) {
    if (!g_ascii_isdigit (*digit))
      return FALSE;
    length = length * 10 + (*digit - '0');
  }
  if (slash[1] == '0' && slash[2] != '\0')
    return FALSE;
  if (!kube_validate_is_ip (address, family) || length > (*family == 4 ? 32 : 128))
    return FALSE;
  *prefix = length;
  return TRUE;
}

/* Without the zeros that lead the decimal numbers of an IPv4 address, which old clients wrote. */
char *
kube_validate_plain_ip (const char *text)
{
  GString *plain = g_string_new (NULL);
  gboolean begins = TRUE;

  if (strchr (text, ':') != NULL)
    return g_string_free (g_string_append (plain, text), FALSE);
  for (; *text != '\0'; text++) {
    if (!begins || *text != '0' || !g_ascii_isdigit (text[1]))
      g_string_append_c (plain, *text);
    begins = *text == '.' || (begins && *text == '0');
  }
  return g_string_free (plain, FALSE);
}

gboolean
kube_validate_is_mapped_ip (const char *text)
{
  struct in6_addr address;

  return inet_pton (AF_INET6, text, &address) == 1 && IN6_IS_ADDR_V4MAPPED (&address);
}

void
kube_validate_ip (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  g_autofree char *plain = kube_validate_plain_ip (text);
  int family;

  if (!kube_validate_is_ip (plain, &family))
    kube_field_errors_invalid (errors, path, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  else if (!equals (plain, text))
    kube_field_errors_invalid (errors, path, text, "must not have leading 0s");
  else if (kube_validate_is_mapped_ip (text))
    kube_field_errors_invalid (errors, path, text, "must not be an IPv4-mapped IPv6 address");
}

void
kube_validate_no_ip (KubeFieldErrors *errors, const KubeFieldPath *path, const char *host)
{
  g_autofree char *plain = kube_validate_plain_ip (host);
  int family;

  if (kube_validate_is_ip (plain, &family))
    kube_field_errors_invalid (errors, path, host, "must be a DNS name, not an IP address");
}

void
kube_validate_point_ip (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *point, KubeValue *old)
{
  const char *ip = string_of (point, "ip");

  if (*ip != '\0' && find_by (old, "ip", ip) == NULL)
    kube_validate_ip (errors, AT (path, "ip"), ip);
}

void
kube_validate_point_host (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *point)
{
  const char *host = string_of (point, "hostname");

  if (*host == '\0')
    return;
  kube_validate_format (errors, AT (path, "hostname"), KUBE_NAME_DNS1123_SUBDOMAIN, host);
  kube_validate_no_ip (errors, AT (path, "hostname"), host);
}

/* Whether an address of a range has bits behind its prefix. */
static gboolean
has_host_bits (const char *text, int family, int prefix)
{
  g_autofree char *address = g_strndup (text, strcspn (text, "/"));
  guint8 bytes[16] = { 0 };

  inet_pton (family == 4 ? AF_INET : AF_INET6, address, bytes);
  for (int bit = prefix; bit < (family == 4 ? 32 : 128); bit++)
    if (bytes[bit / 8] & (0x80 >> (bit % 8)))
      return TRUE;
  return FALSE;
}

char *
kube_validate_canonical_cidr (const char *text)
{
  const char *slash = strchr (text, '/');
  g_autofree char *address = g_strndup (text, strcspn (text, "/"));
  g_autofree char *plain = kube_validate_plain_ip (address);
  g_autofree char *range = g_strconcat (plain, "/", slash != NULL ? slash + 1 + (slash[1] == '0' && slash[2] != '\0') : "", NULL);
  char printed[INET6_ADDRSTRLEN];
  int family, prefix;
  guint8 bytes[16];

  if (slash == NULL || !kube_validate_is_cidr (range, &family, &prefix))
    return NULL;
  inet_pton (family == 4 ? AF_INET : AF_INET6, plain, bytes);
  inet_ntop (family == 4 ? AF_INET : AF_INET6, bytes, printed, sizeof printed);
  return g_strdup_printf ("%s/%d", printed, prefix);
}

void
kube_validate_cidr (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text)
{
  const char *slash = strchr (text, '/');
  g_autofree char *address = g_strndup (text, strcspn (text, "/"));
  g_autofree char *plain = kube_validate_plain_ip (address);
  g_autofree char *range = g_strconcat (plain, "/", slash != NULL ? slash + 1 + (slash[1] == '0' && slash[2] != '\0') : "", NULL);
  int family, prefix;

  if (slash == NULL || !kube_validate_is_cidr (range, &family, &prefix)) {
    kube_field_errors_invalid (errors, path, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    return;
  }
  if (!equals (range, text))
    kube_field_errors_invalid (errors, path, text, "must not have leading 0s in IP or prefix length");
  else if (kube_validate_is_mapped_ip (address))
    kube_field_errors_invalid (errors, path, text, "must not have an IPv4-mapped IPv6 address");
  if (has_host_bits (range, family, prefix))
    kube_field_errors_invalid (errors, path, text, "must not have bits set beyond the prefix length");
}

void
kube_validate_domain_path (KubeFieldErrors *errors, const KubeFieldPath *path, const char *value)
{
  const char *slash = strchr (value, '/');
  g_autofree char *domain = NULL;

  if (*value == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (slash == NULL || slash == value || slash[1] == '\0') {
    kube_field_errors_invalid (errors, path, value, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    return;
  }
  domain = g_strndup (value, (gsize) (slash - value));
  kube_validate_format (errors, path, KUBE_NAME_DNS1123_SUBDOMAIN, domain);
  for (const char *at = slash + 1; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && strchr ("/-._~%!$&'()*+,;=:", *at) == NULL) {
      kube_field_errors_invalid (errors, path, slash + 1, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')");
      return;
    }
}

static gboolean
is_empty (KubeValue *value)
{
  KubeValueType type = kube_value_get_value_type (value);

  return type == KUBE_VALUE_NULL || ((type == KUBE_VALUE_ARRAY || type == KUBE_VALUE_OBJECT) && kube_value_get_length (value) == 0);
}

static gboolean
equal_members (KubeValue *a, KubeValue *b)
{
  for (guint i = 0; i < kube_value_get_length (a); i++) {
    KubeValue *value = kube_value_get_element (a, i), *other = kube_value_get_member (b, kube_value_get_key (a, i));
    if (value != other && !kube_validate_semantic_equal (value, other))
      return FALSE;
  }
  return TRUE;
}

gboolean
kube_validate_semantic_equal (KubeValue *a, KubeValue *b)
{
  KubeValueType type = kube_value_get_value_type (a);
  guint n = kube_value_get_length (a);

  if (is_empty (a) && is_empty (b))
    return a == NULL || b == NULL || !(kube_value_is_object (a) ^ kube_value_is_object (b)) || kube_value_is_null (a) || kube_value_is_null (b);
  if (type != kube_value_get_value_type (b))
    return FALSE;
  if (type == KUBE_VALUE_OBJECT)
    return equal_members (a, b) && equal_members (b, a);
  if (type != KUBE_VALUE_ARRAY)
    return kube_value_equal (a, b);
  if (n != kube_value_get_length (b))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!kube_validate_semantic_equal (kube_value_get_element (a, i), kube_value_get_element (b, i)))
      return FALSE;
  return TRUE;
}

void
kube_validate_invalid_struct (KubeFieldErrors *errors, const KubeFieldPath *path, const char *type, KubeValue *bad, const char *detail)
{
  g_autoptr (GString) text = g_string_new (NULL);

  kube_go_struct_print (text, type, bad);
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, path, text->str, detail);
}

void
kube_validate_immutable (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *value, KubeValue *old, const char *type)
{
  if (kube_validate_semantic_equal (value, old))
    return;
  if (type != NULL)
    kube_validate_invalid_struct (errors, path, type, value, "field is immutable");
  else
    kube_field_errors_invalid_value (errors, path, value, "field is immutable");
}

gboolean
kube_validate_has_wildcard (KubeValue *list)
{
  for (guint i = 0; i < kube_value_get_length (list); i++)
    if (equals (element_string (list, i), "*"))
      return TRUE;
  return FALSE;
}
