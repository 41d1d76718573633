// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <unordered_set>

#include "base/error.h"

using namespace smith;

TEST_CASE("made-up digests do not all fall into one place of a hash table", "[digest]") {
    std::unordered_set<Digest, DigestHash> set;
    for (unsigned i = 0; i < 100'000; ++i) {
        Digest digest;
        std::memcpy(digest.bytes.data() + 28, &i, sizeof i);
        set.insert(digest);
    }
    std::size_t fullest = 0;
    for (std::size_t i = 0; i < set.bucket_count(); ++i) fullest = std::max(fullest, set.bucket_size(i));
    CHECK(fullest < 20);
}

TEST_CASE("SHA-256 agrees with FIPS 180-4's examples", "[digest]") {
    CHECK(sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256("abc").str() == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a hasher can be used again after finish", "[digest]") {
    Hasher hasher;
    hasher.update("a");
    hasher.update("bc");
    CHECK(hasher.finish() == sha256("abc"));
    CHECK(hasher.finish() == sha256(""));
}

TEST_CASE("yum's other checksums are known, and no others", "[digest]") {
    Hasher sha1("sha");
    sha1.update("abc");
    CHECK(sha1.finish_hex() == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK_THROWS_AS(Hasher("crc32"), Error);
}

TEST_CASE("a digest is read back from what it prints", "[digest]") {
    const Digest digest = sha256("abc");
    CHECK(Digest::parse(digest.str()) == digest);
    CHECK(Digest::from_hex(digest.hex()) == digest);
}

TEST_CASE("a digest has one spelling", "[digest]") {
    const std::string hex = sha256("abc").hex();
    CHECK_THROWS_AS(Digest::parse(hex), Error);
    CHECK_THROWS_AS(Digest::parse("sha512:" + hex), Error);
    CHECK_THROWS_AS(Digest::parse("sha256:" + hex.substr(1)), Error);
    CHECK_THROWS_AS(Digest::parse("sha256:" + hex + "0"), Error);
    CHECK_THROWS_AS(Digest::parse("sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"), Error);
    CHECK_THROWS_AS(Digest::parse("sha256:../" + hex.substr(3)), Error);
}
