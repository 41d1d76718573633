// SPDX-License-Identifier: Apache-2.0

// Engines are deprecated, and in Debian 12 the only way to a token.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/pkcs11_key.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/store.h>
#include <openssl/ui.h>

#include <memory>

#include "base/error.h"
#include "base/handle.h"

namespace smith {

namespace {

using Store = std::unique_ptr<OSSL_STORE_CTX, FreeWith<OSSL_STORE_close>>;

/// Through a provider; null when none knows the URI.
EVP_PKEY* from_store(const std::string& uri, int wanted) {
    const Store store(OSSL_STORE_open(uri.c_str(), nullptr, nullptr, nullptr, nullptr));
    EVP_PKEY* out = nullptr;
    while (store && out == nullptr && OSSL_STORE_eof(store.get()) == 0) {
        OSSL_STORE_INFO* info = OSSL_STORE_load(store.get());
        if (info == nullptr) break;
        if (OSSL_STORE_INFO_get_type(info) == wanted) {
            out = wanted == OSSL_STORE_INFO_PKEY ? OSSL_STORE_INFO_get1_PKEY(info) : OSSL_STORE_INFO_get1_PUBKEY(info);
        }
        OSSL_STORE_INFO_free(info);
    }
    ERR_clear_error();
    return out;
}

#ifndef OPENSSL_NO_ENGINE
struct EngineUse {
    ENGINE* engine = nullptr;
    bool is_running = false;
    EngineUse() {
        ENGINE_load_dynamic();
        engine = ENGINE_by_id("pkcs11");
        is_running = engine != nullptr && ENGINE_init(engine) == 1;
        ERR_clear_error();
    }
    EngineUse(const EngineUse&) = delete;
    EngineUse& operator=(const EngineUse&) = delete;
    ~EngineUse() {
        if (is_running) static_cast<void>(ENGINE_finish(engine));
        if (engine != nullptr) static_cast<void>(ENGINE_free(engine));
    }
};

EVP_PKEY* from_engine(const std::string& uri, const Secret& pin, bool is_private) {
    const EngineUse use;
    if (!use.is_running) {
        throw Error(ErrorKind::usage,
                    "there is neither an OpenSSL provider nor the engine 'pkcs11' to reach tokens by; the engine is in "
                    "Debian's libengine-pkcs11-openssl");
    }
    const bool has_pin = !pin.empty() && uri.find("pin-value=") == std::string::npos;
    if (has_pin) static_cast<void>(ENGINE_ctrl_cmd_string(use.engine, "PIN", pin.reveal().c_str(), 0));
    EVP_PKEY* key = is_private ? ENGINE_load_private_key(use.engine, uri.c_str(), nullptr, nullptr)
                               : ENGINE_load_public_key(use.engine, uri.c_str(), nullptr, nullptr);
    ERR_clear_error();
    if (key == nullptr) {
        throw Error(ErrorKind::usage, "no token has that key; SMITH_KEY_PASSWORD is the PIN where one is needed");
    }
    return key;
}
#else
EVP_PKEY* from_engine(const std::string& /*uri*/, const Secret& /*pin*/, bool /*is_private*/) {
    throw Error(ErrorKind::usage, "no OpenSSL provider knows PKCS#11 URIs here");
}
#endif

}  // namespace

bool is_pkcs11_uri(std::string_view name) { return name.starts_with("pkcs11:"); }

evp_pkey_st* load_pkcs11_private_key(const std::string& uri, const Secret& pin) {
    if (EVP_PKEY* key = from_store(uri, OSSL_STORE_INFO_PKEY); key != nullptr) return key;
    return from_engine(uri, pin, true);
}

evp_pkey_st* load_pkcs11_public_key(const std::string& uri) {
    if (EVP_PKEY* key = from_store(uri, OSSL_STORE_INFO_PUBKEY); key != nullptr) return key;
    return from_engine(uri, Secret(), false);
}

}  // namespace smith
