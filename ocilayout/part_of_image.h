// SPDX-License-Identifier: Apache-2.0
//
// Questions about an image that need not all of its layers: they are read from the top down, as far as the answer needs
// them, and none of them is stored but for its record (layer_record.h). What the cache has is not read at all.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/content_store.h"
#include "base/file_tree.h"
#include "base/reporter.h"
#include "ocilayout/image_source.h"
#include "ocilayout/read_image.h"

namespace smith::ocilayout {

/// What a path leads to, links followed inside the image.
struct FoundPath {
    enum class Kind { nothing, directory, file };
    Kind kind = Kind::nothing;
    Content content;  ///< of a file
};

struct FoundPaths {
    std::vector<FoundPath> paths;              ///< in the order that they were asked for
    std::shared_ptr<const Contents> contents;  ///< of the files among them
};

/// Looks for `paths` in the image that `head` describes. Throws as load_image(); what is wrong with a layer that is not
/// read is not seen.
[[nodiscard]] FoundPaths find_paths(ImageSource& source, const ImageHead& head, std::span<const ImagePath> paths,
                                    const ContentStore& store, Reporter& reporter);

/// An image that is compared with another one.
struct ComparedImage {
    ImageSource* source = nullptr;
    const ImageHead* head = nullptr;
};

/// Two trees that differ exactly as the files of the images do.
struct ComparedTrees {
    FileTree before, after;
    /// False when what is the same in both was not looked at, and is in neither tree.
    bool are_whole = false;
};

/// The layers that both images begin with are read only if the others do not say it all. Throws as load_image().
[[nodiscard]] ComparedTrees load_to_compare(const ComparedImage& before, const ComparedImage& after,
                                            const ContentStore& store, unsigned jobs, Reporter& reporter);

}  // namespace smith::ocilayout
