// SPDX-License-Identifier: Apache-2.0
#include "resolver/lock.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;

namespace {

PackageRef package(const std::string& nevra, const std::string& repo, const std::string& location) {
    PackageRef ref;
    ref.nevra = Nevra::parse(nevra);
    ref.repo = repo;
    ref.location = location;
    ref.checksum = {"sha256", std::string(64, 'c')};
    ref.size = 1234;
    return ref;
}

Lock example() {
    Lock lock;
    lock.request = sha256("request");
    lock.arch = "x86_64";
    lock.repos = {{"app", sha256("app"), false}, {"base", sha256("base"), true}};
    lock.packages = {package("bash-5.2-1.x86_64", "base", "Packages/b/bash-5.2-1.x86_64.rpm"),
                     package("mine-1-1.noarch", "", "../rpms/mine-1-1.noarch.rpm")};
    return lock;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string refusal_of(const std::string& text) {
    const Error error = error_of([&] { static_cast<void>(parse_lock(text)); });
    CHECK(error.kind() == ErrorKind::format);
    return error.message();
}

}  // namespace

TEST_CASE("a lock is printed sorted, one package a line", "[lock]") {
    Lock lock = example();
    std::swap(lock.packages[0], lock.packages[1]);
    std::swap(lock.repos[0], lock.repos[1]);
    lock.repos[0].timestamp = 1700000000;
    lock.compressor = "libdeflate 1.14, level 6";
    lock.image = LockedImage{sha256("layer"), sha256("manifest")};
    CHECK(print_lock(lock) ==
          "{\n"
          "  \"schema\": 1,\n"
          "  \"request\": \"" +
              sha256("request").str() +
              "\",\n"
              "  \"arch\": \"x86_64\",\n"
              "  \"repos\": [\n"
              "    {\"id\": \"app\", \"repomd\": \"" +
              sha256("app").str() +
              "\", \"gpgcheck\": false},\n"
              "    {\"id\": \"base\", \"repomd\": \"" +
              sha256("base").str() +
              "\", \"timestamp\": 1700000000}\n"
              "  ],\n"
              "  \"packages\": [\n"
              "    {\"nevra\": \"bash-5.2-1.x86_64\", \"repo\": \"base\", \"location\": "
              "\"Packages/b/bash-5.2-1.x86_64.rpm\", "
              "\"size\": 1234, \"checksum\": \"sha256:" +
              std::string(64, 'c') +
              "\"},\n"
              "    {\"nevra\": \"mine-1-1.noarch\", \"location\": \"../rpms/mine-1-1.noarch.rpm\", "
              "\"size\": 1234, \"checksum\": \"sha256:" +
              std::string(64, 'c') +
              "\"}\n"
              "  ],\n"
              "  \"compressor\": \"libdeflate 1.14, level 6\",\n"
              "  \"image\": {\"diffID\": \"" +
              sha256("layer").str() + "\", \"manifest\": \"" + sha256("manifest").str() +
              "\"}\n"
              "}\n");
}

TEST_CASE("a lock that was printed is read as the same lock", "[lock]") {
    Lock lock = example();
    CHECK(parse_lock(print_lock(lock)) == lock);
    lock.compressor = "zstd 1.5";
    lock.image = LockedImage{sha256("layer"), sha256("manifest")};
    lock.packages.push_back(package("od\"d-1-1.noarch", "base", "odd/\xc3\xa4 \"x\".rpm"));
    std::sort(lock.packages.begin(), lock.packages.end());
    CHECK(parse_lock(print_lock(lock)) == lock);
    lock.ships = {"bash.x86_64", "mine.noarch"};
    CHECK(contains(print_lock(lock), "\"},\n  \"ships\": [\n    \"bash.x86_64\",\n    \"mine.noarch\"\n  ]\n}\n"));
    lock.packages[0].header_end = 77;
    lock.packages[0].header = sha256("header");
    CHECK(contains(print_lock(lock), "\"size\": 1234, \"headerEnd\": 77, \"checksum\": "));
    CHECK(contains(print_lock(lock), ", \"header\": \"" + sha256("header").str() + "\"}"));
    CHECK(parse_lock(print_lock(lock)) == lock);
    lock.packages.clear();
    CHECK_THROWS_AS(print_lock(lock), Error);
    lock.ships.clear();
    lock.repos.clear();
    CHECK(parse_lock(print_lock(lock)) == lock);
}

TEST_CASE("a lock pins the images that a build is made of", "[lock]") {
    Lock lock = example();
    lock.parent =
        LockedSource{"oci:base", "linux/amd64", "application/vnd.oci.image.manifest.v1+json", 700, sha256("base")};
    CHECK(parse_lock(print_lock(lock)) == lock);
    CHECK(contains(print_lock(lock), "  ],\n  \"parent\": {\"name\": \"oci:base\", \"platform\": \"linux/amd64\", "));
    lock.source = lock.parent;
    CHECK_THROWS_WITH(print_lock(lock), Catch::Contains("both a 'source' and packages"));
    lock.packages.clear();
    const std::string good = print_lock(lock);
    CHECK(parse_lock(good) == lock);
    CHECK(contains(refusal_of(replaced(good, "\"size\": 700", "\"size\": 0")), "lacks a name"));
    CHECK(contains(refusal_of(replaced(good, "\"size\": 700", "\"size\": 7, \"tag\": 1")), "unknown key 'tag'"));
    CHECK(contains(refusal_of(replaced(good, "\"platform\"", "\"os\"")), "has no 'platform'"));
}

TEST_CASE("a lock is refused when its location leaves the repository", "[lock][hostile]") {
    const std::string good = print_lock(example());
    CHECK(contains(refusal_of(replaced(good, "Packages/b/", "../../")), "leaves its repository"));
    CHECK(contains(refusal_of(replaced(good, "Packages/b/", "/etc/")), "is absolute"));
    CHECK(contains(refusal_of(replaced(good, "Packages/b/", "http://other/")), "names another place"));
    CHECK(contains(refusal_of(replaced(good, "../rpms/", "/home/me/")), "no relative location"));
}

TEST_CASE("a lock is refused when it says something that this version does not know", "[lock][hostile]") {
    const std::string good = print_lock(example());
    CHECK(contains(refusal_of(replaced(good, "\"schema\": 1", "\"schema\": 2")), "reads schema 1"));
    CHECK(contains(refusal_of(replaced(good, "\"arch\"", "\"extra\": 1, \"arch\"")), "unknown key 'extra'"));
    CHECK(contains(refusal_of(replaced(good, "\"size\"", "\"flags\": [], \"size\"")), "unknown key 'flags'"));
}

TEST_CASE("a lock is refused when it is damaged", "[lock][hostile]") {
    const std::string good = print_lock(example());
    CHECK(contains(refusal_of(replaced(good, "sha256:cccc", "md5:cccc")), "md5"));
    CHECK(contains(refusal_of(replaced(good, "sha256:cccc", "sha256:CCCC")), "is not a sha256 checksum"));
    CHECK(contains(refusal_of(replaced(good, "1234", "-1")), "not a whole number"));
    CHECK(contains(refusal_of(replaced(good, "\"repo\": \"base\"", "\"repo\": \"other\"")), "does not list"));
    CHECK(contains(refusal_of(replaced(good, "mine-1-1.noarch\"", "mine\"")), "not of the form"));
    CHECK(contains(refusal_of(replaced(good, "1234", "1234, \"headerEnd\": 1235")), "longer than itself"));
    refusal_of(good.substr(0, good.size() / 2));
    refusal_of("[]");
    refusal_of("");
    Lock twice = example();
    twice.packages.push_back(twice.packages.front());
    CHECK_THROWS_AS(print_lock(twice), Error);
    Lock weak = example();
    weak.packages[0].checksum = {"sha1", std::string(40, 'a')};
    CHECK_THROWS_AS(print_lock(weak), Error);
}

TEST_CASE("a repository of a lock has an id that may be a part of a file name", "[lock]") {
    const std::string good = print_lock(example());
    for (const std::string_view id : {"../base", "a/b", "", ".hidden", "b\\u001bse", "b\\u00e4se"}) {
        INFO(id);
        CHECK(contains(refusal_of(replaced(good, "\"id\": \"base\"", "\"id\": \"" + std::string(id) + "\"")),
                       "an id is made of letters, digits"));
    }
    CHECK_NOTHROW(parse_lock(good));
}

TEST_CASE("a lock says why its packages are there, one request and one package a line", "[lock]") {
    Lock lock = example();
    lock.packages.push_back(package("zlib-1-1.x86_64", "base", "zlib.rpm"));
    lock.asked = {{"mine >= 1", "mine.noarch"}, {"*sh", "bash.x86_64"}};
    lock.requirements = {{"mine.noarch", "zlib.x86_64", "libz.so.1()(64bit)"},
                         {"bash.x86_64", "zlib.x86_64", "zlib"},
                         {"mine.noarch", "bash.x86_64", "/bin/sh"}};
    const std::string text = print_lock(lock);
    CHECK(contains(text,
                   "  ],\n"
                   "  \"asked\": {\n"
                   "    \"*sh\": [\"bash.x86_64\"],\n"
                   "    \"mine >= 1\": [\"mine.noarch\"]\n"
                   "  },\n"
                   "  \"requires\": {\n"
                   "    \"bash.x86_64\": {\"zlib.x86_64\": \"zlib\"},\n"
                   "    \"mine.noarch\": {\"bash.x86_64\": \"/bin/sh\", \"zlib.x86_64\": \"libz.so.1()(64bit)\"}\n"
                   "  }\n"
                   "}\n"));
    const Lock read = parse_lock(text);
    CHECK(print_lock(read) == text);
    CHECK(read.asked == std::vector<LockedRequest>{{"*sh", "bash.x86_64"}, {"mine >= 1", "mine.noarch"}});
    CHECK(read.requirements.size() == 3);
}

TEST_CASE("a lock is refused when it gives a reason that is about nothing", "[lock][hostile]") {
    Lock lock = example();
    lock.asked = {{"bash", "bash.x86_64"}};
    lock.requirements = {{"bash.x86_64", "mine.noarch", "mine"}};
    const std::string good = print_lock(lock);
    CHECK_NOTHROW(parse_lock(good));
    CHECK(
        contains(refusal_of(replaced(good, "[\"bash.x86_64\"]", "[\"dash.x86_64\"]")), "'asked' names 'dash.x86_64'"));
    CHECK(contains(refusal_of(replaced(good, "{\"mine.noarch\"", "{\"yours.noarch\"")), "'requires' names 'yours"));
    CHECK(contains(refusal_of(replaced(good, "\"bash.x86_64\": {", "\"dash.x86_64\": {")), "'requires' names 'dash"));
    CHECK(contains(refusal_of(replaced(good, "[\"bash.x86_64\"]", "\"bash.x86_64\"")), "no list for 'bash'"));
    CHECK(contains(refusal_of(replaced(good, "[\"bash.x86_64\"]", "[\"bash.x86_64\", \"bash.x86_64\"]")), "twice"));
    CHECK(contains(refusal_of(replaced(good, "{\"mine.noarch\": \"mine\"}", "[]")), "is not an object"));
    CHECK(contains(refusal_of(replaced(good, ": \"mine\"}", ": 1}")), "not a string"));
    lock.requirements.push_back({"bash.x86_64", "mine.noarch", "other"});
    CHECK_THROWS_AS(print_lock(lock), Error);
}
