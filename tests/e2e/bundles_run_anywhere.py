#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smith bundle`, `smith run --runtime` and `smith test --runtime`: a microcontainer is one under every runtime.

    bundles_run_anywhere.py railcar|runc|crun|runsc

Whether the runtime works on this host is asked first, with a configuration of its own making: only where it runs that
one it is a test of ours.
"""
import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

from e2e import (RAILCAR, SMITH, TEST_FAILED, USAGE, build, need_fixture, run, scratch, skip, smith, snapshot, somebody,
                 spec, step, write)

# gVisor where the kernel gives it neither KVM nor a network to hand over.
FLAGS = {"runsc": ["platform=ptrace", "network=none", "ignore-cgroups"]}
# crun does without hosts whose version 2 of cgroups has controllers beside version 1's; it need not see version 2.
WITHOUT_HYBRID = '#!/bin/sh\nexec unshare --mount --propagation private sh -c \'umount /sys/fs/cgroup/unified; exec crun "$@"\' crun "$@"\n'


def works(program, flags, rootfs, folder):
    """Does it run a configuration that it wrote itself?"""
    bundle = os.path.join(folder, "control")
    shutil.rmtree(bundle, ignore_errors=True)
    os.makedirs(bundle)
    if run([program, "spec"], status=None, cwd=bundle).status != 0:
        return "it writes no configuration"
    path = os.path.join(bundle, "config.json")
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    config["process"].update(terminal=False, args=["/usr/bin/busybox", "echo", "works"], rlimits=[])
    config["root"]["path"] = rootfs
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    said = run([program, *flags, "--root", os.path.join(folder, "control-state"), "run", "--bundle", bundle, "smith-control"],
               status=None, timeout=60)
    return "" if said.out == "works\n" else (said.err or said.out).strip()[-300:].replace("\n", " ")


def choose(name, rootfs, folder):
    """The program and its flags; or the test is skipped."""
    if name == "railcar":
        return RAILCAR, []
    program = shutil.which(name)
    if not program:
        skip("not installed: %s" % name)
    flags = FLAGS.get(name, [])
    dashed = ["--" + flag for flag in flags]
    problem = works(program, dashed, rootfs, folder)
    if problem and name == "crun" and os.geteuid() == 0:
        program = os.path.join(folder, "crun-without-hybrid")
        with open(program, "w", encoding="utf-8") as file:
            file.write(WITHOUT_HYBRID)
        os.chmod(program, 0o755)
        problem = works(program, dashed, rootfs, folder)
    if problem:
        skip("%s runs no container on this host: %s" % (name, problem))
    return program, flags


def bundles(folder, image):
    step("a bundle is written to a new or an empty directory, and to no other")
    to = os.path.join(folder, "bundle")
    smith("bundle", "oci:" + image, to, "--", "sh", "-c", "id -u; echo x >/write/a && cat /write/a")
    assert sorted(os.listdir(to)) == ["config.json", "rootfs"]
    assert stat.S_IMODE(os.stat(os.path.join(to, "config.json")).st_mode) == 0o600
    before = snapshot(to)
    said = smith("bundle", "oci:" + image, to, status=USAGE)
    assert "is not empty: there is" in said.err and snapshot(to) == before, said
    empty = os.path.join(folder, "empty")
    os.makedirs(os.path.join(empty, ".tmp-bundle-killed", "rootfs"))    # what a kill -9 leaves is no hindrance
    smith("bundle", "oci:" + image, empty)
    assert sorted(os.listdir(empty)) == ["config.json", "rootfs"]

    step("whatever the umask, the files are the image's; and nothing is left of what fails")
    masked = os.path.join(folder, "masked")
    run(["sh", "-c", 'umask 077; exec "$0" bundle "$1" "$2"', SMITH, "oci:" + image, masked])
    modes = {stat.S_IMODE(os.lstat(os.path.join(at, name)).st_mode) for at, folders, files in os.walk(os.path.join(masked, "rootfs"))
             for name in folders + files if not os.path.islink(os.path.join(at, name))}
    assert modes == {0o755, 0o644}, modes
    full = os.path.join(folder, "full")
    os.mkdir(full)
    said = run(["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=100k none "$2" && "$0" bundle "$1" "$2/new"; echo $?; ls -A "$2"',
                SMITH, "oci:" + image, full])
    assert said.out == "1\n" and "No space left on device" in said.err, said

    step("the rules of a microcontainer are in it")
    with open(os.path.join(to, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    process, linux = config["process"], config["linux"]
    assert config["root"] == {"path": "rootfs", "readonly": True}
    assert not any(process["capabilities"].values()) and process["noNewPrivileges"]
    assert linux["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO" and "/proc/kcore" in linux["maskedPaths"]
    assert {"/run", "/write"} <= {m["destination"] for m in config["mounts"] if m["type"] == "tmpfs"}
    return to


@contextlib.contextmanager
def started(words):
    """smith, once its program has said that it is ready; killed in the end."""
    process = subprocess.Popen([SMITH, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait()


def tests(folder, name, *steps):
    return write(os.path.join(folder, name + ".yaml"), "schema: 1\npackage: busybox-static\ntest:\n" + "\n".join(steps) + "\n")


def main():
    name = sys.argv[1]
    need_fixture()
    if os.geteuid() != 0:
        skip("the tests do not run as root")
    with scratch() as folder:
        image = os.path.join(folder, "image")
        build(spec("busybox"), image, "--no-test")
        bundle = bundles(folder, image)
        program, flags = choose(name, os.path.join(bundle, "rootfs"), folder)
        chosen = ["--runtime", program, *[word for flag in flags for word in ("--runtime-flag", flag)]]

        step("%s runs the bundle" % name)
        said = run([program, *["--" + flag for flag in flags], "--root", os.path.join(folder, "state"), "run", "--bundle", bundle,
                    "smith-e2e-%d" % os.getpid()], timeout=60)
        assert said.out == "10\nx\n", said

        def inside(script, status=0, options=()):
            return smith("run", "oci:" + image, *chosen, *options, "--", "sh", "-c", script, status=status, timeout=60)

        step("'smith run' by %s: status, streams, /read and /write, a read-only root" % name)
        kept, given = os.path.join(folder, "kept"), os.path.join(folder, "given")
        os.mkdir(kept)
        os.chown(kept, 4711, 4711)
        os.mkdir(given)
        with open(os.path.join(given, "greeting"), "w", encoding="utf-8") as file:
            file.write("hello\n")
        said = inside("cat /read/greeting; echo oops >&2; echo kept >/write/file; exit 42", 42,
                      ["--write", kept, "--read", given])
        assert (said.out, said.err) == ("hello\n", "oops\n"), said
        assert os.stat(os.path.join(kept, "file")).st_uid == 4711
        assert inside("touch /x || touch /read/x || touch /usr/bin/x", None, ["--read", given]).status != 0
        assert inside("grep CapEff /proc/self/status").out.split()[1] == "0" * 16

        step("a signal for smith is one for the program; what has no handler dies of it")
        for script, status in (("trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done", 7),
                               ("echo ready; exec sleep 1000", 128 + signal.SIGTERM)):
            with started(["run", "oci:" + image, *chosen, "--", "sh", "-c", script]) as process:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=60)
                assert process.returncode == status, process.returncode

        step("killed, it takes the container along")
        with started(["run", "oci:" + image, *chosen, "--write", kept, "--", "sh", "-c",
                      "echo x >>/write/beats; echo ready; while :; do echo x >>/write/beats; sleep 0.05; done"]) as process:
            process.kill()
        beats = os.path.join(kept, "beats")
        for _ in range(100):
            size = os.path.getsize(beats)
            time.sleep(0.5)
            if os.path.getsize(beats) == size:
                break
        else:
            raise AssertionError("the program still runs")

        step("the tests of a spec")
        said = smith("test", "oci:" + image, "--spec", tests(folder, "runs", "  - run: [/usr/bin/busybox, id, -u]\n    stdout: \"10\"",
                                                             "  - start: true", "  - start: true\n    ready: {log: nothing}\n    timeout: 1s"),
                     *chosen, status=TEST_FAILED, timeout=120)
        assert said.out.count("ok      ") == 2 and "was not ready within 1s" in said.err, said
        if name != "runsc":   # its network is inside of it, where nobody can ask whether a port is open
            said = smith("test", "oci:" + image, *chosen, timeout=120)
            assert "ok      start, ready when HTTP answers" in said.out, said
        else:
            said = smith("test", "oci:" + image, "--spec", tests(folder, "asks", "  - start: true\n    ready: {tcp: 8080}\n    timeout: 1s"),
                         *chosen, status=TEST_FAILED, timeout=60)
            assert "only 'ready: {log: ...}' can be seen" in said.err, said
        step("what the runtime fails at is not taken for the program's own status")
        fails = tests(folder, "fails", "  - run: [/no/such/program]\n    exit: 1")
        smith("test", "oci:" + image, "--spec", fails, *chosen, status=TEST_FAILED, timeout=60)
        assert "is not a program" in smith("run", "oci:" + image, "--runtime", "/no/runtime", status=USAGE).err

        if name == "railcar":
            step("without privileges and without subordinate ids")
            home = os.path.join(folder, "home")
            prefix = somebody(home)
            ours, theirs = shutil.copy(SMITH, folder), shutil.copy(RAILCAR, folder)
            said = run([*prefix, ours, "bundle", "oci:" + image, os.path.join(home, "bundle"), "--", "id", "-u"])
            assert "subordinate ids" in said.err, said
            said = run([*prefix, theirs, "--root", os.path.join(home, "state"), "run", "--bundle",
                        os.path.join(home, "bundle"), "one"])
            assert said.out == "10\n", said


if __name__ == "__main__":
    main()
