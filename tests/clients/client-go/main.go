// SPDX-License-Identifier: LGPL-2.1-or-later

// What a program on client-go does: discovery, typed and dynamic clients, metadata, watches, informers, events, tokens, leader election.
// Usage: client-go json|protobuf|cbor, with KUBECONFIG naming the cluster's administrator.
package main

import (
	"context"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"libkube.example/clients/check"
)

// A session is what all steps share.
type session struct {
	config    *rest.Config
	typed     *kubernetes.Clientset
	dynamic   *dynamic.DynamicClient
	metadata  metadata.Interface
	encoding  string
	namespace string
}

var encodings = map[string]string{
	"json":     "application/json",
	"protobuf": "application/vnd.kubernetes.protobuf",
	"cbor":     "application/cbor",
}

func open(encoding string) (*session, error) {
	contentType, known := encodings[encoding]
	if !known {
		return nil, fmt.Errorf("usage: client-go json|protobuf|cbor")
	}
	if encoding == "cbor" {
		os.Setenv("KUBE_FEATURE_ClientsAllowCBOR", "true")
		os.Setenv("KUBE_FEATURE_ClientsPreferCBOR", "true")
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	// the dynamic and the metadata client choose for themselves
	s := &session{config: config, dynamic: dynamic.NewForConfigOrDie(config), metadata: metadata.NewForConfigOrDie(config),
		encoding: encoding, namespace: "client-go-" + encoding}
	typed := rest.CopyConfig(config)
	typed.ContentType = contentType
	typed.AcceptContentTypes = contentType + ",application/json"
	s.typed, err = kubernetes.NewForConfig(typed)
	return s, err
}

// A namespace whose service account is there, so that pods are admitted.
func (s *session) makeNamespace(ctx context.Context) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.namespace, Labels: map[string]string{"run": "client-go"}}}
	made, err := s.typed.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := check.Equal("phase", made.Status.Phase, corev1.NamespaceActive); err != nil {
		return err
	}
	return check.Until(ctx, func() error {
		_, err := s.typed.CoreV1().ServiceAccounts(s.namespace).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

func (s *session) deleteNamespace(ctx context.Context) error {
	if err := s.typed.CoreV1().Namespaces().Delete(ctx, s.namespace, metav1.DeleteOptions{}); err != nil {
		return err
	}
	return check.Until(ctx, func() error {
		_, err := s.typed.CoreV1().Namespaces().Get(ctx, s.namespace, metav1.GetOptions{})
		return notFound(err)
	})
}

func main() {
	s := check.Must(open(append(os.Args, "")[1]))
	steps := []check.Step{}
	if s.encoding == "cbor" {
		steps = append(steps, check.Step{Name: "CBOR is refused once, then JSON is sent", Run: s.cborIsRefused})
	}
	steps = append(steps,
		check.Step{Name: "a namespace gets its service account", Run: s.makeNamespace},
		check.Step{Name: "discovery", Run: s.discover},
		check.Step{Name: "OpenAPI v3", Run: s.readOpenAPI},
		check.Step{Name: "encodings are negotiated", Run: s.negotiate},
		check.Step{Name: "create, get, update, delete", Run: s.lifeOfAConfigMap},
		check.Step{Name: "errors are told apart", Run: s.errors},
		check.Step{Name: "a conflict is retried", Run: s.conflict},
		check.Step{Name: "the three patches", Run: s.patches},
		check.Step{Name: "status and scale", Run: s.subresources},
		check.Step{Name: "lists in pages are one snapshot", Run: s.pages},
		check.Step{Name: "deletecollection with selector and precondition", Run: s.deleteCollection},
		check.Step{Name: "every value of a rich pod survives", Run: s.richPod},
		check.Step{Name: "eviction and reviews", Run: s.evictionAndReviews},
		check.Step{Name: "watch from a version", Run: s.watch},
		check.Step{Name: "watch with initial events and bookmark", Run: s.watchList},
		check.Step{Name: "versions that never were", Run: s.otherVersions},
		check.Step{Name: "a token of a service account", Run: s.token},
		check.Step{Name: "impersonation", Run: s.impersonate},
		check.Step{Name: "dynamic client", Run: s.dynamicLife},
		check.Step{Name: "dynamic client over every list", Run: s.listEverything},
		check.Step{Name: "metadata client", Run: s.metadataLife},
		check.Step{Name: "shared informers, listers, indexes, resync", Run: s.informers},
		check.Step{Name: "dynamic and metadata informers", Run: s.untypedInformers},
		check.Step{Name: "events are recorded and counted", Run: s.recordEvents},
		check.Step{Name: "leader election", Run: s.leaderElection},
		check.Step{Name: "the namespace goes with what is in it", Run: s.deleteNamespace},
	)
	check.Main(steps)
}
