// SPDX-License-Identifier: Apache-2.0
//
// What is remembered of a registry from run to run, because it saves a request or two: hints, each of which is found
// out anew when it does not hold any more. No secret is among them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace smith::ocilayout {

struct RegistryMemory {
    std::string realm;  ///< of its token server; to be checked as if the registry had just named it
    std::string service;
    std::optional<bool> has_referrers_api;
    bool operator==(const RegistryMemory&) const = default;
};

/// Nothing for an empty `cache_dir`, and for what can't be read.
[[nodiscard]] RegistryMemory recall_registry(const std::filesystem::path& cache_dir, const std::string& host) noexcept;

/// Does nothing for an empty `cache_dir`, and when there is no writing.
void remember_registry(const std::filesystem::path& cache_dir, const std::string& host,
                       const RegistryMemory& memory) noexcept;

}  // namespace smith::ocilayout
