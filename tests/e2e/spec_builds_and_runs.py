#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An example spec builds, passes the tests that it asks for, holds nothing it should not, and does its job.

    spec_builds_and_runs.py NAME        NAME of specs/NAME/NAME.yaml
"""
import http.server
import os
import ssl
import sys
import threading

from e2e import Layout, build, need_tools, run, scratch, smith, spec, step


def cat(image, layout, _):
    step("prints the file that the overlay brought")
    assert smith("run", image).out == "Hello World!\n"
    step("holds cat, the C library, its loader, and that file")
    names = sorted(os.path.basename(f) for f in layout.files())
    assert names == ["cat", "data", "ld-linux-x86-64.so.2", "libc.so.6"], names


def busybox(_, layout, __):
    step("holds one program and one page")
    assert layout.files() == ["read/index.html", "usr/bin/busybox"], layout.files()
    step("keeps /bin as the link that it is")
    assert layout.entries()["bin"].issym()


def nginx(_, layout, __):
    step("holds no program but nginx")
    programs = [f for f in layout.files() if os.path.dirname(f).endswith("bin")]
    assert programs == ["usr/sbin/nginx"], programs


def redis(_, layout, __):
    step("holds the link and the file that it leads to, in another package")
    link = layout.entries()["usr/bin/redis-server"]
    assert link.issym() and link.linkname == "redis-check-rdb" and "usr/bin/redis-check-rdb" in layout.files()


def python(image, _, folder):
    step("counts its runs in a folder of the host")
    kept = os.path.join(folder, "kept")
    os.mkdir(kept)
    for visit in ("visit 1,", "visit 2,"):
        assert smith("run", image, "--write", kept).out.startswith(visit)
    assert os.path.exists(os.path.join(kept, "visits.db"))


def postgresql(_, layout, __):
    step("leaves the compiler at home that a plug-in nobody asked for would bring")
    assert not [f for f in layout.files() if "LLVM" in f or "llvm" in f]


def curl(image, _, folder):
    """Exit status 60 says that curl read its certificates and found ours not to be among them; 77, that it had none."""
    need_tools("openssl")
    given = os.path.join(folder, "given")
    os.mkdir(given)
    certificate, key = os.path.join(given, "ca.pem"), os.path.join(folder, "key.pem")
    run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate])

    class Hello(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello over TLS\n")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "https://127.0.0.1:%d/" % server.server_address[1]

    step("does not trust a certificate that its bundle does not vouch for")
    smith("run", image, "--network", "host", "--", "-sS", url, status=60)
    step("trusts one that /read brings")
    said = smith("run", image, "--network", "host", "--read", given, "--", "-sS", "--cacert", "/read/ca.pem", url)
    assert said.out == "hello over TLS\n", said
    server.shutdown()


def main():
    name = sys.argv[1]
    with scratch() as folder:
        to = os.path.join(folder, name)
        step("build and test " + name)
        digest = build(spec(name), to)
        layout = Layout(to)
        assert layout.digest == digest, "printed %s, but the layout has %s" % (digest, layout.digest)
        globals()[name]("oci:" + to, layout, folder)
        print("%s: %.1f MB packed, %.1f MB open, %d files" % (
            name, len(layout.layer) / 1e6, len(layout.tar) / 1e6, len(layout.files())))


if __name__ == "__main__":
    main()
