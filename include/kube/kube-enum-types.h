/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>
#include <kube/kube-version-macros.h>

G_BEGIN_DECLS

/* The enumerations and flags as types, for properties, signals and bindings. */

#define KUBE_TYPE_CONTAINER_STATE (kube_container_state_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_container_state_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_ERROR (kube_error_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_error_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_LOG_FORMAT (kube_log_format_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_log_format_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_METRIC_TYPE (kube_metric_type_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_metric_type_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_NAME_FORMAT (kube_name_format_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_name_format_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_PATCH_TYPE (kube_patch_type_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_patch_type_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_QUANTITY_FORMAT (kube_quantity_format_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_quantity_format_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_SCHEDULER_CODE (kube_scheduler_code_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_scheduler_code_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_SCHEDULER_EVENTS (kube_scheduler_events_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_scheduler_events_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_STORE_EVENT_TYPE (kube_store_event_type_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_store_event_type_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_VALUE_TYPE (kube_value_type_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_value_type_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_VERB (kube_verb_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_verb_get_type (void) G_GNUC_CONST;
#define KUBE_TYPE_WATCH_EVENT_TYPE (kube_watch_event_type_get_type ())
KUBE_AVAILABLE_IN_1_0
GType kube_watch_event_type_get_type (void) G_GNUC_CONST;

G_END_DECLS
