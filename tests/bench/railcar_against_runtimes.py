#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""create + start + delete of a static `true`, by railcar and by the other OCI runtimes that are installed, in turns.

    railcar_against_runtimes.py [COUNT]      default 100 of each

Prints the median and the least wall time, the processor time, the largest resident memory of a `create`, and the size of
the program. The bundle is what all of them take: `runc spec` without its cgroup mount and limits, and the same with the
seccomp filter of a microcontainer. RAILCAR names railcar. crun refuses to run where both versions of cgroups are mounted
("hybrid"): there, all of them run in a mount namespace without version 2.
"""
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

RAILCAR = os.environ["RAILCAR"]
SOURCE = "int main(void) { return 0; }\n"


def make_bundle(folder, with_filter):
    root = os.path.join(folder, "rootfs")
    for name in ("bin", "dev", "proc", "sys", "run", "read", "write"):
        os.makedirs(os.path.join(root, name))
    program = os.path.join(root, "bin", "true")
    subprocess.run(["cc", "-static", "-O2", "-x", "c", "-o", program, "-"], input=SOURCE.encode(), check=True)
    subprocess.run([RAILCAR, "spec", "--bundle", folder, "--", "/bin/true"], check=True)
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    # crun 1.8 knows no umask beside others' ids, and the older ones no user namespace of root's own: plain is fair.
    document["linux"].pop("uidMappings", None)
    document["linux"].pop("gidMappings", None)
    document["linux"]["namespaces"] = [n for n in document["linux"]["namespaces"] if n["type"] not in ("user", "cgroup")]
    if not with_filter:
        document["linux"].pop("seccomp")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)


class Runtime:
    def __init__(self, name, program):
        self.name, self.program = name, program
        self.wall, self.cpu = [], []

    def command(self, state):
        return [self.program, "--root", os.path.join(state, self.name)]

    def cycle(self, bundle, state, number):
        name = "bench-%s-%d" % (self.name, number)
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        for words in (("create", "--bundle", bundle, name), ("start", name), ("delete", "--force", name)):
            # Not to pipes: a created container keeps what it was given.
            done = subprocess.run([*self.command(state), *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, check=False)
            if done.returncode != 0:
                raise RuntimeError("%s %s ended with %d" % (self.name, words[0], done.returncode))
        self.wall.append((time.perf_counter() - start) * 1e3)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3)

    def memory(self, bundle, state):
        """The most that one `create` had, in kB, as time(1) has it: that forks from something small."""
        root = self.command(state)
        with tempfile.NamedTemporaryFile("r") as said:
            subprocess.run(["/usr/bin/time", "-f", "%M", "-o", said.name, *root, "create", "--bundle", bundle, "memory"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            kilobytes = int(said.read())
        subprocess.run([*root, "delete", "--force", "memory"], check=True)
        return kilobytes


def measure(title, count, with_filter):
    runtimes = [Runtime("railcar", RAILCAR)]
    runtimes += [Runtime(name, shutil.which(name)) for name in ("crun", "runc", "runsc") if shutil.which(name)]
    with tempfile.TemporaryDirectory() as folder:
        bundle, state = os.path.join(folder, "bundle"), os.path.join(folder, "state")
        make_bundle(bundle, with_filter)
        for number in range(-2, count):   # the first ones warm caches
            for runtime in list(runtimes):
                try:
                    runtime.cycle(bundle, state, number)
                except RuntimeError as problem:
                    print("  left out: %s" % problem)
                    runtimes.remove(runtime)
        print("%s, %d of each:" % (title, count))
        for runtime in runtimes:
            wall, cpu = runtime.wall[2:], runtime.cpu[2:]
            print("  %-8s median %6.2f ms, least %6.2f ms, processor %6.2f ms, memory of create %6d kB, program %6d kB" % (
                runtime.name, statistics.median(wall), min(wall), statistics.median(cpu),
                runtime.memory(bundle, state), os.stat(runtime.program).st_size // 1024))
        for other in runtimes[1:]:
            print("  railcar/%s: %.2f of the time, %.2f of the processor time" % (
                other.name, statistics.median(runtimes[0].wall[2:]) / statistics.median(other.wall[2:]),
                statistics.median(runtimes[0].cpu[2:]) / statistics.median(other.cpu[2:])))


def main():
    if os.geteuid() != 0:
        print("skipped: only root")
        sys.exit(77)
    unified = "/sys/fs/cgroup/unified"
    if os.path.ismount(unified):
        os.execvp("unshare", ["unshare", "-m", "sh", "-c", 'umount %s; exec "$@"' % unified, "sh", sys.executable,
                              *sys.argv])
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    measure("without a seccomp filter", count, False)
    measure("with a seccomp filter", count, True)


if __name__ == "__main__":
    main()
