#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Network devices of the host that go into a container (linux.netDevices).

In a network namespace of the test's own, where its devices harm nobody, nor are harmed.
"""
import os
import shutil
import subprocess
import sys

import railcar


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def pair(ours, peer):
    ip("link", "add", ours, "type", "veth", "peer", "name", peer)
    return ours


def moving(**names):
    def bend(document):
        document["linux"]["netDevices"] = {host: {"name": name} if name else {} for host, name in names.items()}
    return bend


def remove(*names):
    for name in names:
        ip("link", "del", name, check=False)


def test_a_device_keeps_its_addresses(box):
    """A device is moved, renamed, up, and has the addresses that are permanent and global; its size of packets too."""
    pair("rcone", "rcpeer")
    ip("link", "set", "rcone", "mtu", "1312", "up")
    ip("link", "set", "rcpeer", "up")
    ip("addr", "add", "10.77.0.2/24", "broadcast", "10.77.0.255", "dev", "rcone")
    ip("addr", "add", "10.77.1.2/32", "dev", "rcone")
    ip("addr", "add", "10.77.2.2/24", "dev", "rcone", "scope", "link")
    ip("addr", "add", "10.77.3.2/24", "dev", "rcone", "valid_lft", "600", "preferred_lft", "600")
    with_six = ip("addr", "add", "fd77::2/64", "dev", "rcone", "nodad", check=False).returncode == 0
    box.configure("pause", bend=moving(rcone="eth7"))
    box.create("net")
    box.call("start", "net")
    inside = lambda *words: box.call("exec", "net", "/bin/probe", *words)
    assert inside("interfaces").split() == ["lo", "eth7"], inside("interfaces")
    routes = inside("cat", "/proc/net/fib_trie")
    assert "10.77.0.2" in routes and "10.77.1.2" in routes and "10.77.0.255" in routes, routes
    assert "10.77.2.2" not in routes and "10.77.3.2" not in routes, routes
    assert int(inside("cat", "/sys/class/net/eth7/flags"), 16) & 1, "not up"
    assert inside("cat", "/sys/class/net/eth7/mtu") == "1312\n"
    if with_six:
        assert "fd770000000000000000000000000002" in inside("cat", "/proc/net/if_inet6")
    assert ip("link", "show", "rcone", check=False).returncode != 0, "still here"
    box.call("delete", "--force", "net")
    remove("rcpeer")


def test_names(box):
    """A template is the kernel's to fill in, for several devices at once; no name means the same name."""
    pair("rcone", "rcpeer1"), pair("rctwo", "rcpeer2"), pair("rcthree", "rcpeer3")
    box.configure("interfaces", bend=moving(rcone="eth%d", rctwo="eth%d", rcthree=None))
    assert sorted(box.run("names").split()) == ["eth0", "eth1", "lo", "rcthree"]
    remove("rcpeer1", "rcpeer2", "rcpeer3")


def test_what_cannot_be_moved(box):
    """A device that is not there, and a name that is taken, are errors that say so; the device stays."""
    box.configure("exit", "0", bend=moving(nodevice0="eth0"))
    said = box.refusal("create", "--bundle", box.bundle, "none")
    assert "the network device 'nodevice0': No such device" in said, said
    pair("rcone", "rcpeer")
    box.configure("exit", "0", bend=moving(rcone="lo"))
    said = box.refusal("create", "--bundle", box.bundle, "taken")
    assert "is 'lo', which every network namespace has already" in said, said
    ip("link", "show", "rcone")
    assert not box.names()
    # In a namespace that exists, only the kernel knows.
    box.configure("pause", bend=moving(rcone="eth0"))
    box.create("first")
    pair("rctwo", "rcpeer2")

    def joining(document):
        moving(rctwo="eth0")(document)
        for entry in document["linux"]["namespaces"]:
            if entry["type"] in ("network", "user"):
                entry["path"] = "/proc/%d/ns/%s" % (box.of("first")["pid"], {"network": "net"}.get(entry["type"], "user"))
    box.configure("exit", "0", bend=joining)
    said = box.refusal("create", "--bundle", box.bundle, "second")
    assert "moving the network device 'rctwo' into the container as 'eth0': File exists" in said, said
    box.call("delete", "--force", "first")
    remove("rcpeer", "rcpeer2")


def main():
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        railcar.skip("takes root, unshare (util-linux) and ip (iproute2)")
    if "RAILCAR_OWN_NETWORK" not in os.environ:
        os.environ["RAILCAR_OWN_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    tried = ip("link", "add", "rctry", "type", "veth", "peer", "name", "rctried", check=False)
    if tried.returncode != 0:
        railcar.skip("this kernel makes no veth devices: " + tried.stdout.strip())
    remove("rctry")
    railcar.main(sys.modules[__name__])


if __name__ == "__main__":
    main()
