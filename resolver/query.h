// SPDX-License-Identifier: Apache-2.0
//
// Questions about what repositories have, for people: nothing is chosen here. Packages that are excluded, that modules
// hide or that are for another architecture are not there, as they are not for solve().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/http.h"
#include "base/reporter.h"
#include "resolver/nevra.h"
#include "resolver/repository.h"
#include "resolver/solve.h"

namespace smith::resolver {

struct PackageInfo {
    Nevra nevra;
    std::string repo;
    std::uint64_t size = 0;            ///< of the .rpm, in bytes
    std::uint64_t installed_size = 0;  ///< of its files, in bytes
    std::string summary;
    std::string description;
    std::string url;
    std::string license;
    std::string vendor;
    std::string source;  ///< the NEVRA of the source package; "" when metadata does not say
    std::string module;  ///< "nodejs:18", the active stream that it is of; "" for none
    bool operator==(const PackageInfo&) const = default;
};

/// Of `request` count what decides which packages there are: arch, modules, platform.
class PackageQuery {
public:
    PackageQuery(const Request& request, const std::vector<Repository>& repositories, HttpClient& http,
                 Reporter& reporter);
    PackageQuery(const PackageQuery&) = delete;
    PackageQuery& operator=(const PackageQuery&) = delete;
    ~PackageQuery();

    /// All whose name or summary have each of `words` in them, in upper or lower case: the newest of each name and
    /// architecture; those before the others whose name is a word, then those whose name has them all.
    [[nodiscard]] std::vector<PackageInfo> search(const std::vector<std::string>& words) const;
    /// What `spec` means, in any of the forms of Request::packages but groups: the newest of each name and
    /// architecture. Throws Error (resolve) that says what may have been meant, when that is nothing.
    [[nodiscard]] std::vector<PackageInfo> find(const std::string& spec);
    /// All packages, in all versions, that provide `what` or have it as a file; it may be a glob. None is an empty
    /// answer.
    [[nodiscard]] std::vector<PackageInfo> providers(const std::string& what);

    /// How many packages each repository has, by id; hidden ones count.
    [[nodiscard]] std::map<std::string, std::size_t> counts() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith::resolver
