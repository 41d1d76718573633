#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An image on its way out of a registry, into a layout: killed at any moment, onto a disk that fills up, beside another
pull into the same layout, under any umask. What is left is what was there before or what was asked for, and the next pull
works.

SMITH_E2E_SEED repeats a run, SMITH_E2E_KILLS says how many (20).
"""
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time

from e2e import DONE, FAILED, SMITH, assert_same, need_tools, read, run, scratch, sha256, skip, smith, snapshot, step
from images import Image, directory, file
from registries import Home, Registry

SIZE = 3_000_000


def images_of(layout):
    """{tag: digest}, having seen that each blob that they lead to is there and whole."""
    found = {}
    for entry in json.loads(read(os.path.join(layout, "index.json")))["manifests"]:
        found[entry["annotations"]["org.opencontainers.image.ref.name"]] = entry["digest"]
        manifest = json.loads(blob(layout, entry))
        for part in [manifest["config"], *manifest["layers"]]:
            blob(layout, part)
    return found


def blob(layout, descriptor):
    data = read(os.path.join(layout, "blobs", *descriptor["digest"].split(":")))
    assert sha256(data) == descriptor["digest"] and len(data) == descriptor["size"], descriptor
    return data


class World:
    def __init__(self, folder, registry):
        self.folder, self.registry, self.home = folder, registry, Home(os.path.join(folder, "home"))
        self.digests = {}
        chance = random.Random(1)
        shared = [directory("etc"), file("etc/shared", chance.randbytes(SIZE))]
        for tag in ("one", "two"):
            image = Image([shared, [file("etc/" + tag, chance.randbytes(SIZE))]], packing="")
            layout = image.layout(os.path.join(folder, "source-" + tag), tag)
            smith("push", "oci:" + layout, "%s/app:%s" % (registry.host, tag), "-k", env=self.home.env)
            self.digests[tag] = image.digest

    def pull_args(self, tag, to):
        return ["pull", "-k", "-q", "%s/app:%s" % (self.registry.host, tag), "oci:%s:%s" % (to, tag)]

    def pull(self, tag, to, **more):
        return smith(*self.pull_args(tag, to), env=self.home.env, **more)

    def start(self, tag, to):
        return subprocess.Popen([SMITH, *self.pull_args(tag, to)], env=dict(os.environ, **self.home.env),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def check_kills(world):
    seed = int(os.environ.get("SMITH_E2E_SEED") or time.time_ns() % 1000000)
    kills = int(os.environ.get("SMITH_E2E_KILLS") or 20)
    step("killed at any moment (SMITH_E2E_SEED=%d)" % seed)
    chance = random.Random(seed)
    to, undisturbed = os.path.join(world.folder, "killed"), os.path.join(world.folder, "undisturbed")
    started = time.monotonic()
    world.pull("one", undisturbed)
    took = time.monotonic() - started
    world.pull("two", undisturbed)
    expected, seen = snapshot(undisturbed), {"none": 0, "old": 0, "new": 0}
    for number in range(kills):
        run(["rm", "-rf", to])
        if number % 2:
            world.pull("one", to)
        process = world.start("two", to)
        time.sleep(chance.uniform(0, 1.1 * took))
        process.send_signal(signal.SIGKILL)
        process.wait()
        if os.path.exists(os.path.join(to, "index.json")):
            found = images_of(to)
            assert found.get("one") == (world.digests["one"] if number % 2 else None), found
            assert found.get("two") in (None, world.digests["two"]), found
            seen["new" if "two" in found else "old"] += 1
        else:
            assert number % 2 == 0, "the old image is gone"
            seen["none"] += 1
        world.pull("two", to)
        world.pull("one", to)
        assert images_of(to) == world.digests
        assert_same("after kill %d" % number, {p: d for p, d in expected.items() if p != "index.json"},
                    {p: d for p, d in snapshot(to).items() if p != "index.json"})
    print("  %d kills left: %s" % (kills, seen))


def check_at_once(world):
    step("several pulls at once into one layout: each finds the others' images, and leaves them")
    to = os.path.join(world.folder, "together")
    for _ in range(3):
        run(["rm", "-rf", to])
        for process in [world.start(tag, to) for tag in ("one", "two", "one", "two")]:
            assert process.wait(timeout=120) == DONE
        assert images_of(to) == world.digests
        assert not [name for name in snapshot(to) if ".tmp-" in name]


def check_umask(world):
    step("whatever the umask, files are as open as it says, and no more")
    for mask, file_mode, folder_mode in ((0o077, 0o600, 0o700), (0o000, 0o644, 0o777), (0o022, 0o644, 0o755)):
        to = os.path.join(world.folder, "umask-%03o" % mask)
        world.pull("one", to, preexec_fn=lambda mask=mask: os.umask(mask))
        world.pull("two", to, preexec_fn=lambda mask=mask: os.umask(mask))
        assert images_of(to) == world.digests
        for at, folders, files in os.walk(to):
            for name in folders + files:
                path = os.path.join(at, name)
                mode = stat.S_IMODE(os.stat(path).st_mode)
                assert mode == (folder_mode if os.path.isdir(path) else file_mode), "%s: %o" % (path, mode)
    step("and what is remembered of the registry is nobody else's to write")
    for at, folders, files in os.walk(world.home.env["XDG_CACHE_HOME"]):
        for name in folders + files:
            mode = os.stat(os.path.join(at, name)).st_mode
            assert not mode & 0o022, "%s: %o" % (os.path.join(at, name), mode)


def check_full_disk(world):
    step("onto a disk that fills up: one message, the old image stays, and with more room the next pull works")
    disk = os.path.join(world.folder, "disk")
    os.mkdir(disk)
    needed = 2 * SIZE
    for number in range(4):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%d" % (2 * SIZE + 65536 + number * SIZE // 4), "tmpfs", disk],
                       check=True)
        to = os.path.join(disk, "layout")
        world.pull("one", to)
        before = snapshot(to)
        said = world.pull("two", to, status=None)
        assert said.status == FAILED and "No space left on device" in said.err and said.err.count("\n") == 1, said
        assert images_of(to) == {"one": world.digests["one"]}
        litter = [name for name in snapshot(to) if ".tmp-" in name]
        assert not litter and set(before) <= set(snapshot(to)), litter
        subprocess.run(["mount", "-t", "tmpfs", "-o", "remount,size=%d" % (4 * needed), "tmpfs", disk], check=True)
        world.pull("two", to)
        assert images_of(to) == world.digests
        subprocess.run(["umount", disk], check=True)


def in_a_namespace():
    need_tools("docker-registry", "openssl", "unshare", "mount")
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", "--mount", *rights]
    if subprocess.run([*words, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], stderr=subprocess.DEVNULL, check=False).returncode:
        skip("this machine lets nobody mount a tmpfs in a namespace")
    sys.exit(subprocess.run([*words, sys.executable, os.path.abspath(__file__), "inside"], check=False).returncode)


def main():
    if sys.argv[1:] != ["inside"]:
        in_a_namespace()
    os.umask(0o022)
    with scratch() as folder, Registry(os.path.join(folder, "registry")) as registry:
        world = World(folder, registry)
        for check in (check_kills, check_at_once, check_umask, check_full_disk):
            check(world)


if __name__ == "__main__":
    main()
