#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the databases here, which are committed: the same two packages in each of rpm's formats, and what dpkg and apk
write. SQLite's is by SQLite, Berkeley DB's by db5.3_load (db5.3-util); ndb's is written here, after rpmpkg.c.

Usage: generate.py DIRECTORY
"""
import os
import sqlite3
import struct
import subprocess
import sys
import zlib

STRING, STRINGS, INT32 = 6, 8, 4


def header(name, version, release, files, epoch=0, padding=0):
    """A header as the rpm database has it."""
    folders = sorted({os.path.dirname(f) + "/" for f in files})
    tags = [(1000, STRING, [name]), (1001, STRING, [version]), (1002, STRING, [release]), (1014, STRING, ["MIT"]),
            (1005, STRING, ["x" * padding]), (1022, STRING, ["x86_64"]), (1044, STRING, [name + ".src.rpm"]),
            (1116, INT32, [folders.index(os.path.dirname(f) + "/") for f in files]),
            (1117, STRINGS, [os.path.basename(f) for f in files]), (1118, STRINGS, folders)]
    if epoch:
        tags.append((1003, INT32, [epoch]))
    index, store = b"", b""
    for tag, kind, values in sorted(tags):
        if kind == INT32:
            store += bytes(-len(store) % 4)
        index += struct.pack(">IIII", tag, kind, len(store), len(values))
        store += b"".join(struct.pack(">I", v) if kind == INT32 else v.encode() + b"\0" for v in values)
    return struct.pack(">II", len(tags), len(store)) + index + store


def headers(padding):
    return [header("app", "1.0", "2.el9", ["/usr/bin/app", "/etc/app.conf"], epoch=3),
            header("glib", "2.0", "1.el9", ["/usr/lib64/libg.so.1"], padding=padding),
            header("gpg-pubkey", "abc", "def", [])]


def ndb(blobs):
    slots, data = b"", b""
    for number, blob in enumerate(blobs, 1):
        slots += struct.pack("<4sIII", b"Slot", number, (4096 + len(data)) // 16, -(-(len(blob) + 28) // 16))
        record = struct.pack("<4sIII", b"BlbS", number, 7, len(blob)) + blob
        record += bytes((-len(record) - 12) % 16) + struct.pack("<II4s", zlib.adler32(record), len(blob), b"BlbE")
        data += record
    head = struct.pack("<4sIIII", b"RpmP", 0, 7, 1, len(blobs) + 1) + bytes(12)
    slots = slots.ljust(4096 - len(head), b"\0")
    for at in range(0, len(slots), 16):
        if slots[at:at + 4] == bytes(4):
            slots = slots[:at] + b"Slot" + slots[at + 4:]
    return head + slots + data


def sqlite(path, blobs):
    if os.path.exists(path):
        os.unlink(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size = 512")
    db.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
    db.execute("CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL)")
    db.execute("CREATE INDEX 'Name_key_idx' ON 'Name'(key ASC)")
    for blob in blobs:
        db.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,))
    db.commit()
    db.close()


def bdb(path, blobs):
    if os.path.exists(path):
        os.unlink(path)

    def escaped(data):
        return "".join("\\%02x" % byte for byte in data)

    # Key 0 holds the number that comes next, and no header.
    pairs = [(struct.pack("<I", 0), struct.pack("<I", len(blobs)))]
    pairs += [(struct.pack("<I", n), blob) for n, blob in enumerate(blobs, 1)]
    text = "".join("%s\n%s\n" % (escaped(k), escaped(v)) for k, v in pairs)
    subprocess.run(["db5.3_load", "-c", "db_pagesize=512", "-t", "hash", "-T", path], check=True,
                   input=text.encode())


STATUS = """Package: app
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: app-src (1.0)
Version: 1:1.0-2
Description: an app
 with a long
 .
 description

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: tool
Status: install ok installed
Version: 2.0
Architecture: all
"""

APK = """C:Q1abc=
P:busybox
V:1.36.1-r5
A:x86_64
L:GPL-2.0-only
o:busybox
F:bin
R:busybox
a:0:0:755
Z:Q1def=
F:etc
R:securetty

P:ssl_client
V:1.36.1-r5
A:x86_64
o:busybox
F:usr/bin
R:ssl_client
"""


def main():
    here = sys.argv[1]
    # The second header continues on overflow pages in the formats that have pages.
    blobs = headers(padding=1500)
    sqlite(os.path.join(here, "rpmdb.sqlite"), blobs)
    bdb(os.path.join(here, "Packages"), blobs)
    for name, data in {"Packages.db": ndb(headers(padding=100)), "status": STATUS.encode(), "installed": APK.encode(),
                       "app.list": b"/.\n/usr\n/usr/bin\n/usr/bin/app\n", "header": headers(0)[0]}.items():
        with open(os.path.join(here, name), "wb") as out:
            out.write(data)


main()
