// SPDX-License-Identifier: Apache-2.0
#include "builder/output_collector.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/error.h"

namespace smith::builder {

namespace {

void make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw system_error(errno, "making a pipe");
    read_end = UniqueFd(ends[0]);
    write_end = UniqueFd(ends[1]);
}

void append_bounded(std::string& text, std::string_view more) {
    text += more;
    // Cut rarely, not at every read.
    if (text.size() > 2 * OutputCollector::kKeptBytes) text.erase(0, text.size() - OutputCollector::kKeptBytes);
}

}  // namespace

OutputCollector::OutputCollector() {
    make_pipe(out_read_, out_write_);
    make_pipe(err_read_, err_write_);
}

OutputCollector::~OutputCollector() { finish(); }

void OutputCollector::begin() {
    out_write_.reset();
    err_write_.reset();
    reader_ = std::thread([this] { read_until_end(); });
}

void OutputCollector::finish() {
    if (reader_.joinable()) reader_.join();
}

void OutputCollector::read_until_end() {
    std::array<std::byte, 16 * 1024> buffer{};
    std::array<pollfd, 2> streams = {pollfd{out_read_.get(), POLLIN, 0}, pollfd{err_read_.get(), POLLIN, 0}};
    // A negative descriptor is one that poll(2) skips.
    while (streams[0].fd >= 0 || streams[1].fd >= 0) {
        if (::poll(streams.data(), streams.size(), -1) < 0) continue;
        for (std::size_t i = 0; i < streams.size(); ++i) {
            if (streams[i].fd < 0 || streams[i].revents == 0) continue;
            const ssize_t got = ::read(streams[i].fd, buffer.data(), buffer.size());
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                streams[i].fd = -1;
                continue;
            }
            const std::lock_guard lock(mutex_);
            append_bounded(i == 0 ? out_ : err_,
                           {reinterpret_cast<const char*>(buffer.data()), static_cast<std::size_t>(got)});
        }
    }
}

std::string OutputCollector::out() const {
    const std::lock_guard lock(mutex_);
    return out_;
}

std::string OutputCollector::err() const {
    const std::lock_guard lock(mutex_);
    return err_;
}

}  // namespace smith::builder
