// SPDX-License-Identifier: Apache-2.0
#include "resolver/arrival.h"

#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/fd.h"

namespace smith::resolver {

namespace {

/// "bytes 5-9/10". Only a known total helps.
struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::optional<std::uint64_t> total;
};

std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

bool take(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
    if (!take(text, "bytes ")) return std::nullopt;
    const auto first = take_number(text);
    if (!first || !take(text, "-")) return std::nullopt;
    const auto last = take_number(text);
    if (!last || *last < *first || !take(text, "/")) return std::nullopt;
    if (text == "*") return ContentRange{*first, *last, std::nullopt};
    const auto total = take_number(text);
    if (!total || !text.empty() || *last >= *total) return std::nullopt;
    return ContentRange{*first, *last, total};
}

/// A weak ETag says that two bodies mean the same, not that they are (RFC 9110, "If-Range").
std::string validator_of(const HttpResponse& response) {
    std::string etag = response.header("etag");
    if (etag.starts_with('"')) return etag;
    return response.header("last-modified");
}

}  // namespace

Arrival::Arrival(const Download& download)
    : download_(download),
      is_known_(!download.checksum.algorithm.empty()),
      hasher_(is_known_ ? download.checksum.algorithm : "sha256"),
      also_sha256_(is_known_ && download.checksum.algorithm != "sha256") {}

void Arrival::take_start() {
    std::error_code absent;
    const std::uint64_t size = std::filesystem::file_size(download_.start, absent);
    if (received_ > 0 || absent || !download_.size || size >= *download_.size) return;
    try {
        const std::string bytes = read_file(download_.start, size);
        write(std::as_bytes(std::span(bytes)), {});
    } catch (const Error&) {
        start_over();  // gone this moment, or no file at all: it was but a saving
    }
}

std::vector<std::string> Arrival::range_headers(const std::string& url) const {
    // Another server's file of the same size is most likely the same. Without a size there is nothing to go by.
    if (received_ == 0 || (url != source_ && !download_.size)) return {};
    // Without a checksum nothing would tell that two pieces are of different files.
    if (!is_known_ && validator_.empty()) return {};
    std::vector<std::string> out{"Range: bytes=" + std::to_string(received_) + "-"};
    if (url == source_ && !validator_.empty()) out.push_back("If-Range: " + validator_);
    return out;
}

void Arrival::begin(const std::string& url, const HttpResponse& response) {
    const std::string validator = validator_of(response);
    if (response.status == 206) {
        const std::string said = response.header("content-range");
        const auto range = parse_content_range(said);
        const bool fits = range && range->first == received_ &&
                          (!download_.size || !range->total || *range->total == *download_.size);
        if (!fits || received_ == 0) {
            throw Error(ErrorKind::fetch, quote(redact_url(url)) + ": asked for what follows byte " +
                                              std::to_string(received_) + ", the server sends the part " + quote(said));
        }
        if (url == source_ && !validator_.empty() && !validator.empty() && validator != validator_) {
            throw Error(ErrorKind::fetch, quote(redact_url(url)) + " was changed while it was being fetched");
        }
        is_pieced_ = true;
    } else if (received_ > 0) {
        start_over();  // a server that knows no ranges, or has another file now
    }
    source_ = url;
    validator_ = validator;
}

AtomicFile& Arrival::file() {
    // Only a SHA-256 says beforehand what the file will be called; by another checksum a person knows it at least.
    const Checksum& sum = download_.checksum;
    if (!file_) {
        const std::string other = is_known_ ? sum.algorithm + "-" + sum.hex : "unknown";
        file_.emplace(download_.directory /
                      (sum.algorithm == "sha256" ? download_.name(Digest::from_hex(sum.hex)) : other));
    }
    return *file_;
}

void Arrival::keeping(const std::function<void()>& body) const {
    while_doing([&] { return "keeping " + quote(download_.what) + " in the cache"; }, body);
}

void Arrival::write(std::span<const std::byte> bytes, const std::string& url) {
    const std::uint64_t limit = download_.size.value_or(download_.max_bytes);
    if (bytes.size() > limit - received_) {
        throw Error(ErrorKind::integrity, quote(redact_url(url)) + " is longer than the " + std::to_string(limit) +
                                              " bytes that it may have" + download_.advice);
    }
    check_magic(bytes, url);
    // The file is made by its first byte: hundreds of downloads may be waiting for their turn.
    keeping([&] { file().write(bytes); });
    hasher_.update(bytes);
    if (also_sha256_) sha256_.update(bytes);
    received_ += bytes.size();
}

void Arrival::check_magic(std::span<const std::byte> bytes, const std::string& url) const {
    for (std::size_t i = 0; i < bytes.size() && received_ + i < download_.magic.size(); ++i) {
        if (bytes[i] == static_cast<std::byte>(download_.magic[received_ + i])) continue;
        throw Error(ErrorKind::integrity, quote(redact_url(url)) + " is no RPM package");
    }
}

void Arrival::start_over() {
    file_.reset();
    hasher_ = Hasher(is_known_ ? download_.checksum.algorithm : "sha256");
    sha256_ = Hasher();
    received_ = 0;
    is_pieced_ = false;
    source_.clear();
    validator_.clear();
}

Downloaded Arrival::finish(const std::string& url) {
    const std::string from = quote(download_.what) + " from " + quote(redact_url(url));
    if (download_.size && received_ != *download_.size) {
        throw Error(ErrorKind::integrity, from + ": expected " + std::to_string(*download_.size) + " bytes, got " +
                                              std::to_string(received_) + download_.advice);
    }
    if (received_ < download_.magic.size()) throw Error(ErrorKind::integrity, from + " is no RPM package");
    const std::string hex = hasher_.finish_hex();
    if (is_known_ && hex != download_.checksum.hex) {
        throw Error(ErrorKind::integrity, from + ": expected " + download_.checksum.str() + ", got " +
                                              download_.checksum.algorithm + ":" + hex + download_.advice);
    }
    const Digest digest = also_sha256_ ? sha256_.finish() : Digest::from_hex(hex);
    const std::filesystem::path path = download_.directory / download_.name(digest);
    keeping([&] { file().commit_as(path); });
    file_.reset();
    return {path, digest, received_, validator_};
}

}  // namespace smith::resolver
