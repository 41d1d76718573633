// SPDX-License-Identifier: Apache-2.0
#include "resolver/package_start.h"

#include <fcntl.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/fd.h"
#include "resolver/download.h"

namespace smith::resolver {

namespace {

// Whoever has nothing by then is most likely asked about something that is not given in ranges.
constexpr std::size_t kMaxPlaces = 3;

std::string read_start(const std::filesystem::path& path, std::size_t size) {
    const UniqueFd fd = open_file(path, O_RDONLY | O_NONBLOCK);
    std::string out(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const std::size_t count = read_some(fd.get(), std::as_writable_bytes(std::span(out).subspan(done)));
        if (count == 0) throw Error(ErrorKind::fetch, quote(path.string()) + " is too short");
        done += count;
    }
    return out;
}

/// Ends a transfer whose answer is not the range that was asked for, before its first byte.
void check_range(const StartRequest& wanted, const std::string& url, const HttpResponse& response) {
    const std::string range = "bytes 0-" + std::to_string(wanted.size - 1) + "/" + std::to_string(wanted.total);
    if (response.status != 206 || response.header("content-range") != range) {
        throw Error(ErrorKind::fetch, redact_url(url) + " is not given in ranges");
    }
}

class Starts {
public:
    Starts(std::span<const StartRequest> requests, HttpClient& http, Reporter& reporter)
        : requests_(requests), http_(http), reporter_(reporter), out_(requests.size()) {}

    std::vector<std::optional<std::string>> run() {
        std::size_t places = 0;
        for (const StartRequest& request : requests_) places = std::max(places, request.urls.size());
        for (std::size_t place = 0; place < std::min(places, kMaxPlaces); ++place) ask(place);
        return std::move(out_);
    }

private:
    void ask(std::size_t place) {
        std::map<std::string, std::vector<std::size_t>, std::less<>> by_host;
        for (std::size_t i = 0; i < requests_.size(); ++i) {
            if (out_[i] || place >= requests_[i].urls.size()) continue;
            const std::string& url = requests_[i].urls[place];
            if (const auto path = local_path(url)) {
                read_file_start(i, *path);
            } else {
                by_host[std::string(url_host(url))].push_back(i);
            }
        }
        std::vector<std::size_t> first;
        for (const auto& [host, indexes] : by_host) first.push_back(indexes.front());
        get(first, place);
        std::vector<std::size_t> rest;
        for (const auto& [host, indexes] : by_host) {
            if (out_[indexes.front()]) rest.insert(rest.end(), indexes.begin() + 1, indexes.end());
        }
        get(rest, place);
    }

    void read_file_start(std::size_t index, const std::filesystem::path& path) {
        try {
            out_[index] = read_start(path, requests_[index].size);
        } catch (const Error& e) {
            reporter_.debug(e.message());
        }
    }

    void get(const std::vector<std::size_t>& indexes, std::size_t place) {
        std::vector<HttpRequest> requests;
        for (const std::size_t i : indexes) {
            const StartRequest& wanted = requests_[i];
            HttpRequest& request = requests.emplace_back();
            request.url = wanted.urls[place];
            request.access = wanted.access;
            request.headers = {"Range: bytes=0-" + std::to_string(wanted.size - 1)};
            request.max_bytes = wanted.size;
            request.on_start = [&wanted, place](const HttpResponse& response) {
                check_range(wanted, wanted.urls[place], response);
            };
            request.on_done = [this](const HttpResponse& response) {
                if (!response.ok()) return;
                reporter_.progress("package headers", ++done_, requests_.size());
            };
        }
        const std::vector<HttpResult> results = http_.perform_all(requests);
        for (std::size_t at = 0; at < indexes.size(); ++at) take(indexes[at], results[at]);
    }

    void take(std::size_t index, const HttpResult& result) {
        try {
            if (result.error != nullptr) std::rethrow_exception(result.error);
            const std::string& body = result.response.body;
            if (result.response.ok() && body.size() == requests_[index].size) out_[index] = body;
        } catch (const Error& e) {
            reporter_.debug(e.message());
        }
    }

    std::span<const StartRequest> requests_;
    HttpClient& http_;
    Reporter& reporter_;
    std::vector<std::optional<std::string>> out_;
    std::uint64_t done_ = 0;
};

}  // namespace

std::vector<std::optional<std::string>> fetch_starts(std::span<const StartRequest> requests, HttpClient& http,
                                                     Reporter& reporter) {
    return Starts(requests, http, reporter).run();
}

}  // namespace smith::resolver
