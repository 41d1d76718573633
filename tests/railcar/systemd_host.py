# SPDX-License-Identifier: Apache-2.0
"""A real systemd with a real bus, beside this host's: PID 1 of namespaces of its own, root of a cgroup of its own.

It has the host's files, but for /run and /sys/fs/cgroup, and knows no units but ours. `kind` is "unified", cgroups of
version 2 alone, or "hybrid", those of version 1 that this host has, beside it.

As a program, systemd_host.py KIND, it is what sets up the namespaces that it was started in, and becomes systemd.
"""
import contextlib
import os
import subprocess
import sys
import time

SYSTEMD = "/lib/systemd/systemd"
BUS = "/usr/bin/dbus-daemon"
USER = 1   # daemon: everybody has that one
SESSION = "/run/user/%d" % USER
UNITS = "/run/units"
USER_UNITS = "/run/user-units"
# Where systemd keeps the units, and changes of units, that it was asked for.
PATH = UNITS + ":/run/systemd/system.control:/run/systemd/transient"
USER_PATH = "%s:%s/systemd/user.control:%s/systemd/transient" % (USER_UNITS, SESSION, SESSION)

# A systemd connects to the bus when both of these units run. The bus believes that it is systemd because it is root.
SOCKET = "[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=%s\n"
SERVICE = """[Unit]
DefaultDependencies=no
Requires=dbus.socket
After=dbus.socket
[Service]
Type=notify
ExecStart=/usr/bin/dbus-daemon --%s --address=systemd: --nofork --nopidfile
"""
TARGET = "[Unit]\nDefaultDependencies=no\nRequires=dbus.socket dbus.service\nAfter=dbus.socket dbus.service\n"
# As user@.service of systemd's own; started by the test that needs it.
MANAGER = """[Unit]
DefaultDependencies=no
[Service]
Type=notify
User=%d
Delegate=yes
Environment=XDG_RUNTIME_DIR=%s SYSTEMD_UNIT_PATH=%s SYSTEMD_GENERATOR_PATH=/nonexistent
ExecStart=%s --user --unit=test.target
""" % (USER, SESSION, USER_PATH, SYSTEMD)


def hierarchies():
    """name -> mount point, of all that are mounted on this host; "" is version 2"""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        names = [line.split(":")[1] for line in file]
    found = {}
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            _, where, kind, options = line.split()[:4]
            for name in names:
                if (kind == "cgroup2" and not name) or (
                        kind == "cgroup" and name and set(name.split(",")) <= set(options.split(","))):
                    found.setdefault(name, where)
    return found


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def join(folder, pid=None):
    """Makes the directory in every hierarchy, and puts this process in, or another."""
    for where in hierarchies().values():
        path = os.path.join(where, folder)
        os.makedirs(path, exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if os.path.exists(os.path.join(path, name)) and "cpuset" in where:
                at = where
                for part in folder.split("/"):
                    value = read(os.path.join(at, name))
                    at = os.path.join(at, part)
                    write(os.path.join(at, name), value)
        write(os.path.join(path, "cgroup.procs"), str(pid or os.getpid()))


def joining(folder):
    """For subprocess, which keeps to itself what goes wrong. A systemd that begins removes what it finds empty."""
    def call():
        for attempt in range(50):
            try:
                return join(folder)
            except OSError as e:
                if attempt == 49:
                    os.write(2, ("joining %s: %s\n" % (folder, e)).encode())
                    raise
            time.sleep(0.02)
        return None
    return call


def remove(folder):
    """Removes the directory and what is below it; False when something is still in there."""
    for where in hierarchies().values():
        for path, folders, _ in os.walk(os.path.join(where, folder), topdown=False):
            for name in folders:
                with contextlib.suppress(OSError):
                    os.rmdir(os.path.join(path, name))
            try:
                os.rmdir(path)
            except OSError:
                return False
    return True


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def become_systemd(kind):
    found = [name for name in hierarchies() if name]
    mount("--make-rprivate", "/")
    mount("-t", "proc", "proc", "/proc")
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    # Nothing of the host is to be written, its machine-id least of all.
    write("/run/machine-id", "0123456789abcdef0123456789abcdef\n")
    mount("--bind", "/etc", "/etc")
    mount("--bind", "/run/machine-id", "/etc/machine-id")
    mount("-o", "remount,bind,ro", "/etc")
    subprocess.run(["umount", "--lazy", "/sys/fs/cgroup"], check=True)
    if kind == "unified":
        mount("-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
    else:
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/sys/fs/cgroup")
        for name in found:
            folder = "/sys/fs/cgroup/" + (name[5:] if name.startswith("name=") else name)
            os.mkdir(folder)
            mount("-t", "cgroup", "-o", ("none," if name.startswith("name=") else "") + name, "cgroup", folder)
        os.mkdir("/sys/fs/cgroup/unified")
        mount("-t", "cgroup2", "cgroup2", "/sys/fs/cgroup/unified")
    for folder in ("/run/dbus", "/run/lock", "/run/systemd", UNITS, USER_UNITS, "/run/user", SESSION):
        os.makedirs(folder)
    os.chown(SESSION, USER, USER)
    for folder, bus, socket in ((UNITS, "system", "/run/dbus/system_bus_socket"),
                                (USER_UNITS, "session", SESSION + "/bus")):
        write(folder + "/dbus.socket", SOCKET % socket)
        write(folder + "/dbus.service", SERVICE % bus)
        write(folder + "/test.target", TARGET)
        for name in ("sysinit", "basic", "shutdown", "sockets"):
            write("%s/%s.target" % (folder, name), "[Unit]\nDefaultDependencies=no\n")
    write(UNITS + "/manager.service", MANAGER)
    os.environ.update({"container": "test", "SYSTEMD_UNIT_PATH": PATH, "SYSTEMD_GENERATOR_PATH": "/nonexistent",
                       "SYSTEMD_ENVIRONMENT_GENERATOR_PATH": "/nonexistent"})
    os.execv(SYSTEMD, [SYSTEMD, "--system", "--unit=test.target", "--log-target=console", "--show-status=0"])


class Host:
    """What a test does in there."""

    def __init__(self, kind, folder, process):
        self.kind, self.folder, self.process = kind, folder, process
        self.pid = self.namespaces_of(process.pid)

    @staticmethod
    def namespaces_of(unshare):
        """The only child of unshare(1), which is PID 1 in there."""
        for _ in range(500):
            children = read("/proc/%d/task/%d/children" % (unshare, unshare)).split()
            if children:
                return int(children[0])
            time.sleep(0.01)
        raise AssertionError("unshare has made no process")

    def entering(self, *words):
        return ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net", *words]

    def run(self, *words, check=True, timeout=60, **more):
        """A program in there, in a cgroup of its own."""
        done = subprocess.run(self.entering(*words), preexec_fn=joining(self.folder + "/caller"),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=timeout, **more)
        text = done.stdout.decode()
        assert not check or done.returncode == 0, "%s: status %d: %s" % (" ".join(words), done.returncode, text)
        return text

    def show(self, unit, *names):
        """Properties of a unit, as systemctl(1) has them."""
        text = self.run("systemctl", "show", unit, "--property=" + ",".join(names))
        return dict(line.split("=", 1) for line in text.splitlines())

    def read(self, path):
        return self.run("cat", path)

    def exists(self, path):
        return self.run("ls", "-d", path, check=False).strip() == path

    def wait_for(self, condition, what):
        for _ in range(500):
            if condition():
                return
            time.sleep(0.02)
        raise AssertionError("waited in vain for " + what)


@contextlib.contextmanager
def host(kind):
    """None where there can be none; the reason is printed."""
    folder = "smith-systemd-%d" % os.getpid()
    missing = [program for program in (SYSTEMD, BUS) if not os.path.exists(program)]
    if missing or "" not in hierarchies() or (kind == "hybrid" and "name=systemd" not in hierarchies()):
        print("  no systemd with %s cgroups here: %s" % (kind, missing or "they are not mounted"), flush=True)
        yield None
        return
    log = open("/dev/null", "wb") if "SYSTEMD_HOST_LOG" not in os.environ else None
    process = subprocess.Popen(
        ["unshare", "--fork", "--kill-child", "--pid", "--mount", "--cgroup", "--uts", "--ipc", "--net", sys.executable,
         os.path.abspath(__file__), kind], preexec_fn=joining(folder), stdin=subprocess.DEVNULL, stdout=log,
        stderr=log)
    try:
        made = Host(kind, folder, process)
        # A cgroup of version 2 that has processes cannot hand controllers on.
        join(folder + "-outside", process.pid)
        try:
            made.wait_for(lambda: process.poll() is not None or
                          made.run("systemctl", "is-active", "dbus.service", check=False).strip() == "active",
                          "systemd")
            reason = None if process.poll() is None else "it ended with status %d" % process.returncode
        except (AssertionError, OSError, subprocess.TimeoutExpired) as e:
            reason = str(e)
        if reason:
            print("  no systemd with %s cgroups here: %s" % (kind, reason), flush=True)
            yield None
        else:
            yield made
    finally:
        process.kill()   # and with it what is in there: --kill-child
        process.wait()
        for _ in range(500):
            if remove(folder) and remove(folder + "-outside"):
                break
            time.sleep(0.02)


if __name__ == "__main__":
    become_systemd(sys.argv[1])
