#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Feeds the parser of specs and the JSON Schema of specs the same documents, valid and not: they must agree.

    schema_agrees.py SPEC_CHECK SCHEMA DIRECTORY...

Documents that YAML itself refuses, and rules across keys that a schema can't tell, are in tests/invalid/spec instead.
Also: both know the same keys, and docs/spec.md names each.
"""
import json
import pathlib
import re
import subprocess
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}; Debian has it in python3-jsonschema and python3-yaml")
    sys.exit(77)

BOOLEANS = "true|True|TRUE|false|False|FALSE"
OLD_BOOLEANS = BOOLEANS + "|yes|Yes|YES|y|Y|no|No|NO|n|N|on|On|ON|off|Off|OFF"


def loader_for(text):
    """YAML as our parser sees it: 1.2's types, and 1.1's booleans too for a spec in the dialect of Oracle's Smith."""

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {}

    booleans = BOOLEANS if re.search(r"^schema:", text, re.M) else OLD_BOOLEANS
    for tag, pattern in (
        ("bool", booleans),
        ("int", "0|-?[1-9][0-9]*"),
        ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+"),
        ("null", "~|null|Null|NULL|"),
        ("merge", "<<"),
    ):
        Loader.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile(f"^(?:{pattern})$"), None)
    Loader.add_constructor("tag:yaml.org,2002:bool", lambda loader, node: node.value[0] in "tTyY" or node.value in ("on", "On", "ON"))
    return Loader


def with_text_keys(value):
    """Keys are text to us, whatever they look like; JSON knows no others."""
    if isinstance(value, dict):
        return {k if isinstance(k, str) else json.dumps(k): with_text_keys(v) for k, v in value.items()}
    if isinstance(value, list):
        return [with_text_keys(v) for v in value]
    return value


def schema_says(validator, text):
    document = with_text_keys(yaml.load(text, loader_for(text)))
    return [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(document)]


def disagreements(check, validator, directories):
    for spec in sorted(p for d in directories for p in pathlib.Path(d).rglob("*.yaml")):
        problems = schema_says(validator, spec.read_text(encoding="utf-8"))
        run = subprocess.run([check, str(spec)], capture_output=True, text=True)
        if (run.returncode == 0) != (not problems):
            yield f"{spec}: the parser says {run.stderr or 'it is fine'!r}, the schema says {problems or 'it is fine'}"
        should = spec.parent.name != "invalid"
        if (run.returncode == 0) != should:
            yield f"{spec}: expected {'a' if should else 'no'} spec, the parser says {run.stderr!r}"
        if run.returncode == 0:
            yield from (f"{spec}: its canonical JSON: {p}" for p in schema_says(validator, run.stdout))


def keys_in_table(source, table):
    """The keys in the C++ table `table`."""
    body = re.search(re.escape(table) + r"\{\{(.*?)\n\}\};", source, re.S).group(1)
    return set(re.findall(r'^    \{"([^"]+)",', body, re.M))


def key_differences(schema, root):
    tables = {
        ("builder/spec_parse.cc", "kTopKeys"): schema["properties"],
        ("builder/spec_repos.cc", "kRepoKeys"): schema["$defs"]["repo"]["properties"],
        ("builder/spec_parts.cc", "kMockKeys"): schema["$defs"]["mock"]["properties"],
        ("builder/spec_parts.cc", "kHealthcheckKeys"): schema["$defs"]["healthcheck"]["properties"],
        ("builder/spec_parts.cc", "kFeatureKeys"): schema["$defs"]["features"]["properties"],
    }
    reference = (root / "docs/spec.md").read_text(encoding="utf-8")
    for (file, table), properties in tables.items():
        ours = keys_in_table((root / file).read_text(encoding="utf-8"), table)
        if ours != set(properties):
            yield f"{file}: {table} and the schema differ in {sorted(ours ^ set(properties))}"
        yield from (f"docs/spec.md doesn't name `{key}` of {table}" for key in sorted(ours) if f"`{key}`" not in reference)
    strict = next(rule["propertyNames"]["enum"] for rule in schema["then"]["allOf"] if "propertyNames" in rule)
    if set(strict) != set(schema["properties"]):
        yield f"the schema's own list of keys differs in {sorted(set(strict) ^ set(schema['properties']))}"


def main():
    check, schema_file, *directories = sys.argv[1:]
    root = pathlib.Path(__file__).resolve().parents[2]
    schema = json.loads(pathlib.Path(schema_file).read_text(encoding="utf-8"))
    if not hasattr(jsonschema, "Draft202012Validator"):
        print(f"skipped: jsonschema {jsonschema.__version__} doesn't know draft 2020-12")
        return 77
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    found = [*disagreements(check, validator, directories), *key_differences(schema, root)]
    print("\n".join(found) if found else "the parser and the schema agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
