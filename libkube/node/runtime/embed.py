#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""embed.py IN OUT NAME: a file's bytes as a C array."""
import sys

data = open(sys.argv[1], "rb").read()
with open(sys.argv[2], "w") as out:
    out.write("static const unsigned char %s[] = {\n" % sys.argv[3])
    for i in range(0, len(data), 16):
        out.write("  %s\n" % " ".join("0x%02x," % b for b in data[i : i + 16]))
    out.write("};\n")
