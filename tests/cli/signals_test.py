#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in the middle of a download, or of a test: smith dies of the signal and leaves nothing half done."""
import contextlib
import glob
import gzip
import hashlib
import http.server
import os
import signal
import subprocess
import threading
import time

from cli import SMITH, environment, scratch, smith, step, write

FIXTURE = os.environ.get("SMITH_FIXTURE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "smith-fixture", "repo")

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


def litter(folder):
    """Temporary files and containers' folders."""
    return [os.path.join(at, name) for at, folders, files in os.walk(folder) for name in folders + files
            if name.startswith((".tmp-", "bundle-"))]


def mind_all_signals():
    """Under nohup(1) the tests inherit that SIGHUP is ignored, and smith leaves what is ignored so."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def start(*args, preexec_fn=mind_all_signals):
    return subprocess.Popen([SMITH, *args], env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, preexec_fn=preexec_fn)


def ends_of(process, number):
    """Sends signal `number`, of which the process must die without a word."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == -number, (process.returncode, out, err)
    assert out == b"" and err == b"", (out, err)


def in_a_download(url, number):
    with scratch() as folder:
        write("net.yaml", "schema: 1\npackage: x\npaths: [/x]\n")
        before = sorted(os.listdir(folder))
        Stalling.stalled.clear()
        process = start("build", "net.yaml", "--repo", "r=" + url)
        assert Stalling.stalled.wait(30), process.communicate(timeout=30)
        ends_of(process, number)
        assert not litter(folder), litter(folder)
        assert sorted(os.listdir(folder)) == sorted(before + ["cache"]), os.listdir(folder)


def in_a_test(number):
    """With a program that sleeps, so it takes the repository that tools/fixture makes."""
    with scratch() as folder:
        write("sleep.yaml", "schema: 1\npackage: busybox\npaths: [/usr/bin/busybox]\n"
                            "test:\n- run: [/usr/bin/busybox, sleep, '987']\n  timeout: 5m\n")
        process = start("build", "sleep.yaml", "-q", "--repo-file", os.path.join(FIXTURE, "fixture.repo"))
        wait_for(sleepers, process)
        ends_of(process, number)
        deadline = time.monotonic() + 30
        while sleepers() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not sleepers(), "the container goes on"
        assert not litter(folder), litter(folder)
        assert not os.path.exists("sleep"), "an image was left behind"


def in_a_run(number):
    """The signal is the program's, and so is the status."""
    with scratch() as folder:
        write("sleep.yaml", "schema: 1\npackage: busybox\npaths: [/usr/bin/busybox]\n"
                            "entrypoint: [/usr/bin/busybox, sleep, '987']\n")
        smith("build", "sleep.yaml", "--repo-file", os.path.join(FIXTURE, "fixture.repo"))
        # Whoever starts smith may ignore SIGCHLD: the program's end is noticed all the same.
        process = start("run", "sleep", preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        wait_for(sleepers, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 128 + number and out == b"" and err == b"", (process.returncode, out, err)
        assert not sleepers() and not litter(folder), litter(folder)


def wait_for(what, process):
    deadline = time.monotonic() + 60
    while not what() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert what(), process.communicate(timeout=30)


def sleepers():
    """Processes that run what our specs run, in whatever namespace."""
    found = []
    for file in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError), open(file, "rb") as words:
            if words.read() == b"/usr/bin/busybox\0sleep\000987\0":
                found.append(file)
    return found


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stalling)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "http://127.0.0.1:%d/" % server.server_address[1]

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        step(signal.Signals(number).name + " in a download")
        in_a_download(url, number)

    if os.path.exists(os.path.join(FIXTURE, "fixture.repo")):
        step("SIGINT in a test")
        in_a_test(signal.SIGINT)
        step("SIGTERM for a program that is run")
        in_a_run(signal.SIGTERM)
    else:
        print("  (no repository at %s: not tried in a container)" % FIXTURE)

    step("a signal that was ignored from the start stays ignored")
    with scratch():
        process = start("build", "app.yaml", preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
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
