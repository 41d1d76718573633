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

std::string proc_name(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// umask(2) can only be read by changing it, which another thread would notice; /proc tells without a race.
mode_t current_umask() {
    const UniqueFd fd(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
    const std::string status = fd ? read_to_end(fd.get(), 1U << 20U) : std::string();
    const std::size_t at = status.find("\nUmask:");
    if (at != std::string::npos) return static_cast<mode_t>(std::strtoul(status.c_str() + at + 7, nullptr, 8));
    // A chroot without /proc. For the moment that it stands, this umask is the strictest one.
    const mode_t mask = ::umask(077);
    static_cast<void>(::umask(mask));
    return mask;
}

/// Some file systems have no fsync for directories (EINVAL), because none is needed there.
void sync_names(int directory) {
    if (::fsync(directory) != 0 && errno != EINVAL) throw system_error(errno, "fsync of its directory");
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path final_path, mode_t mode)
    : final_path_(std::move(final_path)),
      mode_(mode),
      directory_(open_file(directory_of(final_path_), O_RDONLY | O_DIRECTORY)) {
    fd_ = UniqueFd(::openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    // It gets its name by way of /proc; and kernels without O_TMPFILE take it for a directory opened for writing.
    if (fd_ && ::access(proc_name(fd_.get()).c_str(), F_OK) == 0) {
        // For the moment in which it has a temporary name (see give_name).
        static_cast<void>(::flock(fd_.get(), LOCK_EX | LOCK_NB));
        return;
    }

    std::string name = (directory_of(final_path_) / (std::string(kTemporaryPrefix) + "XXXXXX")).string();
    fd_ = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd_) throw system_error(errno, "creating a temporary file for " + quote(final_path_.string()));
    temporary_ = std::filesystem::path(name).filename();
    is_named_ = true;
    // Held until close: tells sweep_temporaries() that somebody is still writing. Some network file systems have no
    // flock; there a sweep by another process is the lesser evil, so a failure is no reason to stop.
    static_cast<void>(::flock(fd_.get(), LOCK_EX | LOCK_NB));
}

AtomicFile::~AtomicFile() {
    if (!temporary_.empty()) static_cast<void>(::unlinkat(directory_.get(), temporary_.c_str(), 0));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
    while_doing([&] { return quote(final_path_.string()); }, [&] { write_all(fd_.get(), bytes); });
}

bool AtomicFile::is_deleted() const {
    struct stat st {};
    return ::fstat(is_named_ ? fd_.get() : directory_.get(), &st) == 0 && st.st_nlink == 0;
}

void AtomicFile::commit() { commit_as(final_path_); }

void AtomicFile::commit_unsynced() {
    while_doing([&] { return "writing " + quote(final_path_.string()); },
                [&] { finish_as(final_path_.filename().string()); });
    fd_.reset();
}

bool AtomicFile::commit_unless_deleted() {
    try {
        commit();
        return true;
    } catch (const Error&) {
        if (!is_deleted()) throw;
        return false;
    }
}

void AtomicFile::commit_as(const std::filesystem::path& final_path) {
    while_doing([&] { return "writing " + quote(final_path.string()); },
                [&] {
                    finish_as(final_path.filename().string());
                    sync_names(directory_.get());
                });
    fd_.reset();
}

void AtomicFile::finish_as(const std::string& name) {
    if (::fchmod(fd_.get(), mode_ & ~current_umask()) != 0) throw system_error(errno, "fchmod");
    if (::fsync(fd_.get()) != 0) throw system_error(errno, "fsync");
    give_name(name);
}

void AtomicFile::give_name(const std::string& name) {
    const auto link_as = [&](const std::string& new_name) {
        return ::linkat(AT_FDCWD, proc_name(fd_.get()).c_str(), directory_.get(), new_name.c_str(),
                        AT_SYMLINK_FOLLOW) == 0;
    };
    if (!is_named_) {
        is_named_ = link_as(name);
        if (is_named_) return;
        if (errno != EEXIST) throw system_error(errno, "linkat");
        // link(2) replaces nothing, rename(2) does: by way of a name that nobody else has.
        for (unsigned attempt = 0; !is_named_; ++attempt) {
            temporary_ = std::string(kTemporaryPrefix) + std::to_string(::getpid()) + "-" + std::to_string(fd_.get()) +
                         "-" + std::to_string(attempt);
            is_named_ = link_as(temporary_);
            if (!is_named_) {
                temporary_.clear();
                if (errno != EEXIST) throw system_error(errno, "linkat");
            }
        }
    }
    if (::renameat(directory_.get(), temporary_.c_str(), directory_.get(), name.c_str()) != 0) {
        throw system_error(errno, "rename");
    }
    temporary_.clear();
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes, mode_t mode) {
    AtomicFile file(path, mode);
    file.write(as_bytes(bytes));
    file.commit();
}

void sync_directory(const std::filesystem::path& directory) {
    while_doing([&] { return "writing " + quote(directory.string()); },
                [&] { sync_names(open_file(directory, O_RDONLY | O_DIRECTORY).get()); });
}

void sweep_temporaries(const std::filesystem::path& directory) {
    std::error_code ignored;
    // Not a range-for: its increment throws, and a directory that is being deleted is no reason to fail.
    for (auto it = std::filesystem::directory_iterator(directory, ignored);
         !ignored && it != std::filesystem::directory_iterator(); it.increment(ignored)) {
        const std::string path = it->path().string();
        if (!it->path().filename().string().starts_with(kTemporaryPrefix)) continue;
        const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        // Between mkostemp() and flock() a writer holds no lock yet: what is younger than a minute is left alone. What
        // is from the future is from a clock that was wrong.
        struct stat st {};
        struct timespec now {};
        if (!fd || ::fstat(fd.get(), &st) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) continue;
        if (std::abs(now.tv_sec - st.st_mtim.tv_sec) < 60) continue;
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) static_cast<void>(::unlink(path.c_str()));
    }
}

}  // namespace smith
