#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds go into registries of every kind, others pull them from there, and smith reads what others have pushed.

The registry is Debian's docker-registry: plain, by TLS with an authority of our own, with passwords, behind a token
server. skopeo and podman are the second opinion. Nothing secret may be in any output, at -v, nor in any file."""
import json
import os

from e2e import Layout, DOWNLOAD, TEST_FAILED, USAGE, need_tools, read, run, scratch, sha256, smith, step, write
from registries import (PASSWORD, USER, Authority, Home, Registry, TokenServer, blob_digests)

SPEC = """\
schema: 1
packages: []
arch: x86_64
cmd: [/usr/bin/tool]
"""
SAID = []


def make_spec(folder, name="app", more=""):
    """A spec that needs no repository: an overlay will do."""
    at = os.path.join(folder, name)
    write(os.path.join(at, "rootfs", "usr", "bin", "tool"), "I am a tool of %s\n" % name)
    os.chmod(os.path.join(at, "rootfs", "usr", "bin", "tool"), 0o755)
    # Something that takes more than one packet.
    with open(os.path.join(at, "rootfs", "usr", "noise"), "wb") as file:
        file.write(os.urandom(3_000_000))
    return write(os.path.join(at, name + ".yaml"), SPEC + more)


def build(spec, to, home, *more, status=0):
    done = smith("build", spec, "-o", to, "-v", *more, env=home.env, status=status)
    SAID.append(done.out + done.err)
    return done.out.strip()


def smith_said(*args, **more):
    done = smith(*args, **more)
    SAID.append(done.out + done.err)
    return done


def as_skopeo(home, *args):
    """skopeo by the same configuration; 1.9 knows no user's certs.d, so its own option is given."""
    return run(["skopeo", *args], env=home.env).out


def plain(folder):
    step("a plain registry, called insecure")
    spec = make_spec(folder)
    home = Home(os.path.join(folder, "home"))
    with Registry(os.path.join(folder, "registry")) as registry:
        refused = build(spec, registry.name("team/app:1.0"), home, status=DOWNLOAD)
        assert refused == "" and not blob_digests(registry.folder)
        digest = build(spec, registry.name("team/app:1.0"), home, "-k", "--also-tag", "stable")
        first = registry.requests()
        tagged = [r for r in first if r.startswith("PUT") and "/manifests/" in r]
        assert tagged[-1].endswith("/manifests/1.0") and tagged[-2].endswith("/manifests/stable"), tagged
        assert max(i for i, r in enumerate(first) if r.startswith("PUT") and "/blobs/" in r) < first.index(tagged[0])

        step("the same build again: at most three requests")
        registry.forget()
        assert build(spec, registry.name("team/app:1.0"), home, "-k") == digest
        assert len(registry.requests()) <= 3, registry.requests()

        step("a layout of it is the same image")
        layout = os.path.join(folder, "layout")
        assert build(spec, "oci:" + layout, home) == digest
        home.insecure(registry.host)
        told = json.loads(as_skopeo(home, "inspect", "--tls-verify=false", registry.name("team/app:stable")))
        assert told["Digest"] == digest and sorted(told["RepoTags"])[:2] == ["1.0", "sha256-" + digest[7:]], told
        pulled = os.path.join(folder, "pulled")
        as_skopeo(home, "copy", "-q", "--src-tls-verify=false", registry.name("team/app:1.0"), "oci:%s:1.0" % pulled)
        assert json.loads(read(os.path.join(pulled, "index.json")))["manifests"][0]["digest"] == digest
        assert read(os.path.join(pulled, "blobs", *digest.split(":"))) == read(
            os.path.join(layout, "blobs", *digest.split(":")))

        step("what hangs on it is listed under the fallback tag")
        index = json.loads(run(["skopeo", "inspect", "--raw", "--tls-verify=false",
                                registry.name("team/app:sha256-" + digest[7:])], env=home.env).out)
        assert len(index["manifests"]) == 3, index
        assert Layout(layout).referrers[0]["artifactType"] in {m["artifactType"] for m in index["manifests"]}

        step("smith reads what skopeo has pushed")
        as_skopeo(home, "copy", "-q", "--dest-tls-verify=false", "oci:%s:1.0" % pulled, registry.name("from/skopeo:2"))
        told = json.loads(smith_said("inspect", registry.name("from/skopeo:2"), "--json", env=home.env).out)
        assert told["digest"] == digest
        assert "/usr/bin/tool" in smith_said("ls", registry.name("from/skopeo:2"), env=home.env).out.split()
        smith_said("inspect", registry.name("from/skopeo:3"), env=home.env, status=USAGE)

        step("in docker's types, for registries of old: skopeo finds the same image under another digest")
        in_docker = [registry.host + "/old/app:1", "--docker", "-k"]
        old = smith_said("push", "oci:" + layout, *in_docker, env=home.env).out.strip()
        raw = run(["skopeo", "inspect", "--raw", "--tls-verify=false", registry.name("old/app:1")], env=home.env).out
        assert old == sha256(raw.encode()) != digest
        manifest = json.loads(raw)
        types = [manifest["mediaType"], manifest["config"]["mediaType"], manifest["layers"][0]["mediaType"]]
        assert types == ["application/vnd.docker." + end for end in (
            "distribution.manifest.v2+json", "container.image.v1+json", "image.rootfs.diff.tar.gzip")], types
        as_skopeo(home, "copy", "-q", "--src-tls-verify=false", registry.name("old/app:1"), "dir:" + folder + "/old")
        assert "/usr/bin/tool" in smith_said("ls", registry.name("old/app:1"), env=home.env).out.split()
        registry.forget()
        assert smith_said("push", "oci:" + layout, *in_docker, env=home.env).out.strip() == old
        assert len(registry.requests()) <= 3, registry.requests()
        smith_said("index", "create", registry.name("old/app:all"), "oci:" + layout, "--docker", "-k", env=home.env)
        index = json.loads(run(["skopeo", "inspect", "--raw", "--tls-verify=false", registry.name("old/app:all")],
                               env=home.env).out)
        assert index["mediaType"].endswith("manifest.list.v2+json") and index["manifests"][0]["digest"] == old, index
        archive = os.path.join(folder, "image.tar.gz")
        smith_said("copy", "oci:" + layout, archive)
        assert smith_said("upload", "-r", "https://%s/old/oracle:1" % registry.host, "-i", archive, "-d", "-k",
                          env=home.env).out.strip() == old

        step("tags are listed, of whatever holds them")
        told = smith_said("tags", registry.name("team/app"), "-k", env=home.env).out.split()
        assert told == sorted(["1.0", "stable", "sha256-" + digest[7:]]), told
        assert json.loads(smith_said("tags", "oci:" + layout, "--json", env=home.env).out) == ["latest"]
        assert smith_said("tags", archive, env=home.env).out == "latest\n"

        step("an image is deleted, with all tags that name it")
        smith_said("delete", registry.name("team/app:1.0"), "-k", env=home.env)
        smith_said("inspect", registry.name("team/app:stable"), "-k", env=home.env, status=USAGE)
        smith_said("delete", registry.name("team/app:1.0"), "-k", env=home.env, status=USAGE)
        smith_said("delete", "oci:" + layout, env=home.env, status=USAGE)

        step("an image whose test fails is not pushed")
        failing = make_spec(folder, "failing", "test:\n  - run: [/usr/bin/tool]\n")
        registry.forget()
        build(failing, registry.name("failing:1"), home, status=TEST_FAILED)
        assert registry.requests() == []


def tls(folder):
    step("TLS by an authority of our own, a client's certificate, and passwords")
    spec = make_spec(folder)
    authority = Authority(os.path.join(folder, "ca"))
    server, client = authority.sign("server"), authority.sign("client", "/CN=client", "DNS:client")
    home = Home(os.path.join(folder, "home"))
    with Registry(os.path.join(folder, "registry"), tls=server, client_ca=authority.certificate, password=True) as registry:
        name = registry.name("app:1")
        build(spec, name, home, status=DOWNLOAD)
        home.trust(registry.host, authority.certificate)
        build(spec, name, home, status=DOWNLOAD)
        home.trust(registry.host, authority.certificate, client)
        build(spec, name, home, status=DOWNLOAD)

        step("login")
        login = ["login", registry.host, "-v", "--username", USER, "--password-stdin"]
        wrong = smith_with_input(login, "canary-wrong\n", home, DOWNLOAD)
        assert "does not accept" in wrong.err, wrong
        auth_file = os.path.join(home.env["XDG_RUNTIME_DIR"], "containers", "auth.json")
        assert not os.path.exists(auth_file)
        smith_with_input(login, PASSWORD + "\n", home)
        assert os.stat(auth_file).st_mode & 0o777 == 0o600
        digest = build(spec, name, home)
        step("again: refused, the tag, what hangs on it")
        registry.forget()
        assert build(spec, name, home) == digest
        assert len(registry.requests()) <= 3, registry.requests()
        certs = os.path.join(home.folder, ".config", "containers", "certs.d", registry.host)
        told = json.loads(run(["skopeo", "inspect", "--cert-dir", certs, name], env=home.env).out)
        assert told["Digest"] == digest
        assert json.loads(smith_said("inspect", name, "--json", env=home.env).out)["digest"] == digest

        step("a password has no place in a name")
        named = "%s:%s@%s/app:1" % (USER, PASSWORD, registry.host)
        layout = "oci:" + os.path.join(folder, "named")
        for words in (["inspect", "docker://" + named], ["pull", named, layout], ["copy", "https://" + named, layout],
                      ["upload", "-r", "https://" + named], ["build", spec, "-o", "docker://" + named]):
            said = smith_said(*words, env=home.env, status=USAGE)
            assert "holds no user and password" in said.err, said
        step("logout")
        smith_said("logout", registry.host, env=home.env)
        build(spec, name, home, status=DOWNLOAD)
        build(spec, name, home, "--creds", "%s:%s" % (USER, PASSWORD))
        step("skopeo's login is ours, too")
        run(["skopeo", "login", "--cert-dir", certs, "-u", USER, "-p", PASSWORD, registry.host], env=home.env)
        build(spec, name, home)


def tokens(folder):
    step("behind a token server")
    spec = make_spec(folder)
    home = Home(os.path.join(folder, "home"))
    with TokenServer(os.path.join(folder, "tokens"), public=True) as server, Registry(
            os.path.join(folder, "registry"), tokens=server) as registry:
        home.insecure(registry.host)
        name = registry.name("team/app:1")
        build(spec, name, home, status=DOWNLOAD)
        smith_with_input(["login", registry.host, "-k", "-u", USER, "--password-stdin"], PASSWORD, home)
        server.asked.clear()
        digest = build(spec, name, home)
        assert server.asked == [(True, ["repository:team/app:pull,push"])], server.asked

        step("again: a token, the tag, what hangs on it")
        server.asked.clear()
        registry.forget()
        assert build(spec, name, home) == digest
        assert len(registry.requests()) + len(server.asked) <= 3, (registry.requests(), server.asked)

        step("anybody may pull")
        nobody = Home(os.path.join(folder, "nobody"))
        nobody.insecure(registry.host)
        server.asked.clear()
        assert json.loads(smith_said("inspect", name, "--json", env=nobody.env).out)["digest"] == digest
        assert server.asked == [(False, ["repository:team/app:pull"])], server.asked
        told = json.loads(run(["skopeo", "inspect", "--tls-verify=false", name], env=nobody.env).out)
        assert told["Digest"] == digest


def mirrored(folder):
    step("a mirror is asked first, and may be gone")
    spec = make_spec(folder)
    home = Home(os.path.join(folder, "home"))
    with Registry(os.path.join(folder, "mirror")) as mirror, Registry(os.path.join(folder, "registry")) as registry:
        digest = build(spec, registry.name("team/app:1"), home, "-k")
        build(spec, mirror.name("copy/app:1"), home, "-k")
        home.env["CONTAINERS_REGISTRIES_CONF"] = write(os.path.join(folder, "registries.conf"), """\
[[registry]]
prefix = "registry.example/team"
location = "%s/team"
insecure = true
[[registry.mirror]]
location = "127.0.0.1:9/nobody"
[[registry.mirror]]
location = "%s/copy"
insecure = true
[[registry]]
location = "blocked.example"
blocked = true
""" % (registry.host, mirror.host))
        registry.forget()
        told = smith_said("inspect", "docker://registry.example/team/app:1", "--json", env=home.env)
        assert json.loads(told.out)["digest"] == digest
        assert not [r for r in registry.requests() if "/blobs/" in r]
        said = smith_said("inspect", "docker://blocked.example/x", env=home.env, status=USAGE)
        assert "blocked by registries.conf" in said.err


def smith_with_input(args, text, home, status=0):
    path = write(os.path.join(home.folder, "input"), text)
    with open(path, "rb") as stdin:
        done = smith(*args, env=home.env, status=status, stdin=stdin)
    os.unlink(path)
    SAID.append(done.out + done.err)
    return done


def no_secret_in(folder):
    step("no password and no token is in any output, lock, layout, cache or registry")
    for text in SAID:
        assert "canary" not in text and "eyJ" not in text, text
    for at, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(at, name)
            if name in ("auth.json", "htpasswd", "log") or "/data/" in path or not os.path.isfile(path):
                continue
            assert b"canary" not in read(path), path


def main():
    need_tools("docker-registry", "openssl", "skopeo")
    with scratch() as folder:
        for case in (plain, tls, tokens, mirrored):
            case(os.path.join(folder, case.__name__))
        no_secret_in(folder)


if __name__ == "__main__":
    main()
