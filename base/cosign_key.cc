// SPDX-License-Identifier: Apache-2.0
#include "base/cosign_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/handle.h"
#include "base/json.h"
#include "base/signing_key.h"
#ifdef SMITH_HAS_SODIUM
#include <sodium.h>
#endif

namespace smith {

namespace {

using nlohmann::json;

// cosign's go from 2^15 to 2^17 with r = 8: at most 128 MiB.
constexpr std::uint64_t kMaxScryptBytes = std::uint64_t{256} * 1024 * 1024;

constexpr std::array<std::string_view, 2> kNames = {"ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY"};

/// The JSON inside of the PEM.
std::string body_of(std::string_view pem) {
    const std::unique_ptr<BIO, FreeWith<BIO_free>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    const int read = PEM_read_bio(bio.get(), &name, &header, &data, &size);
    ERR_clear_error();
    if (read != 1) throw Error(ErrorKind::format, "its PEM is damaged");
    std::string out(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    return out;
}

struct Sealed {
    std::uint64_t n = 0, r = 0, p = 0;
    std::string salt, nonce, ciphertext;
};

Sealed parse(const std::string& text) {
    try {
        const json document = parse_json(text);
        const json& kdf = document.at("kdf");
        const json& cipher = document.at("cipher");
        if (kdf.at("name") != "scrypt" || cipher.at("name") != "nacl/secretbox") {
            throw Error(ErrorKind::format, "it is encrypted in a way that is not known");
        }
        const json& params = kdf.at("params");
        return {params.at("N").get<std::uint64_t>(),
                params.at("r").get<std::uint64_t>(),
                params.at("p").get<std::uint64_t>(),
                from_base64(kdf.at("salt").get<std::string>()),
                from_base64(cipher.at("nonce").get<std::string>()),
                from_base64(document.at("ciphertext").get<std::string>())};
    } catch (const json::exception&) {
        throw Error(ErrorKind::format, "it is not a key of cosign's");
    }
}

std::array<unsigned char, 32> derive(const Sealed& sealed, const Secret& passphrase) {
    std::array<unsigned char, 32> key{};
    const std::string& text = passphrase.reveal();
    const bool done =
        EVP_PBE_scrypt(text.data(), text.size(), reinterpret_cast<const unsigned char*>(sealed.salt.data()),
                       sealed.salt.size(), sealed.n, sealed.r, sealed.p, kMaxScryptBytes, key.data(), key.size()) == 1;
    ERR_clear_error();
    if (!done)
        throw Error(ErrorKind::format, "its scrypt parameters are none, or want more memory than is given to them");
    return key;
}

}  // namespace

bool is_cosign_key(std::string_view pem) {
    for (const std::string_view name : kNames) {
        if (pem.find("-----BEGIN " + std::string(name) + "-----") != std::string_view::npos) return true;
    }
    return false;
}

std::optional<std::string> open_cosign_key(std::string_view pem, const Secret& passphrase) {
#ifdef SMITH_HAS_SODIUM
    const Sealed sealed = parse(body_of(pem));
    const bool has_room =
        sealed.nonce.size() == crypto_secretbox_NONCEBYTES && sealed.ciphertext.size() >= crypto_secretbox_MACBYTES;
    if (!has_room) throw Error(ErrorKind::format, "it is not a key of cosign's");
    const std::array<unsigned char, 32> key = derive(sealed, passphrase);
    std::string out(sealed.ciphertext.size() - crypto_secretbox_MACBYTES, '\0');
    const int opened = crypto_secretbox_open_easy(
        reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(sealed.ciphertext.data()),
        sealed.ciphertext.size(), reinterpret_cast<const unsigned char*>(sealed.nonce.data()), key.data());
    if (opened != 0) return std::nullopt;
    return out;
#else
    static_cast<void>(pem);
    static_cast<void>(passphrase);
    throw Error(ErrorKind::usage,
                "this smith was built without libsodium, which opens cosign's key files; "
                "'openssl pkcs8' writes a key that it reads");
#endif
}

}  // namespace smith
