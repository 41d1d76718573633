// SPDX-License-Identifier: Apache-2.0
//
// A blob on its way from a registry: HTTP gives its bytes when they come, whoever wants them takes them when they need
// them. In between is a queue with a bound.
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "ocilayout/registry_blobs.h"

namespace smith::ocilayout {

namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} * 1024;
// Of each blob on its way; enough to keep a connection busy while a block is being written to disk.
constexpr std::size_t kMaxBlocks = 8;

class BlobStream : public ByteSource {
public:
    BlobStream(std::vector<std::shared_ptr<RegistryClient>> clients, const Descriptor& blob)
        : clients_(std::move(clients)), blob_(blob) {
        thread_ = std::jthread([this] { produce(); });
    }
    BlobStream(const BlobStream&) = delete;
    BlobStream& operator=(const BlobStream&) = delete;
    ~BlobStream() override {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
        changed_.notify_all();
    }

    std::size_t read(std::span<std::byte> buffer) override {
        if (at_ == current_.size() && !next_block()) return 0;
        const std::size_t got = std::min(buffer.size(), current_.size() - at_);
        std::memcpy(buffer.data(), current_.data() + at_, got);
        at_ += got;
        return got;
    }

private:
    using Block = std::vector<std::byte>;

    bool next_block() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !ready_.empty() || ended_; });
        if (ready_.empty()) {
            if (failure_) std::rethrow_exception(failure_);
            return false;
        }
        current_ = std::move(ready_.front());
        ready_.pop_front();
        at_ = 0;
        changed_.notify_all();
        return true;
    }

    void produce() noexcept {
        std::exception_ptr failure;
        try {
            fetch_from_any();
            hand_over();
        } catch (const Cancelled&) {
            // Nobody is there any more to be told.
        } catch (...) {
            failure = std::current_exception();
        }
        const std::lock_guard lock(mutex_);
        failure_ = std::move(failure);
        ended_ = true;
        changed_.notify_all();
    }

    void fetch_from_any() {
        for (std::size_t i = 0;; ++i) {
            try {
                return fetch_all(*clients_[i]);
            } catch (const Error& e) {
                // More bytes than there may be are a lie, not a failure, but the next one may be honest.
                if (i + 1 == clients_.size()) throw;
                if (Reporter* reporter = clients_[i]->options().reporter; reporter != nullptr) {
                    reporter->debug(e.message() + "; going on with the next place");
                }
            }
        }
    }

    /// What is missing. Each answer that brings something earns the full patience again.
    void fetch_all(RegistryClient& client) {
        unsigned failures = 0;
        do {
            const std::uint64_t before = received_;
            const RegistryCall call = next_call();
            const HttpResult result = client.try_call(call);
            if (received_ > before) failures = 0;
            if (result.error == nullptr && result.response.ok()) {
                // Less than there should be: whoever reads finds out, with the digest.
                if (received_ == before) return;
                continue;
            }
            const auto delay = retry_delay(client.options().retry, ++failures, result);
            if (!delay && result.error != nullptr) std::rethrow_exception(result.error);
            if (!delay) throw client.refusal(call, result.response);
            wait(*delay);
        } while (received_ < blob_.size);
    }

    RegistryCall next_call() {
        RegistryCall call;
        call.cancelled = &cancelled_;
        call.request.url = "blobs/" + blob_.digest.str();
        call.request.max_bytes = blob_.size - received_;
        to_skip_ = 0;
        if (received_ > 0) {
            call.request.headers.push_back("Range: bytes=" + std::to_string(received_) + "-");
            // In case that the registry knows nothing of ranges: all of it, of which the start is passed over.
            call.request.max_bytes = blob_.size;
        }
        call.request.on_start = [this](const HttpResponse& response) { check_start(response); };
        call.request.sink = [this](std::span<const std::byte> bytes) { take(bytes); };
        return call;
    }

    void check_start(const HttpResponse& response) {
        if (response.status == 200) {
            to_skip_ = received_;
            return;
        }
        const std::string range = response.header("content-range");
        if (response.status == 206 && range.starts_with("bytes " + std::to_string(received_) + "-")) return;
        throw Error(ErrorKind::fetch, "blob " + blob_.digest.str() + ": the registry sends another part of it (" +
                                          quote(range) + ") than was asked for");
    }

    void take(std::span<const std::byte> bytes) {
        const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, bytes.size()));
        to_skip_ -= skipped;
        bytes = bytes.subspan(skipped);
        if (bytes.size() > blob_.size - received_) {
            throw Error(ErrorKind::integrity, "blob " + blob_.digest.str() + " has more than the expected " +
                                                  std::to_string(blob_.size) + " bytes");
        }
        received_ += bytes.size();
        while (!bytes.empty()) {
            const std::size_t count = std::min(bytes.size(), kBlockBytes - filling_.size());
            filling_.insert(filling_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
            bytes = bytes.subspan(count);
            if (filling_.size() == kBlockBytes) hand_over();
        }
    }

    void hand_over() {
        if (filling_.empty()) return;
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return cancelled_ || ready_.size() < kMaxBlocks; });
        if (cancelled_) throw Cancelled{};
        ready_.push_back(std::exchange(filling_, {}));
        filling_.reserve(kBlockBytes);
        changed_.notify_all();
    }

    void wait(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, time, [this] { return cancelled_.load(); })) throw Cancelled{};
    }

    std::vector<std::shared_ptr<RegistryClient>> clients_;
    Descriptor blob_;
    // Of the thread alone.
    std::uint64_t received_ = 0;
    std::uint64_t to_skip_ = 0;
    Block filling_;
    // Of both.
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Block> ready_;
    std::exception_ptr failure_;
    bool ended_ = false;
    std::atomic<bool> cancelled_ = false;
    // Of whoever reads.
    Block current_;
    std::size_t at_ = 0;
    // Last, so that it ends before what it uses.
    std::jthread thread_;
};

}  // namespace

std::unique_ptr<ByteSource> open_remote_blob(std::vector<std::shared_ptr<RegistryClient>> clients,
                                             const Descriptor& blob) {
    return verifying_source(std::make_unique<BlobStream>(std::move(clients), blob), blob.digest, blob.size);
}

}  // namespace smith::ocilayout
