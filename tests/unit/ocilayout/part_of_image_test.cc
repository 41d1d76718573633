// SPDX-License-Identifier: Apache-2.0
//
// How much of an image in a registry is fetched to answer a question about it.
#include "ocilayout/part_of_image.h"

#include <filesystem>
#include <fstream>

#include "ocilayout/image.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/ocilayout/registry_helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;
using namespace smith::test;

namespace {

RawTar base_layer() {
    RawTar out;
    out.dir("etc")
        .file("etc/os-release", "base")
        .file("etc/hosts", "localhost")
        .dir("bin")
        .file("bin/sh", noise(200'000));
    return out;
}

/// An image of these layers, uncompressed.
void add_layers(FakeRegistry& registry, const std::string& repository_and_tag, const std::vector<RawTar>& layers,
                const std::string& more_config = "") {
    nlohmann::json diff_ids = nlohmann::json::array();
    std::vector<Descriptor> blobs;
    for (const RawTar& layer : layers) {
        diff_ids.push_back(registry.add_blob(layer.end()));
        blobs.push_back(describe(media_type::kLayerTar, layer.end()));
    }
    const std::string config = R"({"architecture":"amd64","os":"linux",)" + more_config +
                               R"("rootfs":{"type":"layers","diff_ids":)" + diff_ids.dump() + "}}";
    registry.add_blob(config);
    registry.add_manifest(manifest_of(config, blobs), std::string(media_type::kManifest), repository_and_tag);
}

/// Somebody with an empty cache.
struct Asker {
    explicit Asker(FakeRegistry& of) : registry(of) {}

    /// The text of each path, or what is there instead.
    std::string cat(const std::vector<std::string>& paths, const std::string& image = "app:1") {
        registry.server.forget();
        const auto source = open_source(registry.name(image));
        ReadOptions options;
        options.artifacts = false;
        const ImageHead head = load_image_head(*source, options);
        std::vector<ImagePath> parsed;
        for (const std::string& path : paths) parsed.push_back(ImagePath::parse(path));
        const FoundPaths found = find_paths(*source, head, parsed, store, silent_reporter());
        std::string out;
        for (const FoundPath& one : found.paths) {
            if (one.kind == FoundPath::Kind::nothing) out += "nothing;";
            if (one.kind == FoundPath::Kind::directory) out += "directory;";
            if (one.kind != FoundPath::Kind::file) continue;
            const Bytes bytes = found.contents->open(one.content);
            out += std::string(reinterpret_cast<const char*>(bytes.view().data()), bytes.size()) + ";";
        }
        return out;
    }

    /// "-/a +/b ~/c", and "whole" where all files were looked at.
    std::string diff(const std::string& before, const std::string& after) {
        registry.server.forget();
        const auto a = open_source(registry.name(before));
        const auto b = open_source(registry.name(after));
        ReadOptions options;
        options.artifacts = false;
        const ImageHead head_a = load_image_head(*a, options);
        const ImageHead head_b = load_image_head(*b, options);
        const ComparedTrees trees =
            load_to_compare({a.get(), &head_a}, {b.get(), &head_b}, store, 2, silent_reporter());
        std::string out;
        for (const auto& [path, entry] : trees.before.entries()) {
            const Entry* now = trees.after.find(path);
            if (now == nullptr) out += "-" + path.str() + " ";
            if (now != nullptr && now->node != entry.node) out += "~" + path.str() + " ";
        }
        for (const auto& [path, entry] : trees.after.entries()) {
            if (!trees.before.contains(path)) out += "+" + path.str() + " ";
        }
        return out + (trees.are_whole ? "whole" : "");
    }

    /// Layers that were fetched since; the configuration is a blob, too.
    [[nodiscard]] std::size_t layers_fetched(std::size_t images = 1) const {
        return registry.server.count("GET /v2/app/blobs/") - images;
    }
    [[nodiscard]] std::size_t requests() const { return registry.server.log().size(); }

    FakeRegistry& registry;
    TempDir dir;
    ContentStore store{dir.path()};
};

}  // namespace

TEST_CASE("a file of the top layer is had without the layers below", "[part_of_image]") {
    FakeRegistry registry;
    add_layers(
        registry, "app:1",
        {base_layer(), RawTar().dir("etc").file("etc/os-release", "middle"), RawTar().dir("app").file("app/x", "1")});
    Asker asker(registry);
    CHECK(asker.cat({"/app/x"}) == "1;");
    CHECK(asker.layers_fetched() == 1);
    CHECK(asker.requests() == 3);  // manifest, configuration, one layer
    CHECK(asker.cat({"/etc/os-release", "/app/x"}) == "middle;1;");
    CHECK(asker.layers_fetched() == 2);  // the middle one, and the top one for its bytes, which are not stored
    CHECK(asker.cat({"/etc/os-release"}) == "middle;");
    CHECK(asker.layers_fetched() == 1);  // what the top one says is known by now
    // Nothing of 200 KB is stored, but what the layers say.
    for (const auto& file : std::filesystem::directory_iterator(asker.dir.path() / "packs")) {
        CHECK(file.path().extension() == ".layer");
        CHECK(file.file_size() < 1000);
    }
}

TEST_CASE("a whiteout ends the search, and so does a directory that hides what is below", "[part_of_image]") {
    FakeRegistry registry;
    add_layers(registry, "app:1",
               {base_layer(), RawTar().dir("etc").file("etc/.wh.hosts", "").dir("bin").file("bin/.wh..wh..opq", "")});
    Asker asker(registry);
    CHECK(asker.cat({"/etc/hosts", "/bin/sh", "/bin"}) == "nothing;nothing;directory;");
    CHECK(asker.layers_fetched() == 1);
    CHECK(asker.cat({"/etc/os-release"}) == "base;");
    CHECK(asker.layers_fetched() == 1);  // the lower one
    CHECK(asker.cat({"/nowhere"}) == "nothing;");
    CHECK(asker.layers_fetched() == 0);  // both are known
}

TEST_CASE("links are followed through the layers that they lead to", "[part_of_image]") {
    FakeRegistry registry;
    add_layers(registry, "app:1",
               {base_layer(), RawTar().link("z", "etc/hosts").hard_link("h", "etc/os-release"),
                RawTar().dir("d").file("d/f", "target").hard_link("d/h", "d/f").link("d/a", "h")});
    Asker asker(registry);
    CHECK(asker.cat({"/d/a"}) == "target;");
    // Once more: the file had gone by when the link to it came.
    CHECK(asker.layers_fetched() == 2);
    CHECK(asker.cat({"/z", "/h"}) == "localhost;base;");
    CHECK(asker.layers_fetched() == 2);
}

TEST_CASE("a file that the cache has is not fetched, and one whose bytes are damaged there is", "[part_of_image]") {
    FakeRegistry registry;
    add_layers(registry, "app:1", {base_layer(), RawTar().dir("app").file("app/x", "1")});
    Asker asker(registry);
    static_cast<void>(load_image(*open_source(registry.name("app:1")), asker.store, silent_reporter(), {}));
    CHECK(asker.cat({"/etc/hosts", "/app/x"}) == "localhost;1;");
    CHECK(asker.layers_fetched() == 0);
    const auto pack = asker.dir.path() / "packs" / (sha256(base_layer().end()).hex() + ".pack");
    std::fstream stream(pack, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(8).put('\xff').flush();
    CHECK(asker.cat({"/etc/os-release"}) == "base;");
    CHECK(asker.layers_fetched() == 1);
}

TEST_CASE("a layer that is read for one file is verified to its end", "[part_of_image][hostile]") {
    FakeRegistry registry;
    const RawTar top = RawTar().dir("app").file("app/x", "1");
    add_layers(registry, "app:1", {base_layer(), top});
    registry.blobs[sha256(top.end()).str()].back() = 'x';
    Asker asker(registry);
    CHECK(kind_of([&] { static_cast<void>(asker.cat({"/app/x"})); }) == ErrorKind::integrity);
}

TEST_CASE("images of the same layers are compared without fetching one", "[part_of_image]") {
    FakeRegistry registry;
    add_layers(registry, "app:1", {base_layer()});
    add_layers(registry, "app:2", {base_layer()}, R"("author":"somebody",)");
    Asker asker(registry);
    CHECK(asker.diff("app:1", "app:2").empty());
    CHECK(asker.layers_fetched(2) == 0);
    CHECK(asker.requests() == 4);
}

TEST_CASE("of layers that both images have only those are fetched that decide something", "[part_of_image]") {
    FakeRegistry registry;
    const RawTar first = RawTar().dir("app").file("app/x", "1").file("app/y", "1");
    const RawTar second = RawTar().dir("app").file("app/x", "2").file("app/.wh.y", "");
    add_layers(registry, "app:1", {base_layer(), first});
    add_layers(registry, "app:2", {base_layer(), second});
    add_layers(registry, "app:3", {base_layer(), RawTar().dir("etc").file("etc/hosts", "other")});
    {
        Asker asker(registry);
        CHECK(asker.diff("app:1", "app:2") == "~/app/x -/app/y ");
        CHECK(asker.layers_fetched(2) == 2);
    }
    // Whether /app and /etc/hosts are new, only the base can tell.
    Asker asker(registry);
    CHECK(asker.diff("app:1", "app:3") == "-/app -/app/x -/app/y ~/etc/hosts whole");
    CHECK(asker.layers_fetched(2) == 3);  // what both have, once
    CHECK(asker.diff("app:1", "app:3") == "-/app -/app/x -/app/y ~/etc/hosts whole");
    CHECK(asker.layers_fetched(2) == 0);
}
