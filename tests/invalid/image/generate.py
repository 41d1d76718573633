#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files here that images_test.cc beside it expects to be refused: layers and JSON of images.

The files are committed; this script says how each was made. Usage: generate.py DIRECTORY
"""
import gzip
import json
import pathlib
import sys

BLOCK = 512
END = bytes(2 * BLOCK)
DIGEST = "sha256:" + "0" * 64


def header(name, kind=b"0", size=0, link="", mode=0o644, size_field=None):
    block = bytearray(BLOCK)
    name = name.encode() if isinstance(name, str) else name
    block[0:len(name)] = name
    block[100:107] = b"%07o" % mode
    block[108:115] = block[116:123] = b"%07o" % 0
    block[124:136] = size_field if size_field else b"%011o\0" % size
    block[136:147] = b"%011o" % 0
    block[156:157] = kind
    block[157:157 + len(link)] = link.encode()
    block[257:265] = b"ustar\x0000"
    block[148:156] = b"        "
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def entry(name, data=b"", **fields):
    return header(name, size=len(data), **fields) + data + bytes(-len(data) % BLOCK)


def pax(*records, kind=b"x"):
    data = b""
    for key, value in records:
        rest = len(key) + len(value) + 3
        length = rest + 1
        while len(str(length)) + rest != length:
            length += 1
        data += b"%d %s=%s\n" % (length, key, value)
    return entry("pax", data, kind=kind)


def sparse(chunks, size, data):
    return pax((b"GNU.sparse.major", b"0"), (b"GNU.sparse.minor", b"1"), (b"GNU.sparse.size", b"%d" % size),
               (b"GNU.sparse.map", chunks.encode())) + entry("a", data)


def link(name, target):
    return entry(name, kind=b"2", link=target)


def hard(name, target):
    return entry(name, kind=b"1", link=target)


def directory(name):
    return entry(name, kind=b"5", mode=0o755)


def broken_checksum():
    block = bytearray(header("a"))
    block[0] ^= 1
    return bytes(block)


def negative_size():
    return header("a", size_field=b"\xff" * 12)


TARS = {
    "entry-dotdot": entry("../x"),
    "entry-dotdot-inside": entry("a/../../x"),
    "root-is-a-link": link(".", "/canary") + entry("f"),
    "slash-is-a-link": link("/", "/canary") + entry("f"),
    "root-is-a-file": entry("./", b"x"),
    "parent-is-a-file": entry("a", b"x") + entry("a/b"),
    "parent-links-in-a-circle": link("a", "b") + link("b", "a") + entry("a/x"),
    "hard-link-dotdot": hard("h", "../../etc/shadow"),
    "hard-link-to-a-later-file": hard("h", "f") + entry("f", b"x"),
    "hard-link-to-a-directory": directory("d") + hard("h", "d"),
    "hard-link-to-itself": entry("f", b"x") + hard("f", "f"),
    "hard-link-by-way-of-what-it-replaces": link("d/l", "/e") + entry("e/f", b"x") + hard("d", "d/l/f"),
    "hard-link-to-the-root": hard("h", "/"),
    "link-without-target": link("l", ""),
    "whiteout-of-nothing": entry("d/.wh."),
    "whiteout-of-dot": entry("d/.wh.."),
    "whiteout-of-dotdot": entry("d/.wh..."),
    "whiteout-as-directory": entry(".wh.x/f"),
    "pax-size-contradicts": pax((b"size", b"512")) + entry("a", b"x" * 1024),
    "pax-size-not-a-number": pax((b"size", b"-1")) + entry("a"),
    "pax-size-too-large": pax((b"size", b"9" * 20)) + entry("a"),
    "pax-length-too-long": entry("pax", b"99 path=x\n", kind=b"x") + entry("a"),
    "pax-length-too-short": entry("pax", b"3 path=x\n", kind=b"x") + entry("a"),
    "pax-without-key": entry("pax", b"4 =\n", kind=b"x") + entry("a"),
    "pax-nul-in-path": pax((b"path", b"a\0b")) + entry("a"),
    "pax-global-path": pax((b"path", b"b"), kind=b"g") + entry("a"),
    "pax-too-much": header("pax", kind=b"x", size=2 << 20),
    "pax-at-the-end": pax((b"path", b"b")),
    "pax-again-and-again": pax((b"path", b"b")) * 20 + entry("a"),
    "pax-sparse": pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")) + entry("a"),
    "gnu-sparse": entry("a", kind=b"S"),
    "sparse-pieces-overlap": sparse("4,2,5,1", 9, b"xyz"),
    "sparse-pieces-beyond-the-end": sparse("8,2", 9, b"xy"),
    "sparse-pieces-without-bytes": sparse("0,9", 9, b"xy"),
    "sparse-offset-alone": sparse("0,2,4", 9, b"xy"),
    "sparse-hole-of-a-terabyte": sparse("0,1", 1 << 40, b"x"),
    "sparse-of-another-version": pax((b"GNU.sparse.major", b"7"), (b"GNU.sparse.minor", b"0")) + entry("a"),
    "sparse-with-many-pieces": pax((b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0")) + entry(
        "a", (b"300000\n" + b"0\n" * 600000)),
    "gnu-name-too-long": header("././@LongLink", kind=b"L", size=2 << 20),
    "name-too-long": pax((b"path", b"n" * 256)) + entry("a"),
    "path-too-long": pax((b"path", b"/d" * 2048)) + entry("a"),
    "without-a-name": entry(""),
    "checksum": broken_checksum(),
    "size-negative": negative_size(),
    "size-not-octal": header("a", size_field=b"0000000000x\0"),
    "unknown-type": entry("a", kind=b"Z"),
    "zeros-then-more": bytes(BLOCK) + entry("a"),
}
# These lack the end of an archive on purpose.
CUT = {
    "cut-in-a-header": entry("a")[:300],
    "cut-in-data": entry("a", b"x" * 100)[:BLOCK + 99],
    "cut-in-pax": pax((b"path", b"b"))[:BLOCK + 4],
}


def gzipped(data):
    return gzip.compress(data, mtime=0)


GOOD = entry("a", b"x" * 5000) + END
STREAMS = {
    "gzip-cut.tar.gz": gzipped(GOOD)[:-5],
    "gzip-checksum.tar.gz": gzipped(GOOD)[:-8] + bytes(4) + gzipped(GOOD)[-4:],
    "gzip-something-behind.tar.gz": gzipped(GOOD) + b"something",
    "gzip-second-member-cut.tar.gz": gzipped(GOOD) + gzipped(GOOD)[:20],
    # A frame header that asks for a window of 2 GiB (RFC 8878 section 3.1.1.1.2), and one raw block.
    "zstd-window-2g.tar.zst": bytes.fromhex("28b52ffd" "00" "a8" "090000" "61"),
    "zstd-cut.tar.zst": bytes.fromhex("28b52ffd" "00" "58" "490000" "61"),
    # 33,000 blocks that repeat one zero 128 KiB times: 4 GiB out of 130 KB. gzip packs the file itself for git.
    "zstd-bomb.tar.zst.gz": gzipped(bytes.fromhex("28b52ffd" "00" "58") + bytes.fromhex("02001000") * 33000),
}

LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": DIGEST, "size": 1}
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 1}
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": CONFIG,
            "layers": [LAYER]}
INDEX = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
IMAGE = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [DIGEST]}}


def without(document, key):
    return {k: v for k, v in document.items() if k != key}


DOCUMENTS = {
    "manifest-is-an-index-too": MANIFEST | {"manifests": []},
    "manifest-of-another-type": MANIFEST | {"mediaType": "application/vnd.oci.image.index.v1+json"},
    "manifest-of-schema-1": MANIFEST | {"schemaVersion": 1},
    "manifest-without-config": without(MANIFEST, "config"),
    "manifest-without-layers": without(MANIFEST, "layers"),
    "manifest-layers-no-list": MANIFEST | {"layers": LAYER},
    "manifest-too-many-layers": MANIFEST | {"layers": [LAYER] * 513},
    "manifest-digest-sha512": MANIFEST | {"config": CONFIG | {"digest": "sha512:" + "0" * 128}},
    "manifest-digest-upper-case": MANIFEST | {"config": CONFIG | {"digest": "sha256:" + "A" * 64}},
    "manifest-digest-a-path": MANIFEST | {"config": CONFIG | {"digest": "sha256:../../../../etc/passwd"}},
    "manifest-size-negative": MANIFEST | {"config": CONFIG | {"size": -1}},
    "manifest-size-2-to-63": MANIFEST | {"config": CONFIG | {"size": 2 ** 63}},
    "manifest-size-a-fraction": MANIFEST | {"config": CONFIG | {"size": 1.5}},
    "manifest-size-text": MANIFEST | {"config": CONFIG | {"size": "1"}},
    "manifest-annotation-a-number": MANIFEST | {"annotations": {"a": 1}},
    "manifest-a-list": [],
    "index-is-a-manifest-too": INDEX | {"layers": []},
    "index-has-a-config": INDEX | {"config": CONFIG},
    "index-without-manifests": without(INDEX, "manifests"),
    "index-too-many": INDEX | {"manifests": [without(CONFIG, "x")] * 10001},
    "config-without-rootfs": without(IMAGE, "rootfs"),
    "config-without-os": without(IMAGE, "os"),
    "config-rootfs-of-another-type": IMAGE | {"rootfs": {"type": "tree", "diff_ids": []}},
    "config-diff-id-short": IMAGE | {"rootfs": {"type": "layers", "diff_ids": ["sha256:00"]}},
    "config-entrypoint-text": IMAGE | {"config": {"Entrypoint": "/bin/sh"}},
    "config-env-numbers": IMAGE | {"config": {"Env": [1]}},
    "config-ports-a-list": IMAGE | {"config": {"ExposedPorts": ["80/tcp"]}},
    "config-interval-too-large": IMAGE | {"config": {"Healthcheck": {"Interval": 2 ** 63}}},
}
TEXTS = {
    "manifest-key-twice": json.dumps(MANIFEST)[:-1] + ', "schemaVersion": 2}',
    "manifest-too-deep": '{"a":' * 70 + "1" + "}" * 70,
    "manifest-cut": json.dumps(MANIFEST)[:-1],
    "manifest-something-behind": json.dumps(MANIFEST) + " x",
}


def main():
    here = pathlib.Path(sys.argv[1])
    for name, content in TARS.items():
        if len(content) > 50000:
            (here / f"tar-{name}.tar.gz").write_bytes(gzipped(content + END))
        else:
            (here / f"tar-{name}.tar").write_bytes(content + END)
    for name, content in CUT.items():
        (here / f"tar-{name}.tar").write_bytes(content)
    for name, content in STREAMS.items():
        (here / name).write_bytes(content)
    for name, document in DOCUMENTS.items():
        # Short enough for git even where it repeats itself ten thousand times: packed.
        text = json.dumps(document, separators=(",", ":")).encode()
        if len(text) > 50000:
            (here / f"{name}.json.gz").write_bytes(gzipped(text))
        else:
            (here / f"{name}.json").write_bytes(text)
    for name, text in TEXTS.items():
        (here / f"{name}.json").write_text(text)


main()
