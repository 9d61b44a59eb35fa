#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What clients, disks and administrators get wrong, against a running kube-all: each is a clear error, nothing is lost, and the service goes on.
Usage: test-bad-input.py KUBE-ALL [unittest's options]. Makes a network and a mount namespace of its own where that is allowed."""
import base64, http.client, json, os, re, resource, shutil, signal, socket, ssl, subprocess, sys, tempfile, time, unittest

ALONE = os.environ.get("KUBE_TEST_ALONE") == "1"
PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def wait_for(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("not in time: " + what)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def run(*args, **more):
    return subprocess.run([KUBE_ALL, *args], capture_output=True, text=True, timeout=30, **more)


class Cluster:
    def __init__(self, folder, *more):
        self.folder, self.port, self.kubeconfig = folder, free_port(), os.path.join(folder, "kubeconfig")
        self.args = ["--data-dir", folder, "--runtime", "sim", "--bind-address", "127.0.0.1", "--secure-port", str(self.port), *more]
        self.start()

    def start(self):
        self.log = open(os.path.join(LOGS, "log-%d" % self.port), "a+")
        self.process = subprocess.Popen([KUBE_ALL, *self.args], stdout=subprocess.PIPE, stderr=self.log, text=True)
        if not self.process.stdout.readline().startswith("ready "):
            self.process.wait()
            self.log.seek(0)
            raise AssertionError("kube-all did not start: " + self.log.read())
        text = read(self.kubeconfig).decode()
        self.context = ssl.create_default_context(cadata=base64.b64decode(re.search(r"certificate-authority-data: *\"?([\w+/=]+)", text)[1]).decode())
        pem = os.path.join(LOGS, "pem-%d" % self.port)
        with open(pem, "wb") as f:
            for name in "client-certificate-data", "client-key-data":
                f.write(base64.b64decode(re.search(name + r": *\"?([\w+/=]+)", text)[1]))
        self.context.load_cert_chain(pem)

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        self.process.stdout.close()
        self.log.seek(0)
        self.told = self.log.read()
        self.log.close()
        return code

    def end(self):
        """Stops it, which it has to survive; what it logged says why where it does not."""
        code = self.stop()
        assert code == 0, "kube-all ended with %d:\n%s" % (code, self.told[-20000:])

    def connect(self):
        return self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 20), server_hostname="127.0.0.1")

    def ask(self, method, path, body=None, kind="application/json", **headers):
        """Status and body; the body is parsed where it is JSON."""
        client = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=20)
        try:
            if isinstance(body, (dict, list)):
                body = json.dumps(body)
            client.request(method, path, body, {"Content-Type": kind, **headers})
            answer = client.getresponse()
            self.headers = answer.headers
            data = answer.read()
            return answer.status, json.loads(data) if "json" in answer.headers.get("Content-Type", "") else data.decode()
        finally:
            client.close()


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(tempfile.mkdtemp(dir=LOGS))

    @classmethod
    def tearDownClass(cls):
        cls.cluster.end()

    def tearDown(self):
        self.assertEqual(self.cluster.ask("GET", "/readyz")[0], 200)

    def refused(self, status, reason, text, answer):
        self.assertEqual(answer[0], status, answer)
        self.assertEqual((answer[1]["kind"], answer[1]["reason"], answer[1]["code"]), ("Status", reason, status))
        self.assertIn(text, answer[1]["message"])

    def test_json_that_breaks_off(self):
        self.refused(400, "BadRequest", "unexpected end of JSON input", self.cluster.ask("POST", MAPS, '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"'))

    def test_a_body_that_breaks_off_makes_nothing(self):
        with self.cluster.connect() as s:
            s.sendall(b"POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" % MAPS.encode()
                      + json.dumps(config_map("half")).encode())
        self.assertEqual(self.cluster.ask("GET", MAPS + "/half")[0], 404)

    def test_a_body_that_is_too_large(self):
        self.refused(413, "RequestEntityTooLarge", "limit is 3145728", self.cluster.ask("POST", MAPS, config_map("large", a="x" * (4 << 20))))

    def test_an_object_that_is_too_large(self):
        answer = self.cluster.ask("POST", MAPS, config_map("large", a="x" * (2 << 20)))
        self.assertIn(answer[0], (413, 422, 500), answer)
        self.assertIn("large", json.dumps(answer[1]).lower() + "too long")
        self.assertEqual(self.cluster.ask("GET", MAPS + "/large")[0], 404)

    def test_wrong_types(self):
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": "three"}}
        self.refused(400, "BadRequest", "cannot unmarshal string into Go struct field", self.cluster.ask("POST", DEPLOYMENTS, body))
        self.assertEqual(self.cluster.ask("POST", MAPS, [1, 2])[0], 400)
        self.assertEqual(self.cluster.ask("POST", MAPS, {**config_map("a"), "kind": "Secret"})[0], 400)
        self.assertEqual(self.cluster.ask("POST", MAPS, {**config_map("a"), "metadata": 7})[0], 400)

    def test_unknown_fields(self):
        body = {**config_map("unknown"), "colour": "red"}
        self.refused(400, "BadRequest", 'unknown field "colour"', self.cluster.ask("POST", MAPS + "?fieldValidation=Strict", body))
        self.assertEqual(self.cluster.ask("POST", MAPS + "?fieldValidation=Warn", body)[0], 201)
        self.assertIn('unknown field \\"colour\\"', self.cluster.headers["Warning"])
        self.assertNotIn("colour", self.cluster.ask("GET", MAPS + "/unknown")[1])

    def test_text_that_is_no_utf8(self):
        # as Go reads it: a mark for each byte that is none
        status, answer = self.cluster.ask("POST", MAPS, json.dumps(config_map("utf", a="X")).encode().replace(b"X", b"\xff\xfe\xc0\xaf"))
        self.assertEqual((status, answer["data"]), (201, {"a": "\ufffd" * 4}))

    def test_deep_nesting(self):
        for opening in b"[", b'{"a":':
            status, answer = self.cluster.ask("POST", MAPS, b'{"apiVersion":"v1","kind":"ConfigMap","data":' + opening * 200000)
            self.assertEqual((status, answer["reason"]), (400, "BadRequest"))
        self.assertEqual(self.cluster.ask("POST", MAPS, "a: " + "[" * 200000, "application/yaml")[0], 400)

    def test_yaml_that_multiplies(self):
        lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"] + ["a%d: &a%d [%s]" % (i, i, ",".join(["*a%d" % (i - 1)] * 10)) for i in range(1, 10)]
        self.assertEqual(self.cluster.ask("POST", MAPS, "\n".join(lines), "application/yaml")[0], 400)

    def test_selectors(self):
        self.refused(400, "BadRequest", "unable to parse requirement", self.cluster.ask("GET", PODS + "?labelSelector=a%20in%20("))
        self.assertEqual(self.cluster.ask("GET", PODS + "?labelSelector=" + ",".join("k%d%%3Dv" % i for i in range(2000)))[0], 200)
        self.refused(400, "BadRequest", "field label not supported", self.cluster.ask("GET", PODS + "?fieldSelector=no.such%3Dx"))
        self.assertEqual(self.cluster.ask("GET", PODS + "?labelSelector=" + "k," * (1 << 20))[0], 431)

    def test_versions_limits_and_tokens(self):
        for query in "resourceVersion=abc", "limit=abc", "continue=abc", "resourceVersionMatch=Sometimes&resourceVersion=1", "timeoutSeconds=x":
            status, answer = self.cluster.ask("GET", PODS + "?" + query)
            self.assertIn(status, (400, 422), query)
            self.assertEqual(answer["kind"], "Status")
        self.refused(504, "Timeout", "Too large resource version", self.cluster.ask("GET", PODS + "?resourceVersion=99999999999"))

    def test_names_methods_and_media_types(self):
        self.refused(422, "Invalid", "metadata.name", self.cluster.ask("POST", MAPS, config_map("No_Such Name")))
        self.refused(422, "Invalid", "metadata.name", self.cluster.ask("POST", MAPS, config_map("x" * 300)))
        self.refused(415, "UnsupportedMediaType", "media type", self.cluster.ask("POST", MAPS, "x", "text/html"))
        self.refused(406, "NotAcceptable", "Not Acceptable", self.cluster.ask("GET", MAPS, Accept="image/png"))
        self.assertEqual(self.cluster.ask("BREW", MAPS)[0], 405)
        self.assertEqual(self.cluster.ask("GET", "/apis/no/v1/such")[0], 404)

    def test_a_protobuf_body_of_noise(self):
        self.assertEqual(self.cluster.ask("POST", MAPS, b"k8s\0", "application/vnd.kubernetes.protobuf")[0], 422)
        unknown = b"k8s\0" + b"\x0a\x06\x0a\x01\xfd\x12\x01\xfe" + b"\x12\x00"
        self.refused(400, "BadRequest", "no kind \"\ufffd\" is registered for version \"\ufffd\"", self.cluster.ask("POST", MAPS, unknown, "application/vnd.kubernetes.protobuf"))
        for body in b"k8s\0" + b"\xff" * 100, b"k8s\0\x0a\xff\xff\xff\xff\x0f", os.urandom(1000):
            self.assertEqual(self.cluster.ask("POST", MAPS, body, "application/vnd.kubernetes.protobuf")[0], 400)

    def test_bad_patches(self):
        self.cluster.ask("POST", MAPS, config_map("patched", a="b"))
        for kind in "application/merge-patch+json", "application/strategic-merge-patch+json", "application/json-patch+json", "application/apply-patch+yaml":
            for body in "", "{", "7", '[{"op":"jump"}]', '[{"op":"remove","path":"/no/such"}]', '{"data":7}', "\x00":
                status, answer = self.cluster.ask("PATCH", MAPS + "/patched?fieldManager=me", body, kind)
                self.assertIn(status, (400, 415, 422), (kind, body, answer))
                self.assertEqual(answer["kind"], "Status")
        self.assertEqual(self.cluster.ask("GET", MAPS + "/patched")[1]["data"], {"a": "b"})

    def test_keys_that_an_apply_repeats(self):
        def apply(manager, value, strictness):
            text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: repeats\ndata:\n  a: '0'\n  a: '%s'\n" % value
            return self.cluster.ask("PATCH", "%s/repeats?fieldManager=%s&fieldValidation=%s" % (MAPS, manager, strictness), text, "application/apply-patch+yaml")

        self.assertIn('line 7: key "a" already set in map', apply("one", "1", "Strict")[1]["message"])
        self.assertEqual(apply("one", "1", "Warn")[1]["data"], {"a": "1"})
        self.assertIn("Apply failed with 1 conflict", apply("two", "2", "Strict")[1]["message"], "conflicts are told of first")

    def test_http_that_is_none(self):
        for text in b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100000, \
                b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n":
            with self.cluster.connect() as s:
                s.sendall(text)
                self.assertRegex(s.recv(1000), rb"^HTTP/1.1 (4|5)\d\d ", text[:60])
        for text in b"\r\n\r\n\r\n", b"\x00" * 5000, os.urandom(3000):
            with self.cluster.connect() as s:
                s.sendall(text)

    def test_stalled_clients_hold_up_nobody(self):
        stalled = []
        for text in (b"", b"GET / HT", b"POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{" % MAPS.encode()) * 20:
            stalled.append(self.cluster.connect())
            stalled[-1].sendall(text)
        began = time.monotonic()
        self.assertEqual(self.cluster.ask("GET", "/version")[0], 200)
        self.assertLess(time.monotonic() - began, 5)
        for s in stalled:
            s.close()

    def test_a_watch_that_is_never_read_is_cut_and_others_go_on(self):
        with self.cluster.connect() as watch, self.cluster.connect() as writer:
            watch.sendall(b"GET %s?watch=1 HTTP/1.1\r\nHost: h\r\n\r\n" % MAPS.encode())
            self.assertTrue(watch.recv(100).startswith(b"HTTP/1.1 200"))
            answers = writer.makefile("rb")
            for i in range(60):
                body = json.dumps(config_map("bulk", i=str(i), a="x" * 500000)).encode()
                method, path = (b"POST", MAPS) if i == 0 else (b"PUT", MAPS + "/bulk")
                writer.sendall(b"%s %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (method, path.encode(), len(body)) + body)
                self.assertIn(answers.readline().split()[1], (b"200", b"201"))
                length = 0
                while (line := answers.readline().strip()):
                    length = int(line.split(b":")[1]) if line.lower().startswith(b"content-length") else length
                answers.read(length)
            # what the kernel held, and then the end: the whole of 30 MB never comes
            got, watch_end = 0, time.monotonic() + 20
            try:
                while time.monotonic() < watch_end and (part := watch.recv(1 << 20)):
                    got += len(part)
            except OSError:
                pass
            self.assertLess(time.monotonic(), watch_end)
            self.assertLess(got, 28 << 20)
        self.cluster.ask("DELETE", MAPS + "/bulk")

    def test_five_thousand_idle_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(5000, (hard if hard > 0 else 6000) - 200)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 100), hard))
        idle = []
        try:
            for i in range(wanted):
                idle.append(socket.create_connection(("127.0.0.1", self.cluster.port), 20))
            self.assertEqual(self.cluster.ask("GET", "/version")[0], 200)
        finally:
            for s in idle:
                s.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_who_is_nobody(self):
        plain = ssl.create_default_context()
        plain.check_hostname, plain.verify_mode = False, ssl.CERT_NONE
        client = http.client.HTTPSConnection("127.0.0.1", self.cluster.port, context=plain, timeout=20)
        for headers, status in ({}, 403), ({"Authorization": "Bearer x"}, 401), ({"Authorization": "Bearer " + "a." * 20000}, 401), ({"Authorization": "Basic eDp5"}, 403):
            client.request("GET", PODS, headers=headers)
            answer = client.getresponse()
            self.assertEqual((answer.status, json.loads(answer.read())["kind"]), (status, "Status"), headers)
        client.close()


class Starts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=LOGS)

    def fails(self, code, text, *args, **more):
        done = run(*args, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)
        self.assertNotIn("CRITICAL", done.stderr)
        self.assertLessEqual(len(done.stderr.splitlines()), 12, done.stderr)

    def sim(self, *more):
        return "--runtime", "sim", "--bind-address", "127.0.0.1", "--secure-port", str(free_port()), *more

    def test_bad_flags(self):
        here = ("--data-dir", self.folder)
        self.fails(2, "--data-dir is required")
        self.fails(2, "--no-such", *here, "--no-such")
        self.fails(2, "unknown argument", *here, "extra")
        self.fails(2, "--secure-port 70000", *here, "--secure-port", "70000")
        self.fails(2, "abc", *here, "--secure-port", "abc")
        self.fails(2, "--nodes 0", *here, "--nodes", "0")
        self.fails(1, '"docker" is not a runtime', *here, "--runtime", "docker")
        self.fails(1, '"etcd" is not a component', *here, *self.sim("--disable", "etcd"))
        self.fails(1, "10.0.0.300", *here, "--runtime", "sim", "--bind-address", "10.0.0.300", "--secure-port", str(free_port()))
        self.fails(1, "10.96.0.0/99", *here, *self.sim("--service-cluster-ip-range", "10.96.0.0/99"))
        self.fails(1, "nonsense", *here, *self.sim("--cluster-cidr", "nonsense"))
        self.fails(1, "no-address", *here, *self.sim("--cluster-dns", "no-address"))

    def test_a_port_that_is_taken(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = str(s.getsockname()[1])
            self.fails(1, port, "--data-dir", self.folder, "--runtime", "sim", "--bind-address", "127.0.0.1", "--secure-port", port)

    def test_a_second_one_on_the_same_folder(self):
        cluster = Cluster(self.folder)
        self.fails(1, "in use by process %d" % cluster.process.pid, "--data-dir", self.folder, *self.sim())
        self.assertEqual(cluster.ask("GET", "/readyz")[0], 200)
        cluster.end()

    def test_a_kubeconfig_that_cannot_be_written(self):
        open(os.path.join(self.folder, "file"), "w").close()
        self.fails(1, os.path.join(self.folder, "file"), "--data-dir", os.path.join(self.folder, "k"), *self.sim("--write-kubeconfig", os.path.join(self.folder, "file", "kubeconfig")))

    def test_a_data_folder_that_is_a_file(self):
        path = os.path.join(self.folder, "file")
        open(path, "w").close()
        self.fails(1, path, "--data-dir", path, *self.sim())

    def test_no_root(self):
        if os.geteuid() != 0 or not ALONE:
            self.skipTest("needs root")
        with tempfile.TemporaryDirectory(prefix="kube-counters.") as counters:  # where a build that measures coverage may write
            os.chown(counters, 65534, 65534)
            self.fails(1, "--runtime sim", "--data-dir", "/tmp/no-such", user=65534, group=65534, env={**os.environ, "GCOV_PREFIX": counters})

    def test_missing_programs(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        self.fails(1, "is not installed (apt-get install", "--data-dir", self.folder, "--bind-address", "127.0.0.1", "--secure-port", str(free_port()), env={**os.environ, "PATH": self.folder})

    def make_database(self):
        cluster = Cluster(self.folder)
        cluster.ask("POST", MAPS, config_map("kept", a="b"))
        cluster.end()
        return os.path.join(self.folder, "store", "data.mdb")

    def test_damaged_databases(self):
        path = self.make_database()
        whole = read(path)
        for damaged, text in (b"nonsense" * 2000, "not a store of libkube"), (b"\0" * len(whole), "store"), (whole[:20000], "damaged"):
            with open(path, "wb") as f:
                f.write(damaged)
            self.fails(1, text, "--data-dir", self.folder, *self.sim())
        with open(path, "wb") as f:
            f.write(whole)
        cluster = Cluster(self.folder)
        self.assertEqual(cluster.ask("GET", MAPS + "/kept")[1]["data"], {"a": "b"})
        cluster.stop()

    def test_a_database_of_a_newer_format(self):
        path = self.make_database()
        data = read(path)
        at = data.rindex(b"kube-store")
        self.assertEqual(data.count(b"kube-store"), data.count(b"kube-store" + data[at + 10:at + 14]))
        with open(path, "wb") as f:
            f.write(data.replace(data[at:at + 14], b"kube-store" + (99).to_bytes(4, "little")))
        self.fails(1, "made by a newer libkube", "--data-dir", self.folder, *self.sim())

    def test_a_full_disk(self):
        if not ALONE:
            self.skipTest("needs a mount namespace")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", self.folder], check=True)
        try:
            cluster = Cluster(self.folder)
            filler = os.path.join(self.folder, "filler")
            with open(filler, "wb") as f:
                try:
                    while True:
                        f.write(b"x" * 65536)
                        f.flush()
                except OSError:
                    pass
            kept = []
            for i in range(400):
                status, answer = cluster.ask("POST", MAPS, config_map("full-%d" % i, a="x" * 200000))
                if status != 201:
                    break
                kept.append("full-%d" % i)
            self.assertEqual((status, answer["kind"]), (500, "Status"))
            self.assertRegex(answer["message"], "No space left|cannot grow")
            self.assertEqual(cluster.ask("GET", MAPS)[0], 200)
            os.unlink(filler)
            wait_for("writes after space was freed", lambda: cluster.ask("POST", MAPS, config_map("after"))[0] in (201, 409))
            self.assertEqual(cluster.stop(signal.SIGKILL), -9)
            cluster.start()
            names = {item["metadata"]["name"] for item in cluster.ask("GET", MAPS)[1]["items"]}
            self.assertLessEqual({*kept, "after"}, names)
            cluster.end()
        finally:
            subprocess.run(["umount", self.folder])


if __name__ == "__main__":
    if not ALONE and subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True).returncode == 0:
        os.environ["KUBE_TEST_ALONE"] = "1"
        os.execvp("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv])
    if ALONE:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    KUBE_ALL = os.path.abspath(sys.argv.pop(1))
    LOGS = tempfile.mkdtemp(prefix="kube-bad-")
    try:
        unittest.main()
    finally:
        shutil.rmtree(LOGS, ignore_errors=True)
