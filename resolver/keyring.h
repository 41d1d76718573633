// SPDX-License-Identifier: Apache-2.0
//
// The OpenPGP keys that may sign for a repository. Verifying is librpm's; which signatures count is decided here: the
// key is neither revoked nor was it expired when it signed, and the digest is not MD5 or SHA-1.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http.h"
#include "base/reporter.h"
#include "resolver/repo_config.h"

namespace smith::resolver {

/// Cheap to copy; may be used by several threads once it is complete.
class Keyring {
public:
    Keyring();

    /// Adds every key of `bytes`: ASCII-armored blocks, or binary packets. `source` is for messages.
    /// Throws Error (format) when there is none.
    void add(std::string_view bytes, const std::string& source);
    [[nodiscard]] bool empty() const;

    /// Throws Error (integrity) unless `signature` (armored or binary) is a detached signature over `data`, by one of
    /// these keys.
    void verify_detached(std::string_view data, std::string_view signature) const;

    struct State;
    /// For rpm_package.cc, which hands the keys to librpm.
    [[nodiscard]] const State& state() const noexcept { return *state_; }

private:
    std::shared_ptr<State> state_;
};

/// The texts of `config.gpgkeys`, as they are. Throws Error (fetch).
[[nodiscard]] std::vector<std::string> read_keys(const RepoConfig& config, const std::filesystem::path& cache_dir,
                                                 bool offline, HttpClient& http);
/// Asks the network again for the keys that come from there: one may have been revoked since, or another one added. One
/// that cannot be had now is warned about, and stays as it was. Throws what writing to `cache_dir` throws.
void refresh_keys(const std::vector<RepoConfig>& repos, const std::filesystem::path& cache_dir, HttpClient& http,
                  Reporter& reporter);
/// The keys of `config.gpgkeys`. A key from the network is kept in `cache_dir`, and asked for again by refresh_keys()
/// alone.
/// Throws Error: fetch; format; integrity, when `config` has no key though it asks for checks.
[[nodiscard]] Keyring load_keyring(const RepoConfig& config, const std::filesystem::path& cache_dir, bool offline,
                                   HttpClient& http);

/// By repository id; nothing for one that says gpgcheck: false. A repository that is not in it is nobody's.
using Keyrings = std::map<std::string, std::optional<Keyring>>;
[[nodiscard]] Keyrings load_keyrings(const std::vector<RepoConfig>& repos, const std::filesystem::path& cache_dir,
                                     bool offline, HttpClient& http);

}  // namespace smith::resolver
