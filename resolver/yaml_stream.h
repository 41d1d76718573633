// SPDX-License-Identifier: Apache-2.0
//
// YAML documents out of a metadata file, one after the other, so that no more than one is held. Through libyaml, which
// libmodulemd reads the same files with. Why not yaml-cpp, which reads specs: docs/decisions/modules.md.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/metadata_stream.h"

namespace smith::resolver {

struct YamlValue {
    enum class Kind { scalar, list, map };
    Kind kind = Kind::scalar;
    std::string text;               ///< of a scalar, whatever type YAML would give it
    std::vector<YamlValue> items;   ///< of a list or, beside `keys`, of a map, in the order of the text
    std::vector<std::string> keys;  ///< of a map

    /// The value of the first `key` of a map; null for none, or when this is not a map.
    [[nodiscard]] const YamlValue* find(std::string_view key) const;
};

class YamlStream {
public:
    /// `text` must outlive it.
    explicit YamlStream(MetadataStream& text);
    YamlStream(const YamlStream&) = delete;
    YamlStream& operator=(const YamlStream&) = delete;
    ~YamlStream();

    /// The next document; nothing at the end. Throws Error (format) for what is not YAML, and for an alias: no metadata
    /// has any, and a few lines of them stand for gigabytes. Also what `text` throws.
    [[nodiscard]] std::optional<YamlValue> next();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace smith::resolver
