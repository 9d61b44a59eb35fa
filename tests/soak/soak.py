#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A long run of mixed load against one kube-all: deployments that are rolled and scaled, pods, config maps, services, watches that come and go, lists, and with
--containers logs and exec too. Prints a line a minute, and fails where memory or descriptors of the last third are more than a tenth above those of the first third,
where a request fails that should not, or where what was made does not go away.
Usage: soak.py BUILD-FOLDER [--minutes 30] [--containers] [--pace 0.02]      (as root; it makes a network namespace of its own)"""
import argparse, base64, http.client, json, os, random, re, shutil, socket, ssl, struct, subprocess, sys, tempfile, threading, time

WARM_UP = 600 # seconds: history is kept for five to ten minutes, and event recorders remember for ten
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORE, APPS = "/api/v1/namespaces/default/", "/apis/apps/v1/namespaces/default/"


class Failure(Exception):
    pass


class Cluster:
    def __init__(self, build, folder, containers):
        self.containers = containers
        self.data, config = os.path.join(folder, "data"), os.path.join(folder, "kubeconfig")
        self.program = os.path.join(build, "tools", "kube-all")
        if containers:
            image = os.path.join(folder, "image")
            subprocess.run([sys.executable, os.path.join(SOURCE, "doc/examples/make-image.py"), image, "soak"], check=True)
            subprocess.run([os.path.join(build, "tools", "kube-image"), "--data-dir", self.data, "import", image, "localhost/web:1"], check=True, stdout=subprocess.DEVNULL)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.log = open(os.path.join(folder, "log"), "w+")
        self.process = subprocess.Popen([self.program, "--data-dir", self.data, "--write-kubeconfig", config, "--runtime", "oci" if containers else "sim", "--bind-address",
                                         "127.0.0.1", "--secure-port", str(self.port)], stdout=subprocess.PIPE, stderr=self.log, text=True)
        if not self.process.stdout.readline().startswith("ready "):
            self.log.seek(0)
            raise Failure("kube-all did not start: " + self.log.read())
        with open(config) as f:
            text = f.read()
        found = {name: base64.b64decode(re.search(name + r": *\"?([\w+/=]+)", text)[1]) for name in ("certificate-authority-data", "client-certificate-data", "client-key-data")}
        self.tls = ssl.create_default_context(cadata=found["certificate-authority-data"].decode())
        pem = os.path.join(folder, "client.pem")
        with open(pem, "wb") as f:
            f.write(found["client-certificate-data"] + found["client-key-data"])
        self.tls.load_cert_chain(pem)

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=60)

    def sample(self):
        status = open("/proc/%d/status" % self.process.pid).read()
        kib = lambda name: int(re.search(name + r":\s*(\d+)", status)[1])
        folder = os.path.join(self.data, "store")
        store = sum(os.stat(os.path.join(folder, name)).st_blocks * 512 for name in os.listdir(folder))
        followed, others = self.descriptors()
        return {"anonymous": kib("RssAnon") / 1024, "resident": kib("VmRSS") / 1024, "threads": kib("Threads"), "followed": followed, "descriptors": others, "store": store / 1e6}

    def descriptors(self):
        """Those that follow a process of a container, of which there are as many as containers run just now, and all others."""
        folder, followed, others = "/proc/%d/fd/" % self.process.pid, 0, 0
        for name in os.listdir(folder):
            try:
                is_process = "pidfd" in os.readlink(folder + name)
            except FileNotFoundError:
                continue
            followed, others = followed + is_process, others + (not is_process)
        return followed, others

    def stop(self):
        self.process.terminate()
        code = self.process.wait(60)
        if self.containers:
            subprocess.run([self.program, "--data-dir", self.data, "--cleanup"])
        return code


class Worker(threading.Thread):
    """One client with a connection of its own, doing one kind of thing over and over."""

    def __init__(self, soak, number):
        super().__init__(daemon=True)
        self.soak, self.cluster, self.number, self.serial = soak, soak.cluster, number, 0
        self.connection = self.cluster.connect()
        self.random = random.Random(number)

    def run(self):
        try:
            while not self.soak.over.is_set():
                self.serial += 1
                self.round("%s-%d-%d" % (type(self).__name__.lower(), self.number, self.serial))
        except Exception as error:
            self.soak.fail("%s: %r" % (type(self).__name__, error))

    def ask(self, method, path, body=None, kind="application/json", may=(), accept="application/json"):
        began = time.monotonic()
        self.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": kind, "Accept": accept})
        response = self.connection.getresponse()
        data = response.read()
        self.soak.count(time.monotonic() - began)
        if response.status >= 300 and response.status not in may:
            raise Failure("%s %s: %d %s" % (method, path, response.status, data[:300]))
        time.sleep(self.soak.pace)
        return json.loads(data) if data[:1] == b"{" else data

    def patch(self, path, body):
        return self.ask("PATCH", path, body, "application/merge-patch+json", may=(404,))

    def wait(self, what, condition):
        end = time.monotonic() + 120
        while not condition():
            if time.monotonic() > end:
                raise Failure("not after two minutes: " + what)
            time.sleep(0.2)


def pod_spec(cluster):
    container = {"name": "c", "image": "localhost/web:1", "imagePullPolicy": "Never", "env": [{"name": "A", "value": "b"}]}
    return {"terminationGracePeriodSeconds": 0, "containers": [container]}


class Deployments(Worker):
    def round(self, name):
        path, labels = APPS + "deployments/" + name, {"app": name}
        self.ask("POST", APPS + "deployments", {"metadata": {"name": name}, "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": pod_spec(self.cluster)}}})
        ready = lambda n: lambda: self.ask("GET", path).get("status", {}).get("availableReplicas", 0) == n
        pods = lambda: self.ask("GET", CORE + "pods?labelSelector=app%3D" + name)["items"]
        self.wait(name + " is available", ready(2))
        self.patch(path, {"spec": {"replicas": 5}})
        self.wait(name + " is scaled up", ready(5))
        self.patch(path, {"spec": {"template": {"metadata": {"annotations": {"rolled": "yes"}}}}})
        self.wait(name + " is rolled", lambda: self.ask("GET", path).get("status", {}).get("updatedReplicas", 0) == 5)
        self.patch(path, {"spec": {"replicas": 1}})
        self.wait(name + " is scaled down", lambda: len(pods()) == 1)
        self.ask("DELETE", path, {"propagationPolicy": "Background"})
        self.wait(name + "'s pods are gone", lambda: not pods())


class Pods(Worker):
    def round(self, name):
        path = CORE + "pods/" + name
        self.ask("POST", CORE + "pods", {"metadata": {"name": name, "labels": {"app": "pods"}}, "spec": pod_spec(self.cluster)})
        self.patch(path, {"metadata": {"annotations": {"touched": str(self.serial)}}})
        self.wait(name + " runs", lambda: self.ask("GET", path)["status"]["phase"] == "Running")
        if self.cluster.containers:
            self.ask("GET", path + "/log")
            self.execute(path)
        self.ask("DELETE", path, {"gracePeriodSeconds": 0})

    def execute(self, path):
        """Runs `true` by a WebSocket and waits for its status on channel 3."""
        with socket.create_connection(("127.0.0.1", self.cluster.port), 60) as plain, self.cluster.tls.wrap_socket(plain, server_hostname="127.0.0.1") as s:
            s.sendall(("GET %s/exec?stdout=true&command=/bin/busybox&command=true HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n" % (path, base64.b64encode(os.urandom(16)).decode())).encode())
            data = b""
            while b'"status"' not in data:
                more = s.recv(65536)
                if not more:
                    raise Failure("exec ended without a status: %r" % data[-300:])
                data += more
            if b"101" not in data[:20] or b'"Success"' not in data:
                raise Failure("exec: %r" % data[-300:])


class Maps(Worker):
    def round(self, name):
        made = self.ask("POST", CORE + "configmaps", {"metadata": {"name": name}, "data": {"k": "v" * self.random.randrange(20000)}})
        made["data"]["k"] = "w"
        self.ask("PUT", CORE + "configmaps/" + name, made)
        self.patch(CORE + "configmaps/" + name, {"data": {"l": "1"}})
        self.ask("POST", CORE + "services", {"metadata": {"name": name}, "spec": {"selector": {"app": "pods"}, "ports": [{"port": 80}]}})
        self.ask("DELETE", CORE + "services/" + name)
        self.ask("DELETE", CORE + "configmaps/" + name)


class Lists(Worker):
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"

    def round(self, name):
        self.ask("GET", CORE + "pods")
        self.ask("GET", CORE + "pods?fieldSelector=status.phase%3DRunning", accept=self.table)
        page = self.ask("GET", "/api/v1/events?limit=100")
        if page["metadata"].get("continue"):
            self.ask("GET", "/api/v1/events?limit=100&continue=" + page["metadata"]["continue"], may=(410,))
        self.ask("GET", "/apis/apps/v1/deployments")
        self.ask("GET", "/openapi/v3/apis/apps/v1")
        self.ask("GET", CORE + "pods/is-not-there", may=(404,))


class Watches(Worker):
    """A watch by a new connection that leaves without a word."""
    paths = ["/api/v1/pods?watch=true", "/api/v1/events?watch=true&allowWatchBookmarks=true", APPS + "deployments?watch=true&labelSelector=app", CORE + "pods?watch=true&resourceVersion=0",
             CORE + "configmaps?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"]

    def round(self, name):
        connection = self.cluster.connect()
        connection.request("GET", self.random.choice(self.paths))
        response = connection.getresponse()
        if response.status != 200:
            raise Failure("watch: %d %s" % (response.status, response.read(300)))
        connection.sock.settimeout(0.5)
        end = time.monotonic() + self.random.uniform(0.1, 3)
        while time.monotonic() < end:
            try:
                if not response.readline():
                    break
            except (TimeoutError, http.client.IncompleteRead): # quiet, or dropped because it was too slow
                break
        connection.close()
        self.soak.count(0)


class Soak:
    def __init__(self, cluster, minutes, pace):
        self.cluster, self.minutes, self.pace = cluster, minutes, pace
        self.over, self.lock, self.failures, self.times = threading.Event(), threading.Lock(), [], []

    def fail(self, text):
        with self.lock:
            self.failures.append(text)
        self.over.set()

    def count(self, seconds):
        with self.lock:
            self.times.append(seconds)

    def run(self):
        counts = {Deployments: 2, Pods: 3, Maps: 2, Lists: 1, Watches: 3}
        workers = [kind(self, i) for kind, n in counts.items() for i in range(n)]
        for worker in workers:
            worker.start()
        self.over.wait(min(WARM_UP, self.minutes * 15))
        samples = []
        print("%6s %9s %8s %13s %12s %9s %11s %7s %8s" % ("minute", "requests", "p99 ms", "anonymous MB", "resident MB", "followed", "descriptors", "threads", "store MB"), flush=True)
        while len(samples) < self.minutes and not self.over.wait(60):
            samples.append(self.line(len(samples) + 1))
        self.over.set()
        for worker in workers:
            worker.join(180)
        return samples

    def line(self, minute):
        with self.lock:
            times, self.times = sorted(self.times), []
        s = self.cluster.sample()
        print("%6d %9d %8.1f %13.1f %12.1f %9d %11d %7d %8.1f" % (minute, len(times), 1000 * times[len(times) * 99 // 100] if times else 0, s["anonymous"], s["resident"], s["followed"],
                                                              s["descriptors"], s["threads"], s["store"]), flush=True)
        return s

    def judge(self, samples):
        third = max(len(samples) // 3, 1)
        for name, slack in ("anonymous", 1), ("descriptors", 4):
            first, last = (sum(s[name] for s in part) / len(part) for part in (samples[:third], samples[-third:]))
            print("%s: first third %.1f, last third %.1f" % (name, first, last))
            if last > first * 1.1 + slack:
                self.failures.append("%s grew from %.1f to %.1f" % (name, first, last))
        end = time.monotonic() + 60
        while self.cluster.descriptors()[0] > 0 and time.monotonic() < end: # all pods are deleted by now
            time.sleep(0.2)
        if self.cluster.descriptors()[0] > 0:
            self.failures.append("%d processes are followed when there is no pod" % self.cluster.descriptors()[0])


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("build")
    options.add_argument("--minutes", type=int, default=30)
    options.add_argument("--containers", action="store_true")
    options.add_argument("--pace", type=float, default=0.02, help="seconds that a client waits after each request")
    given = options.parse_args()
    if os.environ.get("SOAK_ALONE") != "1":
        os.execvpe("unshare", ["unshare", "-n", "--", sys.executable, *sys.argv], dict(os.environ, SOAK_ALONE="1"))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    folder = tempfile.mkdtemp(prefix="kube-soak-")
    cluster = None
    try:
        cluster = Cluster(given.build, folder, given.containers)
        soak = Soak(cluster, given.minutes, given.pace)
        samples = soak.run()
        if samples:
            soak.judge(samples)
        if cluster.process.poll() is not None:
            soak.failures.append("kube-all ended with %d" % cluster.process.returncode)
        code = cluster.stop()
        if code != 0:
            soak.failures.append("kube-all ended with %d at last" % code)
        for failure in soak.failures:
            print("FAIL", failure)
        return 1 if soak.failures or len(samples) < given.minutes else 0
    finally:
        if cluster is not None and cluster.process.poll() is None:
            cluster.process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
