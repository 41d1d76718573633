// SPDX-License-Identifier: Apache-2.0
#include "resolver/modules.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "resolver/yaml_stream.h"

namespace smith::resolver {

namespace {

using Kind = YamlValue::Kind;

Error wrong(std::string message) { return {ErrorKind::format, std::move(message)}; }

const YamlValue* member(const YamlValue& map, std::string_view key, Kind kind) {
    const YamlValue* value = map.find(key);
    // "key:" with nothing behind it is a null, which is as good as no key.
    if (value == nullptr || (value->kind == Kind::scalar && value->text.empty() && kind != Kind::scalar))
        return nullptr;
    if (value->kind == kind) return value;
    throw wrong(quote(key) + " is not " + (kind == Kind::map ? "a map" : kind == Kind::list ? "a list" : "a text"));
}

std::string text_or(const YamlValue& map, std::string_view key, std::string fallback = {}) {
    const YamlValue* value = member(map, key, Kind::scalar);
    return value == nullptr ? std::move(fallback) : value->text;
}

std::string text_of(const YamlValue& map, std::string_view key) {
    std::string out = text_or(map, key);
    if (out.empty()) throw wrong("it has no " + quote(key));
    return out;
}

std::uint64_t number_or(const YamlValue& map, std::string_view key, std::uint64_t fallback) {
    const YamlValue* value = member(map, key, Kind::scalar);
    if (value == nullptr) return fallback;
    std::uint64_t out = 0;
    const char* end = value->text.data() + value->text.size();
    const auto [at, failed] = std::from_chars(value->text.data(), end, out);
    if (failed != std::errc() || at != end) throw wrong(quote(key) + " is not a number: " + quote(value->text));
    return out;
}

const std::string& as_text(const YamlValue& value, std::string_view where) {
    if (value.kind != Kind::scalar) throw wrong(quote(where) + " has an entry that is not a text");
    return value.text;
}

std::vector<std::string> texts_of(const YamlValue& map, std::string_view key) {
    std::vector<std::string> out;
    const YamlValue* list = member(map, key, Kind::list);
    if (list == nullptr) return out;
    for (const YamlValue& item : list->items) out.push_back(as_text(item, key));
    return out;
}

/// `key` of the map `outer` of `map`: most lists of packages stand as "rpms" in something.
std::vector<std::string> texts_in(const YamlValue& map, std::string_view outer, std::string_view key) {
    const YamlValue* inner = member(map, outer, Kind::map);
    return inner == nullptr ? std::vector<std::string>{} : texts_of(*inner, key);
}

/// Version 1 has one stream for each module, version 2 a list.
void add_requirements(const YamlValue& dependencies, ModuleStream& out) {
    const YamlValue* needs = member(dependencies, "requires", Kind::map);
    if (needs == nullptr) return;
    for (std::size_t i = 0; i < needs->keys.size(); ++i) {
        const std::string& module = needs->keys[i];
        const YamlValue& streams = needs->items[i];
        ModuleRequirement requirement{module, {}};
        if (streams.kind == Kind::list) {
            requirement.streams = texts_of(*needs, module);
        } else if (const std::string& stream = as_text(streams, module); !stream.empty()) {
            requirement.streams.push_back(stream);
        }
        out.requirements.push_back(std::move(requirement));
    }
}

ModuleStream read_stream(const YamlValue& data) {
    ModuleStream out;
    out.name = text_of(data, "name");
    out.stream = text_of(data, "stream");
    out.version = number_or(data, "version", 0);
    out.context = text_or(data, "context");
    out.has_static_context = text_or(data, "static_context") == "true";
    out.arch = text_or(data, "arch", "noarch");
    out.artifacts = texts_in(data, "artifacts", "rpms");
    for (std::string& name : texts_in(data, "demodularized", "rpms")) out.demodularized.insert(std::move(name));
    if (const YamlValue* all = data.find("dependencies")) {
        if (all->kind == Kind::map) {
            add_requirements(*all, out);
        } else {
            for (const YamlValue& one : all->items) {
                if (one.kind != Kind::map) throw wrong("'dependencies' has an entry that is not a map");
                add_requirements(one, out);
            }
        }
    }
    if (const YamlValue* profiles = member(data, "profiles", Kind::map)) {
        for (std::size_t i = 0; i < profiles->keys.size(); ++i) {
            out.profiles.push_back({profiles->keys[i], texts_of(profiles->items[i], "rpms")});
        }
    }
    return out;
}

/// As libmodulemd merges what repositories of one priority say: the document that was modified last decides, and two
/// that were modified at one time and contradict each other cancel out.
void add_defaults(const YamlValue& data, Modules& modules) {
    ModuleDefaults from;
    from.stream = text_or(data, "stream");
    from.modified = number_or(data, "modified", 0);
    if (const YamlValue* profiles = member(data, "profiles", Kind::map)) {
        for (const std::string& stream : profiles->keys) {
            for (std::string& name : texts_of(*profiles, stream)) from.profiles[stream].insert(std::move(name));
        }
    }
    const auto [it, is_new] = modules.defaults.try_emplace(text_of(data, "module"), from);
    if (is_new) return;
    ModuleDefaults& into = it->second;
    const bool is_newer = from.modified > into.modified;
    if (!into.is_contested && !from.stream.empty() && from.stream != into.stream) {
        if (into.stream.empty() || is_newer) {
            into.stream = from.stream;
        } else {
            into.is_contested = from.modified == into.modified;
        }
    }
    for (auto& [stream, names] : from.profiles) {
        if (is_newer || !into.profiles.contains(stream)) into.profiles[stream] = std::move(names);
    }
    into.modified = std::max(into.modified, from.modified);
}

void add_document(const YamlValue& document, Modules& modules) {
    if (document.kind != Kind::map) throw wrong("it is not a map");
    const std::string kind = text_of(document, "document");
    const std::uint64_t version = number_or(document, "version", 0);
    const bool is_stream = kind == "modulemd" && (version == 1 || version == 2);
    const bool is_defaults = kind == "modulemd-defaults" && version == 1;
    if (!is_stream && !is_defaults) return;
    const YamlValue* data = member(document, "data", Kind::map);
    if (data == nullptr) throw wrong("it has no 'data'");
    if (is_defaults) {
        add_defaults(*data, modules);
    } else {
        modules.streams.push_back(read_stream(*data));
    }
}

}  // namespace

std::set<std::string> Modules::streams_of(std::string_view module) const {
    std::set<std::string> out;
    for (const ModuleStream& one : streams) {
        if (one.name == module) out.insert(one.stream);
    }
    return out;
}

std::string Modules::default_stream(const std::string& module) const {
    const auto found = defaults.find(module);
    return found == defaults.end() || found->second.is_contested ? std::string() : found->second.stream;
}

void read_modules(MetadataStream& stream, Modules& modules) {
    YamlStream documents(stream);
    for (std::size_t number = 1; const std::optional<YamlValue> document = documents.next(); ++number) {
        while_doing([&] { return "document " + std::to_string(number); }, [&] { add_document(*document, modules); });
    }
    stream.finish();
}

}  // namespace smith::resolver
