// SPDX-License-Identifier: Apache-2.0
//
// File descriptors that close themselves, and the few whole-file operations that everybody needs. Every descriptor that
// is opened here is O_CLOEXEC: none may reach a contained process by accident (runc CVE-2024-21626).
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace smith {

class UniqueFd {
public:
    UniqueFd() noexcept = default;
    explicit UniqueFd(int fd) noexcept : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept;
    explicit operator bool() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// open(2) with O_CLOEXEC added. Throws Error (system), naming the path.
[[nodiscard]] UniqueFd open_file(const std::filesystem::path& path, int flags, mode_t mode = 0666);

/// Reads at most `buffer.size()` bytes; 0 is the end. Retries EINTR. Throws Error (system).
[[nodiscard]] std::size_t read_some(int fd, std::span<std::byte> buffer);

/// Writes all of `bytes`, however often write(2) must be called. Throws Error (system).
void write_all(int fd, std::span<const std::byte> bytes);

/// The whole of a regular file, which may hold at most `max_bytes`. A fifo, device or directory is refused, never
/// waited for (CVE-2024-9676). Throws Error (system), or Error (format) when it is larger.
[[nodiscard]] std::string read_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// As read_file, but for a descriptor: from its current position to its end.
[[nodiscard]] std::string read_to_end(int fd, std::uint64_t max_bytes);

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
    return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace smith
