// SPDX-License-Identifier: Apache-2.0
//
// What nearly every file includes, parsed once a library instead of once a file. meson.build names it as `pch`; no file
// includes it, and each still includes what it uses: the build by gcc is without.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
