#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An image with real programs becomes a microcontainer that does its work: under smith's own runtime, and under runc
where that runs anything here. Files are told apart by the packages of the image's own database.

    real_images_are_converted.py nginx|python|musl|distroless|rpm
"""
import gzip
import io
import json
import os
import subprocess
import sys
import tarfile

import images
from e2e import FIXTURE, SOURCE, Layout, need_fixture, need_tools, run, scratch, smith, step, write
from images import Image, debian_layer, directory, file, link, program, tar_of
from other_runtimes_run_the_image import control_image, runc


class Conversion:
    """`smith convert` of one image, and what can be asked of the result."""

    def __init__(self, folder, image, *options):
        self.folder, self.cache = folder, ["--cache-dir", os.path.join(folder, "cache")]
        image.layout(os.path.join(folder, "src"))
        self.to = os.path.join(folder, "app")
        done = smith("convert", "oci:" + os.path.join(folder, "src"), "oci:" + self.to, "--json", *self.cache, *options)
        self.result, self.said = json.loads(done.out), done.err
        self.layout = Layout(self.to)

    def packages(self):
        """Ids of those that ship."""
        return json.loads(smith("inspect", "oci:" + self.to, "--json", *self.cache).out)["packages"]

    def expect(self, shipped, left_out):
        step("ships files of %s, and none of %s" % (shipped, left_out))
        found = {package.split("_")[0] for package in self.packages()}
        assert set(shipped) <= found and left_out not in found, found
        gone = [p for p in self.result["source"]["packages"] if p["package"] and p["package"].startswith(left_out)]
        assert gone and gone[0]["files"] > 0 and gone[0]["files_shipped"] == 0, gone
        assert "left out whole" in self.said, self.said
        assert self.result["files_size"] < self.result["source"]["files_size"] / 2, self.result

    def why(self, path):
        return smith("why", path, "oci:" + self.to).out

    def check_run(self, words, *args):
        step("smith runs it")
        said = smith("run", "oci:" + self.to, *self.cache, *(["--", *args] if args else []))
        assert words in said.out + said.err, said
        self.check_runc(words, *args)

    def check_runc(self, words, *args):
        kept = os.path.join(self.folder, "kept")
        os.makedirs(kept, exist_ok=True)
        os.chmod(kept, 0o777)
        control = runc(*control_image(self.folder), [], self.folder, kept)
        if control.status != 0:
            step("runc runs no container on this host: not asked")
            return
        step("runc runs it")
        said = runc(self.to, "latest", list(args), self.folder, kept)
        assert said.status == 0 and words in said.out + said.err, said


def nginx(folder):
    conf = ("daemon off; error_log stderr; pid /run/nginx.pid; events {}\n"
            "http { include /etc/nginx/mime.types; access_log off; client_body_temp_path /run/a; proxy_temp_path /run/b;\n"
            "fastcgi_temp_path /run/c; uwsgi_temp_path /run/d; scgi_temp_path /run/e;\n"
            "server { listen 8080; location / { return 200 served; } } }\n")
    layer = debian_layer("base-files", "coreutils", "libc6", "libcrypt1", "libpcre2-8-0", "libssl3", "media-types",
                         "nginx", "nginx-common", "zlib1g", extra=[file("etc/nginx/nginx.conf", conf)])
    image = Image([layer], {"Cmd": ["nginx"], "ExposedPorts": {"8080/tcp": {}}, "StopSignal": "SIGQUIT"})
    app = Conversion(folder, image, "--path", "/usr/sbin/nginx", "--path", "/etc/nginx/nginx.conf", "--path",
                     "/etc/nginx/mime.types")
    app.expect(["nginx", "nginx-common", "libc6", "libssl3"], "coreutils")
    assert "nginx_1" in app.why("/usr/sbin/nginx"), app.why("/usr/sbin/nginx")

    step("it serves, in a build's own test")
    write(os.path.join(folder, "web.yaml"),
          "schema: 1\npackage: oci:src\npaths: [/usr/sbin/nginx, /etc/nginx/nginx.conf, /etc/nginx/mime.types]\ntest:\n"
          "  - run: [/usr/sbin/nginx, -t]\n    stderr: test is successful\n"
          "  - start: true\n    ready: {http: /}\n    timeout: 60s\n"
          "  - start: true\n    ready: {tcp: 8080, send: \"GET / HTTP/1.0\\r\\n\\r\\n\", expect: served}\n    timeout: 60s\n")
    told = json.loads(smith("build", "web.yaml", "--json", *app.cache, cwd=folder).out)
    assert [t["passed"] for t in told["tests"]] == [True] * 3, told


def python(folder):
    layer = debian_layer("base-files", "coreutils", "libbz2-1.0", "libc6", "libexpat1", "libffi8", "liblzma5",
                         "libpython3.11-minimal", "libpython3.11-stdlib", "libsqlite3-0", "libssl3", "perl-base",
                         "python3.11", "python3.11-minimal", "zlib1g", "libuuid1", "libcrypt1", "libdb5.3",
                         "libncursesw6", "libtinfo6", "libreadline8", "libnsl2", "libtirpc3",
                         extra=[directory("app"), file("app/main.py", "import json, sqlite3, ssl, zlib\n"
                                                       "print(json.dumps({'by': ssl.OPENSSL_VERSION.split()[0]}))\n")])
    image = Image([layer], {"Entrypoint": ["python3.11"], "Cmd": ["main.py"], "WorkingDir": "/app", "User": "1000"})
    app = Conversion(folder, image, "--path", "/usr/bin/python3.11", "--path", "/usr/lib/python3.11", "--path", "/app")
    app.expect(["python3.11-minimal", "libssl3", "libc6"], "perl-base")
    app.check_run('{"by": "OpenSSL"}')


def musl(folder):
    need_tools("musl-gcc")
    build = os.path.join(folder, "build")
    write(os.path.join(build, "greet.c"), "#include <stdio.h>\nvoid greet(void) { puts(\"hello from musl\"); }\n")
    write(os.path.join(build, "main.c"), "void greet(void);\nint main(void) { greet(); return 0; }\n")
    run(["musl-gcc", "-shared", "-fPIC", "-o", "libgreet.so.1", "-Wl,-soname,libgreet.so.1", "greet.c"], cwd=build)
    run(["musl-gcc", "-o", "app", "main.c", "libgreet.so.1"], cwd=build)

    def built(name):
        with open(os.path.join(build, name), "rb") as source:
            return source.read()

    with open("/lib/x86_64-linux-musl/libc.so", "rb") as source:
        libc = source.read()
    database = "".join("P:%s\nV:%s\nA:x86_64\nL:MIT\n%s\n\n" % row for row in [
        ("musl", "1.2.3-r4", "F:lib\nR:ld-musl-x86_64.so.1\nR:libc.musl-x86_64.so.1"),
        ("greet", "1.0-r0", "F:usr/lib\nR:libgreet.so.1"), ("app", "2.0-r1", "F:usr/bin\nR:app"),
        ("busybox", "1.36-r5", "F:bin\nR:busybox\nR:sh")])
    layer = [directory("lib"), program("lib/ld-musl-x86_64.so.1", libc),
             link("lib/libc.musl-x86_64.so.1", "ld-musl-x86_64.so.1"), program("usr/bin/app", built("app")),
             file("usr/lib/libgreet.so.1", built("libgreet.so.1")), program("bin/busybox", bytes(900000)),
             link("bin/sh", "busybox"), file("lib/apk/db/installed", database)]
    app = Conversion(folder, Image([layer], {"Cmd": ["app"], "Env": ["PATH=/usr/bin:/bin"]}))
    assert app.layout.files() == ["lib/ld-musl-x86_64.so.1", "usr/bin/app", "usr/lib/libgreet.so.1"], app.layout.files()
    assert app.packages() == ["app-2.0-r1", "greet-1.0-r0", "musl-1.2.3-r4"], app.packages()
    app.check_run("hello from musl")


def distroless(folder):
    packages = ["base-files", "coreutils", "libacl1", "libattr1", "libc6", "libgmp10", "libpcre2-8-0", "libselinux1",
                "perl-base"]
    entries, _ = images.deb_entries(packages)
    status = []
    for name in packages:
        def about(*what, package=name):
            return subprocess.run(["dpkg-deb", *what], check=True, stdout=subprocess.PIPE).stdout
        deb = images.deb_file(name)
        status.append(file("var/lib/dpkg/status.d/" + name, about("--field", deb)))
        status.append(file("var/lib/dpkg/status.d/" + name + ".md5sums", about("--info", deb, "md5sums")))
    layer = tar_of([*entries, directory("var"), directory("var/lib"), directory("var/lib/dpkg"), *status])
    image = Image([layer], {"Entrypoint": ["/bin/cat"], "Cmd": ["/etc/os-release"], "User": "65532:65532"})
    app = Conversion(folder, image)
    app.expect(["coreutils", "libc6", "base-files"], "perl-base")
    app.check_run("Debian")


def rpm(folder):
    need_fixture()
    need_tools("rpm", "rpm2archive")
    root, layer, found = os.path.join(folder, "root"), [], {}
    wanted = ["base-files", "coreutils", "libacl1", "libattr1", "libc6", "libgmp10", "libpcre2-8-0", "libselinux1", "dash"]
    rpms = [next(os.path.join(at, f) for at, _, files in os.walk(os.path.join(FIXTURE, "Packages")) for f in files
                 if f.startswith(name + "-") and f[len(name) + 1].isdigit()) for name in wanted]
    for path in rpms:
        with open(path, "rb") as source:
            packed = subprocess.run(["rpm2archive", "-"], stdin=source, stdout=subprocess.PIPE, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as tar:
            for member in tar:
                member.name = member.name.lstrip("./")
                if member.name:
                    found[member.name] = (member, tar.extractfile(member).read() if member.isreg() else b"")
    os.makedirs(root)
    run(["rpm", "--root", root, "--dbpath", "/var/lib/rpm", "--define", "_db_backend sqlite", "--nosignature", "--nodeps",
         "--justdb", "--noscripts", "--ignorearch", "-i", *rpms])
    with open(os.path.join(root, "var/lib/rpm/rpmdb.sqlite"), "rb") as source:
        merged = [e for n in ("bin", "lib", "lib64", "sbin") if n not in found
                  for e in (link(n, "usr/" + n), directory("usr/" + n))]
        layer = [*merged, *(found[name] for name in sorted(found)), file("var/lib/rpm/rpmdb.sqlite", source.read())]
    app = Conversion(folder, Image([layer], {"Entrypoint": ["cat"], "Cmd": ["/etc/os-release"]}))
    shipped = app.packages()
    assert any(p.startswith("coreutils-9") and p.endswith(".x86_64") for p in shipped), shipped
    assert any(p.startswith("libc6-2") for p in shipped) and not any(p.startswith("dash-") for p in shipped), shipped
    listed = {p["package"] for p in app.result["source"]["packages"] if p["package"]}
    known = run(["rpm", "--root", root, "--dbpath", "/var/lib/rpm", "-qa"]).out.split()
    assert len(listed) == len(known), (listed, known)
    app.check_run("Debian")


def main():
    need_tools("umoci", "rpm2archive")
    assert SOURCE
    with scratch() as folder:
        {"nginx": nginx, "python": python, "musl": musl, "distroless": distroless, "rpm": rpm}[sys.argv[1]](folder)


if __name__ == "__main__":
    main()
