#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every shell script of the project passes shellcheck, and every one that a person runs may be executed."""
import os
import sys

from e2e import SOURCE, need_tools, run


def main():
    need_tools("shellcheck")
    scripts, problems = [], []
    for folder in (".ci", "tools", "tests"):
        for at, folders, files in os.walk(os.path.join(SOURCE, folder)):
            folders[:] = [f for f in folders if f != "__pycache__"]
            for name in files:
                path = os.path.join(at, name)
                with open(path, "rb") as file:
                    first = file.readline(100)
                if first.startswith(b"#!") and first.rstrip().endswith((b"/sh", b" bash", b"/bash")):
                    scripts.append(path)
                    if not os.access(path, os.X_OK):
                        problems.append("%s may not be executed" % path)
    assert len(scripts) >= 5, "looked in the wrong place: %r" % scripts
    said = run(["shellcheck", *scripts], status=None)
    if said.status:
        problems.append(said.out)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
