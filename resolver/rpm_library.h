// SPDX-License-Identifier: Apache-2.0
//
// librpm, kept in its place: the handles, what it would have printed, and the keyring that packages and repomd.xml are
// verified with. Only keyring.cc and rpm_package.cc include this. librpm's configuration files, macros and database are
// never read, so the host's settings decide nothing.
#pragma once

#include <rpm/header.h>
#include <rpm/rpmfi.h>
#include <rpm/rpmfiles.h>
#include <rpm/rpmio.h>
#include <rpm/rpmkeyring.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmpgp.h>
#include <rpm/rpmts.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/handle.h"
#include "resolver/keyring.h"
#include "resolver/openpgp.h"
#include "resolver/rpm_layout.h"

namespace smith::resolver {

/// Once per process: the crypto library, and nobody but us hears what librpm has to say.
void init_rpm();

/// What librpm logs on this thread during its life.
class RpmLog {
public:
    RpmLog();
    RpmLog(const RpmLog&) = delete;
    RpmLog& operator=(const RpmLog&) = delete;
    ~RpmLog();
    /// Its messages in one line; "" when there were none.
    [[nodiscard]] static std::string text();
};

using RpmHeaderHandle = std::unique_ptr<headerToken_s, FreeWith<headerFree>>;
using RpmFilesHandle = std::unique_ptr<rpmfiles_s, FreeWith<rpmfilesFree>>;
using RpmFiHandle = std::unique_ptr<rpmfi_s, FreeWith<rpmfiFree>>;
using RpmFdHandle = std::unique_ptr<_FD_s, FreeWith<Fclose>>;
using RpmTsHandle = std::unique_ptr<rpmts_s, FreeWith<rpmtsFree>>;
using RpmKeyringHandle = std::unique_ptr<rpmKeyring_s, FreeWith<rpmKeyringFree>>;
using RpmPubkeyHandle = std::unique_ptr<rpmPubkey_s, FreeWith<rpmPubkeyFree>>;
using PgpParams = std::unique_ptr<pgpDigParams_s, FreeWith<pgpDigParamsFree>>;

struct Keyring::State {
    RpmKeyringHandle handle;
    std::map<std::string, OpenPgpKey> keys;  // by id
};

/// Gives all bytes that are signed, in pieces.
using SignedBytes = std::function<void(const TakeBytes& take)>;

/// Throws Error (integrity) unless `packet` is one signature over `bytes` by a key of `keyring`, and may count: the key
/// is not revoked and was valid when it signed; the digest still holds. Returns the key's id, 16 hexadecimal digits.
[[nodiscard]] std::string verify_signature(const Keyring::State& keyring, std::span<const std::uint8_t> packet,
                                           const SignedBytes& bytes);

}  // namespace smith::resolver
