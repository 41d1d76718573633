#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Standard output carries the result and nothing else, for people, for scripts and for programs."""
import json
import os
import re

from cli import environment, scratch, smith, step, write


def main():
    with scratch() as folder:
        step("build prints the digest, build --json one document, and both say the same")
        digest = smith("build", "app.yaml").out
        assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", digest), digest
        digest = digest.strip()
        document = json.loads(smith("build", "app.yaml", "--json").out)
        assert document["digest"] == digest and document["output"].startswith("oci:app"), document
        assert document["layer"]["size"] > 0 and document["diff_id"].startswith("sha256:"), document
        assert document["tests"] == [] and "error" not in document, document

        step("-q says nothing but the result, -v more than that")
        assert smith("build", "app.yaml", "-q").err == ""
        assert len(smith("-v", "build", "app.yaml").err) > 0

        step("messages have colour when asked, and never standard output")
        assert "\x1b" not in smith("build", "app.yaml").err
        said = smith("-b", "1", "-c", "app.yaml", "--color", "always")
        assert "\x1b[1;33msmith: warning:" in said.err and "\x1b" not in said.out, said
        assert "\x1b" in smith("-b", "1", "-c", "app.yaml", env=environment(CLICOLOR_FORCE="1")).err
        assert "\x1b" not in smith("-b", "1", "-c", "app.yaml", env=environment(CLICOLOR_FORCE="1", NO_COLOR="1")).err

        step("neither locale nor threads change the result")
        for variables in ({"LC_ALL": "tr_TR.UTF-8"}, {"LC_ALL": "C", "LANG": "no_such"}, {"TZ": "Asia/Kathmandu"}):
            assert smith("build", "app.yaml", "--jobs", "3", env=environment(**variables)).out.strip() == digest
        dated = smith("build", "app.yaml", "-o", "dated", env=environment(SOURCE_DATE_EPOCH="86400"))
        assert dated.out.strip() != digest
        assert "1970-01-02T00:00:00Z" in smith("inspect", "dated").out

        step("the folder of an output is made")
        assert smith("build", "app.yaml", "-o", "new/folder/app.tar").out.strip() == digest
        assert smith("build", "app.yaml", "-o", "oci:new/other/app").out.strip() == digest
        assert digest in smith("inspect", "new/folder/app.tar").out
        smith("build", "app.yaml", "-o", "app.yaml/app.tar", status=1)

        step("an archive goes where links lead, and replaces nothing but a file")
        write("targets/old.tar", "old")
        for name, target in (("link.tar", "targets/old.tar"), ("new.tar", "targets/new.tar"), ("full.tar", "/dev/full")):
            os.symlink(target, name)
        for name in ("link.tar", "new.tar"):
            smith("build", "app.yaml", "-o", name)
            assert os.path.islink(name) and digest in smith("inspect", name).out
        assert "not a regular file" in smith("build", "app.yaml", "-o", "full.tar", status=1).err
        os.mkdir("folder.tar")
        assert "is a directory" in smith("build", "app.yaml", "-o", "folder.tar", status=1).err
        os.mkfifo("fifo.tar")
        assert "not a regular file" in smith("build", "app.yaml", "-o", "fifo.tar", status=1).err
        os.symlink("targets/app.lock", "link.lock")
        smith("build", "app.yaml", "--lock", "link.lock")
        assert os.path.islink("link.lock") and os.path.exists("targets/app.lock")

        step("ls: a path a line, in byte order; below a directory; long; as JSON")
        paths = smith("ls", "oci:app").out.splitlines()
        assert paths == sorted(paths) and "/read/data" in paths and "/usr/bin" in paths, paths
        assert smith("ls", "oci:app", "/usr/bin").out.splitlines() == ["/usr/bin", "/usr/bin/link", "/usr/bin/tool"]
        long = smith("ls", "-l", "oci:app", "usr/bin/").out.splitlines()
        assert re.fullmatch(r"lrwxrwxrwx 10:10 +4 /usr/bin/link -> tool", long[1]), long
        assert re.fullmatch(r"-rwxr-xr-x 10:10 +12 /usr/bin/tool", long[2]), long
        tool = {e["path"]: e for e in json.loads(smith("ls", "--json", "oci:app").out)}["/usr/bin/tool"]
        assert tool["type"] == "file" and tool["executable"] and tool["size"] == 12, tool

        step("inspect: for people and for programs")
        text = smith("inspect", "app").out
        assert digest in text and "80/tcp" in text and "TZ=UTC" in text and "2 files" in text, text
        document = json.loads(smith("inspect", "app", "--json").out)
        assert document["digest"] == digest and document["files"]["links"] == 1, document
        assert document["config"]["Cmd"] == ["/read/data"] and document["platform"] == "linux/amd64", document

        step("why: in either order, and as JSON")
        said = smith("why", "/usr/bin/tool", "oci:app").out
        assert "overlay" in said and said == smith("why", "oci:app", "/usr/bin/tool").out, said
        assert json.loads(smith("why", "/usr/bin/tool", "oci:app", "--json").out)["chain"]

        step("an archive, a tag, a name with odd bytes")
        with open(os.fsencode(folder) + b"/rootfs/odd\n\xff", "wb"):
            pass
        smith("build", "app.yaml", "-o", "odd.tar.gz:one")
        assert "\nodd" not in smith("ls", "odd.tar.gz:one").out.replace("/odd\n", "")
        odd = [e for e in json.loads(smith("ls", "--json", "odd.tar.gz").out) if "path_hex" in e]
        assert [bytes.fromhex(e["path_hex"]) for e in odd] == [b"/odd\n\xff"], odd
        os.remove(os.fsencode(folder) + b"/rootfs/odd\n\xff")

        step("lock and update: what changed; a lock of nothing changes nothing")
        assert smith("lock", "app.yaml").out == "" and smith("update", "app.yaml").out == ""
        document = json.loads(smith("lock", "app.yaml", "--json").out)
        assert document == {"lock": "app.lock", "written": False, "packages": 0, "changes": []}, document

        step("test: a line for each; without tests a warning")
        assert "no tests" in smith("test", "app").err
        assert json.loads(smith("test", "app", "--json").out)["passed"] is True

        step("help and version are results")
        assert smith("--help").out.startswith("Usage: smith") and smith("help", "build").err == ""
        assert re.fullmatch(r"smith \d+\.\d+\.\d+\n", smith("--version").out)

        step("Oracle's command line")
        write("smith.yaml", "cmd: [/read/data]\n")
        assert smith().out.startswith("sha256:") and os.path.exists("image.tar.gz")
        os.mkdir("elsewhere")
        smith("-d", folder, "-i", "x.tar.gz", "-f", cwd="elsewhere")
        assert os.path.exists("elsewhere/x.tar.gz")


if __name__ == "__main__":
    main()
