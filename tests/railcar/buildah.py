#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""buildah with --isolation oci --runtime railcar, as root and as an ordinary user: from, run, bud, a terminal, volumes."""
import os

import callers
import railcar

CONTAINERFILE = """FROM scratch
COPY probe /bin/probe
RUN ["/bin/probe", "write", "/built"]
USER 5:6
RUN ["/bin/probe", "names"]
"""


class Buildah:
    def __init__(self, place):
        self.place = place
        self.by_railcar = ("--isolation", "oci", "--runtime", place.railcar)

    def __call__(self, *words, **more):
        return self.place.call("buildah", "--root", self.place.path("home", "storage"), "--runroot",
                               self.place.path("session", "run"), "--storage-driver", "vfs", *words, **more)

    def run(self, name, *words, options=(), **more):
        return self("run", *self.by_railcar, "--network", "none", *options, name, "--", "/bin/probe", *words, **more)


def from_and_run(buildah, place):
    print("- from, run: output, status, files, a volume, a terminal", flush=True)
    name = buildah("from", "scratch").strip()
    buildah("copy", name, place.probe, "/bin/probe")
    assert buildah.run(name, "names").split()[1:4] == ["/", "1", "0:0"]
    buildah.run(name, "exit", "7", status=7)
    assert buildah.run(name, "write", "/made") == "ok\n"
    assert "made" in buildah.run(name, "ls", "/").split()
    assert buildah.run(name, "names", options=["--user", "5:6"]).split()[3] == "5:6"
    volume = place.path("session", "volume")
    os.mkdir(volume)
    if place.ordinary_user:
        os.chown(volume, callers.SOMEBODY, callers.SOMEBODY)
    assert buildah.run(name, "write", "/data/x", options=["--volume", volume + ":/data"]) == "ok\n"
    assert os.listdir(volume) == ["x"]
    said = buildah.run(name, "link", "/proc/self/fd/0", options=["--tty"], terminal=True)
    assert said.endswith("/dev/pts/0\n"), said
    buildah("rm", name)


def bud(buildah, place):
    print("- bud: a Containerfile whose RUN lines railcar runs", flush=True)
    with open(place.path("Containerfile"), "w", encoding="utf-8") as file:
        file.write(CONTAINERFILE)
    said = buildah("bud", *buildah.by_railcar, "--network", "none", "--tag", "built", place.folder)
    assert " / 1 5:6 " in said, said
    name = buildah("from", "built").strip()
    assert "built" in buildah.run(name, "ls", "/").split()
    broken = place.path("Broken")
    with open(broken, "w", encoding="utf-8") as file:
        file.write(CONTAINERFILE + 'RUN ["/bin/probe", "exit", "4"]\n')
    buildah("bud", *buildah.by_railcar, "--network", "none", "--file", broken, place.folder, status=None)
    assert place.status != 0 and "exit status 4" in place.err, place.err


def main():
    railcar.need_containers()
    callers.need("buildah", "newuidmap")
    for ordinary_user in (False, True):
        print("as an ordinary user" if ordinary_user else "as root", flush=True)
        place = callers.Place(ordinary_user)
        try:
            buildah = Buildah(place)
            if ordinary_user:
                buildah("unshare", "true", status=None)
                if place.status != 0:
                    print("  left out: buildah does not work here: " + place.err.strip()[-300:])
                    return
            from_and_run(buildah, place)
            bud(buildah, place)
            assert place.states() == [], place.states()
        finally:
            place.leave()


if __name__ == "__main__":
    main()
