#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`smith repo` tells what the repositories of a spec have: as dnf would see them, with modules and excludes, and with
nothing of it for a terminal to obey."""
import json
import os
import sys

from e2e import FAILED, SOURCE, UNSOLVABLE, USAGE, need_fixture, repo_file, scratch, smith, step, write

sys.path.insert(0, os.path.join(SOURCE, "tests", "dnf"))
import repodata  # noqa: E402
import module_worlds  # noqa: E402


def main():
    need_fixture()
    with scratch() as folder:
        def at(name):
            return os.path.join(folder, name)

        fixture = ["--repo-file", repo_file(), "--cache-dir", at("cache")]
        machine = {"SMITH_HOST_ROOT": at("no-machine")}

        def ask(*args, **more):
            return smith("repo", *args, env=machine, cwd=folder, **more)

        step("repositories, without a spec")
        said = ask("list", *fixture)
        assert said.out.startswith("fixture  ") and said.out.count("\n") == 1, said
        one = json.loads(ask("list", *fixture, "--json").out)["repos"][0]
        assert one["id"] == "fixture" and one["packages"] > 50 and one["repomd"].startswith("sha256:"), one

        step("a name, its parts, a word of a summary")
        said = ask("search", "NGINX", *fixture)
        assert said.out.startswith("nginx.x86_64: ") and "\nnginx-common.noarch: " in said.out, said
        assert "nginx-common.noarch" in ask("search", "ngi", "comm", *fixture).out
        ask("search", "no-such-word-anywhere", *fixture, status=FAILED)

        step("what a package is")
        said = ask("info", "curl", "/usr/bin/redis-cli", *fixture)
        assert said.out.startswith("curl-") and "  repository  fixture\n" in said.out and "\nredis-tools-" in said.out, said
        packages = json.loads(ask("info", "curl", *fixture, "--json").out)["packages"]
        assert len(packages) == 1 and packages[0]["size"] > 1000 and packages[0]["license"] is not None, packages
        said = ask("info", "crul", *fixture, status=UNSOLVABLE)
        assert "did you mean 'curl'" in said.err, said

        step("who provides it")
        for what in ("libz.so.1()(64bit)", "/usr/lib/x86_64-linux-gnu/libz.so.1", "*/libz.so.1"):
            said = ask("whatprovides", what, *fixture)
            assert said.out.startswith("zlib1g-"), said

        step("modules and excludes hide what they hide, and nothing of a summary is for the terminal to obey")
        text = module_worlds.PACKAGES + "evil-1-1.noarch\n"
        repodata.write_repository(at("modular"), text, None, module_worlds.MODULES)
        repo = write(at("m.repo"), "[modular]\nbaseurl=file://%s\ngpgcheck=0\nexcludepkgs=plain\n" % at("modular"))
        modular = ["--repo-file", repo, "--cache-dir", at("cache"), "--arch", "x86_64"]
        assert ask("whatprovides", "nodejs", *modular).out.startswith("nodejs-1:16.1-1.x86_64: "), "not the default stream"
        app = write(at("app.yaml"), "schema: 1\npackage: nodejs\nmodules: [nodejs:18]\n")
        said = ask("info", "nodejs", app, *modular)
        assert said.out.startswith("nodejs-1:18.2-1.x86_64\n") and "  module      nodejs:18\n" in said.out, said
        assert "excludepkgs" in ask("info", "plain", *modular, status=UNSOLVABLE).err
        assert "'perl:5.30', which is not active" in ask("info", "perl-5.30", *modular, status=UNSOLVABLE).err

        step("a spec of the folder counts without being named")
        write(at("smith.yaml"), "schema: 1\npackage: nodejs\nmodules: [nodejs:18]\n")
        assert ask("whatprovides", "nodejs", *modular).out.startswith("nodejs-1:18.1-1.x86_64"), "not the spec's stream"

        step("the lock says which streams its packages are of, and a machine may have set them")
        smith("lock", at("smith.yaml"), *modular, "--lock", at("l"))
        assert '"modules": [\n    "nodejs:18"\n  ]' in open(at("l"), encoding="utf-8").read()
        host = at("machine")
        write(os.path.join(host, "etc", "yum.repos.d", "m.repo"), open(repo, encoding="utf-8").read())
        write(os.path.join(host, "etc", "dnf", "modules.d", "nodejs.module"),
              "[nodejs]\nname=nodejs\nstream=18\nprofiles=\nstate=enabled\n")
        write(os.path.join(host, "etc", "dnf", "modules.d", "old.module"), "[old]\nname=old\nstream=\nstate=disabled\n")
        plain = write(at("plain.yaml"), "schema: 1\npackages: [nodejs, old-style]\narch: x86_64\n")
        smith("lock", plain, "--lock", at("l2"), "--cache-dir", at("cache"), env={"SMITH_HOST_ROOT": host})
        text = open(at("l2"), encoding="utf-8").read()
        assert "nodejs-1:18.2-1" in text and "old-style-2-1" in text, text

        step("questions that are none")
        ask("list", status=USAGE)
        ask("lsit", *fixture, status=USAGE)
        ask("search", *fixture, status=USAGE)


if __name__ == "__main__":
    main()
