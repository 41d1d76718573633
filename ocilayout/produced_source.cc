// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/produced_source.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace smith::ocilayout {

namespace {

constexpr std::size_t kBlockBytes = std::size_t{256} * 1024;
// Enough that one slow block, or a block that is being written to disk, does not stop the other side.
constexpr std::size_t kMaxBlocks = 8;

class ProducedSource : public ByteSource, public Outlet {
public:
    explicit ProducedSource(std::function<void(Outlet&)> produce) : produce_(std::move(produce)) {
        thread_ = std::jthread([this] { run(); });
    }
    ProducedSource(const ProducedSource&) = delete;
    ProducedSource& operator=(const ProducedSource&) = delete;
    ~ProducedSource() override {
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

    void write(std::span<const std::byte> bytes) override {
        while (!bytes.empty()) {
            const std::size_t count = std::min(bytes.size(), kBlockBytes - filling_.size());
            filling_.insert(filling_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
            bytes = bytes.subspan(count);
            if (filling_.size() == kBlockBytes) hand_over();
        }
    }

    void wait(std::chrono::milliseconds time) override {
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, time, [this] { return cancelled_.load(); })) throw Cancelled{};
    }

    [[nodiscard]] const std::atomic<bool>& cancelled() const noexcept override { return cancelled_; }

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

    void hand_over() {
        if (filling_.empty()) return;
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return cancelled_ || ready_.size() < kMaxBlocks; });
        if (cancelled_) throw Cancelled{};
        ready_.push_back(std::exchange(filling_, {}));
        filling_.reserve(kBlockBytes);
        changed_.notify_all();
    }

    std::exception_ptr run_producer() {
        try {
            produce_(*this);
        } catch (const Cancelled&) {
            throw;
        } catch (...) {
            return std::current_exception();
        }
        return nullptr;
    }

    void run() noexcept {
        std::exception_ptr failure;
        try {
            failure = run_producer();
            hand_over();
        } catch (const Cancelled&) {
            // See there.
        }
        const std::lock_guard lock(mutex_);
        failure_ = std::move(failure);
        ended_ = true;
        changed_.notify_all();
    }

    // Of the thread alone.
    std::function<void(Outlet&)> produce_;
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

std::unique_ptr<ByteSource> produced_source(std::function<void(Outlet&)> produce) {
    return std::make_unique<ProducedSource>(std::move(produce));
}

std::unique_ptr<ByteSource> read_ahead(std::unique_ptr<ByteSource> inner) {
    return produced_source([inner = std::shared_ptr<ByteSource>(std::move(inner))](Outlet& out) {
        std::vector<std::byte> buffer(kBlockBytes);
        while (const std::size_t got = inner->read(buffer)) out.write(std::span(buffer).first(got));
    });
}

}  // namespace smith::ocilayout
