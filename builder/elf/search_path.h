// SPDX-License-Identifier: Apache-2.0
//
// Where a dynamic loader looks for a library, and in what order: ld.so(8) and glibc's _dl_map_object; for musl,
// load_library in ldso/dynlink.c. Knows texts only; whether something is there is process.h's business.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "builder/elf/elf_file.h"
#include "builder/elf/ld_so_cache.h"
#include "builder/elf/loader.h"

namespace smith::elf {

/// What the search needs to know about an object that is loaded, and about those that had it loaded.
struct Requester {
    const ElfFile* elf = nullptr;
    /// $ORIGIN: for the program, the directory of the real file (readlink of /proc/self/exe); for a library, that of
    /// the path it was opened by, links and all (l_name).
    std::string origin;
    /// The object that this one was first loaded for (l_loader); null for the program.
    const Requester* loader = nullptr;
};

/// One directory to look into.
struct SearchDirectory {
    std::string path;  ///< may hold ".." and links
    /// "" for the plain one. Otherwise what kind of processor looks here, as it goes into an Edge's rule:
    /// "hwcaps x86-64-v3", "platform haswell".
    std::string variant;
};

/// Directories that are looked into one after the other for one reason.
struct SearchStep {
    std::string rule;  ///< as in Edge::rule
    std::vector<SearchDirectory> directories;
};

/// What the image as a whole contributes.
struct SystemPath {
    std::vector<std::string> ld_library_path;
    std::vector<std::string> ld_so_conf;  ///< directories
    std::vector<CacheEntry> ld_so_cache;  ///< empty where there is none
};

/// All places where `soname`, which holds no '/', is looked for on behalf of `requester`, in order. `program` is the
/// first object of the process.
[[nodiscard]] std::vector<SearchStep> search_steps(const Loader& loader, const SystemPath& system,
                                                   const Requester& requester, const Requester& program,
                                                   std::string_view soname);

/// `text` with $ORIGIN, $LIB and $PLATFORM (or ${ORIGIN} ...) put in. Several when $PLATFORM has several values, each
/// with the variant it is for. Any other '$' stands for itself with glibc; musl knows $ORIGIN alone and gives up an
/// entry with another (no result).
[[nodiscard]] std::vector<SearchDirectory> expand_tokens(const Loader& loader, std::string_view text,
                                                         std::string_view origin);

}  // namespace smith::elf
