#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""System calls that somebody outside answers (SCMP_ACT_NOTIFY), and the flags of filters."""
import contextlib
import errno
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import railcar

RECEIVE, SEND = 0xC0502100, 0xC0182101   # SECCOMP_IOCTL_NOTIF_RECV, _SEND
CONTINUE = 1                             # SECCOMP_USER_NOTIF_FLAG_CONTINUE
CHOWN = ["chown", "fchownat"]


class Agent:
    """Answers what a filter asks: with an errno, or by letting the call go on (None)."""

    def __init__(self, folder, answer):
        self.path = os.path.join(folder, "agent.sock")
        self.answer, self.states, self.calls = answer, [], []
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(self.path)
        self.server.listen(8)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            text, descriptors = b"", []
            while True:   # to the end: exactly one state comes, and the connection is closed behind it
                data, fds, _, _ = socket.recv_fds(connection, 1 << 16, 4)
                descriptors += fds
                if not data:
                    break
                text += data
            connection.close()
            self.states.append(json.loads(text))
            assert len(descriptors) == 1, descriptors
            threading.Thread(target=self.serve, args=(descriptors[0],), daemon=True).start()

    def told(self, count):
        """The states that came, once there are `count`: the agent reads while railcar goes on."""
        for _ in range(2000):
            if len(self.states) >= count:
                break
            time.sleep(0.01)
        assert len(self.states) == count, self.states
        return self.states

    def serve(self, fd):
        with contextlib.suppress(OSError):   # ENOENT: the caller was killed, or is no more
            while True:
                notice = bytearray(80)
                fcntl.ioctl(fd, RECEIVE, notice)
                number, = struct.unpack_from("=Q", notice)
                self.calls.append(struct.unpack_from("=i", notice, 16)[0])
                error, flags = (0, CONTINUE) if self.answer is None else (-self.answer, 0)
                fcntl.ioctl(fd, SEND, bytearray(struct.pack("=QqiI", number, 0, error, flags)))


@contextlib.contextmanager
def agent(box, answer):
    made = Agent(box.folder, answer)
    try:
        yield made
    finally:
        made.server.shutdown(socket.SHUT_RDWR)   # ends accept, whose descriptor's number may be another's soon
        made.thread.join()
        made.server.close()
        os.unlink(made.path)


def notifying(path, names=None, flags=(), no_new_privileges=True):
    """Bends a document: `names` are for the agent at `path`; without names every call is."""
    def bend(document):
        filter_ = {"defaultAction": "SCMP_ACT_ALLOW" if names else "SCMP_ACT_NOTIFY", "flags": list(flags),
                   "listenerPath": path, "listenerMetadata": "for the agent"}
        if names:
            filter_["syscalls"] = [{"names": names, "action": "SCMP_ACT_NOTIFY"}]
        document["linux"]["seccomp"] = filter_
        document["process"]["noNewPrivileges"] = no_new_privileges
    return bend


def test_an_agent_answers(box):
    """The agent gets the state and one descriptor, and what it answers is what the program sees."""
    for number, no_new_privileges in enumerate((True, False)):
        with agent(box, errno.EXFULL) as made:
            box.configure("try", "chown", bend=notifying(made.path, CHOWN, no_new_privileges=no_new_privileges))
            assert box.run("asked%d" % number) == "EXFULL\n"
            state, = made.told(1)
            assert state["fds"] == ["seccompFd"] and state["metadata"] == "for the agent", state
            assert state["state"]["id"] == "asked%d" % number and state["state"]["status"] == "creating", state
            assert state["pid"] == state["state"]["pid"] > 0, state
            assert made.calls, "no call arrived"


def test_created_and_started(box):
    """What waits between create and start waits with its filter."""
    with agent(box, errno.EXFULL) as made:
        box.configure("try", "chown", bend=notifying(made.path, CHOWN))
        with open(os.path.join(box.folder, "out"), "w+", encoding="utf-8") as out:
            subprocess.run(box.command("create", "--bundle", box.bundle, "two"), stdout=out, check=True)
            made.told(1)
            box.call("start", "two")
            box.wait_for("two", "stopped")
            out.seek(0)
            assert out.read() == "EXFULL\n"
        box.call("delete", "two")


def test_every_call_may_wait(box):
    """When each system call waits for the agent, those between the filter and the program too, all of them go on."""
    for no_new_privileges in (True, False):
        with agent(box, None) as made:
            box.configure("exit", "7", bend=notifying(made.path, no_new_privileges=no_new_privileges))
            box.run("all", status=7)
            assert len(made.calls) > 5, made.calls


def test_exec_tells_the_agent_too(box):
    """Each process that exec adds has a listener of its own, and no child that nobody waits for."""
    with agent(box, errno.EXFULL) as made:
        box.configure("pause", bend=notifying(made.path, CHOWN))
        box.create("more")
        box.call("start", "more")
        assert box.call("exec", "more", "/bin/probe", "try", "chown") == "EXFULL\n"
        first, second = made.told(2)
        assert second["state"]["status"] == "running" and second["pid"] != first["pid"], second
        assert second["state"]["pid"] == first["pid"], second
        assert json.loads(box.call("ps", "--format", "json", "more")) == [first["pid"]]


def test_hostile_nobody_listens(box):
    """A listener that is not there, or does not want it: create says so, and nothing is left."""
    path = os.path.join(box.folder, "nobody.sock")
    for no_new_privileges in (True, False):
        box.configure("exit", "0", bend=notifying(path, CHOWN, no_new_privileges=no_new_privileges))
        said = box.refusal("create", "--bundle", box.bundle, "alone")
        assert "sending the seccomp listener to '%s': No such file or directory" % path in said, said
        assert not box.names(), box.names()
    box.configure("pause")
    box.create("plain")
    box.call("start", "plain")
    assert "container not running" not in box.call("state", "plain")


def test_hostile_listener_hangs_up(box):
    """A listener that closes at once does not kill railcar: it says so, or the container runs with nobody to ask."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(os.path.join(box.folder, "rude.sock"))
    server.listen(8)

    def hang_up():
        while True:
            try:
                server.accept()[0].close()
            except OSError:
                return
    thread = threading.Thread(target=hang_up, daemon=True)
    thread.start()
    box.configure("exit", "5", bend=notifying(os.path.join(box.folder, "rude.sock"), CHOWN))
    for number in range(10):
        box.run("rude%d" % number, status=None)
        assert box.status == 5 or (box.status == 1 and "Broken pipe" in box.err), (box.status, box.err)
    server.shutdown(socket.SHUT_RDWR)
    thread.join()
    server.close()
    assert not box.names(), box.names()


def test_a_failure_before_the_filter_is_told_as_ever(box):
    """The courier does not keep railcar waiting for a process that ended before its filter was loaded."""
    def bend(document):
        notifying(os.path.join(box.folder, "unused.sock"), CHOWN)(document)
        document["process"]["cwd"] = "/not/there/proc/self/fd"
        document["root"]["readonly"] = True
        document["mounts"].append({"destination": "/nowhere", "type": "tmpfs", "options": ["size=nonsense"]})
    box.configure("exit", "0", bend=bend)
    said = box.refusal("create", "--bundle", box.bundle, "early")
    assert "mounting tmpfs on '/nowhere'" in said, said


def test_flags(box):
    """LOG, SPEC_ALLOW and TSYNC are taken with every filter, WAIT_KILLABLE_RECV with those that have a listener."""
    plain = ["SECCOMP_FILTER_FLAG_" + name for name in ("LOG", "SPEC_ALLOW", "TSYNC")]
    killable = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"

    def bend(document):
        document["linux"]["seccomp"]["flags"] = plain
    box.configure("exit", "3", bend=bend)
    box.run("flags", status=3)
    with agent(box, errno.EXFULL) as made:
        box.configure("try", "chown", bend=notifying(made.path, CHOWN, flags=[*plain, killable]))
        assert box.run("killable") == "EXFULL\n"

    def alone(document):
        document["linux"]["seccomp"]["flags"] = [killable]
    box.configure("exit", "0", bend=alone)
    assert "SCMP_ACT_NOTIFY" in box.refusal("create", "--bundle", box.bundle, "wrong")


if __name__ == "__main__":
    railcar.main(sys.modules[__name__])
