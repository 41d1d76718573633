#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An ordinary user builds, tests and runs what root does, to the byte; packages come over HTTP as well as from files."""
import os
import shutil

from e2e import (FIXTURE, SMITH, SOMEBODY, SPECS, assert_same, build, need_fixture, run, scratch, serve, skip, snapshot,
                 somebody, step, write)

NAME = "nginx"


def main():
    if os.geteuid() != 0:
        skip("the tests run as a user who cannot become root, so there is nothing to compare with")
    need_fixture()
    with scratch() as folder, serve(FIXTURE) as url:
        step("as root")
        digest = build(os.path.join(SPECS, NAME, NAME + ".yaml"), os.path.join(folder, "root"))

        # Neither the source tree nor the build tree need be readable by others, so the user gets copies.
        home = os.path.join(folder, "home")
        become = somebody(home)
        shutil.copytree(os.path.join(SPECS, NAME), os.path.join(home, "spec"))
        program = shutil.copy(SMITH, os.path.join(folder, "smith"))
        key = shutil.copy(os.path.join(FIXTURE, "RPM-GPG-KEY-test"), home)
        repos = write(os.path.join(home, "http.repo"),
                      "[fixture]\nname=over HTTP\nbaseurl=%s\ngpgcheck=1\ngpgkey=file://%s\n" % (url, key))
        for at, folders, files in os.walk(home):
            for name in folders + files:
                os.chown(os.path.join(at, name), SOMEBODY, SOMEBODY, follow_symlinks=False)

        step("as somebody, smoke test included")
        said = run([*become, program, "build", os.path.join(home, "spec", NAME + ".yaml"), "--repo-file", repos,
                    "-o", "oci:" + os.path.join(home, "image")])
        assert said.out.strip() == digest, "%s, expected %s" % (said, digest)
        assert_same("as somebody", snapshot(os.path.join(folder, "root")), snapshot(os.path.join(home, "image")))

        step("run by somebody")
        tested = run([*become, program, "run", "oci:" + os.path.join(home, "image"), "--", "-v"])
        assert "nginx version" in tested.err, tested


if __name__ == "__main__":
    main()
