#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A spec whose `package` is an image: built with the image's configuration, from whatever holds the image; pinned by
the lock; the same bytes from the cache when the image is gone."""
import json
import os

from e2e import (DONE, INTEGRITY, UNSOLVABLE, USAGE, Layout, assert_same, read, run, scratch, smith, snapshot, step,
                 write)
from images import Image, directory, file, link, opaque, program, whiteout

CONFIG = {"Entrypoint": ["/docker-entrypoint.sh"], "Cmd": ["app", "-c", "/etc/app.conf"], "User": "web",
          "Env": ["PATH=/opt/bin:/usr/bin", "APP_HOME=/srv"], "WorkingDir": "/srv", "ExposedPorts": {"8080/tcp": {}},
          "Labels": {"team": "x", "kept": "y"}, "Volumes": {"/data": {}}, "StopSignal": "SIGQUIT",
          "Healthcheck": {"Test": ["CMD", "app", "check"], "Interval": 5000000000}}
LAYERS = [
    [directory("usr"), directory("usr/bin"), link("bin", "usr/bin"), program("usr/bin/sh", "shell"),
     program("usr/bin/tool"), file("etc/passwd", "root:x:0:0::/:\nweb:x:33:44::/srv:\n"), file("etc/old", "old"),
     file("opt/lower/x", "x")],
    [program("docker-entrypoint.sh", "#!/bin/sh\nexec \"$@\"\n"), program("opt/bin/app", "#!/bin/sh\n"),
     file("etc/app.conf", "conf"), whiteout("etc/old"), opaque("opt/lower"), program("usr/bin/su", "su", )],
]


def source(**config):
    return Image(LAYERS, dict(CONFIG, **config))


def build(folder, spec, *more, status=DONE):
    return smith("build", os.path.join(folder, spec), "--cache-dir", os.path.join(folder, "cache"), *more, status=status,
                 cwd=folder)


def check_configuration(folder):
    step("what the image is configured to be, the microcontainer is; what its command names, it has")
    write(os.path.join(folder, "app.yaml"), "schema: 1\npackage: oci:src\n")
    result = build(folder, "app.yaml")
    layout = Layout(os.path.join(folder, "app"))
    config = layout.config["config"]
    assert config["Entrypoint"] == CONFIG["Entrypoint"] and config["Cmd"] == CONFIG["Cmd"], config
    assert config["Env"] == CONFIG["Env"] and config["WorkingDir"] == "/srv", config
    assert config["User"] == "33:44" and config["StopSignal"] == "SIGQUIT", config
    assert config["ExposedPorts"] == {"8080/tcp": {}} and config["Volumes"] == {"/data": {}}, config
    assert config["Labels"] == CONFIG["Labels"] and config["Healthcheck"]["Test"] == ["CMD", "app", "check"], config
    assert layout.files() == ["docker-entrypoint.sh", "etc/app.conf", "opt/bin/app", "usr/bin/sh"], layout.files()
    assert layout.entries()["docker-entrypoint.sh"].uid == 33
    assert "is a shell script: what it runs is not known" in result.err, result
    return result.out.strip()


def check_own_keys(folder):
    step("what the spec says itself counts more")
    write(os.path.join(folder, "own.yaml"),
          "schema: 1\npackage: oci:src\npaths: [/usr/bin/tool, /opt/lower]\nentrypoint: [/usr/bin/tool]\nuser: '7:8'\n"
          "env: [APP_HOME=/x, MORE=1]\nlabels: {team: z}\nports: {'53/udp': {}}\n")
    result = build(folder, "own.yaml")
    layout = Layout(os.path.join(folder, "own"))
    config = layout.config["config"]
    assert config["Entrypoint"] == ["/usr/bin/tool"] and "Cmd" not in config, config
    assert config["Env"] == ["PATH=/opt/bin:/usr/bin", "APP_HOME=/x", "MORE=1"], config
    assert config["Labels"] == {"team": "z", "kept": "y"} and config["ExposedPorts"] == {"53/udp": {}}, config
    assert config["User"] == "7:8", config
    assert layout.files() == ["usr/bin/tool"] and "opt/lower" in layout.entries(), layout.entries()
    assert "Healthcheck" not in config and "the source image's healthcheck runs 'app'" in result.err, result
    write(os.path.join(folder, "wrong.yaml"), "schema: 1\npackage: oci:src\npaths: [/etc/old]\n")
    result = build(folder, "wrong.yaml", status=USAGE)
    assert "wrong.yaml:3:9: path '/etc/old' matches nothing in the image" in result.err, result


def check_oracles_dialect(folder):
    step("a spec of Oracle's Smith takes over what that took over, and runs as 10:10")
    source().archive(os.path.join(folder, "src.tar.gz"), tag="v1")
    write(os.path.join(folder, "smith.yaml"), "type: container\npackage: src.tar.gz:v1\npaths:\n- bin/tool\n"
                                              "- /nowhere\nenv:\n- A=b\nentrypoint:\n- tool\n")
    result = smith("--cache-dir", os.path.join(folder, "cache"), cwd=folder)
    assert "path '/nowhere' matches nothing" in result.err, result
    run(["tar", "-xzf", os.path.join(folder, "image.tar.gz"), "-C", os.path.join(folder, "unpacked")])
    layout = Layout(os.path.join(folder, "unpacked"))
    config = layout.config["config"]
    assert config["User"] == "10:10" and config["Env"] == ["A=b"] and config["Cmd"] == CONFIG["Cmd"], config
    assert layout.files() == ["usr/bin/tool"] and layout.entries()["bin"].linkname == "usr/bin", layout.entries()


def check_same_everywhere(folder, digest):
    step("the same image from a layout and from archives; and from the cache, when they are gone")
    source().archive(os.path.join(folder, "src.tar"))
    for to in ("docker-archive:docker.tar:app:v1", "dir:src-dir"):
        smith("copy", "oci:src", to, cwd=folder)
    for number, name in enumerate(("oci-archive:src.tar", "oci-archive:src.tar.gz:v1", "docker-archive:docker.tar",
                                   "docker-archive:docker.tar:app:v1", "docker.tar", "dir:src-dir")):
        write(os.path.join(folder, "app%d.yaml" % number), "schema: 1\npackage: %s\n" % name)
        build(folder, "app%d.yaml" % number)
        entries = Layout(os.path.join(folder, "app%d" % number))
        assert entries.tar == Layout(os.path.join(folder, "app")).tar, name
    before = snapshot(os.path.join(folder, "app"))
    os.rename(os.path.join(folder, "src"), os.path.join(folder, "away"))
    assert build(folder, "app.yaml", "--locked").out.strip() == digest
    assert_same("the layout", before, snapshot(os.path.join(folder, "app")))
    os.rename(os.path.join(folder, "away"), os.path.join(folder, "src"))


def check_lock(folder, digest):
    step("the lock pins the image: a tag that moved changes nothing until 'smith update'")
    lock = json.loads(read(os.path.join(folder, "app.lock")))
    assert lock["source"]["manifest"] == source().digest and lock["source"]["platform"] == "linux/amd64", lock
    assert folder not in json.dumps(lock), lock
    moved = source(WorkingDir="/opt")
    moved.layout(os.path.join(folder, "src"))
    assert build(folder, "app.yaml").out.strip() == digest
    changes = smith("outdated", "app.yaml", "--cache-dir", os.path.join(folder, "cache"), cwd=folder, status=None)
    assert moved.digest in changes.out, changes
    smith("lock", "app.yaml", "--locked", cwd=folder)
    told = smith("update", "app.yaml", "--cache-dir", os.path.join(folder, "cache"), cwd=folder)
    assert source().digest in told.out and moved.digest in told.out, told
    assert build(folder, "app.yaml").out.strip() != digest
    step("an image that is neither there any more nor in the cache is said to be gone")
    os.unlink(os.path.join(folder, "src", "blobs", "sha256", moved.digest.split(":")[1]))
    source().layout(os.path.join(folder, "src"))
    gone = smith("build", "app.yaml", "--cache-dir", os.path.join(folder, "cache2"), cwd=folder, status=INTEGRITY)
    assert "the lock has 'oci:src' as " + moved.digest in gone.err and "'smith update'" in gone.err, gone
    step("another image in the spec makes the lock stale")
    write(os.path.join(folder, "app.yaml"), "schema: 1\npackage: oci-archive:src.tar\n")
    stale = smith("build", "app.yaml", "--locked", cwd=folder, status=UNSOLVABLE)
    assert "is stale: it is of another image" in stale.err, stale
    step("an image for another machine is refused when the spec names one")
    refused = smith("lock", "app.yaml", "--arch", "aarch64", cwd=folder, status=USAGE)
    assert "is an image for 'linux/amd64'" in refused.err, refused


def check_damage(folder):
    step("a damaged pack is noticed, and the layers are read anew")
    cache = os.path.join(folder, "cache3")
    args = ["build", "own.yaml", "--cache-dir", cache, "-o", "oci:own2"]
    digest = smith(*args, cwd=folder).out
    for name in os.listdir(os.path.join(cache, "packs")):
        if name.endswith(".pack"):
            with open(os.path.join(cache, "packs", name), "r+b") as out:
                out.seek(8)
                out.write(b"damage!" * 3)
    for name in os.listdir(os.path.join(cache, "layers")):
        os.unlink(os.path.join(cache, "layers", name))
    assert smith(*args, cwd=folder).out == digest


def main():
    with scratch() as folder:
        os.makedirs(os.path.join(folder, "unpacked"))
        source().layout(os.path.join(folder, "src"))
        digest = check_configuration(folder)
        check_own_keys(folder)
        check_oracles_dialect(folder)
        check_same_everywhere(folder, digest)
        check_damage(folder)
        check_lock(folder, digest)


if __name__ == "__main__":
    main()
