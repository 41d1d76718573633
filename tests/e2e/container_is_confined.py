#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smith run` gives a program a read-only root, three places to write or read, and nothing of the host.

    container_is_confined.py root|somebody      who runs it
"""
import os
import shutil
import signal
import subprocess
import sys
import time

from e2e import SMITH, SOMEBODY, build, run, scratch, skip, somebody, spec, step


def mounts():
    """Those below directories of smith's or of this test; other tests have theirs."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return sorted(at for at in (line.split()[4] for line in file) if "smith" in at)


def cgroups():
    """Those of containers that smith runs; other tests have theirs."""
    return sorted(at for at, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(at).startswith("smith-"))


def main():
    who = sys.argv[1]
    if who == "root" and os.geteuid() != 0:
        skip("the tests do not run as root")
    with scratch() as folder:
        image = os.path.join(folder, "image")
        build(spec("busybox"), image, "--no-test")
        home = os.path.join(folder, "home")
        os.makedirs(os.path.join(home, "kept"))
        os.makedirs(os.path.join(home, "given"))
        with open(os.path.join(home, "given", "greeting"), "w", encoding="utf-8") as file:
            file.write("hello\n")
        prefix, program = [], SMITH
        if who == "somebody":
            prefix = somebody(home)
            program = shutil.copy(SMITH, os.path.join(folder, "smith"))
            os.chown(os.path.join(home, "kept"), SOMEBODY, SOMEBODY) if prefix else None
        before = mounts(), cgroups(), sorted(os.listdir(home))

        def inside(script, status=0, options=()):
            """Runs a shell script in the container."""
            return run([*prefix, program, "run", "oci:" + image, *options, "--", "sh", "-c", script], status=status, timeout=60)

        kept, given = ("--write", os.path.join(home, "kept")), ("--read", os.path.join(home, "given"))

        step("the image's user, and no capability, no way to get one, a filter")
        assert inside("id -u; id -g").out == "10\n10\n"
        status = dict(line.split(":\t", 1) for line in inside("cat /proc/self/status").out.splitlines() if ":\t" in line)
        for field in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(status[field], 16) == 0, (field, status[field])
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status
        assert status["Groups"].strip() in ("", "10", "65534"), status["Groups"]

        step("a root that is read-only, all of it")
        for path in "/ /usr/bin /dev /proc/sys /sys /read".split():
            said = inside("echo x >%s/new" % path, status=None, options=given)
            assert said.status != 0, "%s can be written to" % path
        step("/run for scratch, /write to keep, /read to read")
        assert inside("echo x >/run/x && cat /run/x").out == "x\n"
        inside("echo kept >/write/file", options=kept)
        assert inside("cat /write/file", options=kept).out == "kept\n"
        with open(os.path.join(home, "kept", "file"), encoding="utf-8") as file:
            assert file.read() == "kept\n"
        assert inside("cat /read/greeting", options=given).out == "hello\n"

        step("none of the host's processes, interfaces, names or devices")
        assert inside("echo $$").out == "1\n"
        numbers = [n for n in inside("echo /proc/[0-9]*").out.split()]
        assert numbers == ["/proc/1"], numbers
        devices = [line.split(":")[0].strip() for line in inside("cat /proc/net/dev").out.splitlines()[2:]]
        assert devices == ["lo"], devices
        allowed = set("null zero full random urandom tty console ptmx pts shm mqueue fd stdin stdout stderr core".split())
        assert set(inside("ls /dev").out.split()) <= allowed
        assert inside("hostname").out.strip() != os.uname().nodename
        for secret in ("/proc/kcore", "/proc/keys", "/proc/timer_list"):
            assert inside("cat %s 2>/dev/null | head -c 10" % secret).out == "", secret
        assert inside("mount -t tmpfs none /run", status=None).status != 0
        assert inside("unshare -U true || unshare -r true", status=None).status != 0, "a user namespace of its own"

        step("nothing of smith's own: descriptors and environment")
        opened = inside("ls /proc/self/fd").out.split()
        assert set(opened) <= {"0", "1", "2", "3"}, opened       # 3 is the folder that ls itself reads
        said = run([*prefix, "env", "SECRET=1", program, "run", "oci:" + image, "--", "env"]).out
        assert "SECRET" not in said and "HOME=" in said, said

        step("the status of the program, and of a signal that ends it")
        inside("exit 42", status=42)
        inside("kill -KILL $$; exit 3", status=3)                # who is process 1 is not killed by its own
        process = subprocess.Popen([*prefix, program, "run", "oci:" + image, "--", "sh", "-c",
                                    "trap 'echo told; exit 7' TERM; echo ready; while :; do sleep 0.1; done"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout.readline() == b"ready\n", process.stderr.read()
        step("a signal for smith is a signal for the program")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert (out, process.returncode) == (b"told\n", 7), (out, err, process.returncode)

        step("killed, it takes the program along")
        process = subprocess.Popen([*prefix, program, "run", "oci:" + image, *kept, "--", "sh", "-c",
                                    "echo x >>/write/beats; echo ready; while :; do echo x >>/write/beats; sleep 0.05; done"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdout.readline() == b"ready\n"
        process.kill()
        process.wait()
        time.sleep(0.5)
        beats = os.path.getsize(os.path.join(home, "kept", "beats"))
        time.sleep(0.5)
        assert os.path.getsize(os.path.join(home, "kept", "beats")) == beats, "the program still runs"

        step("nothing is left behind: mounts, cgroups, files")
        after = mounts(), cgroups(), sorted(set(os.listdir(home)) - {"cache"})
        for was, now in zip(before, after):
            assert was == now, "left: %s" % sorted(set(now) - set(was))


if __name__ == "__main__":
    main()
