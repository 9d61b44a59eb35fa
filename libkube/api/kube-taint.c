/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kube-taint.h"

#include <string.h>

static KubeTaintEffect
parse_effect (const char *effect)
{
  if (effect == NULL || effect[0] == '\0')
    return KUBE_TAINT_EFFECT_ANY;
  if (strcmp (effect, "NoSchedule") == 0)
    return KUBE_TAINT_EFFECT_NO_SCHEDULE;
  if (strcmp (effect, "PreferNoSchedule") == 0)
    return KUBE_TAINT_EFFECT_PREFER_NO_SCHEDULE;
  return strcmp (effect, "NoExecute") == 0 ? KUBE_TAINT_EFFECT_NO_EXECUTE : KUBE_TAINT_EFFECT_OTHER;
}

KubeTaint
kube_taint_read (KubeValue *value)
{
  KubeTaint taint = { kube_value_get_member_string (value, "key"), kube_value_get_member_string (value, "value"),
                      parse_effect (kube_value_get_member_string (value, "effect")) };

  if (taint.key == NULL)
    taint.key = "";
  return taint;
}

KubeToleration
kube_toleration_read (KubeValue *value)
{
  KubeToleration toleration = { kube_value_get_member_string (value, "key"), kube_value_get_member_string (value, "value"),
                                g_strcmp0 (kube_value_get_member_string (value, "operator"), "Exists") == 0,
                                parse_effect (kube_value_get_member_string (value, "effect")) };

  if (toleration.key != NULL && toleration.key[0] == '\0')
    toleration.key = NULL;
  return toleration;
}

GArray *
kube_tolerations_read (KubeValue *values)
{
  guint n = kube_value_get_length (values);
  GArray *tolerations;

  if (n == 0)
    return NULL;
  tolerations = g_array_sized_new (FALSE, FALSE, sizeof (KubeToleration), n);
  for (guint i = 0; i < n; i++) {
    KubeToleration toleration = kube_toleration_read (kube_value_get_element (values, i));

    g_array_append_val (tolerations, toleration);
  }
  return tolerations;
}

gboolean
kube_toleration_covers (const KubeToleration *toleration, const KubeTaint *taint)
{
  if (toleration->effect != KUBE_TAINT_EFFECT_ANY && toleration->effect != taint->effect)
    return FALSE;
  if (toleration->key != NULL && strcmp (toleration->key, taint->key) != 0)
    return FALSE;
  return toleration->exists || strcmp (toleration->value != NULL ? toleration->value : "", taint->value != NULL ? taint->value : "") == 0;
}

gboolean
kube_tolerations_cover (GArray *tolerations, const KubeTaint *taint)
{
  for (guint i = 0; tolerations != NULL && i < tolerations->len; i++) {
    if (kube_toleration_covers (&g_array_index (tolerations, KubeToleration, i), taint))
      return TRUE;
  }
  return FALSE;
}
