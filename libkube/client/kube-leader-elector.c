/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define KUBE_LOG_TOPIC "leader-elector"

#include <kube/kube-leader-elector.h>
#include <kube/kube-log.h>
#include <kube/kube-time.h>
#include "kube-source.h"

#define LEASE_DURATION (15 * (gint64) G_USEC_PER_SEC)
#define RENEW_DEADLINE (10 * (gint64) G_USEC_PER_SEC)
#define RETRY_PERIOD (2 * (gint64) G_USEC_PER_SEC)
#define JITTER 1.2 /* of the retry period, while one waits to lead */

/* What an attempt to acquire or renew does at this moment. */
typedef enum {
  IDLE,
  RENEWING, /* writes what it wrote last, with a new time, without reading */
  READING,
  WRITING,
} Step;

struct _KubeLeaderElector {
  GObject parent;

  KubeClient *client;    /* (owned) */
  KubeClock *clock;      /* (owned) */
  KubeKind *kind;        /* (owned) */
  GMainContext *context; /* (owned) */
  char *namespace_;
  char *name;
  char *identity;
  gint64 lease_duration;
  gint64 renew_deadline;
  gint64 retry_period;

  gboolean running;
  gboolean leading;
  Step step;
  GCancellable *cancellable; /* (owned) (nullable): of the request under way */
  GSource *timer;            /* (owned) (nullable): the next attempt */
  GSource *deadline;         /* (owned) (nullable): by when a renewal must succeed */
  KubeObject *observed;      /* (owned) (nullable): the lease as it was last seen or written */
  gint64 observed_at;        /* monotonic: other clocks are not compared with ours */
  char *reported;            /* (nullable): the leader that was last told of */
};

enum { STARTED_LEADING, STOPPED_LEADING, NEW_LEADER, N_SIGNALS };

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (KubeLeaderElector, kube_leader_elector, G_TYPE_OBJECT)

static void attempt_begin (KubeLeaderElector *self);
static void attempt_read (KubeLeaderElector *self);

static void
cancel (KubeLeaderElector *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  self->step = IDLE;
}

static void
kube_leader_elector_dispose (GObject *object)
{
  kube_leader_elector_stop (KUBE_LEADER_ELECTOR (object));
  G_OBJECT_CLASS (kube_leader_elector_parent_class)->dispose (object);
}

static void
kube_leader_elector_finalize (GObject *object)
{
  KubeLeaderElector *self = KUBE_LEADER_ELECTOR (object);

  g_clear_pointer (&self->observed, kube_object_unref);
  g_free (self->reported);
  g_free (self->namespace_);
  g_free (self->name);
  g_free (self->identity);
  g_main_context_unref (self->context);
  kube_kind_unref (self->kind);
  g_object_unref (self->clock);
  g_object_unref (self->client);
  G_OBJECT_CLASS (kube_leader_elector_parent_class)->finalize (object);
}

static void
kube_leader_elector_class_init (KubeLeaderElectorClass *class)
{
  G_OBJECT_CLASS (class)->dispose = kube_leader_elector_dispose;
  G_OBJECT_CLASS (class)->finalize = kube_leader_elector_finalize;

  /**
   * KubeLeaderElector::started-leading:
   * @elector: the elector
   *
   * Since: 1.0
   */
  signals[STARTED_LEADING]
      = g_signal_new ("started-leading", KUBE_TYPE_LEADER_ELECTOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * KubeLeaderElector::stopped-leading:
   * @elector: the elector
   *
   * The lease was lost or given back. Whoever led must stop at once. The elector waits to lead again, unless it was stopped.
   *
   * Since: 1.0
   */
  signals[STOPPED_LEADING]
      = g_signal_new ("stopped-leading", KUBE_TYPE_LEADER_ELECTOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * KubeLeaderElector::new-leader:
   * @elector: the elector
   * @identity: who leads from now on, maybe oneself
   *
   * Since: 1.0
   */
  signals[NEW_LEADER] = g_signal_new ("new-leader", KUBE_TYPE_LEADER_ELECTOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                      1, G_TYPE_STRING);
}

static void
kube_leader_elector_init (KubeLeaderElector *self)
{
  self->context = g_main_context_ref_thread_default ();
  self->lease_duration = LEASE_DURATION;
  self->renew_deadline = RENEW_DEADLINE;
  self->retry_period = RETRY_PERIOD;
}

/**
 * kube_leader_elector_new:
 * @client: the way to the server
 * @clock: (nullable): the real one
 * @namespace_: namespace of the Lease
 * @name: name of the Lease
 * @identity: who asks; differs between processes
 *
 * Returns: (transfer full): an elector that was not started
 * Since: 1.0
 */
KubeLeaderElector *
kube_leader_elector_new (KubeClient *client, KubeClock *clock, const char *namespace_, const char *name, const char *identity)
{
  KubeLeaderElector *self = g_object_new (KUBE_TYPE_LEADER_ELECTOR, NULL);
  KubeKind *kind = kube_scheme_find_kind (kube_client_get_scheme (client), "coordination.k8s.io/v1", "Lease");

  self->client = g_object_ref (client);
  self->clock = g_object_ref (clock != NULL ? clock : kube_clock_get_real ());
  self->kind = kind != NULL ? kube_kind_ref (kind) : kube_kind_new ("coordination.k8s.io", "v1", "Lease", "leases", TRUE);
  self->namespace_ = g_strdup (namespace_);
  self->name = g_strdup (name);
  self->identity = g_strdup (identity);
  return self;
}

/**
 * kube_leader_elector_set_times:
 * @elector: an elector that was not started
 * @lease_duration: microseconds for which others keep away from a lease that is not renewed; more than @renew_deadline
 * @renew_deadline: microseconds after which one who cannot renew gives up; more than 1.2 times @retry_period
 * @retry_period: microseconds between attempts
 *
 * Since: 1.0
 */
void
kube_leader_elector_set_times (KubeLeaderElector *elector, gint64 lease_duration, gint64 renew_deadline, gint64 retry_period)
{
  g_return_if_fail (lease_duration > renew_deadline && renew_deadline > JITTER * retry_period);
  elector->lease_duration = lease_duration;
  elector->renew_deadline = renew_deadline;
  elector->retry_period = retry_period;
}

static gint64
now_of (KubeLeaderElector *self)
{
  return kube_clock_get_monotonic_time (self->clock);
}

static GSource *
add_timer (KubeLeaderElector *self, gint64 delay, GSourceFunc func)
{
  GSource *timer = kube_clock_create_timer (self->clock, now_of (self) + delay);

  g_source_set_callback (timer, func, self, NULL);
  g_source_attach (timer, self->context);
  return timer;
}

static const char *
get_holder (KubeLeaderElector *self)
{
  const char *holder = self->observed != NULL ? kube_object_get_string (self->observed, "spec.holderIdentity") : NULL;
  return holder != NULL ? holder : "";
}

static gboolean
is_holder (KubeLeaderElector *self)
{
  return g_str_equal (get_holder (self), self->identity);
}

/* Whether the observed lease still keeps others away. */
static gboolean
is_valid (KubeLeaderElector *self)
{
  gint64 seconds = self->observed != NULL ? kube_object_get_integer (self->observed, "spec.leaseDurationSeconds", 0) : 0;
  return self->observed_at + CLAMP (seconds, 0, G_MAXINT32) * G_USEC_PER_SEC > now_of (self);
}

static void
set_observed (KubeLeaderElector *self, KubeObject *lease)
{
  g_clear_pointer (&self->observed, kube_object_unref);
  self->observed = kube_object_ref (lease);
  self->observed_at = now_of (self);
}

static void
report_leader (KubeLeaderElector *self)
{
  const char *holder = get_holder (self);

  if (g_strcmp0 (self->reported, holder) == 0)
    return;
  g_free (self->reported);
  self->reported = g_strdup (holder);
  g_signal_emit (self, signals[NEW_LEADER], 0, self->reported);
}

/* The lease as one writes it: @base with one's own record. */
static KubeObject *
make_lease (KubeLeaderElector *self, KubeObject *base, const char *holder)
{
  g_autoptr (KubeBuilder) builder = kube_builder_new (base != NULL ? kube_object_get_value (base) : NULL);
  KubeNode *root = kube_builder_get_root (builder);
  char now[KUBE_TIME_STRING_SIZE];
  const char *held_by = base != NULL ? kube_object_get_string (base, "spec.holderIdentity") : NULL;
  gint64 transitions = base != NULL ? kube_object_get_integer (base, "spec.leaseTransitions", 0) : 0;
  gint64 seconds = *holder != '\0' ? self->lease_duration / G_USEC_PER_SEC : 1;

  kube_time_format_micro (kube_clock_get_time (self->clock), now);
  kube_node_set_string (root, "apiVersion", "coordination.k8s.io/v1");
  kube_node_set_string (root, "kind", "Lease");
  kube_node_set_string (root, "metadata.name", self->name);
  kube_node_set_string (root, "metadata.namespace", self->namespace_);
  if (base != NULL && *holder != '\0' && g_strcmp0 (held_by, holder) != 0)
    transitions++;
  if (g_strcmp0 (held_by, holder) != 0 || kube_node_get (root, "spec.acquireTime") == NULL)
    kube_node_set_string (root, "spec.acquireTime", now);
  kube_node_set_string (root, "spec.holderIdentity", holder);
  kube_node_set_integer (root, "spec.leaseDurationSeconds", MAX (seconds, 1));
  kube_node_set_integer (root, "spec.leaseTransitions", transitions);
  kube_node_set_string (root, "spec.renewTime", now);
  return kube_object_new_from_builder (builder);
}

static gboolean
on_attempt (gpointer user_data)
{
  g_autoptr (KubeLeaderElector) self = g_object_ref (user_data);

  g_clear_pointer (&self->timer, g_source_unref);
  attempt_begin (self);
  return G_SOURCE_REMOVE;
}

static void
attempt_later (KubeLeaderElector *self)
{
  gint64 delay = self->retry_period;

  if (!self->leading)
    delay += g_random_double () * JITTER * delay;
  kube_clear_source (&self->timer);
  self->timer = add_timer (self, delay, on_attempt);
}

static void
lose (KubeLeaderElector *self)
{
  kube_clear_source (&self->deadline);
  self->leading = FALSE;
  g_signal_emit (self, signals[STOPPED_LEADING], 0);
}

static gboolean
on_deadline (gpointer user_data)
{
  g_autoptr (KubeLeaderElector) self = g_object_ref (user_data);

  kube_info (1, "failed to renew lease %s/%s in time", self->namespace_, self->name);
  cancel (self);
  kube_clear_source (&self->timer);
  lose (self);
  if (self->running)
    attempt_later (self);
  return G_SOURCE_REMOVE;
}

static void
attempt_done (KubeLeaderElector *self, gboolean held)
{
  self->step = IDLE;
  g_clear_object (&self->cancellable);
  report_leader (self);
  if (!self->running)
    return;
  if (held)
    kube_clear_source (&self->deadline);
  if (held && !self->leading) {
    self->leading = TRUE;
    g_signal_emit (self, signals[STARTED_LEADING], 0);
  }
  if (self->running)
    attempt_later (self);
}

static void
on_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (KubeLeaderElector) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->step == IDLE)
    return;
  KubeObject *lease = response != NULL ? kube_response_get_object (response) : NULL;
  if (lease != NULL) {
    set_observed (self, lease);
    attempt_done (self, TRUE);
  } else if (self->step == RENEWING)
    attempt_read (self); /* somebody else has written it, or so it seems */
  else {
    kube_info (2, "error taking lease %s/%s: %s", self->namespace_, self->name, error != NULL ? error->message : "no object");
    attempt_done (self, FALSE);
  }
}

/* @base: (nullable): what is replaced; NULL: it is created */
static void
attempt_write (KubeLeaderElector *self, KubeObject *base, Step step)
{
  KubeVerb verb = base != NULL ? KUBE_VERB_UPDATE : KUBE_VERB_CREATE;
  g_autoptr (KubeRequest) request = kube_request_new (verb, self->kind, self->namespace_, base != NULL ? self->name : NULL);
  g_autoptr (KubeObject) lease = make_lease (self, base, self->identity);

  self->step = step;
  kube_request_set_object (request, lease);
  kube_client_send_async (self->client, request, self->cancellable, on_written, g_object_ref (self));
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (KubeLeaderElector) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) || self->step != READING)
    return;
  if (g_error_matches (error, KUBE_ERROR, KUBE_ERROR_NOT_FOUND)) {
    attempt_write (self, NULL, WRITING);
    return;
  }
  KubeObject *lease = response != NULL ? kube_response_get_object (response) : NULL;
  if (lease == NULL) {
    kube_info (2, "error reading lease %s/%s: %s", self->namespace_, self->name, error != NULL ? error->message : "no object");
    attempt_done (self, FALSE);
    return;
  }

  /* The time counts from when a change is seen here, whatever the holder's clock says. */
  if (self->observed == NULL || !kube_value_equal (kube_object_get (self->observed, "spec"), kube_object_get (lease, "spec")))
    set_observed (self, lease);
  if (*get_holder (self) != '\0' && is_valid (self) && !is_holder (self)) {
    attempt_done (self, FALSE);
    return;
  }
  attempt_write (self, lease, WRITING);
}

static void
attempt_read (KubeLeaderElector *self)
{
  g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_GET, self->kind, self->namespace_, self->name);

  self->step = READING;
  kube_client_send_async (self->client, request, self->cancellable, on_read, g_object_ref (self));
}

static void
attempt_begin (KubeLeaderElector *self)
{
  self->cancellable = g_cancellable_new ();
  if (self->leading && self->deadline == NULL)
    self->deadline = add_timer (self, self->renew_deadline, on_deadline);
  if (self->leading && is_holder (self) && is_valid (self))
    attempt_write (self, self->observed, RENEWING);
  else
    attempt_read (self);
}

/**
 * kube_leader_elector_start:
 * @elector: an elector
 *
 * Begins to try for the lease.
 *
 * Since: 1.0
 */
void
kube_leader_elector_start (KubeLeaderElector *elector)
{
  if (elector->running)
    return;
  elector->running = TRUE;
  attempt_begin (elector);
}

static void
on_released (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KubeResponse) response = kube_client_send_finish (KUBE_CLIENT (source), result, &error);

  if (response == NULL)
    kube_info (2, "failed to release a lease: %s", error->message);
}

/**
 * kube_leader_elector_stop:
 * @elector: an elector
 *
 * Gives the lease back where it is held, so that another need not wait for its end, and tries no more.
 *
 * Since: 1.0
 */
void
kube_leader_elector_stop (KubeLeaderElector *elector)
{
  gboolean held = elector->running && elector->leading && is_holder (elector);

  elector->running = FALSE;
  cancel (elector);
  kube_clear_source (&elector->timer);
  if (held) {
    g_autoptr (KubeRequest) request = kube_request_new (KUBE_VERB_UPDATE, elector->kind, elector->namespace_, elector->name);
    g_autoptr (KubeObject) lease = make_lease (elector, elector->observed, "");
    kube_request_set_object (request, lease);
    kube_client_send_async (elector->client, request, NULL, on_released, NULL);
  }
  if (elector->leading)
    lose (elector);
}

/**
 * kube_leader_elector_is_leader:
 * @elector: an elector
 *
 * Returns: whether this one leads
 * Since: 1.0
 */
gboolean
kube_leader_elector_is_leader (KubeLeaderElector *elector)
{
  return elector->leading;
}
