// SPDX-License-Identifier: Apache-2.0
#include "builder/overlay.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/bounds.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/handle.h"

namespace smith::builder {

namespace {

using DirHandle = std::unique_ptr<DIR, FreeWith<closedir>>;

constexpr std::string_view kOrigin = "rootfs";
// Each level holds a descriptor, of which a process may have 1024.
constexpr int kMaxOverlayDepth = 256;

struct stat stat_of(int fd) {
    struct stat st {};
    if (::fstat(fd, &st) != 0) throw system_error(errno, "fstat");
    return st;
}

struct stat stat_at(int directory, const std::string& name) {
    struct stat st {};
    if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) throw system_error(errno, "fstatat");
    return st;
}

/// In byte order. The descriptor stays open and is the caller's.
std::vector<std::string> names_in(int directory) {
    // fdopendir takes what it is given; a copy made by openat has a position of its own.
    UniqueFd copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!copy) throw system_error(errno, "openat");
    const DirHandle handle(::fdopendir(copy.get()));
    if (!handle) throw system_error(errno, "fdopendir");
    static_cast<void>(copy.release());
    std::vector<std::string> out;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(handle.get());
        if (entry == nullptr) break;
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") out.emplace_back(name);
    }
    if (errno != 0) throw system_error(errno, "readdir");
    std::sort(out.begin(), out.end());
    return out;
}

std::string read_link_at(int directory, const std::string& name) {
    std::array<char, limits::kMaxPathBytes + 1> buffer{};
    const ssize_t size = ::readlinkat(directory, name.c_str(), buffer.data(), buffer.size());
    if (size < 0) throw system_error(errno, "readlinkat");
    return {buffer.data(), static_cast<std::size_t>(size)};
}

std::string_view special_kind(mode_t mode) {
    if (S_ISCHR(mode)) return "a character device";
    if (S_ISBLK(mode)) return "a block device";
    if (S_ISFIFO(mode)) return "a fifo";
    if (S_ISSOCK(mode)) return "a socket";
    return "a file of an unknown kind";
}

class OverlayReader {
public:
    OverlayReader(PackWriter& out, Reporter& reporter) : out_(out), reporter_(reporter) {}

    void read_directory(int fd, const ImagePath& path, int depth) {
        if (depth > kMaxOverlayDepth) {
            throw Error(ErrorKind::spec,
                        quote(path.str()) + " is deeper than " + std::to_string(kMaxOverlayDepth) + " directories");
        }
        for (const std::string& name : names_in(fd)) {
            // Not child(), whose message would miss where it is.
            const ImagePath child = path / name;
            while_doing([&] { return "reading " + quote(child.str()); }, [&] { read_entry(fd, name, child); });
            if (is_directory(tree_.find(child))) {
                const UniqueFd inner(::openat(fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
                if (!inner) throw system_error(errno, "opening " + quote(child.str()));
                read_directory(inner.get(), child, depth + 1);
            }
        }
    }

    /// Throws Error (spec) for all that can't be in an image.
    FileTree finish() {
        if (!refused_.empty()) throw Error(ErrorKind::spec, "no image can hold " + refused_);
        return std::move(tree_);
    }

private:
    void read_entry(int directory, const std::string& name, const ImagePath& path) {
        const struct stat st = stat_at(directory, name);
        if (S_ISDIR(st.st_mode)) {
            put(path, Directory{});
        } else if (S_ISLNK(st.st_mode)) {
            put(path, Symlink{read_link_at(directory, name)});
        } else if (S_ISREG(st.st_mode)) {
            if (name != ".gitignore") read_regular(directory, name, path);
        } else {
            if (!refused_.empty()) refused_ += ", ";
            refused_ += quote(path.str()) + ", " + std::string(special_kind(st.st_mode));
        }
    }

    void read_regular(int directory, const std::string& name, const ImagePath& path) {
        // What was a file a moment ago may be a fifo by now: it must neither be waited for nor become a terminal.
        const UniqueFd fd(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
        if (!fd) throw system_error(errno, "openat");
        const struct stat st = stat_of(fd.get());
        if (!S_ISREG(st.st_mode)) throw Error(ErrorKind::system, "it changed while it was read");
        if ((st.st_mode & (S_ISUID | S_ISGID)) != 0) {
            reporter_.warn("overlay file " + quote(path.str()) + " is " +
                           ((st.st_mode & S_ISUID) != 0 ? "setuid" : "setgid") +
                           ", which no file of a microcontainer is, ignoring the bit");
        }
        put(path, Regular{(st.st_mode & S_IXUSR) != 0, copy_content(fd.get())});
    }

    Content copy_content(int fd) {
        std::vector<std::byte> buffer(128 * limits::kKiB);
        for (;;) {
            const std::size_t size = read_some(fd, buffer);
            if (size == 0) return out_.end_content();
            out_.write(std::span(buffer).first(size));
        }
    }

    void put(const ImagePath& path, Node node) { tree_.put(path, Entry{std::move(node), std::string(kOrigin)}); }

    PackWriter& out_;
    Reporter& reporter_;
    FileTree tree_;
    std::string refused_;
};

/// Lays entries down one by one, and remembers where each directory of the overlay went.
class Layer {
public:
    Layer(FileTree& tree, const FileTree& available) : tree_(tree), available_(available) {}

    void lay(const ImagePath& path, const Entry& entry) {
        const ImagePath where = places_.at(path.parent()).child(path.name());
        if (std::holds_alternative<Directory>(entry.node)) {
            places_[path] = lay_directory(where, entry);
        } else {
            if (is_directory(tree_.find(where))) tree_.erase(where);
            tree_.put(where, entry);
        }
    }

private:
    ImagePath lay_directory(const ImagePath& where, const Entry& entry) {
        bring_links(where);
        const Entry* there = tree_.find(where);
        if (is_directory(there)) return where;
        if (as_symlink(there) != nullptr) {
            const Resolution target = tree_.resolve(where);
            if (target.too_many_links) {
                throw Error(ErrorKind::spec, quote(where.str()) + " leads through a circle of links");
            }
            if (target.entry == nullptr && can_hold_directory(target.path)) {
                tree_.put(target.path, entry);
                return target.path;
            }
            if (is_directory(target.entry)) return target.path;
        }
        if (there != nullptr) tree_.erase(where);
        tree_.put(where, entry);
        return where;
    }

    /// Nothing above `path` is a file. (No link is on the way: it comes out of resolve.)
    bool can_hold_directory(const ImagePath& path) const {
        for (ImagePath at = path; !at.is_root(); at = at.parent()) {
            if (const Entry* entry = tree_.find(at)) return is_directory(entry);
        }
        return true;
    }

    /// Where `tree` has nothing and the packages have a link to a directory, the link comes first, with what it leads
    /// through.
    void bring_links(const ImagePath& where) {
        if (tree_.contains(where)) return;
        const Resolution target = available_.resolve(where);
        if (!is_directory(target.entry) || target.links.empty()) return;
        for (const ImagePath& link : target.links) {
            if (!tree_.contains(link) && can_hold_directory(link.parent())) {
                tree_.put(link, *available_.find(link));
            }
        }
    }

    FileTree& tree_;
    const FileTree& available_;
    std::map<ImagePath, ImagePath> places_{{ImagePath(), ImagePath()}};
};

}  // namespace

FileTree read_overlay(const std::filesystem::path& directory, PackWriter& out, Reporter& reporter) {
    // An answer for lstat that open doesn't have: a link into nowhere, which somebody put there for a reason.
    struct stat st {};
    if (::lstat(directory.c_str(), &st) != 0 && errno == ENOENT) return {};
    return while_doing([&] { return "reading overlay " + quote(directory.string()); },
                       [&] {
                           const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                           if (!fd && errno == ENOTDIR) throw Error(ErrorKind::spec, "it is not a directory");
                           if (!fd) throw system_error(errno, "open");
                           OverlayReader reader(out, reporter);
                           reader.read_directory(fd.get(), ImagePath(), 1);
                           return reader.finish();
                       });
}

Overlay snapshot_overlay(const std::filesystem::path& directory, const ContentStore& store, Reporter& reporter) {
    PackWriter writer = store.write_pack({});
    Overlay out;
    out.tree = read_overlay(directory, writer, reporter);
    out.contents.add(writer.finish_unnamed());
    return out;
}

void apply_overlay(FileTree& tree, const FileTree& overlay, const FileTree& available) {
    Layer layer(tree, available);
    for (const auto& [path, entry] : overlay.entries()) {
        if (path.is_root()) continue;
        const ImagePath& name = path;
        while_doing([&] { return "laying down overlay file " + quote(name.str()); },
                    [&, &what = entry] { layer.lay(name, what); });
    }
}

}  // namespace smith::builder
