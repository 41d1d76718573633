#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""create, start, state, kill, delete, run, list, ps: the life of a container."""
import json
import os
import subprocess
import sys
import time

import railcar


def test_created_waits_and_is_small(box):
    """a created container waits in the launcher, has run nothing, and cannot be deleted without force"""
    box.configure("write", "/write/x")
    pid_file = os.path.join(box.folder, "pid")
    box.create("c", "--pid-file", pid_file)
    state = box.of("c")
    with open(pid_file, encoding="utf-8") as file:
        assert file.read() == str(state["pid"])
    assert state["status"] == "created" and state["ociVersion"].startswith("1.") and state["id"] == "c"
    assert state["bundle"] == box.bundle
    assert "smith-launcher" in os.readlink("/proc/%d/exe" % state["pid"])
    assert "not stopped: created" in box.refusal("delete", "c")
    assert box.of("c")["status"] == "created"
    box.call("delete", "--force", "c")
    assert box.names() == [] and railcar.has_ended(state["pid"])


def test_a_class_of_service_needs_resctrl(box):
    """intelRdt where resctrl is not mounted is an error, and nothing is left"""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        if " - resctrl " in file.read():
            return print("    not shown: it is mounted here")
    box.configure("pause", bend=lambda document: document["linux"].update({"intelRdt": {"schemata": ["L3:0=f"]}}))
    assert "no resctrl file system is mounted" in box.refusal("create", "--bundle", box.bundle, "c")
    assert box.names() == []


def test_start_runs_it_once(box):
    """start runs the program, once; a second start and a start of what is not there are errors"""
    box.configure("pause")
    box.create("c")
    box.call("start", "c")
    assert box.of("c")["status"] == "running"
    assert "cannot start a container that is running" in box.refusal("start", "c")
    assert box.of("c")["status"] == "running"
    assert "container does not exist" in box.refusal("start", "d")
    assert "not stopped: running" in box.refusal("delete", "c")
    box.call("kill", "c", "KILL")
    box.wait_for("c", "stopped")
    assert box.of("c")["pid"] == 0
    assert "container not running" in box.refusal("kill", "c", "KILL")
    assert "cannot start a container that is stopped" in box.refusal("start", "c")
    box.call("delete", "c")
    assert "container does not exist" in box.refusal("delete", "c")
    box.call("delete", "--force", "c")


def test_changes_of_the_bundle_do_not_matter(box):
    """what is written into config.json after create has no effect"""
    box.configure("pause")
    box.create("c")
    box.configure("exit", "3")
    box.call("start", "c")
    assert box.of("c")["status"] == "running"


def test_names_are_taken_once(box):
    """an id is taken once, whoever else tries at the same time"""
    box.configure("pause")
    racers = [subprocess.Popen(box.command("create", "--bundle", box.bundle, "same"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(8)]
    assert sorted(racer.wait(60) for racer in racers) == [0] + [1] * 7
    assert box.of("same")["status"] == "created"
    assert "already exists" in box.refusal("create", "--bundle", box.bundle, "same")


def test_a_working_directory_that_is_missing(box):
    """as with runc and crun it is made, in a read-only root too; but never through a link out of the root"""
    def mapped(document):   # by whom the root can be written to
        linux = document["linux"]
        linux["namespaces"] = [n for n in linux["namespaces"] if n["type"] != "user"]
        linux.pop("uidMappings")
        linux.pop("gidMappings")
        document["process"]["cwd"] = cwd
    os.symlink("../../../../../../../.." + box.folder, os.path.join(box.rootfs, "out"))
    for cwd in ("/app/data", "/etc//z/."):
        box.configure("names", bend=mapped)
        assert box.run("c").split()[1] == os.path.normpath(cwd), cwd
    assert os.path.isdir(os.path.join(box.rootfs, "app", "data"))
    for cwd in ("/out/nowhere", "/proc/self/fd/7/x", "/proc/nothing"):
        box.configure("names", bend=mapped)
        assert "entering the working directory" in box.refusal("run", "--bundle", box.bundle, "c")
    assert not os.path.exists(os.path.join(box.folder, "nowhere"))


def test_hostile_ids(box):
    """an id is the name of a directory, and never leads out of it"""
    box.configure("exit", "0")
    for name in ("../x", "..", ".", "a/b", "", "a" * 300, "a\nb", "/x"):
        for command in (("create", "--bundle", box.bundle), ("delete", "--force"), ("state",), ("kill",), ("start",)):
            assert "is not a container id" in box.refusal(*command, name), (command, name)
    assert box.names() == [] and not os.path.exists(os.path.join(box.folder, "x"))


def test_hostile_state_root(box):
    """a state directory that others may write to is not used"""
    os.mkdir(box.state)
    os.chmod(box.state, 0o777)
    box.configure("exit", "0")
    assert "can be written to by others" in box.refusal("run", "--bundle", box.bundle, "c")
    os.chmod(box.state, 0o700)
    os.symlink("/etc", os.path.join(box.state, "link"))
    box.refusal("state", "link")
    os.remove(os.path.join(box.state, "link"))


def test_a_failed_create_leaves_nothing(box):
    """a program that is not there is an error of create, as callers expect, and nothing is left of it"""
    box.configure("x", bend=lambda document: document["process"].update(args=["/bin/nothing"]))
    assert "No such file or directory" in box.refusal("create", "--bundle", box.bundle, "c")
    box.configure("x", bend=lambda document: document["process"].update(args=["/etc"], cwd="/"))
    box.refusal("run", "--bundle", box.bundle, "c")
    box.configure("x", bend=lambda document: document["mounts"].append(
        {"destination": "/run/x", "type": "nothing", "source": "x"}))
    box.refusal("create", "--bundle", box.bundle, "c")
    assert box.names() == []


def test_without_a_process(box):
    """a configuration without 'process' can be created, but not started"""
    box.configure("x", bend=lambda document: document.pop("process"))
    box.call("create", "--bundle", box.bundle, "c", status=None)
    if box.status == 0:
        assert "no 'process'" in box.refusal("start", "c")
        assert box.of("c")["status"] == "created"


def test_signals(box):
    """kill takes names and numbers; what waits to be started dies of what would have ended a program"""
    box.configure("handle", "10")
    for signal in ("USR1", "SIGUSR1", "10", "usr1"):
        box.run("c", "--detach")
        wait_for_line(box, "c")
        box.call("kill", "c", signal)
        box.wait_for("c", "stopped")
        box.call("delete", "c")
    assert "is not a signal" in box.refusal("kill", "c", "NOTHING")
    assert "is not a signal" in box.refusal("kill", "c", "0")
    box.create("c")
    box.call("kill", "c", "WINCH")
    assert box.of("c")["status"] == "created"
    box.call("kill", "c")
    box.wait_for("c", "stopped")


def wait_for_line(box, name):
    """Until the probe handles signals."""
    pid = box.of(name)["pid"]
    for _ in range(2000):
        with open("/proc/%d/status" % pid, encoding="utf-8") as file:
            if "SigCgt:\t0000000000000000" not in file.read():
                return
        time.sleep(0.01)


def test_run_passes_status_and_signals(box):
    """run ends as its program does, and hands it the signals that it gets"""
    box.configure("exit", "77")
    box.run("c", status=77)
    assert box.names() == []
    box.configure("handle", "12")
    running = subprocess.Popen(box.command("run", "--bundle", box.bundle, "c"), stdout=subprocess.PIPE)
    assert running.stdout.readline() == b"ready\n"
    running.send_signal(12)
    assert running.wait(60) == 42
    running.stdout.close()
    assert box.names() == []


def test_run_keeps_and_detaches(box):
    """run --keep leaves the stopped container, run --detach the running one"""
    box.configure("exit", "0")
    box.run("kept", "--keep")
    assert box.of("kept")["status"] == "stopped"
    box.configure("pause")
    box.run("free", "--detach")
    listed = json.loads(box.call("list", "--format", "json"))
    assert [(c["id"], c["status"]) for c in listed] == [("free", "running"), ("kept", "stopped")]
    assert box.call("list", "-q").split() == ["free", "kept"]
    table = box.call("list").splitlines()
    assert table[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"] and len(table) == 3
    pids = json.loads(box.call("ps", "--format", "json", "free"))
    assert pids == [box.of("free")["pid"]]


def test_kill_all(box):
    """kill --all reaches every process of the container"""
    box.configure("cling")
    box.run("c", "--detach")
    for _ in range(1000):
        if len(json.loads(box.call("ps", "--format", "json", "c"))) == 4:
            break
        time.sleep(0.01)
    box.call("kill", "--all", "c", "KILL")
    box.wait_for("c", "stopped")


def test_descriptors_are_preserved_when_asked(box):
    """the program inherits 0, 1 and 2, and with --preserve-fds as many more as were asked for"""
    box.configure("fds")

    def leak():
        null = os.open("/dev/null", os.O_RDONLY)
        for fd in (10, 3, 4):
            os.dup2(null, fd)
        os.closerange(5, 100)

    leaked = {"close_fds": False, "preexec_fn": leak}
    assert box.run("c", **leaked).split() == ["0", "1", "2"]
    assert box.run("c", "--preserve-fds", "2", **leaked).split() == ["0", "1", "2", "3", "4"]
    assert "it is not open" in box.refusal("run", "--bundle", box.bundle, "--preserve-fds", "3", "c", **leaked)


def test_the_log_is_what_callers_read(box):
    """an error is a line of JSON with level, msg and time in the file of --log"""
    log = os.path.join(box.folder, "log")
    box.refusal("--log", log, "--log-format", "json", "state", "nothing")
    with open(log, encoding="utf-8") as file:
        line = json.loads(file.read())
    assert line["level"] == "error" and line["msg"] == "container does not exist" and line["time"]


def test_as_somebody(box):
    """an ordinary user creates, starts, enters and deletes containers of their own"""
    somebody = 12345
    for at, folders, files in os.walk(box.folder):
        for name in [".", *folders, *files]:
            os.lchown(os.path.join(at, name), somebody, somebody)
    os.remove(box.config_file)
    as_somebody = {"user": somebody, "group": somebody, "extra_groups": [], "env": {"PATH": os.environ["PATH"]}}
    try:
        box.call("spec", "--rootless", "--bundle", box.bundle, "--", "/bin/probe", "pause", **as_somebody)
    except PermissionError:
        print("  left out: the build directory is closed to others")
        return
    box.call("create", "--bundle", box.bundle, "c", **as_somebody)
    box.call("start", "c", **as_somebody)
    state = json.loads(box.call("state", "c", **as_somebody))
    assert state["status"] == "running" and state["rootfs"] == box.rootfs
    assert box.call("exec", "c", "/bin/probe", "names", **as_somebody).split()[3] == "0:0"
    box.call("delete", "--force", "c", **as_somebody)
    assert box.names() == []


def test_the_other_commands(box):
    """features, --version and --help answer, and an unknown word is an error"""
    features = json.loads(box.call("features"))
    assert features["ociVersionMin"] == "1.0.0" and "poststop" in features["hooks"]
    assert features["linux"]["cgroup"]["systemd"] and "org.systemd.property." in features["potentiallyUnsafeConfigAnnotations"]
    assert {"rro", "rbind", "idmap", "nosymfollow"} < set(features["mountOptions"])
    assert "railcar version" in box.call("--version") and "exec" in box.call("--help")
    assert "unknown command" in box.refusal("what")
    assert "unknown option" in box.refusal("list", "--what")


if __name__ == "__main__":
    railcar.main(sys.modules["__main__"])
