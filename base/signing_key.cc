// SPDX-License-Identifier: Apache-2.0
#include "base/signing_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <openssl/x509.h>
#include <utility>
#include <vector>

#include "base/bounds.h"
#include "base/cosign_key.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/pkcs11_key.h"

namespace smith {

namespace {

constexpr std::string_view kEnvironmentPrefix = "env://";

using Bio = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;

KeyHandle own(EVP_PKEY* key) { return KeyHandle(key, EVP_PKEY_free); }

Bio bio_of(std::string_view text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

bool is_p256(const EVP_PKEY* key) {
    std::array<char, 64> group{};
    std::size_t length = 0;
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), &length) == 1 &&
           (std::string_view(group.data(), length) == SN_X9_62_prime256v1 ||
            std::string_view(group.data(), length) == "P-256");
}

KeyHandle checked_kind(KeyHandle key) {
    const int kind = EVP_PKEY_get_base_id(key.get());
    if (kind == EVP_PKEY_ED25519 || (kind == EVP_PKEY_EC && is_p256(key.get()))) return key;
    throw Error(ErrorKind::format, "the key is neither ECDSA on P-256 nor Ed25519");
}

/// How OpenSSL asks for a passphrase. It remembers that it was asked.
struct Asked {
    const Secret* passphrase;
    bool was_asked = false;
};

extern "C" int give_passphrase(char* buffer, int size, int /*writing*/, void* data) {
    auto* asked = static_cast<Asked*>(data);
    asked->was_asked = true;
    const std::string& text = asked->passphrase->reveal();
    if (text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(buffer, text.data(), text.size());
    return static_cast<int>(text.size());
}

[[noreturn]] void refuse_passphrase(const Secret& passphrase) {
    throw Error(ErrorKind::usage, passphrase.empty()
                                      ? "the key is encrypted; SMITH_KEY_PASSWORD in the environment says with what"
                                      : "the passphrase in the environment does not open the key");
}

/// A key file is a page of text.
std::string text_of(const std::string& name) {
    if (!name.starts_with(kEnvironmentPrefix)) return read_file(name, limits::kMaxKeyBytes);
    const std::string variable = name.substr(kEnvironmentPrefix.size());
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) throw Error(ErrorKind::usage, "the variable " + quote(variable) + " is not set");
    return value;
}

}  // namespace

PublicKey PublicKey::from_pem(std::string_view pem) {
    Bio bio = bio_of(pem);
    if (EVP_PKEY* key = PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr); key != nullptr) {
        return PublicKey(checked_kind(own(key)));
    }
    ERR_clear_error();
    bio = bio_of(pem);
    const Secret none;
    Asked asked{&none};
    if (EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase, &asked); key != nullptr) {
        return PublicKey(checked_kind(own(key)));
    }
    ERR_clear_error();
    throw Error(ErrorKind::format, "there is no public key in it, as PEM");
}

PublicKey PublicKey::load(const std::string& name) {
    return while_doing([&] { return "reading the key " + quote(name); },
                       [&] {
                           if (is_pkcs11_uri(name)) return PublicKey(checked_kind(own(load_pkcs11_public_key(name))));
                           return from_pem(text_of(name));
                       });
}

bool PublicKey::verify(std::string_view message, std::string_view signature) const {
    const MdContext context(EVP_MD_CTX_new());
    const bool is_ed25519 = EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_ED25519;
    const EVP_MD* digest = is_ed25519 ? nullptr : EVP_sha256();
    const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
    const auto* signed_bytes = reinterpret_cast<const unsigned char*>(signature.data());
    const bool valid = context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
                       EVP_DigestVerify(context.get(), signed_bytes, signature.size(), bytes, message.size()) == 1;
    ERR_clear_error();
    return valid;
}

std::string PublicKey::pem() const {
    const Bio bio(BIO_new(BIO_s_mem()));
    char* data = nullptr;
    if (!bio || PEM_write_bio_PUBKEY(bio.get(), key_.get()) != 1) {
        throw Error(ErrorKind::system, "OpenSSL can't write a public key");
    }
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

PrivateKey PrivateKey::from_pem(std::string_view pem, const Secret& passphrase) {
    if (is_cosign_key(pem)) {
        const std::optional<std::string> der = open_cosign_key(pem, passphrase);
        if (!der) refuse_passphrase(passphrase);
        const auto* at = reinterpret_cast<const unsigned char*>(der->data());
        EVP_PKEY* key = d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der->size()));
        if (key == nullptr) throw Error(ErrorKind::format, "what was encrypted in the key file is not a key");
        return PrivateKey(checked_kind(own(key)));
    }
    const Bio bio = bio_of(pem);
    Asked asked{&passphrase};
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase, &asked);
    ERR_clear_error();
    if (key != nullptr) return PrivateKey(checked_kind(own(key)));
    if (asked.was_asked) refuse_passphrase(passphrase);
    throw Error(ErrorKind::format, "there is no private key in it, as PEM");
}

PrivateKey PrivateKey::load(const std::string& name, const Secret& passphrase) {
    return while_doing([&] { return "reading the key " + quote(name); },
                       [&] {
                           if (is_pkcs11_uri(name)) {
                               return PrivateKey(checked_kind(own(load_pkcs11_private_key(name, passphrase))));
                           }
                           return from_pem(text_of(name), passphrase);
                       });
}

std::string PrivateKey::sign(std::string_view message) const {
    const MdContext context(EVP_MD_CTX_new());
    const bool is_ed25519 = EVP_PKEY_get_base_id(key_.get()) == EVP_PKEY_ED25519;
    const EVP_MD* digest = is_ed25519 ? nullptr : EVP_sha256();
    const auto* bytes = reinterpret_cast<const unsigned char*>(message.data());
    std::size_t size = 0;
    std::string out;
    bool done = context && EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
                EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) == 1;
    if (done) {
        out.resize(size);
        done = EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size, bytes,
                              message.size()) == 1;
    }
    if (!done) {
        std::array<char, 256> why{};
        ERR_error_string_n(ERR_get_error(), why.data(), why.size());
        ERR_clear_error();
        throw Error(ErrorKind::system, "the key does not sign: " + escaped(why.data()));
    }
    out.resize(size);
    return out;
}

std::string to_base64(std::string_view bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::string from_base64(std::string_view text) {
    const std::size_t end = text.find_last_not_of('=') + 1;
    const std::size_t padding = text.size() - std::min(end, text.size());
    const std::string_view digits = text.substr(0, end);
    const bool is_base64 = std::ranges::all_of(digits, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    });
    if (text.size() % 4 != 0 || padding > 2 || !is_base64) throw Error(ErrorKind::format, "it is not base64");
    std::string out(text.size() / 4 * 3, '\0');
    const int size =
        EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    if (size < 0) throw Error(ErrorKind::format, "it is not base64");
    out.resize(static_cast<std::size_t>(size) - padding);
    return out;
}

}  // namespace smith
