// SPDX-License-Identifier: Apache-2.0
//
// Bytes from a repository, by file, http or https URL. What has a known checksum is written under a temporary name
// while it is hashed, and gets its name when size and checksum are right, never before.
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

namespace smith::resolver {

/// The path of a file:// URL, percent-decoded; nothing for other URLs. Throws Error (format).
[[nodiscard]] std::optional<std::filesystem::path> local_path(std::string_view url);

/// `location` below `baseurl`, which ends in '/'. Bytes that a URL may not have are percent-encoded for http.
[[nodiscard]] std::string join_url(std::string_view baseurl, std::string_view location);

/// A small document of at most `max_bytes`. Throws Error (fetch); system, for a file that can't be read.
[[nodiscard]] std::string read_url(const std::string& url, std::uint64_t max_bytes, HttpClient& http);

struct Download {
    std::string what;               ///< for messages: a package's name, a file's location
    std::vector<std::string> urls;  ///< the same bytes, to be tried in this order
    Checksum checksum;
    std::optional<std::uint64_t> size;
    std::uint64_t max_bytes = 0;  ///< where `size` is not known
    std::filesystem::path directory;
    /// What the file is called in `directory`, given its SHA-256.
    std::function<std::string(const Digest&)> name;
};

struct Downloaded {
    std::filesystem::path file;
    Digest sha256;
};

/// All of `downloads`, several at a time, in their order. `phase` names the progress. When one fails from all its URLs,
/// the first of these errors is thrown: fetch; integrity; system. What is complete by then stays.
[[nodiscard]] std::vector<Downloaded> download_all(const std::vector<Download>& downloads, std::string_view phase,
                                                   unsigned jobs, HttpClient& http, Reporter& reporter);

}  // namespace smith::resolver
