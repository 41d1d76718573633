// SPDX-License-Identifier: Apache-2.0
#include "base/content_store.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "base/error.h"
#include "tests/unit/temp_dir.h"

using namespace smith;

namespace {

std::string text_of(const Bytes& bytes) {
    return {reinterpret_cast<const char*>(bytes.view().data()), bytes.view().size()};
}

const Digest kSource = sha256("package.rpm");

/// A store in which kSource has a pack of "hello", "" and "world".
ContentStore store_with_pack(const std::filesystem::path& directory) {
    ContentStore store(directory);
    PackWriter writer = store.write_pack(kSource);
    writer.write(as_bytes("hel"));
    writer.write(as_bytes("lo"));
    CHECK(writer.end_content() == Content{sha256("hello"), 5});
    CHECK(writer.end_content() == Content{sha256(""), 0});
    writer.write(as_bytes("world"));
    static_cast<void>(writer.end_content());
    static_cast<void>(writer.commit());
    return store;
}

std::filesystem::path pack_file(const ContentStore& store) {
    return store.directory() / "packs" / (kSource.hex() + ".pack");
}

void flip_bit(const std::filesystem::path& file, std::streamoff offset) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(offset);
    const auto byte = static_cast<char>(stream.get());
    stream.seekp(offset);
    stream.put(static_cast<char>(byte ^ 1));
}

}  // namespace

TEST_CASE("what is put into a pack comes out of it", "[content_store]") {
    const TempDir dir;
    const ContentStore store = store_with_pack(dir.path());
    PackedContents contents;
    contents.add(store.open_pack(kSource));
    CHECK(text_of(contents.open({sha256("hello"), 5})) == "hello");
    CHECK(text_of(contents.open({sha256(""), 0})).empty());
    CHECK(text_of(contents.open({sha256("world"), 5})) == "world");
    CHECK_THROWS_AS(contents.open({sha256("other"), 5}), Error);
    CHECK_THROWS_AS(contents.open({sha256("hello"), 6}), Error);
}

TEST_CASE("a content that occurs twice is stored once", "[content_store]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    PackWriter writer = store.write_pack(kSource);
    const std::string large(3'000'000, 'x');
    for (int i = 0; i < 3; ++i) {
        writer.write(as_bytes(large));
        CHECK(writer.end_content().size == large.size());
    }
    writer.write(as_bytes("half of some"));
    writer.abandon_content();
    writer.write(as_bytes("end"));
    CHECK(writer.end_content() == Content{sha256("end"), 3});
    const std::shared_ptr<const Pack> pack = writer.commit();
    CHECK(pack->size() == 2);
    CHECK(pack->is_intact());
    CHECK(std::filesystem::file_size(pack_file(store)) < large.size() + 1000);
}

TEST_CASE("a pack that nobody finished is not there", "[content_store]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    {
        PackWriter writer = store.write_pack(kSource);
        writer.write(as_bytes("hello"));
        static_cast<void>(writer.end_content());
    }
    CHECK(store.open_pack(kSource) == nullptr);
    CHECK(std::filesystem::is_empty(dir.path() / "packs"));
}

TEST_CASE("an unnamed pack is readable and leaves no file", "[content_store]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    PackWriter writer = store.write_pack(kSource);
    writer.write(as_bytes("hello"));
    const Content hello = writer.end_content();
    PackedContents contents;
    contents.add(writer.finish_unnamed());
    CHECK(text_of(contents.open(hello)) == "hello");
    CHECK(std::filesystem::is_empty(dir.path() / "packs"));
}

TEST_CASE("a pack that is cut short at any length counts as absent", "[content_store]") {
    const TempDir dir;
    const ContentStore store = store_with_pack(dir.path());
    const auto whole = std::filesystem::file_size(pack_file(store));
    for (std::uintmax_t size = whole; size-- > 0;) {
        std::filesystem::resize_file(pack_file(store), size);
        CHECK(store.open_pack(kSource) == nullptr);
    }
}

TEST_CASE("a flipped bit anywhere in a pack is noticed", "[content_store]") {
    const TempDir dir;
    const ContentStore store = store_with_pack(dir.path());
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(pack_file(store)));
    for (std::streamoff offset = 0; offset < size; ++offset) {
        flip_bit(pack_file(store), offset);
        const std::shared_ptr<const Pack> pack = store.open_pack(kSource);
        CHECK((pack == nullptr || !pack->is_intact()));
        flip_bit(pack_file(store), offset);
    }
    REQUIRE(store.open_pack(kSource) != nullptr);
    CHECK(store.open_pack(kSource)->is_intact());
}

TEST_CASE("a damaged content is refused when it is opened, and its neighbours are not", "[content_store]") {
    const TempDir dir;
    const ContentStore store = store_with_pack(dir.path());
    flip_bit(pack_file(store), 8);  // the first byte of "hello"
    PackedContents contents;
    contents.add(store.open_pack(kSource));
    CHECK_THROWS_AS(contents.open({sha256("hello"), 5}), Error);
    CHECK(text_of(contents.open({sha256("world"), 5})) == "world");
}

TEST_CASE("an open pack outlives the cache", "[content_store]") {
    const TempDir dir;
    PackedContents contents;
    {
        const ContentStore store = store_with_pack(dir.path() / "cache");
        contents.add(store.open_pack(kSource));
        std::filesystem::remove_all(dir.path() / "cache");
        CHECK(store.open_pack(kSource) == nullptr);
        CHECK_NOTHROW(store_with_pack(dir.path() / "cache"));
    }
    CHECK(text_of(contents.open({sha256("hello"), 5})) == "hello");
}

TEST_CASE("a fifo or a link in the place of a pack is not waited for", "[content_store]") {
    const TempDir dir;
    const ContentStore store = store_with_pack(dir.path());
    std::filesystem::rename(pack_file(store), dir.path() / "elsewhere");
    std::filesystem::create_symlink(dir.path() / "elsewhere", pack_file(store));
    CHECK(store.open_pack(kSource) == nullptr);
    std::filesystem::remove(pack_file(store));
    REQUIRE(::mkfifo(pack_file(store).c_str(), 0600) == 0);
    CHECK(store.open_pack(kSource) == nullptr);
}

TEST_CASE("a cache says that it is one", "[content_store]") {
    const TempDir dir;
    const ContentStore store(dir.path() / "a" / "b");
    CHECK(std::filesystem::exists(dir.path() / "a" / "b" / "CACHEDIR.TAG"));
}

TEST_CASE("a cache that is deleted while a pack is written costs nothing but the pack", "[content_store]") {
    const TempDir dir;
    const ContentStore store(dir.path() / "cache");
    PackWriter writer = store.write_pack(kSource);
    writer.write(as_bytes("hello"));
    const Content hello = writer.end_content();
    std::filesystem::remove_all(dir.path() / "cache");
    PackedContents contents;
    contents.add(writer.commit());
    CHECK(text_of(contents.open(hello)) == "hello");
    CHECK(store.open_pack(kSource) == nullptr);
    CHECK_NOTHROW(store_with_pack(dir.path() / "cache"));
}

TEST_CASE("a cache that can't be made is an error that names it", "[content_store]") {
    const TempDir dir;
    std::ofstream(dir.path() / "file") << "x";
    try {
        const ContentStore store(dir.path() / "file");
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.kind() == ErrorKind::system);
        CHECK(e.message().find("file") != std::string::npos);
    }
    const ContentStore store(dir.path() / "cache");
    std::filesystem::remove_all(dir.path() / "cache");
    std::ofstream(dir.path() / "cache") << "x";
    CHECK_THROWS_AS(store.write_pack(kSource), Error);
}
