# SPDX-License-Identifier: Apache-2.0
"""What the tests of railcar's callers share: a place for podman, buildah or containerd to be called in, and an image.

A place is a mount and a PID namespace: whatever is left running in it ends with it, /run is empty in the beginning,
and an ordinary user with subordinate ids is there who need not be on the host. /run/railcar, where callers that know of no
--root have the states of their containers, is its own as well: what is left in it was left by this test.
"""
import os
import pty
import shutil
import subprocess
import tempfile

import railcar

SOMEBODY = 12345
RANGE = 200000

# $1 is the folder. The namespaces end with what this becomes, and that with its standard input.
ARRANGE = r'''
set -e
for name in passwd group; do
    cp "/etc/$name" "$1/$name"
done
echo "railcar-somebody:x:12345:12345::$1/home:/bin/sh" >>"$1/passwd"
echo "railcar-somebody:x:12345:" >>"$1/group"
echo "railcar-somebody:200000:65536" >"$1/ids"
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
for name in subuid subgid; do
    if [ -e "/etc/$name" ]; then mount --bind "$1/ids" "/etc/$name"; fi
done
mount -t tmpfs -o mode=755 tmpfs /run
if [ -d /dev/shm ]; then mount -t tmpfs -o mode=1777 tmpfs /dev/shm; fi
echo ready
# Not exec: the shell waits for the orphans of the namespace as well. Without that a container might never end.
cat
:
'''


class Place:
    def __init__(self, ordinary_user=False):
        self.folder = tempfile.mkdtemp(prefix="railcar-caller-")
        os.chmod(self.folder, 0o755)
        self.ordinary_user = ordinary_user
        self.environment = {"HOME": self.path("home"), "XDG_RUNTIME_DIR": self.path("session")}
        for name in ("home", "session"):
            os.mkdir(self.path(name), 0o700)
            if ordinary_user:
                os.chown(self.path(name), SOMEBODY, SOMEBODY)
        # Where an ordinary user can read them.
        self.railcar = shutil.copy(railcar.RAILCAR, self.path("railcar"))
        self.probe = shutil.copy(railcar.PROBE, self.path("probe"))
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", ARRANGE, "sh", self.folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            self.leave()
            railcar.skip("mount and PID namespaces cannot be had here")
        with open("/proc/%d/task/%d/children" % (self.holder.pid, self.holder.pid), encoding="ascii") as file:
            self.first = int(file.read())

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def command(self, *words):
        who = ["setpriv", "--reuid", str(SOMEBODY), "--regid", str(SOMEBODY), "--clear-groups"] if self.ordinary_user else []
        return ["nsenter", "--target", str(self.first), "--mount", "--pid", *who, "env",
                *("%s=%s" % pair for pair in self.environment.items()), *words]

    def call(self, *words, status=0, terminal=False):
        """What the command says; it must end with `status` (None: whatever). With a terminal all is said there."""
        if terminal:
            return self.call_on_a_terminal(words, status)
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=120, check=False, text=True)
        return self.judge(words, status, done.returncode, done.stdout, done.stderr)

    def call_on_a_terminal(self, words, status):
        master, slave = pty.openpty()
        with subprocess.Popen(self.command(*words), stdin=slave, stdout=slave, stderr=slave,
                              start_new_session=True) as process:
            os.close(slave)
            out = b""
            while got := read_terminal(master):
                out += got
            ended = process.wait(120)
        os.close(master)
        return self.judge(words, status, ended, out.decode().replace("\r", ""), "")

    def judge(self, words, status, ended, out, err):
        self.err, self.status = err, ended
        assert status is None or ended == status, "%s: status %d, not %s\n%s%s" % (" ".join(words), ended, status, out, err)
        return out

    def seen(self, path):
        """The path by which we see what is at `path` for those in here."""
        return "/proc/%d/root%s" % (self.first, path)

    def link(self, path):
        return os.readlink(self.seen(path))

    def states(self):
        """Containers of which railcar has kept something."""
        root = os.path.join(self.path("session") if self.ordinary_user else self.seen("/run"), "railcar")
        return [name for name in os.listdir(root) if ":" not in name]

    def leave(self):
        self.holder.stdin.close()
        self.holder.wait()
        self.holder.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def read_terminal(master):
    try:
        return os.read(master, 4096)
    except OSError:   # EIO: nobody has the other end any more
        return b""


def need(*tools):
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        railcar.skip("not installed: %s (tools/install-deps test installs it)" % ", ".join(missing))


def make_root(place):
    """The root file system of an image whose one program is the probe."""
    root = place.path("image")
    for name in ("bin", "write"):
        os.makedirs(os.path.join(root, name))
    shutil.copy(place.probe, os.path.join(root, "bin", "probe"))
    return root
