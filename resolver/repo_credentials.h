// SPDX-License-Identifier: Apache-2.0
//
// Users and passwords of repositories that stand in no configuration: from the environment, and from netrc.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/reporter.h"
#include "resolver/repo_config.h"

namespace smith::resolver {

/// "SMITH_REPO_MY_REPO_USERNAME" for the id "my-repo": upper case, and '_' for what is no letter or digit.
/// `what` is "USERNAME" or "PASSWORD".
[[nodiscard]] std::string credential_variable(std::string_view id, std::string_view what);

/// For each of `repos`: the user and password of its variables, in place of those that it has; and for those that are
/// fetched by http or https, the entries of $NETRC, else of ~/.netrc, for hosts that have no other. Says to `reporter`
/// (debug) where a password comes from, never which. Throws Error: usage, when two repositories share a variable that
/// is set, or a password comes without a user; system, when $NETRC can't be read; format.
void add_credentials(std::vector<RepoConfig>& repos, Reporter& reporter);

/// Those entries of $NETRC, else of ~/.netrc. Throws Error: system, when $NETRC can't be read; format.
[[nodiscard]] std::vector<HttpCredential> netrc_credentials(Reporter& reporter);

}  // namespace smith::resolver
