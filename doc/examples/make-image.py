#!/usr/bin/env python3
"""Makes a small image as an OCI layout: Debian's static busybox and a web page.

Usage: make-image.py FOLDER TEXT     (the image serves TEXT on port 8080)
"""
import hashlib
import io
import json
import os
import sys
import tarfile

BUSYBOX = "/bin/busybox"
APPLETS = "sh cat echo env hostname httpd id kill ls ps sleep tar test true false wget".split()


class Layout:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "blobs", "sha256"), exist_ok=True)

    def add(self, data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        self.write(os.path.join("blobs", "sha256", digest), data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    def write(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as f:
            f.write(data)


def root_file_system(text):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:

        def add(name, data=None, mode=0o755, link=None):
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            if link:
                entry.type, entry.linkname = tarfile.SYMTYPE, link
            elif data is None:
                entry.type = tarfile.DIRTYPE
            else:
                entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data) if data is not None else None)

        for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "www"):
            add(name)
        with open(BUSYBOX, "rb") as f:
            add("bin/busybox", f.read())
        for name in APPLETS:
            add("bin/" + name, link="busybox")
        add("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n", 0o644)
        add("www/index.html", (text + "\n").encode(), 0o644)
    return raw.getvalue()


def main():
    folder, text = sys.argv[1], sys.argv[2]
    layout = Layout(folder)
    layer = layout.add(root_file_system(text), "application/vnd.oci.image.layer.v1.tar")
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Cmd": ["sh", "-c", "echo serving $HOSTNAME; exec httpd -f -p 8080 -h /www"]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.add(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json"),
        "layers": [layer],
    }
    top = layout.add(json.dumps(manifest).encode(), manifest["mediaType"])
    layout.write("index.json", json.dumps({"schemaVersion": 2, "manifests": [top]}).encode())
    layout.write("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())


main()
