// SPDX-License-Identifier: Apache-2.0
#include "resolver/download.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <memory>
#include <utility>

#include "base/atomic_file.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/parallel.h"

namespace smith::resolver {

namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
        if (low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// RFC 3986 allows these in a path; '%' stays, because metadata may be encoded already.
bool is_path_char(char c) {
    constexpr std::string_view others = "-._~!$&'()*+,;=:@/%";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
}

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

/// One file on its way: written, counted and hashed; named by finish().
class Arrival {
public:
    explicit Arrival(const Download& download)
        : download_(download),
          hasher_(download.checksum.algorithm),
          also_sha256_(download.checksum.algorithm != "sha256") {}

    [[nodiscard]] std::uint64_t limit() const { return download_.size.value_or(download_.max_bytes); }
    [[nodiscard]] std::uint64_t received() const { return received_; }

    void write(std::span<const std::byte> bytes) {
        // The file is made by its first byte: hundreds of downloads may be waiting for their turn.
        if (!file_) file_.emplace(download_.directory / "download");
        file_->write(bytes);
        hasher_.update(bytes);
        if (also_sha256_) sha256_.update(bytes);
        received_ += bytes.size();
    }

    Downloaded finish(const std::string& url) {
        const std::string from = quote(download_.what) + " from " + quote(redact_url(url));
        if (download_.size && received_ != *download_.size) {
            throw Error(ErrorKind::integrity, from + ": expected " + std::to_string(*download_.size) + " bytes, got " +
                                                  std::to_string(received_));
        }
        const std::string hex = hasher_.finish_hex();
        if (hex != download_.checksum.hex) {
            throw Error(ErrorKind::integrity, from + ": expected " + download_.checksum.str() + ", got " +
                                                  download_.checksum.algorithm + ":" + hex);
        }
        const Digest digest = also_sha256_ ? sha256_.finish() : Digest::from_hex(hex);
        if (!file_) file_.emplace(download_.directory / "download");
        const std::filesystem::path path = download_.directory / download_.name(digest);
        file_->commit_as(path);
        file_.reset();
        return {path, digest};
    }

private:
    const Download& download_;
    Hasher hasher_;
    Hasher sha256_;
    bool also_sha256_;
    std::optional<AtomicFile> file_;
    std::uint64_t received_ = 0;
};

/// What is under way, and what came of it.
class Downloads {
public:
    Downloads(const std::vector<Download>& downloads, std::string_view phase, Reporter& reporter)
        : downloads_(downloads),
          results_(downloads.size()),
          errors_(downloads.size()),
          phase_(phase),
          reporter_(reporter) {
        for (const Download& download : downloads) total_ += download.size.value_or(0);
    }

    /// Tries the `round`th URL of all that are not there yet. False when there was nothing to try.
    bool run_round(std::size_t round, unsigned jobs, HttpClient& http) {
        std::vector<std::size_t> files;
        std::vector<std::size_t> remote;
        for (std::size_t i = 0; i < downloads_.size(); ++i) {
            if (results_[i] || round >= downloads_[i].urls.size()) continue;
            (local_path(downloads_[i].urls[round]) ? files : remote).push_back(i);
        }
        parallel_for(jobs, files.size(), [&](std::size_t at) { copy_file(files[at], round); });
        get(remote, round, http);
        return !files.empty() || !remote.empty();
    }

    std::vector<Downloaded> finish() {
        std::vector<Downloaded> out;
        for (std::size_t i = 0; i < downloads_.size(); ++i) {
            if (!results_[i]) std::rethrow_exception(errors_[i]);
            out.push_back(std::move(*results_[i]));
        }
        return out;
    }

private:
    void copy_file(std::size_t index, std::size_t round) {
        const std::string& url = downloads_[index].urls[round];
        try {
            const UniqueFd source = open_regular(*local_path(url));
            Arrival arrival(downloads_[index]);
            std::vector<std::byte> buffer(kBufferBytes);
            while (const std::size_t count = read_some(source.get(), buffer)) {
                if (count > arrival.limit() - arrival.received()) {
                    throw Error(ErrorKind::integrity, quote(redact_url(url)) + " is longer than the " +
                                                          std::to_string(arrival.limit()) + " bytes that it may have");
                }
                arrival.write(std::span(buffer).first(count));
                add_progress(count);
            }
            results_[index] = arrival.finish(url);
        } catch (...) {
            keep_error(index, std::current_exception());
        }
    }

    void get(const std::vector<std::size_t>& indexes, std::size_t round, HttpClient& http) {
        std::vector<HttpRequest> requests;
        std::vector<std::unique_ptr<Arrival>> arrivals;
        requests.reserve(indexes.size());  // their addresses are kept by the callbacks
        for (const std::size_t index : indexes) {
            Arrival* arrival = arrivals.emplace_back(std::make_unique<Arrival>(downloads_[index])).get();
            HttpRequest& request = requests.emplace_back();
            request.url = downloads_[index].urls[round];
            request.max_bytes = arrival->limit();
            request.sink = [this, arrival](std::span<const std::byte> bytes) {
                arrival->write(bytes);
                add_progress(bytes.size());
            };
            request.on_done = [this, arrival, index, &request](const HttpResponse& response) {
                check_ok(request, response);
                results_[index] = arrival->finish(request.url);
            };
        }
        const std::vector<HttpResult> results = http.perform_all(requests);
        for (std::size_t i = 0; i < indexes.size(); ++i) {
            if (results[i].error != nullptr) keep_error(indexes[i], results[i].error);
        }
    }

    void keep_error(std::size_t index, std::exception_ptr error) {
        if (errors_[index] == nullptr) errors_[index] = std::move(error);
    }

    void add_progress(std::uint64_t bytes) {
        const std::uint64_t done = done_ += bytes;
        reporter_.progress(phase_, std::min(done, total_), total_);
    }

    const std::vector<Download>& downloads_;
    std::vector<std::optional<Downloaded>> results_;
    std::vector<std::exception_ptr> errors_;  // the first of each
    std::string_view phase_;
    Reporter& reporter_;
    std::uint64_t total_ = 0;
    std::atomic<std::uint64_t> done_ = 0;
};

}  // namespace

std::optional<std::filesystem::path> local_path(std::string_view url) {
    constexpr std::string_view scheme = "file://";
    if (!url.starts_with(scheme)) return std::nullopt;
    std::string path = percent_decoded(url.substr(scheme.size()));
    if (!path.starts_with('/') || path.find('\0') != std::string::npos) {
        throw Error(ErrorKind::format, quote(url) + " is not of the form file:///path");
    }
    return path;
}

std::string join_url(std::string_view baseurl, std::string_view location) {
    std::string out(baseurl);
    const bool is_file = baseurl.starts_with("file://");
    for (const char c : location) {
        // In a file:// URL '%' is decoded again by local_path(); a repository on disk means the name as it stands.
        if (is_path_char(c) && !(is_file && c == '%')) {
            out += c;
        } else {
            const std::array<std::uint8_t, 1> byte{static_cast<std::uint8_t>(c)};
            out += "%" + to_hex(byte);
        }
    }
    return out;
}

std::string read_url(const std::string& url, std::uint64_t max_bytes, HttpClient& http) {
    if (const auto path = local_path(url)) {
        return while_doing([&] { return "reading " + quote(redact_url(url)); },
                           [&] {
                               try {
                                   return read_file(*path, max_bytes);
                               } catch (const Error& e) {
                                   throw Error(ErrorKind::fetch, e.message());
                               }
                           });
    }
    HttpRequest request;
    request.url = url;
    request.max_bytes = max_bytes;
    HttpResponse response = http.perform(request);
    check_ok(request, response);
    return std::move(response.body);
}

std::vector<Downloaded> download_all(const std::vector<Download>& downloads, std::string_view phase, unsigned jobs,
                                     HttpClient& http, Reporter& reporter) {
    for (const Download& download : downloads) std::filesystem::create_directories(download.directory);
    Downloads all(downloads, phase, reporter);
    for (std::size_t round = 0; all.run_round(round, jobs, http); ++round) {
    }
    return all.finish();
}

}  // namespace smith::resolver
