#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""podman with --runtime railcar: run, exec, stop, logs, pause, volumes, --read-only, --userns, --tty, healthcheck, pod."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

import railcar

# Podman's own defaults want CAP_SYS_RESOURCE, which not every host gives to root.
SETTINGS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
PLAIN = ("--network", "none")   # needs no network plug-ins


class Podman:
    def __init__(self, folder):
        self.base = ["podman", "--root", os.path.join(folder, "storage"), "--runroot", os.path.join(folder, "run"),
                     "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file",
                     "--runtime", railcar.RAILCAR]
        self.settings = os.path.join(folder, "containers.conf")
        with open(self.settings, "w", encoding="utf-8") as file:
            file.write(SETTINGS)

    def __call__(self, *words, status=0, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        done = subprocess.run([*self.base, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              check=False, text=True, env=dict(os.environ, CONTAINERS_CONF=self.settings), **more)
        self.err = done.stderr
        assert status is None or done.returncode == status, "podman %s: status %d, not %s\n%s%s" % (
            " ".join(words), done.returncode, status, done.stdout, done.stderr)
        self.status = done.returncode
        return done.stdout

    def run(self, *words, **more):
        return self("run", *PLAIN, *words, **more)

    def wait_for(self, name, field, value):
        for _ in range(600):
            if self("inspect", "--format", "{{%s}}" % field, name).strip() == value:
                return
            time.sleep(0.05)
        raise AssertionError("%s of %s never is %s" % (field, name, value))


def import_image(podman, folder):
    root = os.path.join(folder, "image")
    os.makedirs(os.path.join(root, "bin"))
    os.makedirs(os.path.join(root, "write"))
    shutil.copy(railcar.PROBE, os.path.join(root, "bin", "probe"))
    archive = os.path.join(folder, "image.tar")
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
    podman("import", archive, "probe:latest")


def run_and_statuses(podman):
    print("- run, its status, and what a program that is not there is")
    assert podman.run("--rm", "--hostname", "box", "probe", "/bin/probe", "names").startswith("box / 1 0:0")
    podman.run("--rm", "probe", "/bin/probe", "exit", "7", status=7)
    podman.run("--rm", "probe", "/bin/nothing", status=127)
    podman.run("--rm", "probe", "/write", status=126)


def life(podman):
    print("- run --detach, exec, logs, pause, stop, start, rm")
    podman.run("--detach", "--name", "c", "probe", "/bin/probe", "handle", "15")
    podman.wait_for("c", ".State.Status", "running")
    assert podman("exec", "c", "/bin/probe", "ls", "/proc/self/ns").split()
    podman("exec", "c", "/bin/probe", "exit", "5", status=5)
    assert podman("exec", "--user", "12:13", "c", "/bin/probe", "names").split()[3] == "12:13"
    assert podman("logs", "c").strip() == "ready"
    podman("pause", "c", status=None)
    if podman.status == 0:
        podman.wait_for("c", ".State.Status", "paused")
        podman("unpause", "c")
    podman("stop", "c")
    podman.wait_for("c", ".State.ExitCode", "42")
    podman("start", "c")
    podman.wait_for("c", ".State.Status", "running")
    podman("kill", "--signal", "KILL", "c")
    podman.wait_for("c", ".State.ExitCode", "137")
    podman("rm", "c")


def options(podman, folder):
    print("- volumes, --read-only, --user, --cap-drop, --tty, --userns, --init")
    volume = os.path.join(folder, "volume")
    os.mkdir(volume)
    assert podman.run("--rm", "--volume", volume + ":/data", "probe", "/bin/probe", "write", "/data/x") == "ok\n"
    assert os.listdir(volume) == ["x"]
    assert podman.run("--rm", "--read-only", "probe", "/bin/probe", "write", "/x") == "EROFS\n"
    assert podman.run("--rm", "--user", "5:6", "probe", "/bin/probe", "names").split()[3] == "5:6"
    said = podman.run("--rm", "--cap-drop", "all", "probe", "/bin/probe", "cat", "/proc/self/status")
    assert "CapEff:\t0000000000000000\n" in said
    assert podman.run("--rm", "--tty", "probe", "/bin/probe", "link", "/proc/self/fd/0").strip() == "/dev/pts/0"
    mapped = podman.run("--rm", "--uidmap", "0:100000:5000", "probe", "/bin/probe", "cat", "/proc/self/uid_map")
    assert mapped.split() == ["0", "100000", "5000"], mapped


def healthcheck(podman):
    print("- healthcheck")
    podman.run("--detach", "--name", "h", "--health-cmd", '["/bin/probe", "exit", "0"]', "--health-interval", "disable",
               "probe", "/bin/probe", "pause")
    podman("healthcheck", "run", "h")
    podman("rm", "--force", "h")


def pod(podman):
    print("- pod: containers that share namespaces")
    podman("pod", "create", "--name", "p", "--network", "none", "--infra-command", "/bin/probe pause",
           "--infra-image", "probe")
    podman("run", "--detach", "--pod", "p", "--name", "one", "probe", "/bin/probe", "pause")
    podman("run", "--detach", "--pod", "p", "--name", "two", "probe", "/bin/probe", "pause")
    for kind in ("net", "ipc", "uts"):
        assert len({podman("exec", name, "/bin/probe", "link", "/proc/self/ns/" + kind) for name in ("one", "two")}) == 1
    assert len({podman("exec", name, "/bin/probe", "link", "/proc/self/ns/pid") for name in ("one", "two")}) == 2
    podman("pod", "stop", "--time", "1", "p")
    podman("pod", "rm", "--force", "p")


def main():
    railcar.need_containers()
    if not shutil.which("podman"):
        railcar.skip("not installed: podman (tools/install-deps test installs it)")
    folder = tempfile.mkdtemp(prefix="railcar-podman-")
    podman = Podman(folder)
    try:
        import_image(podman, folder)
        podman.run("--rm", "probe", "/bin/probe", "exit", "0", status=None)
        if "not supported yet" in podman.err:
            railcar.skip("podman asks for what railcar does not do yet: " + podman.err.strip()[-300:])
        assert podman.status == 0, podman.err
        run_and_statuses(podman)
        life(podman)
        options(podman, folder)
        healthcheck(podman)
        pod(podman)
        state = "/run/railcar"
        left = [name for name in os.listdir(state) if ":" not in name] if os.path.isdir(state) else []
        assert not [name for name in left if len(name) == 64], left
    finally:
        podman("rm", "--all", "--force", "--time", "0", status=None)
        podman("rmi", "--all", "--force", status=None)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
