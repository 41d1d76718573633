// SPDX-License-Identifier: Apache-2.0
//
// What registries are called, what they ask, and whom they may send us to: the parts that need no server.
#include <catch2/catch.hpp>
#include <functional>

#include "base/error.h"
#include "ocilayout/registry/auth_challenge.h"
#include "ocilayout/registry/manifests.h"
#include "ocilayout/registry/name.h"
#include "ocilayout/registry/registries_conf.h"
#include "ocilayout/registry/token_realm.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

std::string normal(std::string_view text) { return to_string(parse_registry_name(text)); }

ErrorKind kind_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        return e.kind();
    }
    return ErrorKind::system;
}

void check_refused(std::string_view text) {
    INFO(text);
    CHECK(kind_of([&] { static_cast<void>(parse_registry_name(text)); }) == ErrorKind::usage);
}

RegistriesConf conf(std::string_view text) { return parse_registries_conf(text, "registries.conf"); }

std::string pulled_from(const RegistriesConf& conf, std::string_view name) {
    std::string out;
    for (const RegistryPlace& place : places_to_pull(conf, parse_registry_name(name))) {
        out += place.host + "/" + place.repository + (place.insecure ? " insecure\n" : "\n");
    }
    return out;
}

}  // namespace

TEST_CASE("an image's name is read as docker and podman read it", "[registry]") {
    CHECK(normal("nginx") == "docker.io/library/nginx");
    CHECK(normal("nginx:1.25") == "docker.io/library/nginx:1.25");
    CHECK(normal("bitnami/nginx") == "docker.io/bitnami/nginx");
    CHECK(normal("index.docker.io/nginx") == "docker.io/library/nginx");
    CHECK(normal("docker.io/nginx@" + kDigest) == "docker.io/library/nginx@" + kDigest);
    CHECK(normal("localhost/app") == "localhost/app");
    CHECK(normal("localhost:5000/a/b_c/d__e/f---g.h:v1.0_x-") == "localhost:5000/a/b_c/d__e/f---g.h:v1.0_x-");
    CHECK(normal("Quay.IO:443/app") == "quay.io:443/app");
    CHECK(normal("[::1]:5000/app:t@" + kDigest) == "[::1]:5000/app:t@" + kDigest);
    CHECK(api_host("docker.io") == "registry-1.docker.io");
    CHECK(parse_registry_name("nginx").tag_or_default() == "latest");
    CHECK(parse_registry_name("nginx@" + kDigest).tag_or_default().empty());
}

TEST_CASE("nothing that means something in a URL is part of an image's name", "[registry][hostile]") {
    for (const char* text : {"",
                             "/",
                             "a//b",
                             "a/",
                             "host.example/",
                             "host.example/../x",
                             "host.example/a/..",
                             "host.example/%2e%2e",
                             "host.example/a?b",
                             "host.example/a#b",
                             "host.example/A",
                             "Host/a",
                             "host.example/a..b",
                             "host.example/a___b",
                             "host.example/-a",
                             "host.example/a:",
                             "host.example/a:-x",
                             "host.example/a:x/y:z",
                             "host.example:0/a",
                             "host.example:99999/a",
                             "host.example:5000x/a",
                             "host_x.example/a",
                             ".example/a",
                             "example./a",
                             "host.example/a b",
                             "host.example/a\n",
                             "[::1/a",
                             "[x]:1/a",
                             "-a.example/b"}) {
        check_refused(text);
    }
    check_refused("host.example/" + std::string(256, 'a'));
    check_refused("host.example/a:" + std::string(129, 'a'));
    // What follows an '@' is a digest, or nothing.
    for (const char* text : {"a@sha512:00", "a@"}) {
        CHECK(kind_of([&] { static_cast<void>(parse_registry_name(text)); }) == ErrorKind::format);
    }
}

TEST_CASE("a password in an image's name is refused, and not repeated", "[registry][hostile]") {
    for (const char* text : {"user@host.example/a", "user:canary@host.example/a", "user:canary@nginx/a:1"}) {
        CHECK_THROWS_WITH(parse_registry_name(text),
                          Catch::Contains("no user and password") && !Catch::Contains("canary"));
    }
    const std::string digest = "sha256:" + std::string(64, 'a');
    CHECK(parse_registry_name("nginx@" + digest).repository == "library/nginx");
    CHECK(parse_registry_name("host.example:5000/a:1@" + digest).tag == "1");
}

TEST_CASE("challenges are told apart, however a server writes them", "[registry]") {
    const auto challenges = parse_challenges(
        R"(Basic realm="a, b", Bearer realm="https://auth.example/token",service="reg \"x\"" , scope="repository:a:pull,push")");
    REQUIRE(challenges.size() == 2);
    CHECK(challenges[0].scheme == "basic");
    CHECK(challenges[0].param("realm") == "a, b");
    CHECK(challenges[1].param("realm") == "https://auth.example/token");
    CHECK(challenges[1].param("service") == "reg \"x\"");
    CHECK(challenges[1].param("scope") == "repository:a:pull,push");
    // Not quoted, which Oracle's Smith took for an error, and in capitals.
    const auto loose = parse_challenges("BEARER Realm=https://a.example/t?x=1,service=s");
    REQUIRE(loose.size() == 1);
    CHECK(loose[0].param("realm") == "https://a.example/t?x=1");
    CHECK(loose[0].param("service") == "s");
    const auto negotiate = parse_challenges("Negotiate abc==, Basic");
    REQUIRE(negotiate.size() == 2);
    CHECK(negotiate[0].token68 == "abc==");
    CHECK(negotiate[1].scheme == "basic");
    CHECK(parse_challenges(R"(Bearer realm="never ends)")[0].param("realm") == "never ends");
    CHECK(parse_challenges("").empty());
    CHECK(parse_challenges("\"\\\x01,,,=").size() <= 2);
    std::string many;
    for (int i = 0; i < 1000; ++i) many += "x" + std::to_string(i) + ", ";
    CHECK(parse_challenges(many).size() == 16);
}

TEST_CASE("two hosts are one owner's by the Public Suffix List, not by their looks", "[registry]") {
    CHECK(is_same_site("registry.example.com", "auth.example.com"));
    CHECK(is_same_site("registry.gitlab.com", "gitlab.com"));
    CHECK_FALSE(is_same_site("a.co.uk", "b.co.uk"));
    CHECK_FALSE(is_same_site("mine.github.io", "yours.github.io"));
    CHECK_FALSE(is_same_site("example.com", "example.com.evil.org"));
    CHECK_FALSE(is_same_site("10.0.0.1", "11.0.0.1"));
    CHECK_FALSE(is_same_site("com", "com.com"));
    CHECK(is_same_site("10.0.0.1", "10.0.0.1"));
}

TEST_CASE("a token server is the registry's own, its owner's, a known one, or one that somebody trusts",
          "[registry][hostile]") {
    const auto allowed = [](std::string_view realm, std::string_view registry, std::vector<std::string> trusted = {}) {
        try {
            check_token_realm(realm, registry, trusted);
            return true;
        } catch (const Error& e) {
            CHECK(e.kind() == ErrorKind::fetch);
            return false;
        }
    };
    const std::string registry = "https://registry.example.com/v2/";
    CHECK(allowed("https://registry.example.com/token", registry));
    CHECK(allowed("https://registry.example.com:8443/token", registry));
    CHECK(allowed("https://auth.example.com/token", registry));
    CHECK(allowed("https://auth.docker.io/token", "https://registry-1.docker.io/v2/"));
    // Downgraded: anybody may listen.
    CHECK_FALSE(allowed("http://registry.example.com/token", registry));
    CHECK_FALSE(allowed("HTTP://registry.example.com/token", registry));
    CHECK(allowed("http://127.0.0.1:5001/token", "http://127.0.0.1:5000/v2/"));
    // A machine that only we can reach.
    CHECK_FALSE(allowed("https://169.254.169.254/latest/meta-data", registry));
    CHECK_FALSE(allowed("http://169.254.169.254/latest/meta-data", "http://registry.example.com/v2/"));
    CHECK_FALSE(allowed("https://[fd00:ec2::254]/", registry));
    CHECK_FALSE(allowed("https://2852039166/", registry));
    // A collector of passwords.
    CHECK_FALSE(allowed("https://auth.evil.org/token", registry));
    CHECK_FALSE(allowed("https://registry.example.com.evil.org/token", registry));
    CHECK_FALSE(allowed("https://registry.example.com@evil.org/token", registry));
    CHECK_FALSE(allowed("https://user@registry.example.com/token", registry));
    CHECK_FALSE(allowed("https://evil.org#@registry.example.com/", registry));
    CHECK_FALSE(allowed("https://auth.docker.io/token", registry));
    CHECK_FALSE(allowed("file:///etc/passwd", registry));
    CHECK_FALSE(allowed("token", registry));
    CHECK_FALSE(allowed("", registry));
    CHECK(allowed("https://auth.other.org/token", registry, {"auth.other.org"}));
    CHECK_FALSE(allowed("http://auth.other.org/token", registry, {"auth.other.org"}));
}

TEST_CASE("registries.conf says where images really are", "[registry]") {
    const RegistriesConf rules = conf(R"(
unqualified-search-registries = ["example.org"]
[[registry]]
prefix = "example.com/foo"
location = "internal.example:5000/bar"
insecure = true
[[registry.mirror]]
location = "mirror.example/m"
[[registry.mirror]]
location = "digests.example/m"
pull-from-mirror = "digest-only"
[[registry]]
location = "example.com"
[[registry]]
location = "example.com/foo/secret"
blocked = true
[[registry]]
prefix = "*.corp.example"
[[registry.mirror]]
location = "cache.example:5000"
insecure = true
)");
    CHECK(pulled_from(rules, "example.com/foo/app:1") ==
          "mirror.example/m/app\ninternal.example:5000/bar/app insecure\n");
    CHECK(pulled_from(rules, "example.com/foo/app@" + kDigest) ==
          "mirror.example/m/app\ndigests.example/m/app\ninternal.example:5000/bar/app insecure\n");
    CHECK(pulled_from(rules, "example.com/food/app") == "example.com/food/app\n");
    CHECK(pulled_from(rules, "a.corp.example/x/y") == "cache.example:5000/x/y insecure\na.corp.example/x/y\n");
    CHECK(pulled_from(rules, "corp.example/x") == "corp.example/x\n");
    CHECK(pulled_from(rules, "nginx") == "docker.io/library/nginx\n");
    const RegistryPlace pushed = place_to_push(rules, parse_registry_name("example.com/foo/app"));
    CHECK(pushed == RegistryPlace{"internal.example:5000", "bar/app", true});
    CHECK(kind_of([&] { pulled_from(rules, "example.com/foo/secret/x"); }) == ErrorKind::usage);
    CHECK(kind_of([&] { static_cast<void>(place_to_push(rules, parse_registry_name("example.com/foo/secret"))); }) ==
          ErrorKind::usage);
}

TEST_CASE("a registries.conf that can't be obeyed is refused, with its line", "[registry]") {
    for (const char* text :
         {"[[registry]]\ninsecure = true\n", "[[registry]]\nlocation = \"https://x.example\"\n",
          "[[registry]]\nlocation = 5\n", "[[registry]]\nlocation = \"x.example/A\"\n", "registry = 1\n",
          "[[registry]]\nlocation = \"x.example\"\nblocked = \"no\"\n", "[registries.search]\nregistries = []\n",
          "[[registry]]\nprefix = \"*.x.example\"\nlocation = \"y.example\"\n", "[[registry]\n",
          "[[registry]]\nlocation = \"x.example\"\n[[registry.mirror]]\ninsecure = true\n",
          "[[registry]]\nlocation = \"x.example\"\n[[registry.mirror]]\nlocation = \"y.example\"\npull-from-mirror = "
          "\"never\"\n"}) {
        INFO(text);
        CHECK(kind_of([&] { static_cast<void>(conf(text)); }) == ErrorKind::spec);
    }
}

TEST_CASE("the next page is the link that says so", "[registry]") {
    CHECK(next_link(R"(</v2/a/tags/list?n=5&last=x>; rel="next")") == "/v2/a/tags/list?n=5&last=x");
    CHECK(next_link("<a>; rel=\"prev\", <b>; title=x; rel=next") == "b");
    CHECK(next_link("<a>; rel=\"prev\"").empty());
    CHECK(next_link("<a").empty());
    CHECK(next_link("").empty());
}
