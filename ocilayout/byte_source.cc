// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/byte_source.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"

namespace smith::ocilayout {

namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} * 1024;

class FileSource : public ByteSource {
public:
    FileSource(SharedFd fd, std::uint64_t offset, std::uint64_t size)
        : fd_(std::move(fd)), offset_(offset), left_(size) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
        if (want == 0) return 0;
        ssize_t got = 0;
        do {
            got = ::pread(fd_->get(), buffer.data(), want, static_cast<off_t>(offset_));
        } while (got < 0 && errno == EINTR);
        if (got < 0) throw system_error(errno, "reading an image");
        offset_ += static_cast<std::uint64_t>(got);
        left_ -= static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
    }

    bool skip(std::uint64_t count) override {
        const std::uint64_t skipped = std::min(count, left_);
        offset_ += skipped;
        left_ -= skipped;
        return skipped == count;
    }

private:
    SharedFd fd_;
    std::uint64_t offset_;
    std::uint64_t left_;
};

class MemorySource : public ByteSource {
public:
    explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = std::min(buffer.size(), bytes_.size() - at_);
        std::memcpy(buffer.data(), bytes_.data() + at_, got);
        at_ += got;
        return got;
    }

private:
    std::string bytes_;
    std::size_t at_ = 0;
};

class VerifyingSource : public ByteSource {
public:
    VerifyingSource(std::unique_ptr<ByteSource> inner, const Digest& expected, std::uint64_t size)
        : inner_(std::move(inner)), expected_(expected), size_(size) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = inner_->read(buffer);
        hasher_.update(buffer.first(got));
        seen_ += got;
        if (seen_ > size_ || (got == 0 && seen_ != size_)) {
            const std::string seen = (got == 0 ? "" : "at least ") + std::to_string(seen_) + " bytes";
            const std::string size = std::to_string(size_);
            throw MismatchError("blob " + expected_.str() + " has " + seen + ", expected " + size, size + " bytes",
                                seen);
        }
        if (got == 0 && !verified_) {
            const Digest found = hasher_.finish();
            if (found != expected_) {
                throw MismatchError(
                    "blob does not match its digest: expected " + expected_.str() + ", got " + found.str(),
                    expected_.str(), found.str());
            }
            verified_ = true;
        }
        return got;
    }

private:
    std::unique_ptr<ByteSource> inner_;
    Digest expected_;
    std::uint64_t size_;
    std::uint64_t seen_ = 0;
    bool verified_ = false;
    Hasher hasher_;
};

class HashingSource : public ByteSource {
public:
    HashingSource(std::unique_ptr<ByteSource> inner, std::function<void(const Digest&)> at_end)
        : inner_(std::move(inner)), at_end_(std::move(at_end)) {}

    std::size_t read(std::span<std::byte> buffer) override {
        const std::size_t got = inner_->read(buffer);
        if (got > 0) {
            hasher_.update(buffer.first(got));
        } else if (at_end_) {
            std::exchange(at_end_, nullptr)(hasher_.finish());
        }
        return got;
    }

private:
    std::unique_ptr<ByteSource> inner_;
    std::function<void(const Digest&)> at_end_;
    Hasher hasher_;
};

}  // namespace

bool ByteSource::skip(std::uint64_t count) {
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(count, kBlockBytes)));
    while (count > 0) {
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(count, buffer.size()));
        const std::size_t got = read(std::span(buffer).first(want));
        if (got == 0) return false;
        count -= got;
    }
    return true;
}

std::unique_ptr<ByteSource> file_source(SharedFd fd, std::uint64_t offset, std::uint64_t size) {
    return std::make_unique<FileSource>(std::move(fd), offset, size);
}

std::unique_ptr<ByteSource> memory_source(std::string bytes) {
    return std::make_unique<MemorySource>(std::move(bytes));
}

std::unique_ptr<ByteSource> verifying_source(std::unique_ptr<ByteSource> inner, const Digest& expected,
                                             std::uint64_t size) {
    return std::make_unique<VerifyingSource>(std::move(inner), expected, size);
}

std::unique_ptr<ByteSource> hashing_source(std::unique_ptr<ByteSource> inner,
                                           std::function<void(const Digest&)> at_end) {
    return std::make_unique<HashingSource>(std::move(inner), std::move(at_end));
}

void copy_to(ByteSource& source, const Sink& out) {
    std::vector<std::byte> buffer(kBlockBytes);
    while (const std::size_t got = source.read(buffer)) out(std::span(buffer).first(got));
}

void drain(ByteSource& source) {
    copy_to(source, [](std::span<const std::byte>) {});
}

std::string read_all(ByteSource& source, std::uint64_t max_bytes) {
    std::string out;
    std::vector<std::byte> buffer(std::size_t{64} * 1024);
    while (const std::size_t got = source.read(buffer)) {
        if (got > max_bytes - out.size()) {
            throw Error(ErrorKind::format, "larger than the " + std::to_string(max_bytes) + " bytes allowed");
        }
        out.append(reinterpret_cast<const char*>(buffer.data()), got);
    }
    return out;
}

}  // namespace smith::ocilayout
