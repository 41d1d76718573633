// SPDX-License-Identifier: Apache-2.0
#include "builder/lazy_contents.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/error.h"
#include "tests/unit/temp_dir.h"

using namespace smith;
using namespace smith::builder;

namespace {

Content content_of(std::string_view text) { return {sha256(text), text.size()}; }

std::string text_of(const Bytes& bytes) {
    return {reinterpret_cast<const char*>(bytes.view().data()), bytes.view().size()};
}

/// A package that holds `texts`, and counts how often it is unpacked.
PackSource package(const std::string& name, std::vector<std::string> texts, int& unpacked) {
    PackSource out{name, sha256(name), {}, {}};
    for (const std::string& text : texts) out.contents.push_back(sha256(text));
    out.unpack = [texts, &unpacked](PackWriter& writer) {
        ++unpacked;
        for (const std::string& text : texts) {
            writer.write(as_bytes(text));
            static_cast<void>(writer.end_content());
        }
    };
    return out;
}

}  // namespace

TEST_CASE("a package is unpacked when the first of its files is asked for, and once", "[lazy_contents]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    int a = 0;
    int b = 0;
    LazyContents contents(store, 4);
    contents.add(package("a", {"one", "two"}, a));
    contents.add(package("b", {"three"}, b));
    CHECK(text_of(contents.open(content_of("one"))) == "one");
    CHECK(text_of(contents.open(content_of("two"))) == "two");
    CHECK(a == 1);
    CHECK(b == 0);
    CHECK(contents.unpacked() == 1);
}

TEST_CASE("a second build unpacks nothing", "[lazy_contents]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    int count = 0;
    for (int build = 0; build < 2; ++build) {
        LazyContents contents(store, 4);
        contents.add(package("a", {"one"}, count));
        CHECK(text_of(contents.open(content_of("one"))) == "one");
    }
    CHECK(count == 1);
}

TEST_CASE("prefetch unpacks what is needed, on several threads, and nothing else", "[lazy_contents]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    std::vector<int> counts(20);
    LazyContents contents(store, 4);
    std::vector<Content> wanted;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        contents.add(package("p" + std::to_string(i), {"text " + std::to_string(i)}, counts[i]));
        if (i % 2 == 0) wanted.push_back(content_of("text " + std::to_string(i)));
    }
    wanted.push_back(content_of("nobody has this"));
    contents.prefetch(wanted);
    for (std::size_t i = 0; i < counts.size(); ++i) CHECK(counts[i] == (i % 2 == 0 ? 1 : 0));
}

TEST_CASE("a damaged pack is made again", "[lazy_contents]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    int count = 0;
    {
        LazyContents contents(store, 4);
        contents.add(package("a", {"one"}, count));
        static_cast<void>(contents.open(content_of("one")));
    }
    const auto pack = dir.path() / "packs" / (sha256("a").hex() + ".pack");
    std::filesystem::permissions(pack, std::filesystem::perms::owner_all);
    {
        const UniqueFd fd = open_file(pack, O_WRONLY);
        REQUIRE(::pwrite(fd.get(), "X", 1, 8) == 1);
    }
    LazyContents contents(store, 4);
    contents.add(package("a", {"one"}, count));
    CHECK(text_of(contents.open(content_of("one"))) == "one");
    CHECK(count == 2);
}

TEST_CASE("a package that does not hold what it promises is told apart from a damaged cache", "[lazy_contents]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    int count = 0;
    PackSource liar = package("liar-1-1.noarch", {"one"}, count);
    liar.contents.push_back(sha256("other"));
    LazyContents contents(store, 4);
    contents.add(std::move(liar));
    try {
        static_cast<void>(contents.open(content_of("other")));
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.kind() == ErrorKind::integrity);
        CHECK(e.message().find("'liar-1-1.noarch' does not hold") != std::string::npos);
    }
}

TEST_CASE("sources are obtained when they must be unpacked, and all that are needed together", "[lazy_contents]") {
    const TempDir dir;
    const ContentStore store(dir.path());
    int unpacked = 0;
    std::vector<std::vector<std::size_t>> obtained;
    const auto fill = [&](LazyContents& contents) {
        contents.add(package("a", {"one"}, unpacked));
        contents.add(package("b", {"two"}, unpacked));
        contents.add(package("c", {"three"}, unpacked));
        contents.add(package("d", {"four"}, unpacked));
    };
    const auto remember = [&](const std::vector<std::size_t>& sources) { obtained.push_back(sources); };
    {
        LazyContents contents(store, 1, remember);
        fill(contents);
        CHECK(text_of(contents.open(content_of("two"))) == "two");
        CHECK(obtained == std::vector<std::vector<std::size_t>>{{1}});
        obtained.clear();
        // "two" is unpacked, and nobody has "five".
        contents.prefetch(
            std::vector<Content>{content_of("four"), content_of("two"), content_of("one"), content_of("five")});
        REQUIRE_FALSE(obtained.empty());
        CHECK(obtained.front() == std::vector<std::size_t>{0, 3});
    }
    obtained.clear();
    LazyContents contents(store, 1, remember);
    fill(contents);
    contents.prefetch(std::vector<Content>{content_of("one"), content_of("four")});
    CHECK(text_of(contents.open(content_of("two"))) == "two");
    CHECK(obtained.empty());
    CHECK(unpacked == 3);
}
