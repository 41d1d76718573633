// SPDX-License-Identifier: Apache-2.0
//
// The `hooks` object of config.json (runtime-spec config.md, "POSIX-platform Hooks").
#include "runtime/config_parts.h"

namespace smith::runtime {

namespace {

// A day. What poll(2) is given is an int of milliseconds.
constexpr std::int64_t kLongestTimeout = 24 * 60 * 60;

Hook parse_hook(const JsonView& entry) {
    Hook hook;
    hook.path = entry["path"].string();
    if (!hook.path.starts_with('/')) entry["path"].fail("is not an absolute path");
    hook.args = entry["args"].strings();
    if (hook.args.empty()) hook.args = {hook.path};
    hook.env = entry["env"].strings();
    if (entry["timeout"].present()) {
        hook.timeout_ms = static_cast<int>(entry["timeout"].integer(1, kLongestTimeout)) * 1000;
    }
    return hook;
}

std::vector<Hook> parse_list(const JsonView& entries) {
    std::vector<Hook> out;
    for (const JsonView& entry : entries.elements()) out.push_back(parse_hook(entry));
    return out;
}

}  // namespace

Hooks parse_hooks(const JsonView& hooks) {
    Hooks out;
    out.prestart = parse_list(hooks["prestart"]);
    out.create_runtime = parse_list(hooks["createRuntime"]);
    out.create_container = parse_list(hooks["createContainer"]);
    out.start_container = parse_list(hooks["startContainer"]);
    out.poststart = parse_list(hooks["poststart"]);
    out.poststop = parse_list(hooks["poststop"]);
    return out;
}

}  // namespace smith::runtime
