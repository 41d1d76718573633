#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""podman with --runtime railcar, as root and, with --rootless, as an ordinary user: run, exec, stop, pause, logs,
healthcheck, pod, volumes, --read-only, --userns, and the console socket of conmon."""
import os
import subprocess
import sys
import time

import callers
import railcar

# Podman's own defaults want CAP_SYS_RESOURCE, which not every host gives to root.
SETTINGS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
PLAIN = ("--network", "none")   # needs no network plug-ins


class Podman:
    def __init__(self, place):
        self.place = place
        self.runtime = place.railcar
        os.mkdir(place.path("podman"))
        settings = place.path("containers.conf")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(SETTINGS)
        place.environment["CONTAINERS_CONF"] = settings
        if place.ordinary_user:
            os.chown(place.path("podman"), callers.SOMEBODY, callers.SOMEBODY)

    def __call__(self, *words, **more):
        return self.place.call("podman", "--root", self.place.path("podman", "storage"), "--runroot",
                               self.place.path("podman", "run"), "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
                               "--events-backend", "file", "--runtime", self.runtime, *words, **more)

    def run(self, *words, **more):
        return self("run", *PLAIN, *words, **more)

    def field(self, name, of):
        return self("inspect", "--format", "{{%s}}" % of, name).strip()

    def wait_for(self, name, field, value):
        for _ in range(600):
            if self.field(name, field) == value:
                return
            time.sleep(0.05)
        raise AssertionError("%s of %s is %s, not %s" % (field, name, self.field(name, field), value))

    def wait_for_log(self, name, text):
        for _ in range(600):
            if self("logs", name) == text:
                return
            time.sleep(0.05)
        raise AssertionError("the log of %s is %r, not %r" % (name, self("logs", name), text))


def import_image(podman, place):
    archive = place.path("image.tar")
    subprocess.run(["tar", "-C", callers.make_root(place), "-cf", archive, "."], check=True)
    podman("import", archive, "probe:latest")


def need_podman(podman):
    """A host on which podman runs nothing by any runtime is no failure of ours."""
    podman("unshare" if podman.place.ordinary_user else "info", *(["true"] if podman.place.ordinary_user else []), status=None)
    if podman.place.status != 0:
        railcar.skip("podman does not work on this host: " + podman.place.err.strip()[-300:])


def run_and_statuses(podman):
    print("- run, its status, and what a program that is not there is", flush=True)
    assert podman.run("--rm", "--hostname", "box", "probe", "/bin/probe", "names").startswith("box / 1 0:0")
    podman.run("--rm", "probe", "/bin/probe", "exit", "7", status=7)
    podman.run("--rm", "probe", "/bin/nothing", status=127)
    podman.run("--rm", "probe", "/write", status=126)


def life(podman):
    print("- run --detach, exec, logs, pause, stop, start, kill, rm", flush=True)
    podman.run("--detach", "--name", "c", "probe", "/bin/probe", "handle", "15")
    podman.wait_for_log("c", "ready\n")
    assert podman("exec", "c", "/bin/probe", "names").split()[2] != "1"
    podman("exec", "c", "/bin/probe", "exit", "5", status=5)
    podman("exec", "c", "/bin/nothing", status=127)
    assert podman("exec", "--user", "12:13", "c", "/bin/probe", "names").split()[3] == "12:13"
    podman("pause", "c", status=None)
    if podman.place.status == 0:
        podman.wait_for("c", ".State.Status", "paused")
        podman("unpause", "c")
    else:   # podman's own words, for an ordinary user without a cgroup
        assert podman.place.ordinary_user and "cgroup" in podman.place.err, podman.place.err
    podman("stop", "c")
    podman.wait_for("c", ".State.ExitCode", "42")
    podman("start", "c")
    podman.wait_for("c", ".State.Status", "running")
    podman("kill", "--signal", "KILL", "c")
    podman.wait_for("c", ".State.ExitCode", "137")
    podman("rm", "c")


def terminals(podman):
    print("- run --tty and exec --tty: conmon's console socket", flush=True)
    ask = ("/bin/probe", "link", "/proc/self/fd/0")
    assert podman.run("--rm", "--tty", "probe", *ask) == "/dev/pts/0\n"
    # The caller's own terminal, whose size reaches the container's.
    assert podman.run("--rm", "--tty", "--interactive", "probe", *ask, terminal=True) == "/dev/pts/0\n"
    podman.run("--detach", "--tty", "--name", "t", "probe", "/bin/probe", "pause")
    podman.wait_for_log("t", "ready\n")
    assert podman("exec", "--tty", "t", *ask) == "/dev/pts/1\n"
    podman("exec", "--tty", "t", "/bin/probe", "exit", "6", status=6)
    podman("rm", "--force", "--time", "0", "t")


def options(podman, place):
    print("- volumes, --read-only, --user, --cap-drop, --userns", flush=True)
    volume = place.path("volume")
    os.mkdir(volume)
    if place.ordinary_user:
        os.chown(volume, callers.SOMEBODY, callers.SOMEBODY)
    write = ("probe", "/bin/probe", "write")
    assert podman.run("--rm", "--volume", volume + ":/data", *write, "/data/x") == "ok\n"
    assert os.listdir(volume) == ["x"]
    assert podman.run("--rm", "--volume", volume + ":/data:ro", *write, "/data/y") == "EROFS\n"
    assert podman.run("--rm", "--volume", "kept:/data", *write, "/data/x") == "ok\n"
    assert podman.run("--rm", "--volume", "kept:/data", "probe", "/bin/probe", "ls", "/data") == "x\n"
    assert podman.run("--rm", "--read-only", "--tmpfs", "/write", *write, "/x") == "EROFS\n"
    assert podman.run("--rm", "--read-only", "--tmpfs", "/write", *write, "/write/x") == "ok\n"
    assert podman.run("--rm", "--user", "5:6", "probe", "/bin/probe", "names").split()[3] == "5:6"
    said = podman.run("--rm", "--cap-drop", "all", "probe", "/bin/probe", "cat", "/proc/self/status")
    assert "CapEff:\t0000000000000000\n" in said
    if place.ordinary_user:
        names = podman.run("--rm", "--userns", "keep-id", "probe", "/bin/probe", "names")
        assert names.split()[3] == "%d:%d" % (callers.SOMEBODY, callers.SOMEBODY), names
        kept = podman.run("--rm", "--userns", "keep-id", "--volume", volume + ":/data", *write, "/data/z")
        assert kept == "ok\n" and os.stat(os.path.join(volume, "z")).st_uid == callers.SOMEBODY, kept
    else:
        mapped = podman.run("--rm", "--uidmap", "0:100000:5000", "probe", "/bin/probe", "cat", "/proc/self/uid_map")
        assert mapped.split() == ["0", "100000", "5000"], mapped


def healthcheck(podman):
    print("- healthcheck", flush=True)
    for name, status in (("well", 0), ("ill", 1)):
        podman.run("--detach", "--name", name, "--health-cmd", '["/bin/probe", "exit", "%d"]' % status, "--health-interval",
                   "disable", "probe", "/bin/probe", "pause")
        podman("healthcheck", "run", name, status=status)
    podman("rm", "--force", "--time", "0", "well", "ill")


def pod(podman):
    print("- pod: containers that share namespaces", flush=True)
    podman("pod", "create", "--name", "p", "--network", "none", "--infra-command", "/bin/probe pause",
           "--infra-image", "probe")
    podman("run", "--detach", "--pod", "p", "--name", "one", "probe", "/bin/probe", "pause")
    podman("run", "--detach", "--pod", "p", "--name", "two", "probe", "/bin/probe", "pause")
    pids = podman("inspect", "--format", "{{.State.Pid}}", "one", "two").split()
    shared = {kind for kind in ("net", "ipc", "uts", "pid", "mnt")
              if len({podman.place.link("/proc/%s/ns/%s" % (pid, kind)) for pid in pids}) == 1}
    assert shared == {"net", "ipc", "uts"}, shared
    podman("exec", "two", "/bin/probe", "exit", "3", status=3)
    podman("pod", "rm", "--force", "--time", "0", "p")


def main():
    railcar.need_containers()
    callers.need("podman", *(["newuidmap"] if "--rootless" in sys.argv else []))
    place = callers.Place(ordinary_user="--rootless" in sys.argv)
    podman = Podman(place)
    try:
        need_podman(podman)
        import_image(podman, place)
        run_and_statuses(podman)
        life(podman)
        terminals(podman)
        options(podman, place)
        healthcheck(podman)
        pod(podman)
        assert place.states() == [], place.states()
    finally:
        podman("rm", "--all", "--force", "--time", "0", status=None)
        place.leave()


if __name__ == "__main__":
    main()
