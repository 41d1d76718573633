// SPDX-License-Identifier: Apache-2.0
#include "resolver/download.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <list>
#include <memory>
#include <utility>

#include "base/cache_directory.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/parallel.h"
#include "resolver/arrival.h"
#include "resolver/attempts.h"

namespace smith::resolver {

namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

/// Opened without waiting for a fifo's other end, and refused unless it is a regular file.
UniqueFd open_regular(const std::filesystem::path& path) {
    try {
        UniqueFd fd = open_file(path, O_RDONLY | O_NONBLOCK);
        struct stat status {};
        if (::fstat(fd.get(), &status) != 0) throw system_error(errno, "looking at " + quote(path.string()));
        if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::fetch, quote(path.string()) + " is not a regular file");
        return fd;
    } catch (const Error& e) {
        // Not there, not readable: to whoever asked for a package it is a download that failed.
        throw Error(ErrorKind::fetch, e.message());
    }
}

/// How much of everything there is by now. Called by several threads.
class Meter {
public:
    Meter(const std::vector<Download>& downloads, std::string_view phase, Reporter& reporter)
        : phase_(phase), reporter_(reporter) {
        for (const Download& download : downloads) total_ += download.size.value_or(0);
    }
    void add(std::uint64_t bytes) {
        const std::uint64_t done = done_ += bytes;
        reporter_.progress(phase_, std::min(done, total_), total_);
    }
    void take_back(std::uint64_t bytes) { done_ -= bytes; }

private:
    std::string_view phase_;
    Reporter& reporter_;
    std::uint64_t total_ = 0;
    std::atomic<std::uint64_t> done_ = 0;
};

/// One of the downloads, and what came of it.
struct Task {
    explicit Task(const Download& given) : download(given) {}
    const Download& download;
    std::vector<std::string> remote;  // URLs that are asked for by HTTP
    FirstError error;
    std::optional<Downloaded> result;
};

Downloaded copy_file(const Download& download, const std::string& url, Meter& meter) {
    const UniqueFd source = open_regular(*local_path(url));
    Arrival arrival(download);
    try {
        std::vector<std::byte> buffer(kBufferBytes);
        while (const std::size_t count = read_some(source.get(), buffer)) {
            arrival.write(std::span(buffer).first(count), url);
            meter.add(count);
        }
        return arrival.finish(url);
    } catch (...) {
        meter.take_back(arrival.received());
        throw;
    }
}

/// From the disk, where there is a file:// URL: that costs nothing, so it goes before all others.
void copy_files(Task& task, Meter& meter) {
    for (const std::string& url : task.download.urls) {
        if (task.result) return;
        try {
            if (!local_path(url)) {
                task.remote.push_back(url);
            } else {
                task.result = copy_file(task.download, url, meter);
            }
        } catch (...) {
            task.error.keep(std::current_exception());
        }
    }
}

/// What is had by HTTP: several at a time, each from the best place that has room for it.
class RemoteDownloads : public HttpSource {
public:
    RemoteDownloads(std::vector<Task>& tasks, HttpClient& http, Meter& meter, Reporter& reporter)
        : http_(http), meter_(meter), reporter_(reporter) {
        for (Task& task : tasks) {
            if (!task.result && !task.remote.empty()) waiting_.emplace_back(task, http.options().retry);
        }
    }

    const HttpRequest* next(const HasRoom& has_room) override {
        const Attempts::Time now = std::chrono::steady_clock::now();
        if (now < quiet_until_) return nullptr;
        for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
            const std::vector<std::string>& urls = it->task.remote;
            const auto place = it->attempts.next(
                now, [&](std::size_t i) { return has_room(urls[i]); },
                [&](std::size_t i) { return http_.hosts().failures(urls[i]); });
            if (!place) continue;
            active_.splice(active_.end(), waiting_, it);
            return &start(*it, *place);
        }
        // Asked for each packet that arrives: nothing new will come of it before a transfer ends, or a time has come.
        const auto wait = pause();
        quiet_until_ = wait ? now + *wait : Attempts::Time::max();
        return nullptr;
    }

    void finished(const HttpRequest& request, HttpResult result) override {
        quiet_until_ = {};
        const auto it = std::find_if(active_.begin(), active_.end(),
                                     [&](const Remote& remote) { return &remote.request == &request; });
        settle(*it, result);
        if (it->task.result || it->attempts.is_over()) {
            active_.erase(it);
        } else {
            waiting_.splice(waiting_.begin(), active_, it);
        }
    }

    std::optional<std::chrono::milliseconds> pause() override {
        const Attempts::Time now = std::chrono::steady_clock::now();
        std::optional<Attempts::Time> first;
        for (const Remote& remote : waiting_) {
            const auto time = remote.attempts.ready_at(now);
            if (time && (!first || *time < *first)) first = time;
        }
        if (!first) return std::nullopt;
        return std::chrono::ceil<std::chrono::milliseconds>(*first - now);
    }

private:
    struct Remote {
        Remote(Task& given, RetryOptions options)
            : task(given),
              attempts(given.remote.size(), with(options, given.download.retries)),
              arrival(given.download) {}
        static RetryOptions with(RetryOptions options, std::optional<unsigned> retries) {
            options.retries = retries.value_or(options.retries);
            return options;
        }
        Task& task;
        Attempts attempts;
        Arrival arrival;
        HttpRequest request;
        std::size_t place = 0;
        bool was_started = false;
    };

    const HttpRequest& start(Remote& remote, std::size_t place) {
        remote.place = place;
        HttpRequest& request = remote.request;
        request.url = remote.task.remote[place];
        request.access = remote.task.download.access;
        if (!remote.was_started) {
            remote.was_started = true;
            remote.arrival.take_start();
            meter_.add(remote.arrival.received());
        }
        request.headers = remote.arrival.range_headers(request.url);
        request.max_bytes = remote.task.download.size.value_or(remote.task.download.max_bytes);
        request.on_start = [this, &remote](const HttpResponse& response) {
            const std::uint64_t before = remote.arrival.received();
            remote.arrival.begin(remote.request.url, response);
            if (remote.arrival.received() < before) meter_.take_back(before);
        };
        request.sink = [this, &remote](std::span<const std::byte> bytes) {
            remote.arrival.write(bytes, remote.request.url);
            meter_.add(bytes.size());
        };
        request.on_done = [&remote](const HttpResponse& response) {
            check_ok(remote.request, response);
            remote.task.result = remote.arrival.finish(remote.request.url);
        };
        return request;
    }

    void start_over(Remote& remote) {
        meter_.take_back(remote.arrival.received());
        remote.arrival.start_over();
    }

    void settle(Remote& remote, const HttpResult& result) {
        if (remote.task.result) return;
        const Download& download = remote.task.download;
        std::exception_ptr error = result.error;
        if (result.broken && download.size && remote.arrival.received() == *download.size) {
            // All is there; only the end of it was not told.
            try {
                remote.task.result = remote.arrival.finish(remote.request.url);
                return;
            } catch (...) {
                error = std::current_exception();
            }
        }
        if (is_absent(result.response)) error = with_advice(error, download);
        remote.task.error.keep(error);
        tell(error);
        const ErrorKind kind = kind_of(error);
        if (kind == ErrorKind::system) return remote.attempts.stop();
        const Attempts::Time now = std::chrono::steady_clock::now();
        const bool goes_on = is_worth_retrying(result) && kind != ErrorKind::integrity;
        const bool wrong_bytes = !goes_on && (result.response.ok() || result.response.status == 416);
        const bool was_pieced = remote.arrival.is_pieced() || !remote.request.headers.empty();
        if (wrong_bytes) start_over(remote);
        if (wrong_bytes && was_pieced) {
            // Whose piece was wrong is not known: asked for all of it, this place may yet have the right bytes.
            remote.attempts.failed_otherwise();
        } else {
            http_.hosts().blame(remote.request.url);
            remote.attempts.failed(remote.place, result, now);
        }
        tell_of_waiting(remote, now);
    }

    void tell_of_waiting(const Remote& remote, Attempts::Time now) {
        // Shorter than this nobody wonders.
        constexpr std::chrono::seconds worth_a_word{3};
        const auto anywhere = [](std::size_t) { return true; };
        if (remote.attempts.next(now, anywhere, [](std::size_t) { return 0U; })) return;
        const auto ready = remote.attempts.ready_at(now);
        if (!ready || *ready - now < worth_a_word) return;
        const auto wait = std::chrono::ceil<std::chrono::seconds>(*ready - now);
        reporter_.info("trying " + quote(remote.task.download.what) + " again in " + std::to_string(wait.count()) +
                       " seconds");
    }

    static bool is_absent(const HttpResponse& response) {
        constexpr long not_found = 404;
        constexpr long gone = 410;
        return response.status == not_found || response.status == gone;
    }

    static std::exception_ptr with_advice(const std::exception_ptr& error, const Download& download) {
        try {
            std::rethrow_exception(error);
        } catch (const Error& e) {
            return std::make_exception_ptr(Error(e.kind(), e.message() + download.advice));
        } catch (...) {
            return error;
        }
    }

    void tell(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const std::exception& e) {
            reporter_.debug(e.what());
        }
    }

    static ErrorKind kind_of(const std::exception_ptr& error) {
        try {
            std::rethrow_exception(error);
        } catch (const Error& e) {
            return e.kind();
        } catch (...) {
            return ErrorKind::system;
        }
    }

    HttpClient& http_;
    Meter& meter_;
    Reporter& reporter_;
    std::list<Remote> waiting_;  // requests and callbacks keep their addresses
    std::list<Remote> active_;
    Attempts::Time quiet_until_{};
};

}  // namespace

std::vector<Downloaded> download_all(const std::vector<Download>& downloads, std::string_view phase, unsigned jobs,
                                     HttpClient& http, Reporter& reporter) {
    std::vector<Task> tasks;
    for (const Download& download : downloads) {
        make_cache_directory(download.directory);
        tasks.emplace_back(download);
    }
    Meter meter(downloads, phase, reporter);
    parallel_for(jobs, tasks.size(), [&](std::size_t i) { copy_files(tasks[i], meter); });
    RemoteDownloads remote(tasks, http, meter, reporter);
    http.run(remote);

    std::vector<Downloaded> out;
    for (Task& task : tasks) {
        if (!task.result) task.error.rethrow();
        out.push_back(std::move(*task.result));
    }
    return out;
}

}  // namespace smith::resolver
