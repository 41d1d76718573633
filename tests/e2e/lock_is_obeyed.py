#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The first build writes down what it chose; the next ones build that, and with --locked nothing else and no less."""
import json
import os
import shutil
import subprocess

from e2e import (FIXTURE, Layout, assert_same, build, build_args, need_fixture, read, repo_file, run, scratch, smith, snapshot,
                 step, write)

CAT = "schema: 1\npackage: coreutils\npaths: [/usr/bin/cat]\nentrypoint: [/usr/bin/cat]\n"


def main():
    need_fixture()
    with scratch() as folder:
        def at(*parts):
            return os.path.join(folder, *parts)

        app = write(at("app.yaml"), CAT)
        lock, cache = at("app.lock"), at("cache")

        step("--locked wants a lock")
        said = smith(*build_args(app, at("image"), "--locked", lock=lock, cache=cache), status=None)
        assert said.status not in (0, None) and "lock" in said.err, said
        assert not os.path.exists(lock) and not os.path.exists(at("image"))

        step("the lock lies beside the spec unless told otherwise")
        smith("build", app, "--repo-file", repo_file(), "-o", "oci:" + at("image"), "--cache-dir", cache)
        digest, text = Layout(at("image")).digest, read(lock).decode()
        written = json.loads(text)
        assert digest in text and Layout(at("image")).config["rootfs"]["diff_ids"][0] in text
        packages = [p for p in text.splitlines() if ".rpm" in p]
        assert packages == sorted(packages) and any("coreutils" in p for p in packages), "one package a line, sorted"
        assert len(packages) == len(written["packages"]), "one package a line"

        step("it names no place, no time and no secret")
        for trace in (folder, FIXTURE, "file://", "/root", "/home"):
            assert trace not in text, trace

        step("smith lock decides the same and builds nothing")
        smith("lock", app, "--repo-file", repo_file(), "--lock", at("only.lock"), "--cache-dir", cache)
        only = json.loads(read(at("only.lock")))["packages"]
        assert only == [{k: v for k, v in p.items() if k != "header"} for p in written["packages"]], "a build adds the headers"

        step("--locked is content with it, and changes nothing")
        assert build(app, at("again"), "--locked", lock=lock, cache=cache) == digest
        assert read(lock).decode() == text
        assert_same("locked", snapshot(at("image")), snapshot(at("again")))

        step("--locked refuses a spec that asks for more")
        more = write(at("more", "app.yaml"), CAT.replace("package: coreutils", "packages: [coreutils, tini]"))
        said = smith(*build_args(more, at("more", "image"), "--locked", lock=lock, cache=cache), status=None)
        assert said.status != 0 and "lock" in said.err, said

        step("--locked refuses an image that comes out differently")
        changed = write(at("other.lock"), text.replace(digest, "sha256:" + "0" * 64))
        said = smith(*build_args(app, at("other"), "--locked", lock=changed, cache=cache), status=None)
        assert said.status != 0 and digest in said.err, said
        assert not os.path.exists(at("other")), "and leaves none"

        step("a newer package in the repository: the lock holds, until `smith update`")
        mirror = at("mirror")
        shutil.copytree(FIXTURE, mirror, symlinks=True)
        newer = newer_package(at("make"))
        if newer:
            shutil.copy(newer, os.path.join(mirror, "Packages", "t"))
            run(["createrepo_c", "-q", "--no-database", mirror])
            repos = write(at("mirror.repo"), "[fixture]\nname=m\nbaseurl=file://%s\ngpgcheck=0\n" % mirror)
            tini = write(at("tini.yaml"), "schema: 1\npackage: tini\npaths: [/usr/bin/tini-static]\n")
            build(tini, at("tini"), "--no-test", lock=at("tini.lock"), cache=cache)
            before = read(at("tini.lock"))
            kept = build(tini, at("tini2"), "--no-test", lock=at("tini.lock"), cache=cache, repos=repos)
            assert kept == Layout(at("tini")).digest
            smith("update", tini, "tini", "--repo-file", repos, "--lock", at("tini.lock"), "--cache-dir", cache)
            assert read(at("tini.lock")) != before and b"99.0" in read(at("tini.lock"))

        step("fetched once, it builds without the repository")
        shutil.rmtree(mirror)
        shutil.copytree(FIXTURE, mirror, symlinks=True)
        repos = write(at("mirror.repo"), "[fixture]\nname=m\nbaseurl=file://%s\ngpgcheck=1\ngpgkey=file://%s\n"
                      % (mirror, os.path.join(FIXTURE, "RPM-GPG-KEY-test")))
        smith("fetch", app, "--repo-file", repos, "--lock", lock, "--cache-dir", at("fetched"))
        shutil.rmtree(mirror)
        assert build(app, at("offline"), "--offline", lock=lock, cache=at("fetched"), repos=repos) == digest


def newer_package(folder):
    """An RPM of tini 99.0 with one file, or None where there is no rpmbuild."""
    if not shutil.which("rpmbuild") or not shutil.which("createrepo_c"):
        print("  (no rpmbuild here)")
        return None
    text = ("Name: tini\nVersion: 99.0\nRelease: 1\nSummary: newer\nLicense: MIT\n%description\nnewer\n"
            "%install\nmkdir -p %{buildroot}/usr/bin\necho newer >%{buildroot}/usr/bin/tini-static\n"
            "%files\n%attr(0755,root,root) /usr/bin/tini-static\n")
    file = write(os.path.join(folder, "tini.spec"), text)
    subprocess.run(["rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", "_topdir " + folder,
                    "--define", "_dbpath " + os.path.join(folder, "db"), file],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return os.path.join(folder, "RPMS", "x86_64", "tini-99.0-1.x86_64.rpm")


if __name__ == "__main__":
    main()
