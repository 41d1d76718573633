#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smith outdated` tells what an update would change, what of it ships, and which advisories that answers; it writes
nothing, and needs no package."""
import json
import os

from e2e import USAGE, build, edit_package, fixture_metadata, make_repository, read, scratch, smith, step, write

SPEC = "schema: 1\npackages: [curl, coreutils]\npaths: [/usr/bin/curl]\n"
ADVISORY = """<update type="security"><id>SAMPLE-1:%s</id><title>a fix</title><severity>Important</severity>
<references><reference id="CVE-2026-0002" type="cve"/><reference id="CVE-2026-0001" type="cve"/>
<reference id="4711" type="bugzilla"/></references><pkglist><collection>
<package name="%s" epoch="0" version="%s" release="1" arch="x86_64"/></collection></pkglist></update>"""


def main():
    with scratch() as folder:
        def at(name):
            return os.path.join(folder, name)

        app, lock, cache = write(at("app.yaml"), SPEC), at("app.lock"), at("cache")
        genuine = fixture_metadata("primary")
        before = make_repository(at("before"), primary=genuine)
        step("there must be a lock")
        said = smith("outdated", app, "--repo-file", before, "--lock", lock, "--cache-dir", cache, status=USAGE)
        assert "app.lock" in said.err, said

        build(app, at("image"), "--no-test", lock=lock, repos=before, cache=cache)
        text = read(lock)
        step("the lock says which packages ship")
        ships = json.loads(text)["ships"]
        assert any(name.startswith("curl.") for name in ships) and not any(n.startswith("coreutils.") for n in ships), ships

        step("nothing changed")
        said = smith("outdated", app, "--repo-file", before, "--lock", lock, "--cache-dir", cache)
        assert said.out == "" and "what the repositories have today" in said.err, said

        version = r'<version epoch="0" ver="[^"]*" rel="[^"]*"/>'
        after = genuine
        for name in ("curl", "coreutils"):
            after = edit_package(after, name, version, '<version epoch="0" ver="99" rel="1"/>')
        advisories = "".join(ADVISORY % fix for fix in (
            ("1", "curl", "99"), ("2", "curl", "100"), ("3", "curl", "0.1"), ("4", "coreutils", "98"), ("5", "bash", "99")))
        # Away from the packages: what is chosen is not fetched.
        make_repository(at("after"), primary=after, updateinfo="<updates>%s</updates>" % advisories)
        os.remove(os.path.join(folder, "after", "Packages"))
        step("two packages changed, one of which ships")
        said = smith("outdated", app, "--repo-file", at("after.repo"), "--lock", lock, "--cache-dir", cache)
        lines = said.out.splitlines()
        assert len(lines) == 4, said
        assert lines[0].startswith("curl-") and lines[0].endswith(" -> curl-99-1.x86_64, ships"), said
        assert lines[1] == "  SAMPLE-1:1 security/Important CVE-2026-0001 CVE-2026-0002", said
        assert lines[2].startswith("coreutils-") and lines[2].endswith(" -> coreutils-99-1.x86_64"), said
        assert lines[3].startswith("  SAMPLE-1:4 "), said

        step("as JSON")
        said = smith("outdated", app, "--repo-file", at("after.repo"), "--lock", lock, "--cache-dir", cache, "--json")
        packages = json.loads(said.out)["packages"]
        assert [(p["name"], p["ships"], [a["id"] for a in p["advisories"]]) for p in packages] == [
            ("curl", True, ["SAMPLE-1:1"]), ("coreutils", False, ["SAMPLE-1:4"])], packages
        assert packages[0]["advisories"][0]["cves"] == ["CVE-2026-0001", "CVE-2026-0002"]

        step("nothing was written")
        assert read(lock) == text


if __name__ == "__main__":
    main()
