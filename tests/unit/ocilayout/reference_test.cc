// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/reference.h"

#include <catch2/catch.hpp>

#include "base/error.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

Reference file(Transport transport, std::string path, std::string tag = "") {
    return {transport, std::move(path), std::move(tag), ""};
}

}  // namespace

TEST_CASE("images are named as the containers tools name them", "[reference]") {
    CHECK(parse_reference("oci:dir") == file(Transport::oci, "dir"));
    CHECK(parse_reference("oci:/a/b:1.2") == file(Transport::oci, "/a/b", "1.2"));
    CHECK(parse_reference("oci:dir:host:5000/name:tag") == file(Transport::oci, "dir", "host:5000/name:tag"));
    CHECK(parse_reference("oci-archive:a.tar:v1") == file(Transport::oci_archive, "a.tar", "v1"));
    CHECK(parse_reference("docker-archive:a.tar:name:v1") == file(Transport::docker_archive, "a.tar", "name:v1"));
    CHECK(parse_reference("docker://host/name:tag") == Reference{Transport::docker, "", "", "host/name:tag"});
}

TEST_CASE("a bare path is an archive when it is called like one, else a layout", "[reference]") {
    CHECK(parse_reference("image.tar.gz") == file(Transport::oci_archive, "image.tar.gz"));
    CHECK(parse_reference("image.tgz:v1") == file(Transport::oci_archive, "image.tgz", "v1"));
    CHECK(parse_reference("/x/image.tar") == file(Transport::oci_archive, "/x/image.tar"));
    CHECK(parse_reference("nginx") == file(Transport::oci, "nginx"));
    CHECK(parse_reference("./nginx:v1") == file(Transport::oci, "./nginx", "v1"));
    CHECK(parse_reference("https://host/name:tag") == Reference{Transport::docker, "", "", "host/name:tag"});
}

TEST_CASE("a name that can't be read says what was probably meant", "[reference]") {
    CHECK_THROWS_WITH(parse_reference("nginx:latest"),
                      "image name 'nginx:latest': write oci:nginx:latest for a layout, or docker://nginx:latest for a "
                      "registry");
    CHECK_THROWS_WITH(parse_reference("sif:x"), Catch::Contains("no transport 'sif:' here"));
    for (const char* bad : {"", ":", "oci:", "oci::tag", "oci:d:", "oci:d:-x", "oci:d:a..b", "oci:d:a b", "docker://",
                            "docker://a b", "docker:x", "http://x/y", "oci:d:a---b", "oci:d:\x01"}) {
        CHECK_THROWS_AS(parse_reference(bad), Error);
    }
    CHECK(parse_reference("oci:d:a--b").tag == "a--b");
}

TEST_CASE("a reference printed is read as the same", "[reference]") {
    for (const char* text : {"oci:dir", "oci:/a/b:1.2", "oci-archive:a.tar:v1", "docker-archive:a.tar", "image.tgz:v1",
                             "docker://h/n@sha256:00", "./nginx:v1", "a/b/"}) {
        const Reference reference = parse_reference(text);
        CHECK(parse_reference(to_string(reference)) == reference);
    }
    CHECK(tag_or_latest(parse_reference("oci:d")) == "latest");
    CHECK(tag_or_latest(parse_reference("oci:d:t")) == "t");
}
