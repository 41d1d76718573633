// SPDX-License-Identifier: Apache-2.0
//
// Fuzzes OpenPGP keys, armored and not. Agreement: certificates lie in the bytes that were given, and a keyring takes
// only what our own reader understands too.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "base/error.h"
#include "resolver/keyring.h"
#include "resolver/openpgp.h"

using namespace smith;
using namespace smith::resolver;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    bool readable = true;
    try {
        for (const auto& block : dearmor(text, "PUBLIC KEY BLOCK")) {
            for (const OpenPgpCertificate& certificate : read_certificates(block)) {
                const auto* begin = certificate.packets.data();
                if (begin < block.data() || begin + certificate.packets.size() > block.data() + block.size())
                    std::abort();
                if (certificate.keys.empty() || certificate.keys.front().id.size() != 16) std::abort();
            }
        }
    } catch (const Error&) {
        readable = false;
    }
    try {
        Keyring keyring;
        keyring.add(text, "fuzz");
        if (!readable) std::abort();
        keyring.verify_detached("data", text);
        std::abort();
    } catch (const Error&) {
        // Nearly always.
    }
    return 0;
}
