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

#include <map>
#include <memory>
#include <string>

#include "base/handle.h"
#include "resolver/keyring.h"
#include "resolver/openpgp.h"

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

/// The parameters of one OpenPGP signature packet. Throws Error (integrity).
[[nodiscard]] PgpParams read_signature(const std::uint8_t* packet, std::size_t size);

/// The id of the key that `signature` says it is by, 16 hexadecimal digits.
[[nodiscard]] std::string signer_of(const PgpParams& signature);

/// Throws Error (integrity) unless a signature with these parameters may count: the key is in `keyring`, not revoked,
/// and was valid when it signed; the digest still holds. Whether the signature is right is another question.
void check_signature_policy(const Keyring::State& keyring, const PgpParams& signature);

}  // namespace smith::resolver
