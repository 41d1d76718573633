#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A build starts no program: none from the packages, and no helper of the host's either (strace sees every execve)."""
import os
import re

from e2e import SMITH, Layout, build_args, need_tools, run, scratch, skip, spec, step


def main():
    need_tools("strace")
    if run(["strace", "-o", "/dev/null", "true"], status=None).status != 0:
        skip("strace may not trace here")
    with scratch() as folder:
        for name in ("cat", "postgresql"):
            step("build %s from an empty store" % name)
            log = os.path.join(folder, name + ".strace")
            run(["strace", "-f", "-qq", "-e", "trace=execve,execveat", "-o", log, SMITH,
                 *build_args(spec(name), os.path.join(folder, name), "--no-test")])
            assert Layout(os.path.join(folder, name)).files(), "nothing was built"
            with open(log, encoding="utf-8") as file:
                started = [line for line in file if re.search(r"\bexecve(at)?\(", line)]
            assert len(started) == 1 and SMITH in started[0], "started:\n" + "".join(started)


if __name__ == "__main__":
    main()
