#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""dnf's half of the comparison: what `dnf --installroot=EMPTY install` chooses, asked through dnf's own API, because that
takes one start for many requests. Input and output are those of solve_requests.cc; runs on the system's Python, which
is the one that has dnf.

The settings are dnf's defaults and those of a distribution's dnf.conf (best=True); what the API leaves to the command
line is done as dnf/cli/commands/install.py does it.
"""
import json
import os
import sys

import dnf
import dnf.exceptions
import dnf.module.module_base
import libdnf.module


def base_for(work):
    base = dnf.Base()
    conf = base.conf
    folder = os.path.join(work["cache"], "dnf")
    conf.installroot = os.path.join(folder, "root")
    conf.cachedir = os.path.join(folder, "cache")
    conf.persistdir = os.path.join(folder, "persist")
    conf.logdir = os.path.join(folder, "log")
    for needed in (conf.installroot, conf.logdir):
        os.makedirs(needed, exist_ok=True)
    conf.reposdir = [os.path.dirname(work["repo_file"])]
    conf.substitutions["arch"] = work["arch"]
    conf.substitutions["basearch"] = dnf.rpm.basearch(work["arch"])
    conf.substitutions["releasever"] = work["releasever"]
    if work["platform"]:
        conf.module_platform_id = work["platform"]
    base.read_all_repos()
    base.fill_sack(load_system_repo=False)
    return base


def enable(base, modules):
    """As a first "dnf module disable" and "enable": each request begins with what no other one has enabled."""
    base.reset(goal=True)
    module_base = dnf.module.module_base.ModuleBase(base)
    module_base._update_sack()
    off = [m[1:] for m in modules if m.startswith("-")]
    on = [m for m in modules if not m.startswith("-")]
    for change, names in ((module_base.disable, off), (module_base.enable, on)):
        try:
            if names:
                change(names)
        except dnf.exceptions.MarkingErrors as e:
            if e.no_match_group_specs or is_fatal(e):
                raise


def is_fatal(error):
    """As dnf/cli/commands/module.py has it: a default stream that cannot be is no reason to give up."""
    problems = error.module_depsolv_errors
    harmless = libdnf.module.ModulePackageContainer.ModuleErrorType_ERROR_IN_DEFAULTS
    return bool(error.error_group_specs or (problems and problems[1] != harmless))


def install(base, packages):
    """As the command: modules and groups first, files, then packages."""
    groups = [p[1:] for p in packages if p.startswith("@")]
    unknown = []
    if groups:
        try:
            dnf.module.module_base.ModuleBase(base).install(groups)
        except dnf.exceptions.MarkingErrors as e:
            if is_fatal(e):
                raise
            unknown = list(e.no_match_group_specs)
    files = [p for p in packages if p.endswith(".rpm")]
    for package in base.add_remote_rpms(files):
        base.package_install(package)
    if unknown:
        base.env_group_install(unknown, tuple(base.conf.group_package_types))
    for package in packages:
        if not package.startswith("@") and package not in files:
            base.install(package)


def answer(base, request, modules):
    base.conf.install_weak_deps = request["weak"]
    base.conf.best = request["best"]
    try:
        enable(base, modules)
        install(base, request["packages"])
        base.resolve()
    except dnf.exceptions.Error as e:
        return {"refused": str(e)}
    return {"chosen": sorted(str(p) for p in base.transaction.install_set)}


def main():
    work = json.load(sys.stdin)
    base = base_for(work)
    print(json.dumps([answer(base, request, work["modules"]) for request in work["requests"]]))


if __name__ == "__main__":
    main()
