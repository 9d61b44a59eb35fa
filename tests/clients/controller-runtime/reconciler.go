// SPDX-License-Identifier: LGPL-2.1-or-later
package main

import (
	"context"
	"fmt"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	class     = "client-test"
	finalizer = "client-test.example.com/address"
	byBackend = "spec.backend"
)

// A balancer is an ingress controller as people write them: each Ingress of its class gets an address and a ConfigMap with the proxy's configuration.
type balancer struct {
	client.Client
	name   string
	events events.EventRecorder

	mutex     sync.Mutex
	addresses map[client.ObjectKey]string
	seen      map[client.ObjectKey]int
}

func isOurs(object client.Object) bool {
	of := object.(*networkingv1.Ingress).Spec.IngressClassName
	return of != nil && *of == class
}

func backendOf(object client.Object) []string {
	backend := object.(*networkingv1.Ingress).Spec.DefaultBackend
	if !isOurs(object) || backend == nil || backend.Service == nil {
		return nil
	}
	return []string{backend.Service.Name}
}

func (b *balancer) setUp(manager ctrl.Manager) error {
	if err := manager.GetFieldIndexer().IndexField(context.Background(), &networkingv1.Ingress{}, byBackend, backendOf); err != nil {
		return err
	}
	unique := true
	return ctrl.NewControllerManagedBy(manager).Named(b.name).
		For(&networkingv1.Ingress{}, builder.WithPredicates(predicate.NewPredicateFuncs(isOurs), predicate.GenerationChangedPredicate{})).
		Owns(&corev1.ConfigMap{}).
		Watches(&corev1.Service{}, handler.EnqueueRequestsFromMapFunc(b.ingressesOf)).
		WithOptions(controller.Options{MaxConcurrentReconciles: 2, SkipNameValidation: &unique}).
		Complete(b)
}

func (b *balancer) ingressesOf(ctx context.Context, service client.Object) (requests []reconcile.Request) {
	list := &networkingv1.IngressList{}
	if err := b.List(ctx, list, client.InNamespace(service.GetNamespace()), client.MatchingFields{byBackend: service.GetName()}); err != nil {
		return nil
	}
	for i := range list.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return requests
}

// Reconcile brings one Ingress to what it asks for.
func (b *balancer) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	ingress := &networkingv1.Ingress{}
	if err := b.Get(ctx, request.NamespacedName, ingress); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	b.count(request.NamespacedName)
	if !ingress.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, b.release(ctx, ingress)
	}
	if controllerutil.AddFinalizer(ingress, finalizer) {
		// the update comes back without a new generation
		if err := b.Update(ctx, ingress); err != nil {
			return ctrl.Result{}, err
		}
	}
	if err := b.configure(ctx, ingress); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, b.publish(ctx, ingress)
}

func (b *balancer) configure(ctx context.Context, ingress *networkingv1.Ingress) error {
	text, err := b.configuration(ctx, ingress)
	if err != nil {
		return err
	}
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ingress.Namespace, Name: ingress.Name + "-proxy"}}
	result, err := controllerutil.CreateOrUpdate(ctx, b.Client, config, func() error {
		config.Data = map[string]string{"proxy.conf": text}
		return controllerutil.SetControllerReference(ingress, config, b.Scheme())
	})
	if err == nil && result != controllerutil.OperationResultNone {
		b.events.Eventf(ingress, config, corev1.EventTypeNormal, "Configured", "Configure", "ConfigMap %s", result)
	}
	return err
}

func (b *balancer) configuration(ctx context.Context, ingress *networkingv1.Ingress) (string, error) {
	lines := []string{}
	for _, name := range backendOf(ingress) {
		service := &corev1.Service{}
		if err := b.Get(ctx, client.ObjectKey{Namespace: ingress.Namespace, Name: name}, service); client.IgnoreNotFound(err) != nil {
			return "", err
		}
		lines = append(lines, fmt.Sprintf("backend %s %s", name, service.Spec.ClusterIP))
	}
	return strings.Join(lines, "\n"), nil
}

func (b *balancer) publish(ctx context.Context, ingress *networkingv1.Ingress) error {
	key := client.ObjectKeyFromObject(ingress)
	b.mutex.Lock()
	if b.addresses[key] == "" {
		b.addresses[key] = fmt.Sprintf("192.0.2.%d", len(b.addresses)+1)
	}
	address := b.addresses[key]
	b.mutex.Unlock()
	if points := ingress.Status.LoadBalancer.Ingress; len(points) == 1 && points[0].IP == address {
		return nil
	}
	ingress.Status.LoadBalancer.Ingress = []networkingv1.IngressLoadBalancerIngress{{IP: address}}
	return b.Status().Update(ctx, ingress)
}

func (b *balancer) release(ctx context.Context, ingress *networkingv1.Ingress) error {
	b.mutex.Lock()
	delete(b.addresses, client.ObjectKeyFromObject(ingress))
	b.mutex.Unlock()
	before := ingress.DeepCopy()
	if !controllerutil.RemoveFinalizer(ingress, finalizer) {
		return nil
	}
	return b.Patch(ctx, ingress, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func (b *balancer) count(key client.ObjectKey) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.seen[key]++
}

func (b *balancer) reconciled(key client.ObjectKey) int {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.seen[key]
}
