# SPDX-License-Identifier: Apache-2.0
"""What the tests of railcar share: a bundle that holds the probe (tests/runtime/probe.cc), and running railcar on it.

Environment, which meson sets: RAILCAR, the program; PROBE, the contained program, static. A test is a script, as in
tests/e2e/e2e.py; its functions named test_* are run one after the other, those with the word `hostile` among them too.
"""
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

RAILCAR = os.environ["RAILCAR"]
PROBE = os.environ["PROBE"]


def skip(reason):
    print("skipped: " + reason, flush=True)
    sys.exit(77)


class Box:
    """A bundle and a state directory of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.bundle = os.path.join(folder, "bundle")
        self.state = os.path.join(folder, "state")
        self.rootfs = os.path.join(self.bundle, "rootfs")
        for name in ("bin", "dev", "etc", "proc", "read", "run", "sys", "write", "tmp"):
            os.makedirs(os.path.join(self.rootfs, name))
        shutil.copy(PROBE, os.path.join(self.rootfs, "bin", "probe"))
        self.call("spec", "--bundle", self.bundle, "--", "/bin/probe", "pause")
        with open(self.config_file, encoding="utf-8") as file:
            self.plain = json.load(file)

    @property
    def config_file(self):
        return os.path.join(self.bundle, "config.json")

    def configure(self, *arguments, bend=None):
        """config.json for `probe ARGUMENTS`; `bend` may change the document."""
        document = json.loads(json.dumps(self.plain))
        document["process"]["args"] = ["/bin/probe", *arguments]
        if bend:
            bend(document)
        with open(self.config_file, "w", encoding="utf-8") as file:
            json.dump(document, file)

    def command(self, *words):
        return [RAILCAR, "--root", self.state, *words]

    def call(self, *words, status=0, timeout=60, **more):
        """Runs railcar, which must end with `status` (None: whatever); returns its output."""
        more.setdefault("stdin", subprocess.DEVNULL)
        # To files, not pipes: a detached container keeps what it was given.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            done = subprocess.run(self.command(*words), stdout=out, stderr=err, timeout=timeout, check=False, **more)
            out.seek(0)
            err.seek(0)
            text, self.err = out.read().decode(), err.read().decode()
        assert status is None or done.returncode == status, "%s: status %d, not %s: %s%s" % (
            " ".join(words), done.returncode, status, text, self.err)
        self.status = done.returncode
        return text

    def refusal(self, *words, **more):
        """What railcar says when it fails, as it must."""
        self.call(*words, status=None, **more)
        assert self.status != 0, "%s did not fail" % " ".join(words)
        return self.err

    def create(self, name, *options):
        self.call("create", "--bundle", self.bundle, *options, name)

    def run(self, name, *options, **more):
        return self.call("run", "--bundle", self.bundle, *options, name, **more)

    def of(self, name):
        return json.loads(self.call("state", name))

    def wait_for(self, name, status):
        for _ in range(2000):
            if self.of(name)["status"] == status:
                return
            time.sleep(0.01)
        raise AssertionError("%s is %s, not %s" % (name, self.of(name)["status"], status))

    def names(self):
        names = os.listdir(self.state) if os.path.isdir(self.state) else []
        return [name for name in names if ":" not in name]   # "seccomp:cache" is no container


def has_ended(pid):
    """Is it gone, or at least dead and waiting to be waited for by whoever got it?"""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def belongings():
    """What a container of ours must not leave behind: mounts, cgroups (named by an id such as c or c7), processes."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = sorted(line.split()[4] for line in file if "railcar-test-" in line)
    cgroups = sorted(at for at, _, _ in os.walk("/sys/fs/cgroup") if re.fullmatch(r"railcar-c[0-9]*-.*", os.path.basename(at)))
    return mounts, cgroups, contained()


def contained():
    ours = os.readlink("/proc/self/ns/pid")
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open("/proc/%s/cmdline" % name, "rb") as file:
                words = file.read().split(b"\0")
            if os.readlink("/proc/%s/ns/pid" % name) != ours and words[0] == b"/bin/probe":
                found.append(int(name))
        except OSError:
            continue
    return [pid for pid in found if not has_ended(pid)]


def assert_same(before):
    """What was killed dies in its own time."""
    for _ in range(500):
        after = belongings()
        if after == before:
            return
        time.sleep(0.02)
    assert after == before, (before, after)


@contextlib.contextmanager
def box(kind=Box):
    folder = tempfile.mkdtemp(prefix="railcar-test-")
    os.chmod(folder, 0o755)
    made = kind(folder)
    try:
        yield made
    finally:
        for name in made.names():
            made.call("delete", "--force", name, status=None)
        shutil.rmtree(folder, ignore_errors=True)


def need_containers():
    if os.geteuid() != 0:
        skip("the tests do not run as root")
    with box() as made:
        made.configure("exit", "0")
        made.call("run", "--bundle", made.bundle, "try", status=None)
        if made.status != 0:
            skip("containers cannot be had here: " + made.err)


def main(module):
    need_containers()
    chosen = sys.argv[1:]
    for name, function in sorted(vars(module).items()):
        if not name.startswith("test_") or (chosen and name not in chosen):
            continue
        print("- " + (function.__doc__ or name).splitlines()[0], flush=True)
        with box() as made:
            function(made)
