// SPDX-License-Identifier: Apache-2.0
//
// What was asked for: a build spec as a plain value, its defaults filled in. docs/spec.md is the reference of the keys;
// specs/smith.schema.json says the same to editors, spec_parse.h reads it, spec_json.h writes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/image_path.h"
#include "builder/output_match.h"

namespace smith::builder {

/// Where in a spec something stands. Lines and columns count from 1; line 0: nowhere in particular.
struct Location {
    std::string file;
    unsigned line = 0;
    unsigned column = 0;

    /// "app.yaml:3:5"; only the file where there is no line.
    [[nodiscard]] std::string str() const;
};

/// A value, and where it stands, so that a later stage can still say which line it is about. Where it stands is not
/// part of what it says: the comparison is of the values alone.
template <typename T>
struct Located {
    T value{};
    Location at{};

    bool operator==(const Located& other) const { return value == other.value; }
};

using LocatedStrings = std::vector<Located<std::string>>;

/// How strictly a spec is read.
enum class Dialect {
    oracle,   ///< no `schema:`: an unknown key, or a path that matches nothing, is a warning
    schema1,  ///< `schema: 1`: they are errors
};

/// What `package` names.
enum class SourceType {
    packages,  ///< RPMs, from repositories or files ("mock" in a spec)
    image,     ///< one OCI or Docker image ("oci"; a fork of Oracle's Smith says "container")
};

/// A yum repository, in the words of dnf.conf(5). Variables such as $releasever are not replaced yet.
struct RepoSpec {
    std::string id;
    std::string name;
    std::vector<std::string> baseurl;  ///< these three: at least one is given
    std::string metalink;
    std::string mirrorlist;
    std::vector<std::string> gpgkey;  ///< URLs, or paths relative to the spec
    bool gpgcheck = true;
    bool repo_gpgcheck = false;
    int priority = 99;  ///< 1 is best
    int cost = 1000;
    bool enabled = true;
    std::vector<std::string> excludepkgs;
    std::vector<std::string> includepkgs;
    bool sslverify = true;
    std::string sslcacert;  ///< files of the build machine, relative to the spec
    std::string sslclientcert;
    std::string sslclientkey;
    std::optional<std::string> proxy;  ///< "": none, whatever the environment says
    bool skip_if_unavailable = false;
    bool module_hotfixes = false;
    std::optional<std::chrono::nanoseconds> max_age;  ///< not of dnf: metadata that is older is refused
    std::optional<std::chrono::nanoseconds> timeout;
    std::optional<int> minrate;  ///< bytes a second
    std::optional<int> retries;  ///< after the first try; 0: without end
    std::optional<std::chrono::nanoseconds> metadata_expire;
    Location at{};

    bool operator==(const RepoSpec& other) const;
};

/// How far to follow libraries that a program opens at run time (the `.note.dlopen` of an ELF file).
enum class DlopenLevel { none, required, recommended, suggested };

struct Features {
    DlopenLevel dlopen = DlopenLevel::recommended;
    bool operator==(const Features&) const = default;
};

/// As in a Docker image configuration. An empty `run` switches off a check that the source image brings.
struct Healthcheck {
    std::vector<std::string> run;
    std::optional<std::chrono::nanoseconds> interval;
    std::optional<std::chrono::nanoseconds> timeout;
    std::optional<std::chrono::nanoseconds> start_period;
    std::optional<int> retries;
    bool operator==(const Healthcheck&) const = default;
};

/// `mock:` of Oracle's Smith. It is kept whole; what is not built yet, the pipeline refuses by `at`.
struct MockSpec {
    std::string config;     ///< a mock configuration, read for its repositories
    std::string pre_build;  ///< commands for the build machine: never run
    std::string post_build;
    LocatedStrings deps;  ///< packages to have before the package
    bool debuginfo = false;
    LocatedStrings debugdeps;
    LocatedStrings debugpaths;
    Location at{};

    bool operator==(const MockSpec& other) const;
};

/// `- run:`, a command in a fresh container of the image, read-only.
struct RunStep {
    std::vector<std::string> run;
    int exit = 0;
    std::optional<OutputMatch> out;  ///< `stdout` (a macro in C)
    std::optional<OutputMatch> err;
    bool operator==(const RunStep&) const = default;
};

struct ReadyTcp {
    std::uint16_t port = 0;
    std::string send;    ///< "": connecting is enough
    std::string expect;  ///< a substring of what comes back
    bool operator==(const ReadyTcp&) const = default;
};

struct ReadyHttp {
    std::string path;                   ///< begins with '/'; any status of 200 to 399 will do
    std::optional<std::uint16_t> port;  ///< left out: the first TCP port of `ports`
    bool operator==(const ReadyHttp&) const = default;
};

struct ReadyLog {
    OutputMatch match;  ///< in standard output or standard error
    bool operator==(const ReadyLog&) const = default;
};

/// `- start: true`, the image's own entrypoint as a service.
struct StartStep {
    /// Left out: it is ready when it still runs after a moment.
    std::optional<std::variant<ReadyTcp, ReadyHttp, ReadyLog>> ready;
    bool operator==(const StartStep&) const = default;
};

struct TestStep {
    std::variant<RunStep, StartStep> what;
    std::chrono::nanoseconds timeout = std::chrono::seconds(30);
    Location at{};

    bool operator==(const TestStep& other) const { return what == other.what && timeout == other.timeout; }
};

struct Spec {
    Dialect dialect = Dialect::oracle;

    // What it is made of.
    SourceType type = SourceType::packages;
    /// NAME, NAME-VERSION, a provide, a file, ./x.rpm; or exactly one image. None: nothing but the overlay.
    LocatedStrings packages;
    std::vector<RepoSpec> repos;
    LocatedStrings repo_files;                   ///< x.repo, relative to the spec
    std::string arch;                            ///< as rpm calls it; "": the host's
    std::string releasever;                      ///< "": not given
    std::optional<bool> weak_dependencies;       ///< not given: see docs/repositories.md
    std::optional<bool> best;                    ///< likewise
    LocatedStrings modules;                      ///< "NAME:STREAM", "NAME" or "-NAME": see docs/spec.md
    std::string module_platform_id;              ///< such as "platform:el9"; "": what the packages say
    std::optional<Located<std::string>> parent;  ///< an image whose layers stay below ours
    MockSpec mock;

    // What is kept of it.
    std::optional<LocatedStrings> paths;  ///< globs as written. Not given: see docs/spec.md; empty: nothing
    LocatedStrings excludes;
    Features features;
    bool nss = false;  ///< as written; accounts.h knows what else implies it

    // How it runs.
    bool root = false;
    Located<std::string> user;  ///< "", or "u[:g]" as written; already checked by accounts.h
    LocatedStrings groups;
    std::set<ImagePath> mounts;                          ///< `mounts` and `volumes` are one
    std::optional<std::vector<std::string>> entrypoint;  ///< not given: what the parent or source image has, if any
    std::optional<std::vector<std::string>> cmd;         ///< likewise
    std::optional<ImagePath> dir;                        ///< likewise
    std::vector<std::string> env;                        ///< "NAME=value", no NAME twice
    std::set<std::string> ports;                         ///< "80", "80/tcp", "53/udp"
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;
    std::string stop_signal;  ///< "SIGTERM", "SIGRTMIN+3" or a number; "": not given
    std::optional<Healthcheck> healthcheck;

    std::vector<TestStep> tests;

    bool operator==(const Spec&) const = default;
};

}  // namespace smith::builder
