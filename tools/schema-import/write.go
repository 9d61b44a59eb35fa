// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import (
	"fmt"
	"sort"
	"strings"
)

// hand is what people wrote in a schema file: the importer puts it back where it was.
type hand struct {
	docs  map[string]string   // "kind Pod", "type PodSpec", "PodSpec.nodeName"
	attrs map[string][]string // the same keys
	lines map[string][]string // of a kind: lines that hold no facts
}

var factAttrs = map[string]bool{"required": true, "always": true, "omitzero": true, "atomic": true, "granular": true, "set": true, "map": true, "merge": true,
	"replace": true, "retain-keys": true, "in": true, "object": true, "enum": true}

func parseHand(text string) *hand {
	h := &hand{docs: map[string]string{}, attrs: map[string][]string{}, lines: map[string][]string{}}
	owner, ownerKind := "", ""
	for _, line := range strings.Split(text, "\n") {
		facts, doc, documented := strings.Cut(line, " | ")
		words := strings.Fields(facts)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		key, from := "", 0
		switch {
		case !strings.HasPrefix(line, " "):
			owner, ownerKind = words[len(words)-1], words[0]
			if len(words) > 1 {
				owner = words[1]
			}
			key, from = words[0]+" "+owner, 2
			if words[0] == "named" {
				from = 3
			}
		case ownerKind == "kind":
			switch words[0] {
			case "verbs", "sub":
			default:
				h.lines[owner] = append(h.lines[owner], line)
			}
			continue
		default:
			key, from = owner+"."+words[0], 3
		}
		if documented {
			h.docs[key] = strings.TrimSpace(doc)
		}
		if ownerKind == "kind" || len(words) < from {
			continue
		}
		for _, word := range words[from:] {
			if name, _, _ := strings.Cut(word, "="); !factAttrs[name] {
				h.attrs[key] = append(h.attrs[key], word)
			}
		}
	}
	return h
}

func (h *hand) finish(line, key string) string {
	if extra := h.attrs[key]; len(extra) > 0 {
		line = strings.TrimRight(line, " ") + " " + strings.Join(extra, " ")
	}
	line = strings.TrimRight(line, " ")
	if doc := h.docs[key]; doc != "" {
		line += " | " + doc
	}
	return line + "\n"
}

func (imp *importer) write(f *file, h *hand) string {
	out := &strings.Builder{}
	fmt.Fprintf(out, "# SPDX-License-Identifier: LGPL-2.1-or-later\n")
	if f.add != nil {
		fmt.Fprintf(out, "group %s\n", orDash(f.group))
	}
	fmt.Fprintf(out, "version %s\ndefinitions %s\n", f.version, definitionPrefix(f.pkg))
	imp.writeKinds(out, f, h)
	names := sortedKeys(imp.named[f])
	if len(names) > 0 {
		out.WriteString("\n")
	}
	for _, name := range names {
		n := imp.named[f][name]
		line := fmt.Sprintf("named %s %s", name, n.expr)
		if len(n.enum) > 0 {
			line += " enum=" + strings.Join(n.enum, ",")
		}
		out.WriteString(h.finish(line, "named "+name))
	}
	for _, name := range sortedKeys(imp.types[f]) {
		writeType(out, imp.types[f][name], h)
	}
	return out.String()
}

func (imp *importer) writeKinds(out *strings.Builder, f *file, h *hand) {
	if f.add == nil {
		return
	}
	for _, k := range imp.kinds[f.group+"/"+f.version] {
		scope := "cluster"
		if k.namespaced {
			scope = "namespaced"
		}
		out.WriteString("\n" + h.finish(fmt.Sprintf("kind %s %s %s", k.name, k.plural, scope), "kind "+k.name))
		fmt.Fprintf(out, "  verbs %s\n", verbText(k.verbs))
		for _, s := range k.subs {
			line := "  sub " + s.name
			if s.connect {
				line += " connect"
			}
			line += " " + verbText(s.verbs)
			if s.as != "" {
				line += " as " + s.as
			}
			out.WriteString(line + "\n")
		}
		for _, line := range h.lines[k.name] {
			out.WriteString(line + "\n")
		}
	}
}

func writeType(out *strings.Builder, t *goType, h *hand) {
	line := "type " + t.name
	if t.object {
		line += " object"
	}
	if t.atomic {
		line += " atomic"
	}
	out.WriteString("\n" + h.finish(line, "type "+t.name))
	name, expr := 0, 0
	for _, f := range t.fields {
		name, expr = max(name, len(f.name)), max(expr, len(f.expr))
	}
	for _, f := range t.fields {
		attrs := f.attrs
		if len(f.embedded) > 0 {
			attrs = append(attrs, "in="+strings.Join(f.embedded, "/"))
		}
		line := fmt.Sprintf("  %-*s %2d %-*s %s", name, f.name, f.number, expr, f.expr, strings.Join(attrs, " "))
		out.WriteString(h.finish(line, t.name+"."+f.name))
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
