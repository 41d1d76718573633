// SPDX-License-Identifier: Apache-2.0
//
// Groups of packages. What dnf makes of the same groups is compared in tests/dnf.
#include "resolver/comps.h"

#include <catch2/catch.hpp>

#include "tests/unit/resolver/support.h"

using namespace smith;
using namespace smith::resolver;

namespace {

void read_into(Comps& comps, std::string_view xml) {
    const test::TempDir folder;
    test::write(folder / "comps.xml", xml);
    RepomdRecord record;
    record.location = "comps.xml";
    MetadataStream stream(folder / "comps.xml", record);
    read_comps(stream, "x86_64", comps);
}

Comps comps_of(std::string_view xml) {
    Comps comps;
    read_into(comps, xml);
    return comps;
}

std::string ids(const std::vector<const Group*>& groups) {
    std::string out;
    for (const Group* group : groups) out += (out.empty() ? "" : " ") + group->id;
    return out;
}

}  // namespace

TEST_CASE("a group has its mandatory, default and conditional packages, and its English name", "[comps]") {
    const Comps comps = comps_of(R"(<comps><category><id>no</id><name>No group</name></category>
        <group><id>core</id><name xml:lang="de">Kern</name><name>Core</name><name xml:lang="fr">Base</name>
        <packagelist><packagereq type="mandatory" basearchonly="true">a</packagereq>
        <packagereq type="default">b</packagereq><packagereq type="optional">c</packagereq>
        <packagereq type="conditional" requires="x">d</packagereq><packagereq requires="x">e</packagereq>
        <packagereq type="default" arch="s390x,ppc64le">f</packagereq><packagereq>a</packagereq>
        </packagelist></group></comps>)");
    const std::vector<GroupPackage> packages = {{"a", true, ""}, {"b", false, ""}, {"d", false, "x"}, {"e", false, ""}};
    CHECK(comps.groups == std::vector<Group>{{"core", "Core", packages}});
}

TEST_CASE("an environment group means its groups, less the optional ones", "[comps]") {
    const Comps comps =
        comps_of(R"(<comps><group><id>a</id><name>A</name></group><group><id>b</id><name>B</name></group>
        <environment><id>all</id><name>All of It</name><grouplist><groupid>a</groupid><groupid>gone</groupid></grouplist>
        <optionlist><groupid>b</groupid></optionlist></environment></comps>)");
    CHECK(ids(comps.match("all")) == "a");
    CHECK(ids(comps.match("All of It")) == "a");
    CHECK(ids(comps.match("A*")) == "a a");
    CHECK(ids(comps.match("b")) == "b");
    CHECK(ids(comps.match("B")) == "b");
    CHECK(ids(comps.match("c")).empty());
}

TEST_CASE("two repositories' groups of one id are one group", "[comps]") {
    Comps comps;
    for (const char* package : {"one", "two", "one"}) {
        read_into(comps, "<comps><group><id>g</id><name>G</name><packagelist><packagereq>" + std::string(package) +
                             "</packagereq></packagelist></group></comps>");
    }
    REQUIRE(comps.groups.size() == 1);
    CHECK(comps.groups[0].packages == std::vector<GroupPackage>{{"one", false, ""}, {"two", false, ""}});
}

TEST_CASE("hundreds of thousands of groups, and of packages in one, are read in a moment", "[comps][hostile]") {
    std::string xml = "<comps><group><id>g</id><packagelist>";
    constexpr int many = 200'000;
    for (int i = 0; i < many; ++i) xml += "<packagereq>a-package-" + std::to_string(i) + "</packagereq>";
    xml += "</packagelist></group>";
    std::string all;
    for (int i = 0; i < many; ++i) {
        xml += "<group><id>a-group-" + std::to_string(i) + "</id></group>";
        all += "<groupid>a-group-" + std::to_string(i) + "</groupid>";
    }
    // Looking through them for each would take longer than a test may.
    const Comps comps =
        comps_of(xml + "<environment><id>e</id><grouplist>" + all + "</grouplist></environment></comps>");
    CHECK(comps.groups.size() == many + 1);
    CHECK(comps.groups[0].packages.size() == many);
    CHECK(comps.match("e").size() == many);
}

TEST_CASE("groups that are no XML, or bring entities along, are refused", "[comps]") {
    for (const char* xml : {"", "<comps>", "<comps><group></comps>", "<!DOCTYPE c [<!ENTITY a 'b'>]><comps/>"}) {
        CHECK(test::error_of([&] { static_cast<void>(comps_of(xml)); }).kind() == ErrorKind::format);
    }
    const std::string_view named =
        R"(<!DOCTYPE comps PUBLIC "-//Red Hat, Inc.//DTD Comps info//EN" "comps.dtd"><comps/>)";
    CHECK(comps_of(named).groups.empty());
    CHECK(comps_of("<comps><group><name>no id</name></group></comps>").groups.empty());
}
