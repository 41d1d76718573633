// SPDX-License-Identifier: Apache-2.0
//
// What other tools leave behind: their locks, and rpmoci.toml.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/error.h"
#include "builder/foreign_lock.h"
#include "builder/import_rpmoci.h"
#include "builder/spec_parse.h"

using namespace smith;
using namespace smith::builder;
using resolver::Pin;

namespace {

const std::string kHex(64, 'a');

std::vector<std::string> names_of(const std::vector<Pin>& pins) {
    std::vector<std::string> out;
    for (const Pin& pin : pins) out.push_back(pin.str());
    return out;
}

std::string refusal_of(const std::string& text) {
    try {
        static_cast<void>(read_foreign_lock(text, "x.lock", "x86_64"));
    } catch (const Error& e) {
        return e.message();
    }
    return "no refusal";
}

Spec imported(const std::string& toml, RecordingReporter& reporter) {
    const std::string yaml = import_rpmoci(toml, "rpmoci.toml", reporter);
    INFO(yaml);
    return parse_spec(yaml, "app.yaml", reporter);
}

std::vector<std::string> values_of(const LocatedStrings& list) {
    std::vector<std::string> out;
    for (const auto& item : list) out.push_back(item.value);
    return out;
}

}  // namespace

TEST_CASE("rpmoci.lock is read", "[import]") {
    const std::vector<Pin> pins = read_foreign_lock(
        "pkg_specs = [\"bash\"]\n"
        "[[packages]]\nname = \"bash\"\nevr = \"5.2-1\"\nrepoid = \"base\"\n"
        "[packages.checksum]\nalgorithm = \"sha256\"\nchecksum = \"" +
            kHex +
            "\"\n"
            "[[packages]]\nname = \"acl\"\nevr = \"1:2-3\"\n",
        "rpmoci.lock", "x86_64");
    REQUIRE(names_of(pins) == std::vector<std::string>{"acl-1:2-3", "bash-5.2-1"});
    CHECK_FALSE(pins[0].checksum);
    CHECK(pins[1].checksum == Checksum{"sha256", kHex});
}

TEST_CASE("a manifest of dnf is read, as far as it is for the architecture", "[import]") {
    const std::string head = "document: rpm-package-manifest\nversion: 0.2.0\ndata:\n  packages:\n    x86_64:\n";
    const std::vector<Pin> pins = read_foreign_lock(
        head + "      - {name: bash, repo_id: base, evr: '0:5.2-1', checksum: 'sha256:" + kHex + "', size: 1}\n" +
            "      - {nevra: 'zsh-0:5.9-13.fc40.x86_64'}\n      - {name: data, evr: 1-1, arch: noarch}\n" +
            "    aarch64:\n      - {name: other, evr: 1-1}\n    noarch:\n      - {name: common, evr: 2-1}\n",
        "packages.manifest.yaml", "x86_64");
    CHECK(names_of(pins) == std::vector<std::string>{"bash-5.2-1.x86_64", "common-2-1.noarch", "data-1-1.noarch",
                                                     "zsh-5.9-13.fc40.x86_64"});
    CHECK(refusal_of(head + "      []\n").find("no packages for 'x86_64'") != std::string::npos);
    CHECK(refusal_of(head + "      - {name: bash, evr: x}\n").find("x.lock:6:9") != std::string::npos);
    CHECK(refusal_of("# rpm-package-manifest\ndocument: other\n").find("is no rpm-package-manifest") !=
          std::string::npos);
}

TEST_CASE("what is no lock is refused with its place", "[import][hostile]") {
    CHECK(refusal_of("").find("no list of packages") != std::string::npos);
    CHECK(refusal_of("packages = 1").find("no list of packages") != std::string::npos);
    CHECK(refusal_of("packages = [1]").find("x.lock:1:13: a package is a table") != std::string::npos);
    CHECK(refusal_of("a = \n").find("x.lock:1:") != std::string::npos);
    CHECK(refusal_of("[[packages]]\nname = \"a\"\nevr = \"1\"\n").find("x.lock:1:") != std::string::npos);
    CHECK(
        refusal_of("[[packages]]\nname = \"a\"\nevr = \"1-1\"\nchecksum = {algorithm = \"sha256\", checksum = \"x\"}\n")
            .find("checksum") != std::string::npos);
}

TEST_CASE("a pin means a package by name, version, and what else it knows", "[import]") {
    const Pin pin{resolver::parse_evr("bash", "0:5.2-1"), Checksum{"sha256", kHex}};
    const resolver::Nevra bash = resolver::Nevra::parse("bash-5.2-1.x86_64");
    CHECK(pin.matches(bash, {"sha256", kHex}));
    CHECK(pin.matches(bash, {"sha512", std::string(128, 'b')}));
    CHECK_FALSE(pin.matches(bash, {"sha256", std::string(64, 'b')}));
    CHECK_FALSE(pin.matches(resolver::Nevra::parse("bash-5.2-2.x86_64"), {"sha256", kHex}));
    const Pin exact{bash, std::nullopt};
    CHECK_FALSE(exact.matches(resolver::Nevra::parse("bash-5.2-1.i686"), {}));
}

TEST_CASE("rpmoci.toml becomes a spec that says the same", "[import]") {
    RecordingReporter reporter;
    const Spec spec = imported(
        "[contents]\npackages = [\"nginx\", \"rpms/mine.rpm\"]\ngpgkeys = [\"https://x.example/key\"]\n"
        "repositories = [\"https://x.example/base\", {id = \"more\", url = \"https://x.example/more\", options = "
        "{includepkgs = \"foo,bar\", gpgcheck = \"False\", priority = 10, keepcache = true}}]\n"
        "[image]\nentrypoint = [\"tini\", \"--\"]\ncmd = [\"a \\\"b\\\"\"]\nexposed_ports = [\"8080/tcp\"]\n"
        "user = \"app\"\nworkingdir = \"/srv\"\nstopsignal = \"SIGINT\"\nauthor = \"Somebody\"\nvolumes = [\"/data\"]\n"
        "[image.envs]\nRUST_LOG = \"info\"\n[image.labels]\n\"a.b\" = \"c\"\n",
        reporter);
    CHECK(values_of(spec.packages) == std::vector<std::string>{"nginx", "./rpms/mine.rpm", "/etc/os-release"});
    REQUIRE(spec.repos.size() == 2);
    REQUIRE(spec.paths.has_value());
    CHECK(values_of(*spec.paths) == std::vector<std::string>{"/**"});
    CHECK(spec.excludes.size() == 3);
    CHECK(*spec.entrypoint == std::vector<std::string>{"tini", "--"});
    CHECK(*spec.cmd == std::vector<std::string>{"a \"b\""});
    CHECK(std::ranges::find(spec.env, "RUST_LOG=info") != spec.env.end());
    CHECK(spec.labels.at("a.b") == "c");
    CHECK(spec.annotations.at("org.opencontainers.image.authors") == "Somebody");
    REQUIRE(reporter.warnings.size() == 1);
    CHECK(reporter.warnings.front().find("'keepcache' of repository 'more'") != std::string::npos);
}

TEST_CASE("a repository of the machine is told, for a spec does not know the machine", "[import]") {
    RecordingReporter reporter;
    const Spec spec = imported(
        "[contents]\nrepositories = [\"fedora\"]\npackages = [\"a\"]\ndocs = true\nos_release = false\n", reporter);
    CHECK(values_of(spec.packages) == std::vector<std::string>{"a"});
    CHECK(spec.excludes.empty());
    REQUIRE(reporter.warnings.size() == 1);
    CHECK(reporter.warnings.front().find("rpmoci.toml:2:17: repository 'fedora' is one of the machine's") !=
          std::string::npos);
}

TEST_CASE("an unknown key of rpmoci.toml is an error with its place", "[import][hostile]") {
    const auto failure = [](const std::string& toml) {
        RecordingReporter reporter;
        try {
            static_cast<void>(import_rpmoci(toml, "rpmoci.toml", reporter));
        } catch (const Error& e) {
            CHECK(e.kind() == ErrorKind::spec);
            return e.message();
        }
        return std::string("no failure");
    };
    CHECK(failure("[contents]\npakages = []\n") == "rpmoci.toml:2:11: unknown key 'pakages'");
    CHECK(failure("[image]\nuser = 1\n") == "rpmoci.toml:2:8: 'user' is not text");
    CHECK(failure("[contents]\nrepositories = [1]\n").find("rpmoci.toml:2:17") == 0);
    CHECK(failure("contents = 1\n").find("is not a table") != std::string::npos);
    CHECK(failure("[[[\n").find("not valid TOML") != std::string::npos);
}
