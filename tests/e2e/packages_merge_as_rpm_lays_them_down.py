#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sets of packages that get in each other's way: smith ships what rpm installs, and says no where rpm does.

Each scenario is a few packages, written as lines of "kind path ...". It lives below a directory of its own (/s00,
/s01), so that one rpmbuild makes the first packages of all scenarios, another the second ones. rpm installs each set,
in another order where one does not work; smith builds it with `paths: ["/**"]`. Compared: kinds, targets of links,
bytes, executable bits.

Where smith does something else than rpm on purpose, it stands with its reason in TOLERATED, LEFT_OUT or
is_made_by_smith.
"""
import collections
import errno
import hashlib
import io
import itertools
import os
import random
import re
import shlex
import shutil
import stat
import struct
import tarfile

from e2e import Layout, need_tools, run, scratch, skip, smith, step, write

# What smith takes, and rpm calls a conflict: both packages claim one place, by what rpm says of them.
TOLERATED = [
    # Modes and owners are no part of an image; of the executable bit, whoever executes the file is right.
    ("the same bytes with another mode or owner", lambda a, b: a == b and a.startswith("file")),
    ("the same directory with another mode", lambda a, b: a == b == "dir"),
    # Packages made from Debian's own /lib as a directory, and /usr is merged there, too.
    ("a directory in one package, a link to a directory in another", lambda a, b: {a, b} == {"dir", "link"}),
]
# What rpm installs, and smith leaves out: devices are no part of an image, and neither is a directory that nobody owns
# and that would hold nothing else.
LEFT_OUT = {"a device": ["dev/null", "dev"]}

# One package a line of text; entries are parted by ';'. '@' in a target is the scenario's own root.
#   dir PATH [MODE]      file PATH TEXT [MODE]      elf32|elf64 PATH TEXT      link PATH TARGET      hard PATH EXISTING
#   ghost PATH           ghostdir PATH              device PATH                caps PATH TEXT
#   owner PATH TEXT USER   config PATH TEXT            odd PATH
# Fifos are not among them: rpm 4.18 opens what it makes, and waits for a writer.
SCENARIOS = {
    "usrmerge: a file below what filesystem makes a link":
        ["dir usr/lib64; link lib64 usr/lib64", "file lib64/libc.so.6 libc 755"],
    "usrmerge: all of it, and files by both names":
        ["dir usr/bin; dir usr/sbin; dir usr/lib; dir usr/lib64; "
         "link bin usr/bin; link sbin usr/sbin; link lib usr/lib; link lib64 usr/lib64",
         "file bin/sh sh 755; file lib64/ld.so ld 755", "file usr/bin/cat cat 755",
         "file sbin/init init 755; file usr/lib/x x", "file lib/y y"],
    "usrmerge: the same file by both names":
        ["dir usr/bin; link bin usr/bin", "file bin/sh sh 755", "file usr/bin/sh sh 755"],
    "usrmerge: different files by two names":
        ["dir usr/bin; link bin usr/bin", "file bin/sh one 755", "file usr/bin/sh two 755"],
    "a link to a link to a directory": ["dir c; link b c; link a b", "file a/f f"],
    "links below links":
        ["dir usr/lib; link lib usr/lib", "link lib/y ../share/z; dir usr/share/z", "link x lib/y", "file x/f f"],
    "a link by an absolute target": ["dir run; link var/run @/run", "file var/run/pid pid"],
    "a link that climbs beyond the root": ["dir etc; link up ../../../..@/etc", "file up/f f"],
    "a link to nowhere": ["link l nowhere", "file f f"],
    "a file below a link to nowhere": ["link l nowhere", "file l/f f"],
    "links in a circle": ["link a b", "link b a"],
    "a file below links in a circle": ["link a b", "link b a", "file a/f f"],
    "a link to the directory above": ["dir d; link d/up ..", "file d/f f"],
    "a link with dots and slashes": ["dir usr/lib; link l ./usr//./lib/", "file l/f f"],
    "a link to a file, twice the same": ["file f f; link l f", "link l f"],
    "a link with two targets": ["link l a", "link l b"],
    "targets that only look different": ["dir a; link l a", "link l ./a"],
    "a link in the place of a directory": ["dir e; link d e", "dir d"],
    "a link in the place of a directory that holds something": ["dir e; link d e", "dir d; file d/f f"],
    "a link in the place of a directory that nobody owns": ["dir e; link d e", "file d/f f"],
    "a link to a file in the place of a directory": ["file f f; link d f", "dir d"],
    "a dangling link in the place of a directory": ["link d nowhere", "dir d"],
    "a file in the place of a directory": ["file d d", "dir d"],
    "a file in the place of a directory that nobody owns": ["file d d", "file d/f f"],
    "a file in the place of a link": ["file x f", "link x f"],
    "a package without files": ["", "file f f"],
    "the same file twice": ["file f f", "file f f"],
    "the same file thrice": ["file f f", "file f f", "file f f"],
    "different bytes": ["file f one", "file f two"],
    "different bytes of one length, third package agrees with the first": ["file f one", "file f two", "file f one"],
    "the same bytes, another mode": ["file f f 644", "file f f 755"],
    "the same bytes, another mode that is not about executing": ["file f f 644", "file f f 600"],
    "the same bytes, another owner": ["file f f", "owner f f daemon"],
    "the same directory": ["dir d", "dir d"],
    "the same directory, another mode": ["dir d 755", "dir d 700"],
    "an empty file twice": ["file f ", "file f "],
    "an ELF file of each word size": ["elf64 bin/x x", "elf32 bin/x x"],
    "an ELF file of each word size, the other way round": ["elf32 bin/x x", "elf64 bin/x x"],
    "multilib: libraries apart, documentation shared":
        ["elf64 lib64/l.so l; file share/doc d", "elf32 lib/l.so l; file share/doc d"],
    "multilib through a merged /usr": ["dir usr/bin; link bin usr/bin", "elf32 bin/x x", "elf64 usr/bin/x x"],
    "two 64-bit programs": ["elf64 bin/x one", "elf64 bin/x two"],
    "two 32-bit programs": ["elf32 bin/x one", "elf32 bin/x two"],
    "a 64-bit program and a script": ["elf64 bin/x x", "file bin/x script 755"],
    "a 32-bit program and a script": ["elf32 bin/x x", "file bin/x script 755"],
    "the same program in two packages": ["elf64 bin/x x", "elf64 bin/x x"],
    "three word sizes of claims": ["elf64 bin/x x", "elf32 bin/x x", "elf64 bin/x x"],
    "a ghost": ["ghost run/pid; file f f", "file g g"],
    "a ghost and the file": ["ghost f", "file f f"],
    "a ghost and a different ghost": ["ghost f", "ghost f"],
    "a ghost directory": ["ghostdir run/d", "file f f"],
    "a ghost directory that holds another package's file": ["ghostdir d", "file d/f f"],
    "a ghost in the place of a directory": ["ghost d", "dir d; file d/f f"],
    "a ghost in the place of a link": ["ghost l", "dir e; link l e", "file l/f f"],
    "hard links": ["file a one 755; hard b a; hard d/c a", "file f f"],
    "hard links below a link": ["dir usr/bin; link bin usr/bin", "file bin/a one 755; hard bin/b bin/a"],
    "hard links here, files there": ["file a one; hard b a", "file a one; file b one"],
    "hard links of empty files": ["file a ; hard b a", "file f f"],
    "setuid, setgid and sticky":
        ["file su su 4755; file wall wall 2755; dir tmp 1777; file both both 6711", "file f f"],
    "setuid here, not there": ["file su su 4755", "file su su 755"],
    "capabilities": ["caps ping ping", "file f f"],
    "a device": ["device dev/null; file f f", "file g g"],
    "a device and a file": ["device n", "file n n"],
    "a configuration file twice": ["config etc/c c", "config etc/c c"],
    "a configuration file, different bytes": ["config etc/c one", "config etc/c two"],
    "modes without the owner's x": ["file a a 655; file b b 677; file c c 100; file d d 0", "file f f"],
    "odd names": ["odd names", "file f f"],
    "odd names below a link": ["dir real; link names real", "odd names"],
    "the same odd names twice": ["odd names", "odd names"],
    # 255 bytes would be fine for smith, but rpm unpacks under a temporary name that is longer by nine.
    "a name of 246 bytes": ["file %s long" % ("n" * 246), "dir %s; file %s/x x" % ("m" * 255, "m" * 255)],
    "deep": ["file %s/f f" % "/".join("d" * 100), "link s %s" % "/".join("d" * 100), "file s/g g"],
}
RANDOM_SCENARIOS = 80
SEED = 20240229

# rpmbuild itself refuses control characters, and tells no other byte from them.
ODD_NAMES = [b"-leading", b"--", b" space ", b"latin-\xe9", b"\xff\xfe", b"quote'\"", b"star*?[x]", b"back\\slash",
             b"...", b"~", b"#hash", b"$HOME", b"%percent", b"utf8-\xc3\xa9", b"@at", b"{a,b}"]

Package = collections.namedtuple("Package", "name arch entries")
Entry = collections.namedtuple("Entry", "kind path args")


# ------------------------------------------------------------------------------------------------------ scenarios

def parse_package(text, name, root):
    entries = []
    for line in text.split(";") if text else []:
        kind, path, *args = line.lstrip().split(" ")
        if kind == "link":
            args = [args[0].replace("@", root)]
        entries.append(Entry(kind, root.lstrip("/") + "/" + path, args))
    kinds = {e.kind for e in entries}
    arch = "i686" if "elf32" in kinds else "x86_64" if "elf64" in kinds else "noarch"
    return Package(name, arch, entries)


def random_world(rng):
    """{path: line}: what several packages mostly agree about."""
    names, world = ["a", "b", "c", "d", "e"], {}
    for _ in range(14):
        path = "/".join(rng.choices(names, k=rng.choice([1, 1, 2, 2, 3])))
        world[path] = random_line(rng, path, names)
    return world


def random_line(rng, path, names):
    kind = rng.choices(["file", "dir", "link", "elf64", "elf32", "ghost"], [7, 4, 5, 1, 1, 1])[0]
    if kind == "file":
        return "file %s %s" % (path, rng.choice(["one", "two"]))
    if kind in ("elf32", "elf64"):
        return "%s %s %s" % (kind, path, rng.choice(["one", "two"]))
    if kind == "link":
        up = "../" * path.count("/") if rng.random() < 0.6 else "@/"
        return "link %s %s" % (path, up + "/".join(rng.choices(names, k=rng.choice([1, 1, 2]))))
    return "%s %s" % (kind, path)


def random_package(rng, world):
    """Some of the world, as it could be in a buildroot; now and then something of its own."""
    tree = {}
    for path in rng.sample(sorted(world), rng.randint(1, 6)):
        line = world[path] if rng.random() < 0.93 else random_line(rng, path, ["a", "b"])
        above = [path[:i] for i, c in enumerate(path) if c == "/"]
        if any(tree.get(p, "dir").split()[0] != "dir" for p in above):
            continue
        tree[path] = "dir %s" % path if any(p.startswith(path + "/") for p in tree) else line
    if {"elf32", "elf64"} <= {line.split()[0] for line in tree.values()}:
        tree = {p: line.replace("elf32", "elf64") for p, line in tree.items()}
    return "; ".join(tree[p] for p in sorted(tree))


def all_scenarios():
    """{name: [Package]}; the packages of one scenario bear letters: s07-a, s07-b."""
    rng = random.Random(SEED)
    texts = dict(SCENARIOS)
    for number in range(RANDOM_SCENARIOS):
        world = random_world(rng)
        texts["random %d" % number] = [random_package(rng, world) for _ in range(rng.randint(2, 3))]
    return {name: [parse_package(text, "s%02d-%s" % (i, "abcde"[k]), "/s%02d" % i) for k, text in enumerate(packages)]
            for i, (name, packages) in enumerate(texts.items())}


# ------------------------------------------------------------------------------------------------- making packages

def tiny_elf(bits, text):
    """A static program of one segment, which is all of the file."""
    text = text.encode() + b"\0"
    if bits == 64:
        head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 64, 0, 0)
        size = 64 + 56 + len(text)
        return head + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 4096) + text
    head = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\1\1\1", 2, 3, 1, 0x8048054, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    size = 52 + 32 + len(text)
    return head + struct.pack("<IIIIIIII", 1, 0, 0x8048000, 0x8048000, size, size, 5, 4096) + text


def put_file(path, data):
    with open(path, "wb") as file:
        file.write(data)


def lay_out(package, root):
    """Makes the package's files below `root`, and returns the lines of its %files."""
    lines = {}
    for kind, path, args in package.entries:
        full, attr, prefix = os.path.join(root, path), "%attr(0644,root,root)", ""
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if kind == "dir" or kind == "ghostdir":
            os.makedirs(full, exist_ok=True)
            attr = "%%attr(0%s,root,root)" % (args[0] if args else "755")
            prefix = "%dir " if kind == "dir" else "%ghost %dir "
        elif kind in ("file", "config", "owner"):
            mode = args[1] if kind == "file" and len(args) > 1 else "644"
            put_file(full, args[0].encode())
            os.chmod(full, int(mode, 8))  # hard links to it have the same
            attr = "%%attr(0%s,%s,root)" % (mode, args[1] if kind == "owner" else "root")
            prefix = "%config(noreplace) " if kind == "config" else ""
        elif kind in ("elf32", "elf64"):
            put_file(full, tiny_elf(int(kind[3:]), args[0]))
            attr = "%attr(0755,root,root)"
        elif kind == "link":
            os.symlink(args[0], full)
            attr = ""
        elif kind == "hard":
            os.link(os.path.join(root, path.split("/")[0], args[0]), full)
            attr = ""
        elif kind == "ghost":
            put_file(full, b"ghost")
            prefix = "%ghost "
        elif kind == "device":
            prefix = "%dev(c 1 3) "
        elif kind == "caps":
            put_file(full, args[0].encode())
            attr, prefix = "%attr(0755,root,root)", "%caps(cap_net_raw=ep) "
        elif kind == "odd":
            os.makedirs(full)
            for name in ODD_NAMES:
                put_file(os.path.join(os.fsencode(full), name), name)
            attr = ""  # no name of this kind could stand in a list: the directory brings all
        lines[path] = "%s %s/%s" % (attr, prefix, path)
    # rpmbuild looks at what links lead to: where nothing is, is fine; a circle, and a file on the way, are not.
    for entry in [e for e in package.entries if e.kind == "link"]:
        if stops_rpmbuild(os.path.join(root, entry.path)):
            os.unlink(os.path.join(root, entry.path))
            package.entries.remove(entry)
            del lines[entry.path]
    return list(lines.values())


def stops_rpmbuild(path):
    try:
        os.stat(path)
    except OSError as problem:
        return problem.errno in (errno.ELOOP, errno.ENOTDIR)
    return False


def rpmbuild(folder, target, packages):
    """Makes all `packages` with one spec and one buildroot: no two of them are of the same scenario."""
    root = os.path.join(folder, "root")
    spec = ["Name: all", "Version: 1", "Release: 1", "Summary: x", "License: MIT", "%description", "x"]
    for package in packages:
        spec += ["%%package -n %s" % package.name, "Summary: x"]
        spec += ["BuildArch: noarch"] if package.arch == "noarch" else []
        spec += ["%%description -n %s" % package.name, "x"]
        spec += ["%%files -n %s" % package.name] + lay_out(package, root)
    spec += ["%install", "rm -rf %{buildroot}", "cp -a " + shlex.quote(root) + " %{buildroot}"]
    macros = {"_topdir": folder, "_dbpath": os.path.join(folder, "db"), "_rpmdir": os.path.join(folder, "..", "repo"),
              "_build_name_fmt": "%%{NAME}.%%{ARCH}.rpm", "_build_id_links": "none", "_binary_payload": "w.gzdio",
              "debug_package": "%{nil}", "__os_install_post": "%{nil}", "_unpackaged_files_terminate_build": "0",
              "_missing_build_ids_terminate_build": "0", "_invalid_encoding_terminates_build": "0",
              # ELF files are looked at for their colour; nothing shall depend on anything.
              "__requires_exclude": ".*", "__provides_exclude": ".*"}
    defines = [word for name, value in macros.items() for word in ("--define", "%s %s" % (name, value))]
    file = write(os.path.join(folder, "all.spec"), "\n".join(spec) + "\n")
    run(["rpmbuild", "-bb", "--quiet", "--target", target, *defines, file])


def make_repository(scenarios, folder):
    everything = [p for packages in scenarios.values() for p in packages]
    for slot in "abcde":
        in_slot = [p for p in everything if p.name.endswith(slot)]
        for target in ("x86_64", "i686"):
            packages = [p for p in in_slot if (p.arch == "i686") == (target == "i686")]
            if packages:
                rpmbuild(os.path.join(folder, "make-%s-%s" % (slot, target)), target, packages)
    repo = os.path.join(folder, "repo")
    assert len(os.listdir(repo)) == len(everything)
    run(["createrepo_c", "-q", repo])
    return repo


# ----------------------------------------------------------------------------------------------------- two views

def rpm_installs(files, root):
    """What rpm makes of the packages, in this order: ({path: what}, ""), or (None, what it says)."""
    os.makedirs(root)
    done = run(["rpm", "--root", root, "--define", "_dbpath /db", "--define", "_transaction_color 3",
                "--define", "_prefer_color 2", "-i", "--nodeps", "--noscripts", "--nosignature", "--nodigest",
                "--ignorearch", "--ignoreos", *files], status=None)
    if done.status != 0:
        # Debian's rpm begins with two lines of advice.
        return None, "; ".join(line.strip() for line in done.err.splitlines() if not line.startswith("rpm: "))
    found = {}
    for at, folders, names in os.walk(os.fsencode(root)):
        for name in folders + names:
            path = os.path.join(at, name)
            info = os.lstat(path)
            key = os.path.relpath(path, os.fsencode(root))
            if not re.match(rb"s\d\d", key):
                continue
            if stat.S_ISDIR(info.st_mode):
                found[key] = "dir"
            elif stat.S_ISLNK(info.st_mode):
                found[key] = "link " + os.readlink(path).decode()
            elif stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    found[key] = file_line(file.read(), info.st_mode)
            else:
                found[key] = "special"
    return found, ""


def file_line(data, mode):
    return "file %s %s" % ("x" if mode & 0o100 else "-", hashlib.sha256(data).hexdigest()[:8])


def smith_ships(folder, repo_file, packages):
    """What smith makes of them: {path: what}, or None when it says that they conflict."""
    names = ", ".join("%s.%s" % (p.name, p.arch) for p in packages)
    spec = write(os.path.join(folder, "app.yaml"),
                 'schema: 1\narch: x86_64\npackages: [%s]\npaths: ["/**"]\n' % names)
    to = os.path.join(folder, "image")
    done = smith("build", spec, "--repo-file", repo_file, "-o", "oci:" + to, "--no-test", "--cache-dir",
                 os.path.join(os.path.dirname(repo_file), "cache"), status=None)
    if done.status == 3:
        return None, done.err
    if done.status == 2 and "'/**' matches nothing" in done.err:
        return {}, ""
    assert done.status == 0, done
    found = {}
    with tarfile.open(fileobj=io.BytesIO(Layout(to).tar)) as tar:
        for member in tar.getmembers():
            key = os.fsencode(member.name.rstrip("/"))
            if not re.match(rb"s\d\d", key):
                continue
            if member.isdir():
                found[key] = "dir"
            elif member.issym():
                found[key] = "link " + member.linkname
            else:
                assert member.isreg() or member.islnk(), member.name
                found[key] = file_line(tar.extractfile(member).read(), member.mode)
    return found, done.err


# --------------------------------------------------------------------------------------------------------- the test

def install_in_any_order(files, at):
    """Yields what rpm makes of one order after the other, up to one that works. rpm's own order is by dependencies,
    which these packages don't have: a link must come before the files that go through it. What it calls a conflict is
    one in every order."""
    for number, order in enumerate(itertools.permutations(files)):
        found, said = rpm_installs(order, os.path.join(at, "rpm%d" % number))
        yield found, said
        if found is not None or "conflicts between attempted installs" in said:
            return


def differences(by_rpm, by_smith):
    return ["  %s: rpm %s, smith %s" % (path, by_rpm.get(path, "nothing"), by_smith.get(path, "nothing"))
            for path in sorted(set(by_rpm) | set(by_smith)) if by_rpm.get(path) != by_smith.get(path)]


def compare(name, packages, by_rpm, ours):
    """What is wrong with one scenario; "" for nothing."""
    found, said = ours
    installed = [tree for tree, _ in by_rpm if tree is not None]
    refusals = sorted({what for tree, what in by_rpm if tree is None})
    if installed and found is None:
        return "  rpm installs, smith says: " + said.strip()
    if installed:
        left_out = LEFT_OUT.get(name, [])
        return "\n".join(differences({p: what for p, what in installed[0].items()
                                      if os.fsdecode(p).partition("/")[2] not in left_out}, found))
    if found is None:
        return ""
    conflicts = [line for refusal in refusals for line in refusal.split("; ") if " conflicts between " in line]
    wrong = [line for line in conflicts if not is_tolerated(line, packages, found)]
    if wrong or not (conflicts or is_made_by_smith(packages, found)):
        return "  rpm refuses (%s)\n  smith ships %s" % (" / ".join(wrong or refusals), found)
    return ""


def real(path, tree):
    """`path` with the links of `tree` followed up to its last component."""
    done = []
    todo = path.split("/")
    for _ in range(200):
        if len(todo) <= 1:
            break
        part = todo.pop(0)
        link = tree.get(os.fsencode("/".join(done + [part])), "")
        if link.startswith("link /"):
            done, todo = [], link[6:].split("/") + todo
        elif link.startswith("link "):
            todo = link[5:].split("/") + todo
        elif part == "..":
            done = done[:-1]
        elif part not in ("", "."):
            done.append(part)
    return "/".join(done + todo)


def claim_of(package, place, tree):
    """What the package has at `place`: "dir", "link", "file <bytes>" or ""."""
    for kind, path, args in package.entries:
        if real(path, tree) == place:
            return kind if kind in ("dir", "link") else "dir" if kind == "odd" else " ".join(["file"] + args[:1])
    return ""


def is_tolerated(conflict, packages, tree):
    words = re.fullmatch(r"file /(.*) conflicts between attempted installs of (\S+)-1-1\S* and (\S+)-1-1\S*", conflict)
    claims = [claim_of(p, real(words[1], tree), tree) for p in packages if p.name in (words[2], words[3])]
    return len(claims) == 2 and any(rule(*claims) for _, rule in TOLERATED)


def is_made_by_smith(packages, tree):
    """Whether there is a directory that only a package's link leads to. rpm makes the directories that stand in a path,
    and stumbles over a link to nothing among them; smith makes what that points to, too."""
    named = {above for p in packages for e in p.entries for above in prefixes(e.path)}
    return any(what == "dir" and os.fsdecode(path) not in named for path, what in tree.items())


def prefixes(path):
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]


def main():
    need_tools("rpm", "rpmbuild", "createrepo_c")
    if os.geteuid() != 0:
        skip("rpm installs into a root of its own only for root")
    scenarios = all_scenarios()
    wrong = []
    with scratch() as folder:
        step("making %d packages" % sum(map(len, scenarios.values())))
        repo = make_repository(scenarios, folder)
        repo_file = write(os.path.join(folder, "all.repo"), "[all]\nname=all\nbaseurl=file://%s\ngpgcheck=0\n" % repo)
        step("laying down %d sets of them" % len(scenarios))
        for number, (name, packages) in enumerate(scenarios.items()):
            at = os.path.join(folder, "s%02d" % number)
            files = [os.path.join(repo, "%s.%s.rpm" % (p.name, p.arch)) for p in packages]
            by_rpm = list(install_in_any_order(files, at))
            try:
                problem = compare(name, packages, by_rpm, smith_ships(at, repo_file, packages))
            except AssertionError as failure:
                problem = "  %s" % failure
            if problem:
                wrong.append("%s:\n%s%s" % (name, "".join(map(describe, packages)), problem))
            shutil.rmtree(at)
    assert not wrong, "\n" + "\n".join(wrong)


def describe(package):
    return "  %s has %s\n" % (package.name, "; ".join(" ".join([e.kind, e.path, *e.args]) for e in package.entries))


if __name__ == "__main__":
    main()
