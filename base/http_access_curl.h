// SPDX-License-Identifier: Apache-2.0
//
// HttpAccess in terms of libcurl. Internal to base/http.
#pragma once

#include <curl/curl.h>

#include <string>

#include "base/http_access.h"

namespace smith {

/// Sets what `access` says, and nothing where it says nothing. `url` is the one that `easy` will ask for.
/// Throws Error (system), when libcurl cannot do what is asked for.
void apply_access(CURL* easy, const HttpAccess& access, const std::string& url);

}  // namespace smith
