// SPDX-License-Identifier: Apache-2.0
//
// As much of Python's lexical structure as it takes to find assignments of string literals in a program, without
// running it: lines, brackets, comments, strings (The Python Language Reference, "Lexical analysis").
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smith::resolver {

struct PythonToken {
    enum class Kind { word, string, symbol };
    Kind kind = Kind::symbol;
    std::string text;  ///< of a string, its value
    int line = 0;      ///< where it begins; of a string, where its text begins
    /// Of a string: a prefix (f, b) or an escape (\N{...}) that makes another value of it than `text` says.
    bool is_other = false;
};

/// A logical line: brackets and strings may span several.
struct PythonStatement {
    std::vector<PythonToken> tokens;
    bool indented = false;  ///< part of an if, for, def ...
};

/// Throws Error (spec) with file and line, for a string or a bracket that does not end.
[[nodiscard]] std::vector<PythonStatement> parse_python(std::string_view text, const std::string& file);

}  // namespace smith::resolver
