/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* Who makes a request: immutable, counted, any thread. */
typedef struct _KubeUser KubeUser;
struct _KubeUser {
  gatomicrefcount refs;
  char *name;
  char *uid;          /* (nullable) */
  char **groups;
  KubeValue *extra;   /* (nullable): object of arrays of strings */
};

KubeUser *kube_user_new (const char *name, const char *uid, const char *const *groups, KubeValue *extra);
KubeUser *kube_user_ref (KubeUser *user);
void kube_user_unref (KubeUser *user);
gboolean kube_user_in_group (KubeUser *user, const char *group);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeUser, kube_user_unref)

G_END_DECLS
