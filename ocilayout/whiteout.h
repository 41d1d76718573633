// SPDX-License-Identifier: Apache-2.0
//
// Names in a layer that stand for what is not there any more (image-spec layer.md, "Whiteouts").
#pragma once

#include <string_view>

namespace smith::ocilayout {

inline constexpr std::string_view kWhiteout = ".wh.";
inline constexpr std::string_view kOpaque = ".wh..wh..opq";
// aufs kept its own files in layers (.wh..wh.plnk, .wh..wh.aufs), and docker of old packed them.
inline constexpr std::string_view kAufsPrefix = ".wh..wh.";

}  // namespace smith::ocilayout
