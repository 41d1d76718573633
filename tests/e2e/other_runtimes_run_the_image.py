#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Another runtime runs the image on a read-only root, without capabilities and without a network: runc or podman.

Whether the runtime works on this host at all is asked first, with an image that is not ours: only what runs that one
counts as a test of ours.

    other_runtimes_run_the_image.py runc|podman
"""
import functools
import json
import os
import sys

from e2e import FIXTURE, Layout, build, need_fixture, need_tools, run, scratch, skip, spec, step

# (spec, arguments of the container, what it must print)
PROGRAMS = [
    ("cat", [], "Hello World!"),
    ("python", [], "visit 1, from Python 3"),
    ("nginx", ["-t"], "test is successful"),
]


def control_image(folder):
    """An image of umoci's making, with the static busybox of the fixture in it."""
    layout, bundle = os.path.join(folder, "control"), os.path.join(folder, "control-bundle")
    packages = os.path.join(FIXTURE, "Packages", "b")
    rpm = next(os.path.join(packages, f) for f in os.listdir(packages) if f.startswith("busybox-static-"))
    run(["umoci", "init", "--layout", layout])
    run(["umoci", "new", "--image", layout + ":latest"])
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run(["umoci", "unpack", *rootless, "--image", layout + ":latest", bundle])
    run(["sh", "-c", 'rpm2archive - <"$1" | tar -xz -C "$2"', "sh", rpm, os.path.join(bundle, "rootfs")])
    run(["umoci", "repack", "--image", layout + ":latest", bundle])
    run(["umoci", "config", "--image", layout + ":latest", "--config.entrypoint", "/usr/bin/busybox",
         "--config.cmd", "uname"])
    return layout, "latest"


def runc(layout, tag, args, folder, kept):
    """Unpacks with umoci and changes in its configuration what a microcontainer is promised."""
    bundle = os.path.join(folder, "bundle-" + os.path.basename(layout))
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run(["umoci", "unpack", *rootless, "--image", layout + ":" + tag, bundle])
    path = os.path.join(bundle, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    user = config["process"]["user"]
    config["root"]["readonly"] = True
    config["process"].update(terminal=False, rlimits=[], noNewPrivileges=True,
                             capabilities={k: [] for k in config["process"]["capabilities"]})
    if args:
        config["process"]["args"] = config["process"]["args"][:1] + args
    config["mounts"] = [m for m in config["mounts"] if m["destination"] not in ("/run", "/write")] + [
        {"destination": "/run", "type": "tmpfs", "source": "tmpfs",
         "options": ["nosuid", "nodev", "uid=%d" % user["uid"], "gid=%d" % user["gid"], "mode=0755"]},
        {"destination": "/write", "type": "bind", "source": kept, "options": ["bind", "rw"]}]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    name = "smith-e2e-%d-%s" % (os.getpid(), os.path.basename(layout))
    return run(["runc", "--root", os.path.join(folder, "runc"), "run", "--bundle", bundle, name], status=None, timeout=60)


def podman(layout, tag, args, folder, kept, runtime="crun"):
    """/run: podman mounts one by itself, but leaves it to root; `U` gives it to the image's user. The limits are named
    because podman would raise its own, which not every host lets it."""
    return run(["podman", "--runtime=" + runtime, "--root", os.path.join(folder, "podman"), "--runroot", os.path.join(folder, "podman-run"),
                "--cgroup-manager=cgroupfs", "--events-backend=none", "run", "--rm", "--read-only", "--network=none",
                "--cap-drop=all", "--security-opt=no-new-privileges",
                "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096",
                "--mount", "type=tmpfs,destination=/run,U=true", "-v", kept + ":/write",
                "oci:" + layout + ":" + tag, *args], status=None, timeout=120)


def main():
    tool = sys.argv[1]
    need_tools(tool, "umoci", "rpm2archive")
    need_fixture()
    # crun, which is podman's own choice, does without hosts whose version 2 of cgroups has controllers beside version 1's.
    candidates = {"runc": [runc], "podman": [podman, functools.partial(podman, runtime="runc")]}[tool]
    with scratch() as folder:
        kept = os.path.join(folder, "kept")
        os.mkdir(kept)
        os.chmod(kept, 0o777)
        step("%s runs an image of another make" % tool)
        other = control_image(folder)
        for run_image in candidates:
            control = run_image(*other, [], folder, kept)
            if control.status == 0 and "Linux" in control.out:
                break
        else:
            skip("%s runs no container on this host: %s" % (tool, (control.err or control.out).strip()[-300:].replace("\n", " ")))
        for name, args, expected in PROGRAMS:
            step("%s runs %s" % (tool, name))
            to = os.path.join(folder, name)
            build(spec(name), to, "--no-test")
            tag = Layout(to).descriptor["annotations"]["org.opencontainers.image.ref.name"]
            said = run_image(to, tag, args, folder, kept)
            assert said.status == 0 and expected in said.out + said.err, said


if __name__ == "__main__":
    main()
