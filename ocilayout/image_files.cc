// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/image_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/image_path.h"
#include "ocilayout/bounds.h"
#include "ocilayout/decompress.h"
#include "ocilayout/tar_reader.h"

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
        : directory_(std::move(directory)), fd_(open_file(directory_, O_RDONLY | O_DIRECTORY)) {
        // Shared with other readers; a writer waits, and does not remove the blobs under our hands. Where there is no
        // flock, the worst is that a blob is missing.
        static_cast<void>(::flock(fd_.get(), LOCK_SH));
    }

    std::unique_ptr<ByteSource> open(const std::string& name) const override {
        // Links are followed: build systems make layouts of them, and blobs are what their digests say or nothing.
        UniqueFd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!fd && errno == ENOENT) return nullptr;
        if (!fd) throw system_error(errno, "opening " + quote((directory_ / name).string()));
        const std::optional<std::uint64_t> size = regular_size(fd.get());
        if (!size) throw Error(ErrorKind::format, quote((directory_ / name).string()) + " is not a regular file");
        return file_source(std::make_shared<const UniqueFd>(std::move(fd)), 0, *size);
    }

private:
    fs::path directory_;
    UniqueFd fd_;
};

class ArchiveFiles : public ImageFiles {
public:
    ArchiveFiles(SharedFd fd, std::uint64_t size) : fd_(std::move(fd)) {
        const std::unique_ptr<ByteSource> source = file_source(fd_, 0, size);
        TarReader tar(*source);
        TarEntry entry;
        while (tar.next(entry)) {
            if (entry.kind != TarKind::regular) continue;
            if (entry.is_sparse) throw Error(ErrorKind::format, quote(entry.name) + " is a sparse file in an archive");
            // Last wins, as if it were unpacked.
            members_[std::string(ImagePath::parse(entry.name).relative())] = {tar.position(), entry.size};
            if (members_.size() > limits::kMaxArchiveEntries) {
                throw Error(ErrorKind::format,
                            "more than " + std::to_string(limits::kMaxArchiveEntries) + " files in an image archive");
            }
        }
    }

    std::unique_ptr<ByteSource> open(const std::string& name) const override {
        const auto it = members_.find(name);
        if (it == members_.end()) return nullptr;
        return file_source(fd_, it->second.offset, it->second.size);
    }

private:
    struct Member {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;
    };
    SharedFd fd_;
    std::map<std::string, Member> members_;
};

UniqueFd unnamed_file() {
    const fs::path directory = fs::temp_directory_path();
    UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (fd) return fd;
    // Some file systems know no O_TMPFILE.
    std::string name = (directory / "smith-XXXXXX").string();
    fd = UniqueFd(::mkostemp(name.data(), O_CLOEXEC));
    if (!fd) throw system_error(errno, "making a temporary file in " + quote(directory.string()));
    static_cast<void>(::unlink(name.c_str()));
    return fd;
}

/// `source` to its end, in a file that goes with its descriptor.
std::pair<SharedFd, std::uint64_t> spool(ByteSource& source) {
    UniqueFd fd = unnamed_file();
    std::vector<std::byte> buffer(std::size_t{256} * 1024);
    std::uint64_t size = 0;
    while (const std::size_t got = source.read(buffer)) {
        size += got;
        if (size > limits::kMaxArchiveBytes) {
            throw Error(ErrorKind::format, "it is larger than " + std::to_string(limits::kMaxArchiveBytes) + " bytes");
        }
        write_all(fd.get(), std::span(buffer).first(got));
    }
    return {std::make_shared<const UniqueFd>(std::move(fd)), size};
}

bool looks_compressed(int fd) {
    std::array<unsigned char, 2> first{};
    const ssize_t got = ::pread(fd, first.data(), first.size(), 0);
    const bool gzip = first[0] == 0x1f && first[1] == 0x8b;
    const bool zstd = first[0] == 0x28 && first[1] == 0xb5;
    return got == 2 && (gzip || zstd);
}

std::unique_ptr<ImageFiles> open_archive(const fs::path& path) {
    auto fd = std::make_shared<const UniqueFd>(open_file(path, O_RDONLY | O_NONBLOCK));
    const std::optional<std::uint64_t> size = regular_size(fd->get());
    if (!size) throw Error(ErrorKind::usage, quote(path.string()) + " is not a regular file");
    if (!looks_compressed(fd->get())) return std::make_unique<ArchiveFiles>(std::move(fd), *size);
    const std::unique_ptr<ByteSource> source = decompressed(file_source(std::move(fd), 0, *size));
    auto [spooled, spooled_size] = spool(*source);
    return std::make_unique<ArchiveFiles>(std::move(spooled), spooled_size);
}

}  // namespace

std::unique_ptr<ImageFiles> open_image_files(const Reference& source) {
    if (source.transport == Transport::docker || source.transport == Transport::docker_archive) {
        throw Error(ErrorKind::usage, "this transport is not there yet; use oci: or oci-archive:");
    }
    std::error_code failed;
    if (!fs::exists(source.path, failed)) throw Error(ErrorKind::usage, std::string(kNotThere));
    if (source.transport == Transport::oci_archive) return open_archive(source.path);
    if (!fs::is_directory(source.path, failed)) {
        throw Error(ErrorKind::usage,
                    "it is not a directory; write oci-archive:" + source.path.string() + " for an image in one file");
    }
    return std::make_unique<LayoutFiles>(source.path);
}

std::string blob_name(const Digest& digest) { return "blobs/sha256/" + digest.hex(); }

std::unique_ptr<ByteSource> open_blob(const ImageFiles& files, const Descriptor& descriptor) {
    std::unique_ptr<ByteSource> source = files.open(blob_name(descriptor.digest));
    if (!source) throw Error(ErrorKind::integrity, "blob " + descriptor.digest.str() + " is missing");
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
