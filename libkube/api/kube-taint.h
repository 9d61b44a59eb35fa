/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-value.h>

G_BEGIN_DECLS

/* Taints of nodes and what pods tolerate of them. Their strings are borrowed from the objects that they were read from. */

typedef enum {
  KUBE_TAINT_EFFECT_ANY,
  KUBE_TAINT_EFFECT_NO_SCHEDULE,
  KUBE_TAINT_EFFECT_PREFER_NO_SCHEDULE,
  KUBE_TAINT_EFFECT_NO_EXECUTE,
  KUBE_TAINT_EFFECT_OTHER,
} KubeTaintEffect;

typedef struct {
  const char *key, *value;
  KubeTaintEffect effect;
} KubeTaint;

typedef struct {
  const char *key, *value; /* @key NULL: all */
  gboolean exists;         /* whatever the value */
  KubeTaintEffect effect;
} KubeToleration;

/* From elements of spec.taints and spec.tolerations. */
KubeTaint kube_taint_read (KubeValue *value);
KubeToleration kube_toleration_read (KubeValue *value);
/* (transfer full) (nullable) (element-type KubeToleration): NULL where there are none. */
GArray *kube_tolerations_read (KubeValue *tolerations) G_GNUC_WARN_UNUSED_RESULT;

gboolean kube_toleration_covers (const KubeToleration *toleration, const KubeTaint *taint);
/* @tolerations: (nullable): whether one of them covers @taint. */
gboolean kube_tolerations_cover (GArray *tolerations, const KubeTaint *taint);

G_END_DECLS
