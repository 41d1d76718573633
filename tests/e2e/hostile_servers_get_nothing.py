#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Servers that truncate, lie, loop, ask for patience and never end: with an honest mirror beside them the packages come,
without one there is an error in time; never a wrong byte in the cache, never the password anywhere but where it belongs."""
import contextlib
import email.utils
import hashlib
import http.server
import os
import threading
import time

from e2e import DOWNLOAD, FIXTURE, INTEGRITY, need_fixture, read, scratch, smith, step, write

CAT = "schema: 1\npackage: coreutils\npaths: [/usr/bin/cat]\nentrypoint: [/usr/bin/cat]\n"
USER, CANARY = "somebody", "canary-5e8f"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves the fixture; of packages, `trick` has the first word."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, dict(self.headers)))
        self.close_connection = True
        if self.path in server.extra:
            return self.whole(server.extra[self.path])
        try:
            data = read(os.path.join(FIXTURE, self.path.lstrip("/")))
        except OSError:
            return self.send_error(404)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if server.trick and self.path.endswith(".rpm"):
                server.trick(self, data)
            else:
                self.ranged(data)

    def raw(self, data):
        self.wfile.write(data)

    def whole(self, data, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.raw(data)

    def ranged(self, data):
        asked = self.headers.get("Range", "")
        if not asked.startswith("bytes="):
            return self.whole(data)
        first, _, last = asked[6:].partition("-")
        first, last = int(first), min(int(last or len(data) - 1), len(data) - 1)
        self.whole(data[first:last + 1], 206, Content_Range="bytes %d-%d/%d" % (first, last, len(data)))

    def half(self, data, **headers):
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.raw(data[:len(data) // 2])


def endless(start, piece):
    def trick(self, _):
        self.raw(start)
        while True:
            self.raw(piece)
    return trick


def once(first):
    """`first` for each path's first request, then as it should be."""
    seen = set()

    def trick(self, data):
        if self.path in seen:
            return self.ranged(data)
        seen.add(self.path)
        return first(self, data)
    return trick


def wrong_part(self, data):
    if "Range" in self.headers:
        return self.whole(data[1:1000], 206, Content_Range="bytes 1-999/%d" % len(data))
    return self.half(data, ETag='"a"')


def changing(self, data):
    changing.count = getattr(changing, "count", 0) + 1
    if "Range" in self.headers:
        return self.whole(b"x" * 100, 206, ETag='"%d"' % changing.count, Content_Range="bytes 0-99/100")
    return self.half(data, ETag='"%d"' % changing.count)


# What the server does with a package; all of these are hopeless.
HOPELESS = {
    "other bytes of the same length": lambda s, d: s.whole(bytes(len(d))),
    "one bit flipped": lambda s, d: s.whole(d[:-1] + bytes([d[-1] ^ 1])),
    "one byte short": lambda s, d: s.whole(d[:-1]),
    "one byte long": lambda s, d: s.whole(d + b"x"),
    "closes half-way, always": lambda s, d: s.half(d),
    "closes without a word": lambda s, d: None,
    "an endless body": endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536)),
    "an endless chunked body": endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                                       b"10000\r\n" + bytes(65536) + b"\r\n"),
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 1000 + b"\r\n"),
    "one header without end": endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536),
    "endless interim answers": endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "not HTTP": lambda s, d: s.raw(b"220 mail.example ESMTP\r\n"),
    "a redirect to itself": lambda s, d: s.whole(b"", 302, Location=s.path),
    "a redirect to a file": lambda s, d: s.whole(b"", 302, Location="file:///etc/passwd"),
    "a redirect to gopher": lambda s, d: s.whole(b"", 302, Location="gopher://127.0.0.1:1/"),
    "429 for an hour": lambda s, d: s.whole(b"", 429, Retry_After="3600"),
    "503 until next year": lambda s, d: s.whole(b"", 503, Retry_After=email.utils.formatdate(time.time() + 3e7, usegmt=True)),
    "a negative length": lambda s, d: s.raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + d),
    "two lengths": lambda s, d: s.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + d),
    "a part that nobody asked for": lambda s, d: s.whole(d[5:], 206, Content_Range="bytes 5-9/10"),
    "the wrong part": wrong_part,
    "another version each time": changing,
    "a page that says sorry": lambda s, d: s.whole(b"<html>sorry</html>"),
}

# And these only slow things down.
MENDING = {
    "503 at first": once(lambda s, d: s.whole(b"", 503, Retry_After="1")),
    "429 until a date": once(lambda s, d: s.whole(b"", 429, Retry_After=email.utils.formatdate(time.time() + 1, usegmt=True))),
    "closes half-way at first": once(lambda s, d: s.half(d, ETag='"a"')),
    "closes without a word at first": once(lambda s, d: None),
}


@contextlib.contextmanager
def serve(trick=None, extra=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.trick, server.extra, server.asked = trick, extra or {}, []
    server.url = "http://127.0.0.1:%d" % server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def repos(folder, *lines):
    key = os.path.join(FIXTURE, "RPM-GPG-KEY-test")
    return write(os.path.join(folder, "r.repo"),
                 "[fixture]\nname=f\ngpgcheck=1\ngpgkey=file://%s\n%s\n" % (key, "\n".join(lines)))


def fetch(folder, repo_file, **more):
    spec = write(os.path.join(folder, "app.yaml"), CAT)
    # Endless trouble would be stopped by this, and fail the test.
    return smith("fetch", spec, "--repo-file", repo_file, "--lock", os.path.join(folder, "lock"),
                 "--cache-dir", os.path.join(folder, "cache"), "-v", timeout=120, **more)


def check_cache(folder):
    """What bears the name of a digest has that digest."""
    rpms = os.path.join(folder, "cache", "rpms")
    for name in os.listdir(rpms) if os.path.isdir(rpms) else []:
        stem, _, kind = name.partition(".")
        assert kind in ("rpm", "start"), name
        if kind == "rpm":
            assert hashlib.sha256(read(os.path.join(rpms, name))).hexdigest() == stem, name


def main():
    need_fixture()
    with scratch() as top:
        def folder(name):
            path = os.path.join(top, name.replace(" ", "-"))
            os.makedirs(path)
            return path

        with serve() as honest:
            for name, trick in HOPELESS.items():
                step(name)
                with serve(trick) as hostile:
                    at = folder("alone " + name)
                    with_user = hostile.url.replace("://", "://%s:%s@" % (USER, CANARY))
                    said = fetch(at, repos(at, "baseurl=%s/" % with_user), status=None)
                    assert said.status in (DOWNLOAD, INTEGRITY), said
                    assert CANARY not in said.out + said.err, said
                    check_cache(at)
                    at = folder("with a mirror " + name)
                    fetch(at, repos(at, "baseurl=%s/ %s/" % (with_user, honest.url)))
                    check_cache(at)
            assert not any("Authorization" in headers for _, headers in honest.asked), "the password went astray"

        for name, trick in MENDING.items():
            step(name)
            with serve(trick) as server:
                at = folder(name)
                fetch(at, repos(at, "baseurl=%s/" % server.url))
                check_cache(at)

        step("a redirect to another host does not take the password along")
        with serve() as other:
            with serve(lambda s, d: s.whole(b"", 302, Location=other.url + s.path)) as first:
                at = folder("redirect")
                with_user = first.url.replace("127.0.0.1", "%s:%s@localhost" % (USER, CANARY))
                said = fetch(at, repos(at, "baseurl=%s/" % with_user))
                assert CANARY not in said.out + said.err, said
                assert any("Authorization" in headers for _, headers in first.asked)
                assert other.asked and not any("Authorization" in headers for _, headers in other.asked)

        step("a metalink's hash decides, and the next mirror is asked")
        repomd = read(os.path.join(FIXTURE, "repodata", "repomd.xml"))
        with serve(extra={"/repodata/repomd.xml": repomd.replace(b"</repomd>", b" </repomd>")}) as liar, serve() as honest:
            def metalink(*servers):
                urls = "".join('<url preference="%d">%s/repodata/repomd.xml</url>' % (100 - i, s.url)
                               for i, s in enumerate(servers))
                return ('<metalink version="3.0"><files><file name="repomd.xml"><size>%d</size><verification>'
                        '<hash type="sha256">%s</hash></verification><resources>%s</resources></file></files></metalink>'
                        % (len(repomd), hashlib.sha256(repomd).hexdigest(), urls)).encode()

            honest.extra["/metalink?repo=x"] = metalink(liar, honest)
            at = folder("metalink")
            fetch(at, repos(at, "metalink=%s/metalink?repo=x" % honest.url))
            assert any(path == "/repodata/repomd.xml" for path, _ in liar.asked)
            honest.extra["/metalink?repo=x"] = metalink(liar)
            at = folder("metalink of liars")
            said = fetch(at, repos(at, "metalink=%s/metalink?repo=x" % honest.url), status=INTEGRITY)
            assert "metalink" in said.err, said

        step("a mirrorlist leads to a mirror, and to no file of this machine")
        with serve() as honest:
            honest.extra["/list"] = ("# all of them\nfile://%s/\n%s/\n" % (FIXTURE, honest.url)).encode()
            at = folder("mirrorlist")
            fetch(at, repos(at, "mirrorlist=%s/list" % honest.url))
            assert any(path.endswith(".rpm") for path, _ in honest.asked)
            honest.extra["/list"] = ("file://%s/\n" % FIXTURE).encode()
            at = folder("mirrorlist of files")
            fetch(at, repos(at, "mirrorlist=%s/list" % honest.url), status=1)

        step("old metadata is not taken again")
        with serve() as server:
            at = folder("replay")
            newer = repomd.replace(b"<timestamp>", b"<timestamp>9")  # the far future is remembered as today
            server.extra["/repodata/repomd.xml"] = newer
            repo_file = repos(at, "baseurl=%s/" % server.url)
            fetch(at, repo_file)
            os.remove(os.path.join(at, "lock"))
            del server.extra["/repodata/repomd.xml"]
            said = fetch(at, repo_file, status=INTEGRITY)
            assert "older than the one that was seen last" in said.err and "--allow-old-metadata" in said.err, said
            spec = os.path.join(at, "app.yaml")
            smith("lock", spec, "--repo-file", repo_file, "--lock", os.path.join(at, "lock"), "--cache-dir",
                  os.path.join(at, "cache"), "--allow-old-metadata")


if __name__ == "__main__":
    main()
