#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""railcar where things are not as they should be: closed streams, strange umasks, full disks, few descriptors, no /proc."""
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time

import railcar


def mode_of(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


def closing(*fds):
    """For Popen: the program gets none of these descriptors."""
    def close():
        for fd in fds:
            os.close(fd)
    return {"preexec_fn": close}


def test_closed_streams(box):
    """standard streams that are closed are /dev/null, not the next file that is opened"""
    box.configure("pause")
    log = os.path.join(box.folder, "log")
    for fds in ((0,), (1,), (2,), (0, 1, 2)):
        done = subprocess.run(box.command("create", "--bundle", box.bundle, "c"), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, check=False, timeout=60, **closing(*fds))
        assert done.returncode == 0, fds
        pid = box.of("c")["pid"]
        for fd in fds:
            assert os.readlink("/proc/%d/fd/%d" % (pid, fd)) == "/dev/null", (fds, fd)
        # Its complaint must not end up in what it has opened itself.
        done = subprocess.run(box.command("--log", log, "--log-format", "json", "delete", "c"), check=False, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **closing(*fds))
        assert done.returncode == 1
        assert box.of("c")["status"] == "created"
        with open(log, encoding="utf-8") as file:
            assert "not stopped" in json.loads(file.read())["msg"]
        os.remove(log)
        box.call("delete", "--force", "c")


def test_umasks(box):
    """whatever the umask: the state is the caller's alone, no directory on the way is anybody's, the program has its own"""
    box.configure("names")
    for mask in (0o000, 0o022, 0o077, 0o777):
        box.state = os.path.join(box.folder, "a%o" % mask, "b", "state")
        pid_file = os.path.join(box.folder, "pid%o" % mask)
        assert box.run("c", "--keep", "--pid-file", pid_file, preexec_fn=lambda m=mask: os.umask(m)).split()[4] == "22"
        assert mode_of(box.state) == 0o700 and mode_of(os.path.join(box.state, "c")) == 0o700
        for above in (os.path.dirname(box.state), os.path.dirname(os.path.dirname(box.state))):
            assert mode_of(above) & 0o722 == 0o700, (oct(mask), above, oct(mode_of(above)))
        assert mode_of(pid_file) & 0o722 == 0o600, (oct(mask), oct(mode_of(pid_file)))
        box.call("delete", "c")


def test_a_limit_of_file_sizes(box):
    """what the caller may not write is an error, not the end of railcar half-way"""
    box.configure("exit", "0")
    for most in (0, 100, 5000):
        done = subprocess.run(box.command("run", "--bundle", box.bundle, "c"), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, timeout=60, text=True,
                              preexec_fn=lambda n=most: resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)))
        assert done.returncode == 1 and "File too large" in done.stderr, (most, done)
        assert box.names() == []


def test_a_bundle_whose_path_is_no_text(box):
    """a path that JSON has no form for is refused before anything is made"""
    strange = os.fsencode(box.folder) + b"/\xff"
    os.rename(box.bundle, strange)
    box.bundle = os.fsdecode(strange)
    box.configure("pause")
    assert "is not UTF-8" in box.refusal("create", "--bundle", box.bundle, "c")
    assert box.names() == []


def test_an_ordinary_user_with_a_strange_umask(box):
    """an ordinary user's containers do not depend on it either"""
    as_somebody = somebody(box)
    try:
        box.call("spec", "--rootless", "--bundle", box.bundle, "--", "/bin/probe", "names", **as_somebody)
    except PermissionError:
        print("  left out: the build directory is closed to others")
        return
    for mask in (0o000, 0o777):
        as_somebody["preexec_fn"] = lambda m=mask: os.umask(m)
        box.state = os.path.join(box.folder, "b%o" % mask, "state")
        assert box.call("run", "--bundle", box.bundle, "c", **as_somebody).split()[4] == "22"
        assert box.names() == []


def somebody(box):
    for at, folders, files in os.walk(box.folder):
        for name in [".", *folders, *files]:
            os.lchown(os.path.join(at, name), 12345, 12345)
    os.remove(box.config_file)
    return {"user": 12345, "group": 12345, "extra_groups": [], "env": {"PATH": os.environ["PATH"]}}


# Runs the rest of its arguments where $1 is a tmpfs with the options $2; whatever is left in there is said behind it.
ON_TMPFS = 'mount -t tmpfs -o "mode=700,$2" tmpfs "$1" || exit 99; folder=$1; shift 2; "$@"; status=$?; echo "left:" $(ls -A "$folder"); exit $status'


def test_full_disks(box):
    """a disk that is full, at whatever file, is an error that says so, and leaves nothing"""
    box.configure("exit", "0")
    before = railcar.belongings()
    os.mkdir(box.state)
    outcomes = set()
    for limit in [*("nr_inodes=%d" % n for n in (1, 2, 3, 4, 5, 6, 16)), *("size=%dk" % n for n in (4, 8, 24, 28, 32, 36, 40, 128))]:
        done = subprocess.run(["unshare", "--mount", "sh", "-c", ON_TMPFS, "sh", box.state, limit,
                               *box.command("run", "--bundle", box.bundle, "c")], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60, text=True)
        said = done.stderr
        assert done.returncode == 0 or ("No space left on device" in said and "'" in said), (limit, done.returncode, said)
        assert done.stdout.split() in (["left:"], ["left:", "seccomp:cache"]), (limit, done.stdout, said)
        outcomes.add(done.returncode)
    assert outcomes == {0, 1}, outcomes
    railcar.assert_same(before)


def test_a_full_disk_for_the_pid_file(box):
    """a pid file that cannot be written, or that was being written when railcar was killed, is in nobody's way"""
    box.configure("pause")
    before = railcar.belongings()
    folder = os.path.join(box.folder, "pids")
    os.mkdir(folder)
    done = subprocess.run(["unshare", "--mount", "sh", "-c", ON_TMPFS.replace("; shift 2", '; head -c 64k /dev/zero >"$1/zero" 2>/dev/null; shift 2'),
                           "sh", folder, "size=4k", *box.command("create", "--bundle", box.bundle, "--pid-file", folder + "/pid", "c")],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60,
                          text=True)
    assert done.returncode == 1 and "No space left on device" in done.stderr, done
    assert done.stdout.split() == ["left:", "zero"], done
    assert box.names() == []
    railcar.assert_same(before)
    with open(os.path.join(folder, ".pid"), "w", encoding="utf-8") as file:
        file.write("1")
    box.create("c", "--pid-file", os.path.join(folder, "pid"))
    with open(os.path.join(folder, "pid"), encoding="utf-8") as file:
        assert file.read() == str(box.of("c")["pid"])
    assert os.listdir(folder) == ["pid"]


def test_few_descriptors(box):
    """with too few descriptors create says so and leaves nothing"""
    box.configure("exit", "0")
    before = railcar.belongings()
    outcomes = []
    for limit in range(3, 41):
        def few(n=limit):
            resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))
        box.call("run", "--bundle", box.bundle, "c", status=None, preexec_fn=few)
        assert box.status in (0, 1) and box.names() == [], (limit, box.status, box.err)
        outcomes.append(box.status)
    assert outcomes[-1] == 0 and outcomes == sorted(outcomes, reverse=True), outcomes
    railcar.assert_same(before)


def test_few_descriptors_for_what_runs(box):
    """for want of descriptors nothing that runs is taken for stopped, or deleted as such"""
    box.configure("pause")
    box.run("c", "--detach")
    for limit in range(3, 12):
        def few(n=limit):
            resource.setrlimit(resource.RLIMIT_NOFILE, (n, n))
        text = box.call("state", "c", status=None, preexec_fn=few)
        assert box.status == 1 or json.loads(text)["status"] == "running", (limit, text)
        box.call("delete", "c", status=1, preexec_fn=few)
        box.call("kill", "c", "WINCH", status=None, preexec_fn=few)
        assert "not running" not in box.err, box.err
    assert box.of("c")["status"] == "running"


def without_proc(box, *words):
    return subprocess.run(["unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh", *box.command(*words)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60,
                          text=True)


def test_no_proc(box):
    """without /proc nothing is created, and nothing that runs is taken for stopped"""
    box.configure("pause")
    before = railcar.belongings()
    done = without_proc(box, "create", "--bundle", box.bundle, "c")
    assert done.returncode == 1 and "/proc" in done.stderr, done
    assert box.names() == []
    railcar.assert_same(before)
    box.run("c", "--detach")
    for words in (("state", "c"), ("delete", "c"), ("delete", "--force", "c"), ("kill", "c", "KILL"), ("start", "c")):
        done = without_proc(box, *words)
        assert done.returncode == 1 and "/proc" in done.stderr, (words, done)
    assert box.of("c")["status"] == "running"


def test_a_root_on_a_read_only_file_system(box):
    """a root whose file system cannot be written to is enough, as long as it has what is mounted on"""
    box.configure("names")
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    def run_it():
        return subprocess.run(["unshare", "--mount", "sh", "-c", script, "sh", box.rootfs, *box.command("run", "--bundle", box.bundle, "c")],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60,
                              text=True)
    done = run_it()
    assert done.returncode == 0, done
    os.rmdir(os.path.join(box.rootfs, "proc"))
    done = run_it()
    assert done.returncode == 1 and "mounting proc on '/proc': mkdirat: " in done.stderr, done
    assert "part of whose /proc is hidden" not in done.stderr, done
    assert box.names() == []


def test_long_names(box):
    """an id of 255 bytes below a root as long as paths can be"""
    box.configure("pause")
    name = "x" * 255
    while len(box.state) < 3500:
        box.state = os.path.join(box.state, "y" * 200)
    os.makedirs(box.state, 0o700)
    box.create(name)
    box.call("start", name)
    assert box.of(name)["status"] == "running"
    assert box.call("exec", name, "/bin/probe", "names").split()[0] == "smith"
    box.call("delete", "--force", name)
    assert box.names() == []
    box.state = os.path.join(box.state, *["z" * 200] * 3)
    assert "File name too long" in box.refusal("run", "--bundle", box.bundle, name)


def test_a_link_to_the_root(box):
    """--root may be a link to a directory; one that leads nowhere is an error"""
    box.configure("pause")
    real = box.state
    os.mkdir(real, 0o700)
    box.state = os.path.join(box.folder, "link")
    os.symlink(real, box.state)
    box.run("c", "--detach")
    assert os.listdir(real) and box.of("c")["status"] == "running"
    box.call("delete", "--force", "c")
    box.state = os.path.join(box.folder, "dangling")
    os.symlink(os.path.join(box.folder, "nowhere"), box.state)
    assert "dangling" in box.refusal("run", "--bundle", box.bundle, "c")
    assert not os.path.exists(os.path.join(box.folder, "nowhere"))


def test_start_is_killed_behind_its_word(box):
    """a container whose start was killed when the program had its word is running, and not created for ever"""
    box.configure("handle", "15")
    box.create("c")
    with open(os.path.join(box.state, "c", "start"), "wb", buffering=0) as gate:
        gate.write(b"s")
    box.wait_for("c", "running")
    assert "cannot start a container that is running" in box.refusal("start", "c")
    for _ in range(2000):
        with open("/proc/%d/status" % box.of("c")["pid"], encoding="utf-8") as file:
            if "SigCgt:\t0000000000000000" not in file.read():
                break
        time.sleep(0.01)
    box.call("kill", "c")    # not SIGKILL, which is for those that wait
    box.wait_for("c", "stopped")
    box.call("delete", "c")


def test_pause_is_killed_half_way(box):
    """a container that is frozen only after delete --force has looked at it is thawed, and dies"""
    if not shutil.which("strace") or not os.path.isdir("/sys/fs/cgroup/freezer"):
        print("  left out: strace is not installed, or cgroups are of version 2, which freeze no dying process")
        return
    box.configure("pause")
    for _ in range(3):
        box.run("c", "--detach")
        with open("/proc/%d/cgroup" % box.of("c")["pid"], encoding="ascii") as file:
            own = next(line.rstrip().split(":")[2] for line in file if ":freezer:" in line)
        with open("/sys/fs/cgroup/freezer%s/freezer.state" % own, "w", encoding="ascii") as file:
            file.write("FROZEN")
        box.call("delete", "--force", "c")


def test_one_that_does_not_end(box):
    """a container that does not end when it is killed is an error, and stays what it is"""
    if not shutil.which("strace"):
        print("  left out: strace is not installed")
        return
    box.configure("pause")
    box.run("c", "--detach")
    done = subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=poll:retval=0", *box.command("delete", "--force", "c")],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60,
                          text=True)
    assert done.returncode == 1 and "was killed and does not end" in done.stderr, done
    assert box.names() == ["c"]
    box.call("delete", "--force", "c")


def test_output_that_is_lost(box):
    """what callers read is all there, or an error; a reader that has gone kills nobody"""
    box.configure("pause")
    box.create("c")
    for words in (("state", "c"), ("list",), ("features",), ("--help",)):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(box.command(*words), stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                                  check=False, timeout=60, text=True)
        assert done.returncode == 1 and "writing to standard output: No space left on device" in done.stderr, (words, done)
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(box.command(*words), stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE,
                              check=False, timeout=60, text=True)
        os.close(writing)
        assert done.returncode == 1 and "Broken pipe" in done.stderr, (words, done)
    box.call("delete", "--force", "c")

    def with_a_warning(document):
        document["process"]["capabilities"]["ambient"] = ["CAP_KILL"]
    box.configure("pause", bend=with_a_warning)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(box.command("create", "--bundle", box.bundle, "c"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=writing, check=False, timeout=60)
    os.close(writing)
    assert done.returncode == 0 and box.of("c")["status"] == "created", done


def test_one_that_cannot_be_read(box):
    """a container whose state cannot be read does not hide the others from list"""
    box.configure("pause")
    for name in ("bad", "good"):
        box.create(name)
    path = os.path.join(box.state, "bad", "state.json")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write("{")
    assert box.call("list", "-q").split() == ["good"] and "bad" in box.err
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def killed_at(box, call, number):
    """Kills create where it makes the system call `call` for the `number`th time."""
    with subprocess.Popen(["strace", "-o", "/dev/null", "-e", "inject=%s:signal=SIGKILL:when=%d" % (call, number),
                           *box.command("create", "--bundle", box.bundle, "c")], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as tracer:
        tracer.wait(timeout=60)


def killed_behind_its_configuration(box):
    """Then it has written down what it will make: fifos come next, cgroups, a process, a state."""
    killed_at(box, "mknodat", 1)
    assert sorted(os.listdir(os.path.join(box.state, "c"))) == ["config.json"], os.listdir(os.path.join(box.state, "c"))


def test_a_cgroup_that_others_are_in(box):
    """killed before it knew whether its cgroup was free, railcar leaves no word that it was its own"""
    hierarchy = "/sys/fs/cgroup/pids" if os.path.isdir("/sys/fs/cgroup/pids") else "/sys/fs/cgroup"
    if not shutil.which("strace"):
        print("  left out: strace is not installed")
        return
    name = "railcar-test-%d" % os.getpid()
    folder = os.path.join(hierarchy, name)
    os.mkdir(folder)
    stranger = subprocess.Popen(["sleep", "1000"])
    try:
        with open(os.path.join(folder, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write(str(stranger.pid))
        box.configure("pause", bend=lambda document: document["linux"].update(cgroupsPath="/" + name))
        assert "has processes already" in box.refusal("create", "--bundle", box.bundle, "c")
        killed_behind_its_configuration(box)
        box.call("delete", "--force", "c")
        assert stranger.poll() is None, "delete --force has killed a stranger"
    finally:
        stranger.kill()
        stranger.wait()
        os.rmdir(folder)


def test_killed_with_its_first_state(box):
    """killed before it is done, create has written down which cgroups it has made, also those that somebody named"""
    if not shutil.which("strace"):
        print("  left out: strace is not installed")
        return
    before = railcar.belongings()
    box.configure("pause", bend=lambda document: document["linux"].update(cgroupsPath="/railcar-c-%d" % os.getpid()))
    killed_at(box, "renameat", 3)   # a configuration, the first state, the last one
    with open(os.path.join(box.state, "c", "state.json"), encoding="utf-8") as file:
        state = json.load(file)
    assert state["created"] is False, state
    assert state["cgroups"] or railcar.belongings()[1] == before[1], state
    box.call("delete", "--force", "c")
    railcar.assert_same(before)


def test_without_a_mount_namespace_and_killed(box):
    """killed when the root was mounted on the host, railcar has left word of that mount"""
    def on_the_host(document):
        document["linux"]["namespaces"] = [n for n in document["linux"]["namespaces"] if n["type"] not in ("mount", "user", "cgroup")]
        for key in ("uidMappings", "gidMappings", "maskedPaths", "readonlyPaths"):
            document["linux"].pop(key, None)
        document["mounts"] = []
    box.configure("pause", bend=on_the_host)
    before = railcar.belongings()
    box.create("c")
    box.call("delete", "--force", "c")
    railcar.assert_same(before)
    if not shutil.which("strace"):
        print("  left out: strace is not installed")
        return
    # 1: config.json; 2: the first state; 3: the second, when all is there. The signal comes before the call is made.
    for when in range(1, 4):
        subprocess.run(["strace", "-o", "/dev/null", "-e", "inject=renameat:signal=SIGKILL:when=%d" % when,
                        *box.command("create", "--bundle", box.bundle, "c")], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=60)
        assert box.names() == ["c"]
        box.call("delete", "--force", "c")
        assert box.names() == []
    railcar.assert_same(before)


if __name__ == "__main__":
    railcar.main(sys.modules["__main__"])
