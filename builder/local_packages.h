// SPDX-License-Identifier: Apache-2.0
//
// The packages of one build, on this machine as far as they were needed: their headers from the start, the rest of
// those whose files are opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/http.h"
#include "base/reporter.h"
#include "builder/project.h"
#include "resolver/fetch.h"
#include "resolver/keyring.h"
#include "resolver/lock.h"

namespace smith::builder {

class LocalPackages {
public:
    /// Fetches what the headers of all packages take; with environment.whole_packages all there is of them. `rehash`:
    /// does not trust what is in the cache by its name. Keeps references to `project` and `reporter`. Throws Error:
    /// fetch, integrity.
    LocalPackages(const Project& project, const resolver::Lock& lock, const Environment& environment, bool rehash,
                  Reporter& reporter);

    /// In the lock's order.
    [[nodiscard]] const std::vector<resolver::LocalPackage>& packages() const noexcept { return packages_; }
    [[nodiscard]] const resolver::Keyrings& keyrings() const noexcept { return keyrings_; }
    [[nodiscard]] HttpClient& http() noexcept { return http_; }

    /// Afterwards these are whole. One thread at a time; meanwhile others may look at other packages.
    /// Throws Error: fetch, integrity.
    void complete(const std::vector<std::size_t>& indexes);

    /// Bytes of packages that are not here, and were not needed.
    [[nodiscard]] std::uint64_t bytes_spared() const noexcept;

private:
    const Project& project_;
    resolver::FetchOptions options_;
    Reporter& reporter_;
    HttpClient http_;
    std::vector<resolver::LocalRpm> local_rpms_;
    resolver::Keyrings keyrings_;
    std::vector<resolver::LocalPackage> packages_;
};

}  // namespace smith::builder
