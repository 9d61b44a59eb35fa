// SPDX-License-Identifier: LGPL-2.1-or-later

package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

type definition struct {
	Properties map[string]property `json:"properties"`
	Required   []string            `json:"required"`
	MapType    string              `json:"x-kubernetes-map-type"`
}

type property struct {
	Format   string   `json:"format"`
	ListType string   `json:"x-kubernetes-list-type"`
	MapKeys  []string `json:"x-kubernetes-list-map-keys"`
	MergeKey string   `json:"x-kubernetes-patch-merge-key"`
	Strategy string   `json:"x-kubernetes-patch-strategy"`
	MapType  string   `json:"x-kubernetes-map-type"`
}

type swagger struct {
	Definitions map[string]definition                 `json:"definitions"`
	Paths       map[string]map[string]json.RawMessage `json:"paths"`
}

func readSwagger(path string) (*swagger, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	doc := &swagger{}
	return doc, json.Unmarshal(data, doc)
}

type field struct {
	name     string
	number   int
	expr     string
	embedded []string // "VolumeSource:2"
	attrs    []string
}

type goType struct {
	name   string
	object bool
	atomic bool
	fields []field
}

type named struct {
	name string
	expr string
	enum []string
}

type importer struct {
	doc     *swagger
	queue   []reflect.Type
	seen    map[reflect.Type]bool
	objects map[reflect.Type]bool
	types   map[*file]map[string]*goType
	named   map[*file]map[string]*named
	enums   map[string]map[string][]string // import path, type, values
	kinds   map[string][]*kind             // "group/version"
}

func newImporter(doc *swagger) *importer {
	imp := &importer{doc: doc, seen: map[reflect.Type]bool{}, objects: map[reflect.Type]bool{}, types: map[*file]map[string]*goType{},
		named: map[*file]map[string]*named{}, enums: map[string]map[string][]string{}}
	for _, f := range files {
		imp.types[f] = map[string]*goType{}
		imp.named[f] = map[string]*named{}
		imp.enums[f.pkg] = readEnums(f.pkg)
	}
	imp.kinds = readKinds(doc)
	return imp
}

// readEnums finds the string types that their source marks as enumerations, and their constants.
func readEnums(pkg string) map[string][]string {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		log.Fatalf("%s: %v", pkg, err)
	}
	fset := token.NewFileSet()
	packages, err := parser.ParseDir(fset, strings.TrimSpace(string(dir)), nil, parser.ParseComments)
	if err != nil {
		log.Fatal(err)
	}
	marked, values := map[string]bool{}, map[string][]string{}
	for _, p := range packages {
		if strings.HasSuffix(p.Name, "_test") {
			continue
		}
		for name, f := range p.Files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, decl := range f.Decls {
				gen, ok := decl.(*ast.GenDecl)
				if !ok {
					continue
				}
				for _, spec := range gen.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if strings.Contains(gen.Doc.Text()+s.Doc.Text(), "+enum") {
							marked[s.Name.Name] = true
						}
					case *ast.ValueSpec:
						t, ok := s.Type.(*ast.Ident)
						if gen.Tok != token.CONST || !ok || len(s.Values) != 1 {
							continue
						}
						if lit, ok := s.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
							text, _ := strconv.Unquote(lit.Value)
							values[t.Name] = append(values[t.Name], text)
						}
					}
				}
			}
		}
	}
	enums := map[string][]string{}
	for name := range marked {
		if list := values[name]; len(list) > 0 && !slices.ContainsFunc(list, func(s string) bool { return strings.ContainsAny(s, ", |") }) {
			sort.Strings(list)
			enums[name] = slices.Compact(list)
		}
	}
	return enums
}

var scalars = map[reflect.Type]string{
	reflect.TypeOf(meta.Time{}):                                  "time",
	reflect.TypeOf(meta.MicroTime{}):                             "microtime",
	reflect.TypeOf(meta.Duration{}):                              "duration",
	reflect.TypeOf(meta.FieldsV1{}):                              "fields",
	reflect.TypeOf(resource.Quantity{}):                          "quantity",
	reflect.TypeOf(intstr.IntOrString{}):                         "intorstring",
	reflect.TypeOf(runtime.RawExtension{}):                       "rawextension",
	reflect.TypeOf(apiextensions.JSON{}):                         "json",
	reflect.TypeOf(apiextensions.JSONSchemaPropsOrArray{}):       "structorlist",
	reflect.TypeOf(apiextensions.JSONSchemaPropsOrBool{}):        "structorbool",
	reflect.TypeOf(apiextensions.JSONSchemaPropsOrStringArray{}): "structorstrings",
}

func (imp *importer) addType(t reflect.Type) {
	if !imp.seen[t] {
		imp.seen[t] = true
		imp.queue = append(imp.queue, t)
	}
}

// close follows the types that types refer to until there is nothing new.
func (imp *importer) close() {
	for len(imp.queue) > 0 {
		t := imp.queue[0]
		imp.queue = imp.queue[1:]
		f := fileOf(t.PkgPath())
		if f == nil {
			log.Fatalf("%v is in no schema file", t)
		}
		imp.types[f][t.Name()] = imp.structType(t)
	}
}

func (imp *importer) structType(t reflect.Type) *goType {
	def := imp.doc.Definitions[definitionName(t)]
	_, embeds := t.FieldByName("TypeMeta")
	g := &goType{name: t.Name(), object: embeds, atomic: def.MapType == "atomic"}
	imp.addFields(g, fileOf(t.PkgPath()), t, def, nil)
	return g
}

func (imp *importer) addFields(g *goType, from *file, t reflect.Type, def definition, embedded []string) {
	for i := 0; i < t.NumField(); i++ {
		sf := t.Field(i)
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" || !sf.IsExported() {
			continue
		}
		if name == "" && (sf.Anonymous || strings.Contains(options, "inline")) {
			if sf.Type == reflect.TypeOf(meta.TypeMeta{}) {
				continue
			}
			imp.addFields(g, from, sf.Type, def, append(slices.Clone(embedded), fmt.Sprintf("%s:%d", sf.Name, number(sf))))
			continue
		}
		if name == "" {
			name = sf.Name
		}
		expr := imp.expr(from, sf.Type)
		g.fields = append(g.fields, field{name: name, number: number(sf), expr: expr, embedded: embedded, attrs: attributes(name, options, sf.Type, def)})
	}
}

func number(sf reflect.StructField) int {
	parts := strings.Split(sf.Tag.Get("protobuf"), ",")
	if len(parts) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(parts[1])
	return n
}

func attributes(name, options string, t reflect.Type, def definition) []string {
	var attrs []string
	if slices.Contains(def.Required, name) {
		attrs = append(attrs, "required")
	}
	omits := strings.Contains(options, "omitempty")
	switch {
	case strings.Contains(options, "omitzero"):
		attrs = append(attrs, "omitzero")
	case !omits, t.Kind() == reflect.Struct:
		attrs = append(attrs, "always")
	}
	p := def.Properties[name]
	switch p.ListType {
	case "map":
		attrs = append(attrs, "map="+strings.Join(p.MapKeys, ","))
	case "":
	default:
		attrs = append(attrs, p.ListType)
	}
	if p.MapType != "" {
		attrs = append(attrs, p.MapType)
	}
	for _, s := range strings.Split(p.Strategy, ",") {
		switch {
		case s == "merge" && p.MergeKey != "":
			attrs = append(attrs, "merge="+p.MergeKey)
		case s == "retainKeys":
			attrs = append(attrs, "retain-keys")
		case s != "":
			attrs = append(attrs, s)
		}
	}
	return attrs
}

// expr writes a Go type in the schema language, as seen from a file.
func (imp *importer) expr(from *file, t reflect.Type) string {
	if s, ok := scalars[t]; ok {
		if strings.HasPrefix(s, "structor") {
			imp.addType(reflect.TypeOf(apiextensions.JSONSchemaProps{}))
		}
		return s
	}
	if t.Kind() == reflect.Pointer {
		return "*" + imp.expr(from, t.Elem())
	}
	if t.Name() != "" && t.PkgPath() != "" {
		f := fileOf(t.PkgPath())
		name := t.Name()
		if f == nil { // k8s.io/apimachinery/pkg/types and the like: named in the file of the shared types
			f = files[0]
			name = t.String()
		}
		if t.Kind() == reflect.Struct {
			imp.addType(t)
		} else if imp.named[f][name] == nil {
			imp.named[f][name] = &named{name: name, enum: imp.enums[t.PkgPath()][t.Name()]}
			imp.named[f][name].expr = imp.underlying(f, t)
		}
		if f != from {
			return f.name + "/" + name
		}
		return name
	}
	return imp.underlying(from, t)
}

func (imp *importer) underlying(from *file, t reflect.Type) string {
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int32, reflect.Int64:
		return t.Kind().String()
	case reflect.Float64:
		return "double"
	case reflect.Interface:
		return "any"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + imp.expr(from, t.Elem())
	case reflect.Map:
		return "map[" + imp.expr(from, t.Key()) + "]" + imp.expr(from, t.Elem())
	}
	log.Fatalf("no word for %v", t)
	return ""
}

// definitionName is the name of a Go type in the OpenAPI document.
func definitionName(t reflect.Type) string {
	return definitionPrefix(t.PkgPath()) + "." + t.Name()
}

func definitionPrefix(pkg string) string {
	host, path, _ := strings.Cut(pkg, "/")
	parts := strings.Split(host, ".")
	slices.Reverse(parts)
	return strings.Join(parts, ".") + "." + strings.ReplaceAll(path, "/", ".")
}
