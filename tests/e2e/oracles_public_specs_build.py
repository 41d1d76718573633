#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fifteen specs for Oracle's Smith that are known to be public, in our words (tests/spec-corpus), are built by bare
`smith` and put to use: from the fixture's packages, and from images that have what theirs had, with small programs of
our own in place of Ruby, httpd and a JVM, which look for their libraries, modules and interpreters as those do."""
import hashlib
import os
import shutil
import tarfile

from e2e import (FIXTURE, SOURCE, Layout, need_fixture, need_tools, read, run, scratch, serve, smith, step, write)
from images import Image, deb_file, debian_layer, directory, file, link, program

CORPUS = os.path.join(SOURCE, "tests", "spec-corpus", "valid")

C = {
    # An interpreter in a library that ld.so.conf leads to.
    "libruby.so.2.4": ("""#include <stdio.h>
int ruby_main(int c, char **v) {
    char line[99] = "";
    FILE *f = c > 1 ? fopen(v[1], "r") : 0;
    if (f == 0 || !fgets(line, sizeof line, f)) return 1;
    printf("%s%s\\n", line, v[c - 1]);
    return 0;
}""", ["-shared", "-fPIC", "-Wl,-soname,libruby.so.2.4"]),
    "ruby": ("int ruby_main(int, char **); int main(int c, char **v) { return ruby_main(c, v); }", ["libruby.so.2.4"]),
    # A server that opens modules by name when it has read its configuration, and asks nss who it is.
    "httpd": ("""#include <dlfcn.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>
#include <zlib.h>
int main(void) {
    char name[200];
    FILE *f = fopen("/usr/local/apache2/conf/httpd.conf", "r");
    struct passwd *me = getpwuid(getuid());
    while (f && fscanf(f, "LoadModule %199s\\n", name) == 1) {
        void *module = dlopen(name, RTLD_NOW);
        if (!module) return puts(dlerror()), 1;
        ((void (*)(void))dlsym(module, "say"))();
    }
    printf("zlib %c, %s\\n", *zlibVersion(), me ? me->pw_name : "nobody we know");
}""", ["-rdynamic", "-lz"]),
    # A launcher that finds its own libraries from where it stands, and opens the machine from where they are.
    "libjvm.so": ('#include <stdio.h>\nvoid jvm(void) { puts("openjdk version 1.8"); }', ["-shared", "-fPIC"]),
    "libjli.so": ("""#include <dlfcn.h>
#include <stdio.h>
int jli(void) {
    void *jvm = dlopen("libjvm.so", RTLD_NOW);
    if (!jvm) return puts(dlerror()), 1;
    ((void (*)(void))dlsym(jvm, "jvm"))();
    return 0;
}""", ["-shared", "-fPIC", "-Wl,-rpath,$ORIGIN/../server"]),
    "java": ("int jli(void); int main(void) { return jli(); }", ["libjli.so", "-Wl,-rpath,$ORIGIN/../lib/amd64/jli"]),
}
MODULES = ("mpm_event", "authn_core", "dir")


def compiled(folder):
    need_tools("cc")
    os.makedirs(folder)
    found = {}
    sources = dict(C, **{"mod_%s.so" % m: ('int puts(const char *); void say(void) { puts("%s"); }' % m,
                                           ["-shared", "-fPIC"]) for m in MODULES})
    for name, (text, flags) in sources.items():
        write(os.path.join(folder, name + ".c"), text)
        run(["cc", "-O1", "-o", name, name + ".c", *flags], cwd=folder)
        found[name] = read(os.path.join(folder, name))
    return found


class World:
    def __init__(self, folder):
        self.folder = folder
        self.home = {"HOME": folder, "XDG_CACHE_HOME": os.path.join(folder, "cache"), "XDG_CONFIG_HOME": "",
                     "CONTAINERS_REGISTRIES_CONF": os.path.join(folder, "registries.conf")}
        self.built = compiled(os.path.join(folder, "cc"))
        self.base = debian_layer("base-files", "libc6", "zlib1g", "bash", "libtinfo6",
                                 extra=[file("etc/ld.so.conf", "/usr/local/lib\n/usr/lib/x86_64-linux-gnu\n")])

    def image(self, entries, config):
        return Image([self.base, [directory("usr/local"), *entries]], config)

    def ruby_app(self):
        lib = "usr/local/lib/"
        return self.image(
            [program("usr/local/bin/ruby", self.built["ruby"]), program("usr/local/bin/rake", "#!/usr/local/bin/ruby\n"),
             file(lib + "libruby.so.2.4", self.built["libruby.so.2.4"]), link(lib + "libruby.so", "libruby.so.2.4"),
             file(lib + "ruby/set.rb", "# a library\n"), file("usr/local/bundle/config", ""), file("etc/ssl/openssl.cnf"),
             file("app/server.rb", "# server\n"), file("app/Rakefile", "# rakefile\n"), file("app/lib/x.rb"),
             program("app/run", self.built["ruby"])],
            {"WorkingDir": "/app", "Env": ["PATH=/usr/local/bin:/usr/bin"], "Cmd": ["ruby", "server.rb"]})

    def httpd(self):
        at = "usr/local/apache2/"
        return self.image(
            [program(at + "bin/httpd", self.built["httpd"]), program(at + "bin/rotatelogs", self.built["httpd"]),
             *[file("%smodules/mod_%s.so" % (at, m), self.built["mod_%s.so" % m]) for m in (*MODULES,)],
             file(at + "conf/httpd.conf", "".join("LoadModule /%smodules/mod_%s.so\n" % (at, m) for m in MODULES))],
            {"WorkingDir": "/usr/local/apache2", "Cmd": ["httpd-foreground"], "ExposedPorts": {"80/tcp": {}}})

    def java(self):
        jre = "usr/lib/jvm/java-8-openjdk-amd64/jre/"
        return self.image(
            [program(jre + "bin/java", self.built["java"]), file(jre + "lib/amd64/jli/libjli.so", self.built["libjli.so"]),
             file(jre + "lib/amd64/server/libjvm.so", self.built["libjvm.so"]), file(jre + "lib/rt.jar", "classes"),
             file(jre + "lib/amd64/libawt_xawt.so", self.built["mod_dir.so"]), file("etc/java-8-openjdk/net.properties")], {})

    def build(self, number, name, changes=(), files=None, more="", status=0):
        """Bare `smith` in a folder of its own. Returns that folder, the image in it and what smith said."""
        step("%d: %s" % (number, name))
        at = os.path.join(self.folder, str(number))
        text = read(os.path.join(CORPUS, "oracle-%s.yaml" % name)).decode()
        for old, new in changes:
            assert old in text, (name, old)
            text = text.replace(old, new)
        write(os.path.join(at, "smith.yaml"), text + more)
        for path, content in (files or {}).items():
            if callable(content):
                content(os.path.join(at, path))
            else:
                write(os.path.join(at, path), content)
        said = smith(cwd=at, env=self.home, status=status)
        if status != 0:
            return at, None, said
        with tarfile.open(os.path.join(at, "image.tar.gz")) as tar:
            tar.extractall(os.path.join(at, "image"))
        return at, Layout(os.path.join(at, "image")), said

    def says(self, at, expected, *more):
        said = smith("run", os.path.join(at, "image.tar.gz"), *more, cwd=at, env=self.home).out
        assert said == expected, said


REPOS = "repos:\n- {id: fixture, baseurl: 'file://%s', gpgkey: 'file://%s/RPM-GPG-KEY-test'}\n" % (FIXTURE, FIXTURE)
MOCK = ("config_opts['root'] = 'fixture'\nconfig_opts['target_arch'] = 'x86_64'\nconfig_opts['yum.conf'] = \"\"\"\n"
        "[main]\n[fixture]\nname=fixture\nbaseurl=file://%s\ngpgkey=file://%s/RPM-GPG-KEY-test\ngpgcheck=1\n\"\"\"\n"
        % (FIXTURE, FIXTURE))


def from_packages(world):
    at, _, _ = world.build(1, "cat", files={"rootfs/read/data": "Hello World!\n"}, more=REPOS)
    world.says(at, "Hello World!\n")

    at, image, _ = world.build(3, "cat", files={"rootfs/read/data": "hello\n", "fixture.cfg": MOCK},
                               more="mock:\n  config: fixture.cfg\n")
    world.says(at, "hello\n")
    assert not [f for f in image.files() if f.startswith("usr/share/")], image.files()

    curl = next(f for f in sorted(os.listdir(os.path.join(FIXTURE, "Packages", "c"))) if f.startswith("curl-"))
    at, image, said = world.build(
        14, "local-rpm-with-mock",
        # Another program under the name; what this distribution calls its Python, and where it has its libraries.
        [("/etc/mock/epel-7-x86_64.cfg", "fixture.cfg"), ("  - python\n  - nss-tools", "  - python3\n  - ca-certificates\n  - dash"),
         ("/usr/bin/smith", "/usr/bin/curl"), ("python2.7", "python3.11"), ("/usr/lib64/python3.11/\n", "/usr/lib/python3/\n"),
         ("  debuginfo: no\n  debugdeps: [glibc]\n  debugpaths: [/usr/bin/gdb]\n", ""),  # which the public one has not
         ("/etc/pki/nssdb", "/etc/ssl"), ("/usr/lib64/libfreebl3.*", "/usr/lib/x86_64-linux-gnu/libssl.*")],
        {"fixture.cfg": MOCK, "smith-1.1.0-1.x86_64.rpm":
            lambda to: shutil.copy(os.path.join(FIXTURE, "Packages", "c", curl), to)})
    config = image.config["config"]
    assert config["User"] == "0:0" and config["WorkingDir"] == "/write" and "/var/lib/mock" in config["Volumes"], config
    assert image.entries()["usr/bin/curl"].uid == 1000, image.entries()["usr/bin/curl"]
    assert "pre-build" in said.err, said
    run_in = ["--entrypoint", "/usr/bin/python3.11", "--", "-c"]
    world.says(at, "1000 mock\n", *run_in, "import os, grp; print(os.environ['SUDO_UID'], grp.getgrnam('mock').gr_name)")
    assert smith("run", os.path.join(at, "image.tar.gz"), "--", "/usr/bin/curl", "--version", cwd=at,
                 env=world.home).out.startswith("curl 7")


def from_a_ruby_image(world):
    app = {"app.tgz": world.ruby_app().archive}
    at, image, _ = world.build(4, "type-before-archive", files=app)
    assert {"app/server.rb", "app/run", "usr/local/lib/libruby.so.2.4"} <= set(image.files()), image.files()
    world.says(at, "# server\n/app/server.rb\n", "--entrypoint", "/app/run", "--", "/app/server.rb")

    at, image, _ = world.build(5, "archive-with-tag", files={"app.tar.gz": lambda to: world.ruby_app().archive(to, "v1")})
    assert image.config["config"]["WorkingDir"] == "/app", image.config
    # `ruby` is looked for in PATH when it runs, the script in the image's directory.
    world.says(at, "# server\n-e production\n")

    at, image, _ = world.build(6, "links-and-script", files=app)
    assert {"usr/local/bin/ruby", "usr/local/lib/libruby.so.2.4"} <= set(image.files()), image.files()
    assert image.entries()["usr/local/lib/libruby.so"].linkname == "libruby.so.2.4"
    world.says(at, "#!/usr/local/bin/ruby\nserve\n")


def from_an_httpd_image(world):
    as_tgz = {"httpd.tgz": world.httpd().archive}
    as_tar = {"httpd.tar": world.httpd().docker_archive}
    _, image, said = world.build(7, "missing-path", [("package: httpd", "package: httpd.tar")], as_tar)
    assert "path '/usr/local/apache2/bin/httpd-foreground' matches nothing" in said.err, said
    assert "/usr/local/apache2/bin/httpd" in said.err and image.files() == [], said

    at, image, _ = world.build(8, "directory-with-slash", files=as_tar)
    assert {"usr/local/apache2/modules/mod_dir.so", "usr/local/apache2/conf/httpd.conf"} <= set(image.files())
    httpd = ["--entrypoint", "/usr/local/apache2/bin/httpd"]
    loaded = "".join(m + "\n" for m in MODULES)
    world.says(at, loaded + "zlib 1, nobody we know\n", *httpd)

    at, image, _ = world.build(9, "multiarch-libraries", files=as_tgz)
    # What moved to /usr is found where it was.
    assert [f for f in image.files() if f.endswith("/libnss_dns.so.2")], image.files()
    world.says(at, "zlib 1, nobody we know\n", *httpd)

    at, image, _ = world.build(
        10, "nss-and-root", files=dict(as_tgz, **{
            "rootfs/read/httpd.conf": "LoadModule nothing\n",
            "rootfs/usr/local/apache2/conf/httpd.conf": lambda to: (
                os.makedirs(os.path.dirname(to)), os.symlink("/read/httpd.conf", to))}))
    assert image.config["config"]["User"] == "0:0" and image.config["config"]["ExposedPorts"] == {"80/tcp": {}}
    said = smith("run", os.path.join(at, "image.tar.gz"), cwd=at, env=world.home, status=1)
    assert said.out.startswith("nothing: cannot open shared object file"), said

    at, image, _ = world.build(11, "modules", files=dict(as_tgz, **{
        "rootfs/usr/local/apache2/conf/httpd.conf": "LoadModule /usr/local/apache2/modules/mod_dir.so\n"}))
    assert sum(f.startswith("usr/local/apache2/modules/") for f in image.files()) == 3, image.files()
    world.says(at, "dir\nzlib 1, root\n")


def from_a_registry(world):
    """Two of the specs name Docker's registry. Here it is a folder behind HTTP, which registries.conf leads to."""
    registry = os.path.join(world.folder, "registry")
    fedora = Image([debian_layer("libc6", "coreutils", "libacl1", "libattr1", "libselinux1", "libgmp10", "libpcre2-8-0")])
    for name, tag, image in (("fedora", "latest", fedora), ("openjdk", "8-slim", world.java())):
        for digest, data in image.blobs.items():
            put(registry, name, "blobs", digest, data)
        put(registry, name, "manifests", tag, image.manifest)
        put(registry, name, "manifests", "sha256:" + hashlib.sha256(image.manifest).hexdigest(), image.manifest)
    with serve(registry) as url:
        write(world.home["CONTAINERS_REGISTRIES_CONF"], "".join(
            '[[registry]]\nprefix = "%s"\nlocation = "%s"\ninsecure = true\n' % (host, url.split("//")[1])
            for host in ("registry-1.docker.io", "docker.io")))
        at, _, _ = world.build(2, "registry-url", [("registry.example.com", "registry-1.docker.io")],
                               {"rootfs/read/data": "from an image\n"})
        world.says(at, "from an image\n")

        at, image, _ = world.build(12, "java")
        assert not [f for f in image.files() if f.endswith("libawt_xawt.so")], image.files()
        world.says(at, "openjdk version 1.8\n")
        # The older one of the family became the base of an image.
        below, image, _ = world.build(13, "java", [("excludes:\n- /usr/lib/jvm/java-8-openjdk-amd64/jre/lib/amd64/libawt_xawt.so\n", "")])
        assert [f for f in image.files() if f.endswith("libawt_xawt.so")], image.files()
    write(os.path.join(below, "app", "smith.yaml"), "parent: ../image.tar.gz\n")
    write(os.path.join(below, "app", "rootfs", "app", "main.class"), "class")
    smith(cwd=os.path.join(below, "app"), env=world.home)
    world.says(os.path.join(below, "app"), "openjdk version 1.8\n")


def put(registry, name, kind, reference, data):
    at = os.path.join(registry, "v2", "library", name, kind)
    os.makedirs(at, exist_ok=True)
    with open(os.path.join(at, reference), "wb") as out:
        out.write(data)


def from_a_docker_archive(world):
    image = Image([debian_layer("busybox-static")], {"Cmd": ["sh"]})
    at, layout, _ = world.build(15, "type-container", files={"alpine.tar": image.docker_archive})
    assert layout.config["config"]["User"] == "0:0" and len(layout.files()) == 1, layout.files()
    world.says(at, "busy\n", "--", "echo", "busy")


def main():
    need_fixture()
    deb_file("libc6")
    with scratch() as folder:
        world = World(folder)
        from_packages(world)
        from_a_ruby_image(world)
        from_an_httpd_image(world)
        from_a_registry(world)
        from_a_docker_archive(world)


if __name__ == "__main__":
    main()
