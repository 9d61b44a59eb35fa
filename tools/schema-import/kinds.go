// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import (
	"encoding/json"
	"slices"
	"sort"
	"strings"
)

type kind struct {
	name       string
	plural     string
	namespaced bool
	verbs      map[string]bool
	subs       []*subresource
}

type subresource struct {
	name    string
	as      string // "autoscaling/v1 Scale" where it is not the parent's kind
	verbs   map[string]bool
	connect bool
}

type operation struct {
	Action string `json:"x-kubernetes-action"`
	Kind   struct {
		Group, Version, Kind string
	} `json:"x-kubernetes-group-version-kind"`
}

var actionVerbs = map[string]string{"get": "get", "list": "list", "post": "create", "put": "update", "patch": "patch", "delete": "delete",
	"deletecollection": "deletecollection"}

// readKinds gathers names, scope, verbs and subresources of all resources from the document's paths.
func readKinds(doc *swagger) map[string][]*kind {
	kinds := map[string][]*kind{}
	find := func(gv, plural string) *kind {
		for _, k := range kinds[gv] {
			if k.plural == plural {
				return k
			}
		}
		k := &kind{plural: plural, verbs: map[string]bool{}}
		kinds[gv] = append(kinds[gv], k)
		return k
	}
	paths := make([]string, 0, len(doc.Paths))
	for path := range doc.Paths {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		parts := strings.Split(strings.Trim(path, "/"), "/")
		gv := ""
		switch {
		case len(parts) > 2 && parts[0] == "api":
			gv, parts = "/"+parts[1], parts[2:]
		case len(parts) > 3 && parts[0] == "apis":
			gv, parts = parts[1]+"/"+parts[2], parts[3:]
		default:
			continue
		}
		watch := parts[0] == "watch"
		if watch {
			parts = parts[1:]
		}
		namespaced := len(parts) > 2 && parts[0] == "namespaces" && parts[1] == "{namespace}"
		if namespaced {
			parts = parts[2:]
		}
		k := find(gv, parts[0])
		k.namespaced = k.namespaced || namespaced
		if watch {
			k.verbs["watch"] = true
			continue
		}
		if len(parts) > 3 { // proxy/{path}
			continue
		}
		for method, raw := range doc.Paths[path] {
			op := operation{}
			if method == "parameters" || json.Unmarshal(raw, &op) != nil || op.Action == "" {
				continue
			}
			if len(parts) == 3 {
				k.addSubresource(parts[2], gv, method, op)
			} else {
				k.name = op.Kind.Kind
				k.verbs[actionVerbs[op.Action]] = true
			}
		}
	}
	for gv, list := range kinds {
		for _, k := range list {
			for _, s := range k.subs {
				if s.as == strings.TrimPrefix(gv, "/")+" "+k.name {
					s.as = ""
				}
			}
			slices.SortFunc(k.subs, func(a, b *subresource) int { return strings.Compare(a.name, b.name) })
		}
		slices.SortFunc(list, func(a, b *kind) int { return strings.Compare(a.plural, b.plural) })
	}
	return kinds
}

func (k *kind) addSubresource(name, gv, method string, op operation) {
	i := slices.IndexFunc(k.subs, func(s *subresource) bool { return s.name == name })
	if i < 0 {
		i = len(k.subs)
		k.subs = append(k.subs, &subresource{name: name, verbs: map[string]bool{}})
	}
	s := k.subs[i]
	s.as = strings.TrimPrefix(op.Kind.Group+"/"+op.Kind.Version, "/") + " " + op.Kind.Kind
	verb := actionVerbs[op.Action]
	if op.Action == "connect" {
		s.connect = true
		verb = map[string]string{"get": "get", "post": "create", "put": "update", "patch": "patch", "delete": "delete"}[method]
	}
	if verb != "" {
		s.verbs[verb] = true
	}
}

var allVerbs = []string{"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"}

func verbText(verbs map[string]bool) string {
	var list []string
	for _, v := range allVerbs {
		if verbs[v] {
			list = append(list, v)
		}
	}
	if len(list) == len(allVerbs) {
		return "all"
	}
	return strings.Join(list, " ")
}
