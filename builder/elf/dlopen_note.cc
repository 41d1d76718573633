// SPDX-License-Identifier: Apache-2.0
#include "builder/elf/dlopen_note.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json.h"

namespace smith::elf {

namespace {

// systemd, the largest user, has some 40 notes of one entry each.
constexpr std::size_t kMaxSonames = 1000;

[[noreturn]] void reject(const std::string& why) { throw Error(ErrorKind::format, "dlopen note " + why); }

DlopenPriority parse_priority(const nlohmann::json& entry) {
    const auto it = entry.find("priority");
    if (it == entry.end()) return DlopenPriority::recommended;
    if (*it == "required") return DlopenPriority::required;
    if (*it == "recommended") return DlopenPriority::recommended;
    if (*it == "suggested") return DlopenPriority::suggested;
    reject("has an unknown priority");
}

DlopenNote parse_entry(const nlohmann::json& entry) {
    if (!entry.is_object()) reject("holds something that is not an object");
    const auto sonames = entry.find("soname");
    if (sonames == entry.end() || !sonames->is_array()) reject("has no list 'soname'");
    if (sonames->size() > kMaxSonames) reject("has more than " + std::to_string(kMaxSonames) + " sonames");

    DlopenNote note;
    note.priority = parse_priority(entry);
    for (const nlohmann::json& soname : *sonames) {
        const auto* text = soname.get_ptr<const std::string*>();
        if (text == nullptr || text->empty() || text->find('\0') != std::string::npos) {
            reject("has a soname that is no name");
        }
        note.sonames.push_back(*text);
    }
    if (const auto it = entry.find("feature"); it != entry.end() && it->is_string())
        note.feature = it->get<std::string>();
    return note;
}

}  // namespace

std::vector<DlopenNote> parse_dlopen_note(std::string_view json) {
    const nlohmann::json document = parse_json(json);
    if (!document.is_array()) reject("is not a list");
    std::vector<DlopenNote> out;
    for (const nlohmann::json& entry : document) out.push_back(parse_entry(entry));
    return out;
}

}  // namespace smith::elf
