#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cosign takes what smith signed and nothing else; smith takes what cosign signed and nothing else.

cosign is looked for in PATH, or where SMITH_COSIGN says: Debian has it since 13, and that package runs on 12.
"""
import os
import shutil

from e2e import INTEGRITY, build, need_tools, run, scratch, skip, smith, spec, step
from registries import Registry

COSIGN = os.environ.get("SMITH_COSIGN") or shutil.which("cosign")
PASSWORD = {"COSIGN_PASSWORD": "correct horse"}
# Version 3 writes another format, has services of its own to be left out, and does not look for the format of before
# where there is something in the new one.
NO_SERVICES, FORMAT_OF_BEFORE = [], []


def make_keys(folder):
    for name in ("mine", "other"):
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
             "%s/%s.key" % (folder, name)])
        run(["openssl", "pkey", "-in", "%s/%s.key" % (folder, name), "-pubout", "-out", "%s/%s.pub" % (folder, name)])
    run([COSIGN, "generate-key-pair", "--output-key-prefix", "theirs"], cwd=folder, env=PASSWORD)


class Image:
    """One image in a registry, and what both programs do with it. Names of keys: NAME.key, NAME.pub in `folder`."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.cache = ["--cache-dir", folder + "/cache"]
        smith("push", "-k", "oci:%s/app" % folder, "docker://" + name, *self.cache)

    def cosign(self, verb, key, *options, status=0):
        return run([COSIGN, verb, "--key", "%s/%s" % (self.folder, key), "--allow-insecure-registry", *options, self.name],
                   status=status, env=dict(PASSWORD, HOME=self.folder))

    def cosign_signs(self, key):
        # No log: that is a service.
        self.cosign("sign", key + ".key", "--tlog-upload=false", "--yes", *NO_SERVICES)

    def cosign_verifies(self, key, *options, status=0):
        return self.cosign("verify", key + ".pub", "--insecure-ignore-tlog=true", *options, status=status)

    def signs(self, key):
        smith("sign", "-k", "docker://" + self.name, "--key", "%s/%s.key" % (self.folder, key), *self.cache, env=PASSWORD)

    def verifies(self, key, status=0):
        return smith("verify", "-k", "docker://" + self.name, "--key", "%s/%s.pub" % (self.folder, key), *self.cache,
                     status=status)


def cosign_takes_ours(image):
    refused = image.cosign_verifies("mine", status=None)
    assert refused.status != 0 and "no signatures found" in refused.err, refused
    image.signs("mine")
    image.cosign_verifies("mine")
    refused = image.cosign_verifies("other", status=None)
    assert refused.status != 0 and "no matching signatures" in refused.err, refused
    step("  with cosign's own key file")
    image.signs("theirs")
    for key in ("mine", "theirs"):
        image.cosign_verifies(key)


def we_take_cosigns(image):
    image.cosign_signs("theirs")
    image.verifies("theirs")
    refused = image.verifies("mine", status=INTEGRITY)
    assert "not by this key" in refused.err, refused
    step("  and one beside it, and one more of theirs")
    image.signs("mine")
    image.cosign_signs("theirs")
    for key, options in (("mine", FORMAT_OF_BEFORE), ("theirs", [])):
        image.verifies(key)
        image.cosign_verifies(key, *options)


def main():
    need_tools("docker-registry", "openssl")
    if not COSIGN:
        skip("no cosign in PATH, and SMITH_COSIGN names none; Debian 13 has a package that runs on Debian 12, too")
    with scratch() as folder, Registry(os.path.join(folder, "registry")) as registry:
        if "--use-signing-config" in run([COSIGN, "sign", "--help"]).out:
            NO_SERVICES.append("--use-signing-config=false")
            FORMAT_OF_BEFORE.append("--new-bundle-format=false")
        make_keys(folder)
        build(spec("busybox"), folder + "/app", "--no-test", cache=folder + "/cache")
        step("what smith signs, cosign verifies")
        cosign_takes_ours(Image(folder, registry.host + "/ours:v1"))
        step("what cosign signs, smith verifies")
        we_take_cosigns(Image(folder, registry.host + "/theirs:v1"))


if __name__ == "__main__":
    main()
