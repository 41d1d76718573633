#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The manual page has every command, and every option that --help shows; --help has no other."""
import os
import re

from cli import SOURCE, scratch, smith, step

OPTION = re.compile(r"^ {2,6}((?:-\w, )?--[a-z-]+)", re.M)


def options_of_help(command):
    text = smith(*command, "--help").out
    return {name for found in OPTION.findall(text) for name in found.split(", ")}


def main():
    with open(os.path.join(SOURCE, "docs", "man", "smith.1"), encoding="utf-8") as file:
        page = file.read().replace("\\-", "-")
    in_page = set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", re.sub(r"\\f.", " ", page)))
    with scratch():
        commands = re.findall(r"^  ([a-z][a-z-]*)  ", smith("--help").out, re.M)
        assert "build" in commands and "why" in commands, commands
        shown = set()
        for command in [[], *([name] for name in commands if name != "help")]:
            step("smith " + " ".join(command))
            if command:
                assert ".SS smith " + command[0] in page, "no section about it"
            options = options_of_help(command)
            assert "--help" in options, options
            missing = options - in_page
            assert not missing, "not in the manual page: %s" % missing
            shown |= options
        step("nothing in the page that is not there")
        invented = {o for o in in_page if o.startswith("--")} - shown
        assert not invented, invented


if __name__ == "__main__":
    main()
