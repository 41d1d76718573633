// SPDX-License-Identifier: Apache-2.0
#include "resolver/solv_cache.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/handle.h"
#include "resolver/sealed_file.h"

// libsolv's headers leave this to C++.
extern "C" {
#include <solv/repo_solv.h>
#include <solv/repo_write.h>
#include <solv/solvversion.h>
}

namespace smith::resolver {

namespace {

using File = std::unique_ptr<std::FILE, FreeWith<std::fclose>>;
using Writer = std::unique_ptr<::Repowriter, FreeWith<repowriter_free>>;

// To be raised when keep_key() keeps something else.
constexpr const char* kFormat = "2";

// A .solv file of a distribution has ten megabytes and more: stdio would ask the kernel for 4 KiB of it at a time.
constexpr std::size_t kReadBytes = 256 * 1024;

/// All of what is kept is held in memory when it is loaded: libsolv would otherwise read pages from the file later on,
/// after it was verified.
int keep_key(::Repo*, ::Repokey* key, void*) noexcept {
    switch (key->name) {
        case SOLVABLE_SUMMARY:
        case SOLVABLE_DESCRIPTION:
        case SOLVABLE_URL:
        case SOLVABLE_PACKAGER:
        case SOLVABLE_LICENSE:
        case SOLVABLE_GROUP:
        case SOLVABLE_BUILDHOST:
        case SOLVABLE_BUILDTIME:
        case SOLVABLE_INSTALLSIZE:
        case SOLVABLE_SOURCENAME:
        case SOLVABLE_SOURCEEVR:
        case SOLVABLE_SOURCEARCH: return KEY_STORAGE_DROPPED;
        default: return KEY_STORAGE_INCORE;
    }
}

void write_to(::Repo* repo, int fd) {
    // Of its own, because closing the stream closes it.
    File file(fdopen(dup(fd), "w"));
    if (!file) throw system_error(errno, "writing what libsolv made of it");
    const Writer writer(repowriter_create(repo));
    repowriter_set_keyfilter(writer.get(), keep_key, nullptr);
    const int failed = repowriter_write(writer.get(), file.get());
    if (failed != 0 || std::fclose(file.release()) != 0) throw system_error(errno, "writing what libsolv made of it");
}

}  // namespace

SolvCache::SolvCache(const std::filesystem::path& folder, const Checksum& metadata)
    : path_(folder / (metadata.algorithm + "-" + metadata.hex + ".libsolv-" + solv_version + "-" + kFormat + ".solv")) {
}

bool SolvCache::load(::Repo* repo) const {
    std::optional<UniqueFd> sealed = open_sealed(path_);
    if (!sealed) return false;
    std::vector<char> buffer(kReadBytes);  // outlives the stream: setvbuf without one keeps stdio's own size
    const File file(fdopen(sealed->get(), "r"));
    if (!file) return false;
    static_cast<void>(sealed->release());
    static_cast<void>(std::setvbuf(file.get(), buffer.data(), _IOFBF, buffer.size()));
    if (repo_add_solv(repo, file.get(), 0) == 0) return true;
    // Another build of the same libsolv wrote it.
    repo_empty(repo, 0);
    return false;
}

void SolvCache::store(::Repo* repo, Reporter& reporter) const {
    try {
        AtomicFile file(path_);
        write_to(repo, file.fd());
        commit_sealed(file);
    } catch (const Error& e) {
        reporter.debug("cannot keep " + quote(path_.string()) + ": " + e.message() + ", ignoring");
    }
}

}  // namespace smith::resolver
