// SPDX-License-Identifier: Apache-2.0
#include "builder/rootfs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <linux/openat2.h>
#include <string>

#include "base/error.h"
#include "base/fd.h"

namespace smith::builder {

namespace {

/// Opens directory `relative` ("" for `root` itself) without passing a link.
UniqueFd open_beneath(int root, const std::string& relative) {
    const char* path = relative.empty() ? "." : relative.c_str();
    constexpr int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    struct open_how how {};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how)));
    // Kernels before 5.6 (EL8) don't have it. Nobody but us writes here, and no parent in a tree is a link.
    // Some sandboxes answer EPERM to what they don't know.
    if (!fd && (errno == ENOSYS || errno == EPERM)) fd = UniqueFd(::openat(root, path, flags));
    if (!fd) throw system_error(errno, "opening directory " + quote("/" + relative) + " of the root file system");
    return fd;
}

class RootfsWriter {
public:
    RootfsWriter(const Contents& contents, const std::filesystem::path& directory, std::optional<HostOwner> owner)
        : contents_(contents), root_(open_file(directory, O_PATH | O_DIRECTORY | O_NOFOLLOW)), owner_(owner) {}

    void write(const ImagePath& path, const Node& node) {
        enter(path.parent());
        name_ = std::string(path.name());
        std::visit([&](const auto& kind) { create(kind); }, node);
        if (owner_ && ::fchownat(parent_.get(), name_.c_str(), owner_->uid, owner_->gid, AT_SYMLINK_NOFOLLOW) != 0) {
            throw system_error(errno, "changing the owner of " + quote(path.str()));
        }
    }

    void own_root() {
        if (owner_ && ::fchownat(root_.get(), "", owner_->uid, owner_->gid, AT_EMPTY_PATH) != 0) {
            throw system_error(errno, "changing the owner of the root file system");
        }
    }

private:
    void enter(const ImagePath& directory) {
        // Entries come in byte order, so most follow a sibling.
        if (parent_ && directory == parent_path_) return;
        parent_ = open_beneath(root_.get(), std::string(directory.relative()));
        parent_path_ = directory;
    }

    void create(const Directory&) {
        if (::mkdirat(parent_.get(), name_.c_str(), 0755) != 0) fail("creating directory");
        // mkdir(2) heeds the umask; an image doesn't.
        if (::fchmodat(parent_.get(), name_.c_str(), 0755, 0) != 0) fail("setting the mode of directory");
    }

    void create(const Symlink& link) {
        if (::symlinkat(link.target.c_str(), parent_.get(), name_.c_str()) != 0) fail("creating link");
    }

    void create(const Regular& file) {
        const UniqueFd fd(
            ::openat(parent_.get(), name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!fd) fail("creating file");
        write_all(fd.get(), contents_.open(file.content).view());
        if (::fchmod(fd.get(), mode_of(file)) != 0) fail("setting the mode of file");
    }

    [[noreturn]] void fail(const char* doing) const {
        const int error = errno;
        throw system_error(error, std::string(doing) + " " + quote(parent_path_.child(name_).str()));
    }

    const Contents& contents_;
    UniqueFd root_;
    std::optional<HostOwner> owner_;
    UniqueFd parent_;
    ImagePath parent_path_;
    std::string name_;
};

}  // namespace

void write_rootfs(const FileTree& tree, const Contents& contents, const std::filesystem::path& directory,
                  std::optional<HostOwner> owner) {
    RootfsWriter writer(contents, directory, owner);
    writer.own_root();
    for (const auto& [path, entry] : tree.entries()) {
        if (path.is_root()) continue;
        while_doing([&, &path = path] { return "writing " + quote(path.str()); },
                    [&, &path = path, &entry = entry] { writer.write(path, entry.node); });
    }
}

}  // namespace smith::builder
