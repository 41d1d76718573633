// SPDX-License-Identifier: Apache-2.0
#include "resolver/keyring.h"

#include <rpm/rpmcrypto.h>
#include <rpm/rpmlog.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include "base/atomic_file.h"
#include "base/bounds.h"
#include "base/cache_directory.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/fd.h"
#include "resolver/download.h"
#include "resolver/rpm_library.h"

namespace smith::resolver {

namespace {

thread_local RpmLog* current_log = nullptr;
thread_local std::string log_text;

int on_log(rpmlogRec record, rpmlogCallbackData) noexcept {
    if (current_log == nullptr || rpmlogRecPriority(record) > RPMLOG_WARNING) return 0;
    try {
        std::string line = rpmlogRecMessage(record);
        while (!line.empty() && line.back() == '\n') line.pop_back();
        for (char& c : line) {
            if (static_cast<unsigned char>(c) < 0x20U) c = ' ';
        }
        if (!log_text.empty()) log_text += "; ";
        log_text += line;
    } catch (...) {  // out of memory: the message is lost, the failure that it explains is not
    }
    return 0;
}

using DigestHandle =
    std::unique_ptr<std::remove_pointer_t<DIGEST_CTX>,
                    decltype([](DIGEST_CTX ctx) { static_cast<void>(rpmDigestFinal(ctx, nullptr, nullptr, 0)); })>;

std::span<const std::uint8_t> as_octets(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

void add_subkeys(rpmKeyring keyring, rpmPubkey main_key) {
    int count = 0;
    rpmPubkey* subkeys = rpmGetSubkeys(main_key, &count);
    for (int i = 0; i < count; ++i) {
        const RpmPubkeyHandle subkey(subkeys[i]);
        static_cast<void>(rpmKeyringAddKey(keyring, subkey.get()));
    }
    std::free(subkeys);
}

void add_certificates(Keyring::State& state, std::span<const std::byte> packets) {
    for (const OpenPgpCertificate& certificate : read_certificates(packets)) {
        const auto octets = as_octets(certificate.packets);
        const RpmPubkeyHandle key(rpmPubkeyNew(octets.data(), octets.size()));
        if (!key) throw Error(ErrorKind::format, "librpm cannot use key " + quote(certificate.keys.front().id));
        static_cast<void>(rpmKeyringAddKey(state.handle.get(), key.get()));  // 1: it is there already
        add_subkeys(state.handle.get(), key.get());
        for (const OpenPgpKey& one : certificate.keys) {
            OpenPgpKey& held = state.keys[one.id];
            // A copy of a key from before its revocation does not take that back.
            const bool revoked = held.revoked || one.revoked;
            held = one;
            held.revoked = revoked;
        }
    }
}

std::filesystem::path cached_key(const std::string& url, const std::filesystem::path& cache_dir) {
    return cache_dir / "keys" / sha256(url).hex();
}

/// From the network into the cache.
std::string fetch_key(const std::string& url, const std::filesystem::path& cache_dir, const HttpAccess& access,
                      HttpClient& http) {
    std::string key = read_url(url, limits::kMaxKeyBytes, access, http);
    // A page that says sorry is not kept in a key's place.
    Keyring().add(key, redact_url(url));
    const std::filesystem::path cached = cached_key(url, cache_dir);
    make_cache_directory(cached.parent_path());
    write_file_atomically(cached, key);
    return key;
}

std::string read_key(const std::string& url, const std::filesystem::path& cache_dir, bool offline,
                     const HttpAccess& access, HttpClient& http) {
    if (local_path(url)) return read_url(url, limits::kMaxKeyBytes, access, http);
    const std::filesystem::path cached = cached_key(url, cache_dir);
    if (std::filesystem::exists(cached)) return read_file(cached, limits::kMaxKeyBytes);
    if (offline) {
        throw Error(ErrorKind::fetch, quote(redact_url(url)) + " is not cached, and --offline forbids to fetch it");
    }
    return fetch_key(url, cache_dir, access, http);
}

PgpParams read_signature(std::span<const std::uint8_t> packet) {
    pgpDigParams params = nullptr;
    const int rc = pgpPrtParams(packet.data(), packet.size(), PGPTAG_SIGNATURE, &params);
    PgpParams out(params);
    if (rc != 0 || !out) throw Error(ErrorKind::integrity, "the signature is damaged");
    return out;
}

std::string signer_of(const PgpParams& signature) {
    const std::uint8_t* id = pgpDigParamsSignID(signature.get());
    return id == nullptr ? std::string() : to_hex(std::span(id, PGP_KEYID_LEN));
}

void check_signature_policy(const Keyring::State& keyring, const PgpParams& signature) {
    const std::string id = signer_of(signature);
    const auto found = keyring.keys.find(id);
    if (found == keyring.keys.end()) {
        throw Error(ErrorKind::integrity, "it is signed with key " + id + ", which is not among the gpgkeys");
    }
    const OpenPgpKey& key = found->second;
    const std::uint32_t signed_at = pgpDigParamsCreationTime(signature.get());
    if (key.revoked) throw Error(ErrorKind::integrity, "it is signed with key " + id + ", which was revoked");
    // Compared with the time of the signature, not with today's: what could be built stays buildable.
    if (key.expires && signed_at >= *key.expires) {
        throw Error(ErrorKind::integrity, "it is signed with key " + id + " after that had expired");
    }
    if (signed_at < key.created) {
        throw Error(ErrorKind::integrity, "it is signed with key " + id + " before that was made");
    }
    switch (pgpDigParamsAlgo(signature.get(), PGPVAL_HASHALGO)) {
        case PGPHASHALGO_SHA256:
        case PGPHASHALGO_SHA384:
        case PGPHASHALGO_SHA512:
        case PGPHASHALGO_SHA224: return;
        default:
            throw Error(ErrorKind::integrity, "the signature uses a digest that can be forged (MD5, SHA-1 or older)");
    }
}

}  // namespace

void init_rpm() {
    static std::once_flag once;
    std::call_once(once, [] {
        static_cast<void>(rpmInitCrypto());
        static_cast<void>(rpmlogSetCallback(&on_log, nullptr));
    });
}

RpmLog::RpmLog() {
    init_rpm();
    log_text.clear();
    current_log = this;
}
RpmLog::~RpmLog() { current_log = nullptr; }
std::string RpmLog::text() { return log_text; }

std::string verify_signature(const Keyring::State& keyring, std::span<const std::uint8_t> packet,
                             const SignedBytes& bytes) {
    const PgpParams params = read_signature(packet);
    check_signature_policy(keyring, params);
    if (pgpSignatureType(params.get()) != PGPSIGTYPE_BINARY) {
        throw Error(ErrorKind::integrity, "the signature is not one over a document");
    }
    const DigestHandle digest(
        rpmDigestInit(static_cast<int>(pgpDigParamsAlgo(params.get(), PGPVAL_HASHALGO)), RPMDIGEST_NONE));
    if (!digest) throw Error(ErrorKind::integrity, "the signature uses an unknown digest");
    bytes([&](std::span<const std::byte> part) {
        static_cast<void>(rpmDigestUpdate(digest.get(), part.data(), part.size()));
    });
    if (rpmKeyringVerifySig(keyring.handle.get(), params.get(), digest.get()) != RPMRC_OK) {
        throw Error(ErrorKind::integrity, "the signature by key " + signer_of(params) + " does not fit");
    }
    return signer_of(params);
}

Keyring::Keyring() : state_(std::make_shared<State>()) {
    init_rpm();
    state_->handle.reset(rpmKeyringNew());
    if (!state_->handle) throw Error(ErrorKind::system, "librpm: out of memory");
}

void Keyring::add(std::string_view bytes, const std::string& source) {
    const auto doing = [&] { return "reading keys from " + quote(source); };
    while_doing(doing, [&] {
        const RpmLog log;
        const auto blocks = dearmor(bytes, "PUBLIC KEY BLOCK");
        if (blocks.empty()) throw Error(ErrorKind::format, "there is no OpenPGP public key in it");
        for (const std::vector<std::byte>& block : blocks) add_certificates(*state_, block);
    });
}

bool Keyring::empty() const { return state_->keys.empty(); }

void Keyring::verify_detached(std::string_view data, std::string_view signature) const {
    const RpmLog log;
    std::vector<std::vector<std::byte>> blocks;
    try {
        blocks = dearmor(signature, "SIGNATURE");
    } catch (const Error& e) {
        throw Error(ErrorKind::integrity, "reading the signature: " + e.message());
    }
    if (blocks.size() != 1) throw Error(ErrorKind::integrity, "there is not exactly one signature");
    const SignedBytes bytes = [&](const TakeBytes& take) { take(as_bytes(data)); };
    static_cast<void>(verify_signature(*state_, as_octets(blocks.front()), bytes));
}

std::vector<std::string> read_keys(const RepoConfig& config, const std::filesystem::path& cache_dir, bool offline,
                                   HttpClient& http) {
    const HttpAccess access = access_of(config);
    std::vector<std::string> out;
    for (const std::string& url : config.gpgkeys) out.push_back(read_key(url, cache_dir, offline, access, http));
    return out;
}

void refresh_keys(const std::vector<RepoConfig>& repos, const std::filesystem::path& cache_dir, HttpClient& http,
                  Reporter& reporter) {
    for (const RepoConfig& repo : repos) {
        if (!repo.enabled || !(repo.gpgcheck || repo.repo_gpgcheck)) continue;
        for (const std::string& url : repo.gpgkeys) {
            if (local_path(url)) continue;
            try {
                static_cast<void>(fetch_key(url, cache_dir, access_of(repo), http));
            } catch (const Error& e) {
                // Whoever needs it and has none will say so.
                if (!std::filesystem::exists(cached_key(url, cache_dir))) continue;
                reporter.warn("repository " + quote(repo.id) + ": " + e.message() +
                              ", ignoring: its key is taken as it was fetched before");
            }
        }
    }
}

Keyring load_keyring(const RepoConfig& config, const std::filesystem::path& cache_dir, bool offline, HttpClient& http) {
    const auto doing = [&] { return "loading the keys of repository " + quote(config.id); };
    return while_doing(doing, [&] {
        Keyring keyring;
        const std::vector<std::string> keys = read_keys(config, cache_dir, offline, http);
        for (std::size_t i = 0; i < keys.size(); ++i) keyring.add(keys[i], redact_url(config.gpgkeys[i]));
        if (keyring.empty()) {
            throw Error(ErrorKind::integrity,
                        "signatures are to be checked, and there is no gpgkey to check them "
                        "with; add one, or say gpgcheck: false");
        }
        return keyring;
    });
}

Keyrings load_keyrings(const std::vector<RepoConfig>& repos, const std::filesystem::path& cache_dir, bool offline,
                       HttpClient& http) {
    Keyrings out;
    for (const RepoConfig& repo : repos) {
        if (!repo.enabled) continue;
        std::optional<Keyring>& keyring = out[repo.id];
        if (repo.gpgcheck) keyring = load_keyring(repo, cache_dir, offline, http);
    }
    return out;
}

}  // namespace smith::resolver
