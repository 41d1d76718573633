#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One registry, by TLS with an authority of our own and with passwords, for smith, podman, skopeo and umoci: what one puts
there is the same image for all others, and a spec may build on it."""
import json
import os
import shutil

from e2e import (DOWNLOAD, USAGE, Layout, need_fixture, need_tools, read, repo_file, run, scratch, sha256, skip, smith,
                 spec, step, write)
from images import Image, directory, file, link, program
from other_runtimes_run_the_image import control_image
from registries import PASSWORD, USER, Authority, Home, Registry

CONFIG = {"Entrypoint": ["/bin/tool"], "Cmd": ["x"], "Env": ["PATH=/bin"], "Labels": {"from": "podman"}}
TREE = [[directory("usr"), directory("usr/bin"), link("bin", "usr/bin"), program("usr/bin/tool", b"a tool\n"), file("etc/old", "1")],
        [file("etc/new", "2"), program("usr/bin/other", b"another\n")]]


class World:
    """The registry, and everybody's way to it."""

    def __init__(self, folder, registry, certs):
        self.folder, self.registry, self.home = folder, registry, Home(os.path.join(folder, "home"))
        self.certs = os.path.join(self.home.folder, ".config", "containers", "certs.d", registry.host)
        self.home.trust(registry.host, certs)

    def path(self, name):
        return os.path.join(self.folder, name)

    def smith(self, *args, **more):
        return smith(*args, env=self.home.env, cwd=self.folder, **more)

    def skopeo(self, command, *args):
        words = ["--src-cert-dir", "--dest-cert-dir"] if command == "copy" else ["--cert-dir"]
        certs = [one for word in words for one in (word, self.certs)]
        return run(["skopeo", "--insecure-policy", command, *certs, *args], env=self.home.env).out

    def podman(self, *args, runtime="crun", **more):
        own = ["--root", self.path("podman"), "--runroot", self.path("podman-run"), "--runtime", runtime,
               "--cgroup-manager=cgroupfs", "--events-backend=none"]
        return run(["podman", *own, *args], env=self.home.env, **more)

    def digest(self, name):
        """Of what the registry has under a name, by an opinion that is not ours."""
        return sha256(self.skopeo("inspect", "--raw", self.registry.name(name)).encode())


def check_podman_pushes(world):
    step("podman pushes; smith inspects, verifies, lists and pulls the same image")
    archive = Image(TREE, CONFIG).docker_archive(world.path("image.tar"), "localhost/made:1")
    world.podman("load", "-q", "-i", archive)
    told = world.path("digest")
    for form in ("oci", "v2s2"):
        name = "from/podman:" + form
        world.podman("push", "-q", "--format", form, "--cert-dir", world.certs, "--digestfile", told, "localhost/made:1",
                     world.registry.name(name))
        digest = read(told).decode()
        seen = json.loads(world.smith("inspect", world.registry.name(name), "--json").out)
        assert seen["digest"] == digest == world.digest(name), seen
        world.smith("verify", world.registry.name(name))
        assert world.smith("cat", world.registry.name(name), "/etc/new").out == "2"
        for to in ("oci:back-" + form, "docker-archive:back-%s.tar:x:1" % form, "dir:back-dir-" + form):
            pulled = world.smith("pull", world.registry.host + "/" + name, to).out.strip()
            assert pulled == digest or to.startswith("docker-archive:"), to
            assert world.smith("diff", to, world.registry.name(name)).out == "", to
    step("and puts it back in its place, without a request too many")
    world.registry.forget()
    world.smith("push", "oci:back-oci", world.registry.host + "/from/podman:again")
    assert world.digest("from/podman:again") == world.digest("from/podman:oci")
    sent = [r for r in world.registry.requests() if r.startswith(("POST", "PUT", "PATCH"))]
    assert sent == ["PUT /v2/from/podman/manifests/again"], sent


def check_podman_pulls(world):
    step("smith builds and pushes; podman pulls the digest that smith said, and runs it")
    digest = world.smith("build", spec("busybox"), "--no-test", "--lock", "busybox.lock", "--repo-file", repo_file(),
                         "-o", world.registry.name("made/busybox:1")).out.strip()
    world.podman("pull", "-q", "--cert-dir", world.certs, world.registry.name("made/busybox:1"))
    world.podman("pull", "-q", "--cert-dir", world.certs, world.registry.name("made/busybox@" + digest))
    image = world.registry.host + "/made/busybox:1"
    seen = json.loads(world.podman("image", "inspect", image).out)[0]
    assert seen["Digest"] == digest == world.digest("made/busybox:1"), seen
    how = ["--rm", "--read-only", "--network=none", "--cap-drop=all", "--ulimit=nofile=1024:1024",
           "--ulimit=nproc=4096:4096", "--entrypoint", "/bin/busybox"]
    # Whether podman runs anything on this host is asked with an image that is not ours.
    layout, tag = control_image(world.folder)
    for runtime in ("crun", "runc"):
        control = world.podman("run", *how, "oci:%s:%s" % (layout, tag), "uname", runtime=runtime, status=None)
        control = control if control.status == 0 else world.podman(
            "run", *how[:-1], "/usr/bin/busybox", "oci:%s:%s" % (layout, tag), "uname", runtime=runtime, status=None)
        if control.status == 0:
            assert world.podman("run", *how, image, "echo", "hello", runtime=runtime).out == "hello\n"
            return
    print("  podman runs no container on this host: " + control.err.strip()[-200:])


def check_skopeo_and_umoci(world):
    step("umoci changes what smith pulled; skopeo finds in the registry what smith pushed of it")
    world.smith("pull", world.registry.host + "/from/podman:oci", "oci:edited:1")
    write(world.path("added/motd"), "hello\n")
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run(["umoci", "insert", *rootless, "--image", world.path("edited") + ":1", "--tag", "2", world.path("added"), "/added"])
    digest = world.smith("push", "oci:edited:2", world.registry.host + "/from/umoci:2", "--also-tag", "latest").out.strip()
    index = json.loads(read(world.path("edited/index.json")))
    assert digest in {one["digest"] for one in index["manifests"]}
    assert world.digest("from/umoci:2") == world.digest("from/umoci:latest") == digest
    world.skopeo("copy", "-q", world.registry.name("from/umoci:2"), "oci:%s:3" % world.path("skopeo"))
    run(["umoci", "unpack", *rootless, "--image", world.path("skopeo") + ":3", world.path("bundle")])
    assert read(world.path("bundle/rootfs/added/motd")) == b"hello\n"
    assert world.smith("cat", world.registry.name("from/umoci"), "/added/motd").out == "hello\n"
    step("and the other way round")
    world.skopeo("copy", "-q", "oci:%s:2" % world.path("edited"), world.registry.name("from/skopeo:2"))
    assert world.smith("pull", world.registry.host + "/from/skopeo:2", "oci:again").out.strip() == digest
    assert world.digest("from/skopeo:2") == digest


def check_builds(world):
    source = world.registry.host + "/from/podman:oci"
    pinned = world.digest("from/podman:oci")
    step("a spec builds on an image of the registry, by its name and by Oracle's URL: the same image")
    made = {}
    for number, name in enumerate(("docker://" + source, "https://" + source)):
        write(world.path("app%d.yaml" % number), "schema: 1\npackage: %s\npaths: [/bin/tool]\n" % name)
        made[name] = world.smith("build", "app%d.yaml" % number, "-o", "oci:app").out.strip()
        assert json.loads(read(world.path("app%d.lock" % number)))["source"]["manifest"] == pinned, name
    assert len({Layout(world.path("app")).digest, *made.values()}) == 1, made
    assert Layout(world.path("app")).files() == ["usr/bin/tool"]
    step("converted from the registry into the registry")
    digest = world.smith("convert", "docker://" + source, world.registry.name("small/tool:1"), "--path", "/bin/tool").out
    assert world.digest("small/tool:1") == digest.strip()
    assert world.smith("ls", world.registry.name("small/tool:1")).out.split().count("/usr/bin/other") == 0
    step("a parent in the registry stays below, and is mounted, not sent")
    write(world.path("child.yaml"), "schema: 1\npackages: []\narch: x86_64\nparent: docker://%s\n" % source)
    write(world.path("rootfs/etc/mine"), "mine\n")
    world.registry.forget()
    world.smith("build", "child.yaml", "-o", world.registry.name("small/child:1"))
    manifest = json.loads(world.skopeo("inspect", "--raw", world.registry.name("small/child:1")))
    below = json.loads(world.skopeo("inspect", "--raw", world.registry.name("from/podman:oci")))["layers"]
    assert [one["digest"] for one in manifest["layers"][:2]] == [one["digest"] for one in below], manifest
    assert len(manifest["layers"]) == 3
    assert world.smith("cat", world.registry.name("small/child:1"), "/etc/new").out == "2"
    mounted = [r for r in world.registry.requests() if "&from=" in r or "?from=" in r]
    assert len(mounted) == 2 and all("from=from/podman" in r for r in mounted), world.registry.requests()
    step("and nothing of it is fetched twice, if the cache knows nothing yet")
    shutil.rmtree(os.path.join(world.home.env["XDG_CACHE_HOME"], "smith"))
    world.registry.forget()
    world.smith("build", "child.yaml", "-o", "oci:child")
    fetched = [r for r in world.registry.requests() if r.split("/")[-1] in {one["digest"] for one in below}]
    assert len(fetched) == len(below) == 2, world.registry.requests()
    shutil.rmtree(world.path("rootfs"))

    step("the tag moves: the lock holds on to what it was, from the registry itself, until 'smith update'")
    world.smith("push", "oci:edited:2", source)
    shutil.rmtree(os.path.join(world.home.env["XDG_CACHE_HOME"], "smith"))
    again = world.smith("build", "app0.yaml", "--locked", "-o", "oci:again0").out.strip()
    assert again == made["docker://" + source]
    told = world.smith("outdated", "app0.yaml", status=None)
    assert world.digest("from/podman:oci") in told.out, told
    step("fetched, it is built without the registry")
    world.smith("fetch", "app0.yaml")
    world.registry.forget()
    assert world.smith("build", "app0.yaml", "--locked", "--offline", "-o", "oci:again1").out.strip() == again
    assert world.registry.requests() == []


def check_strangers(world):
    step("who is nobody there, or does not trust the authority, gets nothing")
    source = world.registry.name("from/podman:oci")
    write(world.path("no.yaml"), "schema: 1\npackage: %s\npaths: [/bin/tool]\n" % source)
    write(world.path("parent.yaml"), "schema: 1\npackages: []\narch: x86_64\nparent: %s\n" % source)
    stranger = Home(world.path("stranger"))
    for trusts in (False, True):
        if trusts:
            stranger.trust(world.registry.host, os.path.join(world.certs, "ca.crt"))
        for args in (("build", "no.yaml"), ("build", "parent.yaml"), ("convert", source, "oci:no", "--path", "/bin/tool"),
                     ("verify", source)):
            refused = smith(*args, env=stranger.env, cwd=world.folder, status=DOWNLOAD)
            assert ("smith login" if trusts else "certificate") in refused.err, refused
    assert not os.path.exists(world.path("no")) and not os.path.exists(world.path("no.lock"))
    gone = world.smith("convert", world.registry.name("from/podman:gone"), "oci:no", "--path", "/x", status=USAGE)
    assert "no image of that name" in gone.err, gone


def main():
    need_tools("docker-registry", "openssl", "skopeo", "umoci", "podman", "rpm2archive")
    need_fixture()
    with scratch() as folder:
        authority = Authority(os.path.join(folder, "ca"))
        with Registry(os.path.join(folder, "registry"), tls=authority.sign("server"), password=True) as registry:
            world = World(folder, registry, authority.certificate)
            if world.podman("info", status=None).status != 0:
                skip("podman does not work on this host")
            word = write(world.path("password"), PASSWORD + "\n")
            with open(word, "rb") as stdin:
                world.smith("login", registry.host, "-u", USER, "--password-stdin", stdin=stdin)
            for check in (check_podman_pushes, check_podman_pulls, check_skopeo_and_umoci, check_builds, check_strangers):
                check(world)


if __name__ == "__main__":
    main()
