// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/gzip.h"

#include <catch2/catch.hpp>
#include <random>

#include "base/error.h"
#include "base/fd.h"
#include "ocilayout/decompress.h"
#include "tests/unit/ocilayout/helpers.h"

using namespace smith;
using namespace smith::ocilayout;

namespace {

/// Compresses a little and not completely.
std::string noise(std::size_t size) {
    std::mt19937 random(42);
    std::string out(size, '\0');
    for (char& c : out) c = static_cast<char>('a' + random() % 12);
    return out;
}

struct Packed {
    std::string bytes;
    GzipWriter::Result result;
};

Packed gzip(std::string_view input, unsigned jobs, std::size_t step = 100'000) {
    Packed out;
    GzipWriter writer(jobs, append_to(out.bytes));
    for (std::size_t at = 0; at < input.size(); at += step) writer.write(as_bytes(input.substr(at, step)));
    out.result = writer.finish();
    return out;
}

std::string gunzip(const std::string& bytes) {
    const std::unique_ptr<ByteSource> source = decompressed(memory_source(bytes));
    return read_all(*source, 1U << 30U);
}

}  // namespace

TEST_CASE("gzip gives the same bytes for any number of jobs and any size of write", "[gzip]") {
    constexpr std::size_t chunk = kGzipChunkBytes;
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, chunk - 1, chunk, chunk + 1, 9 * chunk + chunk / 2}) {
        const std::string input = noise(size);
        const Packed one = gzip(input, 1);
        CHECK(gunzip(one.bytes) == input);
        CHECK(one.result.input == sha256(input));
        CHECK(one.result.input_size == size);
        CHECK(one.result.output == sha256(one.bytes));
        CHECK(one.result.output_size == one.bytes.size());
        for (const unsigned jobs : {0U, 2U, 3U, 8U}) CHECK(gzip(input, jobs, 77'777).bytes == one.bytes);
    }
}

TEST_CASE("a gzip header has no time, no name, and no system", "[gzip]") {
    const std::string bytes = gzip("hello", 1).bytes;
    CHECK(bytes.substr(0, 10) == std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff", 10));
}

TEST_CASE("what the sink throws comes out of the gzip writer", "[gzip]") {
    const std::string input = noise(20 * kGzipChunkBytes);
    GzipWriter writer(2, [](std::span<const std::byte>) { throw Error(ErrorKind::system, "disk full"); });
    const auto write_all_of_it = [&] {
        writer.write(as_bytes(input));
        static_cast<void>(writer.finish());
    };
    CHECK_THROWS_WITH(write_all_of_it(), "disk full");
}

TEST_CASE("a gzip writer may be given up", "[gzip]") {
    std::string out;
    GzipWriter writer(3, append_to(out));
    writer.write(as_bytes(noise(3 * kGzipChunkBytes)));
}

TEST_CASE("the compressor is named with its version", "[gzip]") {
    CHECK(std::string(compressor_id()).starts_with("libdeflate-"));
    CHECK(std::string(compressor_id()).ends_with(" level 6 chunk 1MiB"));
}

TEST_CASE("a gzip bomb of many members is refused", "[gzip]") {
    // One member of zeros a thousand times over: 1 GiB out of 1 MiB.
    const std::string member = gzip(std::string(kGzipChunkBytes, '\0'), 1).bytes;
    std::string bomb;
    for (int i = 0; i < 1100; ++i) bomb += member;
    const std::unique_ptr<ByteSource> source = decompressed(memory_source(std::move(bomb)));
    CHECK_THROWS_WITH(drain(*source), Catch::StartsWith("decompression bomb"));
}
