#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ls, inspect and why tell what is in an image and why, to people and, with --json, to programs."""
import json
import os

from e2e import Layout, repo_file, scratch, smith, spec, step


def main():
    with scratch() as folder:
        to = os.path.join(folder, "curl")
        said = smith("build", spec("curl"), "--repo-file", repo_file(), "-o", "oci:" + to, "--lock", to + ".lock",
                     "--cache-dir", os.path.join(folder, "cache"), "--no-test", "--json")
        layout, image = Layout(to), "oci:" + to

        step("build --json")
        assert layout.digest in json.dumps(json.loads(said.out)), said

        step("ls: every path once, in the layer's order")
        paths = [line.split()[-1] for line in smith("ls", image).out.splitlines()]
        assert any(p.rstrip("/").endswith("usr/bin/curl") for p in paths), paths[:10]
        assert isinstance(json.loads(smith("ls", image, "--json").out), (list, dict))

        step("inspect: the digest and the entry point")
        for said in (smith("inspect", image), smith("inspect", image, "--json")):
            assert layout.digest in said.out and "/usr/bin/curl" in said.out, said
        json.loads(smith("inspect", image, "--json").out)

        step("why: curl was asked for; a library is there for who needs it")
        assert "curl" in smith("why", "/usr/bin/curl", image).out
        library = next(p for p in layout.entries() if "/libcurl.so.4" in p)
        said = smith("why", "/" + library, image)
        assert "/usr/bin/curl" in said.out, said
        json.loads(smith("why", "/" + library, image, "--json").out)
        step("why not: a path that is not there")
        assert smith("why", "/usr/bin/wget", image, status=None).status != 0


if __name__ == "__main__":
    main()
