#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""On a machine whose clock is wrong by decades the image is the same: signatures are judged by the time they were made."""
import os
import shutil

from e2e import DONE, assert_same, build_args, need_tools, run, scratch, SMITH, snapshot, spec, step


def main():
    need_tools("faketime")
    with scratch() as folder:
        def build(name, clock, cache):
            words = ["faketime", "-f", "@%s-01-01 00:00:00" % clock] if clock else []
            to = os.path.join(folder, name)
            said = run([*words, SMITH, *build_args(spec("curl"), to, "--no-test", cache=os.path.join(folder, cache))],
                       status=DONE)
            assert "warning" not in said.err, said
            with open(to + ".lock", "rb") as lock:
                return dict(snapshot(to), lock=lock.read())

        step("it is believed: the clock says 1990")
        shown = run(["faketime", "-f", "@1990-01-01 00:00:00", "date", "+%Y"]).out.strip()
        assert shown == "1990", shown
        expected = build("now", None, "cache")
        for clock in ("1990", "2037", "2060"):
            step(clock + ", with an empty cache")
            assert_same(clock, expected, build("cold" + clock, clock, "cache" + clock))
            step(clock + ", with a cache of today")
            assert_same(clock, expected, build("warm" + clock, clock, "cache"))
            step(clock + ": its cache is of use today")
            assert_same(clock, expected, build("after" + clock, None, "cache" + clock))
            shutil.rmtree(os.path.join(folder, "cache" + clock))


if __name__ == "__main__":
    main()
