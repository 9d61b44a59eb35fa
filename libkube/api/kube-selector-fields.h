/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-selector.h>

G_BEGIN_DECLS

/* (nullable): the text of the scalar at @path, borrowed until the next call; NULL where there is none. */
typedef const char *(*KubeSelectorFieldFunc) (const char *path, gpointer user_data);

/* A field selector on what is no #KubeObject yet: only the fields that it names are asked for. */
gboolean kube_selector_matches_fields (KubeSelector *selector, KubeSelectorFieldFunc func, gpointer user_data);

G_END_DECLS
