#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Between smith and Debian's docker-registry stands somebody who cuts connections, takes no large body, and lets tokens run
out: what was begun goes on, and nothing is sent or fetched twice that need not be."""
import contextlib
import http.client
import http.server
import json
import os
import re
import socket
import struct
import time

from e2e import DOWNLOAD, Layout, Listening, need_tools, read, scratch, smith, step, write
from registries import PASSWORD, USER, Home, Registry, TokenServer, blob_digests

SIZE = 40_000_000


class Gateway(Listening):
    """In front of a registry. `rule(method, path, size of the body)` says what is done: None, to let it pass; a status,
    to answer with; ("up", N) or ("down", N), to cut both connections when N bytes of a body went this way."""

    def __init__(self, registry):
        gateway = self
        self.registry, self.rule, self.seen = registry, lambda *_: None, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def cut(self):
                # At once: what the kernel still holds is lost.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.close_connection = True
                raise ConnectionAbortedError

            def pass_on(self, source, size, sink, cut_after):
                left = size if cut_after is None else min(size, cut_after)
                while left > 0:
                    data = source(min(left, 1 << 20))
                    if not data:
                        raise ConnectionAbortedError
                    left -= len(data)
                    sink(data)
                if cut_after is not None:
                    self.cut()

            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                gateway.seen.append((self.command, self.path.split("?")[0], size, self.headers.get("Range")))
                rule = gateway.rule(self.command, self.path, size)
                with contextlib.suppress(ConnectionError):
                    if isinstance(rule, int):
                        self.send_response(rule)
                        self.send_header("Content-Length", "0")
                        self.send_header("Connection", "close")
                        self.end_headers()
                        self.close_connection = True
                        # As nginx does it: who hangs up at once takes the answer back.
                        while size > 0 and self.rfile.read(min(size, 1 << 16)):
                            size -= 1 << 16
                        return
                    way, count = rule or (None, None)
                    client = http.client.HTTPConnection("127.0.0.1", gateway.registry.port)
                    with contextlib.closing(client):
                        client.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                        for name, value in self.headers.items():
                            client.putheader(name, value)
                        client.endheaders()
                        refused = []

                        def send(data):
                            # Who refuses a body need not read it; the client is told all the same.
                            try:
                                if not refused:
                                    client.send(data)
                            except ConnectionError:
                                refused.append(True)
                        self.pass_on(self.rfile.read, size, send, count if way == "up" else None)
                        got = client.getresponse()
                        self.send_response(got.status)
                        for name, value in got.getheaders():
                            self.send_header(name, value)
                        self.end_headers()
                        length = 0 if self.command == "HEAD" else int(got.getheader("Content-Length") or 0)
                        self.pass_on(got.read, length, self.wfile.write, count if way == "down" else None)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answer

        super().__init__(Handler)

    def name(self, repository):
        return "docker://%s/%s" % (self.host, repository)

    def once(self, what, then):
        """Once only, for requests of this method whose path matches and whose body is large."""
        method, pattern = what
        done = []

        def rule(command, path, size):
            if done or command != method or not re.search(pattern, path) or (method != "GET" and size < SIZE // 4):
                return None
            done.append(path)
            return then
        self.rule, self.seen = rule, []
        return done

    def bodies(self, method):
        return [size for command, _, size, _ in self.seen if command == method and size > SIZE // 100]


def make_image(folder, home):
    """A layout with one large layer that no compressor makes smaller."""
    write(os.path.join(folder, "app", "rootfs", "small"), "small\n")
    with open(os.path.join(folder, "app", "rootfs", "large"), "wb") as out:
        out.write(os.urandom(SIZE))
    spec = write(os.path.join(folder, "app", "app.yaml"), "schema: 1\npackages: []\narch: x86_64\n")
    smith("build", spec, "-o", "oci:" + os.path.join(folder, "layout"), env=home.env)
    return Layout(os.path.join(folder, "layout"))


def check_uploads(folder, image, home, gateway):
    large = image.manifest["layers"][0]

    def push(name, **more):
        done = smith("push", "oci:" + image.path, gateway.host + "/" + name, "-k", "-v", env=home.env, **more)
        assert more or done.out.strip() == image.digest, done
        return done

    def is_whole(name):
        smith("verify", gateway.name(name), "-k", env=home.env)

    step("a connection that breaks while a layer is sent")
    cut = gateway.once(("PUT", "/blobs/uploads/"), ("up", SIZE // 2))
    push("cut:1")
    assert cut and gateway.bodies("PUT")[0] == large["size"], gateway.seen
    asked = [one for one in gateway.seen if one[0] == "GET" and "/blobs/uploads/" in one[1]]
    assert len(asked) == 1, "nobody asked how much has arrived: %r" % gateway.seen
    # docker-registry gives up an upload that broke in the middle of a request, where others say how much they have.
    print("  what is sent the second time: %d of %d bytes" % (gateway.bodies("PUT")[1], large["size"]))
    gateway.rule = lambda *_: None
    is_whole("cut:1")

    step("somebody in between who takes no large body: pieces, and one of them fails")
    broke = []

    def rule(command, path, size):
        if command == "PUT" and size > 20_000_000:
            return 413
        if command == "PATCH" and size > 10_000_000 and len(gateway.bodies("PATCH")) == 2 and not broke:
            broke.append(path)
            return 502
        return None
    gateway.rule, gateway.seen = rule, []
    os.rename(os.path.join(gateway.registry.folder, "data"), os.path.join(gateway.registry.folder, "data-1"))
    push("pieces:1")
    sent = gateway.bodies("PATCH")
    assert broke and max(sent) == 16 << 20 and sent.count(16 << 20) == 3, gateway.seen
    assert sum(sent) == large["size"] + (16 << 20), "only the piece that failed is sent twice: %r" % sent
    assert len([one for one in gateway.seen if one[0] == "GET" and "/blobs/uploads/" in one[1]]) == 1, gateway.seen
    gateway.rule = lambda *_: None
    is_whole("pieces:1")

    step("a registry that is away for good is given up, and no manifest is there without its blobs")
    gateway.rule = lambda command, path, size: ("up", 1 << 20) if command == "PUT" and size > 10_000_000 else None
    os.rename(os.path.join(gateway.registry.folder, "data"), os.path.join(gateway.registry.folder, "data-2"))
    failed = push("never:1", status=DOWNLOAD)
    assert "writing blob" in failed.err, failed
    assert large["digest"].split(":")[1] not in blob_digests(gateway.registry.folder)
    assert not [one for one in gateway.seen if one[0] == "PUT" and "never/manifests" in one[1]], gateway.seen
    gateway.rule = lambda *_: None
    push("cut:1")


def check_downloads(folder, image, home, gateway):
    large = image.manifest["layers"][0]
    step("a connection that breaks while a layer is fetched goes on by range")
    cut = gateway.once(("GET", "/blobs/" + large["digest"]), ("down", SIZE // 3))
    to = os.path.join(folder, "pulled")
    assert smith("pull", gateway.host + "/cut:1", "oci:" + to, "-k", env=home.env).out.strip() == image.digest
    ranges = [one[3] for one in gateway.seen if one[0] == "GET" and one[1].endswith(large["digest"])]
    assert cut and len(ranges) == 2 and ranges[0] is None, ranges
    first = int(re.fullmatch(r"bytes=(\d+)-", ranges[1]).group(1))
    assert 0 < first <= SIZE // 3, ranges
    assert read(os.path.join(to, "blobs", *large["digest"].split(":"))) == image.layer
    step("with a registry that is gone meanwhile there is no layout")
    gateway.rule = lambda command, path, size: ("down", 0) if "/blobs/" in path else None
    smith("pull", gateway.host + "/cut:1", "oci:" + os.path.join(folder, "no"), "-k", env=home.env, status=DOWNLOAD)
    assert not os.path.exists(os.path.join(folder, "no", "index.json"))


def check_tokens(folder, image, home):
    step("a token that runs out while layers are on their way: the upload goes on with a new one")
    # docker-registry takes a token for a minute more than it says, and so long nobody wants to wait.
    with TokenServer(os.path.join(folder, "tokens"), lifetime=300, expires_after=-58) as tokens, Registry(
            os.path.join(folder, "registry"), tokens=tokens) as registry, Gateway(registry) as gateway:
        slow = []

        def rule(command, path, size):
            if command == "PUT" and "/blobs/uploads/" in path and not slow:
                slow.append(path)
                tokens.expires_after = 300
                time.sleep(3.1)
            return None
        gateway.rule = rule
        creds = ["-k", "--creds", "%s:%s" % (USER, PASSWORD), "-v"]
        told = smith("push", "oci:" + image.path, gateway.host + "/team/app:1", *creds, env=home.env)
        assert told.out.strip() == image.digest and slow
        refused = [one for one in registry.refused() if one.startswith(("PUT", "HEAD", "POST"))]
        assert [one for one in refused if one.startswith("PUT") and "/blobs/uploads/" in one], refused
        # More than two where the machine is slow.
        assert 2 <= len(tokens.asked) <= 8 and all(
            asked == (True, ["repository:team/app:pull,push"]) for asked in tokens.asked), tokens.asked
        begun = [one for one in gateway.seen if one[0] == "POST"]
        assert len(begun) == 2, "an upload is begun anew: %r" % begun
        assert "eyJ" not in told.err and PASSWORD not in told.err, told

        step("from one repository into another one of the same registry, nothing is sent")
        tokens.expires_after, tokens.asked[:], gateway.seen = 300, [], []
        smith("copy", gateway.name("team/app:1"), gateway.name("other/app:1"), *creds, env=home.env)
        mount = ["repository:other/app:pull,push", "repository:team/app:pull"]
        assert (True, mount) in tokens.asked, tokens.asked
        assert not gateway.bodies("PUT") and not gateway.bodies("PATCH"), gateway.seen
        posts = [one for one in gateway.seen if one[0] == "POST"]
        assert len(posts) == 2 and not [one for one in gateway.seen if one[0] == "GET" and "/blobs/" in one[1]], gateway.seen
        told = smith("inspect", gateway.name("other/app:1"), "--json", *creds, env=home.env)
        assert json.loads(told.out)["digest"] == image.digest


def main():
    need_tools("docker-registry", "openssl")
    with scratch() as folder:
        home = Home(os.path.join(folder, "home"))
        image = make_image(folder, home)
        with Registry(os.path.join(folder, "registry")) as registry, Gateway(registry) as gateway:
            check_uploads(folder, image, home, gateway)
            check_downloads(folder, image, home, gateway)
        check_tokens(os.path.join(folder, "by-token"), image, home)


if __name__ == "__main__":
    main()
