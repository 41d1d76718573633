// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>

#include "base/netrc.h"
#include "resolver/repo_credentials.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;
using test::TempDir;

namespace {

/// Sets a variable until the end of a test.
class Variable {
public:
    Variable(std::string name, const std::string& value) : name_(std::move(name)) {
        REQUIRE(::setenv(name_.c_str(), value.c_str(), 1) == 0);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { static_cast<void>(::unsetenv(name_.c_str())); }

private:
    std::string name_;
};

class VerboseReporter : public RecordingReporter {
public:
    void debug(std::string_view message) override { told += std::string(message) + "\n"; }
    std::string told;
};

RepoConfig repo(const std::string& id, const std::string& url) {
    RepoConfig out;
    out.id = id;
    out.baseurls = {url};
    return out;
}

std::string netrc_failure(const char* text) {
    const Error error = error_of([&] { static_cast<void>(parse_netrc(text)); });
    CHECK(error.kind() == ErrorKind::format);
    return error.message();
}

}  // namespace

TEST_CASE("netrc is read as curl reads it, less its default", "[netrc]") {
    const auto entries = parse_netrc(
        "# machine no login no\n"
        "machine One.Example login me password pw # the rest is a comment\n"
        "machine two.example\n"
        "  login \"a \\\"b\\\"\"\n"
        "  password \"p#\\n\\\\\"\n"
        "  account x\n"
        "macdef init\n"
        "machine evil login x\n"
        "\n"
        "machine three.example password only\n"
        "default login anybody password canary\n");
    REQUIRE(entries.size() == 2);
    CHECK(entries[0] == HttpCredential{"one.example", Secret("me"), Secret("pw")});
    CHECK(entries[1] == HttpCredential{"two.example", Secret("a \"b\""), Secret("p#\n\\")});
    CHECK(parse_netrc("").empty());
}

TEST_CASE("what is wrong in a netrc is told by its line, and not repeated", "[netrc][hostile]") {
    CHECK(netrc_failure("machine a\ncanary\n") ==
          "line 2: there is a word that is none of machine, default, login, password, account and macdef");
    CHECK(netrc_failure("machine a login") == "line 1: there is nothing behind login");
    CHECK(netrc_failure("machine a\npassword \"canary") == "line 2: there is a quoted word that does not end");
}

TEST_CASE("a repository's user comes from variables that are named for it", "[credentials]") {
    const Variable home("HOME", "/nonexistent");
    CHECK(credential_variable("my-repo.9_x", "USERNAME") == "SMITH_REPO_MY_REPO_9_X_USERNAME");
    const Variable user("SMITH_REPO_A_B_USERNAME", "me");
    const Variable password("SMITH_REPO_A_B_PASSWORD", "canary");
    VerboseReporter reporter;
    std::vector<RepoConfig> repos{repo("a-b", "https://x/"), repo("c", "https://y/")};
    repos[0].username = Secret("from the file");
    add_credentials(repos, reporter);
    CHECK(repos[0].username == Secret("me"));
    CHECK(repos[0].password == Secret("canary"));
    CHECK(repos[1].username.empty());
    CHECK(contains(reporter.told, "SMITH_REPO_A_B_USERNAME"));
    CHECK_FALSE(contains(reporter.told, "canary"));

    std::vector<RepoConfig> alike{repo("a-b", "https://x/"), repo("a.b", "https://evil/")};
    const Error error = error_of([&] { add_credentials(alike, silent_reporter()); });
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(contains(error.message(), "is of both repositories 'a-b' and 'a.b'"));
}

TEST_CASE("a password without a user is refused", "[credentials]") {
    const Variable password("SMITH_REPO_A_PASSWORD", "canary");
    std::vector<RepoConfig> repos{repo("a", "https://x/")};
    const Error error = error_of([&] { add_credentials(repos, silent_reporter()); });
    CHECK(contains(error.message(), "set SMITH_REPO_A_USERNAME"));
    CHECK_FALSE(contains(error.message(), "canary"));
}

TEST_CASE("entries of netrc go to their hosts, behind a repository's own user", "[credentials]") {
    const TempDir dir;
    test::write(dir / "home/.netrc", "machine x login of-home password canary\n");
    test::write(dir / "netrc", "machine x login of-netrc password canary\nmachine y login yy password canary\n");
    const Variable home("HOME", (dir / "home").string());
    std::vector<RepoConfig> repos{repo("a", "https://x/")};
    add_credentials(repos, silent_reporter());
    REQUIRE(credential_for(access_of(repos[0]), "https://x/") != nullptr);
    CHECK(credential_for(access_of(repos[0]), "https://x/")->username == Secret("of-home"));

    const Variable netrc("NETRC", (dir / "netrc").string());
    VerboseReporter reporter;
    repos = {repo("a", "https://x/"), repo("b", "file:///srv/")};
    repos[0].username = Secret("own");
    add_credentials(repos, reporter);
    const HttpAccess access = access_of(repos[0]);
    CHECK(credential_for(access, "https://x/")->username == Secret("own"));
    CHECK(credential_for(access, "https://x:8443/")->username == Secret("of-netrc"));
    CHECK(credential_for(access, "https://y/key")->username == Secret("yy"));
    CHECK(credential_for(access, "https://z/") == nullptr);
    CHECK(contains(reporter.told, "credentials for host 'y'"));
    CHECK_FALSE(contains(reporter.told, "canary"));

    // What is fetched from no server asks no netrc.
    const Variable missing("NETRC", (dir / "missing").string());
    std::vector<RepoConfig> local{repo("b", "file:///srv/")};
    CHECK_NOTHROW(add_credentials(local, silent_reporter()));
    CHECK(error_of([&] { add_credentials(repos, silent_reporter()); }).kind() == ErrorKind::system);
}
