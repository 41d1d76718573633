#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bash completes commands, and the options of the command at hand."""
import os
import subprocess

from cli import SMITH, SOURCE, environment, step

ASK = """
source "$COMPLETION"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_smith
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(*words):
    env = environment(COMPLETION=os.path.join(SOURCE, "tools", "smith", "completion.bash"),
                      PATH=os.path.dirname(SMITH) + ":" + os.environ["PATH"])
    done = subprocess.run(["bash", "-c", ASK, "bash", *words], env=env, stdout=subprocess.PIPE, timeout=60, check=True)
    return done.stdout.decode().split()


def main():
    step("commands")
    assert {"build", "lock", "why", "help"} <= set(completed("smith", "")), completed("smith", "")
    assert completed("smith", "insp") == ["inspect"]
    assert completed("smith", "why-") == ["why-package"]
    step("options, of the command at hand only")
    assert set(completed("smith", "build", "app.yaml", "--lock")) == {"--lock", "--locked"}
    assert completed("smith", "-q", "run", "--netw") == ["--network"]
    assert completed("smith", "build", "--netw") == []
    step("nothing behind --")
    assert completed("smith", "run", "oci:x", "--", "--netw") == []


if __name__ == "__main__":
    main()
