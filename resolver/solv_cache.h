// SPDX-License-Identifier: Apache-2.0
//
// What libsolv made of a metadata file, in its own format, so that the next run need not parse XML. Keyed by the
// checksum of that file and by libsolv's version; sealed, because libsolv's reader trusts what it reads. Internal to
// solving.
#pragma once

#include <filesystem>

#include "base/digest.h"
#include "base/reporter.h"
#include "resolver/solv.h"

namespace smith::resolver {

class SolvCache {
public:
    /// `metadata`: of the file as repomd.xml has it.
    SolvCache(const std::filesystem::path& folder, const Checksum& metadata);

    /// Fills `repo`, which is empty. False when there is nothing to be used; `repo` is then still empty.
    [[nodiscard]] bool load(::Repo* repo) const;
    /// Keeps what solving and fetching ask for; texts for people are left out. A cache that cannot be written costs
    /// time and nothing else: `reporter` is told in detail.
    void store(::Repo* repo, Reporter& reporter) const;

private:
    std::filesystem::path path_;
};

}  // namespace smith::resolver
