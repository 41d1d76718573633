#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps the rule of who may include whom (docs/architecture.md).

Reads every #include "..." of the tree. A module may include itself and what stands behind it in ALLOWED; nothing else.
Also: C libraries that only some files may know are included by nobody else.

    include_rule.py SOURCE_ROOT        exit 0: kept; 1: each breach on a line
    include_rule.py --self-test        proves that breaches are found
"""
import pathlib
import posixpath
import re
import sys

MODULES = {
    "base": set(),
    "resolver": {"base"},
    "ocilayout": {"base"},
    "runtime": {"base"},
    "builder/elf": {"base"},
    "builder": {"base", "resolver", "ocilayout", "runtime", "builder/elf"},
    "tools": {"base", "resolver", "ocilayout", "runtime", "builder/elf", "builder"},
    "tests": {"base", "resolver", "ocilayout", "runtime", "builder/elf", "builder", "tools"},
}

# A C library's header -> the places that may include it. The rest of the code never sees a `free`.
FENCED = {
    r"solv/": ["resolver/"],
    r"rpm/": ["resolver/"],
    r"curl/": ["base/http", "base/curl_on_demand"],
    r"yaml-cpp/": ["builder/"],
    r"yaml\.h": ["resolver/yaml_stream"],
    r"seccomp\.h": ["runtime/"],
    r"CLI/": ["tools/"],
    r"libdeflate\.h": ["ocilayout/"],
    r"archive(_entry)?\.h": ["base/"],
    r"libpsl\.h": ["ocilayout/registry/"],
    r"openssl/": ["base/"],
    r"sodium\.h": ["base/"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)


def module_of(path):
    """The longest module name that `path` (relative, with '/') begins with; None for none."""
    found = [m for m in MODULES if path.startswith(m + "/")]
    return max(found, key=len) if found else None


def breaches(path, text):
    module = module_of(path)
    for own, foreign in INCLUDE.findall(text):
        # <builder/spec.h> finds our file, too.
        if own or module_of(posixpath.normpath(foreign)):
            own = own or foreign
            target = module_of(own) if posixpath.normpath(own) == own else None
            if target is None:
                yield f'{path}: "{own}" is not named from the top of the tree'
            elif module is not None and target != module and target not in MODULES[module]:
                yield f'{path}: {module} may not include {target} ("{own}")'
        else:
            for header, places in FENCED.items():
                # Tests may look at a library's own view of what we wrote.
                if re.match(header, foreign) and not path.startswith(tuple(places) + ("tests/",)):
                    yield f"{path}: <{foreign}> is only for {', '.join(places)}"


def self_test():
    assert list(breaches("resolver/a.cc", '#include "ocilayout/layer.h"\n'))
    assert list(breaches("base/a.h", '#  include "resolver/lock.h"\n'))
    assert list(breaches("builder/elf/a.cc", '#include "builder/spec.h"\n'))
    assert list(breaches("runtime/a.cc", '#include "builder/spec.h"\n'))
    assert list(breaches("builder/a.cc", "#include <rpm/rpmlib.h>\n"))
    assert list(breaches("builder/a.cc", '#include "spec.h"\n'))
    assert list(breaches("runtime/a.cc", "#include <builder/spec.h>\n"))
    assert list(breaches("runtime/a.cc", '#include "base/../builder/spec.h"\n'))
    assert not list(breaches("builder/a.cc", '#include "builder/elf/closure.h"\n#include "resolver/lock.h"\n'))
    assert not list(breaches("resolver/rpm_package.cc", "#include <rpm/rpmlib.h>\n#include <string>\n"))


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
        return 0
    root = pathlib.Path(sys.argv[1])
    files = [p for top in {m.split("/")[0] for m in MODULES}
             for p in (root / top).rglob("*") if p.suffix in (".h", ".cc")]
    if len(files) < 10:
        print(f"only {len(files)} source files below {root}: wrong folder?")
        return 1
    found = [b for p in sorted(files)
             for b in breaches(p.relative_to(root).as_posix(), p.read_text(encoding="utf-8"))]
    print("\n".join(found) if found else f"{len(files)} files keep the rule")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
