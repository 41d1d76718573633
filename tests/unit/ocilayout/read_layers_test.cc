// SPDX-License-Identifier: Apache-2.0
//
// Layers become packs and records once, and are not opened again.
#include "ocilayout/read_layers.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>

#include "base/error.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

/// Layers that are not compressed, so that their digest is their diff_id, and how often they were opened.
struct Registry {
    std::map<Digest, std::string> blobs;
    std::atomic<int> opened{0};

    Layer add(const RawTar& tar) {
        const std::string bytes = tar.end();
        const Digest digest = sha256(bytes);
        blobs[digest] = bytes;
        return {digest, digest, bytes.size(), std::string(media_type::kLayerTar)};
    }
    StackedLayers read(const std::vector<Layer>& layers, const ContentStore& store, bool reread = false) {
        const auto open = [this](const Descriptor& blob) {
            ++opened;
            return verifying_source(memory_source(blobs.at(blob.digest)), blob.digest, blob.size);
        };
        return read_layers(layers, open, store, {2, reread}, silent_reporter());
    }
};

std::string text_of(const StackedLayers& image, const char* path) {
    const Bytes bytes = image.contents->open(as_regular(image.tree.find(ImagePath::parse(path)))->content);
    return {reinterpret_cast<const char*>(bytes.view().data()), bytes.size()};
}

std::filesystem::path only_file(const std::filesystem::path& directory, const std::string& extension) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() == extension) return entry.path();
    }
    return {};
}

void damage(const std::filesystem::path& file, std::streamoff at) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(at);
    stream.put('\xff');
}

RawTar small_layer() {
    RawTar out;
    out.dir("etc").file("etc/a", "some text").link("l", "etc/a").hard_link("h", "etc/a");
    out.add({"bin/su", '0', "", 04755}, "x").add({"dev/null", '3'});
    return out;
}

}  // namespace

TEST_CASE("an image that was read before is read without opening a layer", "[read_layers]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    Registry registry;
    const std::vector<Layer> layers = {registry.add(small_layer()), registry.add(RawTar().file("etc/.wh.a", ""))};
    const StackedLayers first = registry.read(layers, store);
    CHECK(registry.opened == 2);
    const StackedLayers second = registry.read(layers, store);
    CHECK(registry.opened == 2);
    CHECK(second.tree == first.tree);
    CHECK(second.warnings == first.warnings);
    CHECK(first.warnings.size() == 2);
    CHECK(text_of(second, "/h") == "some text");
    CHECK_FALSE(second.tree.contains(ImagePath::parse("/etc/a")));
}

TEST_CASE("a layer whose record or pack is damaged is opened again", "[read_layers]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    Registry registry;
    const std::vector<Layer> layers = {registry.add(small_layer())};
    const FileTree tree = registry.read(layers, store).tree;
    for (const char* extension : {".layer", ".pack"}) {
        const std::filesystem::path file = only_file(dir.path() / "packs", extension);
        REQUIRE(std::filesystem::exists(file));
        damage(file, static_cast<std::streamoff>(std::filesystem::file_size(file)) - 20);
        const int before = registry.opened;
        CHECK(registry.read(layers, store).tree == tree);
        CHECK(registry.opened == before + 1);
    }
    for (const auto& entry : std::filesystem::directory_iterator(dir.path() / "packs")) {
        std::filesystem::resize_file(entry.path(), 10);
    }
    CHECK(registry.read(layers, store).tree == tree);
}

TEST_CASE("who doubts the cache has the layers read anew", "[read_layers]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    Registry registry;
    const std::vector<Layer> layers = {registry.add(small_layer())};
    const FileTree tree = registry.read(layers, store).tree;
    // Inside a content, where only reading it tells.
    damage(only_file(dir.path() / "packs", ".pack"), 9);
    const StackedLayers damaged = registry.read(layers, store);
    CHECK_THROWS_AS(text_of(damaged, "/etc/a"), Error);
    CHECK(text_of(registry.read(layers, store, true), "/etc/a") == "some text");
}

TEST_CASE("a record counts only with the diff_id that it was made under", "[read_layers]") {
    // One blob, two configurations: the second one lies about what the layer is when it is opened.
    const TempDir dir;
    const ContentStore store(dir.path());
    Registry registry;
    std::vector<Layer> layers = {registry.add(small_layer())};
    static_cast<void>(registry.read(layers, store));
    layers[0].diff_id = sha256("another");
    CHECK_THROWS_WITH(registry.read(layers, store), Catch::Contains("layer 1: it does not match the diff_id"));
}

TEST_CASE("damaged layers are told by number, the lowest first", "[read_layers]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    Registry registry;
    const std::vector<Layer> layers = {registry.add(RawTar().file("a")), registry.add(RawTar().file("b")),
                                       registry.add(RawTar().file("c"))};
    registry.blobs[layers[1].digest][0] = 'x';
    registry.blobs[layers[2].digest][0] = 'x';
    CHECK_THROWS_WITH(registry.read(layers, store), Catch::Contains("layer 2: blob does not match its digest"));
    // What is good of it is kept, and nothing of the rest.
    CHECK(only_file(dir.path() / "packs", ".layer").stem().string().find(layers[1].digest.hex()) == std::string::npos);
}
