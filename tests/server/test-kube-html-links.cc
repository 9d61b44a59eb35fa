/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gtest/gtest.h>
#include <string>
#include "registry/kube-html-links.h"

namespace {

char *
prepend (const char *link, gpointer)
{
  return *link == '/' ? g_strconcat ("/p", link, NULL) : NULL;
}

/* In pieces of @size bytes. */
std::string
rewrite (const std::string &page, size_t size)
{
  g_autoptr (KubeHtmlLinks) links = kube_html_links_new (prepend, NULL);
  std::string out;
  auto append = [&] (GBytes *bytes) {
    out.append ((const char *) g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    g_bytes_unref (bytes);
  };
  for (size_t at = 0; at < page.size (); at += size)
    append (kube_html_links_take (links, page.data () + at, std::min (size, page.size () - at)));
  append (kube_html_links_end (links));
  return out;
}

void
expect (const std::string &page, const std::string &wanted)
{
  for (size_t size : { 1, 2, 3, 7, 1000000 })
    EXPECT_EQ (rewrite (page, size), wanted) << "in pieces of " << size;
}

}

TEST (HtmlLinks, AreRewrittenWhereverHtmlHasOne)
{
  expect ("<a href=\"/rewriteme\">test</a>", "<a href=\"/p/rewriteme\">test</a>");
  expect ("<IMG class=x SRC = '/i.png' usemap=/m alt=\"/no\"/>", "<IMG class=x SRC = '/p/i.png' usemap=/p/m alt=\"/no\"/>");
  expect ("<form action=/post method=post><input formaction=\"/f\" name=a>", "<form action=/p/post method=post><input formaction=\"/p/f\" name=a>");
  expect ("<a title='x>y' href='/a'><a disabled href=/b>", "<a title='x>y' href='/p/a'><a disabled href=/p/b>");
  expect ("<script src=\"/s.js\"></script><a href=/a>", "<script src=\"/p/s.js\"></script><a href=/p/a>");
}

TEST (HtmlLinks, WhatIsNoLinkStays)
{
  for (const char *page : { "", "plain", "a < b <", "<", "<a", "<a href=\"/unended", "<p href=/x>", "<a href=rel>", "<a href>", "<a =/x>", "<!-- <a href=/x> -->", "<!DOCTYPE html>", "<?xml <a?>", "</a href=/x>",
                            "<script>if (a<b) document.write ('<a href=/x>')</script>", "<textarea><a href=/x></TEXTAREA >", "<style>a<b</style", "<title></titlex><a href=/x>",
                            "<script>if (a<b)</sc><img src=/i>" })
    expect (page, page);
}

TEST (HtmlLinks, AnEndlessTagIsPassedOn)
{
  std::string page = "<a href=\"" + std::string (200000, 'x');
  expect (page, page);
}
