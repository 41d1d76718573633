// SPDX-License-Identifier: Apache-2.0
//
// A thin typed layer between a YAML tree and the values of a spec: it collects problems instead of throwing the first,
// and reads a map by a table of its keys.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/reporter.h"
#include "builder/did_you_mean.h"
#include "builder/spec.h"
#include "builder/yaml_reader.h"

namespace smith::builder {

/// What is known, and what was found wrong, while one spec is read.
class SpecReading {
public:
    SpecReading(std::string file, Dialect dialect, Reporter& reporter)
        : file_(std::move(file)), dialect_(dialect), reporter_(reporter) {}

    [[nodiscard]] Dialect dialect() const noexcept { return dialect_; }
    [[nodiscard]] Location at(const YamlNode& node) const { return {file_, node.line, node.column}; }

    /// Something is wrong at `node`. Reading goes on, to find the rest.
    void problem(const YamlNode& node, const std::string& message) { problem(at(node), message); }
    void problem(const Location& where, const std::string& message);
    /// Something that Oracle's Smith let pass: a warning in its dialect, which ends in what is done about it, and a
    /// problem otherwise.
    void tolerated(const YamlNode& node, const std::string& message, std::string_view remedy = "ignoring");

    /// Runs `body`; an Error of it becomes a problem at `node`.
    void guard(const YamlNode& node, const std::function<void()>& body);

    /// Throws Error (spec) when there were problems: all of them, a line each, in the order of the text.
    void finish();

private:
    struct Problem {
        Location at;
        std::string message;
    };
    std::string file_;
    Dialect dialect_;
    Reporter& reporter_;
    std::vector<Problem> problems_;
};

/// The value of one key. Each reader says what is wrong, and then returns something harmless.
struct Field {
    std::string_view key;  ///< "cmd", or "baseurl": what messages call it
    const YamlNode& value;
    SpecReading& in;
    bool is_item = false;  ///< `value` is one of several that `key` has

    [[nodiscard]] Location at() const { return in.at(value); }
    /// "'cmd' <message>", or "an item of 'paths' <message>".
    void problem(const std::string& message) const {
        in.problem(value, (is_item ? "an item of " : "") + quote(key) + " " + message);
    }

    /// Text; a number or a boolean is the text that it was written as. May be empty.
    [[nodiscard]] std::string text() const;
    /// As text(), but not empty.
    [[nodiscard]] std::string word() const;
    [[nodiscard]] Located<std::string> located_word() const { return {word(), at()}; }
    /// true or false; in Oracle's dialect also yes, no, on and off, as in YAML 1.1.
    [[nodiscard]] bool flag() const;
    /// As flag(), and 1 or 0, as in dnf.conf.
    [[nodiscard]] bool dnf_flag() const;
    [[nodiscard]] int integer(int min, int max) const;
    [[nodiscard]] std::chrono::nanoseconds duration() const;
    /// A list of texts, which may be empty.
    [[nodiscard]] std::vector<std::string> texts() const;
    /// A program with its arguments. One text is refused with a word about shells.
    [[nodiscard]] std::vector<std::string> command() const;
    /// A list of words.
    [[nodiscard]] LocatedStrings located_words() const;
    /// A list of words, or some in one text with white space between, as in a .repo file.
    [[nodiscard]] std::vector<std::string> words() const;
    /// An absolute path; nothing where there is something wrong.
    [[nodiscard]] std::optional<ImagePath> path() const;

    /// Calls `visit` with each element of a list.
    void each(const std::function<void(const Field&)>& visit) const;
    /// Calls `visit` with each element of a list, or each key of a map whose values say nothing ({"80/tcp": {}}).
    void each_of_set(const std::function<void(const Field&)>& visit) const;
    [[nodiscard]] bool is_map() const;

private:
    [[nodiscard]] bool is_scalar() const;
};

template <typename T>
struct Key {
    std::string_view name;
    void (*read)(T& out, const Field& field);
};

/// What an unknown key is, next to those that are known.
[[nodiscard]] std::string unknown_key(std::string_view key, std::span<const std::string_view> known);

/// Reads the members of a map by `keys`. `tolerant`: where Oracle's Smith read the same map. In its dialect, a key
/// that isn't known, or has no value (nothing, or ""), is a warning.
template <typename T>
void read_members(const Field& map, std::span<const Key<T>> keys, T& out, bool tolerant = false) {
    if (!map.is_map()) return;
    for (const YamlMember& member : map.value.members) {
        const Key<T>* found = nullptr;
        for (const Key<T>& key : keys) {
            if (key.name == member.key.text) found = &key;
        }
        if (found == nullptr) {
            std::vector<std::string_view> known;
            for (const Key<T>& key : keys) known.push_back(key.name);
            const std::string message = unknown_key(member.key.text, known);
            tolerant ? map.in.tolerated(member.key, message) : map.in.problem(member.key, message);
            continue;
        }
        const bool is_empty = member.value.kind == YamlNode::Kind::scalar && member.value.text.empty();
        if (member.value.kind == YamlNode::Kind::null || (tolerant && is_empty)) {
            const std::string message = quote(found->name) + " has no value";
            tolerant ? map.in.tolerated(member.key, message) : map.in.problem(member.key, message);
            continue;
        }
        found->read(out, Field{found->name, member.value, map.in});
    }
}

}  // namespace smith::builder
