# SPDX-License-Identifier: Apache-2.0
"""Repositories with modules, for solves_as_dnf_does.py: what streams hide, which are active, and what they require of
each other."""


def stream(name, stream_name, version, artifacts, requires=None, context="c0", profiles=None, more=""):
    """A modulemd document. `requires`: {module: [streams]}."""
    lines = ["---", "document: modulemd", "version: 2", "data:", "  name: " + name, '  stream: "%s"' % stream_name,
             "  version: %d" % version, "  context: " + context, "  arch: x86_64", "  summary: a module",
             "  description: >-", "    A module.", "  license:", "    module: [MIT]"]
    lines += ["  dependencies:", "  - requires:"]
    lines += ["      %s: [%s]" % (module, ", ".join('"%s"' % s for s in streams))
              for module, streams in dict({"platform": ["el9"]}, **(requires or {})).items()]
    if profiles:
        lines.append("  profiles:")
        for profile, packages in profiles.items():
            lines += ["    %s:" % profile, "      rpms: [%s]" % ", ".join(packages)]
    if more:
        lines.append(more)
    lines += ["  artifacts:", "    rpms:"] + ["    - " + a for a in artifacts] + ["...", ""]
    return "\n".join(lines)


def defaults(module, stream_name, profiles=None, modified=202001010000):
    lines = ["---", "document: modulemd-defaults", "version: 1", "data:", "  module: " + module,
             "  modified: %d" % modified]
    if stream_name:
        lines.append('  stream: "%s"' % stream_name)
    if profiles:
        lines.append("  profiles:")
        lines += ['    "%s": [%s]' % (s, ", ".join(names)) for s, names in profiles.items()]
    return "\n".join(lines + ["...", ""])


PACKAGES = """
release-9-1.noarch
  Provides: system-release, base-module(platform:el9)
nodejs-1:16.1-1.x86_64
nodejs-1:18.1-1.x86_64
nodejs-1:18.2-1.x86_64
nodejs-1:18.3-1.x86_64
nodejs-99-1.x86_64
npm-1:8.0-1.x86_64
  Requires: nodejs
npm-1:9.0-1.x86_64
  Requires: nodejs
fake-node-1-1.noarch
  Provides: nodejs = 100
node-user-1-1.noarch
  Requires: nodejs
postgresql-10.1-1.x86_64
postgresql-12.1-1.x86_64
postgresql-11-1.x86_64
postgresql-client-7-1.noarch
  Provides: postgresql
perl-5.26-1.x86_64
perl-5.30-1.x86_64
perl-DBI-1.6-1.526.x86_64
  Requires: perl = 5.26
perl-DBI-1.6-1.530.x86_64
  Requires: perl = 5.30
old-style-1-1.x86_64
old-style-2-1.x86_64
old-extra-1-1.x86_64
old-extra-3-1.noarch
ruby-2.7-1.x86_64
ruby-3.0-1.x86_64
ruby-1-1.x86_64
framework-1-1.x86_64
  Requires: nodejs >= 1:18
either-1-1.noarch
  Requires: nodejs
avoids-1-1.noarch
latest-1-1.noarch
latest-2-1.noarch
orphan-1-1.noarch
orphan-2-1.noarch
contested-1-1.noarch
contested-2-1.noarch
contested-3-1.noarch
plain-1-1.noarch
static-1-1.noarch
static-2-1.noarch
source-only-1-1.noarch
"""

NODE_PROFILES = {"common": ["nodejs", "npm"], "minimal": ["nodejs"], "odd": ["nodejs", "plain"],
                 "broken": ["nodejs", "nobody-has-this"]}
MODULES = "".join([
    stream("nodejs", "16", 1, ["nodejs-1:16.1-1.x86_64", "npm-1:8.0-1.x86_64"], profiles=NODE_PROFILES),
    stream("nodejs", "18", 1, ["nodejs-1:18.1-1.x86_64", "npm-1:9.0-1.x86_64"], profiles=NODE_PROFILES),
    stream("nodejs", "18", 2, ["nodejs-1:18.2-1.x86_64", "nodejs-1:18.2-1.src"], profiles=NODE_PROFILES),
    defaults("nodejs", "16", {"16": ["common"], "18": ["common", "odd"]}),
    stream("postgresql", "10", 1, ["postgresql-0:10.1-1.x86_64"], profiles={"server": ["postgresql"]}),
    stream("postgresql", "12", 1, ["postgresql-0:12.1-1.x86_64"], profiles={"server": ["postgresql"]}),
    stream("perl", "5.26", 1, ["perl-0:5.26-1.x86_64"]),
    stream("perl", "5.30", 1, ["perl-0:5.30-1.x86_64"]),
    defaults("perl", "5.26"),
    stream("perl-DBI", "1.6", 1, ["perl-DBI-0:1.6-1.526.x86_64"], {"perl": ["5.26"]}, context="c526"),
    stream("perl-DBI", "1.6", 1, ["perl-DBI-0:1.6-1.530.x86_64"], {"perl": ["5.30"]}, context="c530"),
    defaults("perl-DBI", "1.6"),
    stream("old", "1", 1, ["old-style-0:1-1.x86_64", "old-extra-0:1-1.x86_64"],
           more="  demodularized:\n    rpms: [old-extra]"),
    defaults("old", "1"),
    stream("ruby", "2.7", 1, ["ruby-0:2.7-1.x86_64"], {"platform": ["el8"]}),
    stream("ruby", "3.0", 1, ["ruby-0:3.0-1.x86_64"]),
    defaults("ruby", "2.7"),
    stream("framework", "1", 1, ["framework-0:1-1.x86_64"], {"nodejs": ["18"]}, profiles={"all": ["framework"]}),
    stream("either", "1", 1, ["either-0:1-1.noarch"], {"nodejs": ["16", "18"]}),
    stream("avoids", "1", 1, ["avoids-0:1-1.noarch"], {"nodejs": ["-16"]}),
    stream("latest", "1", 1, ["latest-0:1-1.noarch"]),
    stream("latest", "1", 2, ["latest-0:2-1.noarch"], {"missing": ["1"]}),
    stream("orphan", "1", 1, ["orphan-0:1-1.noarch"], {"missing": ["1"]}),
    stream("contested", "1", 1, ["contested-0:1-1.noarch"]),
    stream("contested", "2", 1, ["contested-0:2-1.noarch"]),
    stream("static", "1", 1, ["static-0:1-1.noarch"], {"perl": ["5.26"]}, context="one", more="  static_context: true"),
    stream("static", "1", 1, ["static-0:2-1.noarch"], {"perl": ["5.30"]}, context="two", more="  static_context: true"),
    defaults("static", "1"),
    stream("sources", "1", 1, ["source-only-0:1-1.src"]),
    defaults("sources", "1"),
    "---\ndocument: modulemd-obsoletes\nversion: 1\ndata:\n  modified: 2020-05-01T00:00Z\n  module: nodejs\n"
    "  stream: \"18\"\n  message: \"gone\"\n  obsoleted_by:\n    module: nodejs\n    stream: \"16\"\n...\n",
])
NAMES = sorted({line.rsplit("-", 2)[0] for line in PACKAGES.split("\n") if line and not line.startswith(" ")})

CONTESTED = [("left", "", "left-1-1.noarch\n", None, defaults("contested", "1")),
             ("right", "", "right-1-1.noarch\n", None,
              defaults("contested", "2") + defaults("nodejs", "18", {"16": ["minimal"]}, modified=202201010000))]

REQUESTS = NAMES + [
    "nodejs-16.1", "nodejs-18.2", "nodejs-99", "nodejs >= 1:18", "node-user + npm", "perl-DBI + perl", "postgresql-12.1",
    "@nodejs", "@nodejs:16", "@nodejs:16/minimal", "@nodejs/minimal", "@nodejs/odd", "@nodejs/broken", "@nodejs/none",
    "@nodejs:20", "@nodejs:18", "@nodejs:18/minimal", "@nodejs:18/odd", "@framework:1/all", "@nodejs:18 + nodejs",
    "@nodejs:16 + @nodejs:18", "@nodejs + node-user", "@postgresql:10/server", "@postgresql", "@postgresql:12", "@postgresql:12/server", "@postgresql/server", "@perl", "@nothing",
    "fake-node + plain", ("weak", "npm"), ("nobest", "nodejs-99"), "*",
]
ENABLED = {"18": ["nodejs:18"], "16": ["nodejs:16"], "10": ["postgresql:10"], "530": ["perl:5.30"],
           "both": ["nodejs:18", "postgresql:12"], "ruby 3": ["ruby:3.0"], "either": ["either:1"],
           "avoids and 18": ["avoids:1", "nodejs:18"], "framework and 18": ["framework:1", "nodejs:18"],
           "by name": ["either"], "latest": ["latest:1"], "orphan": ["orphan:1"], "no such": ["nodejs:99"],
           "el8": ["ruby:2.7"], "two of one": ["nodejs:16", "nodejs:18"], "avoids and 16": ["avoids:1", "nodejs:16"],
           "contested 3": ["contested"], "none named": ["postgresql"], "dbi": ["perl-DBI:1.6", "perl:5.30"],
           "static": ["static:1", "perl:5.30"], "no node": ["-nodejs"], "no perl": ["-perl", "nodejs:18"],
           "framework, no node": ["framework:1", "-nodejs"], "no such to be off": ["-nothing"]}


def worlds():
    main = ("modular", "", PACKAGES, None, MODULES)
    hotfix = ("hotfix", "module_hotfixes=1", "nodejs-2:20-1.x86_64\nperl-6-1.x86_64\n")
    other = ("other", "", "nodejs-2:20-1.x86_64\nperl-6-1.x86_64\n")
    out = {"modules": ([main], REQUESTS), "modules, a hotfix": ([main, hotfix], NAMES),
           "modules, another repository": ([main, other], NAMES),
           "modules, contested": ([main] + CONTESTED, NAMES + ["@nodejs"])}
    for name, modules in ENABLED.items():
        out["modules, " + name] = ([main], NAMES, {"modules": modules})
    out["modules of el8"] = ([main], NAMES, {"platform": "platform:el8"})
    unknown = ("modular", "", PACKAGES.replace("Provides: system-release", "Provides: nothing"), None, MODULES)
    out["modules of who knows what"] = ([unknown], NAMES)
    return out
