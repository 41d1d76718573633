// SPDX-License-Identifier: Apache-2.0
//
// The directory `rootfs` beside a spec: files that are laid over everything else, last. It is read once, into a
// snapshot; whoever edits it during a build changes the next image, not this one.
#pragma once

#include <filesystem>

#include "base/content_store.h"
#include "base/file_tree.h"
#include "base/reporter.h"

namespace smith::builder {

/// Reads `directory` with all below it. Bytes of files go to `out` as they are read; the caller finishes it.
///
/// Links are kept as links and never followed, `directory` itself excepted. A file is executable when its owner may
/// execute it. Files named .gitignore are left out: they keep directories in git. setuid, setgid and sticky bits are
/// dropped with a warning (sticky and setgid directories silently: git and shared checkouts make them).
///
/// Throws Error: spec, naming all devices, fifos and sockets, or for a name that no image can hold; system, when
/// something can't be read. A `directory` that does not exist is an empty tree.
[[nodiscard]] FileTree read_overlay(const std::filesystem::path& directory, PackWriter& out, Reporter& reporter);

/// The directory as it was at one moment.
struct Overlay {
    FileTree tree;
    PackedContents contents;
};

/// read_overlay() into an unnamed pack of `store`. Throws as it, and Error (system).
[[nodiscard]] Overlay snapshot_overlay(const std::filesystem::path& directory, const ContentStore& store,
                                       Reporter& reporter);

/// Lays `overlay` over `tree`, as `cp -a overlay/. tree/` would, but for one thing: what is in the way gives way.
///
/// - A directory of the overlay merges with the one that is there. Where `tree` has a link to a directory (/lib64 of
///   a merged /usr), or a dangling one, its files are laid where the link points, and the link stays.
/// - A file or a link of the overlay replaces a file, a link, or a directory with all that it holds. A link that is
///   replaced is replaced itself; what it pointed to stays.
/// - A directory of the overlay replaces a file, and a link to a file.
///
/// `available` is all that the packages have, of which `tree` is a part: a link to a directory that stands there and
/// not in `tree` is brought along, so that a `lib64` of the overlay doesn't cut off /usr/lib64 from who needs both.
///
/// Throws Error (spec) for a path that leads through a circle of links.
void apply_overlay(FileTree& tree, const FileTree& overlay, const FileTree& available = FileTree());

}  // namespace smith::builder
