#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Chooses packages out of 63,000, cold and warm, beside `dnf --assumeno install` of the same.

    meson test -C build --benchmark -v            or: SMITH=... lock_against_dnf.py [ROUNDS]

All in one run, in turns, from the repository that tools/scale-fixture makes, on the same disk. Prints medians, ratios
and peak memory; asserts nothing about time, only that everybody found the packages.

    cold    nothing cached at all: metadata is copied, verified and parsed
    warm    metadata cached; smith has no lock and has never heard of the request, so that it solves
    again   the same once more, still without a lock: smith remembers what it chose, dnf solves (docs/decisions/
            solution-cache.md)

    load    a package that needs next to nothing: what is left is reading metadata
    bash    the issue's small request
    desktop gnome with what it recommends: some 1,500 packages
    file    a file that primary.xml does not list, so that smith needs the file lists too (dnf always reads them)
"""
import os
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
sys.dont_write_bytecode = True
from e2e import SMITH, need_tools, scratch, skip, write  # noqa: E402
from nginx_against_dnf import timed  # noqa: E402

SCALE = os.environ.get("SMITH_SCALE_FIXTURE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "smith-scale", "repo")
REQUESTS = {"load": ("filesystem", False), "bash": ("bash", False), "desktop": ("gnome", True),
            "file": ("/usr/share/dict/words", False)}
AIM_WARM, AIM_MEMORY = 5, 200


def dnf(folder, package, weak):
    # --assumeno answers "no" and ends with status 1, which `timed` would take for a failure.
    command = ["dnf", "--assumeno", "--installroot=" + os.path.join(folder, "root"), "--releasever=12",
               "--setopt=reposdir=" + SCALE, "--setopt=cachedir=" + os.path.join(folder, "dnf"),
               "--setopt=best=True", "--setopt=install_weak_deps=%s" % weak, "install", package]
    return ["sh", "-c", '"$@" 2>&1 | grep "Operation aborted"', "sh", *command]


def smith(folder, package, weak):
    spec = write(os.path.join(folder, "spec", "app.yaml"), "schema: 1\npackage: %s\nweak-dependencies: %s\n"
                 'arch: x86_64\nreleasever: "12"\n' % (package, str(weak).lower()))
    lock = os.path.join(folder, "spec", "app.lock")
    if os.path.exists(lock):
        os.unlink(lock)
    return [SMITH, "lock", spec, "--lock", lock, "--repo-file", os.path.join(SCALE, "scale.repo"),
            "--cache-dir", os.path.join(folder, "cache")]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    need_tools("dnf", "/usr/bin/time")
    if not os.path.exists(os.path.join(SCALE, "scale.repo")):
        skip("no repository at %s: run tools/scale-fixture" % SCALE)
    if os.geteuid() != 0:
        skip("dnf --installroot asks for root")
    runs = {}
    with scratch() as folder:
        for _ in range(rounds):
            for what, (package, weak) in REQUESTS.items():
                for who, command, cache in (("smith", smith, "cache"), ("dnf", dnf, "dnf")):
                    shutil.rmtree(os.path.join(folder, cache), ignore_errors=True)
                    for state in ("cold", "warm", "again"):
                        if state == "warm":
                            shutil.rmtree(os.path.join(folder, "cache", "solutions"), ignore_errors=True)
                        seen = timed(command(folder, package, weak), folder)
                        runs.setdefault((what, state), {}).setdefault(who, []).append(seen)
    print("%d rounds, on %d cores" % (rounds, os.cpu_count()))
    for (what, state), who in runs.items():
        median = {name: statistics.median(s for s, _ in seen) for name, seen in who.items()}
        memory = {name: max(m for _, m in seen) for name, seen in who.items()}
        print("%-8s %-5s  smith %7.2f s %4.0f MB   dnf %7.2f s %4.0f MB   %.1f times as fast" % (
            what, state, median["smith"], memory["smith"], median["dnf"], memory["dnf"],
            median["dnf"] / median["smith"]))
    print("aims: cold faster than dnf, warm %d times as fast, below %d MB" % (AIM_WARM, AIM_MEMORY))


if __name__ == "__main__":
    main()
