#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in the middle of a download: smith dies of the signal and leaves nothing half done."""
import gzip
import hashlib
import http.server
import os
import signal
import subprocess
import threading
import time

from cli import SMITH, environment, scratch, step, write

PRIMARY = gzip.compress(b"<metadata/>" + os.urandom(100000), mtime=0)
REPOMD = """<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision><data type="primary">
<checksum type="sha256">%s</checksum><location href="repodata/primary.xml.gz"/><size>%d</size></data></repomd>
""" % (hashlib.sha256(PRIMARY).hexdigest(), len(PRIMARY))


class Stalling(http.server.BaseHTTPRequestHandler):
    """Sends repomd.xml, and a half of primary.xml."""
    stalled = threading.Event()
    over = threading.Event()

    def do_GET(self):
        if self.path.endswith("repomd.xml"):
            self.answer(REPOMD.encode(), len(REPOMD))
            return
        self.answer(PRIMARY[:len(PRIMARY) // 2], len(PRIMARY))
        self.stalled.set()
        self.over.wait()

    def answer(self, body, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        pass


def temporaries(folder):
    return [os.path.join(at, f) for at, _, files in os.walk(folder) for f in files if f.startswith(".tmp-")]


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d/" % server.server_address[1]

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with scratch() as folder:
            step(signal.Signals(number).name)
            write("net.yaml", "schema: 1\npackage: x\npaths: [/x]\n")
            before = sorted(os.listdir(folder))
            Stalling.stalled.clear()
            process = subprocess.Popen([SMITH, "build", "net.yaml", "--repo", "r=" + url], env=environment(),
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            assert Stalling.stalled.wait(30), process.communicate(timeout=30)
            deadline = time.monotonic() + 30
            while not temporaries(folder) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert temporaries(folder), "nothing under way that could be left behind"
            process.send_signal(number)
            out, err = process.communicate(timeout=30)
            assert process.returncode == -number, (process.returncode, out, err)
            assert out == b"" and err == b"", (out, err)
            assert not temporaries(folder), temporaries(folder)
            assert sorted(os.listdir(folder)) == sorted(before + ["cache"]), os.listdir(folder)

    step("a signal that was ignored from the start stays ignored")
    with scratch():
        process = subprocess.Popen(["sh", "-c", 'trap "" INT; exec "$@"', "sh", SMITH, "build", "app.yaml"],
                                   env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(20):
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            time.sleep(0.005)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0 and out.startswith(b"sha256:"), (process.returncode, out, err)
    Stalling.over.set()
    server.shutdown()


if __name__ == "__main__":
    main()
