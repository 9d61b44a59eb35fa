#!/usr/bin/env python3
"""The library's symbols are what its headers promise, and each stands in the release that its documentation says.

Usage: test-symbols.py SOURCE-ROOT BUILD-ROOT [--write]     (--write makes the map of the current release anew)
"""
import os
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ElementTree

SOURCE, BUILD = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
MAP = os.path.join(SOURCE, "libkube", "libkube.map")
RELEASE = "1.0"
GIR = {"c": "http://www.gtk.org/introspection/c/1.0", "core": "http://www.gtk.org/introspection/core/1.0"}


def declared():
    """Function -> release, from the headers."""
    found = {}
    for root, _, names in os.walk(os.path.join(SOURCE, "include", "kube")):
        for name in names:
            with open(os.path.join(root, name)) as f:
                text = f.read()
            for gate, rest in re.findall(r"^KUBE_AVAILABLE_IN_(\d+_\d+)\n(.*)", text, re.M):
                declare = re.match(r"G_DECLARE_\w+ \(\w+, (\w+)", rest)
                symbol = declare.group(1) + "_get_type" if declare else re.search(r"(\w+) \(", rest).group(1)
                found[symbol] = gate.replace("_", ".")
    return found


def mapped():
    """Symbol -> release, from the map."""
    found = {}
    with open(MAP) as f:
        for release, body in re.findall(r"^KUBE_([\d.]+) \{(.*?)^\}", f.read(), re.M | re.S):
            found.update({s: release for s in re.findall(r"^  (kube_\w+);", body, re.M)})
    return found


def exported():
    lines = subprocess.check_output(["nm", "-D", "--defined-only", os.path.join(BUILD, "libkube", "libkube-1.0.so")], text=True).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines if " T " in line}


def write():
    with open(MAP, "w") as f:
        f.write("/* What the library exports, a node for each release. A release that is out does not change; see tests/test-symbols.py. */\n")
        f.write("KUBE_%s {\nglobal:\n%slocal:\n  *;\n};\n" % (RELEASE, "".join("  %s;\n" % s for s in sorted(declared()))))


class Symbols(unittest.TestCase):
    def test_the_map_has_what_the_headers_declare(self):
        self.assertEqual(mapped(), declared())

    def test_the_library_exports_what_the_map_has(self):
        self.assertEqual(exported(), set(mapped()))

    def test_documentation_names_the_release_of_the_map(self):
        path = os.path.join(BUILD, "libkube", "Kube-1.0.gir")
        if not os.path.exists(path):
            self.skipTest("built without introspection")
        releases = mapped()
        for element in ElementTree.parse(path).iter():
            symbol, version = element.get("{%(c)s}identifier" % GIR), element.get("version")
            if version and symbol in releases:
                self.assertEqual(version, releases[symbol], symbol)


if __name__ == "__main__":
    if "--write" in sys.argv:
        write()
    else:
        unittest.main(argv=sys.argv[:1])
