#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every kind that discovery names, through kubectl: create, get, list, watch, patch, replace, apply, explain, delete.

Usage: kinds.py KUBECTL        with KUBECONFIG naming the cluster's administrator; the objects are in kinds.yaml beside this file.
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import threading
import time

import yaml

KUBECTL = sys.argv[1]
NAMESPACE = "kinds"
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def run(*args, given=None, fails=False):
    """What kubectl prints; an error where it ends with another code than it should."""
    done = subprocess.run([KUBECTL, *args], input=None if given is None else json.dumps(given), capture_output=True, text=True, timeout=60)
    if (done.returncode != 0) != fails:
        raise AssertionError("kubectl %s: %s" % (" ".join(args), (done.stderr or done.stdout).strip()))
    return done.stderr if fails else done.stdout


def check(holds, *what):
    if not holds:
        raise AssertionError(" ".join(str(part) for part in what))


def lacks(got, sent, path=""):
    """Where the object that came back does not have what was sent."""
    if isinstance(sent, dict) and isinstance(got, dict):
        return [place for key in sent for place in lacks(got.get(key), sent[key], path + "." + key)]
    if isinstance(sent, list) and isinstance(got, list) and len(got) >= len(sent):
        return [place for i, item in enumerate(sent) for place in lacks(got[i], item, "%s[%d]" % (path, i))]
    return [] if got == sent else ["%s is %r, not %r" % (path, got, sent)]


class Watch:
    """kubectl get --watch of one object, and the types of the events that it has printed."""

    def __init__(self, resource, name):
        self.types, self.more = [], threading.Condition()
        self.process = subprocess.Popen([KUBECTL, "get", resource, name, "-n", NAMESPACE, "--watch", "--output-watch-events", "-o", 'jsonpath={.type}{"\\n"}'],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.more:
                self.types.append(line.strip())
                self.more.notify()

    def expect(self, kind, at_least=1):
        with self.more:
            check(self.more.wait_for(lambda: self.types.count(kind) >= at_least, 20), "watch: not", at_least, "times", kind, "but", self.types)

    def end(self):
        self.process.kill()
        self.process.wait()


class Kind:
    def __init__(self, api_version, resource, item):
        group, _, version = api_version.rpartition("/")
        self.api_version, self.resource, self.namespaced = api_version, resource["name"], resource["namespaced"]
        self.qualified = "%s.%s.%s" % (resource["name"], version, group)
        self.path = ("/apis/" if group else "/api/") + api_version + ("/namespaces/" + NAMESPACE if self.namespaced else "") + "/" + resource["name"]
        self.needs, self.verbs = item.pop("needs", []), item.pop("verbs", VERBS)
        self.object, self.offered = item, resource["verbs"]
        self.name = item.get("metadata", {}).get("name")
        # the versions of a kind show the same objects
        self.labels = {"kinds": version}

    def walk(self):
        check(set(self.verbs) <= set(self.offered), "discovery offers only", self.offered)
        for needed in self.needs:
            run("create", "-n", NAMESPACE, "-f", "-", given=needed)
        self.explain()
        if "create" not in self.verbs:
            self.read_only()
        elif "get" not in self.verbs:
            self.create_only()
        else:
            self.live()

    def explain(self):
        text = run("explain", self.resource, "--api-version", self.api_version)
        check("KIND:       " + self.object["kind"] in text and "\nFIELDS:\n" in text and "metadata" in text, "explain:", text)

    def read_only(self):
        listed = json.loads(run("get", "--raw", self.path))
        check(listed["kind"] == self.object["kind"] + "List", "listed:", listed)
        run("get", self.qualified)
        check("(NotFound)" in run("get", self.qualified, "none", fails=True), "there is one that is not")

    def create_only(self):
        made = json.loads(run("create", "--raw", self.path, "-f", "-", given=self.object))
        check(made["kind"] in (self.object["kind"], "Status") and made["status"] not in ({}, "Failure"), "answer:", made)

    def of_this(self, verb, *args, **more):
        return run(verb, self.qualified, self.name, "-n", NAMESPACE, *args, **more)

    def file(self, verb, labels, *args, object=None):
        changed = object or self.object
        changed = {**changed, "metadata": {**changed["metadata"], "labels": {**self.labels, **labels}}}
        return run(verb, "-n", NAMESPACE, "-f", "-", *args, given=changed)

    def live(self):
        check(self.file("create", {}).strip().endswith(" created"), "not created")
        watch = Watch(self.qualified, self.name)
        try:
            self.read()
            watch.expect("ADDED")
            self.change(watch)
            self.delete()
            watch.expect("DELETED")
            check(watch.types[0] == "ADDED" and watch.types[-1] == "DELETED", "events:", watch.types)
        finally:
            watch.end()

    def read(self):
        got = json.loads(self.of_this("get", "-o", "json"))
        different = lacks(got, {**self.object, "metadata": {**self.object["metadata"], "labels": self.labels}})
        check(not different, different)
        check(got["metadata"]["uid"] and int(got["metadata"]["resourceVersion"]) > 0, "metadata:", got["metadata"])
        names = run("get", self.qualified, "-n", NAMESPACE, "-l", "kinds=" + self.labels["kinds"], "-o", "name").split()
        check([name.rpartition("/")[2] for name in names] == [self.name], "listed:", names)
        table = self.of_this("get").splitlines()
        check(len(table) == 2 and table[0].isupper(), "table:", table)

    def change(self, watch):
        object = json.loads(self.of_this("patch", "-p", '{"metadata":{"labels":{"patched":"yes"}}}', "-o", "json"))
        self.check_labels(object, {**self.labels, "patched": "yes"})
        watch.expect("MODIFIED", 1)
        # a controller may have written since
        del object["metadata"]["resourceVersion"]
        object = json.loads(self.file("replace", {"replaced": "yes"}, "-o", "json", object=object))
        self.check_labels(object, {**self.labels, "replaced": "yes"})
        watch.expect("MODIFIED", 2)
        object = json.loads(self.file("apply", {"applied": "yes"}, "-o", "json"))
        self.check_labels(object, {**self.labels, "replaced": "yes", "applied": "yes"})
        watch.expect("MODIFIED", 3)
        again = json.loads(self.file("apply", {"applied": "yes"}, "-o", "json"))
        check(self.written(again) == self.written(object), "applying twice changes it:", object, again)

    @staticmethod
    def written(object):
        """What none but its user writes: where there is a status, a controller may have been at it."""
        if "status" not in object:
            return object
        mine = {key: value for key, value in object.items() if key != "status"}
        return {**mine, "metadata": {**mine["metadata"], "resourceVersion": None}}

    @staticmethod
    def check_labels(object, want):
        labels = object["metadata"]["labels"]
        check({key: value for key, value in labels.items() if "/" not in key} == want, "labels:", labels)

    def delete(self):
        check(" deleted" in self.of_this("delete", "--timeout=30s"), "not deleted")
        check("(NotFound)" in self.of_this("get", fails=True), "still there")


def objects():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "kinds.yaml"), encoding="utf-8") as file:
        return {(item["apiVersion"], item["kind"]): item for item in yaml.safe_load_all(file)}


def discover():
    groups = json.loads(run("get", "--raw", "/apis"))["groups"]
    versions = ["v1"] + [version["groupVersion"] for group in groups for version in group["versions"]]
    for version in versions:
        for resource in json.loads(run("get", "--raw", ("/apis/" if "/" in version else "/api/") + version))["resources"]:
            if "/" not in resource["name"]:
                yield version, resource


def prepare():
    run("create", "namespace", NAMESPACE)
    for what in "serviceaccount/default", "configmap/kube-root-ca.crt":
        run("wait", "--for=create", what, "-n", NAMESPACE, "--timeout=30s")


def walk(api_version, resource, item):
    name = "%s %s" % (api_version, resource["kind"])
    started = time.monotonic()
    try:
        check(item is not None, "kinds.yaml has no object of this kind")
        Kind(api_version, resource, item).walk()
    except (AssertionError, KeyError, TypeError, ValueError, subprocess.TimeoutExpired) as error:
        print("FAIL %s: %s" % (name, error), flush=True)
        return False
    print("ok   %s (%.1f s)" % (name, time.monotonic() - started), flush=True)
    return True


def main():
    given = objects()
    prepare()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        walks = [pool.submit(walk, version, resource, given.pop((version, resource["kind"]), None)) for version, resource in discover()]
        passed = sum(w.result() for w in walks)
    for version, kind in given:
        print("FAIL %s %s: not in discovery" % (version, kind))
    failed = len(walks) - passed + len(given)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(0 if failed == 0 else 1)


main()
