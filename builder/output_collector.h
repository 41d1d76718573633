// SPDX-License-Identifier: Apache-2.0
//
// Reads what a process prints, on a thread of its own, so that a full pipe never stops it. What it may print is not
// bounded; what is kept of it is.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

#include "base/fd.h"

namespace smith::builder {

class OutputCollector {
public:
    /// Of each stream the last so many bytes are kept: what a program says when it fails, it says last.
    static constexpr std::size_t kKeptBytes = 1024 * 1024;

    OutputCollector();
    OutputCollector(const OutputCollector&) = delete;
    OutputCollector& operator=(const OutputCollector&) = delete;
    /// As finish().
    ~OutputCollector();

    /// The write ends, for the process that is about to be started. Valid until begin().
    [[nodiscard]] int out_fd() const noexcept { return out_write_.get(); }
    [[nodiscard]] int err_fd() const noexcept { return err_write_.get(); }

    /// Closes our copies of the write ends and begins to read.
    void begin();
    /// Waits until every process that had a write end is gone. Further calls do nothing.
    void finish();

    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;

private:
    void read_until_end();

    UniqueFd out_read_, out_write_;
    UniqueFd err_read_, err_write_;
    mutable std::mutex mutex_;
    std::string out_, err_;
    std::thread reader_;
};

}  // namespace smith::builder
