// SPDX-License-Identifier: LGPL-2.1-or-later
package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"

	"libkube.example/clients/check"
)

var (
	configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	leases     = schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}
)

// next is the following event as "TYPE name", bookmarks left out.
func next(ctx context.Context, w watch.Interface) (string, error) {
	for {
		event, err := check.Receive(ctx, w.ResultChan())
		if err != nil {
			return "", err
		}
		if event.Type == watch.Error {
			return "", apierrors.FromObject(event.Object)
		}
		object, ok := event.Object.(metav1.Object)
		if !ok {
			return "", fmt.Errorf("an event of %T", event.Object)
		}
		if event.Type != watch.Bookmark {
			return fmt.Sprintf("%s %s", event.Type, object.GetName()), nil
		}
	}
}

func expect(ctx context.Context, w watch.Interface, want ...string) error {
	for _, text := range want {
		got, err := next(ctx, w)
		if err != nil {
			return fmt.Errorf("instead of %s: %w", text, err)
		}
		if err := check.Equal("event", got, text); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) watch(ctx context.Context) error {
	maps := s.typed.CoreV1().ConfigMaps(s.namespace)
	list, err := maps.List(ctx, everyOne)
	if err != nil {
		return err
	}
	made, err := maps.Create(ctx, configMap("watched", "1"), always)
	if err != nil {
		return err
	}
	w, err := maps.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion, AllowWatchBookmarks: true})
	if err != nil {
		return err
	}
	defer w.Stop()
	// an object that leaves the selector is deleted to its watcher
	selected, err := maps.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion, LabelSelector: "in=yes"})
	if err != nil {
		return err
	}
	defer selected.Stop()
	for _, in := range []string{"yes", "no"} {
		made.Labels = map[string]string{"in": in}
		if made, err = maps.Update(ctx, made, replace); err != nil {
			return err
		}
	}
	if err := maps.Delete(ctx, "watched", remove); err != nil {
		return err
	}
	return check.First(expect(ctx, w, "ADDED watched", "MODIFIED watched", "MODIFIED watched", "DELETED watched"),
		expect(ctx, selected, "ADDED watched", "DELETED watched"))
}

func (s *session) watchList(ctx context.Context) error {
	initial := true
	w, err := s.typed.CoreV1().ConfigMaps(s.namespace).Watch(ctx, metav1.ListOptions{SendInitialEvents: &initial, AllowWatchBookmarks: true,
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, FieldSelector: "metadata.name=kube-root-ca.crt"})
	if err != nil {
		return err
	}
	defer w.Stop()
	if err := expect(ctx, w, "ADDED kube-root-ca.crt"); err != nil {
		return err
	}
	event, err := check.Receive(ctx, w.ResultChan())
	if err != nil {
		return err
	}
	bookmark, ok := event.Object.(*corev1.ConfigMap)
	return check.First(check.Equal("event", event.Type, watch.Bookmark), check.That(ok, "a bookmark of %T", event.Object),
		check.That(ok && bookmark.Annotations[metav1.InitialEventsAnnotationKey] == "true" && bookmark.ResourceVersion != "", "bookmark %v", event.Object))
}

// The client would ask ten more times, as the answer says.
func (s *session) refusesVersion(ctx context.Context, options metav1.ListOptions) error {
	return s.typed.CoreV1().RESTClient().Get().MaxRetries(0).Namespace(s.namespace).Resource("configmaps").
		VersionedParams(&options, scheme.ParameterCodec).Do(ctx).Error()
}

func (s *session) otherVersions(ctx context.Context) error {
	future := s.refusesVersion(ctx, metav1.ListOptions{ResourceVersion: "999999999999"})
	token := s.refusesVersion(ctx, metav1.ListOptions{Limit: 1, Continue: "nonsense"})
	text := s.refusesVersion(ctx, metav1.ListOptions{ResourceVersion: "new"})
	return check.First(check.That(apierrors.IsTimeout(future), "expected Timeout: %v", future),
		check.That(apierrors.IsBadRequest(token), "expected BadRequest: %v", token),
		check.That(apierrors.IsBadRequest(text) || apierrors.IsInvalid(text), "expected BadRequest: %v", text))
}

func (s *session) dynamicLife(ctx context.Context) error {
	client := s.dynamic.Resource(leases).Namespace(s.namespace)
	lease := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
		"metadata": map[string]any{"name": "dynamic"}, "spec": map[string]any{"leaseDurationSeconds": int64(15), "renewTime": "2026-01-02T03:04:05.000006Z"}}}
	made, err := client.Create(ctx, lease, always)
	if err != nil {
		return err
	}
	w, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: made.GetResourceVersion()})
	if err != nil {
		return err
	}
	defer w.Stop()
	unstructured.SetNestedField(made.Object, int64(20), "spec", "leaseDurationSeconds")
	if _, err := client.Update(ctx, made, replace); err != nil {
		return err
	}
	patched, err := client.Patch(ctx, "dynamic", "application/merge-patch+json", []byte(`{"spec":{"holderIdentity":"me"}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	seconds, _, _ := unstructured.NestedInt64(patched.Object, "spec", "leaseDurationSeconds")
	renewed, _, _ := unstructured.NestedString(patched.Object, "spec", "renewTime")
	if err := client.Delete(ctx, "dynamic", remove); err != nil {
		return err
	}
	_, unknown := s.dynamic.Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}).List(ctx, everyOne)
	return check.First(check.Equal("seconds", seconds, 20), check.Equal("renewTime", renewed, "2026-01-02T03:04:05.000006Z"),
		check.That(apierrors.IsNotFound(unknown), "expected NotFound: %v", unknown),
		expect(ctx, w, "MODIFIED dynamic", "MODIFIED dynamic", "DELETED dynamic"))
}

// What a garbage collector, a backup or a browser of clusters does: everything that discovery says can be listed, is.
func (s *session) listEverything(ctx context.Context) error {
	lists, err := s.typed.Discovery().ServerPreferredResources()
	if err != nil {
		return err
	}
	listed := 0
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return err
		}
		for _, r := range list.APIResources {
			if !strings.Contains(strings.Join(r.Verbs, " "), "list") {
				continue
			}
			resource := version.WithResource(r.Name)
			full, err := s.dynamic.Resource(resource).List(ctx, metav1.ListOptions{Limit: 500})
			if err != nil {
				return fmt.Errorf("%s: %w", resource, err)
			}
			part, err := s.metadata.Resource(resource).List(ctx, metav1.ListOptions{Limit: 500})
			if err != nil {
				return fmt.Errorf("metadata of %s: %w", resource, err)
			}
			if err := check.First(check.Equal("kind", full.GetKind(), r.Kind+"List"), check.That(len(part.Items) > 0 || len(full.Items) == 0, "no metadata of %s", r.Kind)); err != nil {
				return err
			}
			listed++
		}
	}
	return check.That(listed > 50, "only %d kinds", listed)
}

func (s *session) metadataLife(ctx context.Context) error {
	client := s.metadata.Resource(configMaps).Namespace(s.namespace)
	if _, err := s.typed.CoreV1().ConfigMaps(s.namespace).Create(ctx, configMap("meta", "1"), always); err != nil {
		return err
	}
	got, err := client.Get(ctx, "meta", fetch)
	if err != nil {
		return err
	}
	w, err := client.Watch(ctx, metav1.ListOptions{ResourceVersion: got.ResourceVersion})
	if err != nil {
		return err
	}
	defer w.Stop()
	patched, err := client.Patch(ctx, "meta", "application/merge-patch+json", []byte(`{"metadata":{"finalizers":["example.com/hold"]}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	if err := client.Delete(ctx, "meta", remove); err != nil {
		return err
	}
	held, err := client.Get(ctx, "meta", fetch)
	if err != nil {
		return err
	}
	if _, err := client.Patch(ctx, "meta", "application/json-patch+json", []byte(`[{"op":"remove","path":"/metadata/finalizers"}]`), metav1.PatchOptions{}); err != nil {
		return err
	}
	_, gone := client.Get(ctx, "meta", fetch)
	return check.First(check.Equal("name", got.Name, "meta"), check.Equal("finalizers", len(patched.Finalizers), 1),
		check.That(held.DeletionTimestamp != nil, "not marked for deletion: %v", held), notFound(gone),
		expect(ctx, w, "MODIFIED meta", "MODIFIED meta", "DELETED meta"))
}

// A journal notes what handlers were told.
type journal struct {
	mutex sync.Mutex
	lines []string
}

func (j *journal) add(verb string, object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.lines = append(j.lines, verb+" "+object.(metav1.Object).GetName())
}

func (j *journal) handler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { j.add("add", object) },
		UpdateFunc: func(old, object any) {
			if old.(metav1.Object).GetResourceVersion() == object.(metav1.Object).GetResourceVersion() {
				j.add("resync", object)
				return
			}
			j.add("update", object)
		},
		DeleteFunc: func(object any) { j.add("delete", object) },
	}
}

func (j *journal) has(line string) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	for _, l := range j.lines {
		if l == line {
			return nil
		}
	}
	return fmt.Errorf("no %q among %q", line, j.lines)
}

func (s *session) informers(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	factory := informers.NewSharedInformerFactoryWithOptions(s.typed, time.Second, informers.WithNamespace(s.namespace))
	defer factory.Shutdown()
	defer cancel()
	maps, deployments, pods := factory.Core().V1().ConfigMaps(), factory.Apps().V1().Deployments(), factory.Core().V1().Pods()
	notes := &journal{}
	if _, err := maps.Informer().AddEventHandler(notes.handler()); err != nil {
		return err
	}
	byOwner := func(object any) ([]string, error) {
		if owner := metav1.GetControllerOf(object.(metav1.Object)); owner != nil {
			return []string{owner.Kind}, nil
		}
		return nil, nil
	}
	if err := pods.Informer().AddIndexers(cache.Indexers{"owner": byOwner}); err != nil {
		return err
	}
	deployments.Informer()
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("%v did not sync", kind)
		}
	}
	api := s.typed.CoreV1().ConfigMaps(s.namespace)
	made, err := api.Create(ctx, configMap("informed", "1"), always)
	if err != nil {
		return err
	}
	made.Data["key"] = "2"
	if _, err := api.Update(ctx, made, replace); err != nil {
		return err
	}
	seen := func(line string) error { return check.Until(ctx, func() error { return notes.has(line) }) }
	if err := check.First(seen("add informed"), seen("update informed"), seen("resync informed")); err != nil {
		return err
	}
	listed, err := maps.Lister().ConfigMaps(s.namespace).Get("informed")
	if err != nil {
		return err
	}
	scaled, err := deployments.Lister().List(labels.SelectorFromSet(labels.Set{"app": "scaled"}))
	if err != nil {
		return err
	}
	owned, err := pods.Informer().GetIndexer().ByIndex("owner", "ReplicaSet")
	if err != nil {
		return err
	}
	if err := api.Delete(ctx, "informed", remove); err != nil {
		return err
	}
	return check.First(seen("delete informed"), check.Equal("data", listed.Data["key"], "2"), check.Equal("deployments", len(scaled), 1),
		check.Equal("pods of replica sets", len(owned), 3))
}

func (s *session) untypedInformers(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	notes, partial := &journal{}, &journal{}
	dynamics := dynamicinformer.NewFilteredDynamicSharedInformerFactory(s.dynamic, 0, s.namespace, nil)
	metadatas := metadatainformer.NewFilteredSharedInformerFactory(s.metadata, 0, s.namespace, nil)
	defer dynamics.Shutdown()
	defer cancel()
	if _, err := dynamics.ForResource(configMaps).Informer().AddEventHandler(notes.handler()); err != nil {
		return err
	}
	if _, err := metadatas.ForResource(configMaps).Informer().AddEventHandler(partial.handler()); err != nil {
		return err
	}
	dynamics.Start(ctx.Done())
	metadatas.Start(ctx.Done())
	dynamics.WaitForCacheSync(ctx.Done())
	metadatas.WaitForCacheSync(ctx.Done())
	api := s.typed.CoreV1().ConfigMaps(s.namespace)
	if _, err := api.Create(ctx, configMap("untyped", "1"), always); err != nil {
		return err
	}
	if err := api.Delete(ctx, "untyped", remove); err != nil {
		return err
	}
	for _, j := range []*journal{notes, partial} {
		for _, line := range []string{"add kube-root-ca.crt", "add untyped", "delete untyped"} {
			if err := check.Until(ctx, func() error { return j.has(line) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *session) recordEvents(ctx context.Context) error {
	object, err := s.typed.CoreV1().ConfigMaps(s.namespace).Get(ctx, "kube-root-ca.crt", fetch)
	if err != nil {
		return err
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: s.typed.CoreV1().Events("")})
	recorder := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "client-go"})
	for range 3 {
		recorder.Eventf(runtime.Object(object), corev1.EventTypeNormal, "Tested", "by %s", "client-go")
	}
	return check.Until(ctx, func() error {
		events, err := s.typed.CoreV1().Events(s.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=Tested,involvedObject.name=kube-root-ca.crt"})
		if err != nil {
			return err
		}
		newer, err := s.typed.EventsV1().Events(s.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=Tested"})
		if err != nil {
			return err
		}
		if len(events.Items) != 1 || len(newer.Items) != 1 {
			return fmt.Errorf("%d events, %d as events.k8s.io", len(events.Items), len(newer.Items))
		}
		return check.First(check.Equal("count", events.Items[0].Count, 3), check.Equal("note", newer.Items[0].Note, "by client-go"),
			check.Equal("deprecatedCount", newer.Items[0].DeprecatedCount, 3))
	})
}

// Two candidates: one leads, gives up, and the other one takes over at once.
func (s *session) leaderElection(ctx context.Context) error {
	started := make(chan string, 2)
	candidate := func(ctx context.Context, name string) error {
		lock, err := resourcelock.New(resourcelock.LeasesResourceLock, s.namespace, "leader", s.typed.CoreV1(), s.typed.CoordinationV1(),
			resourcelock.ResourceLockConfig{Identity: name})
		if err != nil {
			return err
		}
		elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{Lock: lock, ReleaseOnCancel: true,
			LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { started <- name }, OnStoppedLeading: func() {}}})
		if err == nil {
			go elector.Run(ctx)
		}
		return err
	}
	first, resign := context.WithCancel(ctx)
	second, end := context.WithCancel(ctx)
	defer end()
	defer resign()
	if err := candidate(first, "one"); err != nil {
		return err
	}
	leader, err := check.Receive(ctx, started)
	if err != nil {
		return err
	}
	if err := candidate(second, "two"); err != nil {
		return err
	}
	// once it has renewed, no write of it is on its way
	err = check.Until(ctx, func() error {
		lease, err := s.typed.CoordinationV1().Leases(s.namespace).Get(ctx, "leader", fetch)
		return check.First(err, check.That(lease.Spec.RenewTime.After(lease.Spec.AcquireTime.Time), "not renewed"))
	})
	if err != nil {
		return err
	}
	resign()
	follower, err := check.Receive(ctx, started)
	if err != nil {
		return err
	}
	lease, err := s.typed.CoordinationV1().Leases(s.namespace).Get(ctx, "leader", fetch)
	return check.First(err, check.Equal("leader", leader, "one"), check.Equal("then", follower, "two"),
		check.Equal("holder", *lease.Spec.HolderIdentity, "two"), check.Equal("transitions", *lease.Spec.LeaseTransitions, 1))
}
