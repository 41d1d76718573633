// SPDX-License-Identifier: Apache-2.0
//
// Standard output: the result, all of it or an error. What is lost there (a full disk, a closed descriptor) is told, as
// a script would otherwise go on with half a result.
#pragma once

#include <exception>
#include <string_view>

namespace smith::cli {

/// Whoever read our standard output has gone. Ends smith the way SIGPIPE ends other programs: without a word.
class OutputClosed : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return "standard output is closed"; }
};

[[nodiscard]] bool stdout_is_terminal();

/// Throws OutputClosed; Error (system).
void write_stdout(std::string_view bytes);
/// Call last: some file systems tell only now that there was no room. Throws Error (system).
void close_stdout();

/// Ends the process by SIGPIPE.
[[noreturn]] void die_of_sigpipe();

}  // namespace smith::cli
