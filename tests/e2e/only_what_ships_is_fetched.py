#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Over HTTP a build fetches the headers of all packages, and all of those only whose files ship; the image is the same."""
import json
import os

from e2e import (DOWNLOAD, FIXTURE, Mirror, assert_same, build, build_args, need_fixture, read, scratch, smith, snapshot, spec,
                 step, write)


def main():
    need_fixture()
    with scratch() as folder, Mirror(FIXTURE) as mirror:
        def at(name):
            return os.path.join(folder, name)

        repos = write(at("mirror.repo"), "[fixture]\nname=mirror\nbaseurl=%s\ngpgkey=file://%s\n"
                      % (mirror.url, os.path.join(FIXTURE, "RPM-GPG-KEY-test")))
        said = smith(*build_args(spec("nginx"), at("image"), "--json", repos=repos))
        counts = json.loads(said.out)["packages"]
        everything = sum(p["size"] for p in json.loads(read(at("image.lock")))["packages"])
        few, names = mirror.sent(".rpm"), [name for name in mirror.whole if name.endswith(".rpm")]
        step("%d of %d bytes, whole: %s" % (few, everything, " ".join(names)))
        assert len(set(names)) == len(names), "something was fetched twice"
        # Small packages are mostly header; of the others, those that ship.
        assert counts["shipped"] <= len(names) < counts["resolved"] // 2, counts
        assert few < everything // 2 and few + counts["bytes_spared"] == everything, (few, everything, counts)

        step("the same image as from whole packages")
        build(spec("nginx"), at("local"), "--fetch", "all", lock=at("local.lock"), cache=at("other"))
        assert_same("image", snapshot(at("image")), snapshot(at("local")))
        assert read(at("image.lock")) == read(at("local.lock"))

        step("a second build fetches nothing, and works offline")
        smith(*build_args(spec("nginx"), at("again"), "--offline", repos=repos, lock=at("image.lock"), cache=at("cache")))
        assert mirror.sent(".rpm") == few

        step("offline, what was not fetched is missing, and 'smith fetch' brings it")
        other = write(at("app.yaml"), "schema: 1\npackage: nginx\npaths: [/usr/sbin/nginx, /usr/bin/perl]\n")
        said = smith(*build_args(other, at("more"), "--offline", repos=repos, lock=at("image.lock"), cache=at("cache")),
                     status=DOWNLOAD)
        assert "smith fetch" in said.err, said
        smith("fetch", other, "--repo-file", repos, "--lock", at("image.lock"), "--cache-dir", at("cache"))
        build(other, at("more"), "--offline", repos=repos, lock=at("image.lock"), cache=at("cache"))

        step("--fetch all fetches all")
        mirror.forget()
        smith(*build_args(spec("nginx"), at("all"), "--fetch", "all", repos=repos, cache=at("third")))
        assert mirror.sent(".rpm") == everything
        step("and so does a server without ranges, of which one package is asked for twice")
        mirror.forget()
        mirror.with_ranges = False
        smith(*build_args(spec("nginx"), at("plain"), repos=repos, cache=at("fourth")))
        packages = [name for name in mirror.whole if name.endswith(".rpm")]
        assert len(set(packages)) == counts["resolved"] and len(packages) == counts["resolved"] + 1, packages
        assert_same("image", snapshot(at("image")), snapshot(at("plain")))


if __name__ == "__main__":
    main()
