#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes constant C tables of the schema files: generate.py OUTPUT.c FILE.schema… (the language: README.md beside this file)."""
import json
import os
import re
import sys

SCALARS = {"string": "STRING", "bool": "BOOLEAN", "int32": "INT32", "int64": "INT64", "double": "DOUBLE", "bytes": "BYTES", "time": "TIME",
           "microtime": "MICRO_TIME", "duration": "DURATION", "quantity": "QUANTITY", "intorstring": "INT_OR_STRING", "any": "ANY", "json": "ANY", "fields": "ANY", "rawextension": "ANY",
           "structorbool": "STRUCT_OR_BOOLEAN", "structorlist": "STRUCT_OR_LIST", "structorstrings": "STRUCT_OR_STRINGS"}
GO_NAMES = {"double": "float64", "bytes": "[]uint8", "time": "v1.Time", "microtime": "v1.MicroTime", "duration": "v1.Duration",
            "quantity": "resource.Quantity", "intorstring": "intstr.IntOrString", "any": "interface {}",
            "json": "v1.JSON", "fields": "v1.FieldsV1", "rawextension": "runtime.RawExtension",
            "structorbool": "v1.JSONSchemaPropsOrBool", "structorlist": "v1.JSONSchemaPropsOrArray", "structorstrings": "v1.JSONSchemaPropsOrStringArray"}
FLAGS = {"required": "REQUIRED", "always": "ALWAYS", "immutable": "IMMUTABLE", "merge": "MERGE", "replace": "REPLACE",
         "retain-keys": "RETAIN_KEYS", "omitzero": "OMIT_ZERO", "granular": "GRANULAR", "lenient": "LENIENT"}
FORMATS = {"ip": "IP", "cidr": "CIDR", "port": "PORT", "non-negative": "NON_NEGATIVE", "labels": "LABELS", "label-selector": "LABEL_SELECTOR"}
VERBS = {"get": "GET", "list": "LIST", "watch": "WATCH", "create": "CREATE", "update": "UPDATE", "patch": "PATCH", "delete": "DELETE",
         "deletecollection": "DELETE_COLLECTION"}


class Error(Exception):
    pass


class Field:
    def __init__(self, name, number, expr, attrs, doc):
        self.name, self.number, self.expr, self.attrs, self.doc = name, number, expr, attrs, doc


class Type:
    def __init__(self, file, name, attrs, doc):
        self.file, self.name, self.attrs, self.doc, self.fields = file, name, attrs, doc, []
        self.definition = file.prefix + "." + name
        self.go = file.package + "." + name


class Kind:
    def __init__(self, file, name, plural, namespaced, attrs, doc):
        self.file, self.name, self.plural, self.namespaced, self.attrs, self.doc = file, name, plural, namespaced, attrs, doc
        self.verbs, self.subs, self.short, self.categories, self.select, self.columns = [], [], [], [], [], []
        self.singular, self.generation, self.storage = name.lower(), False, None


class File:
    def __init__(self, name):
        self.name, self.group, self.version, self.prefix, self.package = name, None, "", "", ""
        self.named, self.types, self.kinds = {}, {}, {}


def words(text):
    """Splits at blanks outside of double quotes."""
    return re.findall(r'(?:[^\s"]|"(?:[^"\\]|\\.)*")+', text)


def attributes(tokens):
    attrs = {}
    for token in tokens:
        key, _, value = token.partition("=")
        attrs[key] = value
    return attrs


def parse_file(path):
    file = File(os.path.basename(path).removesuffix(".schema"))
    owner = None
    for n, line in enumerate(open(path, encoding="utf-8"), 1):
        facts, _, doc = line.rstrip("\n").partition(" | ")
        tokens = words(facts)
        if not tokens or tokens[0].startswith("#"):
            continue
        try:
            if line[0] != " ":
                owner = parse_head(file, tokens, doc.strip())
            elif isinstance(owner, Kind):
                parse_kind_line(owner, tokens, doc.strip())
            else:
                owner.fields.append(Field(tokens[0], int(tokens[1]), tokens[2], attributes(tokens[3:]), doc.strip()))
        except (KeyError, IndexError, ValueError, AttributeError) as e:
            raise Error(f"{path}:{n}: {e!r}")
    return file


def parse_head(file, tokens, doc):
    word = tokens[0]
    if word == "group":
        file.group = "" if tokens[1] == "-" else tokens[1]
    elif word == "version":
        file.version = tokens[1]
    elif word == "definitions":
        file.prefix = tokens[1]
        file.package = tokens[1].rpartition(".")[2]
    elif word == "named":
        file.named[tokens[1]] = (tokens[2], attributes(tokens[3:]), doc)
    elif word == "type":
        file.types[tokens[1]] = Type(file, tokens[1], attributes(tokens[2:]), doc)
        return file.types[tokens[1]]
    elif word == "kind":
        file.kinds[tokens[1]] = Kind(file, tokens[1], tokens[2], {"namespaced": True, "cluster": False}[tokens[3]], attributes(tokens[4:]), doc)
        return file.kinds[tokens[1]]
    else:
        raise ValueError(f"unknown word {word}")
    return None


def verb_list(tokens):
    verbs = list(VERBS) if tokens == ["all"] else tokens
    return [VERBS[v] for v in verbs]


def parse_kind_line(kind, tokens, doc):
    word, rest = tokens[0], tokens[1:]
    if word == "verbs":
        kind.verbs = verb_list(rest)
    elif word == "sub":
        api_version = sub_kind = None
        name, rest = rest[0], rest[1:]
        if "as" in rest:
            at = rest.index("as")
            api_version, sub_kind = rest[at + 1], rest[at + 2]
            rest = rest[:at]
        connect = rest[:1] == ["connect"]
        kind.subs.append((name, api_version, sub_kind, verb_list(rest[1:] if connect else rest), connect))
    elif word == "short":
        kind.short = rest
    elif word == "categories":
        kind.categories = rest
    elif word == "select":
        kind.select = rest
    elif word == "singular":
        kind.singular = rest[0]
    elif word == "generation":
        kind.generation = True
    elif word == "storage":
        kind.storage = "" if rest[0] == "-" else rest[0]
    elif word == "column":
        ctype, _, fmt = rest[1].partition("/")
        path, _, absent = rest[2].partition("=")
        kind.columns.append((rest[0].strip('"'), ctype, fmt, path, as_json(absent), 1 if "wide" in rest[3:] else 0, doc))
    else:
        raise ValueError(f"unknown word {word}")


class Shape:
    """What a type expression comes to: scalar, shape, struct, Go's names for each level, enum values, named format."""


class Tables:
    def __init__(self, files):
        self.files = {f.name: f for f in files}
        self.out, self.lists, self.index = [], {}, {}
        for f in files:
            for kind in list(f.kinds.values()):
                self.add_list_type(f, kind)
        self.types = sorted((t for f in files for t in f.types.values()), key=lambda t: t.definition)
        self.index = {id(t): i for i, t in enumerate(self.types)}
        for t in self.types:
            if "object" in t.attrs:
                t.fields = [Field("kind", 0, "string", {"in": "TypeMeta:0"}, "The kind of the object; fixed by the place it is sent to."),
                            Field("apiVersion", 0, "string", {"in": "TypeMeta:0"}, "Group and version of the object's form.")] + t.fields
            for i, f in enumerate(t.fields):
                f.order = i
            t.fields.sort(key=lambda f: f.name.encode())
            for f in t.fields:
                f.shape = self.resolve(t.file, f.expr)
        self.find_defaults()

    def add_list_type(self, file, kind):
        if "LIST" not in kind.verbs:
            return
        name = kind.name + "List"
        t = Type(file, name, {"object": ""}, f"A list of {kind.name} objects.")
        t.fields = [Field("metadata", 1, "meta-v1/ListMeta", {"always": ""}, "What concerns the list as a whole."),
                    Field("items", 2, "[]" + kind.name, {"always": "", "required": ""}, "The objects.")]
        file.types[name] = t

    def resolve(self, file, expr):
        s = Shape()
        s.pointer = expr.startswith("*")
        if s.pointer:
            expr = expr[1:]
        s.shape, s.enum, s.type = "ONE", None, None
        s.go = [self.go_name(file, expr)]
        container, inner_file, inner = self.unwrap(file, expr)
        if container:
            s.shape = container
            s.go.append(self.go_name(inner_file, inner))
            second, second_file, second_inner = self.unwrap(inner_file, inner)
            if second == "LIST":
                s.shape = container + "_OF_LIST"
                s.go.append(self.go_name(second_file, second_inner))
                inner_file, inner = second_file, second_inner
            elif second:
                raise Error(f"{file.name}: {expr}: nested too deeply")
        self.resolve_scalar(s, inner_file, inner.lstrip("*"))
        while len(s.go) < 3:
            s.go.append(s.go[-1])
        return s

    def lookup(self, file, name):
        if "/" in name:
            other, _, name = name.partition("/")
            return self.files[other], name
        return file, name

    def unwrap(self, file, expr):
        """(LIST or MAP, file, element) of a container, seen through its name; else (None, file, expr)."""
        while True:
            if expr.startswith("[]"):
                return "LIST", file, expr[2:]
            if expr.startswith("map["):
                return "MAP", file, expr.partition("]")[2]
            owner, name = self.lookup(file, expr)
            if name not in owner.named:
                return None, file, expr
            under = owner.named[name][0]
            if not under.startswith(("[]", "map[")):
                return None, file, expr
            file, expr = owner, under

    def resolve_scalar(self, s, file, name):
        while name not in SCALARS:
            owner, name = self.lookup(file, name)
            if name in owner.named:
                under, attrs, _ = owner.named[name]
                if "enum" in attrs:
                    s.enum = attrs["enum"].split(",")
                file, name = owner, under
            elif name in owner.types:
                s.scalar, s.type = "STRUCT", owner.types[name]
                return
            else:
                raise Error(f"{file.name}: no type {name}")
        s.scalar = SCALARS[name]
        if name.startswith("structor"):
            s.type = self.files["apiextensions-v1"].types["JSONSchemaProps"]

    def go_name(self, file, expr):
        if expr.startswith("*"):
            return "*" + self.go_name(file, expr[1:])
        if expr.startswith("[]"):
            return "[]" + self.go_name(file, expr[2:])
        if expr.startswith("map["):
            key, _, value = expr[4:].partition("]")
            return f"map[{self.go_name(file, key)}]{self.go_name(file, value)}"
        if expr in SCALARS:
            return GO_NAMES.get(expr, expr)
        owner, name = self.lookup(file, expr)
        return name if "." in name else f"{owner.package}.{name}"

    def find_defaults(self):
        for t in self.types:
            t.defaults = "default-hook" in t.attrs or any("default" in f.attrs for f in t.fields)
        changed = True
        while changed:
            changed = False
            for t in self.types:
                if not t.defaults and any(f.shape.type and f.shape.type.defaults for f in t.fields):
                    t.defaults = changed = True

    # --- C ---
    def strings(self, values):
        if not values:
            return "NULL"
        values = tuple(values)
        if values not in self.lists:
            self.lists[values] = f"list_{len(self.lists)}"
        return self.lists[values]

    def field(self, f):
        s, a, out = f.shape, f.attrs, []
        flags = [FLAGS[k] for k in FLAGS if k in a]
        if s.pointer:
            flags.append("POINTER")
        list_type = "LIST_UNSET"
        if "atomic" in a:
            if s.shape in ("LIST", "LIST_OF_LIST") or s.scalar == "BYTES":
                list_type = "LIST_ATOMIC"
            else:
                flags.append("ATOMIC")
        elif s.shape == "ONE" and s.type and "atomic" in s.type.attrs and "granular" not in a:
            flags.append("ATOMIC")
        if "set" in a:
            list_type = "LIST_SET"
        if "map" in a:
            list_type = "LIST_MAP"
            out.append(f".list_keys = {self.strings(a['map'].split(','))}")
        if a.get("merge"):
            out.append(f".merge_key = {quote(a['merge'])}")
        if "default" in a:
            out.append(f".default_json = {quote(a['default'])}")
        if s.enum:
            out.append(f".enum_values = {self.strings(s.enum)}")
        if "in" in a:
            parts = [p.partition(":") for p in a["in"].split("/")]
            out.append(f".embedded = {quote('.'.join(p[0] for p in parts))}")
            if parts[0][2] != "0":
                out.append(f".embedded_numbers = (const guint8[]) {{ {', '.join(p[2] for p in parts)}, 0 }}")
        if "format" in a:
            name, _, detail = a["format"].partition(":")
            out.append(f".format = KUBE_FORMAT_{FORMATS.get(name, 'NAME')}")
            if name == "name":
                out.append(f".name_format = KUBE_NAME_{detail.upper().replace('-', '_')}")
        for limit, member in (("min", "minimum"), ("max", "maximum")):
            if limit in a:
                out.append(f".{member} = {int(a[limit])}")
        if f.doc:
            out.append(f".doc = {quote(f.doc)}")
        if s.type:
            out.append(f".type = &kube_schema_types[{self.index[id(s.type)]}]")
        if flags:
            out.append(".flags = " + " | ".join("KUBE_FIELD_" + x for x in flags))
        go = ", ".join(f".{m} = {quote(g)}" for m, g in zip(("go_type", "go_element", "go_inner"), s.go))
        return (f"  {{ .name = {quote(f.name)}, .name_length = {len(f.name)}, .order = {f.order}, .number = {f.number}, .scalar = KUBE_SCALAR_{s.scalar}, .shape = KUBE_SHAPE_{s.shape}, "
                f".list_type = KUBE_{list_type}, {go}" + "".join(", " + x for x in out) + " },")

    def type_row(self, t, first):
        out = [f".name = {quote(t.name)}", f".package = {quote(t.file.package)}", f".definition = {quote(t.definition)}"]
        if t.doc:
            out.append(f".doc = {quote(t.doc)}")
        if t.fields:
            out.append(f".fields = &fields[{first}], .n_fields = {len(t.fields)}")
        wire = sorted((wire_path(f), i) for i, f in enumerate(t.fields) if f.number > 0)
        if wire:
            out.append(f".wire = (const guint8[]) {{ {', '.join(str(i) for _, i in wire)} }}, .n_wire = {len(wire)}")
        for key, member in (("open", "open"), ("atomic", "atomic")):
            if key in t.attrs:
                out.append(f".{member} = 1")
        if t.defaults:
            out.append(".has_defaults = 1")
        if any("always" in f.attrs for f in t.fields):
            out.append(".has_always = 1")
        if "union" in t.attrs:
            out.append(f".union_members = {self.strings(t.attrs['union'].split(','))}")
        if "default-hook" in t.attrs:
            out.append(f".default_hook = {hook_name(t)}")
        return "  { " + ", ".join(out) + " },"

    def kind_row(self, k, columns, subs):
        f = k.file
        group, version = k.gv
        api_version = f"{group}/{version}" if group else version
        t = f.types.get(k.name)
        list_type = f.types.get(k.name + "List") if "LIST" in k.verbs else None
        suffix = "." + group if group else ""
        out = [f".constant = TRUE, .group = {quote(group)}, .version = {quote(version)}, .api_version = {quote(api_version)}, .name = {quote(k.name)}",
               f".list_name = {quote(k.name + 'List')}, .plural = {quote(k.plural)}, .singular = {quote(k.singular)}",
               f".qualified_name = {quote(k.plural + suffix)}, .qualified_kind = {quote(k.name + suffix)}",
               f".short_names = {self.strings(k.short)}, .categories = {self.strings(k.categories)}, .selectable = {self.strings(k.select)}",
               f".namespaced = {'TRUE' if k.namespaced else 'FALSE'}", ".verbs = " + verbs(k.verbs)]
        if k.subs:
            out.append(f".subresources = &subresources[{subs}], .n_subresources = {len(k.subs)}, .subresource_names = {self.strings(s[0] for s in k.subs)}")
        if k.columns:
            out.append(f".columns = &columns[{columns}], .n_columns = {len(k.columns)}")
        if t:
            out.append(f".type = &kube_schema_types[{self.index[id(t)]}]")
        if list_type:
            out.append(f".list_type = &kube_schema_types[{self.index[id(list_type)]}]")
        if k.generation:
            out.append(".has_generation = TRUE")
        if k.verbs == ["CREATE"]:
            out.append(".not_stored = TRUE")
        if k.storage is not None:
            out.append(f".storage_group = {quote(k.storage)}")
        return "  { " + ",\n    ".join(out) + " },"

    def all_kinds(self):
        """The resources in the order of group, version, plural; then the kinds that are only bodies."""
        kinds, bodies = [], []
        for f in self.files.values():
            for k in f.kinds.values():
                k.gv = (f.group or "", f.version)
                kinds.append(k)
            for t in f.types.values():
                if "object" in t.attrs and t.name not in f.kinds and not (t.name.endswith("List") and t.name[:-4] in f.kinds):
                    k = Kind(f, t.name, "", False, {}, t.doc)
                    group, _, version = t.attrs["kind"].rpartition("/") if "kind" in t.attrs else (f.group or "", "/", f.version)
                    k.gv = (group, version)
                    bodies.append(k)
        return sorted(kinds, key=lambda k: (k.gv, k.plural)) + sorted(bodies, key=lambda k: (k.gv, k.name))

    def emit(self):
        kinds, fields, types, rows, columns, subs = self.all_kinds(), [], [], [], [], []
        for t in self.types:
            types.append(self.type_row(t, len(fields)))
            fields += [self.field(f) for f in t.fields]
        for k in kinds:
            rows.append(self.kind_row(k, len(columns), len(subs)))
            for name, ctype, fmt, path, absent, priority, doc in k.columns:
                columns.append(f"  {{ {quote(name)}, {quote(ctype)}, {quote(fmt)}, {quote(path)}, {quote(doc)}, {priority}, {quote(absent) if absent else 'NULL'} }},")
            for name, api_version, sub_kind, sub_verbs, connect in k.subs:
                columns_or_null = (quote(api_version), quote(sub_kind)) if sub_kind else ("NULL", "NULL")
                subs.append(f"  {{ {quote(name)}, {', '.join(columns_or_null)}, {verbs(sub_verbs)}, {'TRUE' if connect else 'FALSE'} }},")
        hooks = sorted({hook_name(t) for t in self.types if "default-hook" in t.attrs})
        out = ["/* SPDX-License-Identifier: LGPL-2.1-or-later */", '#include "kube-schema.h"', '#include <kube/kube-names.h>', ""]
        out += [f"void {h} (KubeNode *object);" for h in hooks]
        out += [f"static const char *const {name}[] = {{ {', '.join(quote(v) for v in values)}, NULL }};" for values, name in self.lists.items()]
        out += ["static const KubeField fields[] = {", *fields, "};"]
        out += ["const KubeType kube_schema_types[] = {", *types, "};", f"const guint kube_schema_n_types = {len(types)};"]
        out += ["static const KubeColumn columns[] = {", *columns, "};", "static const KubeSubresource subresources[] = {", *subs, "};"]
        out += ["const KubeKind kube_schema_kinds[] = {", *rows, "};", f"const guint kube_schema_n_kinds = {len(rows)};"]
        return "\n".join(out) + "\n"


def wire_path(f):
    """Protobuf numbers of the messages that a field is embedded in, and its own."""
    return [int(p.rpartition(":")[2]) for p in f.attrs["in"].split("/")] + [f.number] if "in" in f.attrs else [f.number]


def hook_name(t):
    return "kube_default_" + t.attrs["default-hook"].replace("-", "_")


def verbs(names):
    if not names:
        return "0"
    return "KUBE_VERBS_ALL" if len(names) == len(VERBS) else "(KubeVerb) (" + " | ".join("KUBE_VERB_" + n for n in names) + ")"


def as_json(word):
    """A JSON literal as it is, another word as a string."""
    try:
        json.loads(word)
    except ValueError:
        return json.dumps(word) if word else ""
    return word


def quote(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def main(out, paths):
    try:
        text = Tables([parse_file(p) for p in paths]).emit()
    except Error as e:
        sys.exit(str(e))
    with open(out, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
