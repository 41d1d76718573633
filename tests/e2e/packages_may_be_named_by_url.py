#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A package that a spec names by its URL: the lock pins its bytes, a build fetches those or nothing, and neither a server, a
redirect nor somebody in between gets others in, or a password out."""
import base64
import contextlib
import json
import os
import ssl

from e2e import (DOWNLOAD, FIXTURE, INTEGRITY, USAGE, Layout, Loopback, assert_same, need_fixture, need_tools, read, scratch,
                 sha256, smith, snapshot, step, write)
from repositories_as_users_have_them import certificates

PASSWORD = "canary-51aa"
PACKAGES = os.path.join(FIXTURE, "Packages")


def package(start):
    """A package of the fixture by the start of its name."""
    found = [os.path.join(PACKAGES, start[0], name) for name in sorted(os.listdir(os.path.join(PACKAGES, start[0])))
             if name.startswith(start)]
    return read(found[0])


class Shop(Loopback):
    """Packages over TLS. `goods` has bodies, or functions that answer; `/private` is for who says a password."""

    def __init__(self, name=None):
        super().__init__()
        self.goods, self.asked, self.leaked = {}, [], []
        if name:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(name("server.pem"), name("server.key"))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.url = self.url.replace("http:", "https:")
        self.server.RequestHandlerClass.do_HEAD = self.server.RequestHandlerClass.do_GET

    def answer(self, request):
        said = request.headers.get("Authorization")
        wanted = "Basic " + base64.b64encode(("me:" + PASSWORD).encode()).decode()
        self.asked.append((request.command, request.path))
        if said and not request.headers["Host"].startswith("localhost:"):
            self.leaked.append(request.path)
        body = self.goods.get(request.path)
        if body is None or (request.path.startswith("/private") and said != wanted):
            return request.send_error(404 if body is None else 401)
        if callable(body):
            return body(request)
        tag = '"%s"' % sha256(body)
        fresh = request.headers.get("If-None-Match") == tag
        request.send_response(304 if fresh else 200)
        request.send_header("ETag", tag)
        request.send_header("Content-Length", "0" if fresh else str(len(body)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)


def redirect(to):
    def answer(request):
        request.send_response(302)
        request.send_header("Location", to)
        request.send_header("Content-Length", "0")
        request.end_headers()
    return answer


def cut(body):
    """Promises all of it, and hangs up half-way, every time."""
    def answer(request):
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[:len(body) // 2])
        request.close_connection = True
    return answer


def main():
    need_fixture()
    need_tools("openssl")
    with scratch() as folder, contextlib.ExitStack() as stack:
        def at(name):
            return os.path.join(folder, name)

        os.makedirs(at("tls"))
        shop = stack.enter_context(Shop(certificates(at("tls"))))
        plain = stack.enter_context(Shop())
        base = shop.url.replace("127.0.0.1", "localhost")
        types, netbase = package("media-types-"), package("netbase-")
        shop.goods = {"/types.rpm": types, "/private/types.rpm": types, "/page.rpm": b"<html>Please log in</html>",
                      "/none.rpm": b"", "/cut.rpm": cut(types), "/down.rpm": redirect(plain.url + "types.rpm"),
                      "/disk.rpm": redirect("file://" + at("cat.yaml")), "/circle.rpm": redirect("/circle.rpm"),
                      "/private/away.rpm": redirect(shop.url + "types.rpm")}
        plain.goods = {"/types.rpm": types}

        # What stands for this machine's dnf.conf says which authority to trust; a spec without repos inherits it.
        write(at("host/etc/dnf/dnf.conf"), "[main]\nsslcacert=%s\nretries=1\n" % at("tls/ca.pem"))
        write(at("host/etc/yum.repos.d/f.repo"), "[fixture]\nname=f\nbaseurl=file://%s\ngpgkey=file://%s/RPM-GPG-KEY-test\n"
              % (FIXTURE, FIXTURE))
        netrc = write(at("netrc"), "machine localhost login me password %s\n" % PASSWORD)
        env = {"SMITH_HOST_ROOT": at("host"), "NETRC": netrc}

        def app(name, url):
            return write(at(name + ".yaml"), "schema: 1\npackages: [%s, filesystem]\npaths: [/etc/mime.types]\n" % url)

        def say(command, spec, *more, cache="cache", **other):
            said = smith(command, spec, "--cache-dir", at(cache), *more, env=env, **other)
            assert PASSWORD not in said.out + said.err, said
            return said

        def build(spec, to, *more, cache="cache", **other):
            return say("build", spec, "-o", "oci:" + at(to), "--no-test", *more, cache=cache, **other)

        step("what it is, and where it is from, is in the lock and in the image")
        spec = app("app", base + "types.rpm")
        build(spec, "image", "-v")
        lock = json.loads(read(at("app.lock")))
        [locked] = [p for p in lock["packages"] if "repo" not in p]
        assert locked["location"] == base + "types.rpm" and locked["size"] == len(types), locked
        assert locked["checksum"] == sha256(types) and locked["nevra"].startswith("media-types-"), locked
        assert lock["asked"][base + "types.rpm"] == ["media-types.noarch"], lock
        layout = Layout(at("image"))
        [listed] = [json.loads(layout.blob(layer)) for about in layout.referrers for layer in about["layers"]
                    if about["artifactType"].endswith("smith.packages+json")]
        [one] = [p for p in listed["packages"] if p["name"] == "media-types"]
        # Nobody asked for a signature: whoever names a file vouches for it.
        assert one["location"] == base + "types.rpm" and "signer" not in one and "repo" not in one, one
        assert layout.files() == ["etc/mime.types"], layout.files()

        step("a locked build asks nobody, and another machine gets the same bytes")
        shop.asked.clear()
        build(spec, "again", "--locked")
        assert not shop.asked, shop.asked
        build(spec, "elsewhere", "--locked", cache="other")
        assert_same("image", snapshot(at("image")), snapshot(at("elsewhere")))

        step("what has not changed is asked about, and not fetched again")
        shop.asked.clear()
        say("update", spec)
        assert shop.asked == [("HEAD", "/types.rpm")], shop.asked
        assert json.loads(read(at("app.lock"))) == dict(lock, image=json.loads(read(at("app.lock")))["image"])
        assert say("outdated", spec).out == ""

        step("kept in a folder with the rest, it needs no server")
        say("fetch", spec, "--to", at("vendored"))
        shop.asked.clear()
        build(spec, "vendored-image", "--locked", "--offline", "--vendor", at("vendored"), cache="third")
        assert not shop.asked, shop.asked
        assert_same("image", snapshot(at("image")), snapshot(at("vendored-image")))

        step("offline, with an empty cache, that is what is said")
        said = build(spec, "no", "--offline", "--locked", cache="fourth", status=DOWNLOAD)
        assert "media-types" in said.err and "--offline" in said.err, said
        said = say("lock", spec, "--offline", "--lock", at("new.lock"), cache="fourth", status=DOWNLOAD)
        assert "types.rpm" in said.err and "--offline" in said.err, said
        say("lock", spec, "--offline", "--lock", at("new.lock"))

        step("other bytes than the lock's are refused until somebody wants them")
        shop.goods["/types.rpm"] = netbase
        said = build(spec, "no", "--locked", cache="fifth", status=INTEGRITY)
        assert "smith update" in said.err and not os.path.exists(at("no")), said
        shop.goods["/types.rpm"] = types + b"\0"   # the same package; rpm does not look behind the payload
        said = say("outdated", spec)
        assert "(other bytes)" in said.out, said
        said = build(spec, "no", "--locked", cache="sixth", status=INTEGRITY)
        assert "longer than the %d bytes" % len(types) in said.err, said
        shop.goods["/types.rpm"] = netbase
        said = say("update", app("app", base + "types.rpm"))
        assert "netbase" in said.out and "media-types" in said.out, said
        shop.goods["/types.rpm"] = types

        step("its URL may say which bytes it is; then any server will do")
        digest = "#sha256=" + sha256(types).split(":")[1]
        build(app("pinned", plain.url + "types.rpm" + digest), "pinned", cache="seventh")
        said = build(app("wrong", "'" + plain.url + "types.rpm#sha256=" + "0" * 64 + "'"), "no", status=INTEGRITY)
        assert "expected sha256:000" in said.err, said

        step("what vouches for nothing, or would be published, is refused with its line")
        for url, why in ((plain.url + "types.rpm", "without TLS"), ("ftp://localhost/x.rpm", "no https, http or file"),
                         (base.replace("//", "//me:%s@" % PASSWORD) + "types.rpm", "netrc"),
                         (base + "types.rpm?token=" + PASSWORD, "has a query"), (base + "types.rpm#md5=1", "#sha256=")):
            said = build(app("refused", "'" + url + "'"), "no", status=USAGE)
            assert "refused.yaml:2:" in said.err and why in said.err and PASSWORD not in said.err, said

        step("a server's password reaches that server alone, by no redirect another")
        build(app("private", base + "private/types.rpm"), "private", "-v", cache="eighth")
        build(app("away", base + "private/away.rpm"), "away", "-v", cache="ninth")
        assert not shop.leaked, shop.leaked
        for where, _, files in os.walk(folder):
            for file in files:
                held = os.path.join(where, file)
                assert held in (netrc, at("refused.yaml")) or PASSWORD.encode() not in read(held), held

        step("redirects to plain http, to a file, in a circle; pages, nothing, half of it")
        for path, status, why in (("down", DOWNLOAD, "http"), ("disk", DOWNLOAD, "file"), ("circle", DOWNLOAD, "redirect"),
                                  ("page", INTEGRITY, "no RPM package"), ("none", INTEGRITY, "no RPM package"),
                                  ("cut", DOWNLOAD, "cut.rpm"), ("absent", DOWNLOAD, "404")):
            said = build(app("bad", base + path + ".rpm"), "no", cache="tenth", status=status)
            assert why in said.err and not os.path.exists(at("no")), said
        assert not [name for name in os.listdir(at("tenth/rpms")) if name.endswith(".rpm")], os.listdir(at("tenth/rpms"))

        step("a file of this machine, by its URL")
        write(at("x/readme"), "")
        with open(at("x/types.rpm"), "wb") as file:
            file.write(types)
        build(app("disk", "file://" + at("x/types.rpm")), "disk")
        assert Layout(at("disk")).manifest["layers"] == layout.manifest["layers"]


if __name__ == "__main__":
    main()
