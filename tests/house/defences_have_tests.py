#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every test that docs/hostile-inputs.md names is there: test cases and steps by their titles, scripts and fuzz targets by
their files. A defence whose test was renamed, or is gone, would otherwise be a claim.

    defences_have_tests.py SOURCE
"""
import pathlib
import re
import sys


def without_notes(title):
    """A title less what stands in brackets at its end: "(CVE-2021-30465)"."""
    return re.sub(r" \([^()]*\)$", "", title)


def titles_of(text):
    joined = re.sub(r'"\s*\n\s*"', "", text)
    found = re.findall(r'(?:TEST_CASE|SECTION|step)\(\s*"((?:[^"\\]|\\.)*)"', joined)
    # Tests of railcar are functions whose first line says what they show.
    found += re.findall(r'def test_\w+\(\w*\):\s+"""([^"\n]*)', text)
    return {without_notes(title.replace('\\"', '"')) for title in found}


def missing(tests, line):
    """What the last column of a row names and tests/ has not."""
    column = line.strip().rstrip("|").split("|")[-1]
    column = re.sub(r"fuzz (`[a-z_]+`(?:(?:, | and )`[a-z_]+`)*)", "", column)
    for title in re.findall(r'"([^"]+)"', column):
        begins = title.endswith("...")
        wanted = without_notes(title.removesuffix("..."))
        if not any(known.startswith(wanted) if begins else known == wanted for known in tests["titles"]):
            yield "no test is called " + repr(title)
    for name in re.findall(r"`([\w/]+\.(?:py|cc))`", column):
        if pathlib.PurePath(name).name not in tests["files"]:
            yield "there is no " + name
    for name in re.findall(r"`(test_\w+)`", column):
        if name not in tests["functions"]:
            yield "there is no function " + name
    for targets in re.findall(r"fuzz (`[a-z_]+`(?:(?:, | and )`[a-z_]+`)*)", line):
        for target in re.findall(r"`([a-z_]+)`", targets):
            if target + ".cc" not in tests["files"]:
                yield "there is no fuzz target " + target


def main():
    root = pathlib.Path(sys.argv[1])
    files = [path for path in (root / "tests").rglob("*") if path.suffix in (".cc", ".py")]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in files]
    tests = {
        "titles": set().union(*(titles_of(text) for text in texts)),
        "files": {path.name for path in files},
        "functions": {name for text in texts for name in re.findall(r"def (test_\w+)\(", text)},
    }
    rows, problems = 0, []
    document = root / "docs" / "hostile-inputs.md"
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("| ") or line.startswith("| attack"):
            continue
        rows += 1
        problems += ["%s:%d: %s" % (document.name, number, what) for what in missing(tests, line)]
    for problem in problems:
        print(problem)
    print("%d rows" % rows)
    sys.exit(1 if problems or rows < 50 else 0)


if __name__ == "__main__":
    main()
