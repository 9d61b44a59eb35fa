#!/usr/bin/env python3
"""A controller: each ConfigMap with the label `mirror: "yes"` has a copy `NAME-mirror` that follows it and goes with it."""
import gi

gi.require_version("Kube", "1.0")
from gi.repository import GLib, Kube

SOURCE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: default, labels: {mirror: 'yes'}}
data: {greeting: %s}
"""


SOURCE_NAME = "example.com/mirror-of"


def sources_of(config_map, *_):
    """The keys of what @config_map is a copy of."""
    source = config_map.get_annotation(SOURCE_NAME)
    return [config_map.get_namespace() + "/" + source] if source else []


def keys_of(controller, config_map, old, *_):
    return [config_map.dup_key()] + sources_of(config_map)


def build_mirror(source):
    builder = Kube.Builder.new(None)
    root = builder.get_root()
    root.set_string("apiVersion", "v1")
    root.set_string("kind", "ConfigMap")
    root.set_string("metadata.name", source.get_name() + "-mirror")
    root.set_string("metadata.namespace", source.get_namespace())
    root.ensure_object("metadata.annotations").put_string(SOURCE_NAME, source.get_name())
    owner = root.ensure_array("metadata.ownerReferences").append_object()
    for key, value in (("apiVersion", "v1"), ("kind", "ConfigMap"), ("name", source.get_name()), ("uid", source.get_uid())):
        owner.put_string(key, value)
    owner.put_boolean("controller", True)
    root.set_value("data", source.get("data"))
    return Kube.Object.new_from_builder(builder)


class Mirror:
    """What is, and what is to be written: nothing waits here, nothing is read from the server."""

    def __init__(self, manager, kind):
        self.controller = Kube.Controller.new(manager, "mirror", self.reconcile)
        self.maps = self.controller.watch(kind, keys_of)
        self.maps.add_index("source", sources_of)

    def reconcile(self, controller, key, plan, *_):
        source, mirrors = self.maps.get_by_key(key), self.maps.list_by("source", key)
        if source is None or source.get_label("mirror") != "yes":
            return True
        if not mirrors:
            plan.create(build_mirror(source))
        elif not mirrors[0].get("data").equal(source.get("data")):
            plan.update(build_mirror(source))
        return True


def main():
    cluster = Kube.Cluster.new(None)
    client = cluster.get_client()
    kind = client.get_scheme().find_kind("v1", "ConfigMap")
    manager = Kube.Manager.new(client, None)
    mirror = Mirror(manager, kind)
    loop = GLib.MainLoop()

    def show(mirrored):
        if mirrored.get_name() != "a-mirror":
            return
        print("%s says %s" % (mirrored.get_name(), mirrored.get_string("data.greeting")))
        if mirrored.get_string("data.greeting") == "goodbye":
            loop.quit()
        else:
            client.update(Kube.Object.parse(SOURCE % "goodbye", -1))

    mirror.maps.connect("added", lambda informer, new: show(new))
    mirror.maps.connect("updated", lambda informer, old, new: show(new))
    client.create(Kube.Object.parse(SOURCE % "hello", -1))
    manager.start()
    loop.run()
    manager.stop()
    cluster.stop()


main()
