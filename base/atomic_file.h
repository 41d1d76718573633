// SPDX-License-Identifier: Apache-2.0
//
// A file that appears under its name whole, or not at all: written without any name (O_TMPFILE), fsync'ed, then given
// its name, and the directory fsync'ed too. A kill -9 leaves nothing behind. Where the file system knows no nameless
// files (some overlays and network file systems), and for the moment in which another file of the name is replaced, it
// has a temporary name, which `sweep_temporaries` clears away.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace smith {

class AtomicFile {
public:
    /// The directory of `final_path` must exist. Throws Error (system).
    explicit AtomicFile(std::filesystem::path final_path, mode_t mode = 0644);
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    /// Without commit(): nothing is left of it.
    ~AtomicFile();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    void write(std::span<const std::byte> bytes);

    /// Gives the file its name, replacing what bears it, with `mode` less the process's umask. Call once.
    void commit();
    /// As commit(), but the name may be lost in a power failure until sync_directory(), or a commit() in the same
    /// directory, has returned: for one of many files that mean nothing before the last one is there.
    void commit_unsynced();
    /// As commit(), for a file of a cache: false when somebody removed it, or the directory that it was to be in,
    /// meanwhile. What was written can then still be read by a descriptor that was taken before.
    bool commit_unless_deleted();
    /// As commit(), but under another name of the same directory: for names that depend on the content.
    void commit_as(const std::filesystem::path& final_path);

private:
    [[nodiscard]] bool is_deleted() const;
    void give_name(const std::string& name);
    void finish_as(const std::string& name);

    std::filesystem::path final_path_;
    mode_t mode_;
    UniqueFd directory_;
    UniqueFd fd_;
    std::string temporary_;  ///< in directory_; empty while the file has no name, or has its final one
    bool is_named_ = false;
};

/// Writes `bytes` to `path` by way of an AtomicFile.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes, mode_t mode = 0644);

/// The names that were given in `directory` outlast a power failure from here on. Throws Error (system).
void sync_directory(const std::filesystem::path& directory);

/// Removes the temporary files that processes which no longer run left in `directory`.
/// A live writer holds a lock (flock) on its temporary file, so it loses nothing.
void sweep_temporaries(const std::filesystem::path& directory);

}  // namespace smith
