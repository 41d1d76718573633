// SPDX-License-Identifier: Apache-2.0
//
// Real packages for tests: built by rpmbuild from a few lines of spec, signed by gpg with keys of their own.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "resolver/keyring.h"
#include "tests/unit/resolver/support.h"

namespace smith::test {

/// False, with a warning, where rpmbuild, rpmsign or gpg is not installed.
[[nodiscard]] bool can_build_rpms();

struct RpmSpec {
    std::string name = "thing";
    std::string payload = "w3.zstdio";  ///< %_binary_payload
    std::string tags;                   ///< more lines of the preamble
    std::string install;                ///< shell; files go below $R
    std::string files;                  ///< the %files section
    std::string rest;                   ///< scriptlets
};

/// Builds NAME-1-1.noarch.rpm in `dir` and returns its path.
[[nodiscard]] std::filesystem::path build_rpm(const std::filesystem::path& dir, const RpmSpec& spec);

/// A package with "/d/a", which holds "same" and a line feed, in a payload that is stored as it is.
[[nodiscard]] RpmSpec one_file();

/// Path to text, of all regular files that `file` unpacks to.
[[nodiscard]] std::map<std::string, std::string> contents_of(const std::filesystem::path& file);

[[nodiscard]] resolver::Keyring keyring_of(const std::string& key);

/// A GnuPG home with one key without a passphrase.
class GpgHome {
public:
    /// `at`: the time that gpg believes in while it makes the key, such as "20200101T000000"; "" is now.
    explicit GpgHome(const std::string& algorithm = "ed25519", const std::string& at = "");
    GpgHome(const GpgHome&) = delete;
    GpgHome& operator=(const GpgHome&) = delete;
    ~GpgHome();

    [[nodiscard]] std::string public_key() const;
    [[nodiscard]] std::string public_key_binary() const;
    void sign_rpm(const std::filesystem::path& file, const std::string& digest = "sha256") const;
    /// Writes `file`.asc.
    void sign_detached(const std::filesystem::path& file) const;
    /// A binary signature packet over `bytes`. `options`: more of gpg's.
    [[nodiscard]] std::string signature_of(const std::string& bytes, const std::string& at = "",
                                           const std::string& options = "") const;
    /// `usage`: what gpg calls it, "sign" or "encrypt".
    void add_subkey(const std::string& algorithm = "rsa2048", const std::string& usage = "sign",
                    const std::string& at = "") const;
    void revoke_subkey() const;
    void change_subkey_usage_to_encrypt() const;
    void revoke() const;
    /// As if the owner had decided so at time `at`.
    /// `which`: "" for the primary key, '*' for its subkeys.
    void expire(const std::string& at, const std::string& after, const std::string& which = "") const;

private:
    [[nodiscard]] std::string gpg(const std::string& at = "") const;
    [[nodiscard]] std::string fingerprint() const;
    void edit_key(const std::string& commands) const;
    TempDir home_;
};

}  // namespace smith::test
