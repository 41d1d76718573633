// SPDX-License-Identifier: Apache-2.0
//
// A file that appears under its name whole, or not at all: written under a temporary name in the same directory,
// fsync'ed, renamed, and the directory fsync'ed too. What a kill -9 leaves behind is at most a temporary file, which
// `sweep_temporaries` clears away.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "base/fd.h"

namespace smith {

class AtomicFile {
public:
    /// Creates `<directory>/.tmp-<random>` (mode 0600). The directory must exist. Throws Error (system).
    explicit AtomicFile(std::filesystem::path final_path, mode_t mode = 0644);
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;
    /// Without commit(): removes the temporary file.
    ~AtomicFile();

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    /// Somebody removed the file under its temporary or final name. What was written can still be read by fd().
    [[nodiscard]] bool is_deleted() const;
    void write(std::span<const std::byte> bytes);

    /// Gives the file its name, replacing what bears it, with `mode` less the process's umask. Call once.
    void commit();
    /// As commit(), but under another name of the same directory: for names that depend on the content.
    void commit_as(const std::filesystem::path& final_path);

private:
    std::filesystem::path final_path_;
    std::filesystem::path temporary_;
    mode_t mode_;
    UniqueFd fd_;
};

/// Writes `bytes` to `path` by way of an AtomicFile.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes, mode_t mode = 0644);

/// Removes the temporary files that processes which no longer run left in `directory`.
/// A live writer holds a lock (flock) on its temporary file, so it loses nothing.
void sweep_temporaries(const std::filesystem::path& directory);

}  // namespace smith
