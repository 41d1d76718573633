#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""dnf has the last word on what a configuration means: dnf.conf, .repo files and variables are read by it and by us.

    dnf_reads_the_same.py REPO_CONFIG_DUMP

What differs on purpose is kept out of the cases, and said here: gpgcheck is on unless somebody says otherwise (dnf: off,
but for every distribution's dnf.conf); a value that is wrong is an error (dnf: the default, with a message); repositories of one file stand in its order (dnf: in
another one);
a list that begins with a line break has no empty first element.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import dnf
except ImportError:  # a python beside the system's: dnf is for that one
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3"] + sys.argv)
    print("skipped: there is no dnf for Python")
    sys.exit(77)

MAIN = "[main]\ngpgcheck=1\n"
CASES = {
    "fedora": {
        "etc/dnf/dnf.conf": MAIN + "installonly_limit=3\nclean_requirements_on_remove=True\nbest=False\n"
                                   "skip_if_unavailable=True\n",
        "etc/yum.repos.d/fedora.repo": """[fedora]
name=Fedora $releasever - $basearch
#baseurl=http://download.example/pub/fedora/linux/releases/$releasever/Everything/$basearch/os/
metalink=https://mirrors.fedoraproject.org/metalink?repo=fedora-$releasever&arch=$basearch
enabled=1
countme=1
metadata_expire=7d
repo_gpgcheck=0
type=rpm
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-fedora-$releasever-$basearch
skip_if_unavailable=False

[fedora-debuginfo]
name=Fedora $releasever - $basearch - Debug
metalink=https://mirrors.fedoraproject.org/metalink?repo=fedora-debug-$releasever&arch=$basearch
enabled=0
""",
    },
    "a rebuild of EL 9, with variables": {
        "etc/dnf/dnf.conf": MAIN + "best=True\ninstall_weak_deps=False\n",
        "etc/dnf/vars/stream": "9-stream\n",
        "etc/dnf/vars/contentdir": "pub/x",
        "etc/yum/vars/contentdir": "old\n",
        "etc/yum/vars/infra": "stock\nsecond line\n",
        "etc/yum.repos.d/base.repo": """[baseos]
name=EL $stream - BaseOS
mirrorlist=https://mirrors.example/?arch=$basearch&repo=BaseOS-$stream&infra=$infra
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-one
    file:///etc/pki/rpm-gpg/RPM-GPG-KEY-two, https://x.example/three
[appstream-$releasever]
name=${basearch}:$unknown:${unknown}:$contentdir
baseurl=http://a.example/$contentdir/$stream/,http://b.example/$arch
  http://c.example/
priority=10
cost=500
""",
    },
    "every option of a connection": {
        "etc/dnf/dnf.conf": MAIN + "proxy=http://proxy.example:3128\nproxy_username=pu\nproxy_password=p p\ntimeout=2m\n"
                                   "minrate=1.5k\nretries=4\nsslverify=0\nsslcacert=/main/ca\nip_resolve=4\n"
                                   "username=mu\npassword=mp\nmetadata_expire=12h\nproxy_auth_method=Digest\n"
                                   "excludepkgs=kernel*, glibc32\n",
        "etc/yum.repos.d/a.repo": """[inherits]
baseurl=http://x/
[own]
baseurl=http://x/
proxy=_none_
proxy_auth_method=basic
timeout=20
minrate=3M
retries=7
sslverify=True
sslcacert=/ca
sslclientcert=/cert
sslclientkey=/key
ip_resolve=IPv6
username=a user
password=pa$ss=w#rd;$basearch
metadata_expire=never
excludepkgs=a b,c
includepkgs=d
module_hotfixes=1
repo_gpgcheck=yes
[no-proxy]
baseurl=http://x/
proxy=
metadata_expire=-1
""",
    },
    "how the text is written": {
        "etc/dnf/dnf.conf": MAIN,
        "etc/yum.repos.d/text.repo":
            "\ufeff# comment\n; another\n[one] ; behind a section\nname = 'quoted name' \nbaseurl\t=\n http://a\n\thttp://b\n"
            "Enabled=0\nGPGCHECK=0\nbaseURL=http://no\ncost=1\ncost=2\n\n[two]\nbaseurl=http://two\nname=a = b ; c # d\n"
            "[one]\npriority=3\nskip_if_unavailable=1\n\n[three]\r\nbaseurl=http://three\r\nenabled=FALSE\r\n",
    },
    "lists that are excluded": {
        "etc/dnf/dnf.conf": MAIN + "exclude=one\n",
        "etc/yum.repos.d/a.repo": "[a]\nbaseurl=http://a\nexclude=x y\n[b]\nbaseurl=http://b\nincludepkgs=z,\n  w\n"
                                  "[c]\nbaseurl=http://c\nexclude=x\nexcludepkgs=y\n",
    },
    "only some packages anywhere": {
        "etc/dnf/dnf.conf": MAIN + "includepkgs=bash glibc*\n",
        "etc/yum.repos.d/a.repo": "[a]\nbaseurl=http://a\n[b]\nbaseurl=http://b\nincludepkgs=z\n",
    },
    "the order of files, and an id twice": {
        "etc/dnf/dnf.conf": MAIN + "[of-main]\nbaseurl=http://main\n",
        "etc/yum.repos.d/b.repo": "[twice]\nbaseurl=http://second\n[b]\nbaseurl=http://b\n",
        "etc/yum.repos.d/b-a.repo": "[b-a]\nbaseurl=http://b-a\n",
        "etc/yum.repos.d/a.repo": "[twice]\nbaseurl=http://first\n",
        "etc/yum.repos.d/a.conf": "[not-a-repo]\nbaseurl=http://x\n",
    },
    "no dnf.conf at all": {"etc/yum.repos.d/a.repo": "[a]\nbaseurl=http://a\ngpgcheck=0\n"},
    "folders that dnf.conf names": {
        "etc/dnf/dnf.conf": MAIN + "reposdir=/srv/$basearch/repos, /srv/more\nvarsdir=/srv/vars\n",
        "srv/vars/v": "w\n",
        "etc/dnf/vars/v": "no\n",
        "srv/more/a.repo": "[a]\nbaseurl=http://$v\n",
        "etc/yum.repos.d/b.repo": "[b]\nbaseurl=http://b\n",
    },
}
ARCH, RELEASEVER = "x86_64", "9.4"
OPTIONS = ["name", "enabled", "baseurl", "metalink", "mirrorlist", "gpgkey", "gpgcheck", "repo_gpgcheck",
           "skip_if_unavailable", "priority", "cost", "module_hotfixes", "metadata_expire", "retries", "username",
           "password", "sslverify", "sslcacert", "sslclientcert", "sslclientkey", "proxy", "proxy_username",
           "proxy_password", "proxy_auth_method", "ip_resolve", "timeout", "minrate", "excludepkgs", "includepkgs"]


def plain(option, value):
    if value is None:
        return ""
    if isinstance(value, (list, tuple)) or hasattr(value, "__iter__") and not isinstance(value, str):
        value = list(value)
    if option == "baseurl":
        value = [url if url.endswith("/") else url + "/" for url in value if url]
    return value


def of_dnf(root):
    base = dnf.Base()
    conf = base.conf
    conf.config_file_path = os.path.join(root, "etc/dnf/dnf.conf")
    if os.path.exists(conf.config_file_path):
        conf.read(conf.config_file_path)
    conf.substitutions.update_from_etc(root, varsdir=conf.varsdir)
    conf.arch = ARCH
    conf.releasever = RELEASEVER
    # What dnf itself does with an --installroot.
    conf.reposdir = [root + dnf.conf.config.libdnf.conf.ConfigParser.substitute(d, conf.substitutions)
                     for d in conf.reposdir]
    base.read_all_repos()
    repos = {}
    for repo in base.repos.values():
        found = {option: plain(option, getattr(repo, option)) for option in OPTIONS}
        # dnf keeps those of [main] by themselves, and applies both (Base._setup_excludes_includes).
        for option in ("excludepkgs", "includepkgs"):
            found[option] += [name for name in getattr(conf, option) if name not in found[option]]
        repos[repo.id] = found
    return {"repos": repos, "order": [repo.id for repo in base.repos.values()], "best": conf.best,
            "install_weak_deps": conf.install_weak_deps}


def of_ours(dump, root):
    return json.loads(subprocess.run([dump, root, ARCH, RELEASEVER], check=True, stdout=subprocess.PIPE).stdout)


def differences(theirs, ours, in_order):
    if set(theirs["repos"]) != set(ours["repos"]):
        yield "dnf has the repositories %s, we have %s" % (sorted(theirs["repos"]), sorted(ours["repos"]))
    for key in ("order", "best", "install_weak_deps") if in_order else ("best", "install_weak_deps"):
        if theirs[key] != ours[key]:
            yield "%s: dnf has %r, we have %r" % (key, theirs[key], ours[key])
    for repo in sorted(set(theirs["repos"]) & set(ours["repos"])):
        for option in OPTIONS:
            a, b = theirs["repos"][repo][option], ours["repos"][repo][option]
            if a != b:
                yield "[%s] %s: dnf has %r, we have %r" % (repo, option, a, b)


def main():
    dump = os.path.abspath(sys.argv[1])
    failed = compared = 0
    for name, files in CASES.items():
        with tempfile.TemporaryDirectory() as root:
            for path, text in files.items():
                file = pathlib.Path(root, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(text.encode())
            theirs, ours = of_dnf(root), of_ours(dump, root)
        compared += len(theirs["repos"])
        for difference in differences(theirs, ours, "order" in name):
            print("%s: %s" % (name, difference))
            failed += 1
    # Whatever this machine's dnf is: a version that reads nothing would agree with everything.
    if compared < 15:
        print("dnf found only %d repositories" % compared)
        failed += 1
    print("dnf %s: %d cases, %d repositories, %d differences" % (dnf.VERSION, len(CASES), compared, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
