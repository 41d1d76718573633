#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metadata in gzip, xz, zstd and zchunk gives the same image; in the zstd repository the metadata's own signature counts too."""
import os
import re

from e2e import (FIXTURE, INTEGRITY, build, build_args, need_tools, read, repo_file, run, scratch, smith, spec, step,
                 write)


def main():
    with scratch() as folder:
        digests = {}
        for kind in ("fixture", "fixture-xz", "fixture-zstd"):
            step(kind)
            digests[kind] = build(spec("curl"), os.path.join(folder, kind), "--no-test", repos=repo_file(kind),
                                  cache=os.path.join(folder, "cache-" + kind))
        step("zchunk, and nothing beside it")
        need_tools("createrepo_c")
        zchunk = os.path.join(folder, "zchunk")
        os.makedirs(zchunk)
        os.symlink(os.path.join(FIXTURE, "Packages"), os.path.join(zchunk, "Packages"))
        run(["createrepo_c", "--no-database", "--zck", zchunk])
        repomd = os.path.join(zchunk, "repodata", "repomd.xml")
        write(repomd, re.sub(r'<data type="[a-z]+">.*?</data>', "", read(repomd).decode(), flags=re.S))
        repos = write(zchunk + ".repo", "[fixture]\nname=zchunk\nbaseurl=file://%s\ngpgkey=file://%s/RPM-GPG-KEY-test\n"
                      % (zchunk, FIXTURE))
        digests["zchunk"] = build(spec("curl"), os.path.join(folder, "of-zchunk"), "--no-test", repos=repos,
                                  cache=os.path.join(folder, "cache-zchunk"))
        assert len(set(digests.values())) == 1, digests
        said = smith("repo", "whatprovides", "--repo-file", repos, "--cache-dir", os.path.join(folder, "cache-zchunk"),
                     "/usr/share/doc/netbase/copyright")   # in the file lists alone
        assert "netbase" in said.out, said

        step("a byte of it changed: the file's checksum tells")
        [primary] = [os.path.join(zchunk, "repodata", name) for name in os.listdir(os.path.join(zchunk, "repodata"))
                     if name.endswith("-primary.xml.zck")]
        data = bytearray(read(primary))
        data[-1] ^= 1
        with open(primary, "wb") as file:
            file.write(data)
        smith(*build_args(spec("curl"), os.path.join(folder, "out"), repos=repos, cache=os.path.join(folder, "cold")),
              status=INTEGRITY)

        step("repo_gpgcheck with another key")
        with open(repo_file("fixture-zstd"), encoding="utf-8") as file:
            text = file.read()
        ours = "file://" + os.path.join(FIXTURE, "RPM-GPG-KEY-test")
        assert ours in text
        theirs = "file://" + os.path.join(os.path.dirname(os.path.abspath(__file__)), "another-key.asc")
        repos = write(os.path.join(folder, "other.repo"), text.replace(ours, theirs))
        said = smith(*build_args(spec("cat"), os.path.join(folder, "out"), repos=repos, cache=os.path.join(folder, "cold")),
                     status=INTEGRITY)
        assert "repomd.xml" in said.err, said


if __name__ == "__main__":
    main()
