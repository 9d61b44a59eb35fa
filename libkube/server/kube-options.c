/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-operation.h"
#include <errno.h>
#include <kube/kube-selector.h>

#define MAX_FIELD_MANAGER 128
#define META_GROUP "meta.k8s.io"

static GError *
bad_number (const char *function, const char *text, gboolean range)
{
  g_autoptr (GString) quoted = g_string_new (NULL);

  kube_go_quote (quoted, text, -1);
  return g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "strconv.%s: parsing %s: %s", function, quoted->str, range ? "value out of range" : "invalid syntax");
}

gboolean
kube_operation_get_integer (KubeOperation *op, const char *name, gint64 *number, GError **error)
{
  const char *text = kube_call_get_query (op->call, name);
  char *end;

  if (text == NULL || *text == '\0')
    return TRUE;
  errno = 0;
  *number = g_ascii_strtoll (text, &end, 10);
  if (*end == '\0' && errno == 0 && !g_ascii_isspace (*text))
    return TRUE;
  g_propagate_error (error, bad_number ("ParseInt", text, errno == ERANGE));
  return FALSE;
}

gboolean
kube_operation_get_flag (KubeOperation *op, const char *name)
{
  return kube_query_is_true (kube_call_get_query (op->call, name));
}

gboolean
kube_parse_revision (const char *text, guint64 *revision, GError **error)
{
  char *end;

  *revision = 0;
  if (*text == '\0')
    return TRUE;
  errno = 0;
  if (g_ascii_isdigit (*text)) {
    *revision = g_ascii_strtoull (text, &end, 10);
    if (*end == '\0' && errno == 0)
      return TRUE;
  }
  {
    g_autoptr (GString) quoted = g_string_new (NULL);
    kube_go_quote (quoted, text, -1);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_UNKNOWN, "resourceVersion: Invalid value: %s: strconv.ParseUint: parsing %s: %s", quoted->str, quoted->str,
        errno == ERANGE ? "value out of range" : "invalid syntax");
  }
  return FALSE;
}

static void
check_list (const KubeListOptions *options, KubeFieldErrors *errors)
{
  static const char *const values[] = { "Exact", "NotOlderThan", "", NULL };
  const KubeFieldPath *match = KUBE_FIELD (NULL, "resourceVersionMatch");

  if (*options->match != '\0') {
    if (*options->version == '\0')
      kube_field_errors_forbidden (errors, match, "resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (*options->continue_ != '\0')
      kube_field_errors_forbidden (errors, match, "resourceVersionMatch is forbidden when continue is provided");
    if (!g_strv_contains (values, options->match))
      kube_field_errors_not_supported (errors, match, options->match, values);
    if (g_str_equal (options->match, "Exact") && g_str_equal (options->version, "0"))
      kube_field_errors_forbidden (errors, match, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  if (options->initial_events >= 0)
    kube_field_errors_forbidden (errors, KUBE_FIELD (NULL, "sendInitialEvents"), "sendInitialEvents is forbidden for list");
}

static void
check_watch (const KubeListOptions *options, KubeFieldErrors *errors)
{
  static const char *const values[] = { "NotOlderThan", NULL };
  const KubeFieldPath *match = KUBE_FIELD (NULL, "resourceVersionMatch");

  if (options->initial_events >= 0 && !g_str_equal (options->match, values[0]))
    kube_field_errors_forbidden (errors, match, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  if (*options->match != '\0') {
    if (options->initial_events < 0)
      kube_field_errors_forbidden (errors, match, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    if (!g_str_equal (options->match, values[0]))
      kube_field_errors_not_supported (errors, match, options->match, values);
  }
  if (*options->continue_ != '\0')
    kube_field_errors_forbidden (errors, match, "resourceVersionMatch is forbidden when continue is provided");
}

static GError *
unknown_label (KubeKind *kind, const char *name)
{
  if (kind->selectable == NULL)
    return g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "\"%s\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", name);
  if (g_str_equal (kind->group, "batch"))
    return g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "field label \"%s\" not supported for %s", name, kind->name);
  if (g_str_equal (kind->group, "resource.k8s.io"))
    return g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "field label not supported for %s, Kind=%s: %s", kind->api_version, kind->name, name);
  return g_error_new (KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "field label not supported: %s", name);
}

/* Every key of the selector must be one that the kind has. */
static gboolean
check_field_keys (KubeOperation *op, const char *text, GError **error)
{
  while (*text != '\0') {
    gsize term = 0, key;
    g_autofree char *name = NULL;
    while (text[term] != '\0' && text[term] != ',')
      term += text[term] == '\\' && text[term + 1] != '\0' ? 2 : 1;
    key = strcspn (text, "=!");
    name = g_strndup (text, MIN (key, term));
    text += term;
    if (*text == ',')
      text++;
    if (term == 0 || g_str_equal (name, "metadata.name") || (g_str_equal (name, "metadata.namespace") && (op->kind->namespaced || op->kind->selectable == NULL)))
      continue;
    if (op->kind->selectable != NULL && g_strv_contains (op->kind->selectable, name))
      continue;
    g_propagate_error (error, unknown_label (op->kind, name));
    return FALSE;
  }
  return TRUE;
}

static const char *
get_text (KubeOperation *op, const char *name)
{
  const char *text = kube_call_get_query (op->call, name);
  return text != NULL ? text : "";
}

static gboolean
get_selectors (KubeOperation *op, KubeListOptions *options, GError **error)
{
  const char *labels = get_text (op, "labelSelector"), *fields = get_text (op, "fieldSelector");

  if (*labels != '\0') {
    options->labels = kube_selector_parse (labels, error);
    if (options->labels == NULL)
      return FALSE;
  }
  if (*fields != '\0') {
    options->fields = kube_selector_parse_fields (fields, error);
    if (options->fields == NULL || !check_field_keys (op, fields, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
kube_operation_get_list_options (KubeOperation *op, gboolean watch, KubeListOptions *options, GError **error)
{
  g_auto (KubeFieldErrors) errors = { NULL };
  const char *initial = kube_call_get_query (op->call, "sendInitialEvents");
  GError *invalid;

  memset (options, 0, sizeof *options);
  options->version = get_text (op, "resourceVersion");
  options->match = get_text (op, "resourceVersionMatch");
  options->continue_ = get_text (op, "continue");
  options->bookmarks = kube_operation_get_flag (op, "allowWatchBookmarks");
  options->initial_events = initial != NULL ? kube_query_is_true (initial) : -1;
  if (!kube_operation_get_integer (op, "limit", &options->limit, error) || !kube_operation_get_integer (op, "timeoutSeconds", &options->timeout, error) || !get_selectors (op, options, error))
    return FALSE;
  if (watch)
    check_watch (options, &errors);
  else
    check_list (options, &errors);
  invalid = kube_field_errors_to_error (&errors, META_GROUP, "ListOptions", "");
  if (invalid != NULL) {
    g_propagate_error (error, invalid);
    return FALSE;
  }
  if (!kube_parse_revision (options->version, &options->revision, error)) {
    if (!watch && error != NULL && *options->continue_ == '\0') {
      g_prefix_error (error, "invalid resource version: ");
      (*error)->code = KUBE_ERROR_BAD_REQUEST;
    }
    return *options->continue_ != '\0' ? (g_clear_error (error), TRUE) : FALSE;
  }
  return TRUE;
}

void
kube_list_options_clear (KubeListOptions *options)
{
  g_clear_pointer (&options->labels, kube_selector_unref);
  g_clear_pointer (&options->fields, kube_selector_unref);
}

static void
check_dry_run (KubeOperation *op, KubeFieldErrors *errors)
{
  const char *const *values = kube_call_get_query_all (op->call, "dryRun");

  for (guint i = 0; values != NULL && values[i] != NULL; i++) {
    op->dry_run = TRUE;
    if (!g_str_equal (values[i], "All")) {
      g_autoptr (GString) bad = g_string_new ("[");
      for (guint k = 0; values[k] != NULL; k++) {
        if (k > 0)
          g_string_append_c (bad, ',');
        kube_go_quote (bad, values[k], -1);
      }
      g_string_append_c (bad, ']');
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_NOT_SUPPORTED, KUBE_FIELD (NULL, "dryRun"), bad->str, "supported values: \"All\"");
      return;
    }
  }
}

static void
check_patch (KubeOperation *op, const char *manager, KubeFieldErrors *errors)
{
  char buffer[128];

  if (g_str_equal (kube_operation_get_media_type (op, buffer), "application/apply-patch+yaml")) {
    if (*manager == '\0')
      kube_field_errors_add (errors, KUBE_FIELD_ERROR_REQUIRED, KUBE_FIELD (NULL, "fieldManager"), NULL, "is required for apply patch");
  } else if (kube_call_get_query (op->call, "force") != NULL) {
    kube_field_errors_forbidden (errors, KUBE_FIELD (NULL, "force"), "may not be specified for non-apply patch");
  }
}

gboolean
kube_operation_get_write_options (KubeOperation *op, const char *kind, GError **error)
{
  static const char *const levels[] = { "", "Ignore", "Strict", "Warn", NULL };
  g_auto (KubeFieldErrors) errors = { NULL };
  const char *level = get_text (op, "fieldValidation"), *manager = get_text (op, "fieldManager");
  GError *invalid;

  check_dry_run (op, &errors);
  if (g_str_equal (kind, "PatchOptions"))
    check_patch (op, manager, &errors);
  if (strlen (manager) > MAX_FIELD_MANAGER)
    kube_field_errors_too_long (&errors, KUBE_FIELD (NULL, "fieldManager"), MAX_FIELD_MANAGER);
  for (const char *c = manager; *c != '\0'; c = g_utf8_next_char (c)) {
    if (!g_unichar_isprint (g_utf8_get_char (c))) {
      kube_field_errors_invalid (&errors, KUBE_FIELD (NULL, "fieldManager"), manager, "should only contain printable characters");
      break;
    }
  }
  if (!g_strv_contains (levels, level))
    kube_field_errors_not_supported (&errors, KUBE_FIELD (NULL, "fieldValidation"), level, levels);
  op->strictness = g_str_equal (level, "Strict") ? KUBE_STRICTNESS_STRICT : g_str_equal (level, "Ignore") ? KUBE_STRICTNESS_IGNORE : KUBE_STRICTNESS_WARN;
  invalid = kube_field_errors_to_error (&errors, META_GROUP, kind, "");
  if (invalid != NULL)
    g_propagate_error (error, invalid);
  return invalid == NULL;
}
