#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""On a terminal nothing of an image's names or of a program's output is obeyed."""
import os
import pty

from cli import SMITH, environment, scratch, smith, step


def on_terminal(*args):
    """Everything that smith writes to a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(SMITH, [SMITH, *args], environment(TERM="xterm"))
    shown = b""
    while True:
        try:
            some = os.read(terminal, 65536)
        except OSError:                                      # the other side is gone
            break
        if not some:
            break
        shown += some
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    os.close(terminal)
    return shown.replace(b"\r\n", b"\n")


def main():
    with scratch():
        with open(b"rootfs/\x1b[31mred\x07", "wb"):
            pass
        step("a build ends with its digest on a line of its own")
        lines = on_terminal("build", "app.yaml").replace(b"\r\x1b[K", b"").split(b"\n")
        assert lines[-2].startswith(b"sha256:"), lines
        step("names are quoted for a terminal, and bytes in a pipe")
        assert b"'/\\x1b[31mred\\x07'\n" in on_terminal("ls", "app"), on_terminal("ls", "app")
        assert "/\x1b[31mred\x07\n" in smith("ls", "app").out
        for args in (("inspect", "app"), ("why", "/\x1b[31mred\x07", "app"), ("-v", "build", "app.yaml")):
            assert b"\x1b[31m" not in on_terminal(*args), args


if __name__ == "__main__":
    main()
