#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hooks: when, where, with what to read, in what environment, and what happens when one fails."""
import json
import os
import sys

import railcar

KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def shell(command, **more):
    return dict({"path": "/bin/sh", "args": ["sh", "-c", command]}, **more)


def note(box, kind):
    """A hook that writes down that it ran, its state and its environment."""
    log = os.path.join(box.folder, "log")
    return shell("s=$(cat); echo \"%s $s\" >> %s; env > %s.env" % (kind, log, os.path.join(box.folder, kind)))


def log_of(box):
    with open(os.path.join(box.folder, "log"), encoding="utf-8") as file:
        lines = [line.split(" ", 1) for line in file.read().splitlines()]
    return [(kind, json.loads(state)) for kind, state in lines]


def with_hooks(box, hooks, *arguments):
    os.chmod(box.folder, 0o777)   # createContainer hooks are of the container's user namespace
    with open(os.path.join(box.folder, "log"), "a", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o666)
    box.configure(*(arguments or ("pause",)), bend=lambda document: document.update(hooks=hooks))


def test_order_and_state(box):
    """five kinds run in their order, each with the state to read"""
    with_hooks(box, {kind: [note(box, kind)] for kind in KINDS if kind != "startContainer"})
    box.create("c")
    assert [kind for kind, _ in log_of(box)] == ["prestart", "createRuntime", "createContainer"], log_of(box)
    box.call("start", "c")
    box.call("kill", "c", "KILL")
    box.wait_for("c", "stopped")
    box.call("delete", "c")
    said = log_of(box)
    assert [kind for kind, _ in said] == ["prestart", "createRuntime", "createContainer", "poststart", "poststop"]
    assert [state["status"] for _, state in said] == ["created", "creating", "creating", "running",
                                                    "stopped"]
    for _, state in said:
        assert state["id"] == "c" and state["bundle"] == box.bundle and state["ociVersion"].startswith("1.")
    assert said[0][1]["pid"] > 1


def test_environment(box):
    """a hook has the environment of the configuration, and nothing of the caller's"""
    with_hooks(box, {"prestart": [dict(note(box, "prestart"), env=["A=1", "PATH=/usr/bin:/bin"])],
                     "createContainer": [dict(note(box, "createContainer"), env=["B=2", "PATH=/usr/bin:/bin"])]})
    box.call("create", "--bundle", box.bundle, "c", env=dict(os.environ, SECRET="x"))
    for kind, expected in (("prestart", "A=1"), ("createContainer", "B=2")):
        with open(os.path.join(box.folder, kind + ".env"), encoding="utf-8") as file:
            lines = set(file.read().split("\n")) - {""}
        # What a shell makes itself.
        lines = {line for line in lines if line.split("=")[0] not in ("PWD", "SHLVL", "_", "OLDPWD")}
        assert lines == {expected, "PATH=/usr/bin:/bin"}, lines


def test_namespaces(box):
    """createRuntime hooks are in the runtime's namespaces, createContainer hooks in the container's"""
    with_hooks(box, {kind: [shell("readlink /proc/self/ns/mnt /proc/self/ns/net > %s/%s.ns" % (box.folder, kind))]
                     for kind in ("createRuntime", "createContainer")})
    box.create("c")
    found = {}
    for kind in ("createRuntime", "createContainer"):
        with open(os.path.join(box.folder, kind + ".ns"), encoding="utf-8") as file:
            found[kind] = file.read().split()
    pid = box.of("c")["pid"]
    assert found["createRuntime"] == [os.readlink("/proc/self/ns/" + kind) for kind in ("mnt", "net")]
    assert found["createContainer"] == [os.readlink("/proc/%d/ns/%s" % (pid, kind)) for kind in ("mnt", "net")]


def test_start_container(box):
    """startContainer hooks are programs of the container, run before its own"""
    hook = {"path": "/bin/probe", "args": ["/bin/probe", "write", "/write/hook"]}
    with_hooks(box, {"startContainer": [hook]}, "cat", "/write/hook")
    assert box.run("c") == "x"
    bad = {"path": "/bin/probe", "args": ["/bin/probe", "exit", "4"]}
    with_hooks(box, {"startContainer": [bad]})
    box.create("d")
    assert "ended with status 4" in box.refusal("start", "d")
    box.wait_for("d", "stopped")


def test_failures(box):
    """a hook that fails before the start leaves no container; poststart stops it; poststop is a warning"""
    for kind in ("prestart", "createRuntime", "createContainer"):
        with_hooks(box, {kind: [shell("exit 3")], "poststop": [note(box, "poststop")]})
        said = box.refusal("create", "--bundle", box.bundle, "c")
        assert "%s hook '/bin/sh' ended with status 3" % kind in said, said
        assert box.names() == []
    assert [kind for kind, _ in log_of(box)] == ["poststop"] * 3
    with_hooks(box, {"poststart": [shell("kill -9 $$")]})
    box.create("c")
    assert "poststart hook '/bin/sh' was killed by signal 9" in box.refusal("start", "c")
    box.wait_for("c", "stopped")
    with_hooks(box, {"poststop": [shell("exit 1"), note(box, "poststop")]}, "exit", "0")
    box.run("d")
    assert "warning: the poststop hook '/bin/sh' ended with status 1" in box.err
    assert len(log_of(box)) == 4 and box.names() == ["c"]


def test_timeout(box):
    """a hook that does not end in its time is killed"""
    for kind in ("createRuntime", "createContainer"):
        with_hooks(box, {kind: [{"path": "/bin/sleep", "args": ["sleep", "1000"], "timeout": 1}]})
        assert "did not end in time" in box.refusal("create", "--bundle", box.bundle, "c")
        assert box.names() == []


if __name__ == "__main__":
    railcar.main(sys.modules["__main__"])
