#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that fills up in the middle of a build: one message, nothing that looks like an image, and with more room the
next build works. The disks are tmpfs of many sizes, in a mount namespace of our own."""
import os
import subprocess
import sys

from e2e import DONE, FAILED, SMITH, assert_same, build, build_args, need_fixture, need_tools, run, scratch, skip
from e2e import snapshot, spec, step

NAME = "redis"
STEPS = 6


def size_of(path):
    if not os.path.isdir(path):
        return os.stat(path).st_blocks * 512
    return sum(os.lstat(os.path.join(at, name)).st_blocks * 512 for at, _, files in os.walk(path) for name in files)


def mount(at, size, how="size=%d"):
    subprocess.run(["mount", "-t", "tmpfs", "-o", how % size, "tmpfs", at], check=True)


def in_a_namespace():
    need_tools("unshare", "mount")
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", "--mount", *rights, sys.executable, os.path.abspath(__file__), "inside"]
    if subprocess.run([*words, "probe"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        skip("this machine lets nobody mount a tmpfs in a namespace")
    sys.exit(subprocess.run(words, check=False).returncode)


def main():
    need_fixture()
    if sys.argv[1:2] != ["inside"]:
        in_a_namespace()
    with scratch() as folder:
        disk, ample = os.path.join(folder, "disk"), os.path.join(folder, "ample")
        for at in (disk, ample):
            os.mkdir(at)
        mount(disk, 1 << 16)
        if sys.argv[2:] == ["probe"]:
            subprocess.run(["umount", disk], check=True)
            return
        subprocess.run(["umount", disk], check=True)

        step("undisturbed")
        cache, layout, lock = (os.path.join(ample, name) for name in ("cache", "layout", "lock"))
        digest = build(spec(NAME), layout, "--no-test", cache=cache, lock=lock)
        expected = snapshot(layout)

        def fills(what, needed, args, output):
            """With `args`, of which something is on the disk: `needed` bytes are enough."""
            failed = 0
            for number in range(STEPS):
                mount(disk, max(4096, needed * number // STEPS))
                said = run([SMITH, *args], status=None)
                if said.status != DONE:
                    failed += 1
                    assert said.status == FAILED and said.out == "", said
                    assert said.err.count("\n") == 1 and "No space left on device" in said.err, said
                    assert not os.path.exists(output) or not os.path.exists(os.path.join(output, "index.json")), said
                    assert os.path.isdir(output) or not os.path.exists(output), said
                    litter = [n for _, folders, files in os.walk(disk) for n in folders + files if n.startswith(".tmp-")]
                    assert not litter, litter
                subprocess.run(["mount", "-t", "tmpfs", "-o", "remount,size=%d" % (needed * 4 + (1 << 20)), "tmpfs", disk], check=True)
                assert run([SMITH, *args], status=DONE).out.strip() == digest, "with more room"
                if os.path.isdir(output):
                    assert_same(what, expected, snapshot(output))
                subprocess.run(["umount", disk], check=True)
                for left in (os.path.join(ample, "out"), os.path.join(ample, "new.lock")):
                    subprocess.run(["rm", "-rf", left], check=True)
            assert failed > STEPS // 2, "%s: the disk was full only %d times" % (what, failed)

        elsewhere, here = os.path.join(ample, "out"), os.path.join(disk, "out")

        def args(to, cache=cache, lock=lock):
            words = build_args(spec(NAME), to, "--no-test", "-q", cache=cache, lock=lock)
            words[words.index("oci:" + to)] = to
            return words

        step("the cache")
        fills("cache", size_of(cache), args(elsewhere, cache=os.path.join(disk, "cache"),
                                            lock=os.path.join(ample, "new.lock")), elsewhere)
        step("a layout")
        fills("layout", size_of(layout), args(here), here)
        step("archives")
        for name in ("out.tar", "out.tar.gz"):
            fills(name, size_of(layout), args(os.path.join(disk, name)), os.path.join(disk, name))


if __name__ == "__main__":
    main()
