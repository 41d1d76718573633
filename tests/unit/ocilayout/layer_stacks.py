#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What comes out of generated layer stacks is what umoci unpacks: whiteouts, links of both kinds, duplicates, odd names,
parents that are links.

    layer_stacks.py IMAGE_TOOL [STACKS]

Every stack has a folder of its own in one image, so that umoci runs once. A stack that we refuse is left out, and
another takes its place, so that there are STACKS (240).

Known differences, which the stacks keep out of:
- A whiteout hides what lower layers brought, and nothing of its own layer (image-spec layer.md, "Whiteouts"): so it is
  here wherever it stands in the layer. umoci and containerd remove what the layer brought before, too. In the stacks,
  whiteouts of names stand first; opaque ones, which all three take as the specification has them, anywhere.
- Devices and fifos are left out of our tree; on disk, fifos are passed over, and nothing else bears their name.
- Of modes, our trees keep who may execute a file.
"""
import gzip
import hashlib
import io
import json
import os
import pathlib
import random
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile

SKIPPED = 77
LAYERS = 4
NAMES = ["a", "b", "c", "d", "caf\u00e9", "with space", "new\nline", "n" * 255, "-rf", ".whx", "..a", "x" * 120]
FORMATS = [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]


class Stack:
    """Entries of up to LAYERS layers, at random, in folder `top`."""

    def __init__(self, seed):
        self.random, self.top = random.Random(seed), "s%03d" % seed
        self.known = [""]        # folders that some layer may have made
        self.files = []
        self.layers = [self.layer(number) for number in range(self.random.randint(1, LAYERS))]

    def path(self, parent=None):
        parent = self.random.choice(self.known) if parent is None else parent
        # Few names, so that they meet.
        name = self.random.choice(NAMES[:4] if self.random.random() < 0.8 else NAMES)
        return (parent + "/" if parent else "") + name

    def spelled(self, path):
        """The same name as archives have it."""
        name = self.top + ("/" + path if path else "")
        return self.random.choice([name, name, name, "./" + name, "/" + name, name.replace("/", "//", 1)])

    def target(self):
        """Of a symlink: anything."""
        there = self.random.choice(self.known + self.files or [""])
        return self.random.choice([
            "/" + self.top + "/" + there, there or ".", "../" * self.random.randint(1, 4) + self.top + "/" + there,
            "/" + self.top + "/new/" + self.random.choice(NAMES[:4]), "nowhere", "."])

    def layer(self, number):
        out = []
        if number > 0:
            for _ in range(self.random.randint(0, 3)):
                folder, _, name = self.path().rpartition("/")
                out.append((self.spelled((folder + "/" if folder else "") + ".wh." + name), tarfile.REGTYPE, "", b""))
        for _ in range(self.random.randint(1, 9)):
            out.append(self.entry(number))
        return out

    def entry(self, number):
        kind = self.random.choices(["file", "dir", "link", "hard", "opaque", "fifo"], [6, 5, 3, 2, 1, 0.3])[0]
        if kind == "opaque" and number > 0:
            return self.spelled((self.random.choice(self.known) + "/.wh..wh..opq").lstrip("/")), tarfile.REGTYPE, "", b""
        path = self.path()
        if kind == "dir":
            self.known.append(path)
            return self.spelled(path) + self.random.choice(["", "/"]), tarfile.DIRTYPE, "", b""
        if kind == "link":
            self.known.append(path)    # and perhaps things are put through it
            return self.spelled(path), tarfile.SYMTYPE, self.target(), b""
        if kind == "hard" and self.files:
            return self.spelled(path), tarfile.LNKTYPE, self.spelled(self.random.choice(self.files)), b""
        if kind == "fifo":
            return self.spelled((path.rpartition("/")[0] + "/fifo").lstrip("/")), tarfile.FIFOTYPE, "", b""
        self.files.append(path)
        return self.spelled(path), tarfile.REGTYPE, "", b"%d" % self.random.randint(0, 20)


def tar_of(entries, form, seed):
    # By hand: tarfile would strip the leading '/' of names.
    out, modes = io.BytesIO(), random.Random(seed)
    for name, kind, link, data in entries:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, len(data)
        info.mode = 0o755 if kind == tarfile.DIRTYPE or modes.random() < 0.3 else 0o644
        info.uid, info.gid = os.getuid(), os.getgid()
        info.name = name
        out.write(info.tobuf(form, "utf-8", "surrogateescape"))
        out.write(data + bytes(-len(data) % 512))
    return out.getvalue() + bytes(1024)


def write_layout(folder, tars):
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def add(data, kind):
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}

    config = add(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [
        "sha256:" + hashlib.sha256(tar).hexdigest() for tar in tars]}}).encode(), "config.v1+json")
    manifest = add(json.dumps({"schemaVersion": 2, "config": config, "layers": [
        add(gzip.compress(tar, 1), "layer.v1.tar+gzip") for tar in tars]}).encode(), "manifest.v1+json")
    manifest["annotations"] = {"org.opencontainers.image.ref.name": "x"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def tree_on_disk(root):
    """As image_tool dumps a tree."""
    found = set()
    for path in root.rglob("*"):
        status = path.lstat()
        name = str(path.relative_to(root)).replace("\n", "\\n")
        if stat.S_ISLNK(status.st_mode):
            found.add("%s 0777 link %s" % (name, os.readlink(path).replace("\n", "\\n")))
        elif stat.S_ISDIR(status.st_mode):
            found.add(name + " 0755 dir -")
        elif stat.S_ISREG(status.st_mode):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found.add("%s %04o file %s" % (name, 0o755 if status.st_mode & 0o111 else 0o644, digest))
    return found


def acceptable(tool, folder, wanted):
    """As many stacks as wanted that we do not refuse."""
    stacks = {}
    for seed in range(3 * wanted):
        stack = Stack(seed)
        place = folder / "stacks" / stack.top
        place.mkdir(parents=True)
        for number, layer in enumerate(stack.layers):
            (place / str(number)).write_bytes(tar_of(layer, tarfile.PAX_FORMAT, number))
        stacks[str(place)] = stack
    done = subprocess.run([tool, "accepts", *stacks], stdout=subprocess.PIPE, check=True)
    taken = [stacks[name] for name in done.stdout.decode().splitlines()]
    assert len(taken) >= wanted, "only %d of %d stacks are accepted" % (len(taken), len(stacks))
    return taken[:wanted]


def main():
    tool, wanted = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 240
    if not shutil.which("umoci"):
        print("skipped: umoci is not installed (tools/install-deps test installs it)")
        sys.exit(SKIPPED)
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="smith-stacks-") as name:
        folder = pathlib.Path(name)
        taken = acceptable(tool, folder, wanted)
        tars, names = [], []
        for number in range(LAYERS):
            entries = [entry for stack in taken for entry in (stack.layers[number:number + 1] or [[]])[0]]
            tars.append(tar_of(entries, FORMATS[number % 2], number))
            names.append(folder / ("layer%d.tar" % number))
            names[-1].write_bytes(tars[-1])
        dumped = subprocess.run([tool, "dump", *names], stdout=subprocess.PIPE, check=True)
        ours = set(dumped.stdout.decode().splitlines())
        write_layout(folder / "layout", tars)
        rootless = [] if os.geteuid() == 0 else ["--rootless"]
        subprocess.run(["umoci", "unpack", *rootless, "--image", str(folder / "layout") + ":x", str(folder / "bundle")],
                       check=True, stdout=subprocess.DEVNULL)
        theirs = tree_on_disk(folder / "bundle" / "rootfs")
        wrong = sorted({line.split("/")[0].split(" ")[0] for line in ours ^ theirs})
        for top in wrong[:3]:
            stack = next((s for s in taken if s.top == top), None)
            for number, entries in enumerate(stack.layers if stack else []):
                print("layer %d: %s" % (number + 1, entries))
            for mark, lines in (("ours", ours - theirs), ("umoci's", theirs - ours)):
                for line in sorted(lines):
                    if line.startswith(top):
                        print("  only %s: %s" % (mark, line))
        print("%d stacks, %d entries; %d differ" % (
            len(taken), sum(len(layer) for stack in taken for layer in stack.layers), len(wrong)))
        assert not wrong


if __name__ == "__main__":
    main()
