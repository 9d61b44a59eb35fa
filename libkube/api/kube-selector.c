/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-selector-private.h"

G_DEFINE_BOXED_TYPE (KubeSelector, kube_selector, kube_selector_ref, kube_selector_unref)

KubeSelector *
kube_selector_alloc (void)
{
  KubeSelector *selector = g_new0 (KubeSelector, 1);

  g_atomic_ref_count_init (&selector->refs);
  selector->requirements = g_array_new (FALSE, TRUE, sizeof (KubeRequirement));
  g_array_set_clear_func (selector->requirements, kube_requirement_clear);
  return selector;
}

/**
 * kube_selector_ref:
 * @selector: a selector
 *
 * Returns: (transfer full): @selector
 * Since: 1.0
 */
KubeSelector *
kube_selector_ref (KubeSelector *selector)
{
  g_atomic_ref_count_inc (&selector->refs);
  return selector;
}

/**
 * kube_selector_unref:
 * @selector: (transfer full): a selector
 *
 * Since: 1.0
 */
void
kube_selector_unref (KubeSelector *selector)
{
  if (!g_atomic_ref_count_dec (&selector->refs))
    return;
  g_array_unref (selector->requirements);
  g_free (selector);
}

static int
compare_requirements (const void *a, const void *b)
{
  return strcmp (((const KubeRequirement *) a)->key, ((const KubeRequirement *) b)->key);
}

/* A stable sort: requirements on one key stay in the order in which they were written. */
void
kube_selector_sort (KubeSelector *selector)
{
  GArray *all = selector->requirements;

  for (guint i = 1; i < all->len; i++) {
    KubeRequirement moving = g_array_index (all, KubeRequirement, i);
    guint j = i;
    while (j > 0 && compare_requirements (&g_array_index (all, KubeRequirement, j - 1), &moving) > 0) {
      g_array_index (all, KubeRequirement, j) = g_array_index (all, KubeRequirement, j - 1);
      j--;
    }
    g_array_index (all, KubeRequirement, j) = moving;
  }
}

static gboolean
operator_from_word (const char *word, KubeOperator *operator)
{
  static const struct {
    const char *word;
    KubeOperator operator;
  } words[] = { { "In", KUBE_OPERATOR_IN }, { "NotIn", KUBE_OPERATOR_NOT_IN }, { "Exists", KUBE_OPERATOR_EXISTS }, { "DoesNotExist", KUBE_OPERATOR_DOES_NOT_EXIST } };

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
    KubeRequirement requirement = { .key = g_strdup (kube_value_get_key (labels, i)), .operator = KUBE_OPERATOR_EQUALS };
    const char *value = kube_value_peek_string (kube_value_get_element (labels, i), NULL);
    GPtrArray *values = g_ptr_array_new ();

    g_ptr_array_add (values, g_strdup (value != NULL ? value : ""));
    kube_requirement_take_values (&requirement, values);
    g_array_append_val (selector->requirements, requirement);
  }
}

static gboolean
selector_add_expression (KubeSelector *selector, KubeValue *expression, GError **error)
{
  KubeRequirement requirement = { 0 };
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
  kube_requirement_take_values (&requirement, values);
  if (!kube_requirement_check (&requirement, error)) {
    kube_requirement_clear (&requirement);
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
  g_autoptr (KubeSelector) selector = kube_selector_alloc ();
  KubeValue *expressions = kube_value_get_member (label_selector, "matchExpressions");
  guint n = kube_value_is_array (expressions) ? kube_value_get_length (expressions) : 0;

  selector->nothing = kube_value_is_null (label_selector);
  selector_add_labels (selector, kube_value_get_member (label_selector, "matchLabels"));
  for (guint i = 0; i < selector->requirements->len; i++)
    if (!kube_requirement_check (&g_array_index (selector->requirements, KubeRequirement, i), error))
      return NULL;
  for (guint i = 0; i < n; i++)
    if (!selector_add_expression (selector, kube_value_get_element (expressions, i), error))
      return NULL;
  kube_selector_sort (selector);
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
  KubeSelector *selector = kube_selector_alloc ();

  selector_add_labels (selector, labels);
  kube_selector_sort (selector);
  return selector;
}

/* A map of labels has strings only, a LabelSelector none. */
KubeSelector *
kube_selector_from_either (KubeValue *value, GError **error)
{
  if (kube_value_get_length (value) > 0 && kube_value_is_string (kube_value_get_element (value, 0)))
    return kube_selector_from_labels (value);
  return kube_selector_from_value (value, error);
}

/**
 * kube_selector_is_empty:
 * @selector: a selector
 *
 * Returns: whether it selects everything
 * Since: 1.0
 */
gboolean
kube_selector_is_empty (KubeSelector *selector)
{
  return !selector->nothing && selector->requirements->len == 0;
}

/**
 * kube_selector_matches_labels:
 * @selector: a selector
 * @labels: (nullable): an object of strings; %NULL: no labels
 *
 * Returns: whether a label selector selects what has @labels
 * Since: 1.0
 */
gboolean
kube_selector_matches_labels (KubeSelector *selector, KubeValue *labels)
{
  if (selector->nothing)
    return FALSE;
  for (guint i = 0; i < selector->requirements->len; i++) {
    const KubeRequirement *requirement = &g_array_index (selector->requirements, KubeRequirement, i);
    if (!kube_requirement_matches (requirement, kube_value_get_member_string (labels, requirement->key)))
      return FALSE;
  }
  return TRUE;
}

/**
 * kube_selector_matches:
 * @selector: a selector
 * @object: an object
 *
 * Returns: whether it selects @object, by its labels or its fields
 * Since: 1.0
 */
gboolean
kube_selector_matches (KubeSelector *selector, KubeObject *object)
{
  if (!selector->of_fields)
    return kube_selector_matches_labels (selector, kube_value_get_member (kube_object_get (object, "metadata"), "labels"));
  return kube_selector_matches_object_fields (selector, object);
}

/**
 * kube_selector_get_required:
 * @selector: a selector
 * @key: a label or a field
 *
 * What lets a list or a watch go straight to one object or one node.
 *
 * Returns: (nullable): the value that @selector demands for @key, where it demands just one
 * Since: 1.0
 */
const char *
kube_selector_get_required (KubeSelector *selector, const char *key)
{
  for (guint i = 0; i < selector->requirements->len; i++) {
    const KubeRequirement *requirement = &g_array_index (selector->requirements, KubeRequirement, i);
    const char *value = kube_requirement_get_only_value (requirement);

    if (value != NULL && strcmp (requirement->key, key) == 0)
      return value;
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
    keys[i] = g_array_index (selector->requirements, KubeRequirement, i).key;
  return keys;
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
    kube_requirement_print (&g_array_index (selector->requirements, KubeRequirement, i), selector->of_fields, out);
  }
  return g_string_free (out, FALSE);
}
