// SPDX-License-Identifier: Apache-2.0
#include "base/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"

namespace smith {

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

void UniqueFd::reset() noexcept {
    // Not retried on EINTR: Linux has released the number by then, and another thread may already own it.
    if (fd_ >= 0) static_cast<void>(::close(std::exchange(fd_, -1)));
}

UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode) {
    for (;;) {
        UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
        if (fd) return fd;
        if (errno != EINTR) throw system_error(errno, "opening " + quote(path.string()));
    }
}

std::size_t read_some(int fd, std::span<std::byte> buffer) {
    for (;;) {
        const ssize_t got = ::read(fd, buffer.data(), buffer.size());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) throw system_error(errno, "reading");
    }
}

void write_all(int fd, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0) {
            if (errno == EINTR) continue;
            throw system_error(errno, "writing");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
}

std::string read_to_end(int fd, std::uint64_t max_bytes) {
    std::string out;
    constexpr std::size_t step = 64 * 1024;
    for (;;) {
        const std::size_t used = out.size();
        const std::uint64_t left = max_bytes - used;
        // One byte more than allowed tells "exactly full" from "too large".
        const std::size_t want = left < step ? static_cast<std::size_t>(left) + 1 : step;
        out.resize(used + want);
        const std::size_t got = read_some(fd, std::as_writable_bytes(std::span(out.data() + used, want)));
        out.resize(used + got);
        if (out.size() > max_bytes) {
            throw Error(ErrorKind::format, "larger than the " + std::to_string(max_bytes) + " bytes allowed");
        }
        if (got == 0) return out;
    }
}

std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
    const UniqueFd fd = open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    return while_doing([&] { return "reading " + quote(path.string()); },
                       [&] {
                           struct stat st {};
                           if (::fstat(fd.get(), &st) != 0) throw system_error(errno, "fstat");
                           if (!S_ISREG(st.st_mode)) throw Error(ErrorKind::system, "not a regular file");
                           return read_to_end(fd.get(), max_bytes);
                       });
}

}  // namespace smith
