#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole cache may be deleted at any moment of a build: it ends as if nothing had happened.

SMITH_E2E_SEED repeats a run, SMITH_E2E_DELETIONS says how many (12).
"""
import os
import random
import shutil
import stat
import subprocess
import time

from e2e import SMITH, Layout, assert_same, build, build_args, scratch, snapshot, spec, step

# Many packages; and a program that is run, because its bundle lies in the cache as well.
NAMES = ("nginx", "cat")


def main():
    seed = int(os.environ.get("SMITH_E2E_SEED") or time.time_ns() % 1000000)
    deletions = int(os.environ.get("SMITH_E2E_DELETIONS") or 12)
    print("SMITH_E2E_SEED=%d" % seed, flush=True)
    chance = random.Random(seed)
    os.umask(0)                                          # and what is made again is still for its owner alone
    with scratch() as folder:
        cache, to = os.path.join(folder, "cache"), os.path.join(folder, "image")
        expected, took = {}, {}
        for name in NAMES:
            step("%s, undisturbed" % name)
            started = time.monotonic()
            build(spec(name), os.path.join(folder, name), cache=cache)
            took[name] = time.monotonic() - started
            expected[name] = snapshot(os.path.join(folder, name))
            if name != NAMES[-1]:
                shutil.rmtree(cache)

        step("%d builds, and a deletion in each" % deletions)
        in_time = 0
        for number in range(deletions):
            name = NAMES[number % len(NAMES)]
            for left in (to, to + ".lock"):
                shutil.rmtree(left, ignore_errors=True) if os.path.isdir(left) else os.path.exists(left) and os.unlink(left)
            if number % 3 != 0:                          # else it finds a store that is empty, or nearly
                build(spec(name), os.path.join(folder, "warm"), "--no-test", cache=cache)
            process = subprocess.Popen([SMITH, *build_args(spec(name), to, cache=cache)], stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(chance.uniform(0, took[name]))
            in_time += process.poll() is None
            shutil.rmtree(cache, ignore_errors=True)
            said = process.communicate(timeout=300)[1].decode("utf-8", "replace")
            assert process.returncode == 0, "deletion %d, building %s: status %d: %s" % (
                number, name, process.returncode, said)
            Layout(to)
            assert_same("after deletion %d" % number, expected[name], snapshot(to))
            for made in (cache, os.path.join(cache, "rpms"), os.path.join(cache, "layers")):
                assert not os.path.exists(made) or stat.S_IMODE(os.stat(made).st_mode) == 0o700, made
        print("%d of them were in time" % in_time)
        assert in_time > 0, "every build was faster than its deletion"


if __name__ == "__main__":
    main()
