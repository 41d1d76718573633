// SPDX-License-Identifier: Apache-2.0
//
// TOML as rpmoci writes it, over toml++: tables whose members are each taken once, and what is left is an unknown key.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace smith::builder {

/// Throws Error (spec): "file:line:column: what is wrong".
[[nodiscard]] toml::table read_toml(std::string_view text, const std::string& file);

/// "file:line:column" of `node`.
[[nodiscard]] std::string place_of(const toml::node& node, const std::string& file);

/// The members of one table. All throw Error (spec) for a value of another type.
class TomlFields {
public:
    /// `table` and `file` must outlive it.
    TomlFields(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

    [[nodiscard]] const toml::node* take(std::string_view key);
    [[nodiscard]] std::optional<std::string> take_text(std::string_view key);
    [[nodiscard]] std::optional<bool> take_bool(std::string_view key);
    [[nodiscard]] std::vector<std::string> take_texts(std::string_view key);
    /// A table of texts, in the order of its keys; numbers and booleans as they are written.
    [[nodiscard]] std::map<std::string, std::string> take_map(std::string_view key);
    [[nodiscard]] const toml::table* take_table(std::string_view key);
    /// Throws Error (spec) naming a member that nobody took.
    void finish() const;

private:
    const toml::table& table_;
    const std::string& file_;
    std::map<std::string, bool, std::less<>> taken_;
};

}  // namespace smith::builder
