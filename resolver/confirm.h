// SPDX-License-Identifier: Apache-2.0
//
// Metadata is what somebody says about packages; a header is what the package says, under its signature. Packages are
// chosen by the first and shipped by the second, so the two are held against each other before anything is built.
#pragma once

#include <string>
#include <vector>

#include "base/http.h"
#include "base/reporter.h"
#include "resolver/fetch.h"

namespace smith::resolver {

/// Solves `requests` (as in Request::packages) on `arch` once more, from the headers of `packages` alone, whose
/// signatures were checked by whoever calls. Throws Error (integrity) when they do not bear out what they were chosen
/// for: a request that none of them answers, a requirement that metadata hid, something provided that is not, a
/// conflict. What metadata can still do is to withhold a package, or a newer one.
void confirm_packages(const std::vector<std::string>& requests, const std::string& arch,
                      const std::vector<LocalPackage>& packages, HttpClient& http, Reporter& reporter);

}  // namespace smith::resolver
