// SPDX-License-Identifier: Apache-2.0
//
// The digest by which a cache finds what it made of several things: each counts with its length, so that no two lists
// of them have the same bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"

namespace smith {

class KeyHasher {
public:
    void add(std::string_view text) {
        hasher_.update(std::to_string(text.size()) + ":");
        hasher_.update(text);
    }
    void add_list(const std::vector<std::string>& texts) {
        add(std::to_string(texts.size()));
        for (const std::string& text : texts) add(text);
    }
    [[nodiscard]] Digest finish() { return hasher_.finish(); }

private:
    Hasher hasher_;
};

}  // namespace smith
