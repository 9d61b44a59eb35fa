#!/usr/bin/env python3
"""An upward include must not compile, and every public header must compile alone, as C and as C++.

Usage: test-layers.py SOURCE-ROOT BUILD-ROOT
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile
import unittest

SOURCE, BUILD = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])


def command_of(layer):
    """The compiler's command for one file of a layer, without its input and output."""
    with open(os.path.join(BUILD, "compile_commands.json")) as f:
        for entry in json.load(f):
            if ("libkube/%s/" % layer) in entry["file"] and entry["output"].startswith("libkube/%s/" % layer):
                words, kept = shlex.split(entry["command"]), []
                while words:
                    word = words.pop(0)
                    if word in ("-o", "-MF", "-MQ", "-c"):
                        words.pop(0)
                    else:
                        kept.append(word)
                return kept
    raise AssertionError("no file of %s is compiled" % layer)


def compiles(command, text, suffix=".c"):
    with tempfile.NamedTemporaryFile("w", suffix=suffix) as f:
        f.write(text)
        f.flush()
        return subprocess.run(command + ["-fsyntax-only", f.name], cwd=BUILD, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Layers(unittest.TestCase):
    def check(self, layer, header, allowed):
        result = compiles(command_of(layer), '#include %s\n' % header)
        if allowed:
            self.assertEqual(result.returncode, 0, result.stdout)
        else:
            self.assertIn("No such file or directory", result.stdout)

    def test_a_layer_sees_its_own_headers_and_those_below(self):
        self.check("api", "<kube/kube-value.h>", True)
        self.check("client", "<kube/kube-object.h>", True)
        self.check("controllers", '"kube-owner.h"', True)

    def test_a_public_header_of_an_upper_layer_does_not_compile(self):
        self.check("base", "<kube/kube-object.h>", False)
        self.check("client", "<kube/kube-server.h>", False)
        self.check("controllers", "<kube/sys/kube-store.h>", False)

    def test_a_private_header_of_an_upper_layer_does_not_compile(self):
        self.check("api", '"kube-hub.h"', False)
        self.check("controller", '"kube-pods.h"', False)


class Headers(unittest.TestCase):
    def test_each_compiles_alone(self):
        flags = subprocess.check_output(["pkg-config", "--cflags", "gio-2.0", "json-glib-1.0"], text=True).split()
        folder = os.path.join(SOURCE, "include", "kube")
        for root, _, names in os.walk(folder):
            for name in names:
                header = os.path.relpath(os.path.join(root, name), os.path.dirname(folder))
                for compiler, suffix in (("cc", ".c"), ("c++", ".cc")):
                    command = [compiler, "-Werror", "-Wall", "-I" + os.path.dirname(folder)] + flags
                    with self.subTest(header=header, compiler=compiler):
                        result = compiles(command, "#include <%s>\nint kube_dummy;\n" % header, suffix)
                        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
