// SPDX-License-Identifier: Apache-2.0
//
// Who we are to which registry, as the files and programs of containers-tools and docker say.
#include "ocilayout/registry/credentials.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/error.h"
#include "ocilayout/registry/credential_helper.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

void write_file(const std::filesystem::path& file, std::string_view text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
}

std::string read_all(const std::filesystem::path& file) {
    std::ostringstream out;
    out << std::ifstream(file).rdbuf();
    return out.str();
}

std::string message_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        return e.message();
    }
    return "nothing was thrown";
}

/// The environment of somebody whose home is a folder of the test.
class Home {
public:
    Home() {
        for (const char* name : {"XDG_CONFIG_HOME", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"}) ::unsetenv(name);
        ::setenv("HOME", directory.path().c_str(), 1);
        ::setenv("XDG_RUNTIME_DIR", (*this / "run").c_str(), 1);
    }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return directory.path() / name; }
    TempDir directory;
};

std::string user_for(const std::string& host, const std::string& repository, const RegistryOptions& options = {}) {
    const auto found = credential_for_registry(host, repository, options);
    return found ? found->credential.username.reveal() : "nobody";
}

std::string named_entry(const std::string& key, const std::string& user) {
    Credential credential;
    credential.username = Secret(user);
    credential.password = Secret("x");
    return edit_credential_file("", key, credential).value();
}

void write_helper(const std::filesystem::path& directory, const std::string& name, const std::string& body) {
    const std::filesystem::path file = directory / ("docker-credential-" + name);
    write_file(file, "#!/bin/sh\n" + body);
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
}

/// A PATH with the test's programs in front.
class Path {
public:
    explicit Path(const std::filesystem::path& directory) : before_(std::getenv("PATH")) {
        ::setenv("PATH", (directory.string() + ":" + before_).c_str(), 1);
    }
    Path(const Path&) = delete;
    Path& operator=(const Path&) = delete;
    ~Path() { ::setenv("PATH", before_.c_str(), 1); }

private:
    std::string before_;
};

}  // namespace

TEST_CASE("the longest path of a credential file that fits is who we are", "[credentials]") {
    const CredentialFile file = parse_credential_file(R"({"auths":{
        "example.com": {"auth":"aG9zdDp4"},
        "example.com/team": {"auth":"dGVhbTp4"},
        "example.com/team/app": {"auth":"YXBwOng="},
        "https://old.example/v1/": {"auth":"b2xkOng="},
        "https://index.docker.io/v1/": {"auth":"aHViOng="},
        "empty.example": {}, "odd.example": 5}})");
    const auto user = [&](std::string_view host, std::string_view repository) {
        const Credential* found = find_credential(file, host, repository);
        return found == nullptr ? std::string("nobody") : found->username.reveal();
    };
    CHECK(user("example.com", "team/app") == "app");
    CHECK(user("example.com", "team/app/x") == "app");
    CHECK(user("example.com", "team/apple") == "team");
    CHECK(user("example.com", "teams") == "host");
    CHECK(user("old.example", "x") == "old");
    CHECK(user("docker.io", "library/nginx") == "hub");
    CHECK(user("empty.example", "x") == "nobody");
    CHECK(user("other.example", "x") == "nobody");
    CHECK(user("example.com.evil", "x") == "nobody");
}

TEST_CASE("files of credentials are asked in skopeo's order, and a named one alone", "[credentials]") {
    const Home home;
    const std::string host = "reg.example";
    CHECK(user_for(host, "a") == "nobody");
    const std::string docker_cfg = R"({"reg.example":{"auth":"b2xkOng="}})";
    write_file(home / ".dockercfg", docker_cfg);
    CHECK(user_for(host, "a") == "old");
    write_file(home / ".docker/config.json", named_entry(host, "docker"));
    CHECK(user_for(host, "a") == "docker");
    write_file(home / "dc/config.json", named_entry(host, "docker-config"));
    ::setenv("DOCKER_CONFIG", (home / "dc").c_str(), 1);
    CHECK(user_for(host, "a") == "docker-config");
    write_file(home / ".config/containers/auth.json", named_entry(host, "config"));
    CHECK(user_for(host, "a") == "config");
    write_file(home / "run/containers/auth.json", named_entry(host, "runtime"));
    CHECK(user_for(host, "a") == "runtime");
    write_file(home / "named.json", named_entry(host, "named"));
    ::setenv("REGISTRY_AUTH_FILE", (home / "named.json").c_str(), 1);
    CHECK(user_for(host, "a") == "named");
    RegistryOptions options;
    options.auth_file = home / "not-there.json";
    CHECK(user_for(host, "a", options) == "nobody");
    options.login = RegistryLogin{Secret("creds"), Secret("x")};
    CHECK(user_for(host, "a", options) == "creds");
    ::unsetenv("DOCKER_CONFIG");
    ::unsetenv("REGISTRY_AUTH_FILE");
}

TEST_CASE("a credential helper is asked for its registries, and its tokens are told apart", "[credentials]") {
    const Home home;
    const Path path(home / "bin");
    write_helper(home / "bin", "test",
                 "read server\ncase $1:$server in\n"
                 "get:a.example) echo '{\"ServerURL\":\"a.example\",\"Username\":\"helped\",\"Secret\":\"s\"}' ;;\n"
                 "get:t.example) echo '{\"Username\":\"<token>\",\"Secret\":\"refresh\"}' ;;\n"
                 "get:https://index.docker.io/v1/) echo '{\"Username\":\"hub\",\"Secret\":\"s\"}' ;;\n"
                 "get:bad.example) echo '{\"Username\":\"canary-user\", canary-secret' ;;\n"
                 "get:broken.example) echo canary-secret; exit 3 ;;\n"
                 "*) echo 'credentials not found in native keychain'; exit 1 ;;\nesac\n");
    write_file(home / ".docker/config.json", R"({"credHelpers":{"a.example":"test"},"credsStore":"test",
        "auths":{"plain.example":{"auth":"cGxhaW46eA=="}}})");
    CHECK(user_for("a.example", "x") == "helped");
    CHECK(user_for("docker.io", "library/nginx") == "hub");
    CHECK(user_for("plain.example", "x") == "plain");
    CHECK(user_for("unknown.example", "x") == "nobody");
    const auto token = credential_for_registry("t.example", "x", {});
    REQUIRE(token);
    CHECK(token->credential.identity_token.reveal() == "refresh");
    for (const char* host : {"bad.example", "broken.example"}) {
        const std::string message = message_of([&] { static_cast<void>(user_for(host, "x")); });
        INFO(message);
        CHECK(message.find("docker-credential-test") != std::string::npos);
        CHECK(message.find("canary") == std::string::npos);
    }
}

TEST_CASE("the name of a credential helper can't become another program or a command line", "[credentials][hostile]") {
    const Home home;
    const Path path(home / "bin");
    write_helper(home / "bin", "evil", "touch " + (home / "ran").string() + "\n");
    for (const std::string name : {"../evil", "evil;x", "evil x", "$(touch x)", "", "evil/../evil", "a\nb"}) {
        CHECK_FALSE(is_helper_name(name));
        CHECK_THROWS_AS(ask_helper(name, "a.example"), Error);
    }
    write_file(home / ".docker/config.json", R"({"credHelpers":{"a.example":"../bin/docker-credential-evil"}})");
    CHECK_THROWS_AS(user_for("a.example", "x"), Error);
    CHECK_FALSE(std::filesystem::exists(home / "ran"));
}

TEST_CASE("what a login writes is for its owner's eyes, and leaves the rest of the file alone", "[credentials]") {
    const Home home;
    Credential credential;
    credential.username = Secret("me");
    credential.password = Secret("with:colon");
    const std::filesystem::path file = store_credential("reg.example:5000", credential, {});
    CHECK(file == home / "run/containers/auth.json");
    struct stat st {};
    REQUIRE(::stat(file.c_str(), &st) == 0);
    CHECK((st.st_mode & 0777U) == 0600U);
    const auto found = credential_for_registry("reg.example:5000", "a/b", {});
    REQUIRE(found);
    CHECK(found->credential == credential);

    write_file(
        file,
        R"({"auths":{"other.example":{"auth":"aG9zdDp4"},"https://reg.example/v1/":{"auth":"b2xkOng="}},"future":[1]})");
    CHECK(erase_credential("reg.example", {}) == std::vector<std::string>{file.string()});
    CHECK(erase_credential("reg.example", {}).empty());
    CHECK(user_for("other.example", "x") == "host");
    CHECK(read_all(file).find("future") != std::string::npos);
}

TEST_CASE("a damaged file of credentials is named, and nothing of it shown", "[credentials][hostile]") {
    const Home home;
    for (const std::string& text :
         {std::string("{\"auths\":{\"a\":{\"auth\":\"canary"), std::string("canary"),
          std::string(R"({"auths":{"a.example":{"auth":"canary*"}}})"),
          std::string(R"({"auths":{"a.example":{"auth":"Y2FuYXJ5"}}})"), std::string(R"({"auths":"canary"})"),
          std::string(R"({"auths":{"a.example":{"auth":5}}})")}) {
        write_file(home / ".docker/config.json", text);
        const std::string message = message_of([] { static_cast<void>(user_for("a.example", "x")); });
        INFO(message);
        CHECK(message.find("config.json") != std::string::npos);
        CHECK(message.find("canary") == std::string::npos);
        CHECK(message.find("Y2FuYXJ5") == std::string::npos);
    }
}

TEST_CASE("base64 is read as it is written", "[credentials]") {
    for (const std::string text : {"", "a", "ab", "abc", "\xff\0x", "a:b:c"}) {
        Credential credential;
        credential.username = Secret(text);
        CHECK(decode_base64(basic_credentials(credential)) == text + ":");
    }
    CHECK_FALSE(decode_base64("a"));
    CHECK_FALSE(decode_base64("a=b="));
    CHECK_FALSE(decode_base64("ab cd"));
}
