#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`parent:` keeps the layers of an image below ours, to the byte; ours holds what they don't."""
import os

from e2e import Layout, need_tools, read, run, scratch, sha256, smith, step, write
from images import Image, directory, file, hard_link, link, program

PARENT = [[directory("usr"), directory("usr/lib"), link("lib", "usr/lib"), program("usr/lib/base"),
           file("etc/os-release", "base"), file("etc/shared", "old")],
          [file("etc/second", "2"), hard_link("etc/third", "etc/second")]]


class Layered(Layout):
    """A layout whose image has several layers."""

    def __init__(self, path):
        try:
            super().__init__(path)
        except AssertionError as problem:
            assert "one layer" in str(problem), problem


def main():
    with scratch() as folder:
        cache = ["--cache-dir", os.path.join(folder, "cache")]
        parent = Image(PARENT, {"Env": ["FROM=parent"], "Labels": {"from": "parent"}, "Cmd": ["/lib/base"]})
        parent.layout(os.path.join(folder, "base"))
        Image([[program("app/bin/app"), file("app/data", "2"), file("etc/shared", "old")]],
              {"Entrypoint": ["/app/bin/app"], "Env": ["APP=1"]}).archive(os.path.join(folder, "app.tar"))
        write(os.path.join(folder, "rootfs", "lib", "own"), "own")
        write(os.path.join(folder, "rootfs", "etc", "third"), "replaced")
        step("an overlay and an image on a parent: its layers, then one of ours")
        write(os.path.join(folder, "x.yaml"), "schema: 1\npackage: app.tar\nparent: oci:base\npaths: [/app, /etc/shared]\n")
        smith("build", "x.yaml", *cache, cwd=folder)
        image = Layered(os.path.join(folder, "x"))
        ours = image.manifest["layers"]


        assert len(ours) == 3 and [sha256(image.blob(layer)) for layer in ours[:2]] == [
            d for d in parent.blobs if d in {layer["digest"] for layer in ours[:2]}], ours
        assert image.config["rootfs"]["diff_ids"][:2] == [sha256(tar) for tar in parent.tars]
        config = image.config["config"]
        assert config["Entrypoint"] == ["/app/bin/app"] and config["Env"] == ["FROM=parent", "APP=1"], config
        assert config["Labels"] == {"from": "parent"}, config

        step("which has what the parent lacks, where the parent's links lead")
        need_tools("umoci")
        bundle = os.path.join(folder, "bundle")
        run(["umoci", "unpack", "--rootless", "--image", os.path.join(folder, "x") + ":latest", bundle])
        root = os.path.join(bundle, "rootfs")
        assert os.readlink(os.path.join(root, "lib")) == "usr/lib"
        assert read(os.path.join(root, "usr/lib/own")) == b"own" and os.path.exists(os.path.join(root, "usr/lib/base"))
        assert read(os.path.join(root, "etc/third")) == b"replaced" and read(os.path.join(root, "etc/second")) == b"2"
        only_ours = run(["tar", "-tzf", os.path.join(folder, "x", "blobs", *ours[2]["digest"].split(":"))]).out.split()
        assert "etc/shared" not in only_ours and "app/data" in only_ours and "usr/lib/own" in only_ours, only_ours

        step("the same bytes from the cache, without the parent")
        os.rename(os.path.join(folder, "base"), os.path.join(folder, "away"))
        again = smith("build", "x.yaml", *cache, "--locked", "-o", "oci:again", cwd=folder)
        assert again.out.strip() == image.digest
        os.rename(os.path.join(folder, "away"), os.path.join(folder, "base"))

        step("a program of the parent may be what the image runs")
        write(os.path.join(folder, "y.yaml"), "schema: 1\nparent: oci:base\n")
        smith("build", "y.yaml", *cache, "-o", "oci:y", cwd=folder)
        assert Layered(os.path.join(folder, "y")).config["config"]["Cmd"] == ["/lib/base"]
        step("a parent for another machine is refused")
        Image(PARENT, {}, architecture="arm64").layout(os.path.join(folder, "arm"))
        write(os.path.join(folder, "z.yaml"), "schema: 1\npackage: app.tar\nparent: oci:arm\npaths: [/app]\n")
        refused = smith("build", "z.yaml", *cache, cwd=folder, status=None)
        assert refused.status != 0 and "the parent is for 'linux/arm64'" in refused.err, refused


if __name__ == "__main__":
    main()
