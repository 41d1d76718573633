// SPDX-License-Identifier: Apache-2.0
//
// Who gets to see a password, and what a proxy sees. Tests of TLS are end to end:
// tests/e2e/repositories_as_users_have_them.py.
#include "base/http_access.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <type_traits>

#include "base/http.h"
#include "resolver/fetch.h"
#include "resolver/keyring.h"
#include "resolver/repo_config.h"
#include "resolver/repository.h"
#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;
using test::Server;
using test::TempDir;

namespace {

// "me:canary" and "proxy:canary", as Basic authentication writes them.
constexpr std::string_view kMe = "Authorization: Basic bWU6Y2FuYXJ5";
constexpr std::string_view kProxyUser = "Proxy-Authorization: Basic cHJveHk6Y2FuYXJ5";

HttpRequest get(const std::string& url, HttpAccess access) {
    HttpRequest request;
    request.url = url;
    request.access = std::move(access);
    return request;
}

HttpAccess as_me(const std::string& where) {
    HttpAccess access;
    access.credentials = {{where, Secret("me"), Secret("canary")}};
    return access;
}

/// Remembers what it was asked, and answers with `headers`.
struct Listener {
    explicit Listener(std::string status = "200 OK", std::string headers = "")
        : server([this, status, headers](Server::Connection& connection) {
              seen += connection.request();
              connection.answer(status, "x", headers);
          }) {}
    std::string seen;
    Server server;
};

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
    out << value;
};

}  // namespace

TEST_CASE("a secret can't be printed, and can be compared", "[http-access]") {
    static_assert(!Printable<Secret>);
    static_assert(!std::is_convertible_v<Secret, std::string>);
    CHECK(Secret("a") == Secret("a"));
    CHECK_FALSE(Secret("a") == Secret("b"));
}

TEST_CASE("an origin is scheme, host and port as libcurl sees them", "[http-access]") {
    CHECK(origin_of("HTTPS://me:pw@Repo.Example/x?y") == "https://repo.example:443");
    CHECK(origin_of("http://[::1]:8080/") == "http://[::1]:8080");
    CHECK(origin_of("https://good.example#@evil.example/") == "https://good.example:443");
    CHECK(origin_of("no url").empty());
    CHECK(origin_of("").empty());
    CHECK(origin_of("file:///x").empty());
}

TEST_CASE("a credential goes to the origin that it is bound to, and nowhere else", "[http-access]") {
    const HttpAccess access = as_me("https://repo.example:443");
    CHECK(credential_for(access, "https://repo.example/x") != nullptr);
    CHECK(credential_for(access, "https://REPO.example:443/x") != nullptr);
    for (const char* other : {"http://repo.example/x", "https://repo.example:8443/", "https://evil.example/",
                              "https://repo.example.evil.example/", "https://evil.example/https://repo.example:443",
                              "https://evil.example#@repo.example/", "https://other@repo.example/", "repo.example"}) {
        CAPTURE(other);
        CHECK(credential_for(access, other) == nullptr);
    }
    CHECK(credential_for(as_me("repo.example"), "http://repo.example:8080/") != nullptr);
    CHECK(credential_for(as_me(""), "file:///x") == nullptr);
}

TEST_CASE("a redirect does not carry a credential to another port", "[http-access][hostile]") {
    Listener other;
    Listener first("302 Found", "Location: " + other.server.url() + "/elsewhere\r\n");
    HttpClient http;
    CHECK(http.perform(get(first.server.url() + "/a", as_me(origin_of(first.server.url())))).ok());
    CHECK(contains(first.seen, kMe));
    CHECK(contains(other.seen, "GET /elsewhere"));
    CHECK_FALSE(contains(other.seen, "Authorization"));
}

TEST_CASE("a repository's user is shown to the servers that its configuration names", "[http-access]") {
    const TempDir dir;
    Listener repository;
    Listener keys;
    RepoConfig config;
    config.id = "x";
    config.baseurls = {repository.server.url() + "/"};
    config.username = Secret("me");
    config.password = Secret("canary");
    HttpClient http;
    CHECK(access_of(config).credentials.size() == 1);

    // Neither is a repository or a key: they fail, and have asked by then.
    const Error metadata =
        error_of([&] { static_cast<void>(load_repositories({config}, {dir / "cache"}, http, silent_reporter())); });
    CHECK_FALSE(contains(metadata.message(), "canary"));
    CHECK(contains(repository.seen, kMe));
    config.gpgkeys = {keys.server.url() + "/key"};
    CHECK(error_of([&] { static_cast<void>(load_keyring(config, dir / "cache", false, http)); }).kind() ==
          ErrorKind::format);
    CHECK(contains(keys.seen, "GET /key"));
    CHECK_FALSE(contains(keys.seen, "Authorization"));
    config.gpgkeys = {repository.server.url() + "/key"};
    repository.seen.clear();
    static_cast<void>(error_of([&] { static_cast<void>(load_keyring(config, dir / "cache", false, http)); }));
    CHECK(contains(repository.seen, kMe));
}

TEST_CASE("a key from the network is asked for again when packages are chosen, and stays where it cannot be had",
          "[http-access][keys]") {
    const TempDir dir;
    const std::string one = test::read(std::string(SMITH_TEST_REPOS) + "/../fuzz/resolver-seeds/key.asc");
    const std::string two = test::read(std::string(SMITH_TEST_REPOS) + "/../e2e/another-key.asc");
    std::string served = one;
    int asked = 0;
    Server server([&](Server::Connection& connection) {
        ++asked;
        served.empty() ? connection.answer("404 Not Found", "") : connection.answer("200 OK", served);
    });
    RepoConfig config;
    config.id = "x";
    config.gpgkeys = {server.url() + "/key"};
    HttpClient http(test::hasty());
    const auto held = [&] { return read_keys(config, dir / "cache", false, http).at(0); };
    CHECK(held() == one);
    served = two;
    CHECK(held() == one);
    CHECK(asked == 1);
    refresh_keys({config}, dir / "cache", http, silent_reporter());
    CHECK(held() == two);
    for (const std::string& nothing : {std::string(), std::string("<html>sorry</html>")}) {
        served = nothing;
        refresh_keys({config}, dir / "cache", http, silent_reporter());
        CHECK(held() == two);
    }
    // Nor is a page kept where there is no key yet.
    config.gpgkeys = {server.url() + "/other"};
    CHECK(error_of([&] { static_cast<void>(held()); }).kind() == ErrorKind::format);
    served = one;
    CHECK(held() == one);
}

TEST_CASE("a mirror from a list does not see the user of the list", "[http-access][hostile]") {
    const TempDir dir;
    Listener mirror("404 Not Found");
    std::string seen;
    Server list([&](Server::Connection& connection) {
        seen += connection.request();
        connection.answer("200 OK", mirror.server.url() + "/repo/\n");
    });
    RepoConfig config;
    config.id = "x";
    config.mirrorlist = list.url() + "/list";
    config.username = Secret("me");
    config.password = Secret("canary");
    config.retries = 1;
    HttpClient http;
    static_cast<void>(
        error_of([&] { static_cast<void>(load_repositories({config}, {dir / "cache"}, http, silent_reporter())); }));
    CHECK(contains(seen, kMe));
    CHECK(contains(mirror.seen, "GET /repo/"));
    CHECK_FALSE(contains(mirror.seen, "Authorization"));
}

TEST_CASE("a package is fetched as the repository's user", "[http-access]") {
    const TempDir dir;
    Listener server("404 Not Found");
    RepoConfig config;
    config.id = "x";
    config.baseurls = {server.server.url() + "/"};
    config.username = Secret("me");
    config.password = Secret("canary");
    PackageRef ref;
    ref.nevra = Nevra::parse("a-1-1.noarch");
    ref.repo = "x";
    ref.location = "a.rpm";
    ref.checksum = {"sha256", std::string(64, '0')};
    ref.size = 1;
    HttpClient http;
    const Error error = error_of(
        [&] { static_cast<void>(fetch_packages({ref}, {config}, {}, {dir / "cache"}, http, silent_reporter())); });
    CHECK(contains(error.message(), "404"));
    CHECK_FALSE(contains(error.message(), "canary"));
    CHECK(contains(server.seen, kMe));
}

TEST_CASE("a repository's own patience counts, not everybody's", "[http-access][hostile]") {
    // A tenth of a second for each byte: too slow for everybody, in the end.
    Server server([&](Server::Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n");
        for (int i = 0; i < 25 && connection.send("x"); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
    });
    HttpAccess access;
    access.timeout_s = 1;
    HttpClient http;
    // As everybody, it would wait for half a minute; so this is the repository's `timeout`.
    const Error error = error_of([&] { static_cast<void>(http.perform(get(server.url(), access))); });
    CHECK(contains(error.message(), "too slow"));
    access.low_speed_bytes_per_s = 1;
    CHECK(http.perform(get(server.url(), access)).body.size() == 25);
}

TEST_CASE("a proxy is asked for the whole URL, by its own user", "[http-access]") {
    Listener proxy;
    HttpAccess access = as_me("http://repo.invalid:80");
    access.proxy = proxy.server.url();
    access.proxy_username = Secret("proxy");
    access.proxy_password = Secret("canary");
    access.proxy_auth = ProxyAuth::basic;
    HttpClient http;
    CHECK(http.perform(get("http://repo.invalid/x", access)).ok());
    CHECK(contains(proxy.seen, "GET http://repo.invalid/x HTTP/1.1"));
    CHECK(contains(proxy.seen, kProxyUser));
    CHECK(contains(proxy.seen, kMe));

    proxy.seen.clear();
    access.proxy_auth = ProxyAuth::none;
    CHECK(http.perform(get("http://repo.invalid/x", access)).ok());
    CHECK_FALSE(contains(proxy.seen, "Proxy-Authorization"));
}

TEST_CASE("the proxy of the environment is used, unless a repository says that there is none", "[http-access]") {
    Listener proxy;
    Listener server;
    REQUIRE(::setenv("http_proxy", proxy.server.url().c_str(), 1) == 0);
    HttpClient http;
    CHECK(http.perform(get(server.server.url() + "/one", {})).ok());
    HttpAccess direct;
    direct.proxy = "";
    CHECK(http.perform(get(server.server.url() + "/two", direct)).ok());
    REQUIRE(::unsetenv("http_proxy") == 0);
    CHECK(contains(proxy.seen, "/one"));
    CHECK_FALSE(contains(proxy.seen, "/two"));
    CHECK_FALSE(contains(server.seen, "/one"));
    CHECK(contains(server.seen, "/two"));
}
