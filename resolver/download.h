// SPDX-License-Identifier: Apache-2.0
//
// Files from a repository, each from whichever of its places has it: file, http and https URLs. Nothing but verified
// bytes ever gets its name (resolver/arrival.h); where no checksum is known, the bytes are named by what they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/http.h"
#include "base/reporter.h"
#include "resolver/url.h"

namespace smith::resolver {

struct Download {
    std::string what;               ///< for messages: a package's name, a file's location
    std::vector<std::string> urls;  ///< the same bytes, to be had from any of these; the better ones first
    HttpAccess access;
    std::optional<unsigned> retries;  ///< nothing: as the client's options say
    Checksum checksum;                ///< without an algorithm: not known
    std::optional<std::uint64_t> size;
    std::uint64_t max_bytes = 0;  ///< where `size` is not known
    /// The bytes that it begins with. What does not is given up at once: a page that asks for a password, say.
    std::string_view magic;
    std::string advice;  ///< for who gets other bytes than these, or hears that there are none: "; do this"
    /// A file with the first bytes, where somebody has them: only the rest is asked for. If that turns out wrong, all
    /// of it is. It need not exist.
    std::filesystem::path start;
    std::filesystem::path directory;
    /// What the file is called in `directory`, given its SHA-256.
    std::function<std::string(const Digest&)> name;
};

struct Downloaded {
    std::filesystem::path file;
    Digest sha256;
    std::uint64_t size = 0;
    std::string validator;  ///< the strong ETag of the answer, else its Last-Modified, else ""
};

/// All of `downloads`, several at a time, in their order. `phase` names the progress. A file:// URL goes before the
/// others; of those the first whose host has room and has not failed yet. What broke goes on where it stopped.
/// Throws Error, when one fails from all its URLs: integrity, where one of them had other bytes; else the first error,
/// mostly fetch; system. What is complete by then stays.
[[nodiscard]] std::vector<Downloaded> download_all(const std::vector<Download>& downloads, std::string_view phase,
                                                   unsigned jobs, HttpClient& http, Reporter& reporter);

}  // namespace smith::resolver
