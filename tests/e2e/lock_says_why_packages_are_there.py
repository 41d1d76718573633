#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lock remembers who requires whom: `smith why-package` tells from it alone how each package came in, as the
repository's metadata has it. A lock that does not say it is built from all the same."""
import json
import os
import re
import xml.etree.ElementTree as ET

from e2e import USAGE, build, fixture_metadata, read, repo_file, scratch, smith, step, write

SPEC = "schema: 1\npackages: [nginx, curl]\npaths: [/usr/bin/curl]\n"
COMMON, RPM = "{http://linux.duke.edu/metadata/common}", "{http://linux.duke.edu/metadata/rpm}"


def requirements_in_metadata():
    """NAME.ARCH of each package of the fixture, and the names in what it requires."""
    text = fixture_metadata("primary")
    out = {}
    for package in ET.fromstring(text).iter(COMMON + "package"):
        name = "%s.%s" % (package.findtext(COMMON + "name"), package.findtext(COMMON + "arch"))
        requires = package.find(COMMON + "format").find(RPM + "requires")
        out[name] = {entry.get("name") for entry in (requires if requires is not None else ())}
    return out


def name_arch(nevra):
    return re.sub(r"-[^-]*-[^-]*\.([^.]*)$", r".\1", nevra)


def main():
    with scratch() as folder:
        app, lock, cache = (os.path.join(folder, name) for name in ("app.yaml", "app.lock", "cache"))
        write(app, SPEC)

        def ask(*words, **more):
            return smith("why-package", *words, **more)

        step("there must be a lock")
        assert "run 'smith lock'" in ask("nginx", app, status=USAGE).err
        smith("lock", app, "--repo-file", repo_file(), "--cache-dir", cache)

        step("every package has a chain, and each step of it is in the metadata")
        known = requirements_in_metadata()
        locked = json.loads(read(lock))
        for package in locked["packages"]:
            (answer,) = json.loads(ask(package["nevra"], app, "--json").out)["packages"]
            assert answer["package"] == package["nevra"] and answer["chains"] and "ships" not in answer, answer
            for chain in answer["chains"]:
                assert chain[0]["package"] == package["nevra"] and chain[-1]["request"] in ("nginx", "curl"), chain
                assert chain[-1]["package"].startswith(chain[-1]["request"] + "-"), chain
                for step_, needer in zip(chain, chain[1:]):
                    text = step_["dependency"]  # a rich one stands in metadata as it is, another one by its name
                    name = text if text.startswith("(") else text.split(" ")[0]
                    assert name in known[name_arch(needer["package"])], (step_, needer)
            lengths = [len(chain) for chain in answer["chains"]]
            assert lengths == sorted(lengths), answer
        step("as text")
        said = ask("nginx", app).out.splitlines()
        assert len(said) == 2 and said[1] == '  is asked for by the spec ("nginx")', said
        said = ask("libc6.x86_64", app)
        lines = said.out.splitlines()
        assert lines[0].startswith("libc6-") and lines[1].startswith("  is required by "), said
        assert sorted(line for line in lines if "the spec" in line) == [
            '  which is asked for by the spec ("curl")', '  which is asked for by the spec ("nginx")'], said
        assert "more packages require" in said.err and "not known before the first 'smith build'" in said.err, said

        step("a build adds what ships, and a lock without reasons makes the same image")
        first = build(app, os.path.join(folder, "one"), "--no-test", lock=lock, cache=cache)
        full = read(lock)
        assert ask("curl", app).out.splitlines()[0].endswith(", ships")
        assert ask("nginx", app).out.splitlines()[0].endswith(", does not ship")
        assert json.loads(ask("curl", app, "--json").out)["packages"][0]["ships"] is True
        bare = {key: value for key, value in json.loads(full).items() if key not in ("asked", "requires")}
        write(lock, json.dumps(bare))
        again = build(app, os.path.join(folder, "two"), "--no-test", "--locked", lock=lock, cache=cache)
        assert str(first) == str(again), (first, again)

        step("it says what to do, and that is all it takes: the image is still the lock's")
        assert "run 'smith update'" in ask("curl", app, status=USAGE).err
        said = smith("update", app, "--repo-file", repo_file(), "--cache-dir", cache)
        assert said.out == "" and read(lock) == full, said

        step("what is not there")
        assert "did you mean 'nginx'?" in ask("ngnix", app, status=USAGE).err


if __name__ == "__main__":
    main()
