/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Rewrites the links of an HTML page as it comes by, in pieces of any size. What is no link stays byte for byte what it was. */
typedef struct _KubeHtmlLinks KubeHtmlLinks;

/* Where a link shall point; (transfer full) (nullable): NULL leaves it. @link: as it stands in the page, with its character references. */
typedef char *(*KubeHtmlLinkFunc) (const char *link, gpointer user_data);

KubeHtmlLinks *kube_html_links_new (KubeHtmlLinkFunc func, gpointer user_data);
/* (transfer full): what is certain of the page so far and was not given out before. */
GBytes *kube_html_links_take (KubeHtmlLinks *links, const void *data, gsize length) G_GNUC_WARN_UNUSED_RESULT;
/* (transfer full): the rest, a tag that never ended. */
GBytes *kube_html_links_end (KubeHtmlLinks *links) G_GNUC_WARN_UNUSED_RESULT;
void kube_html_links_free (KubeHtmlLinks *links);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeHtmlLinks, kube_html_links_free)

G_END_DECLS
