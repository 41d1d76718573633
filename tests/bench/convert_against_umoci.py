#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converts a large image (nginx, python, PostgreSQL, git, node and more, in one layer of some 550 MB) to nginx alone,
cold and warm, beside Oracle's way: `umoci unpack`, select the same files, tar and gzip them.

    meson test -C build --benchmark -v            or: SMITH=... convert_against_umoci.py [ROUNDS]

All in one run, in turns. Prints medians, ratios, peak memory and sizes; asserts nothing about time, only that everybody
did the work. Debian packages that the fixture lacks are downloaded by apt, once, into a folder beside it.
"""
import glob
import json
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
sys.dont_write_bytecode = True
import images  # noqa: E402
from e2e import SMITH, Layout, need_fixture, need_tools, scratch  # noqa: E402
from nginx_against_dnf import timed  # noqa: E402

PACKAGES = ["base-files", "bash", "coreutils", "git", "libbrotli1", "libbz2-1.0", "libc-ares2", "libc6", "libcrypt1",
            "libexpat1", "libffi8", "libgcc-s1", "libicu72", "libllvm14", "liblzma5", "libnode108", "libpcre2-8-0",
            "libpython3.11-minimal", "libpython3.11-stdlib", "libsqlite3-0", "libssl3", "libstdc++6", "libuv1",
            "libxml2", "llvm-14", "llvm-14-dev", "locales", "media-types", "nginx", "nginx-common", "nodejs", "openssl",
            "perl", "perl-base", "perl-modules-5.36", "postgresql-15", "python3.11", "python3.11-minimal", "zlib1g"]
PATHS = ["/usr/sbin/nginx", "/etc/nginx"]
# Aims, in parts of the time that Oracle's way takes; bytes; megabytes.
AIM = {"cold": 0.40, "warm": 0.05}
AIM_SIZE, AIM_MEMORY = 4.06, 100


def download_missing():
    os.makedirs(images.MORE_DEBS, exist_ok=True)
    for name in PACKAGES:
        if any(glob.glob(os.path.join(folder, name + "_*.deb")) for folder in (images.DEBS, images.MORE_DEBS)):
            continue
        # Debian's own, also where the machine has another source for it.
        subprocess.run(["apt-get", "-q", "download", name + "/bookworm"], cwd=images.MORE_DEBS, check=True,
                       stdout=subprocess.DEVNULL)


def select_and_pack(root, names, to):
    """What a tool that trims a tree has to do at least: tar the files that ship, and compress that."""
    listed = os.path.join(os.path.dirname(to), "names")
    with open(listed, "w", encoding="utf-8") as file:
        file.write("\n".join(n for n in names if os.path.lexists(os.path.join(root, n))) + "\n")
    return ["tar", "-C", root, "--no-recursion", "-T", listed, "-czf", to]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    need_tools("umoci", "/usr/bin/time", "tar", "gzip", "apt-get")
    need_fixture()
    download_missing()
    runs = {what: [] for what in ("cold", "warm", "unpack", "pack")}
    with scratch() as folder:
        src, to, cache, bundle = (os.path.join(folder, n) for n in ("src", "to", "cache", "bundle"))
        layer = images.debian_layer(*PACKAGES)
        image = images.Image([layer], {"Cmd": ["nginx", "-g", "daemon off;"]})
        image.layout(src)
        packed = max(len(blob) for blob in image.blobs.values())
        print("image: %.0f MB, packed %.0f MB" % (len(layer) / 1e6, packed / 1e6))
        del layer, image
        args = [SMITH, "convert", "oci:" + src, "oci:" + to, "--cache-dir", cache, "-q"]
        for path in PATHS:
            args += ["--path", path]
        for _ in range(rounds):
            for leftover in (cache, to, bundle):
                shutil.rmtree(leftover, ignore_errors=True)
            runs["cold"].append(timed(args, folder))
            shutil.rmtree(to)
            runs["warm"].append(timed(args, folder))
            names = [n for n in sorted(Layout(to).entries()) if n]
            runs["unpack"].append(timed(["umoci", "unpack", "--image", src + ":latest", bundle], folder))
            runs["pack"].append(timed(select_and_pack(os.path.join(bundle, "rootfs"), names,
                                                      os.path.join(folder, "packed.tar.gz")), folder))
        size = len(Layout(to).layer) / 1e6
    median = {what: statistics.median(s for s, _ in seen) for what, seen in runs.items()}
    print("%d rounds, on %d cores" % (rounds, os.cpu_count()))
    for what, seen in runs.items():
        seconds = sorted(s for s, _ in seen)
        print("%-6s %8.3f s  (%.3f to %.3f)  %4.0f MB" % (
            what, median[what], seconds[0], seconds[-1], max(m for _, m in seen)))
    theirs = median["unpack"] + median["pack"]
    for what, aim in AIM.items():
        print("%s: %.1f %% of Oracle's way (aim: %.0f %%)" % (what, 100 * median[what] / theirs, 100 * aim))
    print("peak memory of smith: %.0f MB (aim: %d)" % (max(m for w in AIM for _, m in runs[w]), AIM_MEMORY))
    print("nginx: %.2f MB packed (aim: %.2f)" % (size, AIM_SIZE))
    json.dump(median, sys.stderr)
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
