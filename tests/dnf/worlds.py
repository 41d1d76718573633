# SPDX-License-Identifier: Apache-2.0
"""The repositories that dnf and smith are both asked about, and the requests. See solves_as_dnf_does.py."""

# A request is a text of package specs with ' + ' between them, or ('weak', text): also what is recommended, or
# ('nobest', text): an older version will do. A world is (repositories, requests); a repository is (id, settings of its
# .repo section, description for repodata.py).

FIXTURE = [
    "nginx", "nginx.x86_64", "nginx-common.noarch", "nginx-1.22.1", "nginx-1.22.1-9+deb12u11.deb12.x86_64",
    "nginx-0:1.22.1-9+deb12u11.deb12.x86_64", "nginx*", "lib[ab]*", "python3", "postgresql-15", "redis-server",
    "busybox-static + tini", "curl + ca-certificates", "coreutils", "/usr/bin/curl", "/bin/sh",
    "/usr/share/zoneinfo/UTC", "*/bin/redis-cli", "libssl3", "perl", "libssl.so.3()(64bit)", "libz.so.1()(64bit)",
    "rtld(GNU_HASH)", "python3 >= 3.9", "python3 > 4", "nonexistent", "nginx.aarch64", ("weak", "nginx"),
    ("weak", "postgresql-15"), ("weak", "python3"), "nginx + nginx-light + libnginx-mod-http-echo", "debconf-2.0",
    "awk", "libc6 + libc-bin + locales", "bash + dash", "??sh", "*.noarch", "zlib1g-1:1.2.13.dfsg",
    "perl-modules-5.36", "libpython3.11-stdlib", "openssl + /etc/ssl/openssl.cnf", "@core", "@core + nginx",
]

SCALE = [
    "bash", "vim", "gcc", "default-jdk", "firefox-esr", "postgresql", "libreoffice", "texlive-full", "kde-full",
    "gnome", "task-gnome-desktop", "task-xfce-desktop", "0ad", "apache2", "mail-transport-agent", "python3-numpy*",
    "/usr/bin/gawk", "/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/share/dict/words", "*/bin/nginx", "awk", "editor",
    "x-terminal-emulator", "www-browser", "java-runtime", "default-mta", "systemd + sysvinit-core", "dracut",
    "ruby + rails", "libjpeg62-turbo-dev + libjpeg-turbo8-dev", "emacs", "nodejs + npm", "golang", "r-base",
    ("weak", "vim"), ("weak", "bash"), ("weak", "apache2"), ("weak", "task-xfce-desktop"), ("weak", "gnome"),
    "qemu-system", "libvirt-daemon-system", "default-mysql-server", "wordpress", "nagios4", "webext-tbsync",
    "tiny-initramfs", "mutt + postfix", "exim4 + postfix", "docker.io", "gnome + kde-full + xfce4", "python3.11-*",
    "rustc + cargo + clang + llvm",
]

FORMS = """
app-1.9-1.x86_64
app-1.10-1.x86_64
app-1.10-1.i686
app-2.0-1.aarch64
tool-9-1.noarch
tool-1:1-1.noarch
tool-1:1-2.noarch
name-with-1.2-dashes-3-4.noarch
dotted.name-1-1.noarch
dotted-7-7.noarch
x86_64-1-1.noarch
looks-like-1-1.noarch
looks-like-1.0-1.noarch
  Provides: looks = 4
impostor-5-1.noarch
  Provides: /opt/claimed, app(special) = 3
owner-1-1.noarch
  Files: /opt/claimed /usr/bin/owned /usr/share/owner/deep/file
shared-a-1-1.noarch
  Files: /usr/share/both /usr/bin/both
shared-b-1-1.noarch
  Files: /usr/share/both /usr/bin/both
glob-one-1-1.noarch
glob-one-2-1.noarch
glob-two-1-1.x86_64
glob-two-1-1.i686
glob-three-1-1.i686
source-1-1.src
UPPER-1-1.noarch
star-1-1.noarch
  Provides: bundled(star-lib), bundled(star-other)
wants-deep-1-1.noarch
  Requires: /usr/share/owner/deep/file
wants-both-1-1.noarch
  Requires: /usr/share/both
tilde-1.0~rc1-1.noarch
tilde-1.0-1.noarch
caret-1.0^git1-1.noarch
caret-1.0-1.noarch
"""
FORMS_REQUESTS = [
    "app", "app.i686", "app.x86_64", "app.aarch64", "app-1.9", "app-1.9-1", "app-1.9-1.x86_64", "app-0:1.9-1.x86_64",
    "app-1:1.9-1.x86_64", "app-1.10", "app-1.10.i686", "app-1.1*", "app*", "app.*", "app-*.i686", "tool", "tool-9",
    "tool-9-1", "tool-1:1", "tool-1:1-1", "tool-1-1", "tool-0:9-1.noarch", "name-with-1.2-dashes",
    "name-with-1.2-dashes-3", "dotted.name", "dotted", "dotted.noarch", "x86_64", "x86_64.noarch", "looks-like",
    "looks-like-1", "looks-like-1.0", "looks", "looks = 4", "looks >= 4", "looks > 4", "looks=4", "app(special)",
    "app(special) = 3", "app(special) < 3", "/opt/claimed", "/usr/bin/owned", "/usr/share/owner/deep/file",
    "/usr/share/*/deep/*", "*/owned", "/usr/bin/own*", "/usr/share/both", "/usr/bin/both", "*/both", "/nowhere/at/all",
    "glob-*", "glob-t*", "glob-[ot]*", "glob-?ne", "glob-one-1*", "glob-three", "source", "source.src", "upper", "UPPER",
    "bundled(star-*)", "bundled(star-lib)", "wants-deep", "wants-both", "tilde", "tilde-1.0~rc1", "caret",
    "caret-1.0", "app >= 1.9", "app < 1.10", "app = 1.9-1", "tool > 1:1-1", "*", "app + app.i686",
    "app-1.9 + app-1.10", "owner + impostor", "app-2.0", "*.i686", "app-1.9-1.*", "", "-", "app-", "owner.x86_64",
]

RELATIONS = """
client-1-1.noarch
  Requires: service
service-good-1-1.noarch
  Provides: service
service-other-1-1.noarch
  Provides: service
mailer-1-1.noarch
  Requires: mta
mta-a-1-1.noarch
  Provides: mta
  Conflicts: mta
mta-b-2-1.noarch
  Provides: mta
  Conflicts: mta
old-1-1.noarch
new-2-1.noarch
  Obsoletes: old < 2
old-user-1-1.noarch
  Requires: old
split-1-1.noarch
split-core-2-1.noarch
  Obsoletes: split < 2
split-extra-2-1.noarch
  Obsoletes: split < 2
chain-1-1.noarch
  Requires: chain-b
chain-b-1-1.noarch
  Requires: chain-c >= 2
chain-c-1-1.noarch
chain-c-2-1.noarch
chain-c-3-1.noarch
  Requires: nothing-has-this
pinned-1-1.noarch
  Requires: chain-c < 2
loop-a-1-1.noarch
  Requires: loop-b
loop-b-1-1.noarch
  Requires: loop-a
rich-if-1-1.noarch
  Requires: (plugin if toolkit)
rich-and-1-1.noarch
  Requires: (plugin and toolkit)
rich-or-1-1.noarch
  Requires: (missing or toolkit)
rich-else-1-1.noarch
  Requires: (plugin if missing else toolkit)
rich-unless-1-1.noarch
  Conflicts: (plugin unless toolkit)
rich-with-1-1.noarch
  Requires: (cap >= 2 with cap < 3)
rich-without-1-1.noarch
  Requires: (cap without cap-new)
cap-1-1-1.noarch
  Provides: cap = 1
cap-2-1-1.noarch
  Provides: cap = 2
cap-3-1-1.noarch
  Provides: cap = 3, cap-new
plugin-1-1.noarch
toolkit-1-1.noarch
enemy-a-1-1.noarch
  Conflicts: enemy-b
enemy-b-1-1.noarch
enemy-c-1-1.noarch
  Conflicts: enemy-d < 2
enemy-d-1-1.noarch
enemy-d-2-1.noarch
  Requires: nothing-has-this
weak-1-1.noarch
  Recommends: nice, missing
  Suggests: idea
nice-1-1.noarch
  Recommends: nicer
nicer-1-1.noarch
idea-1-1.noarch
supplement-1-1.noarch
  Supplements: weak
enhance-1-1.noarch
  Enhances: weak
rich-weak-1-1.noarch
  Recommends: (plugin if toolkit)
supplement-both-1-1.noarch
  Supplements: (weak and toolkit)
choice-1-1.noarch
  Requires: service
  Suggests: service-other
choice-recommends-1-1.noarch
  Requires: service
  Recommends: service-other
broken-1-1.noarch
broken-2-1.noarch
  Requires: nothing-has-this
self-1-1.noarch
  Requires: self-thing
  Provides: self-thing
versioned-1-1.noarch
  Requires: cap >= 2
lang-1-1.noarch
  Requires: service, mta
  Provides: mta
epoch-user-1-1.noarch
  Requires: epochal >= 1:1
epochal-9-1.noarch
epochal-1:1-1.noarch
shadow-1-1.noarch
  Provides: plugin
  Obsoletes: plugin < 5
"""
RELATIONS_REQUESTS = [
    "client", "mailer", "mta", "mta-a + mta-b", "old", "old-1", "old-user", "old + new", "old.noarch", "split", "split*",
    "chain", "pinned", "chain + pinned", "loop-a", "rich-if", "rich-if + toolkit", "rich-and", "rich-or", "rich-else",
    "rich-unless + plugin", "rich-unless + plugin + toolkit", "rich-with", "rich-without", "cap", "cap >= 3",
    "enemy-a + enemy-b", "enemy-c + enemy-d", ("nobest", "enemy-c + enemy-d"), "weak", ("weak", "weak"),
    ("weak", "weak + toolkit"), ("weak", "rich-weak"), ("weak", "rich-weak + toolkit"), "choice", ("weak", "choice"),
    "choice-recommends", ("weak", "choice-recommends"), "broken", ("nobest", "broken"), ("weak", "broken"), "self",
    "versioned", "lang", "epoch-user", "chain-c", ("nobest", "chain-c"), "plugin", "plugin-1", "rich-and + plugin",
    "service", "client + service-other", "client + mailer + lang",
]

MULTILIB = """
app64-1-1.x86_64
  Requires: libz.so.1()(64bit)
app32-1-1.i686
  Requires: libz.so.1
both-1-1.x86_64
  Requires: libz.so.1()(64bit), libz.so.1
zlib-1-1.x86_64
  Provides: libz.so.1()(64bit), zlib(x86-64) = 1-1
zlib-1-1.i686
  Provides: libz.so.1, zlib(x86-32) = 1-1
devel-1-1.x86_64
  Requires: zlib(x86-64)
devel-1-1.i686
  Requires: zlib(x86-32)
devel-user-1-1.noarch
  Requires: devel
only32-1-1.i586
newer32-1-1.x86_64
newer32-2-1.i686
moved-1-1.x86_64
moved-2-1.noarch
"""
MULTILIB_REQUESTS = [
    "app64", "app32", "both", "zlib", "zlib.i686", "zlib.*", "zlib*", "zlib + zlib.i686", "devel", "devel.i686",
    "devel-user", "only32", "newer32", "newer32-2", "newer32.x86_64", "moved", "moved.x86_64", "libz.so.1",
    "libz.so.1()(64bit) + libz.so.1", "app64 + app32", ("nobest", "newer32"),
]

SEVERAL = [
    ("base", "priority=10", "app-1-1.noarch\n  Requires: lib\nlib-1-1.noarch\nonly-base-1-1.noarch\n  Requires: extra\n"),
    ("updates", "", "app-2-1.noarch\n  Requires: lib >= 2\nlib-2-1.noarch\nextra-1-1.noarch\nkept-1-1.noarch\n"
                    "only-updates-1-1.noarch\n  Requires: lib >= 2\n"),
    ("dear", "cost=2000", "same-1-1.noarch\nextra-2-1.noarch\n"),
    ("cheap", "cost=500", "same-1-1.noarch\n"),
    ("picky", "includepkgs=wanted* other.noarch", "wanted-1-1.noarch\n  Requires: other\nother-1-1.noarch\n"
                                                  "unwanted-1-1.noarch\n"),
    ("without", "excludepkgs=bad*,lib-9*,kept", "bad-1-1.noarch\nlib-9-1.noarch\nkept-2-1.noarch\n"
                                                "needs-bad-1-1.noarch\n  Requires: bad\n"),
    ("switched-off", "enabled=0", "hidden-1-1.noarch\napp-9-1.noarch\n"),
]
SEVERAL_REQUESTS = [
    "app", "app-2", "lib", "lib-2", "lib >= 2", "only-base", "only-updates", "extra", "same", "wanted", "other",
    "unwanted", "bad", "needs-bad", "kept", "hidden", "app + extra", "*", "lib-9", ("nobest", "only-updates"),
]

VENDORS = [
    ("ours", "", "app-1-1.noarch\n  Vendor: us\n  Requires: lib\nlib-1-1.noarch\n  Vendor: us\n"),
    ("theirs", "", "lib-2-1.noarch\n  Vendor: them\nplug-1-1.noarch\n  Vendor: them\n  Requires: app\n"),
]
VENDOR_REQUESTS = ["app", "lib", "plug", "app + lib-1"]


OTHER_ARCH = """
app-1-1.aarch64
  Requires: libz.so.1()(64bit), data
app-2-1.x86_64
zlib-1-1.aarch64
  Provides: libz.so.1()(64bit)
zlib-2-1.x86_64
  Provides: libz.so.1()(64bit)
data-1-1.noarch
only-here-1-1.x86_64
small-1-1.armv7hl
"""
OTHER_ARCH_REQUESTS = ["app", "app-2", "zlib", "only-here", "small", "app.aarch64", "app.x86_64", "data",
                       "libz.so.1()(64bit)"]

GROUPS = """
base-1-1.noarch
shell-1-1.x86_64
  Requires: lib
lib-1-1.x86_64
lib-1-1.i686
extra-1-1.noarch
docs-1-1.noarch
docs-shell-1-1.noarch
docs-absent-1-1.noarch
absent-1-1.noarch
graphics-1-1.noarch
replaced-1-1.noarch
replacement-2-1.noarch
  Obsoletes: replaced
only-ppc-1-1.noarch
both-1-1.x86_64
both-1-1.i686
based-1-1.noarch
"""
COMPS = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd">
<comps>
  <group>
    <id>core</id><name>Core</name><name xml:lang="de">Kern</name><description/>
    <default>true</default><uservisible>false</uservisible>
    <packagelist>
      <packagereq type="mandatory">base</packagereq>
      <packagereq type="default">shell</packagereq>
      <packagereq type="optional">extra</packagereq>
      <packagereq type="conditional" requires="shell">docs-shell</packagereq>
      <packagereq type="conditional" requires="absent">docs-absent</packagereq>
      <packagereq type="mandatory">not-there</packagereq>
    </packagelist>
  </group>
  <group>
    <id>graphical</id><name>Graphical Things</name><description/>
    <packagelist>
      <packagereq type="mandatory">graphics</packagereq>
      <packagereq type="default">replaced</packagereq>
      <packagereq type="mandatory" basearchonly="true">both</packagereq>
      <packagereq type="mandatory" basearchonly="true">based</packagereq>
    </packagelist>
  </group>
  <group><id>docs</id><name>Documents</name><packagelist><packagereq>docs</packagereq></packagelist></group>
  <group><id>twin-a</id><name>Twin</name><packagelist><packagereq type="mandatory">docs</packagereq></packagelist></group>
  <group><id>twin-b</id><name>Twin</name><packagelist><packagereq type="mandatory">extra</packagereq></packagelist></group>
  <group>
    <id>ported</id><name>Ported</name>
    <packagelist>
      <packagereq type="mandatory" arch="ppc64le">only-ppc</packagereq>
      <packagereq type="mandatory" arch="ppc64le,x86_64">docs</packagereq>
    </packagelist>
  </group>
  <environment>
    <id>workstation</id><name>A Workstation</name>
    <grouplist><groupid>core</groupid><groupid>graphical</groupid></grouplist>
    <optionlist><groupid>docs</groupid></optionlist>
  </environment>
</comps>
"""
GROUPS_REQUESTS = ["@core", "@Core", "@CORE", "@Kern", "@graphical", "@Graphical Things", "@graph*", "@docs", "@Twin", "@ported", "@core + absent",
                   "@workstation", "@A Workstation", "@work*", "@nothing", "@core + extra", "@core + @docs", "@optional"]


def small_worlds():
    """{name: (repositories, requests)}, and perhaps settings of the world ("modules": those to enable). A repository may
    have two more parts: its comps.xml and modules.yaml."""
    return {
        "aarch64": ([("other", "", OTHER_ARCH)], OTHER_ARCH_REQUESTS),
        "groups": ([("groups", "", GROUPS, COMPS)], GROUPS_REQUESTS),
        "forms": ([("forms", "", FORMS)], FORMS_REQUESTS),
        "relations": ([("relations", "", RELATIONS)], RELATIONS_REQUESTS),
        "multilib": ([("multilib", "", MULTILIB)], MULTILIB_REQUESTS),
        "several": (SEVERAL, SEVERAL_REQUESTS),
        "vendors": (VENDORS, VENDOR_REQUESTS),
    }
