// SPDX-License-Identifier: Apache-2.0
#include "resolver/lock_requirements.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace smith::resolver {

namespace {

using nlohmann::json;

const json& object(const json& value, const std::string& what) {
    if (!value.is_object()) throw Error(ErrorKind::format, what + " is not an object");
    return value;
}

std::string string(const json& value, const std::string& what) {
    if (!value.is_string()) throw Error(ErrorKind::format, what + " has an entry that is not a string");
    return value.get<std::string>();
}

/// Lines of `"key": opening…closing` from sorted `entries`, which have a key (first) and a text (second) each: what has
/// the same key stands on the same line.
std::string lines_of(const std::vector<std::pair<std::string, std::string>>& entries, char opening, char closing) {
    std::string out = "{";
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const bool goes_on = i > 0 && entries[i].first == entries[i - 1].first;
        if (goes_on) {
            out += ", ";
        } else {
            if (i > 0) (out += closing) += ',';
            (out += "\n    " + dump_json(entries[i].first) + ": ") += opening;
        }
        out += entries[i].second;
    }
    return (out += closing) + "\n  }";
}

}  // namespace

void remember_requirements(const Solution& solution, Lock& lock) {
    lock.asked.clear();
    lock.requirements.clear();
    const auto name = [&](std::size_t package) { return solution.packages[package].nevra.name_arch(); };
    for (const Asked& asked : solution.asked) lock.asked.push_back({asked.request, name(asked.package)});

    // A local .rpm can have any bytes in it, and JSON can't.
    std::map<std::pair<std::string, std::string>, std::string> texts;
    for (const Requirement& requirement : solution.requirements) {
        const std::string text = escaped(requirement.dependency);
        const auto [known, is_new] =
            texts.emplace(std::pair(name(requirement.needer), name(requirement.provider)), text);
        // Shorter is less likely to change: "libc.so.6()(64bit)" outlives "libc.so.6(GLIBC_2.34)(64bit)".
        const auto rank = [](const std::string& of) { return std::pair(of.size(), of); };
        if (!is_new && rank(text) < rank(known->second)) known->second = text;
    }
    for (auto& [ends, text] : texts) lock.requirements.push_back({ends.first, ends.second, std::move(text)});
    std::sort(lock.asked.begin(), lock.asked.end());
    lock.asked.erase(std::unique(lock.asked.begin(), lock.asked.end()), lock.asked.end());
}

std::string print_asked(const std::vector<LockedRequest>& asked) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const LockedRequest& one : asked) entries.emplace_back(one.request, dump_json(one.package));
    return lines_of(entries, '[', ']');
}

std::string print_requirements(const std::vector<LockedRequirement>& requirements) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const LockedRequirement& one : requirements) {
        entries.emplace_back(one.needer, dump_json(one.provider) + ": " + dump_json(one.dependency));
    }
    return lines_of(entries, '{', '}');
}

std::vector<LockedRequest> parse_asked(const json& value) {
    std::vector<LockedRequest> out;
    for (const auto& [request, packages] : object(value, "'asked'").items()) {
        if (!packages.is_array()) throw Error(ErrorKind::format, "'asked' has no list for " + quote(request));
        for (const json& package : packages) out.push_back({request, string(package, "'asked'")});
    }
    return out;
}

std::vector<LockedRequirement> parse_requirements(const json& value) {
    std::vector<LockedRequirement> out;
    for (const auto& [needer, providers] : object(value, "'requires'").items()) {
        for (const auto& [provider, dependency] : object(providers, "'requires' of " + quote(needer)).items()) {
            out.push_back({needer, provider, string(dependency, "'requires'")});
        }
    }
    return out;
}

}  // namespace smith::resolver
