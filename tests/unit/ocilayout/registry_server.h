// SPDX-License-Identifier: Apache-2.0
//
// A registry in memory on a loopback port, which does what distribution-spec says, until a test tells it to do
// something else. It remembers what it was asked.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/fd.h"

namespace smith::test {

struct Request {
    std::string method;
    std::string target;                          ///< path and query
    std::map<std::string, std::string> headers;  ///< names in lower case
    std::string body;

    [[nodiscard]] std::string path() const { return target.substr(0, target.find('?')); }
    [[nodiscard]] std::string header(const std::string& name) const;
    /// Of the query; "" when it is not there. Percent encoding is undone.
    [[nodiscard]] std::string query(const std::string& name) const;
};

struct Answer {
    int status = 200;
    std::map<std::string, std::string> headers;
    std::string body;
    std::optional<std::size_t> cut_after;  ///< hang up after so many bytes of the body
    bool endless = false;                  ///< the body again and again, without a length
    std::chrono::milliseconds pause{};     ///< between one time and the next
};

/// Calls `answer`, one at a time, for each request; a connection is for one request.
class HttpServer {
public:
    using Serve = std::function<Answer(const Request&)>;
    explicit HttpServer(Serve serve);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    ~HttpServer();

    /// Hang up when so many bytes of a request's body have come: nothing is answered then. Given once, used once.
    void hang_up_after(std::size_t body_bytes) { hang_up_ = static_cast<long>(body_bytes); }

    [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port_); }
    [[nodiscard]] std::string url() const { return "http://" + host(); }
    /// "GET /v2/..." of all requests, in their order.
    [[nodiscard]] std::vector<std::string> log() const;
    [[nodiscard]] std::vector<Request> requests() const;
    void forget();
    [[nodiscard]] std::size_t count(std::string_view start) const;

private:
    void accept_all();
    void serve_one(UniqueFd client);

    Serve serve_;
    UniqueFd listener_;
    int port_ = 0;
    std::atomic<bool> stop_ = false;
    std::atomic<long> hang_up_ = -1;
    mutable std::mutex mutex_;
    std::mutex serving_;
    std::vector<Request> requests_;
    std::vector<std::thread> connections_;
    std::thread acceptor_;
};

class FakeRegistry {
public:
    FakeRegistry() : server([this](const Request& request) { return serve(request); }) {}

    /// Asked first; nothing lets the registry answer as it should.
    std::function<std::optional<Answer>(const Request&)> instead;
    bool has_referrers_api = true;

    std::map<std::string, std::string> blobs;                              ///< by digest; of all repositories
    std::map<std::string, std::pair<std::string, std::string>> manifests;  ///< by digest: type, bytes
    std::map<std::string, std::string> tags;                               ///< "repository:tag" to digest
    std::map<std::string, std::string> uploads;                            ///< what has come

    /// Both return a digest.
    std::string add_blob(const std::string& bytes);
    std::string add_manifest(const std::string& bytes, const std::string& type, const std::string& repository_and_tag);

    [[nodiscard]] std::string name(const std::string& repository) const {
        return "docker://" + server.host() + "/" + repository;
    }

    HttpServer server;  // last: it serves as long as it lives

private:
    Answer serve(const Request& request);
    Answer serve_manifest(const Request& request, const std::string& repository, const std::string& reference);
    Answer serve_blob(const Request& request, const std::string& digest);
    Answer serve_upload(const Request& request, const std::string& repository, const std::string& id);
    Answer serve_referrers(const std::string& digest);
};

[[nodiscard]] Answer not_found(const std::string& code);

}  // namespace smith::test
