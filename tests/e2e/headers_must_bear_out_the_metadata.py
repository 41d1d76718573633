#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metadata without a signature may claim anything of packages whose own signatures are in order: the headers are asked.

Genuine packages behind a primary.xml that lies about what they require and provide, with every checksum in order.
"""
import os
import re

from e2e import (INTEGRITY, build, build_args, edit_package, fixture_metadata, make_repository, read, scratch, smith, step,
                 write)

CAT = "schema: 1\npackage: %s\npaths: [/usr/bin/cat]\nentrypoint: [/usr/bin/cat, /read/data]\n"


def main():
    with scratch() as folder:
        genuine = fixture_metadata("primary")

        def build_arguments(name, primary, package="coreutils"):
            spec = write(os.path.join(folder, name, "app.yaml"), CAT % package)
            return build_args(spec, os.path.join(folder, name, "image"), "--no-test",
                              repos=make_repository(os.path.join(folder, name, "repo"), primary=primary),
                              cache=os.path.join(folder, "cache"))

        step("metadata that tells the truth")
        smith(*build_arguments("truth", genuine))
        step("a requirement that it hides")
        hidden = edit_package(genuine, "coreutils", r'<rpm:entry name="libselinux[^"]*"[^>]*/>', "")
        said = smith(*build_arguments("hidden", hidden), status=INTEGRITY)
        assert "libselinux" in said.err and "does not bear out the metadata" in said.err, said
        step("something provided that is not")
        forged = edit_package(genuine, "coreutils", "<rpm:provides>", '<rpm:provides><rpm:entry name="webserver"/>')
        said = smith(*build_arguments("forged", forged, "webserver"), status=INTEGRITY)
        assert "webserver" in said.err and "does not bear out the metadata" in said.err, said

        step("a lock that was confirmed names the headers, and holds the packages to them")
        spec = write(os.path.join(folder, "locked", "app.yaml"), CAT % "coreutils")
        repos = os.path.join(folder, "truth", "repo.repo")
        image, lock = os.path.join(folder, "locked", "image"), os.path.join(folder, "locked", "app.lock")
        build(spec, image, "--no-test", lock=lock, repos=repos, cache=os.path.join(folder, "cache"))
        text = read(lock).decode()
        lines = [line for line in text.splitlines() if '"nevra"' in line]
        assert lines and all('"header": "sha256:' in line for line in lines), text
        wrong = re.sub(r'("nevra": "coreutils-.*"header": "sha256:)[0-9a-f]{64}', r"\g<1>" + "0" * 64, text)
        assert wrong != text
        write(lock, wrong)
        said = smith(*build_args(spec, image, "--no-test", lock=lock, repos=repos, cache=os.path.join(folder, "cache")),
                     status=INTEGRITY)
        assert "coreutils" in said.err and "not the one that was locked" in said.err, said


if __name__ == "__main__":
    main()
