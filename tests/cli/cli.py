# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share. They need no repository: an image of nothing but an overlay will do.

    SMITH           the program; the tests of meson set it
    SMITH_SOURCE    the source tree; set likewise
"""
import contextlib
import os
import subprocess
import tempfile

SOURCE = os.environ.get("SMITH_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SMITH = os.environ.get("SMITH") or os.path.join(SOURCE, "build", "tools", "smith", "smith")

SPEC = """\
schema: 1
packages: []
arch: x86_64
cmd: [/read/data]
env: [TZ=UTC]
ports: {"80/tcp": {}}
"""


def step(what):
    print("- " + what, flush=True)


@contextlib.contextmanager
def scratch():
    """A folder with app.yaml and its overlay, which is the current one meanwhile."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="smith-cli-") as folder:
        os.chdir(folder)
        write("app.yaml", SPEC)
        write("rootfs/read/data", "Hello World!\n")
        write("rootfs/usr/bin/tool", "I am a tool\n")
        os.chmod("rootfs/usr/bin/tool", 0o755)
        os.symlink("tool", "rootfs/usr/bin/link")
        try:
            yield folder
        finally:
            os.chdir(before)


def write(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Said:
    def __init__(self, args, done):
        self.args, self.status = args, done.returncode
        self.out = (done.stdout or b"").decode("utf-8", "backslashreplace")
        self.err = (done.stderr or b"").decode("utf-8", "backslashreplace")

    def __str__(self):
        return "smith %s\n  status %d\n  stdout %r\n  stderr %r" % (" ".join(self.args), self.status, self.out, self.err)


def environment(**changes):
    """This process's, with `changes`; None takes a variable away. The cache is the current folder's."""
    env = dict(os.environ, XDG_CACHE_HOME=os.path.join(os.getcwd(), "cache"))
    for name in ("SOURCE_DATE_EPOCH", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        env.pop(name, None)
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    return env


def smith(*args, status=0, env=None, **more):
    """Runs smith, which must end with `status`."""
    more.setdefault("stdin", subprocess.DEVNULL)
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("stderr", subprocess.PIPE)
    done = subprocess.run([SMITH, *args], env=env or environment(), timeout=60, check=False, **more)
    said = Said(args, done)
    assert said.status == status, "expected status %d: %s" % (status, said)
    return said


def refused(status, *args, words=(), **more):
    """Runs smith, which must fail with one message that holds `words`, and leave standard output empty."""
    said = smith(*args, status=status, **more)
    assert said.out == "", said
    assert said.err.startswith("smith: "), said
    for word in words:
        assert word in said.err, "no %r in the message: %s" % (word, said)
    return said
