// SPDX-License-Identifier: Apache-2.0
#include "builder/toml_reader.h"

#include "base/error.h"

namespace smith::builder {

namespace {

std::string at(const toml::source_position& position, const std::string& file) {
    return file + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
}

[[noreturn]] void refuse(const toml::node& node, const std::string& file, std::string_view key, const char* wanted) {
    throw Error(ErrorKind::spec, place_of(node, file) + ": " + quote(key) + " is not " + wanted);
}

std::string written(const toml::node& node, const std::string& file, std::string_view key) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
    if (const auto* number = node.as_integer()) return std::to_string(number->get());
    refuse(node, file, key, "text");
}

}  // namespace

toml::table read_toml(std::string_view text, const std::string& file) {
    try {
        return toml::parse(text, file);
    } catch (const toml::parse_error& e) {
        throw Error(ErrorKind::spec, at(e.source().begin, file) + ": not valid TOML: " + std::string(e.description()));
    }
}

std::string place_of(const toml::node& node, const std::string& file) { return at(node.source().begin, file); }

const toml::node* TomlFields::take(std::string_view key) {
    taken_.emplace(key, true);
    return table_.get(key);
}

std::optional<std::string> TomlFields::take_text(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* text = node->as_string();
    if (text == nullptr) refuse(*node, file_, key, "text");
    return text->get();
}

std::optional<bool> TomlFields::take_bool(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return std::nullopt;
    const auto* flag = node->as_boolean();
    if (flag == nullptr) refuse(*node, file_, key, "true or false");
    return flag->get();
}

std::vector<std::string> TomlFields::take_texts(std::string_view key) {
    const toml::node* node = take(key);
    std::vector<std::string> out;
    if (node == nullptr) return out;
    const toml::array* list = node->as_array();
    if (list == nullptr) refuse(*node, file_, key, "a list");
    for (const toml::node& item : *list) {
        const auto* text = item.as_string();
        if (text == nullptr) refuse(item, file_, key, "a list of texts");
        out.push_back(text->get());
    }
    return out;
}

std::map<std::string, std::string> TomlFields::take_map(std::string_view key) {
    std::map<std::string, std::string> out;
    const toml::table* table = take_table(key);
    if (table == nullptr) return out;
    for (const auto& [name, value] : *table) {
        out.emplace(std::string(name.str()), written(value, file_, name.str()));
    }
    return out;
}

const toml::table* TomlFields::take_table(std::string_view key) {
    const toml::node* node = take(key);
    if (node == nullptr) return nullptr;
    const toml::table* table = node->as_table();
    if (table == nullptr) refuse(*node, file_, key, "a table");
    return table;
}

void TomlFields::finish() const {
    for (const auto& [key, value] : table_) {
        if (taken_.contains(key.str())) continue;
        throw Error(ErrorKind::spec, place_of(value, file_) + ": unknown key " + quote(key.str()));
    }
}

}  // namespace smith::builder
