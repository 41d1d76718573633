#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lets another program look at what we write, or us at what it writes. Usage: outside_tools.py CHECK IMAGE_TOOL

CHECK is one of the functions below that begin with check_. Exit status 77: the program is not installed, or can't
work here.
"""
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile

SKIPPED = 77
IMAGE_TOOL = ""


def need(program):
    if shutil.which(program) is None:
        print(f"skipped: no {program} here")
        sys.exit(SKIPPED)


def run(*command, **options):
    result = subprocess.run([str(part) for part in command], capture_output=True, check=False, **options)
    if result.returncode != 0:
        sys.exit(f"{command}: status {result.returncode}\n{result.stderr.decode(errors='replace')}")
    return result.stdout


def names():
    return run(IMAGE_TOOL, "names").decode("utf-8", "surrogateescape").splitlines()


def write_layer(directory):
    layer = directory / "layer.tar.gz"
    run(IMAGE_TOOL, "layer", layer)
    return layer


def same(what, expected, got):
    if expected == got:
        return
    for line in sorted(set(expected) ^ set(got)):
        print("only expected:" if line in expected else "only found:   ", line)
    sys.exit(f"{what}: differs")


def line_of(name, mode, kind, what):
    return f"{name} {mode:04o} {kind} {what}".replace("\n", "\\n")


def tree_on_disk(root):
    """What is below `root`, in the form of image_tool's names."""
    out = []
    for directory, subdirectories, files in os.walk(root):
        for name in subdirectories + files:
            path = pathlib.Path(directory) / name
            relative = str(path.relative_to(root))
            mode = path.lstat().st_mode & 0o7777
            if path.is_symlink():
                out.append(line_of(relative, 0o777, "link", os.readlink(path)))
            elif path.is_dir():
                out.append(line_of(relative, mode, "dir", "-"))
            else:
                out.append(line_of(relative, mode, "file", hashlib.sha256(path.read_bytes()).hexdigest()))
    return out


def check_gzip(directory):
    need("gzip")
    layer = write_layer(directory)
    run("gzip", "-t", layer)
    plain = run("gzip", "-dc", layer)
    python = __import__("gzip").decompress(layer.read_bytes())
    assert plain == python, "gzip and Python disagree"


def check_python_tarfile(directory):
    found = []
    with tarfile.open(write_layer(directory)) as tar:
        for member in tar:
            assert (member.uid, member.gid, member.mtime, member.uname, member.gname) == (10, 10, 0, "", ""), member
            if member.issym():
                found.append(line_of(member.name, member.mode, "link", member.linkname))
            elif member.isdir():
                found.append(line_of(member.name, member.mode, "dir", "-"))
            else:
                data = tar.extractfile(member).read()
                found.append(line_of(member.name, member.mode, "file", hashlib.sha256(data).hexdigest()))
    # The order too.
    assert names() == found, same("tarfile", names(), found)


def check_gnu_tar(directory):
    need("tar")
    (directory / "root").mkdir()
    run("tar", "-xpzf", write_layer(directory), "-C", directory / "root", "--no-same-owner",
        env=os.environ | {"LC_ALL": "C"})
    same("GNU tar", sorted(names()), sorted(tree_on_disk(directory / "root")))


def sample(directory):
    """A directory with what tars of strangers hold, and what our tree must be like."""
    root = directory / "sample"
    for name in ("etc", "usr/bin", "empty"):
        (root / name).mkdir(parents=True)
    (root / "etc/motd").write_text("hello\n")
    (root / "etc/nothing").write_text("")
    (root / "usr/bin/tool").write_bytes(bytes(range(256)) * 33)
    os.link(root / "etc/motd", root / "usr/motd")
    os.symlink("usr/bin", root / "bin")
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.name == "tool" else 0o644)
    return root


def longer_sample(directory):
    """The same with names that the oldest formats can't hold."""
    root = sample(directory)
    (root / ("d" * 90) / ("e" * 90)).mkdir(parents=True)
    (root / ("d" * 90) / ("e" * 90) / ("f" * 90)).write_text("deep")
    os.symlink("t" * 200, root / "long-link")
    for path in (root / ("d" * 90), root / ("d" * 90) / ("e" * 90)):
        path.chmod(0o755)
    return root


def check_reads_gnu_tar(directory):
    need("tar")
    for kind in ("v7", "ustar", "oldgnu", "gnu", "pax"):
        here = directory / kind
        here.mkdir()
        root = sample(here) if kind in ("v7", "ustar") else longer_sample(here)
        run("tar", f"--format={kind}", "-cf", here / "layer.tar", "-C", root, ".")
        found = run(IMAGE_TOOL, "dump", here / "layer.tar").decode().splitlines()
        same(f"tar --format={kind}", sorted(tree_on_disk(root)), sorted(found))


def check_reads_sparse_files(directory):
    """Files with holes, in all forms that GNU tar has had for them."""
    need("tar")
    root = directory / "root"
    root.mkdir()
    for name, size, pieces in (("hole-first", 200000, (130000,)), ("hole-last", 300000, (0,)), ("all-hole", 100000, ()),
                               ("many", 4000000, range(0, 4000000, 100000)), ("empty", 0, ())):
        with open(root / name, "wb") as file:
            file.truncate(size)
            for at in pieces:
                file.seek(at)
                file.write(b"bytes at %d" % at)
        (root / name).chmod(0o644)
    for form in (["--format=oldgnu"], ["--format=gnu"], ["--format=pax", "--sparse-version=0.0"],
                 ["--format=pax", "--sparse-version=0.1"], ["--format=pax", "--sparse-version=1.0"]):
        # By seeking for zeros: whether this file system keeps holes must not matter.
        run("tar", "--sparse", "--hole-detection=raw", *form, "-cf", directory / "layer.tar", "-C", root, ".")
        found = run(IMAGE_TOOL, "dump", directory / "layer.tar").decode().splitlines()
        same(" ".join(form), sorted(tree_on_disk(root)), sorted(found))
        assert (directory / "layer.tar").stat().st_size < 400000, "no sparse file was written"


def check_reads_python_tarfile(directory):
    root = longer_sample(directory)
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        for packing in ("w", "w:gz"):
            layer = directory / "layer"
            with tarfile.open(layer, packing, format=kind) as tar:
                tar.add(root, arcname=".")
            found = run(IMAGE_TOOL, "dump", layer).decode().splitlines()
            same(f"tarfile {kind} {packing}", sorted(tree_on_disk(root)), sorted(found))


def write_images(directory):
    run(IMAGE_TOOL, "write", f"oci:{directory}/layout", f"{directory}/image.tar", f"{directory}/image.tar.gz")
    return [f"oci:{directory}/layout", f"oci-archive:{directory}/image.tar", f"oci-archive:{directory}/image.tar.gz"]


def check_skopeo(directory):
    need("skopeo")
    index = None
    for number, image in enumerate(write_images(directory)):
        # Without a tag: skopeo must see exactly one image.
        for name in (image, f"{image}:latest"):
            inspected = json.loads(run("skopeo", "inspect", name))
        index = index or json.loads((directory / "layout/index.json").read_bytes())
        assert inspected["Digest"] == index["manifests"][0]["digest"], inspected
        run("skopeo", "copy", "-q", image, f"dir:{directory}/dir-{number}")
        copy = (directory / f"dir-{number}/manifest.json").read_bytes()
        assert "sha256:" + hashlib.sha256(copy).hexdigest() == inspected["Digest"]


def check_umoci(directory):
    need("umoci")
    write_images(directory)
    layout = directory / "layout"
    assert run("umoci", "ls", "--layout", layout).split() == [b"latest"]
    unprivileged = [] if os.geteuid() == 0 else ["--rootless"]
    run("umoci", "unpack", *unprivileged, "--image", f"{layout}:latest", directory / "bundle")
    same("umoci", sorted(names()), sorted(tree_on_disk(directory / "bundle/rootfs")))
    # It removes what it does not know, and the image is whole after it.
    run("umoci", "gc", "--layout", layout)
    run("umoci", "stat", "--image", f"{layout}:latest")


def check_reads_umoci(directory):
    """What umoci makes of a second layer, whiteouts included, is what we make of it."""
    need("umoci")
    write_images(directory)
    layout = directory / "layout"
    unprivileged = [] if os.geteuid() == 0 else ["--rootless"]
    bundle = directory / "bundle"
    run("umoci", "unpack", *unprivileged, "--image", f"{layout}:latest", bundle)
    shutil.rmtree(bundle / "rootfs/usr/share")
    (bundle / "rootfs/etc/passwd").unlink()
    (bundle / "rootfs/etc/new").write_text("new")
    (bundle / "rootfs/etc/new").chmod(0o644)
    (bundle / "rootfs/bin").unlink()
    (bundle / "rootfs/bin").mkdir(mode=0o755)
    run("umoci", "repack", "--image", f"{layout}:changed", bundle)
    index = json.loads((layout / "index.json").read_bytes())
    entry = next(e for e in index["manifests"] if e["annotations"]["org.opencontainers.image.ref.name"] == "changed")
    blobs = layout / "blobs/sha256"
    manifest = json.loads((blobs / entry["digest"][7:]).read_bytes())
    layers = [blobs / layer["digest"][7:] for layer in manifest["layers"]]
    assert len(layers) == 2, layers
    found = run(IMAGE_TOOL, "dump", *layers).decode().splitlines()
    same("umoci repack", sorted(tree_on_disk(bundle / "rootfs")), sorted(found))


def check_podman(directory):
    need("podman")
    write_images(directory)
    storage = ["podman", "--root", directory / "root", "--runroot", directory / "runroot", "--storage-driver", "vfs"]
    works = subprocess.run([str(part) for part in storage + ["info"]], capture_output=True, check=False)
    if works.returncode != 0:
        print(f"skipped: podman can't work here: {works.stderr.decode(errors='replace').strip()}")
        sys.exit(SKIPPED)
    identity = run(*storage, "pull", "-q", f"oci:{directory}/layout").decode().strip()
    inspected = json.loads(run(*storage, "image", "inspect", identity))[0]
    assert inspected["Config"]["Entrypoint"] == ["/usr/bin/cat"], inspected
    index = json.loads((directory / "layout/index.json").read_bytes())
    assert inspected["Digest"] == index["manifests"][0]["digest"], inspected
    run(*storage, "load", "-q", "-i", directory / "image.tar")
    run(*storage, "rmi", "-af")


def main():
    global IMAGE_TOOL
    check, IMAGE_TOOL = sys.argv[1:]
    os.umask(0o022)
    # tempfile's own names may have a '_' behind the '-', which podman takes for no part of a reference.
    folder = pathlib.Path(tempfile.gettempdir(), "smith-outside-" + secrets.token_hex(8))
    folder.mkdir()
    try:
        globals()["check_" + check](folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
