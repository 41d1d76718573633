// SPDX-License-Identifier: Apache-2.0
//
// The command line, in the form that runc has it: "--name VALUE", "--name=VALUE", "-n VALUE"; a switch may be told
// "=true" or "=false". (Not CLI11: its tables cost a third of the time in which a container is started.)
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smith::railcar {

using Words = std::vector<std::string>;

struct Option {
    const char* name;  ///< "bundle"
    char letter;       ///< 'b'; 0: none
    /// Exactly one of these. A switch is told whether it is on.
    std::function<void(const std::string&)> value;
    std::function<void(bool)> flag;
};

[[nodiscard]] Option option(const char* name, char letter, std::string& target);
[[nodiscard]] Option option(const char* name, char letter, Words& target);
[[nodiscard]] Option option(const char* name, char letter, std::filesystem::path& target);
[[nodiscard]] Option option(const char* name, char letter, unsigned& target);
[[nodiscard]] Option flag(const char* name, char letter, bool& target);

/// Takes the options out of `words`, and returns the rest. With `stop_at_operand` what follows the first word that is
/// no option is not looked at: it is another command's. "--" ends the options in any case. Throws Error (usage).
[[nodiscard]] Words parse_options(const Words& words, const std::vector<Option>& options, bool stop_at_operand = false);

/// A number in digits. Throws Error (usage), saying what it is for.
[[nodiscard]] std::uint64_t parse_number(std::string_view text, std::string_view what, std::uint64_t most);

[[noreturn]] void usage(const std::string& problem);

}  // namespace smith::railcar
