// SPDX-License-Identifier: Apache-2.0
#include "builder/spec.h"

#include <tuple>

#include "base/error.h"

namespace smith::builder {

namespace {

auto tied(const RepoSpec& r) {
    return std::tie(r.id, r.name, r.baseurl, r.metalink, r.mirrorlist, r.gpgkey, r.gpgcheck, r.repo_gpgcheck,
                    r.priority, r.cost, r.enabled, r.excludepkgs, r.includepkgs, r.sslverify, r.sslcacert,
                    r.sslclientcert, r.sslclientkey, r.proxy, r.skip_if_unavailable, r.module_hotfixes, r.timeout,
                    r.minrate, r.retries, r.metadata_expire, r.max_age);
}

auto tied(const MockSpec& m) {
    return std::tie(m.config, m.pre_build, m.post_build, m.deps, m.debuginfo, m.debugdeps, m.debugpaths);
}

}  // namespace

std::string Location::str() const {
    // Plain where it can be, so that editors and terminals recognise it.
    const std::string quoted = quote(file);
    const std::string& name = quoted.size() == file.size() + 2 ? file : quoted;
    if (line == 0) return name;
    return name + ":" + std::to_string(line) + ":" + std::to_string(column);
}

bool RepoSpec::operator==(const RepoSpec& other) const { return tied(*this) == tied(other); }

bool MockSpec::operator==(const MockSpec& other) const { return tied(*this) == tied(other); }

}  // namespace smith::builder
