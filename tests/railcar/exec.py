#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""exec: one more process in a container, by the container's rules."""
import json
import os
import subprocess
import sys

import railcar


def started(box, bend=None):
    box.configure("pause", bend=bend)
    box.run("c", "--detach")
    return box.of("c")["pid"]


def status_of(text):
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_it_is_in_all_namespaces(box):
    """the process is in every namespace of the container, and sees its files"""
    pid = started(box)
    for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup"):
        inside = box.call("exec", "c", "/bin/probe", "link", "/proc/self/ns/" + kind).strip()
        assert inside == os.readlink("/proc/%d/ns/%s" % (pid, kind)), kind
    assert box.call("exec", "c", "/bin/probe", "ls", "/").split() == sorted(os.listdir(box.rootfs))


def test_a_root_in_a_shared_mount_namespace(box):
    """where the container is in a mount namespace with others, the process has the container's root all the same"""
    def shared(path):
        def bend(document):
            linux = document["linux"]
            linux["namespaces"] = [n for n in linux["namespaces"] if n["type"] not in ("mount", "user", "cgroup")]
            linux["namespaces"] += [{"type": "mount", "path": path}] if path else []
            for key in ("uidMappings", "gidMappings", "maskedPaths", "readonlyPaths"):
                linux.pop(key, None)
            document["mounts"] = []
            document["hooks"] = {"startContainer": [{"path": "/bin/probe", "args": ["probe", "write", "/write/hook"]}]}
            document["root"]["readonly"] = False
        return bend
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", "echo ready; cat"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"ready\n"
        for path in (None, "/proc/%d/ns/mnt" % other.pid):
            started(box, shared(path))
            assert box.call("exec", "c", "/bin/probe", "ls", "/").split() == sorted(os.listdir(box.rootfs)), path
            assert os.listdir(box.rootfs + "/write") == ["hook"]
            assert "No such file" in box.refusal("exec", "c", "/bin/sh")
            box.call("delete", "--force", "c")
            os.remove(box.rootfs + "/write/hook")
        other.stdin.close()


def test_the_containers_rules_hold(box):
    """capabilities, no_new_privs, filter and descriptors are those of the container's own process"""
    started(box)
    said = status_of(box.call("exec", "c", "/bin/probe", "cat", "/proc/self/status"))
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert said[name] == "0" * 16, (name, said[name])
    assert said["NoNewPrivs"] == "1" and said["Seccomp"] == "2"
    assert box.call("exec", "c", "/bin/probe", "fds").split() == ["0", "1", "2"]
    assert box.call("exec", "c", "/bin/probe", "try", "mount").strip() == "EPERM"


def test_status_and_failures(box):
    """exec ends as its program does, and with 255 when there was none"""
    started(box)
    box.call("exec", "c", "/bin/probe", "exit", "7", status=7)
    box.call("exec", "c", "/nothing", status=255)
    assert "exec failed: running '/nothing'" in box.err
    box.call("exec", "d", "/bin/probe", status=255)
    assert "container does not exist" in box.err
    box.call("exec", "c", status=255)
    box.create("e")
    assert box.call("exec", "e", "/bin/probe", "names").split()[0] == "smith"
    box.call("kill", "c", "KILL")
    box.wait_for("c", "stopped")
    box.call("exec", "c", "/bin/probe", "names", status=255)
    assert "stopped container" in box.err


def cgroup_of(text, name):
    """Of /proc/PID/cgroup, the path in one hierarchy."""
    return next(line.split(":", 2)[2] for line in text.splitlines() if name in line.split(":")[1].split(","))


def test_a_cgroup_below_the_containers(box):
    """--cgroup takes a cgroup below the container's, which is there, and leads nowhere else"""
    pid = started(box)
    if box.of("c") and not os.path.isdir("/sys/fs/cgroup/pids"):
        return   # the paths below are those of version 1
    with open("/proc/%d/cgroup" % pid, encoding="utf-8") as file:
        own = "/sys/fs/cgroup/pids" + cgroup_of(file.read(), "pids")
    os.mkdir(own + "/inner")
    box.call("exec", "--detach", "--pid-file", box.folder + "/pid", "--cgroup", "pids:/inner", "c", "/bin/probe", "pause")
    with open(box.folder + "/pid", encoding="utf-8") as file, open(own + "/inner/cgroup.procs", encoding="utf-8") as inside:
        assert file.read() in inside.read().split()
    for bad, words in (("pids:../..", "is not below"), ("pids:/nowhere", "has no cgroup"), ("nothing:/inner", "has no cgroup of")):
        assert words in box.refusal("exec", "--cgroup", bad, "c", "/bin/probe", "names")
    box.call("delete", "--force", "c")
    assert not os.path.exists(own)


def test_options(box):
    """--cwd, --env, --user, --additional-gids, --cap, --no-new-privs say what is different"""
    def more_rights(document):
        document["process"]["noNewPrivileges"] = False
    started(box, more_rights)
    assert box.call("exec", "--cwd", "/etc", "c", "/bin/probe", "names").split()[1] == "/etc"
    assert "A=1" in box.call("exec", "--env", "A=1", "c", "/bin/probe", "cat", "/proc/self/environ").split("\0")
    said = status_of(box.call("exec", "--user", "5:6", "-g", "7", "-g", "8", "c", "/bin/probe", "cat",
                              "/proc/self/status"))
    assert said["Uid"].split() == ["5"] * 4 and said["Gid"].split() == ["6"] * 4 and said["Groups"].split() == ["7", "8"]
    said = status_of(box.call("exec", "--cap", "CAP_KILL", "--no-new-privs", "c", "/bin/probe", "cat",
                              "/proc/self/status"))
    # As root a permitted capability comes back with execve; never an inheritable or ambient one (CVE-2022-27650).
    assert said["CapBnd"] == said["CapPrm"] == said["CapEff"] == "%016x" % (1 << 5)
    assert said["CapInh"] == said["CapAmb"] == "0" * 16 and said["NoNewPrivs"] == "1"
    said = status_of(box.call("exec", "--user", "5", "--cap", "CAP_KILL", "c", "/bin/probe", "cat",
                              "/proc/self/status"))
    assert said["CapPrm"] == said["CapEff"] == said["CapInh"] == said["CapAmb"] == "0" * 16


def test_process_file(box):
    """--process takes a file as 'process' of a configuration; the capabilities that it lacks are the container's"""
    started(box)
    path = os.path.join(box.folder, "process.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"args": ["/bin/probe", "names"], "cwd": "/etc", "user": {"uid": 3, "gid": 4, "umask": 7}}, file)
    assert box.call("exec", "--process", path, "c").split() == ["smith", "/etc", "2", "3:4", "7"]


def test_detached(box):
    """--detach comes back at once, --pid-file says who it is"""
    started(box)
    path = os.path.join(box.folder, "pid")
    box.call("exec", "--detach", "--pid-file", path, "c", "/bin/probe", "pause")
    with open(path, encoding="utf-8") as file:
        pid = int(file.read())
    assert pid in json.loads(box.call("ps", "--format", "json", "c"))
    box.call("delete", "--force", "c")
    assert railcar.has_ended(pid)


def test_hostile_users(box):
    """a user is digits, nothing else (CVE-2026-30892)"""
    started(box)
    for user in ("0 ", "+0", "4294967296", "-1", "root", "0:", ":0", "4294967295", "1:-1", "0x0"):
        said = box.refusal("exec", "--user=" + user, "c", "/bin/probe", "names")
        assert "is not a user" in said, (user, said)
    assert "is not mapped" in box.refusal("exec", "--user", "70000", "c", "/bin/probe", "names")


def test_hostile_cwd(box):
    """a working directory through /proc's links is refused (CVE-2024-21626)"""
    started(box)
    for fd in range(3, 21):
        said = box.refusal("exec", "--cwd", "/proc/self/fd/%d" % fd, "c", "/bin/probe", "names")
        assert "entering the working directory" in said, said


def test_hostile_self_exe(box):
    """whoever executes /proc/self/exe finds the launcher, not railcar (CVE-2019-5736)"""
    with open(railcar.RAILCAR, "rb") as file:
        before = file.read()
    evil = os.path.join(box.rootfs, "bin", "evil")
    with open(evil, "w", encoding="utf-8") as file:
        file.write("#!/proc/self/exe\n")
    os.chmod(evil, 0o755)
    started(box)
    for program in ("/bin/evil", "/proc/self/exe"):
        box.call("exec", "c", program, "state", status=127)
    with open(railcar.RAILCAR, "rb") as file:
        assert file.read() == before


def test_hostile_tracer(box):
    """where a container may trace us, we run from a sealed copy (CVE-2019-5736)"""
    def may_trace(document):
        document["linux"]["namespaces"] = [n for n in document["linux"]["namespaces"] if n["type"] != "user"]
        document["linux"].pop("uidMappings")
        document["linux"].pop("gidMappings")
        document["process"]["capabilities"]["bounding"] = ["CAP_SYS_PTRACE"]
    started(box, may_trace)
    running = subprocess.Popen(box.command("exec", "c", "/bin/probe", "pause"), stdout=subprocess.PIPE)
    assert running.stdout.readline() == b"ready\n"
    assert os.readlink("/proc/%d/exe" % running.pid).startswith("/memfd:railcar")
    running.kill()
    running.wait()
    running.stdout.close()


def test_input_and_output_are_pipes(box):
    """what is written to exec's standard input is read inside"""
    started(box)
    done = subprocess.run(box.command("exec", "c", "/bin/probe", "cat", "/proc/self/fd/0"), input=b"hello",
                          stdout=subprocess.PIPE, check=True, timeout=60)
    assert done.stdout == b"hello", done.stdout


def test_labels_that_nobody_enforces(box):
    """a profile or label on a machine without its security module is an error, not a container without it"""
    if os.path.exists("/sys/module/apparmor") or os.path.exists("/sys/fs/selinux/enforce"):
        print("  left out: there is a security module here")
        return
    box.configure("pause")
    box.create("plain")
    box.call("start", "plain")
    said = box.refusal("exec", "--apparmor", "strict", "plain", "/bin/probe", "exit", "0")
    assert "'process.apparmorProfile' is 'strict', but there is no AppArmor" in said, said
    said = box.refusal("exec", "--process-label", "a:b:c", "plain", "/bin/probe", "exit", "0")
    assert "'process.selinuxLabel' is 'a:b:c', but there is no SELinux" in said, said
    # What everybody is without AppArmor can be asked for.
    box.call("exec", "--apparmor", "unconfined", "plain", "/bin/probe", "exit", "0")
    for key, module in (("apparmorProfile", "AppArmor"), ("selinuxLabel", "SELinux")):
        box.configure("exit", "0", bend=lambda document, key=key: document["process"].update({key: "strict"}))
        said = box.refusal("create", "--bundle", box.bundle, "labelled")
        assert "there is no %s on this machine" % module in said, said


if __name__ == "__main__":
    railcar.main(sys.modules["__main__"])
