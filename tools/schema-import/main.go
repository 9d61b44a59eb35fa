// SPDX-License-Identifier: LGPL-2.1-or-later

// Command schema-import keeps the facts in libkube/api/schema/*.schema in step with the published Go types and the published
// OpenAPI document. What people wrote there (documentation, names, columns, defaults, formats) it leaves alone.
//
//	schema-import -swagger swagger.json -out libkube/api/schema          rewrites the files
//	schema-import -swagger swagger.json -out libkube/api/schema -check   only says whether it would
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"reflect"

	admission "k8s.io/api/admission/v1"
	admissionregistration "k8s.io/api/admissionregistration/v1"
	apidiscovery "k8s.io/api/apidiscovery/v2"
	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	certificates "k8s.io/api/certificates/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	flowcontrol "k8s.io/api/flowcontrol/v1"
	networking "k8s.io/api/networking/v1"
	node "k8s.io/api/node/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	resource "k8s.io/api/resource/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// A file holds one package of types: a group and version, or the types that all groups share.
type file struct {
	name    string // "apps-v1"
	group   string
	version string
	pkg     string // Go import path
	add     func(*runtime.Scheme) error
	roots   []any
}

var files = []*file{
	{name: "meta-v1", version: "v1", pkg: "k8s.io/apimachinery/pkg/apis/meta/v1", roots: []any{
		meta.Status{}, meta.DeleteOptions{}, meta.CreateOptions{}, meta.UpdateOptions{}, meta.PatchOptions{}, meta.GetOptions{}, meta.ListOptions{},
		meta.WatchEvent{}, meta.APIVersions{}, meta.APIGroup{}, meta.APIGroupList{}, meta.APIResourceList{}, meta.Table{}, meta.TableOptions{},
		meta.PartialObjectMetadata{}, meta.PartialObjectMetadataList{}, meta.LabelSelector{}, meta.ListMeta{}, meta.ObjectMeta{}, meta.GroupVersionResource{}}},
	{name: "core-v1", version: "v1", pkg: "k8s.io/api/core/v1", add: core.AddToScheme},
	{name: "admission-v1", group: "admission.k8s.io", version: "v1", pkg: "k8s.io/api/admission/v1", add: admission.AddToScheme},
	{name: "admissionregistration-v1", group: "admissionregistration.k8s.io", version: "v1", pkg: "k8s.io/api/admissionregistration/v1", add: admissionregistration.AddToScheme},
	{name: "apidiscovery-v2", group: "apidiscovery.k8s.io", version: "v2", pkg: "k8s.io/api/apidiscovery/v2", add: apidiscovery.AddToScheme},
	{name: "apiextensions-v1", group: "apiextensions.k8s.io", version: "v1", pkg: "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1", add: apiextensions.AddToScheme},
	{name: "apiregistration-v1", group: "apiregistration.k8s.io", version: "v1", pkg: "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1", add: apiregistration.AddToScheme},
	{name: "apps-v1", group: "apps", version: "v1", pkg: "k8s.io/api/apps/v1", add: apps.AddToScheme},
	{name: "authentication-v1", group: "authentication.k8s.io", version: "v1", pkg: "k8s.io/api/authentication/v1", add: authentication.AddToScheme},
	{name: "authorization-v1", group: "authorization.k8s.io", version: "v1", pkg: "k8s.io/api/authorization/v1", add: authorization.AddToScheme},
	{name: "autoscaling-v1", group: "autoscaling", version: "v1", pkg: "k8s.io/api/autoscaling/v1", add: autoscalingv1.AddToScheme},
	{name: "autoscaling-v2", group: "autoscaling", version: "v2", pkg: "k8s.io/api/autoscaling/v2", add: autoscalingv2.AddToScheme},
	{name: "batch-v1", group: "batch", version: "v1", pkg: "k8s.io/api/batch/v1", add: batch.AddToScheme},
	{name: "certificates-v1", group: "certificates.k8s.io", version: "v1", pkg: "k8s.io/api/certificates/v1", add: certificates.AddToScheme},
	{name: "coordination-v1", group: "coordination.k8s.io", version: "v1", pkg: "k8s.io/api/coordination/v1", add: coordination.AddToScheme},
	{name: "discovery-v1", group: "discovery.k8s.io", version: "v1", pkg: "k8s.io/api/discovery/v1", add: discovery.AddToScheme},
	{name: "events-v1", group: "events.k8s.io", version: "v1", pkg: "k8s.io/api/events/v1", add: events.AddToScheme},
	{name: "flowcontrol-v1", group: "flowcontrol.apiserver.k8s.io", version: "v1", pkg: "k8s.io/api/flowcontrol/v1", add: flowcontrol.AddToScheme},
	{name: "networking-v1", group: "networking.k8s.io", version: "v1", pkg: "k8s.io/api/networking/v1", add: networking.AddToScheme},
	{name: "node-v1", group: "node.k8s.io", version: "v1", pkg: "k8s.io/api/node/v1", add: node.AddToScheme},
	{name: "policy-v1", group: "policy", version: "v1", pkg: "k8s.io/api/policy/v1", add: policy.AddToScheme},
	{name: "rbac-v1", group: "rbac.authorization.k8s.io", version: "v1", pkg: "k8s.io/api/rbac/v1", add: rbac.AddToScheme},
	{name: "resource-v1", group: "resource.k8s.io", version: "v1", pkg: "k8s.io/api/resource/v1", add: resource.AddToScheme},
	{name: "scheduling-v1", group: "scheduling.k8s.io", version: "v1", pkg: "k8s.io/api/scheduling/v1", add: scheduling.AddToScheme},
	{name: "storage-v1", group: "storage.k8s.io", version: "v1", pkg: "k8s.io/api/storage/v1", add: storage.AddToScheme},
}

func fileOf(pkg string) *file {
	for _, f := range files {
		if f.pkg == pkg {
			return f
		}
	}
	return nil
}

func main() {
	swagger := flag.String("swagger", "../shared/k8s-1.36/swagger.json", "the published OpenAPI v2 document")
	out := flag.String("out", "libkube/api/schema", "folder of the schema files")
	check := flag.Bool("check", false, "write nothing, fail if a file would change")
	flag.Parse()
	log.SetFlags(0)

	doc, err := readSwagger(*swagger)
	if err != nil {
		log.Fatal(err)
	}
	imp := newImporter(doc)
	for _, f := range files {
		imp.addRoots(f)
	}
	imp.close()
	stale := false
	for _, f := range files {
		path := filepath.Join(*out, f.name+".schema")
		old, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			log.Fatal(err)
		}
		text := imp.write(f, parseHand(string(old)))
		if bytes.Equal(old, []byte(text)) {
			continue
		}
		if *check {
			fmt.Printf("%s: facts differ\n", path)
			stale = true
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	if stale {
		os.Exit(1)
	}
}

// addRoots names the types that a file begins with: the kinds of its group, except lists, which are derived from their kind.
func (imp *importer) addRoots(f *file) {
	for _, root := range f.roots {
		imp.addType(reflect.TypeOf(root))
	}
	if f.add == nil {
		return
	}
	scheme := runtime.NewScheme()
	if err := f.add(scheme); err != nil {
		log.Fatal(err)
	}
	for kind, t := range scheme.KnownTypes(schema.GroupVersion{Group: f.group, Version: f.version}) {
		if t.PkgPath() == f.pkg && !isList(kind, t) {
			imp.addType(t)
			imp.objects[t] = true
		}
	}
}

func isList(kind string, t reflect.Type) bool {
	items, ok := t.FieldByName("Items")
	if !ok || items.Type.Kind() != reflect.Slice {
		return false
	}
	m, ok := t.FieldByName("ListMeta")
	return ok && m.Type == reflect.TypeOf(meta.ListMeta{}) && kind == items.Type.Elem().Name()+"List"
}
