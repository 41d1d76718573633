#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A build of which nothing changed writes what it wrote before, and makes nothing anew; whatever changes makes it anew."""
import os
import shutil

from e2e import (FIXTURE, INTEGRITY, SMITH, assert_same, build, build_args, need_fixture, need_tools, run, scratch,
                 smith, snapshot, step, write)

SPEC = "schema: 1\npackage: coreutils\npaths: [/bin/cat]\nentrypoint: [/bin/cat]\ncmd: [/read/data]\n"
UNCHANGED = "nothing changed since an earlier build"


def flip(file, at):
    with open(file, "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))


def one(folder, suffix):
    names = [n for n in os.listdir(folder) if n.endswith(suffix)]
    assert len(names) == 1, names
    return os.path.join(folder, names[0])


def own_repo(folder):
    """The fixture's configuration with a key file of our own, so that the key can change."""
    key = os.path.join(folder, "key.asc")
    shutil.copy(os.path.join(FIXTURE, "RPM-GPG-KEY-test"), key)
    text = "[fixture]\nname=fixture\nbaseurl=file://%s\ngpgcheck=1\ngpgkey=file://%s\n" % (FIXTURE, key)
    return write(os.path.join(folder, "own.repo"), text), key


def main():
    need_fixture()
    need_tools("strace")
    with scratch() as folder:
        spec = write(os.path.join(folder, "app.yaml"), SPEC)
        overlay = write(os.path.join(folder, "rootfs", "read", "data"), "hello\n")
        repos, key = own_repo(folder)
        to, cache = os.path.join(folder, "image"), os.path.join(folder, "cache")
        args = build_args(spec, to, "-v", repos=repos)

        def again(what, known, change=lambda: None):
            """Builds, and compares with a build that knows nothing."""
            step(what)
            change()
            shutil.rmtree(to, ignore_errors=True)
            result = smith(*args)
            assert (UNCHANGED in result.err) == known, result
            cold = os.path.join(folder, "cold")
            shutil.rmtree(cold, ignore_errors=True)
            build(spec, cold, cache=cold + ".cache", lock=to + ".lock", repos=repos)
            shutil.rmtree(cold + ".cache")
            assert_same(what, snapshot(cold), snapshot(to))
            return result

        first = again("the first build", False)
        lock = open(to + ".lock", "rb").read()
        second = again("nothing changed", True)
        assert second.out == first.out, (first, second)
        assert open(to + ".lock", "rb").read() == lock
        assert smith(*args, "--locked").out == first.out
        again("the output is there already", True, lambda: smith(*args))

        step("no package is opened")
        trace = os.path.join(folder, "trace")
        shutil.rmtree(to)
        run(["strace", "-f", "-e", "trace=openat", "-o", trace, SMITH, *args])
        opened = open(trace, encoding="utf-8", errors="replace").read()
        assert "/builds/" in opened and "/layers/" in opened, opened[-2000:]
        assert ".rpm\"" not in opened and ".pack\"" not in opened, "a package was opened"

        again("a byte of the overlay", False, lambda: write(overlay, "Hello\n"))
        again("the same as at first", True, lambda: write(overlay, "hello\n"))
        again("a mode in the overlay", False, lambda: os.chmod(overlay, 0o755))
        again("the spec", False, lambda: write(spec, SPEC + "env: [A=b]\n"))
        write(spec, SPEC)
        os.chmod(overlay, 0o644)
        again("once more as at first", True)

        step("a time")
        timed = smith(*args, env={"SOURCE_DATE_EPOCH": "1"})
        assert UNCHANGED not in timed.err and timed.out != first.out, timed

        records, layers = os.path.join(cache, "builds"), os.path.join(cache, "layers")
        shutil.rmtree(records), shutil.rmtree(layers)
        again("nothing is remembered", False)
        again("the record is damaged", False, lambda: flip(one(records, ".json"), 50))
        step("the layer is damaged: it is made anew")
        flip(one(layers, ".gz"), 5000)
        shutil.rmtree(to)
        mended = smith(*args)
        assert mended.out == first.out and "checking the cache" in mended.err, mended
        again("and is good again", True)

        step("no room to remember anything: the image is made all the same")
        shutil.rmtree(records)
        write(records, "in the way\n")
        full = smith(*args)
        assert full.out == first.out and "make everything anew" in full.err, full
        os.unlink(records)

        step("a repository whose packages need no signature any more, and then need one again, and there is no key")
        unsigned = write(os.path.join(folder, "unsigned.repo"),
                         "[fixture]\nname=fixture\nbaseurl=file://%s\ngpgcheck=0\n" % FIXTURE)
        anybody = build_args(spec, to, "-v", repos=unsigned, lock=os.path.join(folder, "unsigned.lock"))
        for _ in range(2):
            trusting = smith(*anybody)
        assert UNCHANGED in trusting.err, trusting
        write(unsigned, open(unsigned, encoding="utf-8").read().replace("gpgcheck=0", "gpgcheck=1"))
        smith(*anybody, status=INTEGRITY)

        step("a key that did not sign")
        shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "another-key.asc"), key)
        smith(*args, status=INTEGRITY)


if __name__ == "__main__":
    main()
