#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""railcar --systemd-cgroup, with a real systemd (systemd_host.py): of this host's version, in both kinds of cgroups."""
import json
import os
import shutil
import subprocess
import sys

import railcar
import systemd_host


class SystemdBox(railcar.Box):
    """railcar is called in there, and finds systemd by itself."""

    host = None

    def command(self, *words):
        # Plain for `spec`, which the constructor calls before there is a host.
        if self.host is None:
            return super().command(*words)
        return self.host.entering(railcar.RAILCAR, "--root", "/run/states", "--systemd-cgroup", *words)

    def call(self, *words, **more):
        if self.host is not None:
            more["preexec_fn"] = systemd_host.joining(self.host.folder + "/caller")
        return super().call(*words, **more)

    def names(self):
        return []


def directories(host, unit):
    return host.run("find", "/sys/fs/cgroup", "-name", unit).split()


def value(host, pid, controller, file, unified_file):
    """What stands in a file of the container's cgroup; None where this host has no such controller."""
    for line in host.read("/proc/%d/cgroup" % pid).splitlines():
        _, name, path = line.split(":", 2)
        if host.kind == "unified" and not name and unified_file:
            full = "/sys/fs/cgroup%s/%s" % (path, unified_file)
            return host.read(full).strip() if host.exists(full) else None
        if host.kind != "unified" and controller in name.split(","):
            return host.read("/sys/fs/cgroup/%s%s/%s" % (name, path, file)).strip()
    return None


def has_limits(host):
    """Has version 2 controllers here? Without them systemd and railcar have nothing to write to."""
    return host.kind == "hybrid" or "pids" in host.read("/sys/fs/cgroup/cgroup.controllers").split()


def in_scope(name, resources=None, annotations=None):
    def bend(document):
        document["linux"]["cgroupsPath"] = "machine-test.slice:railcar:" + name
        document["linux"]["resources"] = resources or {}
        document["annotations"] = annotations or {}
    return bend


def test_a_scope_is_made_changed_and_removed(box, host):
    """a container is a scope of systemd's, which knows its limits and does not set them back"""
    resources = {"devices": [{"allow": False, "access": "rwm"},
                             {"allow": True, "type": "c", "major": 10, "minor": 229, "access": "rw"}]}
    if has_limits(host):
        resources.update({"pids": {"limit": 20}, "memory": {"limit": 1 << 26},
                          "cpu": {"quota": 25000, "period": 50000, "shares": 512}})
    box.configure("pause", bend=in_scope("a", resources, {"org.systemd.property.TimeoutStopSec": "7"}))
    box.run("a", "--detach")
    pid = box.of("a")["pid"]
    unit = "railcar-a.scope"
    place = "/machine.slice/machine-test.slice/" + unit
    shown = host.show(unit, "ActiveState", "Slice", "ControlGroup", "Delegate", "DefaultDependencies", "TimeoutStopUSec",
                      "DevicePolicy", "TasksMax", "CPUQuotaPerSecUSec", "CPUQuotaPeriodUSec", "MemoryMax", "MemoryLimit")
    assert shown["ActiveState"] == "active" and shown["Slice"] == "machine-test.slice", shown
    assert shown["ControlGroup"] == place and shown["Delegate"] == "yes", shown
    assert shown["DefaultDependencies"] == "no" and shown["TimeoutStopUSec"] == "7s", shown
    assert shown["DevicePolicy"] == "strict", shown
    # In all hierarchies, those that systemd has nothing to do with included.
    for line in host.read("/proc/%d/cgroup" % pid).splitlines():
        if host.kind == "hybrid" or line.startswith("0::"):
            assert line.endswith(":" + place), line
    if has_limits(host):
        assert shown["TasksMax"] == "20" and shown["CPUQuotaPerSecUSec"] == "500ms", shown
        assert shown["CPUQuotaPeriodUSec"] == "50ms", shown
        assert shown["MemoryMax" if host.kind == "unified" else "MemoryLimit"] == str(1 << 26), shown
    allowed = value(host, pid, "devices", "devices.list", None)
    assert allowed is None or "c 10:229 rw" in allowed.splitlines(), allowed

    if has_limits(host):
        box.call("update", "--pids-limit", "30", "--memory", str(1 << 25), "a")
        assert host.show(unit, "TasksMax") == {"TasksMax": "30"}
        # A fifth of the period that was given before, and then half of that period.
        box.call("update", "--cpu-quota", "10000", "a")
        assert host.show(unit, "CPUQuotaPerSecUSec") == {"CPUQuotaPerSecUSec": "200ms"}
        box.call("update", "--cpu-period", "25000", "a")
        assert host.show(unit, "CPUQuotaPerSecUSec") == {"CPUQuotaPerSecUSec": "400ms"}
    # systemd writes what it knows to the scope when it has read its configuration again.
    host.run("systemctl", "daemon-reload")
    for controller, file, unified_file, wanted in (("pids", "pids.max", "pids.max", "30"),
                                                   ("memory", "memory.limit_in_bytes", "memory.max", str(1 << 25)),
                                                   ("cpu", "cpu.cfs_quota_us", "cpu.max", "10000")):
        found = value(host, pid, controller, file, unified_file)
        assert not has_limits(host) or found is None or found.split()[0] == wanted, (file, found)
    assert value(host, pid, "devices", "devices.list", None) == allowed

    box.call("exec", "--detach", "a", "/bin/probe", "pause")
    assert len(json.loads(box.call("ps", "--format", "json", "a"))) == 2
    box.call("pause", "a")
    assert box.of("a")["status"] == "paused"
    box.call("resume", "a")
    box.call("delete", "--force", "a")
    assert host.show(unit, "LoadState") == {"LoadState": "not-found"}
    assert directories(host, unit) == []


def test_what_systemd_cannot_be_told_is_written_all_the_same(box, host):
    """no process at all is a limit of the kernel's, but none of systemd's"""
    if not has_limits(host):
        return print("    not shown: there is no such controller")
    box.configure("pause", bend=in_scope("a", {"pids": {"limit": 0}, "memory": {"limit": 1 << 26}}))
    box.create("a")
    assert "cannot be told to systemd" in box.err, box.err
    assert value(host, box.of("a")["pid"], "pids", "pids.max", "pids.max") == "0"
    box.call("delete", "--force", "a")


def test_device_rules_change_without_a_gap(box, host):
    """device rules are changed in systemd and in the cgroup"""
    box.configure("pause", bend=in_scope("a", {"devices": [{"allow": False, "access": "rwm"}]}))
    box.run("a", "--detach")
    more = os.path.join(box.folder, "more.json")
    with open(more, "w", encoding="utf-8") as file:
        json.dump({"devices": [{"allow": False, "access": "rwm"},
                               {"allow": True, "type": "c", "major": 10, "minor": 200, "access": "rwm"}]}, file)
    box.call("update", "--resources", more, "a")
    assert box.of("a")["status"] == "running"
    assert "/dev/char/10:200 rwm" in host.show("railcar-a.scope", "DeviceAllow")["DeviceAllow"]
    box.call("delete", "--force", "a")


def test_a_container_without_a_path_is_in_system_slice(box, host):
    """without a cgroupsPath the unit is railcar's own name, in system.slice; `run` leaves nothing"""
    box.configure("cat", "/proc/self/cgroup")
    assert "railcar" not in box.run("a")   # a cgroup namespace
    box.configure("pause")
    box.run("a", "--detach")
    units = host.run("systemctl", "list-units", "--plain", "--no-legend", "railcar-a-*.scope").split()
    assert units and host.show(units[0], "Slice") == {"Slice": "system.slice"}, units
    box.call("delete", "--force", "a")
    assert directories(host, "railcar-a-*") == []


def test_a_scope_is_not_taken_twice(box, host):
    """a second container in the scope of one that runs is refused; the first one is not harmed"""
    box.configure("pause", bend=in_scope("a"))
    box.run("a", "--detach")
    refusal = box.refusal("run", "--bundle", box.bundle, "--detach", "b")
    assert "railcar-a.scope" in refusal and refusal.count("\n") == 1, refusal
    assert box.of("a")["status"] == "running"
    assert "container does not exist" in box.refusal("state", "b")
    box.call("delete", "--force", "a")


def test_a_failed_unit_is_forgotten(box, host):
    """what systemd has stopped as failed is forgotten by delete, and its name can be had again"""
    box.configure("pause", bend=in_scope("a", annotations={"org.systemd.property.RuntimeMaxUSec": "uint64 200000",
                                                           "org.systemd.property.TimeoutStopUSec": "uint64 100000"}))
    for _ in range(2):
        box.run("a", "--detach")
        box.wait_for("a", "stopped")
        host.wait_for(lambda: host.show("railcar-a.scope", "ActiveState") == {"ActiveState": "failed"}, "the failure")
        box.call("delete", "a")
        assert host.show("railcar-a.scope", "LoadState") == {"LoadState": "not-found"}


def test_what_fails_leaves_no_unit(box, host):
    """a container that cannot be made leaves no unit and no cgroup; what systemd refuses is told"""
    box.configure("pause", bend=in_scope("a", annotations={"org.systemd.property.NoSuchThing": "true"}))
    refusal = box.refusal("run", "--bundle", box.bundle, "a")
    assert "NoSuchThing" in refusal and refusal.count("\n") == 1, refusal
    box.configure("pause", bend=in_scope("a", annotations={"org.systemd.property.Slice": "'other.slice'"}))
    assert "has not put process" in box.refusal("run", "--bundle", box.bundle, "a")

    def bend(document):
        in_scope("a")(document)
        document["hooks"] = {"createRuntime": [{"path": "/bin/false"}]}
    box.configure("pause", bend=bend)
    assert "createRuntime" in box.refusal("run", "--bundle", box.bundle, "a")
    for path in ("/a/b", "a.slice:b", "a.slice:b:../c"):
        box.configure("pause", bend=lambda document: document["linux"].update({"cgroupsPath": path}))
        assert "cgroupsPath" in box.refusal("run", "--bundle", box.bundle, "a")
    assert directories(host, "railcar-a*") == []
    assert host.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "railcar-*") == ""


def test_a_bus_that_is_not_there_is_one_sentence(box, host):
    """without a bus nothing is created, and what there is can be deleted all the same"""
    nowhere = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS="unix:path=/nonexistent")
    box.configure("pause", bend=in_scope("a"))
    refusal = box.refusal("run", "--bundle", box.bundle, "a", env=nowhere)
    assert "connecting to the bus '/nonexistent': No such file or directory" in refusal, refusal
    box.run("a", "--detach")
    box.call("delete", "--force", "a", env=nowhere)
    assert "ignoring" in box.err, box.err
    host.wait_for(lambda: host.show("railcar-a.scope", "LoadState") == {"LoadState": "not-found"}, "systemd to notice")
    assert directories(host, "railcar-a.scope") == []


def test_killed_half_way_it_is_cleared_away(box, host):
    """railcar is killed while a hook runs, when the scope is there: delete --force stops and removes it"""
    ready = os.path.join(box.folder, "ready")
    os.mkfifo(ready)

    def bend(document):
        in_scope("a")(document)
        document["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", "echo > %s; sleep 60" % ready]}]}
    box.configure("pause", bend=bend)
    process = subprocess.Popen(box.command("create", "--bundle", box.bundle, "a"), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                               preexec_fn=systemd_host.joining(host.folder + "/caller"))
    with open(ready, encoding="utf-8"):
        assert host.show("railcar-a.scope", "ActiveState") == {"ActiveState": "active"}
    os.killpg(process.pid, 9)
    process.wait()
    box.call("delete", "--force", "a")
    assert host.show("railcar-a.scope", "LoadState") == {"LoadState": "not-found"}
    assert directories(host, "railcar-a.scope") == []


def test_an_ordinary_user_has_a_systemd_of_his_own(box, host):
    """without root, and as root of a user namespace, it is the user's systemd; with version 1 that is an error"""
    bundle = systemd_host.SESSION + "/bundle"
    host.run("mkdir", "-p", "/run/bin", *("%s/rootfs/%s" % (bundle, name) for name in os.listdir(box.rootfs)))
    host.run("cp", railcar.RAILCAR, "/run/bin/railcar")
    host.run("cp", railcar.PROBE, bundle + "/rootfs/bin/probe")
    host.run("chown", "-R", str(systemd_host.USER), bundle)
    host.run("systemctl", "start", "manager.service")
    user = ["setpriv", "--reuid", str(systemd_host.USER), "--regid", str(systemd_host.USER), "--clear-groups", "env",
            "-i", "PATH=/run/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR=" + systemd_host.SESSION]
    list_units = "systemctl --user list-units --all --plain --no-legend 'railcar-a*'"
    # What is detached keeps the output open. To exec, systemd has to move the process: the caller's cgroup is root's.
    script = "; ".join(["set -e", "railcar spec --bundle . -- /bin/probe pause",
                        "railcar --systemd-cgroup run --detach --bundle . a >out 2>&1 || { cat out; exit 1; }",
                        list_units, "railcar exec a /bin/probe cat /proc/self/mountinfo >/dev/null", "railcar ps a",
                        "railcar delete --force a"])
    for namespace in ([], ["unshare", "--user", "--map-root-user"]):
        host.run("rm", "-f", bundle + "/config.json")
        said = host.run("env", "--chdir=" + bundle, *user, *namespace, "sh", "-c", script, check=False)
        if host.kind != "unified":
            assert "version 2 alone" in said, said
        else:
            assert "railcar-a-" in said and "active running" in said and "/bin/probe pause" in said, said
        assert host.run(*user, "sh", "-c", list_units) == "" and directories(host, "railcar-a*") == [], said


def test_podman_has_systemd_make_the_cgroups(box, host):
    """podman --cgroup-manager systemd: its container is a scope in machine.slice, and is gone with it"""
    if not has_limits(host) or not shutil.which("podman"):
        return print("    not shown: podman wants a limit of processes, and here is no such controller, or no podman")
    podman = ["podman", "--root", "/run/storage", "--runroot", "/run/storage-run", "--storage-driver", "vfs",
              "--cgroup-manager", "systemd", "--runtime", railcar.RAILCAR]
    command = podman + ["run", "--detach", "--network", "none", "--pids-limit", "50", "--name", "a", "--rootfs", box.rootfs,
                        "/bin/probe", "pause"]
    # conmon keeps the output open.
    name = host.run("sh", "-c", '"$@" >/run/said 2>&1; cat /run/said', "sh", *command).split()[-1]
    unit = "libpod-%s.scope" % name
    shown = host.show(unit, "Slice", "TasksMax", "ActiveState")
    assert shown == {"Slice": "machine.slice", "TasksMax": "50", "ActiveState": "active"}, (name, shown)
    assert "Pid:\t2" in host.run(*podman, "exec", "a", "/bin/probe", "cat", "/proc/self/status")
    host.run(*podman, "rm", "--force", "--time", "0", "a")
    assert host.show(unit, "LoadState") == {"LoadState": "not-found"} and directories(host, unit) == []


def main():
    railcar.need_containers()
    tests = [(name, test) for name, test in sorted(globals().items()) if name.startswith("test_")]
    chosen = sys.argv[1:]
    seen = 0
    for kind in ("unified", "hybrid"):
        with systemd_host.host(kind) as host:
            if host is None:
                continue
            for name, test in tests:
                if chosen and name not in chosen:
                    continue
                print("- %s: %s" % (kind, test.__doc__.splitlines()[0]), flush=True)
                seen += 1
                with railcar.box(SystemdBox) as box:
                    box.host = host
                    try:
                        test(box, host)
                    finally:
                        box.call("delete", "--force", "a", status=None)
    if not seen:
        railcar.skip("no systemd can be had here")


if __name__ == "__main__":
    main()
