// SPDX-License-Identifier: Apache-2.0
//
// From everything that is available to what ships: the selected paths, the overlay, account files, the directories that
// a microcontainer has, and whatever the programs among them need to run.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/contents.h"
#include "base/reporter.h"
#include "builder/accounts.h"
#include "builder/overlay.h"
#include "builder/project.h"
#include "builder/reasons.h"

namespace smith::builder {

/// What there is to choose from.
struct Available {
    const FileTree& tree;
    const Contents& contents;
    /// Origins of what the spec asks for by name: whose executables ship when the spec has no `paths`.
    std::set<std::string> asked_for;
    /// What ships when the spec has no `paths`, in place of those executables.
    std::optional<std::vector<ImagePath>> default_paths = std::nullopt;
    /// What it is called in messages.
    std::string_view name = "the packages";
    /// Files of layers that will be below, and are part of `tree`; null for none.
    const FileTree* below = nullptr;
};

struct Assembled {
    FileTree tree;
    /// Has every content that `tree` mentions. Refers to Available::contents, which must outlive it.
    std::unique_ptr<Contents> contents;
    Reasons reasons;
};

/// `overlay` is laid over everything.
/// Throws Error (spec), each with all its kind: paths that match nothing, libraries that are missing, an entrypoint
/// that is not there. In Oracle's dialect those are warnings.
[[nodiscard]] Assembled assemble(const Spec& spec, const Accounts& accounts, const Available& available,
                                 const Overlay& overlay, Reporter& reporter);

}  // namespace smith::builder
