// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/gzip.h"

#include <libdeflate.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/handle.h"

namespace smith::ocilayout {

namespace {

using Compressor = std::unique_ptr<libdeflate_compressor, FreeWith<libdeflate_free_compressor>>;

/// One piece of the input on its way. Its buffers are used again for a later piece.
struct Piece {
    std::vector<std::byte> input;
    std::vector<std::byte> output;
    bool is_compressed = false;
};

Compressor make_compressor() {
    Compressor out(libdeflate_alloc_compressor(kGzipLevel));
    if (!out) throw std::bad_alloc();
    return out;
}

void compress(libdeflate_compressor* compressor, Piece& piece) {
    piece.output.resize(libdeflate_gzip_compress_bound(compressor, piece.input.size()));
    // Its header has no time, no name, and 255 ("unknown") for the system.
    const std::size_t size = libdeflate_gzip_compress(compressor, piece.input.data(), piece.input.size(),
                                                      piece.output.data(), piece.output.size());
    if (size == 0) throw Error(ErrorKind::system, "libdeflate does not compress a piece of a layer");
    piece.output.resize(size);
}

}  // namespace

std::string_view compressor_id() {
    static_assert(kGzipChunkBytes == 1024 * 1024 && kGzipLevel == 6, "the text below says so");
    return "libdeflate-" LIBDEFLATE_VERSION_STRING " level 6 chunk 1MiB";
}

/// Pieces travel round a ring. Each has a number; a piece below `filled` has its input, one below `hashed` is in the
/// digest of the input, one below `emitted` went to the sink. Its slot is free when it is both hashed and emitted.
struct GzipWriter::State {
    State(unsigned jobs, Sink sink) : out(std::move(sink)), ring(2 * std::size_t{jobs} + 2) {
        for (Piece& piece : ring) piece.input.reserve(kGzipChunkBytes);
    }

    Sink out;
    std::vector<Piece> ring;
    /// The piece that write() fills; null between two pieces.
    Piece* current = nullptr;

    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t filled = 0;
    std::uint64_t next_to_compress = 0;
    std::uint64_t hashed = 0;
    std::uint64_t emitted = 0;
    bool no_more = false;
    bool stop = false;
    std::exception_ptr failure;
    Result result;

    // Last, so that the threads end before what they use.
    std::vector<std::jthread> threads;

    Piece& piece(std::uint64_t number) { return ring[static_cast<std::size_t>(number % ring.size())]; }
    [[nodiscard]] bool has_free_slot() const { return filled - std::min(hashed, emitted) < ring.size(); }

    /// Runs `body` as one of the threads; the first failure ends them all.
    template <typename Body>
    void start(Body body) {
        threads.emplace_back([this, body] {
            try {
                body();
            } catch (...) {
                fail(std::current_exception());
            }
        });
    }

    void fail(std::exception_ptr what) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::move(what);
        stop = true;
        changed.notify_all();
    }

    /// Waits for `ready`; false when the work is over instead.
    template <typename Ready, typename Over>
    bool wait_for(std::unique_lock<std::mutex>& lock, Ready ready, Over over) {
        changed.wait(lock, [&] { return stop || ready() || over(); });
        return !stop && ready();
    }

    void compress_pieces() {
        const Compressor compressor = make_compressor();
        std::unique_lock lock(mutex);
        while (wait_for(
            lock, [&] { return next_to_compress < filled; }, [&] { return no_more; })) {
            Piece& mine = piece(next_to_compress++);
            lock.unlock();
            compress(compressor.get(), mine);
            lock.lock();
            mine.is_compressed = true;
            changed.notify_all();
        }
    }

    void hash_input() {
        Hasher hasher;
        std::unique_lock lock(mutex);
        while (wait_for(
            lock, [&] { return hashed < filled; }, [&] { return no_more; })) {
            const Piece& next = piece(hashed);
            lock.unlock();
            hasher.update(next.input);
            lock.lock();
            result.input_size += next.input.size();
            ++hashed;
            changed.notify_all();
        }
        result.input = hasher.finish();
    }

    void emit_output() {
        Hasher hasher;
        std::unique_lock lock(mutex);
        const auto next_is_ready = [&] { return emitted < filled && piece(emitted).is_compressed; };
        while (wait_for(lock, next_is_ready, [&] { return no_more && emitted == filled; })) {
            Piece& next = piece(emitted);
            lock.unlock();
            hasher.update(next.output);
            out(next.output);
            lock.lock();
            result.output_size += next.output.size();
            next.is_compressed = false;
            ++emitted;
            changed.notify_all();
        }
        result.output = hasher.finish();
    }

    [[noreturn]] void rethrow() {
        threads.clear();
        std::rethrow_exception(failure);
    }

    /// The piece that is being filled; waits until there is a slot for it.
    Piece& open_piece() {
        std::unique_lock lock(mutex);
        if (!wait_for(
                lock, [&] { return has_free_slot(); }, [] { return false; })) {
            lock.unlock();
            rethrow();
        }
        return piece(filled);
    }

    void close_piece() {
        const std::lock_guard lock(mutex);
        ++filled;
        changed.notify_all();
    }

    void write(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            if (current == nullptr) {
                current = &open_piece();
                current->input.clear();
            }
            const std::size_t take = std::min(bytes.size(), kGzipChunkBytes - current->input.size());
            current->input.insert(current->input.end(), bytes.begin(),
                                  bytes.begin() + static_cast<std::ptrdiff_t>(take));
            bytes = bytes.subspan(take);
            if (current->input.size() == kGzipChunkBytes) {
                current = nullptr;
                close_piece();
            }
        }
    }
};

GzipWriter::GzipWriter(unsigned jobs, Sink out) : state_(std::make_unique<State>(std::max(jobs, 1U), std::move(out))) {
    State& s = *state_;
    try {
        for (unsigned i = 0; i < std::max(jobs, 1U); ++i) s.start([&s] { s.compress_pieces(); });
        s.start([&s] { s.hash_input(); });
        s.start([&s] { s.emit_output(); });
    } catch (const std::system_error& e) {
        // Those that did start must end before the state goes.
        s.fail(std::current_exception());
        s.threads.clear();
        throw system_error(e.code().value(), "starting threads that compress");
    }
}

GzipWriter::~GzipWriter() {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
    state_->changed.notify_all();
}

void GzipWriter::write(std::span<const std::byte> bytes) { state_->write(bytes); }

GzipWriter::Result GzipWriter::finish() {
    State& s = *state_;
    const bool nothing_written = s.filled == 0 && s.current == nullptr;
    if (nothing_written) s.open_piece().input.clear();
    if (nothing_written || s.current != nullptr) s.close_piece();
    s.current = nullptr;
    {
        const std::lock_guard lock(s.mutex);
        s.no_more = true;
        s.changed.notify_all();
    }
    s.threads.clear();
    if (s.failure) std::rethrow_exception(s.failure);
    return s.result;
}

}  // namespace smith::ocilayout
