#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Spec, lock and overlay decide every byte of the layout: not umask, time zone, language, directory, cores or cache."""
import os
import shutil
import sys

from e2e import SPECS, assert_same, build, forget_builds, scratch, snapshot, spec, step


def main():
    name = sys.argv[1]
    with scratch() as folder:
        def at(*parts):
            return os.path.join(folder, *parts)

        step("the build that the others must equal: cold, and with the lock that it writes")
        digest = build(spec(name), at("first"), "--no-test", env={"TZ": "UTC", "LC_ALL": "C"})
        expected, lock, cache = snapshot(at("first")), at("first.lock"), at("cache")

        # The overlay's files get another mode, time and owner by being copied.
        os.umask(0o077)
        moved = at("some where", "else")
        shutil.copytree(os.path.join(SPECS, name), moved, copy_function=shutil.copyfile, symlinks=True)
        for top, _, files in os.walk(moved):
            for file in files:
                source = os.path.join(SPECS, name, os.path.relpath(os.path.join(top, file), moved))
                os.chmod(os.path.join(top, file), 0o700 if os.access(source, os.X_OK) else 0o600)
                os.utime(os.path.join(top, file), (1234567890, 1234567890))
        here = {"spec_file": spec(name), "lock": lock, "cache": cache}
        variants = {
            "remembered": dict(here),
            "warm": dict(here),
            "umask 077": dict(here, umask=0o077),
            "umask 000": dict(here, umask=0),
            "another time zone": dict(here, env={"TZ": "Pacific/Kiritimati"}),
            "another language": dict(here, env={"LC_ALL": "C.UTF-8", "LANG": "tr_TR.UTF-8", "LANGUAGE": "tr"}),
            "one core": dict(here, more=["--jobs", "1"], cache=at("cold1")),
            "seven workers": dict(here, more=["--jobs", "7"], cache=at("cold7")),
            "another directory": dict(here, spec_file=os.path.join("else", name + ".yaml"), cwd=at("some where")),
            "a lock of its own": dict(here, lock=at("own.lock")),
        }
        for number, (what, how) in enumerate(variants.items()):
            step(what)
            os.umask(how.pop("umask", 0o022))
            to = at("again %d" % number)
            if what != "remembered":
                forget_builds(cache)
            got = build(how.pop("spec_file"), to, "--no-test", *how.pop("more", []), **how)
            assert got == digest, "%s: digest %s, expected %s" % (what, got, digest)
            assert_same(what, expected, snapshot(to))
        step("and the lock itself")
        with open(lock, "rb") as one, open(at("own.lock"), "rb") as other:
            assert one.read() == other.read(), "two locks of one request differ"


if __name__ == "__main__":
    main()
