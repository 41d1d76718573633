// SPDX-License-Identifier: Apache-2.0
//
// What a test step expects of a program's output: a piece of text, or `/.../`, a regular expression.
#pragma once

#include <string>
#include <string_view>

namespace smith::builder {

struct OutputMatch {
    std::string text;
    /// `text` is a regular expression of ECMAScript without back-references, to be found anywhere; `^` and `$` are the
    /// start and end of the whole output.
    bool is_regex = false;

    bool operator==(const OutputMatch&) const = default;

    /// From the spelling in a spec: "/.../" is a regular expression, all else is itself. Throws Error (spec) when it is
    /// not a regular expression that matches() can use, or is longer than kMaxRegexBytes.
    [[nodiscard]] static OutputMatch parse(std::string_view spelling);
    /// What parse() made it of.
    [[nodiscard]] std::string spelling() const { return is_regex ? "/" + text + "/" : text; }
};

/// True when `output` has it. Takes time in proportion to `output`, and no stack: an output may be long and hostile.
[[nodiscard]] bool matches(const OutputMatch& match, std::string_view output);

}  // namespace smith::builder
