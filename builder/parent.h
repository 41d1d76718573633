// SPDX-License-Identifier: Apache-2.0
//
// `parent:`, an image whose layers stay below ours: what the two are together, and what of it must be in our layer.
#pragma once

#include <memory>

#include "base/contents.h"
#include "base/file_tree.h"

namespace smith::builder {

/// `ours` laid on `parent`: where the parent has a link to a directory, our files are laid where it points.
[[nodiscard]] FileTree lay_on_parent(const FileTree& parent, const FileTree& ours);

/// What a layer must hold to make `whole` of `parent`. Nothing of the parent is ever hidden by a whiteout: laying
/// files on it takes nothing away that is not replaced.
[[nodiscard]] FileTree difference(const FileTree& whole, const FileTree& parent);

/// The contents of two trees: of `first` those that `tree` names, all else of `second`. Refers to both.
[[nodiscard]] std::unique_ptr<Contents> join_contents(const FileTree& tree, const Contents& first,
                                                      const Contents& second);

}  // namespace smith::builder
