#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an image says of itself, who signed it, and that it can be built again, are checked; what differs is named."""
import base64
import gzip
import hashlib
import io
import json
import os
import tarfile

from e2e import (DONE, INTEGRITY, USAGE, Layout, build, build_args, need_tools, read, repo_file, run, scratch, smith,
                 spec, step)

NAME = "busybox"


class Tampered:
    """A copy of a layout with another layer or configuration, all digests right again."""

    def __init__(self, layout, to, layer=None, tar=None, config=None):
        os.makedirs(to + "/blobs/sha256")
        self.to = to
        tar = layout.tar if tar is None else tar
        layer = gzip.compress(tar, 6, mtime=0) if layer is None else layer
        config = dict(layout.config if config is None else config)
        config["rootfs"] = {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]}
        manifest = dict(layout.manifest)
        manifest["layers"] = [dict(manifest["layers"][0], **self.put(layer))]
        manifest["config"] = dict(manifest["config"], **self.put(self.text(config)))
        index = {"schemaVersion": 2, "manifests": [dict(self.put(self.text(manifest)), mediaType=manifest["mediaType"])]}
        with open(to + "/index.json", "wb") as file:
            file.write(self.text(index))
        with open(to + "/oci-layout", "w", encoding="utf-8") as file:
            file.write('{"imageLayoutVersion": "1.0.0"}')

    @staticmethod
    def text(document):
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    def put(self, data):
        digest = hashlib.sha256(data).hexdigest()
        with open(self.to + "/blobs/sha256/" + digest, "wb") as file:
            file.write(data)
        return {"digest": "sha256:" + digest, "size": len(data)}


def changed_tar(tar, change):
    """The same archive, with every member gone through `change(member, data)`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(tar)) as source, \
            tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as to:
        for member in source:
            data = source.extractfile(member).read() if member.isreg() else None
            data = change(member, data)
            to.addfile(member, io.BytesIO(data) if data is not None else None)
    return out.getvalue()


def flip(path):
    data = bytearray(read(path))
    data[len(data) // 2] ^= 1
    with open(path, "wb") as file:
        file.write(data)


def check_integrity(folder, cache):
    step("a whole image holds")
    app = "oci:%s/app" % folder
    whole = json.loads(smith("verify", app, "--json", "--cache-dir", cache).out)
    assert whole["holds"] and whole["mismatches"] == [] and whole["blobs"] >= 5, whole
    step("every mismatch is told, with what it should be and what it is")
    run(["cp", "-r", folder + "/app", folder + "/broken"])
    layout = Layout(folder + "/broken")
    blobs = folder + "/broken/blobs/"
    damaged = [layout.manifest["config"]["digest"], layout.manifest["layers"][0]["digest"]]
    for digest in damaged:
        flip(blobs + digest.replace(":", "/"))
    result = smith("verify", "oci:%s/broken" % folder, "--json", "--cache-dir", cache, status=INTEGRITY)
    found = json.loads(result.out)
    assert not found["holds"] and found["error"]["kind"] == "integrity"
    assert [m["want"] for m in found["mismatches"]] == damaged, found
    text = smith("verify", "oci:%s/broken" % folder, "--cache-dir", cache, status=INTEGRITY).out
    assert text.count("  want sha256:") == 2 and text.count("  got  sha256:") == 2, text


def check_signatures(folder, digest, cache):
    app = "oci:%s/app" % folder
    for name, kind in [("p256", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("ed", ["ED25519"])]:
        key, pub = "%s/%s.key" % (folder, name), "%s/%s.pub" % (folder, name)
        run(["openssl", "genpkey", "-algorithm", *kind, "-out", key])
        run(["openssl", "pkey", "-in", key, "-pubout", "-out", pub])
        step("signed by %s, verified by smith" % name)
        refused = smith("verify", app, "--key", pub, "--cache-dir", cache, status=INTEGRITY)
        assert "no signature" in refused.err or "not by this key" in refused.err, refused
        assert smith("sign", app, "--key", key, "--cache-dir", cache).out.strip() == digest
        smith("verify", app, "--key", pub, "--cache-dir", cache)
    step("and by openssl dgst, from what is stored")
    seen = Layout(folder + "/app")
    layers = [(about["layers"][0], seen.blob(about["layers"][0])) for about in seen.referrers
              if about.get("artifactType") == "application/vnd.dev.cosign.artifact.sig.v1+json"]
    assert len(layers) == 2
    verified = 0
    for layer, payload in layers:
        assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
        assert json.loads(payload)["critical"]["image"]["docker-manifest-digest"] == digest
        with open(folder + "/payload", "wb") as file:
            file.write(payload)
        with open(folder + "/sig", "wb") as file:
            file.write(base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]))
        verified += run(["openssl", "dgst", "-sha256", "-verify", folder + "/p256.pub", "-signature", folder + "/sig",
                         folder + "/payload"], status=None).status == DONE
        verified += run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", folder + "/ed.pub", "-rawin", "-sigfile",
                         folder + "/sig", "-in", folder + "/payload"], status=None).status == DONE
    assert verified == 2, verified
    step("a key that is encrypted, from a file and from a variable")
    run(["openssl", "pkey", "-in", folder + "/p256.key", "-aes256", "-passout", "pass:sesame", "-out", folder + "/enc.key"])
    smith("sign", app, "--key", folder + "/enc.key", env={"SMITH_KEY_PASSWORD": "sesame"})
    assert "SMITH_KEY_PASSWORD" in smith("sign", app, "--key", folder + "/enc.key", status=USAGE).err
    smith("sign", app, "--key", "env://SIGNING_KEY", env={"SIGNING_KEY": read(folder + "/ed.key").decode()})
    step("signatures of another image prove nothing")
    run(["cp", "-r", folder + "/app", folder + "/other"])
    index = json.loads(read(folder + "/other/index.json"))
    tampered = Tampered(seen, folder + "/resigned", config=dict(seen.config, author="somebody else"))
    entry = json.loads(read(tampered.to + "/index.json"))["manifests"][0]
    for name in os.listdir(tampered.to + "/blobs/sha256"):
        run(["cp", tampered.to + "/blobs/sha256/" + name, folder + "/other/blobs/sha256/"])
    entry["annotations"] = index["manifests"][0]["annotations"]
    with open(folder + "/other/index.json", "w", encoding="utf-8") as file:
        json.dump(dict(index, manifests=[entry]), file)
    refused = smith("verify", "oci:%s/other" % folder, "--key", folder + "/p256.pub", "--cache-dir", cache,
                    status=INTEGRITY)
    assert "for another image" in refused.err or "not what it says" in refused.err, refused
    return seen


def check_rebuild(folder, layout, cache):
    again = ["--rebuild", spec(NAME), "--repo-file", repo_file(), "--lock", folder + "/app.lock", "--cache-dir", cache]

    def differences(to):
        found = smith("verify", "oci:" + to, "--json", *again, status=INTEGRITY)
        return " | ".join(m["what"] + ": " + m["got"] for m in json.loads(found.out)["mismatches"])

    step("the image is built again, to the byte")
    assert json.loads(smith("verify", "oci:%s/app" % folder, "--json", *again).out)["rebuilt"]
    step("another compressor is named")
    Tampered(layout, folder + "/zip", layer=gzip.compress(layout.tar, 1, mtime=1))
    found = differences(folder + "/zip")
    assert "compression of layer 1" in found and "gzip header" in found, found
    step("another time in one header is named")

    target = layout.files()[0]

    def set_time_of(member, data):
        member.mtime = 7 if member.name == target else member.mtime
        return data
    Tampered(layout, folder + "/time", tar=changed_tar(layout.tar, set_time_of))
    found = differences(folder + "/time")
    assert "entry '%s', mtime" % target in found, found
    step("other bytes of one file are named")

    def change_bytes(member, data):
        return data[:-1] + b"!" if member.name == target and data else data
    Tampered(layout, folder + "/bytes", tar=changed_tar(layout.tar, change_bytes))
    assert "entry '%s', bytes" % target in differences(folder + "/bytes")
    step("and another configuration")
    Tampered(layout, folder + "/config", tar=layout.tar, layer=layout.layer,
             config=dict(layout.config, config=dict(layout.config["config"], User="0:0")))
    assert "configuration.config.User" in differences(folder + "/config")


def check_diff(folder, cache):
    step("diff tells configuration and files")
    same = smith("diff", "oci:%s/app" % folder, "oci:%s/app" % folder, "--cache-dir", cache)
    assert same.out == "", same
    said = smith("diff", "oci:%s/app" % folder, "oci:%s/config" % folder, "--cache-dir", cache).out
    assert 'config User: "10:10" -> "0:0"\n' in said, said
    said = json.loads(smith("diff", "oci:%s/app" % folder, "oci:%s/bytes" % folder, "--json", "--cache-dir", cache).out)
    assert not said["same"] and len(said["files"]) == 1, said


def main():
    need_tools("openssl")
    with scratch() as folder:
        cache = folder + "/cache"
        digest = build(spec(NAME), folder + "/app", "--no-test", cache=cache)
        check_integrity(folder, cache)
        layout = check_signatures(folder, digest, cache)
        step("the same build leaves the signatures where they are")
        smith(*build_args(spec(NAME), folder + "/app", "--no-test", cache=cache))
        smith("verify", "oci:%s/app" % folder, "--key", folder + "/ed.pub", "--cache-dir", cache)
        check_rebuild(folder, layout, cache)
        check_diff(folder, cache)


if __name__ == "__main__":
    main()
