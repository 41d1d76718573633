// SPDX-License-Identifier: Apache-2.0
#include "base/cache_directory.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.h"

namespace smith {

namespace {

namespace fs = std::filesystem;

// Each attempt but the last one loses a race against somebody who deletes the cache.
constexpr int kAttempts = 256;

/// 0, or what mkdir(2) has to say. An existing directory says EEXIST before it says that nobody may write there.
int make_with_parents(const fs::path& directory) {
    fs::path made;
    for (const fs::path& part : directory) {
        made /= part;
        if (::mkdir(made.c_str(), 0700) != 0 && errno != EEXIST) return errno;
    }
    struct stat st {};
    if (::stat(directory.c_str(), &st) != 0) return errno;
    return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}

}  // namespace

void make_cache_directory(const fs::path& directory) {
    for (int attempt = 1;; ++attempt) {
        const int failure = make_with_parents(directory);
        if (failure == 0) return;
        if (failure != ENOENT || attempt == kAttempts) {
            throw system_error(failure, "creating the cache directory " + quote(directory.string()));
        }
    }
}

fs::path default_cache_directory() {
    const auto absolute = [](const char* name) -> fs::path {
        const char* value = std::getenv(name);
        return value != nullptr && value[0] == '/' ? value : "";
    };
    const fs::path cache = absolute("XDG_CACHE_HOME");
    if (!cache.empty()) return cache / "smith";
    const fs::path home = absolute("HOME");
    if (!home.empty()) return home / ".cache" / "smith";
    throw Error(ErrorKind::usage, "neither XDG_CACHE_HOME nor HOME is set; name a cache with --cache-dir");
}

}  // namespace smith
