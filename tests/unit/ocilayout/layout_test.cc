// SPDX-License-Identifier: Apache-2.0
//
// Layouts and archives on disk: what is in them, what stays, what goes, and that it comes back.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <thread>

#include "base/atomic_file.h"
#include "base/error.h"
#include "ocilayout/read_image.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;
namespace fs = std::filesystem;

namespace {

const std::vector<Artifact> kArtifacts = {artifact("application/vnd.smith.spec+json", "{}"),
                                          artifact("application/vnd.smith.packages+json", "[]")};

/// Every file below a directory, with its bytes.
std::map<std::string, std::string> files_in(const fs::path& directory) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (entry.is_regular_file()) {
            out[entry.path().lexically_relative(directory)] = read_file(entry.path(), 1U << 30U);
        }
    }
    return out;
}

TestTree other_tree() {
    TestTree out = small_tree();
    out.file("/etc/motd", "hello");
    return out;
}

LoadedImage load(const std::string& reference, const fs::path& directory) {
    RecordingReporter reporter;
    return load_image(parse_reference(reference), ContentStore(directory / "store"), reporter);
}

/// Of the artifacts of `image`.
Descriptor referrer_index(const FinishedImage& image) {
    std::vector<Descriptor> manifests;
    for (const SmallBlob& manifest : make_referrers(image.image.manifest_desc, image.artifacts).manifests) {
        manifests.push_back(manifest.descriptor);
    }
    return make_referrer_index(std::move(manifests)).descriptor;
}

fs::path blob(const fs::path& layout, const Digest& digest) { return layout / "blobs" / "sha256" / digest.hex(); }

void flip_bit_in_the_middle(const fs::path& file) {
    std::string bytes = read_file(file, 1U << 30U);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x10);
    write_file_atomically(file, bytes);
}

}  // namespace

TEST_CASE("a fresh layout lists exactly one image", "[layout]") {
    const TempDir dir;
    const FinishedImage image = image_of(small_tree(), dir.path(), kArtifacts);
    write_layout(image, dir.path() / "L", "latest");
    const std::map<std::string, std::string> files = files_in(dir.path() / "L");
    CHECK(files.at("oci-layout") == R"({"imageLayoutVersion": "1.0.0"})");
    const ParsedIndex index = parse_index(files.at("index.json"), media_type::kIndex);
    REQUIRE(index.manifests.size() == 1);
    CHECK(index.manifests[0].digest == image.image.manifest_desc.digest);
    CHECK(index.manifests[0].annotations.at("org.opencontainers.image.ref.name") == "latest");
    // Manifest, configuration, layer; the index of two referrers, their manifests, their blobs, the empty configuration
    // (which is the same bytes as the spec here).
    CHECK(files.size() == 2 + 3 + 1 + 2 + 2);
    for (const auto& [name, bytes] : files) {
        if (name.starts_with("blobs/")) CHECK(name == "blobs/sha256/" + sha256(bytes).hex());
    }
}

TEST_CASE("the same image makes the same files, in a layout and in archives", "[layout]") {
    const TempDir dir;
    const FinishedImage one = image_of(small_tree(), dir.path() / "1", kArtifacts);
    const FinishedImage two = image_of(small_tree(), dir.path() / "2", {kArtifacts[1], kArtifacts[0]});
    write_layout(one, dir.path() / "L1", "t");
    write_layout(two, dir.path() / "L2", "t");
    CHECK(files_in(dir.path() / "L1") == files_in(dir.path() / "L2"));
    for (const char* name : {"a.tar", "a.tar.gz", "a.tgz"}) {
        write_archive(one, dir.path() / "1" / name, "t", 1);
        write_archive(two, dir.path() / "2" / name, "t", 3);
        CHECK(read_file(dir.path() / "1" / name, 1U << 30U) == read_file(dir.path() / "2" / name, 1U << 30U));
    }
}

TEST_CASE("an image comes back from layout and archives as it was", "[read_image]") {
    const TempDir dir;
    const TestTree tree = small_tree();
    const FinishedImage image = image_of(tree, dir.path(), kArtifacts);
    const std::string base = dir.path().string();
    for (const std::string& to : {"oci:" + base + "/L", base + "/a.tar", base + "/a.tar.gz", base + "/a.tgz:v1"}) {
        write_image(image, parse_reference(to), 2);
        const LoadedImage back = load(to, dir.path());
        CHECK(dump(back.tree) == dump(tree.tree));
        CHECK(back.owner == Owner{});
        CHECK(back.warnings.empty());
        CHECK(back.head.manifest == image.image.manifest);
        CHECK(back.head.config_text == image.image.config);
        CHECK(back.head.layers == image.image.layers);
        CHECK(back.head.artifacts == std::vector<Artifact>{kArtifacts[1], kArtifacts[0]});
        CHECK(tar_digest(back.tree, *back.owner, *back.contents) == image.image.layers[0].diff_id);
        CHECK(back.head.tag == (to.ends_with(":v1") ? "v1" : "latest"));
    }
}

TEST_CASE("another tag is added, the same one replaced, and what only it used is removed", "[layout]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    const FinishedImage one = image_of(small_tree(), dir.path(), kArtifacts);
    const FinishedImage two = image_of(other_tree(), dir.path());
    write_layout(one, layout, "a");
    const std::map<std::string, std::string> only_one = files_in(layout);
    write_layout(one, layout, "b");
    CHECK(files_in(layout).size() == only_one.size());
    write_layout(two, layout, "b");
    CHECK(dump(load("oci:" + layout.string() + ":a", dir.path()).tree) == dump(small_tree().tree));
    CHECK(dump(load("oci:" + layout.string() + ":b", dir.path()).tree) == dump(other_tree().tree));
    write_layout(two, layout, "a");
    CHECK_FALSE(fs::exists(blob(layout, one.image.layers[0].digest)));
    CHECK_FALSE(fs::exists(blob(layout, one.image.manifest_desc.digest)));
    // index.json, oci-layout; manifest, configuration and layer of the second image.
    CHECK(files_in(layout).size() == 5);
}

TEST_CASE("what other tools put into a layout stays", "[layout]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    write_layout(image_of(small_tree(), dir.path()), layout, "a");
    const std::string foreign =
        R"({"schemaVersion":2,"manifests":[{"mediaType":"application/octet-stream","digest":")" + sha256("f").str() +
        R"(","size":1,"data":"Zg==","urls":["https://x/"]}],"annotations":{"who":"me"}})";
    write_file_atomically(layout / "index.json", foreign);
    write_file_atomically(blob(layout, sha256("f")), "f");
    write_layout(image_of(other_tree(), dir.path()), layout, "b");
    const std::string index = read_file(layout / "index.json", 1U << 20U);
    CHECK_THAT(index, Catch::Contains(R"("data":"Zg==")") && Catch::Contains(R"("annotations":{"who":"me"})"));
    CHECK(fs::exists(blob(layout, sha256("f"))));
}

TEST_CASE("a damaged blob of an existing layout is written anew", "[layout]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    const FinishedImage image = image_of(small_tree(), dir.path(), kArtifacts);
    write_layout(image, layout, "a");
    const std::map<std::string, std::string> whole = files_in(layout);
    for (const auto& [name, bytes] : whole) {
        if (name.starts_with("blobs/") && bytes.size() > 2) flip_bit_in_the_middle(layout / name);
    }
    write_layout(image, layout, "a");
    CHECK(files_in(layout) == whole);
}

TEST_CASE("a directory that is no layout is left alone", "[layout]") {
    const TempDir dir;
    const FinishedImage image = image_of(small_tree(), dir.path());
    fs::create_directory(dir.path() / "home");
    write_file_atomically(dir.path() / "home" / "thesis.txt", "x");
    CHECK_THROWS_WITH(write_layout(image, dir.path() / "home", "latest"), Catch::Contains("holds 'thesis.txt'"));
    CHECK(files_in(dir.path() / "home").size() == 1);
}

TEST_CASE("a build that was interrupted before index.json is taken up", "[layout]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    fs::create_directories(layout / "blobs" / "sha256");
    write_file_atomically(layout / "blobs" / "sha256" / ".tmp-abcdef", "left behind");
    write_layout(image_of(small_tree(), dir.path()), layout, "latest");
    CHECK(files_in(layout).size() == 5);
}

TEST_CASE("writers of one layout wait for each other", "[layout]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    const FinishedImage image = image_of(small_tree(), dir.path());
    {
        std::vector<std::jthread> writers;
        for (int i = 0; i < 8; ++i) {
            writers.emplace_back([&, i] { write_layout(image, layout, "t" + std::to_string(i)); });
        }
    }
    CHECK(parse_index(read_file(layout / "index.json", 1U << 20U), media_type::kIndex).manifests.size() == 8);
}

TEST_CASE("one flipped bit in any blob is an integrity error", "[read_image]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    const FinishedImage image = image_of(small_tree(), dir.path(), kArtifacts);
    write_layout(image, layout, "latest");
    for (const Digest& digest : {image.image.manifest_desc.digest, image.image.config_desc.digest,
                                 image.image.layers[0].digest, sha256("[]")}) {
        const std::string whole = read_file(blob(layout, digest), 1U << 30U);
        flip_bit_in_the_middle(blob(layout, digest));
        try {
            static_cast<void>(load("oci:" + layout.string(), dir.path()));
            FAIL("not noticed");
        } catch (const Error& e) {
            CHECK(e.kind() == ErrorKind::integrity);
            CHECK_THAT(e.message(), Catch::Contains("does not match its digest"));
        }
        write_file_atomically(blob(layout, digest), whole);
    }
    CHECK_NOTHROW(load("oci:" + layout.string(), dir.path()));
}

TEST_CASE("a blob that is longer, shorter or missing is an integrity error", "[read_image]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    const FinishedImage image = image_of(small_tree(), dir.path());
    const fs::path layer = blob(layout, image.image.layers[0].digest);
    const auto message = [&] {
        try {
            static_cast<void>(load("oci:" + layout.string(), dir.path()));
            return std::string("not noticed");
        } catch (const Error& e) {
            return e.kind() == ErrorKind::integrity ? e.message() : "not integrity: " + e.message();
        }
    };
    write_layout(image, layout, "latest");
    const std::string whole = read_file(layer, 1U << 30U);
    write_file_atomically(layer, whole + "x");
    CHECK_THAT(message(), Catch::Contains("expected " + std::to_string(whole.size())));
    write_file_atomically(layer, whole.substr(1));
    CHECK_THAT(message(), Catch::Contains("expected " + std::to_string(whole.size())));
    fs::remove(layer);
    CHECK_THAT(message(), Catch::Contains("is missing"));
}

TEST_CASE("a layer that is not what its diff_id says is an integrity error", "[read_image]") {
    const TempDir dir;
    FinishedImage image = image_of(small_tree(), dir.path());
    image.image.layers[0].diff_id = sha256("something else");
    ImageConfig config;
    config.platform = host_platform();
    image.image = make_image(config, image.image.layers);
    write_layout(image, dir.path() / "L", "latest");
    CHECK_THROWS_WITH(load("oci:" + (dir.path() / "L").string(), dir.path()),
                      Catch::Contains("layer 1: it does not match the diff_id"));
}

TEST_CASE("as many diff_ids as layers", "[read_image]") {
    const TempDir dir;
    FinishedImage image = image_of(small_tree(), dir.path());
    ImageConfig config;
    config.platform = host_platform();
    const Image without = make_image(config, {});
    Image& broken = image.image;
    std::string manifest = broken.manifest;
    manifest.replace(manifest.find(broken.config_desc.digest.str()), 71, without.config_desc.digest.str());
    const std::string size = "\"size\":" + std::to_string(broken.config_desc.size);
    manifest.replace(manifest.find(size), size.size(), "\"size\":" + std::to_string(without.config.size()));
    broken.manifest = manifest;
    broken.manifest_desc = describe(media_type::kManifest, manifest);
    broken.config = without.config;
    broken.config_desc = without.config_desc;
    write_layout(image, dir.path() / "L", "latest");
    CHECK_THROWS_WITH(load("oci:" + (dir.path() / "L").string(), dir.path()),
                      Catch::Contains("the manifest has 1 layers, the configuration 0"));
}

TEST_CASE("a tag that is not there is answered with those that are", "[read_image]") {
    const TempDir dir;
    const std::string layout = "oci:" + (dir.path() / "L").string();
    write_layout(image_of(small_tree(), dir.path()), dir.path() / "L", "v1");
    CHECK_THROWS_WITH(load_image_head(parse_reference(layout + ":v2")),
                      Catch::EndsWith("no image is tagged 'v2'; tags: 'v1'"));
    write_layout(image_of(other_tree(), dir.path()), dir.path() / "L", "v2");
    CHECK_THROWS_WITH(load_image_head(parse_reference(layout)),
                      Catch::EndsWith("several images in it; name one of the tags 'v1', 'v2'"));
    CHECK(load_image_head(parse_reference(layout + ":v2")).tag == "v2");
}

TEST_CASE("Oracle Smith's layouts, which list what is no manifest, are read", "[read_image]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    const FinishedImage image = image_of(small_tree(), dir.path());
    write_layout(image, layout, "latest");
    const std::string spec = R"({"package":"coreutils"})";
    write_file_atomically(blob(layout, sha256(spec)), spec);
    const std::string name = R"("annotations":{"org.opencontainers.image.ref.name":"latest"})";
    write_file_atomically(
        layout / "index.json",
        R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.smith.spec+json","digest":")" +
            sha256(spec).str() + R"(","size":)" + std::to_string(spec.size()) + "," + name +
            R"(},{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
            image.image.manifest_desc.digest.str() + R"(","size":)" + std::to_string(image.image.manifest.size()) +
            "," + name + "}]}");
    const ImageHead head = load_image_head(parse_reference("oci:" + layout.string()));
    CHECK(head.manifest == image.image.manifest);
    REQUIRE(head.artifacts.size() == 1);
    CHECK(head.artifacts[0].bytes == spec);
}

TEST_CASE("artifacts that are gone are told, and the image is read without", "[read_image]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    const FinishedImage image = image_of(small_tree(), dir.path(), kArtifacts);
    write_layout(image, layout, "latest");
    fs::remove(blob(layout, referrer_index(image).digest));
    const ImageHead head = load_image_head(parse_reference("oci:" + layout.string()));
    CHECK(head.artifacts.empty());
    REQUIRE(head.warnings.size() == 1);
    CHECK_THAT(head.warnings[0], Catch::EndsWith("is missing, ignoring"));
}

TEST_CASE("an index of platforms is resolved to the one that is asked for", "[read_image]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    FinishedImage image = image_of(small_tree(), dir.path());
    write_layout(image, layout, "latest");
    ParsedIndex index;
    index.manifests = {image.image.manifest_desc, describe(media_type::kManifest, "absent")};
    index.manifests[0].platform = Platform{"linux", "arm64", "v8"};
    index.manifests[1].platform = Platform{"unknown", "unknown", ""};
    const std::string text = to_json_text(index);
    write_file_atomically(blob(layout, sha256(text)), text);
    ParsedIndex top;
    top.manifests = {describe(media_type::kIndex, text)};
    write_file_atomically(layout / "index.json", to_json_text(top));
    const Reference source = parse_reference("oci:" + layout.string());
    CHECK(load_image_head(source, {Platform{"linux", "arm64", "v8"}}).manifest == image.image.manifest);
    CHECK_THROWS_WITH(load_image_head(source, {Platform{"linux", "amd64", ""}}),
                      Catch::Contains("no image for 'linux/amd64'; there are: 'linux/arm64/v8', 'unknown/unknown'"));
}

TEST_CASE("a fifo in a layout is refused, not waited for", "[read_image]") {
    const TempDir dir;
    const fs::path layout = dir.path() / "L";
    write_layout(image_of(small_tree(), dir.path()), layout, "latest");
    fs::remove(layout / "index.json");
    REQUIRE(::mkfifo((layout / "index.json").c_str(), 0600) == 0);
    CHECK_THROWS_WITH(load_image_head(parse_reference("oci:" + layout.string())),
                      Catch::EndsWith("is not a regular file"));
}
