#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The first example of Oracle Smith's documentation, word for word: `smith` in a folder with smith.yaml and rootfs/."""
import os
import shutil
import tarfile

from e2e import FIXTURE, SPECS, Layout, need_fixture, scratch, smith, step, write


def main():
    need_fixture()
    with scratch() as folder:
        at = os.path.join(folder, "cat")
        shutil.copytree(os.path.join(SPECS, "cat"), at)
        os.rename(os.path.join(at, "cat.yaml"), os.path.join(at, "smith.yaml"))
        # Oracle's tool asked mock where packages come from; ours reads the spec, beyond which nothing is added.
        with open(os.path.join(at, "smith.yaml"), "a", encoding="utf-8") as file:
            file.write("repos:\n- id: fixture\n  baseurl: file://%s\n  gpgkey: file://%s/RPM-GPG-KEY-test\n" % (FIXTURE, FIXTURE))
        cache = {"XDG_CACHE_HOME": os.path.join(folder, "cache")}

        def unpacked(archive):
            with tarfile.open(archive, "r:gz") as tar:
                tar.extractall(archive + ".d")
            return Layout(archive + ".d")

        step("smith")
        smith(cwd=at, env=cache)
        image = unpacked(os.path.join(at, "image.tar.gz"))
        assert image.config["config"]["Cmd"] == ["/usr/bin/cat", "/read/data"], image.config
        assert "read/data" in image.files()

        step("smith -i, -c, -d, -f, -b, -v")
        os.rename(os.path.join(at, "smith.yaml"), os.path.join(at, "cat.yaml"))
        smith("-c", "cat.yaml", "-d", at, "-i", "cat.tar.gz", "-f", "-b", "7", "-v", cwd=folder, env=cache)
        name = next(n for n in (os.path.join(at, "cat.tar.gz"), os.path.join(folder, "cat.tar.gz")) if os.path.exists(n))
        assert unpacked(name).config["rootfs"] == image.config["rootfs"], "the same layer"

        step("-c below -d: the overlay is that of -d")
        os.mkdir(os.path.join(at, "sub"))
        os.rename(os.path.join(at, "cat.yaml"), os.path.join(at, "sub", "x.yaml"))
        write(os.path.join(at, "sub", "rootfs", "read", "other"), "not this one")
        smith("-d", at, "-c", "sub/x.yaml", "-i", "sub.tar.gz", cwd=folder, env=cache)
        assert unpacked(os.path.join(folder, "sub.tar.gz")).config["rootfs"] == image.config["rootfs"], "the same layer"
        os.rename(os.path.join(at, "sub", "x.yaml"), os.path.join(at, "cat.yaml"))

        step("it runs")
        assert smith("run", os.path.join(at, "image.tar.gz"), cwd=at, env=cache).out == "Hello World!\n"

        step("what this dialect does not know is a warning")
        write(os.path.join(at, "smith.yaml"), open(os.path.join(at, "cat.yaml"), encoding="utf-8").read() +
              "colour: blue\n")
        said = smith(cwd=at, env=cache)
        assert "colour" in said.err, said


if __name__ == "__main__":
    main()
