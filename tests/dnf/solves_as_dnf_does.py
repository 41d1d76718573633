#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same packages as `dnf --installroot=EMPTY install` chooses, request by request.

    solves_as_dnf_does.py small | modules | fixture | scale

Both are asked about the same .repo file: small repositories that have one feature each (worlds.py, module_worlds.py), the repository
that tools/fixture makes, or the one of 63,000 packages that tools/scale-fixture makes. DIFFERENCES lists where we choose
something else, and why; the test fails on a difference that is not there, and on one there that is no more.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
sys.dont_write_bytecode = True
from e2e import FIXTURE, need_fixture, scratch, skip, step, write  # noqa: E402
import repodata  # noqa: E402
import worlds  # noqa: E402
import module_worlds  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SCALE = os.environ.get("SMITH_SCALE_FIXTURE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "smith-scale", "repo")

# {(world, request): why}
DIFFERENCES = {
    ("forms", "app.*"): "dnf also takes the aarch64 package for meant, which cannot be installed, and gives up",
    ("groups", "@ported"): "a package of another architecture's group: dnf 4.14 filters such ones out into a copy of the "
                           "groups (base.py, read_comps), and then goes on with the original",
}


def parse_request(request):
    flags, text = request if isinstance(request, tuple) else ("", request)
    return {"packages": text.split(" + "), "weak": flags == "weak", "best": flags != "nobest"}


def name_of(request):
    return " ".join(request) if isinstance(request, tuple) else request


def ask(program, work):
    done = subprocess.run(program, input=json.dumps(work).encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, "%s: %s" % (program, done.stderr.decode()[-3000:])
    # dnf reports on standard output too: the answer is the last line.
    return json.loads(done.stdout.decode().strip().split("\n")[-1])


def describe(answer, other):
    if "refused" in answer:
        return "refused: " + answer["refused"]
    mine, theirs = set(answer["chosen"]), set(other.get("chosen", []))
    return "%d packages%s" % (len(mine), "".join(", " + p for p in sorted(mine - theirs)[:8]))


def compare(world, requests, work, seen):
    """Adds to `seen` what differs: {(world, request): what}."""
    work = dict({"arch": "x86_64", "releasever": "9", "platform": "", "modules": []}, **work)
    work["requests"] = [parse_request(r) for r in requests]
    smiths = ask([os.environ["SOLVE_REQUESTS"]], work)
    # The first time out of XML, the second time out of what was kept of it.
    assert smiths == ask([os.environ["SOLVE_REQUESTS"]], work), "%s: warm is not as cold" % world
    dnfs = ask(["/usr/bin/python3", os.path.join(HERE, "dnf_chooses.py")], work)
    assert len(smiths) == len(dnfs) == len(requests)
    for request, ours, theirs in zip(requests, smiths, dnfs):
        # Both may refuse: the reason is told in other words.
        if sorted(ours.get("chosen", [])) != sorted(theirs.get("chosen", [])):
            seen[(world, name_of(request))] = "smith: %s\n    dnf:   %s" % (
                describe(ours, theirs), describe(theirs, ours))
    step("%s: %d requests, %d chosen" % (world, len(requests), sum("chosen" in a for a in dnfs)))


def compare_small(small, seen):
    for world, (repositories, requests, *settings_of_world) in small.items():
        with scratch() as folder:
            sections = []
            for repo, settings, description, *documents in repositories:
                repodata.write_repository(os.path.join(folder, repo), description, *documents)
                sections += ["[%s]" % repo, "name=" + repo, "baseurl=file://%s/%s" % (folder, repo), "gpgcheck=0",
                             settings.replace("; ", "\n"), ""]
            repo_file = write(os.path.join(folder, "etc", "world.repo"), "\n".join(sections))
            arch = "aarch64" if world == "aarch64" else "x86_64"
            work = {"repo_file": repo_file, "cache": folder, "arch": arch}
            for more in settings_of_world:
                work.update(more)
            compare(world, requests, work, seen)


def compare_one(world, repository, requests, seen):
    with scratch() as folder:
        with open(os.path.join(repository, world + ".repo"), encoding="utf-8") as file:
            repo_file = write(os.path.join(folder, "etc", "world.repo"), file.read())
        compare(world, requests, {"repo_file": repo_file, "cache": folder}, seen)


def main():
    if subprocess.run(["/usr/bin/python3", "-c", "import dnf"], stderr=subprocess.DEVNULL).returncode != 0:
        skip("no dnf to ask: tools/install-deps bench installs python3-dnf")
    seen = {}
    which = sys.argv[1]
    if which in ("small", "modules"):
        small = worlds.small_worlds() if which == "small" else module_worlds.worlds()
        compare_small(small, seen)
        names = set(small)
    elif which == "fixture":
        need_fixture()
        compare_one("fixture", FIXTURE, worlds.FIXTURE, seen)
        names = {"fixture"}
    else:
        if not os.path.exists(os.path.join(SCALE, "scale.repo")):
            skip("no repository at %s: run tools/scale-fixture" % SCALE)
        compare_one("scale", SCALE, worlds.SCALE, seen)
        names = {"scale"}
    wrong = ["'%s' in world %s\n    %s" % (request, world, what)
             for (world, request), what in seen.items() if (world, request) not in DIFFERENCES]
    wrong += ["'%s' in world %s is no difference any more: take it out of the table" % (request, world)
              for world, request in DIFFERENCES if world in names and (world, request) not in seen]
    assert not wrong, "%d unexplained:\n  %s" % (len(wrong), "\n  ".join(wrong))


if __name__ == "__main__":
    main()
