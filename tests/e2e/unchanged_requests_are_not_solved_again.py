#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A lock of which nothing changed is written without solving, the same to the byte; whatever changes is solved anew."""
import glob
import os
import shutil

from e2e import (FIXTURE, SMITH, UNSOLVABLE, edit_package, fixture_metadata, make_repository, need_fixture, need_tools,
                 read, run, scratch, smith, step, write)

RECALLED = "packages as they were chosen before"
SPEC = "schema: 1\nrepos:\n%spackages: [%s]\n"
KEY = "file://" + os.path.join(FIXTURE, "RPM-GPG-KEY-test")


def repo(name, url, *settings):
    return "".join(["  - id: %s\n    baseurl: file://%s\n    gpgkey: %s\n" % (name, url, KEY)] +
                   ["    %s\n" % setting for setting in settings])


def main():
    need_fixture()
    need_tools("strace")
    with scratch() as folder:
        spec, cache = os.path.join(folder, "app.yaml"), os.path.join(folder, "cache")

        def lock(cache, *more, **how):
            """A lock out of nothing."""
            file = os.path.join(folder, "app.lock")
            if os.path.exists(file):
                os.unlink(file)
            result = smith("lock", spec, "-v", "--lock", file, "--cache-dir", cache, *more, **how)
            return result, read(file) if os.path.exists(file) else None

        def look(what, known, text=None, *more):
            """Locks, and compares with a cache that knows nothing."""
            step(what)
            if text:
                write(spec, text)
            result, got = lock(cache, *more)
            assert (RECALLED in result.err) == known, result
            _, fresh = lock(os.path.join(folder, "fresh"), *more)
            shutil.rmtree(os.path.join(folder, "fresh"))
            assert got == fresh, "not what a cache that knows nothing leads to: %s" % what
            return got

        one = repo("fixture", FIXTURE)
        plain = SPEC % (one, "coreutils, tini")
        first = look("the first time", False, plain)
        assert look("nothing changed", True) == first

        step("no package is looked at, and not what was made of them")
        trace = os.path.join(folder, "trace")
        os.unlink(os.path.join(folder, "app.lock"))
        run(["strace", "-f", "-e", "trace=openat", "-o", trace, SMITH, "lock", spec, "--lock",
             os.path.join(folder, "app.lock"), "--cache-dir", cache])
        opened = read(trace).decode("utf-8", "replace")
        assert "/solutions/" in opened and "repomd.xml" in opened, opened[-2000:]
        assert ".solv\"" not in opened and "primary" not in opened, "packages were loaded"

        local = os.path.join(folder, "local.rpm")

        def put_local(name):
            shutil.copy(glob.glob(os.path.join(FIXTURE, "Packages", name[0], name + "-*.rpm"))[0], local)

        put_local("tini")
        words = {
            "the order of packages": SPEC % (one, "tini, coreutils"),
            "weak dependencies": plain + "weak-dependencies: true\n",
            "a file that the file lists know": SPEC % (one, "/usr/share/doc/tini/copyright, tini"),
            "a package is excluded": SPEC % (repo("fixture", FIXTURE, "excludepkgs: [curl]"), "tini"),
            "some packages are included": SPEC % (repo("fixture", FIXTURE, "includepkgs: [setup]"), "setup"),
            "a local package": SPEC % (one, "./local.rpm"),
        }
        for what, text in words.items():
            look(what, False, text)
            look(what + ", again", True)
        step("a local package of the same name with other bytes")
        put_local("coreutils")
        look("is solved", False)
        look("and that is remembered", True)
        look("as at first", True, plain)

        step("what cannot be had is said each time")
        write(spec, SPEC % (one, "nothing-of-the-kind"))
        for _ in range(2):
            result, _ = lock(cache, status=UNSOLVABLE)
            assert "nothing-of-the-kind" in result.err, result

        step("two repositories that have the same packages: by priority, then by cost")
        twin = os.path.join(folder, "twin")
        make_repository(twin, **{kind: fixture_metadata(kind) for kind in ("primary", "filelists")})
        sides = []
        for settings in ("priority: 10", "priority: 90", "priority: 50, cost: 10", "priority: 50, cost: 2000"):
            both = repo("fixture", FIXTURE, "priority: 50") + repo("twin", twin, *settings.split(", "))
            sides.append(b'"repo": "twin"' in look(settings, False, SPEC % (both, "tini")))
            look(settings + ", again", True)
        assert sides == [True, False, True, False], sides

        step("the repository changes")
        text = SPEC % (repo("twin", twin), "coreutils, tini")
        look("at first", False, text)
        shutil.rmtree(twin)
        newer = edit_package(fixture_metadata("primary"), "tini", r'(<version [^>]*ver=)"[^"]*"', r'\1"99"')
        make_repository(twin, primary=newer, filelists=fixture_metadata("filelists"))
        assert b'"tini-99' in look("a newer package", False)
        look("nothing changed any more", True)

        step("what is damaged or gone is solved again")
        write(spec, plain)
        for record in glob.glob(os.path.join(cache, "solutions", "*")):
            with open(record, "r+b") as f:
                f.truncate(os.path.getsize(record) // 2)
        assert look("all are cut short", False) == first
        assert look("mended", True) == first
        shutil.rmtree(os.path.join(cache, "solutions"))
        assert look("all are gone", False) == first
        shutil.rmtree(os.path.join(cache, "solutions"))
        write(os.path.join(cache, "solutions"), "in the way\n")
        assert look("nothing can be kept", False) == first
        assert look("nor next time", False) == first


if __name__ == "__main__":
    main()
