// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/bounds.h"
#include "base/error.h"

namespace smith {

namespace {

using nlohmann::json;

std::string dump(const json& value, int indent) {
    try {
        return value.dump(indent);
    } catch (const json::exception& e) {
        throw Error(ErrorKind::format, std::string("writing JSON: ") + e.what());
    }
}

}  // namespace

json parse_json(std::string_view text) {
    std::vector<std::set<std::string>> keys;
    const auto callback = [&](int depth, json::parse_event_t event, json& parsed) {
        if (depth > limits::kMaxJsonDepth) {
            throw Error(ErrorKind::format,
                        "JSON is nested deeper than " + std::to_string(limits::kMaxJsonDepth) + " levels");
        }
        switch (event) {
            case json::parse_event_t::object_start: keys.emplace_back(); break;
            case json::parse_event_t::object_end: keys.pop_back(); break;
            case json::parse_event_t::key:
                if (!keys.back().insert(parsed.get_ref<const std::string&>()).second) {
                    throw Error(ErrorKind::format,
                                "JSON has the key " + quote(parsed.get_ref<const std::string&>()) + " twice");
                }
                break;
            default: break;
        }
        return true;
    };
    try {
        return json::parse(text, callback);
    } catch (const json::exception& e) {
        throw Error(ErrorKind::format, "not valid JSON: " + escaped(e.what()));
    }
}

std::string dump_json(const json& value) { return dump(value, -1); }

std::string dump_json_pretty(const json& value) { return dump(value, 2) + "\n"; }

}  // namespace smith
