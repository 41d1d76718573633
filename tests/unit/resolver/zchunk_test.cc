// SPDX-License-Identifier: Apache-2.0
//
// zchunk as createrepo_c writes it, and as nobody should. A file is made here with right checksums around whatever is
// wrong in it: those would be the first to tell otherwise.
#include "base/zchunk.h"

#include <zstd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "base/decompress.h"
#include "base/digest.h"
#include "tests/unit/resolver/support.h"
#include "tests/unit/zchunk_words.h"

using namespace smith;
using test::contains;
using test::error_of;
using test::raw_sha256;
using test::TempDir;
using test::zchunk_number;

namespace {

constexpr std::uint64_t kMost = std::uint64_t{1} << 62U;

std::string compressed(const std::string& text, const std::string& dictionary = "") {
    std::string out(ZSTD_compressBound(text.size()), '\0');
    ZSTD_CCtx* context = ZSTD_createCCtx();
    out.resize(ZSTD_compress_usingDict(context, out.data(), out.size(), text.data(), text.size(), dictionary.data(),
                                       dictionary.size(), 3));
    static_cast<void>(ZSTD_freeCCtx(context));
    return out;
}

struct Part {
    std::string stored;
    std::uint64_t opened = 0;
    std::optional<std::uint64_t> claimed;  ///< instead of stored.size()
};

Part part_of(const std::string& text, const std::string& dictionary = "") {
    return {compressed(text, dictionary), text.size(), {}};
}

/// A file of a dictionary and parts, with anything in it to be said otherwise.
struct Forge {
    std::vector<Part> parts{{}};  // no dictionary
    std::uint64_t lead_type = 1, part_type = 1, flags = 0, compression = 2, signatures = 0;
    std::optional<std::uint64_t> count, index_size, header_size;
    std::string behind_index, behind;

    [[nodiscard]] std::string file() const {
        std::string index = zchunk_number(part_type) + zchunk_number(count.value_or(parts.size()));
        std::string data;
        for (const Part& part : parts) {
            index += part.stored.empty() ? std::string(32, '\0') : raw_sha256(part.stored);
            index += zchunk_number(part.claimed.value_or(part.stored.size())) + zchunk_number(part.opened);
            data += part.stored;
        }
        index += behind_index;
        const std::string body = raw_sha256(data) + zchunk_number(flags) + zchunk_number(compression) +
                                 zchunk_number(index_size.value_or(index.size())) + index + zchunk_number(signatures);
        const std::string lead =
            std::string("\0ZCK1", 5) + zchunk_number(lead_type) + zchunk_number(header_size.value_or(body.size()));
        return lead + raw_sha256(lead + body) + body + data + behind;
    }
};

Forge forge_of(const std::vector<std::string>& texts) {
    Forge out;
    for (const std::string& text : texts) out.parts.push_back(part_of(text));
    return out;
}

std::string open(const std::string& file, std::uint64_t max = 1 << 20) {
    const TempDir dir;
    test::write(dir / "f", file);
    Decompressor decompressor(dir / "f", max);
    std::string out;
    std::vector<std::byte> buffer(1000);
    while (const std::size_t count = decompressor.read(buffer)) {
        for (std::size_t i = 0; i < count; ++i) out += static_cast<char>(buffer[i]);
    }
    return out;
}

std::string problem_of(const std::string& file) {
    const Error error = error_of([&] { static_cast<void>(open(file)); });
    CHECK((error.kind() == ErrorKind::format || error.message() == "nothing was thrown"));
    return error.message();
}

std::string problem_of(const std::function<void(Forge&)>& change) {
    Forge forge = forge_of({"one ", "two ", "three"});
    change(forge);
    return problem_of(forge.file());
}

}  // namespace

TEST_CASE("the chunks of a zchunk file are its text, in order", "[zchunk]") {
    CHECK(open(forge_of({"one ", "two ", std::string(5000, 'x')}).file()) == "one two " + std::string(5000, 'x'));
    CHECK(open(forge_of({}).file()).empty());
    Forge stored;
    stored.compression = 0;
    stored.parts.push_back({"as it is", 8, {}});
    CHECK(open(stored.file()) == "as it is");
}

TEST_CASE("chunks may need a dictionary, which comes first and is no text", "[zchunk]") {
    const std::string dictionary = "what every package says of itself, over and over";
    Forge forge;
    forge.parts = {part_of(dictionary), part_of("what every package says", dictionary)};
    CHECK(open(forge.file()) == "what every package says");
    forge.parts[0] = {};
    CHECK(problem_of(forge.file()) != "nothing was thrown");
}

TEST_CASE("what createrepo_c calls zchunk is read as what it calls XML", "[zchunk]") {
    if (!test::has_program("createrepo_c")) return;
    const TempDir dir;
    REQUIRE(test::run("createrepo_c --no-database --zck " + dir.path().string()));
    int seen = 0;
    for (const char* kind : {"primary", "filelists", "other"}) {
        const std::string base = "cat " + dir.path().string() + "/repodata/*-" + kind + ".xml";
        REQUIRE(test::run(base + ".gz | gunzip >" + (dir / "xml").string()));
        REQUIRE(test::run(base + ".zck >" + (dir / "zck").string()));
        CHECK(open(test::read(dir / "zck")) == test::read(dir / "xml"));
        ++seen;
    }
    CHECK(seen == 3);
}

TEST_CASE("a flipped bit anywhere in a zchunk file never becomes text", "[zchunk][hostile]") {
    const std::string good = forge_of({"one ", "two "}).file();
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 4);
        if (i < 5) continue;  // without its magic it is a text like any other
        INFO(i);
        CHECK(problem_of(bad) != "nothing was thrown");
    }
}

TEST_CASE("a zchunk file that is cut short, or has something behind its end, is refused", "[zchunk][hostile]") {
    const std::string good = forge_of({"one ", "two "}).file();
    for (std::size_t size = 5; size < good.size(); ++size)
        CHECK(problem_of(good.substr(0, size)) != "nothing was thrown");
    CHECK(contains(problem_of([](Forge& f) { f.behind = "x"; }), "header knows of"));
}

TEST_CASE("a chunk is not decompressed before its checksum is right", "[zchunk][hostile]") {
    const std::string good = forge_of({"one "}).file();
    std::string bad = good;
    bad.back() = static_cast<char>(bad.back() ^ 1);
    CHECK(contains(problem_of(bad), "does not match its checksum"));
}

TEST_CASE("sizes in a zchunk header cost nothing, whatever they claim", "[zchunk][hostile]") {
    const auto claim = [](std::uint64_t size, std::uint64_t opened) {
        return problem_of([&](Forge& f) {
            f.parts[1].claimed = size;
            f.parts[1].opened = opened;
        });
    };
    CHECK(contains(claim(kMost, 4), "is said to have"));
    CHECK(contains(claim(13, kMost), "is said to have"));
    CHECK(contains(claim(65 << 20, 4), "is said to have"));
    CHECK(contains(claim(13, 65 << 20), "is said to have"));
    CHECK(contains(claim(0, 4), "of no bytes"));
    CHECK(contains(claim(13, 0), "of no bytes"));
    // A dictionary is small.
    CHECK(contains(problem_of([](Forge& f) { f.parts[0] = {"x", 5 << 20, {}}; }), "is said to have"));
    CHECK(contains(problem_of([](Forge& f) { f.count = kMost; }), "cut short"));
    CHECK(contains(problem_of([](Forge& f) { f.index_size = kMost; }), "cut short"));
    CHECK(contains(problem_of([](Forge& f) { f.header_size = kMost; }), "its header is said to have"));
    CHECK(contains(problem_of([](Forge& f) { f.header_size = 1000; }), "cut short"));
    CHECK(contains(problem_of([](Forge& f) { f.behind_index = "x"; }), "behind its index"));
    CHECK(contains(problem_of([](Forge& f) { f.count = 0; }), "behind its index"));
    // A hundred chunks of 60 MiB each, of which none is there.
    CHECK(contains(problem_of([](Forge& f) {
                       for (int i = 0; i < 100; ++i) f.parts.push_back({"x", 1, std::uint64_t{60} << 20U});
                   }),
                   "without end"));
    const std::string endless = std::string("\0ZCK1", 5) + std::string(100, '\0');
    CHECK(contains(problem_of(endless), "does not end"));
}

TEST_CASE("a chunk opens to what the header says, neither more nor less", "[zchunk][hostile]") {
    CHECK(contains(problem_of([](Forge& f) { f.parts[1].opened = 3; }), "a chunk is damaged"));
    CHECK(contains(problem_of([](Forge& f) { f.parts[1].opened = 5; }), "another length"));
    CHECK(contains(problem_of([](Forge& f) { f.parts[1].stored = "no zstd"; }), "a chunk is damaged"));
    // A bomb: 60 MiB of nothing in some bytes, and a caller that allows 1 MiB.
    Forge bomb;
    for (int i = 0; i < 3; ++i) bomb.parts.push_back(part_of(std::string(600'000, '\0')));
    CHECK(contains(problem_of(bomb.file()), "more comes out"));
    CHECK(contains(problem_of([](Forge& f) {
                       f.compression = 0;
                       f.parts[1].opened = 9;
                   }),
                   "two lengths"));
    // A frame that asks for a window of 2 GiB (RFC 8878, 3.1.1) gets none: there is no window.
    CHECK(contains(problem_of([](Forge& f) {
                       f.parts[1] = {std::string("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00", 9), 4, {}};
                   }),
                   "zchunk: "));
}

TEST_CASE("options of zchunk that are not known here are refused", "[zchunk][hostile]") {
    CHECK(contains(problem_of([](Forge& f) { f.flags = 1; }), "options"));
    CHECK(contains(problem_of([](Forge& f) { f.compression = 1; }), "unknown way"));
    CHECK(contains(problem_of([](Forge& f) { f.signatures = 1; }), "signatures"));
    CHECK(contains(problem_of([](Forge& f) { f.lead_type = 4; }), "unknown type 4"));
    CHECK(contains(problem_of([](Forge& f) { f.part_type = 9; }), "unknown type 9"));
}
