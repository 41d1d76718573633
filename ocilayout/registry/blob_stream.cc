// SPDX-License-Identifier: Apache-2.0
//
// A blob on its way from a registry.
#include <algorithm>
#include <utility>

#include "base/error.h"
#include "ocilayout/produced_source.h"
#include "ocilayout/registry/blobs.h"

namespace smith::ocilayout {

namespace {

using Clients = std::vector<std::shared_ptr<RegistryClient>>;

// An answer that brings as much earns the full patience again. With less a server could keep us for ever, a byte at a
// time.
constexpr std::uint64_t kEarnsPatience = std::uint64_t{64} * 1024;

/// Fetches one blob, going on where it broke.
class BlobFetch {
public:
    BlobFetch(const Clients& clients, const Descriptor& blob, Outlet& out)
        : clients_(clients), blob_(blob), out_(out) {}

    void fetch_from_any() {
        for (std::size_t i = 0;; ++i) {
            try {
                return fetch_all(*clients_[i]);
            } catch (const Error& e) {
                // More bytes than there may be are a lie, not a failure, but the next one may be honest.
                if (i + 1 == clients_.size()) throw;
                if (Reporter* reporter = clients_[i]->options().reporter; reporter != nullptr) {
                    reporter->debug(e.message() + "; going on with the next place");
                }
            }
        }
    }

private:
    /// What is missing, in as many requests as it takes.
    void fetch_all(RegistryClient& client) {
        unsigned failures = 0;
        std::uint64_t earned_at = received_;
        do {
            const std::uint64_t before = received_;
            const RegistryCall call = next_call();
            const HttpResult result = client.try_call(call);
            if (received_ - earned_at >= kEarnsPatience) {
                failures = 0;
                earned_at = received_;
            }
            if (result.error == nullptr && result.response.ok()) {
                // Less than there should be: whoever reads finds out, with the digest.
                if (received_ == before || ++failures > client.options().retry.retries) return;
                continue;
            }
            const auto delay = retry_delay(client.options().retry, ++failures, result);
            if (!delay && result.error != nullptr) std::rethrow_exception(result.error);
            if (!delay && result.response.status == 404) {
                throw MissingError(client.refusal(call, result.response).message(), ErrorKind::fetch);
            }
            if (!delay) throw client.refusal(call, result.response);
            out_.wait(*delay);
        } while (received_ < blob_.size);
    }

    RegistryCall next_call() {
        RegistryCall call;
        call.cancelled = &out_.cancelled();
        call.request.url = "blobs/" + blob_.digest.str();
        call.request.max_bytes = blob_.size - received_;
        to_skip_ = 0;
        if (received_ > 0) {
            call.request.headers.push_back("Range: bytes=" + std::to_string(received_) + "-");
            // In case that the registry knows nothing of ranges: all of it, of which the start is passed over.
            call.request.max_bytes = blob_.size;
        }
        call.request.on_start = [this](const HttpResponse& response) { check_start(response); };
        call.request.sink = [this](std::span<const std::byte> bytes) { take(bytes); };
        return call;
    }

    void check_start(const HttpResponse& response) {
        if (response.status == 200) {
            to_skip_ = received_;
            return;
        }
        const std::string range = response.header("content-range");
        if (response.status == 206 && range.starts_with("bytes " + std::to_string(received_) + "-")) return;
        throw Error(ErrorKind::fetch, "blob " + blob_.digest.str() + ": the registry sends another part of it (" +
                                          quote(range) + ") than was asked for");
    }

    void take(std::span<const std::byte> bytes) {
        const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(to_skip_, bytes.size()));
        to_skip_ -= skipped;
        bytes = bytes.subspan(skipped);
        if (bytes.size() > blob_.size - received_) {
            throw Error(ErrorKind::integrity, "blob " + blob_.digest.str() + " has more than the expected " +
                                                  std::to_string(blob_.size) + " bytes");
        }
        received_ += bytes.size();
        out_.write(bytes);
    }

    const Clients& clients_;
    const Descriptor& blob_;
    Outlet& out_;
    std::uint64_t received_ = 0;
    std::uint64_t to_skip_ = 0;
};

}  // namespace

std::unique_ptr<ByteSource> open_remote_blob(Clients clients, const Descriptor& blob) {
    auto fetched = produced_source(
        [clients = std::move(clients), blob](Outlet& out) { BlobFetch(clients, blob, out).fetch_from_any(); });
    return verifying_source(std::move(fetched), blob.digest, blob.size);
}

}  // namespace smith::ocilayout
