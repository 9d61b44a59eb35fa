/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <kube/kube-client.h>
#include <kube/sys/kube-clock.h>

G_BEGIN_DECLS

/**
 * KubeEventRecorder:
 *
 * Records v1 Events about objects, in the background: events that repeat are counted up instead of written again, many similar ones are aggregated, and one
 * source's flood about one object is dropped, as client-go's EventCorrelator does. For the thread that made it.
 *
 * Since: 1.0
 */
#define KUBE_TYPE_EVENT_RECORDER (kube_event_recorder_get_type ())
KUBE_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (KubeEventRecorder, kube_event_recorder, KUBE, EVENT_RECORDER, GObject)

/* @component: "kubelet", "replicaset-controller"; @host: (nullable). */
KUBE_AVAILABLE_IN_1_0
KubeEventRecorder *kube_event_recorder_new (KubeClient *client, KubeClock *clock, const char *component, const char *host) G_GNUC_WARN_UNUSED_RESULT;
/* @type: "Normal" or "Warning". @field_path: (nullable): part of the object ("spec.containers{web}"). */
KUBE_AVAILABLE_IN_1_0
void kube_event_recorder_record (KubeEventRecorder *recorder, KubeObject *about, const char *field_path, const char *type, const char *reason, const char *message);
KUBE_AVAILABLE_IN_1_0
void kube_event_recorder_recordf (KubeEventRecorder *recorder, KubeObject *about, const char *field_path, const char *type, const char *reason, const char *format, ...) G_GNUC_PRINTF (6, 7);

G_END_DECLS
