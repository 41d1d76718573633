// SPDX-License-Identifier: Apache-2.0
#include "base/digest.h"

#include <openssl/evp.h>
#include <sys/auxv.h>

#include <cassert>
#include <cstring>
#include <new>

#include "base/error.h"
#include "base/handle.h"

namespace smith {

namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

const EVP_MD* algorithm_named(std::string_view name) {
    if (name == "sha256") return EVP_sha256();
    if (name == "sha512") return EVP_sha512();
    if (name == "sha384") return EVP_sha384();
    if (name == "sha224") return EVP_sha224();
    if (name == "sha1" || name == "sha") return EVP_sha1();
    if (name == "md5") return EVP_md5();
    return nullptr;
}

/// Random bytes that the kernel gives to every process (getauxval(3)).
std::uint64_t process_seed() noexcept {
    static const std::uint64_t seed = [] {
        std::uint64_t out = 0;
        const auto* random = reinterpret_cast<const unsigned char*>(::getauxval(AT_RANDOM));
        // The second half of 16: the first is the canary of -fstack-protector.
        if (random != nullptr) std::memcpy(&out, random + 8, sizeof out);
        return out;
    }();
    return seed;
}

}  // namespace

std::string to_hex(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(bytes.size() * 2);
    for (const unsigned byte : bytes) {
        out += digits[byte >> 4U];
        out += digits[byte & 0x0fU];
    }
    return out;
}

std::string Digest::hex() const { return to_hex(bytes); }

std::string Digest::str() const { return "sha256:" + hex(); }

Digest Digest::from_hex(std::string_view hex) {
    Digest out;
    if (hex.size() != out.bytes.size() * 2) {
        throw Error(ErrorKind::format, "not a SHA-256 digest: " + quote(hex) +
                                           " (expected 64 hexadecimal digits, got " + std::to_string(hex.size()) + ")");
    }
    for (std::size_t i = 0; i < out.bytes.size(); ++i) {
        const int high = hex_value(hex[2 * i]);
        const int low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0) throw Error(ErrorKind::format, "not a hexadecimal digest: " + quote(hex));
        out.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return out;
}

Digest Digest::parse(std::string_view text) {
    constexpr std::string_view prefix = "sha256:";
    if (!text.starts_with(prefix)) {
        throw Error(ErrorKind::format, "not a digest that begins with 'sha256:': " + quote(text));
    }
    const std::string_view hex = text.substr(prefix.size());
    // One digest, one spelling: image-spec allows lower case only, and names of files are made from it.
    if (hex.find_first_of("ABCDEF") != std::string_view::npos) {
        throw Error(ErrorKind::format, "digest has upper-case digits: " + quote(text));
    }
    return from_hex(hex);
}

std::size_t DigestHash::operator()(const Digest& digest) const noexcept {
    std::uint64_t out = process_seed();
    for (std::size_t at = 0; at < digest.bytes.size(); at += sizeof out) {
        std::uint64_t word = 0;
        std::memcpy(&word, digest.bytes.data() + at, sizeof word);
        // The finalizer of MurmurHash3: every bit of the input reaches every bit of the output.
        out ^= word;
        out = (out ^ (out >> 33U)) * 0xff51afd7ed558ccdU;
        out = (out ^ (out >> 33U)) * 0xc4ceb9fe1a85ec53U;
        out ^= out >> 33U;
    }
    return out;
}

struct Hasher::State {
    const EVP_MD* algorithm;
    std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>> context{EVP_MD_CTX_new()};
};

// An EVP digest call fails only when memory runs out or the algorithm is switched off (FIPS).
static void check_evp(int ok) {
    if (ok != 1) throw Error(ErrorKind::system, "OpenSSL refuses to compute a digest");
}

Hasher::Hasher(std::string_view algorithm) {
    const EVP_MD* found = algorithm_named(algorithm);
    if (found == nullptr) throw Error(ErrorKind::format, "unknown checksum algorithm " + quote(algorithm));
    state_ = std::make_unique<State>(State{found});
    if (!state_->context) throw std::bad_alloc();
    check_evp(EVP_DigestInit_ex(state_->context.get(), found, nullptr));
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> bytes) {
    check_evp(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()));
}

Digest Hasher::finish() {
    Digest out;
    assert(static_cast<std::size_t>(EVP_MD_get_size(state_->algorithm)) == out.bytes.size());
    check_evp(EVP_DigestFinal_ex(state_->context.get(), out.bytes.data(), nullptr));
    check_evp(EVP_DigestInit_ex(state_->context.get(), state_->algorithm, nullptr));
    return out;
}

std::string Hasher::finish_hex() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
    unsigned size = 0;
    check_evp(EVP_DigestFinal_ex(state_->context.get(), out.data(), &size));
    check_evp(EVP_DigestInit_ex(state_->context.get(), state_->algorithm, nullptr));
    return to_hex(std::span(out.data(), size));
}

Digest sha256(std::span<const std::byte> bytes) {
    Hasher hasher;
    hasher.update(bytes);
    return hasher.finish();
}

Digest sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text.data(), text.size()))); }

}  // namespace smith
