/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-image-private.h"

#include <string.h>

#define MAX_NAME 255

gboolean
kube_digest_is_valid (const char *digest)
{
  if (digest == NULL || !g_str_has_prefix (digest, "sha256:") || strlen (digest) != 7 + 64)
    return FALSE;
  return strspn (digest + 7, "0123456789abcdef") == 64;
}

static gboolean
is_lower_alnum (char c)
{
  return g_ascii_isdigit (c) || (c >= 'a' && c <= 'z');
}

/* alpha-numeric parts joined by one '.', one or two '_', or any number of '-' */
static gboolean
is_path_component (const char *c, gsize length)
{
  const char *end = c + length;

  if (length == 0 || !is_lower_alnum (c[0]) || !is_lower_alnum (end[-1]))
    return FALSE;
  while (c < end) {
    gsize n = 0;
    char separator = *c;
    if (is_lower_alnum (separator)) {
      c++;
      continue;
    }
    while (c < end && *c == separator)
      n++, c++;
    if (c == end || !is_lower_alnum (*c) || strchr ("._-", separator) == NULL ||
        n > (separator == '.'   ? 1
             : separator == '_' ? 2
                                : G_MAXSIZE))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_path (const char *path)
{
  for (;;) {
    const char *slash = strchrnul (path, '/');
    if (!is_path_component (path, slash - path))
      return FALSE;
    if (*slash == '\0')
      return TRUE;
    path = slash + 1;
  }
}

static gboolean
is_domain (const char *domain)
{
  g_auto (GStrv) host_port = g_strsplit (domain, ":", 2);
  g_auto (GStrv) labels = g_strsplit (host_port[0], ".", -1);

  if (host_port[1] != NULL && (host_port[1][0] == '\0' || strspn (host_port[1], "0123456789") != strlen (host_port[1])))
    return FALSE;
  for (char **label = labels; *label != NULL; label++) {
    gsize n = strlen (*label);
    if (n == 0 || !g_ascii_isalnum ((*label)[0]) || !g_ascii_isalnum ((*label)[n - 1]))
      return FALSE;
    for (gsize i = 0; i < n; i++) {
      if (!g_ascii_isalnum ((*label)[i]) && (*label)[i] != '-')
        return FALSE;
    }
  }
  return TRUE;
}

static gboolean
is_tag (const char *tag)
{
  gsize n = strlen (tag);

  if (n == 0 || n > 128 || !(g_ascii_isalnum (tag[0]) || tag[0] == '_'))
    return FALSE;
  for (gsize i = 0; i < n; i++) {
    if (!g_ascii_isalnum (tag[i]) && strchr ("_.-", tag[i]) == NULL)
      return FALSE;
  }
  return TRUE;
}

static gboolean
has_upper (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    if (g_ascii_isupper (text[i]))
      return TRUE;
  }
  return FALSE;
}

void
kube_image_name_free (KubeImageName *name)
{
  g_free (name->domain);
  g_free (name->path);
  g_free (name->tag);
  g_free (name->digest);
  g_free (name);
}

/* Splits off the registry: the first part is one if it could not be a part of a path. */
static const char *
split_domain (const char *text, char **domain)
{
  const char *slash = strchr (text, '/');
  gsize length = slash != NULL ? slash - text : 0;

  if (slash != NULL && (memchr (text, '.', length) != NULL || memchr (text, ':', length) != NULL || has_upper (text, length) ||
                        (length == 9 && strncmp (text, "localhost", 9) == 0))) {
    *domain = g_strndup (text, length);
    if (g_str_equal (*domain, "index.docker.io")) {
      g_free (*domain);
      *domain = g_strdup ("docker.io");
    }
    return slash + 1;
  }
  *domain = g_strdup ("docker.io");
  return text;
}

KubeImageName *
kube_image_name_parse (const char *text, GError **error)
{
  g_autoptr (KubeImageName) name = g_new0 (KubeImageName, 1);
  const char *rest;

  if (strlen (text) == 64 && strspn (text, "0123456789abcdef") == 64) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID,
                 "invalid repository name (%s), cannot specify 64-byte hexadecimal strings", text);
    return NULL;
  }
  rest = split_domain (text, &name->domain);
  gsize remote = strcspn (rest, ":");
  if (has_upper (rest, remote)) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "invalid reference format: repository name (%.*s) must be lowercase",
                 (int) remote, rest);
    return NULL;
  }
  const char *at = strchr (rest, '@');
  g_autofree char *body = at != NULL ? g_strndup (rest, at - rest) : g_strdup (rest);
  char *colon = strchr (body, ':');
  if (at != NULL)
    name->digest = g_strdup (at + 1);
  if (colon != NULL) {
    name->tag = g_strdup (colon + 1);
    *colon = '\0';
  } else if (at == NULL)
    name->tag = g_strdup ("latest");
  name->path = g_str_equal (name->domain, "docker.io") && strchr (body, '/') == NULL ? g_strconcat ("library/", body, NULL)
                                                                                     : g_strdup (body);

  if (!is_domain (name->domain) || !is_path (name->path) || (name->tag != NULL && !is_tag (name->tag)) ||
      (name->digest != NULL && !kube_digest_is_valid (name->digest))) {
    g_set_error_literal (error, KUBE_ERROR, KUBE_ERROR_INVALID, "invalid reference format");
    return NULL;
  }
  if (strlen (name->domain) + 1 + strlen (name->path) > MAX_NAME) {
    g_set_error (error, KUBE_ERROR, KUBE_ERROR_INVALID, "repository name must not be more than %d characters", MAX_NAME);
    return NULL;
  }
  return g_steal_pointer (&name);
}

char *
kube_image_name_print (const KubeImageName *name)
{
  GString *out = g_string_new (name->domain);

  g_string_append_printf (out, "/%s", name->path);
  if (name->tag != NULL)
    g_string_append_printf (out, ":%s", name->tag);
  if (name->digest != NULL)
    g_string_append_printf (out, "@%s", name->digest);
  return g_string_free (out, FALSE);
}

/**
 * kube_image_normalize_name:
 * @name: an image's name as people write it
 * @error: return location
 *
 * Returns: (transfer full): the name in full, with registry and tag
 * Since: 1.0
 */
char *
kube_image_normalize_name (const char *name, GError **error)
{
  g_autoptr (KubeImageName) parsed = kube_image_name_parse (name, error);

  return parsed != NULL ? kube_image_name_print (parsed) : NULL;
}
