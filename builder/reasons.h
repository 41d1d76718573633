// SPDX-License-Identifier: Apache-2.0
//
// Why each file is in an image. It is attached to the image (application/vnd.smith.reasons+json), so that `smith why`
// can answer for an image whose spec is long gone.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_tree.h"
#include "base/image_path.h"

namespace smith::builder {

struct Reason {
    /// "path" (a pattern of the spec), "library" (an ELF edge), "interpreter", "overlay", "account", "mount", "fixed"
    /// (one of the directories that every microcontainer has), "link" (what a link points to), "cache" (ld.so.cache,
    /// for a library that ld.so would not find by itself), "way" (a link or directory that must be passed to reach
    /// something), "directory" (holds something).
    std::string kind;
    /// For "path": the pattern; for "library" and "interpreter": what was asked for, and by which rule it was found.
    std::string detail;
    /// Another path that this one is there for: for "library" and "interpreter" the file that needs it, for "link" the
    /// link, for "cache" a library, for "way" what is reached. Else "".
    std::string needer;
    bool operator==(const Reason&) const = default;
};

struct Why {
    std::string origin;  ///< the package, or "overlay", "smith"
    std::vector<Reason> reasons;
    bool operator==(const Why&) const = default;
};

using Reasons = std::map<ImagePath, Why>;

[[nodiscard]] std::string print_reasons(const Reasons& reasons);
/// Throws Error (format).
[[nodiscard]] Reasons parse_reasons(std::string_view json);

/// The chain from `path` back to a line of the spec, one step a line, as `smith why` prints it; links on the way are
/// followed. Empty when the image does not hold `path`.
[[nodiscard]] std::vector<std::string> explain(const Reasons& reasons, const ImagePath& path);

}  // namespace smith::builder
