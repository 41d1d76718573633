// SPDX-License-Identifier: Apache-2.0
//
// The lock on a layout directory (flock): readers share it, a writer has it alone, so that no blob is removed under
// somebody's hands. Within one process a writer waits for other writers only: `smith copy oci:dir:a oci:dir:b` reads
// and writes one layout, and would wait for itself.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "base/fd.h"

namespace smith::ocilayout {

class LayoutLock {
public:
    explicit LayoutLock(UniqueFd fd) : fd_(std::move(fd)) {}
    void lock_exclusive();
    void unlock_exclusive();

private:
    friend std::shared_ptr<LayoutLock> share_layout(const UniqueFd& directory);
    UniqueFd fd_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool has_writer_ = false;
};

/// Held, shared with other readers, as long as somebody has what is returned. Where there is no flock (some network
/// file systems), the worst is that a blob is missing.
[[nodiscard]] std::shared_ptr<LayoutLock> share_layout(const UniqueFd& directory);

/// Alone, until the object goes.
class ExclusiveLayout {
public:
    explicit ExclusiveLayout(const UniqueFd& directory) : lock_(share_layout(directory)) { lock_->lock_exclusive(); }
    ExclusiveLayout(const ExclusiveLayout&) = delete;
    ExclusiveLayout& operator=(const ExclusiveLayout&) = delete;
    ~ExclusiveLayout() { lock_->unlock_exclusive(); }

private:
    std::shared_ptr<LayoutLock> lock_;
};

}  // namespace smith::ocilayout
