#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Holds the level that the recorded answers of upstream are met with.

Usage: test-oracle.py api|pods KUBE-ALL KUBE-IMAGE SOURCE-ROOT

`api` replays requests against an API server alone, `pods` pods against a node with real containers. The recordings are looked for in
$KUBE_ORACLE, or in ../shared/oracle beside the sources; where there are none the test is skipped. Each run has a network namespace of its own.
"""
import collections, contextlib, importlib.machinery, importlib.util, json, os, re, shutil, subprocess, sys, tempfile, time

SKIPPED = 77
ROW = re.compile(r"(\S+)\s+(\d+) cases  code\s+([\d.]+) %  exact\s+([\d.]+) %")
DAYS = re.compile(r"\d+d(\d+h)?|\d+y(\d+d)?")


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def levels(path):
    """Name -> what is asked for, in percent."""
    with open(path) as f:
        rows = [line.split() for line in f if line.strip() and not line.startswith("#")]
    return {row[0]: [float(x) for x in row[1:]] for row in rows}


@contextlib.contextmanager
def cluster(program, folder, *options):
    """A running kube-all; gives the path of its kubeconfig."""
    kubeconfig, ready = os.path.join(folder, "kubeconfig"), os.path.join(folder, "ready")
    with open(ready, "w") as out, open(os.path.join(folder, "log"), "w") as log:
        process = subprocess.Popen([program, "--data-dir", os.path.join(folder, "data"), "--write-kubeconfig", kubeconfig, "--bind-address", "127.0.0.1", *options], stdout=out, stderr=log)
    try:
        end = time.monotonic() + 30
        while not open(ready).read().startswith("ready") and time.monotonic() < end and process.poll() is None:
            time.sleep(0.02)
        if not open(ready).read().startswith("ready"):
            sys.exit("the cluster does not start: " + open(os.path.join(folder, "log")).read()[-2000:])
        yield kubeconfig
    finally:
        process.terminate()
        process.wait()


def mask_days(answer):
    """The answer with no ages in its tables' cells that go by days: they are others on each day after the recording."""
    if isinstance(answer, dict):
        return {k: ["<days>" if isinstance(c, str) and DAYS.fullmatch(c) else c for c in v] if k == "cells" else mask_days(v) for k, v in answer.items()}
    return [mask_days(x) for x in answer] if isinstance(answer, list) else answer


def answer_within_a_second(run, ground, case):
    """Managers are sorted by the second in which they wrote, then by name: where the steps of a case were on both sides of a second's end, it says nothing of the names, and is run again."""
    got = mask_days(run(ground, case))
    return got if got == case["want"] or "managedFields" not in json.dumps(case["want"]) else mask_days(run(ground, case))


def run_replay(path, arguments):
    """The recordings' own program, which compares what `run` gives with what stands in a case under `want`."""
    loader = importlib.machinery.SourceFileLoader("replay", path)
    replay = importlib.util.module_from_spec(importlib.util.spec_from_loader("replay", loader))
    loader.exec_module(replay)
    read, run = replay.read, replay.run
    replay.read = lambda path: [dict(case, want=mask_days(case["want"])) for case in read(path)]
    replay.run = lambda ground, case: answer_within_a_second(run, ground, case)
    sys.argv = [path, *arguments]
    replay.main()


def replay_requests(oracle, program, wanted, folder):
    with cluster(program, folder, "--runtime", "sim", "--disable", "kube-controller-manager,kube-scheduler,kubelet") as kubeconfig:
        run = subprocess.run([sys.executable, __file__, "replay", os.path.join(oracle, "replay"), "--kubeconfig", kubeconfig, "--show", "10"], stdout=subprocess.PIPE, text=True)
    groups = collections.defaultdict(lambda: [0, 0, 0])
    for name, n, code, exact in ROW.findall(run.stdout):
        group = groups[name.split("/")[0]]
        for i, x in enumerate((int(n), int(n) * float(code) / 100, int(n) * float(exact) / 100)):
            group[i] += x
    if not groups:
        sys.exit("the replay says nothing: " + run.stdout[-2000:])
    good = True
    for name, (n, code, exact) in sorted(groups.items()):
        reached, asked = (100 * code / n, 100 * exact / n), wanted.get(name, [0, 0])
        # The rows are rounded to a tenth of a percent.
        met = all(r >= a - 0.05 for r, a in zip(reached, asked))
        good = good and met
        print("%-4s %-8s %6d cases  code %5.1f (%5.1f)  exact %5.1f (%5.1f)" % ("ok" if met else "LOW", name, n, reached[0], asked[0], reached[1], asked[1]))
    missing = sorted(set(wanted) - set(groups) - {"pods"})
    if missing:
        print("LOW  not replayed:", ", ".join(missing))
    if not good or missing:
        print(run.stdout[-6000:])
    return good and not missing


def wait_for_node(kubeconfig, name):
    """Pods that come before their node are told so: the recordings begin with a node."""
    kubectl = ["kubectl", "--kubeconfig", kubeconfig]
    end = time.monotonic() + 60
    while subprocess.run(kubectl + ["get", "node", name], capture_output=True).returncode != 0 and time.monotonic() < end:
        time.sleep(0.1)
    subprocess.run(kubectl + ["wait", "--for=condition=Ready", "node/" + name, "--timeout=60s"], check=True, stdout=subprocess.DEVNULL)


def replay_pods(oracle, program, image_program, wanted, folder):
    image = os.path.join(folder, "image")
    subprocess.run([os.path.join(oracle, "..", "accept", "image"), image, "1"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([image_program, "--data-dir", os.path.join(folder, "data"), "import", image, "localhost/web:1"], check=True, stdout=subprocess.DEVNULL)
    try:
        with cluster(program, folder, "--node-name", "here") as kubeconfig:
            wait_for_node(kubeconfig, "here")
            run = subprocess.run([os.path.join(oracle, "replay-pods"), "--kubeconfig", kubeconfig, "--want", str(wanted["pods"][0])])
    finally:
        subprocess.run([program, "--data-dir", os.path.join(folder, "data"), "--cleanup"])
    return run.returncode == 0


def main():
    if sys.argv[1] == "replay":
        return run_replay(sys.argv[2], sys.argv[3:])
    kind, program, image_program, root = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3]), os.path.abspath(sys.argv[4])
    oracle = os.environ.get("KUBE_ORACLE") or os.path.join(root, "..", "shared", "oracle")
    if not os.path.exists(os.path.join(oracle, "replay")):
        skip("no recorded answers in " + oracle)
    if shutil.which("kubectl") is None:
        skip("no kubectl")
    if os.environ.get("KUBE_ORACLE_NAMESPACE") is None:
        unshare = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
        if (kind == "pods" and os.geteuid() != 0) or subprocess.run(unshare + ["true"], stderr=subprocess.DEVNULL).returncode != 0:
            skip("a network namespace of its own needs rights that are not there")
        os.execvpe("unshare", unshare + [sys.executable] + sys.argv, dict(os.environ, KUBE_ORACLE_NAMESPACE="1"))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if kind == "pods" and any(shutil.which(name) is None for name in ("crun", "conmon")):
        skip("no crun or no conmon")
    wanted = levels(os.path.join(os.path.dirname(os.path.abspath(__file__)), "levels"))
    with tempfile.TemporaryDirectory(prefix="kube-oracle.") as folder:
        good = replay_requests(oracle, program, wanted, folder) if kind == "api" else replay_pods(oracle, program, image_program, wanted, folder)
    sys.exit(0 if good else 1)


main()
