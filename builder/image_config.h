// SPDX-License-Identifier: Apache-2.0
//
// What an image says about itself: the configuration and the documents attached to it, as they follow from the spec
// and the packages. No time, host or path of the build machine is among the inputs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "builder/accounts.h"
#include "builder/packages.h"
#include "builder/pkgdb/package.h"
#include "builder/spec.h"
#include "ocilayout/image.h"

namespace smith::builder {

/// `arch`: rpm's name. `created`: seconds since 1970, from SOURCE_DATE_EPOCH.
[[nodiscard]] ocilayout::ImageConfig make_image_config(const Spec& spec, const Accounts& accounts,
                                                       const std::string& arch, std::optional<std::int64_t> created);

/// The package list, application/vnd.smith.packages+json: those that `tree` has a file of, with what it takes to find
/// them again, and who signed them.
[[nodiscard]] std::string print_packages(const std::vector<PackageInfo>& packages, const FileTree& tree);
/// The same for packages that an image said are installed in it; as far as the image told.
[[nodiscard]] std::string print_packages(const std::vector<pkgdb::Package>& packages, const FileTree& tree);

}  // namespace smith::builder
