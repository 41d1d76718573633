// SPDX-License-Identifier: Apache-2.0
//
// Modules: how they are read, which streams are active, what that hides. What dnf makes of the same ones is compared in
// tests/dnf/module_worlds.py.
#include "resolver/modules.h"

#include <catch2/catch.hpp>

#include "resolver/module_choice.h"
#include "resolver/solve_pool.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;

namespace {

template <typename Body>
void with_yaml(std::string_view yaml, Body&& body) {
    const test::TempDir folder;
    test::write(folder / "modules.yaml", yaml);
    RepomdRecord record;
    record.location = "modules.yaml";
    MetadataStream stream(folder / "modules.yaml", record, MetadataText::yaml);
    body(stream);
}

Modules modules_of(std::string_view yaml) {
    Modules out;
    with_yaml(yaml, [&](MetadataStream& stream) { read_modules(stream, out); });
    return out;
}

std::string refused(std::string_view yaml) {
    const Error error = test::error_of([&] { static_cast<void>(modules_of(yaml)); });
    CHECK(error.kind() == ErrorKind::format);
    return error.message();
}

std::string stream(const std::string& name, const std::string& name_of_stream, const std::string& more = "") {
    return "---\ndocument: modulemd\nversion: 2\ndata:\n  name: " + name + "\n  stream: \"" + name_of_stream +
           "\"\n  version: 1\n  arch: noarch\n" + more + "...\n";
}

std::string defaults(const std::string& name, const std::string& name_of_stream, int modified = 1) {
    return "---\ndocument: modulemd-defaults\nversion: 1\ndata:\n  module: " + name + "\n  stream: \"" +
           name_of_stream + "\"\n  modified: " + std::to_string(modified) + "\n...\n";
}

/// "app:1 lib:2"
std::string active(const std::string& yaml, const ModuleRequest& request, Reporter& reporter = silent_reporter()) {
    const Modules modules = modules_of(yaml);
    const ModuleChoice choice = choose_modules(modules, request, reporter);
    std::string out;
    for (std::size_t i = 0; i < choice.active.size(); ++i) {
        if (choice.active[i]) out += (out.empty() ? "" : " ") + modules.streams[i].name_stream();
    }
    return out;
}
std::string active(const std::string& yaml, std::vector<std::string> specs) {
    return active(yaml, ModuleRequest{std::move(specs), {}, "platform:el9", "x86_64"});
}

std::string impossible(const std::string& yaml, std::vector<std::string> specs, const std::string& platform = "") {
    const Error error = test::error_of([&] {
        static_cast<void>(active(yaml, ModuleRequest{std::move(specs), {}, platform, "x86_64"}));
    });
    CHECK(error.kind() == ErrorKind::resolve);
    return error.message();
}

const std::string kNode = stream("nodejs", "16", "  artifacts:\n    rpms: [app-0:1.9-1.x86_64]\n") +
                          stream("nodejs", "18", "  artifacts:\n    rpms: [app-0:1.10-1.x86_64]\n") +
                          defaults("nodejs", "16");

}  // namespace

TEST_CASE("a stream is read with all that decides about packages, in both versions of the format", "[modules]") {
    const Modules modules = modules_of(stream("perl", "5.30", R"(  context: 1a2b
  static_context: true
  summary: unknown keys
  dependencies:
  - buildrequires: {platform: [f1]}
    requires: {platform: [el9, -el8], python: []}
  profiles: {common: {rpms: [perl]}, empty: {}}
  demodularized: {rpms: [old]}
  artifacts: {rpms: ["perl-0:5.30-1.noarch"]}
  api:
)") + "---\ndocument: modulemd\nversion: 1\ndata: {name: a, stream: 1.0, dependencies: {requires: {b: x}}}\n"
      "---\ndocument: modulemd-translations\nversion: 1\ndata: {module: a}\n"
      "---\ndocument: modulemd\nversion: 99\ndata: {}\n");
    REQUIRE(modules.streams.size() == 2);
    const ModuleStream& perl = modules.streams[0];
    CHECK(perl.name_stream() == "perl:5.30");
    CHECK((perl.context == "1a2b" && perl.has_static_context && perl.version == 1 && perl.arch == "noarch"));
    CHECK(perl.requirements == std::vector<ModuleRequirement>{{"platform", {"el9", "-el8"}}, {"python", {}}});
    CHECK(perl.profiles == std::vector<ModuleProfile>{{"common", {"perl"}}, {"empty", {}}});
    CHECK(perl.demodularized == std::set<std::string>{"old"});
    CHECK(perl.artifacts == std::vector<std::string>{"perl-0:5.30-1.noarch"});
    CHECK(modules.streams[1].name_stream() == "a:1.0");
    CHECK(modules.streams[1].requirements == std::vector<ModuleRequirement>{{"b", {"x"}}});
}

TEST_CASE("of two defaults the newer one counts, and two of one time that differ are none", "[modules]") {
    CHECK(modules_of(defaults("a", "1", 1) + defaults("a", "2", 2)).default_stream("a") == "2");
    CHECK(modules_of(defaults("a", "1", 2) + defaults("a", "2", 1)).default_stream("a") == "1");
    CHECK(modules_of(defaults("a", "1") + defaults("a", "1")).default_stream("a") == "1");
    CHECK(modules_of(defaults("a", "1") + defaults("a", "2")).default_stream("a").empty());
    CHECK(modules_of(defaults("a", "1") + defaults("a", "2") + defaults("a", "1", 9)).default_stream("a").empty());
    CHECK(modules_of("").default_stream("a").empty());
}

TEST_CASE("modules of absurd shape are refused", "[modules]") {
    CHECK(test::contains(refused(stream("a", "")), "it has no 'stream'"));
    CHECK(test::contains(refused("- a list\n"), "document 1: it is not a map"));
    CHECK(test::contains(refused("document: modulemd\nversion: 2\n"), "it has no 'data'"));
    CHECK(test::contains(refused(stream("a", "1", "  artifacts: [x]\n")), "'artifacts' is not a map"));
    CHECK(test::contains(refused(stream("a", "1", "  artifacts: {rpms: [[x]]}\n")), "not a text"));
    CHECK(test::contains(refused(stream("a", "1", "  dependencies: [x]\n")), "not a map"));
    CHECK(test::contains(refused("document: modulemd\nversion: -1\n"), "not a number"));
    CHECK(test::contains(refused("a: [b\n"), "line 2"));
    CHECK(test::contains(refused("? [a]\n: b\n"), "a key is not a plain text"));
    CHECK(test::contains(refused(std::string(100, '[')), "it is nested too deep"));
}

TEST_CASE("a few lines of YAML that stand for gigabytes are refused", "[modules]") {
    CHECK(test::contains(refused("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"), "it has an alias"));
    std::string many = "a: [";
    for (int i = 0; i < 600'000; ++i) many += "x,";
    CHECK(test::contains(refused(many + "]"), "too many parts"));
}

TEST_CASE("default streams are active, and those that are asked for in their place", "[modules]") {
    CHECK(active(kNode, std::vector<std::string>{}) == "nodejs:16");
    CHECK(active(kNode, {"nodejs:18"}) == "nodejs:18");
    CHECK(active(kNode, {"nodejs"}) == "nodejs:16");
    CHECK(active(kNode, {"-nodejs"}).empty());
    CHECK(active(stream("only", "3"), {"only"}) == "only:3");
    CHECK(active(stream("only", "3"), std::vector<std::string>{}).empty());
}

TEST_CASE("a machine's own choice gives way to the spec's, and is left out where it cannot be", "[modules]") {
    const auto with_preset = [](std::vector<std::string> specs, std::vector<std::string> preset) {
        return active(kNode, ModuleRequest{std::move(specs), std::move(preset), "", "x86_64"});
    };
    CHECK(with_preset({}, {"nodejs:18"}) == "nodejs:18");
    CHECK(with_preset({"nodejs:16"}, {"nodejs:18"}) == "nodejs:16");
    CHECK(with_preset({"nodejs:16"}, {"-nodejs"}) == "nodejs:16");
    CHECK(with_preset({}, {"-nodejs"}).empty());
    CHECK(with_preset({}, {"nodejs:99", "php:8", "-perl"}) == "nodejs:16");
}

TEST_CASE("what a stream requires is active with it", "[modules]") {
    const std::string app = stream("app", "1", "  dependencies: [{requires: {nodejs: [\"18\"], platform: [el9]}}]\n");
    CHECK(active(kNode + app, {"app:1"}) == "nodejs:18 app:1");
    CHECK(active(kNode + app + stream("x", "1"), {"app:1", "x"}) == "nodejs:18 app:1 x:1");
}

TEST_CASE("a module that cannot be had is refused with every reason, a default one left out with a warning",
          "[modules]") {
    const std::string app = stream("app", "1", "  dependencies: [{requires: {nodejs: [\"18\"], platform: [el8]}}]\n");
    CHECK(test::contains(impossible(kNode + app, {"app:1"}, "platform:el9"),
                         "nothing provides module(platform:el8) needed by app:1"));
    CHECK(test::contains(impossible(kNode + app, {"app:1"}), "say module-platform-id"));
    CHECK(impossible(kNode, {"nodejs:20"}) == "there is no stream 'nodejs:20'; there is 'nodejs:16', 'nodejs:18'");
    CHECK(impossible(kNode, {"php:8", "-perl"}) ==
          "no repository has the module 'php'\n  no repository has the module 'perl' to switch off");
    CHECK(test::contains(impossible(kNode, {"nodejs:16", "nodejs:18"}), "one stream can be had, not both"));
    CHECK(test::contains(impossible(kNode, {"nodejs:16", "-nodejs"}), "both asked for and switched off"));
    CHECK(test::contains(impossible(stream("a", "1") + stream("a", "2"), {"a"}), "name one of 'a:1', 'a:2'"));
    RecordingReporter reporter;
    CHECK(active(kNode + app + defaults("app", "1"), ModuleRequest{{}, {}, "platform:el9", "x86_64"}, reporter) ==
          "nodejs:16");
    REQUIRE(reporter.warnings.size() == 1);
    CHECK(test::contains(reporter.warnings[0], "module(platform:el8)"));
}

namespace {

std::string chosen(const std::string& yaml, const Request& request, bool hotfixes = false) {
    PackagePool pool(request.arch);
    RepoConfig config;
    config.id = "versions";
    config.module_hotfixes = hotfixes;
    pool.add_testtags(config, test::read(std::filesystem::path(SMITH_TEST_REPOS) / "versions.repo"));
    with_yaml(yaml, [&](MetadataStream& stream) { pool.add_modules(stream); });
    HttpClient http;
    const Solution solution = solve_in_pool(request, pool, http, silent_reporter());
    std::string out;
    for (const PackageRef& package : solution.packages) out += package.nevra.str() + " ";
    for (const std::string& module : solution.modules) out += "(" + module + ")";
    return out;
}
std::string chosen(const std::string& yaml, std::vector<std::string> packages, std::vector<std::string> modules) {
    Request request;
    request.arch = "x86_64";
    request.packages = std::move(packages);
    request.modules = std::move(modules);
    return chosen(yaml, request);
}

}  // namespace

TEST_CASE("packages of streams that are not active are not there, and said to be of them", "[modules]") {
    CHECK(chosen(kNode, {"app"}, {}) == "app-1.9-1.x86_64 (nodejs:16)");
    CHECK(chosen(kNode, {"app"}, {"nodejs:18"}) == "app-1.10-1.x86_64 (nodejs:18)");
    const Error error = test::error_of([] { static_cast<void>(chosen(kNode, {"app-1.10"}, {})); });
    CHECK(test::contains(error.message(), "'app-1.10' is of module stream 'nodejs:18', which is not active"));
    const Error other = test::error_of([] { static_cast<void>(chosen(kNode, {"app.i686"}, {})); });
    CHECK(test::contains(other.message(), "is hidden by module stream 'nodejs:16', which has another one"));
}

TEST_CASE("a repository with module_hotfixes has its packages whatever modules say", "[modules]") {
    Request request;
    request.arch = "x86_64";
    request.packages = {"app"};
    CHECK(chosen(kNode, request, true) == "app-1.10-1.x86_64 ");
}

TEST_CASE("'@MODULE:STREAM/PROFILE' installs a profile, and makes its stream active", "[modules]") {
    const std::string yaml = stream("m", "1",
                                    "  profiles: {common: {rpms: [app]}, other: {rpms: [tool, gone]}}\n"
                                    "  artifacts: {rpms: [\"app-0:1.9-1.x86_64\"]}\n");
    CHECK(chosen(yaml, {"@m/common"}, {}) == "app-1.9-1.x86_64 (m:1)");
    CHECK(chosen(yaml, {"@m:1/common", "tool"}, {}) == "app-1.9-1.x86_64 tool-1:1-1.noarch (m:1)");
    for (const auto& [request, message] : std::map<std::string, std::string>{
             {"@m:1", "module stream 'm:1' has no default profile; there is 'common' or 'other'"},
             {"@m:1/no", "module stream 'm:1' has no profile 'no'; there is 'common' or 'other'"},
             {"@m:1/other", "no repository has package 'gone' of module stream 'm:1'"},
             {"@m:2", "there is no stream 'm:2'; there is 'm:1'"}}) {
        const std::string what = request;
        const Error error = test::error_of([&] { static_cast<void>(chosen(yaml, {what}, {})); });
        CHECK(error.message() == message);
    }
    const Error none = test::error_of([] { static_cast<void>(chosen("", {"app"}, {"nodejs:18"})); });
    CHECK(none.message() == "no repository has modules, such as 'nodejs:18'");
}
