// SPDX-License-Identifier: Apache-2.0
#include "runtime/copy_up.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/scoped_fd.h"

namespace smith::runtime {

namespace {

constexpr int kDeepest = 64;
constexpr std::uint64_t kInside = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;

/// The head of the kernel's own directory entry (linux_dirent64), which libc hides behind DIR; the name follows.
struct EntryHead {
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short length;
    unsigned char type;
};
constexpr std::size_t kNameOffset = offsetof(EntryHead, type) + 1;

bool is_dots(const char* name) noexcept {
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

Result copy_bytes(Kernel& kernel, int from, int to) noexcept {
    char buffer[16384];
    for (;;) {
        const Result got = kernel.read(from, buffer, sizeof buffer);
        if (got <= 0) return got;
        for (Result done = 0; done < got;) {
            const Result put = kernel.write(to, buffer + done, static_cast<std::size_t>(got - done));
            if (put < 0) return put;
            done += put;
        }
    }
}

/// The owner first: a change of it would take bits off the mode.
Result give(Kernel& kernel, int parent, const char* name, int opened, const struct statx& status) noexcept {
    const Result owner = kernel.change_owner(parent, name, status.stx_uid, status.stx_gid);
    // An id that is not mapped here is the maker's instead; so it is in every image that a user namespace shows.
    if (owner < 0 && owner != -EINVAL && owner != -EPERM) return owner;
    return opened < 0 ? 0 : kernel.change_mode(opened, status.stx_mode & 07777U);
}

Result copy_file(Kernel& kernel, int from, int to, const char* name, const struct statx& status) noexcept {
    const Scoped source(kernel, kernel.open_beneath(from, name, O_RDONLY | O_NONBLOCK, kInside));
    if (source.failed()) return source.error();
    const Scoped copy(kernel, kernel.open_beneath(to, name, O_WRONLY | O_CREAT | O_EXCL, kInside, 0600));
    if (copy.failed()) return copy.error();
    const Result copied = copy_bytes(kernel, source.get(), copy.get());
    return copied < 0 ? copied : give(kernel, to, name, copy.get(), status);
}

Result copy_link(Kernel& kernel, int from, int to, const char* name, const struct statx& status) noexcept {
    char target[4096];
    const Result length = kernel.read_link(from, name, target, sizeof target - 1);
    if (length < 0) return length;
    target[length] = '\0';
    const Result made = kernel.make_symlink(target, to, name);
    return made < 0 ? made : give(kernel, to, name, -1, status);
}

Result copy_directory(Kernel& kernel, int from, int to, int depth) noexcept;

Result copy_entry(Kernel& kernel, int from, int to, const char* name, int depth) noexcept {
    // What is mounted there (EXDEV) is not the image's, and not in this file system.
    const Scoped place(kernel, kernel.open_beneath(from, name, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_XDEV));
    if (place.failed()) return place.error() == -EXDEV ? 0 : place.error();
    struct statx status {};
    const Result looked = kernel.status(place.get(), status);
    if (looked < 0) return looked;
    if (S_ISREG(status.stx_mode)) return copy_file(kernel, from, to, name, status);
    if (S_ISLNK(status.stx_mode)) return copy_link(kernel, from, to, name, status);
    if (!S_ISDIR(status.stx_mode)) return 0;
    if (depth >= kDeepest) return -ELOOP;
    const Result made = kernel.make_directory(to, name, 0700);
    if (made < 0) return made;
    const Scoped source(kernel, kernel.open_beneath(from, name, O_RDONLY | O_DIRECTORY, kInside));
    if (source.failed()) return source.error();
    const Scoped copy(kernel, kernel.open_beneath(to, name, O_RDONLY | O_DIRECTORY, kInside));
    if (copy.failed()) return copy.error();
    const Result copied = copy_directory(kernel, source.get(), copy.get(), depth + 1);
    return copied < 0 ? copied : give(kernel, to, name, copy.get(), status);
}

Result copy_directory(Kernel& kernel, int from, int to, int depth) noexcept {
    char buffer[1024];
    for (;;) {
        const Result got = kernel.read_directory(from, buffer, sizeof buffer);
        if (got <= 0) return got;
        for (Result at = 0; at < got;) {
            EntryHead head;
            std::memcpy(&head, buffer + at, kNameOffset);
            const char* name = buffer + at + kNameOffset;
            at += head.length;
            if (is_dots(name)) continue;
            const Result copied = copy_entry(kernel, from, to, name, depth);
            if (copied < 0) return copied;
        }
    }
}

}  // namespace

Result copy_up(Kernel& kernel, int from, int to) noexcept {
    // What came in is O_PATH: it names a directory, but cannot be read.
    const Scoped source(kernel, kernel.open_beneath(from, ".", O_RDONLY | O_DIRECTORY, kInside));
    if (source.failed()) return source.error();
    return copy_directory(kernel, source.get(), to, 0);
}

}  // namespace smith::runtime
