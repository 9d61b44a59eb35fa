#!/usr/bin/env python3
"""The last line of a test run: how many test cases of all programs passed, failed and were skipped.

Usage: summary.py MESON-LOGS
"""
import collections
import glob
import os
import sys
import xml.etree.ElementTree as ElementTree


def main():
    count = collections.Counter()
    for path in glob.glob(os.path.join(sys.argv[1], "testlog*.junit.xml")):
        for case in ElementTree.parse(path).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                count["failed"] += 1
            elif case.find("skipped") is not None or case.get("status") == "notrun":
                count["skipped"] += 1
            else:
                count["passed"] += 1
    print("%d passed, %d failed, %d skipped" % (count["passed"], count["failed"], count["skipped"]))


main()
