/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-validate-private.h"

/* CertificateSigningRequest: what is asked for, who approved it, and what came of it. */

enum {
  DOMAIN_MAX = 253,
  SIGNER_NAME_MAX = DOMAIN_MAX + 1 + 253 + 63 + 1,
  EXPIRATION_MIN = 600,
};

/* Each of @text's labels by @format; what follows the first bad one is not looked at. */
static void
check_labels (KubeFieldErrors *errors, const KubeFieldPath *path, const char *text, KubeNameFormat format)
{
  g_auto (GStrv) labels = g_strsplit (text, ".", -1);
  static char *const empty[] = { (char *)"", NULL };

  for (char *const *at = labels[0] != NULL ? labels : empty; *at != NULL; at++) {
    g_autoptr (GPtrArray) messages = NULL;
    g_autoptr (GString) quoted = NULL;

    if (kube_name_is_valid (format, *at))
      continue;
    messages = kube_name_check_all (format, *at);
    quoted = g_string_new (NULL);
    kube_go_quote (quoted, *at, -1);
    for (guint i = 0; messages != NULL && i < messages->len; i++)
      kube_field_errors_invalid_format (errors, path, text, "validating label %s: %s", quoted->str, (char *)messages->pdata[i]);
    return;
  }
}

void
kube_validate_signer_name (KubeFieldErrors *errors, const KubeFieldPath *path, const char *name)
{
  const char *slash = strchr (name, '/');
  g_autofree char *domain = NULL;

  if (*name == '\0') {
    kube_field_errors_required (errors, path, NULL);
    return;
  }
  if (slash == NULL || strchr (slash + 1, '/') != NULL) {
    kube_field_errors_invalid (errors, path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'");
    return;
  }
  domain = g_strndup (name, (gsize)(slash - name));
  if (strlen (domain) > DOMAIN_MAX)
    kube_field_errors_too_long (errors, path, DOMAIN_MAX);
  check_labels (errors, path, domain, KUBE_NAME_DNS1123_LABEL);
  if (strchr (domain, '.') == NULL)
    kube_field_errors_invalid (errors, path, domain, "should be a domain with at least two segments separated by dots");
  check_labels (errors, path, slash + 1, KUBE_NAME_DNS1123_SUBDOMAIN);
  if (strlen (name) > SIGNER_NAME_MAX)
    kube_field_errors_too_long (errors, path, SIGNER_NAME_MAX);
}

/* --- PEM --- */

typedef struct {
  char *type;
  gboolean has_headers;
  guchar *bytes;
  gsize length;
} Block;

static void
block_clear (Block *block)
{
  g_clear_pointer (&block->type, g_free);
  g_clear_pointer (&block->bytes, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Block, block_clear)

/* The text between the lines of a block: headers end with an empty line, the rest must be whole base64. */
static gboolean
read_body (Block *block, const char *start, const char *end)
{
  g_autoptr (GString) base64 = g_string_new (NULL);
  const char *blank = g_strstr_len (start, end - start, "\n\n");

  block->has_headers = blank != NULL && memchr (start, ':', (gsize)(blank - start)) != NULL;
  for (const char *at = block->has_headers ? blank : start; at < end; at++) {
    if (g_ascii_isspace (*at))
      continue;
    if (!g_ascii_isalnum (*at) && strchr ("+/=", *at) == NULL)
      return FALSE;
    g_string_append_c (base64, *at);
  }
  block->bytes = g_base64_decode (base64->str, &block->length);
  return base64->len % 4 == 0;
}

/* The next good block of a text; what is none is passed over. @at: (inout): where to go on */
static gboolean
next_block (const char **at, Block *block)
{
  block_clear (block);
  for (const char *begin; (begin = strstr (*at, "-----BEGIN ")) != NULL;) {
    const char *type = begin + strlen ("-----BEGIN "), *line = strchr (type, '\n'), *dashes = strstr (type, "-----");
    g_autofree char *last = NULL;
    gboolean in_line = begin != *at && begin[-1] != '\n';
    const char *end;

    *at = type;
    if (in_line || line == NULL || dashes == NULL || dashes > line)
      continue;
    block_clear (block);
    block->type = g_strndup (type, (gsize)(dashes - type));
    last = g_strdup_printf ("-----END %s-----", block->type);
    end = strstr (line, last);
    if (end == NULL || !read_body (block, line + 1, MAX (end, line + 1)))
      continue;
    *at = end + strlen (last);
    return TRUE;
  }
  return FALSE;
}

/* (nullable): the bytes of a field, with a zero behind them. */
static char *
decode_bytes (KubeValue *base64)
{
  gsize length;
  g_autofree guchar *bytes = g_base64_decode (base64 != NULL ? kube_value_peek_string (base64, NULL) : "", &length);

  return g_strndup ((const char *)bytes, length);
}

/* (nullable): the inside of the DER sequence that @bytes begins with; @rest: (out): what comes behind it */
static const guchar *
open_sequence (const guchar *bytes, gsize length, gsize *inner, gsize *rest)
{
  gsize size = length > 1 ? bytes[1] : 0, header = 2;

  if (length < 2 || bytes[0] != 0x30)
    return NULL;
  if (size >= 0x80) {
    header += size & 0x7f;
    if (header > 2 + 4 || header > length)
      return NULL;
    size = 0;
    for (gsize i = 2; i < header; i++)
      size = size << 8 | bytes[i];
  }
  if (size > length - header)
    return NULL;
  *inner = size;
  *rest = length - header - size;
  return bytes + header;
}

/* (nullable): what is wrong with the certificates of a block. */
static const char *
check_der (const guchar *bytes, gsize length)
{
  gsize inner, rest, ignored;

  if (length == 0)
    return "found CERTIFICATE PEM block containing 0 certificates";
  for (; length > 0; bytes += length - rest, length = rest) {
    const guchar *inside = open_sequence (bytes, length, &inner, &rest);
    if (inside == NULL)
      return "x509: malformed certificate";
    if (open_sequence (inside, inner, &ignored, &ignored) == NULL)
      return "x509: malformed tbs certificate";
  }
  return NULL;
}

/* (transfer full) (nullable): what is wrong with a certificate that was issued. */
static char *
check_certificate (KubeValue *certificate)
{
  g_autofree char *text = decode_bytes (certificate);
  g_auto (Block) block = { NULL };
  const char *at = text;
  guint n = 0;

  if (*text == '\0')
    return NULL;
  for (; next_block (&at, &block); n++) {
    const char *wrong;
    if (!equals (block.type, "CERTIFICATE"))
      return g_strdup_printf ("only CERTIFICATE PEM blocks are allowed, found \"%s\"", block.type);
    if (block.has_headers)
      return g_strdup ("no PEM block headers are permitted");
    wrong = check_der (block.bytes, block.length);
    if (wrong != NULL)
      return g_strdup (wrong);
  }
  return n == 0 ? g_strdup ("must contain at least one CERTIFICATE PEM block") : NULL;
}

/* --- what is asked for --- */

static void
check_request (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *request)
{
  g_autofree char *text = decode_bytes (request);
  g_auto (Block) block = { NULL };
  const char *at = text;

  if (!next_block (&at, &block) || !equals (block.type, "CERTIFICATE REQUEST"))
    kube_field_errors_invalid_value (errors, path, request, "PEM block type must be CERTIFICATE REQUEST");
}

static void
check_usages (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *usages)
{
  static const char *const known[] = {
    "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment", "decipher only",
    "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel", "ipsec user", "key agreement",
    "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing", "s/mime", "server auth", "signing", "timestamping", NULL,
  };
  g_auto (NameSet) seen = { 0 };

  if (kube_value_get_length (usages) == 0)
    kube_field_errors_required (errors, path, NULL);
  for (guint i = 0; i < kube_value_get_length (usages); i++) {
    const char *usage = element_string (usages, i);

    if (!kube_validate_one_of (usage, known))
      kube_field_errors_not_supported (errors, AT_INDEX (path, i), usage, known);
    if (!name_set_add (&seen, usage))
      kube_field_errors_duplicate (errors, AT_INDEX (path, i), usage);
  }
}

static void
create_signing_request (KubeFieldErrors *errors, KubeValue *object)
{
  KubeValue *spec = member_of (object, "spec");
  const char *signer = string_of (spec, "signerName");
  gint64 expiration = integer_of (spec, "expirationSeconds", EXPIRATION_MIN);
  const KubeFieldPath *path = AT (NULL, "spec");

  check_request (errors, AT (path, "request"), member_of (spec, "request"));
  check_usages (errors, AT (path, "usages"), member_of (spec, "usages"));
  if (equals (signer, "kubernetes.io/legacy-unknown"))
    kube_field_errors_invalid (errors, AT (path, "signerName"), signer, "the legacy signerName is not allowed via this API version");
  else
    kube_validate_signer_name (errors, AT (path, "signerName"), signer);
  if (expiration < EXPIRATION_MIN)
    kube_field_errors_invalid_integer (errors, AT (path, "expirationSeconds"), expiration,
                                       "may not specify a duration less than 600 seconds (10 minutes)");
}

/* --- what was decided --- */

static guint
count_conditions (KubeValue *conditions, const char *type, KubeValue **first)
{
  guint n = 0;

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    if (!equals (string_of (condition, "type"), type))
      continue;
    if (n++ == 0)
      *first = condition;
  }
  return n;
}

static gboolean
has_condition (KubeValue *conditions, const char *type)
{
  KubeValue *ignored;

  return count_conditions (conditions, type, &ignored) > 0;
}

static gboolean
has_duplicates (KubeValue *conditions)
{
  KubeValue *ignored;

  for (guint i = 0; i < kube_value_get_length (conditions); i++)
    if (count_conditions (conditions, string_of (kube_value_get_element (conditions, i), "type"), &ignored) > 1)
      return TRUE;
  return FALSE;
}

static void
check_condition_status (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *condition)
{
  static const char *const decisions[] = { "Approved", "Denied", "Failed", NULL }, *const only_true[] = { "True", NULL },
                    *const any[] = { "False", "True", "Unknown", NULL };
  gboolean decided = kube_validate_one_of (string_of (condition, "type"), decisions);

  kube_validate_enum (errors, AT (path, "status"), string_of (condition, "status"), "", decided ? only_true : any);
}

/* What an object already has wrong may stay wrong. */
static void
check_conditions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conditions, KubeValue *old)
{
  static const char *const opposites[][2] = { { "Approved", "Denied" }, { "Denied", "Approved" } };
  gboolean had_both = has_condition (old, "Approved") && has_condition (old, "Denied"), had_duplicates = has_duplicates (old);
  gboolean had_empty = has_condition (old, "");
  g_auto (NameSet) seen = { 0 };

  for (guint i = 0; i < kube_value_get_length (conditions); i++) {
    KubeValue *condition = kube_value_get_element (conditions, i);
    const char *type = string_of (condition, "type");
    const KubeFieldPath *at = AT_INDEX (path, i), *type_at = AT (at, "type");

    if (*type == '\0' && !had_empty)
      kube_field_errors_required (errors, type_at, NULL);
    check_condition_status (errors, at, condition);
    for (gsize o = 0; o < G_N_ELEMENTS (opposites) && !had_both; o++)
      if (equals (type, opposites[o][0]) && name_set_has (&seen, opposites[o][1]))
        kube_field_errors_invalid (errors, type_at, type, "Approved and Denied conditions are mutually exclusive");
    if (!name_set_add (&seen, type) && !had_duplicates)
      kube_field_errors_duplicate (errors, type_at, type);
  }
}

/* Who may write the status may not decide; nobody takes a decision back. */
static void
check_decisions (KubeFieldErrors *errors, const KubeFieldPath *path, KubeValue *conditions, KubeValue *old, gboolean may_decide)
{
  static const char *const decisions[] = { "Approved", "Denied", "Failed", NULL };

  for (const char *const *type = decisions; *type != NULL; type++) {
    KubeValue *now = NULL, *before = NULL;
    guint n_now = count_conditions (conditions, *type, &now), n_before = count_conditions (old, *type, &before);
    g_autofree char *text = NULL;

    if (n_now < n_before)
      text = g_strdup_printf ("updates may not remove a condition of type \"%s\"", *type);
    else if (may_decide || equals (*type, "Failed"))
      continue;
    else if (n_now > n_before)
      text = g_strdup_printf ("updates may not add a condition of type \"%s\"", *type);
    else if (n_now > 0 && !kube_value_equal (now, before))
      text = g_strdup_printf ("updates may not modify a condition of type \"%s\"", *type);
    if (text != NULL)
      kube_field_errors_forbidden (errors, path, text);
  }
}

static void
update_state (KubeFieldErrors *errors, KubeValue *object, KubeValue *old, gboolean approval)
{
  KubeValue *status = member_of (object, "status"), *old_status = member_of (old, "status");
  KubeValue *conditions = member_of (status, "conditions"), *old_conditions = member_of (old_status, "conditions");
  KubeValue *certificate = member_of (status, "certificate");
  const KubeFieldPath *path = AT (NULL, "status"), *conditions_at = AT (path, "conditions"), *certificate_at = AT (path, "certificate");
  gboolean changed = !equals (string_of (status, "certificate"), string_of (old_status, "certificate"));
  g_autofree char *wrong = changed ? check_certificate (certificate) : NULL;
  g_autofree char *was_wrong = changed ? check_certificate (member_of (old_status, "certificate")) : NULL;

  check_conditions (errors, conditions_at, conditions, old_conditions);
  if (wrong != NULL && was_wrong == NULL)
    kube_field_errors_invalid (errors, certificate_at, "<certificate data>", wrong);
  check_decisions (errors, conditions_at, conditions, old_conditions, approval);
  if (changed && has_text (old_status, "certificate"))
    kube_field_errors_forbidden (errors, certificate_at, "updates may not modify existing certificate content");
}

static void
update_status (KubeFieldErrors *errors, KubeValue *object, KubeValue *old)
{
  update_state (errors, object, old, FALSE);
}

static void
update_part (KubeFieldErrors *errors, const char *subresource, KubeValue *object, KubeValue *old)
{
  if (equals (subresource, "approval"))
    update_state (errors, object, old, TRUE);
}

const KubeValidateRules kube_validate_certificate_rules[] = {
  { "certificates.k8s.io", "CertificateSigningRequest", KUBE_NAME_RULE_ANY, KUBE_VALIDATE_AGAIN_FIRST | KUBE_VALIDATE_META_ON_UPDATE,
    create_signing_request, NULL, update_status, update_part },
  { NULL },
};
