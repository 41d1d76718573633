// SPDX-License-Identifier: Apache-2.0
//
// YAML text -> a plain tree that remembers where everything stands: the one door for YAML, and the one file behind
// which yaml-cpp is. What YAML lets pass and a spec must not hold ends here: a key that occurs twice, aliases that
// multiply, tags, several documents, bytes that are not UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "builder/spec.h"

namespace smith::builder {

// The deepest place of a spec is 6 levels down (test: - ready: {tcp: ...}).
inline constexpr std::size_t kMaxYamlDepth = 32;
// Each copy that an alias makes counts anew, so that a "billion laughs" ends here. The largest spec known, of an Oracle
// Java runtime, has 300.
inline constexpr std::size_t kMaxYamlNodes = 20'000;
// Kubernetes allows 317 bytes for the key of a label. YAML itself stops at 1024 characters, escapes included.
inline constexpr std::size_t kMaxYamlKeyBytes = 400;

struct YamlMember;

struct YamlNode {
    enum class Kind { null, scalar, list, map };

    Kind kind = Kind::null;
    /// Of a scalar, as written: YAML's opinion whether it is a number or a boolean is not asked.
    std::string text;
    /// A scalar in quotes, or a block: text, whatever it looks like.
    bool quoted = false;
    unsigned line = 0;  ///< from 1
    unsigned column = 0;
    std::vector<YamlNode> items;      ///< of a list
    std::vector<YamlMember> members;  ///< of a map, in the order of the text

    /// The value of member `key`, or null.
    [[nodiscard]] const YamlNode* find(std::string_view key) const;
    /// "a list", "a map", "text", "nothing": for messages.
    [[nodiscard]] std::string_view kind_name() const;
};

struct YamlMember {
    YamlNode key;
    YamlNode value;
};

/// Reads the one document in `text`. Keys of maps are scalars, no key occurs twice, and merge keys ("<<") are done.
/// Throws Error (spec): "file:line:column: <what is wrong>".
[[nodiscard]] YamlNode read_yaml(std::string_view text, const std::string& file, std::size_t max_nodes = kMaxYamlNodes);

}  // namespace smith::builder
