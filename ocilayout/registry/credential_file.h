// SPDX-License-Identifier: Apache-2.0
//
// Files of registry credentials: containers-auth.json(5), and docker's config.json and .dockercfg, which are nearly the
// same. Passwords are in there as they are (base64 hides nothing), so that nothing of a file but names reaches a
// message.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace smith::ocilayout {

/// A user with a password, or an identity token (an OAuth2 refresh token), which goes to the token server alone.
struct Credential {
    Secret username;
    Secret password;
    Secret identity_token;

    [[nodiscard]] bool empty() const { return username.empty() && password.empty() && identity_token.empty(); }
    bool operator==(const Credential&) const = default;
};

struct CredentialFile {
    std::map<std::string, Credential> auths;          ///< by registry, by path below it, or by a URL of old
    std::map<std::string, std::string> cred_helpers;  ///< by registry
    std::string creds_store;                          ///< the helper of all others
};

/// Throws Error (format), which names the key and nothing that stands there. An entry whose name or type nobody knows
/// is skipped. `legacy`: .dockercfg, which has the entries and nothing around them.
[[nodiscard]] CredentialFile parse_credential_file(std::string_view text, bool legacy = false);

/// The entry for "HOST/REPOSITORY": of the longest path that has one, then the host's, then one of docker's spellings
/// of it ("https://HOST/v1/", "https://index.docker.io/v1/"). Null when there is none, or an empty one.
[[nodiscard]] const Credential* find_credential(const CredentialFile& file, std::string_view host,
                                                std::string_view repository);

/// `text` (empty: a new file) with the entry for `host` set, or taken away when `credential` is empty; everything else
/// is as it was. Nothing when there is no such entry to take away. Throws Error (format).
[[nodiscard]] std::optional<std::string> edit_credential_file(std::string_view text, const std::string& host,
                                                              const Credential& credential);

/// "USER:PASSWORD" (RFC 7617): what follows "Basic ", in base64.
[[nodiscard]] std::string basic_credentials(const Credential& credential);

/// base64 of RFC 4648; nothing for what is none.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace smith::ocilayout
