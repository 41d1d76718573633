#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Killed at any moment, a build leaves the old image or the new one, a store that is whole, and a next build that works.

SMITH_E2E_SEED repeats a run, SMITH_E2E_KILLS says how many (50).
"""
import os
import random
import shutil
import signal
import subprocess
import time

from e2e import SMITH, SPECS, Layout, assert_same, build, build_args, scratch, snapshot, step, write

NAME = "nginx"


def main():
    seed = int(os.environ.get("SMITH_E2E_SEED") or time.time_ns() % 1000000)
    kills = int(os.environ.get("SMITH_E2E_KILLS") or 50)
    print("SMITH_E2E_SEED=%d" % seed, flush=True)
    chance = random.Random(seed)
    with scratch() as folder:
        def variant(text):
            """A spec folder whose image differs in one file."""
            at = os.path.join(folder, text)
            shutil.copytree(os.path.join(SPECS, NAME), at)
            write(os.path.join(at, "rootfs", "read", "which"), text)
            return os.path.join(at, NAME + ".yaml")

        old_spec, new_spec = variant("old"), variant("new")
        cache, to = os.path.join(folder, "cache"), os.path.join(folder, "image")
        lock = to + ".lock"

        step("the two images, undisturbed")
        started = time.monotonic()
        new = build(new_spec, os.path.join(folder, "n"), "--no-test", cache=cache)
        cold = time.monotonic() - started
        started = time.monotonic()
        old = build(old_spec, os.path.join(folder, "o"), "--no-test", cache=cache)
        warm = time.monotonic() - started
        expected = snapshot(os.path.join(folder, "n"))

        seen = {"old": 0, "new": 0, "ended by itself": 0}
        for number in range(kills):
            # A third of the builds find an empty store, a third a full one, a third what the last kill left.
            fate = number % 3
            if fate == 0:
                shutil.rmtree(cache, ignore_errors=True)
            elif fate == 1:
                build(new_spec, os.path.join(folder, "n"), "--no-test", cache=cache)
            shutil.rmtree(to, ignore_errors=True)
            shutil.copytree(os.path.join(folder, "o"), to)
            if os.path.exists(lock):
                os.unlink(lock)

            process = subprocess.Popen([SMITH, *build_args(new_spec, to, "--no-test", cache=cache, lock=lock)],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                       start_new_session=True)
            time.sleep(chance.uniform(0, 1.1 * (warm if fate == 1 else cold)))
            os.killpg(process.pid, signal.SIGKILL)
            if process.wait() == 0:
                seen["ended by itself"] += 1

            digest = Layout(to).digest                       # which also finds every blob whole
            assert digest in (old, new), "kill %d left a third image" % number
            seen["new" if digest == new else "old"] += 1

            # With what is left of the store, and over what is left of the output.
            assert build(new_spec, to, "--no-test", cache=cache, lock=lock) == new, "after kill %d" % number
            assert_same("after kill %d" % number, expected, {p: d for p, d in snapshot(to).items() if p in expected})
            Layout(to)
        print("%d kills: %s" % (kills, seen))
        step("nothing is left lying about")
        litter = [f for f in os.listdir(folder) if f not in ("old", "new", "o", "n", "o.lock", "n.lock", "cache", "image", "image.lock")]
        assert not litter, litter


if __name__ == "__main__":
    main()
