/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-selector.h>

#include <kube/kube-names.h>

#include "kube-field-errors.h"

typedef enum {
  OPERATOR_IN,
  OPERATOR_NOT_IN,
  OPERATOR_EQUALS,
  OPERATOR_DOUBLE_EQUALS,
  OPERATOR_NOT_EQUALS,
  OPERATOR_EXISTS,
  OPERATOR_DOES_NOT_EXIST,
  OPERATOR_GREATER,
  OPERATOR_LESS,
} Operator;

typedef struct {
  char *key;
  char **values; /* sorted, each once */
  guint n_values;
  Operator operator;
  gint64 bound; /* of GREATER and LESS */
} Requirement;

struct _KubeSelector {
  gatomicrefcount refs;
  GArray *requirements; /* (element-type Requirement): sorted by key */
  gboolean of_fields;
  gboolean nothing; /* matches no object */
};

G_DEFINE_BOXED_TYPE (KubeSelector, kube_selector, kube_selector_ref, kube_selector_unref)

static void
requirement_clear (gpointer data)
{
  Requirement *requirement = data;

  g_free (requirement->key);
  g_strfreev (requirement->values);
}

static KubeSelector *
selector_alloc (void)
{
  KubeSelector *selector = g_new0 (KubeSelector, 1);

  g_atomic_ref_count_init (&selector->refs);
  selector->requirements = g_array_new (FALSE, TRUE, sizeof (Requirement));
  g_array_set_clear_func (selector->requirements, requirement_clear);
  return selector;
}

KubeSelector *
kube_selector_ref (KubeSelector *selector)
{
  g_atomic_ref_count_inc (&selector->refs);
  return selector;
}

void
kube_selector_unref (KubeSelector *selector)
{
  if (!g_atomic_ref_count_dec (&selector->refs))
    return;
  g_array_unref (selector->requirements);
  g_free (selector);
}

static int
compare_strings (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Takes the strings of @values; sorts them and drops what is there twice. */
static void
requirement_take_values (Requirement *requirement, GPtrArray *values)
{
  guint n = 0;

  g_ptr_array_set_free_func (values, NULL);
  if (values->len > 1)
    qsort (values->pdata, values->len, sizeof (gpointer), compare_strings);
  for (guint i = 0; i < values->len; i++) {
    if (n > 0 && strcmp (values->pdata[n - 1], values->pdata[i]) == 0)
      g_free (values->pdata[i]);
    else
      values->pdata[n++] = values->pdata[i];
  }
  g_ptr_array_set_size (values, (int) n);
  g_ptr_array_add (values, NULL);
  requirement->n_values = n;
  requirement->values = (char **) g_ptr_array_free (values, FALSE);
}

static gboolean
parse_int64 (const char *text, gint64 *out)
{
  const char *digits = text + (*text == '-' || *text == '+');
  char *end;

  if (!g_ascii_isdigit (*digits))
    return FALSE;
  errno = 0;
  *out = g_ascii_strtoll (text, &end, 10);
  return errno == 0 && *end == '\0';
}

static char *
join_messages (GPtrArray *messages)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < messages->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "; " : "", (const char *) messages->pdata[i]);
  return g_string_free (text, FALSE);
}

static void
check_label_key (KubeFieldErrors *errors, const KubeFieldPath *path, const char *key)
{
  g_autoptr (GPtrArray) messages = kube_name_check_all (KUBE_NAME_QUALIFIED, key);

  if (messages != NULL) {
    g_autofree char *joined = join_messages (messages);
    kube_field_errors_invalid (errors, path, key, joined);
  }
}

static void
check_number_of_values (KubeFieldErrors *errors, const KubeFieldPath *path, const Requirement *requirement)
{
  g_autoptr (GString) bad = NULL;
  const char *detail = NULL;

  switch (requirement->operator) {
  case OPERATOR_IN:
  case OPERATOR_NOT_IN:
    if (requirement->n_values == 0)
      detail = "for 'in', 'notin' operators, values set can't be empty";
    break;
  case OPERATOR_EXISTS:
  case OPERATOR_DOES_NOT_EXIST:
    if (requirement->n_values != 0)
      detail = "values set must be empty for exists and does not exist";
    break;
  default:
    break;
  }
  if (detail == NULL)
    return;

  bad = g_string_new ("[");
  for (guint i = 0; i < requirement->n_values; i++) {
    g_string_append (bad, i > 0 ? "," : "");
    kube_json_append_string (bad, requirement->values[i], -1);
  }
  g_string_append_c (bad, ']');
  kube_field_errors_add (errors, KUBE_FIELD_ERROR_INVALID, path, bad->str, detail);
}

static gboolean
requirement_check (Requirement *requirement, GError **error)
{
  g_auto (KubeFieldErrors) errors = { 0 };
  g_autofree char *text = NULL;
  const KubeFieldPath *values = KUBE_FIELD (NULL, "values");

  check_label_key (&errors, KUBE_FIELD (NULL, "key"), requirement->key);
  check_number_of_values (&errors, values, requirement);
  if (requirement->operator == OPERATOR_GREATER || requirement->operator == OPERATOR_LESS) {
    if (!parse_int64 (requirement->values[0], &requirement->bound))
      kube_field_errors_invalid (&errors, KUBE_FIELD_INDEX (values, 0), requirement->values[0],
                                 "for 'Gt', 'Lt' operators, the value must be an integer");
  }
  for (guint i = 0; i < requirement->n_values; i++) {
    g_autoptr (GPtrArray) messages = kube_name_check_all (KUBE_NAME_LABEL_VALUE, requirement->values[i]);
    if (messages != NULL) {
      g_autofree char *joined = join_messages (messages);
      kube_field_errors_invalid (&errors, KUBE_FIELD_KEY (KUBE_FIELD_INDEX (values, i), requirement->key), requirement->values[i], joined);
    }
  }
  if (kube_field_errors_get_length (&errors) == 0)
    return TRUE;

  text = kube_field_errors_print (&errors);
  g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, text);
  return FALSE;
}

static int
compare_requirements (const void *a, const void *b)
{
  return strcmp (((const Requirement *) a)->key, ((const Requirement *) b)->key);
}

/* A stable sort: requirements on one key stay in the order in which they were written. */
static void
selector_sort (KubeSelector *selector)
{
  GArray *all = selector->requirements;

  for (guint i = 1; i < all->len; i++) {
    Requirement moving = g_array_index (all, Requirement, i);
    guint j = i;
    while (j > 0 && compare_requirements (&g_array_index (all, Requirement, j - 1), &moving) > 0) {
      g_array_index (all, Requirement, j) = g_array_index (all, Requirement, j - 1);
      j--;
    }
    g_array_index (all, Requirement, j) = moving;
  }
}

/* --- the text form of label selectors --- */

typedef enum {
  TOKEN_ERROR,
  TOKEN_END,
  TOKEN_CLOSE,
  TOKEN_COMMA,
  TOKEN_NOT,
  TOKEN_DOUBLE_EQUALS,
  TOKEN_EQUALS,
  TOKEN_GREATER,
  TOKEN_IDENTIFIER,
  TOKEN_IN,
  TOKEN_LESS,
  TOKEN_NOT_EQUALS,
  TOKEN_NOT_IN,
  TOKEN_OPEN,
} TokenType;

typedef struct {
  TokenType type;
  const char *text;
  gsize length;
} Token;

typedef struct {
  const char *at;
  Token token; /* the one ahead */
} Parser;

static gboolean
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static gboolean
is_special (char c)
{
  return c != '\0' && strchr ("=!(),><", c) != NULL;
}

static TokenType
special_type (const char *text, gsize length)
{
  static const struct {
    const char *text;
    TokenType type;
  } specials[] = { { ")", TOKEN_CLOSE },    { ",", TOKEN_COMMA }, { "!", TOKEN_NOT },         { "==", TOKEN_DOUBLE_EQUALS }, { "=", TOKEN_EQUALS },
                   { ">", TOKEN_GREATER }, { "<", TOKEN_LESS },  { "!=", TOKEN_NOT_EQUALS }, { "(", TOKEN_OPEN } };

  for (gsize i = 0; i < G_N_ELEMENTS (specials); i++)
    if (strlen (specials[i].text) == length && memcmp (specials[i].text, text, length) == 0)
      return specials[i].type;
  return TOKEN_ERROR;
}

static Token
scan_special (Parser *parser)
{
  Token found = { TOKEN_ERROR, parser->at, 1 };

  /* Every special character is a token, and two of them may be one: the longest wins. */
  found.type = special_type (parser->at, 1);
  if (is_special (parser->at[1]) && special_type (parser->at, 2) != TOKEN_ERROR) {
    found.type = special_type (parser->at, 2);
    found.length = 2;
  }
  parser->at += found.length;
  return found;
}

static Token
scan_word (Parser *parser)
{
  Token found = { TOKEN_IDENTIFIER, parser->at, 0 };

  while (*parser->at != '\0' && !is_blank (*parser->at) && !is_special (*parser->at))
    parser->at++;
  found.length = (gsize) (parser->at - found.text);
  if (found.length == 2 && memcmp (found.text, "in", 2) == 0)
    found.type = TOKEN_IN;
  else if (found.length == 5 && memcmp (found.text, "notin", 5) == 0)
    found.type = TOKEN_NOT_IN;
  return found;
}

static void
parser_advance (Parser *parser)
{
  while (is_blank (*parser->at))
    parser->at++;
  if (*parser->at == '\0')
    parser->token = (Token){ TOKEN_END, "", 0 };
  else
    parser->token = is_special (*parser->at) ? scan_special (parser) : scan_word (parser);
}

/* The token ahead where a key or a value stands: `in` and `notin` are words there. */
static TokenType
parser_peek (Parser *parser)
{
  TokenType type = parser->token.type;
  return type == TOKEN_IN || type == TOKEN_NOT_IN ? TOKEN_IDENTIFIER : type;
}

static gboolean
fail (GError **error, const Token *token, const char *expected)
{
  g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "found '%.*s', expected: %s", (int) token->length, token->text, expected);
  return FALSE;
}

static char *
token_dup (const Token *token)
{
  return g_strndup (token->text, token->length);
}

static gboolean
parse_list (Parser *parser, GPtrArray *values, GError **error)
{
  if (parser->token.type != TOKEN_OPEN) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "found '%.*s' expected: '('", (int) parser->token.length, parser->token.text);
    return FALSE;
  }
  parser_advance (parser);
  if (parser->token.type == TOKEN_CLOSE) {
    g_ptr_array_add (values, g_strdup (""));
    return TRUE;
  }
  if (parser_peek (parser) != TOKEN_IDENTIFIER && parser->token.type != TOKEN_COMMA)
    return fail (error, &parser->token, "',', ')' or identifier");

  for (;;) {
    if (parser_peek (parser) == TOKEN_IDENTIFIER) {
      g_ptr_array_add (values, token_dup (&parser->token));
      parser_advance (parser);
      if (parser->token.type == TOKEN_CLOSE)
        return TRUE;
      if (parser->token.type != TOKEN_COMMA)
        return fail (error, &parser->token, "',' or ')'");
    } else if (parser->token.type == TOKEN_COMMA) {
      if (values->len == 0)
        g_ptr_array_add (values, g_strdup (""));
      parser_advance (parser);
      if (parser->token.type == TOKEN_CLOSE || parser->token.type == TOKEN_COMMA)
        g_ptr_array_add (values, g_strdup (""));
      if (parser->token.type == TOKEN_CLOSE)
        return TRUE;
    } else {
      return fail (error, &parser->token, "',', or identifier");
    }
  }
}

static gboolean
parse_operator (Parser *parser, Requirement *requirement, GError **error)
{
  switch (parser->token.type) {
  case TOKEN_IN:
    requirement->operator = OPERATOR_IN;
    break;
  case TOKEN_NOT_IN:
    requirement->operator = OPERATOR_NOT_IN;
    break;
  case TOKEN_EQUALS:
    requirement->operator = OPERATOR_EQUALS;
    break;
  case TOKEN_DOUBLE_EQUALS:
    requirement->operator = OPERATOR_DOUBLE_EQUALS;
    break;
  case TOKEN_NOT_EQUALS:
    requirement->operator = OPERATOR_NOT_EQUALS;
    break;
  case TOKEN_GREATER:
    requirement->operator = OPERATOR_GREATER;
    break;
  case TOKEN_LESS:
    requirement->operator = OPERATOR_LESS;
    break;
  default:
    return fail (error, &parser->token, "in, notin, =, ==, !=, gt, lt");
  }
  parser_advance (parser);
  return TRUE;
}

static gboolean
parse_values (Parser *parser, Requirement *requirement, GPtrArray *values, GError **error)
{
  if (requirement->operator == OPERATOR_IN || requirement->operator == OPERATOR_NOT_IN) {
    if (!parse_list (parser, values, error))
      return FALSE;
    parser_advance (parser);
    return TRUE;
  }
  if (parser->token.type == TOKEN_END || parser->token.type == TOKEN_COMMA) {
    g_ptr_array_add (values, g_strdup (""));
    return TRUE;
  }
  if (parser_peek (parser) != TOKEN_IDENTIFIER)
    return fail (error, &parser->token, "identifier");
  g_ptr_array_add (values, token_dup (&parser->token));
  parser_advance (parser);
  return TRUE;
}

static gboolean
parse_key (Parser *parser, Requirement *requirement, GError **error)
{
  g_auto (KubeFieldErrors) errors = { 0 };
  gboolean negated = parser->token.type == TOKEN_NOT;

  if (negated)
    parser_advance (parser);
  if (parser_peek (parser) != TOKEN_IDENTIFIER)
    return fail (error, &parser->token, "identifier");
  requirement->key = token_dup (&parser->token);
  check_label_key (&errors, NULL, requirement->key);
  if (kube_field_errors_get_length (&errors) > 0) {
    g_autofree char *text = kube_field_errors_print (&errors);
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, text);
    return FALSE;
  }
  parser_advance (parser);
  requirement->operator = negated ? OPERATOR_DOES_NOT_EXIST : OPERATOR_IN;
  if (!negated && (parser->token.type == TOKEN_END || parser->token.type == TOKEN_COMMA))
    requirement->operator = OPERATOR_EXISTS;
  return TRUE;
}

static gboolean
parse_requirement (Parser *parser, Requirement *requirement, GError **error)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);

  if (!parse_key (parser, requirement, error))
    return FALSE;
  if (requirement->operator != OPERATOR_EXISTS && requirement->operator != OPERATOR_DOES_NOT_EXIST)
    if (!parse_operator (parser, requirement, error) || !parse_values (parser, requirement, values, error))
      return FALSE;
  requirement_take_values (requirement, g_steal_pointer (&values));
  return requirement_check (requirement, error);
}

/**
 * kube_selector_parse:
 * @text: a label selector as text, "" selects everything
 * @error: return location for an error
 *
 * Reads `app=web,tier in (a,b),!canary`.
 *
 * Returns: (transfer full): the selector, or %NULL with %KUBE_ERROR_BAD_REQUEST
 * Since: 1.0
 */
KubeSelector *
kube_selector_parse (const char *text, GError **error)
{
  g_autoptr (KubeSelector) selector = selector_alloc ();
  Parser parser = { .at = text };

  parser_advance (&parser);
  while (parser.token.type != TOKEN_END) {
    Requirement requirement = { 0 };

    if (parser_peek (&parser) != TOKEN_IDENTIFIER && parser.token.type != TOKEN_NOT) {
      fail (error, &parser.token, "!, identifier, or 'end of string'");
      return NULL;
    }
    if (!parse_requirement (&parser, &requirement, error)) {
      requirement_clear (&requirement);
      g_prefix_error (error, "unable to parse requirement: ");
      return NULL;
    }
    g_array_append_val (selector->requirements, requirement);

    if (parser.token.type == TOKEN_COMMA) {
      parser_advance (&parser);
      if (parser_peek (&parser) != TOKEN_IDENTIFIER && parser.token.type != TOKEN_NOT) {
        fail (error, &parser.token, "identifier after ','");
        return NULL;
      }
    } else if (parser.token.type != TOKEN_END) {
      fail (error, &parser.token, "',' or 'end of string'");
      return NULL;
    }
  }
  selector_sort (selector);
  return g_steal_pointer (&selector);
}

/* --- other forms --- */

static gboolean
operator_from_word (const char *word, Operator *operator)
{
  static const struct {
    const char *word;
    Operator operator;
  } words[] = { { "In", OPERATOR_IN }, { "NotIn", OPERATOR_NOT_IN }, { "Exists", OPERATOR_EXISTS }, { "DoesNotExist", OPERATOR_DOES_NOT_EXIST } };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_strcmp0 (word, words[i].word) == 0) {
      *operator = words[i].operator;
      return TRUE;
    }
  return FALSE;
}

static void
selector_add_labels (KubeSelector *selector, KubeValue *labels)
{
  guint n = kube_value_is_object (labels) ? kube_value_get_length (labels) : 0;

  for (guint i = 0; i < n; i++) {
    Requirement requirement = { .key = g_strdup (kube_value_get_key (labels, i)), .operator = OPERATOR_EQUALS };
    const char *value = kube_value_peek_string (kube_value_get_element (labels, i), NULL);
    GPtrArray *values = g_ptr_array_new ();

    g_ptr_array_add (values, g_strdup (value != NULL ? value : ""));
    requirement_take_values (&requirement, values);
    g_array_append_val (selector->requirements, requirement);
  }
}

static gboolean
selector_add_expression (KubeSelector *selector, KubeValue *expression, GError **error)
{
  Requirement requirement = { 0 };
  KubeValue *list = kube_value_get_member (expression, "values");
  const char *word = kube_value_get_member_string (expression, "operator");
  const char *key = kube_value_get_member_string (expression, "key");
  GPtrArray *values;

  if (!operator_from_word (word, &requirement.operator)) {
    g_autoptr (GString) quoted = g_string_new (NULL);
    kube_go_quote (quoted, word != NULL ? word : "", -1);
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "%s is not a valid label selector operator", quoted->str);
    return FALSE;
  }
  requirement.key = g_strdup (key != NULL ? key : "");
  values = g_ptr_array_new ();
  for (guint i = 0; kube_value_is_array (list) && i < kube_value_get_length (list); i++) {
    const char *value = kube_value_peek_string (kube_value_get_element (list, i), NULL);
    g_ptr_array_add (values, g_strdup (value != NULL ? value : ""));
  }
  requirement_take_values (&requirement, values);
  if (!requirement_check (&requirement, error)) {
    requirement_clear (&requirement);
    return FALSE;
  }
  g_array_append_val (selector->requirements, requirement);
  return TRUE;
}

/**
 * kube_selector_from_value:
 * @label_selector: (nullable): a LabelSelector object
 * @error: return location for an error
 *
 * Returns: (transfer full): the selector, or %NULL with %KUBE_ERROR_BAD_REQUEST
 * Since: 1.0
 */
KubeSelector *
kube_selector_from_value (KubeValue *label_selector, GError **error)
{
  g_autoptr (KubeSelector) selector = selector_alloc ();
  KubeValue *expressions = kube_value_get_member (label_selector, "matchExpressions");
  guint n = kube_value_is_array (expressions) ? kube_value_get_length (expressions) : 0;

  selector->nothing = kube_value_is_null (label_selector);
  selector_add_labels (selector, kube_value_get_member (label_selector, "matchLabels"));
  for (guint i = 0; i < n; i++)
    if (!selector_add_expression (selector, kube_value_get_element (expressions, i), error))
      return NULL;
  selector_sort (selector);
  return g_steal_pointer (&selector);
}

/**
 * kube_selector_from_labels:
 * @labels: (nullable): an object of strings
 *
 * Returns: (transfer full): a selector of what has all of @labels; everything where there are none
 * Since: 1.0
 */
KubeSelector *
kube_selector_from_labels (KubeValue *labels)
{
  KubeSelector *selector = selector_alloc ();

  selector_add_labels (selector, labels);
  selector_sort (selector);
  return selector;
}

static char *
unescape_field (const char *text, gsize length, GError **error)
{
  g_autoptr (GString) out = g_string_sized_new (length);

  for (gsize i = 0; i < length; i++) {
    if (text[i] == ',' || text[i] == '=') {
      g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid field selector: unescaped character in value: %d", text[i]);
      return NULL;
    }
    if (text[i] == '\\') {
      i++;
      if (i >= length || (text[i] != '\\' && text[i] != ',' && text[i] != '=')) {
        gsize n = i < length ? (gsize) (g_utf8_next_char (text + i) - (text + i)) : 0;
        g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid field selector: invalid escape sequence: \\%.*s", (int) n, text + i);
        return NULL;
      }
    }
    g_string_append_c (out, text[i]);
  }
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static gboolean
selector_add_field (KubeSelector *selector, const char *text, const char *term, GError **error)
{
  gsize key = strcspn (term, "=!");
  Requirement requirement = { 0 };
  GPtrArray *values;
  const char *rest;
  char *value;

  while (term[key] == '!' && term[key + 1] != '=')
    key += 1 + strcspn (term + key + 1, "=!");
  if (term[key] == '\0') {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_BAD_REQUEST, "invalid selector: '%s'; can't understand '%s'", text, term);
    return FALSE;
  }
  requirement.operator = term[key] == '!' ? OPERATOR_NOT_EQUALS : OPERATOR_EQUALS;
  rest = term + key + (term[key + 1] == '=' ? 2 : 1);
  value = unescape_field (rest, strlen (rest), error);
  if (value == NULL)
    return FALSE;

  requirement.key = g_strndup (term, key);
  values = g_ptr_array_new ();
  g_ptr_array_add (values, value);
  requirement_take_values (&requirement, values);
  g_array_append_val (selector->requirements, requirement);
  return TRUE;
}

/**
 * kube_selector_parse_fields:
 * @text: a field selector as text
 * @error: return location for an error
 *
 * Reads `metadata.name=x,status.phase!=Running`; a backslash stands before a comma, an equals sign or a backslash within a value.
 *
 * Returns: (transfer full): the selector, or %NULL with %KUBE_ERROR_BAD_REQUEST
 * Since: 1.0
 */
KubeSelector *
kube_selector_parse_fields (const char *text, GError **error)
{
  g_autoptr (KubeSelector) selector = selector_alloc ();
  g_autoptr (GPtrArray) terms = g_ptr_array_new_with_free_func (g_free);
  const char *start = text;

  selector->of_fields = TRUE;
  for (const char *at = text;; at++) {
    if (*at == '\\' && at[1] != '\0') {
      at++;
    } else if (*at == ',' || *at == '\0') {
      if (at > start)
        g_ptr_array_add (terms, g_strndup (start, (gsize) (at - start)));
      if (*at == '\0')
        break;
      start = at + 1;
    }
  }
  if (terms->len > 1)
    qsort (terms->pdata, terms->len, sizeof (gpointer), compare_strings);
  for (guint i = 0; i < terms->len; i++)
    if (!selector_add_field (selector, text, terms->pdata[i], error))
      return NULL;
  return g_steal_pointer (&selector);
}

/* --- asking --- */

gboolean
kube_selector_is_empty (KubeSelector *selector)
{
  return !selector->nothing && selector->requirements->len == 0;
}

static gboolean
requirement_has_value (const Requirement *requirement, const char *value)
{
  for (guint i = 0; i < requirement->n_values; i++)
    if (strcmp (requirement->values[i], value) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
requirement_matches (const Requirement *requirement, const char *value)
{
  gint64 number;

  switch (requirement->operator) {
  case OPERATOR_IN:
  case OPERATOR_EQUALS:
  case OPERATOR_DOUBLE_EQUALS:
    return value != NULL && requirement_has_value (requirement, value);
  case OPERATOR_NOT_IN:
  case OPERATOR_NOT_EQUALS:
    return value == NULL || !requirement_has_value (requirement, value);
  case OPERATOR_EXISTS:
    return value != NULL;
  case OPERATOR_DOES_NOT_EXIST:
    return value == NULL;
  case OPERATOR_GREATER:
    return value != NULL && parse_int64 (value, &number) && number > requirement->bound;
  case OPERATOR_LESS:
    return value != NULL && parse_int64 (value, &number) && number < requirement->bound;
  }
  return FALSE;
}

gboolean
kube_selector_matches_labels (KubeSelector *selector, KubeValue *labels)
{
  if (selector->nothing)
    return FALSE;
  for (guint i = 0; i < selector->requirements->len; i++) {
    const Requirement *requirement = &g_array_index (selector->requirements, Requirement, i);
    if (!requirement_matches (requirement, kube_value_get_member_string (labels, requirement->key)))
      return FALSE;
  }
  return TRUE;
}

/* Selectable fields whose name is no path, and those whose absence does not read as "": the zero values of numbers and booleans. */
static const struct {
  const char *field;
  const char *path;
  const char *fallback_path;
  const char *absent;
} selectable_fields[] = {
  { "spec.unschedulable", "spec.unschedulable", NULL, "false" },
  { "spec.hostNetwork", "spec.hostNetwork", NULL, "false" },
  { "status.replicas", "status.replicas", NULL, "0" },
  { "status.successful", "status.succeeded", NULL, "0" },
  { "source", "source.component", "reportingComponent", "" },
  { "reportingComponent", "reportingComponent", "reportingController", "" },
};

static const char *
field_text (KubeValue *value, char buffer[32])
{
  switch (kube_value_get_value_type (value)) {
  case KUBE_VALUE_STRING:
    return kube_value_peek_string (value, NULL);
  case KUBE_VALUE_BOOLEAN:
    return kube_value_get_boolean (value, NULL, FALSE) ? "true" : "false";
  case KUBE_VALUE_INTEGER:
    g_snprintf (buffer, 32, "%" G_GINT64_FORMAT, kube_value_get_integer (value, NULL, 0));
    return buffer;
  default:
    return NULL;
  }
}

static const char *
object_field (KubeObject *object, const char *field, char buffer[32])
{
  const char *path = field, *fallback_path = NULL, *absent = "", *text;

  if (strcmp (field, "metadata.name") == 0)
    text = kube_object_get_name (object);
  else if (strcmp (field, "metadata.namespace") == 0)
    text = kube_object_get_namespace (object);
  else {
    for (gsize i = 0; i < G_N_ELEMENTS (selectable_fields); i++)
      if (strcmp (selectable_fields[i].field, field) == 0) {
        path = selectable_fields[i].path;
        fallback_path = selectable_fields[i].fallback_path;
        absent = selectable_fields[i].absent;
      }
    text = field_text (kube_object_get (object, path), buffer);
    if (fallback_path != NULL && (text == NULL || *text == '\0'))
      text = field_text (kube_object_get (object, fallback_path), buffer);
  }
  return text != NULL ? text : absent;
}

gboolean
kube_selector_matches (KubeSelector *selector, KubeObject *object)
{
  if (!selector->of_fields)
    return kube_selector_matches_labels (selector, kube_value_get_member (kube_object_get (object, "metadata"), "labels"));

  for (guint i = 0; i < selector->requirements->len; i++) {
    const Requirement *requirement = &g_array_index (selector->requirements, Requirement, i);
    char buffer[32];
    if (!requirement_matches (requirement, object_field (object, requirement->key, buffer)))
      return FALSE;
  }
  return TRUE;
}

const char *
kube_selector_get_required (KubeSelector *selector, const char *key)
{
  for (guint i = 0; i < selector->requirements->len; i++) {
    const Requirement *requirement = &g_array_index (selector->requirements, Requirement, i);
    gboolean equality = requirement->operator == OPERATOR_EQUALS || requirement->operator == OPERATOR_DOUBLE_EQUALS ||
                        requirement->operator == OPERATOR_IN;
    if (equality && requirement->n_values == 1 && strcmp (requirement->key, key) == 0)
      return requirement->values[0];
  }
  return NULL;
}

/**
 * kube_selector_list_keys:
 * @selector: a selector
 *
 * What a server asks before it serves a field selector: the names of its fields.
 *
 * Returns: (transfer container) (array zero-terminated=1): the keys of the requirements, in their order, borrowed from @selector
 * Since: 1.0
 */
const char **
kube_selector_list_keys (KubeSelector *selector)
{
  const char **keys = g_new0 (const char *, selector->requirements->len + 1);

  for (guint i = 0; i < selector->requirements->len; i++)
    keys[i] = g_array_index (selector->requirements, Requirement, i).key;
  return keys;
}

static void
append_escaped (GString *out, const char *text)
{
  for (; *text != '\0'; text++) {
    if (*text == '\\' || *text == ',' || *text == '=')
      g_string_append_c (out, '\\');
    g_string_append_c (out, *text);
  }
}

static void
requirement_print (const Requirement *requirement, gboolean of_fields, GString *out)
{
  static const char *const signs[] = {
    [OPERATOR_IN] = " in ",        [OPERATOR_NOT_IN] = " notin ", [OPERATOR_EQUALS] = "=",         [OPERATOR_DOUBLE_EQUALS] = "==", [OPERATOR_NOT_EQUALS] = "!=",
    [OPERATOR_EXISTS] = "",        [OPERATOR_DOES_NOT_EXIST] = "", [OPERATOR_GREATER] = ">",        [OPERATOR_LESS] = "<",
  };
  gboolean list = requirement->operator == OPERATOR_IN || requirement->operator == OPERATOR_NOT_IN;

  g_string_append_printf (out, "%s%s%s%s", requirement->operator == OPERATOR_DOES_NOT_EXIST ? "!" : "", requirement->key,
                          signs[requirement->operator], list ? "(" : "");
  for (guint i = 0; i < requirement->n_values; i++) {
    g_string_append (out, i > 0 ? "," : "");
    if (of_fields)
      append_escaped (out, requirement->values[i]);
    else
      g_string_append (out, requirement->values[i]);
  }
  if (list)
    g_string_append_c (out, ')');
}

/**
 * kube_selector_print:
 * @selector: a selector
 *
 * Returns: (transfer full): its text form, in upstream's order
 * Since: 1.0
 */
char *
kube_selector_print (KubeSelector *selector)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < selector->requirements->len; i++) {
    g_string_append (out, i > 0 ? "," : "");
    requirement_print (&g_array_index (selector->requirements, Requirement, i), selector->of_fields, out);
  }
  return g_string_free (out, FALSE);
}
