// SPDX-License-Identifier: Apache-2.0
#include "runtime/mountinfo.h"

#include <algorithm>

#include "base/bounds.h"
#include "base/fd.h"
#include "base/split.h"

namespace smith::runtime {

namespace {

/// A field of mountinfo: space, tab, newline and backslash are "\040" and so on.
std::string unescape(std::string_view field) {
    std::string out;
    for (std::size_t i = 0; i < field.size(); ++i) {
        const auto octal = [&](std::size_t at) { return field[at] >= '0' && field[at] <= '7'; };
        if (field[i] == '\\' && i + 3 < field.size() && octal(i + 1) && octal(i + 2) && octal(i + 3)) {
            out += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0'));
            i += 3;
        } else {
            out += field[i];
        }
    }
    return out;
}

}  // namespace

// 36 35 0:30 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory
std::vector<MountInfo> parse_mountinfo(std::string_view text) {
    std::vector<MountInfo> out;
    for (const std::string_view line : split(text, '\n')) {
        const std::vector<std::string_view> fields = split(line, ' ');
        const auto dash = std::find(fields.begin(), fields.end(), "-");
        if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
        out.push_back({unescape(fields[3]), unescape(fields[4]), std::string(*(dash + 1)), std::string(*(dash + 3))});
    }
    return out;
}

std::vector<MountInfo> read_mountinfo() {
    return parse_mountinfo(read_file("/proc/self/mountinfo", limits::kMaxMountinfoBytes));
}

}  // namespace smith::runtime
