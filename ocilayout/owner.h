// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace smith::ocilayout {

/// Who owns every file of an image. The default is the user that Oracle's Smith made up for its images.
struct Owner {
    std::uint32_t uid = 10;
    std::uint32_t gid = 10;
    auto operator<=>(const Owner&) const = default;
};

}  // namespace smith::ocilayout
