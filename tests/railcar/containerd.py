#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""containerd's shim for runc with railcar as its BinaryName: run, exec, pause, kill, delete, statistics, terminals."""
import glob
import os
import subprocess
import time

import callers
import railcar

# What is not needed to run a container on a directory would look for devices and file systems of the host.
SETTINGS = """version = 2
root = "{0}/root"
state = "{0}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "{0}/containerd.sock"
[ttrpc]
address = "{0}/containerd.sock.ttrpc"
"""


class Containerd:
    def __init__(self, place):
        self.place = place
        self.folder = place.path("containerd")
        self.cgroup = "/%s/" % os.path.basename(place.folder)
        os.mkdir(self.folder)
        settings, self.socket = place.path("containerd.toml"), os.path.join(self.folder, "containerd.sock")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(self.folder))
        with open(place.path("containerd.log"), "wb") as log:
            self.daemon = subprocess.Popen(place.command("containerd", "--config", settings), stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        for _ in range(1200):
            if self("version", status=None) and place.status == 0:
                return
            if self.daemon.poll() is not None:
                break
            time.sleep(0.05)
        with open(place.path("containerd.log"), encoding="utf-8") as log:
            railcar.skip("containerd does not start on this host: " + log.read()[-300:])

    def __call__(self, *words, **more):
        return self.place.call("ctr", "--address", self.socket, *words, **more)

    def run(self, name, *words, options=(), runtime=None, **more):
        return self("run", "--rootfs", "--runc-binary", runtime or self.place.railcar, "--cgroup", self.cgroup + name, *options,
                    self.place.path("image"), name, "/bin/probe", *words, **more)

    def exec(self, name, *words, options=(), **more):
        return self("task", "exec", "--exec-id", "e", *options, name, "/bin/probe", *words, **more)

    def cgroups(self):
        """What is left below the cgroup that all our containers are in; it is removed."""
        left = []
        for folder in glob.glob("/sys/fs/cgroup" + self.cgroup) + glob.glob("/sys/fs/cgroup/*" + self.cgroup):
            left += [entry.path for entry in os.scandir(folder) if entry.is_dir()]
            if not left:
                os.rmdir(folder)
        return left

    def status(self, name):
        return {line.split()[0]: line.split()[2] for line in self("task", "ls").splitlines()[1:]}.get(name)

    def wait_for(self, name, status):
        for _ in range(600):
            if self.status(name) == status:
                return
            time.sleep(0.05)
        raise AssertionError("%s is %s, not %s" % (name, self.status(name), status))


def need_containers(containerd):
    """Where runc does not run a container either, it is the host."""
    containerd.run("first", "exit", "0", options=["--rm"], status=None)
    said = containerd.place.err
    if containerd.place.status == 0:
        return
    containerd("container", "rm", "first", status=None)
    containerd.run("second", "exit", "0", options=["--rm"], runtime="runc", status=None)
    assert containerd.place.status != 0, said
    railcar.skip("containerd runs no container on this host: " + containerd.place.err.strip()[-300:])


def run_and_statuses(containerd):
    print("- run: output, status, namespaces, limits, and what a program that is not there is", flush=True)
    assert containerd.run("c", "names", options=["--rm"]).split()[1:4] == ["/", "1", "0:0"]
    containerd.run("c", "exit", "7", options=["--rm"], status=7)
    said = containerd.run("c", "cat", "/proc/self/status", options=["--rm", "--seccomp"])
    assert "Seccomp:\t2" in said and "NoNewPrivs:\t1" in said, said
    assert containerd.run("c", "write", "/x", options=["--rm", "--read-only"]) == "EROFS\n"
    missing = containerd("run", "--rm", "--rootfs", "--runc-binary", containerd.place.railcar, containerd.place.path("image"),
                         "c", "/bin/nothing", status=None)
    assert containerd.place.status != 0 and "no such file or directory" in containerd.place.err.lower(), missing
    containerd("container", "rm", "c", status=None)


def life(containerd):
    print("- run --detach, exec, pause, resume, metrics, kill, delete", flush=True)
    containerd.run("c", "handle", "15", options=["--detach", "--memory-limit", "104857600"])
    assert containerd.exec("c", "names").split()[2] != "1"
    containerd.exec("c", "exit", "9", status=9)
    assert containerd.exec("c", "names", options=["--user", "12:13"]).split()[3] == "12:13"
    containerd("task", "pause", "c")
    assert containerd.status("c") == "PAUSED"
    containerd("task", "resume", "c")
    assert containerd.status("c") == "RUNNING"
    assert "104857600" in containerd("task", "metrics", "c")
    pid = containerd("task", "ls").splitlines()[1].split()[1]
    assert [line.split()[0] for line in containerd("task", "ps", "c").splitlines()[1:]] == [pid]
    containerd("task", "kill", "c")
    containerd.wait_for("c", "STOPPED")
    containerd("task", "delete", "c")
    assert "exit code 42" in containerd.place.err, containerd.place.err
    containerd("container", "rm", "c")

    containerd.run("c", "cling", options=["--detach"])
    containerd("task", "kill", "--all", "--signal", "KILL", "c")
    containerd.wait_for("c", "STOPPED")
    containerd("task", "delete", "c")
    assert "exit code 137" in containerd.place.err, containerd.place.err
    containerd("container", "rm", "c")


def terminals(containerd):
    print("- run --tty, exec --tty: the shim's console socket", flush=True)
    ask = ("link", "/proc/self/fd/0")
    assert containerd.run("c", *ask, options=["--rm", "--tty"], terminal=True).startswith("/dev/pts/0\n")
    containerd.run("c", "pause", options=["--detach"])
    said = containerd.exec("c", *ask, options=["--tty"], terminal=True)
    # ctr may add that it could not tell the size of the terminal to a program that has ended by then, as with runc.
    assert said.startswith("/dev/pts/0\n"), said
    containerd.exec("c", "exit", "6", options=["--tty"], status=6, terminal=True)
    containerd("task", "delete", "--force", "c")
    containerd("container", "rm", "c")


def main():
    railcar.need_containers()
    callers.need("containerd", "ctr")
    place = callers.Place()
    try:
        callers.make_root(place)
        containerd = Containerd(place)
        need_containers(containerd)
        run_and_statuses(containerd)
        life(containerd)
        terminals(containerd)
        # The shim names the directory: below it there is one for each of containerd's namespaces.
        left = os.listdir(place.seen("/run/containerd/runc/default"))
        assert [name for name in left if ":" not in name] == [], left
        left = containerd.cgroups()
        assert left == [], left
    finally:
        place.leave()


if __name__ == "__main__":
    main()
