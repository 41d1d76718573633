#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every source file looks as .clang-format says.

    format.py SOURCE_ROOT        exit 0: all do; 1: each that does not on a line; 77: no clang-format of the right version

What a formatter makes of a file differs between its versions, so only Debian 12's counts.
"""
import pathlib
import re
import shutil
import subprocess
import sys

VERSION = "14"
FOLDERS = ["base", "resolver", "ocilayout", "runtime", "builder", "tools", "tests"]


def main():
    root = pathlib.Path(sys.argv[1])
    program = shutil.which("clang-format-" + VERSION) or shutil.which("clang-format")
    if program is None:
        print("skipped: no clang-format here (tools/install-deps test installs it)")
        return 77
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\d+)", said)
    if found is None or found.group(1) != VERSION:
        print(f"skipped: clang-format {VERSION} decides, and this is {said.strip()}")
        return 77
    files = sorted(p for f in FOLDERS for p in (root / f).rglob("*") if p.suffix in (".h", ".cc"))
    if not files:
        print(f"no source files below {root}: wrong folder?")
        return 1
    told = subprocess.run([program, "--dry-run", "--Werror", "--style=file", *files], capture_output=True, text=True)
    wrong = sorted({line.split(":")[0] for line in told.stderr.splitlines() if "[-Wclang-format-violations]" in line})
    if told.returncode != 0 and not wrong:
        print(told.stderr)
    print("\n".join(f"{file}: clang-format -i would change it" for file in wrong) or f"{len(files)} files were looked at")
    return 1 if told.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
