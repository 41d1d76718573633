// SPDX-License-Identifier: Apache-2.0
#include "ocilayout/json_fields.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace smith::ocilayout {

namespace {

using nlohmann::json;

[[noreturn]] void wrong_type(const char* name, const char* expected, const json& found) {
    throw Error(ErrorKind::format, "field " + quote(name) + " is " + found.type_name() + ", expected " + expected);
}

std::string as_string(const json& value, const char* name) {
    if (!value.is_string()) wrong_type(name, "a string", value);
    return value.get<std::string>();
}

}  // namespace

const json* find_field(const json& object, const char* name) {
    if (!object.is_object()) {
        throw Error(ErrorKind::format, std::string("looking for field ") + quote(name) + " in " + object.type_name() +
                                           ", expected an object");
    }
    const auto it = object.find(name);
    return it == object.end() || it->is_null() ? nullptr : &*it;
}

std::string string_field(const json& object, const char* name) {
    const json* value = find_field(object, name);
    if (value == nullptr) throw Error(ErrorKind::format, std::string("field ") + quote(name) + " is missing");
    return as_string(*value, name);
}

std::string optional_string(const json& object, const char* name) {
    const json* value = find_field(object, name);
    return value == nullptr ? std::string() : as_string(*value, name);
}

std::uint64_t size_field(const json& object, const char* name) {
    const json* value = find_field(object, name);
    if (value == nullptr) throw Error(ErrorKind::format, std::string("field ") + quote(name) + " is missing");
    constexpr auto max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    // The parser makes every integer that is not negative an unsigned one, and what is beyond 2^64 a float.
    if (!value->is_number_unsigned() || value->get<std::uint64_t>() > max) {
        throw Error(ErrorKind::format,
                    std::string("field ") + quote(name) + " is " + value->dump() + ", expected a size in bytes");
    }
    return value->get<std::uint64_t>();
}

std::int64_t optional_integer(const json& object, const char* name) {
    const json* value = find_field(object, name);
    if (value == nullptr) return 0;
    const bool too_large =
        value->is_number_unsigned() &&
        value->get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!value->is_number_integer() || too_large) wrong_type(name, "an integer of 64 bits", *value);
    return value->get<std::int64_t>();
}

std::vector<std::string> string_list(const json& object, const char* name) {
    std::vector<std::string> out;
    const json* value = find_field(object, name);
    if (value == nullptr) return out;
    if (!value->is_array()) wrong_type(name, "a list of strings", *value);
    for (const json& item : *value) out.push_back(as_string(item, name));
    return out;
}

std::map<std::string, std::string> string_map(const json& object, const char* name) {
    std::map<std::string, std::string> out;
    const json* value = find_field(object, name);
    if (value == nullptr) return out;
    if (!value->is_object()) wrong_type(name, "an object of strings", *value);
    for (const auto& [key, item] : value->items()) out.emplace(key, as_string(item, name));
    return out;
}

std::set<std::string> key_set(const json& object, const char* name) {
    std::set<std::string> out;
    const json* value = find_field(object, name);
    if (value == nullptr) return out;
    if (!value->is_object()) wrong_type(name, "an object", *value);
    for (const auto& [key, item] : value->items()) {
        if (!item.is_object() && !item.is_null()) wrong_type(name, "an object of empty objects", item);
        out.insert(key);
    }
    return out;
}

}  // namespace smith::ocilayout
