# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program on the Python client does: objects, patches, watches, an informer, the dynamic client, the asyncio client, tokens.

Usage: client.py [unittest's options], with KUBECONFIG naming the cluster's administrator.
"""
import asyncio
import base64
import json
import logging
import os
import queue
import tempfile
import time
import unittest

import yaml
from kubernetes import client, config, dynamic, informer, stream, utils, watch
from kubernetes.aio import client as aio_client, config as aio_config
from kubernetes.client.exceptions import ApiException

NAMESPACE = "python"
POD = {"containers": [{"name": "main", "image": "registry.example/app:1"}], "terminationGracePeriodSeconds": 0}
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "registry.example/app:1", resources: {requests: {cpu: 100m, memory: 32Mi}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
"""


def until(condition, seconds=20):
    """The first true value that the condition gives."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("not in time")
        time.sleep(0.02)


def config_map(name, labels=None, **data):
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name, labels=labels), data=data)


def names(items):
    return sorted(item.metadata.name for item in items)


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        config.load_kube_config()
        cls.core, cls.apps = client.CoreV1Api(), client.AppsV1Api()
        cls.core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
        until(lambda: names(cls.core.list_namespaced_service_account(NAMESPACE).items) == ["default"])

    @classmethod
    def tearDownClass(cls):
        cls.core.delete_namespace(NAMESPACE)
        until(lambda: NAMESPACE not in names(cls.core.list_namespace().items))

    def refused(self, status, reason):
        """A context in which the API has to answer so."""
        test = self

        class Refused:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, trace):
                test.assertIsInstance(error, ApiException)
                self.body = json.loads(error.body)
                test.assertEqual((error.status, self.body["reason"]), (status, reason), error.body)
                return True

        return Refused()

    def run_pod(self, name, **more):
        self.core.create_namespaced_pod(NAMESPACE, {"metadata": {"name": name}, "spec": {**POD, **more}})
        return until(lambda: [pod for pod in [self.core.read_namespaced_pod(name, NAMESPACE)] if pod.status.phase == "Running"])[0]

    def test_version_and_groups(self):
        self.assertEqual((client.VersionApi().get_code().major, client.VersionApi().get_code().minor), ("1", "36"))
        self.assertIn("apps", [group.name for group in client.ApisApi().get_api_versions().groups])
        self.assertIn("pods", [resource.name for resource in self.core.get_api_resources().resources])

    def test_life_of_an_object(self):
        made = self.core.create_namespaced_config_map(NAMESPACE, config_map("life", a="1", umlaut="ü\u2028"))
        self.assertEqual(made.data, {"a": "1", "umlaut": "ü\u2028"})
        self.assertEqual(made.metadata.creation_timestamp.utcoffset().total_seconds(), 0)
        made.data, made.binary_data = {"a": "2"}, {"b": base64.b64encode(b"\0\xff").decode()}
        replaced = self.core.replace_namespaced_config_map("life", NAMESPACE, made)
        self.assertEqual(replaced, self.core.read_namespaced_config_map("life", NAMESPACE))
        with self.refused(409, "Conflict"):
            self.core.replace_namespaced_config_map("life", NAMESPACE, made)
        status = self.core.delete_namespaced_config_map("life", NAMESPACE)
        self.assertEqual((status.status, status.details.name), ("Success", "life"))
        with self.refused(404, "NotFound"):
            self.core.read_namespaced_config_map("life", NAMESPACE)

    def test_errors_tell_what_is_wrong(self):
        with self.refused(422, "Invalid") as invalid:
            self.core.create_namespaced_config_map(NAMESPACE, config_map("No"))
        self.assertEqual(invalid.body["details"]["causes"][0]["field"], "metadata.name")
        with self.refused(409, "AlreadyExists"):
            self.core.create_namespace({"metadata": {"name": NAMESPACE}})
        with self.refused(400, "BadRequest"):
            self.core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "strict"}, "dota": {}}, field_validation="Strict")

    def test_patches(self):
        self.core.create_namespaced_config_map(NAMESPACE, config_map("patched", a="1", b="2"))

        def patch(body, **more):
            return self.core.patch_namespaced_config_map("patched", NAMESPACE, body, **more).data

        self.assertEqual(patch([{"op": "add", "path": "/data/c", "value": "3"}, {"op": "remove", "path": "/data/b"}]), {"a": "1", "c": "3"})
        self.assertEqual(patch({"data": {"a": None, "d": "4"}}, _content_type="application/merge-patch+json"), {"c": "3", "d": "4"})
        self.assertEqual(patch({"data": {"$patch": "replace", "e": "5"}}, _content_type="application/strategic-merge-patch+json"), {"e": "5"})
        with self.refused(422, "Invalid"):
            patch([{"op": "test", "path": "/data/e", "value": "6"}])

    def test_pages(self):
        for i in range(5):
            self.core.create_namespaced_config_map(NAMESPACE, config_map("page-%d" % i, {"page": "yes"}))
        found, versions, token = [], set(), None
        while token != "":
            page = self.core.list_namespaced_config_map(NAMESPACE, label_selector="page=yes", limit=2, _continue=token)
            self.core.create_namespaced_config_map(NAMESPACE, {"metadata": {"generateName": "page-x-", "labels": {"page": "yes"}}})
            found += names(page.items)
            versions.add(page.metadata.resource_version)
            token = page.metadata._continue or ""
        self.assertEqual((found, len(versions)), (["page-%d" % i for i in range(5)], 1))
        self.core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="page")
        self.assertEqual(self.core.list_namespaced_config_map(NAMESPACE, label_selector="page").items, [])

    def test_watch(self):
        listed = self.core.list_namespaced_config_map(NAMESPACE, label_selector="watched")
        made = self.core.create_namespaced_config_map(NAMESPACE, config_map("watched", {"watched": "yes"}))
        events, w = [], watch.Watch()
        for event in w.stream(self.core.list_namespaced_config_map, NAMESPACE, label_selector="watched", resource_version=listed.metadata.resource_version,
                              timeout_seconds=20):
            self.assertIsInstance(event["object"], client.V1ConfigMap)
            events.append(event["type"])
            if event["type"] == "ADDED":
                self.core.patch_namespaced_config_map("watched", NAMESPACE, {"data": {"a": "b"}})
            elif event["type"] == "MODIFIED":
                self.core.delete_namespaced_config_map("watched", NAMESPACE)
            else:
                w.stop()
        self.assertEqual(events, ["ADDED", "MODIFIED", "DELETED"])
        self.assertGreater(int(w.resource_version), int(made.metadata.resource_version))

    def test_a_watch_ends_when_its_time_is_over(self):
        started = time.monotonic()
        events = list(watch.Watch().stream(self.core.list_namespaced_config_map, NAMESPACE, field_selector="metadata.name=kube-root-ca.crt", timeout_seconds=1))
        self.assertEqual([event["type"] for event in events], ["ADDED"])
        self.assertLess(time.monotonic() - started, 15)

    def test_informer(self):
        told = queue.Queue()
        informed = informer.SharedInformer(self.core.list_namespaced_config_map, namespace=NAMESPACE, label_selector="informed")
        for kind in informer.ADDED, informer.MODIFIED, informer.DELETED:
            informed.add_event_handler(kind, lambda object, kind=kind: told.put((kind, object.metadata.name)))
        self.core.create_namespaced_config_map(NAMESPACE, config_map("informed", {"informed": "yes"}))
        informed.start()
        try:
            self.assertEqual(told.get(timeout=20), ("ADDED", "informed"))
            self.core.patch_namespaced_config_map("informed", NAMESPACE, {"data": {"a": "b"}})
            self.assertEqual(told.get(timeout=20), ("MODIFIED", "informed"))
            self.core.delete_namespaced_config_map("informed", NAMESPACE)
            self.assertEqual(told.get(timeout=20), ("DELETED", "informed"))
        finally:
            informed.stop()

    def test_rollout_from_yaml(self):
        made = utils.create_from_yaml(client.ApiClient(), yaml_objects=list(yaml.safe_load_all(WEB)), namespace=NAMESPACE)
        self.assertEqual([group[0].kind for group in made], ["Deployment", "Service"])

        def available(n):
            return until(lambda: self.apps.read_namespaced_deployment_status("web", NAMESPACE).status.available_replicas == n)

        available(2)
        scale = self.apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 3}})
        self.assertEqual((scale.spec.replicas, scale.status.selector), (3, "app=web"))
        available(3)
        pods = self.core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items
        self.assertEqual(utils.parse_quantity(pods[0].spec.containers[0].resources.requests["memory"]), 32 << 20)

        def addresses():
            slices = client.DiscoveryV1Api().list_namespaced_endpoint_slice(NAMESPACE, label_selector="kubernetes.io/service-name=web").items
            return sorted(endpoint.addresses[0] for part in slices for endpoint in part.endpoints or [] if endpoint.conditions.ready)

        until(lambda: addresses() == sorted(pod.status.pod_ip for pod in pods))
        self.apps.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")
        until(lambda: not self.core.list_namespaced_pod(NAMESPACE, label_selector="app=web").items)

    def test_eviction_and_binding(self):
        node = self.core.list_node().items[0].metadata.name
        self.core.create_namespaced_pod(NAMESPACE, {"metadata": {"name": "bound"}, "spec": {**POD, "schedulerName": "nobody"}})
        # the answer is a Status, which this client's model of a binding cannot hold
        self.core.create_namespaced_pod_binding("bound", NAMESPACE, {"metadata": {"name": "bound"}, "target": {"kind": "Node", "name": node}}, _preload_content=False)
        until(lambda: self.core.read_namespaced_pod("bound", NAMESPACE).status.phase == "Running")
        self.core.create_namespaced_pod_eviction("bound", NAMESPACE, client.V1Eviction(metadata=client.V1ObjectMeta(name="bound")))
        until(lambda: "bound" not in names(self.core.list_namespaced_pod(NAMESPACE).items))

    def test_dynamic_client(self):
        with tempfile.TemporaryDirectory() as folder:
            api = dynamic.DynamicClient(client.ApiClient(), cache_file=os.path.join(folder, "discovery")).resources.get(api_version="v1", kind="ConfigMap")
            api.create({"metadata": {"name": "dynamic", "labels": {"dynamic": "yes"}}, "data": {"a": "1"}}, namespace=NAMESPACE)
            patched = api.patch({"data": {"a": "2"}}, name="dynamic", namespace=NAMESPACE, content_type="application/merge-patch+json")
            self.assertEqual(patched.data.a, "2")
            events = []
            for event in api.watch(namespace=NAMESPACE, label_selector="dynamic", timeout=20):
                events.append((event["type"], event["object"].metadata.name))
                if event["type"] == "DELETED":
                    break
                api.delete(name="dynamic", namespace=NAMESPACE)
            self.assertEqual(events, [("ADDED", "dynamic"), ("DELETED", "dynamic")])
            with self.assertRaises(dynamic.exceptions.NotFoundError):
                api.get(name="dynamic", namespace=NAMESPACE)

    def test_asyncio_client(self):
        async def run():
            await aio_config.load_kube_config()
            async with aio_client.ApiClient() as api:
                core = aio_client.CoreV1Api(api)
                await asyncio.gather(*[core.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": "aio-%d" % i, "labels": {"aio": "yes"}}}) for i in range(20)])
                listed = await core.list_namespaced_config_map(NAMESPACE, label_selector="aio")
                await core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="aio")
                return len(listed.items)

        self.assertEqual(asyncio.run(run()), 20)

    def test_token_of_a_service_account(self):
        token = self.core.create_namespaced_service_account_token("default", NAMESPACE, {"spec": {"expirationSeconds": 600}}).status.token
        theirs = client.Configuration.get_default_copy()
        theirs.cert_file = theirs.key_file = None
        theirs.api_key = {"authorization": "Bearer " + token}
        api = client.ApiClient(theirs)
        self.assertEqual(client.AuthenticationV1Api(api).create_self_subject_review({}).status.user_info.username, "system:serviceaccount:python:default")
        with self.refused(403, "Forbidden"):
            client.CoreV1Api(api).list_namespaced_secret(NAMESPACE)

    def test_a_simulated_pod_has_neither_logs_nor_processes(self):
        self.run_pod("logs")
        # read whole, this client turns text into the text of bytes
        self.assertEqual(self.core.read_namespaced_pod_log("logs", NAMESPACE, _preload_content=False).data, b"")
        with self.refused(400, "BadRequest"):
            self.core.read_namespaced_pod_log("logs", NAMESPACE, container="none")
        # stream() changes the client that it is given; the client trips over its own error for a refused handshake
        core = client.CoreV1Api(client.ApiClient())
        with self.assertRaises(Exception) as refused:
            stream.stream(core.connect_get_namespaced_pod_exec, "logs", NAMESPACE, command=["true"], stdout=True)
        self.assertIn("Handshake status 500", str(refused.exception.__context__ or refused.exception))

    def test_a_port_that_nothing_listens_on_is_an_error_to_its_client(self):
        self.run_pod("ports")
        forward = stream.portforward(client.CoreV1Api(client.ApiClient()).connect_get_namespaced_pod_portforward, "ports", NAMESPACE, ports="8080")
        self.assertEqual(forward.socket(8080).recv(1), b"")
        self.assertIn("error forwarding port 8080 to pod ports", forward.error(8080))
        until(lambda: not forward.connected)


if __name__ == "__main__":
    # an informer that is stopped says that its connection went away
    logging.disable(logging.ERROR)
    unittest.main(verbosity=2)
