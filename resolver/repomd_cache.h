// SPDX-License-Identifier: Apache-2.0
//
// The last repomd.xml of a repository that was found good, in a folder of its own in the cache. Two files: the XML
// itself, and `state.json`, which names the XML that it is about, so that the two need not be written at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace smith::resolver {

/// repomd.xml as somebody gave it, and what to ask with the next time (RFC 9110, "Conditional Requests").
struct FetchedRepomd {
    std::string xml;
    std::string baseurl;  ///< what comes from the cache has no user and password in it
    std::string etag;
    std::string last_modified;
    /// When it was made, as it says; never later than when it was seen, or a lie about the future would make everything
    /// that follows look old.
    std::optional<std::uint64_t> timestamp;
};

class RepomdCache {
public:
    explicit RepomdCache(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Nothing when there is none, or a damaged one.
    [[nodiscard]] std::optional<FetchedRepomd> load() const;
    void store(const FetchedRepomd& fetched) const;

private:
    std::filesystem::path directory_;
};

}  // namespace smith::resolver
