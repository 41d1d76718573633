#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""railcar starts in milliseconds, as nothing stands behind it that takes time to load."""
import re
import shutil
import subprocess
import sys

# libgcc_s and libstdc++ come with the language; a sanitizer brings libm and others along.
ALLOWED = {"libc", "libgcc_s", "libm", "libseccomp", "libstdc++", "ld-linux-x86-64", "ld-linux-aarch64"}


def main():
    if not shutil.which("readelf"):
        print("skipped: no readelf")
        sys.exit(77)
    # Linked statically, as it is where that can be had, it needs none of these.
    said = subprocess.run(["readelf", "-d", sys.argv[1]], stdout=subprocess.PIPE, check=True, text=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[([^]]*)\]", said)
    assert not needed or any(name.startswith("libc.so") for name in needed), said
    more = [name for name in needed if name.split(".so")[0] not in ALLOWED]
    assert not more, "railcar links " + ", ".join(more)


if __name__ == "__main__":
    main()
