#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether signatures were asked for is in the lock and in the image's list of packages, and only a spec or a .repo file
that says so leaves them out."""
import json
import os
import re
import shutil

from e2e import (FIXTURE, INTEGRITY, Layout, build, build_args, need_fixture, read, scratch, serve, smith, step, write)

CAT = "schema: 1\npackage: coreutils\npaths: [/usr/bin/cat]\n"
REPOS = "repos:\n  - {id: fixture, baseurl: 'file://%s', %s}\n"


def main():
    need_fixture()
    with scratch() as folder:
        cache = os.path.join(folder, "cache")
        nothing = write(os.path.join(folder, "none.repo"), "")

        def image_of(name, settings):
            """What lock and image say of a build from a repository with these settings."""
            spec = write(os.path.join(folder, name, "app.yaml"), CAT + REPOS % (FIXTURE, settings))
            to, lock = os.path.join(folder, name, "image"), os.path.join(folder, name, "app.lock")
            build(spec, to, "--no-test", lock=lock, repos=nothing, cache=cache)
            layout = Layout(to)
            lists = [json.loads(layout.blob(layer)) for about in layout.referrers for layer in about["layers"]
                     if about["artifactType"].endswith("smith.packages+json")]
            assert len(lists) == 1 and lists[0]["packages"], layout.referrers
            return json.loads(read(lock))["repos"][0], lists[0]["packages"]

        step("signed: the lock says nothing, and every package says who signed it")
        repo, packages = image_of("signed", "gpgkey: 'file://%s/RPM-GPG-KEY-test'" % FIXTURE)
        assert "gpgcheck" not in repo, repo
        assert all(re.fullmatch("[0-9a-f]{16}", package["signer"]) for package in packages), packages

        step("not asked for: both say so")
        repo, packages = image_of("unsigned", "gpgcheck: false")
        assert repo["gpgcheck"] is False, repo
        assert not any("signer" in package for package in packages), packages

        step("a key alone is missing: that is no exception")
        spec = write(os.path.join(folder, "keyless", "app.yaml"), CAT + REPOS % (FIXTURE, "name: keyless"))
        to = os.path.join(folder, "keyless", "image")
        said = smith(*build_args(spec, to, "--no-test", repos=nothing, cache=cache), status=INTEGRITY)
        assert "there is no gpgkey" in said.err and not os.path.exists(to), said

        step("nor does a lock of a build that asked for none make one")
        asked = CAT + REPOS % (FIXTURE, "gpgkey: 'file://%s'" % os.path.join(os.path.dirname(__file__), "another-key.asc"))
        spec = write(os.path.join(folder, "asked", "app.yaml"), asked)
        lock = write(os.path.join(folder, "asked", "app.lock"), read(os.path.join(folder, "unsigned", "app.lock")).decode())
        said = smith(*build_args(spec, os.path.join(folder, "asked", "image"), "--no-test", repos=nothing, cache=cache,
                                 lock=lock), status=INTEGRITY)
        assert "signed with a key" in said.err, said

        step("a key that its server has taken back does not outlive the next choice of packages")
        keys = os.path.join(folder, "keys")
        os.makedirs(keys)
        shutil.copy(os.path.join(FIXTURE, "RPM-GPG-KEY-test"), os.path.join(keys, "key"))
        with serve(keys) as url:
            spec = write(os.path.join(folder, "served", "app.yaml"), CAT + REPOS % (FIXTURE, "gpgkey: '%s/key'" % url))
            to = os.path.join(folder, "served", "image")
            lock = os.path.join(folder, "served", "app.lock")
            args = build_args(spec, to, "--no-test", repos=nothing, cache=os.path.join(folder, "served-cache"), lock=lock)
            smith(*args)
            shutil.copy(os.path.join(os.path.dirname(__file__), "another-key.asc"), os.path.join(keys, "key"))
            smith(*args, "--locked")
            smith("update", spec, "--cache-dir", os.path.join(folder, "served-cache"), "--lock", lock, "--repo-file", nothing)
            said = smith(*args, status=INTEGRITY)
            assert "not among the gpgkeys" in said.err, said


if __name__ == "__main__":
    main()
