// SPDX-License-Identifier: LGPL-2.1-or-later

// What a controller on controller-runtime does: a manager with leader election, a cache with an index, a reconciler that owns objects, writes status and holds a finalizer.
// Usage: controller-runtime, with KUBECONFIG naming the cluster's administrator.
package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"libkube.example/clients/check"
)

const namespace = "controller-runtime"

// A candidate is a manager with its balancer, as one replica of a controller's Deployment would be.
type candidate struct {
	manager ctrl.Manager
	*balancer
	stop  context.CancelFunc
	ended chan error
}

func newCandidate(config *rest.Config, name string) (*candidate, error) {
	grace, lease, renew, retry := 5*time.Second, 3*time.Second, 2*time.Second, 100*time.Millisecond
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Metrics: server.Options{BindAddress: "0"}, HealthProbeBindAddress: "0", GracefulShutdownTimeout: &grace,
		LeaderElection: true, LeaderElectionID: "client-test.example.com", LeaderElectionNamespace: namespace, LeaderElectionReleaseOnCancel: true,
		LeaseDuration: &lease, RenewDeadline: &renew, RetryPeriod: &retry,
	})
	if err != nil {
		return nil, err
	}
	b := &balancer{Client: manager.GetClient(), name: name, events: manager.GetEventRecorder(name),
		addresses: map[client.ObjectKey]string{}, seen: map[client.ObjectKey]int{}}
	return &candidate{manager: manager, balancer: b}, b.setUp(manager)
}

func (c *candidate) start() {
	ctx, stop := context.WithCancel(context.Background())
	c.stop, c.ended = stop, make(chan error, 1)
	go func() { c.ended <- c.manager.Start(ctx) }()
}

func (c *candidate) elected(ctx context.Context) error {
	_, err := check.Receive(ctx, c.manager.Elected())
	if err != nil && ctx.Err() == nil {
		return nil // being elected closes the channel
	}
	return err
}

// A session is the two candidates, and a client without cache to look at what they did.
type session struct {
	client.Client
	first, second *candidate
}

func ingress(name, ofClass string) *networkingv1.Ingress {
	return &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: networkingv1.IngressSpec{IngressClassName: &ofClass, DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}}}}}
}

func (s *session) fetch(ctx context.Context, object client.Object, name string) error {
	return s.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
}

// proxyOf waits until the ConfigMap of an Ingress satisfies the condition.
func (s *session) proxyOf(ctx context.Context, name string, condition func(*corev1.ConfigMap) error) error {
	return check.Until(ctx, func() error {
		config := &corev1.ConfigMap{}
		if err := s.fetch(ctx, config, name+"-proxy"); err != nil {
			return err
		}
		return condition(config)
	})
}

func (s *session) gone(ctx context.Context, object client.Object, name string) error {
	return check.Until(ctx, func() error {
		err := s.fetch(ctx, object, name)
		return check.That(apierrors.IsNotFound(err), "%s is still there: %v", name, err)
	})
}

func (s *session) start(ctx context.Context) error {
	if err := s.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	s.first.start()
	if err := s.first.elected(ctx); err != nil {
		return err
	}
	s.second.start()
	return nil
}

func (s *session) reconcile(ctx context.Context) error {
	if err := check.First(s.Create(ctx, ingress("site", class)), s.Create(ctx, ingress("other", "another"))); err != nil {
		return err
	}
	made := &networkingv1.Ingress{}
	err := check.Until(ctx, func() error {
		err := s.fetch(ctx, made, "site")
		return check.First(err, check.That(len(made.Status.LoadBalancer.Ingress) == 1, "no address"))
	})
	if err != nil {
		return err
	}
	return check.First(check.Equal("address", made.Status.LoadBalancer.Ingress[0].IP, "192.0.2.1"), check.Equal("generation", made.Generation, 1),
		check.That(len(made.Finalizers) == 1 && made.Finalizers[0] == finalizer, "finalizers %v", made.Finalizers),
		s.proxyOf(ctx, "site", func(config *corev1.ConfigMap) error {
			owner := metav1.GetControllerOf(config)
			return check.First(check.Equal("data", config.Data["proxy.conf"], "backend web "),
				check.That(owner != nil && owner.UID == made.UID && *owner.BlockOwnerDeletion, "owner %v", owner))
		}))
}

func (s *session) watched(ctx context.Context) error {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
	if err := s.Create(ctx, service); err != nil {
		return err
	}
	return s.proxyOf(ctx, "site", func(config *corev1.ConfigMap) error {
		return check.Equal("data", config.Data["proxy.conf"], "backend web "+service.Spec.ClusterIP)
	})
}

func (s *session) owned(ctx context.Context) error {
	config := &corev1.ConfigMap{}
	if err := s.fetch(ctx, config, "site-proxy"); err != nil {
		return err
	}
	want, uid := config.Data["proxy.conf"], config.UID
	if err := s.Patch(ctx, config, client.RawPatch("application/merge-patch+json", []byte(`{"data":{"proxy.conf":"broken","more":"x"}}`))); err != nil {
		return err
	}
	restored := func(config *corev1.ConfigMap) error {
		return check.First(check.Equal("data", config.Data["proxy.conf"], want), check.Equal("keys", len(config.Data), 1))
	}
	if err := s.proxyOf(ctx, "site", restored); err != nil {
		return err
	}
	if err := s.Delete(ctx, config); err != nil {
		return err
	}
	return s.proxyOf(ctx, "site", func(config *corev1.ConfigMap) error {
		return check.First(check.That(config.UID != uid, "not made anew"), restored(config))
	})
}

func (s *session) ignored(ctx context.Context) error {
	// what the predicates let through comes after what they do not, in the order of the watch
	if err := s.Create(ctx, ingress("later", class)); err != nil {
		return err
	}
	if err := s.proxyOf(ctx, "later", func(*corev1.ConfigMap) error { return nil }); err != nil {
		return err
	}
	key := client.ObjectKey{Namespace: namespace, Name: "later"}
	return check.First(check.Equal("reconciled (other class)", s.first.reconciled(client.ObjectKey{Namespace: namespace, Name: "other"}), 0),
		check.That(s.first.reconciled(key) > 0, "later was not reconciled"),
		check.Equal("reconciled by who does not lead", s.second.reconciled(key), 0))
}

func (s *session) recorded(ctx context.Context) error {
	return check.Until(ctx, func() error {
		list := &eventsv1.EventList{}
		if err := s.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{"reason": "Configured"}); err != nil {
			return err
		}
		for _, event := range list.Items {
			if event.Regarding.Name == "site" && event.Note == "ConfigMap created" {
				return check.First(check.Equal("reportingController", event.ReportingController, "first"), check.Equal("related", event.Related.Name, "site-proxy"))
			}
		}
		return fmt.Errorf("not among %d events", len(list.Items))
	})
}

// The first resigns: the second one leads, and has the state from its own cache.
func (s *session) handOver(ctx context.Context) error {
	s.first.stop()
	ended, err := check.Receive(ctx, s.first.ended)
	if err := check.First(err, ended, s.second.elected(ctx)); err != nil {
		return err
	}
	if err := s.Create(ctx, ingress("after", class)); err != nil {
		return err
	}
	after := &networkingv1.Ingress{}
	return check.Until(ctx, func() error {
		err := s.fetch(ctx, after, "after")
		return check.First(err, check.That(len(after.Status.LoadBalancer.Ingress) == 1, "no address"),
			check.Equal("reconciled by the first", s.first.reconciled(client.ObjectKeyFromObject(after)), 0))
	})
}

func (s *session) finalize(ctx context.Context) error {
	if err := s.Delete(ctx, ingress("site", class), client.PropagationPolicy(metav1.DeletePropagationForeground)); err != nil {
		return err
	}
	return check.First(s.gone(ctx, &networkingv1.Ingress{}, "site"), s.gone(ctx, &corev1.ConfigMap{}, "site-proxy"))
}

// A namespace goes while the controller runs: what is in it is finalized on the way.
func (s *session) end(ctx context.Context) error {
	if err := s.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		return err
	}
	if err := s.gone(ctx, &networkingv1.Ingress{}, "after"); err != nil {
		return err
	}
	s.second.stop()
	ended, err := check.Receive(ctx, s.second.ended)
	return check.First(err, ended, check.Until(ctx, func() error {
		err := s.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{})
		return check.That(apierrors.IsNotFound(err), "the namespace is still there: %v", err)
	}))
}

func main() {
	ctrl.SetLogger(klog.Background())
	config := check.Must(ctrl.GetConfig())
	config.QPS = -1
	s := &session{Client: check.Must(client.New(config, client.Options{})),
		first: check.Must(newCandidate(config, "first")), second: check.Must(newCandidate(config, "second"))}
	check.Main([]check.Step{
		{Name: "one of two managers is elected", Run: s.start},
		{Name: "an object is reconciled: owned object, finalizer, status", Run: s.reconcile},
		{Name: "another kind is mapped through an index", Run: s.watched},
		{Name: "an owned object is restored", Run: s.owned},
		{Name: "predicates hold back", Run: s.ignored},
		{Name: "events are recorded", Run: s.recorded},
		{Name: "the other manager takes over", Run: s.handOver},
		{Name: "foreground deletion waits for finalizer and owned objects", Run: s.finalize},
		{Name: "a namespace goes with what the controller holds", Run: s.end},
	})
}
