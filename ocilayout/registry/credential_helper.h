// SPDX-License-Identifier: Apache-2.0
//
// Programs that keep credentials: docker-credential-NAME (docker/docker-credential-helpers). They get the server's name
// on standard input and answer with JSON; nothing secret is on a command line.
#pragma once

#include <optional>
#include <string>

#include "ocilayout/registry/credential_file.h"

namespace smith::ocilayout {

/// A name that can't become anything but a program "docker-credential-NAME" of PATH: [A-Za-z0-9_-]+.
[[nodiscard]] bool is_helper_name(std::string_view name);

/// What the helper has for `server`; nothing when it has nothing. Throws Error: spec, for a name that is none; system,
/// when it can't be run; format, for an answer that is none. No message holds what it printed on standard output.
[[nodiscard]] std::optional<Credential> ask_helper(const std::string& name, const std::string& server);

/// Lets it keep `credential` for `server`. Throws likewise.
void store_in_helper(const std::string& name, const std::string& server, const Credential& credential);

/// Lets it forget. False when it had nothing. Throws likewise.
bool erase_from_helper(const std::string& name, const std::string& server);

}  // namespace smith::ocilayout
