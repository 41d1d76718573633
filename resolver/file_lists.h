// SPDX-License-Identifier: Apache-2.0
//
// Who has a file, out of filelists.xml: read from front to back, keeping nothing but the answer. (libsolv could load
// it, for ten times the memory of all that we ask of it.)
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/metadata_stream.h"

namespace smith::resolver {

/// Which files to look for: paths, and globs over whole paths ('*' crosses directories, as dnf has it).
struct WantedFiles {
    std::set<std::string, std::less<>> paths;
    std::vector<std::string> globs;

    [[nodiscard]] bool empty() const { return paths.empty() && globs.empty(); }
    [[nodiscard]] bool contains(const std::string& path) const;
};

struct FileOwner {
    std::string package_checksum;  ///< primary.xml's checksum of the package, in hexadecimal digits
    std::string path;
};

/// Reads `filelists` to its end and verifies it. Throws Error: format, integrity.
[[nodiscard]] std::vector<FileOwner> find_files(MetadataStream& filelists, const WantedFiles& wanted);

/// True where primary.xml lists every file of this name (createrepo_c puts /etc/*, *bin/* and one more into it).
[[nodiscard]] bool is_in_primary(std::string_view path);

[[nodiscard]] bool is_glob(std::string_view text);

}  // namespace smith::resolver
