/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-user.h"

KubeUser *
kube_user_new (const char *name, const char *uid, const char *const *groups, KubeValue *extra)
{
  KubeUser *user = g_new0 (KubeUser, 1);

  g_atomic_ref_count_init (&user->refs);
  user->name = g_strdup (name);
  user->uid = g_strdup (uid);
  user->groups = groups != NULL ? g_strdupv ((char **) groups) : g_new0 (char *, 1);
  user->extra = extra != NULL ? kube_value_ref (extra) : NULL;
  return user;
}

KubeUser *
kube_user_ref (KubeUser *user)
{
  g_atomic_ref_count_inc (&user->refs);
  return user;
}

void
kube_user_unref (KubeUser *user)
{
  if (!g_atomic_ref_count_dec (&user->refs))
    return;
  g_free (user->name);
  g_free (user->uid);
  g_strfreev (user->groups);
  g_clear_pointer (&user->extra, kube_value_unref);
  g_free (user);
}

gboolean
kube_user_in_group (KubeUser *user, const char *group)
{
  return g_strv_contains ((const char *const *) user->groups, group);
}
