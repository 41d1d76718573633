#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""validation_suite.py RUNTIME: runs the validation suite of opencontainers/runtime-tools against RUNTIME.

The suite is not part of this project: SMITH_RUNTIME_TOOLS names a checkout of it in which `make runtimetest
validation-executables` has been run. Without it, or without root, the test is skipped. Each of its programs runs in
mount and PID namespaces of its own: some leave mounts behind. What may fail, and why, is in docs/runtime-validation.md.
"""
import glob
import os
import re
import subprocess
import sys

SKIPPED = 77

# Lines that no runtime passes, by program: of the suite's making, or of hosts that lack what they ask for.
KNOWN = {
    "delete_resources": r"pids limit is set correctly",
    "linux_cgroups_pids": r"pids limit is set correctly",
    "linux_cgroups_relative_pids": r"pids limit is set correctly",
    "linux_cgroups_memory": r"memory kernel(TCP)? is set correctly",
    "linux_cgroups_relative_memory": r"memory kernel(TCP)? is set correctly",
    "linux_cgroups_blkio": r".*",
    "linux_cgroups_relative_blkio": r".*",
    "linux_cgroups_hugetlb": r".*",
    "linux_cgroups_relative_hugetlb": r".*",
    "linux_cgroups_network": r".*",
    "linux_cgroups_relative_network": r".*",
    "linux_process_apparmor_profile": r".*",
    "process_capabilities": r".*",
    "process_capabilities_fail": r".*",
    "misc_props": r".*unknown annotation key",
    "pidfile": r".*--pid-file.*",
    "process_rlimits": r"has expected soft RLIMIT_NOFILE",
    "start": r"exit status 1",
}

# Those that signal a program which may not be ready: they pass when the machine is quiet.
RACES = {"killsig"}


def run(program, suite, runtime):
    """Its output; None when it takes longer than a minute."""
    command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--propagation", "private", program]
    with subprocess.Popen(command, cwd=suite, env=dict(os.environ, RUNTIME=runtime), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True) as process:
        try:
            return process.communicate(timeout=60)[0].decode(errors="replace")
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return None


def main():
    suite = os.environ.get("SMITH_RUNTIME_TOOLS", "")
    programs = sorted(glob.glob(suite + "/validation/*/*.t")) if suite else []
    if not programs or os.geteuid() != 0:
        print("skipped: SMITH_RUNTIME_TOOLS names no built checkout of runtime-tools, or this is not root")
        return SKIPPED
    runtime = os.path.abspath(sys.argv[1])
    unexpected = []
    for program in programs:
        name = os.path.basename(program)[:-2]
        known = re.compile(KNOWN.get(name, r"$^"))
        for _ in range(5 if name in RACES else 1):
            output = run(program, suite, runtime)
            lines = re.findall(r"^not ok \d+ -? ?(.*)", output, re.M) if output is not None else ["it takes too long"]
            bad = [line for line in lines if not known.match(line)]
            if not bad:
                break
        print(f"{name}: {len(re.findall('^ok', output or '', re.M))} ok, {len(lines)} not ok, {len(bad)} unexpected")
        unexpected += [f"{name}: {line}" for line in bad]
    print("\n".join(unexpected))
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
