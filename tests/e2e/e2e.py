# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: running smith, reading an image with nothing of ours, and skipping with a reason.

The tests see smith as a user does: a program, its arguments, its output and the files that it leaves. Environment:

    SMITH           the program; the tests of meson set it
    SMITH_SOURCE    the source tree, for specs/; set likewise
    SMITH_FIXTURE   the repository that tools/fixture made; default: its default place

A test is a script: it ends silently with status 0, with an AssertionError, or with 77 and its reason as the last line.
"""
import contextlib
import gzip
import hashlib
import http.server
import io
import json
import os
import re
import secrets
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.parse

SOURCE = os.environ.get("SMITH_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SMITH = os.environ.get("SMITH") or os.path.join(SOURCE, "build", "tools", "smith", "smith")
RAILCAR = os.environ.get("RAILCAR") or os.path.join(os.path.dirname(os.path.dirname(SMITH)), "railcar", "railcar")
SPECS = os.path.join(SOURCE, "specs")
FIXTURE = os.environ.get("SMITH_FIXTURE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "smith-fixture", "repo")

# Exit statuses of smith, as its manual page has them.
DONE, FAILED, USAGE, UNSOLVABLE, DOWNLOAD, INTEGRITY, TEST_FAILED = range(7)

# A user that owns nothing here, for what must work without privileges when the tests run as root.
SOMEBODY = 12345


def skip(reason):
    print("skipped: " + reason, flush=True)
    sys.exit(77)


def need_tools(*names):
    missing = [n for n in names if not shutil.which(n)]
    if missing:
        skip("not installed: %s (tools/install-deps test installs it)" % ", ".join(missing))


def need_fixture():
    if not os.path.exists(os.path.join(FIXTURE, "fixture.repo")):
        skip("no repository at %s: run tools/fixture" % FIXTURE)


def step(what):
    print("- " + what, flush=True)


@contextlib.contextmanager
def scratch():
    """A folder that anybody may enter, gone afterwards whatever its files' modes and owners are."""
    # tempfile's own names may have a '_' behind the '-', which podman takes for no part of a reference.
    path = os.path.join(tempfile.gettempdir(), "smith-e2e-" + secrets.token_hex(8))
    os.mkdir(path)
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        for folder, folders, _ in os.walk(path):
            for name in folders:
                below = os.path.join(folder, name)
                if not os.path.islink(below):
                    with contextlib.suppress(PermissionError):
                        os.chmod(below, 0o700)
        shutil.rmtree(path, ignore_errors=True)


# ------------------------------------------------------------------------------------------------- running smith

class Result:
    """What a program left behind."""

    def __init__(self, args, done):
        self.args, self.status = args, done.returncode
        self.out, self.err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")

    def __str__(self):
        return "%s\n  status %d\n  stdout %s\n  stderr %s" % (
            " ".join(self.args), self.status, self.out[-2000:], self.err[-4000:])


def run(args, status=DONE, timeout=300, env=None, **more):
    """Runs a program that must end with `status` (None: whatever). `env` is laid over the environment."""
    more.setdefault("stdin", subprocess.DEVNULL)
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          env=dict(os.environ, **(env or {})), **more)
    result = Result(args, done)
    assert status is None or result.status == status, "expected status %d: %s" % (status, result)
    return result


def smith(*args, **more):
    return run([SMITH, *args], **more)


def spec(name):
    return os.path.join(SPECS, name, name + ".yaml")


def repo_file(name="fixture"):
    need_fixture()
    return os.path.join(FIXTURE, name + ".repo")


def build_args(spec_file, to, *more, cache=None, lock=None, repos=None):
    """The arguments of a build that leaves everything it writes beside its output `to`."""
    return ["build", spec_file, "--repo-file", repos or repo_file(), "-o", "oci:" + to, "--lock", lock or to + ".lock",
            "--cache-dir", cache or os.path.join(os.path.dirname(to), "cache"), *more]


def build(spec_file, to, *more, env=None, cwd=None, **where):
    """Builds and returns the image's digest, having seen that standard output holds that and nothing else."""
    result = smith(*build_args(spec_file, to, *more, **where), env=env, cwd=cwd)
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", result.out), "not one digest: %s" % result
    return result.out.strip()


def forget_builds(cache):
    """Without what is remembered of whole builds, the next one does all of its work with what else the cache has."""
    shutil.rmtree(os.path.join(cache, "builds"), ignore_errors=True)


def somebody(home):
    """Words to put in front of a command so that it runs without privileges; `home` is made for it."""
    if os.geteuid() != 0:
        return []
    need_tools("setpriv")
    os.makedirs(home, exist_ok=True)
    os.chown(home, SOMEBODY, SOMEBODY)
    return ["setpriv", "--reuid", str(SOMEBODY), "--regid", str(SOMEBODY), "--clear-groups",
            "env", "HOME=" + home, "XDG_CACHE_HOME=" + os.path.join(home, "cache"), "TMPDIR=" + home]


def fixture_metadata(kind):
    """A metadata file of the fixture repository, such as primary, as text."""
    need_fixture()
    folder = os.path.join(FIXTURE, "repodata")
    name = next(f for f in os.listdir(folder) if f.endswith("-%s.xml.gz" % kind))
    return gzip.decompress(read(os.path.join(folder, name))).decode()


def edit_package(primary, package, pattern, replacement):
    """`primary` with a regular expression replaced within one package's element."""
    start = primary.index("<name>%s</name>" % package)
    end = primary.index("</package>", start)
    changed, count = re.subn(pattern, replacement, primary[start:end], flags=re.S)
    assert count > 0, "%r found no place in %s" % (pattern, package)
    return primary[:start] + changed + primary[end:]


def make_repository(folder, **metadata):
    """A repository with the fixture's packages behind other metadata, {kind: XML}, whose checksums are right.
    Returns its .repo file."""
    os.makedirs(os.path.join(folder, "repodata"))
    os.symlink(os.path.join(FIXTURE, "Packages"), os.path.join(folder, "Packages"))
    records = ""
    for kind, text in sorted(metadata.items()):
        write(os.path.join(folder, "repodata", kind + ".xml"), text)
        records += ('<data type="%s"><checksum type="sha256">%s</checksum><location href="repodata/%s.xml"/></data>'
                    % (kind, sha256(text.encode()).split(":")[1], kind))
    write(os.path.join(folder, "repodata", "repomd.xml"),
          '<repomd xmlns="http://linux.duke.edu/metadata/repo">%s</repomd>' % records)
    return write(folder + ".repo", "[fixture]\nname=made for a test\nbaseurl=file://%s\ngpgkey=file://%s\n"
                 % (folder, os.path.join(FIXTURE, "RPM-GPG-KEY-test")))


@contextlib.contextmanager
def serve(folder):
    """An HTTP server for one folder on this host; yields its URL. It knows no ranges, as some mirrors don't."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Quiet(*a, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "http://127.0.0.1:%d" % server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class Listening:
    """An HTTP server on a port of this machine alone, while it is entered: `handler` has its requests."""

    def __init__(self, handler):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.host = "127.0.0.1:%d" % self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Loopback(Listening):
    """`answer(request)` of a subclass answers each GET."""

    def __init__(self):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                with contextlib.suppress(ConnectionError):   # the client had enough
                    server.answer(self)

            def log_message(self, *_):
                pass

        super().__init__(Handler)
        self.url = "http://%s/" % self.host


class Mirror(Loopback):
    """As serve(), but with ranges (unless told otherwise), and it remembers what it sent."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.with_ranges = folder, True
        self.forget()

    def forget(self):
        self.bytes, self.whole = [], []

    def sent(self, suffix=""):
        """Bytes of files whose names end so."""
        return sum(count for name, count in self.bytes if name.endswith(suffix))

    def answer(self, request):
        path = os.path.join(self.folder, urllib.parse.unquote(request.path).lstrip("/"))
        if not os.path.isfile(path):
            request.send_error(404)
            return
        body = read(path)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        first, last = 0, len(body) - 1
        if asked and self.with_ranges:
            first, last = int(asked.group(1)), min(last, int(asked.group(2) or last))
            request.send_response(206)
            request.send_header("Content-Range", "bytes %d-%d/%d" % (first, last, len(body)))
        else:
            request.send_response(200)
        if last + 1 == len(body):
            self.whole.append(os.path.basename(path))
        body = body[first:last + 1]
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        self.bytes.append((path, len(body)))
        request.wfile.write(body)


# ---------------------------------------------------------------------------------------------- reading an image

def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Layout:
    """An OCI layout on disk, every blob of it checked against its digest, and its one image."""

    def __init__(self, path):
        self.path = path
        assert json.loads(read(os.path.join(path, "oci-layout"))) == {"imageLayoutVersion": "1.0.0"}
        blobs = os.path.join(path, "blobs", "sha256")
        for name in os.listdir(blobs):
            assert sha256(read(os.path.join(blobs, name))) == "sha256:" + name, "blob %s is not what it says" % name
        self.index = json.loads(read(os.path.join(path, "index.json")))
        # One entry: most readers refuse to choose among several, or take a referrer for an image.
        assert len(self.index["manifests"]) == 1, "%d images in %s" % (len(self.index["manifests"]), path)
        self.descriptor = self.index["manifests"][0]
        self.manifest = json.loads(self.blob(self.descriptor))
        self.digest = self.descriptor["digest"]
        # What is about the image (its spec, its package list) hangs on an index of its own: docs/image-format.md.
        listed = read(os.path.join(blobs, self.descriptor["annotations"]["vnd.smith.referrers"].split(":")[1]))
        self.referrers = [json.loads(self.blob(d)) for d in json.loads(listed)["manifests"]]
        for about in self.referrers:
            assert about["subject"]["digest"] == self.digest, "a referrer to another image: %r" % about["subject"]
            for part in [about["config"], *about["layers"]]:
                self.blob(part)
        self.config = json.loads(self.blob(self.manifest["config"]))
        assert len(self.manifest["layers"]) == 1, "an image has one layer"
        self.layer = self.blob(self.manifest["layers"][0])
        self.tar = gzip.decompress(self.layer) if self.layer[:2] == b"\x1f\x8b" else self.layer
        assert self.config["rootfs"]["diff_ids"] == [sha256(self.tar)], "diff_ids do not match the layer"

    def blob(self, descriptor):
        data = read(os.path.join(self.path, "blobs", *descriptor["digest"].split(":")))
        assert len(data) == descriptor["size"], "size of %s: expected %d, got %d" % (
            descriptor["digest"], descriptor["size"], len(data))
        return data

    def entries(self):
        """The layer's entries as Python's tarfile sees them, {path: TarInfo}; a path comes once."""
        with tarfile.open(fileobj=io.BytesIO(self.tar)) as tar:
            members = tar.getmembers()
        found = {m.name.rstrip("/"): m for m in members}
        assert len(found) == len(members), "a path comes twice"
        return found

    def files(self):
        """The paths of regular files, hard links too."""
        return sorted(p for p, m in self.entries().items() if m.isreg() or m.islnk())


def snapshot(folder):
    """{path: digest} of every file of a folder: two layouts are the same when their snapshots are."""
    found = {}
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(at, name)
            kind = os.lstat(path).st_mode
            if stat.S_ISREG(kind):
                found[os.path.relpath(path, folder)] = sha256(read(path))
            elif not stat.S_ISDIR(kind):
                found[os.path.relpath(path, folder)] = "not a file: %o" % kind
    return found


def assert_same(what, expected, got):
    """Two snapshots; says which paths differ."""
    differ = sorted(p for p in set(expected) | set(got) if expected.get(p) != got.get(p))
    assert not differ, "%s: not the same bytes in %s" % (what, ", ".join(differ[:10]))
