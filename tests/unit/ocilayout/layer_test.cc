// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/layer.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/content_store.h"
#include "base/error.h"
#include "ocilayout/layer_cache.h"
#include "ocilayout/layer_stack.h"
#include "ocilayout/tar_reader.h"
#include "tests/unit/ocilayout/helpers.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

std::string tar_of(const TestTree& tree, Owner owner = {}) {
    std::string out;
    write_tar(tree.tree, owner, tree.contents, append_to(out));
    return out;
}

/// Names in the order of the archive; a hard link as "name=target".
std::vector<std::string> names(const std::string& tar) {
    const std::unique_ptr<ByteSource> source = memory_source(tar);
    TarReader reader(*source);
    TarEntry entry;
    std::vector<std::string> out;
    while (reader.next(entry)) {
        out.push_back(entry.kind == TarKind::hard_link ? entry.name + "=" + entry.link : entry.name);
    }
    return out;
}

void flip_last_bit(const std::filesystem::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(-1, std::ios::end);
    const auto byte = static_cast<char>(stream.get());
    stream.seekp(-1, std::ios::end);
    stream.put(static_cast<char>(byte ^ 1));
}

std::filesystem::path only_file(const std::filesystem::path& directory, std::string_view extension) {
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        if (entry.path().extension() == extension) return entry.path();
    }
    return {};
}

}  // namespace

TEST_CASE("entries of a layer stand in byte order, equal files are linked to the first of them", "[layer]") {
    CHECK(names(tar_of(small_tree())) ==
          std::vector<std::string>{"bin", "dev/", "etc/", "etc/empty", "etc/passwd", "proc/", "read/", "run/", "sys/",
                                   "usr/", "usr/bin/", "usr/bin/cat", "usr/share/", "usr/share/copy-1",
                                   "usr/share/copy-2=usr/share/copy-1", "usr/share/copy-3", "write/"});
}

TEST_CASE("empty files are not linked", "[layer]") {
    TestTree tree;
    tree.file("/a", "").file("/b", "");
    CHECK(names(tar_of(tree)) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("one file gets at most a thousand names", "[layer]") {
    TestTree tree;
    for (int i = 0; i < 1001; ++i) tree.file("/f" + std::to_string(10'000 + i), "same");
    tree.file("/g", "same");
    const std::vector<std::string> all = names(tar_of(tree));
    CHECK(all[999] == "f10999=f10000");
    CHECK(all[1000] == "f11000");
    CHECK(all[1001] == "g=f11000");
}

TEST_CASE("a layer has the same bytes for any number of jobs", "[layer]") {
    TestTree tree = small_tree();
    for (int i = 0; i < 40; ++i) tree.file("/data/" + std::to_string(i), std::string(100'000, static_cast<char>(i)));
    std::string first;
    const Layer one = write_layer(tree.tree, {}, tree.contents, append_to(first), 1);
    CHECK(one.diff_id == tar_digest(tree.tree, {}, tree.contents));
    CHECK(one.digest == sha256(first));
    CHECK(one.size == first.size());
    for (const unsigned jobs : {2U, 3U, 8U}) {
        std::string again;
        CHECK(write_layer(tree.tree, {}, tree.contents, append_to(again), jobs) == one);
        CHECK(again == first);
    }
}

TEST_CASE("a layer read back is the tree it was made of", "[layer]") {
    const TempDir dir;
    const TestTree tree = small_tree();
    const std::unique_ptr<ByteSource> source = memory_source(tar_of(tree, Owner{7, 8}));
    TarReader reader(*source);
    PackWriter pack = ContentStore(dir.path()).write_pack(sha256("layer"));
    LayerStack stack;
    stack.apply(reader, "layer 1", pack);
    CHECK(dump(stack.tree()) == dump(tree.tree));
    CHECK(stack.owner() == Owner{7, 8});
    CHECK(stack.warnings().empty());
    CHECK(tar_digest(stack.tree(), Owner{7, 8}, tree.contents) == tar_digest(tree.tree, Owner{7, 8}, tree.contents));
}

TEST_CASE("the key of a layer changes with all that its bytes depend on", "[layer]") {
    const TestTree tree = small_tree();
    const Digest key = layer_key(tree.tree, {});
    CHECK(layer_key(small_tree().tree, {}) == key);
    CHECK(layer_key(tree.tree, Owner{0, 10}) != key);
    CHECK(layer_key(small_tree().dir("/new").tree, {}) != key);
    CHECK(layer_key(small_tree().file("/etc/passwd", "other").tree, {}) != key);
    CHECK(layer_key(small_tree().program("/etc/passwd", "smith:x:10:10::/write:\n").tree, {}) != key);
    CHECK(layer_key(small_tree().link("/bin", "usr/sbin").tree, {}) != key);
    TestTree other_origin = small_tree();
    other_origin.tree.put(ImagePath::parse("/dev"), Entry{Directory{}, "filesystem-3.18"});
    CHECK(layer_key(other_origin.tree, {}) == key);
}

TEST_CASE("a content that nobody has fails the layer, naming the file", "[layer]") {
    TestTree tree = small_tree();
    const MemoryContents nothing;
    CHECK_THROWS_WITH(tar_digest(tree.tree, {}, nothing), Catch::StartsWith("writing '/etc/empty': "));
    CHECK_THROWS_AS(write_layer(
                        tree.tree, {}, nothing, [](std::span<const std::byte>) {}, 2),
                    Error);
}

TEST_CASE("a stored layer is found again, by the tree alone", "[layer_cache]") {
    const TempDir dir;
    const LayerCache cache(dir.path() / "layers");
    const TestTree tree = small_tree();
    CHECK_FALSE(cache.find(layer_key(tree.tree, {})));
    const StoredLayer stored = cache.store(tree.tree, {}, tree.contents, 2);
    std::string bytes;
    const Layer expected = write_layer(tree.tree, {}, tree.contents, append_to(bytes), 1);
    CHECK(stored.layer == expected);

    const std::optional<StoredLayer> found = cache.find(layer_key(tree.tree, {}));
    REQUIRE(found);
    CHECK(found->layer == expected);
    std::string copy;
    found->copy_to(append_to(copy));
    CHECK(copy == bytes);
    CHECK_FALSE(cache.find(layer_key(tree.tree, Owner{0, 0})));
}

TEST_CASE("a damaged record of a layer counts as absent, and is replaced", "[layer_cache]") {
    const TempDir dir;
    const LayerCache cache(dir.path());
    const TestTree tree = small_tree();
    const Digest key = layer_key(tree.tree, {});
    const Layer layer = cache.store(tree.tree, {}, tree.contents, 1).layer;
    flip_last_bit(only_file(dir.path(), ".json"));
    CHECK_FALSE(cache.find(key));
    CHECK(cache.store(tree.tree, {}, tree.contents, 1).layer == layer);
    CHECK(cache.find(key));
    std::filesystem::resize_file(only_file(dir.path(), ".json"), 0);
    CHECK_FALSE(cache.find(key));
}

TEST_CASE("a damaged layer in the cache gives its bytes to nobody unnoticed, and is replaced", "[layer_cache]") {
    const TempDir dir;
    const LayerCache cache(dir.path());
    const TestTree tree = small_tree();
    const Digest key = layer_key(tree.tree, {});
    const Layer layer = cache.store(tree.tree, {}, tree.contents, 1).layer;
    flip_last_bit(only_file(dir.path(), ".gz"));
    const std::optional<StoredLayer> damaged = cache.find(key);
    REQUIRE(damaged);
    CHECK_FALSE(damaged->is_intact());
    CHECK_THROWS_WITH(damaged->copy_to([](std::span<const std::byte>) {}),
                      Catch::EndsWith("was damaged after it was stored"));
    CHECK(cache.store(tree.tree, {}, tree.contents, 1).layer == layer);
    REQUIRE(cache.find(key));
    CHECK(cache.find(key)->is_intact());
    std::filesystem::resize_file(only_file(dir.path(), ".gz"), 10);
    CHECK_FALSE(cache.find(key));
}

TEST_CASE("a stored layer stays readable when the cache is deleted", "[layer_cache]") {
    const TempDir dir;
    const TestTree tree = small_tree();
    const StoredLayer stored = LayerCache(dir.path() / "layers").store(tree.tree, {}, tree.contents, 1);
    std::filesystem::remove_all(dir.path() / "layers");
    std::string bytes;
    stored.copy_to(append_to(bytes));
    CHECK(sha256(bytes) == stored.layer.digest);
}

namespace {

/// Deletes a cache as soon as one of its contents is asked for, which is in the middle of writing a layer.
class Deleting : public Contents {
public:
    Deleting(const Contents& contents, std::filesystem::path cache) : contents_(contents), cache_(std::move(cache)) {}
    [[nodiscard]] Bytes open(const Content& content) const override {
        std::filesystem::remove_all(cache_);
        return contents_.open(content);
    }

private:
    const Contents& contents_;
    std::filesystem::path cache_;
};

}  // namespace

TEST_CASE("a cache that is deleted while a layer is written costs nothing but the layer", "[layer_cache]") {
    const TempDir dir;
    const TestTree tree = small_tree();
    const LayerCache cache(dir.path() / "cache" / "layers");
    const StoredLayer stored = cache.store(tree.tree, {}, Deleting(tree.contents, dir.path() / "cache"), 1);
    std::string bytes;
    stored.copy_to(append_to(bytes));
    CHECK(sha256(bytes) == stored.layer.digest);
    CHECK(!cache.find(layer_key(tree.tree, {})));
    CHECK(cache.store(tree.tree, {}, tree.contents, 1).layer == stored.layer);
    CHECK(cache.find(layer_key(tree.tree, {})));
}
