#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A script can tell by the exit status what went wrong, a person by the one message; standard output stays empty."""
import os
import shutil

from e2e import (DOWNLOAD, FIXTURE, INTEGRITY, TEST_FAILED, UNSOLVABLE, USAGE, build_args, need_fixture, repo_file, scratch,
                 smith, spec, step, write)


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def main():
    need_fixture()
    with scratch() as folder:
        cache = os.path.join(folder, "cache")

        def fails(what, status, text, *words, repos=None, fresh=False):
            """`text` is a spec; every one of `words` stands in the message."""
            step(what)
            file = write(os.path.join(folder, "spec", "app.yaml"), text)
            to = os.path.join(folder, "out")
            if fresh:                                # else the lock would spare it the metadata
                for left in ("fresh", "out.lock"):
                    remove(os.path.join(folder, left))
            said = smith(*build_args(file, to, repos=repos, lock=os.path.join(folder, "out.lock"),
                                     cache=os.path.join(folder, "fresh") if fresh else cache), status=status)
            for word in words:
                assert word in said.err, "%r is not in the message: %s" % (word, said)
            assert not said.out, "standard output holds the result only: %s" % said
            assert not os.path.exists(to), "an image was left behind"

        cat = "schema: 1\npackage: coreutils\npaths: [/usr/bin/cat]\nentrypoint: [/usr/bin/cat]\n"
        fails("an unknown key: where it stands, and what was meant", USAGE, cat + "entripoint: []\n",
              "app.yaml:5:1", "entripoint", "entrypoint")
        fails("a path that matches nothing", USAGE, cat.replace("bin/cat]", "bin/cot]", 1), "/usr/bin/cot", "app.yaml:3")
        fails("a package that nothing provides", UNSOLVABLE, cat.replace("coreutils", "coreutills"), "coreutills")

        step("an option that there is not")
        assert "--no-such-option" in smith("build", spec("cat"), "--no-such-option", status=USAGE).err

        step("an output or a cache that the next image would hold")
        inner = os.path.join(folder, "spec", "rootfs", "x")
        os.makedirs(inner)
        app = write(os.path.join(folder, "spec", "app.yaml"), cat)
        for more in (["-o", "oci:" + inner + "/image"], ["-o", "oci-archive:" + inner + "/../image.tar"],
                     ["-o", "oci:" + folder + "/out", "--cache-dir", inner],
                     ["-o", "oci:" + folder + "/out", "--lock", inner + "/app.lock"]):
            said = smith("build", app, "--repo-file", repo_file(), "--cache-dir", cache, *more, status=USAGE)
            assert "is in the overlay" in said.err, said
        assert not os.listdir(inner)
        shutil.rmtree(os.path.dirname(inner))

        gone = write(os.path.join(folder, "gone.repo"),
                     "[gone]\nname=gone\nbaseurl=http://127.0.0.1:1/repo\ngpgcheck=0\n")
        fails("a repository that does not answer", DOWNLOAD, cat, "127.0.0.1:1", repos=gone, fresh=True)

        step("(a copy of the repository, to spoil)")
        spoilt = os.path.join(folder, "spoilt")
        shutil.copytree(FIXTURE, spoilt, symlinks=True)
        key = os.path.join(FIXTURE, "RPM-GPG-KEY-test")
        spoilt_repo = write(os.path.join(folder, "spoilt.repo"),
                            "[fixture]\nname=spoilt\nbaseurl=file://%s\ngpgcheck=1\ngpgkey=file://%s\n" % (spoilt, key))
        packages = os.path.join(spoilt, "Packages", "c")
        package = next(os.path.join(packages, f) for f in os.listdir(packages) if f.startswith("coreutils-"))
        with open(package, "r+b") as file:                   # all through the payload: the header still verifies
            data = bytearray(file.read())
            for position in range(len(data) // 10, len(data), 1000):
                data[position] ^= 1
            file.seek(0)
            file.write(data)
        fails("a package with changed bytes", INTEGRITY, cat, "coreutils", repos=spoilt_repo, fresh=True)
        repodata = os.path.join(spoilt, "repodata")
        primary = next(os.path.join(repodata, f) for f in os.listdir(repodata) if "primary" in f)
        with open(primary, "ab") as file:
            file.write(b"\0")
        fails("metadata that is not what repomd.xml says", INTEGRITY, cat, "primary", repos=spoilt_repo, fresh=True)

        unsigned = write(os.path.join(folder, "other.repo"),
                         "[fixture]\nname=fixture\nbaseurl=file://%s\ngpgcheck=1\ngpgkey=file://%s\n"
                         % (FIXTURE, os.path.join(os.path.dirname(os.path.abspath(__file__)), "another-key.asc")))
        fails("packages that another key signed", INTEGRITY, cat, "coreutils", "signed with a key", repos=unsigned, fresh=True)

        fails("a test that fails: what it printed is told, and nothing is written", TEST_FAILED,
              cat + "test:\n  - run: [/usr/bin/cat, /nowhere]\n", "/nowhere", "No such file")
        fails("a program that is not in the image", TEST_FAILED,
              cat + "test:\n  - run: [/usr/bin/dog]\n", "/usr/bin/dog")


if __name__ == "__main__":
    main()
