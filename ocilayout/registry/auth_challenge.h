// SPDX-License-Identifier: Apache-2.0
//
// What a server says about who may ask it: WWW-Authenticate (RFC 9110, "Authentication Challenges"). Several challenges
// may stand in one field, and commas separate them as well as their parameters.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace smith::ocilayout {

struct AuthChallenge {
    std::string scheme;                         ///< in lower case: "bearer", "basic"
    std::map<std::string, std::string> params;  ///< names in lower case; of a name that comes twice, the first
    std::string token68;                        ///< of schemes like Negotiate

    bool operator==(const AuthChallenge&) const = default;
    /// "" when there is no such parameter.
    [[nodiscard]] std::string param(const std::string& name) const;
};

/// Never fails: what can't be understood is left out. At most 16 challenges of 32 parameters.
[[nodiscard]] std::vector<AuthChallenge> parse_challenges(std::string_view value);

/// As a server would send it; parse_challenges() of it gives `challenges` again.
[[nodiscard]] std::string print_challenges(const std::vector<AuthChallenge>& challenges);

/// The first challenge of a scheme, given in lower case; null when there is none.
[[nodiscard]] const AuthChallenge* find_challenge(const std::vector<AuthChallenge>& challenges,
                                                  std::string_view scheme);

}  // namespace smith::ocilayout
