#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The layer and the documents around it hold what the image is, and no trace of where and when it was made.

Seen through Python's tarfile and through GNU tar: one owner, no time, modes 0755 and 0644, in order of their bytes.
"""
import os
import re
import socket

from e2e import Layout, build, run, scratch, spec, step

NAME = "redis"


def check_entries(layout):
    entries = layout.entries()
    names = [n.encode() for n in entries]
    assert names == sorted(names), "not in byte order"
    for name, e in entries.items():
        assert e.isdir() or e.isreg() or e.issym() or e.islnk(), "%s: type %r" % (name, e.type)
        assert (e.uid, e.gid) == (10, 10), "%s: owner %d:%d" % (name, e.uid, e.gid)
        assert e.mtime == 0, "%s: mtime %r" % (name, e.mtime)
        if not e.issym():
            assert e.mode in ((0o755,) if e.isdir() else (0o755, 0o644)), "%s: mode %o" % (name, e.mode)
        extra = set(e.pax_headers) - {"path", "linkpath", "size", "uid", "gid"}
        assert not extra, "%s: pax headers %s" % (name, extra)
        assert not name.startswith("/") and ".." not in name.split("/"), name
    for name in "dev proc read run sys write".split():
        assert entries[name].isdir(), "/%s is missing" % name


def check_gnu_tar(layout, folder):
    tar = os.path.join(folder, "layer.tar")
    with open(tar, "wb") as file:
        file.write(layout.tar)
    listing = run(["tar", "--numeric-owner", "--full-time", "--utc", "-tvf", tar], env={"TZ": "UTC"})
    assert not listing.err, "tar has something to say: " + listing.err
    for line in listing.out.splitlines():
        assert re.match(r"(drwxr-xr-x|-rwxr-xr-x|-rw-r--r--|hrwxr-xr-x|hrw-r--r--|lrwxrwxrwx|lrwxr-xr-x) 10/10 +\d+ "
                        r"1970-01-01 00:00:00 ", line), line


def check_documents(layout, folder):
    traces = {folder, socket.gethostname(), os.path.basename(folder)} - {"localhost", ""}
    for document in os.listdir(os.path.join(layout.path, "blobs", "sha256")) + ["../../index.json"]:
        with open(os.path.join(layout.path, "blobs", "sha256", document), "rb") as file:
            data = file.read()
        if data[:1] != b"{":
            continue
        for trace in traces:
            assert trace.encode() not in data, "%s says %r" % (document, trace)
    assert "created" not in layout.config and not any("created" in h for h in layout.config.get("history", []))
    gz = layout.layer
    assert gz[:2] != b"\x1f\x8b" or (gz[4:8] == bytes(4) and not gz[3] & 0x18), "gzip stored a time, a name or a comment"


def main():
    with scratch() as folder:
        to = os.path.join(folder, NAME)
        build(spec(NAME), to, "--no-test")
        layout = Layout(to)
        step("entries, as Python sees them")
        check_entries(layout)
        step("entries, as GNU tar sees them")
        check_gnu_tar(layout, folder)
        step("config, manifests, index")
        check_documents(layout, folder)
        step("SOURCE_DATE_EPOCH, where it is set, is the time of creation")
        build(spec(NAME), to + "-dated", "--no-test", env={"SOURCE_DATE_EPOCH": "1500000000"}, lock=to + "-dated.lock")
        dated = Layout(to + "-dated")
        assert dated.config["created"] == "2017-07-14T02:40:00Z", dated.config.get("created")
        assert dated.config["rootfs"] == layout.config["rootfs"], "the layer does not depend on it"
        step("what Oracle's Smith put beside the image is attached to it")
        types = {r.get("artifactType") for r in layout.referrers}
        assert "application/vnd.smith.spec+json" in types and len(types) >= 2, types


if __name__ == "__main__":
    main()
