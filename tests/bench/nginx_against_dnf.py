#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds nginx, cold and warm, beside what people do without smith: `dnf --installroot` and a tar of it.

    meson test -C build --benchmark -v            or: SMITH=... nginx_against_dnf.py [ROUNDS]

All in one run, in turns, from the same repository on the same disk, so that a noisy machine is noisy to everyone.
Prints medians, the range they come from, ratios and peak memory; asserts nothing about time, only that everybody did
the work.

    cold    metadata cached, nothing else: neither package contents nor a lock
    warm    the second build: everything cached, the lock written
    dnf     metadata cached; what it makes is a tree on disk, no image yet
    tar     that tree through tar and gzip, which an image needs at least
"""
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
sys.dont_write_bytecode = True
from e2e import FIXTURE, SMITH, Layout, build_args, need_fixture, need_tools, repo_file, scratch, skip, smith, spec  # noqa: E402

AIM = {"cold": 5, "warm": 50}
AIM_MEMORY = 150


def timed(args, folder):
    """(seconds, peak memory in MB) of a command, by GNU time: a child of ours would be charged with our own memory."""
    log = os.path.join(folder, "time")
    started = time.monotonic()
    done = subprocess.run(["/usr/bin/time", "-f", "%M", "-o", log, *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stdout.decode()[-2000:]
    with open(log, encoding="utf-8") as file:
        return seconds, int(re.findall(r"\d+", file.read())[-1]) / 1024


def dnf(folder, *more):
    return ["dnf", "-q", "-y", "--installroot=" + os.path.join(folder, "root"), "--releasever=12",
            "--repofrompath=fixture,file://" + FIXTURE, "--repo=fixture", "--setopt=fixture.gpgcheck=1",
            "--setopt=fixture.gpgkey=file://" + os.path.join(FIXTURE, "RPM-GPG-KEY-test"),
            "--setopt=install_weak_deps=False", "--setopt=cachedir=" + os.path.join(folder, "dnf"), *more]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    need_tools("dnf", "/usr/bin/time", "tar", "gzip")
    need_fixture()
    if os.geteuid() != 0:
        skip("dnf --installroot asks for root")
    runs = {what: [] for what in ("cold", "warm", "dnf", "tar")}
    with scratch() as folder:
        root, cache, to = (os.path.join(folder, n) for n in ("root", "cache", "image"))
        subprocess.run(dnf(folder, "makecache"), check=True, stdout=subprocess.DEVNULL)
        for _ in range(rounds):
            shutil.rmtree(root, ignore_errors=True)
            runs["dnf"].append(timed(dnf(folder, "install", "nginx"), folder))
            assert os.path.exists(os.path.join(root, "usr/sbin/nginx"))
            runs["tar"].append(timed(["tar", "-C", root, "-czf", os.path.join(folder, "root.tar.gz"), "."], folder))

            for leftover in (cache, to):
                shutil.rmtree(leftover, ignore_errors=True)
            if os.path.exists(to + ".lock"):
                os.unlink(to + ".lock")
            smith("lock", spec("nginx"), "--repo-file", repo_file(), "--cache-dir", cache, "--lock", to + ".lock")
            os.unlink(to + ".lock")
            args = [SMITH, *build_args(spec("nginx"), to, "--no-test", cache=cache)]
            runs["cold"].append(timed(args, folder))
            shutil.rmtree(to)
            runs["warm"].append(timed(args, folder))
            Layout(to)
        size = len(Layout(to).layer) / 1e6
        tar_size = os.path.getsize(os.path.join(folder, "root.tar.gz")) / 1e6

    median = {what: statistics.median(s for s, _ in seen) for what, seen in runs.items()}
    print("%d rounds, on %d cores" % (rounds, os.cpu_count()))
    for what, seen in runs.items():
        seconds = sorted(s for s, _ in seen)
        print("%-5s %8.3f s  (%.3f to %.3f)  %4.0f MB" % (
            what, median[what], seconds[0], seconds[-1], max(m for _, m in seen)))
    for what, aim in AIM.items():
        print("%s: %.1f times as fast as dnf alone (aim: %d), %.1f times as dnf and tar" % (
            what, median["dnf"] / median[what], aim, (median["dnf"] + median["tar"]) / median[what]))
    print("peak memory of smith: %.0f MB (aim: %d)" % (max(m for w in AIM for _, m in runs[w]), AIM_MEMORY))
    print("packed: %.1f MB, dnf's tree %.1f MB" % (size, tar_size))


if __name__ == "__main__":
    main()
