#!/usr/bin/env python3
"""A Deployment from its creation to its last pod: in a cluster of this very process, or, given a kubeconfig, in any other."""
import sys

import gi

gi.require_version("Kube", "1.0")
from gi.repository import GLib, Kube

MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: 'localhost/web:1'}]}
"""


def run(client):
    scheme = client.get_scheme()
    deployment, pod = scheme.find_kind("apps/v1", "Deployment"), scheme.find_kind("v1", "Pod")
    loop = GLib.MainLoop()

    def on_updated(informer, old, web):
        ready = web.get_integer("status.readyReplicas", 0)
        if ready != old.get_integer("status.readyReplicas", 0):
            print("%s: %d of 3 pods are ready" % (web.get_name(), ready))
        if ready == 3:
            loop.quit()

    client.create(Kube.Object.parse(MANIFEST, -1))
    deployments = Kube.Informer.new(client, deployment, "default")
    deployments.connect("updated", on_updated)
    deployments.start()
    loop.run()

    pods = client.list(pod, "default", "app=web")
    for i in range(pods.get_length()):
        print("%s runs on %s" % (pods.get(i).get_name(), pods.get(i).get_string("spec.nodeName")))
    client.delete(deployment, "default", "web")


if len(sys.argv) > 1:
    run(Kube.HttpClient.new(Kube.Config.load(sys.argv[1], None)))
else:
    cluster = Kube.Cluster.new(None)
    run(cluster.get_client())
    cluster.stop()
