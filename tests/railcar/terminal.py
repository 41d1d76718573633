#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Terminals: sent through a console socket, or looked after by railcar itself."""
import array
import fcntl
import os
import pty
import socket
import struct
import subprocess
import sys
import termios

import railcar


def with_terminal(box, *arguments, bend=None):
    def change(document):
        document["process"]["terminal"] = True
        document["process"]["consoleSize"] = {"height": 33, "width": 77}
        if bend:
            bend(document)
    box.configure(*arguments, bend=change)


class Console:
    """The end of a console socket that conmon has."""

    def __init__(self, box):
        self.path = os.path.join(box.folder, "console")
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(self.path)
        self.server.listen(1)

    def master(self):
        connection, _ = self.server.accept()
        fds = array.array("i")
        _, ancillary, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
        for level, kind, data in ancillary:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            fds.frombytes(data)
        connection.close()
        self.server.close()
        os.remove(self.path)
        return fds[0]


def read_all(master):
    out = b""
    while True:
        try:
            got = os.read(master, 4096)
        except OSError:   # EIO: nobody has the other end any more
            return out.decode().replace("\r", "")
        if not got:
            return out.decode().replace("\r", "")
        out += got


def through_socket(box, *arguments, bend=None):
    with_terminal(box, *arguments, bend=bend)
    console = Console(box)
    box.create("c", "--console-socket", console.path)
    master = console.master()
    rows, columns = struct.unpack("HHHH", fcntl.ioctl(master, termios.TIOCGWINSZ, b"\0" * 8))[:2]
    assert (rows, columns) == (33, 77)
    box.call("start", "c")
    text = read_all(master)
    os.close(master)
    box.wait_for("c", "stopped")
    box.call("delete", "c")
    return text


def test_console_socket(box):
    """the program's streams are a terminal of the container's own devpts, and /dev/console is that terminal"""
    assert through_socket(box, "link", "/proc/self/fd/0").strip() == "/dev/pts/0"
    console = through_socket(box, "kind", "/dev/console").split()
    assert console[2].startswith("136:"), console
    # Field 7 of stat(5), tty_nr: it is the controlling terminal, 136:0.
    assert through_socket(box, "cat", "/proc/self/stat").rsplit(")", 1)[1].split()[4] == str(136 << 8)


def test_the_terminal_belongs_to_the_user(box):
    """a program that is not root owns its terminal"""
    def somebody(document):
        document["process"]["user"] = {"uid": 77, "gid": 77}
    assert through_socket(box, "kind", "/dev/pts/0", bend=somebody).split()[1].startswith("77:")


def test_words_for_callers(box):
    """a terminal without a socket, and a socket without a terminal, are refused"""
    with_terminal(box, "pause")
    assert "cannot allocate tty" in box.refusal("create", "--bundle", box.bundle, "c")
    assert "cannot allocate tty" in box.refusal("run", "--detach", "--bundle", box.bundle, "c")
    box.configure("pause")
    assert "cannot use console socket" in box.refusal("create", "--bundle", box.bundle, "--console-socket", "/x", "c")
    assert box.names() == []


def in_terminal(box, *words):
    """Runs railcar in a terminal of ours; what it shows, and its status."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 21, 99, 0, 0))
    running = subprocess.Popen(box.command(*words), stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    status = running.wait(60)
    settings = termios.tcgetattr(slave)
    assert settings[3] & termios.ICANON, "the terminal was left raw"
    os.close(slave)
    text = read_all(master)
    os.close(master)
    return text, status


def test_run_and_exec_in_the_foreground(box):
    """run and exec --tty relay a terminal, and leave the caller's as it was"""
    with_terminal(box, "link", "/proc/self/fd/0")
    text, status = in_terminal(box, "run", "--bundle", box.bundle, "c")
    assert text.strip() == "/dev/pts/0" and status == 0, (text, status)
    box.configure("pause")
    box.run("d", "--detach")
    text, status = in_terminal(box, "exec", "--tty", "d", "/bin/probe", "link", "/proc/self/fd/2")
    assert text.strip() == "/dev/pts/0" and status == 0, (text, status)
    text, status = in_terminal(box, "exec", "--tty", "d", "/bin/probe", "exit", "9")
    assert status == 9


def test_hostile_dev(box):
    """a /dev/console or /dev/pts that is a symlink leads nowhere (CVE-2025-52565, CVE-2026-41579)"""
    canary = os.path.join(box.folder, "canary")
    with open(canary, "w", encoding="utf-8") as file:
        file.write("alive")

    def own_dev(document):   # the image's own /dev
        document["mounts"] = [m for m in document["mounts"] if not m["destination"].startswith("/dev")]
        document["mounts"].append({"destination": "/dev/pts", "type": "devpts", "source": "devpts",
                                   "options": ["newinstance", "ptmxmode=0666", "mode=0620"]})
        document["root"]["readonly"] = False
    os.symlink(canary, os.path.join(box.rootfs, "dev", "console"))
    os.chown(os.path.join(box.rootfs, "dev"), 1878982656, 1878982656)
    os.chown(box.rootfs, 1878982656, 1878982656)
    with_terminal(box, "pause", bend=own_dev)
    console = Console(box)
    said = box.refusal("create", "--bundle", box.bundle, "--console-socket", console.path, "c")
    assert "opening the terminal" in said, said
    with open(canary, encoding="utf-8") as file:
        assert file.read() == "alive"
    os.remove(os.path.join(box.rootfs, "dev", "console"))

    def no_devpts(document):   # whatever is at /dev/pts/ptmx, it is no terminal of a devpts
        own_dev(document)
        document["mounts"].pop()
    os.makedirs(os.path.join(box.rootfs, "dev", "pts"), exist_ok=True)
    os.mknod(os.path.join(box.rootfs, "dev", "pts", "ptmx"), 0o20666, os.makedev(5, 2))
    with_terminal(box, "pause", bend=no_devpts)
    assert "opening the terminal" in box.refusal("create", "--bundle", box.bundle, "--console-socket", console.path,
                                                 "c")
    console.server.close()
    assert box.names() == []


if __name__ == "__main__":
    railcar.main(sys.modules["__main__"])
