#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the parser of specs to what it said before.

    golden.py SPEC_CHECK DIRECTORY...

Beside each x.yaml stands x.json, its canonical JSON, when it is a spec, and x.txt, the warnings and problems, when
there are any. SMITH_ACCEPT=1 rewrites both, and says "skipped" (77): what changed is to be read.
"""
import os
import pathlib
import subprocess
import sys


def differences(check, spec, accept):
    """The files beside `spec` that are not what `check` says."""
    run = subprocess.run([check, spec.name], cwd=spec.parent, capture_output=True)
    if run.returncode not in (0, 2):
        yield f"{spec}: {check} ended with {run.returncode}: {run.stderr.decode(errors='replace')}"
        return
    for suffix, said in ((".json", run.stdout), (".txt", run.stderr)):
        golden = spec.with_suffix(suffix)
        before = golden.read_bytes() if golden.exists() else b""
        if said == before:
            continue
        yield f"{golden}:\n  expected {before.decode(errors='replace')!r}\n  got      {said.decode(errors='replace')!r}"
        if accept and said:
            golden.write_bytes(said)
        elif accept:
            golden.unlink()


def is_in_its_place(spec):
    """A spec has a .json beside it exactly where it ought to be one."""
    return spec.with_suffix(".json").exists() == (spec.parent.name == "valid")


def main():
    check = str(pathlib.Path(sys.argv[1]).resolve())
    accept = os.environ.get("SMITH_ACCEPT") == "1"
    specs = sorted(p for d in sys.argv[2:] for p in pathlib.Path(d).glob("*.yaml"))
    if len(specs) < 50:
        sys.exit(f"only {len(specs)} specs in {sys.argv[2:]}: wrong folder?")
    found = [d for spec in specs for d in differences(check, spec, accept)]
    found += [f"{spec}: is it a spec, or not?" for spec in specs if not is_in_its_place(spec)]
    print("\n".join(found) if found else f"{len(specs)} specs are read as before")
    if accept:
        return 77
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
