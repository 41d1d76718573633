#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A library in a directory that only /etc/ld.so.conf names is loaded by the image's own ld.so, which never reads that file.

No ldconfig runs in a build: smith writes the cache. That it is needed is seen by taking it away.
"""
import os

from e2e import TEST_FAILED, Layout, build, need_tools, repo_file, run, scratch, smith, step, write

SPEC = """\
schema: 1
package: coreutils
paths: [/usr/bin/true]
entrypoint: [/app]
test:
  - run: [/app]
    stdout: "from the library"
"""


def main():
    need_tools("cc")
    with scratch() as folder:
        rootfs = os.path.join(folder, "rootfs")
        write(os.path.join(rootfs, "etc", "ld.so.conf"), "include /etc/ld.so.conf.d/*.conf\n")
        write(os.path.join(rootfs, "etc", "ld.so.conf.d", "app.conf"), "/opt/app/lib\n")
        os.makedirs(os.path.join(rootfs, "opt", "app", "lib"))
        library = os.path.join(rootfs, "opt", "app", "lib", "libapp.so.1")
        source = write(os.path.join(folder, "lib.c"), 'const char *words(void) { return "from the library"; }\n')
        run(["cc", "-shared", "-fPIC", "-Wl,-soname,libapp.so.1", "-o", library, source])
        source = write(os.path.join(folder, "app.c"), '''#include <stdio.h>
const char *words(void);
int main(void) { return puts(words()) < 0; }
''')
        run(["cc", "-o", os.path.join(rootfs, "app"), source, library])
        app = write(os.path.join(folder, "app.yaml"), SPEC)

        step("the build's own test runs it")
        image = os.path.join(folder, "image")
        build(app, image)
        assert "etc/ld.so.cache" in Layout(image).files(), Layout(image).files()

        step("and without the cache it would not have")
        write(os.path.join(rootfs, "etc", "ld.so.cache"), "")
        result = smith("build", app, "--repo-file", repo_file(), "-o", "oci:" + image + "2", "--lock", image + "2.lock",
                       "--cache-dir", os.path.join(folder, "cache"), status=TEST_FAILED)
        assert "libapp.so.1: cannot open shared object file" in result.err, result
        assert "does not list" in result.err, result


main()
