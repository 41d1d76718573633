// SPDX-License-Identifier: Apache-2.0
//
// config.json documents for tests: a small one that is right, and ways to make it wrong.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "runtime/config.h"

namespace smith::runtime {

inline nlohmann::json small_document() {
    return nlohmann::json::parse(R"({
        "ociVersion": "1.0.2",
        "process": {"user": {"uid": 10, "gid": 10}, "args": ["/bin/true"], "cwd": "/"},
        "root": {"path": "rootfs"},
        "linux": {
            "namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "user"}, {"type": "uts"}],
            "uidMappings": [{"containerID": 0, "hostID": 1000, "size": 100}],
            "gidMappings": [{"containerID": 0, "hostID": 2000, "size": 100}]
        }
    })");
}

/// The small document with `value` at `pointer` ("/process/cwd"; "/mounts/-" appends).
inline nlohmann::json with(const char* pointer, nlohmann::json value) {
    nlohmann::json document = small_document();
    document[nlohmann::json::json_pointer(pointer)] = std::move(value);
    return document;
}

/// What the parser says against it; "" when it is taken.
inline std::string complaint(const nlohmann::json& document) {
    try {
        static_cast<void>(parse_config(document.dump()));
        return "";
    } catch (const Error& e) {
        return e.message();
    }
}

}  // namespace smith::runtime
