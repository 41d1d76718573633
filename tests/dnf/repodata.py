# SPDX-License-Identifier: Apache-2.0
"""Metadata of small repositories, out of a description: what a solver sees of a repository, without making packages.

A description is a text. A line that begins with a package's NEVRA starts one; indented lines below it add to it:

    app-1:2.0-3.x86_64
      Requires: libfoo >= 2, (a if b), /usr/bin/sh
      Files: /usr/bin/app /usr/share/app/data

Every package provides its own name, as rpmbuild has it.
"""
import hashlib
import os
import re
from xml.sax.saxutils import escape, quoteattr

FLAGS = {"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
TAGS = ("Provides", "Requires", "Conflicts", "Obsoletes", "Recommends", "Suggests", "Supplements", "Enhances")
ROOT = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Package:
    def __init__(self, nevra):
        found = re.fullmatch(r"(.+)-(?:(\d+):)?([^-:]+)-([^-:]+)\.([^.]+)", nevra)
        assert found, nevra
        self.nevra = nevra
        self.name, epoch, self.version, self.release, self.arch = found.groups()
        self.epoch = epoch or "0"
        self.evr = "%s:%s-%s" % (self.epoch, self.version, self.release)
        self.tags = {tag: [] for tag in TAGS}
        self.tags["Provides"].append("%s = %s" % (self.name, self.evr))
        self.files, self.vendor = [], "a vendor"

    def add(self, line):
        key, _, value = line.strip().partition(": ")
        if key == "Files":
            self.files += value.split()
        elif key == "Vendor":
            self.vendor = value
        else:
            # Commas inside a rich dependency's parentheses belong to it: "libfoo(a,b)".
            self.tags[key] += re.split(r",\s+(?![^()]*\))", value)

    @property
    def checksum(self):
        return hashlib.sha256(self.nevra.encode()).hexdigest()


def parse(text):
    packages = []
    for line in text.split("\n"):
        if line.startswith(" ") and line.strip():
            packages[-1].add(line)
        elif line.strip():
            packages.append(Package(line.strip()))
    return packages


def entry(dependency):
    name, _, rest = dependency.partition(" ")
    if dependency.startswith("(") or not rest:
        return "<rpm:entry name=%s/>" % quoteattr(dependency)
    flag, evr = rest.split(" ")
    epoch, _, vr = evr.rpartition(":")
    version, _, release = vr.partition("-")
    return "<rpm:entry name=%s flags=%s epoch=%s ver=%s%s/>" % (
        quoteattr(name), quoteattr(FLAGS[flag]), quoteattr(epoch or "0"), quoteattr(version),
        " rel=" + quoteattr(release) if release else "")


def is_in_primary(path):
    return path.startswith("/etc/") or "bin/" in path or path == "/usr/lib/sendmail"


def primary(packages):
    out = [ROOT, '<metadata xmlns="http://linux.duke.edu/metadata/common" '
           'xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="%d">\n' % len(packages)]
    for p in packages:
        out.append('<package type="rpm"><name>%s</name><arch>%s</arch><version epoch="%s" ver="%s" rel="%s"/>'
                   '<checksum type="sha256" pkgid="YES">%s</checksum><summary/><description/><packager/><url/>'
                   '<time file="1" build="1"/><size package="1000" installed="1" archive="1"/>'
                   '<location href="%s.rpm"/><format><rpm:license/><rpm:vendor>%s</rpm:vendor>'
                   % (escape(p.name), p.arch, p.epoch, p.version, p.release, p.checksum, p.nevra.replace(":", "-"),
                      escape(p.vendor)))
        for tag, values in p.tags.items():
            if values:
                out.append("<rpm:%s>%s</rpm:%s>" % (tag.lower(), "".join(map(entry, values)), tag.lower()))
        out += ["<file>%s</file>" % escape(f) for f in p.files if is_in_primary(f)]
        out.append("</format></package>\n")
    return "".join(out) + "</metadata>\n"


def filelists(packages):
    out = [ROOT, '<filelists xmlns="http://linux.duke.edu/metadata/filelists" packages="%d">\n' % len(packages)]
    for p in packages:
        out.append('<package pkgid="%s" name=%s arch="%s"><version epoch="%s" ver="%s" rel="%s"/>%s</package>\n' % (
            p.checksum, quoteattr(p.name), p.arch, p.epoch, p.version, p.release,
            "".join("<file>%s</file>" % escape(f) for f in p.files)))
    return "".join(out) + "</filelists>\n"


def write_repository(folder, description, comps=None, modules=None):
    """Writes folder/repodata. `comps` and `modules` are documents as they would come from a distribution."""
    packages = parse(description)
    documents = {"primary": primary(packages), "filelists": filelists(packages)}
    if comps:
        documents["group"] = comps
    if modules:
        documents["modules"] = modules
    os.makedirs(os.path.join(folder, "repodata"))
    repomd = [ROOT, '<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>1</revision>\n']
    for kind, text in documents.items():
        name = kind + (".yaml" if kind == "modules" else ".xml")
        data = text.encode()
        with open(os.path.join(folder, "repodata", name), "wb") as file:
            file.write(data)
        repomd.append('<data type="%s"><checksum type="sha256">%s</checksum><location href="repodata/%s"/>'
                      '<timestamp>1</timestamp><size>%d</size></data>\n'
                      % (kind, hashlib.sha256(data).hexdigest(), name, len(data)))
    with open(os.path.join(folder, "repodata", "repomd.xml"), "w", encoding="utf-8") as file:
        file.write("".join(repomd) + "</repomd>\n")
