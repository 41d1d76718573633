// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include "base/error.h"

namespace smith {

namespace {

constexpr std::string_view kTemporaryPrefix = ".tmp-";

std::filesystem::path directory_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

// umask(2) can only be read by changing it, which another thread would notice; /proc tells without a race.
mode_t current_umask() {
    const std::string status = read_to_end(open_file("/proc/self/status", O_RDONLY).get(), 1U << 20U);
    const std::size_t at = status.find("\nUmask:");
    if (at == std::string::npos) return 022;
    return static_cast<mode_t>(std::strtoul(status.c_str() + at + 7, nullptr, 8));
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path final_path, mode_t mode)
    : final_path_(std::move(final_path)), mode_(mode) {
    std::string name = (directory_of(final_path_) / (std::string(kTemporaryPrefix) + "XXXXXX")).string();
    fd_ = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd_) throw system_error(errno, "creating a temporary file for " + quote(final_path_.string()));
    temporary_ = name;
    // Held until close: tells sweep_temporaries() that somebody is still writing. Some network file systems have no
    // flock; there a sweep by another process is the lesser evil, so a failure is no reason to stop.
    static_cast<void>(::flock(fd_.get(), LOCK_EX | LOCK_NB));
}

AtomicFile::~AtomicFile() {
    if (!temporary_.empty()) static_cast<void>(::unlink(temporary_.c_str()));
}

void AtomicFile::commit() { commit_as(final_path_); }

void AtomicFile::commit_as(const std::filesystem::path& final_path) {
    const auto fail = [&](const char* doing) {
        return system_error(errno, std::string(doing) + " " + quote(final_path.string()));
    };
    if (::fchmod(fd_.get(), mode_ & ~current_umask()) != 0) throw fail("setting the mode of");
    if (::fsync(fd_.get()) != 0) throw fail("writing");
    if (::rename(temporary_.c_str(), final_path.c_str()) != 0) throw fail("renaming a temporary file to");
    temporary_.clear();
    const UniqueFd directory = open_file(directory_of(final_path), O_RDONLY | O_DIRECTORY);
    if (::fsync(directory.get()) != 0 && errno != EINVAL) throw fail("writing the directory of");
    fd_.reset();
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
    AtomicFile file(path, mode);
    file.write(as_bytes(bytes));
    file.commit();
}

void sweep_temporaries(const std::filesystem::path& directory) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(directory, ignored)) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(kTemporaryPrefix)) continue;
        const UniqueFd fd(::open(entry.path().c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        // Between mkostemp() and flock() a writer holds no lock yet: what is younger than a minute is left alone.
        struct stat st {};
        struct timespec now {};
        if (!fd || ::fstat(fd.get(), &st) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) continue;
        if (now.tv_sec - st.st_mtim.tv_sec < 60) continue;
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) static_cast<void>(::unlink(entry.path().c_str()));
    }
}

}  // namespace smith
