#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Repositories behind TLS, a client certificate and a password; those of this machine's dnf; those of a mock configuration.
A password reaches the server and nothing else: not the lock, the cache, the messages or a command line."""
import base64
import contextlib
import http.server
import os
import ssl
import threading

from e2e import (DOWNLOAD, FIXTURE, UNSOLVABLE, USAGE, build_args, need_fixture, need_tools, run, scratch, smith, step, write)

CANARY = "canary-7d1f"
CAT = "schema: 1\npackage: coreutils\npaths: [/usr/bin/cat]\n"
KEY = "file://" + os.path.join(FIXTURE, "RPM-GPG-KEY-test")


def certificates(folder):
    """An authority, a server's certificate for localhost and a client's, by openssl."""
    def name(file):
        return os.path.join(folder, file)
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", name("ca.key"), "-out", name("ca.pem"),
         "-subj", "/CN=test authority", "-days", "2"])
    for who, alt in (("server", "DNS:localhost,IP:127.0.0.1"), ("client", "DNS:client")):
        run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", name(who + ".key"), "-out",
             name(who + ".csr"), "-subj", "/CN=" + who])
        write(name(who + ".ext"), "subjectAltName=" + alt + "\n")
        run(["openssl", "x509", "-req", "-in", name(who + ".csr"), "-CA", name("ca.pem"), "-CAkey", name("ca.key"),
             "-CAcreateserial", "-out", name(who + ".pem"), "-days", "2", "-extfile", name(who + ".ext")])
    return name


class Server:
    """The fixture over TLS, for those who have a certificate and say who they are."""

    def __init__(self, name):
        wanted = "Basic " + base64.b64encode(("me:" + CANARY).encode()).decode()

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                with contextlib.suppress(OSError):   # who asks for a part hangs up when all of it comes
                    if self.headers.get("Authorization") == wanted:
                        return super().do_GET()
                    self.send_error(401)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Handler(*a, directory=FIXTURE))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(name("server.pem"), name("server.key"))
        context.load_verify_locations(name("ca.pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "https://localhost:%d/" % self.server.server_address[1]


def no_canary_in(folder):
    for where, _, files in os.walk(folder):
        for file in files:
            with open(os.path.join(where, file), "rb") as f:
                assert CANARY.encode() not in f.read(), "the password is in %s" % os.path.join(where, file)


def behind_tls(folder):
    name = certificates(folder)
    url = Server(name).url
    me = {"SMITH_REPO_TLS_X_USERNAME": "me", "SMITH_REPO_TLS_X_PASSWORD": CANARY, "HOME": folder}
    access = {"sslcacert": "ca.pem", "sslclientcert": "client.pem", "sslclientkey": "client.key"}

    def lock(what, env=None, status=0, **changes):
        step(what)
        settings = {k: v for k, v in dict(access, **changes).items() if v is not None}
        text = CAT + "repos:\n  - {id: tls-x, baseurl: '%s', gpgkey: '%s', retries: 1%s}\n" % (
            url, KEY, "".join(", %s: %s" % pair for pair in settings.items()))
        out = os.path.join(folder, "out")
        result = smith("lock", write(os.path.join(folder, "app.yaml"), text), "--lock", os.path.join(out, "app.lock"),
                       "--cache-dir", os.path.join(out, "cache"), "--refresh", "-v", env=dict(me, **(env or {})),
                       status=status)
        assert CANARY not in result.err + result.out, "the password is in a message: %s" % result
        no_canary_in(out)
        return result.err

    os.makedirs(os.path.join(folder, "out"))
    lock("a repository behind a client certificate and a password")
    os.remove(os.path.join(folder, "out", "app.lock"))
    assert "certificate" in lock("an authority that nobody knows", sslcacert=None, status=DOWNLOAD)
    lock("... is good enough for who says so", sslcacert=None, sslverify="false")
    os.remove(os.path.join(folder, "out", "app.lock"))
    lock("without a client certificate there is nothing", sslclientcert=None, sslclientkey=None, status=DOWNLOAD)
    assert "nowhere.pem" in lock("a certificate that is not there is named", sslclientcert="nowhere.pem", status=DOWNLOAD)
    assert "401" in lock("another password", env={"SMITH_REPO_TLS_X_PASSWORD": "other"}, status=DOWNLOAD)
    write(os.path.join(folder, ".netrc"), "machine localhost login me password %s\n" % CANARY)
    said = lock("the password of a netrc", env={"SMITH_REPO_TLS_X_USERNAME": "", "SMITH_REPO_TLS_X_PASSWORD": ""})
    assert "credentials for host 'localhost'" in said, said
    assert "not belong" in lock("a password in the spec is refused", password="x", status=USAGE)

    step("an image that was built with a password in a .repo file, and its lock, hold nothing of it")
    repos = write(os.path.join(folder, "tls.repo"), "[tls-x]\nbaseurl=%s\ngpgkey=%s\nusername=me\npassword=%s\n" % (
        url, KEY, CANARY) + "".join("%s=%s\n" % (key, name(file)) for key, file in access.items()))
    out = os.path.join(folder, "built")
    said = smith(*build_args(write(os.path.join(folder, "plain.yaml"), CAT), os.path.join(out, "image"), "--no-test", "-v",
                             repos=repos), env={"HOME": "/nowhere"})
    assert CANARY not in said.err + said.out, said
    no_canary_in(out)


def of_this_machine(folder):
    root = os.path.join(folder, "root")
    write(os.path.join(root, "etc/dnf/dnf.conf"), "[main]\ngpgcheck=1\nexcludepkgs=nginx*\nbogus=1\n")
    write(os.path.join(root, "etc/dnf/vars/place"), "%s\n" % FIXTURE)
    write(os.path.join(root, "etc/yum.repos.d/fixture.repo"), "[fixture]\nbaseurl=file://$place\ngpgkey=%s\n" % KEY)
    env = {"SMITH_HOST_ROOT": root}

    def lock(spec_text, status=0, *more):
        file = write(os.path.join(folder, "host.yaml"), spec_text)
        lock_file = os.path.join(folder, "host.lock")
        if os.path.exists(lock_file):
            os.remove(lock_file)
        return smith("lock", file, "--lock", lock_file, "--cache-dir", os.path.join(folder, "cache"), "-v", *more,
                     env=env, status=status).err

    step("a spec that names no repository: this machine's, each file named with -v")
    said = lock(CAT)
    for file in ("etc/dnf/dnf.conf", "etc/dnf/vars/place", "etc/yum.repos.d/fixture.repo"):
        assert file in said, "%s is not in %s" % (file, said)
    assert "dnf.conf:4: unknown option 'bogus', ignoring" in said, said
    step("what dnf.conf excludes can't be had")
    assert "nginx" in lock(CAT.replace("coreutils", "nginx"), UNSOLVABLE)
    step("a spec that names its repositories does not depend on this machine")
    said = lock(CAT.replace("coreutils", "nginx") + "repos: [{id: fixture, baseurl: 'file://%s', gpgkey: '%s'}]\n"
                % (FIXTURE, KEY))
    assert root not in said, said


def of_mock(folder):
    step("the repositories of a mock configuration")
    write(os.path.join(folder, "m.cfg"), "config_opts['root'] = 'x'\nconfig_opts['releasever'] = '12'\n"
          "config_opts['yum.conf'] = \"\"\"\n[main]\ngpgcheck=1\n[fixture]\nname=r$releasever\nbaseurl=file://%s\ngpgkey=%s\n\"\"\"\n"
          % (FIXTURE, KEY))
    text = "package: coreutils\npaths: [/usr/bin/cat]\nmock: {config: m.cfg}\n"
    file = write(os.path.join(folder, "mock.yaml"), text)
    smith("lock", file, "--cache-dir", os.path.join(folder, "cache"), env={"SMITH_HOST_ROOT": "/nowhere"})
    step("... are not computed")
    write(os.path.join(folder, "m.cfg"), "config_opts['yum.conf'] = open('/etc/passwd').read()\n")
    said = smith("lock", file, "--cache-dir", os.path.join(folder, "cache"), status=USAGE).err
    assert "m.cfg:1" in said and "computed" in said, said


def main():
    need_fixture()
    need_tools("openssl")
    with scratch() as folder:
        behind_tls(folder)
        of_this_machine(folder)
        of_mock(folder)


if __name__ == "__main__":
    main()
