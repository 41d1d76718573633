// SPDX-License-Identifier: Apache-2.0
//
// What railcar reads back or is told in a word: state.json, users, signals, container ids, /proc/PID/stat. The first
// byte says which.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/bundle.h"
#include "runtime/process_identity.h"
#include "runtime/signal_name.h"
#include "runtime/state.h"
#include "runtime/user_string.h"

namespace {

using namespace smith;
using namespace smith::runtime;

void try_state(std::string_view text) {
    const ContainerState state = parse_state(text);
    // What was read can be written, and read again as the same.
    const std::string written = write_state(state);
    if (write_state(parse_state(written)) != written) __builtin_trap();
}

void try_user(std::string_view text) {
    const UserIds ids = parse_user_ids(text);
    std::string again = std::to_string(ids.uid) + (ids.gid ? ":" + std::to_string(*ids.gid) : "");
    // Leading zeros are all that may differ.
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool first = i == 0 || text[i - 1] == ':';
        const bool last = i + 1 == text.size() || text[i + 1] == ':';
        if (text[i] == '0' && !last && (first || plain.empty() || plain.back() == ':')) continue;
        plain += text[i];
    }
    if (plain != again) __builtin_trap();
}

void try_id(std::string_view text) {
    check_container_id(text);
    if (text.find('/') != std::string_view::npos || text == "." || text == ".." || text.empty()) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    try {
        switch (data[0] % 5) {
            case 0: try_state(text); break;
            case 1: try_user(text); break;
            case 2: try_id(text); break;
            case 3: static_cast<void>(parse_signal(text)); break;
            default: static_cast<void>(parse_start_time(text)); break;
        }
    } catch (const smith::Error&) {
    }
    return 0;
}
