// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/decompress.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/handle.h"
#include "ocilayout/bounds.h"

namespace smith::ocilayout {

namespace {

constexpr std::size_t kInputBytes = std::size_t{128} * 1024;
constexpr std::string_view kGzipMagic = "\x1f\x8b\x08";
constexpr std::string_view kZstdMagic = "\x28\xb5\x2f\xfd";

/// The stream that is decompressed, a buffer at a time.
class Input {
public:
    explicit Input(std::unique_ptr<ByteSource> source) : source_(std::move(source)), buffer_(kInputBytes) {}

    /// Bytes not consumed yet; empty only at the end.
    [[nodiscard]] std::span<const std::byte> peek() {
        if (at_ == end_) {
            at_ = 0;
            end_ = source_->read(buffer_);
            total_ += end_;
        }
        return std::span(buffer_).subspan(at_, end_ - at_);
    }

    /// As peek, but reads on until there are `count` bytes or the stream ends. Before anything is consumed.
    [[nodiscard]] std::span<const std::byte> peek_at_least(std::size_t count) {
        while (end_ < count) {
            const std::size_t got = source_->read(std::span(buffer_).subspan(end_));
            if (got == 0) break;
            end_ += got;
            total_ += got;
        }
        return std::span(buffer_).first(end_);
    }

    void consume(std::size_t count) { at_ += count; }
    [[nodiscard]] std::uint64_t total() const { return total_; }

private:
    std::unique_ptr<ByteSource> source_;
    std::vector<std::byte> buffer_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    std::uint64_t total_ = 0;
};

/// What all three kinds have in common: the bound.
class DecompressingSource : public ByteSource {
public:
    explicit DecompressingSource(std::unique_ptr<Input> input) : input_(std::move(input)) {}

    std::size_t read(std::span<std::byte> buffer) final {
        const std::size_t got = produce(buffer);
        total_ += got;
        if (total_ > limits::kFreeLayerBytes && total_ / limits::kMaxCompressionRatio > input_->total()) {
            throw Error(ErrorKind::format, "decompression bomb: " + std::to_string(input_->total()) +
                                               " bytes have become more than " + std::to_string(total_));
        }
        return got;
    }

protected:
    virtual std::size_t produce(std::span<std::byte> buffer) = 0;
    [[nodiscard]] Input& input() { return *input_; }

private:
    std::unique_ptr<Input> input_;
    std::uint64_t total_ = 0;
};

class PlainSource : public DecompressingSource {
public:
    using DecompressingSource::DecompressingSource;

protected:
    std::size_t produce(std::span<std::byte> buffer) override {
        const std::span<const std::byte> have = input().peek();
        const std::size_t got = std::min(have.size(), buffer.size());
        std::memcpy(buffer.data(), have.data(), got);
        input().consume(got);
        return got;
    }
};

using Inflater = std::unique_ptr<z_stream, FreeWith<inflateEnd>>;

class GzipSource : public DecompressingSource {
public:
    explicit GzipSource(std::unique_ptr<Input> input) : DecompressingSource(std::move(input)) {
        // 15: the window that deflate has; 16: a gzip header and trailer, checked by zlib.
        if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
        end_.reset(&stream_);
    }

protected:
    std::size_t produce(std::span<std::byte> buffer) override {
        stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(buffer.size(), 1U << 30U));
        const uInt room = stream_.avail_out;
        while (stream_.avail_out == room && step()) {
        }
        return room - stream_.avail_out;
    }

private:
    /// False at the end of the last member.
    bool step() {
        const std::span<const std::byte> have = input().peek();
        if (have.empty()) {
            if (in_member_) throw Error(ErrorKind::format, "a gzip stream is cut short");
            return false;
        }
        if (!in_member_) {
            // The next of several members (RFC 1952 section 2.2): no bytes may follow that are none.
            if (inflateReset(&stream_) != Z_OK) throw Error(ErrorKind::system, "zlib can't start anew");
            in_member_ = true;
        }
        stream_.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(have.data()));
        stream_.avail_in = static_cast<uInt>(have.size());
        const int result = inflate(&stream_, Z_NO_FLUSH);
        input().consume(have.size() - stream_.avail_in);
        if (result == Z_MEM_ERROR) throw std::bad_alloc();
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            throw Error(ErrorKind::format, std::string("damaged gzip stream: ") +
                                               (stream_.msg != nullptr ? stream_.msg : "a preset dictionary"));
        }
        if (result == Z_STREAM_END) in_member_ = false;
        return true;
    }

    z_stream stream_{};
    Inflater end_;
    bool in_member_ = true;
};

class ZstdSource : public DecompressingSource {
public:
    explicit ZstdSource(std::unique_ptr<Input> input)
        : DecompressingSource(std::move(input)), stream_(ZSTD_createDCtx()) {
        if (!stream_) throw std::bad_alloc();
        check(ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, limits::kMaxZstdWindowLog));
    }

protected:
    std::size_t produce(std::span<std::byte> buffer) override {
        ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
        while (out.pos == 0) {
            const std::span<const std::byte> have = input().peek();
            if (have.empty() && !in_frame_) return 0;
            ZSTD_inBuffer in{have.data(), have.size(), 0};
            const std::size_t left = check(ZSTD_decompressStream(stream_.get(), &out, &in));
            input().consume(in.pos);
            if (have.empty() && out.pos == 0) throw Error(ErrorKind::format, "a zstd stream is cut short");
            in_frame_ = left != 0;
        }
        return out.pos;
    }

private:
    static std::size_t check(std::size_t result) {
        if (ZSTD_isError(result) != 0) {
            throw Error(ErrorKind::format, std::string("damaged zstd stream: ") + ZSTD_getErrorName(result));
        }
        return result;
    }

    std::unique_ptr<ZSTD_DCtx, FreeWith<ZSTD_freeDCtx>> stream_;
    bool in_frame_ = true;
};

bool begins_with(std::span<const std::byte> bytes, std::string_view magic) {
    return bytes.size() >= magic.size() && std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

}  // namespace

bool is_compressed(ByteSource& source) {
    std::array<std::byte, kZstdMagic.size()> first{};
    std::size_t have = 0;
    while (have < first.size()) {
        const std::size_t got = source.read(std::span(first).subspan(have));
        if (got == 0) break;
        have += got;
    }
    const auto bytes = std::span<const std::byte>(first).first(have);
    return begins_with(bytes, kGzipMagic) || begins_with(bytes, kZstdMagic);
}

std::unique_ptr<ByteSource> decompressed(std::unique_ptr<ByteSource> inner) {
    auto input = std::make_unique<Input>(std::move(inner));
    const std::span<const std::byte> first = input->peek_at_least(kZstdMagic.size());
    if (begins_with(first, kGzipMagic)) return std::make_unique<GzipSource>(std::move(input));
    if (begins_with(first, kZstdMagic)) return std::make_unique<ZstdSource>(std::move(input));
    return std::make_unique<PlainSource>(std::move(input));
}

}  // namespace smith::ocilayout
