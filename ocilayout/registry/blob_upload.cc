// SPDX-License-Identifier: Apache-2.0
//
// A blob on its way into a registry: one streaming PUT behind one POST, as that is the fastest everywhere; what broke
// is taken up where it broke; and pieces (PATCH) only for a registry, or a proxy before it, that takes no large body.
#include <algorithm>
#include <charconv>
#include <optional>
#include <thread>
#include <utility>

#include "base/error.h"
#include "ocilayout/registry/blobs.h"

namespace smith::ocilayout {

namespace {

// A registry that has all of a large blob may read it once more before it answers, and says nothing meanwhile.
constexpr long kPatienceSeconds = 600;
// Proxies that refuse more are known to take this; registries of object stores want no less than 5 MiB.
constexpr std::uint64_t kChunkBytes = std::uint64_t{16} * 1024 * 1024;
// Of the same blob, before somebody should have a look.
constexpr unsigned kMaxRestarts = 4;
// Who keeps less of a part than was sent has a reason, once; else a blob would be sent a byte at a time.
constexpr unsigned kMaxShortParts = 4;
// What a registry must have more than ever before, to earn the full patience again.
constexpr std::uint64_t kEarnsPatience = std::uint64_t{64} * 1024;

/// "0-1023" as 1024: how much the registry has. "0-0" is what some say of nothing, and means one byte to others; the
/// digest will tell. Nothing for what is no range.
std::optional<std::uint64_t> end_of_range(const std::string& range) {
    const std::size_t dash = range.find('-');
    std::uint64_t last = 0;
    if (dash == std::string::npos) return std::nullopt;
    const auto [end, error] = std::from_chars(range.data() + dash + 1, range.data() + range.size(), last);
    if (error != std::errc() || end != range.data() + range.size()) return std::nullopt;
    return last == 0 ? 0 : last + 1;
}

/// A part of a blob as the body of a request. The source is opened when the first byte is wanted, and anew when the
/// request is sent again.
class PartBody {
public:
    PartBody(const BlobOpener& open, std::uint64_t offset, std::uint64_t size, std::uint64_t blob_size)
        : open_(open), offset_(offset), size_(size), blob_size_(blob_size) {}

    HttpBody body() {
        HttpBody out;
        out.size = size_;
        out.read = [this](std::span<std::byte> buffer) { return read(buffer); };
        out.rewind = [this] { source_.reset(); };
        return out;
    }

private:
    std::size_t read(std::span<std::byte> buffer) {
        if (!source_) {
            source_ = open_();
            left_ = size_;
            if (offset_ > 0 && !source_->skip(offset_)) ended_early();
        }
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
        if (want == 0) return 0;
        const std::size_t got = source_->read(buffer.first(want));
        if (got == 0) ended_early();
        left_ -= got;
        // What is verified at its end must be read to its end, before the last byte leaves the house.
        if (left_ == 0 && offset_ + size_ == blob_size_) drain(*source_);
        return got;
    }

    [[noreturn]] static void ended_early() { throw Error(ErrorKind::integrity, "a blob ends before its size says so"); }

    const BlobOpener& open_;
    std::uint64_t offset_;
    std::uint64_t size_;
    std::uint64_t blob_size_;
    std::uint64_t left_ = 0;
    std::unique_ptr<ByteSource> source_;
};

class Upload {
public:
    Upload(RegistryClient& client, const Descriptor& blob, const BlobOpener& open)
        : client_(client), blob_(blob), open_(open) {}

    void run(const std::string& mount_from) {
        if (mount(mount_from)) return;
        for (unsigned restarts = 0;; ++restarts) {
            if (send_all()) return;
            if (restarts == kMaxRestarts) {
                throw Error(ErrorKind::fetch, "the registry loses what it is sent, again and again");
            }
            if (start({})) return;
        }
    }

private:
    RegistryCall upload_call(const std::string& method, const std::string& url) const {
        RegistryCall call;
        call.scope.action = RegistryAction::push;
        call.request.method = method;
        call.request.url = url;
        // A place to upload to is for one blob; whoever is sent elsewhere with it does not know by whom.
        call.request.follow_redirects = false;
        return call;
    }

    /// True when the blob is there afterwards. Else an upload has been begun.
    bool mount(const std::string& from) {
        if (from.empty()) return start({});
        try {
            return start(from);
        } catch (const Error& e) {
            // Who may not read the other repository may write to this one nevertheless.
            if (e.kind() != ErrorKind::fetch) throw;
            return start({});
        }
    }

    /// True when the blob is there already, by a mount.
    bool start(const std::string& mount_from) {
        std::string url = "blobs/uploads/";
        if (!mount_from.empty()) url += "?mount=" + blob_.digest.str() + "&from=" + mount_from;
        RegistryCall call = upload_call("POST", url);
        call.scope.mount_from = mount_from;
        const HttpResponse response = client_.call(call);
        if (response.status == 201) return true;
        if (response.status != 202) throw client_.refusal(call, response);
        scope_.mount_from = mount_from;
        next_ = client_.location(response, response.header("location"));
        sent_ = most_ = 0;
        const std::string least = response.header("oci-chunk-min-length");
        std::uint64_t bytes = 0;
        std::from_chars(least.data(), least.data() + least.size(), bytes);
        chunk_ = std::max(kChunkBytes, std::min(bytes, blob_.size));
        return false;
    }

    /// False when the upload must be begun anew.
    bool send_all() {
        unsigned failures = 0;
        for (;;) {
            const std::uint64_t before = sent_;
            const RegistryCall call = next_call();
            const std::uint64_t size = call.request.body ? call.request.body->size : 0;
            const bool closes = call.request.method == "PUT";
            const HttpResult result = client_.try_call(call);
            const long status = result.error != nullptr ? 0 : result.response.status;
            if (closes && (status == 201 || status == 204)) {
                check_name(result.response);
                return true;
            }
            if (!closes && (status == 202 || status == 204)) {
                take_over(result.response, before + size);
                failures = 0;
                continue;
            }
            if (closes && refuses_large_body(status)) {
                // A new upload: what became of this one nobody knows.
                by_chunks_ = true;
                return false;
            }
            // 416: we are not where the registry thinks that we are. 404: it has forgotten us.
            const bool is_lost = status == 416 || (status == 404 && failures > 0);
            const auto delay = retry_delay(client_.options().retry, ++failures, result);
            if (!delay && !(is_lost && failures <= client_.options().retry.retries)) {
                if (result.error != nullptr) std::rethrow_exception(result.error);
                throw client_.refusal(call, result.response);
            }
            if (delay) std::this_thread::sleep_for(*delay);
            if (!ask_how_much()) return false;
            if (sent_ >= most_ + kEarnsPatience) {
                most_ = sent_;
                failures = 0;
            }
        }
    }

    void check_name(const HttpResponse& response) const {
        const std::string named = response.header("docker-content-digest");
        if (!named.starts_with("sha256:") || named == blob_.digest.str()) return;
        throw Error(ErrorKind::integrity, "the registry has taken it for " + quote(named));
    }

    [[nodiscard]] bool refuses_large_body(long status) const {
        return !by_chunks_ && blob_.size > 0 && (status == 413 || status == 405 || status == 411 || status == 501);
    }

    RegistryCall next_call() {
        const std::uint64_t rest = blob_.size - sent_;
        const bool closes = !by_chunks_ || rest == 0;
        RegistryCall call = upload_call(closes ? "PUT" : "PATCH", closes ? closing_url() : next_);
        call.scope = scope_;
        call.scope.action = RegistryAction::push;
        const std::uint64_t size = closes ? rest : std::min(rest, chunk_);
        call.request.headers.push_back("Content-Type: application/octet-stream");
        if (size > 0 && (sent_ > 0 || !closes)) {
            call.request.headers.push_back("Content-Range: " + std::to_string(sent_) + "-" +
                                           std::to_string(sent_ + size - 1));
        }
        call.request.access.timeout_s = kPatienceSeconds;
        part_.emplace(open_, sent_, size, blob_.size);
        if (size > 0) call.request.body = part_->body();
        return call;
    }

    [[nodiscard]] std::string closing_url() const {
        return next_ + (next_.find('?') == std::string::npos ? "?" : "&") + "digest=" + blob_.digest.str();
    }

    /// After a chunk: where the next one goes. What the registry says that it has counts, not what was sent.
    void take_over(const HttpResponse& response, std::uint64_t expected) {
        if (const std::string to = response.header("location"); !to.empty()) next_ = client_.location(response, to);
        const auto has = end_of_range(response.header("range"));
        if (has && *has > expected) {
            throw Error(ErrorKind::fetch, "the registry says that it has more than it was sent");
        }
        if (has && *has <= sent_) throw Error(ErrorKind::fetch, "the registry takes a part and keeps nothing of it");
        if (has && *has < expected && ++short_parts_ > kMaxShortParts) {
            throw Error(ErrorKind::fetch, "the registry takes parts and keeps little of them");
        }
        sent_ = has.value_or(expected);
    }

    /// distribution-spec, "Pushing a blob in chunks": the status of an upload. False when it is gone.
    bool ask_how_much() {
        RegistryCall call = upload_call("GET", next_);
        call.scope = scope_;
        const HttpResponse response = client_.call(call);
        if (response.status != 204 && response.status != 200 && response.status != 202) return false;
        const auto has = end_of_range(response.header("range"));
        if (!has || *has > blob_.size) return false;
        if (const std::string to = response.header("location"); !to.empty()) next_ = client_.location(response, to);
        sent_ = *has;
        return true;
    }

    RegistryClient& client_;
    const Descriptor& blob_;
    const BlobOpener& open_;
    TokenScope scope_;
    std::string next_;  ///< where the rest goes
    std::uint64_t sent_ = 0;
    std::uint64_t most_ = 0;  ///< that the registry has ever said to have, when it earned something by it
    unsigned short_parts_ = 0;
    std::uint64_t chunk_ = kChunkBytes;
    bool by_chunks_ = false;
    std::optional<PartBody> part_;
};

}  // namespace

bool has_blob(RegistryClient& client, const Descriptor& blob) {
    RegistryCall call;
    call.request.method = "HEAD";
    call.request.url = "blobs/" + blob.digest.str();
    const HttpResponse response = client.call(call);
    if (response.status == 404) return false;
    if (!response.ok()) throw client.refusal(call, response);
    const std::string length = response.header("content-length");
    return length.empty() || length == std::to_string(blob.size);
}

void put_blob(RegistryClient& client, const Descriptor& blob, const BlobOpener& open, const std::string& mount_from) {
    while_doing([&] { return "writing blob " + blob.digest.str() + " of " + quote(client.name()); },
                [&] { Upload(client, blob, open).run(mount_from); });
}

}  // namespace smith::ocilayout
