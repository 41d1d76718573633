#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A package whose header has only MD5 of its files is unpacked by the first build, and by no other until it must be."""
import os

from e2e import assert_same, build, forget_builds, need_tools, run, scratch, snapshot, step, write

SPEC = """\
Name: old
Version: 1
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/opt/old
echo one > %{buildroot}/opt/old/one
echo two > %{buildroot}/opt/old/two
ln %{buildroot}/opt/old/one %{buildroot}/opt/old/same
ln -s one %{buildroot}/opt/old/link
%files
/opt/old
%ghost /opt/old/ghost
"""


def old_package(folder):
    macros = {"_topdir": folder, "_dbpath": os.path.join(folder, "db"), "_rpmdir": folder,
              "_build_name_fmt": "%%{NAME}.rpm", "_binary_filedigest_algorithm": "1", "_source_filedigest_algorithm": "1"}
    defines = [word for name, value in macros.items() for word in ("--define", "%s %s" % (name, value))]
    run(["rpmbuild", "-bb", "--quiet", *defines, write(os.path.join(folder, "old.spec"), SPEC)])
    file = os.path.join(folder, "old.rpm")
    assert run(["rpm", "-qp", "--qf", "%{FILEDIGESTALGO}", file]).out in ("(none)", "1"), "not an MD5 package"
    return file


def damage(file):
    with open(file, "r+b") as damaged:
        damaged.seek(20)
        byte = damaged.read(1)
        damaged.seek(20)
        damaged.write(bytes([byte[0] ^ 1]))


def main():
    need_tools("rpm", "rpmbuild")
    with scratch() as folder:
        old_package(folder)
        spec = write(os.path.join(folder, "app.yaml"), "schema: 1\npackage: ./old.rpm\npaths: [/opt/old]\n")
        packs = os.path.join(folder, "cache", "packs")

        def one(suffix):
            names = [n for n in os.listdir(packs) if n.endswith(suffix)]
            assert len(names) == 1, os.listdir(packs)
            return os.path.join(packs, names[0])

        def again(what):
            step(what)
            to = os.path.join(folder, "again")
            forget_builds(os.path.join(folder, "cache"))
            assert build(spec, to) == digest
            assert_same(what, expected, snapshot(to))

        step("the first build")
        digest = build(spec, os.path.join(folder, "first"))
        expected = snapshot(os.path.join(folder, "first"))
        pack, listed = one(".pack"), one(".files")
        before = os.stat(pack).st_ino, os.stat(listed).st_ino
        again("a warm one reads what the first one saw")
        assert (os.stat(pack).st_ino, os.stat(listed).st_ino) == before, "unpacked again"
        os.unlink(pack)
        again("without the pack")
        damage(listed)
        again("with a list that is damaged")
        assert os.stat(listed).st_ino != before[1], "the damaged list is still there"
        for name in os.listdir(os.path.join(folder, "cache", "layers")):
            os.unlink(os.path.join(folder, "cache", "layers", name))
        damage(one(".pack"))
        again("with a pack that is damaged, and no layer")


if __name__ == "__main__":
    main()
