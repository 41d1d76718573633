#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many bytes a first build of nginx fetches over HTTP, beside `dnf --installroot` of the same request.

    meson test -C build --benchmark -v            or: SMITH=... bytes_against_dnf.py

dnf is asked twice: for the very packages that smith chooses, and as it comes, with weak dependencies.
"""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
sys.dont_write_bytecode = True
from e2e import FIXTURE, Mirror, build_args, need_fixture, need_tools, scratch, skip, smith, spec, write  # noqa: E402

KEY = "file://" + os.path.join(FIXTURE, "RPM-GPG-KEY-test")


def dnf(folder, url, weak):
    shutil.rmtree(os.path.join(folder, "root"), ignore_errors=True)
    shutil.rmtree(os.path.join(folder, "dnf"), ignore_errors=True)
    subprocess.run(["dnf", "-q", "-y", "--installroot=" + os.path.join(folder, "root"), "--releasever=12",
                    "--repofrompath=fixture," + url, "--repo=fixture", "--setopt=fixture.gpgkey=" + KEY,
                    "--setopt=install_weak_deps=%d" % weak, "--setopt=cachedir=" + os.path.join(folder, "dnf"),
                    "install", "nginx"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def main():
    need_tools("dnf")
    need_fixture()
    if os.geteuid() != 0:
        skip("dnf --installroot asks for root")
    counts = {}
    with scratch() as folder, Mirror(FIXTURE) as mirror:
        def count(what, run):
            mirror.forget()
            run()
            counts[what] = mirror.sent()
            print("%-28s %10d bytes, of which %d are packages" % (what, mirror.sent(), mirror.sent(".rpm")))

        repos = write(os.path.join(folder, "mirror.repo"),
                      "[fixture]\nname=mirror\nbaseurl=%s\ngpgkey=%s\n" % (mirror.url, KEY))
        count("smith build", lambda: smith(*build_args(spec("nginx"), os.path.join(folder, "image"), repos=repos)))
        count("dnf, the same packages", lambda: dnf(folder, mirror.url, False))
        count("dnf, with weak dependencies", lambda: dnf(folder, mirror.url, True))
    for what in list(counts)[1:]:
        print("smith fetches %.0f %% of what %s fetches (aim: 33)" % (100 * counts["smith build"] / counts[what], what))


if __name__ == "__main__":
    main()
