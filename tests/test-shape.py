#!/usr/bin/env python3
"""No function of the library and its tools is longer than 80 lines and no file than 900: what grows beyond hides a type of its own.

Usage: test-shape.py SOURCE-ROOT
"""
import os
import re
import sys
import unittest

SOURCE = os.path.abspath(sys.argv[1])
LONGEST_FUNCTION, LONGEST_FILE = 80, 900


def sources():
    for folder in ("libkube", "tools"):
        for root, _, names in os.walk(os.path.join(SOURCE, folder)):
            for name in names:
                if name.endswith((".c", ".h")):
                    path = os.path.join(root, name)
                    with open(path) as f:
                        yield os.path.relpath(path, SOURCE), f.read().splitlines()


def functions(lines):
    """Name and length of each body: from a brace in the first column to the next closing one there."""
    begin = None
    for number, line in enumerate(lines):
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            heads = (re.match(r"(\w+) \(", lines[i]) for i in range(begin - 1, -1, -1))
            yield next(head.group(1) for head in heads if head), number - begin + 1
            begin = None


class Shape(unittest.TestCase):
    def test_files_are_not_long(self):
        long = ["%s: %d lines" % (path, len(lines)) for path, lines in sources() if len(lines) > LONGEST_FILE]
        self.assertEqual(long, [])

    def test_functions_are_not_long(self):
        found = [(path, name, length) for path, lines in sources() for name, length in functions(lines)]
        self.assertGreater(len(found), 5000, "functions are not recognised any more")
        long = ["%s: %s: %d lines" % one for one in found if one[2] > LONGEST_FUNCTION]
        self.assertEqual(long, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
