// SPDX-License-Identifier: Apache-2.0
#include "builder/output_match.h"

#include <regex>

#include "base/error.h"

namespace smith::builder {

namespace {

// A pattern is written by hand; libstdc++ compiles by recursion, so a longer one could exhaust the stack.
constexpr std::size_t kMaxRegexBytes = 1000;

// libstdc++'s own texts speak of its macros.
std::string_view what_is_wrong(std::regex_constants::error_type code) {
    switch (code) {
        case std::regex_constants::error_badrepeat:
        case std::regex_constants::error_paren: return "a '(' or ')' stands alone, or there is nothing to repeat";
        case std::regex_constants::error_brack: return "a '[' or ']' stands alone";
        case std::regex_constants::error_brace:
        case std::regex_constants::error_badbrace: return "what is in braces is no number of times";
        case std::regex_constants::error_range: return "a range in brackets runs backwards";
        case std::regex_constants::error_escape: return "nothing is written with that '\\'";
        case std::regex_constants::error_ctype: return "there is no such class of characters";
        case std::regex_constants::error_backref:
        case std::regex_constants::error_complexity: return "a reference to what was found before can't be used";
        case std::regex_constants::error_space:
        case std::regex_constants::error_stack: return "it repeats too much";
        default: return "it can't be understood";
    }
}

std::regex compile(const std::string& pattern) {
    // __polynomial is libstdc++'s engine that walks all states at once: no back-references, but no recursion along the
    // text either. The default engine overflows the stack on a long line.
    return std::regex(
        pattern, std::regex_constants::ECMAScript | std::regex_constants::nosubs | std::regex_constants::__polynomial);
}

/// regex_search would begin anew at each byte, which takes the square of the output's length. What may come before is
/// made a part of the pattern instead, and one walk will do. (`^` still is the start of the output.)
std::regex compile_search(const std::string& pattern) { return compile("[^]*?(?:" + pattern + ")"); }

}  // namespace

OutputMatch OutputMatch::parse(std::string_view spelling) {
    if (spelling.size() < 3 || !spelling.starts_with('/') || !spelling.ends_with('/')) {
        return {std::string(spelling), false};
    }
    OutputMatch out{std::string(spelling.substr(1, spelling.size() - 2)), true};
    if (out.text.size() > kMaxRegexBytes) {
        throw Error(ErrorKind::spec, "a regular expression of more than " + std::to_string(kMaxRegexBytes) + " bytes");
    }
    try {
        // By itself too: "a)(b" must not become right by what is put around it.
        static_cast<void>(compile(out.text));
        static_cast<void>(compile_search(out.text));
    } catch (const std::regex_error& e) {
        throw Error(ErrorKind::spec,
                    quote(spelling) + " is not a regular expression: " + std::string(what_is_wrong(e.code())));
    }
    return out;
}

bool matches(const OutputMatch& match, std::string_view output) {
    if (!match.is_regex) return output.find(match.text) != std::string_view::npos;
    try {
        return std::regex_search(output.begin(), output.end(), compile_search(match.text),
                                 std::regex_constants::match_continuous);
    } catch (const std::regex_error& e) {
        throw Error(ErrorKind::spec,
                    quote(match.spelling()) + " can't be used: " + std::string(what_is_wrong(e.code())));
    }
}

}  // namespace smith::builder
