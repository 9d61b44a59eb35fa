/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-object.h>

G_BEGIN_DECLS

/* An event as it is recorded. */
typedef struct {
  KubeValue *involved; /* (owned): the object reference */
  char *type;
  char *reason;
  char *message;
  char *name; /* (nullable): of the Event object */
  gint64 first;
  gint64 last;
  gint64 count;
} KubeEventData;

void kube_event_data_free (KubeEventData *data);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeEventData, kube_event_data_free)

typedef enum {
  KUBE_EVENT_CREATE,
  KUBE_EVENT_PATCH, /* count, last and message of the Event called `name` */
  KUBE_EVENT_DROP,
} KubeEventAction;

/* KubeEventCorrelator: decides what becomes of an event, as client-go's EventCorrelator: events that repeat are counted up, ten
 * different ones of one reason within ten minutes are written as one, and a flood about one object is dropped. */
typedef struct _KubeEventCorrelator KubeEventCorrelator;

KubeEventCorrelator *kube_event_correlator_new (void);
void kube_event_correlator_free (KubeEventCorrelator *self);
/* Changes @data to what is to be written. @key: (out) (transfer full): under which it is counted. @now: microseconds since the
 * epoch. */
KubeEventAction kube_event_correlator_correlate (KubeEventCorrelator *self, KubeEventData *data, gint64 now, char **key);
/* The Event of @key was not written: what comes next under it is a new one. */
void kube_event_correlator_forget (KubeEventCorrelator *self, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KubeEventCorrelator, kube_event_correlator_free)

G_END_DECLS
