#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies an image of four layers, 200 MB, from a layout into a registry and back, beside skopeo.

    meson test -C build --benchmark -v            or: SMITH=... copies_against_skopeo.py [ROUNDS]

All in one run, in turns, plain HTTP, each time through a docker-registry of its own on this machine, which is empty:
skopeo remembers where it has pushed a blob, and would mount it. Prints medians, ratios and peak memory; asserts nothing
about time, only that the digests are the same.
"""
import gzip
import hashlib
import io
import json
import os
import statistics
import sys
import tarfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
sys.dont_write_bytecode = True
from e2e import SMITH, need_tools, run, scratch, sha256, write  # noqa: E402
from nginx_against_dnf import timed  # noqa: E402
from registries import Registry  # noqa: E402

LAYERS, MEGABYTES = 4, 50


def put(layout, data):
    digest = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs", "sha256", digest), "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}


def make_image(layout):
    os.makedirs(os.path.join(layout, "blobs", "sha256"))
    layers, diff_ids = [], []
    for number in range(LAYERS):
        tar = io.BytesIO()
        with tarfile.open(fileobj=tar, mode="w") as archive:
            member = tarfile.TarInfo("data-%d" % number)
            member.size = MEGABYTES * 1024 * 1024
            archive.addfile(member, io.BytesIO(os.urandom(member.size)))
        diff_ids.append(sha256(tar.getvalue()))
        layers.append(dict(put(layout, gzip.compress(tar.getvalue(), 1, mtime=0)),
                           mediaType="application/vnd.oci.image.layer.v1.tar+gzip"))
    config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": layers,
                "config": dict(put(layout, json.dumps(config).encode()),
                               mediaType="application/vnd.oci.image.config.v1+json")}
    entry = dict(put(layout, json.dumps(manifest).encode()), mediaType=manifest["mediaType"],
                 annotations={"org.opencontainers.image.ref.name": "latest"})
    write(os.path.join(layout, "index.json"), json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    write(os.path.join(layout, "oci-layout"), '{"imageLayoutVersion": "1.0.0"}')
    return entry["digest"]


def smith(source, to, _):
    return [SMITH, "copy", "-k", source, to]


def skopeo(source, to, upwards):
    return ["skopeo", "--insecure-policy", "copy", "-q", "--preserve-digests",
            "--dest-tls-verify=false" if upwards else "--src-tls-verify=false", source, to]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    need_tools("docker-registry", "skopeo", "/usr/bin/time")
    runs = {}
    with scratch() as folder:
        digest = make_image(os.path.join(folder, "image"))
        layout = "oci:%s/image:latest" % folder
        for number in range(rounds):
            for who, command in (("smith", smith), ("skopeo", skopeo)):
                def time_of(what, source, to, upwards):
                    runs.setdefault(what, {}).setdefault(who, []).append(timed(command(source, to, upwards), folder))
                with Registry("%s/registry-%s-%d" % (folder, who, number)) as registry:
                    there = registry.name(who + "/app:1")
                    back = "oci:%s/%s-%d:1" % (folder, who, number)
                    time_of("push", layout, there, True)
                    time_of("pull", there, back, False)
                    time_of("push again", layout, there, True)
                    assert sha256(run(["skopeo", "inspect", "--raw", back]).out.encode()) == digest, who
    print("%d rounds, on %d cores; %d layers of %d MB" % (rounds, os.cpu_count(), LAYERS, MEGABYTES))
    for what, who in runs.items():
        median = {name: statistics.median(s for s, _ in seen) for name, seen in who.items()}
        memory = {name: max(m for _, m in seen) for name, seen in who.items()}
        print("%-10s smith %6.2f s %4.0f MB   skopeo %6.2f s %4.0f MB   %.1f times as fast" % (
            what, median["smith"], memory["smith"], median["skopeo"], memory["skopeo"],
            median["skopeo"] / median["smith"]))


if __name__ == "__main__":
    main()
