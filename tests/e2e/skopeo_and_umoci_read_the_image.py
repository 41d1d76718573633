#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tools that share no code with us read the layout: skopeo finds one image in it, umoci unpacks what the layer says."""
import json
import os
import stat

from e2e import Layout, build, need_tools, run, scratch, spec, step

NAME = "busybox"


def check_skopeo(to, digest, folder):
    step("skopeo inspects it, without being told a tag")
    seen = json.loads(run(["skopeo", "inspect", "oci:" + to]).out)
    assert seen["Digest"] == digest, seen
    step("skopeo copies it and keeps the digest")
    run(["skopeo", "--insecure-policy", "copy", "-q", "--preserve-digests", "oci:" + to, "oci:" + folder + "/copied:v1"])
    assert json.loads(run(["skopeo", "inspect", "oci:" + folder + "/copied:v1"]).out)["Digest"] == digest
    step("skopeo makes a docker archive of it")
    run(["skopeo", "--insecure-policy", "copy", "-q", "oci:" + to, "docker-archive:" + folder + "/docker.tar:smith/test:v1"])


def check_umoci(to, layout, folder):
    step("umoci unpacks it")
    tag = layout.descriptor["annotations"]["org.opencontainers.image.ref.name"]
    bundle = os.path.join(folder, "bundle")
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run(["umoci", "unpack", *rootless, "--image", to + ":" + tag, bundle])
    step("and finds the layer's files, kinds, modes and owner")
    root = os.path.join(bundle, "rootfs")
    found = {}
    for at, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(at, name)
            found[os.path.relpath(path, root)] = os.lstat(path)
    entries = {p: e for p, e in layout.entries().items() if p not in ("", ".")}
    assert set(found) == set(entries), set(found) ^ set(entries)
    for path, entry in entries.items():
        mode = found[path].st_mode
        assert (stat.S_ISDIR(mode), stat.S_ISLNK(mode)) == (entry.isdir(), entry.issym()), path
        assert stat.S_ISLNK(mode) or stat.S_IMODE(mode) == entry.mode, "%s: %o" % (path, mode)
        assert rootless or (found[path].st_uid, found[path].st_gid) == (10, 10), path
        assert not os.listxattr(os.path.join(root, path), follow_symlinks=False), "%s has attributes" % path
    step("and makes a runtime configuration of the image's")
    process = json.loads(open(os.path.join(bundle, "config.json"), encoding="utf-8").read())["process"]
    assert process["args"][:2] == ["/bin/busybox", "httpd"], process["args"]
    assert (process["user"]["uid"], process["user"]["gid"]) == (10, 10), process["user"]


def main():
    need_tools("skopeo", "umoci")
    with scratch() as folder:
        to = os.path.join(folder, NAME)
        digest = build(spec(NAME), to, "--no-test")
        check_skopeo(to, digest, folder)
        check_umoci(to, Layout(to), folder)


if __name__ == "__main__":
    main()
