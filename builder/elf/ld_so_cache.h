// SPDX-License-Identifier: Apache-2.0
//
// /etc/ld.so.cache: the answer to "where is libfoo.so.1?" for directories that ld.so does not search by itself. ld.so
// never reads ld.so.conf, so an image with a library that is found by it needs a cache; and since nothing of the
// target is ever executed, ldconfig included, it is written here. Format: glibc, sysdeps/generic/dl-cache.h
// ("glibc-ld.so.cache1.1", which glibc 2.2 and later read; since 2.32 ldconfig writes nothing else).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/image_path.h"
#include "builder/elf/elf_file.h"

namespace smith::elf {

struct CacheEntry {
    std::string soname;
    std::string path;  ///< absolute
    Abi abi;           ///< not known to read_ld_so_cache
    auto operator<=>(const CacheEntry&) const = default;
};

/// The bytes of a cache; the same for the same entries in whatever order. For each soname and ABI one path is kept.
[[nodiscard]] std::string make_ld_so_cache(std::vector<CacheEntry> entries);

/// In the order of the file. Also takes the older format with the newer inside. Throws Error (format).
[[nodiscard]] std::vector<CacheEntry> read_ld_so_cache(std::span<const std::byte> bytes);

/// How ld.so orders names in the cache: by bytes, but digits as numbers (_dl_cache_libcmp).
[[nodiscard]] int compare_cache_names(std::string_view a, std::string_view b);

}  // namespace smith::elf
