// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/ocilayout/registry_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/digest.h"

namespace smith::test {

namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

/// Reads on until `text` holds `size` bytes; false when there is no more.
bool fill(int fd, std::string& text, std::size_t size) {
    std::array<char, 65536> buffer{};
    while (text.size() < size) {
        const ssize_t count = ::recv(fd, buffer.data(), std::min(buffer.size(), size - text.size()), 0);
        if (count <= 0) return false;
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return true;
}

std::optional<Request> read_head(int fd) {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        if (!fill(fd, head, head.size() + 1)) return std::nullopt;
        if (head[0] < 'A' || head[0] > 'Z') return std::nullopt;  // a greeting of TLS
    }
    Request out;
    const std::size_t first = head.find(' ');
    const std::size_t second = head.find(' ', first + 1);
    out.method = head.substr(0, first);
    out.target = head.substr(first + 1, second - first - 1);
    for (std::size_t at = head.find("\r\n") + 2; at + 2 < head.size();) {
        const std::size_t end = head.find("\r\n", at);
        const std::size_t colon = head.find(':', at);
        out.headers[lower(head.substr(at, colon - at))] = head.substr(colon + 2, end - colon - 2);
        at = end + 2;
    }
    return out;
}

std::string unescaped(const std::string& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string header_text(const Answer& answer, const Request& request) {
    std::string out = "HTTP/1.1 " + std::to_string(answer.status) + " x\r\nConnection: close\r\n";
    for (const auto& [name, value] : answer.headers) out += name + ": " + value + "\r\n";
    const bool says_length = answer.headers.contains("Content-Length");
    if (!answer.endless && !says_length && answer.status != 204) {
        out += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    }
    static_cast<void>(request);
    return out + "\r\n";
}

}  // namespace

std::string Request::header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? std::string() : it->second;
}

std::string Request::query(const std::string& name) const {
    const std::string text = "&" + (target.find('?') == std::string::npos ? "" : target.substr(target.find('?') + 1));
    const std::size_t at = text.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const std::size_t start = at + name.size() + 2;
    return unescaped(text.substr(start, text.find('&', start) - start));
}

HttpServer::HttpServer(Serve serve)
    : serve_(std::move(serve)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.get(), raw, size) != 0 || ::listen(listener_.get(), 64) != 0 ||
        ::getsockname(listener_.get(), raw, &size) != 0) {
        throw system_error(errno, "starting a test server");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
    stop_ = true;
    acceptor_.join();
    for (std::thread& one : connections_) one.join();
}

void HttpServer::accept_all() {
    while (!stop_) {
        pollfd wait{listener_.get(), POLLIN, 0};
        if (::poll(&wait, 1, 20) <= 0) continue;
        UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!client) continue;
        const timeval patience{5, 0};
        static_cast<void>(::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
        connections_.emplace_back([this, fd = client.release()] { serve_one(UniqueFd(fd)); });
    }
}

void HttpServer::serve_one(UniqueFd client) {
    std::optional<Request> request = read_head(client.get());
    if (!request) return;
    const std::string length = request->header("content-length");
    const std::size_t size = length.empty() ? 0 : std::stoul(length);
    const bool hangs_up = size > 0 && hang_up_ >= 0;
    const std::size_t wanted = hangs_up ? std::min(size, static_cast<std::size_t>(hang_up_.exchange(-1))) : size;
    if (!fill(client.get(), request->body, wanted)) return;
    Answer answer;
    {
        const std::lock_guard lock(serving_);
        {
            const std::lock_guard lock_too(mutex_);
            requests_.push_back(*request);
        }
        if (hangs_up) request->headers["x-cut"] = "yes";
        answer = serve_(*request);
    }
    if (hangs_up) {
        // At once, with what may still be on the way: the client sees a reset.
        const linger now{1, 0};
        static_cast<void>(::setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now));
        return;
    }
    if (!send_all(client.get(), header_text(answer, *request)) || request->method == "HEAD") return;
    if (answer.cut_after) {
        static_cast<void>(send_all(client.get(), std::string_view(answer.body).substr(0, *answer.cut_after)));
        return;
    }
    do {
        if (!send_all(client.get(), answer.body)) return;
        std::this_thread::sleep_for(answer.pause);
    } while (answer.endless && !stop_);
    ::shutdown(client.get(), SHUT_WR);
    std::array<char, 4096> rest{};
    while (::recv(client.get(), rest.data(), rest.size(), 0) > 0) {
    }
}

std::vector<std::string> HttpServer::log() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> out;
    for (const Request& one : requests_) out.push_back(one.method + " " + one.target);
    return out;
}

std::vector<Request> HttpServer::requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void HttpServer::forget() {
    const std::lock_guard lock(mutex_);
    requests_.clear();
}

std::size_t HttpServer::count(std::string_view start) const {
    const std::vector<std::string> all = log();
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [&](const std::string& one) { return one.starts_with(start); }));
}

Answer not_found(const std::string& code) {
    return {404,
            {{"Content-Type", "application/json"}},
            R"({"errors":[{"code":")" + code + R"(","message":"it is unknown"}]})",
            {},
            false};
}

std::string FakeRegistry::add_blob(const std::string& bytes) {
    const std::string digest = sha256(bytes).str();
    blobs[digest] = bytes;
    return digest;
}

std::string FakeRegistry::add_manifest(const std::string& bytes, const std::string& type,
                                       const std::string& repository_and_tag) {
    const std::string digest = sha256(bytes).str();
    manifests[digest] = {type, bytes};
    if (!repository_and_tag.empty()) tags[repository_and_tag] = digest;
    return digest;
}

Answer FakeRegistry::serve(const Request& request) {
    if (instead) {
        if (auto answer = instead(request)) return *answer;
    }
    const std::string path = request.path();
    if (path == "/v2/") return {200, {}, "{}", {}, false};
    for (const std::string part : {"/manifests/", "/blobs/uploads/", "/blobs/", "/tags/list", "/referrers/"}) {
        const std::size_t at = path.find(part);
        if (!path.starts_with("/v2/") || at == std::string::npos) continue;
        const std::string repository = path.substr(4, at - 4);
        const std::string rest = path.substr(at + part.size());
        if (part == "/manifests/") return serve_manifest(request, repository, rest);
        if (part == "/blobs/uploads/") return serve_upload(request, repository, rest);
        if (part == "/blobs/") return serve_blob(request, rest);
        if (part == "/referrers/") return serve_referrers(rest);
        nlohmann::json list = {{"name", repository}, {"tags", nlohmann::json::array()}};
        for (const auto& [name, digest] : tags) {
            if (name.starts_with(repository + ":")) list["tags"].push_back(name.substr(repository.size() + 1));
        }
        return {200, {}, list.dump(), {}, false};
    }
    return not_found("NAME_UNKNOWN");
}

Answer FakeRegistry::serve_manifest(const Request& request, const std::string& repository,
                                    const std::string& reference) {
    const bool by_digest = reference.starts_with("sha256:");
    if (request.method == "PUT") {
        const std::string digest =
            add_manifest(request.body, request.header("content-type"), by_digest ? "" : repository + ":" + reference);
        Answer out{201, {{"Docker-Content-Digest", digest}, {"Location", request.target}}, "", {}, false};
        const auto subject = nlohmann::json::parse(request.body).value("subject", nlohmann::json());
        if (has_referrers_api && !subject.is_null()) out.headers["OCI-Subject"] = subject["digest"];
        return out;
    }
    const auto tag = tags.find(repository + ":" + reference);
    const std::string digest = by_digest ? reference : tag == tags.end() ? "" : tag->second;
    const auto found = manifests.find(digest);
    if (found == manifests.end()) return not_found("MANIFEST_UNKNOWN");
    if (request.method == "DELETE") {
        if (by_digest) manifests.erase(found);
        tags.erase(repository + ":" + reference);
        return {202, {}, "", {}, false};
    }
    return {200,
            {{"Content-Type", found->second.first}, {"Docker-Content-Digest", digest}},
            found->second.second,
            {},
            false};
}

Answer FakeRegistry::serve_blob(const Request& request, const std::string& digest) {
    const auto found = blobs.find(digest);
    if (found == blobs.end()) return not_found("BLOB_UNKNOWN");
    const std::string range = request.header("range");
    if (range.starts_with("bytes=")) {
        const std::size_t first = std::stoul(range.substr(6));
        return {206,
                {{"Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(found->second.size() - 1) +
                                       "/" + std::to_string(found->second.size())}},
                found->second.substr(first),
                {},
                false};
    }
    return {200, {}, found->second, {}, false};
}

Answer FakeRegistry::serve_upload(const Request& request, const std::string& repository, const std::string& id) {
    const auto where = [&](const std::string& its) { return "/v2/" + repository + "/blobs/uploads/" + its; };
    if (request.method == "POST") {
        const std::string mount = request.query("mount");
        if (!mount.empty() && blobs.contains(mount)) return {201, {{"Location", "x"}}, "", {}, false};
        const std::string its = std::to_string(uploads.size() + 1);
        uploads[its] = "";
        return {202, {{"Location", where(its)}}, "", {}, false};
    }
    const auto upload = uploads.find(id);
    if (upload == uploads.end()) return not_found("BLOB_UPLOAD_UNKNOWN");
    if (request.method != "GET") upload->second += request.body;
    const std::size_t has = upload->second.size();
    const std::map<std::string, std::string> status{{"Location", where(id)},
                                                    {"Range", "0-" + std::to_string(has == 0 ? 0 : has - 1)}};
    if (request.method == "GET") return {204, status, "", {}, false};
    if (request.method == "PATCH") return {202, status, "", {}, false};
    if (request.header("x-cut") == "yes") return {500, {}, "", {}, false};
    const std::string digest = sha256(upload->second).str();
    if (digest != request.query("digest")) return {400, {}, R"({"errors":[{"code":"DIGEST_INVALID"}]})", {}, false};
    blobs[digest] = upload->second;
    return {201, {{"Docker-Content-Digest", digest}}, "", {}, false};
}

Answer FakeRegistry::serve_referrers(const std::string& digest) {
    if (!has_referrers_api) return {404, {}, "404 page not found", {}, false};
    nlohmann::json list = {{"schemaVersion", 2},
                           {"mediaType", "application/vnd.oci.image.index.v1+json"},
                           {"manifests", nlohmann::json::array()}};
    for (const auto& [its, manifest] : manifests) {
        const auto document = nlohmann::json::parse(manifest.second);
        const auto subject = document.value("subject", nlohmann::json());
        if (subject.is_null() || subject["digest"] != digest) continue;
        list["manifests"].push_back({{"mediaType", manifest.first},
                                     {"digest", its},
                                     {"size", manifest.second.size()},
                                     {"artifactType", document.value("artifactType", "")}});
    }
    return {200, {{"Content-Type", "application/vnd.oci.image.index.v1+json"}}, list.dump(), {}, false};
}

}  // namespace smith::test
