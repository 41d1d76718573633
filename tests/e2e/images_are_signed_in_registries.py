#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An image in a registry is signed where it is, under cosign's tag and as a referrer, and travels with its signatures;
Oracle's upload and download go there and back."""
import base64
import json
import os
import urllib.request

from e2e import INTEGRITY, build, need_tools, run, scratch, sha256, smith, spec, step, write
from registries import Registry


def get(host, path):
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    with urllib.request.urlopen(urllib.request.Request("http://%s/v2/app/%s" % (host, path), headers=accept)) as answer:
        return answer.read()


def check(folder, host):
    cache = ["--cache-dir", folder + "/cache"]
    digest = build(spec("busybox"), folder + "/app", "--no-test", cache=folder + "/cache")
    remote = "docker://%s/app:v1" % host
    for name in ("mine", "other"):
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
             "%s/%s.key" % (folder, name)])
        run(["openssl", "pkey", "-in", "%s/%s.key" % (folder, name), "-pubout", "-out", "%s/%s.pub" % (folder, name)])
    step("pushed with all that hangs on it, under two tags")
    pushed = smith("push", "-k", "oci:%s/app" % folder, host + "/app:v1", "--also-tag", "v2", "--referrers")
    assert pushed.out.strip() == digest
    assert sha256(get(host, "manifests/v2")) == digest
    step("signed there")
    assert smith("sign", "-k", remote, "--key", folder + "/mine.key", *cache).out.strip() == digest
    smith("verify", "-k", remote, "--key", folder + "/mine.pub", *cache)
    refused = smith("verify", "-k", remote, "--key", folder + "/other.pub", *cache, status=INTEGRITY)
    assert "not by this key" in refused.err, refused
    step("under cosign's tag, as openssl says too")
    signed = json.loads(get(host, "manifests/%s.sig" % digest.replace(":", "-")))
    layer = signed["layers"][0]
    payload = get(host, "blobs/" + layer["digest"])
    critical = json.loads(payload)["critical"]
    assert critical["image"]["docker-manifest-digest"] == digest
    assert critical["identity"]["docker-reference"] == host + "/app"
    for name, content in (("payload", payload),
                          ("sig", base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]))):
        with open(folder + "/" + name, "wb") as file:
            file.write(content)
    run(["openssl", "dgst", "-sha256", "-verify", folder + "/mine.pub", "-signature", folder + "/sig",
         folder + "/payload"])
    step("and a second one beside it")
    smith("sign", "-k", remote, "--key", folder + "/other.key", *cache)
    assert len(json.loads(get(host, "manifests/%s.sig" % digest.replace(":", "-")))["layers"]) == 2
    smith("verify", "-k", remote, "--key", folder + "/mine.pub", *cache)
    step("the signatures come along")
    smith("pull", "-k", host + "/app:v1", "oci:%s/back" % folder, "--referrers")
    smith("verify", "oci:%s/back" % folder, "--key", folder + "/other.pub", *cache)
    step("looking into it takes no layer")
    seen = json.loads(smith("inspect", "-k", remote, "--json", *cache).out)
    assert seen["digest"] == digest and seen["packages"] and "files" not in seen, seen
    step("Oracle's upload and download")
    smith("copy", "oci:%s/app" % folder, folder + "/image.tar.gz")
    smith("upload", "-k", "-r", "https://%s/up:1" % host, cwd=folder)
    smith("download", "-k", "-r", "https://%s/up:1" % host, "-i", folder + "/down.tar.gz")
    assert smith("diff", folder + "/down.tar.gz", "oci:%s/app" % folder, *cache).out == ""


def main():
    need_tools("docker-registry", "openssl")
    with scratch() as folder:
        with Registry(os.path.join(folder, "registry")) as registry:
            check(folder, registry.host)


if __name__ == "__main__":
    main()
