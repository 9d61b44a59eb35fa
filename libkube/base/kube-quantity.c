/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <kube/kube-quantity.h>

#include <math.h>
#include <string.h>

#define NANO (-9)
#define SCALE_MAX 18
#define FAST_DIGITS 18 /* any number of so many digits fits a gint64 */
#define MAX_ALLOWED "9223372036854775807"

#define FORMAT_MESSAGE "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
#define NUMERIC_MESSAGE "unable to parse numeric part of quantity"
#define SUFFIX_MESSAGE "unable to parse quantity's suffix"

/* A decimal number of any length: digits * 10^exponent. Zero has no digits; the first digit is never 0. */
typedef struct {
  gboolean negative;
  gint64 exponent;
  GString *digits; /* (owned) */
} Decimal;

static void
decimal_clear (Decimal *decimal)
{
  if (decimal->digits != NULL)
    g_string_free (decimal->digits, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Decimal, decimal_clear)

static const struct {
  char text[4];
  guint8 format;
  gint8 exponent; /* of 10, or of 2 */
} suffixes[] = {
  { "n", KUBE_QUANTITY_DECIMAL_SI, -9 }, { "u", KUBE_QUANTITY_DECIMAL_SI, -6 }, { "m", KUBE_QUANTITY_DECIMAL_SI, -3 },
  { "", KUBE_QUANTITY_DECIMAL_SI, 0 },   { "k", KUBE_QUANTITY_DECIMAL_SI, 3 },  { "M", KUBE_QUANTITY_DECIMAL_SI, 6 },
  { "G", KUBE_QUANTITY_DECIMAL_SI, 9 },  { "T", KUBE_QUANTITY_DECIMAL_SI, 12 }, { "P", KUBE_QUANTITY_DECIMAL_SI, 15 },
  { "E", KUBE_QUANTITY_DECIMAL_SI, 18 }, { "Ki", KUBE_QUANTITY_BINARY_SI, 10 }, { "Mi", KUBE_QUANTITY_BINARY_SI, 20 },
  { "Gi", KUBE_QUANTITY_BINARY_SI, 30 }, { "Ti", KUBE_QUANTITY_BINARY_SI, 40 }, { "Pi", KUBE_QUANTITY_BINARY_SI, 50 },
  { "Ei", KUBE_QUANTITY_BINARY_SI, 60 },
};

/* The parts of a written quantity, as slices of it. */
typedef struct {
  gboolean negative;
  const char *number; /* integer digits without leading zeros */
  gsize n_number;
  const char *fraction;
  gsize n_fraction;
  gboolean digits; /* whether there was any digit at all */
  const char *suffix;
  guint8 format;
  gint32 exponent;
} Written;

static gsize
count_digits (const char *text)
{
  gsize n = 0;

  while (g_ascii_isdigit (text[n]))
    n++;
  return n;
}

static gboolean
interpret_suffix (Written *written)
{
  const char *suffix = written->suffix;

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    if (suffix[0] == suffixes[i].text[0] && g_str_equal (suffix, suffixes[i].text)) {
      written->format = suffixes[i].format;
      written->exponent = suffixes[i].exponent;
      return TRUE;
    }
  }
  if ((suffix[0] != 'e' && suffix[0] != 'E') || suffix[1] == '\0')
    return FALSE;
  gint64 exponent;
  if (!g_ascii_string_to_signed (suffix + 1, 10, G_MININT32, G_MAXINT32, &exponent, NULL))
    return FALSE;
  written->format = KUBE_QUANTITY_DECIMAL_EXPONENT;
  written->exponent = exponent;
  return TRUE;
}

static gboolean
read_written (const char *text, Written *written, GError **error)
{
  const char *at = text;

  *written = (Written){ 0 };
  if (*at == '\0')
    return g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, FORMAT_MESSAGE), FALSE;
  if (*at == '-' || *at == '+')
    written->negative = *at++ == '-';
  gsize zeros = strspn (at, "0");
  written->number = at + zeros;
  written->n_number = count_digits (written->number);
  at = written->number + written->n_number;
  if (*at == '.') {
    written->fraction = at + 1;
    written->n_fraction = count_digits (at + 1);
    at += 1 + written->n_fraction;
  }
  written->digits = zeros + written->n_number + written->n_fraction > 0;
  written->suffix = at;
  while (*at != '\0' && strchr ("eEinumkKMGTP", *at) != NULL)
    at++;
  if (*at == '-' || *at == '+')
    at++;
  at += count_digits (at);
  if (*at != '\0')
    return g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, FORMAT_MESSAGE), FALSE;
  if (!interpret_suffix (written))
    return g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, SUFFIX_MESSAGE), FALSE;
  return TRUE;
}

/* Upstream reads short numbers into an integer and long ones into a big decimal; only the first kind keeps what was written. */
static gboolean
is_fast (const Written *written)
{
  gsize n_number = MAX (written->n_number, 1);

  if (written->format == KUBE_QUANTITY_BINARY_SI)
    return written->n_fraction == 0 && 15 - (gssize) n_number - written->exponent * 3 / 10 - 1 >= 0;
  return n_number + written->n_fraction <= FAST_DIGITS && (gint64) written->exponent - (gssize) written->n_fraction >= NANO;
}

/* The place of the last digit of what is_fast(). */
static gint64
get_scale (const Written *written)
{
  return written->format == KUBE_QUANTITY_BINARY_SI ? 0 : (gint64) written->exponent - (gint64) written->n_fraction;
}

/* What nearly all quantities are: a number that fits as it is written, with a suffix of the table. */
static gboolean
quantity_from_fast (const Written *written, KubeQuantity *quantity)
{
  gint64 value = 0;

  if (!is_fast (written) || written->format == KUBE_QUANTITY_DECIMAL_EXPONENT)
    return FALSE;
  for (gsize i = 0; i < written->n_number; i++)
    value = value * 10 + (written->number[i] - '0');
  for (gsize i = 0; i < written->n_fraction; i++)
    value = value * 10 + (written->fraction[i] - '0');
  if (written->format == KUBE_QUANTITY_BINARY_SI)
    value <<= written->exponent;
  quantity->value = written->negative ? -value : value;
  quantity->scale = value == 0 ? 0 : get_scale (written);
  quantity->format = written->format;
  return TRUE;
}

/* Whether upstream takes what was written for canonical and answers it unchanged. */
static gboolean
is_kept (const Written *written)
{
  if (!is_fast (written) || written->n_number == 0)
    return FALSE;
  if (written->format == KUBE_QUANTITY_BINARY_SI)
    return (g_ascii_strtoull (written->number, NULL, 10) & 7) != 0;

  char shifted[FAST_DIGITS + 1] = "";
  memcpy (shifted, written->number, written->n_number);
  if (written->n_fraction > 0)
    memcpy (shifted + written->n_number, written->fraction, written->n_fraction);
  return (written->exponent - (gssize) written->n_fraction) % 3 == 0 && !g_str_has_suffix (shifted, "000");
}

static void
strip_leading_zeros (Decimal *decimal)
{
  gsize zeros = strspn (decimal->digits->str, "0");
  g_string_erase (decimal->digits, 0, zeros);
  if (decimal->digits->len == 0)
    decimal->exponent = 0;
}

static void
strip_trailing_zeros (Decimal *decimal)
{
  gsize length = decimal->digits->len;

  while (length > 0 && decimal->digits->str[length - 1] == '0')
    length--;
  decimal->exponent += decimal->digits->len - length;
  g_string_truncate (decimal->digits, length);
}

static void
append_zeros (Decimal *decimal, gint64 count)
{
  for (gint64 i = 0; i < count; i++)
    g_string_append_c (decimal->digits, '0');
  decimal->exponent -= count;
}

/* Takes the factor times the digits, in place. */
static void
multiply (Decimal *decimal, guint factor)
{
  guint carry = 0;

  for (gsize i = decimal->digits->len; i > 0; i--) {
    guint n = (decimal->digits->str[i - 1] - '0') * factor + carry;
    decimal->digits->str[i - 1] = '0' + n % 10;
    carry = n / 10;
  }
  if (carry > 0) {
    char prefix[16];
    g_snprintf (prefix, sizeof prefix, "%u", carry);
    g_string_prepend (decimal->digits, prefix);
  }
}

/* Leaves nothing finer than 10^scale; what is cut off is rounded away from zero. */
static gboolean
round_up (Decimal *decimal, gint64 scale)
{
  if (decimal->exponent >= scale || decimal->digits->len == 0)
    return TRUE;

  guint64 drop = scale - decimal->exponent;
  gsize keep = drop < decimal->digits->len ? decimal->digits->len - drop : 0;
  gboolean exact = strspn (decimal->digits->str + keep, "0") == decimal->digits->len - keep;
  g_string_truncate (decimal->digits, keep);
  decimal->exponent = scale;
  if (exact)
    return TRUE;
  while (keep > 0 && decimal->digits->str[keep - 1] == '9')
    decimal->digits->str[--keep] = '0';
  if (keep > 0)
    decimal->digits->str[keep - 1]++;
  else
    g_string_prepend_c (decimal->digits, '1');
  return FALSE;
}

/* Whether the number's magnitude is at least 10^n. */
static gboolean
is_at_least_power (const Decimal *decimal, gint64 n)
{
  return decimal->digits->len > 0 && decimal->exponent + (gint64) decimal->digits->len > n;
}

/* Whether the magnitude is greater than that of an integer without leading zeros. */
static gboolean
is_above (const Decimal *decimal, const char *integer)
{
  const char *digits = decimal->digits->str;
  gsize n = decimal->digits->len, n_integer = strlen (integer);
  gint64 places = decimal->exponent + (gint64) n;

  if (n == 0 || places != (gint64) n_integer)
    return n > 0 && places > (gint64) n_integer;
  int order = strncmp (digits, integer, MIN (n, n_integer));
  if (order != 0 || n <= n_integer)
    return order > 0; /* what a shorter number lacks are zeros */
  return strspn (digits + n_integer, "0") < n - n_integer;
}

static gboolean
decimal_from_written (const Written *written, Decimal *decimal, GError **error)
{
  if (!written->digits && !is_fast (written))
    return g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, NUMERIC_MESSAGE), FALSE;

  decimal->negative = written->negative;
  decimal->digits = g_string_new_len (written->number, written->n_number);
  g_string_append_len (decimal->digits, written->fraction, written->n_fraction);
  decimal->exponent = -(gint64) written->n_fraction;
  if (written->format == KUBE_QUANTITY_BINARY_SI) {
    for (int i = 0; i < written->exponent; i += 10)
      multiply (decimal, 1024);
  } else
    decimal->exponent += written->exponent;
  strip_leading_zeros (decimal);
  round_up (decimal, NANO);
  if (written->format == KUBE_QUANTITY_BINARY_SI && is_above (decimal, MAX_ALLOWED)) {
    g_string_assign (decimal->digits, MAX_ALLOWED);
    decimal->exponent = 0;
  }
  return TRUE;
}

static void
append_suffix (GString *out, guint8 format, gint64 exponent)
{
  if (format == KUBE_QUANTITY_DECIMAL_EXPONENT) {
    if (exponent != 0)
      g_string_append_printf (out, "e%" G_GINT64_FORMAT, exponent);
    return;
  }
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    if (suffixes[i].format == format && suffixes[i].exponent == exponent)
      g_string_append (out, suffixes[i].text);
  }
}

/* Prints an integer that fits a guint64 with the largest power of 1024 that divides it. */
static void
append_binary (GString *out, Decimal *decimal)
{
  append_zeros (decimal, decimal->exponent);
  guint64 number = g_ascii_strtoull (decimal->digits->str, NULL, 10);
  gint64 exponent = 0;

  while (number % 1024 == 0 && exponent < 60) {
    number /= 1024;
    exponent += 10;
  }
  g_string_append_printf (out, "%" G_GUINT64_FORMAT, number);
  append_suffix (out, exponent > 0 ? KUBE_QUANTITY_BINARY_SI : KUBE_QUANTITY_DECIMAL_SI, exponent);
}

static char *
print_canonical (Decimal *decimal, guint8 format)
{
  GString *out = g_string_new (NULL);

  strip_trailing_zeros (decimal);
  if (decimal->digits->len == 0)
    return g_string_free (g_string_append_c (out, '0'), FALSE);
  if (decimal->negative)
    g_string_append_c (out, '-');

  /* Small and broken binary quantities are printed as decimal ones, as are those that no longer fit 64 bits. */
  if (format == KUBE_QUANTITY_BINARY_SI) {
    if (decimal->exponent >= 0 && is_above (decimal, "1023") && !is_above (decimal, MAX_ALLOWED)) {
      append_binary (out, decimal);
      return g_string_free (out, FALSE);
    }
    format = KUBE_QUANTITY_DECIMAL_SI;
  }

  gint64 extra = ((decimal->exponent % 3) + 3) % 3;
  if (format == KUBE_QUANTITY_DECIMAL_SI && decimal->exponent - extra > SCALE_MAX)
    extra = decimal->exponent - SCALE_MAX;
  append_zeros (decimal, extra);
  g_string_append_len (out, decimal->digits->str, decimal->digits->len);
  append_suffix (out, format, decimal->exponent);
  return g_string_free (out, FALSE);
}

/* Rounds away from zero what does not fit. */
static void
quantity_from_decimal (const Decimal *decimal, guint8 format, KubeQuantity *quantity)
{
  __int128 value = 0;
  gint64 exponent = decimal->exponent;
  gsize n = decimal->digits->len, used = 0;
  gboolean rest = FALSE;

  for (; used < n; used++) {
    __int128 next = value * 10 + (decimal->digits->str[used] - '0');
    if (next > G_MAXINT64)
      break;
    value = next;
  }
  exponent += n - used;
  rest = used < n && strspn (decimal->digits->str + used, "0") < n - used;
  value += rest;
  while (value > 0 && exponent > SCALE_MAX && value <= G_MAXINT64 / 10) {
    value *= 10;
    exponent--;
  }
  if (exponent > SCALE_MAX)
    value = G_MAXINT64;
  value = MIN (value, G_MAXINT64);
  quantity->value = decimal->negative ? -value : value;
  quantity->scale = value == 0 ? 0 : MIN (exponent, SCALE_MAX);
  quantity->format = format;
}

static void
decimal_from_quantity (const KubeQuantity *quantity, Decimal *decimal)
{
  guint64 magnitude = quantity->value < 0 ? -(guint64) quantity->value : (guint64) quantity->value;

  decimal->negative = quantity->value < 0;
  decimal->exponent = quantity->scale;
  decimal->digits = g_string_new (NULL);
  if (magnitude > 0)
    g_string_append_printf (decimal->digits, "%" G_GUINT64_FORMAT, magnitude);
}

/* Upstream forgets the binary suffix of what is less than one. */
static guint8
parsed_format (const Written *written, const Decimal *decimal)
{
  gboolean fraction = decimal->digits->len > 0 && !decimal->negative && !is_at_least_power (decimal, 0);
  return written->format == KUBE_QUANTITY_BINARY_SI && fraction ? KUBE_QUANTITY_DECIMAL_SI : written->format;
}

G_DEFINE_BOXED_TYPE (KubeQuantity, kube_quantity, kube_quantity_copy, kube_quantity_free)

/**
 * kube_quantity_copy:
 * @quantity: a quantity
 *
 * Returns: (transfer full): the same one
 * Since: 1.0
 */
KubeQuantity *
kube_quantity_copy (const KubeQuantity *quantity)
{
  return g_memdup2 (quantity, sizeof *quantity);
}

/**
 * kube_quantity_free:
 * @quantity: (transfer full): what kube_quantity_copy() made
 *
 * Since: 1.0
 */
void
kube_quantity_free (KubeQuantity *quantity)
{
  g_free (quantity);
}

/**
 * kube_quantity_parse:
 * @text: a quantity
 * @quantity: (out caller-allocates): what it says
 * @error: %KUBE_ERROR_INVALID
 *
 * Returns: whether @text is a quantity
 * Since: 1.0
 */
gboolean
kube_quantity_parse (const char *text, KubeQuantity *quantity, GError **error)
{
  g_auto (Decimal) decimal = { 0 };
  Written written;

  if (!read_written (text, &written, error))
    return FALSE;
  if (quantity_from_fast (&written, quantity))
    return TRUE;
  if (!decimal_from_written (&written, &decimal, error))
    return FALSE;
  quantity_from_decimal (&decimal, parsed_format (&written, &decimal), quantity);
  return TRUE;
}

/**
 * kube_quantity_canonicalize:
 * @text: a quantity
 * @min_scale: the finest power of ten that is left; -9, or -3 where upstream rounds to milli
 * @error: %KUBE_ERROR_INVALID
 *
 * Says what upstream answers where a client has written @text: the canonical form, or @text itself where upstream keeps it.
 *
 * Returns: (transfer full): the text
 * Since: 1.0
 */
char *
kube_quantity_canonicalize (const char *text, int min_scale, GError **error)
{
  g_auto (Decimal) decimal = { 0 };
  Written written;

  if (!read_written (text, &written, error))
    return NULL;
  if (is_kept (&written) && get_scale (&written) >= min_scale)
    return g_strdup (text);
  if (!decimal_from_written (&written, &decimal, error))
    return NULL;
  guint8 format = parsed_format (&written, &decimal);
  round_up (&decimal, MAX (min_scale, NANO));
  return print_canonical (&decimal, format);
}

static gboolean
is_padded (const char *text)
{
  return *text != '\0' && (g_ascii_isspace (text[0]) || g_ascii_isspace (text[strlen (text) - 1]));
}

/**
 * kube_quantity_from_value:
 * @value: a JSON string, around which white space does not count, or a number; null is zero
 * @quantity: (out caller-allocates): what it says
 * @error: %KUBE_ERROR_INVALID
 *
 * Returns: whether @value is a quantity
 * Since: 1.0
 */
gboolean
kube_quantity_from_value (KubeValue *value, KubeQuantity *quantity, GError **error)
{
  g_autofree char *stripped = NULL;
  const char *text;

  if (kube_value_is_null (value)) {
    *quantity = (KubeQuantity){ 0 };
    return TRUE;
  }
  if (kube_value_is_object (value) || kube_value_is_array (value) || kube_value_get_value_type (value) == KUBE_VALUE_BOOLEAN)
    return g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, FORMAT_MESSAGE), FALSE;
  if (kube_value_is_string (value))
    text = kube_value_peek_string (value, NULL);
  else
    text = stripped = kube_value_print (value, NULL);
  if (is_padded (text))
    text = stripped = g_strstrip (g_strdup (text));
  return kube_quantity_parse (text, quantity, error);
}

/**
 * kube_quantity_print:
 * @quantity: a quantity
 *
 * Returns: (transfer full): its canonical form
 * Since: 1.0
 */
char *
kube_quantity_print (const KubeQuantity *quantity)
{
  g_auto (Decimal) decimal = { 0 };

  decimal_from_quantity (quantity, &decimal);
  return print_canonical (&decimal, quantity->format);
}

static const gint64 powers[] = {
  1,
  10,
  100,
  1000,
  10000,
  100000,
  1000000,
  10000000,
  100000000,
  1000000000,
  10000000000,
  100000000000,
  1000000000000,
  10000000000000,
  100000000000000,
  1000000000000000,
  10000000000000000,
  100000000000000000,
  1000000000000000000,
};

/* value * 10^power, rounded away from zero, capped. */
static gint64
scale_value (gint64 value, int power)
{
  if (value == 0 || power == 0)
    return value;
  if (power > 0) {
    gint64 result;
    if (power >= (int) G_N_ELEMENTS (powers) || __builtin_mul_overflow (value, powers[power], &result))
      return value > 0 ? G_MAXINT64 : G_MININT64;
    return result;
  }
  gint64 divisor = powers[MIN (-power, (int) G_N_ELEMENTS (powers) - 1)];
  gint64 quotient = value / divisor;
  return value % divisor != 0 ? quotient + (value > 0 ? 1 : -1) : quotient;
}

/**
 * kube_quantity_get_value:
 * @quantity: a quantity
 *
 * Returns: the number as an integer, rounded away from zero, capped
 * Since: 1.0
 */
gint64
kube_quantity_get_value (const KubeQuantity *quantity)
{
  return scale_value (quantity->value, quantity->scale);
}

/**
 * kube_quantity_get_milli_value:
 * @quantity: a quantity
 *
 * Returns: a thousand times the number as an integer, rounded away from zero, capped
 * Since: 1.0
 */
gint64
kube_quantity_get_milli_value (const KubeQuantity *quantity)
{
  return scale_value (quantity->value, quantity->scale + 3);
}

/**
 * kube_quantity_get_double:
 * @quantity: a quantity
 *
 * Returns: the number, as near as a double comes
 * Since: 1.0
 */
double
kube_quantity_get_double (const KubeQuantity *quantity)
{
  return quantity->scale < 0 ? quantity->value / (double) powers[-quantity->scale]
                             : quantity->value * (double) powers[MIN (quantity->scale, SCALE_MAX)];
}

static __int128
wide (gint64 value, int power)
{
  __int128 result = value;
  for (; power > 0; power--)
    result *= 10;
  return result;
}

/**
 * kube_quantity_compare:
 * @a: a quantity
 * @b: another
 *
 * Returns: less than, equal to or greater than 0, as @a is to @b
 * Since: 1.0
 */
int
kube_quantity_compare (const KubeQuantity *a, const KubeQuantity *b)
{
  int a_sign = (a->value > 0) - (a->value < 0), b_sign = (b->value > 0) - (b->value < 0);

  if (a_sign != b_sign || a_sign == 0)
    return a_sign - b_sign;
  int difference = a->scale - b->scale;
  if (ABS (difference) > 19) /* no 64-bit number makes up for so many places */
    return difference > 0 ? a_sign : -a_sign;
  __int128 x = wide (a->value, difference), y = wide (b->value, -difference);
  return x < y ? -1 : x > y;
}

/* The sum of two numbers as a quantity; what no longer fits is rounded away from zero. */
static void
set_sum (KubeQuantity *quantity, gint64 a, int a_scale, gint64 b, int b_scale)
{
  if (a == 0 || b == 0) {
    quantity->value = a == 0 ? b : a;
    quantity->scale = a == 0 ? b_scale : a_scale;
    return;
  }
  int scale = MIN (a_scale, b_scale);
  scale = MAX (scale, MAX (a_scale, b_scale) - 18);
  __int128 sum = a_scale >= scale ? wide (a, a_scale - scale) : scale_value (a, a_scale - scale);
  sum += b_scale >= scale ? wide (b, b_scale - scale) : scale_value (b, b_scale - scale);
  while (sum > G_MAXINT64 || sum < -G_MAXINT64) {
    int up = sum % 10 == 0 ? 0 : sum > 0 ? 1 : -1;
    sum = sum / 10 + up;
    scale++;
  }
  if (scale > SCALE_MAX) {
    sum = sum > 0 ? G_MAXINT64 : -G_MAXINT64;
    scale = SCALE_MAX;
  }
  quantity->value = sum;
  quantity->scale = sum == 0 ? 0 : scale;
}

/**
 * kube_quantity_add:
 * @quantity: what is added to; it keeps its format, and takes the other's where it is zero
 * @other: what is added
 *
 * Since: 1.0
 */
void
kube_quantity_add (KubeQuantity *quantity, const KubeQuantity *other)
{
  if (quantity->value == 0)
    quantity->format = other->format;
  set_sum (quantity, quantity->value, quantity->scale, other->value, other->scale);
}

/**
 * kube_quantity_subtract:
 * @quantity: what is subtracted from; it keeps its format, and takes the other's where it is zero
 * @other: what is subtracted
 *
 * Since: 1.0
 */
void
kube_quantity_subtract (KubeQuantity *quantity, const KubeQuantity *other)
{
  if (quantity->value == 0)
    quantity->format = other->format;
  set_sum (quantity, quantity->value, quantity->scale, other->value == G_MININT64 ? G_MAXINT64 : -other->value, other->scale);
}
