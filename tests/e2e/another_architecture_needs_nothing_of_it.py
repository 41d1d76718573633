#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--arch aarch64 builds from that architecture's packages on any machine, as nothing of them is run: the packages, the image's
platform and its bytes are those of aarch64, whatever else the repository has."""
import json
import os
import struct

from e2e import UNSOLVABLE, Layout, assert_same, need_tools, read, run, scratch, smith, snapshot, step, write


def program(machine):
    """A static executable of 64 bits that is one page of nothing (elf(5))."""
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x400078, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 4096, 4096, 4096) + bytes(4096 - 64 - 56)


def rpm(folder, arch, machine, version):
    with open(os.path.join(folder, "program"), "wb") as file:
        file.write(program(machine))
    spec = write(os.path.join(folder, "tool.spec"), "\n".join([
        "%global __os_install_post %{nil}", "%global debug_package %{nil}", "%define _build_id_links none",
        "Name: tool", "Version: %s" % version, "Release: 1", "Summary: x", "License: x", "%description", "x", "%install",
        "install -D -m755 %s/program %%{buildroot}/usr/bin/tool" % folder, "%files", "/usr/bin/tool"]) + "\n")
    run(["rpmbuild", "-bb", "--target", arch + "-linux", "--define", "_topdir " + folder, "--define",
         "_rpmdir " + os.path.join(folder, "repo"), spec])


def main():
    need_tools("rpmbuild", "createrepo_c")
    with scratch() as folder:
        def at(name):
            return os.path.join(folder, name)

        rpm(folder, "aarch64", 183, "1")
        rpm(folder, "x86_64", 62, "2")
        run(["createrepo_c", "--no-database", at("repo")])
        app = write(at("app.yaml"), "schema: 1\npackage: tool\nentrypoint: [/usr/bin/tool]\n"
                    "repos: [{id: r, baseurl: 'file://%s', gpgcheck: false}]\n" % at("repo"))

        def build(to, arch, *more, **other):
            return smith("build", app, "--arch", arch, "-o", "oci:" + at(to), "--lock", at(to + ".lock"), "--cache-dir",
                         at("cache"), *more, **other)

        for arch, oci, machine, version in (("aarch64", "arm64", 183, "1"), ("x86_64", "amd64", 62, "2")):
            step(arch)
            build(arch, arch)
            lock = json.loads(read(at(arch + ".lock")))
            assert lock["arch"] == arch and [p["nevra"] for p in lock["packages"]] == ["tool-%s-1.%s" % (version, arch)], lock
            layout = Layout(at(arch))
            assert layout.config["architecture"] == oci, layout.config
            assert program(machine) in layout.tar
            build(arch + "-again", arch)
            assert_same(arch, snapshot(at(arch)), snapshot(at(arch + "-again")))

        step("a lock is of one architecture")
        said = build("aarch64", "x86_64", "--locked", status=UNSOLVABLE)
        assert "stale" in said.err, said


if __name__ == "__main__":
    main()
