// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/resolver/support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

namespace smith::test {

namespace {

std::string make_temporary_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "smith-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw system_error(errno, "making a temporary folder");
    return name;
}

}  // namespace

TempDir::TempDir() : path_(make_temporary_directory()) {}
TempDir::~TempDir() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
}

void write(const std::filesystem::path& file, std::string_view bytes) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << bytes;
}

std::string read(const std::filesystem::path& file) {
    std::ostringstream out;
    out << std::ifstream(file, std::ios::binary).rdbuf();
    return out.str();
}

bool run(const std::string& command) {
    const TempDir log;
    const std::string file = (log / "log").string();
    const int status = std::system(("( " + command + " ) >" + file + " 2>&1 </dev/null").c_str());
    if (status != 0) std::cerr << "failed: " << command << "\n" << read(file);
    return status == 0;
}

bool has_program(const std::string& name) {
    return std::system(("command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

Error error_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& e) {
        return e;
    }
    return {ErrorKind::usage, "nothing was thrown"};
}

std::string Server::Connection::path() const {
    const std::size_t start = request_.find(' ') + 1;
    return request_.substr(start, request_.find(' ', start) - start);
}

bool Server::Connection::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

void Server::Connection::answer(const std::string& status, std::string_view body, const std::string& headers) {
    send("HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n");
    send(body);
}

Server::Server(Serve serve) : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), 16) != 0 ||
        ::getsockname(listener_.get(), raw, &size) != 0) {
        throw system_error(errno, "starting a test server");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { loop(); });
}

Server::~Server() {
    stop_ = true;
    thread_.join();
}

void Server::loop() {
    while (!stop_) {
        pollfd wait{listener_.get(), POLLIN, 0};
        if (::poll(&wait, 1, 50) <= 0) continue;
        const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) continue;
        std::string request;
        char buffer[4096];
        while (request.find("\r\n\r\n") == std::string::npos) {
            const ssize_t count = ::recv(client.get(), buffer, sizeof buffer, 0);
            if (count <= 0) break;
            request.append(buffer, static_cast<std::size_t>(count));
        }
        Connection connection(client.get(), request);
        if (!request.empty()) serve_(connection);
    }
}

Server::Serve Server::files(std::filesystem::path root) {
    return [root = std::move(root)](Connection& connection) {
        const std::filesystem::path file = root / connection.path().substr(1);
        if (std::filesystem::is_regular_file(file)) {
            connection.answer("200 OK", read(file));
        } else {
            connection.answer("404 Not Found", "no such file");
        }
    };
}

}  // namespace smith::test
