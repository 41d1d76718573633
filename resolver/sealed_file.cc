// SPDX-License-Identifier: Apache-2.0
#include "resolver/sealed_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <vector>

#include "base/digest.h"
#include "base/error.h"

namespace smith::resolver {

namespace {

constexpr std::size_t kSealBytes = 32;  // of a SHA-256

std::uint64_t size_of(int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) throw system_error(errno, "looking at a file of the cache");
    return static_cast<std::uint64_t>(status.st_size);
}

/// Calls `take` with the first `size` bytes, piece by piece. False when they are not there.
template <typename Take>
bool read_front(int fd, std::uint64_t size, Take&& take) {
    std::vector<std::byte> buffer(256 * 1024);
    for (std::uint64_t at = 0; at < size;) {
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size - at));
        const ssize_t got = pread(fd, buffer.data(), wanted, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        take(std::span(buffer).first(static_cast<std::size_t>(got)));
        at += static_cast<std::uint64_t>(got);
    }
    return true;
}

Digest digest_of_front(int fd, std::uint64_t size) {
    Hasher hasher;
    if (!read_front(fd, size, [&](std::span<const std::byte> piece) { hasher.update(piece); }))
        throw Error(ErrorKind::system, "a file of the cache became shorter while it was read");
    return hasher.finish();
}

}  // namespace

void commit_sealed(AtomicFile& file) {
    const Digest digest = digest_of_front(file.fd(), size_of(file.fd()));
    if (lseek(file.fd(), 0, SEEK_END) < 0) throw system_error(errno, "sealing a file of the cache");
    file.write(std::as_bytes(std::span(digest.bytes)));
    file.commit();
}

std::optional<UniqueFd> open_sealed(const std::filesystem::path& path) {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return std::nullopt;
    const std::uint64_t size = size_of(fd.get());
    if (size < kSealBytes) return std::nullopt;
    std::array<std::uint8_t, kSealBytes> seal{};
    const ssize_t got = pread(fd.get(), seal.data(), seal.size(), static_cast<off_t>(size - kSealBytes));
    if (got != static_cast<ssize_t>(kSealBytes)) return std::nullopt;
    const Digest digest = digest_of_front(fd.get(), size - kSealBytes);
    if (digest.bytes != seal) return std::nullopt;
    return fd;
}

std::optional<std::string> read_sealed(const std::filesystem::path& path) {
    const std::optional<UniqueFd> fd = open_sealed(path);
    if (!fd) return std::nullopt;
    std::string out;
    const bool whole = read_front(fd->get(), size_of(fd->get()) - kSealBytes, [&](std::span<const std::byte> piece) {
        out.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    });
    if (!whole) return std::nullopt;
    return out;
}

}  // namespace smith::resolver
