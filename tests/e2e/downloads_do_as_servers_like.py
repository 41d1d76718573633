#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Downloads: many at a time over one connection of HTTP/2; over HTTP/1.1 never more than six to one host; what broke goes on
where it stopped; and a terminal shows of all together how much there is, how fast it comes and when it is done."""
import contextlib
import os
import pty
import re
import socket
import subprocess
import threading
import time

from e2e import FIXTURE, SMITH, Mirror, need_fixture, need_tools, read, scratch, smith, spec, step, write
from repositories_as_users_have_them import certificates

KEY = "file://" + os.path.join(FIXTURE, "RPM-GPG-KEY-test")
AT_MOST = 6   # base/http.h, parallel_per_host


class Slow(Mirror):
    """Takes a moment for each package, counts who waits, and hangs up in the middle of one, once."""

    def __init__(self, folder, seconds, broken=""):
        super().__init__(folder)
        self.seconds, self.broken, self.ranges = seconds, broken, []
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def answer(self, request):
        if not request.path.endswith(".rpm"):
            return super().answer(request)
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            if self.broken and self.broken in request.path:
                self.ranges.append(request.headers.get("Range"))
                if len(self.ranges) == 1:
                    body = read(FIXTURE + request.path)
                    request.send_response(200)
                    request.send_header("Content-Length", str(len(body)))
                    request.end_headers()
                    request.wfile.write(body[:len(body) // 2])
                    request.close_connection = True
                    return
            time.sleep(self.seconds)
            super().answer(request)
        finally:
            with self.lock:
                self.now -= 1


@contextlib.contextmanager
def http2(name):
    """The fixture over HTTP/2 and nothing else. Yields its URL, and a function that gives its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(name("nghttpd.log"), "wb") as log:
        server = subprocess.Popen(["nghttpd", "-v", "-a", "127.0.0.1", "-d", FIXTURE, str(port), name("server.key"),
                                   name("server.pem")], stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(200):
            with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield "https://localhost:%d/" % port, lambda: read(name("nghttpd.log")).decode("utf-8", "replace")
    finally:
        server.terminate()
        server.wait()


def repo(folder, name, url, *lines):
    return write(os.path.join(folder, name + ".repo"), "[fixture]\nname=%s\nbaseurl=%s\ngpgkey=%s\n" % (name, url, KEY) +
                 "".join(line + "\n" for line in lines))


def main():
    need_fixture()
    need_tools("openssl", "nghttpd")
    with scratch() as folder:
        def at(name):
            return os.path.join(folder, name)

        def fetch(name, repos, *more):
            return ["fetch", spec("curl"), "--repo-file", repos, "--lock", at(name + ".lock"), "--cache-dir", at(name), *more]

        step("HTTP/2, where the server has it: few connections for many requests")
        os.makedirs(at("tls"))
        name = certificates(at("tls"))
        with http2(name) as (url, log):
            smith(*fetch("h2", repo(folder, "h2", url, "sslcacert=" + name("ca.pem"))))
            asked = re.findall(r"\[id=(\d+)\][^\n]*recv \(stream_id=\d+\) :path: \S+\.rpm", re.sub(r"\x1b\[[0-9;]*m", "", log()))
        assert len(asked) >= 20 and len(set(asked)) <= 2, (len(asked), set(asked), log()[-2000:])

        step("HTTP/1.1: several at a time, at most %d to a host" % AT_MOST)
        with Slow(FIXTURE, 0.05) as server:
            smith(*fetch("many", repo(folder, "many", server.url)))
            assert 1 < server.most <= AT_MOST, server.most

        step("what broke goes on where it stopped, and nothing is sent twice")
        with Slow(FIXTURE, 0, broken="libcurl4-") as server:
            smith(*fetch("broken", repo(folder, "broken", server.url)))
            assert len(server.ranges) == 2 and server.ranges[0] is None, server.ranges
            first = int(re.fullmatch(r"bytes=(\d+)-", server.ranges[1]).group(1))
            assert 0 < first and server.whole.count(next(n for n in server.whole if n.startswith("libcurl4-"))) == 1

        step("a terminal shows all of it together, how fast it comes, and how long it will take")
        with Slow(FIXTURE, 0.15) as server:
            repos = repo(folder, "slow", server.url)
            pid, terminal = pty.fork()
            if pid == 0:
                os.execve(SMITH, [SMITH, *fetch("slow", repos)], dict(os.environ, TERM="xterm"))
            shown = b""
            with contextlib.suppress(OSError):
                while some := os.read(terminal, 65536):
                    shown += some
            os.close(terminal)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
        lines = [line.decode() for line in shown.split(b"\r\x1b[K")]
        whole = [re.match(r"packages \[.*\] +\d+%  \S+( \S+)?/(\S+ \S+|\S+)  .*/s  .* left", line) for line in lines]
        assert any(whole), lines
        assert len({m.group(2) for m in whole if m}) == 1, lines   # one total, whatever is on its way


if __name__ == "__main__":
    main()
