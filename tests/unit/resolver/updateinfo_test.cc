// SPDX-License-Identifier: Apache-2.0
//
// What advisories say about packages, and how much of it anybody can be made to read.
#include "resolver/updateinfo.h"

#include <catch2/catch.hpp>

#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;
using test::contains;
using test::error_of;
using test::TempDir;

namespace {

std::vector<Advisory> advisories_of(const std::string& updates) {
    const TempDir dir;
    test::write(dir / "updateinfo.xml", "<updates>" + updates + "</updates>");
    RepomdRecord record;
    record.location = "updateinfo.xml";
    MetadataStream stream(dir / "updateinfo.xml", record);
    return find_advisories(stream, {"app", "lib"});
}

std::string package(const std::string& name, const std::string& release, const std::string& epoch = "0") {
    return "<package name='" + name + "' epoch='" + epoch + "' version='1' release='" + release + "' arch='noarch'/>";
}

std::string advisory(const std::string& id, const std::string& packages) {
    return "<update type='security'><id>" + id + "</id><title>of " + id +
           "</title><severity>Low</severity><references>" +
           "<reference type='cve' id='CVE-2'/><reference type='cve' id='CVE-1'/><reference type='self' id='x'/>" +
           "<reference type='cve' id='CVE-2'/></references><pkglist><collection>" + packages +
           "</collection></pkglist></update>";
}

}  // namespace

TEST_CASE("an advisory says which packages have which fixes", "[updateinfo]") {
    const auto found =
        advisories_of(advisory("A-1", package("app", "2") + package("other", "1") + package("app", "2")) +
                      advisory("A-2", package("other", "1")));
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == "A-1");
    CHECK(found[0].type == "security");
    CHECK(found[0].severity == "Low");
    CHECK(found[0].title == "of A-1");
    CHECK(found[0].cves == std::vector<std::string>{"CVE-1", "CVE-2"});
    CHECK(found[0].packages == std::vector<Nevra>{Nevra::parse("app-1-2.noarch")});
}

TEST_CASE("an advisory concerns a change that goes past its version, and no other", "[updateinfo]") {
    const Advisory fix = advisories_of(advisory("A-1", package("app", "2") + package("lib", "1", "1"))).at(0);
    const auto moves = [&](const char* from, const char* to) {
        return concerns(fix, Nevra::parse(from), Nevra::parse(to));
    };
    CHECK(moves("app-1-1.noarch", "app-1-2.noarch"));
    CHECK(moves("app-1-1.noarch", "app-1-10.noarch"));
    CHECK_FALSE(moves("app-1-2.noarch", "app-1-3.noarch"));
    CHECK_FALSE(moves("app-1-0.noarch", "app-1-1.noarch"));
    CHECK_FALSE(moves("app-1-1.x86_64", "app-1-2.x86_64"));
    CHECK(moves("lib-9-9.noarch", "lib-1:1-1.noarch"));
}

TEST_CASE("an advisory of hundreds of thousands of packages is read in a moment", "[updateinfo][hostile]") {
    std::string packages;
    for (int i = 0; i < 400'000; ++i) packages += package("app", std::to_string(i));
    // Looking through all that came before for each of them would take longer than a test may.
    CHECK(advisories_of(advisory("A-1", packages)).at(0).packages.size() == 400'000);
}

TEST_CASE("advisories of absurd shape are refused", "[updateinfo][hostile]") {
    const auto problem_of = [](const std::string& updates) {
        const Error error = error_of([&] { static_cast<void>(advisories_of(updates)); });
        CHECK(error.kind() == ErrorKind::format);
        return error.message();
    };
    std::string parts;
    for (int i = 0; i < 1'000'001; ++i) parts += "<a/>";
    CHECK(contains(problem_of(advisory("A-1", parts)), "too many parts"));
    for (const char* epoch : {"-1", "x", "4294967296", "1 "}) {
        CHECK(contains(problem_of(advisory("A-1", package("app", "1", epoch))), "has the epoch"));
    }
    CHECK(problem_of("<update>") != "nothing was thrown");
    CHECK(problem_of("<!DOCTYPE x [<!ENTITY a 'a'>]>") != "nothing was thrown");
}
