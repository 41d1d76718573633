// SPDX-License-Identifier: Apache-2.0
//
// Images between any two transports that are files: digests stay, what can't be held is told, and what is hostile is
// refused.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/json.h"
#include "ocilayout/copy_image.h"
#include "ocilayout/docker_archive.h"
#include "ocilayout/docker_types.h"
#include "ocilayout/find_image.h"
#include "ocilayout/read_image.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;
namespace fs = std::filesystem;

namespace {

const std::vector<Artifact> kArtifacts = {artifact(std::string(artifact_type::kSpec), "{}"),
                                          artifact(std::string(artifact_type::kPackages), "[]")};

CopyResult copy(const std::string& from, const std::string& to, const CopyOptions& options = {}) {
    const std::unique_ptr<ImageSource> source = open_image_source(parse_reference(from));
    const std::unique_ptr<ImageDestination> destination = open_image_destination(parse_reference(to));
    return copy_image(*source, *destination, options, silent_reporter());
}

ImageHead head(const std::string& name) { return load_image_head(parse_reference(name)); }

LoadedImage load(const std::string& name, const fs::path& directory) {
    return load_image(parse_reference(name), ContentStore(directory / "store"), silent_reporter());
}

CopyOptions everything() {
    CopyOptions out;
    out.all = true;
    out.referrers = true;
    return out;
}

/// An image whose configuration names a platform, as the layout or archive `to`.
FinishedImage image_for(const std::string& architecture, const std::string& variant, const fs::path& directory) {
    FinishedImage out = image_of(small_tree(), directory);
    ImageConfig config;
    config.platform = {"linux", architecture, variant};
    out.image = make_image(config, out.image.layers);
    return out;
}

/// A docker archive of a stranger: one layer with one file, and whatever manifest.json says.
struct DockerTar {
    std::string layer = RawTar().file("etc/motd", "hello").end();
    std::string config = R"({"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[")" +
                         sha256(layer).str() + R"("]}})";
    RawTar tar;

    void write(const fs::path& file, const std::string& manifest) {
        tar.file("manifest.json", manifest);
        write_file_atomically(file, tar.end());
    }
};

std::string docker_item(const std::string& config, const std::string& tags, const std::string& layer) {
    return R"({"Config":")" + config + R"(","RepoTags":)" + tags + R"(,"Layers":[")" + layer + R"("]})";
}

}  // namespace

TEST_CASE("a copy through every transport and back has the same digest", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    const FinishedImage image = image_of(small_tree(), dir.path(), kArtifacts);
    write_layout(image, dir.path() / "L", "latest");
    const std::vector<std::string> way = {"oci:" + at + "/L",
                                          "oci-archive:" + at + "/a.tar",
                                          "dir:" + at + "/d",
                                          "oci-archive:" + at + "/a.tar.gz:v2",
                                          "oci:" + at + "/L2:any/tag:1",
                                          "dir:" + at + "/d2"};
    for (std::size_t i = 1; i < way.size(); ++i) {
        INFO(way[i]);
        CHECK(copy(way[i - 1], way[i]).copied.digest == image.image.manifest_desc.digest);
    }
    const LoadedImage back = load(way.back(), dir.path());
    CHECK(back.head.manifest == image.image.manifest);
    CHECK(dump(back.tree) == dump(small_tree().tree));
}

TEST_CASE("a copy takes what hangs on an image along when it is asked to", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    write_layout(image_of(small_tree(), dir.path(), kArtifacts), dir.path() / "L", "latest");
    CHECK(copy("oci:" + at + "/L", "oci:" + at + "/without").referrers == 0);
    CHECK(head("oci:" + at + "/without").artifacts.empty());
    CHECK(copy("oci:" + at + "/L", "oci-archive:" + at + "/with.tar", everything()).referrers == 2);
    CHECK(head("oci-archive:" + at + "/with.tar").artifacts == head("oci:" + at + "/L").artifacts);
    CHECK_THROWS_WITH(copy("oci:" + at + "/L", "dir:" + at + "/d", everything()), Catch::Contains("--referrers"));
}

TEST_CASE("an image in docker's types keeps its blobs and has another digest", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    const FinishedImage image = image_of(small_tree(), dir.path(), kArtifacts);
    write_layout(image, dir.path() / "L", "latest");
    CopyOptions docker;
    docker.docker_types = true;
    const CopyResult copied = copy("oci:" + at + "/L", "dir:" + at + "/d", docker);
    CHECK(copied.copied.media_type == media_type::kDockerManifest);
    CHECK(copied.copied.digest != image.image.manifest_desc.digest);
    const ImageHead got = head("dir:" + at + "/d");
    CHECK(sha256(got.manifest) == copied.copied.digest);
    CHECK(got.config_text == image.image.config);
    REQUIRE(got.layers.size() == 1);
    CHECK(got.layers[0].digest == image.layers[0].layer.digest);
    const nlohmann::json manifest = parse_json(got.manifest);
    CHECK(manifest.at("config").at("mediaType") == media_type::kDockerConfig);
    CHECK(manifest.at("layers")[0].at("mediaType") == media_type::kDockerLayerGzip);
    CHECK(dump(load("dir:" + at + "/d", dir.path()).tree) == dump(small_tree().tree));
    // Again, it is what it is already.
    CHECK(copy("dir:" + at + "/d", "dir:" + at + "/d2", docker).copied.digest == copied.copied.digest);
}

TEST_CASE("what docker has no word for is not put in docker's types", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    write_layout(image_of(small_tree(), dir.path(), kArtifacts), dir.path() / "L", "latest");
    CopyOptions docker;
    docker.docker_types = true;
    for (const char* to : {"oci:", "oci-archive:"}) {
        CHECK_THROWS_WITH(copy("oci:" + at + "/L", to + at + "/x", docker), Catch::Contains("OCI's types"));
    }
    CopyOptions both = docker;
    both.referrers = true;
    CHECK_THROWS_WITH(copy("oci:" + at + "/L", "docker-archive:" + at + "/x.tar", both),
                      Catch::Contains("--referrers"));

    Descriptor layer = describe(media_type::kLayerZstd, "z");
    const Descriptor config = describe(media_type::kConfig, "{}");
    const auto manifest_of = [&](const std::string& text) {
        return RawManifest{describe(media_type::kManifest, text), text};
    };
    CHECK_THROWS_WITH(in_docker_types(manifest_of(make_manifest_text(config, std::vector{layer}))),
                      Catch::Contains("tar+zstd"));
    const Referrers hanging = make_referrers(config, kArtifacts);
    CHECK_THROWS_WITH(in_docker_types(manifest_of(hanging.manifests[0].bytes)), Catch::Contains("artifact"));
}

TEST_CASE("what hangs on an image stays when the same image is written again", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    const FinishedImage image = image_of(small_tree(), dir.path(), kArtifacts);
    write_layout(image, dir.path() / "L", "latest");
    const Referrers signature = make_referrers(image.image.manifest_desc, std::vector{artifact("a/signature", "sig")});
    {
        const auto layout = open_image_destination(parse_reference("oci:" + at + "/L"));
        for (const SmallBlob& blob : signature.blobs) {
            layout->put_blob(blob.descriptor, [&blob] { return memory_source(blob.bytes); }, {});
        }
        layout->put_manifest(signature.manifests[0].descriptor, signature.manifests[0].bytes);
        layout->finish();
    }
    CHECK(head("oci:" + at + "/L").artifacts.size() == 3);
    // As a build does; its own artifacts take the place of the old ones.
    FinishedImage again = image;
    again.artifacts[0].bytes = R"({"package":"curl"})";
    write_layout(again, dir.path() / "L", "latest");
    const std::vector<Artifact> there = head("oci:" + at + "/L").artifacts;
    REQUIRE(there.size() == 3);
    CHECK(std::ranges::count(there, artifact("a/signature", "sig")) == 1);
    CHECK(std::ranges::count(there, again.artifacts[0]) == 1);
}

TEST_CASE("nothing can hang on an image that is not there", "[transports]") {
    const TempDir dir;
    write_layout(image_of(small_tree(), dir.path()), dir.path() / "L", "latest");
    const std::string before = read_file(dir.path() / "L" / "index.json", 1U << 20U);
    const auto layout = open_image_destination(parse_reference("oci:" + (dir.path() / "L").string()));
    const Descriptor absent = describe(media_type::kManifest, "absent");
    const Referrers referrers = make_referrers(absent, std::vector{artifact("a/b", "c")});
    layout->put_manifest(referrers.manifests[0].descriptor, referrers.manifests[0].bytes);
    CHECK_THROWS_WITH(layout->finish(), Catch::Contains("no image " + absent.digest.str()));
    CHECK(read_file(dir.path() / "L" / "index.json", 1U << 20U) == before);
}

TEST_CASE("an index is made of several images, kept with --all, and resolved without", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    std::vector<std::unique_ptr<ImageSource>> opened;
    for (const char* architecture : {"s390x", "amd64", "arm64"}) {
        write_layout(image_for(architecture, "", dir.path()), dir.path() / architecture, "latest");
        opened.push_back(open_image_source(parse_reference("oci:" + at + "/" + architecture)));
    }
    const auto make = [&](const std::vector<ImageSource*>& sources, const std::string& to) {
        return create_index(sources, *open_image_destination(parse_reference(to)), {}, silent_reporter());
    };
    const CopyResult made = make({opened[0].get(), opened[1].get(), opened[2].get()}, "oci:" + at + "/all");
    CHECK(made.copied.media_type == media_type::kIndex);
    // In whatever order.
    CHECK(make({opened[2].get(), opened[0].get(), opened[1].get()}, "oci:" + at + "/all2").copied.digest ==
          made.copied.digest);
    CHECK_THROWS_WITH(make({opened[0].get(), opened[0].get()}, "oci:" + at + "/twice"),
                      Catch::Contains("are both for 'linux/s390x'"));

    CHECK(copy("oci:" + at + "/all", "oci-archive:" + at + "/all.tar", everything()).copied.digest ==
          made.copied.digest);
    CHECK(copy("oci-archive:" + at + "/all.tar", "oci:" + at + "/back", everything()).copied.digest ==
          made.copied.digest);
    CHECK_THROWS_WITH(copy("oci:" + at + "/all", "docker-archive:" + at + "/x.tar", everything()),
                      Catch::Contains("leave out --all"));
    CopyOptions arm;
    arm.platform = parse_platform("linux/arm64");
    CHECK(copy("oci:" + at + "/back", "docker-archive:" + at + "/arm.tar:smith/arm", arm).blobs == 2);
    CHECK(head("docker-archive:" + at + "/arm.tar").config.platform.architecture == "arm64");
}

TEST_CASE("of an index the newest variant that the machine runs is taken", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    ParsedIndex index;
    std::vector<std::unique_ptr<ImageSource>> opened;
    std::vector<ImageSource*> sources;
    for (const char* platform : {"linux/arm/v5", "linux/arm/v6", "linux/arm/v8", "linux/amd64", "linux/amd64/v3"}) {
        const Platform parsed = parse_platform(platform);
        const std::string name = std::to_string(opened.size());
        write_layout(image_for(parsed.architecture, parsed.variant, dir.path()), dir.path() / name, "latest");
        opened.push_back(open_image_source(parse_reference("oci:" + at + "/" + name)));
        sources.push_back(opened.back().get());
    }
    static_cast<void>(
        create_index(sources, *open_image_destination(parse_reference("oci:" + at + "/all")), {}, silent_reporter()));
    const auto chosen = [&](const char* platform) {
        ReadOptions options;
        options.platform = parse_platform(platform);
        return to_string(load_image_head(parse_reference("oci:" + at + "/all"), options).config.platform);
    };
    CHECK(chosen("linux/arm") == "linux/arm/v6");  // which means v7
    CHECK(chosen("linux/arm/v5") == "linux/arm/v5");
    CHECK(chosen("linux/arm/v8") == "linux/arm/v8");
    CHECK(chosen("linux/amd64/v2") == "linux/amd64");
    CHECK(chosen("linux/amd64/v4") == "linux/amd64/v3");
    CHECK_THROWS_WITH(chosen("linux/386"), Catch::Contains("no image for 'linux/386'"));
    CHECK_THROWS_WITH(chosen("windows/amd64"), Catch::Contains("no image for 'windows/amd64'"));
}

TEST_CASE("a docker archive keeps the image's configuration, and comes back to the same digest", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    const FinishedImage image = image_of(small_tree(), dir.path());
    write_layout(image, dir.path() / "L", "latest");
    CopyOptions tags;
    tags.also_tags = {"docker.io/smith/app:2"};
    static_cast<void>(copy("oci:" + at + "/L", "docker-archive:" + at + "/d.tar:smith/app:1", tags));
    const ImageHead seen = head("docker-archive:" + at + "/d.tar:smith/app:2");
    CHECK(seen.config_text == image.image.config);
    CHECK(dump(load("docker-archive:" + at + "/d.tar", dir.path()).tree) == dump(small_tree().tree));
    // smith's own compressor makes of the same tar the same layer.
    const CopyResult back = copy(at + "/d.tar", "oci:" + at + "/back");
    CHECK(back.copied.digest == image.image.manifest_desc.digest);
    CHECK_THROWS_WITH(head("docker-archive:" + at + "/d.tar:smith/app:3"),
                      Catch::Contains("no image is named 'docker.io/smith/app:3'; there are: "
                                      "'docker.io/smith/app:2', 'docker.io/smith/app:1'"));
}

TEST_CASE("docker archives of several images are read by name and by number", "[transports]") {
    const TempDir dir;
    DockerTar docker;
    docker.tar.file("a/layer.tar", docker.layer).link("b/layer.tar", "../a/layer.tar").file("c.json", docker.config);
    docker.write(dir.path() / "d.tar", "[" + docker_item("c.json", R"(["one","two:2"])", "a/layer.tar") + "," +
                                           docker_item("c.json", "null", "b/layer.tar") + "]");
    const std::string name = "docker-archive:" + (dir.path() / "d.tar").string();
    for (const char* which : {":one", ":docker.io/library/one:latest", ":two:2", ":@0", ":@1"}) {
        INFO(which);
        CHECK(load(name + which, dir.path()).tree.contains(ImagePath::parse("/etc/motd")));
    }
    CHECK_THROWS_WITH(head(name), Catch::Contains("there are 2 images in it; name one of 'one', 'two:2'"));
    CHECK_THROWS_WITH(head(name + ":@2"), Catch::Contains("no image number 2"));
}

TEST_CASE("names in a docker archive lead to nothing outside of it", "[transports]") {
    const TempDir dir;
    write_file_atomically(dir.path() / "secret", "hello");
    const auto message = [&](const std::string& manifest, const std::string& link) {
        DockerTar docker;
        docker.tar.file("c.json", docker.config).link("link", link).link("circle", "circle");
        docker.write(dir.path() / "d.tar", manifest);
        try {
            static_cast<void>(load("docker-archive:" + (dir.path() / "d.tar").string(), dir.path()));
            return std::string("not noticed");
        } catch (const Error& e) {
            return e.message();
        }
    };
    const std::string dots = "../../../../../../" + (dir.path() / "secret").string();
    CHECK_THAT(message("[" + docker_item("c.json", "null", dots) + "]", "x"), Catch::Contains("'..'"));
    CHECK_THAT(message("[" + docker_item(dots, "null", "x") + "]", "x"), Catch::Contains("'..'"));
    CHECK_THAT(message("[" + docker_item("c.json", "null", "link") + "]", dots), Catch::Contains("no file 'link'"));
    CHECK_THAT(message("[" + docker_item("link", "null", "x") + "]", (dir.path() / "secret").string()),
               Catch::Contains("no file 'link'"));
    CHECK_THAT(message("[" + docker_item("circle", "null", "x") + "]", "x"), Catch::Contains("no file 'circle'"));
    CHECK_THAT(message("[]", "x"), Catch::Contains("not a list of images"));
    CHECK_THAT(message(R"([{"Config":"c.json","Layers":[]}])", "x"),
               Catch::Contains("manifest.json has 0 layers, the configuration 1"));
}

TEST_CASE("a layer of a docker archive must be what the configuration says", "[transports]") {
    const TempDir dir;
    DockerTar docker;
    docker.layer[600] = static_cast<char>(docker.layer[600] ^ 1);
    docker.tar.file("l.tar", docker.layer).file("c.json", docker.config);
    docker.write(dir.path() / "d.tar", "[" + docker_item("c.json", "null", "l.tar") + "]");
    CHECK_THROWS_WITH(load((dir.path() / "d.tar").string(), dir.path()), Catch::Contains("does not match its digest"));
}

TEST_CASE("a dir: is replaced whole, and never one that is something else", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    TestTree other = small_tree();
    other.file("/etc/motd", "other");
    write_layout(image_of(small_tree(), dir.path()), dir.path() / "one", "latest");
    write_layout(image_of(other, dir.path()), dir.path() / "two", "latest");
    static_cast<void>(copy("oci:" + at + "/one", "dir:" + at + "/d"));
    static_cast<void>(copy("oci:" + at + "/two", "dir:" + at + "/d"));
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& file : fs::directory_iterator(dir.path() / "d")) ++files;
    CHECK(files == 4);  // version, manifest.json, configuration, layer
    CHECK(dump(load("dir:" + at + "/d", dir.path()).tree) == dump(other.tree));
    fs::create_directories(dir.path() / "home");
    write_file_atomically(dir.path() / "home" / "thesis.txt", "years");
    CHECK_THROWS_WITH(copy("oci:" + at + "/one", "dir:" + at + "/home"), Catch::Contains("holds 'thesis.txt'"));
}

TEST_CASE("a copy that fails changes nothing that anybody sees", "[transports]") {
    const TempDir dir;
    const std::string at = dir.path().string();
    TestTree other = small_tree();
    other.file("/etc/motd", "other");
    const FinishedImage good = image_of(small_tree(), dir.path());
    const FinishedImage bad = image_of(other, dir.path());
    write_layout(bad, dir.path() / "bad", "latest");
    const fs::path layer = dir.path() / "bad" / "blobs" / "sha256" / bad.image.layers[0].digest.hex();
    std::string bytes = read_file(layer, 1U << 30U);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    write_file_atomically(layer, bytes);
    for (const std::string& to : {"oci:" + at + "/L", "oci-archive:" + at + "/a.tar",
                                  "docker-archive:" + at + "/d.tar:x", "dir:" + at + "/d"}) {
        INFO(to);
        write_image(good, parse_reference(to), 1);
        const std::string before = head(to).config_text;
        try {
            static_cast<void>(copy("oci:" + at + "/bad", to));
            FAIL("not noticed");
        } catch (const Error& e) {
            CHECK(e.kind() == ErrorKind::integrity);
        }
        CHECK(head(to).config_text == before);
    }
    CHECK_FALSE(fs::exists(dir.path() / "L" / "blobs" / "sha256" / bad.image.layers[0].digest.hex()));
}

TEST_CASE("a link in place of a blob is what its digest says, or nothing", "[transports]") {
    const TempDir dir;
    const FinishedImage image = image_of(small_tree(), dir.path());
    write_layout(image, dir.path() / "L", "latest");
    const fs::path layer = dir.path() / "L" / "blobs" / "sha256" / image.image.layers[0].digest.hex();
    fs::rename(layer, dir.path() / "elsewhere");
    fs::create_symlink(dir.path() / "elsewhere", layer);
    const std::string name = "oci:" + (dir.path() / "L").string();
    CHECK(copy(name, "dir:" + (dir.path() / "d").string()).copied.digest == image.image.manifest_desc.digest);
    write_file_atomically(dir.path() / "elsewhere", "root:x:0:0::/:/bin/sh");
    CHECK_THROWS_WITH(copy(name, "dir:" + (dir.path() / "d2").string()), Catch::Contains("bytes, expected"));
    fs::remove(dir.path() / "elsewhere");
    CHECK_THROWS_WITH(copy(name, "dir:" + (dir.path() / "d3").string()), Catch::Contains("is missing"));
}

TEST_CASE("a descriptor's size is never believed", "[transports]") {
    const TempDir dir;
    const FinishedImage image = image_of(small_tree(), dir.path());
    const auto with_size = [&](const std::string& size) {
        std::string manifest = image.image.manifest;
        const std::string real = "\"size\":" + std::to_string(image.image.layers[0].size);
        manifest.replace(manifest.find(real), real.size(), "\"size\":" + size);
        FinishedImage lying = image;
        lying.image.manifest = manifest;
        lying.image.manifest_desc = describe(media_type::kManifest, manifest);
        try {
            write_layout(lying, dir.path() / "L", "latest");
            static_cast<void>(copy("oci:" + (dir.path() / "L").string(), "dir:" + (dir.path() / "d").string()));
            return std::string("not noticed");
        } catch (const Error& e) {
            return e.message();
        }
    };
    CHECK_THAT(with_size("9223372036854775807"), Catch::Contains("more than the"));
    CHECK_THAT(with_size("9223372036854775808"), Catch::Contains("'size'"));
    CHECK_THAT(with_size("18446744073709551617"), Catch::Contains("'size'"));
    CHECK_THAT(with_size("-1"), Catch::Contains("'size'"));
    CHECK_THAT(with_size("60000000000"), Catch::Contains("expected 60000000000"));
}

TEST_CASE("what a manifest without a descriptor is, it says itself", "[transports]") {
    CHECK(guess_manifest_type(R"({"schemaVersion":2,"manifests":[]})") == media_type::kIndex);
    CHECK(guess_manifest_type(R"({"schemaVersion":2,"config":{},"layers":[]})") == media_type::kManifest);
    CHECK(guess_manifest_type(R"({"mediaType":"application/vnd.docker.distribution.manifest.v2+json"})") ==
          media_type::kDockerManifest);
    CHECK_THROWS_WITH(guess_manifest_type(R"({"mediaType":"text/html"})"), Catch::Contains("'text/html'"));
    CHECK_THROWS_WITH(guess_manifest_type("{}"), Catch::Contains("neither"));
    // CVE-2021-41190: one document, two readings.
    const TempDir dir;
    write_file_atomically(dir.path() / "manifest.json",
                          R"({"schemaVersion":2,"config":{},"layers":[],"manifests":[]})");
    CHECK_THROWS_WITH(head("dir:" + dir.path().string()), Catch::Contains("has the field 'layers'"));
}

TEST_CASE("names of docker images are completed as docker does", "[transports]") {
    CHECK(docker_name("nginx") == "docker.io/library/nginx:latest");
    CHECK(docker_name("smith/app:1") == "docker.io/smith/app:1");
    CHECK(docker_name("localhost/app") == "localhost/app:latest");
    CHECK(docker_name("host:5000/a/b") == "host:5000/a/b:latest");
    CHECK(docker_name("host.example/a:b") == "host.example/a:b");
    for (const char* bad : {"", ":", "a:", "/a", "a/", "a@sha256", "a:b:c"}) {
        INFO(bad);
        CHECK_THROWS_AS(docker_name(bad), Error);
    }
}
