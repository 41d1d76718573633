// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/image_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/image_path.h"
#include "ocilayout/bounds.h"
#include "ocilayout/decompress.h"
#include "ocilayout/layout_lock.h"
#include "ocilayout/tar_reader.h"
#include "ocilayout/unnamed_file.h"

namespace smith::ocilayout {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNotThere = "no such file";

/// The size of a regular file; nothing for anything else. A fifo in a layout must not make us wait (CVE-2024-9676), so
/// whoever opened it used O_NONBLOCK.
std::optional<std::uint64_t> regular_size(int fd) {
    struct stat st {};
    if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(st.st_size);
}

class LayoutFiles : public ImageFiles {
public:
    explicit LayoutFiles(fs::path directory)
        : directory_(std::move(directory)),
          fd_(open_file(directory_, O_RDONLY | O_DIRECTORY)),
          lock_(share_layout(fd_)) {}

    std::unique_ptr<ByteSource> open(const std::string& name) const override {
        std::optional<Opened> file = open_regular(name);
        if (!file) return nullptr;
        return file_source(std::make_shared<const UniqueFd>(std::move(file->fd)), 0, file->size);
    }
    std::optional<std::uint64_t> size(const std::string& name) const override {
        const std::optional<Opened> file = open_regular(name);
        return file ? std::optional(file->size) : std::nullopt;
    }

private:
    struct Opened {
        UniqueFd fd;
        std::uint64_t size = 0;
    };

    std::optional<Opened> open_regular(const std::string& name) const {
        // Links are followed: build systems make layouts of them, and blobs are what their digests say or nothing.
        UniqueFd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!fd && errno == ENOENT) return std::nullopt;
        if (!fd) throw system_error(errno, "opening " + quote((directory_ / name).string()));
        const std::optional<std::uint64_t> size = regular_size(fd.get());
        if (!size) throw Error(ErrorKind::format, quote((directory_ / name).string()) + " is not a regular file");
        return Opened{std::move(fd), *size};
    }

    fs::path directory_;
    UniqueFd fd_;
    /// A writer waits, and does not remove the blobs under our hands.
    std::shared_ptr<LayoutLock> lock_;
};

class ArchiveFiles : public ImageFiles {
public:
    ArchiveFiles(SharedFd fd, std::uint64_t size) : fd_(std::move(fd)) {
        const std::unique_ptr<ByteSource> source = file_source(fd_, 0, size);
        TarReader tar(*source);
        TarEntry entry;
        while (tar.next(entry)) {
            const bool is_link = entry.kind == TarKind::symlink || entry.kind == TarKind::hard_link;
            if (entry.kind != TarKind::regular && !is_link) continue;
            const ImagePath name = ImagePath::parse(entry.name);
            if (entry.is_sparse) throw Error(ErrorKind::format, quote(entry.name) + " is a sparse file in an archive");
            // Last wins, as if it were unpacked.
            members_.insert_or_assign(std::string(name.relative()),
                                      Member{tar.position(), entry.size, target_of(entry, name)});
            if (members_.size() > limits::kMaxArchiveEntries) {
                throw Error(ErrorKind::format,
                            "more than " + std::to_string(limits::kMaxArchiveEntries) + " files in an image archive");
            }
        }
    }

    std::unique_ptr<ByteSource> open(const std::string& name) const override {
        const Member* member = find(name);
        return member == nullptr ? nullptr : file_source(fd_, member->offset, member->size);
    }
    std::optional<std::uint64_t> size(const std::string& name) const override {
        const Member* member = find(name);
        return member == nullptr ? std::nullopt : std::optional(member->size);
    }

private:
    struct Member {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
        std::string link;  ///< another member; empty for a file
    };

    /// `docker save` wrote layers that two images share as links from one's directory into the other's. They lead
    /// nowhere but to members of the archive.
    static std::string target_of(const TarEntry& entry, const ImagePath& name) {
        if (entry.kind == TarKind::regular) return {};
        const ImagePath base = entry.kind == TarKind::symlink ? name.parent() : ImagePath();
        return std::string(ImagePath::parse_lexically(entry.link, base).relative());
    }

    /// Null for what is not there, or for links in a circle.
    const Member* find(const std::string& name) const {
        auto it = members_.find(name);
        for (int followed = 0; it != members_.end() && !it->second.link.empty(); ++followed) {
            if (followed >= limits::kMaxSymlinksFollowed) return nullptr;
            it = members_.find(it->second.link);
        }
        return it == members_.end() ? nullptr : &it->second;
    }

    SharedFd fd_;
    std::map<std::string, Member> members_;
};

std::unique_ptr<ImageFiles> open_archive(const fs::path& path) {
    auto fd = std::make_shared<const UniqueFd>(open_file(path, O_RDONLY | O_NONBLOCK));
    const std::optional<std::uint64_t> size = regular_size(fd->get());
    if (!size) throw Error(ErrorKind::usage, quote(path.string()) + " is not a regular file");
    if (!is_compressed(*file_source(fd, 0, *size))) return std::make_unique<ArchiveFiles>(std::move(fd), *size);
    const std::unique_ptr<ByteSource> source = decompressed(file_source(std::move(fd), 0, *size));
    auto [spooled, spooled_size] = spool(*source);
    return std::make_unique<ArchiveFiles>(std::move(spooled), spooled_size);
}

}  // namespace

std::unique_ptr<ImageFiles> open_image_files(const Reference& source) {
    std::error_code failed;
    if (!fs::exists(source.path, failed)) throw Error(ErrorKind::usage, std::string(kNotThere));
    const bool is_archive = source.transport == Transport::oci_archive || source.transport == Transport::docker_archive;
    if (is_archive) return open_archive(source.path);
    if (!fs::is_directory(source.path, failed)) {
        throw Error(ErrorKind::usage,
                    "it is not a directory; write oci-archive:" + source.path.string() + " for an image in one file");
    }
    return std::make_unique<LayoutFiles>(source.path);
}

std::string blob_name(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

std::unique_ptr<ByteSource> open_blob(const ImageFiles& files, const Descriptor& descriptor) {
    std::unique_ptr<ByteSource> source = files.open(blob_name(descriptor.digest));
    if (!source) throw MissingError("blob " + descriptor.digest.str() + " is missing");
    return verifying_source(std::move(source), descriptor.digest, descriptor.size);
}

std::optional<std::string> read_blob_if_there(const ImageFiles& files, const Digest& digest, std::uint64_t max_bytes) {
    const std::unique_ptr<ByteSource> source = files.open(blob_name(digest));
    if (!source) return std::nullopt;
    std::string out = read_all(*source, max_bytes);
    if (const Digest found = sha256(out); found != digest) {
        throw Error(ErrorKind::integrity,
                    "blob does not match its digest: expected " + digest.str() + ", got " + found.str());
    }
    return out;
}

}  // namespace smith::ocilayout
