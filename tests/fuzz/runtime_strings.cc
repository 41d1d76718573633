// SPDX-License-Identifier: Apache-2.0
//
// The small languages in config.json: mount options, lists of processors, names of cgroups, resources and what becomes
// of them in the files of both versions of cgroups, and seccomp filters. The first byte says which.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "runtime/config.h"
#include "runtime/mount_options.h"
#include "runtime/scheduling.h"
#include "runtime/seccomp.h"

namespace {

using namespace smith;
using namespace smith::runtime;

void try_mount_options(std::string_view text) {
    std::vector<std::string> options;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        options.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    const MountOptions decoded = decode_mount_options(options);
    // No attribute is both wanted and unwanted: the last word counts. But for the three kinds of atime, one field of
    // which mount_setattr(2) wants all bits cleared by whoever sets one (MOUNT_ATTR__ATIME).
    constexpr std::uint64_t atime = 0x70;
    const std::uint64_t both = (decoded.set & decoded.clear) | (decoded.recursive_set & decoded.recursive_clear);
    if ((both & ~atime) != 0) __builtin_trap();
}

void try_resources(std::string_view text) {
    const Resources resources = parse_resources(text);
    for (const auto writes : {writes_for_v1, writes_for_v2}) {
        for (const CgroupWrite& write : writes(resources)) {
            // Each is a file in the directory, and a line.
            if (write.file.empty() || write.file.find('/') != std::string::npos) __builtin_trap();
            if (write.value.find('\n') != std::string::npos) __builtin_trap();
        }
    }
}

void try_list(std::string_view text) {
    const auto bits = bits_of_list(std::string(text));
    if (bits && bits->size() > 64) __builtin_trap();
}

/// "ACTION OPERATOR INDEX VALUE NAME", of which libseccomp is to make a filter.
void try_filter(std::string_view text) {
    SeccompConfig config{"SCMP_ACT_ALLOW", {}, {}, {}, {}};
    SeccompRule rule;
    SeccompArgument argument;
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= text.size() && words.size() < 8;) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    words.resize(8);
    rule.action = words[0];
    argument.op = words[1];
    argument.index = static_cast<unsigned>(words[2].size());
    argument.value = words[3].empty() ? 0 : static_cast<unsigned char>(words[3][0]) * 0x0101010101010101U;
    rule.names = {words[4].empty() ? "read" : words[4]};
    if (!argument.op.empty()) rule.args = {argument};
    if (!words[5].empty()) config.architectures = {words[5]};
    if (!words[6].empty()) config.flags = {words[6]};
    config.listener_path = words[7];
    config.rules = {rule};
    const SeccompProgram program = compile_seccomp(config);
    if (program.instructions.empty() || program.instructions.size() % 8 != 0) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    try {
        switch (data[0] % 4) {
            case 0: try_mount_options(text); break;
            case 1: try_resources(text); break;
            case 2: try_list(text); break;
            default: try_filter(text); break;
        }
    } catch (const smith::Error&) {
    }
    return 0;
}
