/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-plan.h>

G_BEGIN_DECLS

/* One request of a plan and what follows from its answer. */
typedef struct {
  KubeRequest *request;
  guint stage;
  guint tolerated;      /* bits of KubeError codes */
  char *tolerated_cause;/* (nullable) */
  KubeObject *required; /* (owned) (nullable): what the answer has to be, alive */
  KubeObject *about;    /* (nullable): of the report */
  char *good_reason, *good_message, *bad_reason, *bad_message;
} KubePlanStep;

typedef struct {
  guint after;          /* how many requests were there when it was added */
  KubeObject *about;
  char *type, *reason, *message;
} KubePlanEvent;

struct _KubePlan {
  gatomicrefcount refs;
  GPtrArray *steps;     /* (element-type KubePlanStep): ordered by stage */
  GPtrArray *events;    /* (element-type KubePlanEvent) */
  guint stage;
  gint64 requeue_after; /* -1: none */
  KubePlanFunc func;    /* (nullable): goes on from the answers */
  gpointer user_data;
  GDestroyNotify destroy;
};

G_END_DECLS
