# SPDX-License-Identifier: Apache-2.0
"""Images for the tests to read, made without any tool of containers: a layer is a list of tar entries, an image a list
of layers and a configuration, written as an OCI layout, an OCI archive or a docker archive.

Real ones are Debian packages that tools/fixture has downloaded, unpacked by dpkg-deb into one tar with the package
database that dpkg itself would have written.
"""
import glob
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile

from e2e import need_fixture, need_tools, sha256, skip

DEBS = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "smith-fixture", "deb2yum",
                    "debs")
# What benchmarks download besides.
MORE_DEBS = os.path.join(os.path.dirname(os.path.dirname(DEBS)), "bench-debs")


# --------------------------------------------------------------------------------------------------------- layers

def entry(name, kind=tarfile.REGTYPE, data=b"", mode=None, link="", **more):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(data), link
    info.mode = mode if mode is not None else (0o755 if kind == tarfile.DIRTYPE else 0o644)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def file(name, data=b"", mode=0o644, **more):
    return entry(name, data=data if isinstance(data, bytes) else data.encode(), mode=mode, **more)


def program(name, data=b"#!/bin/true\n", **more):
    return file(name, data, 0o755, **more)


def directory(name, **more):
    return entry(name, tarfile.DIRTYPE, **more)


def link(name, target, **more):
    return entry(name, tarfile.SYMTYPE, link=target, **more)


def hard_link(name, target, **more):
    return entry(name, tarfile.LNKTYPE, link=target, **more)


def whiteout(name):
    folder, _, last = name.rpartition("/")
    return file((folder + "/" if folder else "") + ".wh." + last)


def opaque(folder):
    return file((folder + "/" if folder else "") + ".wh..wh..opq")


def tar_of(entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


# --------------------------------------------------------------------------------------------------------- images

class Image:
    """`layers`: bytes of tars. `config`: what a Dockerfile says, in the words of image-spec's `config`."""

    def __init__(self, layers, config=None, architecture="amd64", packing="gzip"):
        self.blobs = {}
        tars = [layer if isinstance(layer, bytes) else tar_of(layer) for layer in layers]
        self.tars = tars
        packed = [gzip.compress(tar, 1, mtime=0) if packing == "gzip" else tar for tar in tars]
        self.config_bytes = json.dumps({
            "architecture": architecture, "os": "linux", "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(tar) for tar in tars]}}).encode()
        kind = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if packing == "gzip" else "")
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": self.add(self.config_bytes, "application/vnd.oci.image.config.v1+json"),
            "layers": [self.add(blob, kind) for blob in packed]}).encode()
        self.descriptor = self.add(self.manifest, "application/vnd.oci.image.manifest.v1+json")
        self.descriptor["platform"] = {"architecture": architecture, "os": "linux"}
        self.digest = self.descriptor["digest"]

    def add(self, data, media_type):
        digest = sha256(data)
        self.blobs[digest] = data
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def files(self, tag="latest"):
        """{name in the layout: bytes}"""
        index = {"schemaVersion": 2, "manifests": [dict(
            self.descriptor, annotations={"org.opencontainers.image.ref.name": tag})]}
        found = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
        for digest, data in self.blobs.items():
            found["blobs/sha256/" + digest.split(":")[1]] = data
        return found

    def layout(self, path, tag="latest"):
        """Writes an OCI layout, in place of the index that was there; returns `path`."""
        os.makedirs(os.path.join(path, "blobs", "sha256"), exist_ok=True)
        for name, data in self.files(tag).items():
            with open(os.path.join(path, name), "wb") as out:
                out.write(data)
        return path

    def archive(self, path, tag="latest"):
        """Writes an OCI archive, compressed when its name says so; returns `path`."""
        with tarfile.open(path, "w:gz" if path.endswith("gz") else "w") as tar:
            for name, data in self.files(tag).items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path

    def docker_archive(self, path, tag="test/image:latest"):
        """Writes what `docker save` wrote for the last ten years; returns `path`."""
        config = hashlib.sha256(self.config_bytes).hexdigest() + ".json"
        names = ["%d/layer.tar" % number for number in range(len(self.tars))]
        manifest = [{"Config": config, "RepoTags": [tag], "Layers": names}]
        with tarfile.open(path, "w") as tar:
            for name, data in [(config, self.config_bytes), *zip(names, self.tars),
                               ("manifest.json", json.dumps(manifest).encode())]:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return path


# ----------------------------------------------------------------------------------------------------- real ones

def deb_file(name):
    """The .deb of a package that the fixture has."""
    found = [f for folder in (DEBS, MORE_DEBS) for f in sorted(glob.glob(os.path.join(folder, name + "_*.deb")))]
    if not found:
        skip("no %s.deb in %s: run tools/fixture" % (name, DEBS))
    return found[-1]


def deb_entries(names, usr_is_merged=True):
    """Tar entries of Debian packages, laid down as dpkg does on a merged /usr, and {package: its paths}."""
    need_fixture()
    need_tools("dpkg-deb")
    found, lists = {}, {}
    if usr_is_merged:
        for name in ("bin", "sbin", "lib", "lib64"):
            found[name] = link(name, "usr/" + name)
            found["usr/" + name] = directory("usr/" + name)
    for package in names:
        data = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb_file(package)], check=True, stdout=subprocess.PIPE)
        lists[package] = []
        with tarfile.open(fileobj=io.BytesIO(data.stdout)) as tar:
            for member in tar:
                # As dpkg lists it: "/." for the root, then "/bin", "/bin/x".
                lists[package].append("/" + (member.name[2:] if member.name.startswith("./") else member.name))
                name = member.name.lstrip("./")
                if not name:
                    continue
                if usr_is_merged and name.split("/")[0] in ("bin", "sbin", "lib", "lib64"):
                    if "/" not in name:
                        continue
                    name = "usr/" + name
                if member.islnk():
                    member.linkname = member.linkname.lstrip("./")
                    if usr_is_merged and member.linkname.split("/")[0] in ("bin", "sbin", "lib", "lib64"):
                        member.linkname = "usr/" + member.linkname
                member.name, member.pax_headers = name, {}
                found[name] = (member, tar.extractfile(member).read() if member.isreg() else b"")
    # Hard links behind what they lead to.
    ordered = sorted(found.values(), key=lambda e: (e[0].islnk(), e[0].name))
    return ordered, lists


def dpkg_database(names, lists):
    """What dpkg writes about installed packages: var/lib/dpkg/status and info/*.list."""
    status = ""
    out = [directory("var/lib/dpkg"), directory("var/lib/dpkg/info")]
    for package in names:
        control = subprocess.run(["dpkg-deb", "--field", deb_file(package)], check=True, stdout=subprocess.PIPE)
        text = control.stdout.decode()
        head, rest = text.split("\n", 1)
        status += head + "\nStatus: install ok installed\n" + rest.rstrip("\n") + "\n\n"
        same = "\nMulti-Arch: same" in text
        out.append(file("var/lib/dpkg/info/%s%s.list" % (package, ":amd64" if same else ""),
                        "\n".join(lists[package]) + "\n"))
    return [*out, file("var/lib/dpkg/status", status)]


def debian_layer(*names, extra=()):
    """A tar of a small Debian with these packages and its package database."""
    entries, lists = deb_entries(names)
    return tar_of([*entries, directory("var"), directory("var/lib"), *dpkg_database(names, lists), *extra])
