#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Metadata in gzip, xz and zstd gives the same image; in the zstd repository the metadata's own signature counts too."""
import os

from e2e import FIXTURE, INTEGRITY, build, build_args, repo_file, scratch, smith, spec, step, write


def main():
    with scratch() as folder:
        digests = {}
        for kind in ("fixture", "fixture-xz", "fixture-zstd"):
            step(kind)
            digests[kind] = build(spec("curl"), os.path.join(folder, kind), "--no-test", repos=repo_file(kind),
                                  cache=os.path.join(folder, "cache-" + kind))
        assert len(set(digests.values())) == 1, digests

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
