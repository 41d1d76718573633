// SPDX-License-Identifier: Apache-2.0
#include "builder/local_packages.h"

#include "builder/packages.h"

namespace smith::builder {

LocalPackages::LocalPackages(const Project& project, const resolver::Lock& lock, const Environment& environment,
                             bool rehash, Reporter& reporter)
    : project_(project),
      options_(fetch_options(project, environment)),
      reporter_(reporter),
      local_rpms_(local_rpms_of(project)),
      keyrings_(resolver::load_keyrings(project.repos, environment.cache_dir, environment.offline, http_)) {
    options_.rehash = rehash;
    resolver::FetchOptions options = options_;
    if (!environment.whole_packages) options.start_keyrings = &keyrings_;
    packages_ = resolver::fetch_packages(lock.packages, project.repos, local_rpms_, options, http_, reporter);
}

void LocalPackages::complete(const std::vector<std::size_t>& indexes) {
    std::vector<std::size_t> missing;
    std::vector<resolver::PackageRef> refs;
    for (const std::size_t i : indexes) {
        if (packages_[i].is_whole) continue;
        missing.push_back(i);
        refs.push_back(packages_[i].ref);
    }
    if (missing.empty()) return;
    auto whole = resolver::fetch_packages(refs, project_.repos, local_rpms_, options_, http_, reporter_);
    for (std::size_t at = 0; at < missing.size(); ++at) packages_[missing[at]] = std::move(whole[at]);
}

std::uint64_t LocalPackages::bytes_spared() const noexcept {
    std::uint64_t out = 0;
    for (const resolver::LocalPackage& package : packages_) {
        if (!package.is_whole) out += package.ref.size - package.ref.header_end;
    }
    return out;
}

}  // namespace smith::builder
