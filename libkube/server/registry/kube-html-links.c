/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-html-links.h"
#include <string.h>

/* A tag longer than this is passed on as it is. */
#define MAX_TAG (16 * 1024)

struct _KubeHtmlLinks {
  KubeHtmlLinkFunc func;
  gpointer user_data;
  GString *pending; /* came, and is not certain yet */
  const char *raw;  /* (nullable): the element that is open and whose content is text up to its end tag */
};

/* The attributes that hold URLs, by element (HTML's own list, and upstream's). */
static const struct {
  const char *element, *attributes[5];
} url_attributes[] = {
  { "a", { "href" } }, { "applet", { "codebase" } }, { "area", { "href" } }, { "audio", { "src" } }, { "base", { "href" } }, { "blockquote", { "cite" } },
  { "body", { "background" } }, { "button", { "formaction" } }, { "command", { "icon" } }, { "del", { "cite" } }, { "embed", { "src" } }, { "form", { "action" } },
  { "frame", { "longdesc", "src" } }, { "head", { "profile" } }, { "html", { "manifest" } }, { "iframe", { "longdesc", "src" } }, { "img", { "longdesc", "src", "usemap" } },
  { "input", { "src", "usemap", "formaction" } }, { "ins", { "cite" } }, { "link", { "href" } }, { "object", { "classid", "codebase", "data", "usemap" } }, { "q", { "cite" } },
  { "script", { "src" } }, { "source", { "src" } }, { "video", { "poster", "src" } },
};

static const char *const raw_elements[] = { "iframe", "noembed", "noframes", "plaintext", "script", "style", "textarea", "title", "xmp" };

/* A part of the page. */
typedef struct {
  const char *text;
  gsize length;
} Span;

static gboolean
span_is (Span span, const char *word)
{
  return strlen (word) == span.length && g_ascii_strncasecmp (span.text, word, span.length) == 0;
}

static const char *const *
find_attributes (Span element)
{
  for (gsize i = 0; i < G_N_ELEMENTS (url_attributes); i++) {
    if (span_is (element, url_attributes[i].element))
      return url_attributes[i].attributes;
  }
  return NULL;
}

static const char *
find_raw (Span element)
{
  for (gsize i = 0; i < G_N_ELEMENTS (raw_elements); i++) {
    if (span_is (element, raw_elements[i]))
      return raw_elements[i];
  }
  return NULL;
}

/* How much of @text, from @at on, is not among @stops. */
static gsize
skip_until (Span tag, gsize at, const char *stops)
{
  gsize begin = at;

  while (at < tag.length && (tag.text[at] == '\0' || strchr (stops, tag.text[at]) == NULL))
    at++;
  return at - begin;
}

static gsize
skip_spaces (Span tag, gsize at)
{
  gsize begin = at;

  while (at < tag.length && g_ascii_isspace (tag.text[at]))
    at++;
  return at - begin;
}

/* The value behind '=', @at being the first byte behind that. */
static Span
read_value (Span tag, gsize at)
{
  const char *text = tag.text + at;

  if (at < tag.length && (*text == '"' || *text == '\'')) {
    const char quote[] = { *text, '\0' };
    return (Span){ text + 1, skip_until (tag, at + 1, quote) };
  }
  return (Span){ text, skip_until (tag, at, " \t\r\n\f>") };
}

/* Copies a start tag, with its links rewritten. */
static void
rewrite_tag (KubeHtmlLinks *links, Span tag, const char *const *attributes, GString *out)
{
  gsize at = 1 + skip_until (tag, 1, " \t\r\n\f/>"), copied = 0;

  while (at < tag.length) {
    Span name, value;

    while (at < tag.length && (g_ascii_isspace (tag.text[at]) || tag.text[at] == '/' || tag.text[at] == '>'))
      at++;
    name = (Span){ tag.text + at, skip_until (tag, at, " \t\r\n\f/>=") };
    at += name.length;
    at += skip_spaces (tag, at);
    if (at >= tag.length || tag.text[at] != '=') {
      at += name.length == 0; /* nothing that could be a name: no standing still */
      continue;
    }
    at += 1 + skip_spaces (tag, at + 1);
    value = read_value (tag, at);
    for (gsize i = 0; i < G_N_ELEMENTS (url_attributes[0].attributes) && attributes[i] != NULL; i++) {
      g_autofree char *link = span_is (name, attributes[i]) ? g_strndup (value.text, value.length) : NULL;
      g_autofree char *other = link != NULL ? links->func (link, links->user_data) : NULL;
      if (other == NULL)
        continue;
      g_string_append_len (out, tag.text + copied, value.text - tag.text - copied);
      g_string_append (out, other);
      copied = value.text + value.length - tag.text;
    }
    at = value.text + value.length - tag.text;
    at += at < tag.length && (tag.text[at] == '"' || tag.text[at] == '\'');
  }
  g_string_append_len (out, tag.text + copied, tag.length - copied);
}

/* The length of the tag that begins @rest, 0 where its end has not come. Quoted values may hold '>'. */
static gsize
measure_tag (Span rest)
{
  char quote = '\0', before = '\0';

  for (gsize i = 1; i < rest.length; i++) {
    char c = rest.text[i];
    if (quote != '\0')
      quote = c == quote ? '\0' : quote;
    else if ((c == '"' || c == '\'') && before == '=')
      quote = c;
    else if (c == '>')
      return i + 1;
    if (!g_ascii_isspace (c))
      before = c;
  }
  return 0;
}

static gsize
measure_until (Span rest, const char *end)
{
  const char *found = g_strstr_len (rest.text, rest.length, end);

  return found != NULL ? (gsize) (found - rest.text) + strlen (end) : 0;
}

/* What of @rest is text: up to the next tag, or to the end tag of an element whose content is text. */
static gsize
measure_text (KubeHtmlLinks *links, Span rest)
{
  gsize length = links->raw != NULL ? strlen (links->raw) : 0;

  for (gsize i = 0; i < rest.length; i++) {
    const char *text = rest.text + i;
    if (*text != '<')
      continue;
    if (links->raw == NULL)
      return i;
    if (rest.length - i < length + 3)
      return i; /* it may become one */
    if (text[1] == '/' && g_ascii_strncasecmp (text + 2, links->raw, length) == 0 && !g_ascii_isalnum (text[2 + length]))
      return i;
  }
  return rest.length;
}

/* Takes what @rest begins with: a tag, a comment, a declaration, or a '<' that is none of them. 0: its end has not come. */
static gsize
take_markup (KubeHtmlLinks *links, Span rest, GString *out)
{
  gsize length;
  Span name;

  if (rest.length < 4 || (links->raw != NULL && rest.length < strlen (links->raw) + 3))
    return 0;
  if (links->raw != NULL) {
    length = measure_tag (rest);
    links->raw = length > 0 ? NULL : links->raw;
  } else if (strncmp (rest.text, "<!--", 4) == 0) {
    length = measure_until (rest, "-->");
  } else if (rest.text[1] == '!' || rest.text[1] == '?' || rest.text[1] == '/') {
    length = measure_until (rest, ">");
  } else if (g_ascii_isalpha (rest.text[1])) {
    Span tag = { rest.text, measure_tag (rest) };
    if (tag.length == 0)
      return 0;
    name = (Span){ tag.text + 1, skip_until (tag, 1, " \t\r\n\f/>") };
    links->raw = find_raw (name);
    if (find_attributes (name) != NULL) {
      rewrite_tag (links, tag, find_attributes (name), out);
      return tag.length;
    }
    length = tag.length;
  } else {
    length = 1;
  }
  g_string_append_len (out, rest.text, length);
  return length;
}

KubeHtmlLinks *
kube_html_links_new (KubeHtmlLinkFunc func, gpointer user_data)
{
  KubeHtmlLinks *links = g_new0 (KubeHtmlLinks, 1);

  links->func = func;
  links->user_data = user_data;
  links->pending = g_string_new (NULL);
  return links;
}

GBytes *
kube_html_links_take (KubeHtmlLinks *links, const void *data, gsize length)
{
  GString *out = g_string_sized_new (length + 64);
  gsize at = 0, taken;

  g_string_append_len (links->pending, data, length);
  do {
    Span rest = { links->pending->str + at, links->pending->len - at };
    gsize text = measure_text (links, rest);

    g_string_append_len (out, rest.text, text);
    at += text;
    rest = (Span){ rest.text + text, rest.length - text };
    taken = take_markup (links, rest, out);
    if (taken == 0 && rest.length > MAX_TAG) {
      g_string_append_len (out, rest.text, rest.length);
      taken = rest.length;
    }
    at += taken;
  } while (taken > 0);
  g_string_erase (links->pending, 0, at);
  return g_string_free_to_bytes (out);
}

GBytes *
kube_html_links_end (KubeHtmlLinks *links)
{
  GString *rest = links->pending;

  links->pending = g_string_new (NULL);
  return g_string_free_to_bytes (rest);
}

void
kube_html_links_free (KubeHtmlLinks *links)
{
  g_string_free (links->pending, TRUE);
  g_free (links);
}
