#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that only a proxy can reach, and one that only a direct connection reaches: what the environment's
variables say, in either case of letters, as libcurl and Go's programs understand them. The passwords of proxy and registry
are told to one of them each. In a network namespace of our own, so that nothing gets out by another way."""
import base64
import contextlib
import http.client
import http.server
import json
import os
import select
import socket
import ssl
import subprocess
import sys
import urllib.parse

from e2e import DOWNLOAD, USAGE, Listening, Loopback, need_tools, run, scratch, skip, smith, step, write
from registries import PASSWORD, USER, Authority, Home, Registry, TokenServer

NAME, ADDRESS = "registry.example", "192.0.2.1"
PROXY_USER = "proxy:canary-proxy"
BASIC = {"proxy": "Basic " + base64.b64encode(PROXY_USER.encode()).decode(),
         "registry": "Basic " + base64.b64encode(("%s:%s" % (USER, PASSWORD)).encode()).decode()}
SAID = []


class Proxy(Listening):
    """Of HTTP/1.1: CONNECT, and plain requests for absolute URLs. Every host is this machine. Remembers what it was asked."""

    def __init__(self, wants=None):
        proxy = self
        self.seen, self.wants = [], wants

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def is_let_in(self, target):
                proxy.seen.append((self.command, target, dict(self.headers.items())))
                if proxy.wants in (None, self.headers.get("Proxy-Authorization")):
                    return True
                self.send_response(407)
                self.send_header("Proxy-Authenticate", "Basic realm=proxy")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return False

            def do_CONNECT(self):
                if not self.is_let_in(self.path):
                    return
                port = int(self.path.rpartition(":")[2])
                with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port)) as server:
                    self.send_response(200)
                    self.end_headers()
                    both = {self.connection: server, server: self.connection}
                    while True:
                        for one in select.select(list(both), [], [])[0]:
                            data = one.recv(65536)
                            if not data:
                                self.close_connection = True
                                return
                            both[one].sendall(data)

            def forward(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if not self.is_let_in(self.path):
                    return
                url = urllib.parse.urlparse(self.path)
                client = http.client.HTTPConnection("127.0.0.1", url.port)
                own = ("proxy-authorization", "proxy-connection", "connection")
                client.request(self.command, self.path[self.path.index(url.netloc) + len(url.netloc):], body,
                               {k: v for k, v in self.headers.items() if k.lower() not in own})
                answer = client.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", answer.getheader("Content-Length") or str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                client.close()

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = forward

        super().__init__(Handler)

    def url(self, user=PROXY_USER):
        return "http://%s%s" % (user + "@" if user else "", self.host)

    def take_seen(self):
        seen, self.seen = self.seen, []
        return seen


class Recorder(Loopback):
    """A registry by TLS that has nothing, and remembers the headers of what it was asked."""

    def __init__(self, certificate):
        super().__init__()
        self.seen, self.status, self.port = [], 404, self.server.server_address[1]
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)

    def answer(self, request):
        self.seen.append(dict(request.headers.items()))
        if "Authorization" in request.headers or self.status == 400:
            request.send_response(self.status)
        else:
            request.send_response(401)
            request.send_header("WWW-Authenticate", "Basic realm=registry")
        request.send_header("Content-Length", "0")
        request.end_headers()


def said(*args, **more):
    done = smith(*args, "-v", **more)
    SAID.append(done.out + done.err)
    return done


def make_spec(folder):
    write(os.path.join(folder, "app", "rootfs", "data"), "of an image\n")
    return write(os.path.join(folder, "app", "app.yaml"), "schema: 1\npackages: []\narch: x86_64\n")


def by_tls(folder, authority, home):
    step("by TLS: all that the registry is told goes through the proxy's tunnel, and no password to the wrong one")
    spec = make_spec(folder)
    certificate = authority.sign("server", names="DNS:%s,DNS:a.%s,IP:%s,IP:127.0.0.1" % (NAME, NAME, ADDRESS))
    with Registry(os.path.join(folder, "registry"), tls=certificate, password=True, address="0.0.0.0") as registry, \
            Proxy(BASIC["proxy"]) as proxy, Recorder(certificate) as recorder:
        for host in (NAME, "a." + NAME, ADDRESS, "127.0.0.1"):
            for port in (registry.port, recorder.port):
                home.trust("%s:%d" % (host, port), authority.certificate)
        creds = ["--creds", "%s:%s" % (USER, PASSWORD)]
        place = "docker://%s:%d/team/app:1" % (NAME, registry.port)
        digest = said("build", spec, "-o", place, *creds, env=dict(home.env, https_proxy=proxy.url())).out.strip()
        seen = proxy.take_seen()
        assert seen and {one[:2] for one in seen} == {("CONNECT", "%s:%d" % (NAME, registry.port))}, seen
        # libcurl answers the proxy's question, or knows beforehand.
        assert all(one[2].get("Proxy-Authorization") in (None, BASIC["proxy"]) for one in seen), seen
        assert not any("Authorization" in one[2] for one in seen), seen

        step("in capital letters, too; for inspect, too")
        told = said("inspect", place, "--json", *creds, env=dict(home.env, HTTPS_PROXY=proxy.url()))
        assert json.loads(told.out)["digest"] == digest and proxy.take_seen(), told

        step("the registry never hears of the proxy")
        said("inspect", "docker://%s:%d/x" % (NAME, recorder.port), *creds, status=USAGE,
             env=dict(home.env, https_proxy=proxy.url()))
        assert proxy.take_seen() and recorder.seen[-1]["Authorization"] == BASIC["registry"], recorder.seen
        assert not any(name.lower().startswith("proxy") for one in recorder.seen for name in one), recorder.seen

        step("insecure or not, a registry that has answered by TLS is not asked without")
        recorder.status = 400
        refused = said("inspect", "docker://%s:%d/x" % (NAME, recorder.port), "-k", status=DOWNLOAD,
                       env=dict(home.env, https_proxy=proxy.url(), http_proxy=proxy.url()))
        assert "the registry says 400" in refused.err and {one[0] for one in proxy.take_seen()} == {"CONNECT"}, refused

        step("a proxy that does not let us in says so, once")
        for user in ("", "proxy:canary-wrong"):
            refused = said("inspect", place, *creds, env=dict(home.env, https_proxy=proxy.url(user)), status=DOWNLOAD)
            assert "the proxy says 407" in refused.err and proxy.host in refused.err, refused
            assert len(proxy.take_seen()) <= 2, "a password that is wrong stays wrong"

        step("no_proxy: a host, what is below it, an address, a network, everything")
        env = dict(home.env, https_proxy=proxy.url())
        for host, words in ((NAME, (NAME, "other.example, " + NAME, ".example", "example", "*")),
                            ("a." + NAME, (NAME, "." + NAME)), (ADDRESS, (ADDRESS, "192.0.2.0/24", "10.0.0.0/8,192.0.0.0/16"))):
            for word in words:
                for variable in ("no_proxy", "NO_PROXY"):
                    told = said("inspect", "docker://%s:%d/team/app:1" % (host, registry.port), "--json", *creds,
                                env=dict(env, **{variable: word}))
                    assert json.loads(told.out)["digest"] == digest and not proxy.take_seen(), (host, word)
        for word in ("other.example", "istry.example", "b." + NAME, "10.0.0.0/8"):
            said("inspect", place, *creds, env=dict(env, no_proxy=word))
            assert proxy.take_seen(), word

        step("this machine itself is nobody's but ours to ask")
        told = said("inspect", "docker://127.0.0.1:%d/team/app:1" % registry.port, "--json", *creds, env=env)
        assert json.loads(told.out)["digest"] == digest and not proxy.take_seen(), told


def plain(folder, home):
    step("a plain registry and its token server: each request is the proxy's")
    spec = make_spec(folder)
    with TokenServer(os.path.join(folder, "tokens"), public=True) as tokens, Proxy(BASIC["proxy"]) as proxy:
        tokens.realm = "http://%s:%d/token" % (NAME, tokens.server.server_address[1])
        with Registry(os.path.join(folder, "registry"), tokens=tokens) as registry:
            place = "docker://%s:%d/team/app:1" % (NAME, registry.port)
            home.insecure("%s:%d" % (NAME, registry.port))
            for variable in ("http_proxy", "HTTP_PROXY"):
                # It is tried by TLS first.
                env = dict(home.env, https_proxy=proxy.url(), **{variable: proxy.url()})
                said("build", spec, "-o", place, "--creds", "%s:%s" % (USER, PASSWORD), env=env)
                seen = [one for one in proxy.take_seen() if one[0] != "CONNECT"]
                targets = {urllib.parse.urlparse(one[1]).netloc for one in seen}
                assert targets == {"%s:%d" % (NAME, registry.port), urllib.parse.urlparse(tokens.realm).netloc}, seen
                assert all(one[2]["Proxy-Authorization"] == BASIC["proxy"] for one in seen[1:]), seen
            # A program that serves the web has in HTTP_PROXY what a visitor wrote into a header "Proxy" (CVE-2016-5385).
            said("inspect", place, env=dict(home.env, HTTP_PROXY=proxy.url(), REQUEST_METHOD="GET", no_proxy=""))
            assert not proxy.take_seen()


def in_a_namespace():
    need_tools("unshare", "ip", "docker-registry", "openssl")
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    words = ["unshare", "--net", "--mount", *rights, sys.executable, os.path.abspath(__file__)]
    if subprocess.run([*words, "probe"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        skip("this machine lets nobody have a network of his own")
    sys.exit(subprocess.run([*words, "inside"], check=False).returncode)


def make_network(folder):
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", ADDRESS + "/32", "dev", "lo"])
    hosts = write(os.path.join(folder, "hosts"), "127.0.0.1 localhost %s a.%s\n" % (NAME, NAME))
    run(["mount", "--bind", hosts, "/etc/hosts"])


def main():
    if len(sys.argv) < 2:
        in_a_namespace()
    for variable in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        os.environ.pop(variable, None)
        os.environ.pop(variable.upper(), None)
    with scratch() as folder:
        make_network(folder)
        if sys.argv[1] == "probe":
            return
        home = Home(os.path.join(folder, "home"))
        by_tls(os.path.join(folder, "tls"), Authority(os.path.join(folder, "ca")), home)
        plain(os.path.join(folder, "plain"), home)
    for text in SAID:
        assert "canary" not in text and BASIC["proxy"][6:] not in text, text


if __name__ == "__main__":
    main()
