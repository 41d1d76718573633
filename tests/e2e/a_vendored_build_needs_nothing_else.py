#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smith fetch --to DIR` keeps all that a locked build takes; `smith build --vendor DIR` builds from it with an empty cache,
no network and no repository, wherever the folder is moved to, and trusts it no more than the repository."""
import os
import shutil

from e2e import (DOWNLOAD, FIXTURE, INTEGRITY, USAGE, Mirror, assert_same, build, build_args, need_fixture, read, scratch, smith, snapshot,
                 spec, step, write)


def main():
    need_fixture()
    with scratch() as folder:
        def at(name):
            return os.path.join(folder, name)

        served = at("served")
        shutil.copytree(FIXTURE, served, symlinks=True)
        with Mirror(served) as mirror:
            repos = write(at("far.repo"), "[fixture]\nname=far\nbaseurl=%s\ngpgkey=%sRPM-GPG-KEY-test\n" % (mirror.url, mirror.url))
            smith("lock", spec("curl"), "--repo-file", repos, "--lock", at("app.lock"), "--cache-dir", at("cache"))
            smith("fetch", spec("curl"), "--repo-file", repos, "--lock", at("app.lock"), "--cache-dir", at("cache"),
                  "--to", at("vendored"))
            digest = build(spec("curl"), at("image"), lock=at("app.lock"), repos=repos, cache=at("cache"))

            step("what its repository has no more is told with what would help")
            [gone] = [os.path.join(where, name) for where, _, names in os.walk(os.path.join(served, "Packages"))
                      for name in names if name.startswith("libcurl4-")]
            os.rename(gone, gone + ".away")
            said = smith(*build_args(spec("curl"), at("gone"), lock=at("app.lock"), repos=repos, cache=at("cold")),
                         status=DOWNLOAD)
            assert "404" in said.err and "smith update" in said.err and "smith fetch --to" in said.err, said
            os.rename(gone + ".away", gone)

        step("the server is gone, the cache is empty, the folder has moved")
        os.rename(at("vendored"), at("moved % here"))
        args = ["--vendor", at("moved % here"), "--offline", "--locked"]
        assert build(spec("curl"), at("again"), *args, lock=at("app.lock"), repos=repos, cache=at("other")) == digest
        assert_same("image", snapshot(at("image")), snapshot(at("again")))

        step("a package that was changed there is refused")
        packages = [os.path.join(where, name) for where, _, names in os.walk(at("moved % here")) for name in names
                    if name.startswith("libcurl4-")]
        assert len(packages) == 1, packages
        data = bytearray(read(packages[0]))
        data[-100] ^= 1
        with open(packages[0], "wb") as file:
            file.write(data)
        said = smith(*build_args(spec("curl"), at("bad"), *args, lock=at("app.lock"), repos=repos, cache=at("third")),
                     status=INTEGRITY)
        assert "libcurl4" in said.err, said
        step("and so is a folder that is not there")
        said = smith(*build_args(spec("curl"), at("bad"), "--vendor", at("nowhere"), lock=at("app.lock"), repos=repos,
                                 cache=at("third")), status=USAGE)
        assert "smith fetch --to" in said.err, said


if __name__ == "__main__":
    main()
