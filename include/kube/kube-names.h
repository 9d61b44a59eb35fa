/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-error.h>

G_BEGIN_DECLS

/* The name formats of the API, as k8s.io/apimachinery's util/validation has them. Each check returns NULL for a good name and else
 * upstream's message (the last one where upstream would give several; kube_name_check_all() gives all of them). */
typedef enum {
  KUBE_NAME_DNS1123_LABEL,      /* at most 63: a-z 0-9 - */
  KUBE_NAME_DNS1123_SUBDOMAIN,  /* at most 253: labels joined by dots */
  KUBE_NAME_DNS1035_LABEL,      /* at most 63, begins with a letter */
  KUBE_NAME_QUALIFIED,          /* [prefix/]name: label and annotation keys, resource names */
  KUBE_NAME_LABEL_VALUE,        /* at most 63, may be empty */
  KUBE_NAME_PATH_SEGMENT,       /* not "." "..", no "/" and "%": RBAC names */
  KUBE_NAME_CONFIG_MAP_KEY,     /* at most 253: letters digits - _ . */
  KUBE_NAME_ENV_VAR,            /* printable ASCII without '=' */
  KUBE_NAME_C_IDENTIFIER,
  KUBE_NAME_PORT,               /* IANA service name: at most 15, at least one letter */
  KUBE_NAME_WILDCARD_DNS1123_SUBDOMAIN,
  KUBE_NAME_PERCENT,
  KUBE_NAME_HTTP_HEADER,
} KubeNameFormat;

/* (transfer container) (element-type utf8) (nullable): upstream's messages in upstream's order; NULL for a good name. */
KUBE_AVAILABLE_IN_1_0
GPtrArray *kube_name_check_all (KubeNameFormat format, const char *name);
KUBE_AVAILABLE_IN_1_0
gboolean kube_name_is_valid (KubeNameFormat format, const char *name);

/* A random (version 4) uid. */
KUBE_AVAILABLE_IN_1_0
char *kube_uid_new (void) G_GNUC_WARN_UNUSED_RESULT;
/* @prefix, cut so that all fits 63, and five random characters of bcdfghjklmnpqrstvwxz2456789. */
KUBE_AVAILABLE_IN_1_0
char *kube_name_generate (const char *prefix) G_GNUC_WARN_UNUSED_RESULT;
/* @n characters of that alphabet that stand for @hash: upstream's rand.SafeEncodeString over a decimal number. */
KUBE_AVAILABLE_IN_1_0
char *kube_name_safe_encode (guint32 hash) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
