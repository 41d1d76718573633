#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libcurl, with the thirty libraries that it brings, is loaded when something comes over the network, and not before."""
import os
import re
import shutil

from e2e import FAILED, FIXTURE, SMITH, build_args, need_tools, repo_file, run, scratch, serve, spec, step, write


def loaded(folder, *args):
    """What ld.so looked at for `smith ARGS`."""
    log = os.path.join(folder, "log")
    os.mkdir(log)
    run([SMITH, *args], env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": os.path.join(log, "files")})
    text = ""
    for name in os.listdir(log):
        with open(os.path.join(log, name), encoding="utf-8", errors="replace") as file:
            text += file.read()
    shutil.rmtree(log)
    names = set(re.findall(r"file=(\S+)", text))
    assert "libc.so.6" in names, text[:2000]
    return names


def main():
    need_tools("objcopy")
    with scratch() as folder:
        to = os.path.join(folder, "image")
        local = build_args(spec("cat"), to, "--no-test")
        for what, args in {"smith --version": ["--version"], "a build from this machine": local,
                           "the same again": local, "smith inspect": ["inspect", "oci:" + to]}.items():
            step(what + ": not needed")
            assert "libcurl.so.4" not in loaded(folder, *args), what

        with serve(FIXTURE) as url:
            text = open(repo_file(), encoding="utf-8").read().replace("file://" + FIXTURE, url)
            served = write(os.path.join(folder, "served.repo"), text)
            remote = build_args(spec("cat"), os.path.join(folder, "remote"), "--no-test", repos=served,
                                cache=os.path.join(folder, "other"))
            step("a build over the network: needed")
            names = loaded(folder, *remote)
            assert "libcurl.so.4" in names, names

            step("without it, that is what the error says")
            shutil.rmtree(os.path.join(folder, "other"))
            broken = write(os.path.join(folder, "lib", "libcurl.so.4"), "no library\n")
            failed = run([SMITH, *remote], status=FAILED, env={"LD_LIBRARY_PATH": os.path.dirname(broken)})
            assert "reached by libcurl, which can't be loaded: " in failed.err and broken in failed.err, failed

        step("the program's note says what it opens")
        note = os.path.join(folder, "note")
        run(["objcopy", "-O", "binary", "--set-section-flags", ".note.dlopen=alloc", "--only-section=.note.dlopen", SMITH,
             note])
        assert b'"soname":["libcurl.so.4"]' in open(note, "rb").read()


if __name__ == "__main__":
    main()
