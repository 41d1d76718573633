// SPDX-License-Identifier: Apache-2.0
//
// What the resolver's tests share: a folder that goes away, files in it, programs to make input with, and an HTTP
// server that does to a client whatever a test tells it to.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "base/http.h"

namespace smith::test {

class TempDir {
public:
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
    [[nodiscard]] std::string url() const { return "file://" + path_.string(); }

private:
    std::filesystem::path path_;
};

/// Makes parent folders as well.
void write(const std::filesystem::path& file, std::string_view bytes);
[[nodiscard]] std::string read(const std::filesystem::path& file);

/// Runs a shell command; what it says appears only when it fails. False when it failed.
[[nodiscard]] bool run(const std::string& command);
[[nodiscard]] bool has_program(const std::string& name);

/// The error that `body` throws; an Error with the message "nothing was thrown" when it does not.
[[nodiscard]] Error error_of(const std::function<void()>& body);

[[nodiscard]] inline bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// Retries as ever, but nobody waits for long between them.
[[nodiscard]] inline HttpOptions hasty() {
    HttpOptions options;
    options.retry.first_delay = std::chrono::milliseconds(1);
    // On a busy machine an honest server of a test may be silent for a second, too.
    options.low_speed_time_s = 15;
    return options;
}

/// Listens on 127.0.0.1 and answers every connection by calling `serve`, one after the other.
class Server {
public:
    class Connection {
    public:
        Connection(int fd, std::string request) : fd_(fd), request_(std::move(request)) {}
        /// Request line and header, as they came.
        [[nodiscard]] const std::string& request() const { return request_; }
        [[nodiscard]] std::string path() const;
        /// False when the client has hung up.
        bool send(std::string_view bytes);
        /// A whole answer.
        void answer(const std::string& status, std::string_view body, const std::string& headers = "");

    private:
        int fd_;
        std::string request_;
    };
    using Serve = std::function<void(Connection&)>;

    explicit Server(Serve serve);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();
    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    /// Serves the files of a folder.
    [[nodiscard]] static Serve files(std::filesystem::path root);

private:
    void loop();
    Serve serve_;
    UniqueFd listener_;
    int port_ = 0;
    std::atomic<bool> stop_ = false;
    std::thread thread_;
};

}  // namespace smith::test
