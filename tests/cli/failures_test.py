#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What goes wrong has its exit status and one message that helps; nothing of it is on standard output."""
import json
import os
import subprocess

from cli import SMITH, environment, refused, scratch, smith, step, write


def main():
    with scratch() as folder:
        step("usage: 2")
        refused(2, "biuld", words=["biuld", "did you mean 'build'"])
        refused(2, "build", "--no-such-option", words=["--no-such-option"])
        refused(2, "convert", "a", words=["wants an image, and where the new one goes"])
        refused(2, "run", words=["wants an image"])
        refused(2, "build", "--repo", "x", words=["ID=URL"])
        refused(2, words=["smith.yaml", "smith --help"])
        refused(2, "build", "app.yaml", env=environment(SOURCE_DATE_EPOCH="yesterday"), words=["SOURCE_DATE_EPOCH"])
        refused(2, "build", "app.yaml", env=environment(HOME=None, XDG_CACHE_HOME=None), words=["--cache-dir"])

        step("a spec that is wrong: 2, with places")
        write("bad.yaml", "schema: 1\ncmmd: [x]\nports: 7\n")
        refused(2, "build", "bad.yaml", words=["bad.yaml:2:1", "did you mean 'cmd'", "bad.yaml:3:"])

        step("a spec that can't be read: 2, at once")
        refused(2, "build", "absent.yaml", words=["absent.yaml", "No such file"])
        refused(2, "build", "rootfs", words=["'rootfs' is a directory", "'rootfs/smith.yaml'"])
        refused(2, "build", "/dev/null", words=["'/dev/null'", "not a regular file"])
        os.mkfifo("fifo.yaml")
        refused(2, "build", "fifo.yaml", words=["'fifo.yaml'", "not a regular file"])
        write("empty.yaml", "")
        refused(2, "build", "empty.yaml", words=["empty.yaml", "the file is empty"])
        with open("huge.yaml", "wb") as huge:
            huge.truncate(1 << 40)
        refused(2, "build", "huge.yaml", words=["'huge.yaml'", "1048576 bytes"])
        os.unlink("huge.yaml")

        step("--locked without a lock: 3")
        refused(3, "build", "app.yaml", "--locked", words=["lock"])
        assert not os.path.exists("app.lock") and not os.path.exists("app")

        step("a repository that does not answer: 4")
        write("net.yaml", "schema: 1\npackage: x\npaths: [/x]\n")
        refused(4, "build", "net.yaml", "--repo", "r=http://127.0.0.1:1/", words=["127.0.0.1:1"])
        assert not os.path.exists("net.lock")

        step("an image that was changed: 5")
        smith("build", "app.yaml")
        index = json.load(open("app/index.json", encoding="utf-8"))
        blob = "app/blobs/" + index["manifests"][0]["digest"].replace(":", "/")
        text = open(blob, encoding="utf-8").read()
        os.chmod(blob, 0o644)
        write(blob, text.replace("schemaVersion", "schemaVersiom"))
        refused(5, "inspect", "oci:app", words=["sha256:"])
        write(blob, text)

        step("what an image does not hold: 2")
        refused(2, "why", "/usr/bin/wget", "app", words=["/usr/bin/wget"])
        refused(2, "ls", "app", "/usr/bin/wget", words=["/usr/bin/wget"])
        refused(2, "ls", "app:other", words=["other"])

        step("with --json: one document, and the message all the same")
        for args in (["build", "bad.yaml"], ["biuld"], ["ls", "app", "/nowhere"], ["why", "/nowhere", "app"]):
            said = smith(*args, "--json", status=2)
            error = json.loads(said.out)["error"]
            assert error["kind"] in ("usage", "spec") and "smith: " + error["message"] + "\n" == said.err, said

        step("a cache that can't be written to: 1, and how to name another")
        write("file", "")
        refused(1, "build", "app.yaml", "--cache-dir", "file", words=["'file'", "--cache-dir"])
        refused(1, "ls", "app", "--cache-dir", "file/below", words=["file/below", "Not a directory"])

        step("standard output on a full disk, and closed: 1")
        with open("/dev/full", "wb") as full:
            said = smith("--help", stdout=full, status=1)
            assert said.err == "smith: writing to standard output: No space left on device\n", said
        command = [SMITH, "build", os.path.join(folder, "app.yaml")]
        done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], stderr=subprocess.PIPE, env=environment(),
                              timeout=60, check=False)
        assert done.returncode == 1 and b"standard output: Bad file descriptor" in done.stderr, done
        done = subprocess.run(["sh", "-c", '"$@" 2>&- <&-', "sh", *command], stdout=subprocess.PIPE, env=environment(),
                              timeout=60, check=False)
        assert done.returncode == 0 and done.stdout.startswith(b"sha256:"), done

        step("a reader that went away: as other programs, by SIGPIPE and without a word")
        read_end, write_end = os.pipe()
        os.close(read_end)
        said = smith("ls", "app", stdout=write_end, status=-13)
        assert said.err == "", said


if __name__ == "__main__":
    main()
