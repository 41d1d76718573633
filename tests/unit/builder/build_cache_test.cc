// SPDX-License-Identifier: Apache-2.0
#include "builder/build_cache.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "base/build_id.h"
#include "base/contents.h"
#include "builder/spec_parse.h"
#include "ocilayout/layer.h"
#include "ocilayout/layer_cache.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::builder;

namespace {

resolver::PackageRef package(const std::string& name) {
    resolver::PackageRef out;
    out.nevra = {name, 0, "1", "1", "x86_64"};
    out.repo = "fixture";
    out.location = name + ".rpm";
    out.checksum = {"sha256", sha256(name).hex()};
    out.size = 1000;
    out.header = sha256(name + " header");
    out.header_end = 100;
    return out;
}

/// What decides a build, each part to be changed by a test.
struct Decisions {
    Project project;
    resolver::Lock lock;
    FileTree overlay;
    std::optional<std::int64_t> created;
    std::vector<std::string> keys{"a key"};

    Decisions() {
        RecordingReporter reporter;
        project.spec = parse_spec("schema: 1\npackage: app\npaths: [/bin/app]\n", "app.yaml", reporter);
        project.arch = "x86_64";
        lock.arch = "x86_64";
        lock.request = sha256("request");
        lock.repos = {{"fixture", sha256("repomd"), true, std::nullopt}};
        lock.packages = {package("app"), package("lib")};
        put("/etc/app.conf", "one");
    }
    void put(std::string_view path, std::string_view text) {
        overlay.put(ImagePath::parse(path), {Regular{false, {sha256(text), text.size()}}, "overlay"});
    }
    [[nodiscard]] std::optional<Digest> key() const { return build_key({project, lock, overlay, created, keys}); }
};

/// A build of one file, its layer in the cache.
struct Kept {
    explicit Kept(const std::filesystem::path& cache_dir) : cache(cache_dir) {
        FileTree tree;
        tree.put(ImagePath::parse("/bin/app"), {Regular{true, contents.put("program")}, "app"});
        const ocilayout::StoredLayer layer =
            ocilayout::LayerCache(cache_dir / "layers").store(tree, {10, 10}, contents, 1);
        layer_key = ocilayout::layer_key(tree, {10, 10});
        ocilayout::ImageConfig config;
        config.platform = {"linux", "amd64", ""};
        config.cmd = {"/bin/app"};
        build.image.image = ocilayout::make_image(config, std::vector{layer.layer});
        build.image.layers = {layer};
        build.image.artifacts = {{"application/x", "application/x+json", "{\"a\":\"\\u0000\"}", {}}};
        build.ships = {"app.x86_64"};
        build.result.manifest = build.image.image.manifest_desc.digest;
        build.result.diff_id = layer.layer.diff_id;
        build.result.layer = layer.layer.digest;
        build.result.layer_size = layer.layer.size;
        build.result.files_size = 7;
        build.result.entries = 2;
        build.result.packages = 43;
        build.result.packages_shipped = 1;
        build.result.bytes_spared = 99;
        cache.store(key, build, layer_key);
    }
    MemoryContents contents;
    BuildCache cache;
    KnownBuild build;
    Digest layer_key;
    Digest key = sha256("key");
};

std::filesystem::path only_file(const std::filesystem::path& directory, const std::string& extension) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() == extension) return entry.path();
    }
    FAIL("no file " << extension << " in " << directory);
    return {};
}

}  // namespace

TEST_CASE("a program knows which one it is", "[build_cache]") {
    CHECK(build_id().size() == 20);
    CHECK(build_id() == build_id());
}

TEST_CASE("everything that decides an image is in the key of its build", "[build_cache]") {
    const std::vector<std::pair<const char*, std::function<void(Decisions&)>>> changes = {
        {"a key of the spec", [](Decisions& d) { d.project.spec.cmd = std::vector<std::string>{"/bin/app"}; }},
        {"the architecture", [](Decisions& d) { d.project.arch = "aarch64"; }},
        {"a package less", [](Decisions& d) { d.lock.packages.pop_back(); }},
        {"a package's bytes", [](Decisions& d) { d.lock.packages[0].checksum.hex = sha256("other").hex(); }},
        {"a package's header", [](Decisions& d) { d.lock.packages[1].header = sha256("other"); }},
        {"what was asked for", [](Decisions& d) { d.lock.request = sha256("other"); }},
        {"who may sign", [](Decisions& d) { d.keys = {"another key"}; }},
        {"nobody may sign", [](Decisions& d) { d.keys = {}; }},
        {"two keys that read as one",
         [](Decisions& d) {
             d.keys = {"a ", "key"};
         }},
        {"a file of the overlay", [](Decisions& d) { d.put("/etc/app.conf", "two"); }},
        {"its name", [](Decisions& d) { d.overlay = {}, d.put("/etc/app.confi", "one"); }},
        {"its mode",
         [](Decisions& d) {
             d.overlay.put(ImagePath::parse("/etc/app.conf"), {Regular{true, {sha256("one"), 3}}, "overlay"});
         }},
        {"no overlay", [](Decisions& d) { d.overlay = {}; }},
        {"a time", [](Decisions& d) { d.created = 0; }},
        {"another time", [](Decisions& d) { d.created = 1; }},
    };
    std::set<Digest> keys{Decisions().key().value()};
    for (const auto& [what, change] : changes) {
        INFO(what);
        Decisions changed;
        change(changed);
        CHECK(keys.insert(changed.key().value()).second);
    }
}

TEST_CASE("what a build adds to its lock does not change its key", "[build_cache]") {
    Decisions built;
    built.lock.compressor = "gzip by x";
    built.lock.image = resolver::LockedImage{sha256("diff"), sha256("manifest")};
    built.lock.ships = {"app.x86_64"};
    CHECK(built.key() == Decisions().key());
}

TEST_CASE("what is not wholly decided has no key", "[build_cache]") {
    Decisions unconfirmed;
    unconfirmed.lock.packages[0].header.reset();
    CHECK_FALSE(unconfirmed.key());
    Decisions from_image;
    from_image.project.spec.type = SourceType::image;
    CHECK_FALSE(from_image.key());
    Decisions on_parent;
    on_parent.project.spec.parent = Located<std::string>{"oci:base", {}};
    CHECK_FALSE(on_parent.key());
}

TEST_CASE("a kept build is found again, with all there is to it", "[build_cache]") {
    const TempDir dir;
    const Kept kept(dir.path());
    const std::optional<KnownBuild> found = kept.cache.find(kept.key);
    REQUIRE(found);
    const ocilayout::Image& want = kept.build.image.image;
    const ocilayout::Image& got = found->image.image;
    CHECK(got.config == want.config);
    CHECK(got.manifest == want.manifest);
    CHECK(got.config_desc == want.config_desc);
    CHECK(got.manifest_desc == want.manifest_desc);
    CHECK(got.layers == want.layers);
    CHECK(found->image.artifacts == kept.build.image.artifacts);
    REQUIRE(found->image.layers.size() == 1);
    CHECK(found->image.layers[0].is_intact());
    CHECK(found->ships == kept.build.ships);
    CHECK(found->result.manifest == kept.build.result.manifest);
    CHECK(found->result.diff_id == kept.build.result.diff_id);
    CHECK(found->result.layer == kept.build.result.layer);
    CHECK(found->result.layer_size == kept.build.result.layer_size);
    CHECK(found->result.files_size == 7);
    CHECK(found->result.entries == 2);
    CHECK(found->result.packages == 43);
    CHECK(found->result.packages_shipped == 1);
    CHECK(found->result.bytes_spared == 99);
    CHECK_FALSE(kept.cache.find(sha256("another key")));
}

TEST_CASE("a kept build that is damaged, or whose layer is not its own, counts as absent", "[build_cache]") {
    const TempDir dir;
    const Kept kept(dir.path());
    SECTION("a flipped bit") {
        std::fstream file(only_file(dir.path() / "builds", ".json"), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(30);
        file.put('!');
    }
    SECTION("cut short") { std::filesystem::resize_file(only_file(dir.path() / "builds", ".json"), 40); }
    SECTION("the layer is gone") { std::filesystem::remove(only_file(dir.path() / "layers", ".gz")); }
    SECTION("a configuration of another layer") {
        KnownBuild other = kept.build;
        ocilayout::Layer layer = other.image.layers[0].layer;
        layer.diff_id = sha256("another");
        ocilayout::ImageConfig config;
        config.platform = {"linux", "amd64", ""};
        other.image.image = ocilayout::make_image(config, std::vector{layer});
        kept.cache.store(kept.key, other, kept.layer_key);
    }
    SECTION("another layer under its name") {
        FileTree other;
        MemoryContents contents;
        other.put(ImagePath::parse("/bin/app"), {Regular{true, contents.put("another program")}, "app"});
        const ocilayout::LayerCache elsewhere(dir.path() / "elsewhere");
        static_cast<void>(elsewhere.store(other, {10, 10}, contents, 1));
        for (const char* extension : {".gz", ".json"}) {
            std::filesystem::rename(only_file(dir.path() / "elsewhere", extension),
                                    only_file(dir.path() / "layers", extension));
        }
    }
    CHECK_FALSE(kept.cache.find(kept.key));
}
