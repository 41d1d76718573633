// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ocilayout/copy_image.h"
#include "tools/smith/context.h"

namespace smith::cli {

/// What a copy has come to: the digest on standard output, or a document with --json; the rest as messages.
void report_copy(const ocilayout::CopyResult& result, const std::string& destination, Context& context);

}  // namespace smith::cli
