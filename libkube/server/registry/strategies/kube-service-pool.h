/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../../kube-operation.h"

G_BEGIN_DECLS

/* The addresses and node ports that services of a server hold. It is read from the stored services when it is first asked for, and kept by the service strategy from there. Any thread. */
typedef struct _KubeServicePool KubeServicePool;

/* (transfer none): lives as long as the server. */
KubeServicePool *kube_service_pool_get (KubeServer *server);

typedef enum { KUBE_POOL_GOOD, KUBE_POOL_TAKEN, KUBE_POOL_OUT_OF_RANGE, KUBE_POOL_NO_ADDRESS } KubePoolOutcome;

/* @dry_run: look, do not take. */
KubePoolOutcome kube_service_pool_take_address (KubeServicePool *pool, const char *address, gboolean dry_run);
/* (transfer full) (nullable): any free one; NULL where there is none. */
char *kube_service_pool_take_any_address (KubeServicePool *pool, gboolean dry_run);
void kube_service_pool_release_address (KubeServicePool *pool, const char *address);
KubePoolOutcome kube_service_pool_take_port (KubeServicePool *pool, gint64 port, gboolean dry_run);
/* 0 where there is none. */
gint64 kube_service_pool_take_any_port (KubeServicePool *pool, gboolean dry_run);
void kube_service_pool_release_port (KubeServicePool *pool, gint64 port);
/* "10.96.0.0/16", "30000-32767" */
const char *kube_service_pool_get_cidr (KubeServicePool *pool);
const char *kube_service_pool_get_ports (KubeServicePool *pool);
/* "IPv4" or "IPv6": what addresses of services are. */
const char *kube_service_pool_get_family (KubeServicePool *pool);

G_END_DECLS
