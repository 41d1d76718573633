#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An image goes between all transports and keeps its digest: skopeo, umoci and podman read what smith wrote, and smith
reads what they wrote."""
import json
import os
import tarfile

from e2e import DONE, USAGE, build, need_tools, run, scratch, sha256, smith, spec, step

POLICY = ["skopeo", "--insecure-policy"]


def skopeo_digest(name):
    return sha256(run([*POLICY, "inspect", "--raw", name]).out.encode())


def skopeo_image_id(name):
    return sha256(run([*POLICY, "inspect", "--config", "--raw", name]).out.encode())


def smith_digest(name, cache, *more):
    return json.loads(smith("inspect", name, "--json", "--cache-dir", cache, *more).out)["digest"]


def copy(source, to, *more):
    return smith("copy", source, to, *more).out.strip()


def check_written(folder, digest, image_id, cache):
    step("skopeo reads what smith wrote, the digest is the same")
    app = "oci:%s/app" % folder
    for to in ["oci:%s/copied:v1" % folder, "oci-archive:%s/a.tar" % folder, "dir:%s/d" % folder]:
        assert copy(app, to) == digest, to
        assert skopeo_digest(to) == digest, to
        assert smith_digest(to, cache) == digest, to
    step("and the image ID is the same in a docker archive")
    docker = "docker-archive:%s/docker.tar:smith/app:v1" % folder
    copy(app, docker)
    assert skopeo_image_id(docker) == image_id
    copy(docker, "oci:%s/back" % folder)
    assert skopeo_digest("oci:%s/back" % folder) == digest, "the way back through docker-archive: is another image"
    step("what is written twice is the same bytes")
    before = open(folder + "/docker.tar", "rb").read()
    copy(app, docker)
    assert open(folder + "/docker.tar", "rb").read() == before
    copy(app, folder + "/a.tar.gz")
    assert smith_digest(folder + "/a.tar.gz", cache) == digest


def check_read(folder, digest, image_id, cache):
    step("smith reads what skopeo wrote")
    for to in ["oci:%s/sk:v1" % folder, "oci-archive:%s/sk.tar:v1" % folder, "dir:%s/skd" % folder]:
        run([*POLICY, "copy", "-q", "--preserve-digests", "oci:%s/app" % folder, to])
        assert smith_digest(to, cache) == digest, to
    docker = "docker-archive:%s/sk-docker.tar:smith/app:v2" % folder
    run([*POLICY, "copy", "-q", "oci:%s/app" % folder, docker])
    assert copy(docker, "oci:%s/from-docker" % folder) == digest
    assert smith_digest(folder + "/sk-docker.tar", cache) is not None, "a bare .tar may be a docker archive"
    with tarfile.open(folder + "/sk-docker.tar") as tar:
        assert tar.getmember("manifest.json")


def check_umoci(folder, cache):
    step("smith reads what umoci wrote, and umoci what smith made of it")
    layout = folder + "/umoci"
    run(["umoci", "init", "--layout", layout])
    run(["umoci", "new", "--image", layout + ":one"])
    os.makedirs(folder + "/root/etc")
    with open(folder + "/root/etc/motd", "w", encoding="utf-8") as file:
        file.write("hello\n")
    rootless = [] if os.geteuid() == 0 else ["--rootless"]
    run(["umoci", "insert", *rootless, "--image", layout + ":one", folder + "/root/etc", "/etc"])
    run(["umoci", "config", "--image", layout + ":one", "--architecture", "arm64", "--os", "linux"])
    smith("verify", "oci:" + layout + ":one", "--cache-dir", cache)
    assert smith("cat", "oci:" + layout + ":one", "/etc/motd", "--cache-dir", cache).out == "hello\n"
    digest = copy("oci:" + layout + ":one", "oci:" + folder + "/from-umoci:one")
    assert skopeo_digest("oci:" + layout + ":one") == digest
    bundle = folder + "/bundle"
    run(["umoci", "unpack", *rootless, "--image", folder + "/from-umoci:one", bundle])
    assert open(bundle + "/rootfs/etc/motd", encoding="utf-8").read() == "hello\n"
    return layout + ":one"


def check_index(folder, arm, cache):
    step("an index of two architectures")
    index = "oci:%s/index" % folder
    digest = smith("index", "create", index, "oci:%s/app" % folder, "oci:" + arm).out.strip()
    assert skopeo_digest(index) == digest
    for to in ["oci-archive:%s/index.tar" % folder, "dir:%s/indexd" % folder]:
        assert copy(index, to, "--all") == digest, to
    assert skopeo_digest("dir:%s/indexd" % folder) == digest
    run([*POLICY, "copy", "-q", "--all", "--preserve-digests", "oci-archive:%s/index.tar" % folder,
         "dir:%s/sk-index" % folder])
    assert copy("dir:%s/sk-index" % folder, "oci:%s/index-back" % folder, "--all") == digest
    smith("verify", "oci:%s/index-back" % folder, "--cache-dir", cache)
    step("leads each machine to its image, as skopeo sees it")
    for arch in ["arm64", "amd64"]:
        to = "dir:%s/sk-%s" % (folder, arch)
        run([*POLICY, "--override-arch", arch, "copy", "-q", "--preserve-digests", index, to])
        assert smith_digest(index, cache, "--platform", "linux/" + arch) == skopeo_digest(to), arch
    seen = json.loads(smith("inspect", index, "--json", "--cache-dir", cache).out)
    assert seen["index"] == {"digest": digest, "platforms": ["linux/amd64", "linux/arm64"]}, seen["index"]
    assert sha256(smith("inspect", index, "--raw").out.encode()) == digest
    assert "no image for 'linux/s390x'" in smith("ls", index, "--platform", "linux/s390x", "--cache-dir", cache,
                                                 status=USAGE).err


def check_podman(folder, image_id):
    step("podman loads what smith wrote, and smith reads what podman saves")
    podman = ["podman", "--root", folder + "/podman", "--runroot", folder + "/podman-run", "--storage-driver", "vfs"]
    loaded = run([*podman, "load", "-q", "-i", folder + "/docker.tar"], status=None)
    if loaded.status != DONE:
        print("podman can't work here: " + loaded.err.strip()[-200:])
        return
    seen = json.loads(run([*podman, "image", "inspect", "smith/app:v1"]).out)[0]
    assert "sha256:" + seen["Id"] == image_id, seen["Id"]
    for form in ["docker-archive", "oci-archive"]:
        saved = "%s:%s/podman-%s.tar" % (form, folder, form)
        run([*podman, "save", "-q", "--format", form, "-o", saved.split(":")[1], "smith/app:v1"])
        to = "oci:%s/of-podman-%s" % (folder, form)
        digest = copy(saved, to)
        # podman writes the configuration anew where it makes OCI of docker.
        assert skopeo_image_id(to) == (image_id if form == "docker-archive" else skopeo_image_id(saved)), form
        assert form == "docker-archive" or digest == skopeo_digest(saved), form


def main():
    need_tools("skopeo", "umoci", "podman")
    with scratch() as folder:
        cache = folder + "/cache"
        digest = build(spec("busybox"), folder + "/app", "--no-test", cache=cache)
        image_id = skopeo_image_id("oci:%s/app" % folder)
        check_written(folder, digest, image_id, cache)
        check_read(folder, digest, image_id, cache)
        arm = check_umoci(folder, cache)
        check_index(folder, arm, cache)
        check_podman(folder, image_id)


if __name__ == "__main__":
    main()
