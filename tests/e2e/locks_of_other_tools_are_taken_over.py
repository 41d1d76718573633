#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smith import` and `smith lock --from`: who comes from rpmoci, or has a manifest of dnf, starts with the packages that
they have, though the repository has newer ones."""
import json
import os
import re

from e2e import (FIXTURE, UNSOLVABLE, build, edit_package, fixture_metadata, make_repository, read, scratch, smith, step, write)

RPMOCI = """
[contents]
packages = ["coreutils"]
repositories = [{id = "fixture", url = "file://%s", options = {gpgkey = "file://%s"}}]
os_release = false

[image]
entrypoint = ["/usr/bin/cat"]
cmd = ["/proc/version"]
"""


def with_newer(primary, package):
    """`primary` with a newer version of `package` beside the one it has."""
    newer = edit_package(primary, package, r'<version epoch="0" ver="[^"]*"', '<version epoch="0" ver="99"')
    newer = edit_package(newer, package, "pkgid=\"YES\">.{4}", 'pkgid="YES">ffff')
    start = newer.rindex("<package", 0, newer.index("<name>%s</name>" % package))
    element = newer[start:newer.index("</package>", start) + len("</package>")]
    return primary.replace("</metadata>", element + "</metadata>")


def main():
    with scratch() as folder:
        def at(name):
            return os.path.join(folder, name)

        genuine = fixture_metadata("primary")
        repos = make_repository(at("repo"), primary=with_newer(genuine, "coreutils"))
        common = ["--repo-file", repos, "--cache-dir", at("cache")]

        step("rpmoci.toml becomes a spec that builds, whole packages as there")
        toml = write(at("rpmoci.toml"), RPMOCI % (FIXTURE, os.path.join(FIXTURE, "RPM-GPG-KEY-test")))
        app = write(at("app.yaml"), smith("import", toml).out)
        image = at("image")
        said = smith("build", app, "-o", "oci:" + image, "--cache-dir", at("cache"), "--lock", at("first.lock"), "--json")
        counts = json.loads(said.out)["packages"]
        # One of them is but documentation, which rpmoci leaves out as well.
        assert counts["shipped"] == counts["resolved"] - 1, counts

        step("by itself smith takes the newer package")
        assert "coreutils-99-" in smith("lock", app, *common, "--lock", at("new.lock")).out

        packages = json.loads(read(at("first.lock")))["packages"]
        parts = [(p, re.fullmatch(r"(.+)-([^-]+-[^-]+)\.([^.]+)", p["nevra"]).groups()) for p in packages]
        step("with rpmoci's lock, what that has")
        rpmoci = "".join('[[packages]]\nname = "%s"\nevr = "%s"\n[packages.checksum]\nalgorithm = "sha256"\nchecksum = "%s"\n'
                         % (name, evr, p["checksum"].split(":")[1]) for p, (name, evr, _) in parts)
        lock = write(at("rpmoci.lock"), rpmoci)
        smith("lock", app, *common, "--lock", at("taken.lock"), "--from", lock)
        taken = json.loads(read(at("taken.lock")))["packages"]
        assert [p["nevra"] for p in taken] == [p["nevra"] for p in packages], taken
        build(app, at("again"), lock=at("taken.lock"), repos=repos, cache=at("cache"))

        step("and with a manifest of dnf")
        manifest = "document: rpm-package-manifest\nversion: 0.2.0\ndata:\n  packages:\n    x86_64:\n" + "".join(
            "      - {name: '%s', evr: '%s', arch: '%s', checksum: '%s'}\n" % (name, evr, arch, p["checksum"])
            for p, (name, evr, arch) in parts)
        lock = write(at("packages.manifest.yaml"), manifest)
        smith("lock", app, *common, "--lock", at("manifest.lock"), "--from", lock)
        taken = json.loads(read(at("manifest.lock")))["packages"]
        assert [p["nevra"] for p in taken] == [p["nevra"] for p in packages], taken

        step("what no repository has is told")
        lock = write(at("gone.lock"), rpmoci + '[[packages]]\nname = "gone"\nevr = "1-1"\n')
        said = smith("lock", app, *common, "--lock", at("gone"), "--from", lock, status=UNSOLVABLE)
        assert "no repository has 'gone-1-1'" in said.err, said
        step("and so is a package with other bytes")
        lock = write(at("other.lock"), re.sub(r'(name = "coreutils".*?checksum = ")[0-9a-f]{4}', r"\g<1>0000", rpmoci, flags=re.S))
        said = smith("lock", app, *common, "--lock", at("gone"), "--from", lock, status=UNSOLVABLE)
        assert "'coreutils-" in said.err and "with the checksum sha256:0000" in said.err, said


if __name__ == "__main__":
    main()
